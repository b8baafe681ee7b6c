"""Rows and batches of a Permutation: positions, windows, repeats, exact batches, threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pilum
from permutations import make
from pilum.permutation import Permutation, permutation_builder

ROWS = 500


def listed(table: pilum.Table, split: int | None = None) -> Permutation:
    builder = permutation_builder(table).split_random(counts=[300, 100], seed=1)
    return Permutation.from_tables(table, builder.execute(), split)


ORDERS = {
    "identity": Permutation.identity,
    "shuffled": lambda table: Permutation.shuffled(table, seed=1, clump_size=3),
    "split 0": listed,
    "split 1": lambda table: listed(table, 1),
}


@pytest.fixture(scope="module", params=["one file", "deletions", "stable row ids"])
def table(request, tmp_path_factory) -> pilum.Table:
    """ROWS rows, whose column `a` is their number in storage order."""
    if request.param == "one file":
        return make({"a": range(ROWS)})
    folder = tmp_path_factory.mktemp("tables")
    rows = pa.table({"a": range(2 * ROWS)})
    stable = request.param == "stable row ids"
    pilum.write_dataset(
        rows, folder / "t.lance", max_rows_per_file=130, enable_stable_row_ids=stable
    )
    table = pilum.connect(folder)["t"]
    table.delete("a % 2 = 1")
    table.update("a < 300", values_sql={"a": "-a"})  # moves these rows to the end
    if stable:
        table.optimize()
    in_order = table.to_arrow()["a"].to_pylist()
    assert sorted(in_order) != in_order
    assert len(in_order) == ROWS
    return table


@pytest.fixture(params=ORDERS)
def permutation(table, request) -> Permutation:
    return ORDERS[request.param](table)


def values(rows: list[dict]) -> list[int]:
    return [row["a"] for row in rows]


def everything(permutation: Permutation) -> list[int]:
    return [value for batch in permutation.iter(64) for value in values(batch)]


def test_orders_have_each_row_once(table):
    stored = table.to_arrow()["a"].to_pylist()
    assert everything(ORDERS["identity"](table)) == stored
    shuffled = everything(ORDERS["shuffled"](table))
    assert shuffled != stored
    assert sorted(shuffled) == sorted(stored)
    first, second = everything(listed(table, 0)), everything(listed(table, 1))
    assert (len(first), len(second)) == (300, 100)
    assert set(first).isdisjoint(second)
    assert set(first + second) < set(stored)


# -------------------------------------------------------------------------------------- by position
def test_rows_by_position(permutation):
    rows = everything(permutation)
    wanted = [7, 0, len(rows) - 1, 7]
    expected = [rows[i] for i in wanted]
    for take in (permutation.__getitems__, permutation.take_offsets):
        assert values(take(wanted)) == expected
    assert values(permutation[5]) == [rows[5]]
    assert values(permutation[-2]) == [rows[-2]]
    assert values(permutation[np.int64(5)]) == [rows[5]]
    assert values(permutation[10:50:3]) == rows[10:50:3]
    assert values(permutation[::-1]) == rows[::-1]
    assert values(permutation[[3, 1]]) == [rows[3], rows[1]]


@pytest.mark.parametrize(
    "rows",
    [(3, 1, 3), range(3, 0, -1), np.array([3, 1]), np.array([3, 1], np.uint16), pa.array([3, 1])],
    ids=["tuple", "range", "int64 array", "uint16 array", "arrow array"],
)
def test_positions_of_any_kind(table, rows):
    shuffled = Permutation.shuffled(table, seed=1)
    order = everything(shuffled)
    expected = [order[int(i)] for i in (rows.to_pylist() if isinstance(rows, pa.Array) else rows)]
    assert values(shuffled.__getitems__(rows)) == expected
    if not isinstance(rows, pa.Array):
        assert values(shuffled[rows]) == expected


def test_positions_in_a_tensor(table):
    torch = pytest.importorskip("torch")
    shuffled = Permutation.shuffled(table, seed=1)
    expected = [everything(shuffled)[i] for i in (3, 1)]
    assert values(shuffled.__getitems__(torch.tensor([3, 1]))) == expected
    assert values(shuffled[torch.tensor([3, 1])]) == expected
    assert values(shuffled[torch.tensor(3)]) == expected[:1]
    assert table[torch.tensor([3, 1])].num_rows == 2


def test_no_positions(permutation):
    assert permutation.__getitems__([]) == []
    batch = permutation.with_format("arrow").__getitems__([])
    assert (batch.num_rows, batch.schema) == (0, permutation.schema)


def test_positions_that_do_not_exist(permutation):
    rows = len(permutation)
    for bad in (rows, -1, 2**31, 2**63, 2**64, -(2**63), 10**30):
        with pytest.raises(IndexError, match=str(bad)) as caught:
            permutation.__getitems__([0, bad])
        assert caught.type is pilum.RowNotFoundError
    for bad in (rows, -rows - 1, 10**30):
        with pytest.raises(IndexError, match=f"there is no row {bad}: the permutation has {rows}"):
            permutation[bad]


@pytest.mark.parametrize("bad", ["1", [1.5], ["1"], [None], None, 3.0, [[1]]])
def test_positions_of_the_wrong_kind(table, bad):
    with pytest.raises(TypeError):
        Permutation.identity(table).__getitems__(bad)
    with pytest.raises(TypeError):
        Permutation.identity(table)[bad]


def test_from_many_threads(permutation):
    """All begin at once, some with new columns and formats."""
    rows = everything(permutation)

    def read(i: int) -> list[int]:
        places = [(i * 7 + j) % len(rows) for j in range(20)]
        if i % 3 == 0:
            batch = permutation.with_format("arrow").__getitems__(places)
            found = batch["a"].to_pylist()
        elif i % 3 == 1:
            found = values(permutation.select_columns(["a"]).__getitems__(places))
        else:
            found = values(permutation.__getitems__(places))
        assert found == [rows[place] for place in places]
        return found

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(read, range(120)))) == 120


# ----------------------------------------------------------------------------------------- windows
def test_skip_and_take(permutation):
    rows = everything(permutation)
    window = permutation.with_skip(5).with_take(3)
    assert (len(window), everything(window)) == (3, rows[5:8])
    assert values(window.__getitems__([0, 2])) == [rows[5], rows[7]]
    assert values(window[-1]) == [rows[7]]
    with pytest.raises(IndexError):
        window.__getitems__([-1])
    for bad in ([3], [0, 100]):
        with pytest.raises(IndexError, match="the permutation has 3 rows"):
            window.__getitems__(bad)


WINDOWS = st.lists(st.tuples(st.sampled_from(["skip", "take"]), st.integers(0, 120)), max_size=6)


@given(windows=WINDOWS, deprecated=st.booleans())
def test_windows_compose_like_slices(windows, deprecated):
    permutation, rows = WINDOWED
    for what, count in windows:
        change = getattr(permutation, what if deprecated else f"with_{what}")
        if count > len(rows):
            with pytest.raises(ValueError, match=f"cannot {what} {count} rows: .* has {len(rows)}"):
                change(count)
            continue
        permutation = change(count)
        rows = rows[count:] if what == "skip" else rows[:count]
    assert (len(permutation), everything(permutation)) == (len(rows), rows)
    assert values(permutation.__getitems__(range(len(rows)))) == rows


def _windowed() -> tuple[Permutation, list[int]]:
    permutation = Permutation.shuffled(make({"a": range(120)}), seed=1)
    return permutation, everything(permutation)


WINDOWED = _windowed()


@pytest.mark.parametrize(("bad", "error"), [(-1, ValueError), (1.0, TypeError), (None, TypeError)])
def test_windows_of_no_size(table, bad, error):
    identity = Permutation.identity(table)
    for change in (identity.with_skip, identity.with_take, identity.skip, identity.take):
        with pytest.raises(error):
            change(bad)


def test_repeats(permutation):
    rows = everything(permutation.with_take(10))
    twice = permutation.with_take(10).with_repeat(2)
    assert (len(twice), twice.shape) == (20, (20, 1))
    assert everything(twice) == rows * 2
    assert values(twice.__getitems__([0, 10, 19])) == [rows[0], rows[0], rows[9]]
    assert [len(batch) for batch in twice.iter(7)] == [7, 7, 6]
    assert everything(twice.with_repeat(3)) == rows * 6
    assert everything(permutation.with_take(10).repeat(1)) == rows
    with pytest.raises(IndexError, match="has 20 rows"):
        twice.__getitems__([20])
    for change in (twice.with_take, twice.with_skip):
        with pytest.raises(ValueError, match="rows after a repeat"):
            change(3)


def test_repeats_that_are_too_many_or_none(table):
    identity = Permutation.identity(table)
    most = identity.with_repeat((2**63 - 1) // ROWS)
    assert values(most[-1]) == values(identity[-1])
    for change in (identity.with_repeat, most.with_repeat):
        with pytest.raises(ValueError, match=r"cannot be repeated .* times"):
            change(2**62)
    for bad, error in [(0, ValueError), (-1, ValueError), (1.5, TypeError)]:
        with pytest.raises(error, match="times"):
            identity.with_repeat(bad)
    assert everything(identity.with_take(0).with_repeat(2**63)) == []


# ----------------------------------------------------------------------------------------- batches
@pytest.mark.parametrize("size", [1, 7, 100, 130, 250, ROWS, 10**6])
def test_batches_have_exactly_their_size(permutation, size):
    rows = everything(permutation)
    batches = [values(batch) for batch in permutation.iter(size)]
    assert batches == [rows[i : i + size] for i in range(0, len(rows), size)]
    whole = [values(batch) for batch in permutation.iter(size, skip_last_batch=True)]
    assert whole == [batch for batch in batches if len(batch) == size]


def test_batches_of_large_rows():
    """They are read a few at a time, and cut as if they were not."""
    blobs = [bytes([i]) * (1 << 20) for i in range(30)]
    identity = Permutation.identity(make({"a": pa.array(blobs, pa.large_binary())}))
    assert [len(batch) for batch in identity.iter(7)] == [7, 7, 7, 7, 2]
    assert [row["a"] for batch in identity.iter(4) for row in batch] == blobs


def test_iteration_leaves_a_last_batch_out_that_is_not_full(permutation):
    rows = everything(permutation)
    batches = list(permutation.with_batch_size(64))
    assert {len(batch) for batch in batches} == {64}
    assert [value for batch in batches for value in values(batch)] == rows[: len(rows) // 64 * 64]
    assert [len(batch) for batch in permutation] == [100] * (len(rows) // 100)
    assert list(permutation.with_take(99)) == []
    assert len(list(permutation.with_take(99).iter(100))) == 1


def test_iterators_do_not_disturb_each_other(permutation):
    first, second = permutation.iter(10), permutation.iter(10)
    next(first)
    assert next(second) == permutation.__getitems__(range(10))
    assert next(first) == permutation.__getitems__(range(10, 20))


@pytest.mark.parametrize(("bad", "error"), [(0, ValueError), (-5, ValueError), (2.5, TypeError)])
def test_batch_sizes_are_checked_at_the_call(permutation, bad, error):
    with pytest.raises(error, match="batch_size"):
        permutation.iter(bad)
