"""StreamingDataset."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, SupportsIndex

from torch.utils.data import IterableDataset, get_worker_info

from pilum import _pilum
from pilum.errors import InvalidArgumentError
from pilum.row_source import ConnectionFactory, PinnedTable
from pilum.scanner import Columns, check_count, conditions_of
from pilum.streaming.arguments import (
    check_depth,
    check_positive,
    check_splits,
    check_transform,
    check_workers,
    integer,
    refuse_later,
)
from pilum.streaming.counters import Field, SharedCounters
from pilum.streaming.reading import Pass, PlainPass, TransformedPass
from pilum.streaming.state import (
    Facts,
    Progress,
    check_fit,
    check_state,
    make_state,
    merge_states,
    progress_of,
)
from pilum.streaming.transforms import OnError, Transform, TransformPool
from pilum.table import Table
from pilum.torch.process import check_rank

_BATCH_ROWS = 256  # at least, between the stream and this: handing batches over costs 30 us each
_READAHEAD_BYTES = 64 << 20


class StreamingDataset(IterableDataset[Any]):
    """A table's rows as a stream of samples for training: shuffled, in splits, shared by any number
    of processes that divides these, read ahead, resumable at any sample.

        ds = StreamingDataset(table, num_splits=48, shuffle_seed=42, rank=rank, world_size=world)
        for sample in ds:          # {"feature": 0.82, "label": "cat"}
            train_step(sample)
        torch.save(ds.state_dict(), "data.pt")

    The epoch's rows are cut into `num_splits` splits, and samples come from the splits in turns:
    sample g of the epoch is row g / S of split g mod S, and rank r of W has the samples r, r + W,
    r + 2W, ... So the k-th global batch has the same rows for every world size that divides
    num_splits and every batch size that the world size divides. Worker w of n of a DataLoader is
    rank r + W * w of W * n; then n global batches after each other have the same rows together.

    table                the rows of the version that it is on now
    num_splits           a multiple of the world size, of as many as there may ever be; None: as
                         many as there are readers, ranks times worker processes
    shuffle              False: split k has rows k * m to (k + 1) * m in stored order. Rows that do
                         not fill the splits, at most num_splits - 1, are left out
    shuffle_seed         any integer; None: a random one
    epoch                another one gives another order; None: 0, or that of a state that is loaded
    rank, world_size     which of the processes that train together this one is
    read_batch_size      rows that are handed over together
    prefetch_batches     read ahead so many batches of each split, at most `readahead_bytes`;
                         None: as many as these allow
    io_queue_depth       the same
    readahead_bytes      of decoded rows that are under way or wait; by default 64 MiB. Worker
                         processes divide them. With a transform half of them are for rows in it and
                         behind it, counted at the size they had before
    columns              names, or new names with the SQL that computes them; None: all
    filter               SQL; only rows for which it is true are read and make up the splits
    shuffle_clump_size   rows that stay together in stored order, so that they are read together
    transform            makes samples: called with a RecordBatch of at most read_batch_size rows of
                         one split, always the same ones, it gives an iterable with one sample for
                         each row. Runs on threads, several batches at a time. None: rows as dicts
    transform_parallelism   threads; by default as many as CPUs that the process may use
    on_transform_error   "raise": the error is raised when the samples would come; "skip": rows that
                         fail by themselves are left out; "warn": and a warning is logged; a
                         function of the exception: whether to leave the row out. Left out rows are
                         in `rows_skipped`; a pass ends before the round in which a split of this
                         rank has no sample left
    transform_queue_depth   batches of each split that may be in transforms or wait behind them
    with_row_id          add `_rowid` to the samples
    connection_factory   opens the table by its name in worker processes

    Iterating again starts over after a pass that came to its end, and goes on after one that did
    not. `set_epoch` chooses another order. One iterator can be live at a time; a second one is a
    RuntimeError. Pickles as the table does. Counters can be read from any thread while another
    iterates.

    Wrong values are a ValueError, and so are fewer rows than splits; what columns are not there is
    found when iterating begins.
    """

    def __init__(
        self,
        table: Table,
        *,
        num_splits: SupportsIndex | None = None,
        shuffle: bool = True,
        shuffle_seed: SupportsIndex | None = 0,
        epoch: SupportsIndex | None = None,
        rank: SupportsIndex = 0,
        world_size: SupportsIndex = 1,
        read_batch_size: SupportsIndex = 64,
        io_queue_depth: SupportsIndex | None = None,
        columns: Columns = None,
        shuffle_clump_size: SupportsIndex | None = None,
        filter: str | Sequence[str] | None = None,
        transform: Transform | None = None,
        transform_parallelism: SupportsIndex | None = None,
        on_transform_error: OnError = "raise",
        transform_queue_depth: SupportsIndex | None = None,
        connection_factory: ConnectionFactory | None = None,
        prefetch_batches: SupportsIndex | None = None,
        readahead_bytes: SupportsIndex | None = None,
        with_row_id: bool = False,
        **later: Any,
    ) -> None:
        refuse_later(later)
        if not isinstance(table, Table):
            raise TypeError(f"a stream is made of a Table, not of a {type(table).__name__}")
        self._rank, self._world_size = check_rank(rank, world_size)
        self._num_splits = check_splits(num_splits, self._world_size)
        self._read_batch_size = check_positive("read_batch_size", read_batch_size)
        self._prefetch_batches = check_depth(prefetch_batches, io_queue_depth)
        self._readahead_bytes = (
            _READAHEAD_BYTES
            if readahead_bytes is None
            else check_count("readahead_bytes", readahead_bytes, 0)
        )
        self._shuffle = bool(shuffle)
        self._seed_given = shuffle_seed is not None
        self._shuffle_seed = (
            secrets.randbits(63) if shuffle_seed is None else integer("shuffle_seed", shuffle_seed)
        )
        self._clump_size = (
            None
            if shuffle_clump_size is None
            else check_positive("shuffle_clump_size", shuffle_clump_size)
        )
        self._columns = columns
        self._with_row_id = bool(with_row_id)
        self._filter = conditions_of(filter)
        self._transform = check_transform(
            transform, transform_parallelism, on_transform_error, transform_queue_depth
        )
        self._epoch_given = epoch is not None
        self._base = PinnedTable(table)
        if connection_factory is not None:
            self._base = self._base.with_factory(connection_factory)
        self._rows: _pilum.EpochRows | None = self._find_rows()
        self._check_rows(self._num_splits or self._world_size)
        self._shared = SharedCounters(0 if epoch is None else check_count("epoch", epoch, 0))
        self._place = _Place(self._shared.epoch)
        self._live: Pass | None = None

    # ------------------------------------------------------------------------------- iterating
    def __iter__(self) -> Iterator[Any]:
        if self._live is not None and self._live.process == os.getpid():
            raise RuntimeError(
                "a concurrent iterator of this StreamingDataset is live: exhaust it, close it or "
                "drop it first, or make another dataset"
            )
        place = self._place = self._place.of_pass(self._shared.epoch)
        live = self._live = self._begin(place)
        try:
            for samples in live.lists():
                yield from samples
            place.ended = True
        finally:
            if live.process == os.getpid():  # not a copy in a forked child
                self._live = None
                place.progress = live.close()

    def _begin(self, place: _Place) -> Pass:
        worker = get_worker_info()
        num_workers = 1 if worker is None else worker.num_workers
        rank = self._rank + (0 if worker is None else self._world_size * worker.id)
        readers = self._world_size * num_workers
        num_splits = self._num_splits or readers
        check_workers(num_splits // self._world_size, num_workers)
        place.settle(num_splits, rank, readers)
        start = place.progress or Progress([0] * num_splits, [0] * num_splits)
        own = num_splits // readers
        rows = self._epoch_rows(num_splits)
        counters = self._shared.begin(*((None, 0) if worker is None else (worker.id, num_workers)))
        ahead = len(rows) // num_splits * own - sum(start.places[rank::readers])
        bytes_ahead = self._readahead_bytes // num_workers
        options = {"num_splits": num_splits, "rank": rank, "world_size": readers}
        if self._transform is None:
            size = max(self._read_batch_size, _BATCH_ROWS)
            stream = _pilum.open_epoch(
                rows, self._options(place.epoch, size, bytes_ahead, **options), start
            )
            return PlainPass(stream, counters, ahead)
        size = self._read_batch_size
        splits = _pilum.open_splits(
            rows, self._options(place.epoch, size, bytes_ahead // 2, **options), start
        )
        depth = self._transform.queue_depth
        most_blocks = depth * own if depth else own + 2 * self._transform.threads
        pool = TransformPool(splits, self._transform, most_blocks, bytes_ahead // 2)
        return TransformedPass(splits, pool, counters, ahead, start, (rank, readers))

    def _options(
        self,
        epoch: int,
        batch_size: int,
        readahead_bytes: int,
        *,
        num_splits: int,
        rank: int,
        world_size: int,
    ) -> _pilum.EpochOptions:
        own = num_splits // world_size
        return _pilum.EpochOptions(
            columns=self._columns,
            with_row_id=self._with_row_id,
            shuffle=self._order(epoch),
            num_splits=num_splits,
            rank=rank,
            world_size=world_size,
            batch_size=batch_size,
            readahead_bytes=readahead_bytes,
            readahead_rows=(self._prefetch_batches or 0) * self._read_batch_size * own,
        )

    def _order(self, epoch: int) -> _pilum.ShuffleOptions | None:
        if not self._shuffle:
            return None
        return _pilum.ShuffleOptions(self._shuffle_seed % 2**64, epoch, self._clump_size or 1)

    def _find_rows(self) -> _pilum.EpochRows:
        return _pilum.EpochRows.find(self._base.snapshot, self._filter)

    def _epoch_rows(self, num_splits: int) -> _pilum.EpochRows:
        if self._rows is None:
            self._rows = self._find_rows()
        self._check_rows(num_splits)
        return self._rows

    def _check_rows(self, num_splits: int) -> None:
        rows = 0 if self._rows is None else len(self._rows)
        if rows < num_splits:
            which = f"where {' and '.join(self._filter)} " if self._filter else ""
            raise InvalidArgumentError(
                f"table '{self._base.name}' has {rows} rows {which}for {num_splits} splits; there "
                "must be at least 1 row per split"
            )

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """From the next pass on, in worker processes too, persistent ones included. Another epoch
        starts at its beginning; the same one changes nothing."""
        self._shared.epoch = check_count("epoch", epoch, 0)

    # ----------------------------------------------------------------------------- checkpoints
    def state_dict(self) -> Facts:
        """How far the stream is: a small dict of JSON. The sample that was delivered last counts as
        consumed. RuntimeError after a pass in worker processes, whose progress is not known here.

        At the end of a global batch the state of any one rank resumes all of them, on any world
        size that divides num_splits; elsewhere that of each rank resumes this rank, and
        `merge_state_dicts` makes one for all.
        """
        if get_worker_info() is None and not self._shared.read_here():
            raise RuntimeError(
                "the last pass was in worker processes of a DataLoader, which run ahead of the "
                "training loop: with num_workers=0 the state is that of the loop"
            )
        place = self._place
        if self._live is None and place.epoch != self._shared.epoch:
            place = _Place(self._shared.epoch)
        num_splits = place.num_splits or self._num_splits or self._world_size
        progress = place.progress if self._live is None else self._live.progress()
        if progress is None:
            progress = Progress([0] * num_splits, [0] * num_splits)
        rank, readers = place.reader or (self._rank, self._world_size)
        return make_state(self._facts(num_splits), place.epoch, progress, readers, rank)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was made, with exactly the rest of its epoch. What was not given when
        this was made, the epoch and the seed, is that of the state. ValueError, which names what
        differs, if the state is of other rows or another order; RuntimeError while an iterator is
        live."""
        if self._live is not None:
            raise RuntimeError("a state cannot be loaded while an iterator is live")
        known = check_state(state)
        if not self._seed_given:
            self._shuffle_seed = known["shuffle_seed"]
        facts = self._facts(self._num_splits or known["num_splits"])
        if self._epoch_given:
            facts["epoch"] = self._shared.epoch
        check_fit(known, facts)
        self._shared.epoch = check_count("epoch", known.get("epoch", self._shared.epoch), 0)
        self._place = _Place(self._shared.epoch, progress_of(known), known["num_splits"])
        self._shared.begin(None, 0)

    @staticmethod
    def merge_state_dicts(states: Sequence[Mapping[str, Any]]) -> Facts:
        """One state of those of all ranks, in their order, at any sample; of any ranks that are
        equally far. ValueError if they are not of one epoch, or there is none."""
        return merge_states(states)

    def _facts(self, num_splits: int) -> Facts:
        return {
            "shuffle_seed": self._shuffle_seed,
            "num_splits": num_splits,
            "shuffle": self._shuffle,
            "shuffle_clump_size": self._clump_size,
            "filter": self._filter,
            "table_version": self._base.version,
        }

    # -------------------------------------------------------------------------------- counters
    def _total(self, field: Field) -> int:
        if self._live is not None and self._live.process == os.getpid():
            self._live.update_counters()
        return self._shared.total(field)

    @property
    def unscanned_rows(self) -> int:
        """Rows of the pass that were not requested yet. These counters are sums over worker
        processes, each as of its last batch."""
        return self._total(Field.UNSCANNED)

    @property
    def raw_queue_depth(self) -> int:
        """Rows that were read and are no samples yet; 0 when nothing iterates."""
        return self._total(Field.RAW)

    @property
    def prefetch_queue_depth(self) -> int:
        """Samples that wait to be delivered; 0 when nothing iterates."""
        return self._total(Field.READY)

    @property
    def consumed_rows(self) -> int:
        """Samples that this pass, or the last one, has delivered."""
        return self._total(Field.CONSUMED)

    @property
    def bytes_loaded(self) -> int:
        """Of rows as Arrow data, over all passes."""
        return self._total(Field.BYTES)

    @property
    def rows_skipped(self) -> int:
        """Over all passes."""
        return self._total(Field.SKIPPED)

    @property
    def fetch_time(self) -> float:
        """Seconds from asking for rows to having them, summed over requests, which overlap, and
        over all passes."""
        return self._total(Field.FETCH_NS) / 1e9

    @property
    def transform_time(self) -> float:
        """Seconds of making samples of rows, over all passes."""
        return self._total(Field.TRANSFORM_NS) / 1e9

    def __repr__(self) -> str:
        return (
            f"StreamingDataset(table={self._base.name!r}, version={self._base.version}, "
            f"rows={'?' if self._rows is None else len(self._rows)}, "
            f"num_splits={self._num_splits}, rank={self._rank}, world_size={self._world_size})"
        )

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_rows": None, "_live": None}


class _Place:
    """Where the stream of a process is."""

    def __init__(
        self, epoch: int, progress: Progress | None = None, num_splits: int | None = None
    ) -> None:
        self.epoch = epoch
        self.progress = progress  #: None: at the start
        self.num_splits = num_splits  #: that the progress is of
        self.reader: tuple[int, int] | None = None  #: rank and number of readers of the pass
        self.ended = False

    def of_pass(self, epoch: int) -> _Place:
        """Where the next pass begins."""
        return _Place(epoch) if self.ended or self.epoch != epoch else self

    def settle(self, num_splits: int, rank: int, readers: int) -> None:
        if self.num_splits not in (None, num_splits):
            raise InvalidArgumentError(
                f"num_splits mismatch: the state has {self.num_splits}, but the world size and the "
                f"number of workers make {num_splits}; pass num_splits, so that it does not depend "
                "on them"
            )
        self.num_splits = num_splits
        self.reader = rank, readers
