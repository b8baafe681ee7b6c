"""What is written here, the reference library validates and reads back equal."""

import os

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pilum
from equality import assert_same_table
from reference import all_tables

pytestmark = pytest.mark.peer

KEYS = ["_rowid", "_rowaddr"]
several = settings(
    max_examples=int(os.environ.get("PILUM_INTEROP_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check(reference_library, tmp_path, uri) -> dict[str, pa.Table]:
    return reference_library.ask(check=tmp_path / "check", uri=str(uri))["expected"]


def pieces(table: pa.Table, cuts: list[int]) -> pa.RecordBatchReader:
    """The table in slices, which share its buffers."""
    ends = [*sorted(min(cut, table.num_rows) for cut in cuts), table.num_rows]
    batches, first = [], 0
    for end in ends:
        batches += table.slice(first, end - first).to_batches()
        first = end
    return pa.RecordBatchReader.from_batches(table.schema, batches)


@pytest.mark.parametrize("storage", ["2.0", "2.1", "2.2"])
def test_random_tables(reference_library, tmp_path, storage):
    numbers = iter(range(10**6))

    @several
    @given(
        seed=st.integers(0, 2**32 - 1),
        rows=st.integers(0, 3000),
        cuts=st.lists(st.integers(0, 3000), max_size=5),
        per_file=st.sampled_from([70, 1000, 1 << 20]),
    )
    def one_table(seed, rows, cuts, per_file):
        drawn = reference_library.ask(draw=tmp_path / "draw", seed=seed, storage=storage, rows=rows)
        table = drawn["expected"]["rows"]
        uri = tmp_path / f"{next(numbers)}.lance"
        dataset = pilum.write_dataset(
            pieces(table, cuts),
            uri,
            max_rows_per_file=per_file,
            data_storage_version=storage,
        )
        assert_same_table(dataset.to_table(), table)
        found = check(reference_library, tmp_path, uri)
        assert_same_table(found["1"].drop_columns(KEYS), table)
        if table.num_rows:
            rows = list(range(0, table.num_rows, 97))[::-1]
            assert_same_table(found["1 taken"], table.take(pa.array(rows, pa.int64())))

    one_table()


def test_every_kind_of_change(reference_library, tmp_path):
    rows = pa.table({"id": pa.array(range(1000)), "text": [f"text {i % 7}" for i in range(1000)]})
    uri = tmp_path / "t.lance"
    dataset = pilum.write_dataset(rows, uri, max_rows_per_file=300)
    dataset.insert(pa.table({"id": [5000], "text": [None]}, schema=rows.schema))
    dataset.delete("id < 350 AND id % 3 = 1")
    dataset.delete("id < 300")  # a fragment without rows
    dataset.update({"text": "concat('new ', text)"}, "id % 100 = 7")
    dataset.insert([{"id": 1}], mode="overwrite")
    dataset.checkout_version(3).restore()
    found = check(reference_library, tmp_path, uri)
    assert len([name for name in found if "taken" not in name]) == 7
    for version, content in found.items():
        if "taken" in version:
            continue
        ours = pilum.dataset(uri, int(version))
        assert_same_table(ours.to_table(with_row_id=True, with_row_address=True), content, version)
    assert pilum.dataset(uri).verify().damages == []


# By table and storage version.
REFUSED = {
    ("v22-map", "2.0 2.1"): "cannot hold values of type map",
    ("v22-packed-var", "2.0 2.1"): "cannot hold packed structs with strings",
    ("v22-fsl-struct", "2.0 2.1"): "cannot hold values of type fixed_size_list",
    ("mixed-2.1 mixed-2.2", "2.0"): "structs are null, which storage version 2.0 cannot hold",
    ("v21-struct v21-struct-list v21-pages-nested", "2.0"): "structs are null",
    ("v22-struct v22-struct-list v22-pages-nested", "2.0"): "structs are null",
}


def fits(key: tuple[str, str], name: str, storage: str) -> bool:
    return name in key[0].split() and storage in key[1].split()


def without_metadata(table: pa.Table, key: bytes) -> pa.Table:
    fields = []
    for field in table.schema:
        metadata = {k: v for k, v in (field.metadata or {}).items() if k != key}
        fields.append(field.with_metadata(metadata))
    return pa.table(table.columns, schema=pa.schema(fields, table.schema.metadata))


@pytest.mark.parametrize("storage", ["2.0", "2.1", "2.2"])
@pytest.mark.parametrize("source", [t for t in all_tables() if not t.refused], ids=str)
def test_rows_of_reference_tables(reference_library, tmp_path, source, storage):
    """Every type and pattern of nulls that the reference tables have, written here."""
    rows = source.rows
    uri = tmp_path / "t.lance"
    written = pieces(rows, [10, 11])
    refusal = next((REFUSED[key] for key in REFUSED if fits(key, source.name, storage)), None)
    if refusal:
        with pytest.raises(pilum.PilumError, match=refusal):
            pilum.write_dataset(written, uri, data_storage_version=storage)
        return
    dataset = pilum.write_dataset(written, uri, data_storage_version=storage)
    if storage == "2.2":  # which knows blobs by their type
        rows = without_metadata(rows, b"lance-encoding:blob")
    assert_same_table(dataset.to_table(), rows)
    found = check(reference_library, tmp_path, uri)
    assert_same_table(found["1"].drop_columns(KEYS), rows)
