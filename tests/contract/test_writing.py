"""Writing through tables, databases and datasets: what there is afterwards, what is refused."""

import datetime
import decimal
import math
import pickle
import threading

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pilum
from equality import assert_same_table
from reference import golden

ROWS = pa.table({"id": [1, 2, 3], "x": [0.5, None, 1.5], "s": ["a", "b", None]})


@pytest.fixture(params=["memory", "disk"])
def fresh(request, tmp_path) -> pilum.DBConnection:
    return pilum.connect("memory://" if request.param == "memory" else tmp_path / "db")


@pytest.fixture
def table(fresh) -> pilum.Table:
    return fresh.create_table("t", ROWS)


# ------------------------------------------------------------------------------------- creating
def test_create(fresh):
    table = fresh.create_table("t", ROWS)
    assert (table.name, table.version, len(table)) == ("t", 1, 3)
    assert_same_table(table.to_arrow(), ROWS)
    assert_same_table(fresh.open_table("t").to_arrow(), ROWS)
    assert fresh.table_names() == ["t"]


@pytest.mark.parametrize("storage", ["2.0", "2.1", "2.2"])
@pytest.mark.parametrize(
    "name", ["mixed-2.0", "mixed-2.1", "history-2.2", "empty", "encodings-2.1"]
)
def test_every_type_comes_back(tmp_path, name, storage):
    rows = golden(name).rows
    if storage == "2.0" and name == "mixed-2.1":
        rows = rows.drop_columns("record")  # structs that are null
    dataset = pilum.write_dataset(
        rows, tmp_path / "t.lance", data_storage_version=storage, max_rows_per_file=150
    )
    assert dataset.data_storage_version == storage
    assert_same_table(dataset.to_table(), rows)
    assert dataset.verify().damages == []


def test_what_a_storage_version_cannot_hold(tmp_path):
    rows = pa.table({"m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32()))})
    with pytest.raises(pilum.UnsupportedError, match=r"2\.1.*map.*\(column m\)"):
        pilum.write_dataset(rows, tmp_path / "t.lance", data_storage_version="2.1")
    with pytest.raises(pilum.UnsupportedError, match=r"2\.0.*map.*\(column m\)"):
        pilum.write_dataset(rows, tmp_path / "t.lance", data_storage_version="2.0")
    structs = pa.table({"s": pa.array([{"a": 1}, None])})
    with pytest.raises(pilum.InvalidArgumentError, match=r"structs are null.*2\.0.*\(column s\)"):
        pilum.write_dataset(structs, tmp_path / "t.lance", data_storage_version="2.0")
    with pytest.raises(pilum.InvalidArgumentError, match=r"7\.5"):
        pilum.write_dataset(rows, tmp_path / "t.lance", data_storage_version="7.5")


def test_types_that_lance_lacks(fresh):
    rows = pa.table({"ok": [1], "bad": pa.array([None], pa.month_day_nano_interval())})
    with pytest.raises(pilum.UnsupportedError, match="bad"):
        fresh.create_table("t", rows)
    assert fresh.table_names() == []


def test_existing_tables(fresh, table):
    with pytest.raises(ValueError, match="Table 't' already exists"):
        fresh.create_table("t", ROWS)
    opened = fresh.create_table("t", [{"id": 9}], exist_ok=True)
    assert len(opened) == 3
    with pytest.raises(ValueError, match="schema does not match existing table"):
        fresh.create_table("t", schema=pa.schema({"other": pa.int8()}), exist_ok=True)
    replaced = fresh.create_table("t", [{"other": "x"}], mode="overwrite")
    assert (replaced.schema.names, replaced.version) == (["other"], 2)
    assert_same_table(table.to_arrow(), ROWS)  # a reader keeps its version
    with pytest.raises(ValueError, match="mode"):
        fresh.create_table("t", ROWS, mode="replace")


def test_without_rows(fresh):
    empty = fresh.create_table("t", schema=ROWS.schema)
    assert (len(empty), empty.schema) == (0, ROWS.schema)
    assert empty.to_arrow().num_rows == 0
    assert len(fresh.create_table("u", [], ROWS.schema)) == 0
    with pytest.raises(ValueError, match="Cannot create table from empty list without a schema"):
        fresh.create_table("v", [])
    with pytest.raises(ValueError, match="neither"):
        fresh.create_table("v")


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "x" * 300])
def test_bad_names(fresh, name):
    with pytest.raises(ValueError, match="Invalid table name"):
        fresh.create_table(name, ROWS)


