"""A table given to PyTorch's DataLoader as it is."""

import math
import os
import pickle
import subprocess
import sys

import pyarrow as pa
import pytest

from equality import assert_same_table
from reference import golden

torch = pytest.importorskip("torch")
data = pytest.importorskip("torch.utils.data")

MIXED = golden("mixed-2.2").rows
ROWS = len(MIXED)
SIZE = 64
SECONDS = 120  # for a worker to answer: longer is a hang

WORKERS = [
    pytest.param({"num_workers": 0}, id="no workers"),
    *(
        pytest.param(
            {"num_workers": 2, "multiprocessing_context": method, "timeout": SECONDS}, id=method
        )
        for method in ("fork", "forkserver", "spawn")
    ),
]


def ids(batches: list[pa.RecordBatch]) -> list[int]:
    return [i for batch in batches for i in batch["id"].to_pylist()]


def printed_by(program: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize("workers", WORKERS)
def test_shuffled_epochs(mixed, workers):
    loader = data.DataLoader(
        mixed,
        batch_size=SIZE,
        shuffle=True,
        persistent_workers=workers["num_workers"] > 0,
        **workers,
    )
    epochs = [list(loader), list(loader)]
    for batches in epochs:
        assert all(isinstance(batch, pa.RecordBatch) for batch in batches)
        sizes = [batch.num_rows for batch in batches]
        assert sizes == [SIZE] * (ROWS // SIZE) + [ROWS % SIZE]
        assert sorted(ids(batches)) == list(range(ROWS))
        assert_same_table(pa.Table.from_batches(batches), MIXED.take(ids(batches)))
    assert ids(epochs[0]) != ids(epochs[1])


@pytest.mark.parametrize("workers", WORKERS)
def test_without_batching_every_item_is_one_row(mixed, workers):
    batches = list(data.DataLoader(mixed, batch_size=None, **workers))
    assert all(isinstance(batch, pa.RecordBatch) for batch in batches)
    assert [batch.num_rows for batch in batches] == [1] * ROWS
    assert_same_table(pa.Table.from_batches(batches), MIXED)


def test_workers_forked_in_mid_scan(mixed):
    """The parent reads before, while and after the workers do."""
    scan = mixed.to_batches(batch_size=1)
    seen = [next(scan) for _ in range(10)]
    loader = data.DataLoader(
        mixed, batch_size=SIZE, num_workers=2, multiprocessing_context="fork", timeout=SECONDS
    )
    batches = []
    for batch in loader:
        batches.append(batch)
        seen.append(next(scan))
    assert ids(batches) == list(range(ROWS))
    assert ids([*seen, *scan]) == list(range(ROWS))


@pytest.mark.parametrize("workers", WORKERS[:2])
def test_workers_read_the_version_that_is_checked_out(db, workers):
    table = db.open_table("history", version=1)
    batches = list(data.DataLoader(table, batch_size=100, **workers))
    expected = golden("history-2.2").expected("expected.v1.arrow")
    assert ids(batches) == expected["id"].to_pylist()


def test_subsets_and_samplers(mixed):
    def read(dataset, **options):
        return ids(list(data.DataLoader(dataset, batch_size=SIZE, **options)))

    assert read(data.Subset(mixed, [7, 3, 7])) == [7, 3, 7]
    one, other = data.random_split(mixed, [0.25, 0.75])
    assert len(one) == ROWS // 4
    assert sorted(read(one) + read(other)) == list(range(ROWS))
    shares = [
        read(mixed, sampler=data.DistributedSampler(mixed, num_replicas=2, rank=rank))
        for rank in (0, 1)
    ]
    assert len(shares[0]) == len(shares[1]) == math.ceil(ROWS / 2)
    assert set(shares[0]) | set(shares[1]) == set(range(ROWS))


def test_an_impossible_row_is_an_index_error(mixed):
    with pytest.raises(IndexError, match="1000000"):
        list(data.DataLoader(mixed, batch_size=2, sampler=[0, 10**6]))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("batch_size=2, sampler=[0, 10**6]", "IndexError 1000000"),
        ("collate_fn=lambda batch: os._exit(3)", "RuntimeError worker"),
    ],
    ids=["row out of range", "worker dies"],
)
def test_an_error_in_a_worker_is_one_in_the_parent(mixed, options, error):
    """In a process of its own, left at once: torch may hang when what remains of a failed loader
    is collected, whatever the dataset."""
    kind, word = error.split()
    program = f"""import os, pickle, pilum
from torch.utils.data import DataLoader
table = pickle.loads({pickle.dumps(mixed)!r})
try:
    for batch in DataLoader(table, num_workers=1, multiprocessing_context="fork", {options}):
        pass
except {kind} as error:
    print({word!r} in str(error), flush=True)
os._exit(0)"""
    assert printed_by(program) == "True\n"


@pytest.mark.parametrize("imports", ["import pilum; import torch", "import torch; import pilum"])
def test_in_either_order_of_imports(mixed, imports):
    program = f"""{imports}
from torch.utils.data import DataLoader
table = pilum.connect({os.path.dirname(mixed.uri)!r})["mixed"]
[batch] = DataLoader(table, batch_size={ROWS})
print(type(batch).__name__, batch.num_rows)"""
    assert printed_by(program) == f"RecordBatch {ROWS}\n"


def test_other_values_are_collated_as_before(mixed):
    mixed.__getitems__([0])
    assert data.default_collate([1, 2]).tolist() == [1, 2]
    with pytest.raises(TypeError, match="Int64Array"):
        data.default_collate([pa.array([1]), pa.array([2])])
