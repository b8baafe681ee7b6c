"""pilum.torch.sampler: which rows each rank reads."""

import itertools
import math
import pickle
import subprocess
import sys
import warnings

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pilum
from pilum.torch.rounds import Rounds
from pilum.torch.sampler import (
    FragmentSampler,
    FullScanSampler,
    Sampler,
    ShardedBatchSampler,
    ShardedFixedBatchSampler,
    ShardedFragmentSampler,
    maybe_sample,
)

ROWS, FRAGMENT = 100, 30

rows = st.integers(0, 200)
sizes = st.integers(1, 20)
worlds = st.integers(1, 7)
seeds = st.integers(0, 2**40)


@pytest.fixture(scope="module")
def uri(tmp_path_factory) -> str:
    """Rows with the id and its double, in fragments of 30, 30, 30 and 10."""
    path = tmp_path_factory.mktemp("tables") / "ids.lance"
    table = pa.table({"id": range(ROWS), "double": pa.array(range(0, 2 * ROWS, 2), pa.int32())})
    pilum.write_dataset(table, path, max_rows_per_file=FRAGMENT)
    return str(path)


@pytest.fixture
def dataset(uri) -> pilum.Dataset:
    return pilum.dataset(uri)


def ids(batches) -> list[list[int]]:
    return [batch["id"].to_pylist() for batch in batches]


def flat(lists) -> list[int]:
    return list(itertools.chain.from_iterable(lists))


def dealt(rounds: Rounds) -> list[list[list[int]]]:
    """For each rank its batches."""
    everything = range(rounds.rows)
    return [
        [list(rounds.share(number, rank, everything)) for number in range(len(rounds))]
        for rank in range(rounds.world_size)
    ]


# ------------------------------------------------------------------------------------------ rounds
@given(rows=rows, size=sizes, world=worlds, by_row=st.booleans())
def test_ranks_are_disjoint_and_make_the_same_steps(rows, size, world, by_row):
    shares = dealt(Rounds(rows, size, world, by_row))
    read = flat(flat(shares))
    assert len({len(share) for share in shares}) == 1
    assert sorted(read) == list(range(len(read)))  # no row twice, and only the last are left out
    assert rows - len(read) < size * world
    assert all(0 < len(batch) <= size for share in shares for batch in share)
    assert all(len(batch) == size for share in shares for batch in share[:-1])
    if world == 1:
        assert len(read) == rows


@given(rows=rows, size=sizes, world=worlds, by_row=st.booleans())
def test_padding_leaves_nothing_out(rows, size, world, by_row):
    shares = dealt(Rounds(rows, size, world, by_row, pad=True))
    read = flat(flat(shares))
    assert len(shares[0]) == math.ceil(rows / (size * world))
    assert all(len(batch) == size for share in shares for batch in share)
    assert set(read) == set(range(rows))
    repeated = [row for row in set(read) if read.count(row) > 1]
    if rows >= size * world:
        assert repeated == list(range(len(read) - rows))  # those from the beginning, once


@given(rows=rows, size=sizes, world=worlds, by_row=st.booleans())
def test_a_round_is_the_same_rows_for_any_number_of_ranks(rows, size, world, by_row):
    many = dealt(Rounds(rows, size, world, by_row, drop_last=True))
    [one] = dealt(Rounds(rows, size * world, 1, drop_last=True))
    assert len(one) == rows // (size * world)
    for number, batch in enumerate(one):
        assert sorted(flat(share[number] for share in many)) == batch


# --------------------------------------------------------------------------------- batch samplers
def batches_of_ranks(dataset, world, size=7, **options):
    """What all ranks get when the sampler is called."""
    call = {name: options.pop(name) for name in ("filter", "columns") if name in options}
    samplers = [ShardedBatchSampler(rank, world, **options) for rank in range(world)]
    return [ids(sampler(dataset, batch_size=size, **call)) for sampler in samplers]


def test_called_it_reads_every_nth_batch(dataset):
    first, second = batches_of_ranks(dataset, 2)
    assert first == [list(range(start, start + 7)) for start in range(0, 98, 14)]
    assert second == [list(range(start, start + 7)) for start in range(7, 98, 14)]


