"""What users hand over to be written, as one stream of record batches.

    table, frame, rows, generator … --> Rows --> pa.RecordBatchReader --> the engine

Nothing is read before the stream is, except what decides the schema where none is given: the first
item of a generator, or, of a generator of rows, its first batch of rows. Libraries that users may
not have are recognised only when they are imported already.

Rows and items are counted from 0, as `enumerate` does. Whether values are null that must not be,
and how they fit the table that they go to, is for the engine to say.
"""

from __future__ import annotations

import bisect
import contextlib
import itertools
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from pilum.errors import InvalidArgumentError

#: Batches, and the schema that all of them have.
_Stream: TypeAlias = tuple[pa.Schema, Iterator[pa.RecordBatch]]

_BATCH_ROWS = 8192
_BATCH_BYTES = 16 << 20  # of the values in Python; rows of images make smaller batches

_SUPPORTED = (
    "pyarrow Table, RecordBatch, RecordBatchReader, Dataset and Scanner, pandas DataFrame, polars "
    "DataFrame and LazyFrame, a list of dicts or of pydantic models, objects with "
    "__arrow_c_stream__ or __arrow_c_array__, and lists, iterators and generators of these"
)

# What pyarrow raises for values that it cannot convert; its classes derive from these.
_BAD_VALUE = (TypeError, ValueError, OverflowError, NotImplementedError)


class Rows:
    """The rows of `data` as a stream that can be read once.

    With a `schema`, the stream has it: columns are cast by name without loss, those that are
    missing are null, unknown ones an error. Without, it has the schema of the data, or of the
    first item of a list, an iterator or a generator; later items are cast to it in the same way.

    Errors of the data, or raised by a generator of the user, come out of `reader` as they are. C++
    makes text of them, so whoever lets the engine read the stream does it so:

        rows = Rows(data, schema)
        with reraise(rows):
            write(rows.reader)
    """

    def __init__(self, data: Any, schema: pa.Schema | None = None) -> None:
        if schema is not None and not isinstance(schema, pa.Schema):
            raise TypeError(f"schema must be a pyarrow.Schema, not {_kind(schema)}")
        try:
            found, batches = _open(data, schema)
        except BaseException:
            _close(data)
            raise
        self._batches = _Batches(batches, data)
        self.reader: pa.RecordBatchReader = pa.RecordBatchReader.from_batches(found, self._batches)

    @property
    def error(self) -> BaseException | None:
        """What ended the stream, unless it was its end."""
        return self._batches.error

    def close(self) -> None:
        """End the stream, and the generator that it reads."""
        self._batches.close()


@contextlib.contextmanager
def reraise(rows: Rows) -> Iterator[None]:
    """Raises the error that ended the stream in place of what was made of it, and closes it."""
    try:
        yield
    except BaseException:
        if rows.error is None:
            raise
    finally:
        rows.close()
    if rows.error is not None:
        _raise_as_it_was(rows.error)


def to_reader(data: Any, schema: pa.Schema | None = None) -> pa.RecordBatchReader:
    """The rows of `data` as a stream, for readers in Python; see `Rows`."""
    return Rows(data, schema).reader


class _Batches:
    """An iterator that remembers what ended it. Knows nothing of the reader that owns it: a cycle
    through C++ would never be freed."""

    def __init__(self, batches: Iterator[pa.RecordBatch], data: Any) -> None:
        self._batches = batches
        self._data = data
        self.error: BaseException | None = None

    def __iter__(self) -> _Batches:
        return self

    def __next__(self) -> pa.RecordBatch:
        try:
            return next(self._batches)
        except StopIteration:
            raise
        except BaseException as error:
            self.error = error
            self.close()
            raise

    def close(self) -> None:
        _close(self._batches)
        _close(self._data)
        self._batches = iter(())
        self._data = None


def _close(data: Any) -> None:
    if isinstance(data, Generator):
        data.close()


def _raise_as_it_was(error: BaseException) -> None:
    context = error.__context__
    try:
        raise error
    finally:
        error.__context__ = context  # not the text that C++ made of this very error


