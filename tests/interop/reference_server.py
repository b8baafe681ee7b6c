"""Makes random tables with the reference library, in a Python that has it.

One JSON line in, one out:

    {"make": folder, "seed": n, "storage": "2.1", "rows": n, "page_bytes": n}
                                a table of random columns
    {"make_branches": folder}   a table with branches
    {"make_blobs": folder}      blobs of every kind, external ones included
    {"make_unusual": folder, "storage": "2.1"}
                                a table for each of the unusual columns
    {"make_filtered": folder, "texts": [SQL, ...]}
                                a table of the columns in filter_columns.py; expected: "answers",
                                with the ids that each text selects, or its failure

    {"draw": folder, "seed": n, "storage": "2.1", "rows": n}
                                no table, but the rows of a random one: expected: "rows"
    {"check": folder, "uri": uri}
                                what somebody else wrote; expected: a table for each version
    {"turn": folder, "uri": uri, "operation": name, ...}
                                one change of a table, with the arguments of the operation, or none
                                ("look"); expected: "rows"; "versions": those that there are

Answers {"uri": ..., "expected": {branch: IPC stream of what the reference library reads}}, with
"refused": {column: why} for the unusual columns that the storage version does not have; or
{"lost": why} when the library fails to write a random table or to read it back; or {"error": ...}.
"""

import datetime
import json
import os
import pathlib
import shutil
import sys
import traceback

os.environ.setdefault("LANCE_LOG", "error")

import filter_columns
import lance
import lance.blob
import numpy as np
import pyarrow as pa
import unusual_columns

