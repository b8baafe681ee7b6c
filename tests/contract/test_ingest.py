"""What can be written: every kind of data as a stream of record batches."""

import array
import collections
import datetime
import decimal
import gc
import subprocess
import sys
import types
import weakref

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilum.errors import InvalidArgumentError
from pilum.ingest import Rows, reraise, to_reader

TABLE = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", None, "c"]})
BATCH = TABLE.to_batches()[0]
ROWS = TABLE.to_pylist()
INT32 = pa.schema({"id": pa.int32()})


def ids(*values, type=None):
    return pa.record_batch({"id": pa.array(values, type or pa.int64())})


class Stream:
    """Something with Arrow's stream interface and nothing else."""

    def __arrow_c_stream__(self, requested_schema=None):
        return TABLE.__arrow_c_stream__(requested_schema)


class Array:
    def __arrow_c_array__(self, requested_schema=None):
        return BATCH.__arrow_c_array__(requested_schema)


class Iterable:
    def __iter__(self):
        return iter([BATCH.slice(0, 1), BATCH.slice(1)])


class Source:
    """A generator of `items` that knows how far it is and whether it was closed."""

    def __init__(self, *items, error=None):
        self.made = 0
        self.closed = False
        self.generator = self._make(items, error)

    def _make(self, items, error):
        try:
            for item in items:
                self.made += 1
                yield item
            if error is not None:
                raise error
        finally:
            self.closed = True


# ----------------------------------------------------------------------------------- kinds of data
KINDS = {
    "Table": TABLE,
    "chunked Table": pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)]),
    "RecordBatch": BATCH,
    "list of RecordBatch": [BATCH.slice(0, 2), BATCH.slice(2)],
    "tuple of RecordBatch": (BATCH,),
    "list of Table": [TABLE.slice(0, 2), TABLE.slice(2)],
    "list of dict": ROWS,
    "tuple of dict": tuple(ROWS),
    "list of Mapping": [types.MappingProxyType(row) for row in ROWS],
    "list of dict and RecordBatch": [ROWS[0], BATCH.slice(1, 1), ROWS[2]],
    "Dataset": pa.dataset.dataset(TABLE),
    "Scanner": pa.dataset.dataset(TABLE).scanner(),
    "stream interface": Stream(),
    "array interface": Array(),
    "iterable": Iterable(),
    "deque": collections.deque([BATCH]),
}


@pytest.mark.parametrize("with_schema", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind, with_schema):
    reader = to_reader(KINDS[kind], TABLE.schema if with_schema else None)
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.schema == TABLE.schema
    assert reader.read_all().equals(TABLE)


GENERATED = {
    "reader": lambda: TABLE.to_reader(),
    "iterator of batches": lambda: iter([BATCH.slice(0, 1), BATCH.slice(1)]),
    "generator of batches": lambda: (BATCH.slice(i, 1) for i in range(3)),
    "generator of tables": lambda: (TABLE.slice(i, 1) for i in range(3)),
    "generator of readers": lambda: (TABLE.slice(i, 1).to_reader() for i in range(3)),
    "generator of lists": lambda: ([BATCH.slice(i, 1)] for i in range(3)),
    "generator of dicts": lambda: (row for row in ROWS),
    "generator of lists of dicts": lambda: (rows for rows in ([ROWS[0]], [], ROWS[1:])),
    "generator of generators": lambda: ((BATCH.slice(i, 1) for _ in "x") for i in range(3)),
    "generator of streams": lambda: (part for part in [BATCH.slice(0, 0), Stream()]),
    "map": lambda: map(dict, ROWS),
}


@pytest.mark.parametrize("with_schema", [False, True])
@pytest.mark.parametrize("kind", GENERATED)
def test_streams(kind, with_schema):
    reader = to_reader(GENERATED[kind](), TABLE.schema if with_schema else None)
    assert reader.schema == TABLE.schema
    assert reader.read_all().combine_chunks().equals(TABLE)


def test_the_schema_of_a_table_stays_as_it_is():
    schema = pa.schema([pa.field("id", pa.int8(), False, {"k": "v"})], {"a": "b"})
    table = pa.table([pa.array([1], pa.int8())], schema=schema)
    assert to_reader(table).schema.equals(schema, check_metadata=True)
    assert to_reader(ids(1), schema).schema.equals(schema, check_metadata=True)


