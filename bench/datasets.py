#!/usr/bin/env python3
"""The ways to feed training from a table, side by side: batches of 1,024 rows as tensors.

    .venv/bin/python bench/datasets.py [TABLE]

TABLE is by default one of 1 M rows x 4 float32, made in bench/data. Each way is a fresh process
that reads the whole table; medians of five passes, the page cache warm. "First" is from opening the
table to the first batch, memory the peak beyond that of the open table.
"""

import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time

TABLE = pathlib.Path(__file__).parent / "data" / "datasets" / "numbers.lance"
ROWS, BATCH, PASSES = 1_000_000, 1024, 5


def in_table_order(table, path):
    from pilum.torch.data import LanceDataset

    return LanceDataset(path, batch_size=BATCH)


def shuffled_rows(table, path):
    from torch.utils.data import DataLoader, RandomSampler

    return DataLoader(table, batch_size=BATCH, sampler=RandomSampler(table))


def permutation(table, path):
    from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

    from pilum.permutation import Permutation, permutation_builder

    shuffled = permutation_builder(table).shuffle(seed=1).execute()
    rows = Permutation.from_tables(table, shuffled).with_format("torch_col")
    batches = BatchSampler(SequentialSampler(rows), BATCH, drop_last=False)
    return DataLoader(rows, sampler=batches, batch_size=None)


def stream_of_samples(table, path):
    from torch.utils.data import DataLoader

    from pilum.streaming import StreamingDataset

    return DataLoader(StreamingDataset(table), batch_size=BATCH)


def stream_of_batches(table, path):
    from pilum.streaming import StreamingDataLoader, StreamingDataset

    return StreamingDataLoader(StreamingDataset(table), BATCH, format="torch")


WAYS = {
    "LanceDataset, table order": in_table_order,
    "Table, RandomSampler": shuffled_rows,
    "Permutation, torch_col": permutation,
    "StreamingDataset, dicts": stream_of_samples,
    "StreamingDataLoader, torch": stream_of_batches,
}


def make(path: pathlib.Path) -> None:
    import numpy as np
    import pyarrow as pa

    import pilum

    random = np.random.default_rng(0)
    columns = {name: random.random(ROWS, np.float32) for name in "abcd"}
    path.parent.mkdir(parents=True, exist_ok=True)
    pilum.write_dataset(pa.table(columns), path, mode="overwrite")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(way: str, path: pathlib.Path) -> dict:
    import torch

    import pilum

    torch.set_num_threads(1)
    before = peak_mb()
    start = time.perf_counter()
    table = pilum.connect(path.parent).open_table(path.stem)
    batches = WAYS[way](table, path)
    next(iter(batches))
    first = time.perf_counter() - start
    seconds = []
    for _ in range(PASSES):
        start = time.perf_counter()
        for _ in batches:
            pass
        seconds.append(time.perf_counter() - start)
    return {
        "rows_s": len(table) / statistics.median(seconds),
        "first_s": first,
        "memory_mb": peak_mb() - before,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=pathlib.Path, nargs="?", default=TABLE)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measure(options.way, options.table)))
        return
    if not options.table.exists():
        make(options.table)
    print(f"{'way':<28} {'rows/s':>12} {'first':>10} {'memory':>9}")
    for way in WAYS:
        run = subprocess.run(
            [sys.executable, __file__, options.table, "--way", way],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        found = json.loads(run.stdout)
        print(
            f"{way:<28} {found['rows_s']:>12,.0f} {found['first_s'] * 1e3:>7.0f} ms "
            f"{found['memory_mb']:>6.0f} MB"
        )


if __name__ == "__main__":
    main()