def test_called_with_a_filter_it_reads_every_nth_match(dataset):
    shares = batches_of_ranks(dataset, 3, filter="id % 2 = 1")
    matches = list(range(1, ROWS, 2))
    assert [flat(share) for share in shares] == [matches[rank::3] for rank in range(3)]
    assert [[len(batch) for batch in share] for share in shares] == [
        [7, 7, 3],
        [7, 7, 3],
        [7, 7, 2],
    ]


@pytest.mark.parametrize("filter", ["id = 3", "id > 1000", "id IN (1, 2, 3)"])
@pytest.mark.parametrize("world", [1, 2, 5])
def test_few_matches_or_none(dataset, filter, world):
    matches = dataset.count_rows(filter)
    shares = batches_of_ranks(dataset, world, filter=filter)
    assert len(flat(flat(shares))) == (matches if matches >= world else 0)
    padded = batches_of_ranks(dataset, world, filter=filter, pad=True)
    assert {len(flat(share)) for share in padded} == {7 if matches else 0}


def test_nothing_but_the_last_round_is_lost(dataset):
    assert flat(flat(batches_of_ranks(dataset, 2)))[-1] == 97
    assert sorted(flat(flat(batches_of_ranks(dataset, 3)))) == list(range(ROWS))  # 7, 7 and 2
    padded = flat(flat(batches_of_ranks(dataset, 3, pad=True)))
    assert sorted(padded) == sorted([*range(ROWS), *range(5)])
    assert len(flat(flat(batches_of_ranks(dataset, 2, size=8)))) == 96
    assert flat(flat(batches_of_ranks(dataset, 1, size=8))) == list(range(ROWS))
    dropped = flat(flat(batches_of_ranks(dataset, 1, size=8, drop_last=True)))
    assert dropped == list(range(96))


def test_random_order_of_calls(dataset):
    plain = batches_of_ranks(dataset, 2)
    sampler = ShardedBatchSampler(1, 2, randomize=True, seed=3)
    first = ids(sampler(dataset, batch_size=7))
    assert first != plain[1]
    assert sorted(first) == plain[1]
    assert ids(sampler(dataset, batch_size=7)) == first
    assert ids(ShardedBatchSampler(1, 2, randomize=True, seed=3)(dataset, batch_size=7)) == first
    sampler.set_epoch(1)
    second = ids(sampler(dataset, batch_size=7))
    assert second != first
    assert sorted(second) == plain[1]
    assert ids(ShardedBatchSampler(1, 2, randomize=True, seed=4)(dataset, batch_size=7)) != first
    with_filter = ids(sampler(dataset, batch_size=7, filter="id >= 0"))
    sampler.set_epoch(2)
    assert ids(sampler(dataset, batch_size=7, filter="id >= 0")) != with_filter


def test_a_short_batch_stays_last_in_random_order(dataset):
    for seed in range(5):
        sampler = ShardedBatchSampler(0, 1, randomize=True, seed=seed)
        batches = ids(sampler(dataset, batch_size=30))
        assert batches[-1] == list(range(90, 100))


@pytest.mark.parametrize("ahead", [0, 1, 2, 3, 16, 100])
def test_read_ahead_changes_nothing(dataset, ahead):
    sampler = ShardedBatchSampler(0, 2)
    got = ids(sampler(dataset, batch_size=7, batch_readahead=ahead))
    assert got == batches_of_ranks(dataset, 2)[0]


def test_columns_and_row_ids(dataset):
    sampler = ShardedBatchSampler(0, 2)
    for filter in (None, "id < 80"):
        batches = sampler(
            dataset, batch_size=10, columns={"next": "id + 1"}, filter=filter, with_row_id=True
        )
        table = pa.Table.from_batches(batches)
        assert table.column_names == ["next", "_rowid"]
        expected = dataset.to_table(columns={"next": "id + 1"}, with_row_id=True).to_pylist()
        assert all(row in expected for row in table.to_pylist())


def test_a_call_that_is_not_read_to_its_end(dataset):
    batches = ShardedBatchSampler(0, 2)(dataset, batch_size=1)
    assert next(batches)["id"].to_pylist() == [0]
    batches.close()


