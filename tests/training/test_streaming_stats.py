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
from pilum.streaming.stats import diagnose  # noqa: E402
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
    return [0] * batch.num_rows


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


@pytest.mark.parametrize(
    ("loader", "verdict"),
    [
        (StreamingDataLoader, "Handing batches over is the bottleneck"),
        (DataLoader, "The training loop, or handing batches over, is the bottleneck"),
    ],
)
def test_workers_that_hand_over_slowly(table, loader, verdict):
    stream = StreamingDataset(table, num_splits=2)
    consume(loader(stream, batch_size=256, num_workers=2))
    assert verdict in stream.diagnose()
    assert stream.stats()["workers"] == 2
    assert stream.stats()["read"]["rows"] > 0


def test_a_slow_training_loop_behind_a_plain_loader_with_workers(table):
    """It is not known there, and nothing wrong is said."""
    stream = StreamingDataset(table, num_splits=2)
    consume(DataLoader(stream, batch_size=8, num_workers=2), sleep=0.02, seconds=3)
    assert stream.stats()["loop"]["busy_s"] is None
    assert "The training loop, or handing batches over, is the bottleneck" in stream.diagnose()
    assert "a StreamingDataLoader says which" in stream.diagnose()
    assert "num_workers=0" not in stream.diagnose()


def test_a_transform_that_sleeps(table):
    stream = StreamingDataset(table, transform=slow_transform, transform_parallelism=2)
    consume(stream)
    assert "The transform is the bottleneck" in stream.diagnose()
    assert "raise transform_parallelism" in stream.diagnose()


def test_a_transform_that_computes(table):
    stream = StreamingDataset(table, transform=busy_transform, transform_parallelism=2)
    consume(stream, seconds=2)
    assert "The transform is the bottleneck" in stream.diagnose()
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
transform = None if sys.argv[2] == "rows" else lambda batch: batch["x0"].to_pylist()
format = "arrow" if transform is None else None
table = pilum.connect(sys.argv[1]).open_table("numbers")
stream = StreamingDataset(table, prefetch_batches=4, transform=transform)
for batch in StreamingDataLoader(stream, 64, format=format):
    if stream.consumed_rows > 5000:
        break
