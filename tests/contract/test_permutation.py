"""A Permutation: how it is made, columns, windows, rows by position, batches."""

import pathlib
import shutil

import numpy as np
import pyarrow as pa
import pytest

import pilum
from equality import assert_same_schema, assert_same_table
from permutations import make
from pilum.permutation import DEFAULT_BATCH_SIZE, Permutation, Permutations, permutation_builder
from reference import golden

HISTORY = golden("history-2.2")


@pytest.fixture(scope="module")
def table() -> pilum.Table:
    rows = {"a": range(1000), "b": [str(i) for i in range(1000)], "c": [i / 2 for i in range(1000)]}
    return make(rows)


@pytest.fixture(scope="module")
def identity(table) -> Permutation:
    return Permutation.identity(table)


@pytest.fixture(scope="module")
def halves(table) -> pilum.Table:
    """Rows 0 to 699 and 700 to 999."""
    builder = permutation_builder(table).split_sequential(
        ratios=[0.7, 0.3], split_names=["train", "test"]
    )
    return builder.execute()


def ids(permutation: Permutation) -> list[int]:
    """Column `a` of all rows."""
    batches = permutation.select_columns(["a"]).with_format("python_col").iter(256)
    return [value for batch in batches for value in batch["a"]]


# ------------------------------------------------------------------------------------- making one
def test_identity(table, identity):
    assert ids(identity) == list(range(1000))
    assert (identity.num_rows, len(identity)) == (1000, 1000)
    assert identity.column_names == ["a", "b", "c"]
    assert identity.num_columns == 3
    assert identity.shape == (1000, 3)
    assert identity.batch_size == DEFAULT_BATCH_SIZE == 100
    assert identity.base_table is table
    assert identity.permutation_table is None
    assert identity.split is None
    assert identity.connection_factory is None
    assert identity.transform_fn(table.__getitems__([7])) == [{"a": 7, "b": "7", "c": 3.5}]
    assert_same_schema(identity.schema, table.schema)
    assert "'t'" in repr(identity)
    assert "1000" in repr(identity)


def test_identity_of_an_empty_table():
    empty = Permutation.identity(make(pa.schema({"a": pa.int64()}).empty_table()))
    assert (len(empty), list(empty), list(empty.iter(5))) == (0, [], [])
    assert empty.__getitems__([]) == []
    with pytest.raises(IndexError, match="there is no row 0: the permutation has 0 rows"):
        empty.__getitems__([0])
    with pytest.raises(IndexError):
        empty[-1]


def test_from_tables(table, halves):
    assert ids(Permutation.from_tables(table)) == list(range(1000))
    for split, expected in [
        (None, range(700)),
        (0, range(700)),
        (np.int64(1), range(700, 1000)),
        ("train", range(700)),
        ("test", range(700, 1000)),
    ]:
        permutation = Permutation.from_tables(table, halves, split)
        assert ids(permutation) == list(expected)
        assert permutation.split == (expected.start == 700)
        assert permutation.base_table is table
        assert permutation.permutation_table is halves


@pytest.mark.parametrize(
    ("split", "error", "message"),
    [
        ("validation", ValueError, "'validation' is not defined; there are: train, test"),
        (2, ValueError, "No rows found in split 2"),
        (2**70, ValueError, "No rows found"),
        (-1, ValueError, "split must be at least 0, not -1"),
        (1.0, TypeError, "split must be a name or a number, not a float"),
        (b"train", TypeError, "not a bytes"),
        (True, TypeError, "not a bool"),
        (["train"], TypeError, "not a list"),
    ],
)
def test_splits_that_are_none(table, halves, split, error, message):
    with pytest.raises(error, match=message):
        Permutation.from_tables(table, halves, split)


def test_a_split_needs_a_permutation_table_with_names(table):
    unnamed = permutation_builder(table).split_sequential(fixed=2).execute()
    with pytest.raises(ValueError, match="no split names are defined"):
        Permutation.from_tables(table, unnamed, "train")
    for split in (0, "train"):
        with pytest.raises(ValueError, match="a split needs a permutation table"):
            Permutation.from_tables(table, split=split)


