"""Versions of tables as lazy frames of polars. Imported only when one is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars
from polars.io.plugins import register_io_source

from pilum.scanner import Scanner

if TYPE_CHECKING:
    from pilum import _pilum


def scan(snapshot: _pilum.Snapshot) -> polars.LazyFrame:
    """A frame that reads the columns and rows its plan needs, batch by batch, when collected."""
    schema = polars.DataFrame(snapshot.schema.empty_table()).schema

    def read(
        columns: list[str] | None,
        predicate: polars.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[polars.DataFrame]:
        for batch in Scanner(snapshot, columns, limit=n_rows, batch_size=batch_size).to_batches():
            frame = polars.DataFrame(batch)
            yield frame if predicate is None else frame.filter(predicate)

    return register_io_source(read, schema=schema)
