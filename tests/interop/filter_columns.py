"""The columns that filters are compared on. Runs in the reference library's Python."""

import datetime
import decimal

import pyarrow as pa

ROWS = 60
EPOCH = datetime.datetime(2024, 1, 31, 22, 30)


def table():
    """Every type that filters know: nulls, extremes, NaN and texts that patterns care about."""

    def cycle(values, kind=None):
        return pa.array([values[i % len(values)] for i in range(ROWS)], kind)

    instants = [EPOCH + datetime.timedelta(hours=i, microseconds=i % 3) for i in range(9)]
    texts = ["cat", "Dog", "50% off", None, "", "a\\b1", "naïve", "a_b", "it's", "two\nlines", "7"]
    prices = [decimal.Decimal(p) for p in ("1.50", "-2.25", "0.00", "99999999.99", "1.51")]
    struct = [{"x": 1, "in": {"k": 5}}, {"x": None, "in": {"k": 2}}, None, {"x": 3, "in": None}]
    columns = {
        "id": pa.array(range(ROWS), pa.int64()),
        "i8": cycle([1, -128, 127, None, 0, 5, -7], pa.int8()),
        "i16": cycle([300, None, -300, 7, 0], pa.int16()),
        "i32": cycle([10, -3, 7, None, 1000, 2**31 - 1], pa.int32()),
        "i64": cycle([1, 2, None, -7, 2**53 + 1, 9], pa.int64()),
        "u8": cycle([0, 255, 3, None, 7], pa.uint8()),
        "u32": cycle([0, 2**32 - 1, None, 7], pa.uint32()),
        "u64": cycle([5, 2**63, 3, None, 7, 2**64 - 1], pa.uint64()),
        "f32": cycle([0.1, float("nan"), -0.0, None, float("inf"), 2.5], pa.float32()),
        "f64": cycle([0.1, float("nan"), 0.0, None, float("-inf"), 2.5, -1.5], pa.float64()),
        "s": cycle(texts, pa.string()),
        "ls": cycle(texts[::-1], pa.large_string()),
        "bin": cycle([b"a", b"\x00~", None, b"", b"abc"], pa.binary()),
        "flag": cycle([True, False, None, True], pa.bool_()),
        "day": cycle([i.date() for i in instants] + [None], pa.date32()),
        "ts": cycle([*instants, None], pa.timestamp("us")),
        "tz": cycle([None, *instants], pa.timestamp("us", "UTC")),
        "price": cycle([*prices, None], pa.decimal128(10, 2)),
        "l": cycle([[1, 2], [], None, [3, None], [5]], pa.list_(pa.int64())),
        "tags": cycle([["a", "b"], [], None, ["cat"]], pa.list_(pa.string())),
        "vector": cycle([[1.0, 2.0], None, [0.5, 4.0]], pa.list_(pa.float32(), 2)),
        "st": cycle(struct, pa.struct([("x", pa.int64()), ("in", pa.struct([("k", pa.int32())]))])),
        "kind": cycle(["x", "y", None, "z"]).dictionary_encode(),
        "Mixed": pa.array([i % 7 for i in range(ROWS)], pa.int64()),
    }
    return pa.table(columns)