def test_an_empty_permutation_table(table):
    empty = permutation_builder(table).filter("a < 0").execute()
    with pytest.raises(ValueError, match="No rows found in split 0"):
        Permutation.from_tables(table, empty)


def test_what_is_no_table_and_what_is_no_permutation(table):
    for bad in (None, "t", table.to_arrow(), Permutation.identity(table)):
        with pytest.raises(TypeError, match="made of a Table, not of a"):
            Permutation.identity(bad)
    with pytest.raises(TypeError, match="made of a Table, not of a str"):
        Permutation.from_tables(table, "permutation")
    with pytest.raises(ValueError, match="no permutation: it has no column 'row_id'"):
        Permutation.from_tables(table, table)
    with pytest.raises(TypeError, match=r"made by Permutation\.identity"):
        Permutation()


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"base_version": "newest"}, "base_version that is none"),
        ({"base_version": "-1"}, "base_version that is none"),
        ({"base_version": "[1]"}, "base_version that is none"),
        ({"base_version": "77"}, "Version 77 no longer exists of table 't'"),
        ({"split_names": "train"}, "split_names that are none"),
        ({"split_names": '{"train": 0}'}, "split_names that are none"),
        ({"split_names": "[1]"}, "split_names that are none"),
    ],
)
def test_metadata_that_makes_no_sense(table, metadata, message):
    rows = {"row_id": pa.array([1, 2], pa.uint64()), "split_id": pa.array([0, 0], pa.uint64())}
    strange = make(pa.table(rows).replace_schema_metadata(metadata))
    with pytest.raises(ValueError, match=message):
        Permutation.from_tables(table, strange, "train" if "split_names" in metadata else None)


def test_a_permutation_table_without_metadata(table):
    rows = {"row_id": pa.array([5, 2, 5], pa.uint64()), "split_id": pa.array([3] * 3, pa.uint64())}
    assert ids(Permutation.from_tables(table, make(rows), 3)) == [5, 2, 5]


def test_a_row_that_the_table_does_not_have(table):
    rows = {"row_id": pa.array([5, 5000], pa.uint64()), "split_id": pa.array([0, 0], pa.uint64())}
    permutation = Permutation.from_tables(table, make(rows))
    assert permutation[0][0]["a"] == 5
    with pytest.raises(IndexError, match="5000"):
        permutation[1]


def test_shuffled(table):
    built = permutation_builder(table).shuffle(seed=3, clump_size=8).execute()
    listed = ids(Permutation.from_tables(table, built))
    assert ids(Permutation.shuffled(table, seed=3, clump_size=8)) == listed
    later = ids(Permutation.shuffled(table, seed=3, epoch=1, clump_size=8))
    assert later != listed
    assert sorted(later) == list(range(1000))
    assert ids(Permutation.shuffled(table)) != ids(Permutation.shuffled(table))
    for bad, error in [(-1, ValueError), (2**64, ValueError), ("1", TypeError), (None, TypeError)]:
        with pytest.raises(error, match="epoch must be"):
            Permutation.shuffled(table, seed=1, epoch=bad)


# ----------------------------------------------------------------------------------------- splits
def test_permutations(table, halves):
    both = Permutations(table, halves)
    assert both.split_names == ["train", "test"]
    assert both.split_dict == {"train": 0, "test": 1}
    assert both.base_table is table
    assert both.permutation_table is halves
    for train in (both["train"], both[0], both.get_by_name("train"), both.get_by_index(0)):
        assert ids(train) == list(range(700))
    assert len(both) == 2
    assert [len(split) for split in both] == [700, 300]


def test_permutations_without_names(table):
    three = Permutations(table, permutation_builder(table).split_sequential(fixed=3).execute())
    assert (three.split_names, three.split_dict, len(three)) == ([], {}, 3)
    assert [len(split) for split in three] == [333] * 3
    with pytest.raises(ValueError, match="No split named `train` found"):
        three["train"]
    gap = Permutations(table, permutation_builder(table).split_calculated("a % 2 * 2").execute())
    assert (len(gap), len(gap[2])) == (3, 500)
    with pytest.raises(ValueError, match="No rows found in split 1"):
        list(gap)
    none = Permutations(table, permutation_builder(table).filter("a < 0").execute())
    assert (len(none), list(none)) == (0, [])


