"""Rows and columns as Python objects: those of pyarrow, for every type, null and slice."""

import datetime
import decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilum import _pilum
from pilum.permutation import Transforms


def integers(bits: int, signed: bool) -> st.SearchStrategy[int]:
    return (
        st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if signed
        else st.integers(0, 2**bits - 1)
    )


MOMENTS = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
SMALL = st.integers(-(10**9), 10**9)
SIMPLE = {
    pa.null(): st.none(),
    pa.bool_(): st.booleans(),
    pa.int8(): integers(8, True),
    pa.int16(): integers(16, True),
    pa.int32(): integers(32, True),
    pa.int64(): integers(64, True),
    pa.uint8(): integers(8, False),
    pa.uint16(): integers(16, False),
    pa.uint32(): integers(32, False),
    pa.uint64(): integers(64, False),
    pa.float16(): st.floats(width=16).map(np.float16),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.string(): TEXTS,
    pa.large_string(): TEXTS,
    pa.string_view(): TEXTS,
    pa.binary(): st.binary(max_size=5),
    pa.large_binary(): st.binary(max_size=5),
    pa.binary_view(): st.binary(max_size=20),
    pa.binary(3): st.binary(min_size=3, max_size=3),
    pa.date32(): st.dates(),
    pa.date64(): st.dates(),
    pa.time32("s"): st.times().map(lambda time: time.replace(microsecond=0)),
    pa.time64("us"): st.times(),
    pa.timestamp("s"): SMALL,
    pa.timestamp("us"): MOMENTS,
    pa.timestamp("ns"): SMALL,
    pa.timestamp("ms", "Europe/Berlin"): SMALL,
    pa.duration("ms"): SMALL,
    pa.duration("ns"): SMALL,
    pa.decimal128(10, 3): st.decimals(-1000, 1000, places=3),
    pa.decimal256(50, 0): st.integers(-(10**40), 10**40).map(decimal.Decimal),
}


def structs(kinds: list[pa.DataType]) -> pa.DataType:
    return pa.struct([(f"f{i}", kind) for i, kind in enumerate(kinds)])


TYPES = st.recursive(
    st.sampled_from(list(SIMPLE)),
    lambda kinds: st.one_of(
        kinds.map(pa.list_),
        kinds.map(pa.large_list),
        st.builds(pa.list_, kinds, st.integers(1, 3)),
        st.lists(kinds, max_size=3).map(structs),
        kinds.map(lambda kind: pa.map_(pa.string(), kind)),
    ),
    max_leaves=4,
)


def values(kind: pa.DataType) -> st.SearchStrategy:
    return st.none() | _not_null(kind)


def _not_null(kind: pa.DataType) -> st.SearchStrategy:
    if kind in SIMPLE:
        return SIMPLE[kind]
    if pa.types.is_struct(kind):
        return st.fixed_dictionaries({field.name: values(field.type) for field in kind})
    if pa.types.is_map(kind):
        return st.lists(st.tuples(TEXTS, values(kind.item_type)), max_size=3)
    if pa.types.is_fixed_size_list(kind):
        return st.lists(values(kind.value_type), min_size=kind.list_size, max_size=kind.list_size)
    return st.lists(values(kind.value_type), max_size=3)


@st.composite
def batches(draw) -> pa.RecordBatch:
    rows = draw(st.integers(0, 8))
    columns = {}
    for i in range(draw(st.integers(0, 3))):
        kind = draw(TYPES)
        column = pa.array(draw(st.lists(values(kind), min_size=rows, max_size=rows)), kind)
        if kind == pa.string() and draw(st.booleans()):
            column = column.dictionary_encode()
        columns[f"c{i}"] = column
    batch = pa.record_batch(columns) if columns else _without_columns(rows)
    return batch.slice(draw(st.integers(0, rows)), draw(st.integers(0, rows)))


def _without_columns(rows: int) -> pa.RecordBatch:
    return pa.record_batch({"a": pa.nulls(rows)}).select([])


def check(batch: pa.RecordBatch) -> None:
    # Texts differ also where types do, and not for NaN.
    assert repr(Transforms.arrow2python(batch)) == repr(batch.to_pylist())
    assert repr(Transforms.arrow2pythoncol(batch)) == repr(batch.to_pydict())


@given(batch=batches())
def test_objects_are_those_of_pyarrow(batch):
    batch.validate(full=True)
    check(batch)


def test_lists_with_values_below_nulls():
    """A null may have a range of values, and values may begin and end elsewhere."""
    offsets, nulls = pa.array([2, 4, 7, 7, 9], pa.int32()), pa.array([False, True, False, False])
    numbers = pa.array(range(12))
    lists = pa.ListArray.from_arrays(offsets, numbers, mask=nulls)
    large = pa.LargeListArray.from_arrays(offsets.cast(pa.int64()), numbers, mask=nulls)
    fixed = pa.FixedSizeListArray.from_arrays(numbers, 3, mask=nulls)
    structs = pa.StructArray.from_arrays([lists, numbers[:4]], ["l", "n"], mask=nulls)
    batch = pa.record_batch({"lists": lists, "large": large, "fixed": fixed, "structs": structs})
    for start in range(4):
        for length in range(4 - start):
            check(batch.slice(start, length))


def test_deep_nesting():
    kind: pa.DataType = pa.int64()
    value: object = 7
    for depth in range(60):
        kind, value = (
            (pa.list_(kind), [value]) if depth % 2 else (pa.struct([("x", kind)]), {"x": value})
        )
    check(pa.record_batch({"a": pa.array([value, None, value], kind)}))


def test_types_with_a_meaning():
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(
        np.arange(12, dtype="f4").reshape(3, 2, 2)
    )
    uuids = pa.array([b"0123456789abcdef", None, b"fedcba9876543210"], pa.uuid())
    texts = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a":1}', None, "[]"]))
    check(pa.record_batch({"tensors": tensors, "uuids": uuids, "texts": texts}))


def test_texts_that_are_no_utf8():
    bad = pa.array([b"ok", b"\xff"]).view(pa.string())
    for column in (bad, pa.array([["x"], []]), pa.StructArray.from_arrays([bad], ["t"])):
        batch = pa.record_batch({"a": column})
        if column.type == pa.list_(pa.string()):
            check(batch)
            continue
        for transform in (Transforms.arrow2python, Transforms.arrow2pythoncol):
            with pytest.raises(UnicodeDecodeError):
                transform(batch)


def test_columns_of_one_name():
    batch = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    for transform in (Transforms.arrow2python, Transforms.arrow2pythoncol):
        with pytest.raises(ValueError, match="columns of the same name"):
            transform(batch)


def test_rows_are_dicts_that_can_be_changed():
    rows = Transforms.arrow2python(pa.record_batch({"a": [[1], [2]], "b": ["x", None]}))
    assert all(isinstance(row, dict) for row in rows)
    rows[0]["a"].append(5)
    rows[0]["new"] = rows[1].pop("b")
    assert rows == [{"a": [1, 5], "b": "x", "new": None}, {"a": [2]}]


def test_the_time_of_making_rows_never_goes_back():
    for _ in range(50):
        rows = _pilum.RowIterator(pa.record_batch({"a": range(2000)}))
        times = [rows.making_ns for _ in rows]
        assert times == sorted(times)
        assert times[0] > 0
