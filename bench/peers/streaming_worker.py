"""One measurement of streaming.py in a process of its own.

    streaming_worker.py make FOLDER SCALE        write the table of 1 M rows (reference library)
    streaming_worker.py LIBRARY CASE FOLDER      measure; prints one JSON line

LIBRARY is pilum or lancedb, at their defaults, lancedb-best, one of other_streams.py, or a floor:
rows of a flat file read by one thread, a C loop as in worker.py (pread-reused and pread-fresh), or
one of Python that makes `bytes` of them (pread-bytes).
"""

import functools
import itertools
import json
import os
import pathlib
import resource
import sys
import time
from collections.abc import Iterable, Iterator

import numpy as np

import worker
from other_streams import BATCH, OTHERS, TABLES, Library

# Of the case: its table, and the options of the Lance libraries.
CASES = {
    "rows": ("num1m", {}),
    "rows-48-splits": ("num1m", {"num_splits": 48}),
    "images": ("img", {}),
    "batches": ("num1m", {}),
}
BEST = {"read_batch_size": 1024, "io_queue_depth": 8}  # larger ones gain nothing
FLOATS = ["a", "b", "c", "d"]
SECONDS = 8  # of samples: epochs of new streams, one after another
CHECK = 256  # samples from one look at the clock to the next


class Pilum(Library):
    def __init__(self, path: pathlib.Path, **options: object) -> None:
        import pilum
        from pilum import streaming

        self.streaming = streaming
        self.table = pilum.connect(str(path.parent)).open_table(path.stem)
        self.options = options

    def samples(self) -> Iterable[dict]:
        return self.streaming.StreamingDataset(self.table, shuffle_seed=1, **self.options)

    def batches(self, size: int) -> Iterable[dict]:
        return self.streaming.StreamingDataLoader(self.samples(), batch_size=size, format="torch")


class LanceDB(Library):
    def __init__(self, path: pathlib.Path, **options: object) -> None:
        import lancedb
        from lancedb.streaming import StreamingDataset

        self.dataset = StreamingDataset
        self.table = lancedb.connect(str(path.parent)).open_table(path.stem)
        self.options = options

    def samples(self) -> Iterable[dict]:
        return self.dataset(self.table, shuffle_seed=1, **self.options)


class Floor:
    """The rows of the flat file in a shuffled order, read 256 at a time."""

    def __init__(self, path: pathlib.Path, fresh: bool) -> None:
        self.read, self.rows = worker.pread_reader(path.stem, path.parent, fresh)

    def samples(self) -> Iterator[int]:
        order = np.random.default_rng(1).permutation(self.rows)
        for first in range(0, self.rows, worker.BATCH):
            yield from range(self.read(order[first : first + worker.BATCH]))


class PythonFloor:
    """The same, each made `bytes` by Python."""

    def __init__(self, path: pathlib.Path) -> None:
        self.fd, self.offsets, self.sizes = worker.flat_rows(path.stem, path.parent)

    def samples(self) -> Iterator[bytes]:
        order = np.random.default_rng(1).permutation(len(self.sizes))
        sizes, offsets = self.sizes[order].tolist(), self.offsets[order].tolist()
        return map(os.pread, itertools.repeat(self.fd), sizes, offsets)


FLOORS = {
    "pread-reused": functools.partial(Floor, fresh=False),
    "pread-fresh": functools.partial(Floor, fresh=True),
    "pread-bytes": PythonFloor,
}


def make(folder: pathlib.Path) -> None:
    import lance

    rows = lance.dataset(str(folder.parent / "num.lance")).to_table(FLOATS, limit=1_000_000)
    path = folder.parent / TABLES["num1m"]
    lance.write_dataset(rows, path, mode="overwrite", data_storage_version="2.2")


def open_library(library: str, case: str, folder: pathlib.Path) -> Library | Floor | PythonFloor:
    """Opens the data of the case, with its files in the page cache."""
    name, options = CASES[case]
    path = folder / TABLES[name]
    opening = Pilum if library == "pilum" else LanceDB
    if library == "lancedb-best":
        options = options | BEST
    if library in FLOORS:
        path, opening, options = folder / f"{name}.flat", FLOORS[library], {}
    elif library in OTHERS:
        opening = OTHERS[library]
        path = folder / "streams" / opening.format / name
    worker.warm(path)
    return opening(path, **options)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(library: str, case: str, folder: pathlib.Path) -> dict:
    data = open_library(library, case, folder)
    size = BATCH if case == "batches" else 1  # of an item; the last batch counts as a whole one
    before = peak_mb()
    started = time.perf_counter()
    make = functools.partial(data.batches, size) if case == "batches" else data.samples
    items = itertools.chain.from_iterable(make() for _ in itertools.count())
    next(items)
    first = time.perf_counter() - started
    count, started = 0, time.perf_counter()
    for count, _ in enumerate(items, 1):
        if count * size % CHECK == 0 and time.perf_counter() - started > SECONDS:
            break
    seconds = time.perf_counter() - started
    return {
        "library": library,
        "case": case,
        "s": seconds / (count * size),
        "first_s": first,
        "memory_mb": peak_mb() - before,
        "rows": count * size,
    }


def main() -> None:
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]))
    else:
        library, case, folder = sys.argv[1:]
        print(json.dumps(measure(library, case, pathlib.Path(folder))))


if __name__ == "__main__":
    main()
