"""pilum.connect and the database object."""

import os
import pathlib
import pickle
import shutil

import pytest

import pilum
from reference import golden

NAMES = ["digits", "empty", "history", "mixed", "names_v1", "stable"]


def test_path_and_string_are_the_same(database_path):
    for uri in (database_path, str(database_path), f"file://{database_path}"):
        db = pilum.connect(uri)
        assert isinstance(db, pilum.DBConnection)
        assert db.uri == str(database_path)
        assert db.table_names() == NAMES


def test_relative_and_home_paths_become_absolute(database_path, monkeypatch):
    monkeypatch.chdir(database_path.parent)
    monkeypatch.setenv("HOME", str(database_path.parent))
    for uri in (database_path.name, f"file://{database_path.name}", f"~/{database_path.name}"):
        db = pilum.connect(uri)
        assert db.uri == str(database_path)
    kept = pilum.connect(database_path.name)
    monkeypatch.chdir("/")
    assert kept.table_names() == NAMES


def test_directory_is_created(tmp_path):
    path = tmp_path / "new" / "database"
    assert pilum.connect(path).table_names() == []
    assert path.is_dir()


def test_memory_databases_are_private():
    for uri in ("memory://", "memory:///"):
        db = pilum.connect(uri)
        assert db.uri == uri
        assert db.table_names() == []


@pytest.mark.parametrize("uri", ["ftp://host/path", "nonsense://x"])
def test_unknown_scheme(uri):
    with pytest.raises(ValueError, match=r"memory://") as caught:
        pilum.connect(uri)
    assert uri.split(":")[0] in str(caught.value)


@pytest.mark.parametrize("uri", [None, 7, b"bytes"])
def test_uri_of_the_wrong_kind(uri):
    with pytest.raises((ValueError, TypeError)):
        pilum.connect(uri)


@pytest.mark.parametrize("open_it", [pilum.connect, pilum.dataset])
def test_paths_that_no_folder_has(tmp_path, open_it):
    with pytest.raises(pilum.InvalidArgumentError, match="NUL"):
        open_it(f"{tmp_path}/nu\0l")
    with pytest.raises(pilum.InvalidArgumentError, match="UTF-8"):
        open_it(tmp_path / os.fsdecode(b"\xff"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made():
    with pytest.raises(pilum.AccessError, match="pilum-test"):
        pilum.connect("/sys/pilum-test")


def test_only_the_uri_is_positional(tmp_path):
    with pytest.raises(TypeError):
        pilum.connect(tmp_path, "key")


def test_options_that_do_nothing_here(tmp_path):
    options = dict.fromkeys(["session", "request_thread_pool", "api_key", "client_config"])
    assert len(pilum.connect(tmp_path, **options)) == 0


def test_unknown_option(tmp_path):
    with pytest.raises(TypeError, match="no_such_option"):
        pilum.connect(tmp_path, no_such_option=1)


def test_names_in_order_and_in_pages(db):
    assert db.table_names() == NAMES
    assert db.table_names(limit=2) == NAMES[:2]
    assert db.table_names(page_token="history") == NAMES[3:]
    assert db.table_names("empty", 2) == NAMES[2:4]
    listing = db.list_tables()
    assert list(listing.tables) == NAMES
    assert not listing.page_token


def test_pages_of_list_tables_add_up(db):
    names, token = [], None
    while True:
        page = db.list_tables(page_token=token, limit=4)
        names += page.tables
        token = page.page_token
        if not token:
            break
    assert names == NAMES


@pytest.mark.parametrize("limit", [0, -1])
def test_pages_have_names(db, limit):
    with pytest.raises(ValueError, match="limit"):
        db.list_tables(limit=limit)


def test_limits_are_checked(db):
    assert db.table_names(limit=0) == []
    with pytest.raises(ValueError, match="limit"):
        db.table_names(limit=-1)
    for names in (db.table_names, db.list_tables):
        with pytest.raises(TypeError, match="limit"):
            names(limit="2")


def test_container_protocol(db):
    assert "mixed" in db
    assert "absent" not in db
    assert len(db) == len(NAMES)
    assert list(db) == NAMES
    assert db["history"].name == "history"


def test_other_files_are_no_tables(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder").mkdir()
    db = pilum.connect(tmp_path)
    assert db.table_names() == []
    assert len(db) == 0


def test_only_tables_that_can_be_opened_are_listed(tmp_path):
    table = os.fsencode(golden("names-v1").uri)
    for name in (b"\xff.lance", b"a b.lance", b".lance", b"good.lance"):
        shutil.copytree(table, os.fsencode(tmp_path) + b"/" + name)
    (tmp_path / "dropped.lance" / "_versions").mkdir(parents=True)
    (tmp_path / "unfinished.lance" / "data").mkdir(parents=True)
    assert pilum.connect(tmp_path).table_names() == ["good"]


def test_missing_table(db):
    for open_it in (lambda: db.open_table("absent"), lambda: db["absent"]):
        with pytest.raises(ValueError, match="Table 'absent' was not found"):
            open_it()


@pytest.mark.parametrize("name", ["", "a/b", "../mixed", "a b", "a\0b", "naïve", "x" * 5000, ".."])
def test_invalid_table_name(db, name):
    with pytest.raises(ValueError, match="Invalid table name"):
        db.open_table(name)


def test_table_name_of_the_wrong_kind(db):
    with pytest.raises(TypeError, match="must be a str, not int"):
        db.open_table(3)
    with pytest.raises(ValueError, match="UTF-8"):
        db.open_table("\udcff")


def test_repr(db, database_path):
    assert repr(db) == f"LanceDBConnection(uri='{database_path}')"


def test_pickle(db):
    copy = pickle.loads(pickle.dumps(db))
    assert copy.uri == db.uri
    assert copy.table_names() == NAMES


def test_a_table_copied_in_later_is_seen(tmp_path, database_path):
    db = pilum.connect(tmp_path)
    assert "late" not in db
    os.symlink(database_path / "mixed.lance", tmp_path / "late.lance")
    assert "late" in db
    assert db.open_table("late").count_rows() == 400


def test_package_facts():
    assert pilum.__version__ == "0.1.0"
    assert (pathlib.Path(pilum.__file__).parent / "py.typed").exists()
