"""Reading through a Table: the whole contract of an open table, filters apart."""

import math
import multiprocessing
import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pilum
from equality import assert_same_schema, assert_same_table
from reference import golden

MIXED = golden("mixed-2.2").rows
HISTORY = golden("history-2.2").rows
ROWS = len(MIXED)


# ---------------------------------------------------------------------------------- what a table is
def test_facts(mixed, database_path):
    assert isinstance(mixed, pilum.Table)
    assert mixed.name == "mixed"
    assert mixed.uri == str(database_path / "mixed.lance")
    assert mixed.version == 1
    assert_same_schema(mixed.schema, MIXED.schema)
    assert len(mixed) == mixed.count_rows() == ROWS
    assert "mixed" in repr(mixed)


def test_an_empty_table(db):
    table = db.open_table("empty")
    assert len(table) == 0
    assert list(table) == []
    assert table.to_arrow().num_rows == 0
    assert_same_schema(table.to_arrow().schema, table.schema)
    assert len(table.to_pandas()) == 0
    with pytest.raises(IndexError):
        table[0]


# ------------------------------------------------------------------------------------- whole reads
def test_to_arrow(mixed):
    assert_same_table(mixed.to_arrow(), MIXED)


def test_iteration(mixed):
    batches = list(mixed)
    assert all(isinstance(batch, pa.RecordBatch) for batch in batches)
    assert_same_table(pa.Table.from_batches(batches), MIXED)
    first, second = iter(mixed), iter(mixed)
    next(first)
    assert_same_table(pa.Table.from_batches(second), MIXED)  # iterators do not disturb each other


def test_dropping_an_iterator_early(mixed):
    for _ in range(50):
        next(iter(mixed))
    assert len(mixed) == ROWS


@pytest.mark.parametrize("size", [1, 7, 100, ROWS, 100_000])
def test_to_batches(mixed, size):
    batches = list(mixed.to_batches(batch_size=size))
    assert [b.num_rows for b in batches] == [size] * (ROWS // size) + [ROWS % size] * (
        ROWS % size > 0
    )
    assert_same_table(pa.Table.from_batches(batches), MIXED)


@pytest.mark.parametrize("size", [0, -1])
def test_bad_batch_size(mixed, size):
    with pytest.raises(ValueError, match="batch_size"):
        mixed.to_batches(batch_size=size)


def test_head(mixed):
    assert_same_table(mixed.head(), MIXED.slice(0, 5))
    assert_same_table(mixed.head(13), MIXED.slice(0, 13))
    assert_same_table(mixed.head(10**9), MIXED)
    assert mixed.head(0).num_rows == 0
    with pytest.raises(ValueError, match="-1"):
        mixed.head(-1)


def test_to_pandas(mixed):
    frame = mixed.to_pandas()
    assert list(frame.columns) == MIXED.column_names
    assert frame["id"].tolist() == MIXED["id"].to_pylist()


def test_to_polars(db):
    import polars

    table = db.open_table("history")
    frame = table.to_polars()
    assert isinstance(frame, polars.LazyFrame)
    assert frame.collect()["id"].to_list() == HISTORY["id"].to_pylist()


# ----------------------------------------------------------------------------------- rows by number
@given(indices=st.lists(st.integers(0, ROWS - 1), max_size=80))
def test_getitems_keeps_order_and_repeats(database_path, indices):
    batch = pilum.connect(database_path)["mixed"].__getitems__(indices)
    assert isinstance(batch, pa.RecordBatch)
    assert_same_table(pa.Table.from_batches([batch]), MIXED.take(pa.array(indices, pa.int64())))


