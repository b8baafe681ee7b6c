"""A folder of images as a stream of record batches, labelled by the folders that they lie in.

    cats/1.jpg   -->  image: the bytes of the file, label: 0, label_name: "cats", path: "cats/1.jpg"
    dogs/a/2.png -->  label: 1, label_name: "dogs"
    3.png        -->  label: null, label_name: null

The label is the number of the name in plain sorted order, as torchvision's ImageFolder counts; if
all names are whole numbers, it is that number.
"""

from __future__ import annotations

import array
import concurrent.futures
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import pathlib

_BATCH_BYTES = 16 << 20
_BATCH_ROWS = 8192
_READERS = 8  # threads: one file after the other is slow on disks that are not local
_MOST_DIGITS = 18  # that surely fit 64 bits


class ImageFolder:
    """The images of a folder, by their paths below it, in the order given."""

    schema = pa.schema(
        {
            "image": pa.binary(),
            "label": pa.int64(),
            "label_name": pa.string(),
            "path": pa.string(),
        }
    )

    def __init__(self, root: pathlib.Path, files: Sequence[str]) -> None:
        self._root = root
        self._files = files
        self._sizes = array.array("q", (os.stat(root / file).st_size for file in files))
        self._labels = _labels({_label_name(file) for file in files} - {None})
        self.total_bytes = sum(self._sizes)
        self.bytes_read = 0

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All images; of the columns those named, in this order."""
        with concurrent.futures.ThreadPoolExecutor(_READERS) as readers:
            for first, last in self._parts():
                files = self._files[first:last]
                names = [_label_name(file) for file in files]
                arrays = [
                    pa.array(readers.map(self._read, files), pa.binary()),
                    pa.array([self._labels.get(name) for name in names], pa.int64()),
                    pa.array(names, pa.string()),
                    pa.array(files, pa.string()),
                ]
                self.bytes_read += sum(self._sizes[first:last])
                batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
                yield batch if columns is None else batch.select(list(columns))

    def _parts(self) -> Iterator[tuple[int, int]]:
        """Where batches begin and end: before there are too many bytes in them, or rows."""
        first = size = 0
        for number, more in enumerate(self._sizes):
            if number > first and (size + more > _BATCH_BYTES or number - first == _BATCH_ROWS):
                yield first, number
                first, size = number, 0
            size += more
        yield first, len(self._sizes)

    def _read(self, file: str) -> bytes:
        with open(os.path.join(self._root, file), "rb") as image:
            return image.read()


def _label_name(file: str) -> str | None:
    folder, _, name = file.partition("/")
    return folder if name else None


def _labels(names: set[str | None]) -> dict[str | None, int]:
    texts = sorted(name for name in names if name is not None)
    if all(name.isascii() and name.isdigit() and len(name) <= _MOST_DIGITS for name in texts):
        numbers = [int(name) for name in texts]
        if len(set(numbers)) == len(numbers):  # "1" and "01" are two classes
            return dict(zip(texts, numbers, strict=True))
    return {name: number for number, name in enumerate(texts)}
