"""Whole batches in the forms in which training takes them, made of columns: no object for a row.

    format    of B rows
    torch     dict of tensors (B, ...)
    numpy     dict of arrays (B, ...)
    arrow     pyarrow.RecordBatch
    polars    polars.DataFrame

torch and numpy: a column of numbers or booleans has the shape (B,), of fixed_size_list(n) (B, n),
of a list of these (B, m, n), of a fixed_shape_tensor (B, *its shape). Lists of any length are
`Ragged`; those of numbers can be `Padded`. Strings and binaries are lists of str and bytes, or
Arrow arrays. A struct is a dict of its fields. Numbers are not copied, unless to pad them. Tensors
hold no nulls and no times: TypeError, which names the column; arrays hold these as
Transforms.arrow2numpy does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch

from pilum import _pilum
from pilum.errors import InvalidArgumentError
from pilum.formats import Transforms, column_array, column_tensor, has_numbers_only


class Ragged(NamedTuple):
    """Lists of any length: row i is values[offsets[i] : offsets[i + 1]]. Of numbers they are what
    torch.nested.nested_tensor_from_jagged takes."""

    values: Any  #: of all rows, one after another
    offsets: Any  #: (B + 1,), int64, from 0


class Padded(NamedTuple):
    """Lists of any length: row i is values[i, : lengths[i]], and behind it what pads."""

    values: Any  #: (B, longest)
    lengths: Any  #: (B,), int64


@dataclasses.dataclass(frozen=True)
class BatchFormat:
    """Makes batches of a RecordBatch. Pickles."""

    kind: str
    ragged: str  #: "offsets" or "padded"
    pad_value: float
    strings: str  #: "list" or "arrow"

    def batches(self, rows: pa.RecordBatch, size: int) -> Iterator[Any]:
        """Of so many rows each, the last one of fewer."""
        starts = range(0, rows.num_rows, size)
        if self.kind in ("arrow", "polars"):
            for first in starts:
                batch = rows.slice(first, size)
                yield batch if self.kind == "arrow" else Transforms.arrow2polars(batch)
            return
        names = rows.schema.names
        columns = [
            iter(self._columns(column, name, size))
            for column, name in zip(rows.columns, names, strict=True)
        ]
        for _ in starts:
            yield {name: next(column) for column, name in zip(columns, names, strict=True)}

    def _columns(self, column: pa.Array, name: str, size: int) -> Iterable[Any]:
        """A column of each batch. Numbers are made what they become all together, as that takes
        longer than to cut it up."""
        starts = range(0, len(column), size)
        if not has_numbers_only(column):
            return (self._column(column.slice(first, size), name) for first in starts)
        if self.kind == "numpy":
            array = column_array(column)
            return (array[first : first + size] for first in starts)
        # Pieces of a tensor would be saved, and sent to other processes, with all of it.
        array = column_tensor(column, name).numpy()
        return (torch.from_numpy(array[first : first + size]) for first in starts)

    def _dict_of(self, columns: list[pa.Array], names: list[str], of: str) -> dict[str, Any]:
        """of   the path of the struct, with a dot, or nothing"""
        return {
            name: self._column(column, of + name)
            for column, name in zip(columns, names, strict=True)
        }

    def _column(self, column: pa.Array, name: str) -> Any:
        kind = column.type
        if pa.types.is_primitive(kind):
            return self._numbers(column, name)
        if pa.types.is_struct(kind):
            _check_valid(column, name, "a struct")
            return self._dict_of(column.flatten(), [field.name for field in kind], name + ".")
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            return self._lists(column, name)
        if _is_text(kind):
            return column if self.strings == "arrow" else _objects(column)
        return self._numbers(column, name)

    def _numbers(self, column: pa.Array, name: str) -> Any:
        return column_tensor(column, name) if self.kind == "torch" else column_array(column)

    def _lists(self, column: pa.Array, name: str) -> Any:
        _check_valid(column, name, "a list")
        offsets = np.asarray(column.offsets).astype(np.int64)
        values = self._column(column.values.slice(offsets[0], offsets[-1] - offsets[0]), name)
        offsets -= offsets[0]
        if self.ragged == "offsets" or not hasattr(values, "dtype"):
            return Ragged(values, self._array(offsets))
        padded, lengths = _pad(np.asarray(values), offsets, self.pad_value)
        return Padded(self._array(padded), self._array(lengths))

    def _array(self, array: np.ndarray[Any, Any]) -> Any:
        return array if self.kind == "numpy" else torch.from_numpy(array)


def batch_format(kind: str, ragged: str, pad_value: float, strings: str) -> BatchFormat:
    """InvalidArgumentError for other values than those above."""
    for name, value, known in (
        ("format", kind, ("torch", "numpy", "arrow", "polars")),
        ("ragged", ragged, ("offsets", "padded")),
        ("strings", strings, ("list", "arrow")),
    ):
        if value not in known:
            raise InvalidArgumentError(f"{name} must be one of {', '.join(known)}, not {value!r}")
    return BatchFormat(kind, ragged, pad_value, strings)


def _is_text(kind: pa.DataType) -> bool:
    return any(
        (
            pa.types.is_string(kind),
            pa.types.is_large_string(kind),
            pa.types.is_binary(kind),
            pa.types.is_large_binary(kind),
            pa.types.is_fixed_size_binary(kind),
        )
    )


def _objects(column: pa.Array) -> list[Any]:
    objects: list[Any] = _pilum.to_columns(pa.record_batch({"": column}))[""]
    return objects


def _check_valid(column: pa.Array, name: str, what: str) -> None:
    if column.null_count:
        raise TypeError(f"column '{name}' has nulls; {what} of a batch cannot be null")


def _pad(
    values: np.ndarray[Any, Any], offsets: np.ndarray[Any, Any], pad_value: float
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    padded = np.full((len(lengths), longest, *values.shape[1:]), pad_value, values.dtype)
    padded[np.arange(longest) < lengths[:, np.newaxis]] = values
    return padded, lengths