def test_drop(fresh, table):
    fresh.create_table("u", ROWS)
    fresh.drop_table("t")
    assert fresh.table_names() == ["u"]
    with pytest.raises(ValueError, match="Table 't' was not found"):
        fresh.drop_table("t")
    fresh.drop_table("t", ignore_missing=True)
    assert fresh.create_table("t", [{"a": 1}]).version == 1
    fresh.drop_all_tables()
    assert len(fresh) == 0


# --------------------------------------------------------------------------------------- adding
def test_add(table):
    assert table.add([{"s": "c", "id": 4}]).version == 2
    assert table.add(pa.table({"id": pa.array([5], pa.int8()), "x": [2]})).version == 3
    assert table.to_arrow().slice(3).to_pylist() == [
        {"id": 4, "x": None, "s": "c"},
        {"id": 5, "x": 2.0, "s": None},
    ]
    assert table.add([]).version == 3
    assert table.add([{"id": 9, "x": 0.0, "s": ""}], mode="overwrite").version == 4
    assert table.to_arrow()["id"].to_pylist() == [9]
    with pytest.raises(ValueError, match="mode"):
        table.add(ROWS, mode="prepend")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"id": 1, "k": 2}], "field 'k' does not exist in table schema"),
        (pa.table({"k": [2]}), "field 'k' does not exist in table schema"),
        (pa.table({"id": pa.array([2**63], pa.uint64())}), "id"),
        (pa.table({"x": ["high"]}), "x"),
        ({"id": 1}, "single dictionary"),
    ],
)
def test_rows_that_do_not_fit(table, rows, message):
    with pytest.raises(ValueError, match=message):
        table.add(rows)
    assert (table.version, len(table)) == (1, 3)


def test_nulls_where_none_are_allowed(fresh):
    schema = pa.schema([pa.field("a", pa.int32(), nullable=False), pa.field("b", pa.int32())])
    table = fresh.create_table("t", [{"a": 1}], schema)
    for rows in ([{"a": None}], [{"b": 1}]):
        with pytest.raises(ValueError, match=r"'a'|column a"):
            table.add(rows)
    assert len(table) == 1


def test_streams(fresh):
    pulled = []

    def batches():
        for i in range(5):
            pulled.append(i)
            yield pa.record_batch({"id": [i] * 1000})

    table = fresh.create_table("t", batches())
    assert (len(table), pulled) == (5000, list(range(5)))
    table.add(batches())
    assert len(table) == 10_000


def test_a_generator_that_raises_leaves_nothing(tmp_path):
    def batches():
        yield pa.record_batch({"id": [1] * 1000})
        raise KeyError("mine")

    db = pilum.connect(tmp_path)
    with pytest.raises(KeyError, match="mine"):
        db.create_table("t", batches())
    assert db.table_names() == []
    table = db.create_table("t", [{"id": 1}])
    with pytest.raises(KeyError, match="mine"):
        table.add(batches())
    assert (table.version, len(table)) == (1, 1)
    assert len(list((tmp_path / "t.lance" / "data").iterdir())) == 1


@given(cuts=st.lists(st.integers(0, 400), max_size=6), per_file=st.integers(1, 500))
def test_slices_of_every_type(tmp_path_factory, cuts, per_file):
    rows = golden("mixed-2.2").rows
    ends = [*sorted(cuts), rows.num_rows]
    pieces = [rows.slice(a, b - a) for a, b in zip([0, *ends], ends, strict=False)]
    uri = tmp_path_factory.mktemp("slices") / "t.lance"
    dataset = pilum.write_dataset(iter(pieces), uri, schema=rows.schema, max_rows_per_file=per_file)
    assert_same_table(dataset.to_table(), rows)


