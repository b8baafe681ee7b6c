"""Writers that are killed, or refused by the system, at each of their steps.

The steps are the calls that change files; fail_at.c counts them. Afterwards the table is the old or
the new one, and what is left over goes with a cleanup.
"""

import datetime
import errno
import itertools
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import pyarrow as pa
import pytest

import pilum

HERE = pathlib.Path(__file__).parent
MAKE_VERSIONS = ["create", "append", "delete", "update", "compact", "overwrite", "restore"]
OPERATIONS = [*MAKE_VERSIONS, "tag", "move tag", "untag", "cleanup"]
LONG_AGO = datetime.timedelta(days=8).total_seconds()  # when files of unfinished writes may go
NOBODY = 65534
MOST_STEPS = 200  # of an operation of one of these small tables


# ------------------------------------------------------------------------------- the other process
class Steps:
    """Talks to steps.py."""

    def __init__(self, shim: pathlib.Path):
        preload = ":".join(filter(None, [str(shim), os.environ.get("LD_PRELOAD")]))
        self.process = subprocess.Popen(
            [sys.executable, HERE / "steps.py"],
            env={**os.environ, "LD_PRELOAD": preload},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, operation, uri, at=0, how="kill before", **more) -> dict:
        return self.ask(operation=operation, uri=str(uri), at=at, how=how, **more)

    def ask(self, **request) -> dict:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "crashed" not in answer, f"{request}: status {answer['crashed']}"
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    shim = tmp_path_factory.mktemp("shim") / "fail_at.so"
    command = [compiler, "-O1", "-Wall", "-Werror", "-shared", "-fPIC", HERE / "fail_at.c"]
    subprocess.run([*command, "-o", shim, "-ldl"], check=True)
    steps = Steps(shim)
    yield steps
    steps.close()


class Tables:
    """Copies of one table, and what an operation should make of it."""

    def __init__(self, folder: pathlib.Path, steps: Steps):
        self.folder, self.steps = folder, steps
        self.original = folder / "original.lance"
        steps.run("make", self.original)
        self.numbers = itertools.count()

    def copy(self, operation) -> pathlib.Path:
        """The table that the operation is for: none, if it creates it."""
        path = self.folder / f"{next(self.numbers)}.lance"
        return path if operation == "create" else pathlib.Path(shutil.copytree(self.original, path))

    def old_and_new(self, operation):
        uri = self.copy(operation)
        old = state_of(uri)
        answer = self.steps.run(operation, uri)
        assert "error" not in answer, answer
        return old, state_of(uri)


@pytest.fixture(scope="module")
def tables(tmp_path_factory, steps):
    return Tables(tmp_path_factory.mktemp("tables"), steps)


# ------------------------------------------------------------------------------------ what is there
def rows_of(dataset) -> dict[int, str]:
    table = dataset.to_table()
    rows = dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))
    assert len(rows) == table.num_rows
    return rows


def state_of(uri):
    """The newest rows and the tags; None: no table."""
    try:
        dataset = pilum.dataset(uri)
    except pilum.errors.NotFoundError:
        return None
    return rows_of(dataset), {name: tag["version"] for name, tag in dataset.tags.list().items()}


def check_versions(uri, original) -> None:
    """Each that is listed is whole, and those of the original are what they were."""
    newest = pilum.dataset(uri)
    before = [] if original is None else [v["version"] for v in original.versions()]
    for number in (version["version"] for version in newest.versions()):
        version = newest.checkout_version(number)
        assert version.verify().damages == []
        if number in before:
            assert rows_of(version) == rows_of(original.checkout_version(number))


def append_and_check(uri) -> None:
    before = rows_of(pilum.dataset(uri))
    pilum.write_dataset(pa.table({"id": [1000], "text": ["last"]}), uri, mode="append")
    assert rows_of(pilum.dataset(uri)) == before | {1000: "last"}


