"""Starts a call, or calls in a row, that take minutes and run no Python code, so that only the
engine can notice a signal; says so, and whether it was interrupted. SIGTERM makes it exit with
code 7.

    python long_call.py TABLE CALL
"""

import collections
import importlib
import itertools
import operator
import pathlib
import signal
import sys
import time

import pyarrow as pa

import pilum

# Nothing matches, and finding that out takes a while for every row.
SLOW = " OR ".join(f"regexp_match(CAST(label AS string), '^[{i}a]+x(b|c)*$')" for i in range(1000))


def consume(items) -> None:
    collections.deque(items, maxlen=0)


def scans(dataset, **options):
    run = dataset._snapshot.prepare(**options).run
    return itertools.starmap(run, itertools.repeat(()))


def exported(streams) -> None:
    consume(map(operator.methodcaller("read_all"), map(pa.RecordBatchReader.from_stream, streams)))


def take(dataset) -> None:
    rows = pa.array(range(0, len(dataset), 3))
    consume(map(dataset._snapshot.take, itertools.repeat(rows)))


def stream(dataset, **options):
    from pilum.streaming import StreamingDataset  # needs torch

    path = pathlib.Path(dataset.uri)
    return StreamingDataset(pilum.connect(path.parent).open_table(path.stem), **options)


CALLS = {
    "iteration": lambda dataset: consume(dataset.to_batches(filter=SLOW)),
    "iteration of small batches": lambda dataset: consume(
        itertools.chain.from_iterable(scans(dataset, batch_size=1))
    ),
    "to_table": lambda dataset: dataset.to_table(filter=SLOW),
    "count_rows": lambda dataset: dataset.count_rows(SLOW),
    "reader": lambda dataset: dataset.scanner(filter=SLOW).to_reader().read_all(),
    "exported stream": lambda dataset: exported(scans(dataset, filter=[SLOW])),
    "exported stream of small batches": lambda dataset: exported(scans(dataset, batch_size=1)),
    "take": take,
    "short takes": lambda dataset: consume(
        map(dataset._snapshot.take, itertools.repeat(pa.array([0])))
    ),
    "verify": lambda dataset: consume(
        map(operator.methodcaller("verify"), itertools.repeat(dataset._snapshot))
    ),
}
STREAMS = {
    "filter of a stream": lambda dataset: stream(dataset, filter=SLOW),
    "stream": lambda dataset: consume(
        itertools.chain.from_iterable(itertools.repeat(stream(dataset)))
    ),
    "transforms": lambda dataset: consume(
        stream(dataset, transform=lambda batch: itertools.repeat(time.sleep(3), batch.num_rows))
    ),
}


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    dataset = pilum.dataset(sys.argv[1])
    call = (CALLS | STREAMS)[sys.argv[2]]
    if sys.argv[2] in STREAMS:
        importlib.import_module("pilum.streaming")  # takes a second
    print("started", flush=True)
    try:
        try:
            call(dataset)
        except pa.ArrowInvalid:  # all that a reader of an exported stream can be told
            print("stopped", flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        raise


if __name__ == "__main__":
    main()
