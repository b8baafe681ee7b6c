"""The forms in which a Permutation hands out rows.

    format       of R rows and C columns
    python       list of R dicts (default)
    python_col   dict of C lists
    arrow        pyarrow.RecordBatch
    polars       polars.DataFrame
    pandas       pandas.DataFrame; integers with nulls become float64
    numpy        array (R, C) of the dtype that all columns promote to; object if one is no number
    torch        list of R dicts of tensors without dimensions, (n,) for fixed_size_list(n)
    torch_row    list of R tensors (C,)
    torch_col    tensor (C, R) of the dtype that all columns promote to; (R, n) for a single
                 fixed_size_list(n)

arrow and polars never copy values of fixed width, pandas none of a numeric column without nulls,
numpy and torch_col none of a single one; several columns are copied once, column by column.
Results that share memory with the batch keep it alive; arrays are read-only then, tensors must not
be written to. Tensors hold numbers and booleans without nulls: TypeError names the column that has
others.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pilum import _pilum
from pilum.collate import RowWithSchema
from pilum.errors import InvalidArgumentError

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import torch

Transform = Callable[[pa.RecordBatch], Any]


class Transforms:
    """Functions from a RecordBatch to each of the formats. They pickle."""

    @staticmethod
    def arrow2python(batch: pa.RecordBatch) -> list[dict[str, Any]]:
        """Rows as dicts. The first one has an attribute `schema`, which the default collate of
        PyTorch passes on to its batch."""
        with _collector_paused():
            rows: list[dict[str, Any]] = _pilum.to_rows(batch)
        if rows:
            rows[0] = RowWithSchema(rows[0], batch.schema)
        return rows

    @staticmethod
    def arrow2pythoncol(batch: pa.RecordBatch) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = _pilum.to_columns(batch)
        return columns

    @staticmethod
    def arrow2arrow(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch

    @staticmethod
    def arrow2polars(batch: pa.RecordBatch) -> polars.DataFrame:
        import polars

        return polars.DataFrame(batch)

    @staticmethod
    def arrow2pandas(batch: pa.RecordBatch) -> pandas.DataFrame:
        frame: pandas.DataFrame = batch.to_pandas(split_blocks=True)
        return frame

    @staticmethod
    def arrow2numpy(batch: pa.RecordBatch) -> numpy.ndarray[Any, Any]:
        import numpy as np

        if batch.num_columns == 1:
            return _values(batch.column(0))[:, np.newaxis]
        columns = [_values(column) for column in batch.columns]
        if any(column.dtype == object for column in columns):
            table = np.empty((batch.num_columns, batch.num_rows), object)
            for number, column in enumerate(columns):
                table[number] = column
            return table.T
        return np.stack(columns).T

    @staticmethod
    def arrow2torch(batch: pa.RecordBatch) -> list[dict[str, torch.Tensor]]:
        names = batch.schema.names
        with _collector_paused():
            tensors = [_tensor(batch, number).unbind(0) for number in range(batch.num_columns)]
            return [dict(zip(names, row, strict=True)) for row in zip(*tensors, strict=True)]

    @staticmethod
    def arrow2torchrow(batch: pa.RecordBatch) -> list[torch.Tensor]:
        return list(Transforms.arrow2torchcol(batch).T.contiguous().unbind(0))

    @staticmethod
    def arrow2torchcol(batch: pa.RecordBatch) -> torch.Tensor:
        import torch

        tensors = [_tensor(batch, number) for number in range(batch.num_columns)]
        if len(tensors) == 1:
            return tensors[0] if tensors[0].dim() > 1 else tensors[0][None]
        lists = [
            n for n, tensor in zip(batch.schema.names, tensors, strict=True) if tensor.dim() > 1
        ]
        if lists:
            raise TypeError(
                f"column '{lists[0]}' has several values in a row: torch_col has it alone, or "
                "columns of single values"
            )
        dtype = tensors[0].dtype
        for tensor in tensors[1:]:
            dtype = torch.promote_types(dtype, tensor.dtype)
        return torch.stack([tensor.to(dtype) for tensor in tensors])


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """While thousands of objects are made that all stay, looking for garbage every few hundred of
    them finds none, and lets them count as old, so that soon everything is looked through."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


FORMATS: dict[str, Transform] = {
    "python": Transforms.arrow2python,
    "python_col": Transforms.arrow2pythoncol,
    "arrow": Transforms.arrow2arrow,
    "polars": Transforms.arrow2polars,
    "pandas": Transforms.arrow2pandas,
    "numpy": Transforms.arrow2numpy,
    "torch": Transforms.arrow2torch,
    "torch_row": Transforms.arrow2torchrow,
    "torch_col": Transforms.arrow2torchcol,
}


def transform_of(format: str) -> Transform:
    if format not in FORMATS:
        raise InvalidArgumentError(
            f"Invalid format: {format!r}; there are: {', '.join(sorted(FORMATS))}"
        )
    return FORMATS[format]


def _values(column: pa.Array) -> numpy.ndarray[Any, Any]:
    """One dimension; objects for what numpy has no dtype for."""
    import numpy as np

    kind = column.type
    if pa.types.is_integer(kind) and column.null_count:
        column = column.cast(pa.float64(), safe=False)
    is_number = (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_timestamp(kind)
        or (pa.types.is_boolean(kind) and not column.null_count)
    )
    if is_number:
        values: numpy.ndarray[Any, Any] = column.to_numpy(zero_copy_only=False)
        return values
    objects = np.empty(len(column), object)
    objects[:] = column.to_pylist()
    return objects


def _tensor(batch: pa.RecordBatch, number: int) -> torch.Tensor:
    """A column with its rows in the first dimension."""
    column, name = batch.column(number), batch.schema.names[number]
    if column.null_count:
        raise TypeError(f"column '{name}' has {column.null_count} nulls; a tensor cannot have any")
    if isinstance(column.type, pa.FixedShapeTensorType):
        column = column.storage
    if not pa.types.is_fixed_size_list(column.type):
        return _numbers(column, name)
    size = column.type.list_size
    values = column.values.slice(column.offset * size, len(column) * size)
    if values.null_count:
        raise TypeError(f"column '{name}' has nulls in its lists; a tensor cannot have any")
    return _numbers(values, name).reshape(len(column), size)


def _numbers(values: pa.Array, name: str) -> torch.Tensor:
    from torch.utils.dlpack import from_dlpack

    if pa.types.is_boolean(values.type):  # bits, of which torch makes bytes
        return from_dlpack(values.cast(pa.uint8())).view(torch.bool)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise TypeError(f"column '{name}' of type {values.type} cannot become a tensor")
    return from_dlpack(values)
