"""StreamingDataLoader: the same batches and states for any number of workers."""

import gc
import logging
import traceback

import pyarrow as pa
import pytest

import pilum

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader  # noqa: E402

from pilum.streaming import StreamingDataLoader, StreamingDataset  # noqa: E402

ROWS = 250
SIZE = 7
SECONDS = 120  # for a worker to answer: longer is a hang
METHODS = ["fork", "forkserver", "spawn"]
#: Without the times.
COUNTERS = ["unscanned_rows", "raw_queue_depth", "prefetch_queue_depth", "consumed_rows",
            "bytes_loaded", "rows_skipped"]  # fmt: skip


@pytest.fixture(scope="module")
def table():
    return pilum.connect("memory://").create_table("numbers", pa.table({"id": range(ROWS)}))


def stream_of(table, **options):
    return StreamingDataset(table, **({"num_splits": 6, "shuffle_seed": 3} | options))


def loader_of(stream, num_workers, *, method="fork", batch_size=SIZE, **options):
    if num_workers:
        options |= {"multiprocessing_context": method, "timeout": SECONDS}
    return StreamingDataLoader(stream, batch_size, num_workers=num_workers, **options)


def ids(batches):
    return [(batch["id"] if isinstance(batch, dict) else batch).tolist() for batch in batches]


def expected(table, size=SIZE, **options):
    whole = [sample["id"] for sample in stream_of(table, **options)]
    return [whole[i : i + size] for i in range(0, len(whole), size)]


def numbers(batch):
    return batch["id"].to_pylist()


class Failing:
    def __init__(self, *bad):
        self.bad = bad

    def __call__(self, batch):
        if set(self.bad) & set(numbers(batch)):
            raise ValueError(self.bad)
        return numbers(batch)


# --------------------------------------------------------------------------------------- batches
@pytest.mark.parametrize("transform", [None, numbers])
@pytest.mark.parametrize("num_workers", [0, 1, 2, 3])
@pytest.mark.filterwarnings("ignore:This DataLoader will create 3 worker")
def test_batches_do_not_depend_on_the_number_of_workers(table, num_workers, transform):
    for rank in range(2):
        options = {"rank": rank, "world_size": 2}
        loader = loader_of(stream_of(table, transform=transform, **options), num_workers)
        batches = expected(table, **options)
        assert ids(loader) == ids(loader) == batches
        assert len(loader) == len(batches)
        assert loader.dataset.consumed_rows == sum(map(len, batches))
        assert loader.dataset.prefetch_queue_depth == 0


@pytest.mark.parametrize("method", METHODS)
def test_epochs_in_persistent_workers(table, method):
    stream = stream_of(table)
    loader = loader_of(stream, 2, method=method, persistent_workers=True)
    for epoch in (0, 0, 1):
        stream.set_epoch(epoch)
        assert ids(loader) == expected(table, epoch=epoch)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_drop_last(table, num_workers):
    loader = loader_of(stream_of(table), num_workers, drop_last=True)
    batches = expected(table)[:-1]
    assert len(loader) == len(batches)
    assert ids(loader) == ids(loader) == batches
    assert loader.state_dict()["global_samples"] == SIZE * len(batches)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_single_samples(table, num_workers):
    loader = loader_of(stream_of(table), num_workers, batch_size=None)
    assert [sample["id"] for sample in loader] == expected(table, ROWS)[0]


def test_the_number_of_splits_is_the_world_size_by_default(table):
    stream = StreamingDataset(table, world_size=2)
    assert ids(loader_of(stream, 2)) == expected(table, num_splits=2, world_size=2, shuffle_seed=0)


def test_collate_fn(table):
    loader = loader_of(stream_of(table), 2, collate_fn=len)
    assert list(loader) == list(map(len, expected(table)))


