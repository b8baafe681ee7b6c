"""The formats of rows: what each type becomes, and the errors where it becomes nothing."""

import datetime
import decimal
import pickle
import warnings

import numpy as np
import pyarrow as pa
import pytest

from permutations import make
from pilum.permutation import Permutation, Transforms

torch = pytest.importorskip("torch")
pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")

FORMATS = {
    "python": Transforms.arrow2python,
    "python_col": Transforms.arrow2pythoncol,
    "arrow": Transforms.arrow2arrow,
    "polars": Transforms.arrow2polars,
    "pandas": Transforms.arrow2pandas,
    "numpy": Transforms.arrow2numpy,
    "torch": Transforms.arrow2torch,
    "torch_row": Transforms.arrow2torchrow,
    "torch_col": Transforms.arrow2torchcol,
}
TENSORS = ["torch", "torch_row", "torch_col"]
NUMBERS = {
    pa.int8(): "int8",
    pa.int16(): "int16",
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.uint8(): "uint8",
    pa.uint16(): "uint16",
    pa.uint32(): "uint32",
    pa.uint64(): "uint64",
    pa.float16(): "float16",
    pa.float32(): "float32",
    pa.float64(): "float64",
}
VECTOR = pa.list_(pa.float32(), 4)
VECTORS = [[float(4 * i + j) for j in range(4)] for i in range(10)]