# ------------------------------------------------------------------------------ fragment samplers
def test_full_scan(dataset):
    batches = FullScanSampler()(dataset, batch_size=16, columns=["id"], with_row_id=True)
    table = pa.Table.from_batches(list(batches))
    assert table.column_names == ["id", "_rowid"]
    assert table["id"].to_pylist() == list(range(ROWS))
    assert [len(b) for b in ids(FullScanSampler()(dataset, batch_size=16))] == [16] * 6 + [4]


def test_fragments_of_a_rank(dataset):
    shares = [flat(ids(ShardedFragmentSampler(rank, 2)(dataset))) for rank in range(2)]
    assert shares == [[*range(30), *range(60, 90)], [*range(30, 60), *range(90, 100)]]


def test_fragments_in_random_order(dataset):
    def order(epoch, rank=0, world=1):
        sampler = ShardedFragmentSampler(rank, world, randomize=True, seed=5)
        sampler.set_epoch(epoch)
        return [f.fragment_id for f in sampler.iter_fragments(dataset)]

    orders = [order(epoch) for epoch in range(8)]
    assert all(sorted(o) == [0, 1, 2, 3] for o in orders)
    assert len(set(map(tuple, orders))) > 3
    for epoch in range(8):
        assert sorted(order(epoch, 0, 2) + order(epoch, 1, 2)) == [0, 1, 2, 3]
    sampler = ShardedFragmentSampler(0, 1, randomize=True, seed=5)
    read = flat(ids(sampler(dataset, batch_size=8)))
    starts = [FRAGMENT * number for number in orders[0]]
    assert read == flat(range(start, min(start + FRAGMENT, ROWS)) for start in starts)


@given(size=st.integers(1, 40), world=st.integers(1, 7), workers=st.integers(1, 3))
def test_padded_fragments_give_equal_numbers_of_full_batches(uri, size, world, workers):
    dataset = pilum.dataset(uri)
    counts, read = [], set()
    for rank in range(world):
        shares = [
            ids(ShardedFragmentSampler(rank, world, pad=True).for_worker(w, workers)(
                dataset, batch_size=size
            ))
            for w in range(workers)
        ]  # fmt: skip
        counts.append([len(share) for share in shares])
        assert all(len(batch) == size for share in shares for batch in share)
        read.update(flat(flat(shares)))
    assert all(count == counts[0] for count in counts)
    assert read == set(range(ROWS))


@pytest.mark.parametrize("filter", ["id < 35", "id > 1000", "id = 95"])
def test_padded_fragments_with_a_filter(dataset, filter):
    shares = [
        ids(ShardedFragmentSampler(rank, 3, pad=True)(dataset, batch_size=4, filter=filter))
        for rank in range(3)
    ]
    matches = ids(dataset.to_batches(filter=filter))
    assert len({len(share) for share in shares}) == 1
    assert set(flat(flat(shares))) == set(flat(matches))


def test_unequal_fragments_are_a_warning_with_the_numbers(dataset):
    sampler = ShardedFragmentSampler(1, 2)
    with pytest.warns(UserWarning, match=r'6, 4\b.*shard_granularity="batch".*pad=True'):
        list(sampler(dataset, batch_size=10))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(sampler(dataset, batch_size=10))  # it is said once
        list(ShardedFragmentSampler(1, 2)(dataset, batch_size=60))  # one batch each
        list(ShardedFragmentSampler(0, 2, pad=True)(dataset, batch_size=10))
        list(FullScanSampler()(dataset, batch_size=10))


def test_samplers_of_ones_own(dataset):
    class LastFirst(FragmentSampler):
        def iter_fragments(self, dataset, **options):
            yield from reversed(dataset.get_fragments())

    read = flat(ids(LastFirst()(dataset, batch_size=16)))
    assert read == [*range(90, 100), *range(60, 90), *range(30, 60), *range(30)]
    for kind in (Sampler, FragmentSampler):
        with pytest.raises(TypeError, match="abstract"):
            kind()


# ---------------------------------------------------------------------------- lists of row numbers
def test_rows_of_the_ranks_in_one_stretch():
    shares = [
        list(ShardedFixedBatchSampler(rank, 4, batch_size=100, total_num_rows=1000))
        for rank in range(4)
    ]
    assert shares[0] == [list(range(100)), list(range(100, 200)), list(range(200, 250))]
    assert shares[3] == [list(range(750, 850)), list(range(850, 950)), list(range(950, 1000))]
    assert len(ShardedFixedBatchSampler(3, 4, batch_size=100, total_num_rows=1000)) == 3


