"""A stream of all rows as plain dicts, shuffled."""

import pathlib

import lancedb

rows = [{"id": i, "feature": i / 2, "label": f"number {i}"} for i in range(1000)]
lancedb.connect(pathlib.Path.cwd() / "some/db/path").create_table("some_table", rows)
samples = []
train_step = samples.append

# snippet: lancedb_loading/stream.py

assert type(samples[0]) is dict
assert samples != rows
assert sorted(samples, key=lambda sample: sample["id"]) == rows
