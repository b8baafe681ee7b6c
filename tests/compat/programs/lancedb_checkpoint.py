"""After a crash the stream goes on where the checkpoint was made."""

import lancedb
import pyarrow as pa
from lancedb.streaming import StreamingDataset

table = lancedb.connect("memory://").create_table("numbers", pa.table({"id": range(480)}))
import torch

rank, world_size = 0, 1
checkpoint_interval = 50
model = torch.nn.Linear(1, 1)
samples = []
train_step = samples.append

# snippet: lancedb_loading/checkpoint.py

assert sorted(sample["id"] for sample in samples[:480]) == list(range(480))
assert samples[480:] == samples[101:480]  # the step of the checkpoint was made
