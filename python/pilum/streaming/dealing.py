"""Batches that are dealt to worker processes, and what the training loop has got of them."""

from __future__ import annotations

import abc
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from pilum import _pilum
from pilum.errors import InvalidArgumentError
from pilum.streaming.counters import COUNT_NS, Counters, Field, Stage
from pilum.streaming.place import Place
from pilum.streaming.reading import Live
from pilum.streaming.receipt import Delivered, Rows
from pilum.streaming.source import Source
from pilum.streaming.state import PackProgress, Progress
from pilum.streaming.timing import Durations, waited_for
from pilum.streaming.transforms import Block, TransformOptions, TransformPool

_TIMING_NS = 100_000_000  # between counts of where the time goes
_BATCHES_AT_ONCE = 256  # at most; they are few if rows are large
_SAMPLES_AT_ONCE = 256

_NO_MORE = object()

#: Makes the batches of rows that were read, each of so many, the last one of fewer.
MakeBatches = Callable[[pa.RecordBatch, int], Iterable[Any]]


class Received(NamedTuple):
    """What comes with a batch, from the process that made it."""

    delivered: Delivered
    progress: PackProgress | None  #: behind it, where that does not follow from counting


class Delivery(Live):
    """A pass as the training loop sees it. What is read and made for it is counted where that is
    done."""

    def __init__(self, source: Source, counters: Counters, place: Place) -> None:
        super().__init__(counters)
        self.resumed = place.progress is not None  #: the pass did not begin at the start
        self._received = Delivered()
        self._waits = Durations()
        self._source = source
        self._share, self._start = place.share, source.start(place)
        self._counted: PackProgress | None = None  # where that does not follow from counting here

    def progress(self) -> Progress | PackProgress:
        if self._source.counts_say_progress:
            return self._source.after(self._start, self._share, self._rows())
        return self._counted or self._start

    def delivered(self) -> Delivered:
        return self._received

    def batches(self, loader: Iterable[tuple[Received, Any]]) -> Iterator[Any]:
        """Those that a loader puts together."""
        batches = iter(loader)
        while True:
            start = time.perf_counter_ns()
            item = next(batches, None)
            if item is None:
                return
            self._waits.since(start)
            if not self._counters.have_first:
                self._counters.count_first()
            received, batch = item
            self._received += received.delivered
            self._counted = received.progress
            yield batch
            del item, batch  # while the next one is waited for

    def _count(self, counters: Counters) -> None:
        rows = self._rows()
        counters.set(Field.CONSUMED, rows)
        counters.set(Field.READY, -rows)  # of those that were made

    def _count_timing(self, counters: Counters) -> None:
        counters.set(Field.WAIT_NS, self._waits.total_ns)
        counters.set_histogram(Stage.WAIT, self._waits.histogram)

    def _rows(self) -> int:
        rows, skipped = self._received
        return rows.number + skipped.number

    def close(self) -> Progress | PackProgress:
        self._count(self._counters)
        self._count_timing(self._counters)
        self._counters.end()
        return self.progress()


class DealtTask(NamedTuple):
    """What a process is to make of a pass."""

    source: Source
    place: Place
    counters: Counters  #: of the process
    readahead_bytes: int
    deal: tuple[int, int]  #: its number, and how many there are
    batch_size: int | None  #: None: samples, each of which counts as a batch

    def open(self, rows: int, batches_at_once: int = 1) -> _pilum.EpochStream | _pilum.PackedStream:
        """In batches of so many rows."""
        return self.source.open(
            self.place,
            batch_size=rows,
            readahead_bytes=self.readahead_bytes,
            whole_batches=True,
            batches_at_once=batches_at_once,
            deal=self.deal,
        )

    def rows_ahead(self, rows: int) -> int:
        """In such batches."""
        number, processes = self.deal
        full, rest = divmod(self.source.rows_ahead(self.place), rows)
        own = (full - number + processes - 1) // processes
        return own * rows + (rest if full % processes == number else 0)


class Made(NamedTuple):
    """A batch."""

    batch: Any
    delivered: Delivered  #: that it is made of
    progress: PackProgress | None  #: behind it, where that does not follow from counting

    @property
    def num_rows(self) -> int:
        """Those left out, too."""
        return self.delivered.rows.number + self.delivered.skipped.number


class DealtPass(abc.ABC):
    """The batches of a share that fall to one process."""

    def __init__(self, task: DealtTask, rows: int, batches_at_once: int = 1) -> None:
        """rows   of the batches that are read"""
        self._source = task.source
        self._stream = task.open(rows, batches_at_once)
        self._counters = task.counters
        self._rows = task.rows_ahead(rows)
        self._made = 0
        self._waits = Durations()
        self._counted_ns = 0  # when that was last
        self._timed_ns = 0

    def __iter__(self) -> Iterator[Made]:
        for made in self._batches():
            self._made += made.num_rows
            if time.monotonic_ns() - self._counted_ns > COUNT_NS:
                self._count()
            yield made
            del made

    @abc.abstractmethod
    def _batches(self) -> Iterator[Made]: ...

    @abc.abstractmethod
    def _making_ns(self) -> int: ...

    def _progress(self) -> PackProgress | None:
        return self._source.progress(self._stream)

    def _count(self) -> None:
        """What other processes, and threads, may ask for."""
        self._counted_ns = time.monotonic_ns()
        self._counters.set_read(self._stream.counters, self._rows, self._made)
        self._counters.set(Field.READY, self._made)
        self._counters.set(Field.TRANSFORM_NS, self._making_ns())
        self._counters.count_first()
        if self._counted_ns - self._timed_ns > _TIMING_NS:
            self._count_timing()

    def _count_timing(self) -> None:
        self._timed_ns = time.monotonic_ns()
        self._counters.set_reading(self._stream.counters)
        self._counters.set(Field.WAIT_NS, self._waits.total_ns)
        self._counters.set_histogram(Stage.WAIT, self._waits.histogram)
        if isinstance(self._stream, _pilum.PackedStream):
            self._counters.set_packing(self._stream.counts)

    def close(self) -> None:
        self._count()
        self._count_timing()
        self._stream.close()
        self._counters.set(Field.RAW, 0)
        self._counters.end()


