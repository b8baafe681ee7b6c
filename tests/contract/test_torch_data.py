"""pilum.torch.data: LanceDataset, a stream of batches of tensors."""

import copy
import gc
import itertools
import math
import os
import pathlib
import pickle
import shutil
import warnings

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pilum

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader, IterableDataset  # noqa: E402

from pilum.torch import data as torch_data  # noqa: E402
from pilum.torch import sampler as torch_sampler  # noqa: E402
from pilum.torch.data import (  # noqa: E402
    ColumnBatch,
    LanceDataset,
    Sampler,
    ShardedBatchSampler,
    ShardedFragmentSampler,
)

ROWS = 100
SECONDS = 120  # for a worker to answer: longer is a hang


def write(folder: pathlib.Path, rows: int = ROWS, rows_per_file: int = 30) -> str:
    """Rows with an id, a vector of it and a text, in fragments of 30, 30, 30 and 10."""
    ids = pa.array(range(rows), pa.int64())
    vectors = pa.FixedSizeListArray.from_arrays(
        pa.array(np.repeat(np.arange(rows, dtype="f4"), 3)), 3
    )
    table = pa.table({"id": ids, "vector": vectors, "text": [f"row {i}" for i in range(rows)]})
    pilum.write_dataset(table, folder / "table.lance", max_rows_per_file=rows_per_file)
    return str(folder / "table.lance")


@pytest.fixture(scope="module")
def uri(tmp_path_factory) -> str:
    return write(tmp_path_factory.mktemp("tables"))


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)


def ids(batches) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


def flat(lists) -> list[int]:
    return list(itertools.chain.from_iterable(lists))


def read(source, batch_size=16, **options) -> list[list[int]]:
    return ids(LanceDataset(source, batch_size, columns=["id"], **options))


# ---------------------------------------------------------------------------------------- batches
def test_batches_unpack_and_have_names(uri):
    dataset = LanceDataset(uri, batch_size=32, columns=["vector", "id"])
    batches = list(dataset)
    assert [len(batch["id"]) for batch in batches] == [32, 32, 32, 4]
    for batch in batches:
        vectors, numbers = batch
        assert batch.keys() == {"vector", "id"}
        assert (vectors.dtype, vectors.shape) == (torch.float32, (len(numbers), 3))
        assert numbers.dtype == torch.int64
        assert torch.equal(vectors[:, 1].long(), numbers)
    assert len(list(dataset)) == 4  # from the start again


def test_a_single_column_is_a_bare_tensor(uri):
    assert flat(read(uri)) == list(range(ROWS))


def test_every_kind_of_source(uri):
    expected = [list(range(start, min(start + 16, ROWS))) for start in range(0, ROWS, 16)]
    table = pilum.connect(pathlib.Path(uri).parent)["table"]
    for source in (uri, pathlib.Path(uri), pilum.dataset(uri), table):
        assert read(source) == expected


@settings(max_examples=30)
@given(
    rows_per_file=st.integers(1, 60),
    batch_size=st.integers(1, 70),
    filter=st.sampled_from([None, "id % 3 = 1", "id < 7", "id > 1000"]),
)
def test_batches_have_the_size_asked_for(tmp_path_factory, rows_per_file, batch_size, filter):
    folder = tmp_path_factory.mktemp("table")
    uri = write(folder, 60, rows_per_file)
    got = read(uri, batch_size, filter=filter)
    assert flat(got) == pilum.dataset(uri).to_table(filter=filter)["id"].to_pylist()
    assert all(len(batch) == batch_size for batch in got[:-1])
    assert all(0 < len(batch) <= batch_size for batch in got)
    shutil.rmtree(folder)


def test_batches_are_not_copied_unless_they_cross_a_border(uri):
    def tensors(batch_size):
        return [batch.data_ptr() for batch in list(LanceDataset(uri, batch_size, columns=["id"]))]

    whole = tensors(10)  # divides the fragments of 30 rows
    assert [whole[1] - whole[0], whole[2] - whole[1]] == [80, 80]
    cut = tensors(12)  # 24 rows and 6 of the next fragment: joined; then 18 rows of it
    assert cut[1] - cut[0] == 96
    assert cut[4] - cut[3] == 96


