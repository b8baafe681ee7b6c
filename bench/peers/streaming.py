#!/usr/bin/env python3
"""Streams of samples, side by side: pilum and LanceDB.

    .venv/bin/python bench/peers/streaming.py --peer-python build/reference/bin/python

Both interpreters need torch. Every measurement is a fresh process, which makes a shuffled stream
and takes samples from it, dicts, for 8 s or to the end of the epoch; the table shows medians over
the rounds. pilum and `lancedb` run at their defaults, `lancedb-best` reads 1,024 rows at a time, 8
times ahead. "first" is from making the stream to its first sample. The page cache is warm; memory
is the peak beyond that of the open table. Data is that of read.py, its first million rows for
`rows`.
"""

import argparse
import statistics

from streaming_worker import CASES

from side_by_side import HERE, add_options, in_rounds, make_once, run, speeds, write_json

WORKER = HERE / "streaming_worker.py"
LIBRARIES = ["pilum", "lancedb", "lancedb-best"]


def measure(options: argparse.Namespace) -> list[dict]:
    def once(library: str, case: str, _round: int) -> dict:
        python = options.python if library == "pilum" else options.peer_python
        return run(python, WORKER, library, case, options.data)

    return in_rounds(options.rounds, dict.fromkeys(options.cases, LIBRARIES), once)


def summary(results: list[dict]) -> list[dict]:
    rows = []
    for case in dict.fromkeys(result["case"] for result in results):
        for library in LIBRARIES:
            own = [r for r in results if (r["case"], r["library"]) == (case, library)]
            row = {"case": case, "library": library}
            for key in ("s", "first_s", "memory_mb"):
                row[key] = statistics.median(r[key] for r in own)
            if library != "pilum":
                ratios = speeds(results, case, "pilum", library, "s")
                row["pilum_is"] = statistics.median(ratios)
                row["range"] = [min(ratios), max(ratios)]
            rows.append(row)
    return rows


def print_table(rows: list[dict]) -> None:
    print(f"{'case':<16} {'library':<13} {'samples/s':>12} {'first':>10} {'memory':>9}  pilum is")
    for row in rows:
        ratios = ""
        if "pilum_is" in row:
            low, high = row["range"]
            ratios = f"{row['pilum_is']:.1f} x ({low:.1f}..{high:.1f})"
        print(
            f"{row['case']:<16} {row['library']:<13} {1 / row['s']:>12,.0f} "
            f"{row['first_s'] * 1e3:>7.1f} ms {row['memory_mb']:>6.0f} MB  {ratios}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_options(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    options = parser.parse_args()

    make_once(options.data, options.scale, options.peer_python, HERE / "worker.py")
    if not (options.data / "num1m.lance").exists():
        run(options.peer_python, WORKER, "make", options.data)
    results = measure(options)
    rows = summary(results)
    print_table(rows)
    write_json(options.json, options.scale, summary=rows, measurements=results)


if __name__ == "__main__":
    main()
