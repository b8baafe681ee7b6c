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
import statistics

from side_by_side import HERE, add_options, in_rounds, make_once, run, speeds, write_json
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
    rows = []
    for case in dict.fromkeys(result["case"] for result in results):
        for library in dict.fromkeys(r["library"] for r in results if r["case"] == case):
            own = [r for r in results if r["case"] == case and r["library"] == library]
            row = {"case": case, "library": library, "bytes": own[0]["bytes"]}
            for key in ("s_per_call", "first_s", "last_s", "cpu_s_per_call", "peak_mb"):
                row[key] = statistics.median(r[key] for r in own)
            plain = "plain-write-synced" if library == "pilum-synced" else "plain-write"
            for name, peer in (("lancedb", "lancedb"), ("lance", "lance"), ("plain", plain)):
                ratios = speeds(results, case, library, peer, "s_per_call")
                if ratios and library in PILUM:
                    row[f"speed_vs_{name}"] = statistics.median(ratios)
                    row[f"range_vs_{name}"] = [min(ratios), max(ratios)]
            rows.append(row)
    return rows


def print_table(rows: list[dict]) -> None:
    head = ("case", "library", "per call", "first", "last", "cpu", "rate", "memory", "x lancedb")
    layout = "{:<15} {:<18} {:>11} {:>11} {:>11} {:>11} {:>11} {:>9}  {:<18}"
    print(layout.format(*head), f"{'x lance':<18} x plain")
    for row in rows:
        times = [
            f"{row[key] * 1e3:,.2f} ms"
            for key in ("s_per_call", "first_s", "last_s", "cpu_s_per_call")
        ]
        rate = f"{1 / row['s_per_call']:,.1f} /s"
        if row["case"] in CREATES:
            rate = f"{row['bytes'] / row['s_per_call'] / 1e6:,.0f} MB/s"
        ratios = [ratio(row, name) for name in ("lancedb", "lance", "plain")]
        memory = f"{row['peak_mb']:,.0f} MB"
        line = layout.format(row["case"], row["library"], *times, rate, memory, ratios[0])
        print(f"{line} {ratios[1]:<18} {ratios[2]}".rstrip())


def ratio(row: dict, name: str) -> str:
    if f"speed_vs_{name}" not in row:
        return ""
    low, high = row[f"range_vs_{name}"]
    return f"{row[f'speed_vs_{name}']:.2f} ({low:.2f}..{high:.2f})"


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
    print_table(rows)
    write_json(options.json, options.scale, summary=rows, measurements=results)


if __name__ == "__main__":
    main()
