"""What all samplers are."""

from __future__ import annotations

import abc
import copy
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple, SupportsIndex, TypeVar

from pilum.dataset import Dataset
from pilum.scanner import Columns, check_count
from pilum.torch.batches import Batches
from pilum.torch.process import Rank
from pilum.torch.rounds import shuffled

_T = TypeVar("_T")
_D = TypeVar("_D", bound="DividedSampler")


class Wanted(NamedTuple):
    """What a sampler is called for."""

    batch_size: int
    columns: Columns = None
    filter: str | None = None
    batch_readahead: SupportsIndex = 16
    with_row_id: bool = False


class Sampler(abc.ABC):
    """What decides which rows of a dataset are read, and in which order."""

    @abc.abstractmethod
    def __call__(
        self,
        dataset: Dataset,
        *,
        batch_size: SupportsIndex = 128,
        columns: Columns = None,
        filter: str | None = None,
        batch_readahead: SupportsIndex = 16,
        with_row_id: bool = False,
    ) -> Batches:
        """The rows, in record batches of `batch_size` rows.

        batch_readahead   batches that may be read in advance where rows are read by number; scans
                          read ahead by bytes
        with_row_id       whether `_rowid` is added to the columns
        """

    def read(self, dataset: Dataset, wanted: Wanted) -> Batches:
        """The same rows in record batches of any size, for those who cut them themselves."""
        return self(dataset, **wanted._asdict())

    def for_worker(self, worker: int, num_workers: int) -> Sampler:
        """What one of several worker processes is to read of this sampler's batches: each of these
        goes to one of them. Here all of them read everything and leave out what is not theirs."""
        return self if num_workers == 1 else _EveryNthBatch(self, worker, num_workers)


class _EveryNthBatch(Sampler):
    def __init__(self, sampler: Sampler, worker: int, num_workers: int) -> None:
        self._sampler, self._worker, self._num_workers = sampler, worker, num_workers

    def __call__(self, dataset: Dataset, **options: Any) -> Batches:
        batches = self._sampler(dataset, **options)
        return itertools.islice(batches, self._worker, None, self._num_workers)


class DividedSampler(Sampler):
    """Samplers that divide their rows among workers before they read."""

    _worker, _num_workers = 0, 1

    def for_worker(self: _D, worker: int, num_workers: int) -> _D:
        part = copy.copy(self)
        part._worker, part._num_workers = worker, num_workers
        return part

    def _of_worker(self, items: Sequence[_T], worker: int | None = None) -> Sequence[_T]:
        return items[self._worker if worker is None else worker :: self._num_workers]


class ShardedSampler(DividedSampler):
    """Samplers that each rank of a job has one of."""

    def __init__(self, rank: Rank, randomize: bool, seed: SupportsIndex, pad: bool) -> None:
        self._rank, self._world_size = rank
        self._randomize = check_bool("randomize", randomize)
        self._seed = check_count("seed", seed, 0)
        self._pad = check_bool("pad", pad)
        self._epoch = 0

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Choose the order that `randomize` gives: every epoch has another one."""
        self._epoch = check_count("epoch", epoch, 0)

    def _shuffled(self, items: Sequence[_T]) -> Sequence[_T]:
        return shuffled(items, self._seed, self._epoch) if self._randomize else items


def check_bool(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, not {type(value).__name__}")
    return value