# ----------------------------------------------------------------------------------- kinds of data
def _open(data: Any, schema: pa.Schema | None, where: str = "") -> _Stream:
    """The stream of `data`. `where` is the place of `data` in what the user handed over."""
    if _is_row(data):
        kind = "dictionary" if isinstance(data, Mapping) else type(data).__name__
        raise InvalidArgumentError(
            f"{where}cannot create or add rows from a single {kind}; use a list"
        )
    if isinstance(data, (list, tuple)) and data and all(map(_is_row, data)):
        found = _schema_of_rows(data, where) if schema is None else schema
        parts = _items(data)
        return found, (b for _, first, rows in parts for b in _convert(rows, found, where, first))
    if (opened := _open_arrow(data, where)) is not None:
        own, batches = opened
        found = own if schema is None else schema  # readers may give batches that are not as theirs
        return found, (_conform(batch, found, where) for batch in batches)
    if _is_stream(data):
        return _open_items(data, schema, where)
    raise TypeError(f"{where}cannot read rows from {_kind(data)}; what can be read: {_SUPPORTED}")


def _open_arrow(data: Any, where: str) -> tuple[pa.Schema, Iterable[pa.RecordBatch]] | None:
    """The schema and the batches of one table, frame or stream; None for any other thing."""
    if isinstance(data, pa.RecordBatch):
        return data.schema, [data]
    if isinstance(data, pa.Table):
        return data.schema, data.to_batches()
    if _is_a(data, "pandas", "DataFrame"):
        return _open_pandas(data, where)
    if _is_a(data, "polars", "DataFrame"):
        return _open_polars(data.schema, data.iter_slices(_BATCH_ROWS))
    if _is_a(data, "polars", "LazyFrame"):
        return _open_polars(data.collect_schema(), _collect(data))
    reader = _reader_of(data)
    return None if reader is None else (reader.schema, reader)


def _reader_of(data: Any) -> pa.RecordBatchReader | None:
    if isinstance(data, pa.RecordBatchReader):
        return data  # errors of a generator behind it stay what they are
    if _is_a(data, "pyarrow.dataset", "Dataset"):
        return data.scanner().to_reader()
    if _is_a(data, "pyarrow.dataset", "Scanner"):
        return data.to_reader()
    try:  # Arrow's C interface
        if hasattr(type(data), "__arrow_c_stream__"):
            return pa.RecordBatchReader.from_stream(data)
        if hasattr(type(data), "__arrow_c_array__"):
            batch = pa.record_batch(data)
            return pa.RecordBatchReader.from_batches(batch.schema, [batch])
    except pa.ArrowInvalid as error:
        if "non-struct type" not in str(error):  # a single column
            raise
    return None


def _open_pandas(frame: Any, where: str) -> tuple[pa.Schema, list[pa.RecordBatch]]:
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except _BAD_VALUE as error:
        raise InvalidArgumentError(f"{where}the DataFrame cannot be converted: {error}") from error
    metadata = {k: v for k, v in (table.schema.metadata or {}).items() if k != b"pandas"}
    table = table.replace_schema_metadata(metadata or None)
    return table.schema, table.to_batches()


def _open_polars(schema: Any, frames: Iterable[Any]) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    # Not through __arrow_c_stream__, which gives string_view and binary_view.
    own = sys.modules["polars"].DataFrame(schema=schema).to_arrow().schema
    return own, (batch for frame in frames for batch in frame.to_arrow().to_batches())


def _collect(frame: Any) -> Iterator[Any]:
    """The result of a lazy frame, part by part; whole where polars is too old for that."""
    if not hasattr(frame, "collect_batches"):
        yield from frame.collect().iter_slices(_BATCH_ROWS)
        return
    yield from frame.collect_batches(maintain_order=True)


def _is_a(data: Any, module: str, name: str) -> bool:
    """Whether `data` is an instance of a class of a module that may not be there."""
    return isinstance(data, getattr(sys.modules.get(module), name, ()))


def _is_row(data: Any) -> bool:
    return isinstance(data, (dict, Mapping)) or _is_a(data, "pydantic", "BaseModel")


def _is_stream(data: Any) -> bool:
    if isinstance(data, (str, bytes, bytearray, memoryview, type)):
        return False
    return isinstance(data, Iterable) and not hasattr(data, "__array__")  # arrays and tensors have


def _kind(data: Any) -> str:
    kind = type(data)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


# -------------------------------------------------------------------------------- several in a row
def _open_items(data: Iterable[Any], schema: pa.Schema | None, where: str) -> _Stream:
    """The stream of the items of a list, an iterator or a generator."""
    items = _items(data)
    if schema is not None:
        return schema, _batches_of(items, schema, where)
    first = next(items, None)
    if first is None:
        kind = "list" if isinstance(data, (list, tuple)) else "iterator"
        raise InvalidArgumentError(f"{where}Cannot create table from empty {kind} without a schema")
    schema, batches = _open_item(*first, None, where)
    return schema, itertools.chain(batches, _batches_of(items, schema, where))


