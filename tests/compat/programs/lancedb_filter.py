"""Only the rows and columns that were asked for."""

import lancedb
from lancedb.streaming import StreamingDataset

table = lancedb.connect("memory://").create_table(
    "images",
    [
        {"id": i, "image": b"png", "label": i, "category": "test" if i % 3 else "train"}
        for i in range(999)
    ],
)

# snippet: lancedb_loading/filter.py

samples = sorted(ds, key=lambda sample: sample["label"])
assert samples == [{"image": b"png", "label": i} for i in range(0, 999, 3)]
