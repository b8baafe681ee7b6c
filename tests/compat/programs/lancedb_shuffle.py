"""Each epoch has an order of its own; without a shuffle it is that of the table."""

import lancedb
import pyarrow as pa
from lancedb.streaming import StreamingDataset

table = lancedb.connect("memory://").create_table("numbers", pa.table({"id": range(1000)}))
num_epochs = 2
trained, evaluated = [], []
train_step, eval_step = trained.append, evaluated.append

# snippet: lancedb_loading/shuffle.py

assert evaluated == [{"id": i} for i in range(1000)]
epochs = [[sample["id"] for sample in trained[first:][:1000]] for first in (0, 1000)]
assert len(trained) == 2000
assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(1000))
assert list(range(1000)) != epochs[0] != epochs[1] != list(range(1000))
