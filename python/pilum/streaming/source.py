"""What a stream reads: which rows of a table, in which order, how far ahead."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pyarrow as pa

from pilum import _pilum
from pilum.errors import InvalidArgumentError
from pilum.row_source import PinnedTable
from pilum.scanner import Columns
from pilum.streaming.place import Place
from pilum.streaming.receipt import Rows
from pilum.streaming.state import (
    Facts,
    PackProgress,
    Progress,
    Share,
    advance,
    at_start,
    known_to,
    make_state,
    progress_of,
)

_ROW_ID = "_rowid"
#: Batches of fewer rows cost more than the rows: each is handed over from C++, 30 us.
_PIECE_ROWS = 1024


class Read(Protocol):
    """Rows, or blocks, that were read together."""

    def __len__(self) -> int: ...

    def samples(self) -> Iterator[Any]:
        """Once. Its length hint is how many are left."""

    def digest(self, count: int) -> tuple[int, int]:
        """Of the first so many, as Rows has it."""


class Source:
    """The rows of a table's version for which a filter is true, and the orders of its epochs."""

    def __init__(
        self,
        *,
        base: PinnedTable,
        columns: Columns,
        with_row_id: bool,
        filter: list[str],
        shuffle: bool,
        seed: int,
        clump_size: int | None,
        read_batch_size: int,
        prefetch_batches: int | None,
        readahead_bytes: int,
    ) -> None:
        self.base = base
        self.seed = seed
        self.read_batch_size = read_batch_size
        self.readahead_bytes = readahead_bytes
        self._columns = columns
        self._delivers_row_ids = with_row_id or (
            not isinstance(columns, Mapping) and _ROW_ID in (columns or ())
        )
        self._filter = filter
        self._shuffle = shuffle
        self._clump_size = clump_size
        self._prefetch_batches = prefetch_batches
        self._rows: _pilum.EpochRows | None = None
        self.num_rows: int | None = None  #: once they were found, in this process or before
        self.find_rows_s = 0.0

    _reads_row_ids = True

    def rows(self, num_splits: int) -> _pilum.EpochRows:
        """Evaluates the filter once in a process. InvalidArgumentError if there are fewer than
        splits."""
        if self._rows is None:
            start = time.perf_counter()
            self._rows = _pilum.EpochRows.find(self.base.snapshot, self._filter)
            self.find_rows_s = time.perf_counter() - start
            self.num_rows = len(self._rows)
        if len(self._rows) < num_splits:
            which = f"where {' and '.join(self._filter)} " if self._filter else ""
            raise InvalidArgumentError(
                f"table '{self.base.name}' has {len(self._rows)} rows {which}for {num_splits} "
                "splits; there must be at least 1 row per split"
            )
        return self._rows

    def check(self, num_splits: int) -> None:
        """Errors that are found before anything is read, but for the filter."""
        self.rows(num_splits)

    def rows_ahead(self, place: Place) -> int:
        """Of the share of a place."""
        num_splits, own = place.share.num_splits, place.share.own
        per_split = len(self.rows(num_splits)) // num_splits
        return per_split * len(own) - sum(self.start(place).places[split] for split in own)

    def samples_of(self, share: Share) -> int:
        """In an epoch."""
        return len(self.rows(share.num_splits)) // share.num_splits * len(share.own)

    # -------------------------------------------------------------------------------- reading
    @property
    def piece_rows(self) -> int:
        """Rows, or blocks, that are handed over together where nobody says how many."""
        return max(self.read_batch_size, _PIECE_ROWS)

    def open(self, place: Place, **options: Any) -> _pilum.EpochStream | _pilum.PackedStream:
        """What follows a place: `reads` of it, or batches which take_apart takes apart."""
        rows = self.rows(place.share.num_splits)
        return _pilum.open_epoch(rows, self._options(place, **options), self._start(place))

    def open_splits(self, place: Place, **options: Any) -> _pilum.SplitStream:
        """The same in blocks of splits."""
        rows = self.rows(place.share.num_splits)
        return _pilum.open_splits(rows, self._options(place, **options), self._start(place))

    def _options(
        self,
        place: Place,
        *,
        batch_size: int,
        readahead_bytes: int,
        whole_batches: bool = False,
        batches_at_once: int = 1,
        deal: tuple[int, int] = (0, 1),
    ) -> _pilum.EpochOptions:
        num_splits, rank, readers = place.share
        return _pilum.EpochOptions(
            columns=self._columns,
            with_row_id=self._reads_row_ids,
            shuffle=self._order(place.epoch),
            num_splits=num_splits,
            rank=rank,
            world_size=readers,
            batch_size=batch_size,
            whole_batches=whole_batches,
            batches_at_once=batches_at_once,
            deal=deal,
            readahead_bytes=readahead_bytes,
            readahead_rows=self._readahead_rows(place.share, batch_size, deal[1]),
        )

    def _readahead_rows(self, share: Share, batch_size: int, processes: int) -> int:
        """Of each of the processes that a share is dealt to; 0: as many as the bytes allow."""
        if self._prefetch_batches is None:
            return 0
        rows = self._prefetch_batches * self.read_batch_size * len(share.own)
        # A process that reads less than a batch ahead waits for each.
        return rows if processes == 1 else max(rows // processes, batch_size)

    def reads(self, stream: Any) -> Iterator[Read]:
        """Of a stream that was opened here, without pyarrow: less is read at a time than Python
        would take to handle it."""
        return iter(functools.partial(stream.next_rows, self._delivers_row_ids), None)

    def take_apart(self, batch: pa.RecordBatch) -> tuple[pa.UInt64Array, pa.RecordBatch]:
        """The row ids of a batch that was read, and what is delivered of it."""
        column = batch.schema.get_all_field_indices(_ROW_ID)[-1]
        ids = batch.column(column)
        return ids, batch if self._delivers_row_ids else batch.remove_column(column)

    def _order(self, epoch: int) -> _pilum.ShuffleOptions | None:
        if not self._shuffle:
            return None
        return _pilum.ShuffleOptions(self.seed % 2**64, epoch, self._clump_size or 1)

    def samples(self, batch: pa.RecordBatch) -> Iterator[Any]:
        """Of what take_apart gives. Its length hint is how many are left."""
        return _pilum.RowIterator(batch)

    def epoch_order(self, num_splits: int, epoch: int) -> _pilum.EpochOrder:
        place = Place(epoch)
        place.settle(Share(num_splits, 0, 1))
        options = self._options(place, batch_size=1, readahead_bytes=0)
        return _pilum.EpochOrder.make(self.rows(num_splits), options)

    def rows_of(self, num_splits: int, epoch: int, samples: int | None) -> Rows:
        """Those of the first samples of an epoch, or of all."""
        order = self.epoch_order(num_splits, epoch)
        return Rows(*order.digest(0, len(order) if samples is None else samples))

    # ------------------------------------------------------------------------------- progress
    #: Whether where a stream is follows from how many samples it has delivered.
    counts_say_progress = True

    def start(self, place: Place) -> Progress | PackProgress:
        """Where the next pass from a settled place begins."""
        return place.progress or self.beginning(place.share.num_splits)

    def _start(self, place: Place) -> tuple[list[int], list[int]]:
        start = self.start(place)
        assert isinstance(start, Progress)
        return start.samples, start.places

    def beginning(self, num_splits: int) -> Progress | PackProgress:
        return at_start(num_splits)

    def progress(self, stream: Any, unused: int = 0) -> PackProgress | None:
        """Of a stream that was opened here, without the last samples of its last batch. None where
        that follows from counting."""
        return None

    def after(self, start: Progress | PackProgress, share: Share, samples: int) -> Progress:
        """So many samples after a start, none of them skipped."""
        assert isinstance(start, Progress)
        assert self.num_rows is not None
        moved = advance(start, share.readers, samples, self.num_rows // share.num_splits)
        return moved if start.of_all else known_to(moved, share)

    def state(self, epoch: int, progress: Progress | PackProgress, share: Share) -> Facts:
        assert isinstance(progress, Progress)
        return make_state(self.facts(share.num_splits), epoch, progress, share)

    def progress_of(self, state: Facts) -> Progress | PackProgress:
        """By a state that fits."""
        return progress_of(state)

    def facts(self, num_splits: int) -> Facts:
        """What decides which rows come when, but for the epoch."""
        return {
            "shuffle_seed": self.seed,
            "num_splits": num_splits,
            "shuffle": self._shuffle,
            "shuffle_clump_size": self._clump_size,
            "filter": self._filter,
            "table_version": self.base.version,
            "num_rows": self.num_rows,
            "pack_sequences": None,
        }

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_rows": None}
