"""Reading ahead: neither option warns, and the stream is that without them."""

import logging
import warnings

import lancedb
import pyarrow as pa
from lancedb.streaming import StreamingDataset

table = lancedb.connect("memory://").create_table("numbers", pa.table({"id": range(5000)}))
logged = []
handler = logging.Handler()
handler.emit = logged.append
logging.getLogger().addHandler(handler)
warnings.simplefilter("error")

# snippet: lancedb_loading/prefetch.py

samples = list(ds)
assert samples == list(StreamingDataset(table, shuffle_seed=42))
assert sorted(sample["id"] for sample in samples) == list(range(5000))
assert logged == []
