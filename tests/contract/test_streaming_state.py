"""StreamingDataset: shared by many readers, and resumed at any sample."""

import io
import itertools
import json
import re
import types

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import pilum  # noqa: E402
from pilum.streaming import StreamingDataset  # noqa: E402
from pilum.streaming.state import Progress, Share, advance  # noqa: E402

ROWS = 200


@pytest.fixture(scope="module")
def table():
    return pilum.connect("memory://").create_table("numbers", pa.table({"id": range(ROWS)}))


def ids(samples, count=None):
    return [sample["id"] for sample in itertools.islice(samples, count)]


def divisors(number):
    return [d for d in range(1, number + 1) if number % d == 0]


def part(samples, stop):
    """The first samples of a stream, and the state then."""
    live = iter(samples)
    begun = ids(live, stop)
    state = json.loads(json.dumps(samples.state_dict()))
    live.close()
    return begun, state


# --------------------------------------------------------------------------------------- elastic
KINDS = [{}, {"shuffle": False}, {"shuffle_clump_size": 5}, {"filter": "id % 3 != 1"}]


@pytest.mark.parametrize("num_splits", [48, 60])
@pytest.mark.parametrize("options", KINDS)
def test_global_batches_are_the_same_for_every_world_size(table, num_splits, options):
    """Of any batch size that the world size divides."""
    alone = ids(StreamingDataset(table, num_splits=num_splits, **options))
    assert len(set(alone)) == len(alone)
    for world_size in divisors(num_splits):
        receipts = []
        for rank in range(world_size):
            stream = StreamingDataset(
                table, num_splits=num_splits, rank=rank, world_size=world_size, **options
            )
            assert ids(stream) == alone[rank::world_size]
            receipts.append(stream.receipt())
        sum(receipts[1:], receipts[0]).verify(table)


def worker_stream(table, rank, world_size, worker, workers, **options):
    """That of one of a rank's workers."""
    info = types.SimpleNamespace(id=worker, num_workers=workers)
    return StreamingDataset(
        table, rank=rank, world_size=world_size, worker_info_override=info, **options
    )


