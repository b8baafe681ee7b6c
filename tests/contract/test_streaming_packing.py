"""Packed streams: documents as blocks of tokens of equal length."""

import itertools
import json
import random
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import pilum  # noqa: E402
from pilum.streaming import Receipt, ReceiptError, StreamingDataLoader, StreamingDataset  # noqa: E402

ROWS, LENGTH = 60, 8
EOS, PAD = 100, 101
BLOCKS = 66


def documents():
    source = random.Random(3)
    return [[i] * source.choice([0, 1, 2, 5, 9, 20]) for i in range(ROWS)]


@pytest.fixture(scope="module")
def table():
    lists = pa.array(documents(), pa.list_(pa.int32()))
    return pilum.connect("memory://").create_table(
        "documents", pa.table({"tokens": lists, "id": range(ROWS)})
    )


PACKED = {
    "num_splits": 6,
    "shuffle_seed": 3,
    "columns": ["tokens"],
    "pack_sequences": LENGTH,
    "eos_id": EOS,
    "pad_id": PAD,
    "blocks_per_epoch": BLOCKS,
}


def packed(table, **options):
    return StreamingDataset(table, **(PACKED | options))


def plain(block):
    """As lists."""
    assert block["input_ids"].dtype == block["doc_ids"].dtype == torch.int64
    return block["input_ids"].tolist(), block["doc_ids"].tolist()


def without(state, key):
    return {k: v for k, v in state.items() if k != key}


def blocks_of(stream, count=None):
    return [plain(block) for block in itertools.islice(stream, count)]