def used_files(uri) -> dict[str, object]:
    """Names of data files, and how many there are of the others."""
    newest = pilum.dataset(uri)
    versions = [newest.checkout_version(v["version"]) for v in newest.versions()]
    fragments = [fragment for version in versions for fragment in version.get_fragments()]
    deletions = {(f.fragment_id, f.num_deletions) for f in fragments if f.num_deletions}
    return {
        "data": {name for fragment in fragments for name in fragment.data_files},
        "_deletions": len(deletions),
        "_transactions": len(versions),
        "_versions": len(versions),
        "_refs": len(newest.tags.list()),
    }


def found_files(uri) -> dict[str, object]:
    paths = [path.relative_to(uri) for path in uri.rglob("*") if path.is_file()]
    found = dict.fromkeys(("_deletions", "_transactions", "_versions", "_refs"), 0)
    for path in paths:
        if path.parts[0] != "data":
            found[path.parts[0]] += 1
    return {"data": {p.name for p in paths if p.parts[0] == "data"}, **found}


def check_that_cleanup_removes_the_rest(uri) -> None:
    then = time.time() - LONG_AGO
    for path in uri.rglob("*"):
        os.utime(path, (then, then))
    pilum.dataset(uri).cleanup_old_versions()
    assert found_files(uri) == used_files(uri)


# ------------------------------------------------------------------------------------------- kills
def killed(tables, operation, how="kill before", **more):
    """A table for each step at which the operation can be killed, and the last one, which ended."""
    for n in range(1, MOST_STEPS):
        uri = tables.copy(operation)
        answer = tables.steps.run(operation, uri, n, how, **more)
        yield n, uri
        if "killed" not in answer:
            assert not answer["reached"]
            return
    raise AssertionError(f"{operation} has not ended after {MOST_STEPS} steps")


@pytest.mark.parametrize(
    ("operation", "without_noreplace"),
    # Some file systems cannot rename without replacing: then files get a second name.
    [*((operation, False) for operation in OPERATIONS), ("append", True), ("tag", True)],
)
def test_killed_between_every_two_steps(tables, operation, without_noreplace):
    old, new = tables.old_and_new(operation)
    original = None if operation == "create" else pilum.dataset(tables.original)
    states = []
    for n, uri in killed(tables, operation, without_noreplace=without_noreplace):
        states.append(state_of(uri))
        assert states[-1] in (old, new), n
        if states[-1] is None:
            assert tables.steps.run(operation, uri).get("error") is None
            assert state_of(uri) == new
        check_versions(uri, original)
        append_and_check(uri)
        check_that_cleanup_removes_the_rest(uri)
    assert states[0] == old
    assert states[-1] == new
    assert states == sorted(states, key=lambda state: state == new)  # it does not go back


