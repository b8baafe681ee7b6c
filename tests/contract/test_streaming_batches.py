"""Whole batches of a StreamingDataLoader, made of columns."""

import itertools
import pickle
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

import pilum

torch = pytest.importorskip("torch")
from pilum.streaming import StreamingDataLoader, StreamingDataset  # noqa: E402
from pilum.streaming.batches import Padded, Ragged, batch_format  # noqa: E402

ROWS = 100
SIZE = 8


def rows():
    """Of every kind that a batch can hold."""
    tokens = [list(range(i, i + i % 5)) for i in range(ROWS)]
    pairs = [[[i, -i]] * (i % 3) for i in range(ROWS)]
    return pa.table(
        {
            "id": pa.array(range(ROWS), pa.int32()),
            "half": pa.array(np.arange(ROWS, dtype=np.float16)),
            "even": [i % 2 == 0 for i in range(ROWS)],
            "vector": pa.array([[i, i + 0.5] for i in range(ROWS)], pa.list_(pa.float32(), 2)),
            "matrix": pa.array(
                [[[i, 1], [2, 3], [4, 5]] for i in range(ROWS)],
                pa.list_(pa.list_(pa.int64(), 2), 3),
            ),
            "name": [f"row {i}" for i in range(ROWS)],
            "image": pa.array([bytes([i]) * i for i in range(ROWS)]),
            "tokens": pa.array(tokens, pa.list_(pa.int16())),
            "pairs": pa.array(pairs, pa.large_list(pa.list_(pa.int8(), 2))),
            "words": [["a"] * (i % 3) for i in range(ROWS)],
            "nested": [{"x": i, "deep": {"y": [i] * (i % 2)}} for i in range(ROWS)],
        }
    )


@pytest.fixture(scope="module")
def table():
    return pilum.connect("memory://").create_table("kinds", rows())


def batches_of(table, **options):
    stream = StreamingDataset(table, num_splits=4, shuffle_seed=5)
    return list(StreamingDataLoader(stream, SIZE, **options))


@pytest.fixture(scope="module")
def arrow(table):
    return batches_of(table, format="arrow")


def split(values, offsets):
    return [values[a:b].tolist() for a, b in itertools.pairwise(offsets)]


def test_arrow_batches_are_the_samples(table, arrow):
    samples = list(StreamingDataset(table, num_splits=4, shuffle_seed=5))
    assert [batch.num_rows for batch in arrow] == [8] * 12 + [4]
    assert [row for batch in arrow for row in batch.to_pylist()] == samples


@pytest.mark.parametrize("kind", ["torch", "numpy"])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_columns(table, arrow, kind, num_workers):
    made = batches_of(table, format=kind, num_workers=num_workers)
    for batch, expected in zip(made, arrow, strict=True):
        rows = expected.num_rows
        assert list(batch) == expected.schema.names
        for name, dtype, shape in (
            ("id", "int32", (rows,)),
            ("half", "float16", (rows,)),
            ("even", "bool", (rows,)),
            ("vector", "float32", (rows, 2)),
            ("matrix", "int64", (rows, 3, 2)),
        ):
            assert str(batch[name].dtype).removeprefix("torch.") == dtype
            assert batch[name].shape == shape
            assert batch[name].tolist() == expected[name].to_pylist()
        for name in ("name", "image"):
            assert batch[name] == expected[name].to_pylist()
        for name in ("tokens", "pairs"):
            assert isinstance(batch[name], Ragged)
            assert split(*batch[name]) == expected[name].to_pylist()
        assert batch["tokens"].values.dtype == (torch if kind == "torch" else np).int16
        words, offsets = batch["words"]
        assert [words[a:b] for a, b in itertools.pairwise(offsets)] == expected["words"].to_pylist()
        deep = batch["nested"]["deep"]["y"]
        assert [{"x": x, "deep": {"y": y}} for x, y in zip(
            batch["nested"]["x"].tolist(), split(*deep), strict=True
        )] == expected["nested"].to_pylist()  # fmt: skip


@pytest.mark.parametrize("kind", ["torch", "numpy"])
def test_padded_lists(table, arrow, kind):
    for batch, expected in zip(
        batches_of(table, format=kind, ragged="padded", pad_value=-1), arrow, strict=True
    ):
        for name, pad in (("tokens", -1), ("pairs", [-1, -1])):
            assert isinstance(batch[name], Padded)
            values, lengths = batch[name]
            lists = expected[name].to_pylist()
            longest = max(map(len, lists))
            assert lengths.tolist() == list(map(len, lists))
            assert values.tolist() == [row + [pad] * (longest - len(row)) for row in lists]
        assert isinstance(batch["words"], Ragged)  # no numbers


def test_strings_as_arrow_arrays(table, arrow):
    for batch, expected in zip(
        batches_of(table, format="torch", strings="arrow"), arrow, strict=True
    ):
        assert batch["name"].equals(expected["name"])
        assert batch["image"].equals(expected["image"])


def test_ragged_values_make_nested_tensors(table):
    batch = batches_of(table, format="torch")[0]
    nested = torch.nested.nested_tensor_from_jagged(*batch["tokens"])
    assert [row.tolist() for row in nested.unbind()] == split(*batch["tokens"])