@given(rows=rows, size=sizes, world=worlds, seed=seeds)
def test_fixed_batches_are_disjoint_and_complete(rows, size, world, seed):
    read = []
    for rank in range(world):
        sampler = ShardedFixedBatchSampler(
            rank, world, True, seed, batch_size=size, total_num_rows=rows
        )
        batches = list(sampler)
        assert len(sampler) == math.ceil(math.ceil(rows / world) / size)
        assert len(batches) <= len(sampler)
        if math.ceil(rows / world) * (rank + 1) <= rows:
            assert len(batches) == len(sampler)
        read += flat(batches)
    assert sorted(read) == list(range(rows))


@given(rows=st.integers(1, 200), size=sizes, world=worlds)
def test_padded_fixed_batches_are_equal(rows, size, world):
    read = set()
    for rank in range(world):
        sampler = ShardedFixedBatchSampler(
            rank, world, batch_size=size, total_num_rows=rows, pad=True
        )
        batches = list(sampler)
        assert [len(batch) for batch in batches] == [size] * len(sampler)
        read.update(flat(batches))
    assert read == set(range(rows))


def test_fixed_batches_in_random_order(dataset):
    sampler = ShardedFixedBatchSampler(1, 2, True, batch_size=4, total_num_rows=100)
    first = list(sampler)
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert list(sampler) != first
    assert sorted(sampler) == sorted(first)
    plain = ShardedFixedBatchSampler(1, 2, batch_size=4, total_num_rows=100)
    assert ids(plain(dataset, batch_size=7)) == batches_of_ranks(dataset, 2)[1]


def test_fixed_batches_of_nothing():
    assert len(ShardedFixedBatchSampler(0, 1)) == 0
    assert list(ShardedFixedBatchSampler(0, 1)) == []
    assert list(ShardedFixedBatchSampler(0, 1, batch_size=5)) == []
    assert list(ShardedFixedBatchSampler(0, 1, batch_size=5, pad=True)) == []


# ---------------------------------------------------------------------------------- random samples
def test_a_random_sample(uri):
    for most in (2048, 5):  # rows in random order, and in storage order
        batches = ids(maybe_sample(uri, 20, ["id"], batch_size=7, max_takes=most))
        assert [len(batch) for batch in batches] == [7, 7, 6]
        assert len(set(flat(batches))) == 20
    assert flat(batches) == sorted(flat(batches))
    assert flat(ids(maybe_sample(uri, 20, "id"))) != flat(ids(maybe_sample(uri, 20, "id")))


@pytest.mark.parametrize("n", [ROWS, ROWS + 1])
def test_a_sample_of_everything(uri, n):
    batches = ids(maybe_sample(uri, n, ["id"], batch_size=16))
    assert flat(batches) == list(range(ROWS))
    assert [len(batch) for batch in batches] == [16] * 6 + [4]


def test_a_sample_of_what_is_not_null(tmp_path):
    values = [i if i % 3 else None for i in range(90)]
    pilum.write_dataset(pa.table({"id": values}), tmp_path / "t.lance", max_rows_per_file=40)
    read = flat(ids(maybe_sample(tmp_path / "t.lance", 40, ["id"], filt="`id` Is Not NULL ")))
    assert len(set(read)) == 40
    assert None not in read
    assert (
        len(flat(ids(maybe_sample(tmp_path / "t.lance", 60, ["id"], filt="id IS NOT NULL")))) == 60
    )
    for filt in ("id > 3", "id is not null and id > 3", "id is null"):
        with pytest.raises(NotImplementedError, match="null"):
            maybe_sample(tmp_path / "t.lance", 5, ["id"], filt=filt)


# --------------------------------------------------------------------------------- wrong arguments
SHARDED = [ShardedBatchSampler, ShardedFragmentSampler, ShardedFixedBatchSampler]


