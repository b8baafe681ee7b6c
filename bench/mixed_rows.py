#!/usr/bin/env python3
"""What small columns cost beside large ones: shuffled streams of images with captions and tokens.

    .venv/bin/python bench/mixed_rows.py [TABLE]

TABLE is by default one of 50,000 rows, made in bench/data: an image of 20 KB, a label, a caption, a
list of tokens, a number that one row in seven does not have, and the caption compressed with zstd.
Another one must have a column `image`. Prints the time and CPU time of a row, medians of epochs in
turns, the page cache warm.
"""

import argparse
import itertools
import pathlib
import statistics
import time

import numpy as np
import pyarrow as pa

import pilum
from pilum.streaming import StreamingDataset

TABLE = pathlib.Path(__file__).parent / "data" / "mixed" / "rows.lance"
ROWS, IMAGE_BYTES, EPOCHS = 50_000, 20_000, 7
SCHEMA = pa.schema(
    [
        pa.field("image", pa.binary()),
        pa.field("label", pa.int64()),
        pa.field("caption", pa.string()),
        pa.field("tokens", pa.list_(pa.int32())),
        pa.field("some", pa.int64()),
        pa.field("compressed", pa.string(), metadata={"lance-encoding:compression": "zstd"}),
    ]
)


def rows(first: int, count: int) -> pa.RecordBatch:
    random = np.random.default_rng(first)
    words = [f"word{random.integers(10 ** random.integers(1, 5))}" for _ in range(2000)]
    lengths = random.integers(8, 32, count)
    tokens = random.integers(0, 30_000, lengths.sum(), np.int32)
    captions = [" ".join(random.choice(words, 16)) for _ in range(count)]
    return pa.RecordBatch.from_arrays(
        [
            pa.array([random.bytes(IMAGE_BYTES) for _ in range(count)]),
            pa.array(random.integers(0, 1000, count)),
            pa.array(captions),
            pa.ListArray.from_arrays(
                np.concatenate([[0], lengths.cumsum()]).astype(np.int32), tokens
            ),
            pa.array(np.arange(count), mask=np.arange(count) % 7 == 0),
            pa.array(captions),
        ],
        schema=SCHEMA,
    )


def make(path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    step = 2000
    batches = (rows(first, step) for first in range(0, ROWS, step))
    first = next(batches)
    reader = pa.RecordBatchReader.from_batches(first.schema, itertools.chain([first], batches))
    pilum.write_dataset(reader, path, mode="overwrite")


def epoch(table: pilum.Table, columns: list[str]) -> tuple[float, float]:
    """Microseconds a row, and those of CPU."""
    start, cpu = time.perf_counter(), time.process_time()
    count = sum(1 for _ in StreamingDataset(table, columns=columns, shuffle_seed=1))
    return (time.perf_counter() - start) / count * 1e6, (time.process_time() - cpu) / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=pathlib.Path, nargs="?", default=TABLE)
    path = parser.parse_args().table
    if not path.exists():
        make(path)
    table = pilum.connect(path.parent).open_table(path.stem)
    small = [name for name in table.schema.names if name != "image"]
    ways = [["image"], *(["image", name] for name in small), *([name] for name in small)]
    found = {tuple(columns): [] for columns in ways}
    for turn in range(EPOCHS + 1):
        for columns in ways:
            taken = epoch(table, columns)
            if turn > 0:  # the first one reads the files
                found[tuple(columns)].append(taken)
    print(f"{'columns':<16} {'time':>10} {'CPU':>10}")
    for columns, taken in found.items():
        wall, cpu = (statistics.median(values) for values in zip(*taken, strict=True))
        print(f"{', '.join(columns):<16} {wall:>7.2f} us {cpu:>7.2f} us")


if __name__ == "__main__":
    main()
