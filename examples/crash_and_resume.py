#!/usr/bin/env python3
"""Kill a training run in the midst of an epoch, and let it go on with fewer processes.

    .venv/bin/python examples/crash_and_resume.py build/digits.lance

1. Two processes, under torchrun, train to the end.
2. Two processes do the same and are killed at once, without warning, in the third epoch.
3. One process goes on from the last checkpoint.

The losses of 2 and 3 together are those of 1, and every row of each epoch was delivered once: also
in the epoch that two processes began and one has ended.
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
KILLED_IN = 3  # epoch
SECONDS = 300


def command(processes: int, table: pathlib.Path, checkpoint: pathlib.Path) -> list[object]:
    several = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    script = [HERE / "train_digits.py", table, "--checkpoint", checkpoint, "--epochs", "5"]
    return [sys.executable, *(several if processes > 1 else []), *script]


def start(arguments: list[object]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        list(map(str, arguments)),
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def run(arguments: list[object]) -> list[str]:
    """What it prints, which is printed here, too."""
    process = start(arguments)
    lines = []
    for line in process.stdout:
        print("    " + line, end="", flush=True)
        lines.append(line)
    if process.wait(SECONDS):
        raise SystemExit(f"ended with status {process.returncode}")
    return lines


def run_and_kill(arguments: list[object], checkpoint: pathlib.Path) -> list[str]:
    """Until the epoch has begun and a checkpoint was made in it."""
    process = start(arguments)
    lines = []
    for line in process.stdout:
        print("    " + line, end="", flush=True)
        lines.append(line)
        if line.startswith(f"epoch {KILLED_IN - 1:2}"):
            break
    last = checkpoint.stat().st_mtime_ns
    until = time.monotonic() + SECONDS
    while checkpoint.stat().st_mtime_ns == last and time.monotonic() < until:
        time.sleep(0.001)
    workers = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in [process.pid, *map(int, workers)]:  # torchrun first, so that it says nothing
        os.kill(pid, signal.SIGKILL)
    process.wait()
    print("    killed")
    return lines


def losses(lines: list[str]) -> list[float]:
    return [float(loss) for loss in re.findall(r"loss ([0-9.]+)", "".join(lines))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=pathlib.Path, nargs="?", default=HERE / "data/digits.lance")
    table = parser.parse_args().table
    with tempfile.TemporaryDirectory() as folder:
        whole, cut = pathlib.Path(folder, "whole.pt"), pathlib.Path(folder, "cut.pt")
        print("Two processes, to the end:")
        expected = losses(run(command(2, table, whole)))
        print("Two processes, killed in the midst of an epoch:")
        before = losses(run_and_kill(command(2, table, cut), cut))
        print("One process goes on:")
        after = losses(run(command(1, table, cut)))
    differences = [abs(a - b) for a, b in zip(before + after, expected, strict=True)]
    if max(differences) > 1e-3:
        raise SystemExit(f"the losses differ: {before + after}, not {expected}")
    print(f"The losses are the same, within {max(differences):.4f}, and every row came once.")


if __name__ == "__main__":
    main()
