"""How a sequence of rows is dealt to the ranks of a job.

    rows      0 1 2 3 4 5 6 7 8 9 10 11 12 ...      batches of 3 rows, 2 ranks
              |- round 0 -| |- round 1 ---| |-
    rank 0    0 1 2         6 7 8                   by_row: 0 2 4 | 6 8 10
    rank 1          3 4 5         9 10 11                   1 3 5 | 7 9 11

A round is one step of training: each rank gets one batch of its rows. So every rank makes as many
steps as there are rounds, and what a step trains on is the same rows for any number of ranks, as
long as batch_size * world_size is the same.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Rounds:
    """Rounds over `rows` rows.

    The last round may be incomplete. It is left out if some rank would get no row of it, else the
    last batches are short. `drop_last` leaves it out in any case; `pad` completes it with rows
    from the beginning.
    """

    rows: int
    batch_size: int
    world_size: int
    by_row: bool = False
    pad: bool = False
    drop_last: bool = False

    def __len__(self) -> int:
        if self.drop_last:
            return self.full
        first_of_last_rank = self._positions(0, self.world_size - 1).start
        needed = 1 if self.pad else first_of_last_rank + 1  # rows of the last round
        return (self.rows - needed) // self._rows_of_round + 1

    @property
    def full(self) -> int:
        """How many of the rounds give every rank batch_size rows: all but perhaps the last."""
        return len(self) if self.pad else self.rows // self._rows_of_round

    def share(self, number: int, rank: int, rows: Sequence[int]) -> Sequence[int]:
        """What a rank gets in a round, of all rows in their order."""
        positions = self._positions(number, rank)
        if self.pad and positions[-1] >= self.rows:
            return [rows[position % self.rows] for position in positions]
        return rows[positions.start : positions.stop : positions.step]

    def _positions(self, number: int, rank: int) -> range:
        first = number * self._rows_of_round
        if self.by_row:
            return range(first + rank, first + self._rows_of_round, self.world_size)
        first += rank * self.batch_size
        return range(first, first + self.batch_size)

    @property
    def _rows_of_round(self) -> int:
        return self.batch_size * self.world_size


def shuffled(items: Sequence[_T], seed: int, epoch: int) -> list[_T]:
    """The items in an order that is the same on every machine, and another one for every epoch."""
    order = list(items)
    random.Random(f"{seed}/{epoch}").shuffle(order)  # no sum: epoch 1 of seed 0 is not seed 1
    return order
