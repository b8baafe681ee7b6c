"""A table is a dataset: each batch is one RecordBatch, here of all rows, shuffled."""

printed = []
print = printed.append

# snippet: lancedb_pytorch/quickstart.py

assert printed == [batch]
assert isinstance(batch, pa.RecordBatch)
assert batch.schema == pa.schema({"a": pa.int64()})
values = batch["a"].to_pylist()
assert sorted(values) == list(range(1000)) != values
