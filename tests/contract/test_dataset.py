"""pilum.dataset: the reading half of the Lance-style API."""

import pathlib
import pickle

import numpy as np
import pyarrow as pa
import pytest

import pilum
from equality import assert_same_schema, assert_same_table
from reference import golden

MIXED = golden("mixed-2.2").rows
HISTORY = golden("history-2.2")


@pytest.fixture
def mixed() -> pilum.Dataset:
    return pilum.dataset(golden("mixed-2.2").uri)


@pytest.fixture
def history() -> pilum.Dataset:
    return pilum.dataset(HISTORY.uri)


def test_facts(mixed):
    assert mixed.uri == golden("mixed-2.2").uri
    assert mixed.version == 1
    assert len(mixed) == mixed.count_rows() == 400
    assert_same_schema(mixed.schema, MIXED.schema)


def test_path_object_and_file_uri():
    uri = golden("mixed-2.2").uri
    assert len(pilum.dataset(pathlib.Path(uri))) == len(pilum.dataset(f"file://{uri}")) == 400


def test_missing(tmp_path):
    with pytest.raises(ValueError, match="was not found") as caught:
        pilum.dataset(tmp_path / "absent.lance")
    assert "absent.lance" in str(caught.value)


def test_a_folder_that_is_no_dataset(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(ValueError, match="was not found"):
        pilum.dataset(tmp_path)


def test_versions(history):
    versions = history.versions()
    assert [v["version"] for v in versions] == [1, 2, 3, 4, 5, 6]
    assert history.checkout_version(2).version == 2
    assert history.version == 6  # the handle itself stays where it was
    with pytest.raises(ValueError, match="77"):
        history.checkout_version(77)
    with pytest.raises(ValueError, match="77"):
        pilum.dataset(HISTORY.uri, version=77)


def test_columns_as_expressions(mixed):
    got = mixed.to_table(columns={"next": "id + 1", "text": "text"}, limit=3)
    assert got.column_names == ["next", "text"]
    assert got["next"].to_pylist() == [1, 2, 3]


@pytest.mark.parametrize("columns", [["nowhere"], ["record.nowhere"], {"x": "nowhere + 1"}])
def test_unknown_column(mixed, columns):
    with pytest.raises(ValueError, match="nowhere"):
        mixed.to_table(columns=columns)


def test_columns_of_the_wrong_kind(mixed):
    for bad in ("id", 7, [3]):
        with pytest.raises(TypeError):
            mixed.to_table(columns=bad)


def test_filter_without_its_column(mixed):
    got = mixed.to_table(columns=["text"], filter="id in (3, 5)")
    assert_same_table(got, MIXED.select(["text"]).take([3, 5]))
    assert mixed.count_rows("id in (3, 5)") == 2


def test_options_in_their_order(mixed):
    for source in (mixed, mixed.get_fragments()[0]):
        assert source.to_table(["id"], "id % 2 = 0", 2, 3)["id"].to_pylist() == [6, 8]
        sizes = [b.num_rows for b in source.to_batches(["id"], None, 10, None, 4)]
        assert sizes == [4, 4, 2]
        assert source.scanner(["id"], None, 1).to_table()["id"].to_pylist() == [0]


def test_scans_of_some_fragments(history):
    first, *_, last = history.get_fragments()
    rows = history.scanner(fragments=[first, last]).count_rows()
    assert rows == first.count_rows() + last.count_rows()
    assert first.scanner(fragments=[last]).count_rows() == 0
    assert first.scanner(fragments=[first]).count_rows() == first.count_rows()


def test_a_fragment_is_an_arrow_stream(history):
    fragment = history.get_fragments()[1]
    assert_same_table(pa.table(fragment), fragment.to_table())
    assert_same_table(fragment.head(2), fragment.to_table().slice(0, 2))


def test_filter_with_limit_and_offset(mixed):
    got = mixed.to_table(columns=["id"], filter="id % 2 = 0", offset=3, limit=2)
    assert got["id"].to_pylist() == [6, 8]


def test_row_ids_and_addresses(history):
    got = history.to_table(columns=["id"], with_row_id=True, with_row_address=True)
    assert_same_table(got, HISTORY.expected().select(["id", "_rowid", "_rowaddr"]))
    by_name = history.to_table(columns=["_rowid", "id"])
    assert_same_table(by_name, HISTORY.expected().select(["_rowid", "id"]))


def test_row_offsets_count_the_rows_that_are_left(history):
    """On several fragments with deletions: as `take` counts, not as rows are stored."""
    assert len(history.get_fragments()) > 1
    assert any(fragment.num_deletions for fragment in history.get_fragments())
    offsets = list(range(len(history)))
    got = history.to_table(columns=["id", "_rowoffset"], batch_size=9)
    assert got["id"].equals(HISTORY.rows["id"])
    assert got["_rowoffset"].to_pylist() == offsets
    wanted = [3, 100, len(history) - 1]
    got = history.to_table(columns=["_rowoffset", "id"], filter=f"_rowoffset IN {tuple(wanted)}")
    assert got["_rowoffset"].to_pylist() == wanted
    assert got["id"].to_pylist() == HISTORY.rows["id"].take(wanted).to_pylist()
    got = history.take(wanted[::-1], columns=["_rowoffset"])
    assert got["_rowoffset"].to_pylist() == wanted[::-1]
    last = history.get_fragments()[-1]
    got = last.to_table(columns=["_rowoffset"])
    assert got["_rowoffset"].to_pylist() == offsets[-last.count_rows() :]


def addresses(batches, column: str) -> set[int]:
    """Where the values of a column are in memory, the batches all alive."""
    return {batch.column(column).buffers()[-1].address for batch in list(batches)}


@pytest.mark.parametrize("column", ["id", "text", "_rowid"])
def test_batches_are_views_of_what_was_read(mixed, column):
    scanner = mixed.scanner(batch_size=16, with_row_id=True)
    batches = list(scanner.to_batches())
    assert len(batches) == len(MIXED) / 16
    assert len(addresses(batches, column)) == 1
    assert len(addresses(pa.RecordBatchReader.from_stream(scanner), column)) == 1
    chunks = scanner.to_table()[column].chunks
    assert len({chunk.buffers()[-1].address for chunk in chunks}) == 1


def test_schema_of_a_scanner(mixed):
    for options in (
        {},
        {"columns": ["text", "id"], "with_row_id": True},
        {"columns": {"next": "id + 1"}, "with_row_address": True},
    ):
        scanner = mixed.scanner(**options)
        assert scanner.schema.equals(scanner.to_table().schema, check_metadata=True)
    with pytest.raises(ValueError, match="nowhere"):
        mixed.scanner(columns=["nowhere"])


@pytest.mark.parametrize("filter", [None, "id % 3 = 0"])
def test_counts_are_of_what_is_delivered(history, filter):
    fragments = history.get_fragments()[1:]
    for options in ({"limit": 9}, {"offset": 40}, {"limit": 500, "offset": 3}, {"offset": 9999}):
        scanner = history.scanner(filter=filter, fragments=fragments, **options)
        assert scanner.count_rows() == len(scanner.to_table()), options


@pytest.mark.parametrize(
    "options",
    [{"filter": "idd > 1"}, {"filter": "id >"}, {"columns": {"x": "idd"}}],
)
def test_a_scanner_checks_its_options_when_it_is_made(mixed, options):
    with pytest.raises(pilum.InvalidArgumentError):
        mixed.scanner(**options)


def test_scanner(mixed):
    scanner = mixed.scanner(columns=["id"], filter="id < 100", batch_size=30)
    assert scanner.count_rows() == 100
    assert scanner.to_table()["id"].to_pylist() == list(range(100))
    assert sum(b.num_rows for b in scanner.to_batches()) == 100
    reader = scanner.to_reader()
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.read_all().num_rows == 100


def test_fragments(history):
    fragments = history.get_fragments()
    ids = [fragment.fragment_id for fragment in fragments]
    addresses = HISTORY.expected()["_rowaddr"].to_pylist()
    assert ids == list(dict.fromkeys(address >> 32 for address in addresses))
    parts = [fragment.to_table() for fragment in fragments]
    assert_same_table(pa.concat_tables(parts), HISTORY.rows)
    assert [len(part) for part in parts] == [fragment.count_rows() for fragment in fragments]
    last = fragments[-1]
    assert_same_table(last.take([2, 0]), parts[-1].take([2, 0]))
    assert_same_table(pa.Table.from_batches(last.to_batches(batch_size=4)), parts[-1])


@pytest.mark.parametrize("rows", [[3, 1, 3], np.array([3, 1, 3]), pa.array([3, 1, 3])])
def test_take(mixed, rows):
    assert_same_table(mixed.take(rows), MIXED.take([3, 1, 3]))
    assert mixed.take(rows, columns=["id"]).to_pylist() == [{"id": 3}, {"id": 1}, {"id": 3}]


@pytest.mark.parametrize("bad", [400, -1, 2**40])
def test_take_out_of_range(mixed, bad):
    with pytest.raises(IndexError, match=str(bad)):
        mixed.take([0, bad])


def test_take_nothing(mixed):
    assert_same_table(mixed.take([]), MIXED.slice(0, 0))


def test_head_and_sample(mixed):
    assert_same_table(mixed.head(3), MIXED.slice(0, 3))
    sample = mixed.sample(50, columns=["id"])
    assert len(set(sample["id"].to_pylist())) == 50
    ordered = mixed.sample(50, columns=["id"], randomize_order=False)["id"].to_pylist()
    assert ordered == sorted(ordered)
    assert len(mixed.sample(400)) == 400
    with pytest.raises(ValueError, match="401"):
        mixed.sample(401)


@pytest.mark.parametrize(
    "options", [{"batch_size": 0}, {"batch_size": -5}, {"limit": -1}, {"offset": -1}], ids=str
)
def test_bad_numbers(mixed, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        mixed.to_table(**options)
    with pytest.raises(ValueError, match=next(iter(options))):
        mixed.to_batches(**options)


def test_arrow_stream_interface(mixed):
    assert_same_table(pa.table(mixed), MIXED)
    assert pa.RecordBatchReader.from_stream(mixed).read_next_batch().num_rows > 0


def test_pickle(history):
    copy = pickle.loads(pickle.dumps(history.checkout_version(2)))
    assert copy.version == 2
    assert len(copy) == history.checkout_version(2).count_rows()


def test_results_outlive_the_dataset():
    dataset = pilum.dataset(golden("mixed-2.2").uri)
    table = dataset.to_table()
    batches = dataset.to_batches(batch_size=16)
    first = next(batches)
    del dataset, batches
    assert_same_table(table, MIXED)
    assert first["id"].to_pylist() == list(range(16))
