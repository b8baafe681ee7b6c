"""Which rows come into which split, and in which order: seeds, clumps, hashes, calculations."""

import hashlib
import itertools
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pilum
from permutations import counting, make, splits
from pilum.permutation import Permutation, permutation_builder

SPLITS = {
    "sequential": lambda builder: builder.split_sequential(ratios=[0.5, 0.25]),
    "random": lambda builder: builder.split_random(counts=[300, 400], seed=1),
    "hash": lambda builder: builder.split_hash(["word"], [2, 1], discard_weight=1),
    "calculated": lambda builder: builder.split_calculated("id % 3"),
}


@pytest.fixture(scope="module")
def thousand() -> pilum.Table:
    """Row ids are those of `id`."""
    return make({"id": range(1000), "word": [f"w{i % 17}" for i in range(1000)]})


# -------------------------------------------------------------------------------------- seeds
# Pinned: a seed in a configuration file has to mean the same rows for ever.
def test_a_shuffle_is_fixed():
    assert splits(permutation_builder(counting(10)).shuffle(seed=7)) == {
        0: [1, 5, 7, 4, 2, 0, 3, 8, 9, 6]
    }
    random = permutation_builder(counting(10)).split_random(ratios=[0.5, 0.5], seed=7)
    assert splits(random.shuffle(seed=8)) == {0: [7, 5, 2, 1, 4], 1: [9, 0, 3, 6, 8]}
    rows = permutation_builder(counting(100_000)).shuffle(seed=2**64 - 1, clump_size=3).execute()
    digest = hashlib.sha256(rows.to_arrow()["row_id"].to_numpy().tobytes()).hexdigest()
    assert digest[:16] == "1aeab66748867718"


def test_the_same_arguments_give_the_same_permutation(thousand):
    for split, shuffle in itertools.product(SPLITS.values(), (None, 7)):

        def build(split=split, shuffle=shuffle):
            builder = split(permutation_builder(thousand))
            return splits(builder if shuffle is None else builder.shuffle(seed=shuffle))

        assert build() == build()


@pytest.mark.parametrize(
    "seeds", [(0, 1), (2**63 - 1, 2**63), (2**63, 2**64 - 1), (5, 5 + 2**32)], ids=str
)
def test_each_seed_has_its_own_order(thousand, seeds):
    one, other = (splits(permutation_builder(thousand).shuffle(seed=s))[0] for s in seeds)
    assert one != other
    one, other = (
        splits(permutation_builder(thousand).split_random(fixed=2, seed=s))[0] for s in seeds
    )
    assert set(one) != set(other)


def test_without_a_seed_orders_differ(thousand):
    def shuffled():
        return tuple(splits(permutation_builder(thousand).shuffle())[0])

    def split():
        return tuple(splits(permutation_builder(thousand).split_random(fixed=1))[0])

    assert len({shuffled() for _ in range(20)}) == 20
    assert len({split() for _ in range(20)}) == 20


def test_a_seed_of_any_integer_type(thousand):
    plain = splits(permutation_builder(thousand).shuffle(seed=3, clump_size=2))
    other = permutation_builder(thousand).shuffle(seed=np.uint64(3), clump_size=np.int8(2))
    assert splits(other) == plain


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"seed": -1}, ValueError, "seed must be from 0 to 2\\^64 - 1, not -1"),
        ({"seed": 2**64}, ValueError, f"not {2**64}"),
        ({"seed": 1.0}, TypeError, "seed must be an integer, not float"),
        ({"seed": "1"}, TypeError, "seed must be an integer, not str"),
        ({"clump_size": 0}, ValueError, "clump_size must be at least 1, not 0"),
        ({"clump_size": -8}, ValueError, "clump_size must be at least 1, not -8"),
        ({"clump_size": 1.5}, TypeError, "clump_size must be an integer"),
    ],
    ids=str,
)
def test_seeds_and_clumps_are_checked_at_the_call(thousand, how, error, message):
    with pytest.raises(error, match=message):
        permutation_builder(thousand).shuffle(**how)
    with pytest.raises(error, match=message):
        permutation_builder(thousand).split_random(fixed=2, **how)
    with pytest.raises(error, match=message):
        Permutation.shuffled(thousand, **how)


# -------------------------------------------------------------------------------------- clumps
@pytest.mark.parametrize("clump", [1, 2, 7, 100, 999])
def test_clumps_stay_together(thousand, clump):
    rows = splits(permutation_builder(thousand).shuffle(seed=3, clump_size=clump))[0]
    assert sorted(rows) == list(range(1000))
    clumps = []
    while rows:
        length = min(clump, 1000 - rows[0])  # only the last one is shorter, wherever it comes
        assert rows[0] % clump == 0
        assert rows[:length] == list(range(rows[0], rows[0] + length))
        clumps.append(rows[0])
        rows = rows[length:]
    assert len(clumps) < 5 or clumps != sorted(clumps)


