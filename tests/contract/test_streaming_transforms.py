"""StreamingDataset: samples that a function makes of record batches, on threads."""

import itertools
import logging
import os
import subprocess
import sys
import threading
import time
import traceback

import pyarrow as pa
import pytest

pytest.importorskip("torch")

import pilum
from pilum.streaming import StreamingDataset

ROWS = 200


@pytest.fixture(scope="module")
def table():
    return pilum.connect("memory://").create_table("numbers", pa.table({"id": range(ROWS)}))


def numbers(batch):
    return batch["id"].to_pylist()


def plain(table, **options):
    return [sample["id"] for sample in StreamingDataset(table, **options)]


class Seen:
    """A transform that notes which batches it gets."""

    def __init__(self):
        self.batches = []

    def __call__(self, batch):
        self.batches.append(numbers(batch))
        return numbers(batch)


# -------------------------------------------------------------------------------------- samples
@pytest.mark.parametrize("kind", [list, tuple, iter, lambda rows: (row for row in rows)])
def test_samples_are_what_the_transform_gives(table, kind):
    stream = StreamingDataset(table, num_splits=4, transform=lambda batch: kind(numbers(batch)))
    assert list(stream) == list(stream) == plain(table, num_splits=4)


@pytest.mark.parametrize(
    "options", [{}, {"transform_parallelism": 1}, {"transform_queue_depth": 1}]
)
@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_order_and_batches(table, options, size):
    seen = Seen()
    stream = StreamingDataset(table, num_splits=6, read_batch_size=size, transform=seen, **options)
    order = plain(table, num_splits=6)
    assert list(stream) == order
    splits = [order[split::6] for split in range(6)]
    expected = [split[i : i + size] for split in splits for i in range(0, len(split), size)]
    assert sorted(seen.batches) == sorted(expected)


def test_batches_do_not_depend_on_world_size_or_resumption(table):
    def batches(world_size, state=None):
        found = set()
        for rank in range(world_size):
            seen = Seen()
            stream = StreamingDataset(
                table,
                num_splits=4,
                rank=rank,
                world_size=world_size,
                read_batch_size=8,
                transform=seen,
            )
            if state is not None:
                stream.load_state_dict(state)
            list(stream)
            found |= {tuple(batch) for batch in seen.batches}
        return found

    whole = batches(1)
    assert batches(2) == batches(4) == whole
    stream = StreamingDataset(table, num_splits=4, transform=numbers)
    for _ in itertools.islice(stream, 100):
        pass
    assert batches(2, stream.state_dict()) <= whole


def test_resumed_at_any_sample(table):
    options = {"num_splits": 6, "rank": 1, "world_size": 2, "read_batch_size": 5}
    whole = list(StreamingDataset(table, transform=numbers, **options))
    assert whole == plain(table, **options)
    for stop in range(len(whole) + 1):
        stream = StreamingDataset(table, transform=numbers, **options)
        live = iter(stream)
        begun = list(itertools.islice(live, stop))
        state = stream.state_dict()
        live.close()
        assert begun + list(stream) == whole  # the same object goes on
        stream = StreamingDataset(table, transform=numbers, **options)
        stream.load_state_dict(state)
        assert begun + list(stream) == whole


def test_splits_that_lag_are_served_first(table):
    order = plain(table, num_splits=4)
    state = {"shuffle_seed": 0, "num_splits": 4, "samples_consumed_per_split": [3, 1, 3, 2]}
    stream = StreamingDataset(table, num_splits=4, transform=numbers, read_batch_size=2)
    stream.load_state_dict(state)
    assert list(stream) == [order[5], order[9], order[11], *order[12:]]


# --------------------------------------------------------------------------------------- errors
class BadError(Exception):
    pass


class Failing:
    def __init__(self, *bad, error=BadError):
        self.bad = bad
        self.error = error

    def __call__(self, batch):
        for number in numbers(batch):
            if number in self.bad:
                raise self.error(number)
        return numbers(batch)


def printed(error):
    return "".join(traceback.format_exception(error))


def test_errors_are_raised_in_their_turn(table):
    order = plain(table, num_splits=4)
    bad = order[90]  # the 22nd of split 2, whose batch begins with the 20th
    stream = StreamingDataset(
        table, num_splits=4, read_batch_size=10, transform=Failing(bad), shuffle_seed=0
    )
    for _ in range(2):  # and it goes on where it was
        with pytest.raises(BadError, match=str(bad)) as caught:
            list(stream)
        assert "raised by the transform of rows 20 to 29 of split 2" in printed(caught.value)
        assert stream.state_dict()["samples_consumed_per_split"] == [21, 21, 20, 20]
    assert stream.rows_skipped == 0


class WithoutNotesError(BadError):
    """As all are in Python 3.10."""

    @property
    def add_note(self):
        raise AttributeError


