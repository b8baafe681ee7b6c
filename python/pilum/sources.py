"""Files that are no tables yet, as streams of record batches.

    Parquet, CSV, JSON lines, Arrow IPC: a file or a folder of them --> DataFiles   --+
    a folder of images                                              --> ImageFolder --+--> Source

A source is read once, batch by batch, with memory bounded by a few batches whatever its size. The
formats are read by pyarrow. Several files are one stream, in natural order (`part-2` before
`part-10`); the first one decides the schema, and the others have to fit it without loss.
"""

from __future__ import annotations

import abc
import contextlib
import enum
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from pilum.errors import CorruptDataError, InvalidArgumentError, NotFoundError, UnsupportedError
from pilum.image_folder import ImageFolder
from pilum.ingest import to_reader

_BATCH_BYTES = 16 << 20
_BATCH_ROWS = 64 << 10

# The types of columns come from the first block, and no row may be longer than one. pyarrow reads
# some 40 blocks of CSV and 16 of JSON ahead.
_CSV_BLOCK = 4 << 20
_JSON_BLOCK = 8 << 20


class Format(str, enum.Enum):
    """What files hold."""

    PARQUET = "parquet"
    CSV = "csv"
    TSV = "tsv"
    JSON = "json"
    ARROW = "arrow"
    IMAGES = "images"


_SUFFIXES = {
    Format.PARQUET: "parquet pq".split(),
    Format.CSV: ["csv"],
    Format.TSV: ["tsv"],
    Format.JSON: "jsonl ndjson json".split(),
    Format.ARROW: "arrow arrows feather ipc".split(),
    Format.IMAGES: "png jpg jpeg webp gif bmp tif tiff ppm pgm avif heic jp2 jxl".split(),
}
_FORMATS = {suffix: format for format, suffixes in _SUFFIXES.items() for suffix in suffixes}
_COMPRESSIONS = {"gz": "gzip", "bz2": "bz2", "zst": "zstd", "lz4": "lz4"}  # of text