@pytest.mark.parametrize(
    "indices",
    [[3, 1, 3], (3, 1, 3), range(3, 0, -2), np.array([3, 1, 3]), np.array([3, 1], np.uint8),
     [np.int32(3), np.int64(1)], pa.array([3, 1])],
    ids=["list", "tuple", "range", "int64 array", "uint8 array", "numpy ints", "arrow array"],
)  # fmt: skip
def test_getitems_takes_any_sequence_of_ints(mixed, indices):
    batch = mixed.__getitems__(indices)
    assert batch["id"].to_pylist() == [
        int(i.as_py() if isinstance(i, pa.Scalar) else i) for i in indices
    ]


def test_getitems_takes_a_tensor(mixed):
    torch = pytest.importorskip("torch")
    assert mixed.__getitems__(torch.tensor([5, 2]))["id"].to_pylist() == [5, 2]


def test_getitems_of_nothing(mixed):
    batch = mixed.__getitems__([])
    assert batch.num_rows == 0
    assert_same_schema(batch.schema, mixed.schema)


@pytest.mark.parametrize("bad", [ROWS, -1, 2**31, 2**63 - 1, -(2**63), 2**64, 10**30])
def test_row_out_of_range(mixed, bad):
    with pytest.raises(IndexError, match=str(bad)) as caught:
        mixed.__getitems__([0, bad])
    assert caught.type is pilum.RowNotFoundError


@pytest.mark.parametrize("bad", ["1", [1.5], ["1"], [None], None, 3.0, [[1]]])
def test_rows_of_the_wrong_kind(mixed, bad):
    with pytest.raises(TypeError):
        mixed.__getitems__(bad)


def test_getitem(mixed):
    row = mixed[7]
    assert isinstance(row, pa.RecordBatch)
    assert row.num_rows == 1
    assert row["id"].to_pylist() == [7]
    assert mixed[np.int64(7)]["id"].to_pylist() == [7]
    assert mixed[-1]["id"].to_pylist() == [ROWS - 1]
    for bad in (ROWS, -ROWS - 1, 10**30):
        with pytest.raises(IndexError, match=str(bad)):
            mixed[bad]


@pytest.mark.parametrize(
    "part", [slice(3, 9), slice(None, None, 7), slice(9, 3, -2), slice(-5, None)]
)
def test_slice(mixed, part):
    assert mixed[part]["id"].to_pylist() == list(range(ROWS))[part]


def test_rows_after_deletions_are_counted_without_the_deleted(history):
    wanted = list(range(len(HISTORY)))[::-3]
    got = pa.Table.from_batches([history.__getitems__(wanted)])
    assert_same_table(got, HISTORY.take(wanted))


# ---------------------------------------------------------------------------------------- queries
def test_plain_query(mixed):
    assert_same_table(mixed.search().to_arrow(), MIXED)
    assert_same_table(mixed.search(None).limit(None).to_arrow(), MIXED)
    for all_rows in (0, -1):
        assert mixed.search().limit(all_rows).to_arrow().num_rows == ROWS


def test_select(mixed):
    got = mixed.search().select(["text", "id"]).to_arrow()
    assert_same_table(got, MIXED.select(["text", "id"]))
    computed = mixed.search().select({"twice": "id * 2", "id": "id"}).limit(4).to_arrow()
    assert computed.column_names == ["twice", "id"]
    assert computed["twice"].to_pylist() == [0, 2, 4, 6]


def test_select_unknown_column(mixed):
    with pytest.raises(ValueError, match="nowhere"):
        mixed.search().select(["nowhere"]).to_arrow()


def test_limit_and_offset(mixed):
    got = mixed.search().offset(10).limit(5).to_arrow()
    assert_same_table(got, MIXED.slice(10, 5))
    assert mixed.search().offset(10**9).to_arrow().num_rows == 0
    with pytest.raises(ValueError, match="offset"):
        mixed.search().offset(-1)


def test_where_is_and(mixed):
    query = mixed.search().where("id > 5").where("id < 9").select(["id"])
    assert query.to_arrow()["id"].to_pylist() == [6, 7, 8]
    assert query.limit(1).offset(1).to_list() == [{"id": 7}]


