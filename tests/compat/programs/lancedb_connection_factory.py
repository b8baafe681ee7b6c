"""Workers open the table by a function, which takes the key from their environment."""

import os

import lancedb
import pyarrow as pa

os.environ["LANCEDB_API_KEY"] = "sk-..."
db = lancedb.connect("db://my-database", api_key="sk-...", region="us-east-1")
table = db.create_table("my_table", pa.table({"id": range(1500)}), exist_ok=True)
import torch

# snippet: lancedb_pytorch/connection_factory.py

if __name__ == "__main__":
    assert permutation.connection_factory is open_table
    ids = [batch["id"] for batch in dataloader]
    assert torch.equal(torch.cat(ids), torch.arange(1500))
