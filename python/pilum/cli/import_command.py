"""The command `pilum import`."""

from __future__ import annotations

import contextlib
import enum
import os
import time
from collections.abc import Iterator
from typing import Annotated

import rich.console
import rich.progress
import typer

import pilum
from pilum.cli.tables import TableName, TablePath, path_to_write
from pilum.column_size import in_bytes
from pilum.importing import Progress, import_rows, open_existing
from pilum.sources import Format, open_source


class Mode(str, enum.Enum):
    """What is done with a table that exists."""

    CREATE = "create"
    APPEND = "append"
    OVERWRITE = "overwrite"


def import_(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A file, or a folder of files.")],
    table: TablePath,
    name: TableName = None,
    format: Annotated[
        Format | None,
        typer.Option("--format", help="What the files hold; by default their suffixes tell."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="A,B,…", help="Take these, in this order.")
    ] = None,
    filter: Annotated[
        str | None, typer.Option("--filter", help="SQL; take the rows for which it is true.")
    ] = None,
    mode: Annotated[
        Mode, typer.Option("--mode", help="What to do with the rows of a table that exists.")
    ] = Mode.CREATE,
    storage_version: Annotated[
        str | None, typer.Option("--storage-version", metavar="2.0|2.1|2.2", help="Of a new table.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Make a table of Parquet, CSV, JSON lines or Arrow files, or of a folder of images."""
    path = path_to_write(table, name)
    existing = open_existing(path) if mode is Mode.APPEND else None
    schema = None if existing is None else existing.schema
    opened = open_source(os.path.expanduser(source), format, schema)
    start = time.perf_counter()
    try:
        with _bar(opened.total_bytes, quiet) as progress:
            done = import_rows(
                opened,
                path,
                columns=None if columns is None else columns.split(","),
                filter=filter,
                mode=mode.value,
                data_storage_version=storage_version,
                progress=progress,
            )
    except pilum.AlreadyExistsError as error:
        raise pilum.AlreadyExistsError(
            f"{error}; --mode append adds rows to it, --mode overwrite replaces its rows"
        ) from None
    print(
        f"version {done.version}: rows {done.rows}, read {in_bytes(done.read_bytes)}, "
        f"stored {in_bytes(done.stored_bytes)}, {time.perf_counter() - start:.1f} s"
    )


@contextlib.contextmanager
def _bar(total_bytes: int, quiet: bool) -> Iterator[Progress]:
    """A bar on terminals; what is given says how far the import has come."""
    console = rich.console.Console(stderr=True)
    bar = rich.progress.Progress(
        rich.progress.BarColumn(),
        rich.progress.TextColumn("{task.fields[rows]} rows/s"),
        rich.progress.TransferSpeedColumn(),
        rich.progress.TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
    with bar:
        task = bar.add_task("importing", total=total_bytes, rows="?")

        def show(rows: int, read_bytes: int) -> None:
            seconds = bar.tasks[task].elapsed or 0
            bar.update(
                task, completed=read_bytes, rows=f"{rows / seconds:,.0f}" if seconds else "?"
            )

        yield show
