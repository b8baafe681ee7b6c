#!/usr/bin/env python3
"""Write the checked-in test data with the reference library.

    python3 -m venv build/reference
    build/reference/bin/pip install -r tests/interop/requirements.txt
    build/reference/bin/python tools/make_test_data.py

Two results:

    tests/data/golden/NAME/dataset.lance      small tables, one per aspect of the format
    tests/data/golden/NAME/expected*.arrow    what the reference library reads back from them
    tests/data/golden/manifest.json           the list of them, with versions and tags
    examples/data/digits.lance                scikit-learn's handwritten digits: PNG bytes and label

Values are the same in every run. File names and timestamps are not: the reference library makes
them up, so a new run changes every file. Bytes already released stay: add tables (--only NAME), do
not rewrite old ones.
"""

import argparse
import datetime
import decimal
import io
import json
import pathlib
import shutil

import lance
import lance.blob
import numpy as np
import pyarrow as pa

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORDS = "row page fragment shuffle epoch batch worker rank vector token label image".split()


# ------------------------------------------------------------------------------------------ values
def some_null(rng, values, share=0.15):
    """`values` with about `share` of them replaced by None."""
    return [None if rng.random() < share else v for v in values]


def words(rng, n, low=0, high=5):
    return [" ".join(rng.choice(WORDS, int(rng.integers(low, high)))) for _ in range(n)]


def integers(rng, n, bits, signed):
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    dtype = np.dtype(f"{'i' if signed else 'u'}{bits // 8}")
    values = rng.integers(low, high, n, dtype=dtype, endpoint=True)
    values[:2] = low, high
    return values


def floats(rng, n, dtype):
    values = rng.normal(size=n).astype(dtype)
    values[:6] = [np.nan, np.inf, -np.inf, 0.0, -0.0, np.finfo(dtype).tiny]
    return values


def mixed_table(n, storage, seed):
    """A column of nearly every type. 2.0 cannot store null structs or null dictionary keys."""
    rng = np.random.default_rng(seed)
    old = storage == "2.0"
    share = 0.0 if old else 0.15
    days = rng.integers(-20_000, 20_000, n)
    instants = [datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=int(s)) for s in days]
    lists = [[int(x) for x in rng.integers(0, 50, int(k))] for k in rng.integers(0, 6, n)]
    structs = [
        {"x": float(np.float32(a)), "name": b, "inner": {"flag": bool(a > 0), "k": int(i)}}
        for i, (a, b) in enumerate(zip(rng.normal(size=n), words(rng, n), strict=True))
    ]
    pairs = [[{"a": i, "b": f"p{i}"} for i in range(int(k))] for k in rng.integers(0, 4, n)]
    vectors = rng.normal(size=(n, 8)).astype(np.float32)
    inner = pa.struct([("flag", pa.bool_()), ("k", pa.int16())])
    columns = {
        "id": pa.array(np.arange(n), pa.int64()),
        "i8": pa.array(integers(rng, n, 8, True)),
        "i16": pa.array(some_null(rng, integers(rng, n, 16, True).tolist()), pa.int16()),
        "i32": pa.array(some_null(rng, integers(rng, n, 32, True).tolist()), pa.int32()),
        "i64": pa.array(integers(rng, n, 64, True)),
        "u8": pa.array(some_null(rng, integers(rng, n, 8, False).tolist()), pa.uint8()),
        "u64": pa.array(integers(rng, n, 64, False)),
        "small": pa.array(rng.integers(0, 10, n), pa.int32()),
        "runs": pa.array(np.arange(n) // 40, pa.int64()),
        "constant": pa.array(np.full(n, 7), pa.int32()),
        "all_null": pa.nulls(n, pa.float64()),
        "f16": pa.array(floats(rng, n, np.float16)),
        "f32": pa.array(floats(rng, n, np.float32)),
        "f64": pa.array(some_null(rng, floats(rng, n, np.float64).tolist()), pa.float64()),
        "flag": pa.array(some_null(rng, (rng.random(n) < 0.4).tolist()), pa.bool_()),
        "text": pa.array(some_null(rng, words(rng, n)), pa.string()),
        "large_text": pa.array(words(rng, n, 0, 12), pa.large_string()),
        "category": pa.array(some_null(rng, rng.choice(WORDS, n).tolist()), pa.string()),
        "bytes": pa.array([rng.bytes(int(k)) for k in rng.integers(0, 30, n)], pa.binary()),
        "long_bytes": pa.array(
            some_null(rng, [rng.bytes(int(k)) for k in rng.integers(200, 400, n)]),
            pa.large_binary(),
        ),
        "fixed_bytes": pa.array(some_null(rng, [rng.bytes(5) for _ in range(n)]), pa.binary(5)),
        "day": pa.array(some_null(rng, days.tolist()), pa.int32()).cast(pa.date32()),
        "instant": pa.array(some_null(rng, instants), pa.timestamp("us", "UTC")),
        "price": pa.array(
            some_null(rng, [decimal.Decimal(int(v)).scaleb(-2) for v in days]), pa.decimal128(12, 2)
        ),
        "key": pa.array(some_null(rng, rng.choice(WORDS, n).tolist(), share)).dictionary_encode(),
        "numbers": pa.array(some_null(rng, lists), pa.list_(pa.int32())),
        "tags": pa.array(
            some_null(rng, [some_null(rng, t.split()) for t in words(rng, n)]),
            pa.list_(pa.string()),
        ),
        "record": pa.array(
            some_null(rng, structs, share),
            pa.struct([("x", pa.float32()), ("name", pa.string()), ("inner", inner)]),
        ),
        "pairs": pa.array(
            some_null(rng, pairs), pa.list_(pa.struct([("a", pa.int32()), ("b", pa.string())]))
        ),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), 8),
    }
    return pa.table(columns).replace_schema_metadata({"made-by": "make_test_data"})


