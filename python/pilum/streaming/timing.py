"""How long things take: histograms of durations, which add up."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

BUCKETS = (
    64  #: bucket i: 2^(i/2) to 2^((i+1)/2) us, as of _pilum.ReadCounters; outermost ones: beyond
)


class Durations:
    """Of things that one thread at a time does."""

    def __init__(self) -> None:
        self.total_ns = 0
        self.histogram = [0] * BUCKETS

    def add(self, nanoseconds: int) -> None:
        self.total_ns += nanoseconds
        bucket = 0
        if nanoseconds > 1000:  # twice the binary logarithm of microseconds, by their square
            bucket = min((nanoseconds * nanoseconds // 1_000_000).bit_length() - 1, BUCKETS - 1)
        self.histogram[bucket] += 1

    def since(self, start_ns: int) -> None:
        """Adds what took from `start_ns`, of time.perf_counter_ns(), until now."""
        self.add(time.perf_counter_ns() - start_ns)


Item = TypeVar("Item")


def waited_for(items: Iterable[Item], waits: Durations) -> Iterator[Item]:
    """The items, with how long each was waited for."""
    found = iter(items)
    while True:
        start = time.perf_counter_ns()
        try:
            item = next(found)
        except StopIteration:
            return
        waits.since(start)
        yield item
        del item  # it may be large, and is not wanted while the next one is waited for


def quantile(histogram: Sequence[int], share: float) -> float:
    """Seconds that this share of durations did not exceed, give or take a fifth; 0 of none."""
    rank = share * sum(histogram)
    for bucket, count in enumerate(histogram):
        rank -= count
        if count and rank <= 0:
            return float(2 ** ((bucket + 0.5) / 2)) / 1e6
    return 0.0
