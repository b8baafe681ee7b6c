"""Data to write is taken one item at a time, and errors come out as they were raised."""

import gc
import weakref

import pyarrow as pa
import pyarrow.dataset
import pytest
from ingested import INT32, TABLE, Source, ids

from pilum.errors import InvalidArgumentError
from pilum.ingest import Rows, reraise, to_reader


# ----------------------------------------------------------------------------------- one at a time
def test_nothing_is_made_before_it_is_read():
    source = Source(ids(1), ids(2), ids(3))
    reader = to_reader(source.generator, INT32)
    assert source.made == 0
    for made in (1, 2, 3):
        assert reader.read_next_batch().schema == INT32
        assert source.made == made
    with pytest.raises(StopIteration):
        reader.read_next_batch()
    assert source.closed


def test_the_first_item_decides():
    source = Source(ids(1), ids(2))
    reader = to_reader(source.generator)
    assert source.made == 1
    assert reader.read_next_batch().to_pydict() == {"id": [1]}
    assert source.made == 1
    assert reader.read_next_batch().to_pydict() == {"id": [2]}


def test_items_are_not_kept():
    alive = 0

    class Item:
        def __init__(self):
            nonlocal alive
            assert alive == 0
            alive += 1

        def __del__(self):
            nonlocal alive
            alive -= 1

        def __arrow_c_array__(self, requested_schema=None):
            return ids(1).__arrow_c_array__(requested_schema)

    for schema in (None, INT32):
        assert to_reader((Item() for _ in range(5)), schema).read_all().num_rows == 5


def test_streams_are_freed():
    source = Source(ids(1), ids(2))
    rows = Rows(source.generator)
    rows.reader.read_next_batch()
    seen = weakref.ref(rows)
    generator = weakref.ref(source.generator)
    del rows, source
    gc.collect()
    assert seen() is None
    assert generator() is None


# ------------------------------------------------------------------------------------------ errors
class MineError(Exception):
    pass


def natively(reader):
    """Read the way C++ does, which knows errors as text only."""
    return pa.RecordBatchReader._import_from_c_capsule(reader.__arrow_c_stream__()).read_all()


@pytest.mark.parametrize("schema", [None, INT32])
@pytest.mark.parametrize("items", [[ids(1), ids(2)], [{"id": 1}] * 9000])
def test_errors_of_a_generator_come_out_as_they_are(items, schema):
    error = MineError("in the middle")
    reader = to_reader(Source(*items, error=error).generator, schema)
    assert reader.read_next_batch().num_rows > 0
    with pytest.raises(MineError) as caught:
        reader.read_all()
    assert caught.value is error


@pytest.mark.parametrize("error", [MineError("x"), KeyError("k"), KeyboardInterrupt(), OSError(5)])
@pytest.mark.parametrize("schema", [None, INT32])
def test_errors_come_through_native_code(error, schema):
    cause = error.__cause__ = ValueError("the cause")
    rows = Rows(Source(ids(1), ids(2), error=error).generator, schema)
    with pytest.raises(type(error)) as caught, reraise(rows):
        natively(rows.reader)
    assert caught.value is error is rows.error
    assert error.__cause__ is cause
    assert error.__context__ is None


def test_errors_of_a_reader_come_through_native_code():
    error = MineError("x")
    reader = pa.RecordBatchReader.from_batches(
        pa.schema({"id": pa.int64()}), Source(ids(1), error=error).generator
    )
    rows = Rows([reader])
    with pytest.raises(MineError) as caught, reraise(rows):
        natively(rows.reader)
    assert caught.value is error


def test_our_errors_come_through_native_code():
    source = Source({"id": 1}, {"id": "x"}, {"id": 2})
    rows = Rows(source.generator, INT32)
    with pytest.raises(InvalidArgumentError, match="row 1, column 'id'"), reraise(rows):
        natively(rows.reader)
    source = Source(ids(1), "x", ids(2))
    rows = Rows(source.generator)
    with pytest.raises(TypeError, match=r"item 1: .* str"), reraise(rows):
        natively(rows.reader)
    assert source.closed
    assert source.made == 2


def test_an_error_that_native_code_forgets_is_raised_all_the_same():
    rows = Rows(Source(ids(1), error=MineError("x")).generator)
    with pytest.raises(MineError), reraise(rows), pytest.raises(pa.ArrowInvalid):
        natively(rows.reader)


def test_other_errors_pass_and_end_the_stream():
    for schema in (None, INT32):
        source = Source(ids(1), ids(2), ids(3))
        rows = Rows(source.generator, schema)
        rows.reader.read_next_batch()
        with pytest.raises(MineError), reraise(rows):
            raise MineError("of the engine")
        assert rows.error is None
        assert source.closed
        assert rows.reader.read_all().num_rows == 0


def test_a_stream_that_is_never_read_is_closed():
    source = Source(ids(1), ids(2))
    rows = Rows(source.generator)
    assert not source.closed
    rows.close()
    rows.close()
    assert source.closed


def test_a_generator_is_closed_when_its_first_item_is_wrong():
    source = Source("x", ids(2))
    with pytest.raises(TypeError, match="item 0"):
        to_reader(source.generator)
    assert source.closed


def test_an_error_before_the_first_item():
    with pytest.raises(MineError):
        to_reader(Source(error=MineError()).generator)


def test_reraise_without_errors():
    rows = Rows(TABLE)
    with reraise(rows):
        assert natively(rows.reader).equals(TABLE)
    assert rows.error is None