print(stream.diagnose())
"""


@pytest.mark.parametrize("what", ["rows", "transform"])
def test_a_slow_store(folder, tmp_path, what):
    library = tmp_path / "slow_reads.so"
    source = pathlib.Path(__file__).with_name("slow_reads.c")
    subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
    run = subprocess.run(
        [sys.executable, "-c", SLOW_READS, folder, what],
        env=os.environ | {"LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "Reading is the bottleneck" in run.stdout
    assert "requests of" in run.stdout
    assert "prefetch_batches" in run.stdout


# ------------------------------------------------------------------- verdicts by what is measured
@pytest.fixture
def waiting(table):
    """The stats of a pass of 10 s in which samples were waited for 9 s."""
    stream = StreamingDataset(table, filter="x0 < 0.01")
    for _ in stream:
        pass
    stats = stream.stats()
    stats |= {"elapsed_s": 10.0}
    stats["loop"] |= {"wait_s": 9.5, "busy_s": 0.5}
    stats["samples"] |= {"wait_s": 9.0, "busy_s": 0.5, "other_s": 0.0}
    stats["read"] |= {"busy_s": 9.0, "idle_s": 1.0, "store_s": 8.0, "decode_s": 1.0}
    stats["read"] |= {"store_reads": 100, "store_bytes": 1000 << 10, "wanted_bytes": 900 << 10}
    return stats


def of_a_transform(**changed):
    known = {"threads": 2, "busy_s": 19.0, "cpu_s": 19.0, "rows_wait_s": 0.5, "room_wait_s": 0.0}
    return known | {"p50_s": 0.02, "p99_s": 0.03} | changed


def test_bytes_that_nobody_wants(waiting):
    wanted = "Reading is the bottleneck: rows were waited for 90% of the time. "
    assert diagnose(waiting).startswith(wanted + "100 requests of 10 KiB took 8.0 s together")
    assert "of the bytes were wanted" not in diagnose(waiting)
    waiting["read"]["wanted_bytes"] = 100 << 10
    assert "; 10% of the bytes were wanted. Let neighbouring rows" in diagnose(waiting)


def test_a_transform_that_has_the_rows_but_not_the_interpreter(waiting):
    waiting["transform"] = of_a_transform(cpu_s=9.5)
    verdict = diagnose(waiting)
    assert verdict.startswith("The transform is the bottleneck: samples were waited for 90% of")
    assert "while 1.9 of 2 threads were in it, 20.0 ms a call" in verdict
    assert "it holds the interpreter" in verdict
    waiting["transform"] = of_a_transform(cpu_s=1.0)
    assert "It mostly sleeps or waits: raise transform_parallelism" in diagnose(waiting)


def test_more_threads_if_there_are_cpus_for_them(waiting, monkeypatch):
    waiting["transform"] = of_a_transform()
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(8))
    assert "Raise transform_parallelism: there are 8 CPUs." in diagnose(waiting)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(2))
    assert diagnose(waiting).endswith("Make it cheaper, or store what it makes in the table.")


def test_a_transform_that_waits_for_rows(waiting):
    waiting["transform"] = of_a_transform(busy_s=0.5, cpu_s=0.5, rows_wait_s=9.0)
    assert diagnose(waiting).startswith("Reading is the bottleneck: rows were waited for 90%")
    waiting["read"] |= {"busy_s": 1.0, "idle_s": 9.0}  # they wait for the interpreter
    assert diagnose(waiting).startswith("The transform is the bottleneck")


def test_packing_is_not_taken_for_reading(waiting):
    waiting["packing"] = {"tokens": 1000, "pad_tokens": 0, "rows": 10}
    reading = "Reading is the bottleneck: blocks, and the rows they are made of, were waited for 90"
    assert diagnose(waiting).startswith(reading)
    waiting["read"] |= {"store_s": 0.5}
    assert "columns" not in diagnose(waiting)  # there is one
    waiting["read"] |= {"busy_s": 2.0, "idle_s": 8.0}
    packing = "Packing is the bottleneck: getting blocks took 90% of the time, while reading was"
    assert diagnose(waiting).startswith(packing)
    assert "idle 80% of the time" in diagnose(waiting)
    waiting["samples"] |= {"wait_s": 2.0, "busy_s": 7.0}
    assert diagnose(waiting).startswith("Making samples of blocks is the bottleneck: it takes 70%")


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


def test_durations_are_in_buckets_of_half_an_octave():
    random = np.random.default_rng(0)
    edges = [round(1000 * 2 ** (i / 2)) + j for i in range(40) for j in (-1, 1)]
    durations, counts, total = Durations(), [0] * 64, 0
    for nanoseconds in [*edges, *(2 ** random.uniform(0, 45, 3000)).astype(int).tolist()]:
        durations.add(nanoseconds)
        total += nanoseconds
        squared = nanoseconds**2 // 10**6  # of microseconds
        counts[min(max(squared.bit_length() - 1, 0), 63)] += 1
    assert durations.histogram == counts
    assert durations.total_ns == total


@pytest.mark.parametrize("samples_of", [iter, lambda stream: StreamingDataLoader(stream, 1)])
def test_quantiles_of_stages(table, samples_of):
    stream = StreamingDataset(
        table, read_batch_size=1, transform=slow_transform, transform_parallelism=1
    )
    consume(samples_of(stream))
    stats = stream.stats()
    for stage in ("transform", "samples", "loop"):
        assert 0 < stats[stage]["p50_s"] <= stats[stage]["p99_s"]
        assert stats[stage]["p99_s"] > 0.008  # the transform takes 0.01 for a row, give or take


def test_a_packed_stream_counts_its_tokens(folder):
    table = pilum.connect(folder).create_table(
        "documents", pa.table({"tokens": [[2] * 9] * 1000}), mode="overwrite"
    )
    options = {"pack_sequences": 100, "eos_id": 1, "pad_id": 0, "blocks_per_epoch": 101}
    stream = StreamingDataset(table, columns=["tokens"], **options)
    assert sum(1 for _ in stream) == 101
    assert stream.stats()["packing"] == {"tokens": 10_000, "pad_tokens": 100, "rows": 1000}
    assert "bottleneck" in stream.diagnose()
