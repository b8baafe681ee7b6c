"""A pass over a stream of some kind that does not come to its end.

python ending.py FOLDER KIND END
    END   "interrupt": says "started", goes on until Ctrl-C, and prints when it has noticed.
          "end", "exit" or "error": how the process ends in the midst of a pass
"""

import itertools
import sys
import time

import pilum
from pilum.streaming import StreamingDataLoader, StreamingDataset

LONG = 3  # seconds


def slow(batch):
    time.sleep(LONG)
    return batch.to_pylist()


def quick(batch):
    return batch.to_pylist()


def stream(db, **options):
    return StreamingDataset(db.open_table("numbers"), num_splits=4, **options)


def packed(db):
    table = db.open_table("documents")
    options = {"pack_sequences": 128, "eos_id": 1, "pad_id": 0, "blocks_per_epoch": 4000}
    return StreamingDataset(table, num_splits=4, columns=["tokens"], **options)


def workers(dataset, **options):
    """Without tensors: PyTorch takes these from a worker, which may complain when that ends."""
    return StreamingDataLoader(dataset, 64, num_workers=2, collate_fn=len, **options)


KINDS = {
    "rows": stream,
    "batches": lambda db: StreamingDataLoader(stream(db), 64, format="torch"),
    "transform": lambda db: stream(db, transform=quick),
    "long calls": lambda db: stream(db, transform=slow),
    "packed": packed,
    "workers": lambda db: workers(stream(db)),
    "persistent workers": lambda db: workers(stream(db), persistent_workers=True),
    "transform in workers": lambda db: workers(stream(db, transform=quick)),
    "long calls in workers": lambda db: workers(stream(db, transform=slow)),
}


def main() -> None:
    folder, kind, end = sys.argv[1:]
    samples = KINDS[kind](pilum.connect(folder))
    if end == "interrupt":
        interrupt(samples, is_slow="long" in kind)
        return
    global live  # so that it outlives what is here
    live = iter(samples)
    next(live)
    if end == "exit":
        raise SystemExit(3)
    if end == "error":
        raise ZeroDivisionError


def interrupt(samples, *, is_slow: bool) -> None:
    try:
        if is_slow:
            print("started", flush=True)  # the call, about
        for number, _ in enumerate(itertools.chain.from_iterable(itertools.repeat(samples))):
            if number == 0 and not is_slow:
                print("started", flush=True)
    except KeyboardInterrupt:
        print(time.monotonic(), flush=True)


if __name__ == "__main__":
    main()