@pytest.fixture(autouse=True)
def no_warnings():
    """Of memory that is read-only, for example."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def column(kind: pa.DataType, rows: int = 10) -> pa.Array:
    return pa.array(np.arange(rows, dtype=NUMBERS[kind]), kind)


def batch(**columns) -> pa.RecordBatch:
    return pa.record_batch(columns)


# ----------------------------------------------------------------------------------- what they give
def test_formats_are_their_transforms():
    permutation = Permutation.identity(make({"a": [1, 2]}))
    assert permutation.transform_fn is Transforms.arrow2python
    for name, transform in FORMATS.items():
        assert permutation.with_format(name).transform_fn is transform
        assert pickle.loads(pickle.dumps(transform)) is transform


def test_shapes():
    rows = batch(a=[1, 2, 3], b=[4, 5, 6])
    assert Transforms.arrow2python(rows) == [{"a": i, "b": i + 3} for i in (1, 2, 3)]
    assert Transforms.arrow2pythoncol(rows) == {"a": [1, 2, 3], "b": [4, 5, 6]}
    assert Transforms.arrow2arrow(rows) is rows
    assert Transforms.arrow2polars(rows).rows() == [(1, 4), (2, 5), (3, 6)]
    assert Transforms.arrow2pandas(rows).to_dict("list") == {"a": [1, 2, 3], "b": [4, 5, 6]}
    assert Transforms.arrow2numpy(rows).tolist() == [[1, 4], [2, 5], [3, 6]]
    assert Transforms.arrow2torchcol(rows).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert [row.tolist() for row in Transforms.arrow2torchrow(rows)] == [[1, 4], [2, 5], [3, 6]]
    dicts = Transforms.arrow2torch(rows)
    assert [{name: value.item() for name, value in row.items()} for row in dicts] == [
        {"a": i, "b": i + 3} for i in (1, 2, 3)
    ]
    assert all(value.dim() == 0 for row in dicts for value in row.values())


@pytest.mark.parametrize("slice_of", [(0, 0), (0, 10), (3, 4), (10, 0)], ids=str)
@pytest.mark.parametrize("kind", NUMBERS, ids=str)
def test_numbers_keep_their_type(kind, slice_of):
    start, rows = slice_of
    one = batch(a=column(kind)).slice(start, rows)
    expected = np.arange(start, start + rows, dtype=NUMBERS[kind])
    array = Transforms.arrow2numpy(one)
    assert (array.dtype, array.shape) == (expected.dtype, (rows, 1))
    np.testing.assert_array_equal(array[:, 0], expected)
    series = Transforms.arrow2pandas(one)["a"]
    assert series.dtype == expected.dtype
    assert series.tolist() == expected.tolist()
    assert Transforms.arrow2polars(one)["a"].to_list() == expected.tolist()
    dtype = getattr(torch, NUMBERS[kind])
    tensor = Transforms.arrow2torchcol(one)
    assert (tensor.dtype, tensor.shape) == (dtype, (1, rows))
    assert tensor[0].tolist() == expected.tolist()
    dicts, tensors = Transforms.arrow2torch(one), Transforms.arrow2torchrow(one)
    assert [row["a"].tolist() for row in dicts] == expected.tolist()
    assert [row.tolist() for row in tensors] == [[value] for value in expected.tolist()]
    assert {value.dtype for row in dicts for value in row.values()} <= {dtype}
    assert {row.dtype for row in tensors} <= {dtype}


def test_several_types_are_promoted():
    rows = batch(a=pa.array([1, 2**40 + 1]), b=pa.array([0.5, 1.5], pa.float32()))
    assert Transforms.arrow2numpy(rows).dtype == np.float64
    assert Transforms.arrow2numpy(rows)[1].tolist() == [2**40 + 1, 1.5]
    assert Transforms.arrow2torchcol(rows).dtype == torch.float32  # as torch has it
    assert Transforms.arrow2torchrow(rows)[1].tolist() == [2**40 + 1, 1.5]  # as numpy has it
    rows = batch(a=pa.array([1], pa.int8()), b=pa.array([300], pa.int16()))
    for transform in (Transforms.arrow2numpy, Transforms.arrow2torchcol):
        assert str(transform(rows).dtype).endswith("int16")
    rows = batch(a=[True, False], b=pa.array([7, 8], pa.uint8()))
    assert Transforms.arrow2numpy(rows).tolist() == [[1, 7], [0, 8]]
    assert Transforms.arrow2torchcol(rows).tolist() == [[1, 0], [7, 8]]
    rows = batch(a=pa.array([1], pa.int64()), b=pa.array([2], pa.uint64()))
    assert Transforms.arrow2torchrow(rows)[0].dtype == torch.float64


@pytest.mark.parametrize("start", [0, 1, 3, 9])
def test_booleans(start):
    flags = [i % 3 == 0 for i in range(20)]
    rows = batch(a=flags, b=flags[::-1]).slice(start)
    for name in ("a", "b"):
        one = rows.select([name])
        expected = one.column(0).to_pylist()
        assert Transforms.arrow2numpy(one).dtype == bool
        assert Transforms.arrow2numpy(one)[:, 0].tolist() == expected
        assert Transforms.arrow2torchcol(one).dtype == torch.bool
        assert Transforms.arrow2torchcol(one)[0].tolist() == expected
        assert [row[name].item() for row in Transforms.arrow2torch(one)] == expected
    assert Transforms.arrow2torchcol(rows).shape == (2, 20 - start)
    assert Transforms.arrow2torchrow(rows)[0].tolist() == [flags[start], flags[19 - start]]


# --------------------------------------------------------------------------------- vectors, tensors
@pytest.mark.parametrize("slice_of", [(0, 10), (3, 4), (10, 0)], ids=str)
def test_vectors(slice_of):
    start, rows = slice_of
    one = batch(v=pa.array(VECTORS, VECTOR)).slice(start, rows)
    expected = VECTORS[start : start + rows]
    for transform in (Transforms.arrow2numpy, Transforms.arrow2torchcol):
        assert transform(one).shape == (rows, 4)
        assert transform(one).tolist() == expected
    assert [row["v"].tolist() for row in Transforms.arrow2torch(one)] == expected
    assert [row.tolist() for row in Transforms.arrow2torchrow(one)] == expected
    assert Transforms.arrow2polars(one)["v"].to_list() == expected
    assert [list(row) for row in Transforms.arrow2pandas(one)["v"]] == expected


def test_vectors_beside_other_columns():
    rows = batch(v=pa.array(VECTORS, VECTOR), a=range(10))
    dicts = Transforms.arrow2torch(rows)
    assert (dicts[3]["v"].tolist(), dicts[3]["a"].item()) == (VECTORS[3], 3)
    table = Transforms.arrow2numpy(rows)
    assert (table.shape, table.dtype) == ((10, 2), object)
    assert table[3].tolist() == [VECTORS[3], 3]
    for transform in (Transforms.arrow2torchcol, Transforms.arrow2torchrow):
        with pytest.raises(TypeError, match="column 'v' has several values in a row"):
            transform(rows)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([[1, 2], [3, 4], [5, 6]], pa.list_(pa.list_(pa.int8(), 2), 3)),
        ([True, False, True], pa.list_(pa.bool_(), 3)),
        ([0.5], pa.list_(pa.float16(), 1)),
    ],
    ids=["nested", "booleans", "half floats"],
)
def test_vectors_of_every_kind(value, kind):
    one = batch(v=pa.array([value] * 5, kind)).slice(1, 3)
    for transform in (Transforms.arrow2numpy, Transforms.arrow2torchcol):
        assert transform(one).tolist() == [value] * 3
    assert [row["v"].tolist() for row in Transforms.arrow2torch(one)] == [value] * 3


def test_tensors_have_their_shape():
    images = np.arange(5 * 2 * 3 * 4, dtype=np.uint8).reshape(5, 2, 3, 4)
    one = batch(v=pa.FixedShapeTensorArray.from_numpy_ndarray(images)).slice(1, 3)
    for transform in (Transforms.arrow2numpy, Transforms.arrow2torchcol):
        np.testing.assert_array_equal(transform(one), images[1:4])
    np.testing.assert_array_equal(Transforms.arrow2torch(one)[0]["v"], images[1])


def test_tensors_whose_dimensions_are_stored_in_another_order():
    """Dimension i is the stored dimension permutation[i], as Arrow's specification has it."""
    stored = np.arange(5 * 2 * 3 * 4, dtype=np.int16).reshape(5, 2, 3, 4)
    kind = pa.fixed_shape_tensor(pa.int16(), [2, 3, 4], permutation=[2, 0, 1])
    storage = pa.FixedSizeListArray.from_arrays(stored.ravel(), 24)
    one = batch(v=pa.ExtensionArray.from_storage(kind, storage)).slice(1)
    expected = stored.transpose(0, 3, 1, 2)[1:]
    for transform in (Transforms.arrow2numpy, Transforms.arrow2torchcol):
        np.testing.assert_array_equal(transform(one), expected)
    np.testing.assert_array_equal(Transforms.arrow2torch(one)[3]["v"], expected[3])