def test_with_row_id(db):
    wanted = golden("stable-row-ids").expected()["_rowid"].to_pylist()
    got = db["stable"].search().with_row_id(True).select(["id"]).to_arrow()
    assert got.column_names == ["id", "_rowid"]
    assert got["_rowid"].type == pa.uint64()
    assert got["_rowid"].to_pylist() == wanted


def test_query_outputs(mixed):
    query = mixed.search().select(["id"]).where("id >= 397")
    assert query.to_list() == [{"id": 397}, {"id": 398}, {"id": 399}]
    assert query.to_pandas()["id"].tolist() == [397, 398, 399]
    assert query.to_polars()["id"].to_list() == [397, 398, 399]
    reader = mixed.search().select(["id"]).to_batches(batch_size=150)
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.read_all().num_rows == ROWS


@pytest.mark.parametrize("query", [[1.0, 2.0], "words"])
def test_other_searches_are_refused(mixed, query):
    with pytest.raises(NotImplementedError):
        mixed.search(query)


def test_take_offsets(history):
    wanted = [5, 0, 5, 100]
    assert_same_table(history.take_offsets(wanted).to_arrow(), HISTORY.take(wanted))
    got = history.take_offsets(wanted).select(["id"]).to_list()
    assert got == HISTORY.take(wanted).select(["id"]).to_pylist()
    with pytest.raises(IndexError, match="197"):
        history.take_offsets([197]).to_arrow()


