"""Tables and permutations in a DataLoader with its default collate, in one process."""

import copy
import pickle
import subprocess
import sys

import pyarrow as pa
import pytest

import pilum
from equality import assert_same_schema
from permutations import make
from pilum.permutation import Permutation, Transforms, permutation_builder

torch = pytest.importorskip("torch")
data = pytest.importorskip("torch.utils.data")

ROWS = 1000


@pytest.fixture(scope="module")
def table() -> pilum.Table:
    return make(
        {
            "id": range(ROWS),
            "prompt": [f"p{i}" for i in range(ROWS)],
            "image": [bytes([i % 256]) for i in range(ROWS)],
            "score": [i / 2 for i in range(ROWS)],
            "vector": pa.array([[i, i + 1] for i in range(ROWS)], pa.list_(pa.float32(), 2)),
        }
    )


# ----------------------------------------------------------------------------------- record batches
def test_a_table_gives_record_batches(table):
    loader = data.DataLoader(table, batch_size=300, shuffle=True)
    batches = list(loader)
    assert [type(batch) for batch in batches] == [pa.RecordBatch] * 4
    assert [batch.num_rows for batch in batches] == [300, 300, 300, 100]
    assert_same_schema(batches[0].schema, table.schema)
    ids = [i for batch in batches for i in batch["id"].to_pylist()]
    assert ids != sorted(ids)
    assert sorted(ids) == list(range(ROWS))


def test_one_row_of_a_table_at_a_time(table):
    batches = list(data.DataLoader(table, batch_size=None))
    assert [type(batch) for batch in batches[:2]] == [pa.RecordBatch] * 2
    assert [batch["id"].to_pylist() for batch in batches] == [[i] for i in range(ROWS)]


def test_a_permutation_in_the_arrow_format(table):
    permutation = Permutation.shuffled(table, seed=1).with_format("arrow").with_take(100)
    batches = list(data.DataLoader(permutation, batch_size=64))
    assert [type(batch) for batch in batches] == [pa.RecordBatch] * 2
    assert pa.Table.from_batches(batches) == pa.Table.from_batches([permutation[:]])


def test_a_transform_may_make_a_table(table):
    tables = Permutation.identity(table).with_transform(
        lambda batch: pa.table([batch["id"]], ["id"])
    )
    batches = list(data.DataLoader(tables, batch_size=500))
    assert [batch["id"].to_pylist() for batch in batches] == [
        list(range(500)),
        list(range(500, ROWS)),
    ]


def test_other_lists_of_arrays_are_refused_as_before():
    for thing in (pa.array([1]), pa.chunked_array([[1]])):
        with pytest.raises(TypeError, match="default_collate"):
            data.default_collate([thing, thing])


# -------------------------------------------------------------------------------------------- dicts
def test_a_permutation_gives_dicts_of_tensors(table):
    for batch in data.DataLoader(Permutation.identity(table), batch_size=400):
        assert isinstance(batch, dict)
        assert list(batch) == table.schema.names
        assert batch["id"].dtype == torch.int64
        assert batch["score"].dtype == torch.float64
        assert batch["prompt"][:2] == [f"p{i}" for i in batch["id"][:2].tolist()]
        assert isinstance(batch["image"][0], bytes)
        assert torch.equal(torch.stack(batch["vector"], 1)[:, 0], batch["id"].double())
    first = next(iter(data.DataLoader(Permutation.identity(table).select_columns(["id"]))))
    assert first == {"id": torch.tensor([0])}


def test_a_batch_knows_its_schema(table):
    permutation = Permutation.identity(table).select_columns(["id", "prompt"])
    for batch_size in (1, 64):
        loader = data.DataLoader(permutation, batch_size=batch_size, shuffle=True)
        batch = next(iter(loader))
        assert_same_schema(batch.schema, permutation.schema)
        for other in (copy.copy(batch), pickle.loads(pickle.dumps(batch))):
            assert (other.schema, other["prompt"]) == (batch.schema, batch["prompt"])
    renamed = permutation.rename_column("id", "number")
    assert next(iter(data.DataLoader(renamed))).schema.names == ["number", "prompt"]