@pytest.mark.parametrize(
    ("data", "schema", "kind"),
    [
        (np.zeros(3), None, "numpy.ndarray"),
        (np.zeros((3, 2)), INT32, "numpy.ndarray"),
        ("rows.parquet", None, "str"),
        (b"rows", None, "bytes"),
        (5, None, "int"),
        (None, None, "NoneType"),
        (None, INT32, "NoneType"),
        (object(), None, "object"),
        (array.array("i", [1]), None, "item 0.* int"),
        (pa.array([1]), None, "pyarrow.lib.Int64Array"),
        (pa.chunked_array([[1]]), None, "pyarrow.lib.ChunkedArray"),
        (pd.Series([1]), None, "Series"),
        (pl.Series([1]), None, "Series"),
        (pa.Table, None, "type"),
        (pl.DataFrame, None, "type"),
        ([1, 2], None, "item 0: .* int"),
        (["a"], INT32, "item 0: .* str"),
        ([None], None, "item 0: .* NoneType"),
        ([[1.0]], None, "item 0: item 0: .* float"),
        ([ids(1), np.zeros(2)], None, "item 1: .* numpy.ndarray"),
        (range(3), None, "item 0: .* int"),
    ],
)
def test_other_things(data, schema, kind):
    with pytest.raises(TypeError, match=f"(?s){kind}.*pyarrow Table.*pandas DataFrame.*list of di"):
        to_reader(data, schema).read_all()


def test_schema_must_be_a_schema():
    with pytest.raises(TypeError, match=r"schema must be a pyarrow.Schema, not dict"):
        to_reader([], {"id": "int64"})


@pytest.mark.parametrize("schema", [None, INT32])
def test_a_single_dict(schema):
    with pytest.raises(
        ValueError,
        match="cannot create or add rows from a single dictionary; use a list",
    ):
        to_reader({"id": 1}, schema)


@pytest.mark.parametrize("data", [[], ()])
def test_empty_list(data):
    with pytest.raises(ValueError, match="Cannot create table from empty list without a schema"):
        to_reader(data)
    reader = to_reader(data, INT32)
    assert reader.schema == INT32
    assert list(reader) == []


def test_empty_iterator():
    with pytest.raises(
        ValueError, match="Cannot create table from empty iterator without a schema"
    ):
        to_reader(iter([]))
    assert to_reader(iter([]), INT32).read_all().equals(INT32.empty_table())


def test_empty_table():
    assert to_reader(TABLE.slice(0, 0)).read_all().equals(TABLE.slice(0, 0))


# -------------------------------------------------------------------------------- pandas and polars
def test_pandas():
    frame = pd.DataFrame({"id": [1, 2], "x": [0.5, float("nan")], "s": ["a", None]}, index=[7, 8])
    reader = to_reader(frame)
    assert reader.schema.names == ["id", "x", "s"]
    assert not reader.schema.metadata
    assert reader.read_all().to_pydict() == {"id": [1, 2], "x": [0.5, None], "s": ["a", None]}
    schema = pa.schema({"s": pa.string(), "id": pa.int32(), "x": pa.float32()})
    assert to_reader(frame, schema).read_all().schema == schema


