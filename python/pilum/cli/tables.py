"""How commands name tables: by a folder, or by a database and a name in it."""

from __future__ import annotations

import os
from typing import Annotated

import typer

import pilum

TablePath = Annotated[str, typer.Argument(metavar="TABLE", help="Folder of a table, or database.")]
TableName = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Name of a table in that database."),
]
Version = Annotated[
    str | None,
    typer.Option("--version", help="Number or tag of the version; the newest one by default."),
]


def open_table(table: str, name: str | None, version: str | None) -> pilum.Dataset:
    """A version of a table that exists, named so on the command line."""
    path = path_of(table, name)
    number = int(version) if version is not None and version.isdecimal() else version
    try:
        return pilum.dataset(path, number)
    except pilum.NotFoundError as error:
        database = os.path.dirname(path) if name is not None else path
        if version is not None or not os.path.isdir(database):
            raise
        names = ", ".join(pilum.connect(database)) or "none"
        raise pilum.NotFoundError(f"{error}; tables in {database}: {names}") from None


def path_of(table: str, name: str | None) -> str:
    """The folder of a table, whether or not it exists."""
    path = os.path.expanduser(table.removeprefix("file://"))
    if name is not None:
        if name != os.path.basename(name):
            raise pilum.InvalidArgumentError(f"Invalid table name '{name}': it is a path")
        return os.path.join(path, f"{name}.lance")
    if not os.path.isdir(path) and os.path.isdir(f"{path}.lance"):
        return f"{path}.lance"
    return path
