"""Pickles of tables in memory, of connections, and of permutations."""

import functools
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

import pilum
from equality import assert_same_table
from permutations import make
from pilum.permutation import Permutation, Permutations, permutation_builder

FACTORY_CALLS: list[str] = []


def copy(thing):
    return pickle.loads(pickle.dumps(thing))


def rows(first: int, end: int) -> pa.Table:
    return pa.table({"a": range(first, end), "b": [str(i) for i in range(first, end)]})


def everything(permutation: Permutation) -> list[dict]:
    return [row for batch in permutation.iter(64) for row in batch]


@pytest.fixture
def stored(tmp_path) -> pilum.Table:
    return pilum.connect(tmp_path).create_table("t", rows(0, 100))


# ------------------------------------------------------------------------------------------- tables
def test_a_table_in_memory_goes_by_value():
    table = make(rows(0, 100))
    table.add(rows(100, 120))
    table.delete("a % 3 = 0")
    table.tags.create("first", 1)
    other = copy(table)
    assert (other.name, other.uri, other.version) == (table.name, table.uri, 3)
    assert other.tags.list() == table.tags.list()
    for version in (1, 2, 3):
        table.checkout(version)
        other.checkout(version)
        assert_same_table(
            other.search().with_row_id(True).to_arrow(), table.search().with_row_id(True).to_arrow()
        )
    assert other.schema == table.schema


def test_a_copy_in_memory_is_a_table_of_its_own():
    table = make(rows(0, 10))
    other = copy(table)
    other.add(rows(10, 20))
    table.delete("a < 5")
    assert (len(other), len(table)) == (20, 5)
    again = copy(other)
    assert (len(again), again.version) == (20, 2)


def test_a_copy_in_memory_that_was_never_used_pickles():
    data = pickle.dumps(make(rows(0, 10)))
    for _ in range(3):
        data = pickle.dumps(pickle.loads(data))
    assert pickle.loads(data).to_arrow().equals(rows(0, 10))


def test_a_table_in_memory_stays_on_its_version():
    table = make(rows(0, 10))
    table.add(rows(10, 20))
    table.checkout(1)
    other = copy(table)
    assert (other.version, len(other)) == (1, 10)
    with pytest.raises(ValueError, match="cannot be modified when a specific version is checked"):
        other.add(rows(0, 1))
    other.checkout_latest()
    assert len(other) == 20


def test_a_table_on_disk_goes_by_reference(stored):
    data = pickle.dumps(stored)
    assert len(data) < 1000
    other = pickle.loads(data)
    stored.add(rows(100, 110))
    assert (len(other), other.version) == (100, 1)
    other.checkout_latest()
    assert len(other) == 110


def test_a_table_is_opened_when_it_is_first_used(tmp_path):
    db = pilum.connect(tmp_path)
    data = pickle.dumps(db.create_table("t", rows(0, 10)))
    db.drop_table("t")
    other = pickle.loads(data)
    assert other.name == "t"
    with pytest.raises(ValueError, match="t"):
        len(other)


def test_connections(tmp_path):
    db = pilum.connect(tmp_path, storage_options={"sync": "false"})
    db.create_table("t", rows(0, 10))
    other = copy(db)
    assert (other.uri, other.table_names(), repr(other)) == (db.uri, ["t"], repr(db))
    other.create_table("u", rows(0, 1))
    assert db.table_names() == ["t", "u"]


# ------------------------------------------------------------------------------------- permutations
def test_an_identity_of_a_table_on_disk_is_small(stored):
    identity = Permutation.identity(stored)
    for permutation in (
        identity,
        Permutation.shuffled(stored, seed=1, clump_size=4),
        identity.select_columns(["b"]).rename_column("b", "text").with_skip(5).with_format("torch"),
    ):
        data = pickle.dumps(permutation)
        assert len(data) < 1000
        assert _picklable_content(pickle.loads(data)) == _picklable_content(permutation)


def _picklable_content(permutation: Permutation) -> tuple:
    return (
        len(permutation),
        permutation.schema,
        permutation.batch_size,
        permutation.transform_fn,
        permutation.split,
        list(permutation.with_format("arrow").iter(7)),
        permutation.base_table.name,
        repr(permutation),
    )


