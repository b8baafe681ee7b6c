"""How much room the columns of a table take, and why."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pilum import _pilum
    from pilum.dataset import Dataset

_LARGE_SHARE = 0.1  # of the table: columns below need no explanation
_SMALL_PAGE = 64 << 10  # bytes
_MANY_PAGES = 16


@dataclasses.dataclass(frozen=True)
class ColumnSize:
    """A stored column, and what its numbers say about it."""

    report: _pilum.ColumnReport
    decoded_bytes: int | None  #: as Arrow values; None where that depends on the values
    remark: str  #: what makes it large, if it is

    @property
    def ratio(self) -> float | None:
        """How many times larger the values are than what is stored."""
        if self.decoded_bytes is None or self.report.stored_bytes == 0:
            return None
        return self.decoded_bytes / self.report.stored_bytes

    @property
    def bytes_per_row(self) -> float:
        return self.report.stored_bytes / self.report.rows if self.report.rows else 0.0

    @property
    def encodings(self) -> str:
        """The most used one first."""
        by_size = sorted(self.report.encodings, key=lambda e: e.stored_bytes, reverse=True)
        if len(by_size) == 1:
            return by_size[0].description
        return "; ".join(f"{e.pages} x {e.description}" for e in by_size)


def describe_columns(dataset: Dataset) -> list[ColumnSize]:
    """The stored columns, in the order of the schema."""
    reports = dataset.inspect()
    total = sum(report.stored_bytes for report in reports)
    return [_describe(report, dataset.schema, total) for report in reports]


def in_bytes(count: float) -> str:
    """A number of bytes for people."""
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while count >= 1024 and len(units) > 1:
        count /= 1024
        units.pop(0)
    whole = count >= (10 if units[0] == "B" else 100)
    return f"{count:.0f} {units[0]}" if whole else f"{count:.3g} {units[0]}"


def _describe(report: _pilum.ColumnReport, schema: pa.Schema, total: int) -> ColumnSize:
    width = _bits_per_row(schema, report.path)
    decoded = None if width is None else report.rows * width // 8
    column = ColumnSize(report, decoded, "")
    if not total or report.stored_bytes < _LARGE_SHARE * total:
        return column
    reasons = [f"{report.stored_bytes / total:.0%} of the table"]
    if width is None:
        reasons.append(f"{in_bytes(column.bytes_per_row)} in each row")
    elif column.ratio is not None and column.ratio < 1.1:
        reasons.append("values are hardly compressed")
    if width is not None and width >= 8 * 256:
        reasons.append(f"wide values ({in_bytes(width / 8)})")
    if report.pages >= _MANY_PAGES and report.stored_bytes < _SMALL_PAGE * report.pages:
        reasons.append(f"small pages ({in_bytes(report.stored_bytes / report.pages)} on average)")
    return dataclasses.replace(column, remark=", ".join(reasons))


def _bits_per_row(schema: pa.Schema, path: str) -> int | None:
    """The width of the values of a column; None where they differ, and inside lists."""
    name, *children = path.split(".")
    index = schema.get_field_index(name)
    if index < 0:  # the name of a column may contain dots, or occur twice
        return None
    kind = _storage(schema.field(index).type)
    for child in children:
        if not pa.types.is_struct(kind) or kind.get_field_index(child) < 0:
            return None
        kind = _storage(kind.field(child).type)
    return _width(kind)


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _width(kind: pa.DataType) -> int | None:
    if pa.types.is_fixed_size_list(kind):
        item = _width(_storage(kind.value_type))
        return None if item is None else item * kind.list_size
    if (
        pa.types.is_primitive(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_fixed_size_binary(kind)
    ):
        width: int = kind.bit_width
        return width
    return None