class PlainDealtPass(DealtPass):
    """Batches are made on the thread that wants them. Those that were read together come together,
    where what follows one need not be asked for."""

    def __init__(self, task: DealtTask, make: MakeBatches) -> None:
        self._size = task.batch_size or 1
        at_once = _BATCHES_AT_ONCE if task.source.counts_say_progress else 1
        super().__init__(task, self._size, at_once)
        self._make = make
        self._nanoseconds = 0

    def _batches(self) -> Iterator[Made]:
        for read in waited_for(self._stream, self._waits):
            row_ids, rows = self._source.take_apart(read)
            delivered = map(Delivered, Rows.of_each(row_ids, self._size))
            batches = iter(self._make(rows, self._size))
            while True:
                start = time.perf_counter_ns()
                batch = next(batches, _NO_MORE)
                self._nanoseconds += time.perf_counter_ns() - start
                if batch is _NO_MORE:
                    break
                yield Made(batch, next(delivered), self._progress())
                del batch
            del read, rows, batches

    def _making_ns(self) -> int:
        return self._nanoseconds

    def _count_timing(self) -> None:
        super()._count_timing()
        self._counters.set(Field.MAKE_NS, self._nanoseconds)


class TransformedDealtPass(DealtPass):
    """Batches are lists of what a transform makes of their rows; they are shorter where it leaves
    rows out. Samples are made together, too, unless they come in turns with those of others."""

    def __init__(self, task: DealtTask, transform: TransformOptions) -> None:
        task = task._replace(readahead_bytes=task.readahead_bytes // 2)
        self._singly = task.batch_size is None
        together = _SAMPLES_AT_ONCE if task.deal[1] == 1 else 1
        super().__init__(task, task.batch_size or together)
        self._pieces = _Pieces(self._source, self._stream, task.deal)
        most_pieces = 2 + 2 * transform.threads
        self._pool = TransformPool(
            self._pieces, "batch", transform, most_pieces, task.readahead_bytes
        )

    def _batches(self) -> Iterator[Made]:
        blocks: list[Block] = []
        for block in waited_for(self._pool, self._waits):
            if block.error is not None:
                raise block.error
            blocks.append(block)
            self._pool.let_go(block)
            if self._pieces.are_all(block.number, sum(piece.rows for piece in blocks)):
                yield from self._samples(blocks) if self._singly else (self._put_together(blocks),)
                blocks = []

    def _samples(self, blocks: list[Block]) -> Iterator[Made]:
        if any(block.skipped for block in blocks):
            raise InvalidArgumentError(
                "the transform has left rows out; with batch_size=None samples could not be "
                "told from each other any more when the stream is resumed: give a batch_size"
            )
        for block in blocks:
            places = [place for place, _ in block.samples]
            delivered = map(Delivered, Rows.of_each(block.row_ids_at(places), 1))
            for _, sample in block.samples:
                yield Made(sample, next(delivered), None)

    def _put_together(self, blocks: list[Block]) -> Made:
        samples = [sample for block in blocks for _, sample in block.samples]
        if not samples:
            raise InvalidArgumentError(
                f"the transform failed for each row of {blocks[0].part}, which has "
                f"{sum(block.rows for block in blocks)}: there is no batch to deliver, and ranks "
                "would not make the same steps"
            ) from next(block.first_failure for block in blocks)
        delivered = Delivered()
        for block in blocks:
            delivered += Delivered(
                block.rows_at([place for place, _ in block.samples]), block.rows_at(block.skipped)
            )
        return Made(samples, delivered, None)

    def _making_ns(self) -> int:
        return self._pool.nanoseconds

    def _count(self) -> None:
        super()._count()
        self._counters.set(Field.SKIPPED, self._pool.rows_skipped)

    def _count_timing(self) -> None:
        super()._count_timing()
        self._pool.count_timing(self._counters)

    def close(self) -> None:
        self._pool.close()
        super().close()


class _Pieces:
    """Batches in pieces that a transform takes at once. The number of a batch is that in the pass
    of all processes."""

    def __init__(self, source: Source, stream: Any, deal: tuple[int, int]) -> None:
        self._source = source
        self._stream = stream
        self._numbers = itertools.count(*deal)
        self._rows: dict[int, int] = {}  # of the batches of which pieces are under way
        self._rest: Iterator[tuple[int, int, pa.RecordBatch]] = iter(())

    def are_all(self, number: int, rows: int) -> bool:
        """Whether a batch has so many rows. Then it need not be known any more."""
        return self._rows[number] == rows and bool(self._rows.pop(number))

    def __next__(self) -> tuple[int, int, pa.UInt64Array, pa.RecordBatch]:
        piece = next(self._rest, None)
        if piece is None:
            batch = next(self._stream)
            number, most = next(self._numbers), self._source.read_batch_size
            self._rows[number] = batch.num_rows
            starts = range(0, batch.num_rows, most)
            self._rest = ((number, first, batch.slice(first, most)) for first in starts)
            piece = next(self._rest)
        number, first, rows = piece
        return number, first, *self._source.take_apart(rows)

    def close(self) -> None:
        self._stream.close()