# ------------------------------------------------------------------------------------- changing
def test_delete(table):
    assert table.delete("id = 2") == (1, 2)
    assert table.delete("id = 2") == (0, 2)  # no version for nothing
    assert table.to_arrow()["id"].to_pylist() == [1, 3]
    result = table.delete("true")
    assert (result.num_deleted_rows, result.version, len(table)) == (2, 3, 0)
    with pytest.raises(ValueError, match="idd"):
        table.delete("idd = 2")


def test_update(table):
    assert table.update("id = 2", {"s": "it's", "x": 7}) == (1, 2)
    assert table.update(values_sql={"id": "id * 10"}) == (3, 3)
    assert sorted(table.to_arrow().to_pylist(), key=lambda row: row["id"]) == [
        {"id": 10, "x": 0.5, "s": "a"},
        {"id": 20, "x": 7.0, "s": "it's"},
        {"id": 30, "x": 1.5, "s": None},
    ]
    assert table.update("id = 999", {"s": ""}) == (0, 3)
    for arguments in ({}, {"values": {"x": 1}, "values_sql": {"x": "1"}}, {"values": {}}):
        with pytest.raises(ValueError, match=r"exactly one|no column"):
            table.update(**arguments)
    with pytest.raises(ValueError, match="field 'k' does not exist"):
        table.update(values={"k": 1})
    with pytest.raises(TypeError, match="list"):
        table.update(values={"s": [1]})


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.int64(), -(2**62)),
        (pa.float64(), math.inf),
        (pa.float64(), -0.1),
        (pa.string(), '\'; DROP \\ "x" é\n'),
        (pa.binary(), b"\x00\xff'"),
        (pa.bool_(), True),
        (pa.date32(), datetime.date(2024, 2, 29)),
        (pa.timestamp("us"), datetime.datetime(2024, 2, 29, 12, 30, 1, 250_000)),
        (pa.decimal128(10, 2), decimal.Decimal("-3.25")),
        (pa.decimal128(20, 4), decimal.Decimal("1234567890123456.7891")),
        (pa.decimal128(20, 4), decimal.Decimal("0.0500")),
        (pa.string(), None),
    ],
)
def test_values_of_every_kind(fresh, kind, value):
    rows = pa.table({"id": [1, 2], "v": pa.nulls(2, kind)})
    table = fresh.create_table("t", rows)
    table.update("id = 2", {"v": value})
    assert table.search().where("id = 2").to_list() == [{"id": 2, "v": value}]


def test_nan_can_be_set(table):
    table.update("id = 1", {"x": math.nan})
    assert math.isnan(table.search().where("id = 1").to_list()[0]["x"])


# ------------------------------------------------------------------------------------- versions
def test_versions(table):
    table.add([{"id": 4}])
    table.checkout(1)
    for change in (
        lambda: table.add([{"id": 5}]),
        lambda: table.delete("true"),
        lambda: table.update(values={"id": 1}),
        table.optimize,
    ):
        with pytest.raises(ValueError, match="cannot be modified when a specific version"):
            change()
    table.restore()
    assert (table.version, len(table)) == (3, 3)
    table.add([{"id": 6}])
    assert (table.version, len(table)) == (4, 4)
    table.restore(2)
    assert (table.version, len(table)) == (5, 4)
    with pytest.raises(ValueError, match="checked out"):
        table.restore()
    with pytest.raises(ValueError, match="Version 77 no longer exists"):
        table.restore(77)


def test_inserting_nothing_makes_no_version(tmp_path):
    dataset = pilum.write_dataset(ROWS, tmp_path / "t.lance")
    dataset.insert([])
    assert (dataset.version, len(dataset)) == (1, 3)


