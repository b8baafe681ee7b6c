"""Formats that copy nothing: their memory is that of the batch, which stays alive with them."""

import gc
import warnings

import numpy as np
import pyarrow as pa
import pytest

from permutations import make
from pilum.permutation import Permutation, Transforms

torch = pytest.importorskip("torch")
pytest.importorskip("pandas")
polars = pytest.importorskip("polars")

NUMBERS = [np.int8, np.uint16, np.int32, np.int64, np.uint64, np.float16, np.float32, np.float64]
ROWS = 1000


@pytest.fixture(autouse=True)
def no_warnings():
    """Of memory that is read-only, for example."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def numbers(dtype) -> pa.RecordBatch:
    """As a table gives them."""
    table = make({"a": pa.array((np.arange(ROWS) % 100).astype(dtype)), "b": range(ROWS)})
    permutation = Permutation.identity(table).with_format("arrow").select_columns(["a"])
    return permutation.__getitems__(range(ROWS - 1, -1, -1))


def vectors() -> pa.RecordBatch:
    values = pa.array(np.arange(ROWS * 8, dtype=np.float32))
    table = make({"v": pa.FixedSizeListArray.from_arrays(values, 8)})
    return Permutation.identity(table).with_format("arrow").__getitems__(range(ROWS))


def address(column: pa.Array) -> int:
    """Of the value in the first row."""
    rows = column.offset
    while pa.types.is_fixed_size_list(column.type):
        rows *= column.type.list_size
        column = column.values
        rows += column.offset
    return column.buffers()[1].address + rows * column.type.bit_width // 8


def address_of_array(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def address_of_series(series: polars.Series) -> int:
    return address(series.to_arrow())


@pytest.fixture(params=["all", "slice"])
def part(request):
    """Iteration hands out slices."""
    return (lambda batch: batch) if request.param == "all" else (lambda batch: batch.slice(7, 100))


@pytest.mark.parametrize("dtype", NUMBERS)
def test_one_column_of_numbers(dtype, part):
    batch = part(numbers(dtype))
    where = address(batch.column(0))
    assert address(Transforms.arrow2arrow(batch).column(0)) == where
    assert address_of_array(Transforms.arrow2numpy(batch)) == where
    assert address_of_array(Transforms.arrow2pandas(batch)["a"].to_numpy()) == where
    assert address_of_series(Transforms.arrow2polars(batch)["a"]) == where
    assert Transforms.arrow2torchcol(batch).data_ptr() == where
    tensors = [row["a"] for row in Transforms.arrow2torch(batch)]
    assert [tensor.data_ptr() for tensor in tensors[:3]] == [
        where + i * np.dtype(dtype).itemsize for i in range(3)
    ]


def test_one_column_of_vectors(part):
    batch = part(vectors())
    where = address(batch.column(0))
    assert address(Transforms.arrow2arrow(batch).column(0)) == where
    assert address_of_array(Transforms.arrow2numpy(batch)) == where
    assert address_of_series(Transforms.arrow2polars(batch)["v"]) == where
    assert Transforms.arrow2torchcol(batch).data_ptr() == where
    for rows in (Transforms.arrow2torchrow(batch), [r["v"] for r in Transforms.arrow2torch(batch)]):
        assert [row.data_ptr() for row in rows[:3]] == [where + i * 8 * 4 for i in range(3)]


def test_several_columns(part):
    """Of a data frame, each is where it was read to."""
    table = make({"a": range(ROWS), "b": pa.array(range(ROWS), pa.int64()), "c": [0.5] * ROWS})
    batch = part(Permutation.identity(table).with_format("arrow").__getitems__(range(ROWS)))
    where = [address(column) for column in batch.columns]
    frame = Transforms.arrow2pandas(batch)
    assert [address_of_array(frame[name].to_numpy()) for name in "abc"] == where
    frame = Transforms.arrow2polars(batch)
    assert [address_of_series(frame[name]) for name in "abc"] == where
    assert [row["b"].data_ptr() for row in Transforms.arrow2torch(batch)[:1]] == where[1:2]


@pytest.mark.parametrize(
    "kind", [pa.timestamp("us"), pa.timestamp("ns", "UTC"), pa.duration("ms"), pa.duration("us")],
    ids=str,
)  # fmt: skip
def test_times(kind, part):
    table = make({"a": pa.array(range(ROWS), kind)})
    batch = part(Permutation.identity(table).with_format("arrow").__getitems__(range(ROWS)))
    where = address(batch.column(0))
    assert address_of_array(Transforms.arrow2numpy(batch)) == where
    assert address_of_series(Transforms.arrow2polars(batch)["a"]) == where


def test_nulls_do_not_make_polars_copy(part):
    table = make({"a": pa.array([i if i % 3 else None for i in range(ROWS)])})
    batch = part(Permutation.identity(table).with_format("arrow").__getitems__(range(ROWS)))
    series = Transforms.arrow2polars(batch)["a"]
    assert series.null_count() > 0
    assert address_of_series(series) == address(batch.column(0))


@pytest.mark.parametrize("name", ["arrow", "polars", "pandas", "numpy", "torch", "torch_col"])
def test_iteration_hands_out_parts_of_what_was_read(name):
    """Batches are cut from windows, and not copied for that."""
    transform = getattr(Transforms, f"arrow2{name.replace('_', '')}")
    read = []

    def look(batch: pa.RecordBatch):
        read.append(address(batch.column(0)))
        return transform(batch)

    permutation = Permutation.identity(make({"a": range(ROWS)})).with_transform(look)
    batches = list(permutation.iter(10))
    assert len(batches) == ROWS // 10
    steps = np.diff(read)
    assert (steps == 80).mean() > 0.9  # next to each other


@pytest.mark.parametrize("name", ["polars", "pandas", "numpy", "torch", "torch_row", "torch_col"])
def test_results_keep_their_memory_alive(name):
    def read():
        table = make({"a": pa.array(np.full(200_000, 7))})
        return Permutation.identity(table).with_format(name)[:]

    rows = read()
    gc.collect()
    others = [np.full(200_000, i) for i in range(20)]  # would lie in memory that was given back
    assert len(others) == 20
    if name == "torch":
        assert {row["a"].item() for row in rows[::1000]} == {7}
    elif name == "torch_row":
        assert {row.item() for row in rows[::1000]} == {7}
    elif name == "torch_col":
        assert bool((rows == 7).all())
    else:
        values = rows if name == "numpy" else rows["a"].to_numpy()
        assert (values == 7).all()


def test_arrays_that_share_memory_cannot_be_written_to():
    batch = numbers(np.int32)
    array = Transforms.arrow2numpy(batch)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1
    assert Transforms.arrow2numpy(pa.record_batch({"a": [True, False]})).flags.writeable
