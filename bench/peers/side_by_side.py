"""What the programs share that run pilum and the reference library side by side.

Each library has its own interpreter; every measurement is a process of its own, which prints one
line of JSON.
"""

import argparse
import json
import os
import pathlib
import platform
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


def speeds(results: list[dict], case: str, library: str, peer: str, key: str) -> list[float]:
    """How many times as fast as the peer, in each round, by the seconds under a key."""
    own, theirs = (
        {r["round"]: r[key] for r in results if (r["case"], r["library"]) == (case, name)}
        for name in (library, peer)
    )
    return [theirs[number] / own[number] for number in own if number in theirs]


def make_once(folder: pathlib.Path, scale: float, python: str, worker: pathlib.Path) -> None:
    """Let `worker make` fill the folder, unless it holds data of this scale."""
    made = folder / "scale"
    if made.exists() and float(made.read_text()) == scale:
        return
    print(f"writing the data to {folder} …", flush=True)
    subprocess.run([python, worker, "make", folder, str(scale)], check=True)
    made.write_text(str(scale))


def write_json(path: pathlib.Path | None, scale: float, **content: object) -> None:
    if path:
        machine = {"machine": platform.platform(), "cpus": os.cpu_count(), "scale": scale}
        path.write_text(json.dumps(machine | content, indent=1) + "\n")