def test_tags(table):
    table.add([{"id": 4}])
    table.tags.create("first", 1)
    assert table.tags.list() == {"first": {"version": 1, "branch": None}}
    with pytest.raises(ValueError, match="'first'"):
        table.tags.create("first", 2)
    table.tags.update("first", 2)
    assert table.tags.get_version("first") == 2
    table.tags.delete("first")
    assert table.tags.list() == {}
    for missing in (lambda: table.tags.update("no", 1), lambda: table.tags.delete("no")):
        with pytest.raises(ValueError, match="'no'"):
            missing()
    with pytest.raises(ValueError, match="Version 9 no longer exists"):
        table.tags.create("x", 9)


def test_optimize(table):
    for i in range(20):
        table.add([{"id": 100 + i}])
    table.delete("id % 3 = 0")
    table.tags.create("kept", 5)
    rows = table.to_arrow()
    done = table.optimize().compaction
    assert (done.fragments_added, len(table.to_lance().get_fragments())) == (1, 1)
    assert_same_table(table.to_arrow(), rows)
    assert table.optimize().compaction.fragments_added == 0
    table.optimize(cleanup_older_than=datetime.timedelta(0))
    assert [about["version"] for about in table.list_versions()] == [5, table.version]
    assert_same_table(table.to_arrow(), rows)
    assert table.to_lance().verify().damages == []


def test_threads_lose_nothing(fresh, table):
    """Appends on handles of their own and on a shared one."""

    def work(number):
        handle = fresh.open_table("t") if number % 2 else table
        for i in range(10):
            handle.add([{"id": 1000 * (number + 1) + i}])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table.checkout_latest()
    found = sorted(table.to_arrow()["id"].to_pylist())
    assert found == [1, 2, 3, *(1000 * (n + 1) + i for n in range(4) for i in range(10))]
    assert table.version == 41


# ------------------------------------------------------------------- blobs, JSON, packed structs
BLOB = {"lance-encoding:blob": "true"}


def blob_field(**thresholds) -> pa.Field:
    hints = {
        f"lance-encoding:blob-{key}-size-threshold": value for key, value in thresholds.items()
    }
    return pa.field("image", pa.large_binary(), metadata=BLOB | hints)


def blob_table(values, field) -> pa.Table:
    columns = [pa.array(values, pa.large_binary()), pa.array(range(len(values)))]
    return pa.table(columns, schema=pa.schema([field, pa.field("id", pa.int64())]))


@pytest.mark.parametrize("storage", ["2.0", "2.1", "2.2"])
def test_blobs_through_the_life_of_a_table(tmp_path, storage):
    field = blob_field(inline="10", dedicated="1000", **{"pack-file": "1500"})
    values = [b"", None, b"x", b"y" * 10, b"z" * 11, b"p" * 900, b"q" * 900, b"d" * 5000, None]
    rows = blob_table(values, field)
    dataset = pilum.write_dataset(
        rows, tmp_path / "t.lance", data_storage_version=storage, max_rows_per_file=5
    )
    dataset.insert(rows)
    sidecars = {path.name for path in (tmp_path / "t.lance").glob("data/*/*.blob")}
    # One file for what is packed, another when it is full, and one of its own for what is large.
    assert len(sidecars) == (3 if storage == "2.2" else 0)
    assert dataset.to_table()["image"].to_pylist() == values + values
    dataset.update({"id": "id + 100"}, "id = 7")
    dataset.delete("id = 4")
    dataset.optimize.compact_files()
    dataset.cleanup_old_versions(datetime.timedelta(0), delete_unverified=True)
    found = dataset.to_table()
    expected = [v for i, v in enumerate(values) if i not in (4, 7)] * 2 + [values[7]] * 2
    assert found["image"].to_pylist() == expected
    assert dataset.verify().damages == []
    assert len(list((tmp_path / "t.lance").glob("data/*.lance"))) == 1


