from lancedb.streaming import StreamingDataset
import lancedb

db = lancedb.connect("file://some/db/path")
table = db.open_table("some_table")

ds = StreamingDataset(table, shuffle_seed=42)
for sample in ds:
    # sample is a plain Python dict, e.g. {"feature": 0.82, "label": "cat"}
    train_step(sample)