def test_clumps_of_one_row_and_of_all(thousand):
    plain = splits(permutation_builder(thousand).shuffle(seed=3))
    assert splits(permutation_builder(thousand).shuffle(seed=3, clump_size=1)) == plain
    for clump in (1000, 1001, 2**63, 2**70):
        rows = splits(permutation_builder(thousand).shuffle(seed=3, clump_size=clump))
        assert rows == {0: list(range(1000))}


def test_clumps_are_of_the_filtered_rows(thousand):
    builder = permutation_builder(thousand).filter("id % 10 = 0").shuffle(seed=1, clump_size=5)
    rows = splits(builder)[0]
    assert sorted(rows) == list(range(0, 1000, 10))
    for start in range(0, 100, 5):
        assert rows[start] % 50 == 0
        assert rows[start : start + 5] == [rows[start] + 10 * i for i in range(5)]


def test_clumps_end_where_a_split_ends(thousand):
    found = splits(permutation_builder(thousand).split_random(counts=[255], seed=2, clump_size=10))
    assert len(found[0]) == 255
    assert [row % 10 for row in found[0]] == [*range(10)] * 25 + [*range(5)]


# ------------------------------------------------------------------------------------- shuffle
@pytest.mark.parametrize("split", SPLITS)
def test_a_shuffle_changes_the_order_of_a_split_alone(thousand, split):
    before = splits(SPLITS[split](permutation_builder(thousand)))
    after = splits(SPLITS[split](permutation_builder(thousand)).shuffle(seed=4))
    first = splits(SPLITS[split](permutation_builder(thousand).shuffle(seed=4)))
    assert after == first  # whichever is called first
    assert {number: set(rows) for number, rows in after.items()} == {
        number: set(rows) for number, rows in before.items()
    }
    assert all(after[number] != rows for number, rows in before.items())


# -------------------------------------------------------------------------------------- hashes
def test_equal_values_are_in_the_same_split(thousand):
    found = splits(permutation_builder(thousand).split_hash(["word"], [1, 1, 1]))
    split_of = {}
    for split, rows in found.items():
        for row in rows:
            assert split_of.setdefault(row % 17, split) == split
    assert len(split_of) == 17


# Pinned: a row must not change its split, whichever version of pilum splits it.
def test_a_hash_split_is_fixed(thousand):
    words = permutation_builder(thousand).split_hash(["word"], [1, 1], discard_weight=1)
    assert {split: sorted({row % 17 for row in rows}) for split, rows in splits(words).items()} == {
        0: [0, 3, 5, 8, 9, 12, 13, 15],
        1: [1, 7, 14, 16],
    }
    both = permutation_builder(counting(8)).split_hash(["id"], [3, 1])
    assert splits(both) == {0: [1, 2, 5, 6, 7], 1: [0, 3, 4]}


@given(
    rows=st.lists(st.sampled_from([None, "a", "b", "c", "d", "e"]), min_size=1, max_size=30),
    more=st.lists(st.sampled_from([None, "a", "b", "c", "d", "e", "f"]), max_size=30),
    weights=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    discard=st.none() | st.integers(0, 5),
)
def test_a_row_stays_in_its_split_whatever_rows_there_are(rows, more, weights, discard):
    def by_value(values):
        table = make(pa.table({"word": pa.array(values, pa.string())}))
        builder = permutation_builder(table).split_hash(["word"], weights, discard_weight=discard)
        found = splits(builder)
        assert set(found) <= set(range(len(weights)))
        listed = [row for rows in found.values() for row in rows]
        assert len(set(listed)) == len(listed)
        if not discard:
            assert sorted(listed) == list(range(len(values)))
        split_of = {row: split for split, rows in found.items() for row in rows}
        return {value: split_of.get(row) for row, value in enumerate(values)}

    before, after = by_value(rows), by_value(rows + more)
    assert {value: after[value] for value in before} == before


def test_weights_are_shares():
    table = counting(20_000)
    found = splits(permutation_builder(table).split_hash(["id"], [8, 1], discard_weight=1))
    for split, share in enumerate([0.8, 0.1]):
        assert len(found[split]) == pytest.approx(20_000 * share, rel=0.1)


