"""StreamingDataset: which samples come, in which order, and what is counted."""

import datetime
import gc
import itertools
import logging
import pickle
import threading

import pyarrow as pa
import pytest

pytest.importorskip("torch")

import pilum
from pilum.errors import NotFoundError
from pilum.streaming import StreamingDataset


@pytest.fixture(scope="module")
def table():
    """Numbers 0 to 99 in several fragments, three of four even."""
    table = pilum.connect("memory://").create_table("numbers", rows(0, 40))
    table.add(rows(40, 100))
    return table


def rows(first, end):
    numbers = range(first, end)
    return pa.table({"id": numbers, "kind": ["b" if i % 4 == 3 else "a" for i in numbers]})


def ids(samples):
    return [sample["id"] for sample in samples]


# --------------------------------------------------------------------------------- rows and order
def test_samples_are_dicts(table):
    samples = list(StreamingDataset(table, shuffle=False))
    assert samples == table.to_arrow().to_pylist()
    assert all(type(sample) is dict for sample in samples)


def test_splits_in_turns(table):
    stream = StreamingDataset(table, shuffle=False, num_splits=4)
    assert ids(stream) == [i + 25 * split for i in range(25) for split in range(4)]


def test_rows_that_fill_no_split_are_left_out(table):
    assert sorted(ids(StreamingDataset(table, shuffle=False, num_splits=48))) == list(range(96))


@pytest.mark.parametrize("clump", [None, 1, 7, 100])
def test_shuffled(table, clump):
    samples = ids(StreamingDataset(table, shuffle_seed=1, shuffle_clump_size=clump))
    assert sorted(samples) == list(range(100))
    assert (samples == list(range(100))) == (clump == 100)
    if clump == 7:
        follow = sum(b == a + 1 for a, b in itertools.pairwise(samples))
        assert follow >= 85  # 14 clumps of 7 and one of 2


def test_seed_and_epoch_decide_the_order(table):
    def order(**options):
        return tuple(ids(StreamingDataset(table, num_splits=4, **options)))

    same = [order(), order(shuffle_seed=0), order(epoch=0), order(shuffle_seed=0, epoch=0)]
    assert len(set(same)) == 1
    seeds = [1, -1, 7, 100003, 2**63, 2**63 + 1, 2**64 - 2]
    others = [order(epoch=1), order(epoch=100003), *(order(shuffle_seed=seed) for seed in seeds)]
    assert len({*same, *others}) == 10


def test_without_a_seed_it_is_random(table):
    first, second = (StreamingDataset(table, shuffle_seed=None) for _ in range(2))
    assert ids(first) != ids(second)
    assert first.state_dict()["shuffle_seed"] == first._shuffle_seed
    again = StreamingDataset(table, shuffle_seed=first._shuffle_seed)
    assert ids(again) == ids(first)


def test_filter_and_columns(table):
    stream = StreamingDataset(table, shuffle=False, filter="kind = 'b'", columns=["id"])
    assert list(stream) == [{"id": i} for i in range(3, 100, 4)]
    stream = StreamingDataset(
        table, num_splits=2, filter=["kind = 'b'", "id > 51"], columns={"twice": "id * 2"}
    )
    assert sorted(s["twice"] for s in stream) == [2 * i for i in range(55, 100, 4)]


def test_with_row_id(table):
    stream = StreamingDataset(table, shuffle=False, columns=["id"], with_row_id=True)
    expected = table.to_lance().to_table(columns=["id"], with_row_id=True).to_pylist()
    assert list(stream) == expected


@pytest.mark.parametrize("columns", [["_rowid", "id"], ["id", "_rowid"]])
def test_row_ids_among_the_columns(table, columns):
    expected = table.to_lance().to_table(columns=["id"], with_row_id=True).select(columns)
    samples = list(StreamingDataset(table, shuffle=False, columns=columns))
    assert samples == expected.to_pylist()
    assert list(samples[0]) == columns


def test_a_column_of_the_name_of_row_ids(table):
    stream = StreamingDataset(table, shuffle=False, columns={"_rowid": "id + 1000"})
    assert list(stream) == [{"_rowid": 1000 + i} for i in range(100)]
    stream.receipt().verify(table)


def test_columns_that_pyarrow_makes_values_of():
    own = pa.table(
        {
            "id": range(5),
            "day": pa.array([None, *range(4)], pa.date32()),
            "at": pa.array(range(5), pa.timestamp("us", "UTC")),
            "kind": pa.array(list("abcab")).dictionary_encode(),
        }
    )
    table = pilum.connect("memory://").create_table("own", own)
    live = iter(StreamingDataset(table, shuffle=False))
    assert [next(live) for _ in range(2)] == own.slice(0, 2).to_pylist()
    assert list(live) == own.slice(2).to_pylist()


