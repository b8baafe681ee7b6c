"""The other libraries that users stream samples with, each over a format of its own.

    other_streams.py make FOLDER SCALE    write the tables in the format that FOLDER is named after

Each reads in one process, shuffled, and is set to the fastest that is sensible. Where a library
cannot store a row as a dict, it stores the pickled dict. Floats are Python's, and so float64 in
batches, but for mosaic, which has NumPy's of 32 bits.
"""

import abc
import importlib.machinery
import importlib.util
import itertools
import pathlib
import pickle
import shutil
import sys
import types
from collections.abc import Iterable, Iterator

import pyarrow as pa
from torch.utils.data import DataLoader

TABLES = {"num1m": "streams/num1m.lance", "img": "img.lance"}
BATCH = 1024
SHARD_BYTES = 64_000_000


class Library(abc.ABC):
    """Data that is open, and the streams of it."""

    @abc.abstractmethod
    def samples(self) -> Iterable[dict]:
        """A new shuffled epoch."""

    def batches(self, size: int) -> Iterable[dict]:
        """The same as tensors, so many rows in each."""
        return DataLoader(self.samples(), batch_size=size)


class Mosaic(Library):
    """MosaicML Streaming. Its batch size says how far ahead it looks for samples; by default it
    waits for each one."""

    format = "mds"

    @staticmethod
    def make(table: pa.Table, folder: pathlib.Path) -> None:
        encodings = {"float": "float32", "int64": "int", "binary": "bytes"}
        columns = {field.name: encodings[str(field.type)] for field in table.schema}
        with import_mosaic().MDSWriter(
            out=str(folder), columns=columns, size_limit=SHARD_BYTES
        ) as writer:
            for row in rows_of(table):
                writer.write(row)

    def __init__(self, folder: pathlib.Path) -> None:
        self.dataset = import_mosaic().StreamingDataset
        self.folder = folder

    def samples(self) -> Iterable[dict]:
        return self.dataset(local=str(self.folder), shuffle=True, shuffle_seed=1, batch_size=BATCH)


def import_mosaic() -> types.ModuleType:
    """Its package has the name of a program in this folder. For classes that are not used here it
    imports names of torchvision, whose wheel does not load beside a torch without CUDA."""
    here = str(pathlib.Path(__file__).parent)
    sys.path[:] = [path for path in sys.path if path != here]
    names = {"": {}, ".datasets": {"VisionDataset": object}}
    names |= {".transforms": {}, ".transforms.functional": {"to_tensor": None}}
    for suffix, content in names.items():
        spec = importlib.machinery.ModuleSpec(f"torchvision{suffix}", None)
        sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        vars(sys.modules[spec.name]).update(content)
    return importlib.import_module("streaming")


class LitData(Library):
    format = "litdata"

    @staticmethod
    def make(table: pa.Table, folder: pathlib.Path) -> None:
        from litdata import optimize

        def samples(_: int) -> Iterator[dict]:
            yield from rows_of(table)

        optimize(
            fn=samples,
            inputs=[0],
            output_dir=str(folder),
            chunk_bytes=SHARD_BYTES,
            num_workers=1,
            verbose=False,
            start_method="fork",  # the worker has the table already
        )

    def __init__(self, folder: pathlib.Path) -> None:
        from litdata import StreamingDataset

        self.dataset = StreamingDataset
        self.folder = folder

    def samples(self) -> Iterable[dict]:
        return self.dataset(str(self.folder), shuffle=True, seed=1)


class WebDataset(Library):
    """One member a sample: a header of tar costs more time than the bytes."""

    format = "tar"

    @staticmethod
    def make(table: pa.Table, folder: pathlib.Path) -> None:
        from webdataset import ShardWriter

        folder.mkdir(parents=True)
        limits = {"maxsize": SHARD_BYTES, "maxcount": table.num_rows}
        # With a whole number as its time, a member needs no second header.
        with ShardWriter(str(folder / "%05d.tar"), **limits, mtime=0, verbose=0) as writer:
            for number, row in enumerate(rows_of(table)):
                writer.write({"__key__": str(number), "pickle": row})

    def __init__(self, folder: pathlib.Path) -> None:
        import webdataset

        self.dataset = webdataset.WebDataset
        self.shards = sorted(map(str, folder.glob("*.tar")))

    def samples(self) -> Iterable[dict]:
        shards = self.dataset(self.shards, shardshuffle=len(self.shards), seed=1)
        return shards.shuffle(1000).map(lambda sample: pickle.loads(sample["pickle"]))


class HuggingFace(Library):
    format = "arrow"

    @staticmethod
    def make(table: pa.Table, folder: pathlib.Path) -> None:
        import datasets

        datasets.Dataset(datasets.table.InMemoryTable(table)).save_to_disk(str(folder))

    def __init__(self, folder: pathlib.Path) -> None:
        import datasets

        self.dataset = datasets.load_from_disk(str(folder))


class HuggingFaceMap(HuggingFace):
    """By a loader: it asks for 256 rows at once, which is several times as fast as one by one."""

    def samples(self) -> Iterable[dict]:
        lists = DataLoader(self.dataset, batch_size=256, shuffle=True, collate_fn=list)
        return itertools.chain.from_iterable(lists)

    def batches(self, size: int) -> Iterable[dict]:
        return DataLoader(self.dataset, batch_size=size, shuffle=True)


class HuggingFaceIterable(HuggingFace):
    def samples(self) -> Iterable[dict]:
        return self.dataset.to_iterable_dataset(num_shards=64).shuffle(seed=1, buffer_size=1000)


class Grain(Library):
    """No threads: from the page cache they only cost. Records of 20 bytes one by one in their
    groups, as Grain recommends, would be read at some hundred a second."""

    format = "array_record"
    group_bytes = 16_000

    @staticmethod
    def make(table: pa.Table, folder: pathlib.Path) -> None:
        from array_record.python.array_record_module import ArrayRecordWriter

        folder.mkdir(parents=True)
        records = map(pickle.dumps, rows_of(table))
        first = next(records)
        group = max(1, Grain.group_bytes // len(first))
        writer = ArrayRecordWriter(str(folder / "data"), f"group_size:{group},uncompressed")
        for record in itertools.chain([first], records):
            writer.write(record)
        writer.close()

    def __init__(self, folder: pathlib.Path) -> None:
        import grain

        records = grain.sources.ArrayRecordDataSource([str(folder / "data")])
        self.dataset = grain.MapDataset.source(records).shuffle(seed=1).map(pickle.loads)
        self.options = grain.ReadOptions(num_threads=0)

    def samples(self) -> Iterable[dict]:
        return self.dataset.to_iter_dataset(self.options)

    def batches(self, size: int) -> Iterable[dict]:
        return DataLoader(self.dataset, batch_size=size)


OTHERS = {
    "mosaic": Mosaic,
    "litdata": LitData,
    "webdataset": WebDataset,
    "hf-map": HuggingFaceMap,
    "hf-iterable": HuggingFaceIterable,
    "grain": Grain,
}


def rows_of(table: pa.Table) -> Iterator[dict]:
    for batch in table.to_batches(max_chunksize=1024):
        yield from batch.to_pylist()


def main() -> None:
    import lance

    folder = pathlib.Path(sys.argv[2])
    library = next(library for library in OTHERS.values() if library.format == folder.name)
    shutil.rmtree(folder, ignore_errors=True)
    data = folder.parent.parent
    for name, path in TABLES.items():
        library.make(lance.dataset(str(data / path)).to_table(), folder / name)


if __name__ == "__main__":
    main()