def test_pandas_that_cannot_be_converted():
    with pytest.raises(InvalidArgumentError, match=r"item 1: .* column v"):
        to_reader(iter([ids(1), pd.DataFrame({"v": [1, "a"]})])).read_all()
    with pytest.raises(InvalidArgumentError, match="a"):
        to_reader(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def polars_frame():
    return pl.DataFrame(
        {
            "s": ["a", None, "c"],
            "b": [b"x", b"", None],
            "c": pl.Series(["u", "v", "u"], dtype=pl.Categorical),
            "l": [[1], [], None],
        }
    )


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.filterwarnings("error")
def test_polars(lazy):
    frame = polars_frame()
    reader = to_reader(frame.lazy() if lazy else frame)
    assert reader.schema.field("s").type == pa.large_string()
    assert reader.schema.field("b").type == pa.large_binary()
    assert reader.schema == frame.to_arrow().schema
    assert reader.read_all().to_pylist() == frame.to_arrow().to_pylist()
    schema = pa.schema({"s": pa.string()})
    one = frame.select("s")
    assert to_reader(one.lazy() if lazy else one, schema).read_all().to_pydict() == {
        "s": ["a", None, "c"]
    }


@pytest.mark.parametrize("lazy", [False, True])
def test_large_polars_frames_come_in_order_and_in_batches(lazy):
    frame = pl.DataFrame({"id": range(50_000)})
    batches = list(to_reader(frame.lazy() if lazy else frame))
    assert lazy or len(batches) == 7
    assert [i for batch in batches for i in batch["id"].to_pylist()] == list(range(50_000))


def test_lazy_frames_are_not_run_before_they_are_read():
    ran = []

    def note(frame):
        ran.append(len(frame))
        return frame

    lazy = pl.LazyFrame({"id": [1, 2]}).map_batches(note, schema={"id": pl.Int64})
    reader = to_reader(lazy)
    assert ran == []
    assert reader.read_all().num_rows == 2
    assert ran


def test_empty_frames():
    assert to_reader(polars_frame().clear()).read_all().num_rows == 0
    assert to_reader(polars_frame().clear().lazy()).read_all().num_rows == 0
    assert to_reader(pd.DataFrame({"id": pd.Series(dtype="int64")})).read_all().num_rows == 0


# ---------------------------------------------------------------------------------- rows of Python
def test_keys_of_all_rows_count():
    data = [{"a": 1}, {"b": "x"}, {}, {"a": 2, "c": [1.5]}]
    table = to_reader(data).read_all()
    assert table.schema == pa.schema(
        {"a": pa.int64(), "b": pa.string(), "c": pa.list_(pa.float64())}
    )
    assert table.to_pylist() == [{"a": None, "b": None, "c": None} | row for row in data]


def test_keys_that_turn_up_late_in_a_long_list():
    data = [{"a": 1}] * 20_000 + [{"a": 1.5, "b": True}]
    batches = list(to_reader(data))
    assert [batch.num_rows for batch in batches] == [8192, 8192, 3617]
    assert batches[0].schema == pa.schema({"a": pa.float64(), "b": pa.bool_()})
    assert batches[-1].to_pylist()[-1] == {"a": 1.5, "b": True}


def test_values_become_what_the_schema_says():
    schema = pa.schema(
        {
            "vector": pa.list_(pa.float32(), 2),
            "small": pa.int8(),
            "kind": pa.dictionary(pa.int8(), pa.string()),
            "missing": pa.binary(),
            "when": pa.timestamp("us", "UTC"),
        }
    )
    when = datetime.datetime(2024, 5, 1, tzinfo=datetime.timezone.utc)
    rows = [
        {"kind": "a", "small": 1, "vector": np.array([1, 2]), "when": when},
        {"small": None, "vector": [3, 4.5], "kind": "b"},
    ]
    table = to_reader(rows, schema).read_all()
    assert table.schema == schema
    assert table.to_pylist() == [
        {"vector": [1.0, 2.0], "small": 1, "kind": "a", "missing": None, "when": when},
        {"vector": [3.0, 4.5], "small": None, "kind": "b", "missing": None, "when": None},
    ]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1.5, pa.int64()),
        (np.float32(1.5), pa.int8()),
        ([1, 1.5], pa.list_(pa.int32())),
        (np.array([1.5]), pa.list_(pa.int32())),
        ({"a": 1.5}, pa.struct({"a": pa.int64()})),
        (float("nan"), pa.int64()),
        (decimal.Decimal("1.5"), pa.int64()),
        (datetime.datetime(2024, 1, 1, microsecond=1), pa.timestamp("ms")),
        (300, pa.int8()),
        (2**70, pa.int64()),
        ("7", pa.int64()),
        (7, pa.string()),
        ("\ud800", pa.string()),
        ([1], pa.list_(pa.float32(), 2)),
        (decimal.Decimal("1.23"), pa.decimal128(3, 1)),
        ({"a": 1, "typo": 2}, pa.struct({"a": pa.int64()})),
        ([{"a": 1, "typo": 2}], pa.list_(pa.struct({"a": pa.int64()}))),
    ],
)
@pytest.mark.parametrize("row", [0, 4, 10_000])
def test_a_value_that_does_not_fit_is_named(value, kind, row):
    rows = [{"id": 1, "v": None}] * row + [{"v": value}] + [{"id": 1}] * 9
    schema = pa.schema({"id": pa.int64(), "v": kind})
    for data in (rows, iter(rows)):
        with pytest.raises(InvalidArgumentError, match=f"^row {row}, column 'v'") as caught:
            to_reader(data, schema).read_all()
        assert caught.value.column == "v"