def test_columns_and_row_ids(uri):
    [batch] = LanceDataset(uri, ROWS, columns={"next": "id + 1", "v": "vector"})
    assert batch.keys() == {"next", "v"}
    assert batch["next"].tolist() == list(range(1, ROWS + 1))
    [batch] = LanceDataset(uri, ROWS, columns=["id"], with_row_id=True)
    expected = pilum.dataset(uri).to_table(with_row_id=True)["_rowid"].to_pylist()
    assert batch["_rowid"].dtype == torch.int64
    assert batch["_rowid"].tolist() == expected


def test_filters(uri):
    assert read(uri, filter="id >= 30") == [
        list(range(start, min(start + 16, ROWS))) for start in range(30, ROWS, 16)
    ]
    assert read(uri, filter="id > 1000") == []


def test_a_text_is_an_error_that_names_the_column(uri):
    with pytest.raises(ValueError, match="'text' of type string"):
        next(iter(LanceDataset(uri, 8)))


def test_to_tensor_fn(uri):
    def strict(batch, *, hf_converter, use_blob_api):
        return (batch.num_rows, hf_converter, use_blob_api)

    def lenient(batch, **options):
        return (batch.num_rows, options["hf_converter"], options["use_blob_api"])

    def simple(batch):
        return (batch.num_rows, None, False)

    expected = [(60, None, False), (40, None, False)]
    for function in (strict, lenient, simple):
        assert list(LanceDataset(uri, 60, to_tensor_fn=function)) == expected
    batches = list(LanceDataset(uri, 60, to_tensor_fn=None))
    assert pa.Table.from_batches(batches).equals(pilum.dataset(uri).to_table())
    assert list(LanceDataset(uri, 60, to_tensor_fn=len)) == [60, 40]


def test_versions_and_options(tmp_path):
    uri = write(tmp_path)
    dataset = LanceDataset(uri, 16, columns=["id"])
    pilum.dataset(uri).delete("id < 50")
    assert flat(ids(dataset)) == list(range(ROWS))  # the version that it was made with
    assert flat(read(uri)) == list(range(50, ROWS))
    assert flat(read(uri, dataset_options={"version": 1})) == list(range(ROWS))
    with pytest.raises(ValueError, match="dataset_options"):
        read(pilum.dataset(uri), dataset_options={"version": 1})


def test_it_says_what_it_is(uri):
    assert repr(LanceDataset(uri, 8, samples=5)) == f"LanceTorchDataset({uri}, size=5)"
    assert isinstance(LanceDataset(uri, 8), LanceDataset)
    assert isinstance(LanceDataset(uri, 8), IterableDataset)


def test_subclasses(uri):
    class Doubled(LanceDataset):
        def __init__(self, uri, factor):
            super().__init__(uri, 50, columns=["id"])
            self.factor = factor

        def __iter__(self):
            return (batch * self.factor for batch in super().__iter__())

    dataset = Doubled(uri, 2)
    assert isinstance(dataset, Doubled)
    assert isinstance(dataset, IterableDataset)
    assert flat(ids(dataset)) == list(range(0, 2 * ROWS, 2))
    ShardedBatchSampler(dataset)
    assert isinstance(dataset, Doubled)
    assert not isinstance(dataset, IterableDataset)
    assert flat(ids(dataset)) == list(range(0, 2 * ROWS, 2))


def test_all_names_are_in_both_modules():
    for name in torch_sampler.__all__:
        assert getattr(torch_data, name) is getattr(torch_sampler, name)


# ------------------------------------------------------------------------------------- DataLoader
def test_in_a_loader(uri):
    dataset = LanceDataset(uri, 16, columns=["id", "vector"])
    batches = list(DataLoader(dataset, batch_size=None))
    assert all(isinstance(batch, ColumnBatch) for batch in batches)
    assert flat(numbers.tolist() for numbers, _ in batches) == list(range(ROWS))
    stacked = list(DataLoader(dataset))  # batch_size=1: an axis more
    assert stacked[0]["vector"].shape == (1, 16, 3)
    with pytest.raises(TypeError):
        len(DataLoader(dataset, batch_size=None))


