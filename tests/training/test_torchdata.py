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


def loader_of(table, num_workers, **options):
    stream = StreamingDataset(table, num_splits=4, shuffle_seed=3, **options)
    return stateful.StatefulDataLoader(stream, batch_size=SIZE, num_workers=num_workers)


def ids(batches):
    return [batch["id"].tolist() for batch in batches]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("stop", [0, 1, 7])
def test_goes_on_where_its_state_was_made(table, num_workers, stop):
    whole = ids(loader_of(table, num_workers))
    assert sorted(i for batch in whole for i in batch) == list(range(ROWS))
    loader = loader_of(table, num_workers)
    batches = iter(loader)
    assert ids(next(batches) for _ in range(stop)) == whole[:stop]
    resumed = loader_of(table, num_workers)
    resumed.load_state_dict(loader.state_dict())
    assert ids(resumed) == whole[stop:]
    assert ids(resumed) == whole  # the next epoch, of the same order


def test_epochs(table):
    loader = loader_of(table, 0)
    for epoch in range(3):
        loader.dataset.set_epoch(epoch)
        assert ids(loader) == ids(loader_of(table, 0, epoch=epoch))