@pytest.mark.parametrize(
    ("split", "error", "message"),
    [
        ("validation", ValueError, "No split named `validation` found; there are: train, test"),
        (2, ValueError, "No rows found"),
        (-1, ValueError, "at least 0"),
        (0.0, TypeError, "a name or a number, not a float"),
        (None, TypeError, "not a NoneType"),
        (False, TypeError, "not a bool"),
    ],
)
def test_permutations_without_such_a_split(table, halves, split, error, message):
    with pytest.raises(error, match=message):
        Permutations(table, halves)[split]


# ---------------------------------------------------------------------------------------- columns
def test_select_columns(identity):
    some = identity.select_columns(["c", "a"])
    assert some.column_names == some.schema.names == ["c", "a"]
    assert some.shape == (1000, 2)
    assert some.__getitems__([4]) == [{"c": 2.0, "a": 4}]
    assert identity.column_names == ["a", "b", "c"]  # unchanged
    assert identity.select_columns(["a", "a"]).column_names == ["a"]
    assert identity.select_columns(("b",)).column_names == ["b"]


def test_a_column_that_was_left_out_does_not_come_back(identity):
    some = identity.select_columns(["a", "b"])
    assert some.select_columns(["b"]).column_names == ["b"]
    with pytest.raises(ValueError, match="Cannot select column `c` because it does not exist"):
        some.select_columns(["b", "c"])


def test_row_ids_can_always_be_added(identity):
    for permutation in (identity, identity.select_columns(["b"])):
        some = permutation.select_columns(["_rowid", "b"])
        assert some.schema.field("_rowid").type == pa.uint64()
        assert some.__getitems__([9, 3]) == [{"_rowid": 9, "b": "9"}, {"_rowid": 3, "b": "3"}]
    assert identity.select_columns(["_rowid"]).__getitems__([5]) == [{"_rowid": 5}]
    renamed = identity.select_columns(["b", "_rowid"]).rename_column("_rowid", "id")
    assert renamed.__getitems__([5]) == [{"b": "5", "id": 5}]


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ([], ValueError, "no column is selected"),
        (["z"], ValueError, "Cannot select column `z` because it does not exist; there are: a, b"),
        (["a", "z"], ValueError, "`z`"),
        ("a", TypeError, "columns must be a list of names, not a str"),
        (None, TypeError, "columns must be a list of names"),
        ([1], TypeError, "name of a column must be a str, not int"),
    ],
)
def test_columns_that_cannot_be_selected(identity, columns, error, message):
    with pytest.raises(error, match=message):
        identity.select_columns(columns)


def test_remove_columns(identity):
    assert identity.remove_columns(["b", "nowhere"]).column_names == ["a", "c"]
    assert identity.remove_columns([]).column_names == ["a", "b", "c"]
    with pytest.raises(ValueError, match="Cannot remove all columns"):
        identity.remove_columns(["a", "b", "c"])
    with pytest.raises(TypeError, match="columns must be a list of names"):
        identity.remove_columns("a")


def test_rename_columns(identity):
    assert identity.rename_column("b", "text").column_names == ["a", "text", "c"]
    swapped = identity.rename_columns({"a": "b", "b": "a"})
    assert swapped.__getitems__([2]) == [{"b": 2, "a": "2", "c": 1.0}]
    assert list(swapped.__getitems__([2])[0]) == swapped.schema.names == ["b", "a", "c"]
    assert swapped.select_columns(["a"]).__getitems__([2]) == [{"a": "2"}]
    assert swapped.rename_columns({}).column_names == ["b", "a", "c"]
    assert swapped.rename_column("a", "a").column_names == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ({"z": "y"}, ValueError, "Cannot rename column `z`: it does not exist"),
        ({"a": "b"}, ValueError, "there would be two columns `b`"),
        ({"a": "x", "b": "x"}, ValueError, "there would be two columns `x`"),
        ({"a": 1}, TypeError, "the new name of a column must be a str"),
        ([("a", "b")], TypeError, "column_map must be a dict, not a list"),
    ],
)
def test_columns_that_cannot_be_renamed(identity, names, error, message):
    with pytest.raises(error, match=message):
        identity.rename_columns(names)


