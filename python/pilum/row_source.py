"""The rows that a permutation is of, and the order that they come in."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from pilum import _pilum
from pilum.errors import InvalidArgumentError
from pilum.handle import TableHandle
from pilum.scanner import check_count
from pilum.table import Table

ConnectionFactory = Callable[[str], Table]


class PinnedTable:
    """A version of a table, wherever the table's handle moves.

    Pickles as the table does, or as its name where a factory opens it in other processes. A copy
    opens what it needs when it is first used.
    """

    def __init__(self, table: Table, version: int | None = None) -> None:
        """`version` None: the one that the table is on. NotFoundError if it was removed."""
        line, snapshot = table._open()
        if version is not None and version != snapshot.version:
            snapshot = line.open_version(version)
        self.name = table.name
        self.version = snapshot.version
        self.factory: ConnectionFactory | None = None
        self._place: tuple[Table, TableHandle] | None = (table, line)
        self._snapshot: _pilum.Snapshot | None = snapshot

    def with_factory(self, factory: ConnectionFactory) -> PinnedTable:
        pinned = object.__new__(PinnedTable)
        pinned.__dict__.update(self.__dict__, factory=factory)
        return pinned

    @property
    def table(self) -> Table:
        return self._reach()[0]

    @property
    def snapshot(self) -> _pilum.Snapshot:
        if self._snapshot is None:
            self._snapshot = self.look_up()
        return self._snapshot

    def look_up(self) -> _pilum.Snapshot:
        """NotFoundError, which names the version and the table, if the version was removed."""
        return self._reach()[1].open_version(self.version)

    def _reach(self) -> tuple[Table, TableHandle]:
        if self._place is None:
            assert self.factory is not None
            table = self.factory(self.name)
            if not isinstance(table, Table):
                raise TypeError(
                    f"the connection factory must return a Table, not {type(table).__name__}"
                )
            self._place = table, table._open()[0]
        return self._place

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__ | {"_snapshot": None}
        if self.factory is None:
            return state
        try:
            pickle.dumps(self.factory)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise pickle.PicklingError(
                f"the connection factory {self.factory!r} cannot be pickled: {error}; use a "
                "function of a module, a functools.partial of one, or an instance of a class"
            ) from error
        return state | {"_place": None}


class RowSource:
    """All rows of a version in storage order or in one that is calculated, or the rows that a split
    of a permutation table lists. A pickled copy is opened once, when it is first used."""

    def __init__(
        self,
        base: PinnedTable,
        *,
        shuffle: tuple[int, int, int] | None = None,
        listed: PinnedTable | None = None,
        split: int | None = None,
    ) -> None:
        """shuffle   seed, epoch and clump size"""
        self.base = base
        self.listed = listed
        self.split = split
        self._shuffle = shuffle
        self._order: _pilum.RowSequence | None = self._open()
        self.rows = len(self._order)

    def with_factory(self, factory: ConnectionFactory) -> RowSource:
        source = object.__new__(RowSource)
        source.__dict__.update(self.__dict__, base=self.base.with_factory(factory))
        return source

    @property
    def order(self) -> _pilum.RowSequence:
        if self._order is None:
            order = self._open()
            if len(order) != self.rows:
                raise InvalidArgumentError(
                    f"version {self.base.version} of table '{self.base.name}' has {len(order)} "
                    f"rows, but had {self.rows} when the permutation was made: it is another table"
                )
            self._order = order
        return self._order

    def _open(self) -> _pilum.RowSequence:
        """Listed rows are read: 8 bytes for each."""
        if self.listed is not None:
            return _pilum.RowSequence.load(self.listed.snapshot, self.split)
        rows = self.base.snapshot.count_rows()
        if self._shuffle is None:
            return _pilum.RowSequence.stored(rows)
        return _pilum.RowSequence.shuffled(rows, _pilum.ShuffleOptions(*self._shuffle))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_order": None}


def check_table(table: object) -> Table:
    if not isinstance(table, Table):
        raise TypeError(f"a permutation is made of a Table, not of a {type(table).__name__}")
    return table


def listed_rows(table: Table, permutation_table: Table, split: object) -> RowSource:
    """The rows of a split, by number or name; None: split 0."""
    listed = PinnedTable(permutation_table)
    schema = listed.snapshot.schema
    number = _number_of_split(split_names(schema), split)
    return RowSource(PinnedTable(table, _base_version(schema)), listed=listed, split=number)


def split_names(schema: pa.Schema) -> list[str]:
    """What a permutation table calls its splits, in the order of their numbers; none if it does
    not."""
    names = _read_metadata(schema, b"split_names", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidArgumentError(f"the permutation table has split_names that are none: {names}")
    return names


def _base_version(schema: pa.Schema) -> int | None:
    """The version that row ids are of; None: the table does not say."""
    version = _read_metadata(schema, b"base_version", None)
    if version is not None and (not isinstance(version, int) or version < 0):
        raise InvalidArgumentError(
            f"the permutation table has a base_version that is none: {version}"
        )
    return version


def _read_metadata(schema: pa.Schema, key: bytes, default: Any) -> Any:
    metadata = schema.metadata or {}
    if key not in metadata:
        return default
    try:
        return json.loads(metadata[key])
    except ValueError:
        return metadata[key]  # is of a kind that nobody asks for


def _number_of_split(names: list[str], split: Any) -> int:
    if split is None:
        return 0
    if isinstance(split, str):
        if not names:
            raise InvalidArgumentError(
                f"there is no split '{split}': no split names are defined for the permutation"
            )
        if split not in names:
            raise InvalidArgumentError(
                f"split '{split}' is not defined; there are: {', '.join(names)}"
            )
        return names.index(split)
    if isinstance(split, bool) or not hasattr(split, "__index__"):
        raise TypeError(f"split must be a name or a number, not a {type(split).__name__}")
    return check_count("split", split, 0)
