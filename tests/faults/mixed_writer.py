"""Writes a table with one of the two libraries: appends, deletes, updates, compactions by chance.

    python mixed_writer.py library uri number commits

Only touches rows that it has added itself. Says at the end which these are now: [[id, n], ...] in
JSON. A commit that lost to another writer is tried again.
"""

import json
import random
import re
import sys

import pyarrow as pa

MOST_COMPACTIONS = 5  # tries of one: with enough others about, each loses


class Pilum:
    def __init__(self, uri):
        import pilum

        self.dataset = pilum.dataset(uri)
        self.conflict = pilum.errors.CommitConflictError

    def again(self, error) -> bool:
        """Whether it is a conflict, which has to say with what."""
        if not isinstance(error, self.conflict):
            return False
        named = r"conflicts with version \d+, .*transaction [0-9a-f-]{36}|other writers were faster"
        assert re.search(named, str(error)), error
        return True


class Lance:
    def __init__(self, uri):
        import lance

        self.open = lambda: lance.dataset(uri)
        self.dataset = self.open()

    def again(self, error) -> bool:
        self.dataset = self.open()
        return re.search("conflict|contention", str(error), re.IGNORECASE) is not None


def attempt(library, change, tries=1000) -> bool:
    """`change` until it does not lose."""
    for _ in range(tries):
        try:
            change(library.dataset)
            return True
        except Exception as error:
            if not library.again(error):
                raise
    return False


def append(library, chance, content, ids):
    first = next(ids)
    rows = {first * 10 + k: 0 for k in range(10)}
    table = pa.table({"id": pa.array(rows, pa.int64()), "n": pa.array(rows.values(), pa.int64())})
    assert attempt(library, lambda dataset: dataset.insert(table), tries=1)
    content |= rows


def delete(library, chance, content, ids):
    id = chance.choice(sorted(content))
    assert attempt(library, lambda dataset: dataset.delete(f"id = {id}"))
    del content[id]


def update(library, chance, content, ids):
    id = chance.choice(sorted(content))
    n = content[id] + 1
    assert attempt(library, lambda dataset: dataset.update({"n": str(n)}, f"id = {id}"))
    content[id] = n


def compact(library, chance, content, ids):
    optimize = {"target_rows_per_fragment": 40}
    attempt(library, lambda dataset: dataset.optimize.compact_files(**optimize), MOST_COMPACTIONS)


def main(name, uri, number, commits):
    library = {"pilum": Pilum, "lance": Lance}[name](uri)
    chance, ids = random.Random(number), iter(range(number * 100_000, 2**60))
    content = {}
    for _ in range(commits):
        change = chance.choice([append, append, delete, update, compact])
        if not content:
            change = append
        change(library, chance, content, ids)
    print(json.dumps(list(content.items())))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
