"""Orders of rows by the values of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pilum.errors import InvalidArgumentError


@dataclass(frozen=True)
class ColumnOrdering:
    """One column to order rows by.

    column_name   nested ones by dotted path
    ascending     smallest value first; NaN counts as the largest
    nulls_first   where the rows without a value go, whichever the direction
    """

    column_name: str
    ascending: bool = True
    nulls_first: bool = False


def check_ordering(ordering: Sequence[ColumnOrdering] | None) -> list[ColumnOrdering]:
    """The columns to order by, the most significant first; none for storage order."""
    if isinstance(ordering, (str, ColumnOrdering)):
        raise TypeError(
            f"order_by takes a list of ColumnOrdering, not one {type(ordering).__name__}"
        )
    columns = list(ordering or [])
    for column in columns:
        if not isinstance(column, ColumnOrdering):
            raise TypeError(
                f"order_by takes ColumnOrdering(column_name, ascending, nulls_first), not "
                f"{type(column).__name__}"
            )
    return columns


def sorted_positions(rows: pa.Table, ordering: Sequence[ColumnOrdering]) -> pa.Array:
    """The positions of `rows` in order; equal ones stay as they are."""
    import pyarrow.compute as pc

    keys: list[pa.ChunkedArray] = []
    directions: list[str] = []

    def add(key: pa.ChunkedArray, ascending: bool) -> None:
        keys.append(key)
        directions.append("ascending" if ascending else "descending")

    for column in ordering:
        values = rows[column.column_name]
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        add(values.is_null(), not column.nulls_first)
        if pa.types.is_floating(values.type):
            add(pc.is_nan(values), column.ascending)
        add(values, column.ascending)
    names = [str(number) for number in range(len(keys))]
    try:
        return pc.sort_indices(
            pa.table(keys, names), sort_keys=list(zip(names, directions, strict=True))
        )
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        types = ", ".join(f"{c.column_name}: {rows[c.column_name].type}" for c in ordering)
        raise InvalidArgumentError(f"rows cannot be ordered by {types}: {error}") from error