PERMUTATIONS = {
    "identity": Permutation.identity,
    "shuffled": lambda table: Permutation.shuffled(table, seed=3, epoch=2, clump_size=4),
    "split": lambda table: Permutations(
        table,
        permutation_builder(table)
        .split_random(ratios=[0.8, 0.2], seed=1, split_names=["train", "test"])
        .execute(),
    )["test"],
}
CHANGES = {
    "nothing": lambda permutation: permutation,
    "columns": lambda permutation: permutation.select_columns(["b", "_rowid"]),
    "names": lambda permutation: permutation.rename_columns({"a": "b", "b": "a"}),
    "window": lambda permutation: permutation.with_skip(3).with_take(11).with_repeat(2),
    "batch size": lambda permutation: permutation.with_batch_size(3),
    "format": lambda permutation: permutation.with_format("numpy"),
    "function": lambda permutation: permutation.with_transform(pa.RecordBatch.to_pydict),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", PERMUTATIONS)
@pytest.mark.parametrize("place", ["memory", "disk"])
def test_a_permutation_is_what_it_was(stored, place, kind, change):
    table = stored if place == "disk" else make(rows(0, 100))
    permutation = CHANGES[change](PERMUTATIONS[kind](table))
    for other in (copy(permutation), copy(copy(permutation))):
        assert _picklable_content(other) == _picklable_content(permutation)
    used = copy(permutation)
    used[0]
    assert _picklable_content(copy(used)) == _picklable_content(permutation)


def test_a_copy_can_be_changed_before_it_is_used(stored):
    other = copy(Permutation.shuffled(stored, seed=1)).select_columns(["a"]).with_take(3)
    assert everything(other) == [
        {"a": row["a"]} for row in Permutation.shuffled(stored, seed=1).__getitems__(range(3))
    ]
    assert copy(Permutation.identity(stored)).schema == stored.schema


def test_what_a_listed_permutation_takes(stored):
    built = permutation_builder(stored).split_random(fixed=2, seed=1).execute()
    data = pickle.dumps(Permutation.from_tables(stored, built, 1))
    assert len(data) < 10_000
    other = pickle.loads(data)
    assert other.permutation_table.to_arrow().equals(built.to_arrow())
    assert (
        Permutations(other.base_table, other.permutation_table)[0][:]
        == (Permutation.from_tables(stored, built, 0)[:])
    )


def test_what_was_opened_once_is_not_opened_again(tmp_path, stored):
    db = pilum.connect(tmp_path)
    listed = permutation_builder(stored).shuffle(seed=1).persist(db, "p")
    permutation = Permutation.from_tables(stored, listed)
    other = copy(permutation)
    assert other.with_format("arrow")[5]["a"].to_pylist() == [permutation[5][0]["a"]]
    db.drop_table("p")
    assert other.select_columns(["a"])[5][0]["a"] == permutation[5][0]["a"]


def test_a_copy_that_many_threads_use_first(stored):
    permutation = Permutation.shuffled(stored, seed=1)
    expected = everything(permutation)
    for _ in range(10):
        other = copy(permutation)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda i, other=other: other[i][0], range(100)))
        assert found == expected


def _read(permutation: Permutation) -> list[dict]:
    return everything(permutation)


def test_in_another_process(stored):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for table in (stored, make(rows(0, 100))):
            for kind in PERMUTATIONS.values():
                permutation = kind(table)
                assert pool.apply(_read, (permutation,)) == everything(permutation)


# -------------------------------------------------------------------------------------- factories
def open_in(folder: str, name: str) -> pilum.Table:
    FACTORY_CALLS.append(name)
    return pilum.connect(folder)[name]


class Opener:
    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, name: str) -> pilum.Table:
        return open_in(self.folder, name)


@pytest.fixture(params=["partial", "instance", "bound method"])
def factory(request, tmp_path):
    FACTORY_CALLS.clear()
    folder = str(tmp_path)
    return {
        "partial": functools.partial(open_in, folder),
        "instance": Opener(folder),
        "bound method": Opener(folder).__call__,
    }[request.param]


@pytest.mark.parametrize("kind", PERMUTATIONS)
def test_a_factory_opens_the_table_in_the_copy(stored, factory, kind):
    plain = PERMUTATIONS[kind](stored)
    permutation = plain.with_connection_factory(factory)
    assert plain.connection_factory is None
    assert permutation.connection_factory is factory
    expected = everything(plain)
    assert everything(permutation) == expected
    assert permutation.select_columns(["a"]).base_table is stored
    other = copy(permutation.with_batch_size(7))
    assert FACTORY_CALLS == []  # not here, and not before it is used
    assert (len(other), other.batch_size, other.column_names) == (len(plain), 7, ["a", "b"])
    assert FACTORY_CALLS == []
    assert everything(other) == expected
    assert everything(other.with_skip(2)) == expected[2:]
    assert other.base_table.uri == stored.uri
    assert FACTORY_CALLS == ["t"]
    assert everything(copy(other)) == expected
    assert FACTORY_CALLS == ["t", "t"]


def test_what_a_factory_opens_is_read_at_the_version(stored, factory):
    permutation = Permutation.identity(stored).with_connection_factory(factory)
    stored.add(rows(100, 110))
    stored.delete("a < 50")
    assert len(everything(copy(permutation))) == 100


def test_a_pickle_with_a_factory_has_no_address(stored, factory):
    data = pickle.dumps(Permutation.identity(stored).with_connection_factory(len))
    assert stored.uri.encode() not in data
    assert len(data) < 1000


def test_a_factory_that_cannot_be_pickled(stored):
    local = stored

    def closure(name):
        return local

    for bad in (lambda name: stored, closure):
        permutation = Permutation.identity(stored).with_connection_factory(bad)
        assert len(everything(permutation)) == 100  # it is not needed here
        with pytest.raises(
            pickle.PicklingError,
            match=r"the connection factory .* cannot be pickled: .*; use a function of a module",
        ):
            pickle.dumps(permutation)


@pytest.mark.parametrize("bad", [None, "open_table", 7])
def test_a_factory_that_is_none(stored, bad):
    with pytest.raises(TypeError, match="connection_factory must be callable, not"):
        Permutation.identity(stored).with_connection_factory(bad)


def no_table(name: str) -> str:
    return name


def other_table(name: str) -> pilum.Table:
    return make(rows(0, 5))


def test_a_factory_that_opens_something_else(stored):
    permutation = Permutation.shuffled(stored, seed=1)
    with pytest.raises(TypeError, match="the connection factory must return a Table, not str"):
        copy(permutation.with_connection_factory(no_table))[0]
    with pytest.raises(
        ValueError, match=r"version 1 of table 't' has 5 rows, but had 100 .* another table"
    ):
        copy(permutation.with_connection_factory(other_table))[99]
    stored.add(rows(0, 1))
    later = Permutation.identity(stored).with_connection_factory(other_table)
    with pytest.raises(ValueError, match="Version 2 no longer exists of table 't'"):
        copy(later)[0]
