#!/usr/bin/env python3
"""Reading, side by side: pilum, the reference library, and the floor that the machine sets.

    .venv/bin/python bench/peers/read.py --peer-python build/reference/bin/python

Every measurement is a fresh process. A round measures every library once in every case, in an order
that turns around each time; the table shows medians over the rounds. The page cache is warm, since
each process reads its files once before the clock starts; in the cold cases, the files leave it
before each call. Data is made at the first run (2.7 GB in bench/data).
"""

import argparse

from side_by_side import (
    HERE,
    add_options,
    compile_floor,
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
from worker import CASES, COLD_TAKES, FLOOR_DATA, TAKES, data_of

WORKER = HERE / "worker.py"
FLOORS = ["pread-reused", "pread-fresh"]
COLUMNS = {
    "median": milliseconds("median_s"),
    "first": milliseconds("first_s"),
    "p99": milliseconds("p99_s"),
    "cpu": milliseconds("cpu_s_per_call"),
    "M rows/s": lambda row: f"{row['rows'] / row['median_s'] / 1e6:.2f}",
    "peak RSS": megabytes("peak_rss_mb"),
    "x lance": times("speed_vs_lance"),
}


def pythons_of(options: argparse.Namespace) -> dict[str, str]:
    pythons = {"pilum": options.python, "lance": options.peer_python}
    return pythons | dict.fromkeys(FLOORS, options.python)


def check_contents(options: argparse.Namespace) -> None:
    """The libraries must read the same values, or the comparison means nothing."""
    engines = [name for name in ("pilum", "lance") if name in options.libraries]
    if len(engines) < 2:
        return
    pythons = pythons_of(options)
    for data in sorted({data_of(case) for case in options.cases}):
        ours, theirs = (run(pythons[e], WORKER, e, "digest", options.data, data) for e in engines)
        for way in ours:
            if not ours[way] or ours[way] != theirs[way]:
                raise SystemExit(f"{data}, {way}: the libraries read different things")
        print(f"{data}: the libraries read the same ({', '.join(ours)})")


def measure(options: argparse.Namespace) -> list[dict]:
    pythons = pythons_of(options)
    cases = {}
    for case in options.cases:
        floors = FLOORS if case in [*TAKES, *COLD_TAKES] and data_of(case) in FLOOR_DATA else []
        libraries = ["pilum", "lance", *floors]
        cases[case] = [name for name in libraries if name in options.libraries]

    def once(library: str, case: str, _round: int) -> dict:
        return run(pythons[library], WORKER, library, case, options.data, options.seconds)

    return in_rounds(options.rounds, cases, once)


def check_rows(results: list[dict]) -> None:
    """Every call must have delivered as many rows as the others of its case."""
    for case in {result["case"] for result in results}:
        rows = {r["rows"] for r in results if r["case"] == case}
        if len(rows) > 1:
            raise SystemExit(f"{case}: different numbers of rows: {rows}")


def summary(results: list[dict]) -> list[dict]:
    keys = ("rows", "median_s", "first_s", "p99_s", "cpu_s_per_call", "peak_rss_mb")
    rows = medians(results, *keys)
    for row in rows:
        names = row["case"], row["library"]
        row["speed_vs_lance"] = speed(results, *names, "lance", "median_s")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_options(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="per measurement, at least one call"
    )
    parser.add_argument("--cases", nargs="+", default=CASES, choices=CASES)
    libraries = ["pilum", "lance", *FLOORS]
    parser.add_argument("--libraries", nargs="+", default=libraries, choices=libraries)
    options = parser.parse_args()

    make_once(options.data, options.scale, options.peer_python, WORKER)
    compile_floor(options.data)
    check_contents(options)
    results = measure(options)
    check_rows(results)
    rows = summary(results)
    print_table(rows, COLUMNS)
    write_json(options.json, options.scale, summary=rows, measurements=results)


if __name__ == "__main__":
    main()
