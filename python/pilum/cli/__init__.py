"""The command `pilum`: make tables of files, look into tables, and keep them in order.

Exit status: 0, or 1 when a verification found damage, or 2 when something could not be done.
"""

from __future__ import annotations

import datetime
import pathlib
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import rich.box
import rich.console
import rich.progress
import rich.table
import rich.text
import typer

import pilum
from pilum.cli.import_command import import_
from pilum.cli.tables import TableName, TablePath, Version, open_table
from pilum.column_size import describe_columns, in_bytes

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Make Lance tables of files, look into them, and keep them in order. TABLE is the folder "
    "of one, or a database followed by a NAME.",
)

app.command("import")(import_)

_CELL_WIDTH = 80
_MOST_COLUMNS = 8  # more of them are shown below each other on a terminal


def main() -> None:
    """Run the command; errors are one line on stderr."""
    try:
        app()
    except (pilum.PilumError, ValueError, OSError) as error:
        print(f"pilum: {error}", file=sys.stderr)
        sys.exit(2)


@app.command()
def ls(database: Annotated[str, typer.Argument(help="Directory of a database.")]) -> None:
    """List the tables of a database."""
    folder = pathlib.Path(database.removeprefix("file://")).expanduser()
    if "://" not in database and not folder.is_dir():
        raise pilum.NotFoundError(f"there is no directory {database}")
    for name in pilum.connect(database):
        print(name)


@app.command()
def schema(table: TablePath, name: TableName = None, version: Version = None) -> None:
    """Show the columns of a table and their types."""
    fields = open_table(table, name, version).schema
    _print_rows(
        ["column", "type", "nullable"],
        ([field.name, str(field.type), "yes" if field.nullable else "no"] for field in fields),
    )


@app.command()
def head(
    table: TablePath,
    name: TableName = None,
    rows: Annotated[int, typer.Option("-n", "--rows", min=0, help="How many.")] = 5,
    version: Version = None,
) -> None:
    """Show the first rows of a table."""
    first = open_table(table, name, version).head(rows)
    cells = [[_cell(value) for value in column.to_pylist()] for column in first.columns]
    if rich.console.Console().is_terminal and len(cells) > _MOST_COLUMNS:
        lines = [[name, *column] for name, column in zip(first.column_names, cells, strict=True)]
        _print_rows(["column", *(f"row {i}" for i in range(first.num_rows))], lines)
    else:
        _print_rows(first.column_names, [list(row) for row in zip(*cells, strict=True)])


@app.command()
def count(
    table: TablePath,
    name: TableName = None,
    filter: Annotated[
        str | None,
        typer.Option("--filter", help="SQL; count the rows for which it is true."),
    ] = None,
    version: Version = None,
) -> None:
    """Count the rows of a table."""
    print(open_table(table, name, version).count_rows(filter))


@app.command()
def versions(table: TablePath, name: TableName = None) -> None:
    """List the versions of a table and their tags."""
    dataset = open_table(table, name, None)
    tags: dict[int, list[str]] = {}
    for tag, about in dataset.tags.list().items():
        if about["branch"] == dataset.branch:
            tags.setdefault(about["version"], []).append(tag)
    _print_rows(
        ["version", "committed", "tags"],
        (
            [
                str(about["version"]),
                about["timestamp"].isoformat(" ", "seconds"),
                ", ".join(tags.get(about["version"], [])),
            ]
            for about in dataset.versions()
        ),
    )


@app.command()
def inspect(table: TablePath, name: TableName = None, version: Version = None) -> None:
    """Show what the columns of a table are made of, and which of them make it large."""
    dataset = open_table(table, name, version)
    columns = describe_columns(dataset)
    _print_rows(
        ["column", "type", "pages", "encoding", "stored", "decoded", "ratio", "per row"],
        (
            [
                column.report.path,
                column.report.type,
                str(column.report.pages),
                column.encodings,
                in_bytes(column.report.stored_bytes),
                "" if column.decoded_bytes is None else in_bytes(column.decoded_bytes),
                "" if column.ratio is None else f"{column.ratio:.2f}",
                in_bytes(column.bytes_per_row),
            ]
            for column in columns
        ),
        numbers={2, 4, 5, 6, 7},
    )
    for column in columns:
        if column.remark:
            print(f"{column.report.path}: {column.remark}")
    total = sum(column.report.stored_bytes for column in columns)
    print(
        f"version {dataset.version}: format {dataset.data_storage_version}, rows {len(dataset)}, "
        f"fragments {len(dataset.get_fragments())}, stored {in_bytes(total)}"
    )