@pytest.mark.peer
def test_killed_writers_leave_what_the_reference_library_opens(tables, reference_python):
    expected = {}
    for operation in OPERATIONS:
        for _, uri in killed(tables, operation, "kill after"):
            if (state := state_of(uri)) is not None:
                expected[str(uri)] = sorted(state[0])
    read = (
        "import json, lance, sys\n"
        "for uri in json.load(sys.stdin):\n"
        "    table = lance.dataset(uri)\n"
        "    table.validate()\n"
        "    print(json.dumps(sorted(table.to_table()['id'].to_pylist())))"
    )
    found = subprocess.run(
        [reference_python, "-c", read],
        input=json.dumps(list(expected)),
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    assert [json.loads(line) for line in found.stdout.splitlines()] == list(expected.values())


# ------------------------------------------------------------------------------------------ errors
FAULTS = [
    ("fail once", errno.EIO),
    ("fail once", errno.EACCES),
    ("short write", errno.ENOSPC),
    ("fail from there on", errno.ENOSPC),
    ("fail from there on", errno.EROFS),
]


def check_error(answer, where, error) -> None:
    """It is one of ours, and says where and why."""
    assert "PilumError" in answer["bases"], answer
    assert {"OSError", "PermissionError"} & set(answer["bases"]), answer
    assert str(where) in answer["message"]
    assert os.strerror(error) in answer["message"]


@pytest.mark.parametrize(
    ("how", "error"), FAULTS, ids=[f"{how}-{errno.errorcode[error]}" for how, error in FAULTS]
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_refused_at_each_step(tables, operation, how, error):
    """The old table stays, and the same handle can do what it could not. Only when the name of what
    was committed is not known to be on disk, there is an error and a new table."""
    _, new = tables.old_and_new(operation)
    original = None if operation == "create" else pilum.dataset(tables.original)
    errors = 0
    for n in range(1, MOST_STEPS):
        uri = tables.copy(operation)
        answer = tables.steps.run(operation, uri, n, how, error=error, again=True)
        state = state_of(uri)
        if "error" in answer:
            errors += 1
            check_error(answer, uri.parent if operation == "create" else uri, error)
            if "again" in answer:
                assert answer["again"] is None, (n, answer)
            else:
                assert answer["calls"][n - 1][0] == "fsync", (n, answer)
                assert operation not in MAKE_VERSIONS or "is not known" in answer["message"]
        assert state == new, (n, answer)
        check_versions(uri, original)
        append_and_check(uri)
        check_that_cleanup_removes_the_rest(uri)
        if not answer["reached"]:
            break
    assert not answer["reached"]
    assert errors > 0 or (error == errno.ENOSPC and operation in ("untag", "cleanup"))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_folders_that_cannot_be_written(tables, operation):
    _, new = tables.old_and_new(operation)
    # Not in tmp_path, which only its owner may enter.
    with tempfile.TemporaryDirectory() as folder:
        uri = pathlib.Path(folder) / "t.lance"
        if operation != "create":
            shutil.copytree(tables.original, uri)
        if os.geteuid() == 0:  # who must own what its mode is to keep it from
            for path in (uri.parent, *uri.parent.rglob("*")):
                os.chown(path, NOBODY, -1)
        answer = tables.steps.ask(operation=operation, uri=str(uri), without_rights=True)
        assert "PermissionError" in answer["bases"], answer
        assert str(uri) in answer["message"]
        assert answer["again"] is None
        assert state_of(uri) == new
        assert pilum.dataset(uri).verify().damages == []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("cannot mount a file system here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_full_disk(small_disk):
    dataset = pilum.write_dataset(pa.table({"id": [1]}), small_disk / "t.lance")
    for attempt in range(3):
        with pytest.raises(OSError, match="No space left on device") as caught:
            dataset.insert(pa.table({"id": [random.getrandbits(63) for _ in range(1 << 18)]}))
        assert str(small_disk) in str(caught.value)
        assert pilum.dataset(dataset.uri).version == 1 + attempt
        dataset.insert([{"id": 2}])  # what was written in vain takes no space
    assert dataset.to_table()["id"].to_pylist() == [1, 2, 2, 2]
    assert dataset.verify().damages == []


# ------------------------------------------------------------------------------------------- syncs
@pytest.mark.parametrize("operation", OPERATIONS)
def test_files_and_folders_are_synced_before_success(tables, operation):
    """A file before it gets its name, and the folder, before the next file is begun."""
    uri = tables.copy(operation)
    calls = tables.steps.run(operation, uri)["calls"]
    renamed = [i for i, (name, _) in enumerate(calls) if name.startswith("rename")]
    for i in renamed:
        folder = os.path.dirname(calls[i][1])
        name, path = calls[i - 1]
        assert (name, os.path.dirname(path)) == ("fsync", folder)
        assert calls[i + 1] == ["fsync", folder]
    for i, (name, path) in enumerate(calls):
        if name == "mkdir":
            assert ["fsync", os.path.dirname(path)] in calls[i + 1 :]
    written = {path for name, path in calls if name == "write"}
    assert len(renamed) == len(written)
    if operation not in ("untag", "cleanup"):
        assert renamed