@pytest.mark.parametrize(
    ("columns", "weights", "options", "error", "message"),
    [
        ([], [1], {}, ValueError, "columns must not be empty"),
        (["id"], [], {}, ValueError, "split_weights must not be empty"),
        (["id"], [1, 0], {}, ValueError, "at least 1, not 0"),
        (["id"], [-1], {}, ValueError, "at least 1, not -1"),
        (["id"], [0.5, 0.5], {}, TypeError, "must be an integer, not float"),
        (["id"], 1, {}, TypeError, "split_weights must be a list"),
        ("id", [1], {}, TypeError, "columns must be a list, not a str"),
        (7, [1], {}, TypeError, "columns must be a list"),
        ([7], [1], {}, TypeError, "the name of a column must be a str"),
        (["nowhere"], [1], {}, ValueError, "nowhere"),
        (["id", "id"], [1], {}, ValueError, "'id' is asked for twice"),
        (["id"], [1], {"discard_weight": -1}, ValueError, "discard_weight must be at least 0"),
        (["id"], [1], {"discard_weight": 0.5}, TypeError, "discard_weight must be an integer"),
        (["id"], [1, 1], {"split_names": ["a"]}, ValueError, "1 names for 2 splits"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_hashes_are_checked_at_the_call(thousand, columns, weights, options, error, message):
    with pytest.raises(error, match=message):
        permutation_builder(thousand).split_hash(columns, weights, **options)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([[1], [2]]), "column 'x' of type list<.*> cannot decide about splits"),
        (pa.array([{"y": 1}] * 2), "column 'x' of type struct<"),
        (pa.array([[1.0, 2.0]] * 2, pa.list_(pa.float32(), 2)), "column 'x' of type fixed_size"),
    ],
)
def test_values_that_have_no_hash(column, message):
    with pytest.raises(ValueError, match=message):
        permutation_builder(make({"x": column})).split_hash(["x"], [1]).execute()


def test_splits_of_nested_columns_and_of_row_ids():
    table = make({"place": [{"x": i // 10} for i in range(100)]})
    found = splits(permutation_builder(table).split_hash(["place.x"], [1, 1]))
    assert all(len({row // 10 for row in rows}) * 10 == len(rows) for rows in found.values())
    found = splits(permutation_builder(table).split_hash(["_rowid"], [1, 1]))
    assert sorted(found[0] + found[1]) == list(range(100))
    found = splits(permutation_builder(table).split_calculated("place.x % 2"))
    assert found[1] == [row for row in range(100) if row // 10 % 2]


# ------------------------------------------------------------------------------------ calculated
def test_calculated_splits(thousand):
    builder = permutation_builder(thousand).filter("id < 9").split_calculated("(id % 3) * 2")
    assert splits(builder) == {0: [0, 3, 6], 2: [1, 4, 7], 4: [2, 5, 8]}


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint16(), pa.int64(), pa.uint64()])
def test_numbers_of_splits_of_every_integer_type(kind):
    table = make({"n": pa.array([1, 0, 1], kind)})
    assert splits(permutation_builder(table).split_calculated("n")) == {0: [1], 1: [0, 2]}


@pytest.mark.parametrize(
    ("calculation", "message"),
    [
        ("id - 5", "'id - 5' is -5 for the row with id 0"),
        ("CASE WHEN id < 3 THEN 0 END", "is null for the row with id 3"),
        ("id * 0.5", "must be an integer, but 'id \\* 0.5' is double"),
        ("word", "must be an integer, but 'word' is string"),
    ],
)
def test_numbers_of_splits_that_are_none(thousand, calculation, message):
    with pytest.raises(ValueError, match=message):
        permutation_builder(thousand).split_calculated(calculation).execute()


def test_calculations_and_filters_are_checked_at_the_call(thousand):
    builder = permutation_builder(thousand)
    for call, argument, error, message in [
        (builder.split_calculated, "nowhere % 2", ValueError, "nowhere"),
        (builder.split_calculated, "id %", ValueError, "SQL"),
        (builder.split_calculated, 5, TypeError, "calculation must be a str"),
        (builder.filter, "nowhere = 2", ValueError, "nowhere"),
        (builder.filter, "id + 1", ValueError, "boolean"),
        (builder.filter, " ", ValueError, "empty"),
        (builder.filter, 5, TypeError, "filter must be SQL in a str"),
    ]:
        with pytest.raises(error, match=message):
            call(argument)
    assert splits(builder) == {0: list(range(1000))}  # what failed has changed nothing


def test_names_of_calculated_splits(thousand):
    names = ["a", "b", "c", "d"]
    for given_names, fits in [(names[:2], False), (names[:3], True), (names, True), ([], True)]:
        builder = permutation_builder(thousand).split_calculated("id % 3", given_names)
        if fits:
            metadata = builder.execute().schema.metadata
            assert json.loads(metadata.get(b"split_names", b"[]")) == given_names
        else:
            with pytest.raises(ValueError, match="2 names for 3 splits"):
                builder.execute()