@app.command()
def verify(table: TablePath, name: TableName = None, version: Version = None) -> None:
    """Decode everything in a table and say what is damaged and where."""
    dataset = open_table(table, name, version)
    console = rich.console.Console(stderr=True)
    with rich.progress.Progress(
        console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("verifying", total=None)
        report = dataset.verify(lambda done, total: bar.update(task, completed=done, total=total))
    for damage in report.damages:
        place = [
            f"fragment {damage.fragment}",
            f"file {damage.file}" if damage.file else "",
            f"column {damage.column}" if damage.column else "",
        ]
        print(f"{', '.join(part for part in place if part)}: {damage.message}")
    print(
        f"version {dataset.version}: damaged places {len(report.damages)}, rows {report.rows}, "
        f"fragments {report.fragments}, files {report.files}, "
        f"decoded {in_bytes(report.decoded_bytes)}"
    )
    if report.damages:
        raise typer.Exit(1)


@app.command()
def compact(
    table: TablePath,
    name: TableName = None,
    target_rows: Annotated[
        int, typer.Option("--target-rows", min=1, help="Rows of a fragment.")
    ] = 1024 * 1024,
) -> None:
    """Join small fragments of a table and drop deleted rows, as a new version."""
    dataset = open_table(table, name, None)
    stats = dataset.optimize.compact_files(target_rows_per_fragment=target_rows)
    print(
        f"version {dataset.version}: {stats.fragments_removed} fragments became "
        f"{stats.fragments_added}"
    )


@app.command()
def cleanup(
    table: TablePath,
    name: TableName = None,
    days: Annotated[
        float, typer.Option("--older-than", min=0, help="Days that versions stay.")
    ] = 14,
    delete_unverified: Annotated[
        bool,
        typer.Option(
            help="Also remove files of writes that did not end, whatever their age. Destroys what "
            "is being written at the moment."
        ),
    ] = False,
) -> None:
    """Remove old versions of a table, but for those that tags name, and files nobody needs."""
    stats = open_table(table, name, None).cleanup_old_versions(
        datetime.timedelta(days=days), delete_unverified=delete_unverified
    )
    print(f"removed: versions {stats.versions}, files {stats.files}, {in_bytes(stats.bytes)}")


@app.command()
def tag(
    table: TablePath,
    name: TableName = None,
    create: Annotated[str | None, typer.Option(help="Name a version.")] = None,
    move: Annotated[str | None, typer.Option(help="Have a tag name another version.")] = None,
    delete: Annotated[str | None, typer.Option(help="Remove a tag.")] = None,
    version: Version = None,
) -> None:
    """List, create, move and delete the tags of a table. Cleanup spares the versions they name."""
    dataset = open_table(table, name, version)
    if create is not None:
        dataset.tags.create(create, dataset.version)
    if move is not None:
        dataset.tags.update(move, dataset.version)
    if delete is not None:
        dataset.tags.delete(delete)
    _print_rows(
        ["tag", "version", "branch"],
        (
            [tag, str(about["version"]), about["branch"] or "main"]
            for tag, about in dataset.tags.list().items()
        ),
    )


def _print_rows(
    headers: Sequence[str], rows: Iterable[Sequence[str]], numbers: set[int] | None = None
) -> None:
    """A table on a terminal; lines of tab-separated cells elsewhere."""
    console = rich.console.Console()
    if not console.is_terminal:
        for row in (headers, *rows):
            print("\t".join(row))
        return
    grid = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for i, header in enumerate(headers):
        grid.add_column(
            rich.text.Text(header),
            justify="right" if i in (numbers or ()) else "left",
            overflow="fold",
        )
    for row in rows:
        grid.add_row(*(rich.text.Text(cell) for cell in row))
    console.print(grid)


def _cell(value: Any) -> str:
    """A value in one short line, whatever is in it."""
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return f"<{in_bytes(len(value))}>"
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value)[: _CELL_WIDTH + 1])
    return text if len(text) <= _CELL_WIDTH else text[: _CELL_WIDTH - 1] + "…"
