#!/usr/bin/env python3
"""Feeding training, side by side: pilum and the reference libraries.

    .venv/bin/python bench/peers/training.py --peer-python build/reference/bin/python

Both interpreters need torch, pandas and polars. Every measurement is a fresh process; a round
measures every library once in every case, in an order that turns around each time; the table shows
medians over the rounds. `pilum` runs with the settings that it has by default, `pilum-cache` with a
block cache that holds all that is read (256 MiB). "first" is the mean of the first batches, before
any block is kept; the page cache is warm. Data is that of read.py.
"""

import argparse
import os
import statistics

from training_worker import CASES, PILUM_ONLY

from side_by_side import HERE, add_options, in_rounds, make_once, run, speeds, write_json

WORKER = HERE / "training_worker.py"
CACHE = {"PILUM_BLOCK_CACHE_BYTES": str(256 << 20)}
LIBRARIES = ["pilum", "pilum-cache", "peer"]


def measure(options: argparse.Namespace) -> list[dict]:
    def once(library: str, case: str, _round: int) -> dict:
        python = options.peer_python if library == "peer" else options.python
        for name, value in CACHE.items():
            os.environ.pop(name, None)
            if library == "pilum-cache":
                os.environ[name] = value
        return {"library": library, **run(python, WORKER, library, case, options.data)}

    cases = {
        case: [name for name in LIBRARIES if not (name == "peer" and case in PILUM_ONLY)]
        for case in options.cases
    }
    return in_rounds(options.rounds, cases, once)


def summary(results: list[dict]) -> list[dict]:
    rows = []
    for case in dict.fromkeys(result["case"] for result in results):
        for library in dict.fromkeys(r["library"] for r in results if r["case"] == case):
            own = [r for r in results if (r["case"], r["library"]) == (case, library)]
            row = {"case": case, "library": library, "rows": own[0]["rows"]}
            for key in ("s", "first_s", "memory_mb"):
                row[key] = statistics.median(r[key] for r in own)
            for key, name in (("s", "speed"), ("first_s", "first_speed")):
                ratios = speeds(results, case, library, "peer", key)
                if ratios and library != "peer":
                    row[name] = statistics.median(ratios)
                    row[f"{name}_range"] = [min(ratios), max(ratios)]
            rows.append(row)
    return rows


def print_table(rows: list[dict]) -> None:
    print(
        f"{'case':<20} {'library':<12} {'per call':>11} {'rows/s':>12} {'first':>11} "
        f"{'memory':>9}  x peer (range)      x peer, first"
    )
    for row in rows:
        ratios = ""
        if "speed" in row:
            low, high = row["speed_range"]
            ratios = f"{row['speed']:.1f} ({low:.1f}..{high:.1f})"
            ratios = f"{ratios:<20}{row['first_speed']:.1f}"
        print(
            f"{row['case']:<20} {row['library']:<12} {row['s'] * 1e3:>8.2f} ms "
            f"{row['rows'] / row['s']:>12,.0f} {row['first_s'] * 1e3:>8.2f} ms "
            f"{row['memory_mb']:>6.0f} MB  {ratios}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_options(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=CASES, choices=CASES)
    options = parser.parse_args()

    make_once(options.data, options.scale, options.peer_python, HERE / "worker.py")
    results = measure(options)
    rows = summary(results)
    print_table(rows)
    write_json(options.json, options.scale, summary=rows, measurements=results)


if __name__ == "__main__":
    main()
