"""Where the time of a stream goes: each stage is made the slow one, and found."""

import itertools
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pytest

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader  # noqa: E402

import pilum  # noqa: E402
from pilum.streaming import StreamingDataLoader, StreamingDataset  # noqa: E402
from pilum.streaming.timing import Durations, quantile  # noqa: E402

ROWS = 200_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stats")
    random = np.random.default_rng(0)
    numbers = {f"x{i}": random.random(ROWS, np.float32) for i in range(4)}
    pilum.connect(folder).create_table("numbers", pa.table(numbers))
    text = pa.array([random.bytes(2000).hex() for _ in range(20_000)])
    kept = {b"lance-encoding:compression": b"zstd"}
    schema = pa.schema([pa.field("text", pa.string(), metadata=kept)])
    pilum.connect(folder).create_table("text", pa.table([text], schema))
    return folder


@pytest.fixture(scope="module")
def table(folder):
    return pilum.connect(folder).open_table("numbers")


def consume(samples, seconds=0.5, sleep=0.0):
    until = time.monotonic() + seconds
    for number, _ in enumerate(samples):
        if sleep:
            time.sleep(sleep)
        if number % 16 == 0 and time.monotonic() > until:
            break


def slow_transform(batch):
    time.sleep(0.01)
    return [None] * batch.num_rows


def busy_transform(batch):
    return [sum(range(20_000)) for _ in range(batch.num_rows)]


# --------------------------------------------------------------------------------------- verdicts
def test_before_anything_was_delivered(table):
    stream = StreamingDataset(table)
    assert "Nothing was delivered yet" in stream.diagnose()
    assert stream.stats()["loop"]["rows"] == 0


@pytest.mark.parametrize("num_workers", [None, 0, 2])
def test_a_slow_training_loop(table, num_workers):
    stream = samples = StreamingDataset(table)
    if num_workers is not None:
        samples = StreamingDataLoader(stream, 8, num_workers=num_workers)
    consume(samples, sleep=0.02, seconds=3)  # worker processes take a while to start
    assert "The training loop is the bottleneck" in stream.diagnose()
    loop = stream.stats()["loop"]
    assert loop["busy_s"] > loop["wait_s"]


def test_samples_that_take_long_to_make(table):
    stream = StreamingDataset(table, shuffle=False)
    for _ in stream:
        pass
    assert "Making samples of rows is the bottleneck" in stream.diagnose()
    assert 'format="torch"' in stream.diagnose()


def test_collating_that_takes_long(table):
    stream = StreamingDataset(table)
    consume(StreamingDataLoader(stream, 256, collate_fn=lambda rows: time.sleep(0.01)))
    assert "Collating is the bottleneck" in stream.diagnose()


def test_workers_that_hand_over_slowly(table):
    for loader in (DataLoader, StreamingDataLoader):
        stream = StreamingDataset(table, num_splits=2)
        consume(loader(stream, batch_size=256, num_workers=2))
        assert "Handing batches over is the bottleneck" in stream.diagnose()
        assert stream.stats()["workers"] == 2
        assert stream.stats()["read"]["rows"] > 0


def test_a_transform_that_sleeps(table):
    stream = StreamingDataset(table, transform=slow_transform, transform_parallelism=2)
    consume(stream)
    assert "The transform is the bottleneck" in stream.diagnose()
    assert "raise transform_parallelism" in stream.diagnose()


def test_a_transform_that_computes(table):
    stream = StreamingDataset(table, transform=busy_transform, transform_parallelism=2)
    consume(stream, seconds=2)
    assert "The transform is the bottleneck" in stream.diagnose()
    assert "sleeps" not in stream.diagnose()
    transform = stream.stats()["transform"]
    assert transform["threads"] == 2
    assert 0 < transform["cpu_s"] <= transform["busy_s"]


def test_rows_that_take_long_to_decode(folder):
    stream = StreamingDataset(pilum.connect(folder).open_table("text"))
    for _ in StreamingDataLoader(stream, 1024, format="arrow"):
        pass
    assert "Reading is the bottleneck" in stream.diagnose()
    assert "Decoding took" in stream.diagnose()


SLOW_READS = """
import sys, pilum
from pilum.streaming import StreamingDataLoader, StreamingDataset
stream = StreamingDataset(pilum.connect(sys.argv[1]).open_table("numbers"), prefetch_batches=4)
for batch in StreamingDataLoader(stream, 64, format="arrow"):
    if stream.consumed_rows > 5000:
        break
print(stream.diagnose())
"""


def test_a_slow_store(folder, tmp_path):
    library = tmp_path / "slow_reads.so"
    source = pathlib.Path(__file__).with_name("slow_reads.c")
    subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
    run = subprocess.run(
        [sys.executable, "-c", SLOW_READS, folder],
        env=os.environ | {"LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "Reading is the bottleneck" in run.stdout
    assert "requests of" in run.stdout
    assert "prefetch_batches" in run.stdout


# ----------------------------------------------------------------------------------------- numbers
def test_stats_are_of_the_pass(table):
    stream = StreamingDataset(table, filter="x0 < 0.5")
    assert stream.stats()["setup"]["find_rows_s"] > 0
    for _ in range(2):
        rows = sum(1 for _ in stream)
        stats = stream.stats()
        loop, read, elapsed = stats["loop"], stats["read"], pytest.approx(stats["elapsed_s"])
        assert loop["rows"] == read["rows"] == rows
        assert stats["transform"] is None
        assert 0 < stats["setup"]["first_sample_s"] <= stats["elapsed_s"]
        assert loop["wait_s"] + loop["busy_s"] == elapsed
        assert read["busy_s"] + read["idle_s"] == elapsed
        assert read["store_bytes"] >= 0.5 * read["wanted_bytes"] > 0
        assert 0 < read["p50_s"] <= read["p99_s"]
        assert stream.stats() == stats  # nothing goes on


def test_stats_while_a_pass_is_live(table):
    stream = StreamingDataset(table, transform=busy_transform)
    samples = iter(stream)
    list(itertools.islice(samples, 100))
    first = stream.stats()
    list(itertools.islice(samples, 1000))
    second = stream.stats()
    assert second["loop"]["rows"] == 1100
    assert second["elapsed_s"] > first["elapsed_s"]
    assert second["transform"]["busy_s"] > first["transform"]["busy_s"]


def test_quantiles_of_durations():
    durations = Durations()
    assert quantile(durations.histogram, 0.5) == 0
    for microseconds in [10] * 98 + [5000] * 2:
        durations.add(microseconds * 1000)
    durations.add(0)
    assert durations.total_ns == 98 * 10_000 + 2 * 5_000_000
    assert quantile(durations.histogram, 0.5) == pytest.approx(10e-6, rel=0.2)
    assert quantile(durations.histogram, 0.99) == pytest.approx(5e-3, rel=0.2)
    durations.add(10**18)
    assert quantile(durations.histogram, 1) > 1000
