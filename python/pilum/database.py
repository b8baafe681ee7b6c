"""Connections to databases: directories of tables."""

from __future__ import annotations

import abc
import bisect
import dataclasses
import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, SupportsIndex

import pyarrow as pa

from pilum import _pilum
from pilum.errors import InvalidArgumentError, NotFoundError, UnsupportedError
from pilum.handle import TableHandle, check_storage_options, check_text, check_uri
from pilum.ingest import Rows, reraise
from pilum.scanner import check_count
from pilum.table import Table


def connect(
    uri: str | os.PathLike[str],
    *,
    read_consistency_interval: datetime.timedelta | None = None,
    storage_options: Mapping[str, str] | None = None,
    api_key: str | None = None,
    region: str = "us-east-1",
    host_override: str | None = None,
    client_config: Any = None,
    request_thread_pool: Any = None,
    session: Any = None,
) -> DBConnection:
    """Open a database: a path, a `file://` URI, or `memory://` (fresh and private).

    A directory that does not exist is created. `read_consistency_interval` says how often an open
    table looks for newer versions by itself: None never, zero at every read.

    `storage_options={"sync": "false"}` leaves it to the system when what is written gets to the
    disk: faster, but a crash of the machine (not of the process) may take commits with it. Names
    of options that belong to other stores are left alone. The other arguments belong to remote
    databases, which this version cannot open, or to caches that it does not have; they do nothing.
    """
    if uri is None:
        raise ValueError("the uri of a database is a path, file://… or memory://, not None")
    return LanceDBConnection(
        check_uri("database", uri),
        read_consistency_interval,
        check_storage_options(storage_options),
    )


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
    def _open(self, name: str, branch: str | None, version: SupportsIndex | str | None) -> Table:
        """Open a table. The arguments are of the right kinds."""

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

        `storage_options` of the database hold for its tables; those here, and `index_cache_size`,
        do nothing.
        """
        _refuse_namespaces(namespace_path)
        return self._open(check_text("the name of a table", name), branch, version)

    def create_table(
        self,
        name: str,
        data: Any = None,
        schema: pa.Schema | None = None,
        mode: str = "create",
        exist_ok: bool = False,
        on_bad_vectors: str = "error",
        fill_value: float = 0.0,
        embedding_functions: Any = None,
        *,
        namespace_path: Sequence[str] | None = None,
        storage_options: Mapping[str, str] | None = None,
        data_storage_version: str | None = None,
        enable_v2_manifest_paths: bool | None = None,
    ) -> Table:
        """Make a table of the rows of `data`, or an empty one of a `schema`.

        data         whatever `pilum.ingest` reads: Arrow data, data frames, lists of dicts,
                     generators of these, …, read once, and written with bounded memory
        schema       the columns; data is cast to it without loss, missing columns are null
        mode         "create": the table must not exist; "overwrite": one that does is replaced,
                     its old versions stay
        exist_ok     with "create": a table that exists is opened, and `data` not written
        data_storage_version   "2.0", "2.1" or "2.2" (default) for a new table

        `on_bad_vectors` other than "error", `embedding_functions` and manifests with names of V1
        are UnsupportedError; `fill_value` belongs to the first. Raises AlreadyExistsError if there
        is such a table, InvalidArgumentError for values that do not fit, UnsupportedError for types
        that Lance does not have.
        """
        _refuse_namespaces(namespace_path)
        _refuse_options(on_bad_vectors, embedding_functions, enable_v2_manifest_paths)
        check_text("the name of a table", name)
        if mode not in ("create", "overwrite"):
            raise InvalidArgumentError(f"mode must be 'create' or 'overwrite', not {mode!r}")
        if data is None and schema is None:
            raise InvalidArgumentError("a table is made of data or of a schema; neither is given")
        if mode == "create" and exist_ok:
            try:
                return self._open_same(name, _schema_of(data) if schema is None else schema)
            except NotFoundError:
                pass
        rows = Rows([] if data is None else data, schema)
        with reraise(rows):
            return self._create(
                name,
                rows.reader,
                _pilum.WriteOptions(storage_version=data_storage_version or ""),
                overwrite=mode == "overwrite",
            )

    def drop_table(
        self,
        name: str,
        namespace_path: Sequence[str] | None = None,
        ignore_missing: bool = False,
    ) -> None:
        """Remove a table with all its versions."""
        _refuse_namespaces(namespace_path)
        try:
            self._drop(check_text("the name of a table", name))
        except NotFoundError:
            if not ignore_missing:
                raise

    def rename_table(
        self,
        cur_name: str,
        new_name: str,
        cur_namespace_path: Sequence[str] | None = None,
        new_namespace_path: Sequence[str] | None = None,
    ) -> None:
        """Give a table another name; objects that are open under the old one fail from then on.

        Raises NotFoundError if there is no such table, AlreadyExistsError if the name is taken.
        """
        _refuse_namespaces(cur_namespace_path)
        _refuse_namespaces(new_namespace_path)
        self._rename(
            check_text("the name of a table", cur_name),
            check_text("the new name of a table", new_name),
        )

    def drop_database(self) -> None:
        """Remove every table."""
        self.drop_all_tables()

    def drop_all_tables(self) -> None:
        """Remove every table."""
        for name in self.table_names():
            self.drop_table(name, ignore_missing=True)

    def _open_same(self, name: str, schema: pa.Schema | None) -> Table:
        table = self.open_table(name)
        if schema is not None and not schema.equals(table.schema):
            raise InvalidArgumentError(
                f"schema does not match existing table '{name}': {schema} is not {table.schema}"
            )
        return table

    @abc.abstractmethod
    def _create(
        self,
        name: str,
        rows: pa.RecordBatchReader,
        options: _pilum.WriteOptions,
        *,
        overwrite: bool,
    ) -> Table:
        """Make a table of these rows, or replace those of the one that exists."""

    @abc.abstractmethod
    def _drop(self, name: str) -> None: ...

    @abc.abstractmethod
    def _rename(self, name: str, new_name: str) -> None: ...

    def list_tables(
        self,
        namespace_path: Sequence[str] | None = None,
        page_token: str | None = None,
        limit: int | None = None,
    ) -> TableListing:
        """A page of names; without a limit, all of them."""
        _refuse_namespaces(namespace_path)
        most = None if limit is None else check_count("limit", limit, 1)
        names = self.table_names(page_token)
        if most is None or len(names) <= most:
            return TableListing(names, None)
        return TableListing(names[:most], names[most - 1])

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
        self,
        uri: str,
        read_consistency_interval: datetime.timedelta | None = None,
        storage_options: Mapping[str, str] | None = None,
    ) -> None:
        _check_interval(read_consistency_interval)
        self._storage_options = dict(storage_options or {})
        self._native: _pilum.Database | None = _pilum.connect(uri, self._storage_options)
        self._uri = self._native.uri
        self._interval = read_consistency_interval

    @property
    def uri(self) -> str:
        return self._uri

    def table_names(self, page_token: str | None = None, limit: int | None = None) -> list[str]:
        most = None if limit is None else check_count("limit", limit, 0)
        names = self._database().table_names()
        first = 0 if page_token is None else bisect.bisect_right(names, page_token)
        return names[first:] if most is None else names[first : first + most]

    def _open(self, name: str, branch: str | None, version: SupportsIndex | str | None) -> Table:
        native = self._database().open_table(name)
        handle = self._handle(native).on_branch(branch)
        table = Table(name, handle, handle.native.latest(), self._interval)
        if version is not None:
            table.checkout(version)
        return table

    def _create(
        self,
        name: str,
        rows: pa.RecordBatchReader,
        options: _pilum.WriteOptions,
        *,
        overwrite: bool,
    ) -> Table:
        native = self._existing(name) if overwrite else None
        if native is None:
            native = self._database().create_table(name, rows, options)
        else:
            native.overwrite(rows, options)
        return Table(name, self._handle(native), native.latest(), self._interval)

    def _handle(self, native: _pilum.Table) -> TableHandle:
        return TableHandle(native.uri, None, self._storage_options, native)

    def _existing(self, name: str) -> _pilum.Table | None:
        try:
            return self._database().open_table(name)
        except NotFoundError:
            return None

    def _drop(self, name: str) -> None:
        self._database().drop_table(name)

    def _rename(self, name: str, new_name: str) -> None:
        self._database().rename_table(name, new_name)

    def __repr__(self) -> str:
        return f"LanceDBConnection(uri={self._uri!r})"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_native": None}

    def _database(self) -> _pilum.Database:
        if self._native is None:  # a copy that was unpickled
            self._native = _pilum.connect(self._uri, self._storage_options)
        return self._native


def _refuse_namespaces(namespace_path: Sequence[str] | None) -> None:
    if namespace_path:
        raise NotImplementedError("namespaces are not supported by this version of pilum")


def _refuse_options(
    on_bad_vectors: str, embedding_functions: object, v2_manifest_paths: bool | None
) -> None:
    refused = {
        "on_bad_vectors other than 'error'": on_bad_vectors != "error",
        "embedding_functions": bool(embedding_functions),
        "enable_v2_manifest_paths=False": v2_manifest_paths is False,
    }
    for option, is_asked_for in refused.items():
        if is_asked_for:
            raise UnsupportedError(f"this version of pilum does not support {option}")


def _schema_of(data: object) -> pa.Schema | None:
    """The schema that Arrow data has; that of dicts is only a guess."""
    schema = getattr(data, "schema", None)
    return schema if isinstance(schema, pa.Schema) else None


def _check_interval(interval: object) -> None:
    if interval is None:
        return
    if not isinstance(interval, datetime.timedelta):
        raise TypeError(
            "read_consistency_interval must be a datetime.timedelta or None, not "
            + type(interval).__name__
        )
    if interval < datetime.timedelta(0):
        raise InvalidArgumentError(f"read_consistency_interval is negative: {interval}")