def test_a_row_with_a_schema_is_a_dict():
    rows = Transforms.arrow2python(pa.record_batch({"a": [1, 2]}))
    assert rows == [{"a": 1}, {"a": 2}]
    assert rows[0].schema == pa.schema({"a": pa.int64()})
    assert repr(rows) == "[{'a': 1}, {'a': 2}]"
    assert pickle.loads(pickle.dumps(rows)) == rows
    assert (copy.copy(rows[0]), copy.deepcopy(rows[0])) == (rows[0], rows[0])
    assert copy.copy(rows[0]).schema == rows[0].schema


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (pa.array([None, 1]), TypeError),
        (pa.array([1, None]), RuntimeError),
        (pa.array([["a"], None]), TypeError),
        (pa.array([[1], [1, 2]]), RuntimeError),
        (pa.array([1, 2], pa.timestamp("us")), TypeError),
    ],
    ids=["null", "later null", "null list", "ragged lists", "times"],
)
def test_an_error_names_the_column(values, error):
    permutation = Permutation.identity(make({"good": [1, 2], "bad": values}))
    with pytest.raises(error, match="column 'bad' cannot be collated: "):
        next(iter(data.DataLoader(permutation, batch_size=2)))


def test_one_row_of_a_permutation_at_a_time(table):
    permutation = Permutation.identity(table).select_columns(["id", "prompt"]).with_take(3)
    assert list(data.DataLoader(permutation, batch_size=None)) == [
        [{"id": i, "prompt": f"p{i}"}] for i in range(3)
    ]


# ------------------------------------------------------------------------------------ other formats
def test_the_torch_formats(table):
    numbers = Permutation.identity(table).select_columns(["id", "score"])
    batch = next(iter(data.DataLoader(numbers.with_format("torch"), batch_size=4)))
    assert batch["id"].tolist() == [0, 1, 2, 3]
    assert batch["score"].tolist() == [0, 0.5, 1, 1.5]
    rows = next(iter(data.DataLoader(numbers.with_format("torch_row"), batch_size=4)))
    assert rows.shape == (4, 2)
    vectors = Permutation.identity(table).select_columns(["vector"]).with_format("torch")
    assert next(iter(data.DataLoader(vectors, batch_size=4)))["vector"].shape == (4, 2)


def test_torch_col_needs_another_collate(table):
    numbers = Permutation.identity(table).select_columns(["id", "score"]).with_format("torch_col")
    with pytest.raises(
        TypeError, match=r"stack\(\): argument 'tensors' \(position 1\) must be tuple"
    ):
        next(iter(data.DataLoader(numbers, batch_size=4)))
    loader = data.DataLoader(numbers, batch_size=400, collate_fn=lambda batch: batch)
    assert [batch.shape for batch in loader] == [(2, 400), (2, 400), (2, 200)]


# ---------------------------------------------------------------------------- torch's own utilities
def test_parts_of_a_permutation(table):
    permutation = Permutation.shuffled(table, seed=1).select_columns(["id"])
    train, test = data.random_split(permutation, [900, 100])
    subset = data.Subset(permutation, [5, 3])
    both = data.ConcatDataset([permutation, Permutation.identity(table).select_columns(["id"])])

    def ids(dataset):
        return [
            i for batch in data.DataLoader(dataset, batch_size=64) for i in batch["id"].tolist()
        ]

    assert sorted(ids(train) + ids(test)) == list(range(ROWS))
    assert ids(subset) == [row["id"] for row in permutation.__getitems__([5, 3])]
    assert len(both) == 2 * ROWS


def test_ranks_get_rows_of_their_own(table):
    listed = permutation_builder(table).split_random(counts=[101], seed=1).execute()
    permutation = Permutation.from_tables(table, listed).select_columns(["id"])
    seen = []
    for rank in range(2):
        sampler = data.DistributedSampler(permutation, num_replicas=2, rank=rank, drop_last=True)
        loader = data.DataLoader(permutation, batch_size=10, sampler=sampler)
        seen += [i for batch in loader for i in batch["id"].tolist()]
    assert len(seen) == len(set(seen)) == 100


@pytest.mark.parametrize("imports", ["import pilum, torch", "import torch, pilum"])
def test_in_any_order_of_imports(imports):
    program = f"""{imports}
import pyarrow as pa
import torch.utils.data
from pilum.permutation import Permutation
table = pilum.connect("memory://").create_table("t", pa.table({{"a": range(1000)}}))
print(next(iter(torch.utils.data.DataLoader(table, batch_size=1024, shuffle=True))).num_rows)
print(next(iter(torch.utils.data.DataLoader(Permutation.identity(table), batch_size=9))).schema)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "1000\na: int64\n", run.stderr
