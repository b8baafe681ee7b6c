"""StreamingDataset in the worker processes of a DataLoader, however they start."""

import copy
import functools
import gc
import os
import pickle
import subprocess
import sys
import types
from typing import NamedTuple

import pyarrow as pa
import pytest

import pilum

pytest.importorskip("torch")
from torch.utils.data import DataLoader

from pilum.streaming import StreamingDataset

ROWS = 240
SECONDS = 120  # for a worker to answer: longer is a hang
METHODS = ["fork", "forkserver", "spawn"]


@pytest.fixture(params=["disk", "memory"])
def table(request, tmp_path):
    db = pilum.connect(tmp_path if request.param == "disk" else "memory://")
    return db.create_table("numbers", pa.table({"id": range(ROWS)}))


@pytest.fixture
def memory():
    return pilum.connect("memory://").create_table("numbers", pa.table({"id": range(ROWS)}))


def ids(samples):
    return [sample["id"] for sample in samples]


def loader_of(stream, method="fork", *, batch_size=10, num_workers=2, **options):
    return DataLoader(
        stream,
        batch_size=batch_size,
        num_workers=num_workers,
        multiprocessing_context=method,
        timeout=SECONDS,
        **options,
    )


def batches(loader):
    return [batch["id"].tolist() for batch in loader]


def flat(lists):
    return [i for numbers in lists for i in numbers]


