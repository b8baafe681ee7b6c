"""Tables and their permutations, as plain data."""

import pyarrow as pa

import pilum
from pilum.permutation import PermutationBuilder


def make(data: dict | pa.Table) -> pilum.Table:
    return pilum.connect("memory://").create_table("t", pa.table(data))


def counting(rows: int) -> pilum.Table:
    return make({"id": range(rows)})


def splits_of(permutation: pilum.Table) -> dict[int, list[int]]:
    """The row ids of each split, in order."""
    rows = permutation.to_arrow()
    numbers = rows["split_id"].to_pylist()
    assert numbers == sorted(numbers)
    splits: dict[int, list[int]] = {}
    for number, row in zip(numbers, rows["row_id"].to_pylist(), strict=True):
        splits.setdefault(number, []).append(row)
    return splits


def splits(builder: PermutationBuilder) -> dict[int, list[int]]:
    return splits_of(builder.execute())
