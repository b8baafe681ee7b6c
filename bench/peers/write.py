#!/usr/bin/env python3
"""Writing, side by side: pilum, the reference libraries, and a plain write of the same bytes.

    .venv/bin/python bench/peers/write.py --peer-python build/reference/bin/python

Every measurement is a fresh process that holds the rows in memory and hands them over batch by
batch. A round measures every library once in every case, in an order that turns around each time;
the table shows medians over the rounds. "last" is the median of the last hundred calls, "memory"
the peak beyond what was in use before. What is written in the first round is compared with the rows
that it was made of, read by the reference library.

pilum flushes what it reports as written, the reference libraries do not: so it is measured without
("pilum") and with it ("pilum-synced"). Data is made at the first run (2.1 GB in bench/data/write).
"""

import argparse
import os
import pathlib
import shutil

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
from write_worker import CASES, CREATES, OPENS, PILUM, PLAIN

WORKER = HERE / "write_worker.py"
LIBRARIES = [*PILUM, "lancedb", "lance", *PLAIN]


def libraries_of(case: str) -> list[str]:
    if case in CREATES:
        return LIBRARIES
    if case == "append":
        return [*PILUM, "lancedb", "lance"]
    return ["pilum", "lance"] if case in OPENS else [*PILUM, "lance"]


def measure(options: argparse.Namespace, folder: pathlib.Path) -> list[dict]:
    peers = ("lance", "lancedb")
    pythons = {name: options.peer_python if name in peers else options.python for name in LIBRARIES}

    def once(library: str, case: str, number: int) -> dict:
        clear(folder)
        result = run(pythons[library], WORKER, "measure", library, case, folder)
        if number == 0 and library not in PLAIN and case not in OPENS:
            wrong = run(options.peer_python, WORKER, "check", case, folder)
            if wrong:
                raise SystemExit(f"{library} {case}: {wrong['error']}")
        return result

    cases = {
        case: [name for name in libraries_of(case) if name in options.libraries]
        for case in options.cases
    }
    results = in_rounds(options.rounds, cases, once)
    clear(folder)
    return results


def clear(folder: pathlib.Path) -> None:
    """What the last measurement has left, on the disk and still to be written to it."""
    shutil.rmtree(folder / "written", ignore_errors=True)
    (folder / "written").mkdir()
    os.sync()


def summary(results: list[dict]) -> list[dict]:
    keys = ("bytes", "s_per_call", "first_s", "last_s", "cpu_s_per_call", "peak_mb")
    rows = medians(results, *keys)
    for row in rows:
        library = row["library"]
        plain = "plain-write-synced" if library == "pilum-synced" else "plain-write"
        for name, peer in (("lancedb", "lancedb"), ("lance", "lance"), ("plain", plain)):
            compared = speed(results, row["case"], library, peer, "s_per_call")
            row[f"speed_vs_{name}"] = compared if library in PILUM else []
    return rows


def rate(row: dict) -> str:
    if row["case"] in CREATES:
        return f"{row['bytes'] / row['s_per_call'] / 1e6:,.0f} MB/s"
    return f"{1 / row['s_per_call']:,.1f} /s"


COLUMNS = {
    "per call": milliseconds("s_per_call"),
    "first": milliseconds("first_s"),
    "last": milliseconds("last_s"),
    "cpu": milliseconds("cpu_s_per_call"),
    "rate": rate,
    "memory": megabytes("peak_mb"),
    "x lancedb": times("speed_vs_lancedb"),
    "x lance": times("speed_vs_lance"),
    "x plain": times("speed_vs_plain"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_options(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", nargs="+", default=CASES, choices=CASES)
    parser.add_argument("--libraries", nargs="+", default=LIBRARIES, choices=LIBRARIES)
    options = parser.parse_args()

    folder = options.data / "write"
    make_once(folder, options.scale, options.peer_python, WORKER)
    results = measure(options, folder)
    rows = summary(results)
    print_table(rows, COLUMNS)
    write_json(options.json, options.scale, summary=rows, measurements=results)


if __name__ == "__main__":
    main()