def test_the_documented_use_of_the_sharded_batch_sampler(uri):
    dataset = LanceDataset(uri, batch_size=32, columns=["vector", "id"])
    sampler = ShardedBatchSampler(dataset)
    loader = DataLoader(dataset, batch_sampler=sampler, num_workers=0)
    assert len(loader) == len(sampler) == 4
    assert isinstance(dataset, LanceDataset)
    for _ in range(2):
        seen = []
        for batch in loader:
            vectors, numbers = batch
            assert torch.equal(batch["vector"][:, 0].long(), numbers)
            assert vectors.shape == (len(numbers), 3)
            seen.append(numbers.tolist())
        assert [len(numbers) for numbers in seen] == [32, 32, 32, 4]
        assert flat(seen) == list(range(ROWS))


def keys(uri, rank, world, size=8, filter=None, **options) -> ShardedBatchSampler:
    dataset = LanceDataset(uri, size, columns=["id"], filter=filter)
    return ShardedBatchSampler(dataset, rank=rank, world_size=world, **options)


@settings(max_examples=30)
@given(size=st.integers(1, 40), world=st.integers(1, 7), random=st.booleans())
def test_keys_are_disjoint_and_complete(uri, size, world, random):
    shares = [list(keys(uri, rank, world, size, randomize=random)) for rank in range(world)]
    rows = flat(flat(shares))
    assert len({len(share) for share in shares}) == 1
    assert sorted(rows) == list(range(len(rows)))
    assert len(rows) > ROWS - size * world
    assert all(isinstance(key, int) for key in rows)
    padded = [list(keys(uri, rank, world, size, pad=True)) for rank in range(world)]
    assert {len(batch) for share in padded for batch in share} == {size}
    assert set(flat(flat(padded))) == set(range(ROWS))


@pytest.mark.parametrize(("size", "world"), [(8, 2), (3, 4), (60, 1)])
def test_keys_of_a_filter_are_those_of_matching_rows(uri, size, world):
    rows = flat(flat(list(keys(uri, r, world, size, "id % 4 = 3", pad=True)) for r in range(world)))
    assert set(rows) == set(range(3, ROWS, 4))
    assert list(keys(uri, 0, world, size, "id > 1000")) == []


def test_a_filtered_dataset_by_keys(uri):
    dataset = LanceDataset(uri, 8, columns=["id"], filter="id % 4 = 3", with_row_id=True)
    loader = DataLoader(dataset, batch_sampler=ShardedBatchSampler(dataset))
    batches = list(loader)
    assert flat(batch["id"].tolist() for batch in batches) == list(range(3, ROWS, 4))
    [whole] = LanceDataset(uri, ROWS, columns=["id"], filter="id % 4 = 3", with_row_id=True)
    assert torch.equal(torch.cat([batch["_rowid"] for batch in batches]), whole["_rowid"])


