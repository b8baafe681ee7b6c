"""Tables: whole reads, rows by number, queries, versions."""

from __future__ import annotations

import math
import operator
import os
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

import pyarrow as pa

from pilum import _pilum
from pilum.collate import let_batches_through
from pilum.errors import InvalidArgumentError, RowNotFoundError, UnsupportedError
from pilum.handle import TableHandle, Tags
from pilum.ingest import Rows, reraise
from pilum.later import LaterChanges
from pilum.literal import literal
from pilum.query import Query, TakeQuery
from pilum.scanner import Scanner, check_count, check_filter, conditions_of

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Mapping

    import pandas
    import polars

    from pilum.dataset import Dataset


class AddResult(NamedTuple):
    version: int


class DeleteResult(NamedTuple):
    num_deleted_rows: int
    version: int


class UpdateResult(NamedTuple):
    rows_updated: int
    version: int


class OptimizeResult(NamedTuple):
    compaction: _pilum.CompactionStats
    cleanup: _pilum.CleanupStats | None


class _Place(NamedTuple):
    """Where a handle is: never changed, only replaced."""

    line: TableHandle
    version: int
    snapshot: _pilum.Snapshot | None  # None in a copy that was unpickled, until it is read
    checked_out: bool
    looked_up: float  # when this was the newest version


# Held to replace the place of any handle, never longer. A child must not inherit it locked.
_moving = threading.Lock()
os.register_at_fork(
    before=_moving.acquire, after_in_parent=_moving.release, after_in_child=_moving.release
)


