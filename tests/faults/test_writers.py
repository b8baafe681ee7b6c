"""Several writers of one table, of both libraries; readers beside them; writers that are killed.

PILUM_WRITERS and PILUM_WRITER_COMMITS ask for more of them, PILUM_WRITER_KILLS for more kills.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pytest

import pilum

MIXED_WRITER = pathlib.Path(__file__).with_name("mixed_writer.py")
WRITERS = int(os.environ.get("PILUM_WRITERS", "4"))
COMMITS = int(os.environ.get("PILUM_WRITER_COMMITS", "10"))
KILLS = int(os.environ.get("PILUM_WRITER_KILLS", "10"))
SECONDS = 60 + WRITERS * COMMITS


def rows_of(dataset) -> dict[int, int]:
    table = dataset.to_table()
    rows = dict(zip(table["id"].to_pylist(), table["n"].to_pylist(), strict=True))
    assert len(rows) == table.num_rows
    return rows


def make(uri):
    schema = pa.schema({"id": pa.int64(), "n": pa.int64()})
    return pilum.write_dataset([{"id": 0, "n": 0}], uri, schema)


# --------------------------------------------------------------------------------- many at one time
def check_writers(uri, pythons) -> None:
    """One writer for each of (python, library); nothing of theirs is lost or doubled."""
    make(uri)
    writers = [
        subprocess.Popen(
            [python, MIXED_WRITER, library, uri, str(number), str(COMMITS)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, (python, library) in enumerate(pythons, 1)
    ]
    expected = {0: 0}
    for writer in writers:
        out, _ = writer.communicate(timeout=SECONDS)
        assert writer.returncode == 0
        expected |= dict(json.loads(out))
    dataset = pilum.dataset(uri)
    assert rows_of(dataset) == expected
    assert dataset.verify().damages == []


def test_processes_lose_nothing(tmp_path):
    check_writers(tmp_path / "t.lance", [(sys.executable, "pilum")] * WRITERS)


@pytest.mark.peer
def test_processes_of_both_libraries_lose_nothing(tmp_path, reference_python):
    uri = tmp_path / "t.lance"
    ours, theirs = (sys.executable, "pilum"), (reference_python, "lance")
    check_writers(uri, [ours, theirs] * (WRITERS // 2))
    read = "import lance, sys; d = lance.dataset(sys.argv[1]); d.validate(); print(d.count_rows())"
    counted = subprocess.run([reference_python, "-c", read, uri], capture_output=True, text=True)
    assert counted.stdout.strip() == str(len(pilum.dataset(uri)))


def until_done(change) -> None:
    while True:
        try:
            return change()
        except pilum.errors.CommitConflictError:
            continue


@pytest.mark.parametrize("handles", [1, 2])
def test_threads_lose_nothing(tmp_path, handles):
    datasets = [make(tmp_path / "t.lance")]
    datasets += [pilum.dataset(tmp_path / "t.lance") for _ in range(handles - 1)]
    errors = []

    def write(number):
        dataset = datasets[number % handles]
        try:
            for i in range(COMMITS):
                id = 1000 * number + i
                dataset.insert([{"id": id, "n": 0}, {"id": -id, "n": 0}])
                until_done(lambda id=id: dataset.delete(f"id = {-id}"))
                until_done(lambda id=id: dataset.update({"n": "1"}, f"id = {id}"))
                if i % 4 == 3:
                    until_done(lambda: dataset.optimize.compact_files(target_rows_per_fragment=10))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    dataset = pilum.dataset(tmp_path / "t.lance")
    assert rows_of(dataset) == {0: 0} | {
        1000 * number + i: 1 for number in (1, 2) for i in range(COMMITS)
    }
    assert dataset.verify().damages == []


# -------------------------------------------------------------------------------- readers meanwhile
UPDATER = """
import datetime, sys, pilum
uri, commits, clean = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "clean"
dataset = pilum.dataset(uri)
for n in range(1, commits + 1):
    dataset.update({"n": str(n)})
    dataset.insert([{"id": 1000 + n, "n": n}])
    dataset.delete(f"id = {n}")
    dataset.optimize.compact_files(target_rows_per_fragment=7)
    if clean:
        dataset.cleanup_old_versions(datetime.timedelta(0))
