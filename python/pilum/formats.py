"""The forms in which a Permutation hands out rows.

    format       of R rows and C columns
    python       list of R dicts (default)
    python_col   dict of C lists
    arrow        pyarrow.RecordBatch
    polars       polars.DataFrame
    pandas       pandas.DataFrame; integers with nulls become float64
    numpy        array (R, C) of the dtype that all columns promote to; object if they have none
    torch        list of R dicts of tensors: without dimensions, or of the shape of a row
    torch_row    list of R tensors (C,) of the dtype that numpy promotes the columns to
    torch_col    tensor (C, R) of the dtype that torch promotes the columns to

numpy makes objects of what are no numbers, booleans or times; integers with nulls become float64.
Tensors hold numbers and booleans without nulls: TypeError names the column that has others. Rows of
a fixed_size_list(n) have the shape (n,), those of a list of lists (n, m), those of a
fixed_shape_tensor its own. numpy, torch_row and torch_col have such a column alone, the rows in the
first dimension: (R, n), a list of R tensors (n,), (R, n).

arrow copies nothing; polars no values of fixed width, but seconds, which it lacks; pandas none of a
numeric column without nulls; numpy and torch_col none of a single one. They copy several columns
once, and booleans, which Arrow has as bits. Results that share memory with the batch keep it alive;
arrays are read-only then, tensors must not be written to.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

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
        """Columns as lists."""
        columns: dict[str, list[Any]] = _pilum.to_columns(batch)
        return columns

    @staticmethod
    def arrow2arrow(batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch itself."""
        return batch

    @staticmethod
    def arrow2polars(batch: pa.RecordBatch) -> polars.DataFrame:
        """Null stays null. Nothing of fixed width is copied, but for times in seconds."""
        import polars

        return polars.DataFrame(batch)

    @staticmethod
    def arrow2pandas(batch: pa.RecordBatch) -> pandas.DataFrame:
        """One block for each column, so that those of numbers without nulls are not copied."""
        frame: pandas.DataFrame = batch.to_pandas(split_blocks=True)
        return frame

    @staticmethod
    def arrow2numpy(batch: pa.RecordBatch) -> numpy.ndarray[Any, Any]:
        """(R, C); (R, n) for a single fixed_size_list(n). Objects where columns have no dtype in
        common."""
        import numpy as np

        if batch.num_columns == 1:
            rows = column_array(batch.column(0))
            return rows if rows.ndim > 1 else rows[:, np.newaxis]
        columns = [_numpy(column) for column in batch.columns]
        if not columns:
            return np.empty((batch.num_rows, 0))
        kinds = {column.dtype.kind for column in columns}
        if "O" not in kinds and not (kinds & _TIMES and len(kinds) > 1):
            return np.stack(columns).T
        table = np.empty((batch.num_columns, batch.num_rows), object)
        for number, column in enumerate(columns):
            is_time = column.dtype.kind in _TIMES
            table[number] = _objects(batch.column(number)) if is_time else column
        return table.T

    @staticmethod
    def arrow2torch(batch: pa.RecordBatch) -> list[dict[str, torch.Tensor]]:
        """Rows as dicts of tensors, views of the columns. TypeError for what no tensor can hold."""
        with _collector_paused():
            rows: list[dict[str, torch.Tensor]] = [{} for _ in range(batch.num_rows)]
            for number, name in enumerate(batch.schema.names):
                column = column_tensor(batch.column(number), name)
                for row, tensor in zip(rows, column.unbind(0), strict=True):
                    row[name] = tensor
        return rows

    @staticmethod
    def arrow2torchrow(batch: pa.RecordBatch) -> list[torch.Tensor]:
        """Rows as tensors (C,), of the dtype that numpy promotes the columns to; (n,) for a single
        fixed_size_list(n). TypeError for what no tensor can hold."""
        import numpy as np
        import torch

        tensors = _tensors(batch)
        if len(tensors) == 1:
            rows = tensors[0] if tensors[0].dim() > 1 else tensors[0][:, None]
        elif tensors:
            rows = torch.from_numpy(np.stack([tensor.numpy() for tensor in tensors], axis=1))
        else:
            rows = torch.empty((batch.num_rows, 0))
        return list(rows.unbind(0))

    @staticmethod
    def arrow2torchcol(batch: pa.RecordBatch) -> torch.Tensor:
        """(C, R), of the dtype that torch promotes the columns to; (R, n) for a single
        fixed_size_list(n). TypeError for what no tensor can hold."""
        import torch

        tensors = _tensors(batch)
        if not tensors:
            return torch.empty((0, batch.num_rows))
        if len(tensors) == 1:
            return tensors[0] if tensors[0].dim() > 1 else tensors[0][None]
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


