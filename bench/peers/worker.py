"""One measurement in a process of its own. Started by read.py with either interpreter.

    worker.py make FOLDER SCALE            write the data (reference library)
    worker.py LIBRARY digest FOLDER NAME   read the data NAME in every way; prints hashes, as JSON
    worker.py LIBRARY CASE FOLDER SECONDS  measure; prints one JSON line

LIBRARY is pilum, lance (the reference library), or pread-reused and pread-fresh: the floor below
the takes, rows of a flat file read by a C loop into one warm buffer or into fresh memory each time.
"""

import ctypes
import hashlib
import json
import mmap
import os
import pathlib
import resource
import sys
import time

import numpy as np

BATCH = 256  # rows per take
SCANS = {
    "scan-num-8192": ("num", 8192),
    "scan-num-65536": ("num", 65536),
    "scan-img": ("img", 1024),
    "scan-text": ("text", 8192),
}
TAKES = {"take-num": "num", "take-img": "img", "take-text": "text"}
COLD_TAKES = {"cold-take-num": "num", "cold-take-img": "img", "cold-take-text": "text"}
FILTERS = {"filter-img": ("img", "label = 3")}
CASES = [*SCANS, *TAKES, *COLD_TAKES, *FILTERS]
FLOOR_DATA = ("num", "img")  # of which there are flat files as well


def data_of(case: str) -> str:
    """The data that a case reads."""
    return (TAKES | COLD_TAKES).get(case) or (SCANS.get(case) or FILTERS[case])[0]


# -------------------------------------------------------------------------------------------- data
def make(folder: pathlib.Path, scale: float) -> None:
    """num: 10 M rows of id, four floats, a flag. img: 50 k rows of about 20 KB and a label. text:
    1 M rows of a sentence (FSST), one of 1000 categories (dictionary), the sentence (zstd)."""
    import lance
    import pyarrow as pa

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    rows = int(10_000_000 * scale)
    num = {"id": np.arange(rows)}
    num |= {name: rng.random(rows, dtype=np.float32) for name in "abcd"}
    num["flag"] = rng.random(rows) < 0.5
    options = {"mode": "overwrite", "data_storage_version": "2.2"}
    lance.write_dataset(pa.table(num), folder / "num.lance", max_rows_per_file=1 << 20, **options)
    records = np.zeros(rows, [("id", "i8"), *((name, "f4") for name in "abcd"), ("flag", "?")])
    for name, values in num.items():
        records[name] = values
    records.tofile(folder / "num.flat")

    rows = int(50_000 * scale)
    labels = rng.integers(0, 100, rows)
    sizes = rng.integers(18_000, 22_000, rows)
    schema = pa.schema([("image", pa.binary()), ("label", pa.int64())])

    def images():
        with open(folder / "img.flat", "wb") as flat:
            for first in range(0, rows, 1000):
                part = slice(first, first + 1000)
                values = [rng.bytes(int(size)) for size in sizes[part]]
                flat.write(b"".join(values))
                yield pa.record_batch(
                    [pa.array(values, pa.binary()), pa.array(labels[part])], schema=schema
                )

    lance.write_dataset(
        pa.RecordBatchReader.from_batches(schema, images()), folder / "img.lance", **options
    )
    np.save(folder / "img.sizes.npy", sizes)

    text = text_table(rng, int(1_000_000 * scale))
    lance.write_dataset(text, folder / "text.lance", **options)


def text_table(rng: np.random.Generator, rows: int):
    import pyarrow as pa

    vocabulary = np.array(["".join(rng.choice(list("etaoinshrdlu"), n)) for n in range(2, 10)] * 20)
    words = rng.choice(vocabulary, (rows, 8)).tolist()
    sentences = pa.array([" ".join(row) for row in words])
    text = pa.table(
        {
            "sentence": sentences,
            "category": pa.array([f"category {n}" for n in rng.integers(0, 1000, rows)]),
            "compressed": sentences,
        }
    )
    zstd = {"lance-encoding:compression": "zstd"}
    return text.cast(text.schema.set(2, text.schema.field("compressed").with_metadata(zstd)))