def _items(data: Iterable[Any]) -> Iterator[tuple[bool, int, Any]]:
    """The items, each with its number, and rows that follow each other gathered in lists with the
    number of the first; the flag tells those lists."""
    rows: list[Any] = []
    size = 0
    number = 0
    for item in data:  # enumerate would keep the last item
        is_row = _is_row(item)
        if is_row:
            rows.append(_as_dict(item))
            size += sum(map(sys.getsizeof, rows[-1].values()))
        if rows and (not is_row or len(rows) == _BATCH_ROWS or size >= _BATCH_BYTES):
            gathered, rows, size = rows, [], 0
            yield True, number + is_row - len(gathered), gathered
            del gathered
        if not is_row:
            yield False, number, item
        del item  # not to be kept while the next one is made
        number += 1
    if rows:
        yield True, number - len(rows), rows


def _open_item(
    gathered: bool, number: int, item: Any, schema: pa.Schema | None, where: str
) -> _Stream:
    if not gathered:
        return _open(item, schema, f"{where}item {number}: ")
    found = _schema_of_rows(item, where, number) if schema is None else schema
    return found, _convert(item, found, where, number)


def _batches_of(
    items: Iterator[tuple[bool, int, Any]], schema: pa.Schema, where: str
) -> Iterator[pa.RecordBatch]:
    batches: Iterable[pa.RecordBatch]
    for gathered, number, item in items:
        batches = _open_item(gathered, number, item, schema, where)[1]
        del item
        yield from batches


# --------------------------------------------------------------------------------- rows of Python
def _as_dict(row: Any) -> Mapping[str, Any]:
    if isinstance(row, (dict, Mapping)):  # dict first: it is much faster
        return row
    dump = getattr(row, "model_dump", None) or row.dict  # pydantic 2, pydantic 1
    values: Mapping[str, Any] = dump()
    return values


def _schema_of_rows(data: Sequence[Any], where: str, first: int = 0) -> pa.Schema:
    """The columns of all rows, in the order in which they turn up."""
    rows = [_as_dict(row) for row in data]
    names = dict.fromkeys(itertools.chain.from_iterable(rows))
    for name in names:
        if not isinstance(name, str):
            raise InvalidArgumentError(
                f"{where}the names of columns must be str, not {name!r} ({_kind(name)})"
            )
    if not names:
        raise InvalidArgumentError(f"{where}the rows have no columns")
    fields = []
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            fields.append(pa.field(name, pa.infer_type(values)))
        except _BAD_VALUE as error:
            what = f"the value and those before have no type in common: {error}"
            raise _misfit(values, pa.infer_type, what, name, where, first) from error
    return pa.schema(fields)


def _convert(
    rows: Sequence[Mapping[str, Any]], schema: pa.Schema, where: str, first: int
) -> Iterator[pa.RecordBatch]:
    """The rows as batches; the number of the first is `first`."""
    names = _names(schema, where)
    for number, row in enumerate(rows, first):
        if not row.keys() <= names:
            unknown = next(name for name in row if name not in names)
            raise _unknown(unknown, f"{where}row {number}: ")
    columns = [
        _column([row.get(field.name) for row in rows], field, where, first) for field in schema
    ]
    if not columns:
        raise InvalidArgumentError(f"{where}the rows have no columns")
    yield from pa.Table.from_arrays(columns, schema=schema).to_batches()


def _column(values: list[Any], field: pa.Field, where: str, first: int) -> Any:
    def convert(values: list[Any]) -> Any:
        column = pa.array(values, field.type)  # in chunks where one array cannot hold them
        _check_loss(values, field.type)
        return column

    try:
        return convert(values)
    except (*_BAD_VALUE, _LossError) as error:
        hint = "; rows before have no value: pass a schema" if pa.types.is_null(field.type) else ""
        what = f"the value does not fit {field.type}: {error}{hint}"
        raise _misfit(values, convert, what, field.name, where, first) from error


class _LossError(Exception):
    """A value would become another one, or lose a part of itself."""


