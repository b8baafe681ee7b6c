"""What streams and loaders do while nobody asks them, and how far ahead."""

import time

import pyarrow as pa
import pytest

import pilum

pytest.importorskip("torch")
from pilum.streaming import StreamingDataLoader, StreamingDataset

ROWS = 20_000
SIZE = 64
SECONDS = 120  # for what runs by itself: longer is never
#: torch asks each worker for so many batches beyond those delivered.
PREFETCH_FACTOR = 2


@pytest.fixture(scope="module")
def table():
    return pilum.connect("memory://").create_table("numbers", pa.table({"id": range(ROWS)}))


def becomes_true(condition):
    until = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def test_rows_are_read_while_a_sample_is_used(table):
    stream = StreamingDataset(table)
    samples = iter(stream)
    next(samples)  # which waits for 256 rows at most
    assert becomes_true(lambda: stream.raw_queue_depth > 1000)
    assert stream.bytes_loaded > 1000 * 8
    assert stream.consumed_rows == 1


@pytest.mark.parametrize("options", [{}, {"format": "torch"}])
def test_workers_make_batches_while_one_is_used(table, options):
    stream = StreamingDataset(table)
    loader = StreamingDataLoader(
        stream, SIZE, num_workers=2, prefetch_factor=PREFETCH_FACTOR, timeout=SECONDS, **options
    )
    batches = iter(loader)
    next(batches)
    assert becomes_true(lambda: stream.prefetch_queue_depth == 2 * PREFETCH_FACTOR * SIZE)
    assert stream.raw_queue_depth > 0
    assert stream.bytes_loaded >= (1 + 2 * PREFETCH_FACTOR) * SIZE * 8
    assert stream.consumed_rows == SIZE


@pytest.mark.parametrize("options", [{}, {"format": "torch"}])
@pytest.mark.parametrize("num_workers", [0, 1, 2])
def test_workers_divide_what_may_be_ahead(table, num_workers, options):
    stream = StreamingDataset(table, num_splits=4, prefetch_batches=2, read_batch_size=SIZE)
    bound = 2 * SIZE * 4
    if num_workers:
        options = options | {"prefetch_factor": PREFETCH_FACTOR, "timeout": SECONDS}
    loader = StreamingDataLoader(stream, SIZE, num_workers=num_workers, **options)
    ahead = [ROWS - stream.unscanned_rows - batch * SIZE for batch, _ in enumerate(loader, 1)]
    made_ahead = num_workers * PREFETCH_FACTOR * SIZE
    assert max(ahead[num_workers:]) <= bound + made_ahead  # when all workers have begun


def test_each_worker_reads_a_batch_ahead_at_least(table):
    stream = StreamingDataset(table, prefetch_batches=1, read_batch_size=8)
    loader = StreamingDataLoader(stream, SIZE, num_workers=2, timeout=SECONDS)
    assert sum(len(batch["id"]) for batch in loader) == ROWS
