"""Proof of what was delivered: rows, counted and hashed, whoever delivered them and in whatever
pieces."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from pilum import _pilum
from pilum.errors import InvalidArgumentError
from pilum.streaming.state import Facts

if TYPE_CHECKING:
    from pilum.table import Table


class ReceiptError(ValueError):
    """What was delivered is not what the epoch has."""


class Rows(NamedTuple):
    """A multiset of rows: how many, and the sum of the hashes of their ids modulo 2**64."""

    number: int = 0
    digest: int = 0

    @staticmethod
    def of(row_ids: pa.UInt64Array) -> Rows:
        return Rows(*_pilum.row_digest(row_ids))

    @staticmethod
    def of_each(row_ids: pa.UInt64Array, size: int) -> Iterator[Rows]:
        """Of one after the other so many, the last ones fewer."""
        return itertools.starmap(Rows, _pilum.row_digests(row_ids, size))

    def __add__(self, other: Rows) -> Rows:  # type: ignore[override]
        return Rows(self.number + other.number, (self.digest + other.digest) % 2**64)


class Delivered(NamedTuple):
    """Rows that a pass has gone past."""

    rows: Rows = Rows()
    skipped: Rows = Rows()  #: left out, as a transform failed

    def __add__(self, other: Delivered) -> Delivered:  # type: ignore[override]
        return Delivered(self.rows + other.rows, self.skipped + other.skipped)


@dataclasses.dataclass(frozen=True)
class Receipt:
    """The rows of an epoch that were delivered, by one process or, added up, by several.

        total = sum(pieces[1:], pieces[0])  # of all ranks, from before the crash and after it
        total.verify(table)                 # every row once, none missing

    Of a packed stream it is about blocks instead of rows.

    A row that is missing, or was delivered twice, is seen with a probability of 1 - 2**-64 (a sum
    of hashes of row ids; it protects against mistakes, not against who makes them on purpose).
    """

    facts: Facts  #: what decides which rows come when, as in a state
    epoch: int
    delivered: Delivered

    @property
    def rows(self) -> int:
        return self.delivered.rows.number

    @property
    def skipped_rows(self) -> int:
        """Left out, as a transform failed."""
        return self.delivered.skipped.number

    def __add__(self, other: Receipt) -> Receipt:
        """InvalidArgumentError, which names what differs, if they are not of the same epoch."""
        if not isinstance(other, Receipt):
            return NotImplemented
        for key, value in (self.facts | {"epoch": self.epoch}).items():
            theirs = (other.facts | {"epoch": other.epoch}).get(key)
            if theirs != value:
                raise InvalidArgumentError(
                    f"{key} mismatch: one receipt has {value!r}, the other {theirs!r}"
                )
        return Receipt(self.facts, self.epoch, self.delivered + other.delivered)

    def verify(self, table: Table, samples: int | None = None) -> None:
        """Holds it against the table, at the version that it is of: that every sample of the epoch
        was delivered once, or each of the first so many of all ranks. Those left out by a transform
        count as delivered. ReceiptError, which says how many are missing or too many. Reads no data
        but for a filter; takes about 0.2 us for each sample."""
        from pilum.streaming.packing import source_of_facts

        source = source_of_facts(table, self.facts)
        expected = source.rows_of(self.facts["num_splits"], self.epoch, samples)
        found = self.delivered.rows + self.delivered.skipped
        if found == expected:
            return
        what = f"{found.number} rows were delivered of {expected.number}"
        if found.number < expected.number:
            raise ReceiptError(f"{what}: {expected.number - found.number} are missing, or more")
        if found.number > expected.number:
            raise ReceiptError(
                f"{what}: {found.number - expected.number} too many, or more came twice"
            )
        raise ReceiptError(f"{what}, but not the same ones: some came twice and others never")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **self.facts,
            "epoch": self.epoch,
            "rows": self.delivered.rows.number,
            "rows_digest": f"{self.delivered.rows.digest:016x}",
            "skipped_rows": self.delivered.skipped.number,
            "skipped_digest": f"{self.delivered.skipped.digest:016x}",
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Receipt:
        facts = dict(values)
        try:
            delivered = Delivered(
                Rows(facts.pop("rows"), int(facts.pop("rows_digest"), 16)),
                Rows(facts.pop("skipped_rows"), int(facts.pop("skipped_digest"), 16)),
            )
            return Receipt(facts, facts.pop("epoch"), delivered)
        except KeyError as error:
            raise InvalidArgumentError(
                f"the receipt has no {error}: it is of something else"
            ) from None
