"""How much memory an epoch takes beyond what its process had when it began.

    stream_memory.py FOLDER TABLE OPTIONS      OPTIONS: JSON; prints MiB

OPTIONS are those of StreamingDataset, and: rows, after which to stop; seconds, to sleep for each;
transform, "same" or "grow", which makes samples ten times as large.
"""

import itertools
import json
import pathlib
import sys
import time

import pilum
from pilum.streaming import StreamingDataset


def grow(batch):
    return [value.as_buffer().to_pybytes() * 10 for value in batch["x"]]


def most_kib() -> int:
    """Of memory that was resident at a time. What getrusage says begins with the parent's."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    folder, name, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    rows, seconds = options.pop("rows", None), options.pop("seconds", 0)
    if "transform" in options:
        options["transform"] = {"grow": grow, "same": lambda b: b.to_pylist()}[options["transform"]]
    stream = StreamingDataset(pilum.connect(folder).open_table(name), shuffle_seed=1, **options)
    before = most_kib()
    for _ in itertools.islice(stream, rows):
        if seconds:
            time.sleep(seconds)
    print((most_kib() - before) / 1024)


if __name__ == "__main__":
    main()