WORDS = "row page fragment shuffle epoch batch worker rank vector token label image".split()
INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
INTEGERS += [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
TEXTS = [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()]
TIMES = [
    pa.date32(),
    pa.time64("us"),
    pa.timestamp("ns"),
    pa.timestamp("ms", "UTC"),
    pa.duration("s"),
]
OTHERS = [pa.bool_(), pa.decimal128(20, 4), pa.binary(3)]
HINTS = [
    {},
    {},
    {},
    {"lance-encoding:compression": "zstd"},
    {"lance-encoding:compression": "lz4"},
    {"lance-encoding:compression": "none"},
    {"lance-encoding:structural-encoding": "fullzip"},
    {"lance-encoding:bss": "on", "lance-encoding:compression": "lz4"},
]


# ------------------------------------------------------------------------------------------ random
def random_type(rng, storage, depth=0):
    kind = rng.integers(0, 12 if depth < 3 else 8)
    if kind < 8:
        groups = [INTEGERS, INTEGERS, FLOATS, TEXTS, TEXTS, TEXTS, TIMES, OTHERS]
        group = groups[kind]
        return group[rng.integers(len(group))]
    if kind == 8:
        names = "abcd"[: rng.integers(1, 5)]
        return pa.struct([(name, random_type(rng, storage, depth + 1)) for name in names])
    if kind == 9:
        item = (INTEGERS + FLOATS)[rng.integers(len(INTEGERS) + len(FLOATS))]
        return pa.list_(item, int(rng.integers(1, 40)))
    if kind == 10 and depth == 0:
        return pa.dictionary(pa.int16(), pa.string())
    return pa.list_(random_type(rng, storage, depth + 1))


def random_nulls(rng, n, allowed):
    style = rng.integers(0, 5) if allowed else 0
    if style <= 1:
        return np.zeros(n, bool)
    if style == 2:
        return rng.random(n) < rng.random()
    if style == 3:
        return (np.arange(n) // 50) % 2 == 0
    return np.ones(n, bool)


def random_integers(rng, n, kind):
    dtype = np.dtype(kind.to_pandas_dtype())
    limits = np.iinfo(dtype)
    style = rng.integers(0, 5)
    if style == 0:
        values = np.full(n, rng.integers(limits.min, limits.max, dtype=dtype))
    elif style == 1:
        values = np.arange(n) % min(int(limits.max), 1 << 40)
    elif style == 2:
        values = rng.integers(0, 5, n)
    elif style == 3:
        values = np.repeat(rng.integers(0, 100, n // 30 + 1), 30)[:n]
    else:
        values = rng.integers(limits.min, limits.max, n, dtype=dtype, endpoint=True)
    return values.astype(dtype)


def random_texts(rng, n, kind):
    style = rng.integers(0, 5)
    if style == 0:
        values = [WORDS[i] for i in rng.integers(0, len(WORDS), n)]
    elif style == 1:
        values = ["" if x < 0.5 else "x" for x in rng.random(n)]
    elif style == 2:
        values = ["same"] * n
    else:
        most = 8 if style == 3 else 120
        values = [" ".join(rng.choice(WORDS, int(k))) for k in rng.integers(0, most, n)]
    return [v.encode() for v in values] if "binary" in str(kind) else values


def random_array(rng, n, kind, storage, depth=0):
    old = storage == "2.0"
    no_null = old and (pa.types.is_struct(kind) or pa.types.is_dictionary(kind))
    nulls = random_nulls(rng, n, not no_null)
    if pa.types.is_struct(kind):
        children = [
            random_array(rng, n, kind.field(i).type, storage, depth + 1)
            for i in range(kind.num_fields)
        ]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=pa.array(nulls))
    if pa.types.is_list(kind):
        lengths = rng.integers(0, rng.integers(1, 8), n)
        lengths[nulls] = 0
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        values = random_array(rng, int(offsets[-1]), kind.value_type, storage, depth + 1)
        return pa.ListArray.from_arrays(offsets, values, type=kind, mask=pa.array(nulls))
    if pa.types.is_fixed_size_list(kind):
        values = random_plain(
            rng, n * kind.list_size, kind.value_type, np.zeros(n * kind.list_size, bool)
        )
        return pa.FixedSizeListArray.from_arrays(values, type=kind, mask=pa.array(nulls))
    if pa.types.is_dictionary(kind):
        keys = pa.array(rng.integers(0, len(WORDS), n), kind.index_type, mask=nulls)
        return pa.DictionaryArray.from_arrays(keys, pa.array(WORDS, kind.value_type))
    return random_plain(rng, n, kind, nulls)


def random_plain(rng, n, kind, nulls):
    if pa.types.is_boolean(kind):
        return pa.array(rng.random(n) < rng.random(), mask=nulls)
    if pa.types.is_integer(kind):
        return pa.array(random_integers(rng, n, kind), kind, mask=nulls)
    if pa.types.is_floating(kind):
        bits = np.dtype(f"u{kind.bit_width // 8}")
        smooth = np.cumsum(rng.normal(size=n)).astype(kind.to_pandas_dtype())
        anything = rng.integers(0, np.iinfo(bits).max, n, dtype=bits).view(kind.to_pandas_dtype())
        return pa.array(smooth if rng.random() < 0.5 else anything, kind, mask=nulls)
    if pa.types.is_decimal(kind):
        values = pa.array(rng.integers(-(10**9), 10**9, n), pa.int64(), mask=nulls)
        return values.cast(pa.decimal128(19, 0)).cast(kind)
    if pa.types.is_temporal(kind):
        width = np.int32 if kind.bit_width == 32 else np.int64
        return pa.array(rng.integers(0, 80_000, n).astype(width), mask=nulls).cast(kind)
    if pa.types.is_fixed_size_binary(kind):
        values = [rng.bytes(kind.byte_width) for _ in range(n)]
    else:
        values = random_texts(rng, n, kind)
    return pa.array([None if null else v for v, null in zip(values, nulls, strict=True)], kind)


def random_table(seed, storage, rows):
    rng = np.random.default_rng(seed)
    fields, columns = [pa.field("id", pa.int64())], [pa.array(np.arange(rows), pa.int64())]
    for i in range(rng.integers(1, 7)):
        column = random_array(rng, rows, random_type(rng, storage), storage)
        hints = HINTS[rng.integers(len(HINTS))] if pa.types.is_primitive(column.type) else {}
        columns.append(column)
        fields.append(pa.field(f"c{i}", column.type, metadata=hints or None))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


# ---------------------------------------------------------------------------------------- requests
def expected(dataset, path):
    scanner = dataset.scanner(
        with_row_id=True, with_row_address=True, scan_in_order=True, blob_handling="all_binary"
    )
    return written(scanner.to_table(), path)


def written(table, path):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return str(path)


def make(folder, seed, storage, rows, page_bytes):
    """`page_bytes`: columns are flushed to a page whenever they hold so much; 0 = the default."""
    uri = str(folder / "dataset.lance")
    batches = small_batches(random_table(seed, storage, rows))
    rng = np.random.default_rng(seed)
    options = {
        "data_storage_version": storage,
        "data_cache_bytes": page_bytes or None,
        "max_rows_per_file": int(rng.integers(40, 2000)),
        "enable_stable_row_ids": bool(rng.random() < 0.3),
    }
    try:
        dataset = lance.write_dataset(batches, uri, **options)
        if rng.random() < 0.5:
            dataset.delete(f"id % {rng.integers(2, 20)} = 1")
        return one_table(uri, folder)
    except BaseException as error:  # the library has bugs of its own, and a panic is no Exception
        return {"lost": repr(error)}


def small_batches(table):
    """`table` in batches of 50 rows that are no slices, of which some lists make the writer panic,
    and whose buffers are aligned, without which decimals do."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=50)
    aligned = pa.ipc.IpcReadOptions(ensure_alignment=pa.ipc.Alignment.At64Byte)
    return pa.ipc.open_stream(sink.getvalue(), options=aligned)


def one_table(uri, folder):
    file = expected(lance.dataset(uri), folder / "expected.arrow")
    return {"uri": uri, "expected": {"main": file}}


def make_branches(folder):
    uri = str(folder / "dataset.lance")
    dataset = lance.write_dataset(random_table(1, "2.2", 60).select(["id"]), uri)
    for name in ("dev", "team/one"):
        branch = dataset.create_branch(name)
        branch.insert(pa.table({"id": pa.array(range(100, 107), pa.int64())}))
        branch.delete("id < 3")
    files = {"main": expected(lance.dataset(uri), folder / "main.arrow")}
    for number, name in enumerate(("dev", "team/one")):
        on_branch = dataset.checkout_version((name, None))
        files[name] = expected(on_branch, folder / f"branch{number}.arrow")
    return {"uri": uri, "expected": files}


def make_unusual(folder, storage):
    tables, refused = {}, {}
    for name, array, metadata in unusual_columns.columns(storage):
        uri = str(folder / f"{name}.lance")
        ids = pa.array(range(len(array)), pa.int64())
        schema = pa.schema([("id", pa.int64()), pa.field(name, array.type, metadata=metadata)])
        table = pa.table([ids, array], schema)
        try:
            dataset = lance.write_dataset(
                table, uri, data_storage_version=storage, max_rows_per_file=600
            )
        except OSError as error:
            refused[name] = str(error)
            continue
        dataset.delete("id % 97 = 3")
        tables[uri] = expected(lance.dataset(uri), folder / f"{name}.arrow")
    return {"uri": str(folder), "expected": tables, "refused": refused}


def make_subsets(folder, storage):
    """Structs of which appended fragments have only some fields."""
    inner = pa.struct([("x", pa.int64()), ("y", pa.string()), ("z", pa.list_(pa.int32()))])
    value = {"x": 1, "y": "a", "z": [1, None]}

    def table(rows, keep):
        kind = pa.struct([inner.field(name) for name in keep])
        cut = [row and {name: row[name] for name in keep} for row in rows]
        lists = [None if i == 1 else [row] * (i % 3) for i, row in enumerate(cut)]
        deep = pa.struct([("s", kind)])
        return pa.table(
            {
                "m": pa.array(cut, kind),
                "l": pa.array(lists, pa.list_(kind)),
                "d": pa.array([None if i == 2 else {"s": row} for i, row in enumerate(cut)], deep),
            }
        )

    rows = [value] * 5 if storage == "2.0" else [value, None, value, {**value, "x": None}, value]
    if storage == "2.0":

        def table(rows, keep):  # it stores no null structs, and lists only of whole ones
            kind = pa.struct([inner.field(name) for name in keep])
            cut = [{name: row[name] for name in keep} for row in rows]
            return pa.table({"m": pa.array(cut, kind)})

    uri = str(folder / "dataset.lance")
    lance.write_dataset(table(rows, ["x", "y", "z"]), uri, data_storage_version=storage)
    for keep in (["y"], ["x"], ["z"], ["z", "x"], ["x", "y", "z"]):
        lance.write_dataset(table(rows, keep), uri, mode="append")
    return one_table(uri, folder)


def make_blobs(folder):
    """Inline, packed in a sidecar, in a file of its own, outside the table, empty and null."""
    uri = str(folder / "dataset.lance")
    outside = folder / "outside.bin"
    outside.write_bytes(bytes(range(256)) * 40)
    rng = np.random.default_rng(3)
    values = [
        None if s is None else rng.bytes(s) for s in (0, 10, 70_000, None, 5_000_000, 200_000)
    ]
    blob = lance.blob.blob_array([*values, lance.blob.Blob.from_uri(outside.as_uri())])
    table = pa.Table.from_arrays(
        [pa.array(range(len(blob)), pa.int64()), blob],
        schema=pa.schema([pa.field("id", pa.int64()), lance.blob.blob_field("blob")]),
    )
    lance.write_dataset(
        table, uri, data_storage_version="2.2", allow_external_blob_outside_bases=True
    )
    return one_table(uri, folder)


def make_filtered(folder, texts):
    """A table for filters, and what each of the texts selects from it: ids, or why it fails."""
    uri = str(folder / "dataset.lance")
    dataset = lance.write_dataset(filter_columns.table(), uri, max_rows_per_file=25)
    answers = []
    for text in texts:
        try:
            ids = dataset.to_table(columns=["id"], filter=text)["id"].to_pylist()
            answers.append({"ids": ids})
        except BaseException as error:  # a panic is no Exception
            answers.append({"failure": str(error)})
    kinds = pa.schema([("ids", pa.list_(pa.int64())), ("failure", pa.string())])
    table = pa.Table.from_pylist(answers, schema=kinds)
    return {"uri": uri, "expected": {"answers": written(table, folder / "answers.arrow")}}


def draw(folder, seed, storage, rows):
    table = random_table(seed, storage, rows)
    return {"uri": "", "expected": {"rows": written(table, folder / "rows.arrow")}}


def check(folder, uri):
    dataset = lance.dataset(uri)
    dataset.validate()
    files = {}
    for version in [version["version"] for version in dataset.versions()]:
        old = lance.dataset(uri, version=version)
        files[str(version)] = expected(old, folder / f"{version}.arrow")
        rows = list(range(0, old.count_rows(), 97))[::-1]
        if rows:
            taken = old.take(rows, columns=[field.name for field in old.schema])
            files[f"{version} taken"] = written(taken, folder / f"{version}-taken.arrow")
    return {"uri": uri, "expected": files}


def read_rows(path):
    with pa.OSFile(path, "rb") as source:
        return pa.ipc.open_stream(source).read_all()


def cleanup(uri):
    """Removes all versions but the newest and those that tags name."""
    lance.dataset(uri).cleanup_old_versions(
        older_than=datetime.timedelta(0), error_if_tagged_old_versions=False
    )


TURNS = {
    "look": lambda uri: None,
    "write": lambda uri, rows, **options: lance.write_dataset(read_rows(rows), uri, **options),
    "delete": lambda uri, where: lance.dataset(uri).delete(where),
    "update": lambda uri, where, updates: lance.dataset(uri).update(updates, where),
    "compact": lambda uri, rows: lance.dataset(uri).optimize.compact_files(
        target_rows_per_fragment=rows
    ),
    "restore": lambda uri, version: lance.dataset(uri).checkout_version(version).restore(),
    "tag": lambda uri, name, version: lance.dataset(uri).tags.create(name, version),
    "untag": lambda uri, name: lance.dataset(uri).tags.delete(name),
    "cleanup": cleanup,
}


def turn(folder, uri, operation, version=None, **arguments):
    """`version`: the one to read; None: the newest."""
    if operation in ("tag", "restore"):
        arguments["version"], version = version, None
    TURNS[operation](uri, **arguments)
    dataset = lance.dataset(uri, version=version)
    dataset.validate()
    numbers = [version["version"] for version in dataset.versions()]
    file = expected(dataset, folder / "rows.arrow")
    return {"uri": uri, "expected": {"rows": file}, "versions": numbers}


def answer(request):
    for name, action in (
        ("draw", draw),
        ("check", check),
        ("turn", turn),
        ("make", make),
        ("make_branches", make_branches),
        ("make_blobs", make_blobs),
        ("make_unusual", make_unusual),
        ("make_subsets", make_subsets),
        ("make_filtered", make_filtered),
    ):
        if name in request:
            folder = pathlib.Path(request.pop(name))
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            return action(folder, **request)
    raise ValueError(f"unknown request {request}")


def main():
    for line in sys.stdin:
        try:
            result = answer(json.loads(line))
        except BaseException:  # a panic is no Exception
            result = {"error": traceback.format_exc()[-2000:]}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
