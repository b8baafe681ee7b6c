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

from side_by_side import (
    HERE,
    add_options,
    in_rounds,
    make_once,
    medians,
    megabytes,
    milliseconds,
    print_table,
    run,
    speed,
    times,
    write_json,
)
from training_worker import CASES, PILUM_ONLY

WORKER = HERE / "training_worker.py"
CACHE = {"PILUM_BLOCK_CACHE_BYTES": str(256 << 20)}
LIBRARIES = ["pilum", "pilum-cache", "peer"]
COLUMNS = {
    "per call": milliseconds("s"),
    "rows/s": lambda row: f"{row['rows'] / row['s']:,.0f}",
    "first": milliseconds("first_s"),
    "memory": megabytes("memory_mb"),
    "x peer": times("speed"),
    "x peer, first": times("first_speed"),
}


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
    rows = medians(results, "rows", "s", "first_s", "memory_mb")
    for row in rows:
        names = row["case"], row["library"]
        row["speed"] = speed(results, *names, "peer", "s")
        row["first_speed"] = speed(results, *names, "peer", "first_s")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_options(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=CASES, choices=CASES)
    options = parser.parse_args()

    make_once(options.data, options.scale, options.peer_python, HERE / "worker.py")
    results = measure(options)
    rows = summary(results)
    print_table(rows, COLUMNS)
    write_json(options.json, options.scale, summary=rows, measurements=results)


if __name__ == "__main__":
    main()