def encodings_table(n, seed):
    """Columns whose metadata asks for a certain encoding."""
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(rng.normal(size=n))
    text = words(rng, n, 3, 20)
    columns = [
        ("zstd", pa.array(text), {"compression": "zstd"}),
        ("lz4", pa.array(some_null(rng, text)), {"compression": "lz4"}),
        ("fsst", pa.array(text), {"compression": "fsst"}),
        ("plain", pa.array(text), {"compression": "none"}),
        ("bss", pa.array(smooth.astype(np.float32)), {"bss": "on", "compression": "lz4"}),
        ("rle", pa.array(np.arange(n) // 50, pa.int32()), {"rle-threshold": "1.0"}),
        ("full_zip", pa.array(some_null(rng, text)), {"structural-encoding": "fullzip"}),
        (
            "full_zip_list",
            pa.array(some_null(rng, [t.split() for t in text]), pa.list_(pa.string())),
            {"structural-encoding": "fullzip"},
        ),
        (
            "packed",
            pa.array(
                [{"a": int(i), "b": float(i) / 2} for i in range(n)],
                pa.struct([("a", pa.int32()), ("b", pa.float64())]),
            ),
            {"packed": "true"},
        ),
    ]
    fields = [
        pa.field(name, array.type, metadata={f"lance-encoding:{k}": v for k, v in hints.items()})
        for name, array, hints in columns
    ]
    return pa.Table.from_arrays([array for _, array, _ in columns], schema=pa.schema(fields))


def blob_table(seed):
    """Blobs small enough to check in, in every place a blob may lie except outside the table."""
    rng = np.random.default_rng(seed)
    sizes = [0, 1, 50, None, 300, 900, 5000, 40, None, 2000]
    values = [None if s is None else rng.bytes(s) for s in sizes]
    blob = lance.blob.blob_array(values)
    limits = {
        "lance-encoding:blob-inline-size-threshold": "100",
        "lance-encoding:blob-dedicated-size-threshold": "1000",
    }
    fields = [pa.field("id", pa.int64()), pa.field("blob", blob.type, metadata=limits)]
    return pa.Table.from_arrays([pa.array(range(len(values))), blob], schema=pa.schema(fields))


def plain_table(first, n):
    rng = np.random.default_rng(first)
    return pa.table(
        {
            "id": pa.array(np.arange(first, first + n), pa.int64()),
            "k": pa.array(rng.integers(0, 100, n), pa.int32()),
            "s": pa.array(some_null(rng, words(rng, n)), pa.string()),
        }
    )


# ------------------------------------------------------------------------------------------ tables
def mixed(storage):
    def make(uri):
        lance.write_dataset(mixed_table(400, storage, seed=1), uri, data_storage_version=storage)

    return make


def encodings(storage):
    def make(uri):
        lance.write_dataset(encodings_table(600, seed=2), uri, data_storage_version=storage)

    return make


def history(storage):
    """Several fragments; deletions, an update, a new column, tags; each version stays readable."""

    def make(uri):
        options = {"data_storage_version": storage, "max_rows_per_file": 90}
        dataset = lance.write_dataset(plain_table(0, 250), uri, **options)
        dataset.tags.create("first", dataset.version)
        dataset.delete("id % 7 = 3")
        dataset = lance.write_dataset(plain_table(1000, 60), uri, mode="append")
        dataset.tags.create("before-update", dataset.version)
        dataset.update({"s": "'updated'"}, where="id < 20")
        dataset.add_columns({"k2": "k * 2"})
        dataset.delete("id >= 90 and id < 180")

    return make


def names_v1(uri):
    lance.write_dataset(plain_table(0, 60), uri, enable_v2_manifest_paths=False)
    lance.write_dataset(plain_table(1000, 10), uri, mode="append")
    lance.dataset(uri).delete("id = 3")


def stable_row_ids(uri):
    options = {"enable_stable_row_ids": True, "max_rows_per_file": 80}
    dataset = lance.write_dataset(plain_table(0, 240), uri, **options)
    dataset.delete("id % 9 = 2")
    dataset.update({"s": "'updated'"}, where="id % 11 = 4")
    lance.write_dataset(plain_table(1000, 30), uri, mode="append")
    lance.dataset(uri).optimize.compact_files()
    lance.dataset(uri).delete("id < 6")


def blobs(uri):
    lance.write_dataset(blob_table(seed=4), uri, data_storage_version="2.2")


def dense_deletions(uri):
    """So many deletions that they are stored as a bitmap."""
    lance.write_dataset(plain_table(0, 11_000).select(["id"]), uri)
    lance.dataset(uri).delete("id % 2 = 0 or id > 8000 and id < 8200")


def empty(uri):
    lance.write_dataset(plain_table(0, 10).schema.empty_table(), uri)


def written_as(version):
    def make(uri):
        lance.write_dataset(plain_table(0, 20), uri, data_storage_version=version)

    return make


GOLDEN = {
    "mixed-2.0": mixed("2.0"),
    "mixed-2.1": mixed("2.1"),
    "mixed-2.2": mixed("2.2"),
    "encodings-2.1": encodings("2.1"),
    "encodings-2.2": encodings("2.2"),
    "history-2.0": history("2.0"),
    "history-2.1": history("2.1"),
    "history-2.2": history("2.2"),
    "names-v1": names_v1,
    "stable-row-ids": stable_row_ids,
    "blobs-2.2": blobs,
    "dense-deletions": dense_deletions,
    "empty": empty,
    "legacy-0.1": written_as("legacy"),
    "unstable-2.3": written_as("2.3"),
}


# -------------------------------------------------------------------------------- expected content
def write_expected(dataset, path):
    scanner = dataset.scanner(
        with_row_id=True, with_row_address=True, scan_in_order=True, blob_handling="all_binary"
    )
    table = scanner.to_table().unify_dictionaries().combine_chunks()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, table.schema, options=options) as w,
    ):
        w.write_table(table)
    return table.num_rows