@pytest.mark.parametrize(
    ("num_splits", "options"),
    [(12, kind) for kind in KINDS]
    + [(splits, {"shuffle_clump_size": 5, "filter": "id % 3 != 1"}) for splits in (48, 60)],
)
def test_workers_are_readers_for_every_world_size(table, num_splits, options):
    """So every group of as many global batches as there are workers is the same."""
    alone = ids(StreamingDataset(table, num_splits=num_splits, **options))
    for world_size in divisors(num_splits):
        for workers in divisors(num_splits // world_size):
            receipts = []
            for rank, worker in itertools.product(range(world_size), range(workers)):
                stream = worker_stream(
                    table, rank, world_size, worker, workers, num_splits=num_splits, **options
                )
                first = rank + world_size * worker
                assert ids(stream) == alone[first :: world_size * workers]
                receipts.append(stream.receipt())
            sum(receipts[1:], receipts[0]).verify(table)


@pytest.fixture(scope="module")
def tables():
    """Of several sizes, in fragments of 1500 rows."""
    database = pilum.connect("memory://")
    found = []
    for rows in (1000, 4001, 20_000):
        table = database.create_table(f"rows{rows}", pa.table({"id": pa.array([], pa.int64())}))
        for first in range(0, rows, 1500):
            table.add(pa.table({"id": range(first, min(first + 1500, rows))}))
        found.append(table)
    return found


@settings(max_examples=40)
@given(st.data())
def test_global_batches_of_larger_tables(tables, data):
    table = data.draw(st.sampled_from(tables))
    world_size, workers = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 3))
    readers = world_size * workers
    options = {
        "num_splits": readers * data.draw(st.integers(1, 4)),
        "shuffle": data.draw(st.booleans()),
        "shuffle_seed": data.draw(st.integers(0, 2**64 - 1)),
        "epoch": data.draw(st.integers(0, 3)),
        "shuffle_clump_size": data.draw(st.sampled_from([None, 3, 64, 2000])),
        "filter": data.draw(st.sampled_from([None, "id % 7 != 2", "id > 500"])),
    }
    whole = StreamingDataset(table, **options)
    alone = ids(whole)
    whole.receipt().verify(table)
    own = data.draw(st.integers(1, 300))  # the batch size of a rank
    batches = [[] for _ in range(len(alone) // (own * world_size))]
    receipts = []
    for rank, worker in itertools.product(range(world_size), range(workers)):
        stream = worker_stream(table, rank, world_size, worker, workers, **options)
        found = ids(stream)
        receipts.append(stream.receipt())
        for number, first in enumerate(range(0, len(found) - own + 1, own)):
            batches[number * workers + worker] += found[first : first + own]
    sum(receipts[1:], receipts[0]).verify(table)
    size = own * world_size * workers
    for number, first in enumerate(range(0, len(alone) - size + 1, size)):
        together = batches[number * workers : (number + 1) * workers]
        assert set(alone[first : first + size]) == {i for batch in together for i in batch}


@given(st.data())
def test_a_state_is_resumed_on_any_topology_at_a_global_batch(table, data):
    num_splits = data.draw(st.sampled_from([4, 6, 12]))
    sizes = divisors(num_splits)
    before, after = data.draw(st.sampled_from(sizes)), data.draw(st.sampled_from(sizes))
    alone = ids(StreamingDataset(table, num_splits=num_splits))
    steps = data.draw(st.integers(0, len(alone) // before))
    rank = data.draw(st.integers(0, before - 1))
    begun, state = part(
        StreamingDataset(table, num_splits=num_splits, rank=rank, world_size=before), steps
    )
    assert begun == alone[rank : steps * before : before]
    assert state["global_samples"] == steps * before
    rest = alone[steps * before :]
    for rank in range(after):
        stream = StreamingDataset(table, num_splits=num_splits, rank=rank, world_size=after)
        stream.load_state_dict(state)
        own = [i for i in alone if alone.index(i) % after == rank]
        assert ids(stream) == [i for i in own if i in set(rest)]


@given(st.data())
def test_merged_states_are_resumed_at_any_sample(table, data):
    before, after = data.draw(st.sampled_from([1, 2, 3])), data.draw(st.sampled_from([1, 2, 4, 6]))
    begun, states = set(), []
    for rank in range(before):
        stream = StreamingDataset(table, num_splits=12, rank=rank, world_size=before)
        samples, state = part(stream, data.draw(st.integers(0, 192 // before)))
        begun.update(samples)
        states.append(state)
    merged = StreamingDataset.merge_state_dicts(states)
    rest = []
    for rank in range(after):
        stream = StreamingDataset(table, num_splits=12, rank=rank, world_size=after)
        stream.load_state_dict(merged)
        rest += ids(stream)
    assert len(rest) + len(begun) == 192
    assert begun.isdisjoint(rest)
    assert len(set(rest)) == len(rest)


# ---------------------------------------------------------------------------------------- resume
def test_resumed_at_any_sample(table):
    options = {"num_splits": 6, "rank": 1, "world_size": 2, "shuffle_seed": 3, "epoch": 2}
    whole = ids(StreamingDataset(table, **options))
    for stop in range(len(whole) + 1):
        begun, state = part(StreamingDataset(table, **options), stop)
        stream = StreamingDataset(table, **options)
        stream.load_state_dict(state)
        assert begun + ids(stream) == whole
        assert ids(stream) == whole  # then the epoch starts over


def test_resumed_again_and_again(table):
    whole = ids(StreamingDataset(table, num_splits=4))
    found, state = [], None
    while len(found) < ROWS:
        stream = StreamingDataset(table, num_splits=4)
        if state is not None:
            stream.load_state_dict(state)
        begun, state = part(stream, 7)
        found += begun
    assert found == whole


def test_the_sample_that_was_delivered_last_counts(table):
    stream = StreamingDataset(table, num_splits=4)
    assert sum(stream.state_dict()["samples_consumed_per_split"]) == 0
    for number, _ in enumerate(stream, 1):
        state = stream.state_dict()
        assert sum(state["samples_consumed_per_split"]) == state["global_samples"] == number
    assert stream.state_dict()["samples_consumed_per_split"] == [ROWS // 4] * 4


def test_what_is_in_a_state(table):
    stream = StreamingDataset(table, num_splits=4, world_size=2, filter="id >= 0", shuffle_seed=5)
    _, state = part(stream, 5)
    assert state == {
        "shuffle_seed": 5,
        "num_splits": 4,
        "epoch": 0,
        "samples_consumed_per_split": [3, 3, 2, 2],
        "positions_consumed_per_split": [3, 3, 2, 2],
        "global_samples": 10,
        "rank": None,
        "world_size": 2,
        "shuffle": True,
        "shuffle_clump_size": None,
        "filter": ["id >= 0"],
        "table_version": 1,
        "num_rows": ROWS,
        "pack_sequences": None,
    }
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    assert torch.load(file, weights_only=True) == state


def failing(*bad):
    """A transform that fails for these numbers."""

    def transform(batch):
        numbers = batch["id"].to_pylist()
        if set(bad) & set(numbers):
            raise ValueError(bad)
        return [{"id": number} for number in numbers]

    return transform


PACKED = {
    "columns": ["tokens"],
    "pack_sequences": 8,
    "eos_id": 1,
    "pad_id": 0,
    "blocks_per_epoch": 960,
}


@pytest.mark.parametrize("num_splits", [1, 48])
@pytest.mark.parametrize(
    "options", [{}, {"transform": failing(3, 50), "on_transform_error": "skip"}, PACKED]
)
def test_states_do_not_grow(num_splits, options):
    """But for digits, neither with rows nor with how far the stream is."""
    forms = set()
    for rows in (100, 100_000):
        numbers = pa.array(range(rows), pa.int64())
        tokens = pa.array([[5, 6]], pa.list_(pa.int64())).take(pa.array([0] * rows))
        table = pilum.connect("memory://").create_table(
            "numbers", pa.table({"id": numbers, "tokens": tokens})
        )
        stream = StreamingDataset(table, num_splits=num_splits, **options)
        states = [stream.state_dict()]
        for samples in (3, 50):
            for _ in itertools.islice(stream, samples):
                pass
            states.append(stream.state_dict())
        lists = [key for key in states[0] if key.endswith("_per_split")]
        stream.load_state_dict(states[0] | {key: [10**12] * num_splits for key in lists})
        states.append(stream.state_dict())
        forms |= {re.sub("[0-9]+", "0", json.dumps(state)) for state in states}
        assert all(len(json.dumps(state)) < 600 + 60 * num_splits for state in states)
    assert len(forms) == 1


def test_states_of_other_kinds(table):
    """What LanceDB writes has fewer keys; one number may stand for all splits."""
    whole = ids(StreamingDataset(table, num_splits=4))
    stream = StreamingDataset(table, num_splits=4)
    stream.load_state_dict({"shuffle_seed": 0, "num_splits": 4, "samples_consumed_per_split": 3})
    assert ids(stream) == whole[12:]
    lists = {"samples_consumed_per_split": [3, 1, 3, 3]}
    stream.load_state_dict({"shuffle_seed": 0, "num_splits": 4, "epoch": 0, **lists})
    behind = [whole[5], whole[9]]  # of split 1, served first
    assert ids(stream) == behind + whole[12:]


# ------------------------------------------------------------------------ states that do not fit
@pytest.mark.parametrize(
    ("ours", "message"),
    [
        ({"num_splits": 8}, "num_splits mismatch: the state has 4, this dataset 8"),
        ({"shuffle_seed": 1}, "shuffle_seed mismatch: the state has 0, this dataset 1"),
        ({"shuffle": False}, "shuffle mismatch: the state has True, this dataset False"),
        ({"shuffle_clump_size": 4}, "shuffle_clump_size mismatch: the state has None"),
        ({"filter": "id > 3"}, r"filter mismatch: the state has \[\], this dataset \['id > 3'\]"),
        ({"epoch": 1}, "epoch mismatch: the state has 0, this dataset 1"),
    ],
)
def test_states_that_do_not_fit(table, ours, message):
    _, state = part(StreamingDataset(table, num_splits=4), 5)
    stream = StreamingDataset(table, **({"num_splits": 4} | ours))
    with pytest.raises(ValueError, match=message):
        stream.load_state_dict(state)


def test_a_state_of_another_version(tmp_path):
    own = pilum.connect(tmp_path).create_table("own", pa.table({"id": range(10)}))
    _, state = part(StreamingDataset(own), 3)
    own.add(pa.table({"id": range(10)}))
    with pytest.raises(ValueError, match=r"table_version mismatch.* 1.* 2; open .*checkout\(1\)"):
        StreamingDataset(own).load_state_dict(state)
    own.checkout(1)
    stream = StreamingDataset(own)
    stream.load_state_dict(state)
    assert len(ids(stream)) == 7


def test_a_state_of_another_table(table):
    """Which has the same version, and would have the same number of samples, too."""
    _, state = part(StreamingDataset(table, num_splits=48), 5)
    other = pilum.connect("memory://").create_table("other", pa.table({"id": range(ROWS + 1)}))
    stream = StreamingDataset(other, num_splits=48)
    with pytest.raises(ValueError, match="num_rows mismatch: the state has 200, this dataset 201"):
        stream.load_state_dict(state)
    del state["num_rows"]  # as LanceDB's
    stream.load_state_dict(state)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"samples_consumed_per_split": [1, 2]}, ValueError, "must be 4 numbers of at least 0"),
        ({"samples_consumed_per_split": [1, 2, 3, -1]}, ValueError, "numbers of at least 0"),
        ({"positions_consumed_per_split": ["a"] * 4}, ValueError, "numbers of at least 0"),
        ({"positions_consumed_per_split": "abcd"}, TypeError, "must be a list of integers"),
        ({"epoch": -1}, ValueError, "epoch must be at least 0"),
        (
            {"num_splits": 0},
            ValueError,
            "the state has 0 as num_splits, not a number of at least 1",
        ),
        ({"num_splits": "4"}, ValueError, "the state has '4' as num_splits"),
        ({"global_samples": None}, ValueError, "the state has None as global_samples"),
        ({"rank": 1}, ValueError, "rank must be at least 0 and less than world_size, 1, not 1"),
        ({"rank": "a"}, TypeError, "rank must be an integer"),
    ],
)
def test_damaged_states(table, change, error, message):
    _, state = part(StreamingDataset(table, num_splits=4), 5)
    with pytest.raises(error, match=message):
        StreamingDataset(table, num_splits=4).load_state_dict(state | change)


@pytest.mark.parametrize(
    "change",
    [
        {"filter": ["id > 3"]},
        {"epoch": -1},
        {"shuffle_seed": "5"},
        {"samples_consumed_per_split": [1, 2]},
        {"positions_consumed_per_split": ["a"] * 4},
    ],
)
def test_a_state_that_is_refused_changes_nothing(table, change):
    _, state = part(StreamingDataset(table, num_splits=4, shuffle_seed=5, epoch=3), 5)
    stream = StreamingDataset(table, num_splits=4, shuffle_seed=None)
    begun, before = part(stream, 7)
    with pytest.raises((ValueError, TypeError)):
        stream.load_state_dict(state | change)
    assert stream.state_dict() == before
    whole = ids(StreamingDataset(table, num_splits=4, shuffle_seed=before["shuffle_seed"]))
    assert begun + ids(stream) == whole


def test_states_of_something_else(table):
    stream = StreamingDataset(table)
    with pytest.raises(TypeError, match="a state must be a dict, not list"):
        stream.load_state_dict([])
    with pytest.raises(ValueError, match="the state has no 'shuffle_seed'"):
        stream.load_state_dict({"model": 1})
    beyond = {"shuffle_seed": 0, "num_splits": 1, "samples_consumed_per_split": [ROWS + 1]}
    stream.load_state_dict(beyond)
    with pytest.raises(ValueError, match="201 samples at place 201, but it has 200 rows"):
        next(iter(stream))


def test_states_are_not_loaded_while_iterating(table):
    stream = StreamingDataset(table)
    state = stream.state_dict()
    live = iter(stream)
    next(live)
    with pytest.raises(RuntimeError, match="while an iterator is live"):
        stream.load_state_dict(state)


def test_the_state_gives_what_was_not_given(table):
    _, state = part(StreamingDataset(table, epoch=3, shuffle_seed=4), 10)
    whole = ids(StreamingDataset(table, epoch=3, shuffle_seed=4))
    stream = StreamingDataset(table, shuffle_seed=None)
    stream.load_state_dict(state)
    assert ids(stream) == whole[10:]
    stream.set_epoch(3)
    assert ids(stream) == whole


def test_a_loop_that_sets_the_epoch_resumes(table):
    _, state = part(StreamingDataset(table, epoch=1), 10)
    stream = StreamingDataset(table)
    stream.load_state_dict(state)
    orders = [ids(StreamingDataset(table, epoch=epoch)) for epoch in range(3)]
    found = []
    for epoch in range(state["epoch"], 3):
        stream.set_epoch(epoch)
        found.append(ids(stream))
    assert found == [orders[1][10:], orders[2]]


def test_the_end_of_an_epoch_is_resumed_with_nothing(table):
    _, state = part(StreamingDataset(table, num_splits=4), ROWS)
    stream = StreamingDataset(table, num_splits=4)
    stream.load_state_dict(state)
    assert ids(stream) == []
    assert len(ids(stream)) == ROWS


@given(st.data())
def test_where_a_share_is_after_so_many_samples(table, data):
    """Of all splits, if all readers make as many steps; also where splits lag behind."""
    readers = data.draw(st.sampled_from([1, 2, 3]))
    share = Share(6, data.draw(st.integers(0, readers - 1)), readers)
    counts = data.draw(st.lists(st.integers(0, 20), min_size=6, max_size=6))
    stream = StreamingDataset(table, num_splits=6, rank=share.rank, world_size=readers)
    stream.load_state_dict(stream.state_dict() | {
        "samples_consumed_per_split": counts,
        "positions_consumed_per_split": counts,
        "global_samples": 0,
    })  # fmt: skip
    left = len(share.own) * (ROWS // 6) - sum(counts[split] for split in share.own)
    stop = data.draw(st.integers(0, left))
    _, state = part(stream, stop)
    for rank in range(readers):
        own = Share(6, rank, readers).own
        for _ in range(stop):
            split = min(own, key=counts.__getitem__)  # of equals the first
            counts[split] = min(counts[split] + 1, ROWS // 6)
    assert state["samples_consumed_per_split"] == counts
    assert state["positions_consumed_per_split"] == counts
    assert state["global_samples"] == sum(counts)


def test_what_a_state_costs_does_not_depend_on_how_far_splits_lag():
    far = 10**12
    moved = advance(Progress([0, far], [0, far]), 1, far + 3, 10 * far)
    assert moved.samples == moved.places == [far + 2, far + 1]


def test_all_ranks_have_the_same_state_at_a_global_batch(table):
    """Of any batch size: after as many samples each."""
    for world_size in divisors(12)[1:]:
        streams = [
            StreamingDataset(table, num_splits=12, rank=rank, world_size=world_size)
            for rank in range(world_size)
        ]
        for step, _ in enumerate(zip(*streams, strict=True), 1):
            states = [stream.state_dict() for stream in streams]
            assert all(state == states[0] for state in states)
            assert states[0]["global_samples"] == step * world_size
        assert {json.dumps(stream.state_dict()) for stream in streams} == {json.dumps(states[0])}


# -------------------------------------------------------------------------- rows that are left out
def leaving_out(table, bad, rank, world_size, **options):
    return StreamingDataset(
        table,
        num_splits=4,
        rank=rank,
        world_size=world_size,
        transform=failing(*bad),
        on_transform_error="skip",
        transform_parallelism=1,
        read_batch_size=8,
        **options,
    )


@settings(max_examples=50)
@given(st.data())
def test_merged_states_are_resumed_where_rows_are_left_out(table, data):
    splits = [ids(StreamingDataset(table, num_splits=4))[split::4] for split in range(4)]
    bad = data.draw(st.sets(st.sampled_from([i for rows in splits for i in rows[:20]])))
    before, after = data.draw(st.sampled_from([(2, 1), (2, 4), (4, 2), (1, 2)]))
    found, states = [], []
    for rank in range(before):
        stream = leaving_out(table, bad, rank, before)
        begun, state = part(stream, data.draw(st.integers(0, 100 // before)))
        found += begun
        states.append(state)
    merged = StreamingDataset.merge_state_dicts(states)
    for rank in range(after):
        stream = leaving_out(table, bad, rank, after)
        stream.load_state_dict(merged)
        found += ids(stream)
    assert len(set(found)) == len(found)
    for split in splits:  # none is missing before the last one
        good = [i for i in split if i not in bad]
        assert set(good[: len(set(found) & set(good))]) <= set(found)


def test_a_rank_does_not_know_what_others_have_left_out(table):
    bad = ids(StreamingDataset(table, num_splits=4))[1:2]  # of rank 1
    states = [part(leaving_out(table, bad, rank, 2), 20)[1] for rank in range(2)]
    for rank, world_size in ((0, 2), (0, 4), (2, 4)):  # whose splits are among those of rank 0
        leaving_out(table, bad, rank, world_size).load_state_dict(states[0])
    for rank, world_size in ((1, 2), (0, 1), (1, 4), (3, 4)):
        stream = leaving_out(table, bad, rank, world_size)
        with pytest.raises(ValueError, match=r"that of rank 0 of 2, which .* merge the states"):
            stream.load_state_dict(states[0])
    with pytest.raises(ValueError, match="in the order of the ranks"):
        StreamingDataset.merge_state_dicts(states[::-1])
    alone = part(leaving_out(table, bad, 0, 1), 20)[1]
    leaving_out(table, bad, 1, 2).load_state_dict(alone)
    goes_on = StreamingDataset(table, num_splits=4, world_size=2)  # nor does it learn of it
    goes_on.load_state_dict(states[0])
    assert part(goes_on, 8)[1]["rank"] == 0


# ----------------------------------------------------------------------------------------- merge
@settings(max_examples=50)
@given(st.data())
def test_a_rank_speaks_for_all_again_after_a_merged_state(table, data):
    """Ranks that were not equally far have made as many steps since."""
    states = [
        part(StreamingDataset(table, num_splits=6, rank=rank, world_size=2), stop)
        for rank, stop in enumerate(data.draw(st.tuples(st.integers(0, 60), st.integers(0, 60))))
    ]
    found = [i for begun, _ in states for i in begun]
    merged = StreamingDataset.merge_state_dicts([state for _, state in states])
    stop, states = data.draw(st.integers(0, 30)), []
    for rank in range(2):
        stream = StreamingDataset(table, num_splits=6, rank=rank, world_size=2)
        stream.load_state_dict(merged)
        begun, state = part(stream, stop)
        found += begun
        states.append(state)
    assert states[0] == states[1]
    stream = StreamingDataset(table, num_splits=6)
    stream.load_state_dict(states[0])
    found += ids(stream)
    assert sorted(found) == sorted(ids(StreamingDataset(table, num_splits=6)))


def test_merging(table):
    def state(rank, stop):
        stream = StreamingDataset(table, num_splits=4, rank=rank, world_size=2)
        return part(stream, stop)[1]

    merged = StreamingDataset.merge_state_dicts([state(0, 5), state(1, 2)])
    assert merged["samples_consumed_per_split"] == [3, 1, 2, 1]
    assert merged["global_samples"] == 7
    together = StreamingDataset.merge_state_dicts([state(0, 5), state(1, 5)])
    assert together["samples_consumed_per_split"] == [3, 3, 2, 2]
    assert together["global_samples"] == 10
    for stop in (4, 5):
        alone = StreamingDataset.merge_state_dicts([state(1, stop)])
        assert alone == state(0, stop) | {"world_size": None}
    for states in ([state(0, 5), state(1, 2), state(1, 2)], [state(0, 5), merged]):
        with pytest.raises(ValueError, match=r"not equally far.* in the order of the ranks"):
            StreamingDataset.merge_state_dicts(states)
    with pytest.raises(ValueError, match="at least one"):
        StreamingDataset.merge_state_dicts([])
    for key in ("shuffle_seed", "num_splits", "epoch", "table_version"):
        with pytest.raises(ValueError, match=f"{key} mismatch"):
            StreamingDataset.merge_state_dicts([state(0, 5), state(1, 5) | {key: 77}])
