"""What it costs to count where the time of a stream goes.

    .venv/bin/python bench/counters.py

Epochs of a million rows x 4 float32, shuffled, with what Python counts of them and with functions
in its place that do nothing, in turns. CPU time of the thread that consumes, where counting is
done, and of the process. The engine's own counters, a few for each read, stay on in both.
"""

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np
import pyarrow as pa

import pilum
from pilum.streaming import StreamingDataLoader, StreamingDataset, dealing, reading
from pilum.streaming.counters import Counters
from pilum.streaming.timing import Durations

ROWS, BATCH = 1_000_000, 1024

KINDS: dict[str, Callable] = {
    "rows as dicts": StreamingDataset,
    "torch batches": lambda table: StreamingDataLoader(
        StreamingDataset(table), BATCH, format="torch"
    ),
    "transform": lambda table: StreamingDataset(
        table, transform=lambda batch: batch["x0"].to_numpy(), transform_parallelism=1
    ),
}


def nothing(*_: object) -> None:
    pass


@contextlib.contextmanager
def without_counting() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for of in (reading.PlainPass, reading.TransformedPass, dealing.Delivery):
            stack.enter_context(mock.patch.multiple(of, _count=nothing, _count_timing=nothing))
        for name in ("set", "set_read", "set_reading", "set_histogram", "count_first"):
            stack.enter_context(mock.patch.object(Counters, name, nothing))
        for name in ("add", "since"):
            stack.enter_context(mock.patch.object(Durations, name, nothing))
        for of in (reading, dealing):
            stack.enter_context(mock.patch.object(of, "waited_for", lambda items, waits: items))
        yield


def epoch(samples: object) -> tuple[float, float]:
    thread, process = time.thread_time(), time.process_time()
    for _ in samples:
        pass
    return time.thread_time() - thread, time.process_time() - process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=101)
    rounds = parser.parse_args().rounds
    random = np.random.default_rng(0)
    numbers = {f"x{i}": random.random(ROWS, np.float32) for i in range(4)}
    table = pilum.connect("memory://").create_table("numbers", pa.table(numbers))
    for name, make in KINDS.items():
        samples = make(table)
        epoch(samples)
        costs, spent = [], []
        for round in range(rounds):
            times = {}
            for counting in (True, False) if round % 2 else (False, True):
                with contextlib.nullcontext() if counting else without_counting():
                    times[counting] = epoch(samples)
            pairs = zip(times[True], times[False], strict=True)
            costs.append([with_it / without - 1 for with_it, without in pairs])
            spent.append(times[True])
        thread, process = (sorted(kind) for kind in zip(*costs, strict=True))
        quarter = rounds // 4
        print(
            f"{name:<14} {statistics.median(thread for thread, _ in spent) * 1e3:6.1f} ms, "
            f"of the process {statistics.median(process for _, process in spent) * 1e3:6.1f} ms; "
            f"counting: thread {statistics.median(thread):+.2%} "
            f"({thread[quarter]:+.2%}..{thread[-1 - quarter]:+.2%}), "
            f"process {statistics.median(process):+.2%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
