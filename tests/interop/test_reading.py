"""Tables made on the spot by the reference library are read as it reads them itself."""

import os

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import pilum
from equality import assert_same_table

pytestmark = pytest.mark.peer

KEYS = ["_rowid", "_rowaddr"]
several = settings(
    max_examples=int(os.environ.get("PILUM_INTEROP_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def read(uri, **options):
    dataset = pilum.dataset(uri, **options)
    return dataset.to_table(with_row_id=True, with_row_address=True)


@pytest.mark.parametrize("storage", ["2.0", "2.1", "2.2"])
def test_random_tables(reference_library, tmp_path, storage):
    @several
    @given(
        seed=st.integers(0, 2**32 - 1),
        rows=st.integers(0, 3000),
        page_bytes=st.sampled_from([0, 0, 500, 4000, 30_000]),
        data=st.data(),
    )
    def one_table(seed, rows, page_bytes, data):
        options = {"seed": seed, "storage": storage, "rows": rows, "page_bytes": page_bytes}
        try:
            answer = reference_library.ask(make=tmp_path / "table", **options)
        except reference_library.LostTableError:  # counted by the fixture
            reject()
        uri, content = answer["uri"], answer["expected"]["main"]
        assert_same_table(read(uri), content)
        if content.num_rows:
            dataset, rows_only = pilum.dataset(uri), content.drop_columns(KEYS)
            indices = data.draw(st.lists(st.integers(0, content.num_rows - 1), max_size=30))
            assert_same_table(
                dataset.take(indices),
                rows_only.take(pa.array(indices, pa.int64())),
                f"take {indices}",
            )
            size = data.draw(st.integers(1, 500))
            assert_same_table(dataset.to_table(batch_size=size), rows_only, f"batches of {size}")

    one_table()


def test_branches(reference_library, tmp_path):
    answer = reference_library.ask(make_branches=tmp_path / "table")
    uri, expected = answer["uri"], answer["expected"]
    assert_same_table(read(uri), expected.pop("main"))
    assert expected
    for branch, content in expected.items():
        assert_same_table(read(uri, branch=branch), content, f"branch {branch}")
        moved = pilum.dataset(uri).checkout_version((branch, None))
        assert_same_table(moved.to_table(with_row_id=True, with_row_address=True), content)
        assert moved.version == pilum.dataset(uri, branch=branch).version
    with pytest.raises(ValueError, match="no-such-branch"):
        pilum.dataset(uri, branch="no-such-branch")


def test_branch_of_a_table_that_was_moved(reference_library, tmp_path):
    """A branch records its parent's absolute path; when that is gone, the parent lies around it."""
    expected = reference_library.ask(make_branches=tmp_path / "table")["expected"]
    (tmp_path / "table").rename(tmp_path / "moved")
    moved = tmp_path / "moved" / "dataset.lance"
    assert_same_table(read(moved), expected.pop("main"))
    for branch, content in expected.items():
        assert_same_table(read(moved, branch=branch), content, f"branch {branch}")


def test_blobs_of_every_kind(reference_library, tmp_path):
    answer = reference_library.ask(make_blobs=tmp_path / "table")
    uri, content = answer["uri"], answer["expected"]["main"]
    assert_same_table(read(uri), content)
    assert_same_table(
        pilum.dataset(uri).take([6, 1, 6]), content.drop_columns(KEYS).take([6, 1, 6])
    )


@pytest.mark.parametrize("storage", ["2.0", "2.1", "2.2"])
def test_structs_of_which_a_fragment_has_some_fields(reference_library, tmp_path, storage):
    answer = reference_library.ask(make_subsets=tmp_path / "table", storage=storage)
    uri, content = answer["uri"], answer["expected"]["main"]
    assert_same_table(read(uri), content)
    rows = [29, 3, 8, 13, 8, 18, 23, 0, 1, 7, 11]
    wanted = content.drop_columns(KEYS).take(pa.array(rows))
    assert_same_table(pilum.dataset(uri).take(rows), wanted)


STRUCTS_WITH_NULLS = {"all_null_struct", "constant_struct", "deep_struct", "list_of_struct"}
NOT_IN = {  # the unusual columns that a storage version does not have
    "2.0": STRUCTS_WITH_NULLS | {"list_of_map", "map", "packed_string"},
    "2.1": {"list_of_map", "map", "packed_string", "packed_vector"},
    "2.2": set(),
}


@pytest.mark.parametrize("storage", NOT_IN)
def test_unusual_columns(reference_library, tmp_path, storage):
    answer = reference_library.ask(make_unusual=tmp_path / "tables", storage=storage)
    assert set(answer["refused"]) == NOT_IN[storage], answer["refused"]
    for uri, content in answer["expected"].items():
        assert_same_table(read(uri), content, uri)
        rows = [7, content.num_rows - 1, 7, 0, 900]
        wanted = content.drop_columns(KEYS).take(pa.array(rows))
        assert_same_table(pilum.dataset(uri).take(rows), wanted, f"take of {uri}")
