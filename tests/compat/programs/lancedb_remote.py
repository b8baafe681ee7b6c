"""A table of a remote database is read through what is sent to the workers."""

import pickle

import lancedb
import pyarrow as pa

lancedb.connect("db://my-database", api_key="sk-...", region="us-east-1").create_table(
    "my_table", pa.table({"id": range(1500), "image": [b"png"] * 1500, "x": range(1500)})
)
import torch

# snippet: lancedb_pytorch/remote.py

assert (dataloader.num_workers, len(dataloader)) == (4, 3)
sent = pickle.loads(pickle.dumps(dataloader.dataset))
batches = list(torch.utils.data.DataLoader(sent, batch_size=dataloader.batch_size))
assert [list(batch) for batch in batches] == [["id", "image"]] * 3
assert torch.equal(torch.cat([batch["id"] for batch in batches]), torch.arange(1500))
assert batches[0]["image"] == [b"png"] * 512
