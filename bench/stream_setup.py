"""What a stream over a large table costs before its first sample: time, and memory beyond the open
table.

    .venv/bin/python bench/stream_setup.py

Every measurement is a process of its own: it opens the table, makes a shuffled StreamingDataset of
48 splits and takes a sample. "Next epoch" begins behind a first one, for which the filter was
evaluated; its memory is that of both. Tables are written to bench/data once, the largest takes
300 MB: `id` is the row number by 1000, `half` and `rare` are true in one random row of two and of a
thousand. The page cache is warm.
"""

import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

DATA = pathlib.Path(__file__).parent / "data"
SPLITS = 48
LIMIT_MS, LIMIT_MB, LIMIT_ROWS = 50, 100, 10**8  # at so many rows, but to evaluate a filter

# What is done in a table, with the filter and how far the epoch is.
CASES = {
    "start": ("first", None, 0),
    "resumed at 10 %": ("first", None, 0.1),
    "resumed at 50 %": ("first", None, 0.5),
    "resumed at 99 %": ("first", None, 0.99),
    "start, half": ("first", "half", 0),
    "start, rare": ("first", "rare", 0),
    "next epoch, half": ("next", "half", 0),
    "next epoch, rare": ("next", "rare", 0),
}


# ------------------------------------------------------------------------------------- one process
def make(rows: int) -> None:
    import pilum

    schema = pa.schema({"id": pa.int32(), "half": pa.bool_(), "rare": pa.bool_()})

    def batches(size: int = 1 << 20) -> Iterator[pa.RecordBatch]:
        random = np.random.default_rng(1)
        for first in range(0, rows, size):
            count = min(size, rows - first)
            rare = np.zeros(count, bool)
            rare[random.integers(0, count, count // 1000)] = True
            half = pa.py_buffer(random.bytes((count + 7) // 8))
            columns = [
                pa.array((np.arange(first, first + count) // 1000).astype(np.int32)),
                pa.BooleanArray.from_buffers(pa.bool_(), count, [None, half]),
                pa.array(rare),
            ]
            yield pa.record_batch(columns, schema=schema)

    table = pa.RecordBatchReader.from_batches(schema, batches())
    pilum.connect(str(DATA)).create_table(f"setup{rows}", table, mode="overwrite")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(case: str, rows: int) -> dict:
    import pilum
    from pilum.streaming import StreamingDataset

    what, condition, done = CASES[case]
    options = {"num_splits": SPLITS, "shuffle_seed": 1, "filter": condition}
    table = pilum.connect(str(DATA)).open_table(f"setup{rows}")
    state = None
    if done:
        state = StreamingDataset(table, **options).state_dict()
        places = [int(rows // SPLITS * done)] * SPLITS
        state |= {f"{of}_consumed_per_split": places for of in ("samples", "positions")}
    before = peak_mb()
    started = time.perf_counter()
    stream = StreamingDataset(table, **options)
    if state:
        stream.load_state_dict(state)
    if what == "next":
        next(iter(stream))
        started = time.perf_counter()
        stream.set_epoch(1)
    samples = iter(stream)
    next(samples)
    return {"ms": (time.perf_counter() - started) * 1e3, "mb": peak_mb() - before}


# ------------------------------------------------------------------------------------ all of them
def run(*arguments: object) -> str:
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def report(case: str, rows: int, rounds: int) -> None:
    results = [json.loads(run("--measure", case, rows)) for _ in range(rounds)]

    def middle(key: str) -> float:
        return statistics.median(result[key] for result in results)

    times = [result["ms"] for result in results]
    missed = ""
    if rows == LIMIT_ROWS and not case.startswith("start,"):
        missed = "" if middle("ms") <= LIMIT_MS and middle("mb") <= LIMIT_MB else "  missed"
    print(
        f"{rows:>13,}  {case:<17} {middle('ms'):8.1f} ms ({min(times):.1f}..{max(times):.1f})"
        f" {middle('mb'):6.1f} MB{missed}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=float, nargs="+", default=[1e6, 1e7, 1e8, 1e9])
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()

    if options.make:
        make(options.make)
    elif options.measure:
        print(json.dumps(measure(options.measure[0], int(options.measure[1]))))
    else:
        print(f"targets at {LIMIT_ROWS:,} rows: {LIMIT_MS} ms, {LIMIT_MB} MB")
        for rows in map(int, options.rows):
            if not (DATA / f"setup{rows}.lance").exists():
                run("--make", rows)
            for case in options.cases:
                report(case, rows, options.rounds)


if __name__ == "__main__":
    main()
