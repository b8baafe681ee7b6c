"""One measurement of training.py in a process of its own.

    training_worker.py LIBRARY CASE FOLDER    measure; prints one JSON line

LIBRARY is pilum, pilum-cache (the same here) or peer: lancedb and pylance.
"""

import itertools
import json
import pathlib
import resource
import statistics
import sys
import time

import numpy as np
import pyarrow as pa

from worker import warm

FORMATS = ("arrow", "polars", "numpy", "pandas", "torch_col", "python", "python_col", "torch")
LOADERS = [f"loader-{name}" for name in FORMATS]
SPLITS = {"split-1m": 1, "split-10m": 10, "split-100m": 100}  # millions of rows, of 2^20
PILUM_ONLY = ("split-10m", "split-100m", "shuffled-1000m")  # the peer's sorter fails at 3 M rows
CASES = [*LOADERS, "loader-default6", *SPLITS, "shuffled-1000m", "lance-dataset", "safe-dataset"]

BATCH = 1024
FIRST = 20  # batches
WARM = {"peer": 10, "pilum": 150, "pilum-cache": 150}  # batches: it has no cache to fill
TIMED = 200  # a full run of the garbage collector, which sees the sampler's list, in each of them
FLOATS = ["a", "b", "c", "d"]


def same(batch):
    return batch


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def open_table(library: str, folder: pathlib.Path):
    if library == "peer":
        import lancedb as database
    else:
        import pilum as database
    return database.connect(str(folder)).open_table("num")


def permutations(library: str):
    if library == "peer":
        import lancedb.permutation as module
    else:
        import pilum.permutation as module
    return module


def timed(batches, first: int, to_warm: int, count: int) -> dict:
    """Seconds per batch: means of the first ones, and of `count` after `to_warm` more."""
    started = time.perf_counter()
    for _ in itertools.islice(batches, first):
        pass
    first_s = (time.perf_counter() - started) / first
    for _ in itertools.islice(batches, to_warm):
        pass
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        next(batches)
        seconds.append(time.perf_counter() - started)
    return {"s": statistics.mean(seconds), "first_s": first_s}


def loader(library: str, case: str, folder: pathlib.Path) -> dict:
    import torch

    permutation = permutations(library).Permutation.identity(open_table(library, folder))
    name = case.removeprefix("loader-")
    if name == "default6":
        name = "python"
    else:
        permutation = permutation.select_columns(FLOATS)
    torch.manual_seed(1)
    batches = iter(
        torch.utils.data.DataLoader(
            permutation.with_format(name), batch_size=BATCH, shuffle=True, collate_fn=same
        )
    )
    next(batches)  # the sampler makes its list of rows
    before = peak_mb()
    measured = timed(batches, FIRST, WARM[library], TIMED)
    return {"rows": BATCH, "memory_mb": peak_mb() - before, **measured}


def long_table(library: str, millions: int):
    """A table in memory of so many times 2^20 rows with the same value."""
    if library == "peer":
        import lancedb as database
    else:
        import pilum as database
    batch = pa.record_batch({"x": np.zeros(1 << 20, np.int8)})
    rows = pa.RecordBatchReader.from_batches(batch.schema, itertools.repeat(batch, millions))
    return database.connect("memory://").create_table("long", rows)


def split(library: str, case: str, folder: pathlib.Path) -> dict:
    builder = permutations(library).permutation_builder
    table = long_table(library, SPLITS[case])
    before = peak_mb()
    seconds = []
    for _ in range(1 if case == "split-100m" else 3):
        started = time.perf_counter()
        made = builder(table).split_random(fixed=8, seed=1).execute()
        seconds.append(time.perf_counter() - started)
    return {
        "rows": len(made),
        "memory_mb": peak_mb() - before,
        "s": statistics.median(seconds),
        "first_s": seconds[0],
    }


def shuffled(library: str, case: str, folder: pathlib.Path) -> dict:
    table = long_table(library, 1000)
    make = permutations(library).Permutation.shuffled
    before = peak_mb()
    started = time.perf_counter()
    permutation = make(table, seed=1)
    seconds = time.perf_counter() - started
    rows = len(permutation)
    return {"rows": rows, "memory_mb": peak_mb() - before, "s": seconds, "first_s": seconds}


def torch_data(library: str):
    if library == "peer":
        import lance.torch.data as module
    else:
        import pilum.torch.data as module
    return module


def lance_dataset(library: str, case: str, folder: pathlib.Path) -> dict:
    dataset = torch_data(library).LanceDataset(
        str(folder / "num.lance"), batch_size=BATCH, columns=FLOATS
    )
    before = peak_mb()
    started = time.perf_counter()
    rows, first_s = 0, 0.0
    for batch in dataset:
        first_s = first_s or time.perf_counter() - started
        rows += len(batch["a"])
    seconds = time.perf_counter() - started
    return {"rows": rows, "memory_mb": peak_mb() - before, "s": seconds, "first_s": first_s}


def safe_dataset(library: str, case: str, folder: pathlib.Path) -> dict:
    import torch

    dataset = torch_data(library).SafeLanceDataset(str(folder / "num.lance"))
    torch.manual_seed(1)
    batches = iter(
        torch.utils.data.DataLoader(dataset, batch_size=256, shuffle=True, collate_fn=same)
    )
    next(batches)
    before = peak_mb()
    measured = timed(batches, FIRST, 4 * WARM[library], TIMED)
    return {"rows": 256, "memory_mb": peak_mb() - before, **measured}


MEASURES = {
    **dict.fromkeys(SPLITS, split),
    "shuffled-1000m": shuffled,
    "lance-dataset": lance_dataset,
    "safe-dataset": safe_dataset,
}


def main() -> None:
    library, case, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    warm(folder / "num.lance")
    measured = MEASURES.get(case, loader)(library, case, folder)
    print(json.dumps({"case": case, **measured}))


if __name__ == "__main__":
    main()