@pytest.mark.parametrize("size", [1, 3, 4, 100, None])
def test_take_in_batches(mixed, size):
    batches = list(mixed.take_offsets([5, 0, 5, 100]).select(["id"]).to_batches(size))
    rows = size or 4
    assert [b.num_rows for b in batches] == [rows] * (4 // rows) + [4 % rows] * (4 % rows > 0)
    assert [i for b in batches for i in b["id"].to_pylist()] == [5, 0, 5, 100]


@pytest.mark.parametrize("size", [0, -1])
def test_bad_batch_size_of_a_take(mixed, size):
    with pytest.raises(ValueError, match="batch_size"):
        mixed.take_offsets([1]).to_batches(size)


@pytest.mark.parametrize("take", ["take_offsets", "take_row_ids"])
def test_rows_of_a_take_are_checked_at_once(mixed, take):
    for bad in ("x", 7, [1.5], None):
        with pytest.raises(TypeError):
            getattr(mixed, take)(bad)
    with pytest.raises(IndexError, match="-1"):
        getattr(mixed, take)([0, -1])


@pytest.mark.parametrize(
    ("name", "source"), [("history", "history-2.2"), ("stable", "stable-row-ids")]
)
def test_take_row_ids(db, name, source):
    expected = golden(source).expected()
    ids = expected["_rowid"].to_pylist()
    places = [9, 0, len(ids) - 1, 9]
    query = db[name].take_row_ids([ids[i] for i in places]).with_row_id()
    wanted = expected.take(places).drop_columns(["_rowaddr"])
    assert_same_table(query.to_arrow(), wanted)
    unknown = max(ids) + 1000
    with pytest.raises(IndexError, match=str(unknown)):
        db[name].take_row_ids([unknown]).to_arrow()


def test_take_of_a_deleted_row_id(history):
    old = history.search().select(["id"]).where("id = 24").with_row_id(True).to_arrow()
    assert old.num_rows == 0  # 24 % 7 = 3 was deleted; its id was the address of offset 24
    with pytest.raises(IndexError, match="24"):
        history.take_row_ids([24]).to_arrow()


# --------------------------------------------------------------------------------------- versions
def test_list_versions(history):
    versions = history.list_versions()
    assert [v["version"] for v in versions] == [1, 2, 3, 4, 5, 6]
    assert all({"timestamp", "metadata"} <= v.keys() for v in versions)
    assert [v["timestamp"] for v in versions] == sorted(v["timestamp"] for v in versions)


def test_checkout(db):
    table = db.open_table("history")
    table.checkout(1)
    assert (table.version, len(table)) == (1, 250)
    first = golden("history-2.2").expected("expected.v1.arrow")
    assert_same_table(table.to_arrow(), first.drop_columns(["_rowid", "_rowaddr"]))
    table.checkout("before-update")
    assert table.version == 3
    table.checkout_latest()
    assert (table.version, len(table)) == (6, len(HISTORY))


def test_open_a_version(db):
    assert len(db.open_table("history", version=1)) == 250
    assert len(db.open_table("history")) == len(HISTORY)


@pytest.mark.parametrize("missing", [0, 7, 99, -1, 2**63])
def test_checkout_of_a_missing_version(db, missing):
    table = db.open_table("history")
    with pytest.raises(ValueError, match=f"{missing}.* no longer exists"):
        table.checkout(missing)
    assert table.version == 6


def test_checkout_of_a_missing_tag(db):
    with pytest.raises(ValueError, match="no-such-tag"):
        db.open_table("history").checkout("no-such-tag")


def test_tags(history, mixed):
    assert {tag: about["version"] for tag, about in history.tags.list().items()} == {
        "first": 1,
        "before-update": 3,
    }
    assert history.tags.get_version("first") == 1
    assert mixed.tags.list() == {}
    with pytest.raises(ValueError, match="no-such-tag"):
        history.tags.get_version("no-such-tag")


def test_missing_branch(db):
    with pytest.raises(ValueError, match="no-such-branch"):
        db.open_table("history", branch="no-such-branch")


# ------------------------------------------------------------------------- filters, errors, pickles
def test_count_rows_with_a_filter(mixed):
    assert mixed.count_rows("id < 10") == 10
    assert mixed.count_rows(filter="id < 0") == 0
    assert mixed.count_rows(None) == ROWS


def test_bad_filter_names_the_column(mixed):
    with pytest.raises(ValueError, match="nowhere"):
        mixed.count_rows("nowhere = 1")
    with pytest.raises(TypeError):
        mixed.count_rows(3)


def test_pickle(mixed):
    data = pickle.dumps(mixed)
    assert len(data) < 1000
    copy = pickle.loads(data)
    assert (copy.name, copy.uri, copy.version) == (mixed.name, mixed.uri, mixed.version)
    assert_same_table(copy.to_arrow(), MIXED)


def test_pickle_keeps_the_version(db):
    table = db.open_table("history")
    table.checkout(1)
    copy = pickle.loads(pickle.dumps(table))
    assert (copy.version, len(copy)) == (1, 250)


def _ids(table, indices):
    return table.__getitems__(indices)["id"].to_pylist()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_in_other_processes(mixed, method):
    """The table is in use here before, during and after its use there."""
    assert _ids(mixed, [1]) == [1]
    with multiprocessing.get_context(method).Pool(2) as pool:
        work = [pool.apply_async(_ids, (mixed, [i, 0])) for i in range(20)]
        assert _ids(mixed, [2]) == [2]
        assert [w.get(timeout=60) for w in work] == [[i, 0] for i in range(20)]


def test_as_a_torch_dataset(mixed):
    data = pytest.importorskip("torch.utils.data")
    loader = data.DataLoader(mixed, batch_size=64, shuffle=True, collate_fn=lambda batch: batch)
    batches = list(loader)
    assert all(isinstance(batch, pa.RecordBatch) for batch in batches)
    assert len(batches) == math.ceil(ROWS / 64)
    seen = [i for batch in batches for i in batch["id"].to_pylist()]
    assert sorted(seen) == list(range(ROWS))
    assert seen != sorted(seen)


def test_from_many_threads(mixed):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda i: _ids(mixed, [i, ROWS - 1 - i]), range(200)))
    assert rows == [[i, ROWS - 1 - i] for i in range(200)]