def test_rows_are_counted_over_batches():
    rows = [{"v": 1}] * 30_000
    for row in (0, 8191, 8192, 16_383, 16_384, 29_999):
        bad = [*rows[:row], {"v": "x"}, *rows[row + 1 :]]
        for data in (bad, iter(bad), [ids(1), *bad]):
            number = row + (len(data) > len(rows) if isinstance(data, list) else 0)
            with pytest.raises(InvalidArgumentError, match=f"^row {number}, column 'v'"):
                to_reader(data, pa.schema({"v": pa.int64(), "id": pa.int64()})).read_all()


def test_values_of_different_kinds_are_named():
    with pytest.raises(InvalidArgumentError, match=r"^row 3, column 'v'.*'x'"):
        to_reader([{"v": 1}, {}, {"v": 2}, {"v": "x"}, {"v": 3}]).read_all()
    with pytest.raises(InvalidArgumentError, match=r"^item 1: row 1, column 'v'"):
        to_reader(iter([[{"v": 1}], [{"v": 1}, {"v": "x"}]])).read_all()


def test_unknown_keys():
    for data in ([{"id": 1}, {"id": 1, "k": 2}], iter([{"id": 1}, {"k": 2}])):
        with pytest.raises(ValueError, match="row 1: field 'k' does not exist in table schema"):
            to_reader(data, INT32).read_all()


def test_odd_keys():
    with pytest.raises(InvalidArgumentError, match=r"names of columns must be str, not 1 \(int\)"):
        to_reader([{"a": 1, 1: 2}])
    with pytest.raises(InvalidArgumentError, match="no columns"):
        to_reader([{}, {}])
    with pytest.raises(InvalidArgumentError, match="row 0: field 'a' does not exist"):
        to_reader([{"a": 1}], pa.schema([])).read_all()
    with pytest.raises(InvalidArgumentError, match=r"row 1, column 'a': .* no type in common"):
        to_reader([{"a": 1}, {"a": [1]}])
    assert to_reader([{}, {}], INT32).read_all().to_pylist() == [{"id": None}] * 2


def test_a_generator_of_rows_is_read_in_batches():
    source = Source(*({"a": i} if i < 9000 else {"a": None} for i in range(20_000)))
    reader = to_reader(source.generator)
    assert source.made == 8192
    assert [batch.num_rows for batch in reader] == [8192, 8192, 3616]


def test_large_rows_make_smaller_batches():
    source = Source(*({"image": bytes([i]) * (3 << 20)} for i in range(20)))
    reader = to_reader(source.generator)
    assert source.made < 8
    sizes = [batch.num_rows for batch in reader]
    assert sum(sizes) == 20
    assert max(sizes) < 8


def test_the_first_batch_of_rows_decides():
    rows = [{"a": 1}] * 8192 + [{"a": 1.5}]
    with pytest.raises(InvalidArgumentError, match="row 8192, column 'a'"):
        to_reader(iter(rows)).read_all()
    rows = [{"a": None}] * 8192 + [{"a": 1}]
    with pytest.raises(InvalidArgumentError, match=r"row 8192, column 'a'.*pass a schema"):
        to_reader(iter(rows)).read_all()
    rows[-1] = {"a": None, "b": 2}
    with pytest.raises(InvalidArgumentError, match="row 8192: field 'b' does not exist"):
        to_reader(iter(rows)).read_all()


