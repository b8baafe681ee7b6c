"""Which version a Permutation reads: the one it was made at, whatever happens to the table."""

import datetime
import pickle
import shutil

import pyarrow as pa
import pytest

import pilum
from pilum.permutation import Permutation, Permutations, permutation_builder

AT_ONCE = datetime.timedelta(0)


def rows(first: int, end: int) -> pa.Table:
    return pa.table({"a": range(first, end)})


def everything(permutation: Permutation) -> list[int]:
    return [row["a"] for batch in permutation.iter(64) for row in batch]


@pytest.fixture(params=["disk", "memory"])
def table(request, tmp_path) -> pilum.Table:
    db = pilum.connect(tmp_path if request.param == "disk" else "memory://")
    return db.create_table("t", rows(0, 100))


KINDS = {
    "identity": Permutation.identity,
    "shuffled": lambda table: Permutation.shuffled(table, seed=1),
    "listed": lambda table: Permutation.from_tables(
        table, permutation_builder(table).shuffle(seed=1).execute()
    ),
}


@pytest.fixture(params=KINDS)
def permutation(table, request) -> Permutation:
    return KINDS[request.param](table)


def change(table: pilum.Table) -> None:
    """Adds, deletes, moves and rewrites rows."""
    table.add(rows(100, 150))
    table.delete("a < 20")
    table.update("a < 40", {"a": -1})
    table.optimize()
    assert table.version > 4


def test_changes_of_the_table_are_not_seen(table, permutation):
    before = everything(permutation)
    assert sorted(before) == list(range(100))
    change(table)
    assert everything(permutation) == before
    assert [row["a"] for row in permutation.__getitems__([99, 0])] == [before[99], before[0]]
    assert (len(permutation), permutation.base_table) == (100, table)


def test_a_pickled_copy_reads_the_same_version(table, permutation):
    before = everything(permutation)
    early = pickle.dumps(permutation)
    change(table)
    late = pickle.dumps(permutation)
    table.checkout(2)
    elsewhere = pickle.dumps(permutation)
    for data in (early, late, elsewhere):
        assert everything(pickle.loads(data)) == before


def test_the_handle_of_the_user_stays_where_it_is(table):
    permutation = permutation_builder(table).shuffle(seed=1).execute()
    change(table)
    version = table.version
    listed = Permutation.from_tables(table, permutation)
    assert sorted(everything(listed)) == list(range(100))
    assert table.version == version
    assert pickle.loads(pickle.dumps(listed)).base_table.version == version
    assert len(Permutation.identity(table)) == len(table) == 130


def test_a_version_that_is_checked_out(table):
    table.add(rows(100, 150))
    table.checkout(1)
    assert len(Permutation.identity(table)) == 100
    permutation = permutation_builder(table).execute()
    assert permutation.schema.metadata[b"base_version"] == b"1"
    table.checkout_latest()
    assert len(Permutation.identity(table)) == 150
    assert len(Permutation.from_tables(table, permutation)) == 100


def test_other_handles_may_be_given(tmp_path):
    """On any version: what counts is the one that the permutation was built on."""
    db = pilum.connect(tmp_path)
    table = db.create_table("t", rows(0, 10))
    table.add(rows(10, 20))
    permutation = permutation_builder(table).execute()
    table.delete("a < 15")
    for handle in (db["t"], db.open_table("t", version=1), db.open_table("t", version=3)):
        assert len(Permutations(handle, permutation)[0]) == 20


def test_a_handle_that_follows_others(tmp_path):
    table = pilum.connect(tmp_path).create_table("t", rows(0, 100))
    following = pilum.connect(tmp_path, read_consistency_interval=AT_ONCE)["t"]
    before = Permutation.identity(following)
    table.add(rows(100, 150))
    after = Permutation.identity(following)
    assert (len(before), len(after)) == (100, 150)
    table.delete("a >= 10")
    for permutation, count in [(before, 100), (after, 150)]:
        copy = pickle.loads(pickle.dumps(permutation))
        assert everything(permutation) == everything(copy) == list(range(count))
        assert len(copy.base_table) == 10
    assert permutation_builder(following).execute().schema.metadata[b"base_version"] == b"3"


def test_a_permutation_table_that_changes(tmp_path):
    """It is pinned, too."""
    db = pilum.connect(tmp_path, read_consistency_interval=AT_ONCE)
    table = db.create_table("t", rows(0, 100))
    stored = permutation_builder(table).shuffle(seed=1).persist(db, "p")
    permutation = Permutation.from_tables(table, stored)
    before = everything(permutation)
    pilum.connect(tmp_path)["p"].delete("row_id > 10")
    assert everything(permutation) == before
    assert everything(pickle.loads(pickle.dumps(permutation))) == before
    assert len(Permutation.from_tables(table, stored)) == 11


def remove_old_versions(table: pilum.Table) -> None:
    table.optimize(cleanup_older_than=AT_ONCE, delete_unverified=True)
    assert [version["version"] for version in table.list_versions()] == [table.version]


def test_a_version_that_was_removed(table, permutation):
    """Whoever has to open it is told which one of which table."""
    early = pickle.dumps(permutation)
    built = permutation_builder(table).execute()
    change(table)
    remove_old_versions(table)
    unreachable = [lambda: Permutation.from_tables(table, built)]
    unreachable.append(lambda: everything(pickle.loads(pickle.dumps(permutation))))
    if table.uri.startswith("/"):  # pickles of tables in memory have their versions
        unreachable.append(lambda: everything(pickle.loads(early)))
    for use in unreachable:
        with pytest.raises(ValueError, match=r"Version 1 no longer exists of table 't'") as caught:
            use()
        assert caught.type is pilum.NotFoundError
        assert caught.value.version == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_version_that_is_removed_while_it_is_open(tmp_path, kind):
    table = pilum.connect(tmp_path).create_table("t", rows(0, 100))
    shutil.copytree(table.uri, tmp_path / "u.lance")  # whose files nobody has opened
    permutation = KINDS[kind](pilum.connect(tmp_path)["u"])
    somebody = pilum.connect(tmp_path)["u"]
    change(somebody)
    remove_old_versions(somebody)
    for use in (
        lambda: permutation.__getitems__([0]),
        lambda: permutation[5],
        lambda: list(permutation.iter(10)),
    ):
        with pytest.raises(ValueError, match=r"Version 1 no longer exists of table 'u'"):
            use()


def test_a_version_that_a_tag_keeps(table, permutation):
    before = everything(permutation)
    table.tags.create("run", 1)
    change(table)
    table.optimize(cleanup_older_than=AT_ONCE)
    assert everything(pickle.loads(pickle.dumps(permutation))) == before
