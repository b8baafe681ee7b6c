"""A table is an iterable of record batches; the path is relative to the current directory."""

import pathlib

import lancedb
import pyarrow as pa

rows = [{"id": i, "label": f"number {i}"} for i in range(3)]
lancedb.connect(pathlib.Path.cwd() / "some/db/path").create_table("some_table", rows)
printed = []
print = printed.append

# snippet: lancedb_loading/iterate.py

assert isinstance(batch, pa.RecordBatch)
assert printed == [{"id": [0, 1, 2], "label": ["number 0", "number 1", "number 2"]}]
