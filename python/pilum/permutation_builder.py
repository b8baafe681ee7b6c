"""Making permutation tables: which rows, in which splits, in which order."""

from __future__ import annotations

import operator
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

import pyarrow as pa

from pilum import _pilum
from pilum.database import DBConnection, connect
from pilum.errors import InvalidArgumentError
from pilum.handle import check_text
from pilum.row_source import check_table
from pilum.scanner import check_count, check_filter
from pilum.table import Table

_MOST = 2**64 - 1
_PAGE_BYTES = 1 << 20  # smaller than usual: writing two columns should cost little memory

Sizes = _pilum.EqualSplits | _pilum.SplitCounts | _pilum.SplitRatios
Splits = _pilum.SequentialSplits | _pilum.RandomSplits | _pilum.HashSplits | _pilum.CalculatedSplits


class PermutationBuilder:
    """Describes a permutation of a table's rows step by step; `execute` makes it.

    Rows are scanned in storage order, filtered, assigned to splits, shuffled within their split,
    and listed split by split. Without any step: one split, number 0, with all rows in storage
    order. Each method returns the builder; of several calls of one kind the last one holds. The
    same version of the table and the same arguments give the same permutation, on any machine.
    """

    def __init__(self, table: Table) -> None:
        self._table = check_table(table)
        self._filter: str | None = None
        self._splits: Splits | None = None
        self._names: list[str] = []
        self._shuffle: _pilum.ShuffleOptions | None = None
        self._consumed = False

    def filter(self, filter: str) -> PermutationBuilder:
        """Keep the rows for which this SQL is true. InvalidArgumentError if it does not fit the
        table."""
        self._check_not_consumed()
        condition = check_filter(filter)
        self._table._snapshot().prepare(filter=[condition])
        self._filter = condition
        return self

    def split_sequential(
        self,
        *,
        ratios: Sequence[float] | None = None,
        counts: Sequence[SupportsIndex] | None = None,
        fixed: SupportsIndex | None = None,
        split_names: Sequence[str] | None = None,
    ) -> PermutationBuilder:
        """Splits of consecutive rows. Exactly one of these says how many there are:

        ratios   share of each split, between 0 and 1, together at most 1; sizes are rounded
        counts   rows of each split; rows behind the last one are left out
        fixed    number of splits, of the same size; less rows than that are left out

        split_names   one for each split; None: they have numbers only
        """
        sizes, splits = _sizes(ratios, counts, fixed)
        names = _split_names(split_names, splits)
        return self._set_splits(_pilum.SequentialSplits(sizes), names)

    def split_random(
        self,
        *,
        ratios: Sequence[float] | None = None,
        counts: Sequence[SupportsIndex] | None = None,
        fixed: SupportsIndex | None = None,
        seed: SupportsIndex | None = None,
        clump_size: SupportsIndex | None = None,
        split_names: Sequence[str] | None = None,
    ) -> PermutationBuilder:
        """Splits of random rows: all are shuffled, then cut as by split_sequential.

        seed         0 to 2^64 - 1; None: a random one
        clump_size   consecutive rows that stay together, so that reading them costs less; None:
                     single rows

        The other arguments are those of split_sequential.
        """
        sizes, splits = _sizes(ratios, counts, fixed)
        names = _split_names(split_names, splits)
        shuffle = shuffle_options(seed, clump_size)
        return self._set_splits(_pilum.RandomSplits(sizes, shuffle), names)

    def split_hash(
        self,
        columns: Sequence[str],
        split_weights: Sequence[SupportsIndex],
        *,
        discard_weight: SupportsIndex | None = 0,
        split_names: Sequence[str] | None = None,
    ) -> PermutationBuilder:
        """Splits by the values of columns: rows with equal ones come into the same split, whatever
        other rows the table has now or later.

        columns          of numbers, booleans, times, text or bytes; null is a value like others
        split_weights    the share of each split among all weights, whole numbers
        discard_weight   the share of rows that are left out; None: 0
        split_names      one for each split; None: they have numbers only
        """
        columns = [check_text("the name of a column", name) for name in _items("columns", columns)]
        weights = [
            check_count("a weight of split_weights", weight, 1)
            for weight in _items("split_weights", split_weights)
        ]
        discarded = (
            0 if discard_weight is None else check_count("discard_weight", discard_weight, 0)
        )
        names = _split_names(split_names, len(weights))
        self._table._snapshot().prepare(columns=columns)
        return self._set_splits(_pilum.HashSplits(columns, weights, discarded), names)

    def split_calculated(
        self, calculation: str, split_names: Sequence[str] | None = None
    ) -> PermutationBuilder:
        """Splits by an SQL expression, whose value is the number of the split: an integer that is
        not negative, and not null.

        split_names   of the splits from 0 on; some may have no rows; None: they have numbers only
        """
        calculation = check_text("calculation", calculation)
        names = _split_names(split_names)
        self._table._snapshot().prepare(columns={"split_id": calculation})
        return self._set_splits(_pilum.CalculatedSplits(calculation), names)

    def shuffle(
        self, *, seed: SupportsIndex | None = None, clump_size: SupportsIndex | None = None
    ) -> PermutationBuilder:
        """Shuffle the rows of each split; which rows a split has does not change.

        seed         0 to 2^64 - 1; None: a random one
        clump_size   consecutive rows of the split that stay together; None: single rows
        """
        self._check_not_consumed()
        self._shuffle = shuffle_options(seed, clump_size)
        return self

    def execute(self) -> Table:
        """The permutation, as a table in memory called "permutation".

        Its columns are `row_id` and `split_id`, both uint64. It can be stored in any database
        (`persist`, or `db.create_table(name, table.to_arrow())`) and read back by
        `Permutation.from_tables`. RuntimeError when called again; InvalidArgumentError where the
        steps do not fit the rows there are.
        """
        return self.persist(connect("memory://"), "permutation")

    def persist(self, database: DBConnection, table_name: str) -> Table:
        """The same, as a table of a database. AlreadyExistsError if there is one of that name."""
        if not isinstance(database, DBConnection):
            raise TypeError(f"database must be a DBConnection, not {type(database).__name__}")
        self._check_not_consumed()
        self._consumed = True
        rows = _pilum.build_permutation(
            self._table._snapshot(),
            filter=self._filter,
            splits=self._splits,
            split_names=self._names,
            shuffle=self._shuffle,
        )
        reader = pa.RecordBatchReader._import_from_c_capsule(rows)
        options = _pilum.WriteOptions(page_bytes=_PAGE_BYTES)
        return database._create(table_name, reader, options, overwrite=False)

    def _set_splits(self, splits: Splits, names: list[str]) -> PermutationBuilder:
        self._check_not_consumed()
        self._splits, self._names = splits, names
        return self

    def _check_not_consumed(self) -> None:
        if self._consumed:
            raise RuntimeError("Builder already consumed: execute() can be called once")


