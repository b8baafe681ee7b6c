"""Streams stay within the memory that they were given, or what a batch needs if that is more."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

import pilum

pytest.importorskip("torch")

MIB = 1 << 20
#: Planning, Python objects, and what an allocator rounds up.
SLACK = 32
#: By default, of freed buffers and blocks of files.
CACHES = 128 + 48
#: So that resident memory is what is held, not what allocators keep for later. Caches, which have
#: bounds of their own, are left out by most tests.
ALLOCATORS = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}
NO_CACHES = {"PILUM_RECYCLE_BYTES": "1", "PILUM_BLOCK_CACHE_BYTES": "1"}


def binaries(*parts):
    """Batches of rows of so many bytes each, about 10 MB at a time. Parts: (rows, size)."""
    random = np.random.default_rng(0)
    schema = pa.schema([("id", pa.int64()), ("x", pa.large_binary())])

    def batches():
        for rows, size in parts:
            step = max(1, 10 * MIB // size)
            for first in range(0, rows, step):
                ids = range(first, min(rows, first + step))
                values = [random.bytes(size) for _ in ids]
                yield pa.record_batch([list(ids), values], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    random = np.random.default_rng(0)
    database = pilum.connect(folder)
    numbers = pa.table({f"c{i}": random.random(1_500_000) for i in range(8)})
    database.create_table("numbers", numbers)  # 96 MB
    words = [f"{i:x}{i:x}" for i in random.integers(0, 2**60, 1_500_000)]
    database.create_table("words", pa.table({"word": words}))
    database.create_table("images", binaries((1000, 100_000)))
    documents = [list(range(i, i + 500)) for i in range(20_000)]
    database.create_table("documents", pa.table({"tokens": documents}))  # 80 MB
    database.create_table("huge", binaries((6, 100 * MIB)))
    database.create_table("growing", binaries((50_000, 200), (2000, 100_000), (50_000, 200)))
    return folder


def peak(folder, table, caches=NO_CACHES, **options):
    run = subprocess.run(
        [sys.executable, pathlib.Path(__file__).with_name("stream_memory.py"), folder, table,
         json.dumps(options)],
        env=os.environ | ALLOCATORS | caches,
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return float(run.stdout)


@pytest.mark.parametrize("budget", [4, 32])
def test_rows_from_all_over_the_table(folder, budget):
    """Each window of rows needs a part of every page."""
    for table in ("numbers", "words"):
        assert peak(folder, table, readahead_bytes=budget * MIB, rows=300_000) < budget + SLACK


@pytest.mark.parametrize("budget", [4, 32])
def test_a_consumer_that_is_slow(folder, budget):
    used = peak(folder, "images", readahead_bytes=budget * MIB, rows=300, seconds=0.002)
    assert used < budget + SLACK
    used = peak(folder, "numbers", readahead_bytes=budget * MIB, rows=3000, seconds=0.0002)
    assert used < budget + SLACK


@pytest.mark.parametrize("budget", [4, 32])
def test_rows_that_get_larger(folder, budget):
    """What is read ahead is as expected by the rows before, until it is known better."""
    for shuffle in (False, True):
        used = peak(folder, "growing", readahead_bytes=budget * MIB, shuffle=shuffle)
        assert used < budget + SLACK


def test_within_a_hard_limit(folder):
    """With the caches that there are by default. The rows are more than that."""
    budget = 8
    peak(
        folder, "growing", caches={}, readahead_bytes=budget * MIB, shuffle=False,
        limit=budget + CACHES + SLACK,
    )  # fmt: skip


@pytest.mark.parametrize("format", ["arrow", "numpy", "torch", "polars"])
def test_batches_of_a_loader(folder, format):
    budget, batch = 8, 16 * 100_000 / MIB
    loader = {"batch_size": 16, "format": format}
    used = peak(folder, "images", readahead_bytes=budget * MIB, loader=loader)
    assert used < budget + 3 * batch + SLACK
    loader = {"batch_size": 256, "format": format}
    assert peak(folder, "numbers", readahead_bytes=budget * MIB, loader=loader) < budget + SLACK


def test_blocks_of_tokens(folder):
    budget = 8
    packing = {"columns": ["tokens"], "pack_sequences": 2048, "eos_id": 0, "pad_id": 0}
    packing["blocks_per_epoch"] = 4000
    used = peak(folder, "documents", readahead_bytes=budget * MIB, num_splits=4, **packing)
    assert used < budget + SLACK


def test_a_transform_that_makes_much(folder):
    """What counts is the size that rows have before; four splits have one open batch each."""
    budget, rows = 8, 10 * 100_000 / MIB
    used = peak(
        folder, "images", readahead_bytes=budget * MIB, transform="grow", read_batch_size=4,
        transform_parallelism=2, num_splits=4, rows=300,
    )  # fmt: skip
    assert used < budget + 10 * budget / 2 + 4 * 4 * rows + SLACK


@pytest.mark.parametrize("options", [{}, {"transform": "same"}])
def test_rows_larger_than_the_budget(folder, options):
    """One is with the consumer, as Arrow and as Python has it, one is read and decoded."""
    options = options | {"read_batch_size": 1, "readahead_bytes": MIB}
    assert peak(folder, "huge", **options) < 4 * 100 + 100 * bool("transform" in options) + SLACK