_TIMES = {"m", "M"}  # kinds of dtypes that do not mix with numbers


def _numpy(column: pa.Array) -> numpy.ndarray[Any, Any]:
    """One dimension; objects for what numpy has no dtype for."""
    kind = column.type
    if pa.types.is_integer(kind) and column.null_count:
        column = column.cast(pa.float64(), safe=False)
    has_dtype = (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_duration(kind)
        or (pa.types.is_boolean(kind) and not column.null_count)
    )
    if not has_dtype:
        return _objects(column)
    values: numpy.ndarray[Any, Any] = column.to_numpy(zero_copy_only=False)
    return values


def _objects(column: pa.Array) -> numpy.ndarray[Any, Any]:
    import numpy as np

    objects = np.empty(len(column), object)
    objects[:] = column.to_pylist()
    return objects


class _Unnested(NamedTuple):
    """The values in lists of fixed sizes: a block of `shape` for each row, whose dimensions are to
    be put in the order `axes`, that of rows being 0."""

    values: pa.Array
    shape: list[int]
    axes: list[int]


def _unnested(column: pa.Array) -> _Unnested:
    """The column itself and no shape where there are lists of other kinds, or null ones."""
    if isinstance(column.type, pa.FixedShapeTensorType):
        shape = column.type.shape
        order = column.type.permutation or range(len(shape))
        return _Unnested(_unnested(column.storage).values, shape, [0, *(i + 1 for i in order)])
    values, shape = column, []
    while pa.types.is_fixed_size_list(values.type):
        if values.null_count:
            return _Unnested(column, [], [0])
        size = values.type.list_size
        values = values.values.slice(values.offset * size, len(values) * size)
        shape.append(size)
    return _Unnested(values, shape, list(range(len(shape) + 1)))


def _tensors(batch: pa.RecordBatch) -> list[torch.Tensor]:
    """Columns that can be stacked, or a single one of any shape."""
    names = batch.schema.names
    tensors = [column_tensor(*named) for named in zip(batch.columns, names, strict=True)]
    for name, tensor in zip(names, tensors, strict=True):
        if tensor.dim() > 1 and len(tensors) > 1:
            raise TypeError(
                f"column '{name}' has several values in a row: it cannot be put together with other"
                " columns in one tensor; select it alone"
            )
    return tensors


def has_numbers_only(column: pa.Array) -> bool:
    """Numbers or booleans, or lists of them of fixed sizes, and no nulls."""
    values, _, _ = _unnested(column)
    kind = values.type
    return bool(
        (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))
        and not column.null_count
        and not values.null_count
    )


def column_array(column: pa.Array) -> numpy.ndarray[Any, Any]:
    """With rows in the first dimension, and those of lists of fixed sizes behind it. Objects for
    what numpy has no dtype for."""
    values, shape, axes = _unnested(column)
    array = _numpy(values)
    if shape and array.dtype == object:
        return _numpy(column)
    return array.reshape(len(column), *shape).transpose(axes)


def column_tensor(column: pa.Array, name: str) -> torch.Tensor:
    """With rows in the first dimension, and those of lists of fixed sizes behind it. TypeError,
    with the name, for what no tensor can hold."""
    import torch

    values, shape, axes = _unnested(column)
    kind = values.type
    if column.null_count or values.null_count or pa.types.is_fixed_size_list(kind):
        raise TypeError(f"column '{name}' has nulls; a tensor cannot have any")
    if pa.types.is_boolean(kind):  # bits, of which torch makes bytes
        flat = torch.utils.dlpack.from_dlpack(values.cast(pa.uint8())).view(torch.bool)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        flat = torch.utils.dlpack.from_dlpack(values)
    else:
        raise TypeError(f"column '{name}' of type {column.type} cannot become a tensor")
    return flat.reshape(len(column), *shape).permute(axes) if shape else flat
