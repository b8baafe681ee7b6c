"""Reading the golden tables, and those of PILUM_CORPUS, gives what the reference library gives."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pilum
from equality import assert_same_schema, assert_same_table
from reference import ROW_KEYS, ReferenceTable, all_tables

BATCH_SIZES = (7, 64, 1000, 8192)
READABLE = [table for table in all_tables() if not table.refused]
REFUSED = [table for table in all_tables() if table.refused]
WITH_VERSIONS = [table for table in READABLE if table.about.get("versions")]
WITH_TAGS = [table for table in READABLE if table.tags()]
WITH_ROWS = [table for table in READABLE if table.about["num_rows"] > 0]

few = settings(max_examples=8, deadline=None)


def each(tables: list[ReferenceTable]):
    return pytest.mark.parametrize("table", tables, ids=str)


def read(table: ReferenceTable, **options) -> pa.Table:
    return pilum.dataset(table.uri).to_table(**options)


@each(READABLE)
def test_whole_table(table):
    assert_same_table(read(table, with_row_id=True, with_row_address=True), table.expected())


@each(READABLE)
def test_schema_and_counts(table):
    dataset = pilum.dataset(table.uri)
    assert_same_schema(dataset.schema, table.rows.schema)
    assert dataset.version == table.about["version"]
    assert dataset.count_rows() == len(dataset) == table.about["num_rows"]
    fragments = dataset.get_fragments()
    assert len(fragments) == table.about["fragments"]
    assert sum(fragment.count_rows() for fragment in fragments) == table.about["num_rows"]


@each(WITH_VERSIONS)
def test_every_version(table):
    newest = pilum.dataset(table.uri)
    for number, about in table.about["versions"].items():
        for old in (
            pilum.dataset(table.uri, version=int(number)),
            newest.checkout_version(int(number)),
        ):
            assert old.version == int(number)
            assert old.count_rows() == about["num_rows"]
            got = old.to_table(with_row_id=True, with_row_address=True)
            assert_same_table(got, table.expected(about["file"]), f"version {number}")


@each(WITH_TAGS)
def test_tags(table):
    newest = pilum.dataset(table.uri)
    for tag, number in table.tags().items():
        assert newest.checkout_version(tag).version == number
        assert pilum.dataset(table.uri, version=tag).version == number


@each(READABLE)
def test_batch_sizes(table):
    dataset = pilum.dataset(table.uri)
    for size in BATCH_SIZES:
        batches = list(dataset.to_batches(batch_size=size))
        assert all(0 < batch.num_rows <= size for batch in batches)
        got = dataset.to_table(batch_size=size)
        assert [b.num_rows for b in batches] == [
            b.num_rows for b in dataset.to_batches(batch_size=size)
        ]
        assert_same_table(got, table.rows, f"batch size {size}")


@each(READABLE)
def test_projection(table):
    names = table.rows.column_names
    for name in names:
        assert_same_table(
            read(table, columns=[name]), table.rows.select([name]), f"columns=[{name}]"
        )
    backwards = names[::-1]
    assert_same_table(
        read(table, columns=backwards), table.rows.select(backwards), "columns reversed"
    )
    keys_only = read(table, columns=[], with_row_id=True, with_row_address=True)
    assert_same_table(keys_only, table.expected().select(ROW_KEYS), "no columns")


@each(WITH_ROWS)
def test_take(table):
    dataset = pilum.dataset(table.uri)
    n = table.about["num_rows"]

    @few
    @given(st.lists(st.integers(0, n - 1), min_size=1, max_size=60))
    def any_rows_in_any_order(indices):
        assert_same_table(dataset.take(indices), table.rows.take(indices), f"take {indices}")

    any_rows_in_any_order()
    assert_same_table(dataset.take(range(n)), table.rows, "take of all rows")
    last_first = list(range(n))[::-1][:300]
    assert_same_table(dataset.take(last_first), table.rows.take(last_first), "take backwards")
    column = table.rows.column_names[-1]
    got = dataset.take([n - 1, 0, n - 1], columns=[column])
    assert_same_table(got, table.rows.select([column]).take([n - 1, 0, n - 1]), f"take of {column}")


@each(WITH_ROWS)
def test_limit_and_offset(table):
    dataset = pilum.dataset(table.uri)
    n = table.about["num_rows"]

    @few
    @given(st.integers(0, n + 3), st.integers(0, n + 3))
    def any_window(offset, limit):
        got = dataset.to_table(offset=offset, limit=limit)
        assert_same_table(got, table.rows.slice(offset, limit), f"offset {offset}, limit {limit}")

    any_window()


@each(REFUSED)
def test_refused_storage_version(table):
    with pytest.raises(
        Exception, match=table.about["storage_version"].replace(".", r"\.")
    ) as caught:
        read(table)
    assert not isinstance(caught.value, (AssertionError, AttributeError, TypeError))
    assert "support" in str(caught.value)


def test_no_table_is_left_out():
    names = [table.name for table in all_tables()]
    assert len(names) == len(set(names)) >= 14
    assert {t.about["storage_version"] for t in READABLE} == {"2.0", "2.1", "2.2"}
