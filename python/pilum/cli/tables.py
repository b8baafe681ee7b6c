"""How commands name tables: by a folder, or by a database and a name in it."""

from __future__ import annotations

import os
from typing import Annotated

import typer

import pilum
from pilum.importing import open_existing

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
    if os.path.isdir(f"{path}.lance") and not os.path.isdir(os.path.join(path, "_versions")):
        return f"{path}.lance"  # also beside a folder of that name that is no table
    return path


def path_to_write(table: str, name: str | None) -> str:
    """Like `path_of`, for tables that may be new: they get the ending that databases look for."""
    path = path_of(table, name).rstrip("/")
    if path.endswith(".lance"):
        return path
    if not os.path.isdir(path):
        return f"{path}.lance"
    if open_existing(path) is None:  # else files of a table would lie among whatever is there
        raise pilum.InvalidArgumentError(f"{path} is a folder and no table; name a table in it")
    return path