def test_columns_of_every_kind_keep_their_schema():
    mixed = golden("mixed-2.2")
    permutation = Permutation.identity(pilum.connect(mixed.folder)["dataset"]).with_format("arrow")
    wanted = [7, 0, 399, 7]
    batch = permutation.__getitems__(wanted)
    assert_same_table(pa.Table.from_batches([batch]), mixed.rows.take(wanted))
    names = permutation.column_names[::-2]
    some = permutation.select_columns(names).rename_column(names[0], "other")
    expected = mixed.rows.select(names).rename_columns(["other", *names[1:]])
    expected = expected.replace_schema_metadata(mixed.rows.schema.metadata)
    assert_same_schema(some.schema, expected.schema)
    assert_same_table(pa.Table.from_batches([some.__getitems__(wanted)]), expected.take(wanted))


def test_names_with_dots():
    table = make({"a.b": [1, 2], "a": [{"b": 3}, {"b": 4}]})
    permutation = Permutation.identity(table)
    assert permutation.select_columns(["a.b"]).__getitems__([0]) == [{"a.b": 1}]
    assert permutation.select_columns(["a"]).__getitems__([0]) == [{"a": {"b": 3}}]
    with pytest.raises(ValueError, match="Cannot select column `b`"):
        permutation.select_columns(["b"])


def test_only_selected_columns_are_read(tmp_path):
    """Their values may be gone: fragments of this table have two files, of different columns."""
    shutil.copytree(HISTORY.uri, tmp_path / "t.lance")
    table = pilum.connect(tmp_path)["t"]
    files = [file for f in table.to_lance().get_fragments() for file in f.data_files[1:]]
    assert files
    for file in files:
        pathlib.Path(table.uri, "data", file).unlink()
    everything = Permutation.identity(table)
    with pytest.raises(pilum.NotFoundError, match="cannot open"):
        everything.__getitems__([0])
    readable = [
        name for name in table.schema.names if _is_readable(everything.select_columns([name]))
    ]
    assert 0 < len(readable) < len(table.schema.names)
    rows = everything.select_columns(readable).with_format("arrow").__getitems__(range(len(table)))
    assert_same_table(pa.Table.from_batches([rows]), HISTORY.rows.select(readable))


def _is_readable(permutation: Permutation) -> bool:
    try:
        return bool(permutation.__getitems__([0]))
    except pilum.NotFoundError:
        return False


# --------------------------------------------------------------------------------------- delivery
def test_changes_make_new_permutations(table, identity):
    before = dict(vars(identity))
    changed = [
        identity.with_skip(1),
        identity.with_take(1),
        identity.with_repeat(2),
        identity.with_batch_size(7),
        identity.with_format("arrow"),
        identity.with_transform(len),
        identity.with_connection_factory(len),
        identity.select_columns(["a"]),
        identity.rename_column("a", "z"),
        identity.remove_columns(["a"]),
    ]
    assert len({id(permutation) for permutation in (identity, *changed)}) == len(changed) + 1
    assert vars(identity) == before


def test_with_transform(identity):
    transformed = identity.with_transform(lambda batch: batch.num_rows)
    assert transformed.__getitems__([1, 2, 3]) == 3
    assert list(transformed.iter(300)) == [300, 300, 300, 100]
    assert transformed.transform_fn(identity.base_table.head(2)) == 2
    with pytest.raises(TypeError, match="transform must be callable, not str"):
        identity.with_transform("arrow")


def test_bad_formats(identity):
    for bad in ("arrows", "", None, 7):
        with pytest.raises(ValueError, match=r"Invalid format: .*; there are: arrow, "):
            identity.with_format(bad)


def test_with_batch_size(identity):
    sized = identity.with_batch_size(np.int32(300))
    assert sized.batch_size == 300
    assert [len(batch) for batch in sized] == [300] * 3
    for bad, error in [(0, ValueError), (-1, ValueError), (2.0, TypeError), (None, TypeError)]:
        with pytest.raises(error, match="batch_size"):
            identity.with_batch_size(bad)
