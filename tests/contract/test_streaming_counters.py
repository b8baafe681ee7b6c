"""Counters of streams, read by other threads while one iterates."""

import sys
import threading
import time

import pyarrow as pa
import pytest

pytest.importorskip("torch")

import pilum
from pilum.streaming import StreamingDataLoader, StreamingDataset

ROWS = 3000
OF_A_PASS = ["unscanned_rows", "raw_queue_depth", "prefetch_queue_depth", "consumed_rows"]
OF_ALL = ["bytes_loaded", "rows_skipped", "fetch_time", "transform_time"]


@pytest.fixture(scope="module")
def table():
    return pilum.connect("memory://").create_table("numbers", pa.table({"id": range(ROWS)}))


@pytest.fixture
def threads_take_turns_often():
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def all_counters(stream):
    return {name: getattr(stream, name) for name in OF_A_PASS + OF_ALL}


class Poll:
    """Reads counters on a thread. Those of a pass go back when another one begins: `number` is even
    while one is under way for sure."""

    def __init__(self, stream):
        self.number = 1
        self.wrong = []
        self.times = 0
        self._stream = stream
        self._stopped = False
        self._thread = threading.Thread(target=self._poll)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped = True
        self._thread.join()

    def _poll(self):
        last, last_number = all_counters(self._stream), 1
        while not self._stopped:
            number = self.number
            now = all_counters(self._stream)
            same = number == last_number == self.number and number % 2 == 0
            rising = OF_ALL + (["consumed_rows"] if same else [])
            if any(now[name] < last[name] for name in rising) or min(now.values()) < 0:
                self.wrong.append((last, now))
            last, last_number = now, number
            self.times += 1


def rows(stream):
    return stream


def batches(stream):
    return StreamingDataLoader(stream, 100, format="arrow")


@pytest.mark.usefixtures("threads_take_turns_often")
@pytest.mark.parametrize(
    ("options", "samples_of"),
    [
        ({}, rows),
        ({"transform": lambda batch: batch["id"].to_pylist(), "transform_parallelism": 2}, rows),
        ({}, batches),
    ],
)
def test_counters_are_right_whoever_reads_them_when(table, options, samples_of):
    stream = StreamingDataset(table, num_splits=3, **options)
    for _ in samples_of(stream):
        pass
    of_one = stream.bytes_loaded
    passes, until = 1, time.monotonic() + 3
    with Poll(stream) as poll:
        while time.monotonic() < until:
            samples = iter(samples_of(stream))
            next(samples)
            poll.number += 1
            for _ in samples:
                pass
            poll.number += 1
            passes += 1
            time.sleep(0.0005)  # for what is still written
            assert [getattr(stream, name) for name in OF_A_PASS] == [0, 0, 0, ROWS]
            assert stream.bytes_loaded == passes * of_one
    assert passes > 5
    assert poll.times > 50
    assert poll.wrong == []