@pytest.mark.parametrize("kind", [BadError, WithoutNotesError])
@pytest.mark.parametrize("on_error", ["raise", lambda error: False])
def test_errors_have_their_place_and_what_caused_them(table, kind, on_error):
    def transform(batch):
        try:
            raise KeyError("the cause")
        except KeyError as cause:
            raise kind("the error") from cause

    stream = StreamingDataset(
        table, read_batch_size=10, transform=transform, on_transform_error=on_error
    )
    with pytest.raises(kind, match="the error") as caught:
        list(stream)
    text = printed(caught.value)
    assert "the cause" in text
    assert "raised by the transform of rows 0 to 9 of split 0" in text


@pytest.mark.parametrize("on_error", ["skip", "warn", lambda error: isinstance(error, BadError)])
@pytest.mark.parametrize("size", [1, 10])
def test_rows_that_fail_are_left_out(table, on_error, size, caplog):
    order = plain(table, num_splits=4)
    bad = [order[0], order[41], order[45], order[198]]
    stream = StreamingDataset(
        table,
        num_splits=4,
        read_batch_size=size,
        transform=Failing(*bad),
        on_transform_error=on_error,
    )
    splits = [[i for i in order[split::4] if i not in bad] for split in range(4)]
    rounds = min(map(len, splits))
    expected = [splits[split][i] for i in range(rounds) for split in range(4)]
    with caplog.at_level(logging.WARNING):
        assert list(stream) == expected
    assert stream.rows_skipped == 4
    assert stream.consumed_rows == len(expected)
    messages = [record.getMessage() for record in caplog.records]
    if on_error != "warn":
        assert messages == []
    elif size == 10:
        assert len(messages) == 3
        assert any("Skipped 2 of 10 rows, rows 10 to 19 of split 1" in text for text in messages)
        assert all("BadError" in text for text in messages)
    else:
        assert all(text.startswith("Skipped 1 of 1 rows") for text in messages)


def test_resumed_behind_rows_that_were_left_out(table):
    order = plain(table, num_splits=4)
    options = {
        "num_splits": 4,
        "read_batch_size": 5,
        "transform": Failing(order[8], order[9], order[13]),
        "on_transform_error": "skip",
    }
    whole = list(StreamingDataset(table, **options))
    for stop in range(0, len(whole) + 1, 3):
        stream = StreamingDataset(table, **options)
        live = iter(stream)
        begun = list(itertools.islice(live, stop))
        state = stream.state_dict()
        live.close()
        places, samples = (state[f"{what}_consumed_per_split"] for what in ("positions", "samples"))
        assert all(p >= s for p, s in zip(places, samples, strict=True))
        stream = StreamingDataset(table, **options)
        stream.load_state_dict(state)
        assert begun + list(stream) == whole


def test_a_function_decides_which_errors_are_raised(table):
    stream = StreamingDataset(
        table, transform=Failing(5, error=KeyError), on_transform_error=lambda error: False
    )
    with pytest.raises(KeyError, match="5"):
        list(stream)

    def broken(error):
        raise ZeroDivisionError

    stream = StreamingDataset(table, transform=Failing(5), on_transform_error=broken)
    with pytest.raises(ZeroDivisionError):
        list(stream)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_is_not_left_out(table, error):
    stream = StreamingDataset(table, transform=Failing(5, error=error), on_transform_error="skip")
    with pytest.raises(error):
        list(stream)


@pytest.mark.parametrize("on_error", ["raise", "skip"])
@pytest.mark.parametrize("wrong", [lambda batch: [1], lambda batch: [*numbers(batch), 1]])
def test_one_sample_for_each_row(table, on_error, wrong):
    stream = StreamingDataset(table, transform=wrong, on_transform_error=on_error)
    with pytest.raises(ValueError, match="one output row per input row, but gave"):
        list(stream)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"transform_parallelism": 0}, ValueError, "transform_parallelism must be greater than 0"),
        ({"transform_queue_depth": 0}, ValueError, "transform_queue_depth must be greater than 0"),
        (
            {"on_transform_error": "ignore"},
            ValueError,
            "on_transform_error must be 'raise', 'skip'",
        ),
        ({"transform": 5}, TypeError, "transform must be callable, not int"),
    ],
)
def test_wrong_arguments(table, options, error, message):
    with pytest.raises(error, match=message):
        StreamingDataset(table, **options)


def test_unknown_columns(table):
    stream = StreamingDataset(table, transform=numbers, columns=["idd"])
    with pytest.raises(ValueError, match="idd"):
        next(iter(stream))


# -------------------------------------------------------------------------------------- threads
def pilum_threads():
    return [t for t in threading.enumerate() if t.name.startswith("pilum-transform")]


def threads_that_go_on(seconds=30):
    """After so long: those in a call when a pass is left end behind it."""
    for thread in pilum_threads():
        thread.join(seconds)
    return pilum_threads()