def test_random_keys_change_from_epoch_to_epoch(uri):
    sampler, other = (keys(uri, rank, 2, randomize=True, seed=9) for rank in (0, 1))
    epochs = [list(sampler) for _ in range(3)]
    plain = list(keys(uri, 0, 2))
    assert all(sorted(epoch) == plain for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != plain
    sampler.set_epoch(1)
    assert list(sampler) == epochs[1]
    assert list(sampler) == epochs[2]
    for epoch in range(3):  # both ranks are in the same round
        assert [batch[0] + 8 for batch in epochs[epoch]] == [batch[0] for batch in other]
    iter(sampler)  # not read, so not an epoch
    sampler.set_epoch(0)
    iter(sampler)
    assert list(sampler) == epochs[0]


def test_after_the_sampler_the_dataset_has_both_styles(uri):
    dataset = LanceDataset(uri, 8, columns=["id"])
    ShardedBatchSampler(dataset)
    assert len(dataset) == ROWS
    assert flat(ids(dataset)) == list(range(ROWS))
    assert dataset[[7, 3]].tolist() == [7, 3]
    assert ids(DataLoader(dataset, batch_sampler=[[7, 3], [5]])) == [[7, 3], [5]]
    assert ids(DataLoader(dataset, batch_size=60)) == [list(range(60)), list(range(60, 100))]
    with pytest.raises(TypeError, match="batch_sampler"):
        list(DataLoader(dataset, batch_size=None))
    with pytest.raises(IndexError):
        list(DataLoader(dataset, batch_sampler=[[ROWS]]))
    again = LanceDataset(uri, 8, columns=["id"])
    again.become_map_style()
    again.become_map_style()
    assert type(again) is type(dataset)
    assert isinstance(type(again)(uri, 8), IterableDataset)


def test_record_batches_by_keys(uri):
    dataset = LanceDataset(uri, 60, to_tensor_fn=None)
    loader = DataLoader(dataset, batch_sampler=ShardedBatchSampler(dataset))
    assert pa.Table.from_batches(loader).equals(pilum.dataset(uri).to_table())


def test_a_collate_function_of_ones_own(uri):
    dataset = LanceDataset(uri, 60, columns=["id"])
    loader = DataLoader(
        dataset, batch_sampler=ShardedBatchSampler(dataset), collate_fn=lambda items: items
    )
    assert [len(items) for items in loader] == [1, 1]
    assert ids(item.value for [item] in loader)[1] == list(range(60, ROWS))


@pytest.mark.parametrize(
    "options", [{"samples": 5}, {"cache": True}, {"sampler": ShardedBatchSampler(0, 1)}]
)
def test_datasets_that_take_no_keys(uri, options):
    dataset = LanceDataset(uri, 8, **options)
    with pytest.raises(ValueError, match="samples, sampler or cache"):
        ShardedBatchSampler(dataset)
    assert isinstance(dataset, IterableDataset)


@pytest.mark.parametrize("kind", [ShardedBatchSampler, ShardedFragmentSampler])
def test_the_callable_use_of_samplers(uri, kind):
    rows = []
    for rank in range(2):
        sampler = kind(rank, 2, pad=True)
        loader = DataLoader(
            LanceDataset(uri, batch_size=8, columns=["id"], sampler=sampler), batch_size=None
        )
        batches = ids(loader)
        assert [len(batch) for batch in batches] == [8] * (7 if kind is ShardedBatchSampler else 8)
        rows += flat(batches)
    assert set(rows) == set(range(ROWS))


def test_batches_of_a_sampler_of_ones_own_get_the_right_size(uri):
    class ByThrees(Sampler):
        def __call__(self, dataset, *, columns, **options):
            return dataset.to_batches(columns, batch_size=3)

    assert read(uri, 16, sampler=ByThrees()) == read(uri, 16)


# --------------------------------------------------------------------- ranks and worker processes
def sharded(uri, world, **options):
    return [
        read(uri, options.pop("batch_size", 10), rank=rank, world_size=world, **options)
        for rank in range(world)
    ]


@pytest.mark.filterwarnings("ignore:the fragments")
def test_ranks_read_fragments(uri):
    for options in ({}, {"shard_granularity": "fragment"}):
        shares = [flat(share) for share in sharded(uri, 2, **options)]
        assert shares == [[*range(30), *range(60, 90)], [*range(30, 60), *range(90, 100)]]


def test_ranks_read_batches(uri):
    shares = sharded(uri, 2, shard_granularity="batch")
    assert shares[1] == [list(range(start, start + 10)) for start in range(10, ROWS, 20)]
    assert sorted(flat(flat(shares))) == list(range(ROWS))


def test_unequal_numbers_of_batches_are_a_warning(uri):
    dataset = LanceDataset(uri, 10, rank=0, world_size=2)
    with pytest.warns(UserWarning, match=r'6, 4\b.*shard_granularity="batch".*pad'):
        iter(dataset)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        iter(dataset)  # it is said once
        iter(LanceDataset(uri, 10, rank=0, world_size=2, shard_granularity="batch"))
        iter(LanceDataset(uri, 10, rank=0, world_size=1))


@pytest.mark.filterwarnings("ignore:the fragments")
def test_the_rank_is_that_of_the_environment(uri, monkeypatch):
    everything = read(uri, 10)
    monkeypatch.setenv("RANK", "1")
    assert read(uri, 10) == everything  # half a rank is none
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert flat(read(uri, 10)) == [*range(30, 60), *range(90, 100)]
    assert read(uri, 10, auto_detect_rank=False) == everything
    assert flat(read(uri, 10, rank=0, world_size=1)) == list(range(ROWS))
    dataset = LanceDataset(uri, 10, columns=["id"])
    assert next(iter(ShardedBatchSampler(dataset))) == list(range(10, 20))
    assert next(iter(ShardedBatchSampler(dataset, rank=0, world_size=1))) == list(range(10))
    dataset = LanceDataset(uri, 10, rank=0, world_size=3)
    assert list(ShardedBatchSampler(dataset))[1] == list(range(30, 40))
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(ValueError, match="RANK='2'"):
        read(uri)
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(ValueError, match="first"):
        ShardedBatchSampler(dataset := LanceDataset(uri, 10))


@pytest.fixture
def process_group(tmp_path):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()


def test_the_rank_is_that_in_the_process_group(uri, process_group, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert flat(read(uri)) == list(range(ROWS))
    for sampler in (ShardedBatchSampler.from_torch(), ShardedFragmentSampler.from_torch(pad=True)):
        assert set(flat(read(uri, sampler=sampler))) == set(range(ROWS))
    fixed = torch_sampler.ShardedFixedBatchSampler.from_torch(50, ROWS, randomize=True)
    assert sorted(flat(fixed)) == list(range(ROWS))


def test_a_worker_process_knows_the_rank_of_its_parent(uri, monkeypatch):
    """Of a process group, about which there is nothing in the environment."""
    monkeypatch.setattr(torch_data, "find_rank", lambda: torch_data.Rank(1, 4))
    pickled = pickle.dumps(LanceDataset(uri, 10, shard_granularity="batch", columns=["id"]))
    monkeypatch.undo()
    monkeypatch.setattr(torch_data, "find_rank", lambda: None)
    assert ids(pickle.loads(pickled))[0] == list(range(10, 20))
    monkeypatch.setattr(torch_data, "find_rank", lambda: torch_data.Rank(0, 1))
    assert ids(pickle.loads(pickled))[0] == list(range(10))


class Worker:
    """Stands for torch.utils.data.get_worker_info in a worker process."""

    def __init__(self, monkeypatch, number: int, of: int):
        self.id, self.num_workers = number, of
        monkeypatch.setattr(torch_data, "get_worker_info", lambda: self)


class EveryOther(Sampler):
    def __call__(self, dataset, *, columns, batch_size, **options):
        return itertools.islice(dataset.to_batches(columns, batch_size=batch_size), 0, None, 2)


@pytest.mark.filterwarnings("ignore:the fragments")
@pytest.mark.parametrize("workers", [1, 2, 3, 6])
@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shard_granularity": "batch"},
        {"filter": "id < 90"},
        {"shard_granularity": "batch", "filter": "id < 90"},
        {"samples": 45},
    ],
    ids=str,
)
def test_workers_divide_the_rows_of_their_rank(uri, monkeypatch, options, world, workers):
    alone, together = [], []
    for rank in range(world):
        Worker(monkeypatch, 0, 1)
        alone.append(flat(read(uri, 4, rank=rank, world_size=world, **options)))
        parts = []
        for number in range(workers):
            Worker(monkeypatch, number, workers)
            parts.append(flat(read(uri, 4, rank=rank, world_size=world, **options)))
        together.append(flat(parts))
    if "samples" in options:
        assert all(len(part) == 45 // world for part in together)
        assert len(set(flat(together))) == 45 // world * world
    else:
        assert [sorted(part) for part in together] == [sorted(part) for part in alone]


@pytest.mark.parametrize(
    "sampler", [ShardedBatchSampler(1, 2), ShardedFragmentSampler(1, 2), EveryOther()], ids=str
)
@pytest.mark.filterwarnings("ignore:the fragments")
def test_workers_divide_the_batches_of_a_sampler(uri, monkeypatch, sampler):
    alone = flat(read(uri, 10, sampler=sampler))
    parts = []
    for number in range(3):
        Worker(monkeypatch, number, 3)
        parts.append(flat(read(uri, 10, sampler=sampler)))
    assert sorted(flat(parts)) == sorted(alone)
    assert flat(read(uri, 10, auto_detect_rank=False)) == list(range(ROWS))


@pytest.mark.filterwarnings("ignore:the fragments")
def test_steps_of_ranks_with_workers_are_what_the_warning_says(uri, monkeypatch):
    """Workers end with short batches of their own."""
    counts = []
    for rank in range(2):
        counts.append(0)
        for number in range(2):
            Worker(monkeypatch, number, 2)
            counts[-1] += len(read(uri, 4, rank=rank, world_size=2))
    Worker(monkeypatch, 0, 2)
    with pytest.warns(UserWarning, match=", ".join(map(str, counts))):
        read(uri, 4, rank=0, world_size=2)
    assert counts == [16, 11]


def loader(dataset, method, num_workers=2, **options) -> DataLoader:
    return DataLoader(
        dataset,
        num_workers=num_workers,
        multiprocessing_context=method,
        timeout=SECONDS,
        **options,
    )


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_worker_processes(uri, method):
    dataset = LanceDataset(uri, 8, columns=["id", "vector"])
    next(iter(dataset))  # the parent has threads
    batches = list(loader(dataset, method, batch_size=None))
    assert all(isinstance(batch, ColumnBatch) for batch in batches)
    assert sorted(flat(batch["id"].tolist() for batch in batches)) == list(range(ROWS))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_by_keys(uri, method):
    dataset = LanceDataset(uri, 8, columns=["id", "vector"])
    batches = loader(
        dataset, method, 1, batch_sampler=ShardedBatchSampler(dataset), persistent_workers=True
    )
    for _ in range(2):
        assert flat(batch["id"].tolist() for batch in batches) == list(range(ROWS))


# ---------------------------------------------------------------------------------------- samples
def test_samples(uri):
    dataset = LanceDataset(uri, 8, columns=["id"], samples=20)
    first, second = ids(dataset), ids(dataset)
    assert [len(batch) for batch in first] == [8, 8, 4]
    assert len(set(flat(first))) == 20
    assert first != second
    assert flat(read(uri, samples=ROWS)) == flat(read(uri, samples=ROWS + 1)) == list(range(ROWS))
    assert len(flat(read(uri, samples=20, filter="id IS NOT NULL"))) == 20
    assert read(uri, samples=None) == read(uri)
    [batch] = LanceDataset(uri, 8, columns=["id"], samples=3, with_row_id=True)
    assert batch.keys() == {"id", "_rowid"}


def test_samples_of_what_a_filter_keeps(uri):
    with pytest.raises(NotImplementedError, match="id > 30"):
        LanceDataset(uri, 8, filter="id > 30", samples=5)


# ------------------------------------------------------------------------------------------ cache
@pytest.mark.parametrize("in_folder", [False, True])
@pytest.mark.parametrize("samples", [0, 30])
def test_a_cache_outlives_the_table(tmp_path, in_folder, samples):
    uri = write(tmp_path)
    folder = tmp_path / "new" / "cache"
    dataset = LanceDataset(
        uri, 16, columns=["id", "vector"], samples=samples, cache=folder if in_folder else True
    )
    first = [batch["id"].tolist() for batch in dataset]
    shutil.rmtree(uri)
    for _ in range(2):
        again = list(dataset)
        assert [batch["id"].tolist() for batch in again] == first
        assert torch.equal(again[0]["vector"][:, 0].long(), again[0]["id"])
        again[0]["vector"].zero_()  # not memory of the file
    if in_folder:
        assert len(list(folder.glob("*/*"))) == 1
        del dataset, again
        gc.collect()
        assert list(folder.iterdir()) == []


def test_a_first_pass_that_was_not_finished_is_not_kept(uri, tmp_path):
    dataset = LanceDataset(uri, 16, columns=["id"], cache=tmp_path)
    batches = iter(dataset)
    next(batches)
    del batches
    gc.collect()
    assert list(tmp_path.glob("*/*")) == []
    assert flat(ids(dataset)) == flat(ids(dataset)) == list(range(ROWS))
    assert len(list(tmp_path.glob("*/*"))) == 1


def test_a_cache_of_nothing(tmp_path):
    uri = write(tmp_path)
    dataset = LanceDataset(uri, 16, filter="id > 1000", cache=True)
    assert list(dataset) == []
    shutil.rmtree(uri)
    assert list(dataset) == []


def test_a_cache_is_shared_with_worker_processes(tmp_path):
    uri = write(tmp_path)
    dataset = LanceDataset(uri, 10, columns=["id"], cache=tmp_path / "cache")
    for _ in range(2):
        got = ids(loader(dataset, "fork", batch_size=None))
        assert sorted(flat(got)) == list(range(ROWS))
        shutil.rmtree(uri, ignore_errors=True)
    assert len(list(tmp_path.glob("cache/*/*"))) == 2  # one of each worker
    pickle.loads(pickle.dumps(dataset))  # and goes: the cache stays
    gc.collect()
    assert sorted(flat(ids(loader(dataset, "fork", batch_size=None)))) == list(range(ROWS))


def test_what_was_forked_does_not_remove_the_cache(uri, tmp_path):
    dataset = LanceDataset(uri, 10, columns=["id"], cache=tmp_path)
    child = os.fork()
    if child == 0:
        del dataset
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert flat(ids(dataset)) == list(range(ROWS))


# ---------------------------------------------------------------------------------------- pickles
def test_pickles_are_small_and_keep_everything(uri):
    dataset = LanceDataset(
        uri, 10, columns=["id"], filter="id < 50", rank=1, world_size=2, shard_granularity="batch"
    )
    list(dataset)
    for other in (pickle.loads(pickle.dumps(dataset)), copy.copy(dataset)):
        assert isinstance(other, IterableDataset)
        assert ids(other) == ids(dataset)
    assert len(pickle.dumps(dataset)) < 1500
    dataset.become_map_style()
    other = pickle.loads(pickle.dumps(dataset))
    assert not isinstance(other, IterableDataset)
    assert ids(DataLoader(other, batch_sampler=[[5, 3]])) == [[5, 3]]


# -------------------------------------------------------------------------------- wrong arguments
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"batch_size": 0}, ValueError),
        ({"batch_size": -3}, ValueError),
        ({"batch_size": 2.5}, TypeError),
        ({"batch_size": None}, TypeError),
        ({"columns": ["nowhere"]}, ValueError),
        ({"columns": "id"}, TypeError),
        ({"filter": "nowhere > 3"}, ValueError),
        ({"filter": 3}, TypeError),
        ({"samples": -1}, ValueError),
        ({"samples": 1.5}, TypeError),
        ({"batch_readahead": -1}, ValueError),
        ({"rank": 0}, ValueError),
        ({"world_size": 2}, ValueError),
        ({"rank": 2, "world_size": 2}, ValueError),
        ({"rank": 0, "world_size": 0}, ValueError),
        ({"rank": "0", "world_size": 2}, TypeError),
        ({"shard_granularity": "row"}, ValueError),
        ({"sampler": lambda dataset: None}, TypeError),
        ({"sampler": [[1, 2]]}, TypeError),
        ({"sampler": ShardedBatchSampler(0, 2), "rank": 0, "world_size": 2}, ValueError),
        ({"sampler": ShardedBatchSampler(0, 2), "samples": 3}, ValueError),
        ({"sampler": ShardedBatchSampler(0, 2), "shard_granularity": "batch"}, ValueError),
        ({"to_tensor_fn": 3}, TypeError),
        ({"cache": 3}, TypeError),
        ({"dataset_options": {"version": 77}}, ValueError),
        ({"dataset_options": {"nonsense": 1}}, TypeError),
        ({"nonsense": 1}, TypeError),
    ],
    ids=str,
)
def test_wrong_arguments(uri, options, error):
    with pytest.raises(error):
        LanceDataset(uri, **({"batch_size": 8} | options))


def test_only_two_arguments_by_position(uri):
    with pytest.raises(TypeError):
        LanceDataset(uri, 8, ["id"])
    with pytest.raises(TypeError):
        LanceDataset(uri)
    with pytest.raises(ValueError, match="was not found"):
        LanceDataset(uri + "-not", 8)
    assert math.ceil(ROWS / 8) == len(list(LanceDataset(uri, 8, columns=["id"])))


def test_a_null_changes_the_dtype_of_its_own_batch_alone(tmp_path):
    """Batches are converted many at once, which must not be seen."""
    numbers = [None if i == 105 else i for i in range(20_000)]
    lists = [[1, None if i == 15_005 else 2] for i in range(20_000)]
    rows = pa.table({"n": numbers, "v": pa.array(lists, pa.list_(pa.int32(), 2))})
    dataset = LanceDataset(pilum.write_dataset(rows, tmp_path / "nulls.lance"), 10)
    batches = list(dataset)
    assert len(batches) == 2000
    assert [i for i, b in enumerate(batches) if b["n"].dtype == torch.float64] == [10]
    assert [i for i, b in enumerate(batches) if b["v"].dtype == torch.float64] == [1500]
    assert torch.equal(batches[1999]["n"], torch.arange(19_990, 20_000))