@pytest.mark.parametrize("kind", SHARDED)
@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ((2, 2), {}, ValueError),
        ((-1, 2), {}, ValueError),
        ((0, 0), {}, ValueError),
        ((8, 0), {}, ValueError),
        ((True, 2), {}, TypeError),
        ((0, True), {}, TypeError),
        (("0", 2), {}, TypeError),
        ((0.0, 2), {}, TypeError),
        ((0, 2.0), {}, TypeError),
        ((0, 2, 7), {}, TypeError),
        ((0, 2), {"randomize": 1}, TypeError),
        ((0, 2), {"seed": "x"}, TypeError),
        ((0, 2), {"seed": -1}, ValueError),
        ((0, 2), {"pad": 1}, TypeError),
        ((0, 2, False, 0, 0, 0, True), {}, TypeError),
    ],
)
def test_wrong_arguments(kind, arguments, options, error):
    with pytest.raises(error):
        kind(*arguments, **options)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"batch_size": 0, "total_num_rows": 5}, ValueError),
        ({"batch_size": -1}, ValueError),
        ({"total_num_rows": -1}, ValueError),
    ],
)
def test_wrong_sizes_of_fixed_batches(options, error):
    with pytest.raises(error):
        ShardedFixedBatchSampler(0, 1, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ((), {}, ValueError),
        ((), {"rank": 0}, ValueError),
        ((), {"world_size": 2}, ValueError),
        ((0,), {}, ValueError),
        ((0, 2), {"rank": 1}, TypeError),
        (([1, 2],), {}, TypeError),
        (("table.lance",), {}, TypeError),
        ((0, 2), {"pad": True, "drop_last": True}, ValueError),
        ((0, 2), {"drop_last": 1}, TypeError),
    ],
)
def test_wrong_arguments_of_the_batch_sampler(arguments, options, error):
    with pytest.raises(error):
        ShardedBatchSampler(*arguments, **options)


def test_ranks_by_name(dataset):
    sampler = ShardedBatchSampler(rank=1, world_size=2)
    assert ids(sampler(dataset, batch_size=7)) == batches_of_ranks(dataset, 2)[1]


def test_made_with_a_rank_it_has_no_rows(dataset):
    for use in (len, list):
        with pytest.raises(TypeError, match=r"ShardedBatchSampler\(dataset\)"):
            use(ShardedBatchSampler(0, 2))
    with pytest.raises(TypeError, match="Dataset"):
        ShardedBatchSampler(dataset)  # of pilum, not of PyTorch


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"batch_size": 1.5},
        {"columns": ["nowhere"]},
        {"columns": "id"},
        {"filter": "nowhere > 1"},
        {"filter": 3},
    ],
)
@pytest.mark.parametrize(
    "sampler",
    [
        FullScanSampler(),
        ShardedFragmentSampler(0, 2),
        ShardedFragmentSampler(0, 2, pad=True),
        ShardedBatchSampler(0, 2),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_wrong_arguments_of_a_call(dataset, sampler, options):
    with pytest.raises((ValueError, TypeError)):
        sampler(dataset, **options)


@pytest.mark.parametrize("epoch", [-1, "x", 1.5, None])
def test_wrong_epochs(epoch):
    for kind in SHARDED:
        with pytest.raises((ValueError, TypeError), match="epoch"):
            kind(0, 2).set_epoch(epoch)


@pytest.mark.parametrize(
    "make",
    [
        ShardedBatchSampler.from_torch,
        ShardedFragmentSampler.from_torch,
        lambda: ShardedFixedBatchSampler.from_torch(5, 100),
    ],
)
def test_without_a_process_group(make):
    with pytest.raises(ValueError, match="not been initialized"):
        make()


def test_they_pickle(dataset):
    for kind in SHARDED:
        sampler = kind(1, 2, True, 7, pad=True)
        sampler.set_epoch(3)
        copy = pickle.loads(pickle.dumps(sampler))
        assert ids(copy(dataset, batch_size=6)) == ids(sampler(dataset, batch_size=6))


def test_samplers_need_no_torch(uri):
    program = f"""import sys
sys.modules["torch"] = None
import pilum
from pilum.torch.sampler import ShardedFragmentSampler
batches = ShardedFragmentSampler(0, 2, pad=True)(pilum.dataset({uri!r}))
print(sum(batch.num_rows for batch in batches))"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("128\n", "")