def test_transforms_run_side_by_side(table):
    together = threading.Barrier(3, timeout=60)

    def wait(batch):
        together.wait()
        return numbers(batch)

    stream = StreamingDataset(
        table, num_splits=3, read_batch_size=22, transform=wait, transform_parallelism=3
    )
    assert len(list(stream)) == 198  # 9 batches, 3 at a time


def test_there_are_as_many_threads_as_cpus(table, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 4, 5})
    stream = StreamingDataset(table, transform=numbers, read_batch_size=1)
    live = iter(stream)
    next(live)
    assert len(pilum_threads()) == stream.stats()["transform"]["threads"] == 3
    live.close()


def test_transforms_run_while_the_consumer_is_busy(table):
    seen = Seen()
    stream = StreamingDataset(table, read_batch_size=10, transform=seen, transform_queue_depth=6)
    live = iter(stream)
    next(live)
    deadline = time.monotonic() + 60
    while len(seen.batches) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert len(seen.batches) == 6  # and no more: those that wait are bounded
    assert stream.prefetch_queue_depth == 59
    assert stream.raw_queue_depth + stream.unscanned_rows == ROWS - 60
    live.close()


def test_large_rows_wait_for_their_turn():
    big = pilum.connect("memory://").create_table(
        "big", pa.table({"id": range(12), "bytes": [bytes([i]) * (1 << 20) for i in range(12)]})
    )
    seen = Seen()
    stream = StreamingDataset(
        big, read_batch_size=1, transform=seen, readahead_bytes=6 << 20, transform_queue_depth=100
    )
    live = iter(stream)
    next(live)
    time.sleep(0.3)
    assert len(seen.batches) <= 5  # 3 MiB of rows, one that is delivered, one that was hungry for
    assert len(list(live)) == 11


def test_threads_end_with_the_pass(table):
    stream = StreamingDataset(table, transform=numbers, read_batch_size=1, transform_queue_depth=2)
    assert len(list(stream)) == ROWS
    assert threads_that_go_on() == []
    live = iter(stream)
    next(live)
    assert pilum_threads() != []
    live.close()
    assert threads_that_go_on() == []
    live = iter(stream)
    next(live)
    del live
    assert threads_that_go_on() == []


def test_a_pass_is_left_without_waiting_for_a_long_call(table):
    called, is_long, end = threading.Event(), threading.Event(), threading.Event()

    def wait(batch):
        if called.is_set():
            is_long.set()
            end.wait(60)
        called.set()
        return numbers(batch)

    stream = StreamingDataset(table, read_batch_size=10, transform=wait, transform_parallelism=2)
    live = iter(stream)
    next(live)
    assert is_long.wait(60)
    live.close()
    assert pilum_threads() != []
    end.set()
    assert threads_that_go_on() == []
    assert len(list(stream)) == ROWS - 1


def test_counters(table):
    stream = StreamingDataset(table, num_splits=2, transform=numbers, read_batch_size=20)
    list(stream)
    assert stream.consumed_rows == ROWS
    assert stream.unscanned_rows == stream.raw_queue_depth == stream.prefetch_queue_depth == 0
    assert stream.transform_time > 0
    assert stream.fetch_time > 0
    assert stream.bytes_loaded >= ROWS * 8


def test_a_thread_consumes_when_the_main_one_has_ended(tmp_path):
    pilum.connect(tmp_path).create_table("numbers", pa.table({"id": range(5000)}))
    program = f"""
import threading, time
import pilum
from pilum.streaming import StreamingDataset
table = pilum.connect({str(tmp_path)!r}).open_table("numbers")
stream = StreamingDataset(table, transform=lambda batch: batch.to_pylist())
def consume():
    samples = iter(stream)
    next(samples)
    threading.main_thread().join()
    time.sleep(0.2)  # more than the threads wait before they look
    print(sum(1 for sample in samples))
threading.Thread(target=consume).start()
"""
    assert run(program) == (0, "4999\n", "")


@pytest.mark.parametrize(
    "end", ["", "del live", "raise SystemExit(0)", "threading.Event().wait(0)"]
)
@pytest.mark.parametrize("slow", ["", "time.sleep(0.3); "])
def test_nothing_hangs_or_is_printed_when_the_process_ends(tmp_path, end, slow):
    pilum.connect(tmp_path).create_table("numbers", pa.table({"id": range(100_000)}))
    program = f"""
import threading, time
import pilum
from pilum.streaming import StreamingDataset
def transform(batch):
    {slow}return batch.to_pylist()
table = pilum.connect({str(tmp_path)!r}).open_table("numbers")
stream = StreamingDataset(table, num_splits=4, transform=transform)
live = iter(stream)
next(live)
{end}
"""
    assert run(program) == (0, "", "")


def run(program):
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ,
    )
    return done.returncode, done.stdout, done.stderr
