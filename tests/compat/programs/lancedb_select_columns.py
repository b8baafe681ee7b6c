"""Only the selected columns are read, and the collated batch knows their schema."""

import lancedb
import pyarrow as pa
import torch

table = lancedb.connect("memory://").create_table(
    "prompts",
    pa.table({"prompt": [f"number {i}" for i in range(1000)], "x": range(1000), "id": range(1000)}),
)
printed = []
print = printed.append

# snippet: lancedb_pytorch/select_columns.py

assert printed == [pa.schema({"id": pa.int64(), "prompt": pa.string()})]
assert list(batch) == ["id", "prompt"]
assert batch["id"].tolist() != list(range(1000))
assert torch.equal(batch["id"].sort().values, torch.arange(1000))
assert batch["prompt"] == [f"number {i}" for i in batch["id"].tolist()]