def permutation_builder(table: Table) -> PermutationBuilder:
    """The start of a permutation of a table's rows."""
    return PermutationBuilder(table)


def shuffle_options(
    seed: SupportsIndex | None, clump_size: SupportsIndex | None, epoch: SupportsIndex = 0
) -> _pilum.ShuffleOptions:
    if seed is None:
        seed = secrets.randbits(64)
    return _pilum.ShuffleOptions(
        _check_key("seed", seed),
        _check_key("epoch", epoch),
        1 if clump_size is None else check_count("clump_size", clump_size, 1),
    )


def _check_key(name: str, value: SupportsIndex) -> int:
    """A number of 64 bits."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}") from None
    if not 0 <= number <= _MOST:
        raise InvalidArgumentError(f"{name} must be from 0 to 2^64 - 1, not {number}")
    return number


def _sizes(
    ratios: Sequence[float] | None,
    counts: Sequence[SupportsIndex] | None,
    fixed: SupportsIndex | None,
) -> tuple[Sizes, int]:
    """How large the splits are, and how many there are."""
    if sum(given is not None for given in (ratios, counts, fixed)) != 1:
        raise InvalidArgumentError("Exactly one of 'ratios', 'counts', or 'fixed' must be provided")
    if ratios is not None:
        shares = [_check_ratio(ratio) for ratio in _items("ratios", ratios)]
        if sum(shares) > 1 + 1e-6:
            raise InvalidArgumentError(f"ratios must sum to at most 1, not to {sum(shares)}")
        return _pilum.SplitRatios(shares), len(shares)
    if counts is not None:
        rows = [check_count("a count of counts", count, 1) for count in _items("counts", counts)]
        return _pilum.SplitCounts(rows), len(rows)
    assert fixed is not None
    splits = check_count("fixed", fixed, 1)
    return _pilum.EqualSplits(splits), splits


def _items(name: str, values: Iterable[Any]) -> list[Any]:
    """At least one."""
    items = _listed(name, values)
    if not items:
        raise InvalidArgumentError(f"{name} must not be empty")
    return items


def _listed(name: str, values: Iterable[Any]) -> list[Any]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list, not a {type(values).__name__}")
    return list(values)


def _check_ratio(ratio: Any) -> float:
    if isinstance(ratio, str) or not hasattr(ratio, "__float__"):
        raise TypeError(f"a ratio of ratios must be a number, not {type(ratio).__name__}")
    share = float(ratio)
    if not 0 <= share <= 1:
        raise InvalidArgumentError(f"ratios must be between 0 and 1, but one is {ratio}")
    return share


def _split_names(names: Sequence[str] | None, splits: int | None = None) -> list[str]:
    """Names for so many splits, or for as many as there turn out to be; none are fine."""
    checked = [
        check_text("the name of a split", name)
        for name in _listed("split_names", [] if names is None else names)
    ]
    if len(set(checked)) < len(checked):
        raise InvalidArgumentError("split_names has a name twice")
    if checked and splits not in (None, len(checked)):
        raise InvalidArgumentError(f"split_names has {len(checked)} names for {splits} splits")
    return checked
