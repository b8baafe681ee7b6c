"""How long things take: histograms of durations, which add up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

BUCKETS = (
    64  #: bucket i: 2^(i/2) to 2^((i+1)/2) us, as of _pilum.ReadCounters; outermost ones: beyond
)
_PENDING = 1024  # durations of which the buckets are found together: singly that takes longer


class _Known(NamedTuple):
    total_ns: int
    histogram: list[int]
    pending: list[int]  # not in those yet; grows

    def with_pending(self) -> _Known:
        # Without numpy, which imports more when it is used; that fails when the interpreter ends.
        pending = self.pending.copy()  # as of now
        histogram = self.histogram.copy()
        squares = Counter((ns * ns // 1_000_000).bit_length() for ns in pending)  # of microseconds
        for bits, count in squares.items():
            histogram[min(max(bits - 1, 0), BUCKETS - 1)] += count
        return _Known(self.total_ns + sum(pending), histogram, [])


class Durations:
    """Of things that one thread at a time does. Any thread may ask for them."""

    def __init__(self) -> None:
        self._pending: list[int] = []
        self._known = _Known(0, [0] * BUCKETS, self._pending)  # replaced as a whole

    @property
    def total_ns(self) -> int:
        known = self._known
        return known.total_ns + sum(known.pending)

    @property
    def histogram(self) -> list[int]:
        return self._known.with_pending().histogram

    def add(self, nanoseconds: int) -> None:
        self._pending.append(nanoseconds)
        if len(self._pending) >= _PENDING:
            self._fold()

    def since(self, start_ns: int) -> None:
        """Adds what took from `start_ns`, of time.perf_counter_ns(), until now."""
        self._pending.append(time.perf_counter_ns() - start_ns)
        if len(self._pending) >= _PENDING:
            self._fold()

    def _fold(self) -> None:
        self._known = self._known.with_pending()
        self._pending = self._known.pending


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
