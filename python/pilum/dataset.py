"""The Lance-style API: one version of one table, opened by its folder."""

from __future__ import annotations

import abc
import datetime
import math
import operator
import random
from typing import TYPE_CHECKING, Any, SupportsIndex

import pyarrow as pa

from pilum import _pilum
from pilum.errors import InvalidArgumentError, NotFoundError, RowNotFoundError
from pilum.handle import TableHandle, Tags, check_storage_options, check_uri
from pilum.ingest import Rows, reraise
from pilum.later import LaterChanges
from pilum.scanner import Columns, Scanner, check_count, check_filter, conditions_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence


def dataset(
    uri: str | os.PathLike[str],
    version: SupportsIndex | str | None = None,
    *,
    branch: str | None = None,
    storage_options: Mapping[str, str] | None = None,
) -> Dataset:
    """Open the table in a folder: the newest version, one by number, or one by its tag.

    `storage_options` are those of `connect`.
    """
    storage = check_storage_options(storage_options)
    native = _pilum.open_table_at(check_uri("dataset", uri), storage)
    handle = TableHandle(native.uri, None, storage, native).on_branch(branch)
    return _open(handle, version)


def write_dataset(
    data: Any,
    uri: str | os.PathLike[str],
    schema: pa.Schema | None = None,
    mode: str = "create",
    *,
    max_rows_per_file: SupportsIndex = 1024 * 1024,
    max_bytes_per_file: SupportsIndex = 90 * 1024**3,
    max_rows_per_group: SupportsIndex | None = None,
    data_storage_version: str | None = None,
    enable_stable_row_ids: bool = False,
    storage_options: Mapping[str, str] | None = None,
) -> Dataset:
    """Write a table to a folder, with bounded memory, and open it.

    data                   whatever `pilum.ingest` reads
    mode                   "create": there must be none; "append"; "overwrite": rows and schema of
                           one that exists are replaced, its old versions stay
    max_rows_per_file      rows of a fragment at most
    data_storage_version   "2.0", "2.1" or "2.2"; by default 2.2 for a new table, else what
                           the table has
    enable_stable_row_ids  of a new table: rows keep their ids when they are updated or compacted
    storage_options        those of `connect`

    `max_rows_per_group` is of an older format and does nothing.
    """
    if mode not in ("create", "append", "overwrite"):
        raise InvalidArgumentError(f"mode must be 'create', 'append' or 'overwrite', not {mode!r}")
    uri = check_uri("dataset", uri)
    storage = check_storage_options(storage_options)
    options = _pilum.WriteOptions(
        storage_version=data_storage_version or "",
        stable_row_ids=bool(enable_stable_row_ids),
        max_rows_per_file=check_count("max_rows_per_file", max_rows_per_file, 1),
        max_bytes_per_file=check_count("max_bytes_per_file", max_bytes_per_file, 1),
    )
    native = _existing(uri, storage) if mode != "create" else None
    if mode == "append" and native is not None and schema is None:
        schema = native.latest().schema
    rows = Rows(data, schema)
    with reraise(rows):
        if native is None:
            native = _pilum.create_table_at(uri, rows.reader, options, storage)
        elif mode == "append":
            native.append(rows.reader, options)
        else:
            native.overwrite(rows.reader, options)
    return Dataset(TableHandle(native.uri, None, storage, native), native.latest())


def _existing(uri: str, storage_options: Mapping[str, str]) -> _pilum.Table | None:
    try:
        return _pilum.open_table_at(uri, storage_options)
    except NotFoundError:
        return None


def _open(handle: TableHandle, version: SupportsIndex | str | None) -> Dataset:
    if version is None:
        return Dataset(handle, handle.native.latest())
    if isinstance(version, str):
        return Dataset(*handle.open_tag(version))
    return Dataset(handle, handle.open_version(version))