def make_golden(folder, name, make):
    target = folder / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    uri = str(target / "dataset.lance")
    make(uri)
    dataset = lance.dataset(uri)
    dataset.validate()
    entry = {
        "name": name,
        "storage_version": dataset.data_storage_version,
        "version": dataset.version,
        "num_rows": write_expected(dataset, target / "expected.arrow"),
        "fragments": len(dataset.get_fragments()),
        "tags": {tag: about["version"] for tag, about in sorted(dataset.tags.list().items())},
        "versions": {},
    }
    for about in dataset.versions()[:-1]:
        version = about["version"]
        file = f"expected.v{version}.arrow"
        rows = write_expected(dataset.checkout_version(version), target / file)
        entry["versions"][str(version)] = {"file": file, "num_rows": rows}
    return entry


def make_digits(uri):
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = []
    for pixels in digits.images:
        png = io.BytesIO()
        Image.fromarray((pixels * 255 / 16).astype(np.uint8)).save(png, "PNG", optimize=True)
        images.append(png.getvalue())
    table = pa.table(
        {"image": pa.array(images, pa.binary()), "label": pa.array(digits.target, pa.int64())}
    )
    shutil.rmtree(uri, ignore_errors=True)
    lance.write_dataset(table, str(uri), data_storage_version="2.2")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", help="make only the tables whose name contains this")
    only = parser.parse_args().only or ""

    golden = ROOT / "tests/data/golden"
    listing = golden / "manifest.json"
    entries = {}
    if only and listing.exists():
        entries = {e["name"]: e for e in json.loads(listing.read_text())["datasets"]}
    for name, make in GOLDEN.items():
        if only in name:
            entries[name] = make_golden(golden, name, make)
            print(f"{name}: {entries[name]['num_rows']} rows, version {entries[name]['version']}")
    content = {
        "generator": f"pylance {lance.__version__}",
        "datasets": sorted(entries.values(), key=lambda e: e["name"]),
    }
    listing.write_text(json.dumps(content, indent=1) + "\n")
    if only in ("", "digits"):
        make_digits(ROOT / "examples/data/digits.lance")
        print("digits: examples/data/digits.lance")


if __name__ == "__main__":
    main()
