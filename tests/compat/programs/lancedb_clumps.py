"""Neighbours stay together in clumps."""

import lancedb
import pyarrow as pa
from lancedb.streaming import StreamingDataset

table = lancedb.connect("memory://").create_table("numbers", pa.table({"id": range(1600)}))

# snippet: lancedb_loading/clumps.py

ids = [sample["id"] for sample in ds]
firsts = ids[::16]
assert ids == [first + i for first in firsts for i in range(16)]
assert sorted(firsts) == list(range(0, 1600, 16)) != firsts
