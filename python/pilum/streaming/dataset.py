"""StreamingDataset."""

from __future__ import annotations

import contextlib
import logging
import operator
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, SupportsIndex

from torch.utils.data import IterableDataset, get_worker_info

from pilum import _pilum
from pilum.row_source import ConnectionFactory, PinnedTable
from pilum.scanner import Columns, check_count, conditions_of
from pilum.streaming.arguments import (
    check_depth,
    check_packing,
    check_positive,
    check_positive_or_none,
    check_readahead,
    check_seed,
    check_splits,
    check_transform,
    check_workers,
    integer,
)
from pilum.streaming.counters import FROM_HERE, AllCounters, Field, SharedCounters, dealt_to
from pilum.streaming.dealing import (
    DealtPass,
    DealtTask,
    Delivery,
    MakeBatches,
    PlainDealtPass,
    TransformedDealtPass,
)
from pilum.streaming.packing import make_source, merge_packed_states
from pilum.streaming.place import Place
from pilum.streaming.reading import Live, Pass, PlainPass, TransformedPass
from pilum.streaming.receipt import Receipt
from pilum.streaming.state import (
    Facts,
    Share,
    check_fit,
    check_state,
    check_whose,
    merge_states,
)
from pilum.streaming.stats import diagnose, make_stats
from pilum.streaming.transforms import OnError, Transform
from pilum.table import Table
from pilum.torch.process import check_rank

_log = logging.getLogger("pilum.streaming")


