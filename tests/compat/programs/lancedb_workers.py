"""Spawned workers read all rows, in every epoch."""

import pickle

import lancedb
import pyarrow as pa
import torch

table = lancedb.connect("database").create_table(
    "numbers", pa.table({"id": range(5000)}), exist_ok=True
)

# snippet: lancedb_pytorch/workers.py

if __name__ == "__main__":
    assert pickle.loads(pickle.dumps(table)).count_rows() == 5000
    for _ in range(2):
        batches = [batch["id"] for batch in dataloader]
        assert [len(ids) for ids in batches] == [1024, 1024, 1024, 1024, 904]
        assert torch.equal(torch.cat(batches).sort().values, torch.arange(5000))
