"""Batches that are dealt to worker processes, and what the training loop has got of them."""

from __future__ import annotations

import abc
import itertools
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from pilum import _pilum
from pilum.errors import InvalidArgumentError
from pilum.streaming.counters import Counters, Field
from pilum.streaming.place import Place
from pilum.streaming.reading import Live
from pilum.streaming.source import Source
from pilum.streaming.state import Progress, advance
from pilum.streaming.transforms import TransformOptions, TransformPool


class Delivery(Live):
    """A pass as the training loop sees it. What is read and made for it is counted where that is
    done."""

    def __init__(self, counters: Counters, place: Place) -> None:
        self.process = os.getpid()
        self.resumed = place.progress is not None  #: the pass did not begin at the start
        self.rows = 0  #: of the batches that were delivered, those left out of them too
        self._counters = counters
        self._start = place.start
        self._share = place.share

    def progress(self) -> Progress:
        return advance(self._start, self._share, self.rows)

    def update_counters(self) -> None:
        self._counters.set(Field.CONSUMED, self.rows)
        self._counters.set(Field.READY, -self.rows)  # of those that were made

    def close(self) -> Progress:
        self.update_counters()
        self._counters.touch()  # here is where the place is known
        return self.progress()


class DealtTask(NamedTuple):
    """What a process is to make of a pass."""

    source: Source
    place: Place
    counters: Counters  #: of the process
    readahead_bytes: int
    deal: tuple[int, int]  #: its number, and how many there are
    batch_size: int

    def open(self) -> _pilum.EpochStream:
        options = self.source.options(
            self.place,
            batch_size=self.batch_size,
            readahead_bytes=self.readahead_bytes,
            whole_batches=True,
            deal=self.deal,
        )
        rows = self.source.rows(self.place.share.num_splits)
        return _pilum.open_epoch(rows, options, self.place.start)

    def rows_ahead(self) -> int:
        number, processes = self.deal
        full, rest = divmod(self.source.rows_ahead(self.place), self.batch_size)
        own = (full - number + processes - 1) // processes
        return own * self.batch_size + (rest if full % processes == number else 0)


class DealtPass(abc.ABC):
    """The batches of a share that fall to one process, with the number of rows of each."""

    def __init__(self, task: DealtTask) -> None:
        self._stream = task.open()
        self._counters = task.counters
        self._rows = task.rows_ahead()
        self._made = 0

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        for rows, made in self._batches():
            self._made += rows
            self._count()
            yield rows, made

    @abc.abstractmethod
    def _batches(self) -> Iterator[tuple[int, Any]]: ...

    @abc.abstractmethod
    def _making_ns(self) -> int: ...

    def _count(self) -> None:
        self._counters.set_read(self._stream.counters, self._rows, self._made)
        self._counters.set(Field.READY, self._made)
        self._counters.set(Field.TRANSFORM_NS, self._making_ns())

    def close(self) -> None:
        self._stream.close()
        self._count()
        self._counters.set(Field.RAW, 0)


class PlainDealtPass(DealtPass):
    """Batches are made in one go, on the thread that wants them."""

    def __init__(self, task: DealtTask, make: Callable[[pa.RecordBatch], Any]) -> None:
        super().__init__(task)
        self._make = make
        self._nanoseconds = 0

    def _batches(self) -> Iterator[tuple[int, Any]]:
        for batch in self._stream:
            start = time.perf_counter_ns()
            made = self._make(batch)
            self._nanoseconds += time.perf_counter_ns() - start
            yield batch.num_rows, made

    def _making_ns(self) -> int:
        return self._nanoseconds


class TransformedDealtPass(DealtPass):
    """Batches are lists of what a transform makes of their rows; they are shorter where it leaves
    rows out."""

    def __init__(self, task: DealtTask, transform: TransformOptions) -> None:
        task = task._replace(readahead_bytes=task.readahead_bytes // 2)
        super().__init__(task)
        self._pieces = _Pieces(self._stream, task.deal, task.source.read_batch_size)
        most_pieces = 2 + 2 * transform.threads
        self._pool = TransformPool(
            self._pieces, "batch", transform, most_pieces, task.readahead_bytes
        )

    def _batches(self) -> Iterator[tuple[int, list[Any]]]:
        samples: list[Any] = []
        rows = 0
        failure: Exception | None = None
        while (block := self._pool.next()) is not None:
            if block.error is not None:
                raise block.error
            samples += (sample for _, sample in block.samples)
            rows += block.rows
            failure = failure or block.first_failure
            self._pool.let_go(block)
            if not self._pieces.are_all(block.number, rows):
                continue
            if not samples:
                raise InvalidArgumentError(
                    f"the transform failed for each of the {rows} rows of {block.part}: there is "
                    "no batch to deliver, and ranks would not make the same steps"
                ) from failure
            yield rows, samples
            samples, rows, failure = [], 0, None

    def _making_ns(self) -> int:
        return self._pool.nanoseconds

    def _count(self) -> None:
        super()._count()
        self._counters.set(Field.SKIPPED, self._pool.rows_skipped)

    def close(self) -> None:
        self._pool.close()
        super().close()


class _Pieces:
    """Batches in pieces that a transform takes at once. The number of a batch is that in the pass
    of all processes."""

    def __init__(self, stream: _pilum.EpochStream, deal: tuple[int, int], most_rows: int) -> None:
        self._stream = stream
        self._numbers = itertools.count(*deal)
        self._most_rows = most_rows
        self._rows: dict[int, int] = {}
        self._rest: Iterator[tuple[int, int, pa.RecordBatch]] = iter(())

    def are_all(self, number: int, rows: int) -> bool:
        """Whether a batch has so many rows. Then it need not be known any more."""
        return self._rows[number] == rows and bool(self._rows.pop(number))

    def __next__(self) -> tuple[int, int, pa.RecordBatch]:
        """The number of the batch, the place in it, and the rows."""
        piece = next(self._rest, None)
        if piece is None:
            batch = next(self._stream)
            number, most = next(self._numbers), self._most_rows
            self._rows[number] = batch.num_rows
            starts = range(0, batch.num_rows, most)
            self._rest = ((number, first, batch.slice(first, most)) for first in starts)
            piece = next(self._rest)
        return piece

    def close(self) -> None:
        self._stream.close()