VALUES = {
    "i": st.none() | st.integers(-(2**63), 2**63 - 1),
    "f": st.none() | st.floats(allow_nan=False),
    "s": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    "l": st.none() | st.lists(st.none() | st.integers(-5, 5), max_size=3),
    "t": st.none() | st.fixed_dictionaries({"x": st.booleans(), "y": st.none() | st.binary()}),
}
RANDOM_ROWS = st.lists(st.fixed_dictionaries({}, optional=VALUES), min_size=1, max_size=20)
SCHEMA = pa.schema(
    {
        "t": pa.struct({"x": pa.bool_(), "y": pa.binary()}),
        "i": pa.int64(),
        "l": pa.list_(pa.int16()),
        "f": pa.float64(),
        "s": pa.large_string(),
    }
)


@given(rows=RANDOM_ROWS, as_batch=st.lists(st.booleans(), min_size=20, max_size=20))
def test_rows_survive(rows, as_batch):
    want = [dict.fromkeys(SCHEMA.names) | row for row in rows]
    mixed = [
        pa.RecordBatch.from_pylist([row]) if flag and row else row
        for row, flag in zip(rows, as_batch, strict=False)
    ]
    for data in (rows, iter(rows), mixed, iter(mixed)):
        assert to_reader(data, SCHEMA).read_all().to_pylist() == want
    if any(rows):
        table = to_reader(rows).read_all()
        assert table.to_pylist() == [{k: row.get(k) for k in table.column_names} for row in rows]


class FakeModel:
    def __init__(self, **values):
        self.values = values


@pytest.mark.parametrize("dump", ["model_dump", "dict"])
def test_pydantic_models(dump, monkeypatch):
    setattr(FakeModel, dump, lambda self: dict(self.values))
    fake = types.SimpleNamespace(BaseModel=FakeModel)
    monkeypatch.setitem(sys.modules, "pydantic", fake)
    try:
        models = [FakeModel(**row) for row in ROWS]
        assert to_reader(models).read_all().equals(TABLE)
        assert to_reader(iter(models), TABLE.schema).read_all().equals(TABLE)
        with pytest.raises(ValueError, match="from a single FakeModel; use a list"):
            to_reader(models[0])
    finally:
        delattr(FakeModel, dump)


def test_real_pydantic_models():
    pydantic = pytest.importorskip("pydantic")

    class Inner(pydantic.BaseModel):
        x: float

    class Model(pydantic.BaseModel):
        id: int
        inner: Inner | None = None

    models = [Model(id=1, inner=Inner(x=0.5)), Model(id=2)]
    want = [{"id": 1, "inner": {"x": 0.5}}, {"id": 2, "inner": None}]
    assert to_reader(models).read_all().to_pylist() == want
    assert to_reader(m for m in models).read_all().to_pylist() == want
    with pytest.raises(ValueError, match="single Model; use a list"):
        to_reader(models[0])


# ------------------------------------------------------------------------------- columns by name
def test_later_items_are_cast_by_name():
    later = pa.record_batch({"name": pa.array(["x"], pa.large_string()), "id": pa.array([9], "i1")})
    table = to_reader(iter([TABLE, later, ids(10)])).read_all()
    assert table.schema == TABLE.schema
    assert table.slice(3).to_pylist() == [{"id": 9, "name": "x"}, {"id": 10, "name": None}]


STRUCT = pa.struct({"a": pa.int64()})


@pytest.mark.parametrize(
    ("first", "later", "message"),
    [
        (pa.array([1], "i1"), pa.array([300]), "column 'v': int64 cannot be cast to int8"),
        (pa.array([1]), pa.array([1.5]), "column 'v': double cannot be cast to int64"),
        (pa.array([1]), pa.array(["x"]), "column 'v': string cannot be cast to int64"),
        (pa.array([True]), pa.array([5]), "column 'v': int64 cannot be cast to bool"),
        (pa.array([[1]]), pa.array([1]), "column 'v': int64 cannot be cast to list"),
        (pa.array([{"a": 1}]), pa.array([{"a": 1, "b": 2}]), "no field 'v.b'"),
        (pa.array([[{"a": 1}]]), pa.array([[{"a": 1, "b": 2}]]), "no field 'v.b'"),
    ],
)
def test_later_items_that_do_not_fit(first, later, message):
    source = Source(pa.record_batch({"v": first}), pa.record_batch({"v": later}))
    reader = to_reader(source.generator)
    assert reader.read_next_batch().num_rows == 1
    with pytest.raises(InvalidArgumentError, match=f"^item 1: .*{message}") as caught:
        reader.read_next_batch()
    assert caught.value.column == "v"
    assert source.closed
    schema = pa.schema({"v": first.type})
    with pytest.raises(InvalidArgumentError, match=message):
        to_reader(pa.table({"v": later}), schema).read_all()


