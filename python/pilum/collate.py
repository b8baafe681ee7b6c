"""Record batches and rows, and the default collate of PyTorch's DataLoader."""

from __future__ import annotations

import sys
from typing import Any

import pyarrow as pa

_known = False


class RowWithSchema(dict[str, Any]):
    """A row that knows the columns it is of. Equal to a plain dict of the same values."""

    __slots__ = ("schema",)

    def __init__(self, row: dict[str, Any], schema: pa.Schema) -> None:
        super().__init__(row)
        self.schema = schema

    def __reduce__(self) -> tuple[Any, ...]:
        return RowWithSchema, (dict(self), self.schema)


def let_batches_through() -> None:
    """Have the default collate return a RecordBatch as it is, and rows as a batch with a schema,
    where torch is loaded.

    Called whenever rows are handed out, because torch may be imported after pilum, and in worker
    processes.
    """
    global _known
    if _known or "torch.utils.data" not in sys.modules:
        return
    from torch.utils.data._utils.collate import default_collate_fn_map

    # The default collate looks at the first element of what it is given: of a batch, a column.
    default_collate_fn_map.setdefault(pa.Array, _collate_batch)
    default_collate_fn_map.setdefault(pa.ChunkedArray, _collate_batch)
    default_collate_fn_map.setdefault(RowWithSchema, _collate_rows)
    _known = True


def _collate_batch(batch: Any, *, collate_fn_map: object = None) -> Any:
    if isinstance(batch, (pa.RecordBatch, pa.Table)):
        return batch
    raise TypeError(f"default_collate: cannot make a batch of {type(batch[0])}")


def _collate_rows(rows: Any, *, collate_fn_map: object = None) -> RowWithSchema:
    """What the default collate makes of dicts, with errors that say which column they are about."""
    from torch.utils.data import default_collate

    columns = {}
    for name in rows[0]:
        try:
            columns[name] = default_collate([row[name] for row in rows])
        except (TypeError, RuntimeError) as error:
            raise type(error)(f"column '{name}' cannot be collated: {error}") from error
    return RowWithSchema(columns, rows[0].schema)
