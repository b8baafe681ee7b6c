"""Record batches as tensors, without copies where both sides have the same bytes.

    column                                           tensor
    integers and floats                              the same dtype, shape (rows,), no copy
    uint64                                           int64: the same bits, no copy
    bool                                             bool
    lance.bfloat16                                   bfloat16, no copy
    fixed_size_list, fixed_shape_tensor of these     shape (rows, values of a row), as above
    with nulls: floats                               NaN for null
    with nulls: integers, bool                       float64, NaN for null

Every other type is an error that names it and the column. A tensor without copy is a view of the
batch, which it keeps alive; it may be written to.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import torch
from torch.utils.dlpack import from_dlpack

from pilum.errors import InvalidArgumentError, UnsupportedError
from pilum.torch.column_batch import ColumnBatch

_NAN_OF_BFLOAT16 = 0x7FC0


def to_tensors(
    batch: pa.RecordBatch, *, hf_converter: object = None, use_blob_api: bool = False
) -> ColumnBatch | torch.Tensor:
    """The columns as a ColumnBatch of tensors; a single column as a bare tensor.

    hf_converter, use_blob_api   of the reference library's function: UnsupportedError
    """
    if hf_converter is not None or use_blob_api:
        raise UnsupportedError("pilum does not support hf_converter and use_blob_api")
    tensors = [
        _to_tensor(column, field) for column, field in zip(batch.columns, batch.schema, strict=True)
    ]
    return tensors[0] if len(tensors) == 1 else ColumnBatch.of(batch.schema.names, tensors)


def split_rows(
    batch: ColumnBatch | torch.Tensor, size: int
) -> Iterable[ColumnBatch | torch.Tensor]:
    """Batches of `size` rows, but for the last, which share the memory of this one."""
    if isinstance(batch, torch.Tensor):
        return torch.split(batch, size)
    columns = (torch.split(column, size) for column in batch)
    return itertools.starmap(type(batch), zip(*columns, strict=True))


def has_no_nulls(batch: pa.RecordBatch) -> bool:
    """Whether any rows of the batch become tensors of the same dtypes as all of them."""
    return not any(column.null_count or _null_items(column) for column in batch.columns)


def _null_items(array: pa.Array) -> bool:
    storage = array.storage if isinstance(array, pa.ExtensionArray) else array
    return bool(pa.types.is_fixed_size_list(storage.type) and storage.values.null_count)


def _to_tensor(array: pa.Array, field: pa.Field) -> torch.Tensor:
    if isinstance(array.type, pa.FixedShapeTensorType):
        array = array.storage
    is_list = pa.types.is_fixed_size_list(array.type)
    element = array.type.value_field if is_list else field.with_type(array.type)
    if not _is_number(element):
        raise InvalidArgumentError(
            f"column '{field.name}' of type {field.type} cannot become a tensor; leave it out "
            "with columns=[...], or give a to_tensor_fn",
            column=field.name,
        )
    return _lists(array, element) if is_list else _numbers(array, element)


def _is_number(field: pa.Field) -> bool:
    kind = field.type
    is_plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    return is_plain or _is_bfloat16(field)


def _is_bfloat16(field: pa.Field) -> bool:
    """The type of Lance, which Arrow does not know: 2 bytes with a name."""
    name = getattr(field.type, "extension_name", None)
    marked = (field.metadata or {}).get(b"ARROW:extension:name") == b"lance.bfloat16"
    return name == "lance.bfloat16" or (marked and field.type == pa.binary(2))


def _lists(array: pa.FixedSizeListArray, element: pa.Field) -> torch.Tensor:
    size = array.type.list_size
    values = array.values.slice(array.offset * size, len(array) * size)
    if array.null_count == 0:
        return _numbers(values, element).reshape(len(array), size)
    tensor = _numbers(_with_room_for_nan(values), element).reshape(len(array), size)
    valid = _numbers(array.is_valid(), pa.field("", pa.bool_()))
    return tensor.masked_fill(~valid[:, None], math.nan)


def _numbers(array: pa.Array, element: pa.Field) -> torch.Tensor:
    if _is_bfloat16(element):
        return _bfloat16(array)
    if array.null_count:
        array = _with_room_for_nan(array).fill_null(math.nan)
    if pa.types.is_boolean(array.type):  # bits, of which torch makes bytes
        return from_dlpack(array.cast(pa.uint8())).view(torch.bool)
    tensor = from_dlpack(array)
    return tensor.view(torch.int64) if tensor.dtype == torch.uint64 else tensor


def _with_room_for_nan(array: pa.Array) -> pa.Array:
    if pa.types.is_integer(array.type) or pa.types.is_boolean(array.type):
        return array.cast(pa.float64(), safe=False)  # integers above 2^53 are rounded
    return array


def _bfloat16(array: Any) -> torch.Tensor:
    storage = array.storage if isinstance(array, pa.ExtensionArray) else array
    bits = pa.Array.from_buffers(
        pa.uint16(), len(storage), storage.buffers(), storage.null_count, storage.offset
    )
    return from_dlpack(bits.fill_null(_NAN_OF_BFLOAT16)).view(torch.bfloat16)
