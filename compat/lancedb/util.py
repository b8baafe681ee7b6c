"""Conversions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pilum.permutation import Transforms

if TYPE_CHECKING:
    import torch

__all__ = ["tbl_to_tensor"]


def tbl_to_tensor(tbl: pa.Table | pa.RecordBatch) -> torch.Tensor:
    """The columns of a table as one tensor (columns, rows), as a `collate_fn` or a transform.

    What the format `torch_col` of permutations makes of them, with its errors: it shares memory
    with a table of a single column, and must not be written to then.
    """
    if isinstance(tbl, pa.Table):
        columns = [column.combine_chunks() for column in tbl.columns]
        tbl = pa.RecordBatch.from_arrays(columns, schema=tbl.schema)
    return Transforms.arrow2torchcol(tbl)