class Scannable(abc.ABC):
    """What can be scanned. The options are those of `pilum.scanner.Scanner`."""

    @abc.abstractmethod
    def _source(self) -> tuple[_pilum.Snapshot, list[int] | None]:
        """The version to read, and the ids of the fragments to read of it; None: of all."""

    def scanner(
        self,
        columns: Columns = None,
        filter: str | None = None,
        limit: SupportsIndex | None = None,
        offset: SupportsIndex | None = None,
        batch_size: SupportsIndex | None = None,
        *,
        with_row_id: bool = False,
        with_row_address: bool = False,
        fragments: Sequence[Fragment] | None = None,
    ) -> Scanner:
        """A scan to run later, of all there is or of some of its fragments."""
        snapshot, ids = self._source()
        if fragments is not None:
            wanted = [fragment.fragment_id for fragment in fragments]
            ids = wanted if ids is None else [i for i in ids if i in wanted]
        return Scanner(
            snapshot,
            columns,
            filter,
            limit,
            offset,
            batch_size,
            with_row_id=with_row_id,
            with_row_address=with_row_address,
            fragments=ids,
        )

    def to_table(
        self,
        columns: Columns = None,
        filter: str | None = None,
        limit: SupportsIndex | None = None,
        offset: SupportsIndex | None = None,
        batch_size: SupportsIndex | None = None,
        *,
        with_row_id: bool = False,
        with_row_address: bool = False,
    ) -> pa.Table:
        """The rows as a table."""
        scanner = self.scanner(
            columns,
            filter,
            limit,
            offset,
            batch_size,
            with_row_id=with_row_id,
            with_row_address=with_row_address,
        )
        return scanner.to_table()

    def to_batches(
        self,
        columns: Columns = None,
        filter: str | None = None,
        limit: SupportsIndex | None = None,
        offset: SupportsIndex | None = None,
        batch_size: SupportsIndex | None = None,
        *,
        with_row_id: bool = False,
        with_row_address: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """The rows, batch by batch, read ahead in the background."""
        scanner = self.scanner(
            columns,
            filter,
            limit,
            offset,
            batch_size,
            with_row_id=with_row_id,
            with_row_address=with_row_address,
        )
        return scanner.to_batches()

    def head(self, num_rows: SupportsIndex, **options: Any) -> pa.Table:
        """The first rows."""
        return self.scanner(limit=num_rows, **options).to_table()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.scanner().__arrow_c_stream__(requested_schema)


class Dataset(Scannable, LaterChanges):
    """One version of a table. What writes through it moves it to the version that it makes; else it
    never changes. Pickles by path and version. Thread-safe, and usable in forked children.
    """

    def __init__(self, handle: TableHandle, snapshot: _pilum.Snapshot) -> None:
        self._handle = handle
        self._version = snapshot.version
        self._opened: _pilum.Snapshot | None = snapshot

    # ----------------------------------------------------------------------------- what it is
    @property
    def uri(self) -> str:
        """The folder of the table."""
        return self._handle.uri

    @property
    def branch(self) -> str | None:
        """None: the main one."""
        return self._handle.branch

    @property
    def version(self) -> int:
        return self._version

    @property
    def data_storage_version(self) -> str:
        """The version of the file format: "2.0", "2.1" or "2.2"."""
        return self._snapshot.storage_version

    @property
    def schema(self) -> pa.Schema:
        return self._snapshot.schema

    def __len__(self) -> int:
        return self._snapshot.count_rows()

    def count_rows(self, filter: str | None = None) -> int:
        """The number of rows, or of those for which the SQL `filter` is true."""
        return self._snapshot.count_rows(filter=conditions_of(filter))

    def __repr__(self) -> str:
        columns = ", ".join(f"{field.name}: {field.type}" for field in self.schema)
        return (
            f"Dataset(uri={self.uri!r}, version={self._version}, rows={len(self)}, "
            f"columns=[{columns}])"
        )

    def inspect(self) -> list[_pilum.ColumnReport]:
        """What each stored column is made of: pages, encodings, bytes."""
        return self._snapshot.inspect()

    def verify(self, progress: Callable[[int, int], object] | None = None) -> _pilum.VerifyReport:
        """Decode everything and report the damage there is.

        `progress` is called now and then with the work done and in total.
        """
        return self._snapshot.verify(progress)

    def _source(self) -> tuple[_pilum.Snapshot, list[int] | None]:
        return self._snapshot, None

    # ------------------------------------------------------------------------------------ rows
    def take(self, indices: Any, columns: Columns = None) -> pa.Table:
        """Rows by number, in the order given, repeats repeated."""
        return pa.Table.from_batches([self._snapshot.take(indices, columns=columns)])

    def sample(
        self, num_rows: SupportsIndex, columns: Columns = None, randomize_order: bool = True
    ) -> pa.Table:
        """So many different rows, chosen at random; in storage order if not `randomize_order`."""
        rows, chosen_rows = len(self), check_count("num_rows", num_rows, 0)
        if chosen_rows > rows:
            raise InvalidArgumentError(f"cannot choose {chosen_rows} of {rows} rows")
        chosen = random.sample(range(rows), chosen_rows)
        return self.take(chosen if randomize_order else sorted(chosen), columns)

    def get_fragments(self) -> list[Fragment]:
        """The fragments in their stored order."""
        fragments, first = [], 0
        for info in self._snapshot.fragments():
            fragments.append(Fragment(self, info, first))
            first += info.live_rows
        return fragments

    def get_fragment(self, fragment_id: int) -> Fragment | None:
        """None if there is no such fragment."""
        return next((f for f in self.get_fragments() if f.fragment_id == fragment_id), None)

    # --------------------------------------------------------------------------------- writing
    def insert(self, data: Any, mode: str = "append") -> None:
        """Add rows ("append"), or put them in the place of all that there are ("overwrite")."""
        if mode not in ("append", "overwrite"):
            raise InvalidArgumentError(f"mode must be 'append' or 'overwrite', not {mode!r}")
        native = self._handle.native
        rows = Rows(data, native.latest().schema if mode == "append" else None)
        with reraise(rows):
            write = native.append if mode == "append" else native.overwrite
            self._move(write(rows.reader, _pilum.WriteOptions()))

    def delete(self, predicate: str) -> None:
        """Delete the rows of the newest version for which the SQL condition is true."""
        self._move(self._handle.native.delete(check_filter(predicate))[0])

    def update(self, updates: Mapping[str, str], where: str | None = None) -> dict[str, int]:
        """Set columns, by SQL over their old values, in the rows where the condition is true."""
        condition = None if where is None else check_filter(where)
        snapshot, rows = self._handle.native.update(list(updates.items()), condition)
        self._move(snapshot)
        return {"num_rows_updated": rows}

    def restore(self) -> None:
        """Make this version the newest again."""
        self._move(self._handle.native.restore(self._version))

    @property
    def optimize(self) -> Optimizer:
        return Optimizer(self)

    def cleanup_old_versions(
        self,
        older_than: datetime.timedelta = datetime.timedelta(days=14),
        *,
        delete_unverified: bool = False,
    ) -> _pilum.CleanupStats:
        """Remove versions that are older, but for the newest one and those that tags name, with the
        files that only they need.

        Files of writes that did not end go when they are a week old, or at once with
        `delete_unverified`, which destroys what is being written at the moment.
        """
        seconds = math.ceil(older_than.total_seconds())
        return self._handle.native.cleanup(seconds, bool(delete_unverified))

    def _move(self, snapshot: _pilum.Snapshot) -> None:
        self._version, self._opened = snapshot.version, snapshot

    # -------------------------------------------------------------------------------- versions
    def versions(self) -> list[dict[str, Any]]:
        """The versions that exist, ascending: dicts of version, timestamp and metadata."""
        return self._handle.list_versions()

    @property
    def latest_version(self) -> int:
        """The newest version there is now."""
        return self._handle.native.latest().version

    def checkout_version(
        self, version: SupportsIndex | str | tuple[str | None, SupportsIndex | None]
    ) -> Dataset:
        """Another version, by number, by tag, or by branch and number (None: its newest)."""
        if isinstance(version, tuple):
            branch, number = version
            return _open(self._handle.on_branch(branch), number)
        return _open(self._handle, version)

    @property
    def tags(self) -> Tags:
        return Tags(self._handle)

    @property
    def branches(self) -> Branches:
        return Branches(self._handle)

    @property
    def _snapshot(self) -> _pilum.Snapshot:
        if self._opened is None:  # a copy that was unpickled
            self._opened = self._handle.open_version(self._version)
        return self._opened

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_opened": None}


class Optimizer:
    """What makes reading a dataset faster."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def compact_files(
        self, *, target_rows_per_fragment: SupportsIndex = 1024 * 1024
    ) -> _pilum.CompactionStats:
        """Join fragments of fewer rows, and drop deleted rows. The dataset moves on to the version
        that this makes, if there is anything to do."""
        native = self._dataset._handle.native
        rows = check_count("target_rows_per_fragment", target_rows_per_fragment, 1)
        stats = native.compact(rows)
        self._dataset._move(native.latest())
        return stats


class Branches:
    """The branches of a table: other lines of versions."""

    def __init__(self, handle: TableHandle) -> None:
        self._handle = handle

    def list(self) -> list[str]:
        return self._handle.native.branches()


class Fragment(Scannable):
    """The rows of a dataset that were written together."""

    def __init__(self, dataset: Dataset, info: _pilum.FragmentInfo, first_row: int) -> None:
        self._dataset = dataset
        self._first_row = first_row
        self.fragment_id = info.id
        self.physical_rows = info.physical_rows
        self.num_deletions = info.physical_rows - info.live_rows
        self.data_files = info.files

    @property
    def schema(self) -> pa.Schema:
        return self._dataset.schema

    def count_rows(self, filter: str | None = None) -> int:
        """The number of rows, or of those for which the SQL `filter` is true."""
        if filter is None:
            return self.physical_rows - self.num_deletions
        return self.scanner(filter=filter).count_rows()

    def _source(self) -> tuple[_pilum.Snapshot, list[int] | None]:
        return self._dataset._snapshot, [self.fragment_id]

    def take(self, indices: Any, columns: Columns = None) -> pa.Table:
        """Rows by their number in the fragment, in the order given."""
        rows = self.count_rows()
        numbers = [operator.index(index) for index in indices]
        for number in numbers:
            if not 0 <= number < rows:
                raise RowNotFoundError(
                    f"there is no row {number}: fragment {self.fragment_id} has {rows} rows"
                )
        return self._dataset.take([self._first_row + number for number in numbers], columns)

    def __repr__(self) -> str:
        return (
            f"Fragment(fragment_id={self.fragment_id}, rows={self.count_rows()}, "
            f"dataset={self._dataset.uri!r})"
        )
