"""Tables and permutations in the worker processes of a DataLoader: every start method, tables on
disk and in memory, after the parent has read and during an epoch."""

import functools
import multiprocessing
import os
import pathlib
import pickle
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pytest

import pilum
from pilum.permutation import Permutation, permutation_builder

torch = pytest.importorskip("torch")
data = pytest.importorskip("torch.utils.data")

ROWS = 1000
SECONDS = 120  # for a worker to answer: longer is a hang
METHODS = ["fork", "forkserver", "spawn"]
WORKERS = 2


def rows() -> pa.Table:
    return pa.table({"id": range(ROWS), "x": pa.array([i / 2 for i in range(ROWS)], pa.float32())})


@pytest.fixture(params=["disk", "memory"])
def table(request, tmp_path) -> pilum.Table:
    db = pilum.connect(tmp_path if request.param == "disk" else "memory://")
    table = db.create_table("numbers", rows().slice(0, 600))
    table.add(rows().slice(600))
    return table


def shuffled_in_memory(table: pilum.Table) -> Permutation:
    return Permutation.from_tables(table, permutation_builder(table).shuffle(seed=7).execute())


SOURCES = {
    "table": lambda table: table,
    "identity": Permutation.identity,
    "shuffled": functools.partial(Permutation.shuffled, seed=7),
    "permutation table": shuffled_in_memory,
}


def as_it_is(batch):
    return batch


def loader_of(dataset, method: str, **options) -> data.DataLoader:
    options = {"num_workers": WORKERS, "persistent_workers": True} | options
    return data.DataLoader(
        dataset, batch_size=64, multiprocessing_context=method, timeout=SECONDS, **options
    )


def ids(batches) -> list[int]:
    return [i for batch in batches for i in (batch["id"].tolist())]


def as_arrow(source):
    return source if isinstance(source, pilum.Table) else source.with_format("arrow")


@pytest.mark.parametrize("method", METHODS)
def test_every_source_in_every_kind_of_worker(table, method):
    """One set of workers reads all sources, two epochs each, after the parent has read them."""
    sources = [as_arrow(make(table)) for make in SOURCES.values()]
    expected = [source[0:ROWS].column("id").to_pylist() for source in sources]
    assert expected[2] == expected[3] != expected[1] == list(range(ROWS))
    loader = loader_of(data.ConcatDataset(sources), method, collate_fn=as_it_is)
    for _ in range(2):
        found = [one["id"][0].as_py() for batch in loader for one in batch]
        assert found == [i for ids in expected for i in ids]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["torch_col", "python"])
def test_formats_come_back_from_workers(table, method, name):
    permutation = Permutation.shuffled(table, seed=1).select_columns(["x"]).with_format(name)
    expected = list(permutation.with_format("torch_col").iter(64))
    collate = {"collate_fn": as_it_is} if name == "torch_col" else {}
    batches = list(loader_of(permutation, method, **collate))
    assert len(batches) == len(expected)
    for batch, values in zip(batches, expected, strict=True):
        assert torch.equal(batch if name == "torch_col" else batch["x"][None], values)
    assert name == "torch_col" or batches[0].schema.names == ["x"]


@pytest.mark.parametrize("method", METHODS)
def test_workers_start_during_an_epoch_of_the_parent(table, method):
    """Threads of the parent read all the while."""
    permutation = shuffled_in_memory(table).with_format("arrow")
    stop = threading.Event()
    errors = []

    def read() -> None:
        try:
            while not stop.wait(0.005):
                permutation[0:ROWS]
                list(table)
        except Exception as error:
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    mine = permutation.iter(10)
    next(mine)
    try:
        loader = loader_of(permutation, method, persistent_workers=False)
        for _ in range(2):
            assert sorted(i for b in loader for i in b["id"].to_pylist()) == list(range(ROWS))
            assert next(mine).num_rows == 10
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert errors == []


