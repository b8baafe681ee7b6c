"""Rows of Python to write: dicts, other mappings and models become record batches."""

import datetime
import decimal
import sys
import types

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingested import INT32, ROWS, TABLE, Source, ids

from pilum.errors import InvalidArgumentError
from pilum.ingest import to_reader


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
