"""One pass over the samples of a share, in one process."""

from __future__ import annotations

import abc
import operator
import os
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pilum import _pilum
from pilum.streaming.counters import Counters, Field, Stage
from pilum.streaming.place import Place
from pilum.streaming.receipt import Delivered, Rows
from pilum.streaming.source import Source
from pilum.streaming.state import PackProgress, Progress, known_to
from pilum.streaming.timing import Durations, waited_for
from pilum.streaming.transforms import Block, TransformOptions, TransformPool


class Live(abc.ABC):
    """A pass under way. One consumer; `update_counters` may be called on any thread."""

    process: int  #: that it is in

    @abc.abstractmethod
    def progress(self) -> Progress | PackProgress:
        """How far the splits are, as far as this reader knows."""

    @abc.abstractmethod
    def delivered(self) -> Delivered:
        """The rows that it went past."""

    @abc.abstractmethod
    def update_counters(self) -> None:
        """Has the counters of the process say how far the pass is."""

    @abc.abstractmethod
    def update_timing(self) -> None:
        """The same of where the time goes."""

    @abc.abstractmethod
    def close(self) -> Progress | PackProgress:
        """Stops; returns how far the pass came."""


class Pass(Live):
    """One that makes the samples which it delivers."""

    def __init__(self, read: _pilum.ReadCounters, counters: Counters, rows: int) -> None:
        """rows   that the pass is to go past"""
        self.process = os.getpid()
        self._read = read
        self._counters = counters
        self._rows = rows
        self._waits = Durations()

    @abc.abstractmethod
    def lists(self) -> Iterator[Iterator[Any]]:
        """The samples, list by list. To be consumed from these iterators: what they still have is
        not delivered."""

    def _count(self, *, made: int, ready: int, consumed: int, making_ns: int) -> None:
        """made   rows, of which samples were made or none"""
        self._counters.set_read(self._read, self._rows, made)
        self._counters.set(Field.READY, ready)
        self._counters.set(Field.CONSUMED, consumed)
        self._counters.set(Field.TRANSFORM_NS, making_ns)

    def update_timing(self) -> None:
        self._counters.set_reading(self._read)
        self._counters.set(Field.WAIT_NS, self._waits.total_ns)
        self._counters.set_histogram(Stage.WAIT, self._waits.histogram)

    def _count_end(self) -> None:
        self.update_counters()
        self.update_timing()
        self._counters.set(Field.RAW, 0)
        self._counters.set(Field.READY, 0)
        self._counters.end()


class PlainPass(Pass):
    """Samples are rows as dicts, made on the thread that consumes them."""

    def __init__(
        self, source: Source, place: Place, counters: Counters, readahead_bytes: int
    ) -> None:
        self._stream = source.open(
            place, batch_size=source.piece_rows, readahead_bytes=readahead_bytes
        )
        super().__init__(self._stream.counters, counters, source.rows_ahead(place))
        self._rows_begun = 0  # of batches that samples are made of
        self._samples: Iterator[Any] = iter([])  # of the last one, those not delivered
        self._making_ns = 0  # without those
        self._final: Progress | PackProgress | None = None
        self._source = source
        self._share, self._start = place.share, source.start(place)
        self._rows_delivered = Rows()  # without those of the last batch
        self._row_ids: pa.UInt64Array | None = None  # of the last batch

    def lists(self) -> Iterator[Iterator[Any]]:
        for read in waited_for(self._stream, self._waits):
            start = time.perf_counter_ns()
            self._row_ids, batch = self._source.take_apart(read)
            self._samples = self._source.samples(batch)
            self._making_ns += time.perf_counter_ns() - start
            self._rows_begun += batch.num_rows
            self.update_counters()
            self._counters.count_first()
            yield self._samples
            self._rows_delivered += Rows.of(self._row_ids)
            self._row_ids = None
            self._making_ns += _made_later_ns(self._samples)
            self._samples = iter([])
            del read, batch  # while the next ones are waited for

    def progress(self) -> Progress | PackProgress:
        if self._final is not None:
            return self._final
        counted = self._source.progress(self._stream, self._not_delivered())
        return counted or self._source.after(self._start, self._share, self._delivered_samples())

    def delivered(self) -> Delivered:
        rows = self._rows_delivered
        if self._row_ids is not None:
            rows += Rows.of(self._row_ids[: len(self._row_ids) - self._not_delivered()])
        return Delivered(rows)

    def _delivered_samples(self) -> int:
        return self._rows_begun - self._not_delivered()

    def _not_delivered(self) -> int:
        """Rows of the last batch."""
        return operator.length_hint(self._samples)

    def _all_making_ns(self) -> int:
        return self._making_ns + _made_later_ns(self._samples)

    def update_counters(self) -> None:
        consumed = self._delivered_samples()
        ready = _made_ahead(self._samples)
        self._count(
            made=consumed + ready, ready=ready, consumed=consumed, making_ns=self._all_making_ns()
        )

    def update_timing(self) -> None:
        super().update_timing()
        self._counters.set(Field.MAKE_NS, self._all_making_ns())
        if isinstance(self._stream, _pilum.PackedStream):
            self._counters.set_packing(self._stream.counts)

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
                self.update_counters()
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

    def update_counters(self) -> None:
        self._count(
            made=self._pool.rows_done,
            ready=self._ready + self._pool.samples_waiting,
            consumed=self._consumed,
            making_ns=self._pool.nanoseconds,
        )
        self._counters.set(Field.SKIPPED, self._pool.rows_skipped)

    def update_timing(self) -> None:
        super().update_timing()
        self._pool.count_timing(self._counters)

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
