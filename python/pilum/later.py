"""Changes of tables that other libraries know and this version refuses."""

from __future__ import annotations

from typing import Any, NoReturn

from pilum.errors import UnsupportedError


class LaterChanges:
    """Methods that raise UnsupportedError, so that a program stops where it asks for them."""

    def merge_insert(self, *args: Any, **options: Any) -> NoReturn:
        """Upserts."""
        _refuse("upserts (merge_insert)")

    def add_columns(self, *args: Any, **options: Any) -> NoReturn:
        """Adding columns to rows that exist."""
        _refuse("adding columns")

    def alter_columns(self, *args: Any, **options: Any) -> NoReturn:
        """Renaming columns, and changing their types."""
        _refuse("altering columns")

    def drop_columns(self, *args: Any, **options: Any) -> NoReturn:
        """Removing columns."""
        _refuse("dropping columns")

    def create_branch(self, *args: Any, **options: Any) -> NoReturn:
        """Beginning another line of versions."""
        _refuse("making branches")

    def create_index(self, *args: Any, **options: Any) -> NoReturn:
        """Indices for vectors and texts."""
        _refuse("making indices")

    def create_scalar_index(self, *args: Any, **options: Any) -> NoReturn:
        """Indices for filters."""
        _refuse("making indices")


def _refuse(what: str) -> NoReturn:
    raise UnsupportedError(
        f"this version of pilum does not support {what}; the reference library can do it on the "
        "same table"
    )