class Table(LaterChanges):
    """An open table of a database.

    A handle reads one version at a time: the one that was the newest when it was opened, the one
    checked out, or, where its connection has a read_consistency_interval, the newest one, looked
    up again when that time has passed. It pickles as a few hundred bytes; the copy starts on the
    same version, or on the newest one where its connection has an interval and nothing is checked
    out. Thread-safe, and usable in forked children.

    It is a map-style dataset of PyTorch (`len` and `__getitems__`).
    """

    def __init__(
        self,
        name: str,
        handle: TableHandle,
        snapshot: _pilum.Snapshot,
        read_consistency_interval: datetime.timedelta | None = None,
    ) -> None:
        self._name = name
        self._handle = handle
        self._interval = read_consistency_interval
        self._move(handle, snapshot, checked_out=False)

    # ----------------------------------------------------------------------------- what it is
    @property
    def name(self) -> str:
        return self._name

    @property
    def uri(self) -> str:
        """The folder of the table."""
        return self._handle.uri

    @property
    def version(self) -> int:
        return self._snapshot().version

    @property
    def schema(self) -> pa.Schema:
        return self._snapshot().schema

    def __len__(self) -> int:
        return self._snapshot().count_rows()

    def count_rows(self, filter: str | None = None) -> int:
        """The number of rows, or of those for which the SQL `filter` is true."""
        return self._snapshot().count_rows(filter=conditions_of(filter))

    def __repr__(self) -> str:
        snapshot = self._snapshot()
        columns = ", ".join(f"{field.name}: {field.type}" for field in snapshot.schema)
        return (
            f"Table(name={self._name!r}, version={snapshot.version}, "
            f"rows={snapshot.count_rows()}, columns=[{columns}])"
        )

    # ---------------------------------------------------------------------------- whole reads
    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self.to_batches()

    def to_batches(self, batch_size: SupportsIndex | None = None) -> Iterator[pa.RecordBatch]:
        """All rows in storage order, read ahead in the background."""
        return Scanner(self._snapshot(), batch_size=batch_size).to_batches()

    def to_arrow(self) -> pa.Table:
        return Scanner(self._snapshot()).to_table()

    def to_pandas(self, **options: Any) -> pandas.DataFrame:
        """All rows; the options are those of `pyarrow.Table.to_pandas`."""
        return self.to_arrow().to_pandas(**options)

    def to_polars(self) -> polars.LazyFrame:
        """All rows, to be read when the frame is collected, and only the columns needed then."""
        from pilum.polars_scan import scan

        return scan(self._snapshot())

    def head(self, n: SupportsIndex = 5) -> pa.Table:
        """The first rows."""
        return Scanner(self._snapshot(), limit=n).to_table()

    def to_lance(self) -> Dataset:
        """The version that this handle is on, in the manner of Lance."""
        from pilum.dataset import Dataset

        return Dataset(*self._open())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return Scanner(self._snapshot()).__arrow_c_stream__(requested_schema)

    # -------------------------------------------------------------------------- rows by number
    def __getitems__(self, rows: Any) -> pa.RecordBatch:
        """Rows by number, in the order given, repeats repeated.

        `rows` is a sequence, an array or a tensor of integers.
        """
        let_batches_through()
        return self._snapshot().take(rows)

    def __getitem__(self, row: Any) -> pa.RecordBatch:
        """One row, counted from the end if negative, or a slice of rows."""
        snapshot = self._snapshot()
        if isinstance(row, slice):
            return snapshot.take(range(*row.indices(snapshot.count_rows())))
        try:
            number, rows = operator.index(row), snapshot.count_rows()
        except TypeError:
            return snapshot.take(row)
        if not -rows <= number < rows:
            raise RowNotFoundError(f"there is no row {number}: the table has {rows} rows")
        return snapshot.take([number % rows])

    # --------------------------------------------------------------------------------- queries
    def search(self, query: object = None) -> Query:
        """A query over all rows, to be narrowed down. Vector and text search do not exist yet."""
        if query is not None:
            raise NotImplementedError(
                "vector and text search are not supported by this version of pilum; search() "
                "without a query selects rows by conditions"
            )
        return Query(self._snapshot)

    def take_offsets(self, offsets: Any) -> TakeQuery:
        """Rows by number, in the order given."""
        _pilum.check_rows(offsets)
        return TakeQuery(self._snapshot, offsets, _pilum.RowKey.OFFSET)

    def take_row_ids(self, row_ids: Any) -> TakeQuery:
        """Rows by `_rowid`, in the order given."""
        _pilum.check_rows(row_ids)
        return TakeQuery(self._snapshot, row_ids, _pilum.RowKey.ROW_ID)

    # --------------------------------------------------------------------------------- writing
    def add(
        self,
        data: Any,
        mode: str = "append",
        on_bad_vectors: str = "error",
        fill_value: float = 0.0,
    ) -> AddResult:
        """Add rows ("append"), or put them in the place of all that there are ("overwrite").

        `data` is whatever `pilum.ingest` reads. Appended columns are matched by name with those of
        the version that this handle is on, and cast where that loses nothing; those that are
        missing are null. No rows: no new version.
        `on_bad_vectors` other than "error", to which `fill_value` belongs, is UnsupportedError.
        """
        if on_bad_vectors != "error":
            raise UnsupportedError(
                "this version of pilum does not support on_bad_vectors other than 'error'"
            )
        if mode not in ("append", "overwrite"):
            raise InvalidArgumentError(f"mode must be 'append' or 'overwrite', not {mode!r}")
        native = self._writable()
        rows = Rows(data, self.schema if mode == "append" else None)
        write = native.append if mode == "append" else native.overwrite
        with reraise(rows):
            snapshot = write(rows.reader, _pilum.WriteOptions())
        self._move(self._handle, snapshot, checked_out=False)
        return AddResult(snapshot.version)

    def delete(self, where: str) -> DeleteResult:
        """Delete the rows for which the SQL condition is true. None: no new version."""
        snapshot, rows = self._writable().delete(check_filter(where))
        self._move(self._handle, snapshot, checked_out=False)
        return DeleteResult(rows, snapshot.version)

    def update(
        self,
        where: str | None = None,
        values: Mapping[str, Any] | None = None,
        *,
        values_sql: Mapping[str, str] | None = None,
    ) -> UpdateResult:
        """Set columns in the rows for which the condition is true, or in all.

        `values` are Python values, `values_sql` SQL expressions over the old ones; exactly one of
        the two. Changed rows move to the end of the storage order.
        """
        if (values is None) == (values_sql is None):
            raise InvalidArgumentError("exactly one of values and values_sql must be given")
        if values_sql is None:
            values_sql = {name: literal(value) for name, value in (values or {}).items()}
        if not values_sql:
            raise InvalidArgumentError("no column to set is given")
        condition = None if where is None else check_filter(where)
        snapshot, rows = self._writable().update(list(values_sql.items()), condition)
        self._move(self._handle, snapshot, checked_out=False)
        return UpdateResult(rows, snapshot.version)

    def optimize(
        self,
        *,
        cleanup_older_than: datetime.timedelta | None = None,
        delete_unverified: bool = False,
        target_rows: SupportsIndex = 1024 * 1024,
    ) -> OptimizeResult:
        """Join small fragments and drop deleted rows, so that reading has fewer files to open.

        cleanup_older_than   also remove versions that are older, but for the newest one and those
                             that tags name, with the files that only they need
        delete_unverified    and files of writes that did not end, whatever their age; destroys
                             what is being written at the moment
        target_rows          rows of a fragment
        """
        native = self._writable()
        compaction = native.compact(check_count("target_rows", target_rows, 1))
        cleanup = None
        if cleanup_older_than is not None:
            seconds = math.ceil(cleanup_older_than.total_seconds())
            cleanup = native.cleanup(seconds, bool(delete_unverified))
        self._move(self._handle, native.latest(), checked_out=False)
        return OptimizeResult(compaction, cleanup)

    def _writable(self) -> _pilum.Table:
        place = self._place
        if place.checked_out:
            raise InvalidArgumentError(
                f"table '{self._name}' cannot be modified when a specific version is checked out; "
                "call checkout_latest() first, or restore()"
            )
        return self._handle.native

    # -------------------------------------------------------------------------------- versions
    def restore(self, version: SupportsIndex | str | None = None) -> None:
        """Make an old version, by default the one checked out, the newest again.

        The handle is on the newest version then, and can be written to.
        """
        place = self._place
        if version is None:
            if not place.checked_out:
                raise InvalidArgumentError("restore() without a version needs one checked out")
            number = place.version
        elif isinstance(version, str):
            number = self._handle.find_tag(version).version
        else:
            number = self._handle.open_version(version).version
        self._move(self._handle, self._handle.native.restore(number), checked_out=False)

    def list_versions(self) -> list[dict[str, Any]]:
        """The versions that exist, ascending: dicts of version, timestamp and metadata."""
        return self._handle.list_versions()

    @property
    def tags(self) -> Tags:
        return Tags(self._handle)

    def checkout(self, version: SupportsIndex | str) -> None:
        """Move to a version, by number or by the name of a tag, and stay there."""
        if isinstance(version, str):
            self._move(*self._handle.open_tag(version), checked_out=True)
        else:
            self._move(self._handle, self._handle.open_version(version), checked_out=True)

    def checkout_latest(self) -> None:
        """Move to the newest version, and follow newer ones again as the connection says."""
        self._move(self._handle, self._handle.native.latest(), checked_out=False)

    def _move(self, line: TableHandle, snapshot: _pilum.Snapshot, *, checked_out: bool) -> None:
        place = _Place(line, snapshot.version, snapshot, checked_out, time.monotonic())
        with _moving:
            self._place = place

    def _snapshot(self) -> _pilum.Snapshot:
        """The version to read now."""
        return self._open()[1]

    def _open(self) -> tuple[TableHandle, _pilum.Snapshot]:
        """The version to read now, and the line of versions that it is on."""
        place = self._place
        if self._is_due(place):
            now = time.monotonic()
            snapshot = self._handle.native.latest()
            found = _Place(self._handle, snapshot.version, snapshot, False, now)
        elif place.snapshot is None:
            snapshot = place.line.open_version(place.version)
            found = place._replace(snapshot=snapshot)
        else:
            return place.line, place.snapshot
        with _moving:
            if self._place is place:  # another thread may have moved the handle meanwhile
                self._place = found
        return found.line, snapshot

    def _is_due(self, place: _Place) -> bool:
        """Whether the newest version is to be looked up."""
        if self._interval is None or place.checked_out:
            return False
        return time.monotonic() - place.looked_up >= self._interval.total_seconds()

    def __getstate__(self) -> dict[str, Any]:
        place = self._place._replace(snapshot=None, looked_up=float("-inf"))
        return self.__dict__ | {"_place": place}
