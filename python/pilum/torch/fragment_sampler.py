"""Samplers that read whole fragments."""

from __future__ import annotations

import abc
import itertools
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, SupportsIndex

from pilum.dataset import Dataset, Fragment
from pilum.scanner import Columns, check_count
from pilum.torch.batches import Batches, count_batches, regroup, scan
from pilum.torch.process import check_rank, require_process_group_rank
from pilum.torch.sampler_base import DividedSampler, ShardedSampler, Wanted


class FragmentSampler(DividedSampler):
    """A sampler of whole fragments."""

    @abc.abstractmethod
    def iter_fragments(self, dataset: Dataset, **options: Any) -> Iterator[Fragment]:
        """The fragments to read, in this order."""

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
        size = check_count("batch_size", batch_size, 1)
        wanted = Wanted(size, columns, filter, batch_readahead, with_row_id)
        return regroup(self.read(dataset, wanted), size)

    def read(self, dataset: Dataset, wanted: Wanted) -> Batches:
        size, columns, filter, _, with_row_id = wanted
        dataset.scanner(columns, filter)  # errors in them are raised now
        fragments = self._of_worker(list(self.iter_fragments(dataset)))
        return scan(dataset, fragments, columns, filter, size, with_row_id)


class FullScanSampler(FragmentSampler):
    """The whole dataset in storage order."""

    def iter_fragments(self, dataset: Dataset, **options: Any) -> Iterator[Fragment]:
        return iter(dataset.get_fragments())


class ShardedFragmentSampler(ShardedSampler, FragmentSampler):
    """Every world_size-th fragment, starting with that of the rank.

    randomize   shuffle the fragments before they are dealt, by seed and epoch, which must be the
                same on all ranks
    pad         every rank gets as many batches as the one with most, all of them full: rows of the
                rank are repeated. With a filter this counts the matching rows first.
    """

    def __init__(
        self,
        rank: SupportsIndex,
        world_size: SupportsIndex,
        randomize: bool = False,
        seed: SupportsIndex = 0,
        *,
        pad: bool = False,
    ) -> None:
        super().__init__(check_rank(rank, world_size), randomize, seed, pad)
        self._warned: set[str] = set()  # one for all copies

    @classmethod
    def from_torch(
        cls, randomize: bool = False, seed: SupportsIndex = 0, *, pad: bool = False
    ) -> ShardedFragmentSampler:
        """With the rank in torch.distributed."""
        return cls(*require_process_group_rank(), randomize, seed, pad=pad)

    def iter_fragments(self, dataset: Dataset, **options: Any) -> Iterator[Fragment]:
        return iter(self._shares(dataset)[self._rank])

    def read(self, dataset: Dataset, wanted: Wanted) -> Batches:
        size, columns, filter, _, with_row_id = wanted
        if self._pad:
            dataset.scanner(columns, filter)  # errors in them are raised now
            return self._padded(dataset, columns, filter, size, with_row_id)
        if filter is None and self._worker == 0:
            self._warn_if_unequal(dataset, size)
        return super().read(dataset, wanted)

    def _shares(self, dataset: Dataset) -> list[Sequence[Fragment]]:
        """The fragments of each rank."""
        fragments = self._shuffled(dataset.get_fragments())
        return [fragments[rank :: self._world_size] for rank in range(self._world_size)]

    def _padded(
        self, dataset: Dataset, columns: Columns, filter: str | None, size: int, with_row_id: bool
    ) -> Batches:
        shares = [self._of_worker(share) for share in self._shares(dataset)]
        rows = [_count_rows(dataset, share, filter) for share in shares]
        # A rank without rows of its own repeats those of others.
        own = shares[self._rank] if rows[self._rank] else dataset.get_fragments()

        def again_and_again() -> Batches:
            while True:
                yield from scan(dataset, own, columns, filter, size, with_row_id)

        return itertools.islice(regroup(again_and_again(), size), count_batches(max(rows), size))

    def _warn_if_unequal(self, dataset: Dataset, size: int) -> None:
        numbers = [
            sum(
                count_batches(_count_rows(dataset, self._of_worker(share, worker), None), size)
                for worker in range(self._num_workers)
            )
            for share in self._shares(dataset)
        ]
        text = (
            f"the fragments of {dataset.uri} give the ranks different numbers of batches, "
            f"{', '.join(map(str, numbers))}: a step that needs all ranks would wait for ever. "
            'Use shard_granularity="batch", a ShardedBatchSampler, or a '
            "ShardedFragmentSampler with pad=True"
        )
        if len(set(numbers)) > 1 and text not in self._warned:
            self._warned.add(text)
            warnings.warn(text, stacklevel=4)


def _count_rows(dataset: Dataset, fragments: Sequence[Fragment], filter: str | None) -> int:
    if filter is None:
        return sum(fragment.count_rows() for fragment in fragments)
    return dataset.scanner([], filter, fragments=fragments).count_rows()