def test_unknown_columns():
    message = "item 1: field 'name' does not exist in table schema"
    with pytest.raises(InvalidArgumentError, match=message):
        to_reader(iter([ids(1), TABLE])).read_all()
    with pytest.raises(InvalidArgumentError, match=r"^field 'name' does not exist"):
        to_reader(TABLE, INT32).read_all()


def test_readers_whose_batches_are_not_as_their_schema_says():
    def reader(batch):
        return pa.RecordBatchReader.from_batches(INT32, [batch])

    table = to_reader(reader(ids(1))).read_all()
    assert table.schema == INT32
    table.validate(full=True)
    with pytest.raises(InvalidArgumentError, match="column 'id': int64 cannot be cast to int32"):
        to_reader(reader(ids(2**40))).read_all()
    with pytest.raises(InvalidArgumentError, match="field 'name' does not exist"):
        to_reader(reader(BATCH)).read_all()


def test_columns_of_the_same_name():
    twice = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], ["id", "id"])
    with pytest.raises(InvalidArgumentError, match="item 1: there are two columns 'id'"):
        to_reader(iter([ids(1), twice])).read_all()
    with pytest.raises(InvalidArgumentError, match="there are two columns 'id'"):
        to_reader(ROWS, twice.schema).read_all()


@given(
    st.lists(st.sampled_from(["int8", "int16", "int32", "float64", "null"]), max_size=6),
    st.randoms(use_true_random=False),
)
def test_items_of_many_types(kinds, random):
    items = []
    for number, kind in enumerate(kinds):
        columns = {"id": pa.array([None if kind == "null" else number], kind), "s": pa.array(["x"])}
        names = random.sample(["id", "s"], 2)
        items.append(pa.record_batch({name: columns[name] for name in names}))
    schema = pa.schema({"s": pa.string(), "id": pa.int64()})
    want = [{"s": "x", "id": None if k == "null" else i} for i, k in enumerate(kinds)]
    table = to_reader(iter(items), schema).read_all()
    assert table.schema == schema
    assert table.to_pylist() == want


# ----------------------------------------------------------------------------------- one at a time
def test_nothing_is_made_before_it_is_read():
    source = Source(ids(1), ids(2), ids(3))
    reader = to_reader(source.generator, INT32)
    assert source.made == 0
    for made in (1, 2, 3):
        assert reader.read_next_batch().schema == INT32
        assert source.made == made
    with pytest.raises(StopIteration):
        reader.read_next_batch()
    assert source.closed


def test_the_first_item_decides():
    source = Source(ids(1), ids(2))
    reader = to_reader(source.generator)
    assert source.made == 1
    assert reader.read_next_batch().to_pydict() == {"id": [1]}
    assert source.made == 1
    assert reader.read_next_batch().to_pydict() == {"id": [2]}


def test_items_are_not_kept():
    alive = 0

    class Item:
        def __init__(self):
            nonlocal alive
            assert alive == 0
            alive += 1

        def __del__(self):
            nonlocal alive
            alive -= 1

        def __arrow_c_array__(self, requested_schema=None):
            return ids(1).__arrow_c_array__(requested_schema)

    for schema in (None, INT32):
        assert to_reader((Item() for _ in range(5)), schema).read_all().num_rows == 5


def test_streams_are_freed():
    source = Source(ids(1), ids(2))
    rows = Rows(source.generator)
    rows.reader.read_next_batch()
    seen = weakref.ref(rows)
    generator = weakref.ref(source.generator)
    del rows, source
    gc.collect()
    assert seen() is None
    assert generator() is None


# ------------------------------------------------------------------------------------------ errors
class MineError(Exception):
    pass


def natively(reader):
    """Read the way C++ does, which knows errors as text only."""
    return pa.RecordBatchReader._import_from_c_capsule(reader.__arrow_c_stream__()).read_all()


