"""Counters can be read by another thread while samples are consumed, and afterwards."""

import re

import lancedb
import pyarrow as pa
from lancedb.streaming import StreamingDataset

table = lancedb.connect("memory://").create_table("numbers", pa.table({"id": range(5000)}))
samples, queued = [], []
printed = []
print = printed.append


def train_step(sample):
    samples.append(sample)
    queued.append(ds.prefetch_queue_depth)


# snippet: lancedb_loading/observability.py

assert len(samples) == ds.consumed_rows == 5000
assert ds.unscanned_rows == ds.raw_queue_depth == ds.prefetch_queue_depth == 0
assert queued[0] > 0
assert ds.fetch_time > 0
assert re.fullmatch(r"unscanned=\d+ raw=\d+ cooked=\d+ consumed=\d+", printed[0])
assert re.fullmatch(r"fetch time: \d+\.\d\ds  transform time: \d+\.\d\ds", printed[-1])