def files_of(path: pathlib.Path) -> list[pathlib.Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def bytes_in(path: pathlib.Path) -> int:
    return sum(file.stat().st_size for file in files_of(path))


def evict(path: pathlib.Path) -> None:
    """Take the files out of the page cache."""
    for file in files_of(path):
        with open(file, "rb") as source:
            os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def warm(path: pathlib.Path) -> None:
    """Read the files once, so that the page cache holds them."""
    buffer = bytearray(1 << 20)
    for file in files_of(path):
        with open(file, "rb", buffering=0) as source:
            while source.readinto(buffer):
                pass


# ----------------------------------------------------------------------------------------- actions
def open_dataset(library: str, path: pathlib.Path):
    if library == "pilum":
        import pilum

        return pilum.dataset(str(path))
    import lance

    return lance.dataset(str(path))


def action(library: str, case: str, folder: pathlib.Path):
    """The call to measure, which returns the number of rows."""
    if library.startswith("pread"):
        return pread_take(data_of(case), folder, fresh=library == "pread-fresh")
    if case in SCANS:
        name, size = SCANS[case]
        dataset = open_dataset(library, folder / f"{name}.lance")
        return lambda: scan(dataset.to_batches(batch_size=size))
    if case in FILTERS:
        name, condition = FILTERS[case]
        dataset = open_dataset(library, folder / f"{name}.lance")
        return lambda: scan(dataset.to_batches(filter=condition))
    dataset = open_dataset(library, folder / f"{data_of(case)}.lance")
    choose = chooser(dataset.count_rows())

    return lambda: dataset.take(choose()).num_rows


def scan(batches):
    return sum(batch.num_rows for batch in batches)


def chooser(rows: int):
    rng = np.random.default_rng(1)
    return lambda: rng.integers(0, rows, BATCH).tolist()


def flat_rows(name: str, folder: pathlib.Path) -> tuple[int, np.ndarray, np.ndarray]:
    """A descriptor of the flat file, and the offsets and sizes of its rows."""
    fd = os.open(folder / f"{name}.flat", os.O_RDONLY)
    if name == "num":
        rows = os.fstat(fd).st_size // 25
        return fd, np.arange(rows) * 25, np.full(rows, 25)
    sizes = np.load(folder / "img.sizes.npy")
    return fd, np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes


def pread_reader(name: str, folder: pathlib.Path, fresh: bool):
    """A function that reads rows of the flat file, BATCH at most, and the number of its rows."""
    library = ctypes.CDLL(str(folder / "pread_floor.so"))
    pointer = ctypes.c_void_p
    library.pread_rows.argtypes = [ctypes.c_int, pointer, pointer, ctypes.c_size_t, pointer]
    fd, offsets, sizes = flat_rows(name, folder)
    buffer = np.zeros(BATCH * int(sizes.max()), np.uint8)

    def read(chosen: np.ndarray) -> int:
        nonlocal buffer
        start, length = offsets[chosen], sizes[chosen]
        if fresh:
            buffer = np.frombuffer(mmap.mmap(-1, int(length.sum())), np.uint8)
        pointers = start.ctypes.data, length.ctypes.data
        if library.pread_rows(fd, *pointers, len(chosen), buffer.ctypes.data):
            raise OSError("short read")
        return len(chosen)

    return read, len(sizes)


def pread_take(name: str, folder: pathlib.Path, fresh: bool):
    read, rows = pread_reader(name, folder, fresh)
    choose = chooser(rows)
    return lambda: read(np.array(choose()))


# ----------------------------------------------------------------------------------------- digests
def digest(batches) -> dict[str, str]:
    """A hash of each column's values, however they are cut into batches. The data has no nulls."""
    hashes = {}
    for batch in batches:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            parts = hashes.setdefault(name, [hashlib.blake2b() for _ in range(2)])
            assert column.null_count == 0, name
            if str(column.type) in ("binary", "string"):
                values = column.cast("binary").to_pylist()
                parts[0].update(np.array([len(value) for value in values], np.int64).tobytes())
                parts[1].update(b"".join(values))
            else:
                parts[1].update(column.to_numpy(zero_copy_only=False).tobytes())
    return {name: "".join(h.hexdigest() for h in parts) for name, parts in hashes.items()}


def digests(library: str, folder: pathlib.Path, name: str) -> dict[str, dict[str, str]]:
    """Of everything, of one take, and of what each filter on this data keeps."""
    dataset = open_dataset(library, folder / f"{name}.lance")
    found = {"scan": digest(dataset.to_batches(batch_size=1024))}
    found["take"] = digest(dataset.take(chooser(dataset.count_rows())()).to_batches())
    for data, condition in FILTERS.values():
        if data == name:
            found[condition] = digest(dataset.to_batches(filter=condition))
    return found


# ------------------------------------------------------------------------------------- measurement
def measure(library: str, case: str, folder: pathlib.Path, seconds: float) -> dict:
    """Repeats the call for `seconds`, at least once."""
    path = folder / f"{data_of(case)}.{'flat' if library.startswith('pread') else 'lance'}"
    warm(path)
    call = action(library, case, folder)
    rss_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times, rows = [], 0
    cpu = time.process_time()
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        if case in COLD_TAKES:
            evict(path)
        start = time.perf_counter()
        rows = call()
        times.append(time.perf_counter() - start)
    return {
        "library": library,
        "case": case,
        "rows": rows,
        "calls": len(times),
        "first_s": times[0],
        "median_s": float(np.median(times)),
        "p99_s": float(np.quantile(times, 0.99)),
        "cpu_s_per_call": (time.process_time() - cpu) / len(times),
        "rss_before_mb": rss_before / 1000,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }


def main() -> None:
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]), float(sys.argv[3]))
        return
    library, case, folder, last = sys.argv[1:]
    if case == "digest":
        print(json.dumps(digests(library, pathlib.Path(folder), last)))
    else:
        print(json.dumps(measure(library, case, pathlib.Path(folder), float(last))))


if __name__ == "__main__":
    main()
