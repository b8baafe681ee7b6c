"""48 splits give the same global batches to one process and to two."""

import functools
import os

import lancedb
import pyarrow as pa
from lancedb.streaming import StreamingDataset

table = lancedb.connect("memory://").create_table("numbers", pa.table({"id": range(4800)}))
import torch.distributed

os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="0", RANK="0", WORLD_SIZE="1")
start = torch.distributed.init_process_group
torch.distributed.init_process_group = lambda backend: start("gloo")  # nccl needs GPUs
current_epoch = 3
samples = []
train_step = samples.append

# snippet: lancedb_loading/splits.py

assert sorted(sample["id"] for sample in samples) == list(range(4800))
alone = [sample["id"] for sample in samples]
stream = functools.partial(
    StreamingDataset, table, num_splits=48, shuffle_seed=42, epoch=3, world_size=2
)
together = [[sample["id"] for sample in stream(rank=rank)] for rank in range(2)]
assert alone != list(range(4800))
for step in range(100):
    batch = {i for ids in together for i in ids[24 * step :][:24]}
    assert batch == set(alone[48 * step :][:48])
dist.destroy_process_group()
