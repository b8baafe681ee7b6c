"""Scans: which rows and columns of one version to read, and the forms they come in."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, SupportsIndex, TypeAlias

import pyarrow as pa

from pilum.errors import InvalidArgumentError

if TYPE_CHECKING:
    from pilum import _pilum

#: All columns, or their names (nested ones by dotted path, `_rowid`, `_rowaddr`, `_rowoffset`), or
#: new names with the SQL that computes them.
Columns: TypeAlias = Sequence[str] | Mapping[str, str] | None

_MOST = 2**63 - 1


class Scanner:
    """A scan that can be run any number of times. All of its options are checked when it is made;
    values that the filter cannot work with, which only the rows have, when it runs.

    filter       SQL, or several such conditions; rows are kept where all are true
    limit        rows to deliver, after filter and offset
    offset       matching rows to skip
    batch_size   rows per batch at most; by default 8192, fewer when rows are large
    fragments    ids of the fragments to read
    """

    def __init__(
        self,
        snapshot: _pilum.Snapshot,
        columns: Columns = None,
        filter: str | Sequence[str] | None = None,
        limit: SupportsIndex | None = None,
        offset: SupportsIndex | None = None,
        batch_size: SupportsIndex | None = None,
        *,
        with_row_id: bool = False,
        with_row_address: bool = False,
        fragments: Sequence[int] | None = None,
    ) -> None:
        self._scan = snapshot.prepare(
            columns=columns,
            filter=conditions_of(filter),
            limit=None if limit is None else check_count("limit", limit, 0),
            offset=0 if offset is None else check_count("offset", offset, 0),
            batch_size=0 if batch_size is None else check_count("batch_size", batch_size, 1),
            with_row_id=bool(with_row_id),
            with_row_address=bool(with_row_address),
            fragments=fragments,
        )

    @property
    def schema(self) -> pa.Schema:
        """The schema of the batches."""
        return self._scan.schema

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, batch by batch, read ahead in the background."""
        return self._scan.run()

    def to_reader(self) -> pa.RecordBatchReader:
        stream = self._scan.run()
        return pa.RecordBatchReader.from_batches(stream.schema, stream)

    def to_table(self) -> pa.Table:
        stream = self._scan.run()
        return pa.Table.from_batches(stream, stream.schema)

    def count_rows(self) -> int:
        """The number of rows that the scan delivers; reads no more than the filter's columns."""
        return self._scan.count_rows()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._scan.run().__arrow_c_stream__(requested_schema)


def check_filter(filter: object) -> str:
    """The filter, if it is SQL."""
    if not isinstance(filter, str):
        raise TypeError(f"filter must be SQL in a str, not {type(filter).__name__}")
    if not filter.strip():
        raise InvalidArgumentError("the filter is empty; leave it out to read every row")
    return filter


def conditions_of(filter: str | Sequence[str] | None) -> list[str]:
    """The conditions of a filter, as the engine takes them."""
    if filter is None:
        return []
    several = filter if isinstance(filter, (list, tuple)) else [filter]
    return [check_filter(condition) for condition in several]


def check_count(name: str, value: SupportsIndex, least: int) -> int:
    """The value of the option `name`, at most what the engine can count to."""
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}") from None
    if count < least:
        raise InvalidArgumentError(f"{name} must be at least {least}, not {count}")
    return min(count, _MOST)
