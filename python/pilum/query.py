"""Queries on a table: built step by step, run by asking for a result."""

from __future__ import annotations

import abc
import operator
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar

import pyarrow as pa

from pilum import _pilum
from pilum.ordering import ColumnOrdering, check_ordering, sorted_positions
from pilum.scanner import Columns, Scanner, check_count, check_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas
    import polars

_Self = TypeVar("_Self", bound="QueryBuilder")


class QueryBuilder(abc.ABC):
    """What all queries have: the columns to deliver and the forms of a result.

    A query looks up the version of its table when it runs, and may run more than once.
    """

    def __init__(self, open_snapshot: Callable[[], _pilum.Snapshot]) -> None:
        self._open_snapshot = open_snapshot
        self._columns: Columns = None
        self._with_row_id = False

    def select(self: _Self, columns: Columns) -> _Self:
        """Deliver these columns: a list of names, or a dict of names and SQL expressions."""
        self._columns = columns
        return self

    def with_row_id(self: _Self, with_row_id: bool = True) -> _Self:
        """Deliver `_rowid` after the columns."""
        self._with_row_id = with_row_id
        return self

    @abc.abstractmethod
    def to_arrow(self) -> pa.Table: ...

    @abc.abstractmethod
    def to_batches(self, batch_size: int | None = None) -> pa.RecordBatchReader: ...

    def to_list(self) -> list[dict[str, Any]]:
        """The rows as dicts."""
        rows: list[dict[str, Any]] = self.to_arrow().to_pylist()
        return rows

    def to_pandas(self, **options: Any) -> pandas.DataFrame:
        """The rows as a pandas data frame; the options are those of `pyarrow.Table.to_pandas`."""
        return self.to_arrow().to_pandas(**options)

    def to_polars(self) -> polars.DataFrame:
        """The rows as a polars data frame."""
        import polars

        return polars.DataFrame(self.to_arrow())


class Query(QueryBuilder):
    """The rows for which conditions hold, in storage order unless another is asked for."""

    def __init__(self, open_snapshot: Callable[[], _pilum.Snapshot]) -> None:
        super().__init__(open_snapshot)
        self._conditions: list[str] = []
        self._limit: int | None = None
        self._offset = 0
        self._ordering: list[ColumnOrdering] = []

    def where(self, condition: str) -> Query:
        """Keep the rows for which this SQL is true. Repeated: those for which all are.

        Each condition stands for itself, and is evaluated in the rows that the earlier ones keep.
        """
        self._conditions.append(check_filter(condition))
        return self

    def limit(self, limit: SupportsIndex | None) -> Query:
        """Deliver at most so many rows; None, zero and negative numbers mean all."""
        count = 0 if limit is None else operator.index(limit)
        self._limit = count if count > 0 else None
        return self

    def offset(self, offset: SupportsIndex) -> Query:
        """Skip so many rows."""
        self._offset = check_count("offset", offset, 0)
        return self

    def order_by(self, ordering: Sequence[ColumnOrdering] | None) -> Query:
        """Deliver the rows by these columns, the first one counting most.

        Rows that are equal stay in storage order. The values to order by are held in memory, and so
        is the result.
        """
        self._ordering = check_ordering(ordering)
        return self

    def to_arrow(self) -> pa.Table:
        return self._in_order() if self._ordering else self._scanner().to_table()

    def to_batches(self, batch_size: SupportsIndex | None = None) -> pa.RecordBatchReader:
        if self._ordering:
            return _in_batches(self._in_order(), batch_size)
        return self._scanner(batch_size).to_reader()

    def _in_order(self) -> pa.Table:
        # Only the rows that are delivered are read in full.
        snapshot = self._open_snapshot()
        names = list(dict.fromkeys(column.column_name for column in self._ordering))
        keys = Scanner(snapshot, names, self._conditions, with_row_address=True).to_table()
        positions = sorted_positions(keys, self._ordering).slice(self._offset, self._limit)
        rows = keys["_rowaddr"].take(positions).combine_chunks()
        batch = snapshot.take(
            rows, _pilum.RowKey.ROW_ADDRESS, self._columns, with_row_id=self._with_row_id
        )
        return pa.Table.from_batches([batch])

    def _scanner(self, batch_size: SupportsIndex | None = None) -> Scanner:
        return Scanner(
            self._open_snapshot(),
            self._columns,
            self._conditions,
            self._limit,
            self._offset,
            batch_size,
            with_row_id=self._with_row_id,
        )


class TakeQuery(QueryBuilder):
    """Rows named one by one, in the order asked for, repeats included."""

    def __init__(
        self, open_snapshot: Callable[[], _pilum.Snapshot], rows: Any, key: _pilum.RowKey
    ) -> None:
        super().__init__(open_snapshot)
        self._rows = rows
        self._key = key

    def to_arrow(self) -> pa.Table:
        return pa.Table.from_batches([self._take()])

    def to_batches(self, batch_size: SupportsIndex | None = None) -> pa.RecordBatchReader:
        return _in_batches(self.to_arrow(), batch_size)

    def _take(self) -> pa.RecordBatch:
        return self._open_snapshot().take(
            self._rows, self._key, self._columns, with_row_id=self._with_row_id
        )


def _in_batches(table: pa.Table, batch_size: SupportsIndex | None) -> pa.RecordBatchReader:
    return table.to_reader(None if batch_size is None else check_count("batch_size", batch_size, 1))
