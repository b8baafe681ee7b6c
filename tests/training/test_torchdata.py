"""Streams under the StatefulDataLoader of torchdata."""

import pyarrow as pa
import pytest

import pilum

pytest.importorskip("torch")
stateful = pytest.importorskip("torchdata.stateful_dataloader")

from pilum.streaming import StreamingDataset  # noqa: E402

ROWS, SIZE = 96, 5

pytestmark = pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")


@pytest.fixture(scope="module")
def table():
    return pilum.connect("memory://").create_table("numbers", pa.table({"id": range(ROWS)}))


@pytest.fixture(scope="module")
def documents():
    tokens = [[i] * (i % 9) for i in range(60)]
    return pilum.connect("memory://").create_table("documents", pa.table({"tokens": tokens}))


PACKED = {
    "columns": ["tokens"],
    "pack_sequences": 8,
    "eos_id": 100,
    "pad_id": 101,
    "blocks_per_epoch": 40,
}


def loader_of(table, num_workers, *, persistent_workers=False, **options):
    stream = StreamingDataset(table, **({"num_splits": 4, "shuffle_seed": 3} | options))
    return stateful.StatefulDataLoader(
        stream, batch_size=SIZE, num_workers=num_workers, persistent_workers=persistent_workers
    )


def ids(batches):
    return [next(iter(batch.values())).tolist() for batch in batches]  # of the first column


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("stop", [0, 1, 7])
def test_goes_on_where_its_state_was_made(table, num_workers, stop):
    whole = ids(loader_of(table, num_workers))
    assert sorted(i for batch in whole for i in batch) == list(range(ROWS))
    check_resumed(lambda: loader_of(table, num_workers), stop)


def check_resumed(make, stop):
    whole = ids(make())
    loader = make()
    batches = iter(loader)
    assert ids(next(batches) for _ in range(stop)) == whole[:stop]
    resumed = make()
    resumed.load_state_dict(loader.state_dict())
    assert ids(resumed) == whole[stop:]
    assert ids(resumed) == whole  # the next epoch, of the same order


@pytest.mark.parametrize("stop", [0, 3])
def test_packed(documents, stop):
    check_resumed(lambda: loader_of(documents, 2, **PACKED), stop)


@pytest.mark.parametrize("stop", [0, 3])
def test_splits_by_default(table, stop):
    check_resumed(lambda: loader_of(table, 2, num_splits=None), stop)


@pytest.mark.parametrize("persistent_workers", [False, True])
def test_a_pass_that_was_left_early_begins_again(table, persistent_workers):
    loader = loader_of(table, 2, persistent_workers=persistent_workers)
    next(iter(loader))
    assert ids(loader) == ids(loader_of(table, 2))


def test_epochs(table):
    loader = loader_of(table, 0)
    for epoch in range(3):
        loader.dataset.set_epoch(epoch)
        assert ids(loader) == ids(loader_of(table, 0, epoch=epoch))


def failing(batch):
    numbers = batch["id"].to_pylist()
    if 7 in numbers:
        raise ValueError(7)
    return [{"id": number} for number in numbers]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("stop", [0, 3])
def test_rows_that_are_left_out(table, num_workers, stop):
    """Then no worker knows how far others are."""
    options = {"transform": failing, "on_transform_error": "skip", "read_batch_size": 6}
    check_resumed(lambda: loader_of(table, num_workers, **options), stop)
