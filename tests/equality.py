"""Exact comparison of Arrow data: bits of floats, nulls, types, names, nullability and metadata.

Arrow's own `equals` says that NaN differs from NaN and that +0 equals -0; a reader must give back
the bits that were written, so floats are compared as integers. How a table is chunked does not
matter, nor which dictionary its keys point into.
"""

import pyarrow as pa

_BITS = {pa.float16(): pa.uint16(), pa.float32(): pa.uint32(), pa.float64(): pa.uint64()}


def assert_same_table(actual: pa.Table, expected: pa.Table, what: str = "table") -> None:
    assert_same_schema(actual.schema, expected.schema, what)
    assert actual.num_rows == expected.num_rows, (
        f"{what}: {actual.num_rows} rows, not {expected.num_rows}"
    )
    for name, got, wanted in zip(
        expected.column_names, actual.columns, expected.columns, strict=True
    ):
        _assert_same_values(_one_array(got), _one_array(wanted), f"{what}, column {name}")


def assert_same_schema(actual: pa.Schema, expected: pa.Schema, what: str = "schema") -> None:
    got, wanted = [_describe(f) for f in actual], [_describe(f) for f in expected]
    names = [field["name"] for field in wanted]
    assert [field["name"] for field in got] == names, f"{what}: other columns"
    for one, other in zip(got, wanted, strict=True):
        assert one == other, f"{what}: field {other['name']} differs"
    assert (actual.metadata or {}) == (expected.metadata or {}), f"{what}: other schema metadata"


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    chunks = [_plain(chunk) for chunk in column.chunks]
    return pa.concat_arrays(chunks) if chunks else _plain(pa.array([], column.type))


def _plain(array: pa.Array) -> pa.Array:
    """`array` without extension types, dictionaries and floats."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    bits = _with_bits(array.type)
    return array if bits == array.type else array.view(bits)


def _with_bits(kind: pa.DataType) -> pa.DataType:
    """`kind` with every float in it replaced by the integer of its width."""

    def field(f: pa.Field) -> pa.Field:
        return pa.field(f.name, _with_bits(f.type), f.nullable)

    if kind in _BITS:
        return _BITS[kind]
    if pa.types.is_struct(kind):
        return pa.struct([field(kind.field(i)) for i in range(kind.num_fields)])
    if pa.types.is_map(kind):
        return pa.map_(field(kind.key_field), field(kind.item_field), kind.keys_sorted)
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(field(kind.value_field), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(field(kind.value_field))
    if pa.types.is_list(kind):
        return pa.list_(field(kind.value_field))
    return kind


def _describe(field: pa.Field) -> dict[str, object]:
    """Everything about a field that must survive, children included, as plain data."""
    metadata = dict(field.metadata or {})
    if b"ARROW:extension:name" not in metadata:
        metadata.pop(b"ARROW:extension:metadata", None)  # means nothing without a name
    kind = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
    children = [kind.field(i) for i in range(kind.num_fields)]
    return {
        "name": field.name,
        "type": str(field.type) if not children else f"{kind.id}: {field.type}",
        "nullable": field.nullable,
        "metadata": metadata,
        "children": [_describe(child) for child in children],
    }


def _assert_same_values(actual: pa.Array, expected: pa.Array, what: str) -> None:
    if actual.equals(expected):
        return
    low, high = (
        0,
        len(expected),
    )  # rows before `low` are equal, the first other one is before `high`
    while high - low > 1:
        middle = (low + high) // 2
        if actual.slice(low, middle - low).equals(expected.slice(low, middle - low)):
            low = middle
        else:
            high = middle
    got, wanted = actual[low].as_py(), expected[low].as_py()
    raise AssertionError(
        f"{what}: first difference in row {low}:\n  got    {got!r}\n  wanted {wanted!r}"
    )