@pytest.mark.parametrize("method", METHODS)
def test_several_epochs_in_persistent_workers(table, method):
    stream = StreamingDataset(table, num_splits=4)
    assert ids(stream)[:1] != []  # the parent has read
    orders = [ids(StreamingDataset(table, num_splits=4, epoch=epoch)) for epoch in range(2)]
    loader = loader_of(stream, method, persistent_workers=True)
    for epoch in (0, 0, 1):
        stream.set_epoch(epoch)
        found = batches(loader)
        of_workers = [orders[epoch][worker::2] for worker in range(2)]
        expected = [numbers[i : i + 10] for i in range(0, ROWS // 2, 10) for numbers in of_workers]
        assert found == expected
        for step in range(0, len(found), 2):  # two global batches after each other
            assert set(flat(found[step : step + 2])) == set(orders[epoch][10 * step :][:20])
        assert stream.consumed_rows == ROWS
        assert stream.unscanned_rows == stream.prefetch_queue_depth == 0
    assert stream.bytes_loaded >= 3 * ROWS * 8
    assert stream.fetch_time > 0


def test_the_number_of_splits_is_by_default_that_of_the_readers(memory):
    stream = StreamingDataset(memory, world_size=2, rank=1)
    alone = ids(StreamingDataset(memory, num_splits=4))
    found = flat(batches(loader_of(stream)))
    assert sorted(found) == sorted(alone[1::2])


def test_splits_that_workers_cannot_share(memory, monkeypatch):
    """As in a worker; a real one takes PyTorch 5 s to end after an error."""
    worker = types.SimpleNamespace(id=0, num_workers=2)
    monkeypatch.setattr("pilum.streaming.dataset.get_worker_info", lambda: worker)
    message = r"splits of a rank \(3\) must be divisible by num_workers \(2\)"
    with pytest.raises(ValueError, match=message):
        next(iter(StreamingDataset(memory, num_splits=3)))
    assert len(ids(StreamingDataset(memory, num_splits=4))) == ROWS // 2


class Reader(NamedTuple):
    id: int
    num_workers: int


@pytest.mark.parametrize("options", [{}, {"num_splits": 6}])
def test_states_of_workers_of_another_loader(memory, options):
    """worker_info_override: each has a place, and states, of its own."""
    for number in range(3):
        options |= {"worker_info_override": Reader(number, 3), "rank": 1, "world_size": 2}
        stream = StreamingDataset(memory, **options)
        for stop in (0, 7):
            live = iter(stream)
            begun = [next(live)["id"] for _ in range(stop)]
            state = stream.state_dict()
            live.close()
            assert state["num_splits"] == stream._num_splits == 6
            other = StreamingDataset(memory, **options)
            other.load_state_dict(state)
            assert begun + ids(other) == ids(StreamingDataset(memory, **options))
            assert begun + ids(stream) == ids(other)


def test_progress_of_workers_is_not_that_of_the_loop(memory):
    stream = StreamingDataset(memory, num_splits=4)
    state = stream.state_dict()
    batches(loader_of(stream))
    with pytest.raises(RuntimeError, match="worker processes"):
        stream.state_dict()
    stream.load_state_dict(state)
    assert stream.state_dict() == state
    assert len(ids(stream)) == ROWS
    assert sum(stream.state_dict()["samples_consumed_per_split"]) == ROWS


def test_workers_go_on_where_a_state_was_made(memory):
    stream = StreamingDataset(memory, num_splits=4)
    live = iter(stream)
    begun = [next(live)["id"] for _ in range(20)]
    state = stream.state_dict()
    live.close()
    other = StreamingDataset(memory, num_splits=4)
    other.load_state_dict(state)
    rest = flat(batches(loader_of(other)))
    assert sorted(begun + rest) == list(range(ROWS))


def as_dicts(batch):
    return batch.to_pylist()


def resumed_behind(memory, samples, **options):
    """A stream with a state of after so many samples, and the rest of its epoch."""
    stream = StreamingDataset(memory, num_splits=4)
    live = iter(stream)
    begun = [next(live)["id"] for _ in range(samples)]
    state = stream.state_dict()
    live.close()
    other = StreamingDataset(memory, num_splits=4, **options)
    other.load_state_dict(state)
    return other, sorted(set(range(ROWS)) - set(begun))


@pytest.mark.parametrize(
    ("method", "persistent_workers"), [("fork", False), ("fork", True), ("spawn", False)]
)
def test_passes_after_a_resumed_one_are_whole(memory, method, persistent_workers):
    stream, rest = resumed_behind(memory, 200)
    loader = loader_of(stream, method, persistent_workers=persistent_workers)
    for expected in (rest, list(range(ROWS)), list(range(ROWS))):
        assert sorted(flat(batches(loader))) == expected
    assert len(ids(stream)) == ROWS  # the parent knows, too


def test_passes_after_one_that_the_parent_broke_off_are_whole(memory):
    stream = StreamingDataset(memory, num_splits=4)
    next(iter(stream))
    loader = loader_of(stream)
    assert [len(flat(batches(loader))) for _ in range(3)] == [ROWS - 1, ROWS, ROWS]


def test_a_state_is_loaded_again_after_its_pass(memory):
    stream, rest = resumed_behind(memory, 200)
    other, _ = resumed_behind(memory, 200)
    for _ in range(2):
        stream.load_state_dict(other.state_dict())
        assert sorted(flat(batches(loader_of(stream)))) == rest


def test_a_state_that_workers_do_not_have(memory):
    """A new loader has it; persistent workers cannot get it."""
    stream, rest = resumed_behind(memory, 200)
    state = stream.state_dict()
    loader = loader_of(stream, persistent_workers=True)
    assert sorted(flat(batches(loader))) == rest
    stream.load_state_dict(state)
    with pytest.raises(RuntimeError, match="make a new DataLoader"):
        next(iter(loader))
    assert sorted(flat(batches(loader_of(stream, persistent_workers=True)))) == rest


@pytest.mark.parametrize("method", METHODS)
def test_workers_are_started_while_the_parent_iterates(memory, method):
    stream = StreamingDataset(memory, num_splits=4)
    live = iter(stream)
    begun = [next(live)["id"]]
    assert sorted(flat(batches(loader_of(stream, method)))) == list(range(ROWS))
    assert sorted(begun + ids(live)) == list(range(ROWS))


@pytest.mark.parametrize("persistent_workers", [False, True])
@pytest.mark.parametrize("transform", [None, as_dicts])
def test_a_pass_that_was_left_early_begins_again(memory, transform, persistent_workers):
    stream, rest = resumed_behind(memory, 40, transform=transform)
    loader = loader_of(stream, persistent_workers=persistent_workers)
    begun = [next(iter(loader))["id"].tolist() for _ in range(2)]
    gc.collect()
    assert begun[0] == begun[1]
    assert sorted(flat(batches(loader))) == rest
    assert next(iter(loader))["id"].tolist() == ids(StreamingDataset(memory, num_splits=4))[:20:2]
    gc.collect()
    assert sorted(flat(batches(loader))) == list(range(ROWS))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_copies_have_their_own_place(table, copied):
    stream = StreamingDataset(table, num_splits=4)
    live = iter(stream)
    begun = [next(live)["id"] for _ in range(7)]
    other = copied(stream)
    other.set_epoch(1)
    assert begun + ids(live) == ids(StreamingDataset(table, num_splits=4))
    assert ids(other) == ids(StreamingDataset(table, num_splits=4, epoch=1))


def open_table(path, name):
    return pilum.connect(path).open_table(name)


def test_a_factory_opens_the_table_in_workers(tmp_path):
    table = pilum.connect(tmp_path).create_table("numbers", pa.table({"id": range(ROWS)}))
    factory = functools.partial(open_table, tmp_path)
    stream = StreamingDataset(table, num_splits=4, connection_factory=factory)
    assert sorted(flat(batches(loader_of(stream, "spawn")))) == list(range(ROWS))
    stream = StreamingDataset(table, connection_factory=lambda name: table)
    with pytest.raises(pickle.PicklingError, match=r"the connection factory .* cannot"):
        pickle.dumps(stream)


def test_nothing_is_printed_when_the_process_ends_in_the_middle_of_an_epoch(tmp_path):
    pilum.connect(tmp_path).create_table("numbers", pa.table({"id": range(100_000)}))
    program = f"""
import pilum
from pilum.streaming import StreamingDataset
stream = StreamingDataset(pilum.connect({str(tmp_path)!r}).open_table("numbers"))
live = iter(stream)
next(live)
"""
    for end in ("", "del live", "raise SystemExit(0)", "other = iter(stream); live.close()"):
        run = subprocess.run(
            [sys.executable, "-c", program + end],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env=os.environ,
        )
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
