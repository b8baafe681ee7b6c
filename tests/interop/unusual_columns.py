"""Columns of shapes that random tables rarely have. Runs in the reference library's Python."""

import decimal
import json
import random

import pyarrow as pa

ROWS = 1500


def json_document(rng, maybe):
    """Makes documents with numbers of every width, escapes and nesting."""

    def value(depth):
        choice = rng.randrange(10 if depth < 3 else 8)
        if choice < 2:
            return rng.choice([-1, 1]) * rng.getrandbits(rng.choice([4, 8, 16, 32, 62]))
        if choice < 5:
            return rng.choice([0.0, -0.0, 1.0, 1e15, 1e16, 1e-5, 1e-6, 5e-324]) or rng.gauss(
                0, 10.0 ** rng.randrange(-20, 20)
            )
        if choice < 6:
            return maybe(rng.random() < 0.5)
        if choice < 8:
            return "".join(chr(rng.choice([9, 10, 31, 34, 92, 97, 127, 233, 128512])) for _ in "ab")
        if choice < 9:
            return [value(depth + 1) for _ in range(rng.randrange(4))]
        return {"k" * i: value(depth + 1) for i in range(rng.randrange(4))}

    return lambda _: json.dumps(value(0))


def columns(storage):
    """name -> (array, field metadata); what a storage version cannot hold the writer refuses."""
    rng = random.Random(5)

    def some(make, nulls=0.2):
        return [None if rng.random() < nulls else make(i) for i in range(ROWS)]

    def lists(make, nulls=0.2):
        return some(lambda i: [make(i) for _ in range(rng.randrange(4))], nulls)

    def maybe(value):
        return None if rng.random() < 0.3 else value

    def number(_):
        return rng.randrange(1000)

    def short(i):
        return "x" * rng.randrange(20) + str(i % 17)

    def long(i):
        return f"y{i}" * rng.randrange(60, 200)

    full_zip = {b"lance-encoding:structural-encoding": b"fullzip"}
    packed = {b"lance-encoding:packed": b"true"}
    struct, field, lst = pa.struct, pa.field, pa.list_
    yield "empty_struct", pa.array([{}] * ROWS, struct([])), None
    inner = struct([("a", pa.string()), ("b", lst(pa.int64()))])
    rows = lists(lambda i: maybe({"a": short(i), "b": maybe([i] * rng.randrange(3))}))
    yield "list_of_struct", pa.array(rows, lst(inner)), None
    rows = lists(lambda i: maybe([maybe([i] * rng.randrange(3)) for _ in range(2)]))
    yield "lists_in_lists", pa.array(rows, lst(lst(lst(pa.int32())))), None
    yield "list_of_long", pa.array(lists(long), lst(pa.string())), None
    rows = lists(lambda i: maybe(long(i).encode()))
    yield "large_list", pa.array(rows, pa.large_list(pa.large_binary())), None
    rows = lists(lambda i: maybe([1.5] * 3))
    yield "list_of_vectors", pa.array(rows, lst(lst(pa.float32(), 3))), None
    rows = lists(lambda i: maybe([float(i)] * 200))
    yield "list_of_long_vectors", pa.array(rows, lst(lst(pa.float32(), 200))), None
    rows = some(lambda i: [maybe(True) for _ in range(5)])
    yield "bools_with_nulls", pa.array(rows, lst(pa.bool_(), 5)), None
    rows = some(lambda i: [maybe(float(i)) for _ in range(300)])
    yield "long_vector_with_nulls", pa.array(rows, lst(pa.float32(), 300)), None
    yield "vector_of_nulls", pa.array([[None, None]] * ROWS, lst(pa.float32(), 2)), None
    rows = some(lambda i: [None] * 300)
    yield "some_vectors_of_nulls", pa.array(rows, lst(pa.float32(), 300)), None
    rows = [[None, None, None]] * ROWS
    yield "vectors_of_null_vectors", pa.array(rows, lst(lst(pa.int8(), 2), 3)), None
    rows = lists(lambda i: [None, None])
    yield "list_of_vectors_of_nulls", pa.array(rows, lst(lst(pa.int32(), 2))), None
    rows = some(lambda i: [maybe([maybe(1.0), 2.0]) for _ in range(3)])
    yield "vectors_in_vectors", pa.array(rows, lst(lst(pa.float64(), 2), 3)), None
    yield "bool_full_zip", pa.array(some(lambda i: i % 3 == 0)), full_zip
    yield "int_full_zip", pa.array(some(number)), full_zip
    zstd = full_zip | {b"lance-encoding:compression": b"zstd"}
    yield "string_full_zip", pa.array(some(short)), zstd
    rows = [None if i % 7 == 0 else rng.randbytes(100) * 500 for i in range(40)]
    yield "huge", pa.array(rows + [b""] * (ROWS - 40)), None
    rows = some(lambda i: decimal.Decimal(i) * 10**40)
    yield "decimal256", pa.array(rows, pa.decimal256(60, 2)), None
    yield "duration", pa.array(some(number), pa.duration("us")), None
    zone = pa.timestamp("ns", "America/Argentina/Buenos_Aires")
    yield "zoned", pa.array(some(number), zone), None
    yield "fixed_binary", pa.array(some(lambda i: rng.randbytes(300)), pa.binary(300)), None
    deep = struct([("b", struct([("c", pa.int16()), ("d", pa.string())]))])
    rows = some(lambda i: {"a": maybe({"b": maybe({"c": maybe(i), "d": short(i)})})})
    yield "deep_struct", pa.array(rows, struct([("a", deep)])), None
    kind = struct([("a", pa.int32()), ("b", lst(pa.int8()))])
    yield "all_null_struct", pa.array([None] * ROWS, kind), None
    kind = struct([("a", pa.int32()), ("b", pa.int32())])
    yield "all_null_child", pa.array([{"a": None, "b": 1}] * ROWS, kind), None
    kind = struct([("a", pa.int32()), ("b", pa.string())])
    rows = [None if i % 5 == 0 else {"a": 7, "b": "same"} for i in range(ROWS)]
    yield "constant_struct", pa.array(rows, kind), None
    rows = [None if i % 5 == 0 else [7] * (i % 3) for i in range(ROWS)]
    yield "constant_list", pa.array(rows, lst(pa.int32())), None
    rows = [None if i % 5 == 0 else [None] * (i % 3) for i in range(ROWS)]
    yield "list_of_null", pa.array(rows, lst(pa.null())), None
    yield "dictionary_of_int", pa.array(some(lambda i: i % 9)).dictionary_encode(), None
    rows = some(lambda i: [(short(j), {"v": j}) for j in range(rng.randrange(3))])
    yield "map", pa.array(rows, pa.map_(pa.string(), struct([("v", pa.int64())]))), None
    rows = lists(lambda i: [("k", 1)])
    yield "list_of_map", pa.array(rows, lst(pa.map_(pa.string(), pa.int32()))), None
    kind = struct([("a", pa.int64()), ("b", lst(pa.float32(), 2))])
    yield "packed_vector", pa.array([{"a": i, "b": [1, 2]} for i in range(ROWS)], kind), packed
    kind = struct([("a", pa.int64()), ("b", pa.string())])
    yield "packed_string", pa.array(some(lambda i: {"a": i, "b": short(i)}), kind), packed
    rows = some(json_document(rng, maybe))
    json_column = pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(rows, pa.string()))
    yield "json", json_column, None
    offsets = pa.array(range(ROWS + 1), pa.int32())
    yield "json_in_list", pa.ListArray.from_arrays(offsets, json_column), None
    blob = field("b", pa.large_binary(), metadata={b"lance-encoding:blob": b"true"})
    with_blob = struct([field("x", pa.int64()), blob])

    def holder(i):
        return {"x": i, "b": maybe(rng.randbytes(i % 3 * 10))}

    nulls = 0.0 if storage == "2.0" else 0.2
    yield "blob_in_struct", pa.array(some(holder, nulls), with_blob), None
    deeper = struct([field("y", pa.int8()), field("s", with_blob)])
    rows = some(lambda i: {"y": 1, "s": holder(i)}, nulls)
    yield "blob_in_structs", pa.array(rows, deeper), None
    if storage == "2.0":
        rows = [{"v": [None, None], "w": [[None, None]] * 3}] * ROWS
        kind = struct([("v", lst(pa.float32(), 2)), ("w", lst(lst(pa.int8(), 2), 3))])
        yield "vectors_of_nulls_in_struct", pa.array(rows, kind), None
        keys = pa.array(some(lambda i: i % 4), pa.int8())
        items = pa.array(["a", None, "", "b"])
        yield "null_items", pa.DictionaryArray.from_arrays(keys, items), None
        for scheme in ["zstd", "lz4", "fsst"]:
            metadata = {b"lance-encoding:compression": scheme.encode()}
            yield f"{scheme}_strings", pa.array(some(long)), metadata
    if storage != "2.1":  # which the library cannot read back itself
        rows = lists(lambda i: maybe(rng.randbytes(i % 3 * 10)))
        kind = lst(field("item", pa.large_binary(), metadata=blob.metadata))
        yield "blob_in_list", pa.array(rows, kind), None
        yield "blob_in_structs_in_list", pa.array(lists(holder), lst(with_blob)), None
