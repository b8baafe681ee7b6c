"""One pass over the samples of a share, in one process."""

from __future__ import annotations

import abc
import operator
import os
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from pilum import _pilum
from pilum.streaming.counters import COUNT_NS, Counters, Field, Stage
from pilum.streaming.place import Place
from pilum.streaming.receipt import Delivered, Rows
from pilum.streaming.source import Read, Source
from pilum.streaming.state import PackProgress, Progress, known_to
from pilum.streaming.timing import Durations, waited_for
from pilum.streaming.transforms import Block, TransformOptions, TransformPool


class Live(abc.ABC):
    """A pass under way. One consumer, whose thread alone writes the counters that others share;
    `counted` may be called on any thread."""

    def __init__(self, counters: Counters) -> None:
        self.process = os.getpid()  #: that it is in
        self._counters = counters

    @abc.abstractmethod
    def progress(self) -> Progress | PackProgress:
        """How far the splits are, as far as this reader knows."""

    @abc.abstractmethod
    def delivered(self) -> Delivered:
        """The rows that it went past."""

    def counted(self, timing: bool) -> Counters:
        """How far the pass is now. timing: where the time goes, too."""
        now = self._counters.copy()
        self._count(now)
        if timing:
            self._count_timing(now)
        return now

    @abc.abstractmethod
    def _count(self, counters: Counters) -> None:
        """Has them say how far the pass is."""

    @abc.abstractmethod
    def _count_timing(self, counters: Counters) -> None:
        """The same of where the time goes."""

    @abc.abstractmethod
    def close(self) -> Progress | PackProgress:
        """Stops; returns how far the pass came."""


class Pass(Live):
    """One that makes the samples which it delivers."""

    def __init__(self, read: _pilum.ReadCounters, counters: Counters, rows: int) -> None:
        """rows   that the pass is to go past"""
        super().__init__(counters)
        self._read = read
        self._rows = rows
        self._waits = Durations()
        self._counted_ns = 0  # when that was last

    @abc.abstractmethod
    def lists(self) -> Iterator[Iterator[Any]]:
        """The samples, list by list. To be consumed from these iterators: what they still have is
        not delivered."""

    def _count_timing(self, counters: Counters) -> None:
        counters.set_reading(self._read)
        counters.set(Field.WAIT_NS, self._waits.total_ns)
        counters.set_histogram(Stage.WAIT, self._waits.histogram)

    def _count_now_and_then(self) -> None:
        """For the training loop's process; threads of this one ask for what is counted."""
        if not self._counters.are_of_worker:
            return
        now = time.monotonic_ns()
        if now - self._counted_ns > COUNT_NS:
            self._counted_ns = now
            self._count(self._counters)

    def _count_end(self) -> None:
        self._count(self._counters)
        self._count_timing(self._counters)
        self._counters.set(Field.RAW, 0)
        self._counters.set(Field.READY, 0)
        self._counters.end()


class _Begun(NamedTuple):
    """Batches that samples are made of. Replaced as a whole: other threads look at it."""

    rows: int
    making_ns: int  #: without that of the samples below
    samples: Iterator[Any]  #: of the last batch, those not delivered

    @property
    def not_delivered(self) -> int:
        """Rows of the last batch."""
        return operator.length_hint(self.samples)

    @property
    def delivered(self) -> int:
        return self.rows - self.not_delivered

    @property
    def all_making_ns(self) -> int:
        return self.making_ns + _made_later_ns(self.samples)


class PlainPass(Pass):
    """Samples are rows as dicts, made on the thread that consumes them."""

    def __init__(
        self, source: Source, place: Place, counters: Counters, readahead_bytes: int
    ) -> None:
        self._stream = source.open(
            place, batch_size=source.piece_rows, readahead_bytes=readahead_bytes
        )
        super().__init__(self._stream.counters, counters, source.rows_ahead(place))
        self._begun = _Begun(0, 0, iter([]))
        self._final: Progress | PackProgress | None = None
        self._source = source
        self._share, self._start = place.share, source.start(place)
        self._rows_delivered = Rows()  # without those of the last batch
        self._last: Read | None = None

    def lists(self) -> Iterator[Iterator[Any]]:
        for read in waited_for(self._source.reads(self._stream), self._waits):
            start = time.perf_counter_ns()
            samples = read.samples()
            rows, making_ns, _ = self._begun
            making_ns += time.perf_counter_ns() - start
            self._last, self._begun = read, _Begun(rows + len(read), making_ns, samples)
            self._count_now_and_then()
            self._counters.count_first()
            yield samples
            self._rows_delivered += Rows(*read.digest(len(read)))
            self._last = None
            self._begun = _Begun(self._begun.rows, self._begun.all_making_ns, iter([]))
            del read, samples  # while the next ones are waited for

    def progress(self) -> Progress | PackProgress:
        if self._final is not None:
            return self._final
        counted = self._source.progress(self._stream, self._begun.not_delivered)
        return counted or self._source.after(self._start, self._share, self._begun.delivered)

    def delivered(self) -> Delivered:
        rows = self._rows_delivered
        if self._last is not None:
            rows += Rows(*self._last.digest(len(self._last) - self._begun.not_delivered))
        return Delivered(rows)

    def _count(self, counters: Counters) -> None:
        begun = self._begun
        consumed = begun.delivered
        ready = _made_ahead(begun.samples)
        counters.set_read(self._read, self._rows, consumed + ready)
        counters.set(Field.READY, ready)
        counters.set(Field.CONSUMED, consumed)
        counters.set(Field.TRANSFORM_NS, begun.all_making_ns)

    def _count_timing(self, counters: Counters) -> None:
        super()._count_timing(counters)
        counters.set(Field.MAKE_NS, self._begun.all_making_ns)
        if isinstance(self._stream, _pilum.PackedStream):
            counters.set_packing(self._stream.counts)

    def close(self) -> Progress | PackProgress:
        self._final = self.progress()
        self._count_end()
        self._stream.close()
        return self._final