def _check_loss(values: list[Any], kind: pa.DataType) -> None:
    """Finds what pyarrow does silently when it makes `kind` of Python's values: it drops fields of
    structs, and fractions of numbers and seconds."""
    if not _is_lossy(kind):
        return
    try:
        found = pa.infer_type(values)
    except _BAD_VALUE:  # a mixture, which the conversion has understood all the same
        return
    if lost := _lost(found, kind, ""):
        raise _LossError(f"there is no field '{lost[1:]}' in {kind}")
    if _may_round(found, kind):
        try:
            pa.array(values, found).cast(kind)
        except pa.ArrowInvalid as error:
            raise _LossError(str(error)) from error
        except (NotImplementedError, TypeError):
            pass  # no such cast


def _is_lossy(kind: pa.DataType) -> bool:
    types = pa.types
    here = types.is_struct(kind) or types.is_integer(kind) or types.is_temporal(kind)
    return bool(here or any(map(_is_lossy, _children(kind))))


def _may_round(found: pa.DataType, kind: pa.DataType) -> bool:
    """Whether values of the type `found` have parts that those of `kind` cannot have."""
    if pa.types.is_integer(kind):
        return bool(pa.types.is_floating(found) or pa.types.is_decimal(found))
    if pa.types.is_temporal(kind):
        return bool(pa.types.is_temporal(found) and found != kind)
    if pa.types.is_struct(found) and pa.types.is_struct(kind):
        return any(
            _may_round(field.type, kind.field(field.name).type)
            for field in found
            if kind.get_field_index(field.name) >= 0
        )
    pairs = zip(_children(found), _children(kind), strict=False)
    return any(_may_round(a, b) for a, b in pairs)


def _misfit(
    values: list[Any],
    convert: Callable[[list[Any]], Any],
    what: str,
    name: str,
    where: str,
    first: int,
) -> InvalidArgumentError:
    """The error for a column in which `convert` fails, with the row at which it starts to."""

    def fails(count: int) -> bool:
        try:
            convert(values[:count])
        except (*_BAD_VALUE, _LossError):
            return True
        return False

    row = bisect.bisect_left(range(len(values)), True, key=lambda last: fails(last + 1))
    return InvalidArgumentError(f"{where}row {first + row}, column '{name}': {what}", column=name)


# ------------------------------------------------------------------------------ columns by name
def _names(schema: pa.Schema, where: str) -> set[str]:
    names = set(schema.names)
    if len(names) < len(schema.names):
        twice = next(name for name in schema.names if schema.names.count(name) > 1)
        raise InvalidArgumentError(f"{where}there are two columns '{twice}'", column=twice)
    return names


def _unknown(name: object, where: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{where}field '{name}' does not exist in table schema", column=str(name)
    )


def _conform(batch: pa.RecordBatch, schema: pa.Schema, where: str) -> pa.RecordBatch:
    """The batch with the columns of `schema`."""
    if batch.schema.equals(schema):
        return batch
    names, there = _names(schema, where), _names(batch.schema, where)
    for name in batch.schema.names:
        if name not in names:
            raise _unknown(name, where)
    columns = [
        _cast(batch.column(field.name), field, where)
        if field.name in there
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: pa.Array, field: pa.Field, where: str) -> pa.Array:
    if column.type.equals(field.type):
        return column
    at = f"{where}column '{field.name}': {column.type} cannot be cast to {field.type}"
    if lost := _lost(column.type, field.type, field.name):
        raise InvalidArgumentError(f"{at}: it has no field '{lost}'", column=field.name)
    number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    if number and pa.types.is_boolean(field.type):
        raise InvalidArgumentError(f"{at} without loss", column=field.name)
    try:
        return column.cast(field.type)
    except _BAD_VALUE as error:
        raise InvalidArgumentError(f"{at}: {error}", column=field.name) from error


def _children(kind: pa.DataType) -> list[pa.DataType]:
    return [kind.field(i).type for i in range(kind.num_fields)]


def _lost(kind: pa.DataType, target: pa.DataType, path: str) -> str:
    """The dotted path of a field that a cast to `target` would drop; empty if there is none."""
    if pa.types.is_struct(kind) and pa.types.is_struct(target):
        for field in kind:
            place = f"{path}.{field.name}"
            index = target.get_field_index(field.name)
            if index < 0:
                return place
            if lost := _lost(field.type, target.field(index).type, place):
                return lost
        return ""
    pairs = zip(_children(kind), _children(target), strict=False)
    return next(filter(None, (_lost(a, b, path) for a, b in pairs)), "")
