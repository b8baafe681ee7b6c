"""Importing: the rows of a source become a version of a table, in one pass.

source --> filter --> columns --> table
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from pilum.database import connect
from pilum.dataset import Dataset, dataset, write_dataset
from pilum.errors import InvalidArgumentError, NotFoundError
from pilum.scanner import check_filter

if TYPE_CHECKING:
    from pilum.sources import Source

#: Called with the rows that the table gets and the bytes of the source that were read for them.
Progress = Callable[[int, int], object]


@dataclasses.dataclass(frozen=True)
class Import:
    """What an import has done."""

    version: int  #: of the table
    rows: int  #: that it got
    read_bytes: int  #: of the source
    stored_bytes: int  #: by which the table has grown; with "overwrite", all that the version has


def open_existing(uri: str) -> Dataset | None:
    """The table in a folder, if there is one."""
    with contextlib.suppress(NotFoundError):
        return dataset(uri)
    return None


def import_rows(
    source: Source,
    uri: str,
    *,
    columns: Sequence[str] | None = None,
    filter: str | None = None,
    mode: str = "create",
    data_storage_version: str | None = None,
    progress: Progress = lambda rows, read_bytes: None,
) -> Import:
    """Write the rows of a source to the table in a folder, all of them or none.

    columns    of the source, in the order in which the table gets them
    filter     SQL over the columns of the source; rows for which it is true are kept
    mode, data_storage_version   as those of `write_dataset`
    """
    schema = _schema_of(source.schema, columns)
    batches = source.batches(columns) if filter is None else _kept(source, filter, columns)
    existing = open_existing(uri) if mode == "append" else None
    before = 0 if existing is None else _stored_bytes(existing)
    rows = 0

    def counted() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for batch in batches:
            rows += batch.num_rows
            progress(rows, source.bytes_read)
            yield batch

    table = write_dataset(
        pa.RecordBatchReader.from_batches(schema, counted()),
        uri,
        None if existing is None else existing.schema,
        mode,
        data_storage_version=data_storage_version,
    )
    return Import(table.version, rows, source.bytes_read, _stored_bytes(table) - before)


def _schema_of(schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    if columns is None:
        return schema
    for name in columns:
        if name not in schema.names:
            nearest = difflib.get_close_matches(name, schema.names, 1)
            hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
            raise InvalidArgumentError(f"column '{name}' does not exist{hint}", column=name)
    return pa.schema([schema.field(name) for name in columns], schema.metadata)


def _kept(source: Source, filter: str, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    """The rows for which the filter is true. What it says is checked at once."""
    _matching(source.schema.empty_table(), check_filter(filter))

    def keep() -> Iterator[pa.RecordBatch]:
        for batch in source.batches():
            rows = batch.take(_matching(batch, filter))
            yield rows if columns is None else rows.select(list(columns))

    return keep()


def _matching(rows: pa.Table | pa.RecordBatch, filter: str) -> pa.Array:
    """The numbers of the rows for which the filter is true.

    The engine filters tables, so this makes one in memory, as large as a batch; it is gone with the
    database.
    """
    table = connect("memory://").create_table("rows", rows)
    matching = table.search().where(filter).select(["_rowoffset"]).to_arrow()
    return matching["_rowoffset"].combine_chunks()


def _stored_bytes(table: Dataset) -> int:
    return sum(column.stored_bytes for column in table.inspect())