class TransformedPass(Pass):
    """Samples are what a transform makes of blocks of the splits' rows, on threads. They come from
    the splits in turns, those that lag behind first."""

    def __init__(
        self,
        source: Source,
        place: Place,
        counters: Counters,
        readahead_bytes: int,
        transform: TransformOptions,
    ) -> None:
        share, start = place.share, source.start(place)
        assert isinstance(start, Progress)
        self._source, self._start = source, start
        splits = source.open_splits(
            place, batch_size=source.read_batch_size, readahead_bytes=readahead_bytes // 2
        )
        super().__init__(splits.counters, counters, source.rows_ahead(place))
        depth = transform.queue_depth
        most_blocks = depth * len(share.own) if depth else len(share.own) + 2 * transform.threads
        blocks = _Splits(source, splits)
        self._pool = TransformPool(blocks, "split", transform, most_blocks, readahead_bytes // 2)
        self._share = share
        self._samples = list(start.samples)
        self._places = list(start.places)
        self._first_places = start.places
        self._blocks: dict[int, deque[_Delivering]] = {split: deque() for split in self._share.own}
        self._delivered = Delivered()  # without those of the blocks above
        self._ready = 0
        self._consumed = 0

    def lists(self) -> Iterator[Iterator[Any]]:
        for split in self._turns():
            place, sample = self._blocks[split][0].samples.pop()
            self._samples[split] += 1
            self._places[split] = place + 1
            self._ready -= 1
            self._consumed += 1
            self._let_go(split)
            if self._consumed % 256 == 0:
                self._count_now_and_then()
            yield iter((sample,))
            del sample  # while the next one is waited for

    def _turns(self) -> Iterator[int]:
        """Whose sample comes next; it has one. Rows may be missing: then a round in which not every
        split has a sample does not begin."""
        counts = [self._samples[split] for split in self._share.own]
        for round in range(min(counts), max(counts)):
            for split in self._share.own:
                if self._samples[split] <= round:
                    if not self._fetch(split):
                        return
                    yield split
        while not self._pool.skips or all(self._fetch(split) for split in self._share.own):
            for split in self._share.own:
                if not self._fetch(split):
                    return
                yield split

    def _fetch(self, split: int) -> bool:
        """Whether there is a next sample of a split; waits until that is known. Raises the error
        that comes in its place."""
        blocks = self._blocks[split]
        while not blocks:
            start = time.perf_counter_ns()
            block = next(self._pool, None)
            if block is None:
                return False
            self._waits.since(start)
            self._counters.count_first()
            delivering = _Delivering(block, self._first_places[block.number])
            self._ready += len(delivering.samples)
            self._blocks[block.number].append(delivering)
            self._let_go(block.number)
        error = blocks[0].block.error
        if error is not None:
            raise error
        return True

    def _let_go(self, split: int) -> None:
        blocks = self._blocks[split]
        while blocks and not blocks[0].samples and blocks[0].block.error is None:
            done = blocks.popleft()
            self._delivered += done.delivered() + done.skipped()
            self._pool.let_go(done.block)

    def delivered(self) -> Delivered:
        begun = (blocks[0].delivered() for blocks in self._blocks.values() if blocks)
        return sum(begun, self._delivered)

    def progress(self) -> Progress | PackProgress:
        if self._pool.skips:
            return known_to(Progress(self._samples, self._places), self._share)
        return self._source.after(self._start, self._share, self._consumed)

    def _count(self, counters: Counters) -> None:
        counters.set_read(self._read, self._rows, self._pool.rows_done)
        counters.set(Field.READY, self._ready + self._pool.samples_waiting)
        counters.set(Field.CONSUMED, self._consumed)
        counters.set(Field.TRANSFORM_NS, self._pool.nanoseconds)
        counters.set(Field.SKIPPED, self._pool.rows_skipped)

    def _count_timing(self, counters: Counters) -> None:
        super()._count_timing(counters)
        self._pool.count_timing(counters)

    def close(self) -> Progress | PackProgress:
        self._pool.close()
        self._count_end()
        return self.progress()


class _Delivering:
    """A block whose samples are delivered, those from a place of the split on."""

    def __init__(self, block: Block, first: int) -> None:
        self.block = block
        self.samples = [made for made in reversed(block.samples) if made[0] >= first]  #: last first
        self._first = first

    def delivered(self) -> Delivered:
        made = [place for place, _ in self.block.samples if place >= self._first]
        return Delivered(self.block.rows_at(made[: len(made) - len(self.samples)]))

    def skipped(self) -> Delivered:
        places = [place for place in self.block.skipped if place >= self._first]
        return Delivered(skipped=self.block.rows_at(places))


class _Splits:
    """The blocks of a stream, with their row ids apart."""

    def __init__(self, source: Source, stream: _pilum.SplitStream) -> None:
        self._source = source
        self._stream = stream

    def __next__(self) -> tuple[int, int, pa.UInt64Array, pa.RecordBatch]:
        split, place, read = next(self._stream)
        return split, place, *self._source.take_apart(read)

    def close(self) -> None:
        self._stream.close()


def _made_ahead(samples: Iterator[Any]) -> int:
    """Those that are made already."""
    if isinstance(samples, _pilum.RowIterator):
        return samples.made_ahead
    return operator.length_hint(samples)


def _made_later_ns(samples: Iterator[Any]) -> int:
    """What making them took while they were delivered."""
    return samples.making_ns if isinstance(samples, _pilum.RowIterator) else 0
