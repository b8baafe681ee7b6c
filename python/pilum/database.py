"""Connections to databases: directories of tables."""

from __future__ import annotations

import abc
import bisect
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

from pilum import _pilum
from pilum.handle import TableHandle
from pilum.table import Table

if TYPE_CHECKING:
    import datetime


def connect(
    uri: str | os.PathLike[str],
    *,
    read_consistency_interval: datetime.timedelta | None = None,
    storage_options: Mapping[str, str] | None = None,
    api_key: str | None = None,
    region: str = "us-east-1",
    host_override: str | None = None,
    client_config: Any = None,
) -> DBConnection:
    """Open a database: a path, a `file://` URI, or `memory://` (fresh and private).

    A directory that does not exist is created. `read_consistency_interval` says how often an open
    table looks for newer versions by itself: None never, zero at every read. The other options
    belong to remote databases, which this version cannot open, and do nothing elsewhere.
    """
    if uri is None:
        raise ValueError("the uri of a database is a path, file://… or memory://, not None")
    path = os.fspath(uri)
    if not isinstance(path, str):
        raise TypeError(f"the uri of a database must be a str or a path, not {type(uri).__name__}")
    return LanceDBConnection(path, read_consistency_interval)


@dataclasses.dataclass(frozen=True)
class TableListing:
    """A page of names. `page_token` asks for the next one; None: this was the last."""

    tables: list[str]
    page_token: str | None


class DBConnection(abc.ABC):
    """An open database; a container of the names of its tables."""

    @property
    @abc.abstractmethod
    def uri(self) -> str: ...

    @abc.abstractmethod
    def table_names(self, page_token: str | None = None, limit: int | None = None) -> list[str]:
        """The names in order, from the one after `page_token` on, at most `limit` of them."""

    @abc.abstractmethod
    def open_table(
        self,
        name: str,
        *,
        namespace_path: Sequence[str] | None = None,
        storage_options: Mapping[str, str] | None = None,
        index_cache_size: int | None = None,
        branch: str | None = None,
        version: SupportsIndex | str | None = None,
    ) -> Table:
        """Open a table, or one of its versions to stay on.

        `storage_options` and `index_cache_size` do nothing for local databases.
        """

    def list_tables(
        self,
        namespace_path: Sequence[str] | None = None,
        page_token: str | None = None,
        limit: int | None = None,
    ) -> TableListing:
        """A page of names; without a limit, all of them."""
        _refuse_namespaces(namespace_path)
        names = self.table_names(page_token)
        if limit is None or len(names) <= limit:
            return TableListing(names, None)
        return TableListing(names[:limit], names[limit - 1])

    def __contains__(self, name: object) -> bool:
        return name in self.table_names()

    def __len__(self) -> int:
        return len(self.table_names())

    def __iter__(self) -> Iterator[str]:
        return iter(self.table_names())

    def __getitem__(self, name: str) -> Table:
        return self.open_table(name)


class LanceDBConnection(DBConnection):
    """A database on a local disk or in memory. Pickles by its uri."""

    def __init__(
        self, uri: str, read_consistency_interval: datetime.timedelta | None = None
    ) -> None:
        self._native: _pilum.Database | None = _pilum.connect(uri)
        self._uri = self._native.uri
        self._interval = read_consistency_interval

    @property
    def uri(self) -> str:
        return self._uri

    def table_names(self, page_token: str | None = None, limit: int | None = None) -> list[str]:
        names = self._database().table_names()
        first = 0 if page_token is None else bisect.bisect_right(names, page_token)
        return names[first:] if limit is None else names[first : first + max(limit, 0)]

    def open_table(
        self,
        name: str,
        *,
        namespace_path: Sequence[str] | None = None,
        storage_options: Mapping[str, str] | None = None,
        index_cache_size: int | None = None,
        branch: str | None = None,
        version: SupportsIndex | str | None = None,
    ) -> Table:
        if not isinstance(name, str):
            raise TypeError(f"the name of a table must be a str, not {type(name).__name__}")
        _refuse_namespaces(namespace_path)
        native = self._database().open_table(name)
        handle = TableHandle(native.uri, native=native).on_branch(branch)
        table = Table(name, handle, handle.native.latest(), self._interval)
        if version is not None:
            table.checkout(version)
        return table

    def __repr__(self) -> str:
        return f"LanceDBConnection(uri={self._uri!r})"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_native": None}

    def _database(self) -> _pilum.Database:
        if self._native is None:  # a copy that was unpickled
            self._native = _pilum.connect(self._uri)
        return self._native


def _refuse_namespaces(namespace_path: Sequence[str] | None) -> None:
    if namespace_path:
        raise NotImplementedError("namespaces are not supported by this version of pilum")