class Source(Protocol):
    """Rows that can be read once, and how far they have been read."""

    schema: pa.Schema
    total_bytes: int  #: of its files

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows; of columns of the schema those named, in this order."""

    @property
    def bytes_read(self) -> int:
        """How far it has been read, of `total_bytes`."""


def open_source(
    path: str | os.PathLike[str],
    format: Format | None = None,
    schema: pa.Schema | None = None,
) -> Source:
    """Open a file, or a folder of files of one format.

    format    what they hold; by default their suffixes tell
    schema    types of columns of text, where they are known; the others are inferred
    """
    root = pathlib.Path(path)
    if root.is_dir():
        format, files = _choose(root, format)
        if format is Format.IMAGES:
            return ImageFolder(root, files)
        return DataFiles([root / file for file in files], format, schema)
    if not root.exists():
        raise NotFoundError(f"there is no file or folder {root}")
    if not root.is_file():
        raise InvalidArgumentError(f"{root} is neither a file nor a folder")
    format = format or _format_of_file(root)
    if format is Format.IMAGES:
        raise InvalidArgumentError(f"{root} is no folder; import the one that the image lies in")
    return DataFiles([root], format, schema)


# ------------------------------------------------------------------------------ which files to read
def _format_of(name: str) -> Format | None:
    suffixes = name.lower().split(".")[1:]
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return _FORMATS.get(suffixes[-1]) if suffixes else None


def _format_of_file(file: pathlib.Path) -> Format:
    format = _format_of(file.name)
    if format is None:
        names = ", ".join(format.value for format in Format)
        raise InvalidArgumentError(
            f"the suffix of {file} does not tell what it holds; --format does: {names}"
        )
    return format


def _choose(root: pathlib.Path, format: Format | None) -> tuple[Format, list[str]]:
    """The files of a folder to read, by their paths below it: those of one format."""
    by_format: dict[Format | None, list[str]] = {}
    for file in _files_below(root, "", (os.path.realpath(root),)):
        by_format.setdefault(_format_of_member(file), []).append(file)
    known = [found for found in Format if found in by_format]
    if format is None and len(known) > 1:
        names = " and ".join(found.value for found in known)
        raise InvalidArgumentError(f"{root} holds {names}; --format says which to import")
    if format is None and not known:
        raise InvalidArgumentError(f"there are no images and no files of data in {root}")
    format = format or known[0]
    chosen = by_format.get(format, [])
    if not chosen and format is not Format.IMAGES:
        chosen = by_format.get(None, [])  # suffixes tell nothing, --format does
    if not chosen:
        what = "images" if format is Format.IMAGES else f"{format.value} files"
        raise InvalidArgumentError(f"there are no {what} in {root}")
    return format, chosen


def _format_of_member(file: str) -> Format | None:
    """Like `_format_of`, but what writers of data sets put beside the data is none of it."""
    *folders, name = file.split("/")
    format = _format_of(name)
    beside = any(part.startswith("_") for part in (*folders, name))  # _delta_log
    return None if beside and format is not Format.IMAGES else format


def _files_below(root: pathlib.Path, folder: str, above: tuple[str, ...]) -> Iterator[str]:
    """The files in a folder and those below it, but for hidden ones, in natural order. Names as
    text: there may be millions."""
    with os.scandir(root / folder) as found:
        entries = sorted(found, key=lambda entry: _natural(entry.name))
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_dir():  # behind links too, unless they lead back
            real = os.path.realpath(entry.path)
            if real not in above:
                yield from _files_below(root, path, (*above, real))
        elif entry.is_file() or entry.is_symlink():  # to be missed where it leads nowhere
            yield path


def _natural(name: str) -> tuple[Any, ...]:
    """A key that sorts the numbers in names by value."""
    runs = re.split(r"(\d+)", name)  # every second one is a number
    return [int(run) if i % 2 else run for i, run in enumerate(runs)], name


# ------------------------------------------------------------------------------------ files of data
class DataFiles:
    """The rows of files of one format, one file after the other."""

    def __init__(
        self, files: Sequence[pathlib.Path], format: Format, schema: pa.Schema | None
    ) -> None:
        self._files = files
        self._reader_of = _READERS[format]
        self._sizes = [file.stat().st_size for file in files]
        self._done = 0
        self._reader: _Reader | None = self._open(files[0], schema)
        self.schema: pa.Schema = _without_index(self._reader.schema)
        self.total_bytes = sum(self._sizes)

    @property
    def bytes_read(self) -> int:
        reader = self._reader
        return self._done + (0 if reader is None else reader.position())

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        chosen = self.schema
        if columns is not None:
            fields = [chosen.field(name) for name in columns]
            chosen = pa.schema(fields, chosen.metadata)
        for path, size in zip(self._files, self._sizes, strict=True):
            if self._reader is None:
                self._reader = self._open(path, self.schema)
            yield from _read(path, self._reader, chosen, columns)
            self._reader = None
            self._done += size

    def _open(self, path: pathlib.Path, schema: pa.Schema | None) -> _Reader:
        with _naming(path):
            return self._reader_of(path, schema)


def _read(
    path: pathlib.Path, reader: _Reader, schema: pa.Schema, columns: Sequence[str] | None
) -> Iterator[pa.RecordBatch]:
    """The rows of one file, in the form of the first one."""
    rows = 0
    batches = reader.batches(columns)
    while True:
        with _naming(path, rows):
            batch = next(batches, None)
            if batch is None:
                return
            if columns is not None:
                batch = batch.select([name for name in columns if name in batch.schema.names])
            batch.validate(full=True)  # the engine trusts what it is given
            fitting = list(to_reader(batch, schema))
        rows += batch.num_rows
        yield from fitting


def _without_index(schema: pa.Schema) -> pa.Schema:
    """Without what pandas keeps about an index, which tables do not have."""
    metadata = {k: v for k, v in (schema.metadata or {}).items() if k != b"pandas"}
    return schema.with_metadata(metadata or None)


@contextlib.contextmanager
def _naming(path: pathlib.Path, rows: int = 0) -> Iterator[None]:
    """Errors of pyarrow name the file, and the rows read before."""
    place = f"{path}, after {rows} rows" if rows else str(path)
    try:
        yield
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{place}: {error}", column=error.column) from error
    except pa.ArrowNotImplementedError as error:
        raise UnsupportedError(f"{place}: {_in_one_line(error)}", path=str(path)) from error
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the system, and names the file
        raise CorruptDataError(f"{place}: {_in_one_line(error)}", path=str(path)) from error


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


class _Reader(abc.ABC):
    """An open file of one format. Columns of text have the types of a `schema`, where it has them;
    the other formats know their own."""

    schema: pa.Schema

    @abc.abstractmethod
    def __init__(self, path: pathlib.Path, schema: pa.Schema | None) -> None: ...

    @abc.abstractmethod
    def batches(self, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """All rows, with at least these columns."""

    @abc.abstractmethod
    def position(self) -> int:
        """Bytes of the file that the batches so far were made of."""


class _Parquet(_Reader):
    def __init__(self, path: pathlib.Path, schema: pa.Schema | None) -> None:
        # Buffered: pages are read as they are needed, not columns of whole row groups.
        self._file = pa.parquet.ParquetFile(path, buffer_size=1 << 20)
        self.schema = self._file.schema_arrow
        self._size = path.stat().st_size
        self._rows = 0

    def batches(self, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        for number in range(self._file.num_row_groups):
            group = self._file.metadata.row_group(number)
            row_bytes = group.total_byte_size // max(group.num_rows, 1)
            rows = max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(row_bytes, 1)))
            for batch in self._file.iter_batches(rows, [number], columns):
                self._rows += batch.num_rows
                yield batch

    def position(self) -> int:
        share = self._rows / max(self._file.metadata.num_rows, 1)
        return int(self._size * share)


class _Text(_Reader):
    """CSV and JSON, compressed or not."""

    _block: int

    def __init__(self, path: pathlib.Path, schema: pa.Schema | None) -> None:
        self._file = pa.OSFile(str(path))
        compression = _COMPRESSIONS.get(path.suffix[1:].lower())
        text = pa.CompressedInputStream(self._file, compression) if compression else self._file
        self._batches = self._parse(text, schema)
        self.schema = self._batches.schema
        self._size = path.stat().st_size
        self._blocks = 0

    @abc.abstractmethod
    def _parse(self, text: pa.NativeFile, schema: pa.Schema | None) -> pa.RecordBatchReader: ...

    def batches(self, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self._blocks += 1
            yield batch

    def position(self) -> int:
        end = self._size if self._file.closed else int(self._file.tell())  # closed at its end
        return min(end, self._blocks * self._block)  # pyarrow reads far ahead


class _Csv(_Text):
    _block = _CSV_BLOCK
    _delimiter = ","

    def _parse(self, text: pa.NativeFile, schema: pa.Schema | None) -> pa.RecordBatchReader:
        return pa.csv.open_csv(
            text,
            # One thread: errors have the numbers of rows. The engine encodes in others meanwhile.
            pa.csv.ReadOptions(use_threads=False, block_size=self._block),
            pa.csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
            pa.csv.ConvertOptions(column_types=schema),
        )


class _Tsv(_Csv):
    _delimiter = "\t"


class _Json(_Text):
    _block = _JSON_BLOCK

    def _parse(self, text: pa.NativeFile, schema: pa.Schema | None) -> pa.RecordBatchReader:
        return pa.json.open_json(
            text,
            pa.json.ReadOptions(block_size=self._block),
            pa.json.ParseOptions(explicit_schema=schema, newlines_in_values=True),
        )


def _open_json(path: pathlib.Path, schema: pa.Schema | None) -> _Reader:
    with path.open("rb") as file:
        if file.read(64).lstrip().startswith(b"["):
            raise InvalidArgumentError("it is one array; what can be read is an object per row")
    return _Json(path, schema)


class _ArrowStream(_Reader):
    def __init__(self, path: pathlib.Path, schema: pa.Schema | None) -> None:
        self._file = pa.OSFile(str(path))
        self._batches = pa.ipc.open_stream(self._file)
        self.schema = self._batches.schema

    def batches(self, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        yield from self._batches

    def position(self) -> int:
        return int(self._file.tell())


class _ArrowFile(_Reader):
    """An IPC file, which Feather files are too."""

    def __init__(self, path: pathlib.Path, schema: pa.Schema | None) -> None:
        self._file = pa.ipc.open_file(pa.OSFile(str(path)))
        self.schema = self._file.schema
        self._size = path.stat().st_size
        self._done = 0

    def batches(self, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        for number in range(self._file.num_record_batches):
            self._done = number + 1
            yield self._file.get_batch(number)

    def position(self) -> int:
        share = self._done / max(self._file.num_record_batches, 1)
        return int(self._size * share)


def _open_arrow(path: pathlib.Path, schema: pa.Schema | None) -> _Reader:
    with path.open("rb") as file:
        is_file = file.read(6) == b"ARROW1"
    return _ArrowFile(path, schema) if is_file else _ArrowStream(path, schema)


_READERS: dict[Format, Callable[[pathlib.Path, pa.Schema | None], _Reader]] = {
    Format.PARQUET: _Parquet,
    Format.CSV: _Csv,
    Format.TSV: _Tsv,
    Format.JSON: _open_json,
    Format.ARROW: _open_arrow,
}
