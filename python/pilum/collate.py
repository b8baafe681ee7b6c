"""Record batches and the default collate of PyTorch's DataLoader."""

from __future__ import annotations

import sys
from typing import Any

import pyarrow as pa

_known = False


def let_batches_through() -> None:
    """Have the default collate return a RecordBatch as it is, where torch is loaded.

    Called whenever rows are handed out, because torch may be imported after pilum, and in worker
    processes.
    """
    global _known
    if _known or "torch.utils.data" not in sys.modules:
        return
    from torch.utils.data._utils.collate import default_collate_fn_map

    def collate(batch: Any, *, collate_fn_map: object = None) -> pa.RecordBatch:
        if isinstance(batch, pa.RecordBatch):
            return batch
        raise TypeError(f"default_collate: cannot make a batch of {type(batch[0])}")

    # The default collate looks at the first element of what it is given: of a batch, a column.
    default_collate_fn_map.setdefault(pa.Array, collate)
    _known = True