def test_polars(table, arrow):
    polars = pytest.importorskip("polars")
    for batch, expected in zip(batches_of(table, format="polars"), arrow, strict=True):
        assert batch.equals(polars.DataFrame(expected))


def test_collate_fn_gets_the_batch(table):
    sums = batches_of(table, format="numpy", collate_fn=lambda batch: int(batch["id"].sum()))
    assert sum(sums) == sum(range(ROWS))


@pytest.mark.parametrize("ragged", ["offsets", "padded"])
def test_tensors_are_the_batch_alone(table, ragged):
    """What is saved of a batch, or sent to another process, has no others in it, and what is
    written does not change others."""
    first, second = batches_of(table, format="torch", ragged=ragged)[:2]
    before = second["vector"].clone()
    first["vector"].fill_(7)
    assert torch.equal(second["vector"], before)
    assert first["vector"].untyped_storage().nbytes() == SIZE * 2 * 4


@pytest.fixture(scope="module")
def many_rows():
    numbers = np.arange(50_000, dtype=np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(np.repeat(numbers, 4), 4)
    names = pa.array(map(str, range(50_000)))
    columns = {"number": numbers, "vector": vectors, "name": names}
    return pilum.connect("memory://").create_table("many", pa.table(columns))


@pytest.mark.parametrize("kind", ["torch", "numpy", "arrow", "polars"])
def test_no_object_is_made_for_a_row(many_rows, kind):
    loader = StreamingDataLoader(
        StreamingDataset(many_rows), batch_size=50_000, format=kind, strings="arrow"
    )
    list(loader)  # what is imported and kept the first time
    tracemalloc.start()
    try:
        [batch] = loader
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(batch["name"]) == 50_000
    assert peak < 4 * 50_000  # bytes: pointers to objects would take 8 each


@pytest.mark.parametrize(
    ("column", "error"),
    [
        (pa.array([1, None]), "column 'x' has nulls; a tensor cannot"),
        (pa.array([[1], None]), "column 'x' has nulls; a list of a batch cannot be null"),
        (pa.array([[1, None]]), "column 'x' has nulls; a tensor cannot"),
        (pa.array([{"y": [None, 1]}]), "column 'x.y' has nulls"),
        (pa.array([{"y": 1}, None]), "column 'x' has nulls; a struct"),
        (pa.array([1], pa.timestamp("s")), "column 'x' of type timestamp"),
    ],
)
def test_what_tensors_cannot_hold(column, error):
    batch = pa.record_batch({"x": column})
    with pytest.raises(TypeError, match=error):
        next(batch_format("torch", "offsets", 0, "list").batches(batch, 8))


def test_a_null_is_of_its_batch_alone():
    rows = pa.record_batch({"x": [0, 1, 2, None, 4]})
    tensors = batch_format("torch", "offsets", 0, "list").batches(rows, 2)
    assert next(tensors)["x"].tolist() == [0, 1]
    with pytest.raises(TypeError, match="column 'x' has nulls"):
        next(tensors)
    arrays = batch_format("numpy", "offsets", 0, "list").batches(rows, 2)
    assert [batch["x"].dtype.kind for batch in arrays] == ["i", "f", "i"]


def test_arrays_hold_nulls_and_times():
    times = pa.array([1, 2], pa.timestamp("s"))
    batch = pa.record_batch({"x": [1, None], "t": times})
    arrays = next(batch_format("numpy", "offsets", 0, "list").batches(batch, 8))
    assert arrays["x"][0] == 1
    assert np.isnan(arrays["x"][1])
    assert arrays["t"].tolist() == times.to_pylist()


def test_slices():
    whole = pa.record_batch({"x": pa.array([[1], [2, 3], [], [], [4]])})
    made = batch_format("numpy", "padded", 0, "list").batches(whole.slice(1), 2)
    assert [batch["x"].values.tolist() for batch in made] == [[[2, 3], [0, 0]], [[0], [4]]]
    (empty,) = batch_format("numpy", "padded", 0, "list").batches(whole.slice(2, 2), 2)
    assert empty["x"].values.shape == (2, 0)


def test_batches_without_columns():
    rows = pa.record_batch({"x": range(5)}).select([])
    assert list(batch_format("numpy", "offsets", 0, "list").batches(rows, 2)) == [{}, {}, {}]


def test_wrong_arguments(table):
    stream = StreamingDataset(table)
    for options, error in (
        ({"format": "csv"}, "format must be one of torch, numpy, arrow, polars, not 'csv'"),
        ({"format": "torch", "ragged": "x"}, "ragged must be one of offsets, padded"),
        ({"format": "torch", "strings": "x"}, "strings must be one of list, arrow"),
        ({"format": "torch", "batch_size": None}, "give a batch_size"),
    ):
        with pytest.raises(ValueError, match=error):
            StreamingDataLoader(stream, **options)
    made = StreamingDataset(table, transform=len)
    with pytest.raises(ValueError, match="give one of them"):
        StreamingDataLoader(made, 8, format="torch")


def test_formats_pickle():
    made = batch_format("torch", "padded", 1, "arrow")
    assert pickle.loads(pickle.dumps(made)) == made
