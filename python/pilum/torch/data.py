"""Tables as datasets of PyTorch.

`LanceDataset` is a stream of batches of tensors, `SafeLanceDataset` gives rows by number. What
divides the rows among processes is in `pilum.torch.sampler`.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, SupportsIndex

import pyarrow as pa
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from pilum.errors import InvalidArgumentError
from pilum.scanner import Columns, check_count
from pilum.torch.batch_cache import BatchCache
from pilum.torch.batches import Batches, cut, in_multiples, matching_rows, read_rows, take
from pilum.torch.column_batch import ColumnBatch, Prebatched
from pilum.torch.process import Rank, check_rank_or_none, find_rank
from pilum.torch.safe import SafeLanceDataset, get_safe_loader
from pilum.torch.sampler import (
    FragmentSampler,
    FullScanSampler,
    Sampler,
    ShardedBatchSampler,
    ShardedFixedBatchSampler,
    ShardedFragmentSampler,
    maybe_sample,
)
from pilum.torch.sampler_base import Wanted
from pilum.torch.sampling import batches_of, check_sample_filter, choose
from pilum.torch.source import Source, open_dataset
from pilum.torch.style import in_style, without_style
from pilum.torch.tensors import has_no_nulls, split_rows, to_tensors

__all__ = [
    "ColumnBatch",
    "FragmentSampler",
    "FullScanSampler",
    "LanceDataset",
    "SafeLanceDataset",
    "Sampler",
    "ShardedBatchSampler",
    "ShardedFixedBatchSampler",
    "ShardedFragmentSampler",
    "get_safe_loader",
    "maybe_sample",
    "to_tensors",
]

ToTensorFn = Callable[..., Any]


class Place(NamedTuple):
    """Which part of the rows a process reads: that of a rank, divided among its workers."""

    rank: int
    world_size: int
    worker: int
    num_workers: int


class LanceDataset(Dataset[Any]):
    """A stream of batches of tensors from a table.

        for images, labels in LanceDataset("/data/images.lance", batch_size=32):
            ...
        loader = DataLoader(LanceDataset(uri, batch_size=32), batch_size=None, num_workers=2)

    Every iteration starts over, and delivers batches of exactly `batch_size` rows; only the last
    one, of each worker process, may be shorter. Without a `sampler` rows come in storage order.

    A batch is a `ColumnBatch` of tensors in the order of the columns, to be unpacked or asked by
    name; of a single column, the bare tensor. `pilum.torch.tensors` says which types become which
    tensors.

    dataset             a folder, or an open dataset or table
    batch_size          rows of a batch
    dataset_options     of a folder: version, branch, storage_options, as for `pilum.dataset`
    columns             names, or new names with the SQL that computes them; by default all
    filter              SQL; only rows for which it is true
    samples             so many rows, chosen at random anew for each iteration; 0, or more than
                        there are: all rows. With a filter only `column IS NOT NULL` is supported
                        (NotImplementedError)
    cache               True, or a folder for it: keep what the first iteration reads on disk, for
                        the later ones, as long as this object lives
    with_row_id         add the column `_rowid`, int64
    rank, world_size    read only the part of one of several processes; by default they are those of
                        torch.distributed, or of the environment (`RANK`, `WORLD_SIZE`)
    shard_granularity   the parts of ranks and worker processes are "fragment": whole fragments, the
                        default; "batch": batches, of which every rank gets the same number
    batch_readahead     batches read in advance where rows are read by number; scans read ahead by
                        bytes
    to_tensor_fn        called with a RecordBatch, gives what is delivered; None: RecordBatches.
                        It gets hf_converter=None and use_blob_api=False if it takes them
    sampler             a `pilum.torch.sampler.Sampler`, which knows its rank
    auto_detect_rank    False: without rank and world_size every process, workers included, reads
                        everything

    It is an IterableDataset until it is given to `ShardedBatchSampler`, or `become_map_style` is
    called. It reads one version of the table. Pickles as an address with the options; worker
    processes may be forked or spawned. One iterator belongs to one thread; several may be used at
    the same time.

    Wrong values are a ValueError, those of a wrong kind a TypeError, both when it is made. A column
    that cannot become a tensor is a ValueError when a batch is made of it.
    """

    def __new__(cls, *args: Any, **options: Any) -> LanceDataset:
        dataset: LanceDataset = super().__new__(in_style(cls, IterableDataset))
        return dataset

    def __init__(
        self,
        dataset: Source,
        batch_size: SupportsIndex,
        *,
        dataset_options: Mapping[str, Any] | None = None,
        columns: Columns = None,
        filter: str | None = None,
        samples: SupportsIndex | None = 0,
        cache: bool | str | os.PathLike[str] | None = None,
        with_row_id: bool = False,
        rank: SupportsIndex | None = None,
        world_size: SupportsIndex | None = None,
        shard_granularity: str | None = None,
        batch_readahead: SupportsIndex = 16,
        to_tensor_fn: ToTensorFn | None = to_tensors,
        sampler: Sampler | None = None,
        auto_detect_rank: bool = True,
    ) -> None:
        self.batch_size = check_count("batch_size", batch_size, 1)
        self.samples = check_count("samples", samples or 0, 0)
        self.batch_readahead = check_count("batch_readahead", batch_readahead, 0)
        self.shard_granularity = _check_granularity(shard_granularity)
        self.sampler = _check_sampler(sampler)
        self.to_tensor_fn = to_tensor_fn
        self._convert = _converter(to_tensor_fn)
        self._rank = check_rank_or_none(rank, world_size)
        self._inherited_rank: Rank | None = None
        self._auto_detect_rank = bool(auto_detect_rank)
        if sampler is not None and (self._rank or shard_granularity or self.samples):
            raise InvalidArgumentError(
                "a sampler excludes rank and world_size, shard_granularity, and samples"
            )
        self.columns, self.filter, self.with_row_id = columns, filter, bool(with_row_id)
        if self.samples:
            check_sample_filter(filter)
        self.dataset = open_dataset(dataset, dataset_options)
        self.dataset.scanner(columns, filter)  # errors in them are raised now
        self._shards: dict[Rank, Sampler] = {}
        self._cache = BatchCache(None if cache is True else cache) if cache else None

    def __repr__(self) -> str:
        return f"LanceTorchDataset({self.dataset.uri}, size={self.samples})"

    # ------------------------------------------------------------------------------ as a stream
    def __iter__(self) -> Iterator[Any]:
        place = self._place()
        if self._cache is None:
            batches = self._read(place)
        else:
            name = "-".join(map(str, place))
            batches = self._cache.batches(name, functools.partial(self._read, place))
        return itertools.chain.from_iterable(map(self._deliver, batches))

    def rank_in_job(self) -> Rank:
        """Whose part of the rows this process reads."""
        if self._rank is not None:
            return self._rank
        detected = find_rank() or self._inherited_rank if self._auto_detect_rank else None
        return detected or Rank(0, 1)

    def _place(self) -> Place:
        rank = self.rank_in_job()
        worker = get_worker_info()
        if worker is None or (self._rank is None and not self._auto_detect_rank):
            return Place(*rank, 0, 1)
        return Place(*rank, worker.id, worker.num_workers)

    def _read(self, place: Place) -> Batches:
        if self.samples and self.samples < self.dataset.count_rows(self.filter):
            return self._sample(place)
        sampler = self._shard(place) if self.sampler is None else self.sampler
        wanted = Wanted(
            self.batch_size, self.columns, self.filter, self.batch_readahead, self.with_row_id
        )
        batches = sampler.for_worker(place.worker, place.num_workers).read(self.dataset, wanted)
        return in_multiples(batches, self.batch_size)

    def _deliver(self, batch: pa.RecordBatch) -> Iterable[Any]:
        """Batches of batch_size rows of one that has several times as many."""
        if self.to_tensor_fn is to_tensors and has_no_nulls(batch):
            return split_rows(to_tensors(batch), self.batch_size)
        return map(self._convert, cut(batch, self.batch_size))

    def _shard(self, place: Place) -> Sampler:
        by_batch = self.shard_granularity == "batch"
        if place.world_size == 1 and not (by_batch and place.num_workers > 1):
            return FullScanSampler()
        kind = ShardedBatchSampler if by_batch else ShardedFragmentSampler
        rank = Rank(place.rank, place.world_size)
        return self._shards.setdefault(rank, kind(*rank))  # kept, because it warns once

    def _sample(self, place: Place) -> Batches:
        rows = matching_rows(self.dataset, self.filter)[place.rank :: place.world_size]
        of_rank = self.samples // place.world_size
        of_worker = of_rank // place.num_workers + (place.worker < of_rank % place.num_workers)
        chosen = choose(rows[place.worker :: place.num_workers], of_worker)
        return take(
            self.dataset,
            batches_of(chosen, self.batch_size),
            self.columns,
            self.with_row_id,
            self.batch_readahead,
        )

    # -------------------------------------------------------------------------------- by number
    def become_map_style(self) -> None:
        """Turn this object into a map-style dataset, which delivers batches by the numbers of their
        rows, whatever the filter:

            dataset.become_map_style()
            DataLoader(dataset, batch_sampler=[[7, 3], [1, 2]])

        `len(dataset)` is then the number of rows. Iterating over the dataset itself still gives the
        stream. `ShardedBatchSampler(dataset)` does this.
        """
        if self.samples or self.sampler is not None or self._cache is not None:
            raise InvalidArgumentError(
                "a dataset with samples, sampler or cache chooses its rows itself: it takes no "
                "numbers from a batch_sampler"
            )
        self.__class__ = in_style(type(self), _MapStyle)

    def _take(self, rows: Any) -> Any:
        return self._convert(read_rows(self.dataset, rows, self.columns, self.with_row_id))

    # --------------------------------------------------------------------------------- as bytes
    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process that was spawned knows nothing of the process group.
        state = self.__dict__ | {"_inherited_rank": find_rank() or self._inherited_rank}
        return _restore, (without_style(type(self)), isinstance(self, _MapStyle), state)


class _MapStyle(Dataset[Any]):
    """The other style of a LanceDataset than IterableDataset."""

    dataset: Any
    _take: Callable[[Any], Any]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitems__(self, rows: Any) -> list[Prebatched]:
        return [Prebatched(self._take(rows))]

    def __getitem__(self, rows: Any) -> Any:
        if hasattr(rows, "__index__"):
            raise TypeError(
                "since ShardedBatchSampler(dataset) or become_map_style() this LanceDataset "
                "delivers batches by lists of row numbers; use DataLoader(dataset, "
                "batch_sampler=sampler), or another LanceDataset"
            )
        return self._take(rows)


def _restore(cls: type[LanceDataset], is_map_style: bool, state: dict[str, Any]) -> LanceDataset:
    dataset = cls.__new__(cls)
    dataset.__dict__.update(state)
    if is_map_style:
        dataset.become_map_style()
    return dataset


def _check_granularity(granularity: str | None) -> str | None:
    if granularity not in (None, "fragment", "batch"):
        raise InvalidArgumentError(
            f"shard_granularity must be 'fragment' or 'batch', not {granularity!r}"
        )
    return granularity


def _check_sampler(sampler: Sampler | None) -> Sampler | None:
    if sampler is not None and not isinstance(sampler, Sampler):
        raise TypeError(
            "sampler must be a pilum.torch.sampler.Sampler, not "
            f"{type(sampler).__name__}; samplers of row numbers are for DataLoader"
        )
    return sampler


def _converter(function: ToTensorFn | None) -> Callable[[pa.RecordBatch], Any]:
    """What makes the batches that are delivered, called with a record batch alone."""
    if function is None:
        return _as_it_is
    if not callable(function):
        raise TypeError(f"to_tensor_fn must be callable, not {type(function).__name__}")
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some functions in C have none
        return function
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    names = {parameter.name for parameter in parameters}
    options = {"hf_converter": None, "use_blob_api": False}
    known = {name: value for name, value in options.items() if takes_all or name in names}
    return functools.partial(function, **known)


def _as_it_is(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch
