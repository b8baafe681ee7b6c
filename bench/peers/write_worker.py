"""One measurement of writing, in a process of its own. Started by write.py with either interpreter.

write_worker.py make FOLDER SCALE             write the data (reference library)
write_worker.py measure LIBRARY CASE FOLDER   write FOLDER/written; prints one JSON line
write_worker.py check CASE FOLDER             (reference library) whether FOLDER/written holds
                                              what it should
"""

import importlib
import json
import mmap
import os
import pathlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from worker import text_table

CREATES = {"create-numeric": "numeric", "create-binary": "binary", "create-text": "text"}
COMMITS = {"commit-10": 10, "commit-1000": 1000, "commit-100000": 100_000}  # fragments there are
OPENS = {"open-10": 10, "open-1000": 1000, "open-100000": 100_000}
CASES = [*CREATES, "append", "compact", *COMMITS, *OPENS]

PILUM = {"pilum": {"sync": "false"}, "pilum-synced": {}}  # storage options
PLAIN = {"plain-write": False, "plain-write-synced": True}  # whether to flush

BATCH_ROWS = {"numeric": 65_536, "binary": 128, "text": 8192}  # of 2, 8 and 1 MB
ROWS = 100  # of an append, and of a fragment
FRAGMENTS = 1000  # to append and to compact, at scale 1
REPEATS = 5  # of commits and of opening
PIECE = 8 << 20  # bytes of a plain write
SAMPLE = 1000  # rows to compare
VERSION = "2.2"


# -------------------------------------------------------------------------------------------- data
def make(folder: pathlib.Path, scale: float) -> None:
    """numeric, binary: 1 GB. text: 1 M rows. small: to compact. fragments-N: of so many."""
    shutil.rmtree(folder, ignore_errors=True)  # an overwritten table would keep its old versions
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    numeric = numeric_table(rng, int(31_250_000 * scale))
    save(folder / "numeric.arrow", numeric.schema, numeric.to_batches(BATCH_ROWS["numeric"]))
    schema = pa.schema([("image", pa.binary()), ("label", pa.int64())])
    save(folder / "binary.arrow", schema, binary_batches(rng, schema, int(16_667 * scale)))
    text = text_table(rng, int(1_000_000 * scale))
    save(folder / "text.arrow", text.schema, text.to_batches(BATCH_ROWS["text"]))
    make_fragments(folder, numeric, fragments_at(scale))


def numeric_table(rng: np.random.Generator, rows: int) -> pa.Table:
    columns = {"id": np.arange(rows), "key": rng.integers(0, 1_000_000, rows)}
    columns |= {name: rng.random(rows, dtype=np.float32) for name in "abcd"}
    return pa.table(columns)


def binary_batches(
    rng: np.random.Generator, schema: pa.Schema, rows: int
) -> Iterator[pa.RecordBatch]:
    """Values of 20 to 100 KB that nothing compresses."""
    for first in range(0, rows, BATCH_ROWS["binary"]):
        sizes = rng.integers(20_000, 100_000, min(BATCH_ROWS["binary"], rows - first))
        values = [rng.bytes(int(size)) for size in sizes]
        labels = rng.integers(0, 100, len(values))
        yield pa.record_batch([pa.array(values, pa.binary()), pa.array(labels)], schema=schema)


def save(path: pathlib.Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    with pa.ipc.new_file(path, schema) as sink:
        for batch in batches:
            sink.write_batch(batch)


def fragments_at(scale: float) -> int:
    return max(10, int(FRAGMENTS * scale))


def make_fragments(folder: pathlib.Path, numeric: pa.Table, count: int) -> None:
    """Tables of many fragments. What opening and commits cost is in the manifest; so the fragments
    share a data file, but for those to compact."""
    import lance

    options = {"mode": "overwrite", "data_storage_version": VERSION}
    small = numeric.slice(0, count * ROWS)
    lance.write_dataset(small, folder / "small.lance", max_rows_per_file=ROWS, **options)
    rows = numeric.slice(0, ROWS)
    for number in COMMITS.values():
        path = folder / f"fragments-{number}.lance"
        dataset = lance.write_dataset(rows, path, **options)
        first = dataset.get_fragments()[0].metadata
        further = [
            lance.fragment.FragmentMetadata(0, first.files, first.physical_rows)
            for _ in range(number - 2)
        ]
        append = lance.LanceOperation.Append(further)
        dataset = lance.LanceDataset.commit(dataset, append, read_version=dataset.version)
        # That manifest lists the fragments once more, in its transaction. One like any other:
        dataset.insert(rows)


def load(folder: pathlib.Path, name: str, rows: int | None = None) -> pa.Table:
    """The first rows, in memory of the process, which mapped files would not be in. Reads no more:
    what is freed would hide what the library takes from the same allocator."""
    with pa.OSFile(str(folder / f"{name}.arrow")) as file:
        source = pa.ipc.open_file(file)
        batches, found = [], 0
        for number in range(source.num_record_batches):
            if rows is not None and found >= rows:
                break
            batches.append(source.get_batch(number))
            found += batches[-1].num_rows
    return pa.Table.from_batches(batches, source.schema).slice(0, rows)


# ------------------------------------------------------------------------------------------- calls
def calls_of(library: str, case: str, folder: pathlib.Path) -> tuple[list[Callable], int]:
    """The calls to measure, and the bytes in memory of what they write."""
    path = folder / "written" / "table.lance"
    if case in CREATES:
        rows = load(folder, CREATES[case])
        if library in PLAIN:
            return [lambda: plain_write(rows, path, PLAIN[library])], rows.nbytes
        create = creator(library, path)
        reader = pa.RecordBatchReader.from_batches(
            rows.schema, iter(rows.to_batches(BATCH_ROWS[CREATES[case]]))
        )
        return [lambda: create(reader)], rows.nbytes
    if case == "append":
        return appends(library, path, load(folder, "numeric", written_rows(case, folder)))
    if case == "compact":
        shutil.copytree(folder / "small.lance", path)
        return [open_dataset(library, path).optimize.compact_files], 0
    if case in COMMITS:
        shutil.copytree(folder / f"fragments-{COMMITS[case]}.lance", path)
        append, rows = appender(library, path), load(folder, "numeric", ROWS)
        return [lambda: append(rows)] * REPEATS, rows.nbytes
    module_of(library)  # before the clock starts
    source = folder / f"fragments-{OPENS[case]}.lance"
    return [lambda: open_dataset(library, source).version] * REPEATS, 0


def module_of(library: str):
    return importlib.import_module("pilum" if library in PILUM else library)


def creator(library: str, path: pathlib.Path) -> Callable:
    if library == "lance":
        write = module_of(library).write_dataset
        return lambda rows: write(rows, path, data_storage_version=VERSION)
    database = connect(library, path.parent)
    return lambda rows: database.create_table(path.stem, rows, data_storage_version=VERSION)


def appender(library: str, path: pathlib.Path) -> Callable:
    if library == "lance":
        return open_dataset(library, path).insert
    return connect(library, path.parent).open_table(path.stem).add


def connect(library: str, folder: pathlib.Path):
    return module_of(library).connect(folder, storage_options=PILUM.get(library))


def open_dataset(library: str, path: pathlib.Path):
    return module_of(library).dataset(str(path), storage_options=PILUM.get(library))


def appends(library: str, path: pathlib.Path, rows: pa.Table) -> tuple[list[Callable], int]:
    """The table is made before the clock starts, of the first rows."""
    first, *parts = (rows.slice(at, ROWS) for at in range(0, rows.num_rows, ROWS))
    creator(library, path)(first)
    append = appender(library, path)
    return [lambda part=part: append(part) for part in parts], rows.nbytes - first.nbytes


def plain_write(rows: pa.Table, path: pathlib.Path, sync: bool) -> None:
    """The bytes of the columns, one after the other, to one file."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    for column in rows.columns:
        for chunk in column.chunks:
            for buffer in filter(None, chunk.buffers()):
                for at in range(0, buffer.size, PIECE):
                    os.write(fd, memoryview(buffer)[at : at + PIECE])
    if sync:
        os.fsync(fd)
    os.close(fd)


# ------------------------------------------------------------------------------------- measurement
def measure(library: str, case: str, folder: pathlib.Path) -> dict:
    calls, size = calls_of(library, case, folder)
    os.sync()  # nobody pays for what others have left to be written
    touch_memory(2 * size)
    memory_before = start_peak()
    times, cpu = [], time.process_time()
    for call in calls:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    cpu, memory = time.process_time() - cpu, peak() - memory_before
    return {
        "library": library,
        "case": case,
        "bytes": size,
        "calls": len(calls),
        "first_s": times[0],
        "last_s": float(np.median(times[-100:])),
        "s_per_call": sum(times) / len(times),
        "cpu_s_per_call": cpu / len(calls),
        "peak_mb": memory / 1000,
    }


def touch_memory(size: int) -> None:
    """What is free for long goes back to the host of a virtual machine; whoever is first pays."""
    pages = np.empty(size, np.uint8)
    pages[:: mmap.PAGESIZE] = 1


def start_peak() -> int:
    """Makes the memory in use now the peak. In KB."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


# ------------------------------------------------------------------------------------------- check
def written_rows(case: str, folder: pathlib.Path) -> int:
    """The rows of the table that a case leaves."""
    fragments = fragments_at(float((folder / "scale").read_text()))
    if case in COMMITS:
        fragments = COMMITS[case] + REPEATS
    return (fragments + (case == "append")) * ROWS


def check(case: str, folder: pathlib.Path) -> dict[str, str]:
    """Says what is wrong, or nothing."""
    import lance

    with pa.memory_map(str(folder / f"{CREATES.get(case, 'numeric')}.arrow")) as file:
        source = pa.ipc.open_file(file).read_all()
        rows = source.num_rows if case in CREATES else written_rows(case, folder)
        distinct = ROWS if case in COMMITS else rows
        dataset = lance.dataset(str(folder / "written" / "table.lance"))
        if dataset.count_rows() != rows:
            return {"error": f"{dataset.count_rows()} rows instead of {rows}"}
        chosen = np.unique(np.linspace(0, rows - 1, SAMPLE, dtype=np.int64))
        # Not source.take: it would join the chunks first.
        expected = pa.concat_tables(source.slice(at % distinct, 1) for at in chosen.tolist())
        if not dataset.take(chosen.tolist()).equals(expected):
            return {"error": "other values than those of the source"}
    if case == "compact" and len(dataset.get_fragments()) != 1:
        return {"error": f"{len(dataset.get_fragments())} fragments instead of one"}
    return {}


def main() -> None:
    what, *arguments = sys.argv[1:]
    folder = pathlib.Path(arguments[-2 if what == "make" else -1])
    if what == "make":
        make(folder, float(arguments[1]))
    elif what == "check":
        print(json.dumps(check(arguments[0], folder)))
    else:
        print(json.dumps(measure(arguments[0], arguments[1], folder)))


if __name__ == "__main__":
    main()