@pytest.mark.parametrize("method", METHODS)
def test_workers_keep_to_the_version(table, method):
    """What others do meanwhile is not seen, and row ids mean what they meant."""
    permutation = shuffled_in_memory(table).with_format("arrow")
    loader = loader_of(permutation, method, collate_fn=as_it_is)
    first = next(iter(loader))
    table.delete("id < 500")
    table.add(rows())
    again = pickle.loads(pickle.dumps(permutation))
    assert len(again) == ROWS
    batches = [first, *list(loader)[1:]]
    assert sorted(i for b in batches for i in b["id"].to_pylist()) == list(range(ROWS))
    assert again[0:ROWS].equals(permutation[0:ROWS])


class Opener:
    """A connection factory that says in which processes it was called."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    def __call__(self, name: str) -> pilum.Table:
        (self.path / f"opened-{os.getpid()}-{name}").touch()
        return pilum.connect(self.path).open_table(name)


@pytest.mark.parametrize("method", METHODS)
def test_connection_factory_opens_the_table_in_each_worker(tmp_path, method):
    table = pilum.connect(tmp_path).create_table("numbers", rows())
    permutation = Permutation.identity(table).with_connection_factory(Opener(tmp_path))
    found = [i for batch in loader_of(permutation, method) for i in batch["id"].tolist()]
    assert found == list(range(ROWS))
    opened = list(tmp_path.glob("opened-*-numbers"))
    assert not (tmp_path / f"opened-{os.getpid()}-numbers").exists()
    # A forked worker has the table already.
    assert len(opened) == (0 if method == "fork" else WORKERS)


def test_factory_that_cannot_be_pickled_fails_before_a_worker_starts(table):
    permutation = Permutation.identity(table).with_connection_factory(lambda name: table)
    with (
        pytest.raises(pickle.PicklingError, match=r"connection factory .* cannot be pickled"),
        pytest.warns(UserWarning, match="pickle error"),  # torch's own
    ):
        next(iter(loader_of(permutation, "spawn")))
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("method", METHODS)
def test_no_process_stays_and_the_interpreter_ends(tmp_path, method):
    """Also when an epoch is broken off, in a process whose threads have read."""
    program = f"""
import sys
sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})
import test_permutation_workers as this, pilum
if __name__ == "__main__":
    table = pilum.connect({str(tmp_path)!r}).create_table("numbers", this.rows())
    permutation = this.Permutation.shuffled(table, seed=1)
    permutation[0:100]
    epoch = iter(this.loader_of(permutation, {method!r}))
    next(epoch)
    print(*[worker.pid for worker in epoch._workers])
"""
    path = tmp_path / "program.py"
    path.write_text(program)
    run = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert run.returncode == 0, run.stderr
    workers = run.stdout.split()
    assert len(workers) == WORKERS
    # Whoever inherits those that have ended may take seconds to see that.
    until = time.monotonic() + SECONDS
    while any(pathlib.Path("/proc", pid).exists() for pid in workers):
        assert time.monotonic() < until, workers
        time.sleep(0.01)


def test_worker_that_dies_is_an_error(table):
    class Dies(data.Dataset):
        def __len__(self) -> int:
            return ROWS

        def __getitems__(self, rows):
            permutation[0:10]
            os._exit(3)

    permutation = Permutation.identity(table)
    with pytest.raises(RuntimeError, match=r"exited unexpectedly|killed"):
        list(loader_of(Dies(), "fork"))


def test_distributed_sampler_and_subsets(table):
    permutation = Permutation.shuffled(table, seed=1)
    parts = [
        ids(
            data.DataLoader(
                permutation,
                batch_size=32,
                sampler=data.DistributedSampler(permutation, num_replicas=4, rank=rank),
            )
        )
        for rank in range(4)
    ]
    assert sorted(i for part in parts for i in part) == list(range(ROWS))
    halves = data.random_split(permutation, [0.5, 0.5])
    parts = [ids(data.DataLoader(half, batch_size=32)) for half in halves]
    assert sorted(i for part in parts for i in part) == list(range(ROWS))
    assert ids(data.DataLoader(data.Subset(permutation, [5, 3]), batch_size=2)) == [
        permutation[5][0]["id"],
        permutation[3][0]["id"],
    ]