def test_a_stream_is_of_the_version_that_the_table_was_on(table):
    own = pilum.connect("memory://").create_table("own", rows(0, 10))
    stream = StreamingDataset(own, shuffle=False)
    live = iter(stream)
    assert next(live)["id"] == 0
    own.add(rows(10, 20))
    own.delete("id = 5")
    assert ids(live) == list(range(1, 10))
    assert ids(stream) == list(range(10))


def test_large_rows_come_one_by_one():
    big = pilum.connect("memory://").create_table(
        "big", pa.table({"id": range(6), "bytes": [bytes([i]) * (3 << 20) for i in range(6)]})
    )
    stream = StreamingDataset(big, shuffle=False)
    for number, sample in enumerate(stream):
        assert sample == {"id": number, "bytes": bytes([number]) * (3 << 20)}
        assert stream.prefetch_queue_depth == 0


def test_a_value_that_python_cannot_have_comes_in_its_turn():
    texts = pa.array([b"%d" % i for i in range(40)]).to_pylist()
    texts[25] = b"\xff"
    wrong = pa.array(texts, pa.binary()).view(pa.string())
    table = pilum.connect("memory://").create_table("wrong", pa.table({"text": wrong}))
    stream = StreamingDataset(table, shuffle=False)
    live = iter(stream)
    assert [next(live)["text"] for _ in range(25)] == [str(i) for i in range(25)]
    with pytest.raises(UnicodeDecodeError):
        next(live)
    assert stream.state_dict()["global_samples"] == 25
    assert stream.consumed_rows == 25


# ------------------------------------------------------------------------------- wrong arguments
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_splits": 10, "world_size": 4}, r"num_splits \(10\) must be divisible by world_size"),
        ({"num_splits": 0}, "num_splits must be at least 1"),
        ({"world_size": 0}, "world_size must be at least 1"),
        ({"rank": 2, "world_size": 2}, "rank must be at least 0 and less than world_size"),
        ({"rank": -1}, "rank must be at least 0"),
        ({"read_batch_size": 0}, "read_batch_size must be at least 1"),
        ({"shuffle_clump_size": 0}, "shuffle_clump_size must be at least 1"),
        ({"io_queue_depth": 0}, "io_queue_depth must be greater than 0"),
        ({"prefetch_batches": -1}, "prefetch_batches must be greater than 0"),
        ({"prefetch_batches": 2, "io_queue_depth": 3}, "are the same option and differ"),
        ({"epoch": -1}, "epoch must be at least 0"),
        ({"num_splits": 101}, "100 rows for 101 splits.* at least 1 row per split"),
        ({"filter": "id < 0"}, "0 rows where id < 0 for 1 splits.* at least 1 row per split"),
        ({"filter": "id < 3", "num_splits": 4}, "at least 1 row per split"),
        ({"filter": "knd = 'a'"}, '"knd".*did you mean "kind"'),
        ({"filter": "id <"}, "position 5: syntax error"),
        ({"filter": " "}, "the filter is empty"),
    ],
)
def test_wrong_values(table, options, message):
    with pytest.raises(ValueError, match=message):
        StreamingDataset(table, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_splits": "4"}, "num_splits must be an integer"),
        ({"filter": 4}, "filter must be SQL"),
        ({"splits": 4}, "unexpected keyword argument 'splits'"),
    ],
)
def test_wrong_types(table, options, message):
    with pytest.raises(TypeError, match=message):
        StreamingDataset(table, **options)


def test_only_tables_have_streams():
    with pytest.raises(TypeError, match="a stream is made of a Table, not of a str"):
        StreamingDataset("numbers")


def test_unknown_columns_are_found_when_iterating(table):
    stream = StreamingDataset(table, columns=["idd"])
    for _ in range(2):  # and another iterator may try
        with pytest.raises(ValueError, match=r"'idd' does not exist; did you mean 'id'\?"):
            next(iter(stream))


class SecondOfTwo:
    id, num_workers = 1, 2


def warnings_in_worker(worker, caplog):
    """Of a pass in a worker process, as samples."""
    stream = StreamingDataset(worker, num_splits=4, worker_info_override=SecondOfTwo())
    with caplog.at_level(logging.WARNING):
        return ids(stream), [record.getMessage() for record in caplog.records]


def test_worker_info_override(table, caplog, monkeypatch):
    whole = ids(StreamingDataset(table, num_splits=4))
    assert warnings_in_worker(table, caplog) == (whole[1::2], [])
    monkeypatch.setattr("pilum.streaming.dataset.get_worker_info", SecondOfTwo)
    found, warnings = warnings_in_worker(table, caplog)
    assert found == whole[1::2]
    assert len(warnings) == 1
    assert "override" in warnings[0]


def test_a_version_that_was_removed(tmp_path):
    own = pilum.connect(tmp_path).create_table("own", rows(0, 10))
    stream = StreamingDataset(own)
    own.add(rows(10, 20))
    copy = pickle.loads(pickle.dumps(stream))
    own.optimize(cleanup_older_than=datetime.timedelta(0))
    with pytest.raises(NotFoundError, match="Version 1 no longer exists"):
        next(iter(copy))