# ---------------------------------------------------------------------------------------- resume
@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("transform", [None, numbers])
def test_resumed_after_any_batch(table, num_workers, transform):
    batches = expected(table)
    for stop in (0, 1, 2, 17, len(batches) - 1, len(batches)):
        loader = loader_of(stream_of(table, transform=transform), num_workers)
        begun = iter(loader)
        assert ids(next(begun) for _ in range(stop)) == batches[:stop]
        state = loader.state_dict()
        assert state == loader.dataset.state_dict()
        assert state["global_samples"] == sum(map(len, batches[:stop]))
        begun.close()
        other = loader_of(stream_of(table, transform=transform), 1 - num_workers // 2)
        other.load_state_dict(state)
        assert ids(other) == batches[stop:]
        if stop < len(batches):
            assert ids(loader) == batches[stop:]  # the same loader goes on


def test_persistent_workers_go_on_where_a_state_was_made(table):
    batches = expected(table)
    loader = loader_of(stream_of(table), 2, persistent_workers=True)
    begun = iter(loader)
    assert ids(next(begun) for _ in range(5)) == batches[:5]
    state = loader.state_dict()
    assert ids(begun) == batches[5:]
    assert ids(loader) == batches
    loader.load_state_dict(state)
    assert ids(loader) == batches[5:]
    assert ids(loader) == batches


def test_states_are_those_of_the_stream(table):
    """A loader goes on where a stream was, and a stream where a loader was."""
    whole = [i for batch in expected(table) for i in batch]
    stream = stream_of(table)
    samples = iter(stream)
    begun = [next(samples)["id"] for _ in range(10)]
    samples.close()
    loader = loader_of(stream_of(table), 2)
    loader.load_state_dict(stream.state_dict())
    batches = iter(loader)
    begun += [i for batch in ids(next(batches) for _ in range(4)) for i in batch]
    state = loader.state_dict()
    stream = stream_of(table)
    stream.load_state_dict(state)
    assert begun + [sample["id"] for sample in stream] == whole


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("bad", [(), (17, 18, 40, 99)])
def test_one_rank_speaks_for_all(table, num_workers, bad):
    """After each batch, also where rows are left out."""
    options = {"transform": Failing(*bad), "on_transform_error": "skip", "read_batch_size": 3}
    loaders = [
        loader_of(stream_of(table, rank=rank, world_size=2, **options), num_workers)
        for rank in range(2)
    ]
    found, stops = [], (1, 2, 10)
    for step, batches in enumerate(zip(*loaders, strict=True), 1):
        found += [i for batch in ids(batches) for i in batch]
        states = [loader.state_dict() for loader in loaders]
        assert states[0] == states[1]
        if step in stops:
            alone = loader_of(stream_of(table, **options), 0)
            alone.load_state_dict(states[0])
            rest = [i for batch in ids(alone) for i in batch]
            expected = {i["id"] for i in stream_of(table)} - set(bad)
            assert sorted(found + rest) == sorted(expected)
    assert step > max(stops)


# ---------------------------------------------------------------------------------------- errors
@pytest.mark.parametrize("num_workers", [0, 2])
def test_rows_that_fail_leave_their_batches_short(table, num_workers):
    batches = expected(table)
    bad = [batches[1][0], batches[1][6], batches[4][3]]
    stream = stream_of(table, transform=Failing(*bad), on_transform_error="skip", read_batch_size=3)
    loader = loader_of(stream, num_workers)
    assert ids(loader) == [[i for i in batch if i not in bad] for batch in batches]
    assert stream.rows_skipped == 3
    assert loader.state_dict()["samples_consumed_per_split"] == [ROWS // 6] * 6


@pytest.mark.parametrize(
    ("num_workers", "on_error"), [(0, "raise"), (0, lambda error: False), (2, "raise")]
)
def test_errors_are_raised_in_their_turn_and_say_where(table, num_workers, on_error):
    batches = expected(table)
    bad = batches[5][4]  # in the second call of three
    stream = stream_of(
        table, transform=Failing(bad), on_transform_error=on_error, read_batch_size=3
    )
    loader = loader_of(stream, num_workers)
    made = iter(loader)
    assert ids(next(made) for _ in range(5)) == batches[:5]
    with pytest.raises(ValueError, match=str(bad)) as caught:
        next(made)
    text = "".join(traceback.format_exception(caught.value))
    assert "raised by the transform of rows 3 to 5 of batch 5" in text
    assert stream.state_dict()["global_samples"] == 5 * SIZE
    assert stream.rows_skipped == 0


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_function_decides_which_rows_are_left_out(table, num_workers):
    batches = expected(table)
    bad = batches[5][4]
    stream = stream_of(
        table, transform=Failing(bad), on_transform_error=lambda error: str(bad) in str(error)
    )
    found = ids(loader_of(stream, num_workers))
    assert found == [[i for i in batch if i != bad] for batch in batches]
    assert stream.rows_skipped == 1


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_warning_of_rows_that_are_left_out(table, num_workers, tmp_path):
    batches = expected(table)
    handler = logging.FileHandler(tmp_path / "log")  # which forked workers write to as well
    logging.getLogger("pilum.streaming").addHandler(handler)
    try:
        stream = stream_of(table, transform=Failing(batches[5][4]), on_transform_error="warn")
        assert len(ids(loader_of(stream, num_workers))) == len(batches)
    finally:
        logging.getLogger("pilum.streaming").removeHandler(handler)
        handler.close()
    [line] = (tmp_path / "log").read_text().splitlines()
    assert line.startswith("Skipped 1 of 7 rows, rows 0 to 6 of batch 5; the first error is Val")


def test_a_call_gets_rows_of_one_batch(table):
    calls = []

    def transform(batch):
        calls.append(numbers(batch))
        return numbers(batch)

    list(loader_of(stream_of(table, transform=transform, read_batch_size=3), 0))
    parts = [batch[i : i + 3] for batch in expected(table) for i in range(0, len(batch), 3)]
    assert sorted(calls) == sorted(parts)


def test_a_batch_without_rows_is_an_error(table):
    batches = expected(table)
    stream = stream_of(table, transform=Failing(*batches[2]), on_transform_error="skip")
    batches_made = iter(loader_of(stream, 0))
    assert ids(next(batches_made) for _ in range(2)) == batches[:2]
    with pytest.raises(ValueError, match="failed for each row of batch 2, which has 7") as raised:
        next(batches_made)
    assert isinstance(raised.value.__cause__, ValueError)  # of the first row
    assert stream.state_dict()["global_samples"] == 14


def test_wrong_arguments(table):
    stream = stream_of(table)
    with pytest.raises(TypeError, match="takes a StreamingDataset, not a list"):
        StreamingDataLoader([1, 2])
    with pytest.raises(ValueError, match="in order"):
        StreamingDataLoader(stream, in_order=False)
    with pytest.raises(ValueError, match="shuffle"):
        StreamingDataLoader(stream, shuffle=True)
    with pytest.raises(ValueError, match="batch_size"):
        StreamingDataLoader(stream, batch_size=0)


def test_one_iterator_at_a_time(table):
    stream = stream_of(table)
    loader = loader_of(stream, 0)
    live = iter(loader)
    next(live)
    for other in (iter(loader), iter(stream), iter(loader_of(stream, 2))):
        with pytest.raises(RuntimeError, match="concurrent"):
            next(other)
    live.close()
    assert len(ids(loader)) == len(expected(table)) - 1


def test_left_early(table):
    loader = loader_of(stream_of(table), 2)
    for _ in range(2):
        next(iter(loader))
        gc.collect()
        assert loader.dataset.consumed_rows == SIZE
        assert loader.dataset.prefetch_queue_depth == loader.dataset.raw_queue_depth == 0
    assert ids(loader) == expected(table)[2:]


@pytest.mark.parametrize("options", [{}, {"persistent_workers": True}, {"transform": numbers}])
def test_nothing_waits_in_workers_of_a_pass_that_was_left(table, options):
    transform = options.pop("transform", None)
    stream = stream_of(table, transform=transform)
    loader = loader_of(stream, 2, **options)
    live = iter(loader)
    next(live)
    live.close()
    assert stream.prefetch_queue_depth == stream.raw_queue_depth == 0
    next(iter(stream))
    gc.collect()
    assert stream.prefetch_queue_depth == stream.raw_queue_depth == 0


# -------------------------------------------------------------------------------------- counters
@pytest.mark.parametrize("loader", [StreamingDataLoader, DataLoader])
@pytest.mark.parametrize("transform", [None, numbers])
def test_counters_are_sums_over_the_workers(table, loader, transform):
    def counted(num_workers):
        stream = stream_of(table, transform=transform)
        for _ in range(2):
            assert sum(1 for _ in loader(stream, batch_size=SIZE, num_workers=num_workers)) > 30
            assert stream.fetch_time > 0
            assert stream.transform_time > 0
        return {name: getattr(stream, name) for name in COUNTERS}

    whole = counted(0)
    assert whole["consumed_rows"] == ROWS // 6 * 6
    assert whole["bytes_loaded"] > 2 * 8 * whole["consumed_rows"]
    assert counted(2) == whole


@pytest.mark.parametrize("num_workers", [0, 2])
def test_rows_that_are_left_out_are_counted_over_the_workers(table, num_workers):
    bad = [batch[0] for batch in expected(table)[:4]]
    stream = stream_of(table, transform=Failing(*bad), on_transform_error="skip")
    for passes in (1, 2):
        list(loader_of(stream, num_workers))
        assert stream.rows_skipped == passes * len(bad)
        assert stream.unscanned_rows == stream.raw_queue_depth == stream.prefetch_queue_depth == 0


def test_a_plain_loader_has_the_same_samples(table):
    stream = stream_of(table)
    plain = DataLoader(stream, batch_size=SIZE)
    assert ids(plain) == ids(loader_of(stream, 0)) == expected(table)
