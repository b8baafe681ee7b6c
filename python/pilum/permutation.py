"""Permutations: a table's rows in any order, in splits, as any type of Python data.

splits = permutation_builder(table).split_random(ratios=[0.9, 0.1], seed=1).execute()
train, test = Permutations(table, splits)
for batch in Permutation.shuffled(table, seed=1).with_format("torch_col"):
    ...
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, SupportsIndex

import pyarrow as pa

from pilum.collate import let_batches_through
from pilum.errors import InvalidArgumentError, NotFoundError, RowNotFoundError
from pilum.formats import Transform, Transforms, transform_of
from pilum.handle import check_text
from pilum.permutation_builder import PermutationBuilder, permutation_builder, shuffle_options
from pilum.row_source import (
    ConnectionFactory,
    PinnedTable,
    RowSource,
    check_table,
    listed_rows,
    split_names,
)
from pilum.scanner import check_count
from pilum.table import Table

__all__ = [
    "DEFAULT_BATCH_SIZE",
    "Permutation",
    "PermutationBuilder",
    "Permutations",
    "Transforms",
    "permutation_builder",
]

DEFAULT_BATCH_SIZE = 100

_ROW_ID = "_rowid"
_WINDOW_ROWS = 8192
_WINDOW_BYTES = 8 << 20
_MOST = 2**63 - 1


class Permutation:
    """Rows of a table in some order, read at the version that the table had when this was made.

    A map-style dataset of PyTorch (`len` and `__getitems__`), and an iterable of batches.
    Immutable: methods that change something return a new permutation. Thread-safe, usable in forked
    children. It pickles without open files: tables as `Table` does; the copy opens what it needs
    when it is first used.
    """

    _source: RowSource
    _columns: dict[str, str]  # what the columns are called here: what they are in the table
    _schema: pa.Schema | None  # of the rows as they are delivered; None in a copy until it is used
    _first: int  # row of the source
    _count: int
    _repeats: int
    _batch_size: int
    _transform: Transform

    def __init__(self) -> None:
        raise TypeError("a Permutation is made by Permutation.identity, shuffled or from_tables")

    # ------------------------------------------------------------------------------- making one
    @classmethod
    def identity(cls, table: Table) -> Permutation:
        """All rows in storage order."""
        return cls._make(RowSource(PinnedTable(check_table(table))))

    @classmethod
    def shuffled(
        cls,
        table: Table,
        *,
        seed: SupportsIndex | None = None,
        epoch: SupportsIndex = 0,
        clump_size: SupportsIndex | None = None,
    ) -> Permutation:
        """All rows in an order that is calculated, not stored: made at once, whatever the size.

        seed         0 to 2^64 - 1; None: a random one
        epoch        another one gives another order
        clump_size   consecutive rows that stay together; None: single rows

        With epoch 0 it is the order of `permutation_builder(table).shuffle(...)`.
        """
        options = shuffle_options(seed, clump_size, epoch)
        shuffle = (options.seed, options.epoch, options.clump_size)
        return cls._make(RowSource(PinnedTable(check_table(table)), shuffle=shuffle))

    @classmethod
    def from_tables(
        cls,
        base_table: Table,
        permutation_table: Table | None = None,
        split: str | SupportsIndex | None = None,
    ) -> Permutation:
        """The rows of `base_table` that a split of `permutation_table` lists.

        split   a number, or one of the names that the splits were given; None: split 0

        Without permutation_table: all rows in storage order. InvalidArgumentError if there is no
        such split, or nothing in it; NotFoundError if the version that the row ids are of was
        removed.
        """
        check_table(base_table)
        if permutation_table is None:
            if split is not None:
                raise InvalidArgumentError("a split needs a permutation table, and none was given")
            return cls.identity(base_table)
        source = listed_rows(base_table, check_table(permutation_table), split)
        permutation = cls._make(source)
        if permutation.num_rows == 0:
            raise InvalidArgumentError(f"No rows found in split {source.split} of the permutation")
        return permutation

    @classmethod
    def _make(cls, source: RowSource) -> Permutation:
        self = object.__new__(cls)
        self._source = source
        self._schema = source.base.snapshot.schema
        self._columns = {name: name for name in self._schema.names}
        self._first = 0
        self._count = source.rows
        self._repeats = 1
        self._batch_size = DEFAULT_BATCH_SIZE
        self._transform = Transforms.arrow2python
        return self

    # ----------------------------------------------------------------------------- what it is
    @property
    def base_table(self) -> Table:
        """As it was given. Where it is now does not matter: rows are read at the version that it
        had."""
        return self._source.base.table

    @property
    def permutation_table(self) -> Table | None:
        """None without one."""
        listed = self._source.listed
        return None if listed is None else listed.table

    @property
    def split(self) -> int | None:
        """The number of the split; None without a permutation table."""
        return self._source.split

    @property
    def schema(self) -> pa.Schema:
        """Of the rows before the format or transform."""
        if self._schema is None:
            self._schema = self._schema_of(self._columns)
        return self._schema

    @property
    def column_names(self) -> list[str]:
        return list(self._columns)

    @property
    def num_columns(self) -> int:
        return len(self._columns)

    @property
    def num_rows(self) -> int:
        return self._count * self._repeats

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)"""
        return self.num_rows, self.num_columns

    @property
    def batch_size(self) -> int:
        return self._batch_size

    @property
    def transform_fn(self) -> Transform:
        return self._transform

    @property
    def connection_factory(self) -> ConnectionFactory | None:
        return self._source.base.factory

    def __len__(self) -> int:
        return self.num_rows

    def __repr__(self) -> str:
        return (
            f"Permutation(table={self._source.base.name!r}, version={self._source.base.version}, "
            f"rows={self.num_rows}, columns={self.column_names})"
        )

    # -------------------------------------------------------------------------------- columns
    def select_columns(self, columns: Sequence[str]) -> Permutation:
        """These columns, in this order; only they are read. `_rowid` can always be added, a column
        that was left out before cannot. InvalidArgumentError if there is no such column, or none is
        selected."""
        names = _check_names("columns", columns)
        if not names:
            raise InvalidArgumentError("no column is selected")
        selected = {}
        for name in names:
            if name not in self._columns and name != _ROW_ID:
                raise InvalidArgumentError(
                    f"Cannot select column `{name}` because it does not exist; there are: "
                    f"{', '.join(self._columns)}",
                    column=name,
                )
            selected[name] = self._columns.get(name, _ROW_ID)
        return self._with_columns(selected)

    def remove_columns(self, columns: Sequence[str]) -> Permutation:
        """Without these columns. Names of columns that there are not are ignored;
        InvalidArgumentError if no column is left."""
        removed = set(_check_names("columns", columns))
        left = {name: of for name, of in self._columns.items() if name not in removed}
        if not left:
            raise InvalidArgumentError("Cannot remove all columns")
        return self._with_columns(left)

    def rename_column(self, old_name: str, new_name: str) -> Permutation:
        """With another name for a column, which keeps its place."""
        return self.rename_columns({old_name: new_name})

    def rename_columns(self, column_map: Mapping[str, str]) -> Permutation:
        """With other names for columns, which keep their places. All at once, so names may be
        swapped. InvalidArgumentError for a column that there is not, and if two would have one
        name."""
        if not isinstance(column_map, Mapping):
            raise TypeError(f"column_map must be a dict, not a {type(column_map).__name__}")
        for old, new in column_map.items():
            check_text("the new name of a column", new)
            if old not in self._columns:
                raise InvalidArgumentError(f"Cannot rename column `{old}`: it does not exist")
        names = [column_map.get(name, name) for name in self._columns]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise InvalidArgumentError(f"Cannot rename: there would be two columns `{twice[0]}`")
        return self._with_columns(dict(zip(names, self._columns.values(), strict=True)))

    # ----------------------------------------------------------------------------------- rows
    def with_skip(self, skip: SupportsIndex) -> Permutation:
        """Without the first rows, of those that earlier windows have left. InvalidArgumentError if
        there are fewer, or rows are repeated."""
        count = check_count("skip", skip, 0)
        self._check_window("skip", count)
        return self._with(_first=self._first + count, _count=self._count - count)

    def with_take(self, limit: SupportsIndex) -> Permutation:
        """Only the first rows, of those that earlier windows have left. InvalidArgumentError if
        there are fewer, or rows are repeated."""
        count = check_count("limit", limit, 0)
        self._check_window("take", count)
        return self._with(_count=count)

    def with_repeat(self, times: SupportsIndex) -> Permutation:
        """All rows, so many times over in the same order. InvalidArgumentError where that is more
        than 2^63 - 1 rows."""
        repeats = self._repeats * check_count("times", times, 1)
        if repeats * self._count > _MOST:
            raise InvalidArgumentError(
                f"{self._count} rows cannot be repeated {repeats} times: there can be 2^63 - 1"
            )
        return self._with(_repeats=repeats)

    skip = with_skip
    take = with_take
    repeat = with_repeat

    # -------------------------------------------------------------------------------- delivery
    def with_batch_size(self, batch_size: SupportsIndex) -> Permutation:
        """With so many rows in each batch of `for batch in permutation`."""
        return self._with(_batch_size=check_count("batch_size", batch_size, 1))

    def with_format(self, format: str) -> Permutation:
        """With rows as: python (list of dicts, the default), python_col (dict of lists), arrow,
        polars, pandas, numpy, torch (list of dicts of tensors), torch_row (list of tensors) or
        torch_col (one tensor, columns first). `pilum.formats` says what each is."""
        return self.with_transform(transform_of(format))

    def with_transform(self, transform: Transform) -> Permutation:
        """With rows as what this function makes of a RecordBatch of them."""
        if not callable(transform):
            raise TypeError(f"transform must be callable, not {type(transform).__name__}")
        return self._with(_transform=transform)

    def with_connection_factory(self, connection_factory: ConnectionFactory) -> Permutation:
        """With a function that opens the base table in other processes: from its name to a Table.

        Called when an unpickled copy is first used, never in this process. It must be picklable: a
        function of a module, a functools.partial of one, or an instance of a class of a module with
        `__call__`.
        """
        if not callable(connection_factory):
            raise TypeError(
                f"connection_factory must be callable, not {type(connection_factory).__name__}"
            )
        return self._with(_source=self._source.with_factory(connection_factory))

    # --------------------------------------------------------------------------------- reading
    def __getitems__(self, rows: Any) -> Any:
        """Rows by position, in the order given, repeats repeated: a sequence, an array or a tensor
        of integers. RowNotFoundError, an IndexError, for what is not in [0, len)."""
        let_batches_through()
        return self._transform(self._take(rows))

    def take_offsets(self, offsets: Any) -> Any:
        """The same as `__getitems__`."""
        return self.__getitems__(offsets)

    def __getitem__(self, row: Any) -> Any:
        """A batch of one row, counted from the end if negative, or of a slice of rows."""
        if isinstance(row, slice):
            return self.__getitems__(range(*row.indices(self.num_rows)))
        try:
            number = operator.index(row)
        except TypeError:
            return self.__getitems__(row)
        if not -self.num_rows <= number < self.num_rows:
            raise RowNotFoundError(
                f"there is no row {number}: the permutation has {self.num_rows} rows"
            )
        return self.__getitems__([number % self.num_rows])

    def iter(self, batch_size: SupportsIndex, skip_last_batch: bool = False) -> Iterator[Any]:
        """Batches of exactly batch_size rows, but for the last one, which may have fewer; with
        skip_last_batch it is left out then."""
        size = check_count("batch_size", batch_size, 1)
        rows = self.num_rows
        return self._iterate(size, rows - rows % size if skip_last_batch else rows)

    def __iter__(self) -> Iterator[Any]:
        """Batches of `batch_size` rows. Rows that do not fill a last one are left out, so a
        permutation of fewer rows gives nothing; `iter(batch_size)` gives them too."""
        return self.iter(self._batch_size, skip_last_batch=True)

    def _iterate(self, batch_size: int, end: int) -> Iterator[Any]:
        let_batches_through()
        first = 0
        window = batch_size
        while first < end:
            rows = self._take(range(first, min(first + window, end)))
            for start in range(0, rows.num_rows, batch_size):
                yield self._transform(rows.slice(start, batch_size))
            first += rows.num_rows
            # Rows that are read together cost less, as long as they do not take too much memory.
            fitting = _WINDOW_BYTES * rows.num_rows // max(rows.nbytes, 1)
            window = max(min(_WINDOW_ROWS, fitting) // batch_size, 1) * batch_size

    def _take(self, rows: Any) -> pa.RecordBatch:
        base = self._source.base
        try:
            return self._source.order.take(
                base.snapshot,
                rows,
                first=self._first,
                count=self._count,
                repeats=self._repeats,
                columns=list(self._columns.values()),
                schema=self.schema,
            )
        except NotFoundError:  # a file: because the version was removed?
            base.look_up()
            raise

    # ------------------------------------------------------------------------------ the inside
    def _with(self, **changes: Any) -> Permutation:
        changed = object.__new__(type(self))
        changed.__dict__.update(self.__dict__ | changes)
        return changed

    def _with_columns(self, columns: dict[str, str]) -> Permutation:
        return self._with(_columns=columns, _schema=self._schema_of(columns))

    def _schema_of(self, columns: Mapping[str, str]) -> pa.Schema:
        scan = self._source.base.snapshot.prepare(columns=list(columns.values()))
        fields = [field.with_name(name) for field, name in zip(scan.schema, columns, strict=True)]
        return pa.schema(fields, scan.schema.metadata)

    def _check_window(self, what: str, count: int) -> None:
        if count > self._count:
            raise InvalidArgumentError(
                f"cannot {what} {count} rows: the permutation has {self._count}"
            )
        if self._repeats > 1:
            raise InvalidArgumentError(f"cannot {what} rows after a repeat: {what} first")

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_schema": None}


def _check_names(what: str, names: object) -> list[str]:
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise TypeError(f"{what} must be a list of names, not a {type(names).__name__}")
    return [check_text("the name of a column", name) for name in names]


class Permutations:
    """The splits of a permutation table: `permutations["train"]` and `permutations[0]`."""

    def __init__(self, base_table: Table, permutation_table: Table) -> None:
        self.base_table = check_table(base_table)
        self.permutation_table = check_table(permutation_table)
        #: The names of the splits in the order of their numbers; none if they were not given any.
        self.split_names = split_names(permutation_table.schema)
        #: The numbers of the splits by name.
        self.split_dict = {name: number for number, name in enumerate(self.split_names)}

    def get_by_name(self, name: str) -> Permutation:
        """InvalidArgumentError if there is no such split, or no row in it."""
        if name not in self.split_dict:
            raise InvalidArgumentError(
                f"No split named `{name}` found; there are: {', '.join(self.split_names) or 'none'}"
            )
        return self.get_by_index(self.split_dict[name])

    def get_by_index(self, index: SupportsIndex) -> Permutation:
        """InvalidArgumentError if there is no row in this split."""
        return Permutation.from_tables(self.base_table, self.permutation_table, index)

    def __getitem__(self, split: str | SupportsIndex) -> Permutation:
        if isinstance(split, str):
            return self.get_by_name(split)
        if isinstance(split, bool) or not hasattr(split, "__index__"):
            raise TypeError(f"a split is a name or a number, not a {type(split).__name__}")
        return self.get_by_index(split)

    def __len__(self) -> int:
        """How many splits there are, by names or by rows."""
        rows = len(self.permutation_table)
        if rows == 0:
            return len(self.split_names)
        # Rows are sorted by it.
        last: int = self.permutation_table[rows - 1]["split_id"][0].as_py()
        return max(len(self.split_names), last + 1)

    def __iter__(self) -> Iterator[Permutation]:
        return (self.get_by_index(number) for number in range(len(self)))
