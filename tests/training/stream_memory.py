"""How much memory an epoch takes beyond what its process had when it began.

    stream_memory.py FOLDER TABLE OPTIONS      OPTIONS: JSON; prints MiB

OPTIONS are those of StreamingDataset, and: rows, after which to stop; seconds, to sleep for each;
transform, "same" or "grow", which makes samples ten times as large; loader, options of a
StreamingDataLoader, whose batches are the rows then; limit, MiB that may be allocated after the
first row, or the process fails.
"""

import itertools
import json
import pathlib
import resource
import sys
import time

import pyarrow as pa

import pilum
from pilum.streaming import StreamingDataLoader, StreamingDataset


def grow(batch):
    return [value.as_buffer().to_pybytes() * 10 for value in batch["x"]]


def kib(of: str) -> int:
    """VmHWM: resident at a time, at most. What getrusage says of that begins with the parent's."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split(f"{of}:")[1].split()[0])


def limit_to(mib: int) -> None:
    most = kib("VmData") * 1024 + mib * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def import_all(loader: dict) -> None:
    """What making batches needs: pandas, polars."""
    table = pilum.connect("memory://").create_table("one", pa.table({"x": [b"x"]}))
    list(StreamingDataLoader(StreamingDataset(table), **loader))


def main() -> None:
    folder, name, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    rows, seconds = options.pop("rows", None), options.pop("seconds", 0)
    limit, loader = options.pop("limit", None), options.pop("loader", None)
    if "transform" in options:
        options["transform"] = {"grow": grow, "same": lambda b: b.to_pylist()}[options["transform"]]
    stream = StreamingDataset(pilum.connect(folder).open_table(name), shuffle_seed=1, **options)
    if loader is not None:
        import_all(loader)
    before = kib("VmHWM")
    samples = stream if loader is None else StreamingDataLoader(stream, **loader)
    for number, _ in enumerate(itertools.islice(samples, rows)):
        if number == 0 and limit is not None:
            limit_to(limit)
        if seconds:
            time.sleep(seconds)
    print((kib("VmHWM") - before) / 1024)


if __name__ == "__main__":
    main()