@pytest.mark.parametrize("schema", [None, INT32])
@pytest.mark.parametrize("items", [[ids(1), ids(2)], [{"id": 1}] * 9000])
def test_errors_of_a_generator_come_out_as_they_are(items, schema):
    error = MineError("in the middle")
    reader = to_reader(Source(*items, error=error).generator, schema)
    assert reader.read_next_batch().num_rows > 0
    with pytest.raises(MineError) as caught:
        reader.read_all()
    assert caught.value is error


@pytest.mark.parametrize("error", [MineError("x"), KeyError("k"), KeyboardInterrupt(), OSError(5)])
@pytest.mark.parametrize("schema", [None, INT32])
def test_errors_come_through_native_code(error, schema):
    cause = error.__cause__ = ValueError("the cause")
    rows = Rows(Source(ids(1), ids(2), error=error).generator, schema)
    with pytest.raises(type(error)) as caught, reraise(rows):
        natively(rows.reader)
    assert caught.value is error is rows.error
    assert error.__cause__ is cause
    assert error.__context__ is None


def test_errors_of_a_reader_come_through_native_code():
    error = MineError("x")
    reader = pa.RecordBatchReader.from_batches(
        pa.schema({"id": pa.int64()}), Source(ids(1), error=error).generator
    )
    rows = Rows([reader])
    with pytest.raises(MineError) as caught, reraise(rows):
        natively(rows.reader)
    assert caught.value is error


def test_our_errors_come_through_native_code():
    source = Source({"id": 1}, {"id": "x"}, {"id": 2})
    rows = Rows(source.generator, INT32)
    with pytest.raises(InvalidArgumentError, match="row 1, column 'id'"), reraise(rows):
        natively(rows.reader)
    source = Source(ids(1), "x", ids(2))
    rows = Rows(source.generator)
    with pytest.raises(TypeError, match=r"item 1: .* str"), reraise(rows):
        natively(rows.reader)
    assert source.closed
    assert source.made == 2


def test_an_error_that_native_code_forgets_is_raised_all_the_same():
    rows = Rows(Source(ids(1), error=MineError("x")).generator)
    with pytest.raises(MineError), reraise(rows), pytest.raises(pa.ArrowInvalid):
        natively(rows.reader)


def test_other_errors_pass_and_end_the_stream():
    for schema in (None, INT32):
        source = Source(ids(1), ids(2), ids(3))
        rows = Rows(source.generator, schema)
        rows.reader.read_next_batch()
        with pytest.raises(MineError), reraise(rows):
            raise MineError("of the engine")
        assert rows.error is None
        assert source.closed
        assert rows.reader.read_all().num_rows == 0


def test_a_stream_that_is_never_read_is_closed():
    source = Source(ids(1), ids(2))
    rows = Rows(source.generator)
    assert not source.closed
    rows.close()
    rows.close()
    assert source.closed


def test_a_generator_is_closed_when_its_first_item_is_wrong():
    source = Source("x", ids(2))
    with pytest.raises(TypeError, match="item 0"):
        to_reader(source.generator)
    assert source.closed


def test_an_error_before_the_first_item():
    with pytest.raises(MineError):
        to_reader(Source(error=MineError()).generator)


def test_reraise_without_errors():
    rows = Rows(TABLE)
    with reraise(rows):
        assert natively(rows.reader).equals(TABLE)
    assert rows.error is None


# ----------------------------------------------------------------------------------------- imports
def modules_after(code):
    code = f"""
import sys
import pyarrow as pa
from pilum.ingest import to_reader
{code}
print(*sorted({{"torch", "pandas", "polars", "pydantic", "pyarrow.dataset"}} & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_nothing_is_imported():
    code = """
table = pa.Table.from_batches([], pa.schema({"a": pa.int64()}))
to_reader(iter([table, [table]]), pa.schema({"a": pa.int8()})).read_all()
for data in (5, [5], {}):
    try:
        to_reader(data)
    except (TypeError, ValueError):
        pass
"""
    assert modules_after(code) == set()


def test_rows_import_no_more_than_pyarrow_does():
    by_pyarrow = modules_after("pa.array([1])")
    assert modules_after('to_reader([{"a": 1}, {"b": 2}]).read_all()') == by_pyarrow
