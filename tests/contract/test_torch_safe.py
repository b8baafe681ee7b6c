"""pilum.torch.data: SafeLanceDataset, rows by number for worker processes, and get_safe_loader."""

import pathlib
import pickle

import numpy as np
import pyarrow as pa
import pytest

import pilum

torch = pytest.importorskip("torch")

from torch.utils.data import DistributedSampler, Subset, random_split  # noqa: E402

from pilum.torch.data import SafeLanceDataset, get_safe_loader  # noqa: E402

ROWS = 50
SECONDS = 120


@pytest.fixture(scope="module")
def uri(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("tables") / "table.lance"
    table = pa.table({"id": range(ROWS), "text": [f"row {i}" for i in range(ROWS)]})
    pilum.write_dataset(table, path, max_rows_per_file=20)
    return str(path)


def row(number: int) -> dict:
    return {"id": number, "text": f"row {number}"}


def test_rows(uri):
    dataset = SafeLanceDataset(uri)
    assert len(dataset) == ROWS
    assert dataset[3] == row(3)
    for numbers in ([7, 3, 7], np.array([7, 3, 7]), torch.tensor([7, 3, 7]), range(4)):
        assert dataset.__getitems__(numbers) == [row(number) for number in map(int, numbers)]
    assert dataset.__getitems__([]) == []
    assert repr(dataset) == f"SafeLanceDataset({uri}, size={ROWS})"
    assert isinstance(dataset, torch.utils.data.Dataset)


@pytest.mark.parametrize("bad", [ROWS, -1, -ROWS, 2**70, -(2**70)])
def test_rows_that_do_not_exist(uri, bad):
    dataset = SafeLanceDataset(uri)
    for read in (lambda: dataset[bad], lambda: dataset.__getitems__([0, bad])):
        with pytest.raises(IndexError):
            read()


@pytest.mark.parametrize("bad", ["x", 1.5, None])
def test_what_is_no_row_number(uri, bad):
    with pytest.raises(TypeError):
        SafeLanceDataset(uri)[bad]


def test_iteration_ends(uri):
    assert [r["id"] for r in SafeLanceDataset(uri)] == list(range(ROWS))


def test_the_version_is_that_of_the_beginning(uri, tmp_path):
    copy = tmp_path / "table.lance"
    pilum.write_dataset(pilum.dataset(uri).to_table(), copy)
    dataset = SafeLanceDataset(pathlib.Path(copy))
    pilum.dataset(copy).delete("id < 10")
    for other in (dataset, pickle.loads(pickle.dumps(dataset))):
        assert len(other) == ROWS
        assert other[0] == row(0)
    assert SafeLanceDataset(copy)[0] == row(10)
    assert SafeLanceDataset(copy, dataset_options={"version": 1})[0] == row(0)


def test_it_pickles_small(uri):
    dataset = SafeLanceDataset(uri)
    _ = dataset[0]
    assert len(pickle.dumps(dataset)) < 600


def test_a_table_that_does_not_exist(tmp_path):
    with pytest.raises(ValueError, match="was not found"):
        SafeLanceDataset(tmp_path / "none.lance")
    with pytest.raises(TypeError):
        SafeLanceDataset(tmp_path, None)


def ids(loader) -> list[int]:
    return torch.cat([batch["id"] for batch in loader]).tolist()


def test_a_loader_without_workers(uri):
    dataset = SafeLanceDataset(uri)
    loader = get_safe_loader(dataset, batch_size=8, num_workers=0)
    assert ids(loader) == list(range(ROWS))
    assert next(iter(loader))["text"] == [f"row {i}" for i in range(8)]
    assert len(ids(get_safe_loader(dataset, num_workers=0, shuffle=True, drop_last=True))) == 32
    assert ids(get_safe_loader(dataset, num_workers=0, batch_sampler=[[3, 1], [2]])) == [3, 1, 2]
    assert len(list(get_safe_loader(dataset, batch_size=None, num_workers=0))) == ROWS


def test_samplers_and_subsets(uri):
    dataset = SafeLanceDataset(uri)
    shares = [
        ids(get_safe_loader(dataset, 8, 0, sampler=DistributedSampler(dataset, 2, rank)))
        for rank in (0, 1)
    ]
    assert sorted(shares[0] + shares[1]) == list(range(ROWS))
    assert ids(get_safe_loader(Subset(dataset, [5, 2]), 2, 0)) == [5, 2]
    parts = random_split(dataset, [0.2, 0.8])
    assert sorted(ids(get_safe_loader(parts[0], 8, 0)) + ids(get_safe_loader(parts[1], 8, 0))) == (
        list(range(ROWS))
    )


def test_what_a_loader_is_given_by_default(uri):
    dataset = SafeLanceDataset(uri)
    loader = get_safe_loader(dataset)
    assert (loader.batch_size, loader.num_workers, loader.persistent_workers) == (32, 4, True)
    assert loader.multiprocessing_context.get_start_method() == "spawn"
    loader = get_safe_loader(
        dataset, num_workers=1, persistent_workers=False, multiprocessing_context="fork"
    )
    assert not loader.persistent_workers
    assert loader.multiprocessing_context.get_start_method() == "fork"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers(uri, method):
    dataset = SafeLanceDataset(uri)
    _ = dataset[0]  # the parent has read
    loader = get_safe_loader(dataset, 8, 1, timeout=SECONDS, multiprocessing_context=method)
    for _ in range(2):
        assert ids(loader) == list(range(ROWS))
