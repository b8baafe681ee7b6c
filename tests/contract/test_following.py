"""Which version a table handle reads: read_consistency_interval, checkouts, and both together."""

import contextlib
import datetime
import pathlib
import pickle
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import pilum
from reference import golden

ALWAYS = datetime.timedelta(0)
SELDOM = datetime.timedelta(days=1)
SECONDS = 120  # for what takes one or two: longer is a hang


class Growing:
    """A database with one table, `history`, at version 5 of 6."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        versions = shutil.copytree(golden("history-2.2").uri, path / "history.lance") / "_versions"
        self._newest, self._former = sorted(versions.glob("*.manifest"))[:2]
        self._aside = self._newest.rename(path / "aside")

    def open(self, interval: datetime.timedelta | None) -> pilum.Table:
        return pilum.connect(self.path, read_consistency_interval=interval)["history"]

    def grow(self) -> None:
        self._aside.rename(self._newest)

    def clean_up(self) -> None:
        self._former.unlink()


@pytest.fixture
def growing(tmp_path) -> Growing:
    return Growing(tmp_path)


@pytest.mark.parametrize(("interval", "version"), [(None, 5), (SELDOM, 5), (ALWAYS, 6)])
def test_a_handle_follows_as_its_connection_says(growing, interval, version):
    table = growing.open(interval)
    assert table.version == 5
    growing.grow()
    assert table.version == version
    assert len(table) == (197 if version == 6 else 274)
    table.checkout_latest()
    assert table.version == 6


def test_a_handle_that_is_checked_out_stays(growing):
    table = growing.open(ALWAYS)
    table.checkout(1)
    growing.grow()
    assert table.version == 1
    assert pickle.loads(pickle.dumps(table)).version == 1
    table.checkout_latest()
    assert table.version == 6


def test_a_pickled_handle_stays_on_its_version(growing):
    data = pickle.dumps(growing.open(None))
    growing.grow()
    assert pickle.loads(data).version == 5


@pytest.mark.parametrize("interval", [ALWAYS, SELDOM])
def test_a_pickled_handle_that_follows_needs_no_old_version(growing, interval):
    data = pickle.dumps(growing.open(interval))
    growing.grow()
    growing.clean_up()
    copy = pickle.loads(data)
    assert (copy.version, len(copy)) == (6, 197)


def test_reads_do_not_undo_a_checkout(growing):
    table = growing.open(ALWAYS)
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            assert len(table) in (250, 274)

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            for _ in range(300):
                table.checkout(1)
                time.sleep(0.001)  # for reads that began before
                assert table.version == 1
                table.checkout_latest()
        finally:
            stop.set()
        for reader in readers:
            reader.result()


def test_a_child_forked_while_threads_move_the_handle(growing):
    program = f"""import datetime, os, threading
import pilum
db = pilum.connect({str(growing.path)!r}, read_consistency_interval=datetime.timedelta(0))
table = db["history"]

def work():
    while True:
        table.version

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
for _ in range(50):
    child = os.fork()
    if child == 0:
        table.checkout(1)
        os._exit(table.version)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
print("done")"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=SECONDS
    )
    assert run.stdout == "done\n", run.stderr


@pytest.mark.parametrize(
    ("interval", "error"), [(5, TypeError), ("1s", TypeError), (-SELDOM, ValueError)]
)
def test_an_interval_is_checked_when_connecting(tmp_path, interval, error):
    with pytest.raises(error, match="read_consistency_interval"):
        pilum.connect(tmp_path, read_consistency_interval=interval)


def test_a_tag_that_comes_and_goes(growing):
    """A checkout either finds it or says that it is not there."""
    table = growing.open(None)
    tag = growing.path / "history.lance" / "_refs" / "tags" / "first.json"
    stop = threading.Event()

    def toggle() -> None:
        while not stop.is_set():
            tag.rename(growing.path / "first.json")
            (growing.path / "first.json").rename(tag)

    with ThreadPoolExecutor(1) as pool:
        toggling = pool.submit(toggle)
        try:
            for _ in range(1000):
                with contextlib.suppress(pilum.NotFoundError):
                    table.checkout("first")
        finally:
            stop.set()
        toggling.result()


@pytest.mark.parametrize("branch", [None, "", "main"])
def test_the_main_branch_is_none_by_every_name(growing, branch):
    growing.grow()
    table = pilum.connect(growing.path).open_table("history", branch=branch)
    assert table.version == 6
    dataset = pilum.dataset(growing.path / "history.lance", branch=branch)
    assert dataset.branch is None
    assert dataset.checkout_version((branch, 2)).branch is None


def test_a_branch_of_the_wrong_kind(growing):
    with pytest.raises(TypeError, match="branch must be a str"):
        pilum.dataset(growing.path / "history.lance", branch=3)