def expected(table, **options):
    """By the rows that a stream without packing has, in plain Python."""
    rows = [s["id"] for s in StreamingDataset(table, num_splits=6, shuffle_seed=3, **options)]
    splits = []
    for split in range(6):
        tokens, starts = [], []
        for row in rows[split::6]:
            for i, token in enumerate([*documents()[row], EOS]):
                tokens.append(token)
                starts.append(i == 0)
        splits.append(list(itertools.islice(cut(tokens, starts), BLOCKS // 6)))
    return [block for turn in zip(*splits, strict=True) for block in turn]


def cut(tokens, starts):
    for first in itertools.count(0, LENGTH):
        block = tokens[first : first + LENGTH]
        begins = [0, *starts[first + 1 : first + LENGTH]] if block else []
        ids = list(itertools.accumulate(map(int, begins)))
        missing = LENGTH - len(block)
        yield block + [PAD] * missing, ids + [ids[-1] if ids else 0] * missing


# ----------------------------------------------------------------------------------------- blocks
@pytest.mark.parametrize(
    "options",
    [{}, {"shuffle": False}, {"epoch": 2}, {"shuffle_clump_size": 5}, {"filter": "id > 9"}],
)
def test_blocks_are_what_a_plain_loop_makes(table, options):
    found = blocks_of(packed(table, **options))
    assert len(found) == BLOCKS
    assert found == expected(table, **options)
    assert any(PAD in tokens for tokens, _ in found)


@pytest.mark.parametrize("world_size", [1, 2, 3, 6])
def test_global_batches_do_not_depend_on_the_number_of_ranks(table, world_size):
    ranks = [
        blocks_of(packed(table, rank=rank, world_size=world_size)) for rank in range(world_size)
    ]
    assert [block for turn in zip(*ranks, strict=True) for block in turn] == expected(table)


def test_workers_of_a_plain_loader(table):
    loader = torch.utils.data.DataLoader(packed(table), batch_size=None, num_workers=2)
    assert blocks_of(loader) == expected(table)


def test_tokens_are_counted(table):
    stream = packed(table)
    found = blocks_of(stream)
    packing = stream.stats()["packing"]
    assert packing["pad_tokens"] == sum(tokens.count(PAD) for tokens, _ in found)
    assert packing["tokens"] == BLOCKS * LENGTH - packing["pad_tokens"]
    assert packing["rows"] == sum(tokens.count(EOS) for tokens, _ in found)
    assert StreamingDataset(table).stats()["packing"] is None


def test_the_number_of_blocks_can_be_estimated(table):
    with pytest.warns(UserWarning, match=r"blocks_per_epoch is estimated .*: \d+"):
        stream = packed(table, blocks_per_epoch="auto")
    blocks = stream.state_dict()["blocks_per_epoch"]
    assert blocks % 6 == 0
    tokens = sum(len(tokens) + 1 for tokens in documents())
    assert blocks * LENGTH == pytest.approx(tokens, rel=0.2)
    assert len(blocks_of(stream)) == blocks


# ------------------------------------------------------------------------------------ checkpoints
@given(st.data())
def test_resumed_at_any_block(table, data):
    stop = data.draw(st.integers(0, BLOCKS))
    live = packed(table)
    samples = iter(live)
    begun = blocks_of(samples, stop)
    state = json.loads(json.dumps(live.state_dict()))
    samples.close()
    resumed = packed(table)
    resumed.load_state_dict(state)
    assert begun + blocks_of(resumed) == expected(table)
    assert sum(state["blocks_emitted_per_split"]) == stop
    assert blocks_of(live) == expected(table)[stop:]


@given(st.data())
def test_resumed_on_another_number_of_ranks(table, data):
    whole = expected(table)
    before, after = data.draw(st.sampled_from([(2, 3), (3, 1), (1, 6), (6, 2)]))
    stop = data.draw(st.integers(0, BLOCKS // before))
    states = []
    for rank in range(before):
        stream = packed(table, rank=rank, world_size=before)
        samples = iter(stream)
        assert blocks_of(samples, stop) == whole[rank : stop * before : before]
        states.append(stream.state_dict())
        samples.close()
    merged = StreamingDataset.merge_state_dicts(data.draw(st.permutations(states)))
    for rank in range(after):
        stream = packed(table, rank=rank, world_size=after)
        stream.load_state_dict(merged)
        done = stop * before
        rest = [whole[i] for i in range(done, BLOCKS) if i % after == rank]
        assert sorted(blocks_of(stream)) == sorted(rest)


@pytest.mark.parametrize("num_workers", [0, 1, 2])
@pytest.mark.parametrize("batch_size", [None, 5])
def test_of_a_loader(table, num_workers, batch_size):
    size = batch_size or 1
    whole = expected(table)
    loader = StreamingDataLoader(packed(table), batch_size, num_workers=num_workers)
    batches = iter(loader)
    begun = [next(batches)["input_ids"].reshape(-1, LENGTH).tolist() for _ in range(3)]
    assert [tokens for batch in begun for tokens in batch] == [b[0] for b in whole[: 3 * size]]
    state = loader.state_dict()
    assert sum(state["blocks_emitted_per_split"]) == 3 * size
    loader.receipt().verify(table, 3 * size)
    batches.close()
    resumed = packed(table)
    resumed.load_state_dict(state)
    assert blocks_of(resumed) == whole[3 * size :]


def test_batches_of_tensors(table):
    loader = StreamingDataLoader(packed(table), 5, format="torch")
    batches = list(loader)
    assert len(loader) == len(batches)
    assert [len(batch["input_ids"]) for batch in batches] == [5] * 13 + [1]
    found = [
        (tokens.tolist(), ids.tolist())
        for batch in batches
        for tokens, ids in zip(batch["input_ids"], batch["doc_ids"], strict=True)
    ]
    assert found == expected(table)


def test_the_state_of_one_rank_is_not_enough(table):
    states = [packed(table, rank=rank, world_size=2).state_dict() for rank in range(2)]
    packed(table, rank=1, world_size=2).load_state_dict(states[1])
    for rank, world_size in ((0, 2), (1, 3), (0, 1)):
        with pytest.raises(ValueError, match=r"rank 1 of 2.* merge"):
            packed(table, rank=rank, world_size=world_size).load_state_dict(states[1])
    with pytest.raises(ValueError, match="all ranks"):
        StreamingDataset.merge_state_dicts(states[:1])
    with pytest.raises(ValueError, match="pad_id mismatch"):
        StreamingDataset.merge_state_dicts([states[0], states[1] | {"pad_id": 7}])


class Reader(NamedTuple):
    id: int
    num_workers: int


@pytest.mark.parametrize("num_workers", [1, 3])
def test_a_worker_resumes_by_its_own_state_or_that_of_its_rank(table, num_workers):
    rank = {"rank": 1, "world_size": 2}
    of_rank = packed(table, **rank)
    next(iter(of_rank))
    for number in range(num_workers):
        options = rank | {"worker_info_override": Reader(number, num_workers)}
        whole = blocks_of(packed(table, **options))
        stream = packed(table, **options)
        samples = iter(stream)
        assert blocks_of(samples, 4) == whole[:4]
        resumed = packed(table, **options)
        resumed.load_state_dict(stream.state_dict())
        assert blocks_of(resumed) == whole[4:]
        resumed.load_state_dict(of_rank.state_dict())
        assert blocks_of(resumed) == whole[number == 0 :]
        if num_workers > 1:
            with pytest.raises(ValueError, match=rf"rank {1 + 2 * number} of 6.* merge"):
                of_rank.load_state_dict(stream.state_dict())


@pytest.mark.parametrize("key", ["pack_sequences", "eos_id", "pad_id", "blocks_per_epoch"])
def test_states_of_other_blocks_are_refused(table, key):
    state = packed(table).state_dict()
    with pytest.raises(ValueError, match=f"{key} mismatch"):
        packed(table).load_state_dict(state | {key: 6})
    with pytest.raises(ValueError, match="pack_sequences"):
        StreamingDataset(table, num_splits=6, shuffle_seed=3).load_state_dict(state)
    of_rows = StreamingDataset(table, num_splits=6, shuffle_seed=3).state_dict()
    with pytest.raises(ValueError, match="pack_sequences mismatch"):
        packed(table).load_state_dict(of_rows)
    with pytest.raises(ValueError, match="has no 'pack_offsets_per_split'"):
        packed(table).load_state_dict(without(state, "pack_offsets_per_split"))


def test_receipts_are_of_blocks(table):
    receipts = []
    for rank in range(2):
        stream = packed(table, rank=rank, world_size=2)
        blocks_of(stream)
        receipts.append(stream.receipt())
    total = receipts[0] + receipts[1]
    assert total.rows == BLOCKS
    Receipt.from_dict(json.loads(json.dumps(total.to_dict()))).verify(table)
    with pytest.raises(ReceiptError, match="33 are missing"):
        receipts[0].verify(table)


# ----------------------------------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eos_id": None}, "needs eos_id"),
        ({"pad_id": None}, "needs pad_id"),
        ({"blocks_per_epoch": None}, "needs blocks_per_epoch"),
        (
            {"blocks_per_epoch": 35},
            r"\(35\) must be divisible by num_splits \(6\)",
        ),
        ({"blocks_per_epoch": 0}, "blocks_per_epoch"),
        ({"blocks_per_epoch": "many"}, "'auto'"),
        ({"pack_sequences": 0}, "pack_sequences"),
        ({"columns": None}, "columns"),
        ({"columns": ["tokens", "id"]}, "columns"),
        ({"columns": {"tokens": "tokens"}}, "columns"),
        ({"columns": ["id"]}, "columns has 'id', which is int64"),
        ({"transform": list}, "transform"),
        ({"pack_sequences": None}, "eos_id is of pack_sequences"),
    ],
)
def test_wrong_options(table, options, message):
    with pytest.raises(ValueError, match=message):
        packed(table, **options)


@pytest.mark.parametrize("lists", [[[1], None, [2]], [[1], [None], [2]]])
def test_nulls_are_errors(lists):
    tokens = pa.table({"tokens": pa.array(lists, pa.list_(pa.int64()))})
    table = pilum.connect("memory://").create_table("nulls", tokens)
    stream = packed(table, num_splits=1, shuffle=False, blocks_per_epoch=1)
    with pytest.raises(ValueError, match=r"'tokens' has a null .*does not support null \(row 1\)"):
        next(iter(stream))


def test_when_a_row_comes_is_not_known(table):
    for ask in (lambda stream: stream.position_of(0), lambda stream: stream.rows_at(0)):
        with pytest.raises(RuntimeError, match="packed"):
            ask(packed(table))


def test_long_blocks_of_many_types():
    for kind in (pa.int8(), pa.uint16(), pa.int64()):
        lists = pa.array([np.arange(100)] * 30, pa.large_list(kind))
        table = pilum.connect("memory://").create_table("long", pa.table({"tokens": lists}))
        stream = packed(table, num_splits=1, pack_sequences=3000, blocks_per_epoch=1)
        [block] = stream
        expected = [*range(100), EOS] * 30
        assert block["input_ids"].tolist() == expected[:3000]