# --------------------------------------------------------------------------------- nulls, others
def test_nulls_in_numbers():
    rows = batch(
        i=pa.array([1, None, 3]),
        u=pa.array([1, None, 3], pa.uint8()),
        f=pa.array([1, None, 3], pa.float32()),
    )
    for name, dtype in [("i", "float64"), ("u", "float64"), ("f", "float32")]:
        one = rows.select([name])
        for values in (Transforms.arrow2numpy(one)[:, 0], Transforms.arrow2pandas(one)[name]):
            assert values.dtype == dtype
            np.testing.assert_array_equal(values, [1, np.nan, 3])
        assert Transforms.arrow2polars(one)[name].to_list() == [1, None, 3]
    assert Transforms.arrow2numpy(rows).dtype == np.float64
    vectors = batch(v=pa.array([[1, None], [3, 4]], pa.list_(pa.int32(), 2)))
    np.testing.assert_array_equal(Transforms.arrow2numpy(vectors), [[1, np.nan], [3, 4]])


UTC = datetime.timezone.utc
OBJECTS = {
    "text": pa.array(["a", None, "b"]),
    "bytes": pa.array([b"a", None, b"b"]),
    "lists": pa.array([[1], None, []]),
    "structs": pa.array([{"x": 1}, None, {"x": None}]),
    "categories": pa.array(["a", None, "a"]).dictionary_encode(),
    "decimals": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal(0)], pa.decimal128(5, 2)),
    "flags with nulls": pa.array([True, None, False]),
    "days": pa.array([datetime.date(2020, 1, 2), None, datetime.date(1, 1, 1)]),
    "clock times": pa.array([datetime.time(1, 2), None, datetime.time(3)], pa.time64("us")),
    "vectors with nulls": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float32(), 2)),
    "vectors of text": pa.array([["a"], ["b"], ["c"]], pa.list_(pa.string(), 1)),
    "nothing": pa.nulls(3),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_what_is_no_number_is_an_object_in_numpy(name):
    values = OBJECTS[name]
    for rows in (batch(x=values), batch(x=values, y=pa.array([1.5, 2.5, 3.5]))):
        table = Transforms.arrow2numpy(rows)
        assert (table.dtype, table.shape) == (object, (3, rows.num_columns))
        assert table[:, 0].tolist() == values.to_pylist()
        if rows.num_columns > 1:
            assert table[:, 1].tolist() == [1.5, 2.5, 3.5]