# ------------------------------------------------------------------------------------- iterating
def test_iterating_again_starts_over_after_the_end(table):
    stream = StreamingDataset(table)
    assert ids(stream) == ids(stream) == ids(stream)


def test_iterating_again_goes_on_where_it_was_broken_off(table):
    whole = ids(StreamingDataset(table, num_splits=4))
    stream = StreamingDataset(table, num_splits=4)
    found = []
    for stop in (1, 6, 30, 1000):
        for sample in stream:
            found.append(sample["id"])
            if len(found) >= stop:
                break
        gc.collect()  # of the iterator of the for loop
    assert found == whole
    assert ids(stream) == whole


def test_one_iterator_at_a_time(table):
    stream = StreamingDataset(table, shuffle=False)
    live = iter(stream)
    idle = iter(stream)  # has not begun
    assert next(live)["id"] == 0
    with pytest.raises(RuntimeError, match="concurrent"):
        next(idle)
    assert next(live)["id"] == 1
    live.close()
    assert next(iter(stream))["id"] == 2
    live = iter(stream)
    next(live)
    del live
    assert ids(StreamingDataset(table, shuffle=False)) == list(range(100))
    assert ids(stream)[0] == 4


def test_an_exception_of_the_consumer_ends_the_pass(table):
    stream = StreamingDataset(table, shuffle=False)

    def consume():
        for sample in stream:
            1 / (sample["id"] - 10)

    with pytest.raises(ZeroDivisionError):
        consume()
    gc.collect()
    assert ids(stream) == list(range(11, 100))


def test_set_epoch(table):
    stream = StreamingDataset(table, num_splits=2)
    orders = [ids(StreamingDataset(table, num_splits=2, epoch=epoch)) for epoch in range(3)]
    for epoch in (0, 1, 2, 1):
        stream.set_epoch(epoch)
        assert ids(stream) == orders[epoch]
        assert stream.state_dict()["epoch"] == epoch
    live = iter(stream)
    begun = [next(live)["id"] for _ in range(10)]
    stream.set_epoch(2)  # of the next pass
    assert begun + ids(live) == orders[1]
    live = iter(stream)
    begun = [next(live)["id"] for _ in range(10)]
    live.close()
    stream.set_epoch(2)  # the same: changes nothing
    assert begun + ids(stream) == orders[2]
    with pytest.raises(ValueError, match="epoch must be at least 0"):
        stream.set_epoch(-1)


# -------------------------------------------------------------------------------------- counters
def test_counters(table):
    stream = StreamingDataset(table)
    assert counters(stream) == (0, 0, 0, 0)
    assert stream.bytes_loaded == stream.fetch_time == stream.transform_time == 0
    for number, _ in enumerate(stream, 1):
        unscanned, raw, ready, consumed = counters(stream)
        assert consumed == number
        assert unscanned + raw + ready + consumed <= 100
    assert counters(stream) == (0, 0, 0, 100)
    assert stream.bytes_loaded >= 100 * 8
    assert stream.fetch_time > 0
    assert stream.transform_time > 0
    assert stream.rows_skipped == 0
    before = stream.bytes_loaded
    live = iter(stream)
    next(live)
    assert stream.consumed_rows == 1
    assert stream.prefetch_queue_depth > 0
    live.close()
    assert counters(stream)[1:] == (0, 0, 1)
    assert stream.bytes_loaded > before


def counters(stream):
    return (
        stream.unscanned_rows,
        stream.raw_queue_depth,
        stream.prefetch_queue_depth,
        stream.consumed_rows,
    )


def test_counters_are_read_on_other_threads(table):
    stream = StreamingDataset(table)
    live = iter(stream)
    next(live)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(counters(stream)))
    thread.start()
    thread.join()
    assert seen[0][3] == 1


@pytest.mark.parametrize(
    ("bound", "most"),
    [
        ({"prefetch_batches": 2, "read_batch_size": 50}, 2 * 50 * 2),
        ({"io_queue_depth": 2, "read_batch_size": 50}, 2 * 50 * 2),
        ({"readahead_bytes": 1500}, 1500 // 2 // 16),  # with the row id
    ],
)
def test_read_ahead_is_bounded(tmp_path, bound, most):
    many = pilum.connect(tmp_path).create_table("many", rows(0, 20_000))
    stream = StreamingDataset(many, num_splits=2, **bound)
    requested = []
    for number, _ in enumerate(stream, 1):
        requested.append(20_000 - stream.unscanned_rows - number)
    assert max(requested) <= most


def test_nothing_is_logged(table, caplog):
    with caplog.at_level(logging.DEBUG):
        list(StreamingDataset(table))
    assert caplog.records == []


def test_repr(table):
    stream = StreamingDataset(table, num_splits=4, rank=1, world_size=2)
    assert repr(stream) == (
        "StreamingDataset(table='numbers', version=2, rows=100, num_splits=4, rank=1, world_size=2)"
    )
