"""What the programs share that run pilum and the reference library side by side.

Each library has its own interpreter; every measurement is a process of its own, which prints one
line of JSON.
"""

import argparse
import json
import operator
import os
import pathlib
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent / "data"


def add_options(parser: argparse.ArgumentParser) -> None:
    given = os.environ.get("PILUM_ORACLE")
    parser.add_argument(
        "--peer-python",
        default=given,
        required=not given,
        help="a Python with pylance and lancedb; by default PILUM_ORACLE",
    )
    parser.add_argument("--python", default=sys.executable, help="a Python with pilum")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="size of the data, for a quick try"
    )
    parser.add_argument("--data", type=pathlib.Path, default=DATA)
    parser.add_argument("--json", type=pathlib.Path, help="write all measurements here")


def run(python: str, worker: pathlib.Path, *arguments: object) -> dict:
    """What a process prints as its last line."""
    command = [python, worker, *map(str, arguments)]
    environment = os.environ | {"LANCE_LOG": "error"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        what = " ".join(command[2:])[:200]
        raise SystemExit(f"{what} failed ({done.returncode}):\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def in_rounds(
    rounds: int, libraries_of: dict[str, list[str]], measure: Callable[[str, str, int], dict]
) -> list[dict]:
    """Measures every library of every case once in a round, in an order that turns around."""
    results = []
    for number in range(rounds):
        for case, libraries in libraries_of.items():
            for library in libraries[:: -1 if number % 2 else 1]:
                results.append({"round": number, **measure(library, case, number)})
                print(".", end="", flush=True)
    print()
    return results


def medians(results: list[dict], *keys: str) -> list[dict]:
    """A row for each library of each case: the medians over the rounds."""
    rows = []
    for case, library in dict.fromkeys((r["case"], r["library"]) for r in results):
        own = [r for r in results if (r["case"], r["library"]) == (case, library)]
        middle = {key: statistics.median(r[key] for r in own) for key in keys}
        rows.append({"case": case, "library": library, **middle})
    return rows


def speed(results: list[dict], case: str, library: str, peer: str, key: str) -> list[float]:
    """How many times as fast as the peer, by the seconds under a key: the median over the rounds,
    the least and the most. Empty if it is the peer, or one of them was not measured."""
    own, theirs = (
        {r["round"]: r[key] for r in results if (r["case"], r["library"]) == (case, name)}
        for name in (library, peer)
    )
    ratios = [theirs[number] / own[number] for number in own if number in theirs]
    if not ratios or library == peer:
        return []
    return [statistics.median(ratios), min(ratios), max(ratios)]


Column = Callable[[dict], str]  # the text of a row's cell


def milliseconds(key: str) -> Column:
    return lambda row: f"{row[key] * 1e3:,.2f} ms"


def megabytes(key: str) -> Column:
    return lambda row: f"{row[key]:,.0f} MB"


def times(key: str) -> Column:
    """Of a speed: its median and range."""
    return lambda row: "{:.2f} ({:.2f}..{:.2f})".format(*row[key]) if row[key] else ""


def print_table(rows: list[dict], columns: dict[str, Column]) -> None:
    columns = {
        "case": operator.itemgetter("case"),
        "library": operator.itemgetter("library"),
    } | columns
    lines = [list(columns)] + [[text(row) for text in columns.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [text.rjust(width) for text, width in zip(line, widths, strict=True)]
        cells[:2] = [text.ljust(width) for text, width in zip(line[:2], widths, strict=False)]
        print("  ".join(cells).rstrip())


def make_once(folder: pathlib.Path, scale: float, python: str, worker: pathlib.Path) -> None:
    """Let `worker make` fill the folder, unless it holds data of this scale."""
    made = folder / "scale"
    if made.exists() and float(made.read_text()) == scale:
        return
    print(f"writing the data to {folder} …", flush=True)
    subprocess.run([python, worker, "make", folder, str(scale)], check=True)
    made.write_text(str(scale))


def compile_floor(folder: pathlib.Path) -> None:
    """The C loop of the floors, as a library in the data folder."""
    library, source = folder / "pread_floor.so", HERE / "pread_floor.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)


def write_json(path: pathlib.Path | None, scale: float, **content: object) -> None:
    if path:
        machine = {"machine": platform.platform(), "cpus": os.cpu_count(), "scale": scale}
        path.write_text(json.dumps(machine | content, indent=1) + "\n")
