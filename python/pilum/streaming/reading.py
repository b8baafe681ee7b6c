"""One pass over the samples of a reader, in one process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pilum import _pilum
from pilum.streaming.counters import Counters, Field
from pilum.streaming.state import Progress

#: Samples are made of so many bytes of rows at a time, at least one.
_PIECE_BYTES = 1 << 20

Sample = dict[str, Any]


class Pass:
    """Not thread-safe, but for `update_counters` and `progress`."""

    def __init__(
        self,
        stream: _pilum.EpochStream,
        counters: Counters,
        rows: int,
    ) -> None:
        """rows   that the pass is to deliver"""
        self.process = os.getpid()
        self._stream = stream
        self._counters = counters
        self._rows = rows
        self._made = 0  # samples
        self._waiting: Iterator[Sample] = iter([])  # those made, but not delivered
        self._not_made = 0  # rows of the stream's last batch
        self._making_ns = 0
        self._progress: Progress | None = None

    def lists(self) -> Iterator[Iterator[Sample]]:
        """The samples, list by list. To be consumed from these iterators: what they still have is
        not delivered."""
        for batch in self._stream:
            self._not_made = batch.num_rows
            for piece in _pieces(batch):
                start = time.perf_counter_ns()
                samples = _pilum.to_rows(piece)
                self._making_ns += time.perf_counter_ns() - start
                self._waiting = iter(samples)
                self._not_made -= len(samples)
                self._made += len(samples)
                self.update_counters()
                yield self._waiting

    def progress(self) -> Progress:
        """How far the splits are, as far as this reader knows."""
        if self._progress is not None:
            return self._progress
        unused = _length(self._waiting) + self._not_made
        return Progress(*self._stream.progress(unused))

    def update_counters(self) -> None:
        waiting = _length(self._waiting)
        set = self._counters.set
        set(Field.UNSCANNED, self._rows - self._stream.rows_requested)
        set(Field.RAW, max(0, self._stream.rows_read - self._made))
        set(Field.READY, waiting)
        set(Field.CONSUMED, self._made - waiting)
        set(Field.BYTES, self._stream.bytes_read)
        set(Field.FETCH_NS, self._stream.read_ns)
        set(Field.TRANSFORM_NS, self._making_ns)

    def close(self) -> Progress:
        """Stops reading; returns how far the pass came."""
        self._progress = self.progress()
        self._stream.close()
        self.update_counters()
        self._counters.set(Field.RAW, 0)
        self._counters.set(Field.READY, 0)
        return self._progress


def _length(samples: Iterator[Sample]) -> int:
    return samples.__length_hint__()  # type: ignore[attr-defined, no-any-return]


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    rows = max(1, batch.num_rows * _PIECE_BYTES // max(1, batch.nbytes))
    if rows >= batch.num_rows:
        yield batch
        return
    for first in range(0, batch.num_rows, rows):
        yield batch.slice(first, rows)
