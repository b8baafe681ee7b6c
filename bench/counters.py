"""What it costs to count where the time of a stream goes.

    .venv/bin/python bench/counters.py

A cost of a hundredth is less than what epochs vary by. So the calls that count are counted in an
epoch of a million rows x 4 float32, shuffled, and each kind of them is timed alone, thousands in a
row. Their sum is beside the CPU time of an epoch, the shortest of several, of all threads: what is
done with the samples comes on top. The engine's own counters, a few for each read of thousands of
rows and for one group of dicts in eight, are not in the sum.
"""

import argparse
import contextlib
import threading
import time
import timeit
from collections import Counter
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
CLOCKS = ["perf_counter_ns", "monotonic_ns", "thread_time_ns"]
CALLS = {  # that count, and do nothing else; those that such a call makes are part of it
    Durations: ["since", "add"],
    Counters: ["count_first"],
    reading.PlainPass: ["_count_now_and_then", "_count_end"],
    reading.TransformedPass: ["_count_now_and_then", "_count_end"],
    dealing.PlainDealtPass: ["_count", "_count_timing"],
    dealing.Delivery: ["_count", "_count_timing"],
}


class Calls:
    """How often the functions were called, and the arguments with which they were called last."""

    def __init__(self) -> None:
        self.numbers: Counter[str] = Counter()
        self.last: dict[str, Callable] = {}
        self._inside = threading.local()

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for of, names in {time: CLOCKS, **CALLS}.items():
                for name in names:
                    label = name if of is time else f"{of.__name__}.{name}"
                    stack.enter_context(
                        mock.patch.object(of, name, self._counting(label, getattr(of, name)))
                    )
            yield

    def _counting(self, label: str, function: Callable) -> Callable:
        def call(*arguments: object) -> object:
            if getattr(self._inside, "one", False):
                return function(*arguments)
            self.numbers[label] += 1
            self.last[label] = lambda: function(*arguments)
            self._inside.one = True
            try:
                return function(*arguments)
            finally:
                self._inside.one = False

        return call

    def seconds(self) -> dict[str, float]:
        """Of all calls of each function, by what one takes."""
        return {label: number * price(self.last[label]) for label, number in self.numbers.items()}


def price(call: Callable) -> float:
    """Seconds, without those of the lambda that it is called by."""
    return _shortest(call) - _shortest(lambda: nothing(*()))


def _shortest(call: Callable, times: int = 2000) -> float:
    return min(timeit.repeat(call, number=times, repeat=20)) / times


def nothing() -> None:
    pass


def epoch(samples: object) -> float:
    start = time.process_time()
    for _ in samples:
        pass
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    random = np.random.default_rng(0)
    numbers = {f"x{i}": random.random(ROWS, np.float32) for i in range(4)}
    table = pilum.connect("memory://").create_table("numbers", pa.table(numbers))
    for name, make in KINDS.items():
        samples = make(table)
        taken = min(epoch(samples) for _ in range(rounds))
        calls = Calls()
        with calls.counted():
            epoch(samples)
        costs = calls.seconds()
        print(
            f"{name}: {taken * 1e3:.1f} ms of CPU, {sum(costs.values()) * 1e3:.2f} ms counting, "
            f"{sum(costs.values()) / taken:.2%}"
        )
        for label, cost in sorted(costs.items(), key=lambda item: -item[1]):
            print(f"    {calls.numbers[label]:>7,} x {label:<40} {cost * 1e3:7.3f} ms")


if __name__ == "__main__":
    main()
