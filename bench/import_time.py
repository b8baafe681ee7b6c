"""What importing pilum costs beyond pyarrow, which programs that use it import anyway.

    .venv/bin/python bench/import_time.py

Every import is a fresh process that has read its files before; the two alternate.
"""

import argparse
import statistics
import subprocess
import sys

LIMIT_MS = 150
WAYS = {"pyarrow": "import pyarrow", "pyarrow and pilum": "import pyarrow, pilum"}
TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def import_ms(statement: str) -> float:
    command = [sys.executable, "-c", TIMED.format(statement)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for statement in WAYS.values():
        import_ms(statement)  # writes bytecode and warms the page cache
    times = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, statement in WAYS.items():
            times[name].append(import_ms(statement))
    for name, measured in times.items():
        low, middle, high = min(measured), statistics.median(measured), max(measured)
        print(f"{name:<18} {middle:6.1f} ms ({low:.1f}..{high:.1f})")
    both, alone = (statistics.median(times[name]) for name in reversed(WAYS))
    print(f"pilum alone        {both - alone:6.1f} ms, to stay below {LIMIT_MS} ms")


if __name__ == "__main__":
    main()
