"""Does one operation on a table in a child process, with fail_at.c counting its steps.

Run as a process of its own, with the shim preloaded. One JSON line in, one JSON line out:

    {"operation": name, "uri": ..., "at": n, "how": ..., "error": errno, "without_noreplace": bool}

gives {"killed": true}, or "calls": [[name, path], ...], "reached": bool and, when the operation
failed, "error": class, "bases" and "message". With "again" the same handle then does it once more
without faults, unless it has changed the table after all: "again": null, or what it raised.

    {"operation": name, "uri": ..., "without_rights": true}

does it in folders that cannot be written, and "again" when they can.
"""

import ctypes
import datetime
import json
import os
import pathlib
import signal
import sys

import pandas  # noqa: F401  pyarrow loads it to make arrays of lists: here once, not in each child
import pyarrow as pa

import pilum

HOW = ["kill before", "kill after", "fail once", "fail from there on", "short write"]
NOBODY = 65534
SECONDS = 60  # for a table of a few rows: longer is a hang

shim = ctypes.CDLL(None)
shim.fail_at_log.restype = ctypes.c_char_p


def rows(ids):
    return pa.table({"id": pa.array(ids, pa.int64()), "text": [f"text {i}" for i in ids]})


def make(uri):
    """Versions 1 to 4: two fragments, rows of both deleted, some updated; version 2 is tagged."""
    dataset = pilum.write_dataset(rows(range(20)), uri, max_rows_per_file=10)
    dataset.delete("id % 5 = 4")
    dataset.tags.create("pinned", 2)
    dataset.update({"text": "'updated'"}, "id = 7")
    dataset.insert(rows([20]))


OPERATIONS = {
    "make": lambda dataset, uri: make(uri),
    "create": lambda dataset, uri: pilum.write_dataset(rows(range(5)), uri),
    "append": lambda dataset, uri: dataset.insert(rows([30, 31])),
    "delete": lambda dataset, uri: dataset.delete("id % 3 = 0"),
    "update": lambda dataset, uri: dataset.update({"text": "'new'"}, "id % 3 = 0"),
    "compact": lambda dataset, uri: dataset.optimize.compact_files(),
    "overwrite": lambda dataset, uri: dataset.insert(rows([50]), mode="overwrite"),
    "restore": lambda dataset, uri: dataset.checkout_version(1).restore(),
    "tag": lambda dataset, uri: dataset.tags.create("new", 3),
    "move tag": lambda dataset, uri: dataset.tags.update("pinned", 3),
    "untag": lambda dataset, uri: dataset.tags.delete("pinned"),
    "cleanup": lambda dataset, uri: dataset.cleanup_old_versions(datetime.timedelta(0)),
}
REPEATABLE = ("compact", "cleanup")  # they go on where they were stopped


def attempt(operation, dataset, uri):
    """None, or what was raised."""
    try:
        OPERATIONS[operation](dataset, uri)
    except Exception as error:
        bases = [base.__name__ for base in type(error).__mro__]
        return {"error": type(error).__name__, "bases": bases, "message": str(error)}
    return None


def listing(uri):
    """The files of versions and tags, without those that are not complete."""
    files = [path for path in pathlib.Path(uri).glob("_[vr]*/**/*") if path.is_file()]
    return {str(path) for path in files if not path.name.startswith(".")}


def work(operation, uri, at, how, error=0, without_noreplace=False, again=False):
    dataset = None if operation in ("make", "create") else pilum.dataset(uri)
    before = listing(uri)
    above = os.fsencode(os.path.dirname(uri))  # in which the name of the table is
    shim.fail_at(above, at, HOW.index(how), error, without_noreplace)
    answer = attempt(operation, dataset, uri) or {}
    log = os.fsdecode(shim.fail_at_log()).splitlines()
    answer["calls"] = [line.split(" ", 1) for line in log]
    answer["reached"] = bool(shim.fail_at_reached())
    shim.fail_at(above, 0, 0, 0, False)
    if again and "error" in answer and (listing(uri) == before or operation in REPEATABLE):
        answer["again"] = attempt(operation, dataset, uri)
    return answer


def work_without_rights(operation, uri):
    """In folders that cannot be written, the one above `uri` too, and "again" when they can."""
    if os.geteuid() == 0:
        os.setuid(NOBODY)  # root may write everywhere
    dataset = None if operation == "create" else pilum.dataset(uri)
    folders = [pathlib.Path(uri).parent, *pathlib.Path(uri).parent.rglob("*/")]
    for folder in folders:
        folder.chmod(0o555)
    answer = attempt(operation, dataset, uri) or {}
    for folder in folders:
        folder.chmod(0o755)
    answer["again"] = attempt(operation, dataset, uri)
    return answer


def in_child(request):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        signal.alarm(SECONDS)
        with open(write, "w") as out:
            do = work_without_rights if request.pop("without_rights", False) else work
            json.dump(do(**request), out)
        os._exit(0)
    os.close(write)
    with open(read) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return {"killed": True}
    return json.loads(text) if status == 0 else {"crashed": status}


def main():
    for line in sys.stdin:
        print(json.dumps(in_child(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