def test_blobs_in_structs_and_lists(tmp_path):
    item = pa.field("b", pa.large_binary(), metadata=BLOB)
    rows = [{"b": b"x" * 70_000}, None, {"b": None}, {"b": b""}]
    table = pa.table(
        {"s": pa.array(rows, pa.struct([item]))},
        schema=pa.schema([pa.field("s", pa.struct([item]))]),
    )
    dataset = pilum.write_dataset(table.slice(1), tmp_path / "t.lance")
    dataset.insert(table)
    assert dataset.to_table()["s"].to_pylist() == rows[1:] + rows
    schema = pa.schema([pa.field("l", pa.list_(item))])
    with pytest.raises(pilum.UnsupportedError, match=r"blobs inside lists.*column l"):
        pilum.write_dataset([], tmp_path / "l.lance", schema)


def test_json(fresh):
    texts = ['{"b": [1, 2.5, null], "a": "é"}', None, "7", ' { "x" : { } } ']
    table = fresh.create_table("t", pa.table({"doc": pa.array(texts, pa.json_())}))
    assert table.schema.field("doc").type == pa.json_()
    assert table.to_arrow()["doc"].to_pylist() == [
        '{"a":"é","b":[1,2.5,null]}',
        None,
        "7",
        '{"x":{}}',
    ]
    table.add([{"doc": "[true]"}])
    table.update("doc IS NULL", {"doc": "{}"})
    assert table.to_arrow()["doc"].to_pylist()[-2:] == ["[true]", "{}"]
    with pytest.raises(pilum.InvalidArgumentError, match=r"'{' is no JSON: .*column doc"):
        table.add([{"doc": "{"}])
    assert len(table) == 5


@pytest.mark.parametrize("storage", ["2.0", "2.1", "2.2"])
def test_packed_structs(tmp_path, storage):
    point = pa.struct([("x", pa.float32()), ("n", pa.int64())])
    nulls = storage != "2.0"
    rows = [None if nulls and i % 3 == 0 else {"x": i / 2, "n": i} for i in range(100)]
    field = pa.field("p", point, metadata={"lance-encoding:packed": "true"})
    table = pa.table([pa.array(rows, point)], schema=pa.schema([field]))
    dataset = pilum.write_dataset(table, tmp_path / "t.lance", data_storage_version=storage)
    dataset.insert(table.slice(1, 50))
    assert dataset.to_table()["p"].to_pylist() == rows + rows[1:51]
    assert dataset.take([100, 4])["p"].to_pylist() == [rows[1], rows[4]]
    with pytest.raises(pilum.InvalidArgumentError, match="field 'x' of a packed struct has nulls"):
        dataset.insert(pa.table([pa.array([{"x": None, "n": 1}], point)], schema=table.schema))


# ------------------------------------------------------------------------------- stable row ids
def test_stable_row_ids_stay_with_their_rows(tmp_path):
    rows = [{"id": i, "text": f"text {i}"} for i in range(100)]
    dataset = pilum.write_dataset(
        rows[:60], tmp_path / "t.lance", max_rows_per_file=25, enable_stable_row_ids=True
    )
    dataset.insert(rows[60:])
    dataset.delete("id % 10 = 3")
    dataset.update({"text": "'new'"}, "id % 7 = 1")
    dataset.optimize.compact_files()
    dataset.update({"text": "'newer'"}, "id % 11 = 1")
    content = dataset.to_table(with_row_id=True)
    assert sorted(content["id"].to_pylist()) == [i for i in range(100) if i % 10 != 3]
    assert content["_rowid"].to_pylist() == content["id"].to_pylist()
    assert dataset.verify().damages == []
    assert len(dataset.get_fragments()) == 2


# ---------------------------------------------------------------------------- renaming and dropping
def test_renamed_table(fresh, table):
    fresh.rename_table("t", "other")
    assert fresh.table_names() == ["other"]
    assert_same_table(fresh.open_table("other").to_arrow(), ROWS)
    with pytest.raises(pilum.NotFoundError, match="Table 't' was not found"):
        fresh.open_table("t")
    fresh.create_table("t", ROWS)
    with pytest.raises(pilum.AlreadyExistsError, match="Table 'other' already exists"):
        fresh.rename_table("t", "other")
    with pytest.raises(ValueError, match="Table 'missing' was not found"):
        fresh.rename_table("missing", "new")
    with pytest.raises(pilum.InvalidArgumentError, match="Invalid table name"):
        fresh.rename_table("t", "a/b")


