"""A function makes samples of record batches."""

import lancedb
from lancedb.streaming import StreamingDataset

table = lancedb.connect("memory://").create_table(
    "images", [{"id": i, "image": [i % 256, 255]} for i in range(1000)]
)

# snippet: lancedb_loading/transform.py

samples = sorted(ds, key=lambda sample: sample["id"])
assert samples == [{"id": i, "image": [i % 256 / 255.0, 1.0]} for i in range(1000)]