def test_pandas_and_polars():
    for name, values in OBJECTS.items():
        frame = Transforms.arrow2polars(batch(x=values))
        assert frame["x"].to_list() == values.to_pylist(), name
    dtypes = {n: Transforms.arrow2pandas(batch(x=v))["x"].dtype for n, v in OBJECTS.items()}
    assert isinstance(dtypes["text"], pandas.StringDtype)
    assert isinstance(dtypes["categories"], pandas.CategoricalDtype)
    for name in ("bytes", "lists", "structs", "decimals", "flags with nulls", "days"):
        assert dtypes[name] is np.dtype(object), name
    frame = Transforms.arrow2pandas(batch(x=OBJECTS["categories"]))
    assert frame["x"].astype(object).tolist()[::2] == ["a", "a"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times(unit):
    stamps = pa.array([5, None, -7], pa.timestamp(unit))
    zoned = pa.array([5, 6, -7], pa.timestamp(unit, "America/New_York"))
    spans = pa.array([5, None, 7], pa.duration(unit))
    array = Transforms.arrow2numpy(batch(x=stamps))
    assert array.dtype == f"datetime64[{unit}]"
    assert array[:, 0].astype("i8").tolist()[::2] == [5, -7]
    assert np.isnat(array[1, 0])
    array = Transforms.arrow2numpy(batch(x=zoned))  # of UTC: numpy has no zones
    assert (array.dtype, array[:, 0].astype("i8").tolist()) == (f"datetime64[{unit}]", [5, 6, -7])
    array = Transforms.arrow2numpy(batch(x=spans))
    assert array.dtype == f"timedelta64[{unit}]"
    assert array[:, 0].astype("i8").tolist()[::2] == [5, 7]
    for other in (spans, pa.array([1, 2, 3]), pa.array([0.5, 1.5, None])):
        table = Transforms.arrow2numpy(batch(x=stamps, y=other))  # nothing that both can be
        assert table.dtype == object
        assert table[:, 0].tolist() == stamps.to_pylist()
    frame = Transforms.arrow2pandas(batch(x=zoned))
    assert frame["x"].dtype == pandas.DatetimeTZDtype(unit, "America/New_York")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array(["a"]), "column 'x' of type string cannot become a tensor"),
        (pa.array([b"a"]), "column 'x' of type binary"),
        (pa.array([[1]]), "column 'x' of type list<"),
        (pa.array([{"y": 1}]), "column 'x' of type struct<"),
        (pa.array([1], pa.timestamp("us")), r"column 'x' of type timestamp\[us\]"),
        (pa.array([1], pa.date32()), r"column 'x' of type date32\[day\]"),
        (pa.array([decimal.Decimal(1)]), "column 'x' of type decimal128"),
        (pa.array(["a"]).dictionary_encode(), "column 'x' of type dictionary<"),
        (pa.array([["a"]], pa.list_(pa.string(), 1)), "column 'x' of type fixed_size_list<"),
        (pa.array([1, None]), "column 'x' has nulls; a tensor cannot have any"),
        (pa.array([True, None]), "column 'x' has nulls"),
        (pa.array(["a", None]), "column 'x' has nulls"),
        (pa.nulls(2), "column 'x' has nulls"),
        (pa.array([[1.0], None], pa.list_(pa.float32(), 1)), "column 'x' has nulls"),
        (pa.array([[1.0], [None]], pa.list_(pa.float32(), 1)), "column 'x' has nulls"),
        (pa.array([[[1]], [None]], pa.list_(pa.list_(pa.int8(), 1), 1)), "column 'x' has nulls"),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
@pytest.mark.parametrize("name", TENSORS)
def test_what_no_tensor_can_hold(name, column, message):
    for rows in (batch(x=column), batch(a=range(len(column)), x=column)):
        with pytest.raises(TypeError, match=message):
            FORMATS[name](rows)


def test_nulls_elsewhere_do_not_matter():
    """Rows that are left of a column with nulls may have none."""
    rows = batch(
        a=pa.array([None, 1, 2, None]), v=pa.array([None, [1], [2], [None]], pa.list_(pa.int8(), 1))
    )
    part = rows.slice(1, 2)
    assert Transforms.arrow2numpy(part.select(["a"])).dtype == np.int64
    assert Transforms.arrow2torchcol(part.select(["a"])).tolist() == [[1, 2]]
    assert Transforms.arrow2torchcol(part.select(["v"])).tolist() == [[1], [2]]


def test_no_columns_and_no_rows():
    none = batch(a=[1, 2, 3]).select([])
    assert Transforms.arrow2python(none) == [{}, {}, {}]
    assert Transforms.arrow2pythoncol(none) == {}
    assert Transforms.arrow2polars(none).shape == (3, 0)
    assert Transforms.arrow2pandas(none).shape == (3, 0)
    assert Transforms.arrow2numpy(none).shape == (3, 0)
    assert Transforms.arrow2torch(none) == [{}, {}, {}]
    assert [row.shape for row in Transforms.arrow2torchrow(none)] == [(0,)] * 3
    assert Transforms.arrow2torchcol(none).shape == (0, 3)
    empty = batch(a=pa.array([], pa.int32()), b=pa.array([], pa.bool_()))
    for name in ("python", "torch", "torch_row"):
        assert FORMATS[name](empty) == []
    assert Transforms.arrow2pythoncol(empty) == {"a": [], "b": []}
    assert Transforms.arrow2numpy(empty).shape == Transforms.arrow2polars(empty).shape == (0, 2)
    assert Transforms.arrow2torchcol(empty).shape == (2, 0)