def test_dropped_table_leaves_nothing(tmp_path):
    database = pilum.connect(tmp_path)
    database.create_table("t", ROWS).delete("id = 1")
    database.drop_table("t")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------ storage options
def test_writing_without_flushing(tmp_path):
    options = {"sync": "false", "region": "of another store"}
    database = pilum.connect(tmp_path, storage_options=options)
    database.create_table("t", ROWS).add(ROWS)
    copy = pickle.loads(pickle.dumps(database.open_table("t")))
    assert len(copy) == 6
    dataset = pilum.write_dataset(ROWS, tmp_path / "d.lance", storage_options=options)
    assert len(pilum.dataset(dataset.uri, storage_options=options)) == 3


def test_bad_storage_options(tmp_path):
    with pytest.raises(pilum.InvalidArgumentError, match="'sync' is 'true' or 'false', not 'no'"):
        pilum.connect(tmp_path, storage_options={"sync": "no"})
    with pytest.raises(TypeError, match="the storage option 'sync' must be a str, not bool"):
        pilum.connect(tmp_path, storage_options={"sync": False})
    with pytest.raises(TypeError, match="storage_options must be a dict"):
        pilum.write_dataset(ROWS, tmp_path / "t.lance", storage_options="sync=false")


# ------------------------------------------------------------------------- what comes later
@pytest.mark.parametrize(
    "name",
    "merge_insert add_columns alter_columns drop_columns create_branch create_index "
    "create_scalar_index".split(),
)
def test_changes_that_come_later_are_refused(table, tmp_path, name):
    dataset = pilum.write_dataset(ROWS, tmp_path / "t.lance")
    for handle in (table, dataset):
        with pytest.raises(pilum.UnsupportedError, match="this version of pilum does not support"):
            getattr(handle, name)("id")


# ------------------------------------------------------------------------------------- nothing
def test_nothing_is_appended(tmp_path):
    uri = tmp_path / "t.lance"
    pilum.write_dataset(ROWS, uri)
    assert pilum.write_dataset([], uri, mode="append").version == 1
    assert pilum.write_dataset(iter([]), uri, mode="append").version == 1


def test_integers_are_set_as_decimals(fresh):
    prices = pa.table({"id": [1, 2], "price": pa.array([None, None], pa.decimal128(5, 2))})
    table = fresh.create_table("t", prices)
    table.update("id = 1", {"price": 12})
    assert table.to_arrow().sort_by("id")["price"].to_pylist() == [decimal.Decimal("12.00"), None]
    with pytest.raises(pilum.InvalidArgumentError, match="column price"):
        table.update("id = 1", {"price": 12345})


def test_options_of_others_are_refused(fresh, table):
    for options in (
        {"on_bad_vectors": "fill"},
        {"embedding_functions": ["model"]},
        {"enable_v2_manifest_paths": False},
    ):
        with pytest.raises(pilum.UnsupportedError, match=next(iter(options))):
            fresh.create_table("u", ROWS, **options)
    with pytest.raises(pilum.UnsupportedError, match="on_bad_vectors"):
        table.add(ROWS, on_bad_vectors="drop")
    fresh.create_table("u", ROWS, None, "create", False, "error", 0.0, None)
    fresh.drop_database()
    assert fresh.table_names() == []


def test_table_that_exists_has_to_be_of_the_same_schema(fresh, table):
    assert fresh.create_table("t", ROWS.slice(0, 1), exist_ok=True).count_rows() == 3
    assert fresh.create_table("t", (row for row in [{"x": 1}]), exist_ok=True).count_rows() == 3
    with pytest.raises(ValueError, match="schema does not match existing table 't'"):
        fresh.create_table("t", pa.table({"id": ["a"]}), exist_ok=True)
