"""What a stream reads: which rows of a table, in which order, how far ahead."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from pilum import _pilum
from pilum.errors import InvalidArgumentError
from pilum.row_source import PinnedTable
from pilum.scanner import Columns
from pilum.streaming.place import Place
from pilum.streaming.state import Facts, Share
from pilum.table import Table

_ROW_ID = "_rowid"


class Source:
    """The rows of a table's version for which a filter is true, and the orders of its epochs."""

    def __init__(
        self,
        base: PinnedTable,
        *,
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
        self.find_rows_s = 0.0

    def rows(self, num_splits: int) -> _pilum.EpochRows:
        """Evaluates the filter once in a process. InvalidArgumentError if there are fewer than
        splits."""
        if self._rows is None:
            start = time.perf_counter()
            self._rows = _pilum.EpochRows.find(self.base.snapshot, self._filter)
            self.find_rows_s = time.perf_counter() - start
        if len(self._rows) < num_splits:
            which = f"where {' and '.join(self._filter)} " if self._filter else ""
            raise InvalidArgumentError(
                f"table '{self.base.name}' has {len(self._rows)} rows {which}for {num_splits} "
                "splits; there must be at least 1 row per split"
            )
        return self._rows

    @property
    def num_rows(self) -> int | None:
        """If they were found in this process."""
        return None if self._rows is None else len(self._rows)

    def rows_ahead(self, place: Place) -> int:
        """Of the share of a place."""
        num_splits, own = place.share.num_splits, place.share.own
        per_split = len(self.rows(num_splits)) // num_splits
        return per_split * len(own) - sum(place.start.places[split] for split in own)

    @staticmethod
    def of_facts(table: Table, facts: Facts) -> Source:
        """Of the facts of a state or receipt."""
        return Source(
            PinnedTable(table, facts["table_version"]),
            columns=[],
            with_row_id=True,
            filter=facts["filter"],
            shuffle=facts["shuffle"],
            seed=facts["shuffle_seed"],
            clump_size=facts["shuffle_clump_size"],
            read_batch_size=1,
            prefetch_batches=None,
            readahead_bytes=0,
        )

    def options(
        self,
        place: Place,
        *,
        batch_size: int,
        readahead_bytes: int,
        whole_batches: bool = False,
        deal: tuple[int, int] = (0, 1),
    ) -> _pilum.EpochOptions:
        """With row ids, which split_row_ids takes out again."""
        num_splits, rank, readers = place.share
        return _pilum.EpochOptions(
            columns=self._columns,
            with_row_id=True,
            shuffle=self._order(place.epoch),
            num_splits=num_splits,
            rank=rank,
            world_size=readers,
            batch_size=batch_size,
            whole_batches=whole_batches,
            deal=deal,
            readahead_bytes=readahead_bytes,
            readahead_rows=(self._prefetch_batches or 0)
            * self.read_batch_size
            * len(place.share.own),
        )

    def epoch_order(self, num_splits: int, epoch: int) -> _pilum.EpochOrder:
        place = Place(epoch)
        place.settle(Share(num_splits, 0, 1))
        options = self.options(place, batch_size=1, readahead_bytes=0)
        return _pilum.EpochOrder.make(self.rows(num_splits), options)

    def split_row_ids(self, batch: pa.RecordBatch) -> tuple[pa.UInt64Array, pa.RecordBatch]:
        """The row ids of a batch that was read with the options above, and what is delivered of
        it."""
        column = batch.schema.get_all_field_indices(_ROW_ID)[-1]
        ids = batch.column(column)
        return ids, batch if self._delivers_row_ids else batch.remove_column(column)

    def _order(self, epoch: int) -> _pilum.ShuffleOptions | None:
        if not self._shuffle:
            return None
        return _pilum.ShuffleOptions(self.seed % 2**64, epoch, self._clump_size or 1)

    def facts(self, num_splits: int) -> Facts:
        """What decides which rows come when, but for the epoch."""
        return {
            "shuffle_seed": self.seed,
            "num_splits": num_splits,
            "shuffle": self._shuffle,
            "shuffle_clump_size": self._clump_size,
            "filter": self._filter,
            "table_version": self.base.version,
        }

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_rows": None}
