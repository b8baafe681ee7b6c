"""What can be written: every kind of data as a stream of record batches."""

import array
import collections
import subprocess
import sys
import types

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingested import BATCH, INT32, ROWS, TABLE, Source, ids

from pilum.errors import InvalidArgumentError
from pilum.ingest import to_reader


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