class WorkerInfo(Protocol):
    """One of the worker processes of a DataLoader."""

    id: int
    num_workers: int


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
                         None: as many as these allow. Worker processes divide them
    io_queue_depth       the same
    readahead_bytes      of rows that are under way or wait, and of what they are decoded from, half
                         each; by default 64 MiB. More where the row that comes next has more.
                         Worker processes divide them. With a transform half of them are for rows in
                         it and behind it, counted at the size they had before
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
    pack_sequences       samples are blocks of so many tokens: a dict of tensors `input_ids` and
                         `doc_ids`, int64. The only column has the tokens of a document in each row;
                         those of a split are put one after another, `eos_id` after each, and cut.
                         doc_ids count the documents that begin in a block, from 0 for what it
                         begins with
    blocks_per_epoch     a multiple of num_splits: each split has its part of them, the last ones
                         filled with `pad_id`; tokens that they do not hold are left out. "auto": as
                         many as all tokens need by an estimate, with a warning that says how many

    worker_info_override   has `id` and `num_workers`: which part of a rank this process has; None:
                         what torch.utils.data.get_worker_info says

    Iterating again starts over after a pass that came to its end, and goes on after one that did
    not; in worker processes of a plain DataLoader, which run ahead of the training loop, it begins
    where that one began. `set_epoch` chooses another order. One iterator can be live at a time; a
    second one is a RuntimeError. Pickles as the table does. Counters can be read from any thread
    while another iterates.

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
        pack_sequences: SupportsIndex | None = None,
        eos_id: SupportsIndex | None = None,
        pad_id: SupportsIndex | None = None,
        blocks_per_epoch: SupportsIndex | str | None = None,
        worker_info_override: WorkerInfo | None = None,
    ) -> None:
        if not isinstance(table, Table):
            raise TypeError(f"a stream is made of a Table, not of a {type(table).__name__}")
        self._rank, self._world_size = check_rank(rank, world_size)
        self._splits = check_splits(num_splits, self._world_size)
        self._transform = check_transform(
            transform, transform_parallelism, on_transform_error, transform_queue_depth
        )
        base = PinnedTable(table)
        packing = check_packing(
            pack_sequences, eos_id, pad_id, blocks_per_epoch, columns, self._transform
        )
        self._source = make_source(
            packing,
            base=base if connection_factory is None else base.with_factory(connection_factory),
            columns=columns,
            with_row_id=bool(with_row_id),
            filter=conditions_of(filter),
            shuffle=bool(shuffle),
            seed=check_seed(shuffle_seed),
            clump_size=check_positive_or_none("shuffle_clump_size", shuffle_clump_size),
            read_batch_size=check_positive("read_batch_size", read_batch_size),
            prefetch_batches=check_depth(prefetch_batches, io_queue_depth),
            readahead_bytes=check_readahead(readahead_bytes),
        )
        self._worker_override = worker_info_override
        self._seed_given = shuffle_seed is not None
        self._epoch_given = epoch is not None
        self._shared = SharedCounters(0 if epoch is None else check_count("epoch", epoch, 0))
        self._place = Place(self._shared.epoch)
        self._loaded = 0  # the key of the place of the last state, unless a worker loaded it
        self._live: Live | None = None
        self._source.check(self._num_splits)  # so that errors are found here

    @property
    def _num_splits(self) -> int:
        """In effect: of the pass that began last, or of one in this process."""
        if self._place.settled:
            return self._place.share.num_splits
        return self._own_share().num_splits

    @property
    def _shuffle_seed(self) -> int:
        return self._source.seed

    # ------------------------------------------------------------------------------- iterating
    def __iter__(self) -> Iterator[Any]:
        place = self._next_place()
        live = self._begin(place)
        with self._alive(live, place):
            for samples in live.lists():
                yield from samples

    def _next_place(self) -> Place:
        """Where the pass that begins now is to begin."""
        if self._live is not None and self._live.process == os.getpid():
            raise RuntimeError(
                "a concurrent iterator of this StreamingDataset is live: exhaust it, close it or "
                "drop it first, or make another dataset"
            )
        if get_worker_info() is not None and self._loaded != self._shared.loaded:
            raise RuntimeError(
                "a state was loaded after these worker processes were started, which do not have "
                "it: make a new DataLoader, or use a StreamingDataLoader"
            )
        if self._shared.is_behind(self._place):
            self._place.ended = True
        self._place = self._place.of_pass(self._shared.epoch)
        return self._place

    @contextlib.contextmanager
    def _alive(self, live: Live, place: Place) -> Iterator[None]:
        """While a pass is under way. One that is not left early has come to its end. What was left
        in a worker process is ahead of the training loop: it is to begin again where it began."""
        self._live = live
        try:
            yield
            place.ended = True
            worker = get_worker_info()
            if worker is not None:
                self._shared.end_pass(place, worker.id, worker.num_workers)
        finally:
            if live.process == os.getpid():  # not a copy in a forked child
                counts = place.ended or get_worker_info() is None
                try:
                    stopped = live.close()
                    if counts:
                        place.move_to(stopped)
                finally:
                    self._live = None  # now that its counters are final
                if counts and not sys.is_finalizing():  # then nobody asks, nor can Arrow be asked
                    place.delivered += live.delivered()

    def _begin(self, place: Place) -> Pass:
        self._check_override()
        worker = self._worker()
        place.settle(self._own_share())
        begin = (None, FROM_HERE) if worker is None else (worker.id, worker.num_workers)
        counters = self._shared.begin(*begin)
        bytes_ahead = self._source.readahead_bytes // (place.share.readers // self._world_size)
        if self._transform is None:
            return PlainPass(self._source, place, counters, bytes_ahead)
        return TransformedPass(self._source, place, counters, bytes_ahead, self._transform)

    def _worker(self) -> WorkerInfo | None:
        worker: Any = self._worker_override or get_worker_info()
        found: WorkerInfo | None = worker
        return found

    def _reader(self) -> tuple[int, int]:
        """Which of the readers of an epoch this process is, and how many there are."""
        worker = self._worker()
        if worker is None:
            return self._rank, self._world_size
        return self._rank + self._world_size * worker.id, self._world_size * worker.num_workers

    def _own_share(self) -> Share:
        """Of this process, where no loader deals batches to it."""
        rank, readers = self._reader()
        num_splits = self._splits or readers
        check_workers(num_splits // self._world_size, readers // self._world_size)
        return Share(num_splits, rank, readers)

    def _check_override(self) -> None:
        if self._worker_override is not None and get_worker_info() is not None:
            _log.warning("worker_info_override is an override of what PyTorch says about workers")

    @property
    def has_transform(self) -> bool:
        return self._transform is not None

    @contextlib.contextmanager
    def _delivering(self, num_workers: int) -> Iterator[Delivery]:
        """While batches that processes make with `_deal` are delivered here."""
        place = self._next_place()
        self._settle_whole(place)
        self._shared.set_pass(place)
        delivery = Delivery(self._source, self._shared.begin(None, dealt_to(num_workers)), place)
        with self._alive(delivery, place):
            yield delivery

    def _deal(self, deal: tuple[int, int], batch_size: int | None, make: MakeBatches) -> DealtPass:
        """The batches of the pass that is being delivered that fall to a process: what the
        transform makes of them, or `make`. Samples if batch_size is None."""
        place = self._shared.place_of_pass(self._place)
        self._settle_whole(place)
        task = DealtTask(
            self._source,
            place,
            self._shared.begin(deal[0], dealt_to(0 if get_worker_info() is None else deal[1])),
            self._source.readahead_bytes // deal[1],
            deal,
            batch_size,
        )
        if self._transform is None:
            return PlainDealtPass(task, make)
        return TransformedDealtPass(task, self._transform)

    def _samples_of_rank(self) -> int:
        """In an epoch."""
        return self._source.samples_of(self._whole_share())

    def _settle_whole(self, place: Place) -> None:
        """Has a pass be of the whole rank."""
        place.settle(self._whole_share())

    def _whole_share(self) -> Share:
        return Share(self._splits or self._world_size, self._rank, self._world_size)

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """From the next pass on, in worker processes too, persistent ones included. Another epoch
        starts at its beginning; the same one changes nothing."""
        self._shared.epoch = check_count("epoch", epoch, 0)

    # ----------------------------------------------------------------------------- checkpoints
    def state_dict(self) -> Facts:
        """How far the stream is: a small dict of JSON. The sample that was delivered last counts as
        consumed. RuntimeError after a pass in worker processes of a plain DataLoader, whose
        progress is not known here.

        At the end of a global batch all ranks have the same state: that of any one resumes all of
        them, on any world size that divides num_splits. Elsewhere that of each rank resumes this
        rank, and `merge_state_dicts` makes one for all. So it is everywhere with packing and in
        passes that may leave rows out, but those of a StreamingDataLoader: there `rank` in the
        state says whose it is.
        """
        self._check_place_is_known()
        place = self._place
        if self._live is None and place.epoch != self._shared.epoch:
            place = Place(self._shared.epoch)
        if not place.settled:
            place.settle(self._own_share())
        live = self._live
        progress = self._source.start(place) if live is None else live.progress()
        return self._source.state(place.epoch, progress, place.share)

    def _check_place_is_known(self) -> None:
        known = self._live is not None or self._worker() is not None
        if not known and self._shared.read().kind > 0:
            raise RuntimeError(
                "the last pass was in worker processes of a DataLoader, which run ahead of the "
                "training loop: a StreamingDataLoader knows where that is"
            )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was made, with exactly the rest of its epoch. What was not given when
        this was made, the epoch and the seed, is that of the state. ValueError, which names what
        differs, if the state is of other rows or another order, or one of another rank that says
        nothing about this one; RuntimeError while an iterator is live. After an error nothing has
        changed. Worker processes of a plain DataLoader that were started before do not have the
        state: their next pass is a RuntimeError."""
        if self._live is not None:
            raise RuntimeError("a state cannot be loaded while an iterator is live")
        known = check_state(state)
        facts = self._source.facts(self._splits or known["num_splits"])
        if not self._seed_given:
            del facts["shuffle_seed"]
        if self._epoch_given:
            facts["epoch"] = self._shared.epoch
        check_fit(known, facts)
        seed = integer("shuffle_seed", known["shuffle_seed"])
        epoch = check_count("epoch", known.get("epoch", self._shared.epoch), 0)
        check_whose(known, *self._reader())
        progress = self._source.progress_of(known)
        # It fits: nothing below fails, so that a state is loaded or changes nothing.
        self._source.seed = seed
        self._shared.epoch = epoch
        self._place = Place(epoch, progress)
        if get_worker_info() is None:
            self._loaded = self._shared.loaded = self._place.key
        self._shared.begin(None, FROM_HERE)

    @staticmethod
    def merge_state_dicts(states: Sequence[Mapping[str, Any]]) -> Facts:
        """One state of those of all ranks, in their order, at any sample; of any ranks that are
        equally far and leave no rows out. ValueError if they are not of one epoch, or some are
        missing."""
        checked = [check_state(state) for state in states]
        is_packed = any(state.get("pack_sequences") is not None for state in checked)
        return merge_packed_states(checked) if is_packed else merge_states(checked)

    # --------------------------------------------------------------------------------- lineage
    def receipt(self) -> Receipt:
        """The rows of the epoch that were delivered here, since it began or a state was loaded: to
        be kept beside each state, by each rank. All of them together, those from after a crash
        included, say whether every row came once: `Receipt.verify`. RuntimeError where state_dict
        is one."""
        self._check_place_is_known()
        delivered = self._place.delivered
        if self._live is not None:
            delivered += self._live.delivered()
        return Receipt(self._source.facts(self._num_splits), self._place.epoch, delivered)

    def position_of(self, row_id: SupportsIndex) -> int | None:
        """Which sample of the epoch a row is, of those of all ranks: that of number p is in the
        global batch p // (batch size x ranks). None for a row that is none, as it does not match
        the filter or fills no split; IndexError if there is no such row. Nothing is logged for
        this: the order is calculated backwards."""
        return self._epoch_order().sample_of(operator.index(row_id))

    def rows_at(self, step: SupportsIndex, batch_size: SupportsIndex = 1) -> list[int]:
        """The row ids of a step of the epoch: those of a global batch of so many samples, of all
        ranks together. None behind the end."""
        size = check_positive("batch_size", batch_size)
        return self._epoch_order().row_ids(check_count("step", step, 0) * size, size)

    def _epoch_order(self) -> _pilum.EpochOrder:
        return self._source.epoch_order(self._num_splits, self._shared.epoch)

    # -------------------------------------------------------------------------------- counters
    def _total(self, field: Field) -> int:
        return self._counters().total(field)

    def _counters(self, timing: bool = False) -> AllCounters:
        live = self._live
        if live is None or live.process != os.getpid():
            return self._shared.read()
        return self._shared.read(live.counted(timing))

    def stats(self) -> dict[str, Any]:
        """Where the time of the pass goes, or of the last one, in seconds:

        elapsed_s, workers   of the pass; worker processes, which what follows is summed over
        setup       find_rows_s, evaluating the filter; first_sample_s, from beginning to iterate
        read        busy_s, idle_s: while something was being read, and while nothing was, as what
                    may be ahead was; store_s, requests, and decode_s, CPUs, summed over what runs
                    side by side; rows, decoded_bytes; store_reads, store_bytes, wanted_bytes of
                    files: what was not in memory already, with and without what lies between
        packing     None without it; tokens, those of eos included, pad_tokens, rows that ended
        transform   None without one; threads, busy_s and cpu_s of them, summed; rows_wait_s and
                    room_wait_s: while the next in line waits for rows, or for samples to be taken
        samples     of the thread that makes samples, or hands those of a transform over: wait_s,
                    busy_s making them, other_s collating and sending them
        loop        the training loop: rows, rows_ready, wait_s, busy_s: between samples. None if
                    that is in worker processes of a plain DataLoader, which do not know

        p50_s, p99_s of stages are of their pieces, give or take a fifth: reads of rows that are
        read together, calls of the transform, waits. Of worker processes as of a tenth of a second
        ago. Counting all this takes some microseconds for each batch.
        """
        return make_stats(self._counters(timing=True), self._source.find_rows_s)

    def diagnose(self) -> str:
        """What the bottleneck is, by its numbers, and what to change."""
        return diagnose(self.stats())

    @property
    def unscanned_rows(self) -> int:
        """Rows of the pass that were not requested yet. These counters are sums over worker
        processes, each as of its last batch or a millisecond before."""
        return self._total(Field.UNSCANNED)

    @property
    def raw_queue_depth(self) -> int:
        """Rows that were read and are no samples yet; 0 when nothing iterates."""
        return self._counters().waiting(Field.RAW)

    @property
    def prefetch_queue_depth(self) -> int:
        """Samples that wait to be delivered; 0 when nothing iterates."""
        return self._counters().waiting(Field.READY)

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
        base, rows = self._source.base, self._source.num_rows
        return (
            f"StreamingDataset(table={base.name!r}, version={base.version}, "
            f"rows={'?' if rows is None else rows}, num_splits={self._splits}, "
            f"rank={self._rank}, world_size={self._world_size})"
        )

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_live": None}