"""
ROWS = [{"id": i, "n": 0} for i in range(3 * COMMITS + 1)]


def while_updated(uri, clean, check) -> int:
    """How often `check` was called while another process wrote."""
    command = [sys.executable, "-c", UPDATER, str(uri), str(3 * COMMITS), clean]
    with subprocess.Popen(command) as writer:
        calls = 0
        while writer.poll() is None:
            check()
            calls += 1
    assert writer.returncode == 0
    return calls


def test_an_open_reader_keeps_its_version(tmp_path):
    """It is tagged, so that cleaning up does not take it away."""
    reader = pilum.write_dataset(ROWS, tmp_path / "t.lance", max_rows_per_file=30)
    reader.tags.create("read", reader.version)

    def check():
        assert reader.to_table().to_pylist() == ROWS
        assert reader.version == 1

    assert while_updated(reader.uri, "clean", check) > 0
    check()
    newest = reader.checkout_version((None, None))
    assert [version["version"] for version in newest.versions()] == [1, newest.version]
    assert set(rows_of(newest).values()) == {3 * COMMITS}


def test_readers_never_see_half_a_version(tmp_path):
    """Each version that sets n sets it in all rows."""
    uri = str(tmp_path / "t.lance")
    pilum.write_dataset(ROWS, uri, max_rows_per_file=30)
    seen = set()

    def check():
        dataset = pilum.dataset(uri)
        rows = rows_of(dataset)
        assert len(set(rows.values())) == 1
        assert len(rows) in (len(ROWS), len(ROWS) + 1)
        seen.add(dataset.version)

    while_updated(uri, "", check)
    assert len(seen) > 1


# ------------------------------------------------------------------------------------------- kills
KILLED_WRITER = """
import array, datetime, sys
import pyarrow as pa
import pilum

def column(values):  # pa.array loads pandas, which takes longer than all of the rest
    buffer = pa.py_buffer(array.array("q", values))
    return pa.Array.from_buffers(pa.int64(), len(values), [None, buffer])

uri, number = sys.argv[1], int(sys.argv[2])
dataset = pilum.dataset(uri)
for i in range(10_000):
    first = 1_000_000 * number + 10 * i
    ids = range(first, first + 10)
    dataset.insert(pa.table([column(ids), column([0] * 10)], ["id", "n"]))
    dataset.delete(f"id = {first + 3}")
    dataset.update({"n": "1"}, f"id = {first + 5}")
    if i % 3 == 2:
        dataset.optimize.compact_files()
    if i % 4 == 3:
        dataset.cleanup_old_versions(datetime.timedelta(0))
    print(i, flush=True)
"""


def rounds_of(number, first, last) -> dict[int, int]:
    """What the killed writer of that number has written at the end of these rounds."""
    ids = (1_000_000 * number + 10 * i + k for i in range(first, last) for k in range(10) if k != 3)
    return {id: int(id % 10 == 5) for id in ids}


def stages_of(number, i) -> list[dict[int, int]]:
    """What there may be of one round."""
    rows = {1_000_000 * number + 10 * i + k: 0 for k in range(10)}
    deleted = {id: n for id, n in rows.items() if id % 10 != 3}
    return [{}, rows, deleted, rounds_of(number, i, i + 1)]


def remove_leftovers(dataset) -> None:
    """Of the files that dead writers left, those that are not complete wait for a week."""
    long_ago = time.time() - 8 * 24 * 3600
    for path in pathlib.Path(dataset.uri).rglob("*"):
        os.utime(path, (long_ago, long_ago))
    dataset.cleanup_old_versions()


def test_killed_writers_leave_a_table(tmp_path):
    """What a killed writer has reported is there; of what it was about to do, all or nothing."""
    uri = tmp_path / "t.lance"
    make(uri)
    chance = random.Random(1)
    expected = {0: 0}
    for number in range(1, KILLS + 1):
        writer = subprocess.Popen(
            [sys.executable, "-c", KILLED_WRITER, str(uri), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        reported = int(writer.stdout.readline()) + 1  # it has begun
        time.sleep(chance.random() * 0.1)
        writer.send_signal(signal.SIGKILL)
        reported += len(writer.stdout.readlines())
        writer.wait()
        dataset = pilum.dataset(uri)
        found = rows_of(dataset)
        sure = expected | rounds_of(number, 0, reported)
        assert found in [sure | stage for stage in stages_of(number, reported)], number
        assert dataset.verify().damages == []
        expected = found
    remove_leftovers(dataset)
    needed = {
        name
        for version in dataset.versions()
        for fragment in dataset.checkout_version(version["version"]).get_fragments()
        for name in fragment.data_files
    }
    assert {path.name for path in (uri / "data").iterdir()} == needed
    assert list(uri.rglob(".*")) == []
    dataset.insert([{"id": -1, "n": 0}])
    assert rows_of(dataset) == expected | {-1: 0}
