"""pilum.torch.tensors: which columns become which tensors; pilum.torch.column_batch: what they
come in."""

import math
import pickle
import warnings

import pyarrow as pa
import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import default_collate  # noqa: E402
from torch.utils.data._utils.collate import default_convert  # noqa: E402
from torch.utils.data._utils.pin_memory import pin_memory  # noqa: E402

from pilum.torch.column_batch import ColumnBatch  # noqa: E402
from pilum.torch.tensors import to_tensors  # noqa: E402

INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
INTEGERS += [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
NUMBERS = [*INTEGERS, *FLOATS]


@pytest.fixture(autouse=True)
def no_warnings():
    """PyTorch warns of memory that is not to be written to."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings(
            "ignore", message=".*unversioned DLPack", category=DeprecationWarning
        )
        yield


def numbers(values, kind: pa.DataType) -> pa.Array:
    return pa.array(values, pa.int64()).cast(kind)


def converted(array: pa.Array, field: pa.Field | None = None) -> torch.Tensor:
    schema = None if field is None else pa.schema([field])
    batch = pa.record_batch([array], ["x"] if schema is None else None, schema=schema)
    tensor = to_tensors(batch)
    assert isinstance(tensor, torch.Tensor)
    return tensor


def dtype_of(kind: pa.DataType) -> torch.dtype:
    names = {"halffloat": "float16", "float": "float32", "double": "float64", "uint64": "int64"}
    return getattr(torch, names.get(str(kind), str(kind)))


@pytest.mark.parametrize("kind", NUMBERS, ids=str)
def test_numbers(kind):
    array = numbers([1, 2, 3, 4], kind)
    for part in (array, array.slice(1, 2), array.slice(4)):
        tensor = converted(part)
        assert tensor.dtype == dtype_of(kind)
        assert tensor.shape == (len(part),)
        assert tensor.tolist() == part.to_pylist()
    assert converted(array).data_ptr() == array.buffers()[1].address  # no copy


@pytest.mark.parametrize("kind", NUMBERS, ids=str)
def test_fixed_size_lists(kind):
    array = pa.FixedSizeListArray.from_arrays(numbers([1, 2, 3, 4, 5, 6], kind), 2)
    for part in (array, array.slice(1, 1), array.slice(3)):
        tensor = converted(part)
        assert tensor.dtype == dtype_of(kind)
        assert tensor.shape == (len(part), 2)
        assert tensor.tolist() == part.to_pylist()
    assert converted(array).data_ptr() == array.values.buffers()[1].address


def test_fixed_shape_tensors():
    kind = pa.fixed_shape_tensor(pa.float32(), [2, 2])
    storage = pa.array([[1, 2, 3, 4], [5, 6, 7, 8]], pa.list_(pa.float32(), 4))
    tensor = converted(pa.ExtensionArray.from_storage(kind, storage))
    assert (tensor.dtype, tensor.tolist()) == (torch.float32, storage.to_pylist())


def test_booleans():
    array = pa.array([True, False, True, True])
    for part in (array, array.slice(1, 2)):
        tensor = converted(part)
        assert (tensor.dtype, tensor.tolist()) == (torch.bool, part.to_pylist())
    lists = pa.FixedSizeListArray.from_arrays(array, 2)
    assert converted(lists).tolist() == [[True, False], [True, True]]


def test_large_uint64_keep_their_bits():
    tensor = converted(pa.array([2**64 - 1, 2**63, 5], pa.uint64()))
    assert tensor.tolist() == [-1, -(2**63), 5]


def assert_same(tensor: torch.Tensor, values: list) -> None:
    assert torch.equal(
        tensor.double().nan_to_num(nan=-9.0),
        torch.tensor(values, dtype=torch.float64).nan_to_num(nan=-9.0),
    )


@pytest.mark.parametrize("kind", [*NUMBERS, pa.bool_()], ids=str)
def test_nulls_are_nan(kind):
    array = numbers([1, None, 0, None], kind)
    dtype = dtype_of(kind) if kind in FLOATS else torch.float64
    tensor = converted(array)
    assert tensor.dtype == dtype
    assert_same(tensor, [1, math.nan, 0, math.nan])
    assert_same(converted(array.slice(1, 2)), [math.nan, 0])
    assert converted(array.slice(2, 1)).dtype == dtype_of(kind)  # no null there
    inside = pa.FixedSizeListArray.from_arrays(array, 2)
    assert converted(inside).dtype == dtype
    assert_same(converted(inside), [[1, math.nan], [0, math.nan]])
    values = numbers([1, 0, 1, 1, 0, 1], kind)
    lists = pa.FixedSizeListArray.from_arrays(values, 2, mask=pa.array([False, True, False]))
    assert converted(lists).dtype == dtype
    assert_same(converted(lists), [[1, 0], [math.nan] * 2, [0, 1]])
    assert_same(converted(lists.slice(1)), [[math.nan] * 2, [0, 1]])


BFLOAT16 = {b"ARROW:extension:name": b"lance.bfloat16", b"ARROW:extension:metadata": b""}


def bfloat16(values: list[float | None]) -> pa.Array:
    bits = [
        None
        if value is None
        else torch.tensor(value, dtype=torch.bfloat16).view(torch.int16).item()
        for value in values
    ]
    return pa.array(
        [None if b is None else b.to_bytes(2, "little", signed=True) for b in bits], pa.binary(2)
    )


def test_bfloat16():
    field = pa.field("x", pa.binary(2), metadata=BFLOAT16)
    tensor = converted(bfloat16([1.5, -2.5, 3.0]).slice(1), field)
    assert (tensor.dtype, tensor.tolist()) == (torch.bfloat16, [-2.5, 3.0])
    tensor = converted(bfloat16([1.5, None]), field)
    assert tensor.dtype == torch.bfloat16
    assert_same(tensor, [1.5, math.nan])
    item = field.with_name("item")
    lists = pa.FixedSizeListArray.from_arrays(bfloat16([1, 2, 3, 4]), type=pa.list_(item, 2))
    tensor = converted(lists, pa.field("x", lists.type))
    assert (tensor.dtype, tensor.tolist()) == (torch.bfloat16, [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a"]),
        pa.array([b"a"]),
        pa.array([b"ab"], pa.binary(2)),
        pa.array([[1, 2]]),
        pa.array([{"x": 1}]),
        pa.array([1], pa.timestamp("us")),
        pa.array([1], pa.date32()),
        pa.array([None]),
        pa.array(["a"]).dictionary_encode(),
        pa.array([["a"]], pa.list_(pa.string(), 1)),
        pa.array([[[1]]], pa.list_(pa.list_(pa.int8(), 1), 1)),
    ],
    ids=lambda array: str(array.type),
)
def test_other_types_are_an_error_that_names_type_and_column(array):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        to_tensors(pa.record_batch({"good": [1], "caption": array}))
    assert "'caption'" in str(caught.value)
    assert str(array.type) in str(caught.value)


def test_tensors_keep_their_batch_alive_and_can_be_written_to():
    array = numbers(range(1000), pa.float32())
    tensor = converted(array)
    del array
    tensor += 1
    assert tensor.tolist() == list(range(1, 1001))


def test_what_the_reference_library_passes():
    batch = pa.record_batch({"a": [1]})
    assert to_tensors(batch, hf_converter=None, use_blob_api=False).tolist() == [1]
    with pytest.raises(NotImplementedError):
        to_tensors(batch, use_blob_api=True)


# ---------------------------------------------------------------------------------------- batches
@pytest.fixture
def batch() -> ColumnBatch:
    return to_tensors(pa.record_batch({"image": [1, 2, 3], "_rowid": [4, 5, 6], "keys": [7, 8, 9]}))


def test_a_batch_is_a_tuple_of_its_columns(batch):
    image, row_id, keys = batch
    assert (image.tolist(), row_id.tolist(), keys.tolist()) == ([1, 2, 3], [4, 5, 6], [7, 8, 9])
    assert isinstance(batch, tuple)
    assert len(batch) == 3
    assert batch[1] is row_id
    assert batch[-1] is keys
    assert batch[:2] == (image, row_id)


def test_a_batch_is_a_mapping_too(batch):
    assert batch["image"].tolist() == [1, 2, 3]
    assert list(batch.keys()) == ["image", "_rowid", "keys"]
    assert [tensor.tolist() for tensor in batch.values()] == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert dict(batch.items()).keys() == dict(batch).keys() == batch.keys()
    assert (lambda **columns: sorted(columns))(**batch) == ["_rowid", "image", "keys"]
    assert "image" in batch
    assert "label" not in batch
    assert batch.get("_rowid") is batch[1]
    assert batch.get("label", 3) == 3
    with pytest.raises(KeyError, match=r"label.*image, _rowid, keys"):
        batch["label"]
    assert repr(batch).startswith("ColumnBatch(image=tensor([1, 2, 3]), _rowid=")


@pytest.mark.parametrize(
    "function",
    [
        lambda batch: pickle.loads(pickle.dumps(batch)),
        default_convert,
        pin_memory if torch.cuda.is_available() else default_convert,
    ],
    ids=["pickle", "convert", "pin_memory"],
)
def test_a_batch_stays_one(batch, function):
    other = function(batch)
    assert type(other) is type(batch)
    assert other.keys() == batch.keys()
    assert all(torch.equal(one, two) for one, two in zip(batch, other, strict=True))


def test_batches_are_stacked(batch):
    stacked = default_collate([batch, batch])
    assert type(stacked) is type(batch)
    assert stacked["keys"].tolist() == [[7, 8, 9], [7, 8, 9]]
