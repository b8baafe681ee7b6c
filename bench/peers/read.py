#!/usr/bin/env python3
"""Reading, side by side: pilum, the reference library, and the floor that the machine sets.

    .venv/bin/python bench/peers/read.py --peer-python build/reference/bin/python

Every measurement is a fresh process. A round measures every library once in every case, in an order
that turns around each time; the table shows medians over the rounds. The page cache is warm, since
each process reads its files once before the clock starts; in the cold cases, the files leave it
before each call. Data is made at the first run (2.7 GB in bench/data).
"""

import argparse
import pathlib
import statistics
import subprocess

from side_by_side import HERE, add_options, in_rounds, make_once, run, speeds, write_json
from worker import CASES, COLD_TAKES, FLOOR_DATA, TAKES, data_of

WORKER = HERE / "worker.py"
FLOORS = ["pread-reused", "pread-fresh"]


def prepare(folder: pathlib.Path, peer_python: str, scale: float) -> None:
    make_once(folder, scale, peer_python, WORKER)
    library = folder / "pread_floor.so"
    source = HERE / "pread_floor.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)


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
    rows = []
    for case in dict.fromkeys(result["case"] for result in results):
        for library in dict.fromkeys(r["library"] for r in results if r["case"] == case):
            own = [r for r in results if r["case"] == case and r["library"] == library]
            row = {"case": case, "library": library, "rows": own[0]["rows"]}
            for key in ("median_s", "first_s", "p99_s", "cpu_s_per_call", "peak_rss_mb"):
                row[key] = statistics.median(r[key] for r in own)
            ratios = speeds(results, case, library, "lance", "median_s")
            if ratios and library != "lance":
                row["speed_vs_lance"] = statistics.median(ratios)
                row["speed_range"] = [min(ratios), max(ratios)]
            rows.append(row)
    return rows


def print_table(rows: list[dict]) -> None:
    head = ("case", "library", "median", "first", "p99", "cpu", "M rows/s", "peak RSS", "x lance")
    print("{:<15} {:<13} {:>10} {:>10} {:>10} {:>10} {:>9} {:>9}  {}".format(*head))
    for row in rows:
        times = [
            f"{row[k] * 1e3:.2f} ms" for k in ("median_s", "first_s", "p99_s", "cpu_s_per_call")
        ]
        rate = row["rows"] / row["median_s"] / 1e6
        ratio = ""
        if "speed_vs_lance" in row:
            low, high = row["speed_range"]
            ratio = f"{row['speed_vs_lance']:.2f} ({low:.2f}..{high:.2f})"
        print(
            f"{row['case']:<15} {row['library']:<13} {times[0]:>10} {times[1]:>10} {times[2]:>10} "
            f"{times[3]:>10} {rate:>9.2f} {row['peak_rss_mb']:>6.0f} MB  {ratio}"
        )


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

    prepare(options.data, options.peer_python, options.scale)
    check_contents(options)
    results = measure(options)
    check_rows(results)
    rows = summary(results)
    print_table(rows)
    write_json(options.json, options.scale, summary=rows, measurements=results)


if __name__ == "__main__":
    main()
