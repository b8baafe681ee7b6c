"""Permutations of the reference library and of pilum: sizes and members of splits, and tables of
them that the other one reads."""

import json
import pathlib
import pickle
import random
import subprocess

import pyarrow as pa
import pytest

import pilum
from permutations import splits_of
from pilum.permutation import Permutation, Permutations, permutation_builder

pytestmark = pytest.mark.peer

ROWS = [1, 2, 3, 7, 10, 33, 100, 101, 1000]
THEIRS = [
    ["filter", {"filter": "id % 5 <> 0"}],
    ["split_random", {"counts": [20, 30], "seed": 3, "split_names": ["x", "y"]}],
    ["shuffle", {"seed": 4, "clump_size": 3}],
]


def sizes() -> list[dict]:
    """Of splits: some by hand, and random ones that are the same in every run."""
    by_hand = [
        {"fixed": 1},
        {"fixed": 3},
        {"fixed": 100},
        {"counts": [1]},
        {"counts": [50, 50]},
        {"counts": [3, 4, 1]},
        {"ratios": [1.0]},
        {"ratios": [0.5]},
        {"ratios": [0.5, 0.5]},
        {"ratios": [1 / 3] * 3},
        {"ratios": [0.335, 0.335, 0.33]},
        {"ratios": [0.255, 0.745]},
        {"ratios": [0.8, 0.1, 0.1]},
        {"ratios": [0.05, 0.95]},
        {"ratios": [0.0, 1.0]},
        {"ratios": [0.6, 0.6]},
    ]
    rng = random.Random(1)
    for _ in range(20):
        shares = [rng.randrange(1, 100) for _ in range(rng.randrange(1, 6))]
        total = sum(shares) + rng.choice([0, 0, rng.randrange(200)])
        by_hand.append(
            {"ratios": [round(share / total, rng.choice([2, 3, 9])) for share in shares]}
        )
        by_hand.append({"counts": [rng.randrange(1, 60) for _ in range(rng.randrange(1, 5))]})
    return by_hand


# Steps of a builder whose splits have the same rows in the same order in both libraries.
EXACT = [
    [],
    [["filter", {"filter": "id % 3 = 1"}]],
    [["filter", {"filter": "id < 0"}]],
    [["filter", {"filter": "id > 5"}], ["split_sequential", {"counts": [2, 1]}]],
    [["split_calculated", {"calculation": "id % 3"}]],
    [["split_calculated", {"calculation": "(id / 10) * 2"}]],
    [["filter", {"filter": "id > 1"}], ["split_calculated", {"calculation": "id % 2"}]],
    [["shuffle", {"seed": 1, "clump_size": 5000}]],
]
# Whose rows come in another order, but are as many.
AS_MANY = [
    [["shuffle", {"seed": 1}]],
    [["shuffle", {"seed": 1, "clump_size": 4}]],
    [["split_random", {"fixed": 2, "seed": 1, "clump_size": 3}], ["shuffle", {"seed": 2}]],
    [["filter", {"filter": "id % 2 = 1"}], ["split_random", {"ratios": [0.5, 0.5], "seed": 1}]],
]
CASES = [(n, [["split_sequential", how]]) for n in ROWS for how in sizes()]
CASES += [(n, [["split_random", {"seed": 7, **how}]]) for n in (10, 100) for how in sizes()]
CASES += [(n, steps) for n in (10, 100) for steps in EXACT + AS_MANY]


def build(table: pilum.Table, steps: list) -> pilum.Table:
    builder = permutation_builder(table)
    for name, arguments in steps:
        getattr(builder, name)(**arguments)
    return builder.execute()


def read(permutation: Permutation) -> list[dict]:
    return [row for batch in permutation.iter(7) for row in batch]


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> pilum.DBConnection:
    db = pilum.connect(tmp_path_factory.mktemp("permutations"))
    for rows in ROWS:
        db.create_table(f"rows{rows}", pa.table({"id": range(rows)}))
    table = db.create_table(
        "rows", pa.table({"id": range(100), "text": [str(i) for i in range(100)]})
    )
    table.add(pa.table({"id": range(100, 150), "text": ["later"] * 50}))
    table.delete("id % 10 = 3")
    builder = permutation_builder(table).split_random(
        ratios=[0.7, 0.3], seed=1, split_names=["train", "test"]
    )
    builder.persist(db, "ours")
    table.delete("id < 50")  # after it: they are of the version before
    return db


@pytest.fixture(scope="module")
def reference(reference_python, database) -> dict:
    run = subprocess.run(
        [reference_python, pathlib.Path(__file__).with_name("reference_permutations.py")],
        input=json.dumps({"folder": database.uri, "cases": CASES, "theirs": THEIRS}),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_splits(reference, database):
    """As many rows, and the same ones where no library chooses them."""
    tables = {rows: database[f"rows{rows}"] for rows in ROWS}
    refused = 0
    for (rows, steps), theirs in zip(CASES, reference["cases"], strict=True):
        what = f"{rows} rows, {steps}"
        if theirs is None:
            with pytest.raises(ValueError, match=r"."):
                build(tables[rows], steps)
            refused += 1
            continue
        theirs = dict(theirs)
        ours = splits_of(build(tables[rows], steps))
        assert {s: len(ids) for s, ids in ours.items()} == {
            s: len(ids) for s, ids in theirs.items()
        }, what
        if steps in EXACT or steps[0][0] == "split_sequential":
            assert ours == theirs, what
        assert set().union(*ours.values()) <= set(range(rows)), what
    assert 100 < refused < len(CASES) - 200


def test_the_reference_library_reads_ours(reference, database):
    base, ours = database["rows"], database["ours"]
    splits = Permutations(base, ours)
    assert len(splits["train"]) + len(splits["test"]) == 135
    assert {row["id"] for name in ("train", "test") for row in read(splits[name])} == {
        i for i in range(150) if i % 10 != 3
    }
    theirs = reference["ours"]
    for name in ("train", "test"):
        assert read(splits[name]) == theirs[name]
    assert read(splits[1]) == theirs["number 1"]
    assert read(splits["train"].select_columns(["text", "_rowid"])) == theirs["columns"]
    assert splits["test"].__getitems__([5, 0, 5]) == theirs["at"]


def test_the_reference_library_makes_what_is_read(reference, database):
    splits = Permutations(database["rows"], database["theirs"])
    assert splits.split_names == ["x", "y"]
    for name, rows in reference["ours"]["theirs"].items():
        assert read(splits[name]) == rows
        assert read(pickle.loads(pickle.dumps(splits[name]))) == rows


def test_a_permutation_of_a_branch(reference_library, tmp_path):
    """Version numbers of another line are other versions."""
    expected = reference_library.ask(make_branches=tmp_path / "db")["expected"]
    rows = {name: expected[name].select(["id"]).to_pylist() for name in ("dev", "main")}
    dev = pilum.connect(tmp_path / "db").open_table("dataset", branch="dev")
    main = pilum.connect(tmp_path / "db").open_table("dataset")
    while main.version < dev.version:
        main.add([{"id": 5000 + main.version}])
        rows["main"] += main[-1].to_pylist()
    permutations = {"dev": Permutation.identity(dev), "main": Permutation.identity(main)}
    dev.tags.create("of-dev", dev.version)
    main.checkout("of-dev")  # moves the handle to the branch
    assert main.to_arrow().to_pylist() == rows["dev"]
    for name, permutation in permutations.items():
        assert read(permutation) == rows[name]
        assert read(pickle.loads(pickle.dumps(permutation))) == rows[name]
