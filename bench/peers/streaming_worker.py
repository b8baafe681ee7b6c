"""One measurement of streaming.py in a process of its own.

    streaming_worker.py make FOLDER              write the table of 1 M rows (reference library)
    streaming_worker.py LIBRARY CASE FOLDER      measure; prints one JSON line

LIBRARY is pilum or lancedb, at their defaults, or lancedb-best.
"""

import json
import pathlib
import resource
import sys
import time

# Of the case: its table, and the options of the stream.
CASES = {
    "rows": ("num1m", {"columns": ["a", "b", "c", "d"]}),
    "rows-48-splits": ("num1m", {"columns": ["a", "b", "c", "d"], "num_splits": 48}),
    "images": ("img", {}),
}
BEST = {"read_batch_size": 1024, "io_queue_depth": 8}  # larger ones gain nothing
SECONDS = 8  # of samples, or all of them


def make(folder: pathlib.Path) -> None:
    import lance

    rows = lance.dataset(str(folder / "num.lance")).to_table(limit=1_000_000)
    lance.write_dataset(rows, folder / "num1m.lance", mode="overwrite", data_storage_version="2.2")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(library: str, case: str, folder: pathlib.Path) -> dict:
    if library == "pilum":
        import pilum as database
        from pilum.streaming import StreamingDataset
    else:
        import lancedb as database
        from lancedb.streaming import StreamingDataset

    name, options = CASES[case]
    if library == "lancedb-best":
        options |= BEST
    table = database.connect(str(folder)).open_table(name)
    before = peak_mb()
    started = time.perf_counter()
    samples = iter(StreamingDataset(table, shuffle_seed=1, **options))
    next(samples)
    first = time.perf_counter() - started
    count, started = 0, time.perf_counter()
    for count, _ in enumerate(samples, 1):
        if count % 4096 == 0 and time.perf_counter() - started > SECONDS:
            break
    seconds = time.perf_counter() - started
    return {
        "library": library,
        "case": case,
        "s": seconds / count,
        "first_s": first,
        "memory_mb": peak_mb() - before,
        "rows": count,
    }


def main() -> None:
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]))
        print("{}")
    else:
        library, case, folder = sys.argv[1:]
        print(json.dumps(measure(library, case, pathlib.Path(folder))))


if __name__ == "__main__":
    main()
