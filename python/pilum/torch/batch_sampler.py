"""Samplers that read batches of rows by number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, SupportsIndex

from pilum.dataset import Dataset
from pilum.errors import InvalidArgumentError
from pilum.scanner import Columns, check_count
from pilum.torch.batches import Batches, count_batches, matching_rows, take
from pilum.torch.process import (
    Rank,
    check_rank,
    check_rank_or_none,
    require_process_group_rank,
)
from pilum.torch.rounds import Rounds
from pilum.torch.sampler_base import ShardedSampler, check_bool


class _BatchSampler(ShardedSampler):
    """Samplers whose ranks take turns in taking batches."""

    _drop_last = False

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
        """Without a filter the batches number rank, rank + world_size, …; with one, every
        world_size-th of the matching rows, whose numbers are looked up first."""
        size = check_count("batch_size", batch_size, 1)
        ahead = check_count("batch_readahead", batch_readahead, 0)
        dataset.scanner(columns, filter)  # errors in them are raised now

        def keys() -> Iterator[Sequence[int]]:
            rows = matching_rows(dataset, filter)
            rounds = self._rounds(len(rows), size, by_row=filter is not None)
            for number in self._of_worker(self._order(rounds)):
                yield rounds.share(number, self._rank, rows)

        return take(dataset, keys(), columns, with_row_id, ahead)

    def _rounds(self, rows: int, batch_size: int, by_row: bool = False) -> Rounds:
        return Rounds(rows, batch_size, self._world_size, by_row, self._pad, self._drop_last)

    def _order(self, rounds: Rounds) -> Sequence[int]:
        """The numbers of the rounds. One that is short stays last."""
        numbers = range(len(rounds))
        return [*self._shuffled(numbers[: rounds.full]), *numbers[rounds.full :]]


class MapStyle(Protocol):
    """A dataset that can deliver batches by lists of row numbers, as `LanceDataset` can."""

    dataset: Dataset
    batch_size: int
    filter: str | None

    def become_map_style(self) -> None: ...
    def rank_in_job(self) -> Rank: ...


class ShardedBatchSampler(_BatchSampler):
    """The batches number rank, rank + world_size, rank + 2 * world_size, … of a dataset.

    Made with a `LanceDataset`, it is a `batch_sampler` for it:

        dataset = LanceDataset(uri, batch_size=32)
        sampler = ShardedBatchSampler(dataset)
        loader = DataLoader(dataset, batch_sampler=sampler)

    It yields lists of row numbers, and the dataset becomes a map-style one that delivers a batch
    for each list. The rank is that of the dataset: one given to it, or that in torch.distributed,
    or that in the environment (`RANK`, `WORLD_SIZE`); else there is one process.

    Made with `rank, world_size`, it is for `LanceDataset(sampler=…)`.

    Either way all ranks make the same number of steps. The last round of batches is left out if
    some rank would get no row of it: fewer than batch_size * world_size rows. With one process
    nothing is left out.

    randomize    shuffle the order of the steps by seed and epoch; the rows of a step stay the
                 same. Iterating goes on to the next epoch by itself; a call does not.
    pad          leave out nothing: rows from the beginning complete the last round
    drop_last    leave out the last round also if its batches are merely short
    """

    def __init__(
        self,
        dataset: MapStyle | SupportsIndex | None = None,
        world_size: SupportsIndex | None = None,
        randomize: bool = False,
        seed: SupportsIndex = 0,
        *,
        rank: SupportsIndex | None = None,
        pad: bool = False,
        drop_last: bool = False,
    ) -> None:
        if isinstance(dataset, SupportsIndex):  # the rank comes first, in the manner of Lance
            if rank is not None:
                raise TypeError("rank is given twice")
            dataset, rank = None, dataset
        if dataset is not None and not hasattr(dataset, "become_map_style"):
            raise TypeError(
                "ShardedBatchSampler is made with a LanceDataset, or with rank and world_size, "
                f"not with {type(dataset).__name__}"
            )
        place = check_rank_or_none(rank, world_size)
        if place is None:
            if dataset is None:
                raise InvalidArgumentError("give a LanceDataset, or rank and world_size")
            place = dataset.rank_in_job()
        super().__init__(place, randomize, seed, pad)
        self._drop_last = check_bool("drop_last", drop_last)
        if pad and drop_last:
            raise InvalidArgumentError("pad and drop_last exclude each other")
        self._dataset = dataset
        self._rows: Sequence[int] | None = None
        if dataset is not None:
            dataset.become_map_style()

    @classmethod
    def from_torch(
        cls,
        randomize: bool = False,
        seed: SupportsIndex = 0,
        *,
        pad: bool = False,
        drop_last: bool = False,
    ) -> ShardedBatchSampler:
        """With the rank in torch.distributed, for `LanceDataset(sampler=…)`."""
        rank, world_size = require_process_group_rank()
        return cls(rank, world_size, randomize, seed, pad=pad, drop_last=drop_last)

    def __len__(self) -> int:
        return len(self._rounds_of_dataset()[0])

    def __iter__(self) -> Iterator[list[int]]:
        rounds, rows = self._rounds_of_dataset()
        order = self._order(rounds)
        self._epoch += 1
        for number in order:
            yield list(rounds.share(number, self._rank, rows))

    def _rounds_of_dataset(self) -> tuple[Rounds, Sequence[int]]:
        if self._dataset is None:
            raise TypeError(
                "this ShardedBatchSampler was made with a rank, for LanceDataset(sampler=…); "
                "ShardedBatchSampler(dataset) yields batches of row numbers"
            )
        if self._rows is None:
            self._rows = matching_rows(self._dataset.dataset, self._dataset.filter)
        return self._rounds(len(self._rows), self._dataset.batch_size), self._rows


class ShardedFixedBatchSampler(_BatchSampler):
    """Lists of row numbers: ceil(total_num_rows / world_size) consecutive ones for each rank, cut
    into batches. Of total_num_rows = 1000 among 4 ranks and batch_size = 100, the first rank gets
    0 to 99, 100 to 199 and 200 to 249.

    The last rank may have fewer rows and, where these are few, fewer batches than `len` says.
    `pad` gives all ranks so many batches, all of them full: the rows that follow complete them,
    and after the last row, the first ones.

    randomize   shuffle the order of the batches by seed and epoch

    It can be called, too, and does then what ShardedBatchSampler does.
    """

    def __init__(
        self,
        rank: SupportsIndex,
        world_size: SupportsIndex,
        randomize: bool = False,
        seed: SupportsIndex = 0,
        batch_size: SupportsIndex = 0,
        total_num_rows: SupportsIndex = 0,
        *,
        pad: bool = False,
    ) -> None:
        super().__init__(check_rank(rank, world_size), randomize, seed, pad)
        self._total = check_count("total_num_rows", total_num_rows, 0)
        self._size = check_count("batch_size", batch_size, 1 if self._total else 0)

    @classmethod
    def from_torch(
        cls,
        batch_size: SupportsIndex,
        total_num_rows: SupportsIndex,
        randomize: bool = False,
        seed: SupportsIndex = 0,
        *,
        pad: bool = False,
    ) -> ShardedFixedBatchSampler:
        """With the rank in torch.distributed."""
        rank, world = require_process_group_rank()
        return cls(rank, world, randomize, seed, batch_size, total_num_rows, pad=pad)

    def __len__(self) -> int:
        return count_batches(self._rows_of_rank, self._size) if self._total else 0

    def __iter__(self) -> Iterator[list[int]]:
        first = self._rank * self._rows_of_rank
        if self._pad:
            rows = range(first, first + len(self) * self._size)
        else:
            rows = range(first, min(first + self._rows_of_rank, self._total))
        parts = [rows[at : at + self._size] for at in range(0, len(rows), self._size or 1)]
        for part in self._shuffled(parts):
            yield [row % self._total for row in part]

    @property
    def _rows_of_rank(self) -> int:
        return count_batches(self._total, self._world_size)
