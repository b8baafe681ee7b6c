"""Forks again and again in the middle of a scan; the children and the parent read on.

    python forking.py TABLE

Run as a process of its own, because a child that hangs must not take the tests with it.
"""

import os
import sys

import pytest

import pilum

EVERY = 100  # batches between forks


def read_in_child(table: pilum.Table, scan) -> None:
    """What the child inherited can be used, but for the iterator; what it opens as well."""
    with pytest.raises(RuntimeError, match="fork"):
        next(scan)
    rows = len(table)
    assert sum(batch.num_rows for batch in table) == rows
    assert table.__getitems__([rows - 1, 0]).num_rows == 2
    database, name = os.path.split(table.uri)
    again = pilum.connect(database).open_table(name.removesuffix(".lance"))
    assert again.to_arrow().equals(table.to_arrow())


def main() -> None:
    database, name = os.path.split(sys.argv[1])
    table = pilum.connect(database).open_table(name.removesuffix(".lance"))
    scan = table.to_batches(batch_size=1)
    children = seen = 0
    for batch in scan:
        seen += batch.num_rows
        if seen % EVERY != 0:
            continue
        child = os.fork()
        if child == 0:
            read_in_child(table, scan)
            if seen % (2 * EVERY) == 0:
                sys.exit(0)  # everything is torn down
            os._exit(0)  # nothing is
        # Some children run beside the parent's scan, some while it waits.
        if seen % (3 * EVERY) == 0:
            _, status = os.waitpid(child, 0)
            assert status == 0, status
        else:
            children += 1
    for _ in range(children):
        _, status = os.wait()
        assert status == 0, status
    print(seen, len(table.to_arrow()))


if __name__ == "__main__":
    main()
