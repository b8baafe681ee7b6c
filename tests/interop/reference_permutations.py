"""Permutations by the reference library. Runs in its Python; JSON in, JSON out.

In: {"folder": a database with the tables "rows", "ours" and, for each number of rows, "rows<n>";
     "cases": [[number of rows, steps], ...], "theirs": steps}; steps are calls of a builder:
     [name, arguments].
Out: {"cases": [the row ids of each split, or null where that is refused],
      "ours": {what was read: rows of `rows` in the splits of the table "ours"}};
and makes the table "theirs", a permutation of `rows`.
"""

import json
import sys

import lancedb
from lancedb.permutation import Permutation, Permutations, permutation_builder


def build(table, steps):
    builder = permutation_builder(table)
    for name, arguments in steps:
        builder = getattr(builder, name)(**arguments)
    return builder.execute()


def listed(table, steps):
    try:
        rows = build(table, steps).to_arrow()
    except BaseException:  # a panic is no Exception
        return None
    splits: dict[int, list[int]] = {}
    for split, row in zip(rows["split_id"].to_pylist(), rows["row_id"].to_pylist(), strict=True):
        splits.setdefault(split, []).append(row)
    return list(splits.items())


def read(permutation):
    return [row for batch in permutation.iter(7, skip_last_batch=False) for row in batch]


def main():
    request = json.load(sys.stdin)
    db = lancedb.connect(request["folder"])
    tables = {}
    cases = []
    for rows, steps in request["cases"]:
        table = tables.setdefault(rows, db.open_table(f"rows{rows}"))
        cases.append(listed(table, steps))
    base, ours = db.open_table("rows"), db.open_table("ours")
    splits = Permutations(base, ours)
    answer = {name: read(splits[name]) for name in splits.split_names}
    answer["number 1"] = read(Permutation.from_tables(base, ours, 1))
    answer["columns"] = read(splits["train"].select_columns(["text", "_rowid"]))
    answer["at"] = splits["test"].__getitems__([5, 0, 5])
    theirs = build(base, request["theirs"])
    db.create_table("theirs", theirs.to_arrow())
    answer["theirs"] = {
        n: read(s) for n, s in ((n, Permutations(base, theirs)[n]) for n in ("x", "y"))
    }
    print(json.dumps({"cases": cases, "ours": answer}))


if __name__ == "__main__":
    main()
