"""Queries in the order of columns."""

import math
from functools import cmp_to_key

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pilum
from pilum import ColumnOrdering
from pilum.ordering import sorted_positions

FLOATS = st.none() | st.sampled_from([0.0, 1.5, -2.0, math.inf, -math.inf, math.nan])
TEXTS = st.none() | st.sampled_from(["", "a", "b", "é"])
ORDERINGS = st.lists(
    st.builds(
        ColumnOrdering, st.sampled_from(["number", "text", "flag"]), st.booleans(), st.booleans()
    ),
    min_size=1,
    max_size=3,
)


def compared(ordering):
    """How two rows compare, written out: what `sorted_positions` must agree with."""

    def compare(a, b):
        for column in ordering:
            x, y = a[column.column_name], b[column.column_name]
            if x is None or y is None:
                if (x is None) != (y is None):
                    return -1 if (x is None) == column.nulls_first else 1
                continue
            x, y = [
                (math.isnan(v), 0.0 if math.isnan(v) else v) if isinstance(v, float) else v
                for v in (x, y)
            ]
            if x != y:
                return -1 if (x < y) == column.ascending else 1
        return 0

    return cmp_to_key(compare)


@given(
    rows=st.lists(st.tuples(FLOATS, TEXTS, st.none() | st.booleans()), max_size=30),
    ordering=ORDERINGS,
    chunk=st.integers(1, 10),
)
def test_sorted_positions(rows, ordering, chunk):
    rows = [dict(zip(("number", "text", "flag"), row, strict=True)) for row in rows]
    schema = pa.schema(
        {"number": pa.float64(), "text": pa.dictionary(pa.int8(), pa.string()), "flag": pa.bool_()}
    )
    table = pa.Table.from_batches(
        [
            pa.RecordBatch.from_pylist(rows[i : i + chunk], schema)
            for i in range(0, len(rows), chunk)
        ],
        schema,
    )
    want = sorted(range(len(rows)), key=lambda i: compared(ordering)(rows[i]))
    assert sorted_positions(table, ordering).to_pylist() == want


def test_rows_come_in_order(mixed):
    query = mixed.search().where("id < 300").order_by([ColumnOrdering("id", ascending=False)])
    assert query.select(["id"]).limit(4).offset(2).to_list() == [
        {"id": i} for i in (297, 296, 295, 294)
    ]
    assert query.select({"twice": "id * 2"}).limit(1).offset(0).to_list() == [{"twice": 598}]
    assert query.select(["text"]).offset(299).limit(None).to_arrow().column_names == ["text"]
    assert query.offset(10**9).to_arrow().num_rows == 0


def test_batches_have_the_size_asked_for(mixed):
    query = mixed.search().select(["id"]).order_by([ColumnOrdering("id", ascending=False)])
    sizes = [batch.num_rows for batch in query.to_batches(150)]
    assert sizes == [150, 150, 100]
    with pytest.raises(ValueError, match="batch_size"):
        query.to_batches(0)


def test_row_ids_go_with_their_rows(db):
    query = db["stable"].search().select(["id"]).with_row_id()
    rows = query.to_list()
    assert query.order_by([ColumnOrdering("id", ascending=False)]).to_list() == sorted(
        rows, key=lambda row: -row["id"]
    )


def test_no_columns_are_storage_order(mixed):
    for none in (None, []):
        query = mixed.search().order_by([ColumnOrdering("id", ascending=False)]).order_by(none)
        assert query.select(["id"]).limit(2).to_list() == [{"id": 0}, {"id": 1}]


def test_what_cannot_be_ordered(mixed):
    def ordered_by(*ordering):
        return mixed.search().order_by(list(ordering)).to_arrow()

    with pytest.raises(ValueError, match=r"'idd'.*did you mean 'id'"):
        ordered_by(ColumnOrdering("idd"))
    with pytest.raises(pilum.InvalidArgumentError, match="cannot be ordered by vector: fixed_size"):
        ordered_by(ColumnOrdering("vector"))
    with pytest.raises(TypeError, match="not one ColumnOrdering"):
        mixed.search().order_by(ColumnOrdering("id"))
    with pytest.raises(TypeError, match="not str"):
        mixed.search().order_by(["id"])
