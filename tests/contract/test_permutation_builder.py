"""Permutation tables: what they hold, sizes of splits, filters, and where they are stored."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pilum
from permutations import counting, make, splits, splits_of
from pilum.permutation import Permutation, PermutationBuilder, permutation_builder


@pytest.fixture(scope="module")
def thousand() -> pilum.Table:
    """Row ids are those of `id`."""
    return make({"id": range(1000), "word": [f"w{i % 17}" for i in range(1000)]})


def sizes(builder: PermutationBuilder) -> list[int]:
    found = splits(builder)
    assert list(found) == list(range(len(found)))
    return [len(rows) for rows in found.values()]


# ------------------------------------------------------------------------------- what comes of it
def test_what_execute_makes(thousand):
    permutation = permutation_builder(thousand).execute()
    assert isinstance(permutation, pilum.Table)
    assert permutation.name == "permutation"
    assert permutation.schema == pa.schema(
        [pa.field("row_id", pa.uint64()), pa.field("split_id", pa.uint64(), nullable=False)]
    )
    assert permutation.schema.metadata == {b"base_version": b"1"}
    assert splits_of(permutation) == {0: list(range(1000))}


def test_metadata_says_names_and_version():
    table = counting(10)
    table.add(pa.table({"id": range(10, 20)}))
    names = ["train", "tést", '"quoted"']
    builder = permutation_builder(table).split_random(fixed=3, split_names=names)
    metadata = builder.execute().schema.metadata
    assert metadata[b"base_version"] == b"2"
    assert json.loads(metadata[b"split_names"]) == names


def test_a_table_in_memory_is_of_nobody_else(thousand):
    first, second = (permutation_builder(thousand).shuffle(seed=1).execute() for _ in range(2))
    first.delete("split_id = 0")
    assert len(second) == 1000


def test_methods_return_the_builder(thousand):
    builder = PermutationBuilder(thousand)
    assert builder.filter("id > 3") is builder
    assert builder.shuffle(seed=1) is builder
    assert builder.split_sequential(fixed=1) is builder
    assert builder.split_random(fixed=1) is builder
    assert builder.split_hash(["id"], [1]) is builder
    assert builder.split_calculated("id % 2") is builder


def test_the_last_call_of_each_kind_holds(thousand):
    builder = permutation_builder(thousand).filter("id < 10").filter("id >= 990")
    builder.split_random(fixed=3).split_sequential(counts=[4], split_names=["some"])
    assert splits(builder) == {0: [990, 991, 992, 993]}
    builder = permutation_builder(thousand).split_sequential(fixed=2, split_names=["a", "b"])
    assert b"split_names" not in builder.split_sequential(fixed=1).execute().schema.metadata
    once = splits(permutation_builder(thousand).shuffle(seed=3))
    assert splits(permutation_builder(thousand).shuffle(seed=2).shuffle(seed=3)) == once


def test_execute_once(thousand):
    builder = permutation_builder(thousand)
    builder.execute()
    for again in (
        builder.execute,
        lambda: builder.persist(pilum.connect("memory://"), "p"),
        lambda: builder.filter("id > 3"),
        lambda: builder.shuffle(seed=1),
        lambda: builder.split_random(fixed=2),
        lambda: builder.split_sequential(fixed=2),
        lambda: builder.split_hash(["id"], [1]),
        lambda: builder.split_calculated("id"),
    ):
        with pytest.raises(RuntimeError, match="Builder already consumed"):
            again()


@pytest.mark.parametrize("bad", [None, "t", pa.table({"a": [1]}), pilum.connect("memory://")])
def test_not_a_table(bad):
    with pytest.raises(TypeError, match="made of a Table, not of a"):
        permutation_builder(bad)


# ------------------------------------------------------------------------------------------ sizes
# Worked out by hand from the rules; tests/interop compares more of them with the reference library.
@pytest.mark.parametrize(
    ("rows", "how", "expected"),
    [
        (100, {"fixed": 3}, [33, 33, 33]),
        (100, {"fixed": 100}, [1] * 100),
        (100, {"counts": [60, 1]}, [60, 1]),
        (100, {"counts": [100]}, [100]),
        (100, {"ratios": [1 / 3] * 3}, [34, 33, 33]),
        (100, {"ratios": [0.335, 0.335, 0.33]}, [33, 34, 33]),
        (100, {"ratios": [0.255, 0.745]}, [25, 75]),
        (100, {"ratios": [0.5]}, [50]),
        (10, {"ratios": [0.1] * 10}, [1] * 10),
        (10, {"ratios": np.full(10, 0.1, np.float32)}, [1] * 10),
        (1000, {"ratios": [0.7, 0.2, 0.1]}, [700, 200, 100]),
        (7, {"ratios": (0.5, 0.5)}, [3, 4]),
        (3, {"ratios": [1]}, [3]),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("split", ["split_sequential", "split_random"])
def test_sizes(split, rows, how, expected):
    assert sizes(getattr(permutation_builder(counting(rows)), split)(**how)) == expected


@pytest.mark.parametrize("split", ["split_sequential", "split_random"])
def test_arguments_come_from_other_libraries_too(thousand, split):
    torch = pytest.importorskip("torch")
    for how in (
        {"ratios": np.array([0.25, 0.25])},
        {"ratios": torch.tensor([0.25, 0.25])},
        {"ratios": iter([np.float32(0.25), 0.25])},
        {"counts": np.array([250, 250])},
        {"counts": torch.tensor([250, 250])},
        {"counts": (np.uint8(250), 250)},
    ):
        assert sizes(getattr(permutation_builder(thousand), split)(**how)) == [250, 250]


@pytest.mark.parametrize("split", ["split_sequential", "split_random"])
@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({}, ValueError, "Exactly one of 'ratios', 'counts', or 'fixed' must be provided"),
        ({"ratios": [1], "fixed": 1}, ValueError, "Exactly one of"),
        ({"counts": [1], "fixed": 1}, ValueError, "Exactly one of"),
        ({"ratios": [1], "counts": [1], "fixed": 1}, ValueError, "Exactly one of"),
        ({"ratios": []}, ValueError, "ratios must not be empty"),
        ({"ratios": [0.5, 1.5]}, ValueError, "between 0 and 1, but one is 1.5"),
        ({"ratios": [-0.1]}, ValueError, "between 0 and 1, but one is -0.1"),
        ({"ratios": [float("nan")]}, ValueError, "between 0 and 1, but one is nan"),
        ({"ratios": [0.6, 0.5]}, ValueError, "sum to at most 1"),
        ({"ratios": 0.5}, TypeError, "ratios must be a list, not a float"),
        ({"ratios": "0.5"}, TypeError, "ratios must be a list, not a str"),
        ({"ratios": ["0.5"]}, TypeError, "must be a number, not str"),
        ({"ratios": [None]}, TypeError, "must be a number, not NoneType"),
        ({"counts": []}, ValueError, "counts must not be empty"),
        ({"counts": [5, 0]}, ValueError, "at least 1, not 0"),
        ({"counts": [-5]}, ValueError, "at least 1, not -5"),
        ({"counts": [2.5]}, TypeError, "must be an integer, not float"),
        ({"counts": 5}, TypeError, "counts must be a list, not a int"),
        ({"fixed": 0}, ValueError, "fixed must be at least 1, not 0"),
        ({"fixed": -3}, ValueError, "fixed must be at least 1, not -3"),
        ({"fixed": 2.0}, TypeError, "fixed must be an integer, not float"),
        ({"fixed": 2, "split_names": ["a"]}, ValueError, "1 names for 2 splits"),
        ({"counts": [2], "split_names": ["a", "b"]}, ValueError, "2 names for 1 splits"),
        ({"ratios": [0.5], "split_names": ["a", "b"]}, ValueError, "2 names for 1 splits"),
        ({"fixed": 2, "split_names": ["a", "a"]}, ValueError, "a name twice"),
        ({"fixed": 2, "split_names": "ab"}, TypeError, "split_names must be a list, not a str"),
        (
            {"fixed": 2, "split_names": ["a", 1]},
            TypeError,
            "name of a split must be a str, not int",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_arguments_are_checked_at_the_call(thousand, split, how, error, message):
    with pytest.raises(error, match=message):
        getattr(permutation_builder(thousand), split)(**how)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            {"fixed": 101},
            "100 rows cannot be split into 101: there must be at least 1 row per split",
        ),
        ({"fixed": 2**63 - 1}, "at least 1 row per split"),
        ({"fixed": 2**70}, "at least 1 row per split"),
        ({"counts": [60, 41]}, "split 1 needs 41 rows, but only 40 of 100 rows are left"),
        ({"counts": [2**62] * 4}, "split 0 needs"),
        ({"counts": [1, 2**70]}, "split 1 needs"),
        (
            {"ratios": [0.5, 0.009]},
            "split 1 has the ratio 0.009, which of 100 rows rounds to 0 rows",
        ),
        ({"ratios": [0.0]}, "rounds to 0 rows"),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("split", ["split_sequential", "split_random"])
def test_splits_that_the_rows_do_not_suffice_for(split, how, message):
    builder = getattr(permutation_builder(counting(100)), split)(**how)
    with pytest.raises(ValueError, match=message):
        builder.execute()


@pytest.mark.parametrize("split", ["split_sequential", "split_random"])
@given(
    rows=st.integers(300, 400),  # suffice for all of these
    how=st.one_of(
        st.builds(lambda n: {"fixed": n}, st.integers(1, 20)),
        st.builds(lambda c: {"counts": c}, st.lists(st.integers(1, 12), min_size=1, max_size=6)),
        st.builds(
            lambda weights: {"ratios": [w / sum(weights) for w in weights]},
            st.lists(st.integers(1, 50), min_size=1, max_size=6),
        ),
        st.builds(
            lambda weights: {"ratios": [w / 300 for w in weights]},
            st.lists(st.integers(1, 50), min_size=1, max_size=6),
        ),
    ),
)
def test_splits_are_disjoint(split, rows, how):
    builder = getattr(permutation_builder(counting(rows)), split)(**how)
    found = splits(builder)
    listed = [row for split in found.values() for row in split]
    assert len(set(listed)) == len(listed)
    assert set(listed) <= set(range(rows))
    assert all(found.values())
    if "ratios" in how and sum(how["ratios"]) > 0.99:
        assert sorted(listed) == list(range(rows))


# ------------------------------------------------------------------------------ sequential, random
def test_sequential_splits_are_consecutive(thousand):
    found = splits(permutation_builder(thousand).split_sequential(fixed=3))
    assert found == {0: list(range(333)), 1: list(range(333, 666)), 2: list(range(666, 999))}


def test_random_splits_are_cut_from_one_shuffle(thousand):
    def listed(**how):
        found = splits(permutation_builder(thousand).split_random(seed=5, **how))
        return [row for rows in found.values() for row in rows]

    everything = listed(fixed=1)
    assert sorted(everything) == list(range(1000))
    assert everything != sorted(everything)
    assert listed(counts=[10, 20]) == everything[:30]
    assert listed(fixed=3) == everything[:999]  # the surplus is of the rows that come last
    assert splits(permutation_builder(thousand).shuffle(seed=5)) == {0: everything}
    other = splits(permutation_builder(thousand).split_random(fixed=1, seed=6))[0]
    assert other != everything


# ------------------------------------------------------------------------------- filters, no rows
def test_only_rows_that_pass_the_filter(thousand):
    rows = splits(permutation_builder(thousand).filter("word IN ('w3', 'w5') AND id < 100"))[0]
    assert rows == [i for i in range(100) if i % 17 in (3, 5)]
    builder = permutation_builder(make({"x": [1, None, 3]})).filter("x > 1")
    assert splits(builder) == {0: [2]}


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("empty", ["table", "filter"])
def test_without_rows(thousand, empty, shuffle):
    def builder():
        if empty == "table":
            start = permutation_builder(make(pa.schema({"id": pa.int64()}).empty_table()))
        else:
            start = permutation_builder(thousand).filter("id < 0")
        return start.shuffle(seed=1) if shuffle else start

    permutation = builder().execute()
    assert len(permutation) == 0
    assert permutation.schema.names == ["row_id", "split_id"]
    for with_splits in (
        builder().split_sequential(fixed=1),
        builder().split_random(ratios=[1.0]),
        builder().split_random(counts=[1]),
        builder().split_hash(["id"], [1]),
        builder().split_calculated("id % 2"),
    ):
        with pytest.raises(ValueError, match="rows"):
            with_splits.execute()


def test_deleted_rows_are_not_listed():
    db = pilum.connect("memory://")
    table = db.create_table("t", pa.table({"id": range(10)}))
    table.add(pa.table({"id": range(10, 20)}))
    table.delete("id % 4 = 0")
    rows = splits(permutation_builder(table))[0]
    left = [i for i in range(20) if i % 4]
    assert rows == [i if i < 10 else (1 << 32) + i - 10 for i in left]
    assert rows == table.search().with_row_id(True).to_arrow()["_rowid"].to_pylist()


# --------------------------------------------------------------------------------------- stored
def test_persist(thousand, tmp_path):
    db = pilum.connect(tmp_path)
    builder = permutation_builder(thousand).split_random(
        ratios=[0.9, 0.1], seed=1, split_names=["train", "test"]
    )
    stored = builder.persist(db, "splits")
    assert (stored.name, db.table_names()) == ("splits", ["splits"])
    again = permutation_builder(thousand).split_random(ratios=[0.9, 0.1], seed=1)
    assert splits_of(pilum.connect(tmp_path)["splits"]) == splits(again)
    for split, rows in [("train", 900), ("test", 100)]:
        assert (
            len(Permutation.from_tables(thousand, pilum.connect(tmp_path)["splits"], split)) == rows
        )
    with pytest.raises(ValueError, match="'splits' already exists"):
        permutation_builder(thousand).persist(db, "splits")
    with pytest.raises(TypeError, match="database must be a DBConnection, not str"):
        permutation_builder(thousand).persist(str(tmp_path), "splits")


def test_a_permutation_is_stored_like_any_table(thousand, tmp_path):
    permutation = (
        permutation_builder(thousand)
        .shuffle(seed=1)
        .split_random(fixed=2, seed=2, split_names=["a", "b"])
        .execute()
    )
    db = pilum.connect(tmp_path)
    db.create_table("copy", permutation.to_arrow())
    copy = pilum.connect(tmp_path)["copy"]
    assert copy.schema.metadata == permutation.schema.metadata
    assert splits_of(copy) == splits_of(permutation)
    assert len(Permutation.from_tables(thousand, copy, "b")) == 500
