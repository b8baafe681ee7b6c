"""What was delivered, proved; and when which row comes."""

import itertools
import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import pilum  # noqa: E402
from pilum.streaming import Receipt, ReceiptError, StreamingDataLoader, StreamingDataset  # noqa: E402

ROWS = 200


@pytest.fixture(scope="module")
def table():
    database = pilum.connect("memory://")
    table = database.create_table("numbers", pa.table({"id": range(ROWS // 2)}))
    table.add(pa.table({"id": range(ROWS // 2, ROWS)}))
    return table


def stream_of(table, **options):
    return StreamingDataset(table, **({"num_splits": 6, "shuffle_seed": 3} | options))


def deliver(stream, count=None):
    """So many samples, and the receipt."""
    samples = iter(stream)
    found = [sample["id"] for sample in itertools.islice(samples, count)]
    receipt = stream.receipt()
    samples.close()
    assert stream.receipt() == receipt
    return found, receipt


def added(receipts):
    return sum(receipts[1:], receipts[0])


class Failing:
    def __init__(self, *bad):
        self.bad = bad

    def __call__(self, batch):
        numbers = batch["id"].to_pylist()
        if set(self.bad) & set(numbers):
            raise ValueError(self.bad)
        return [{"id": number} for number in numbers]


# -------------------------------------------------------------------------------------- receipts
@pytest.mark.parametrize("transform", [None, Failing()])
@pytest.mark.parametrize(
    "options",
    [{}, {"filter": "id % 3 != 0"}, {"shuffle": False}, {"shuffle_clump_size": 7}, {"epoch": 2}],
)
def test_ranks_and_pieces_add_up(table, options, transform):
    options = options | {"transform": transform}
    pieces = []
    for rank in range(3):
        before = stream_of(table, rank=rank, world_size=3, **options)
        pieces.append(deliver(before, 20)[1])
    state = before.state_dict()
    for rank in range(2):
        after = stream_of(table, rank=rank, world_size=2, **options)
        after.load_state_dict(state)
        pieces.append(deliver(after)[1])
    total = added(pieces)
    total.verify(table)
    assert total.rows == sum(piece.rows for piece in pieces)
    for wrong, message in (
        (added(pieces[1:]), "20 are missing"),
        (total + pieces[0], "20 too many"),
    ):
        with pytest.raises(ReceiptError, match=message):
            wrong.verify(table)


def test_rows_that_came_twice_instead_of_others(table):
    _, first = deliver(stream_of(table, rank=0, world_size=2))
    with pytest.raises(ReceiptError, match=r"198 rows .* of 198, but not the same ones"):
        (first + first).verify(table)


@given(st.data())
def test_at_any_sample(table, data):
    stop = data.draw(st.integers(0, 198))
    transform = data.draw(st.sampled_from([None, Failing()]))
    stream = stream_of(table, transform=transform, read_batch_size=data.draw(st.integers(1, 9)))
    found, receipt = deliver(stream, stop)
    assert receipt.rows == stop
    receipt.verify(table, stop)
    assert receipt.rows == len(found)
    _, whole = deliver(stream)  # goes on
    whole.verify(table)


def test_a_pass_that_starts_over_has_a_receipt_of_its_own(table):
    stream = stream_of(table)
    assert stream.receipt().rows == 0
    for epoch in (0, 1, 1):
        stream.set_epoch(epoch)
        _, receipt = deliver(stream)
        receipt.verify(table)
        assert receipt.epoch == epoch


def test_rows_that_are_left_out_count(table):
    ids = [sample["id"] for sample in stream_of(table)]
    bad = [ids[0], ids[17], ids[50]]
    stream = stream_of(
        table, transform=Failing(*bad), on_transform_error="skip", read_batch_size=4, num_splits=1
    )
    _, receipt = deliver(stream)
    assert (receipt.rows, receipt.skipped_rows) == (ROWS - 3, 3)
    receipt.verify(table)


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("kind", ["samples", "single", "arrow", "skipping"])
def test_of_a_loader(table, num_workers, kind):
    options = {"num_workers": num_workers}
    bad = [sample["id"] for sample in stream_of(table)][3:5]
    stream = stream_of(
        table,
        transform=Failing(*bad) if kind == "skipping" else None,
        on_transform_error="skip",
        read_batch_size=5,
    )
    options |= {"batch_size": None if kind == "single" else 8}
    options |= {"format": "arrow"} if kind == "arrow" else {}
    loader = StreamingDataLoader(stream, **options)
    batches = iter(loader)
    for _ in range(5):
        next(batches)
    rows = 5 if kind == "single" else 40
    assert loader.receipt().rows + loader.receipt().skipped_rows == rows
    loader.receipt().verify(table, rows)
    for _ in batches:
        pass
    loader.receipt().verify(table)
    assert loader.receipt().skipped_rows == (2 if kind == "skipping" else 0)


def test_verified_after_the_table_has_changed():
    table = pilum.connect("memory://").create_table("growing", pa.table({"id": range(50)}))
    stream = StreamingDataset(table, filter="id > 4")
    table.add(pa.table({"id": range(50, 90)}))
    table.delete("id < 20")
    found, receipt = deliver(stream)
    assert sorted(found) == list(range(5, 50))
    receipt.verify(table)


def test_receipts_are_json(table):
    _, receipt = deliver(stream_of(table, filter="id > 7"), 10)
    copy = Receipt.from_dict(json.loads(json.dumps(receipt.to_dict())))
    assert copy == receipt
    copy.verify(table, 10)
    with pytest.raises(ValueError, match="has no 'rows'"):
        Receipt.from_dict({})


def test_receipts_of_different_epochs_do_not_add_up(table):
    _, receipt = deliver(stream_of(table), 1)
    for options, name in (
        ({"epoch": 1}, "epoch"),
        ({"shuffle_seed": 4}, "shuffle_seed"),
        ({"num_splits": 3}, "num_splits"),
        ({"filter": "id > 1"}, "filter"),
    ):
        with pytest.raises(ValueError, match=f"{name} mismatch"):
            receipt + deliver(stream_of(table, **options), 1)[1]


def test_a_pass_in_workers_of_a_plain_loader_has_none(table):
    stream = stream_of(table)
    list(torch.utils.data.DataLoader(stream, num_workers=2))
    with pytest.raises(RuntimeError, match="StreamingDataLoader"):
        stream.receipt()


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({}, ["id"]),
        ({"with_row_id": True}, ["id", "_rowid"]),
        ({"columns": ["_rowid", "id"]}, ["_rowid", "id"]),
        ({"columns": {"_rowid": "id + 1", "id": "id"}}, ["_rowid", "id"]),
    ],
)
def test_row_ids_are_delivered_if_they_are_asked_for_only(table, options, keys):
    stream = stream_of(table, **options)
    assert list(next(iter(stream))) == keys
    batch = next(iter(StreamingDataLoader(stream_of(table, **options), 8, format="arrow")))
    assert batch.schema.names == keys


# ------------------------------------------------------------------------------------------ order
@pytest.mark.parametrize(
    "options", [{}, {"filter": "id % 3 != 0"}, {"shuffle": False}, {"shuffle_clump_size": 7}]
)
def test_when_a_row_comes_and_which_rows_a_step_has(table, options):
    stream = stream_of(table, with_row_id=True, epoch=4, **options)
    ids = [sample["_rowid"] for sample in stream]
    assert [stream.position_of(row) for row in ids] == list(range(len(ids)))
    assert stream.rows_at(0, len(ids)) == ids
    assert stream.rows_at(3, 10) == ids[30:40]
    assert stream.rows_at(17) == [ids[17]]
    assert stream.rows_at(1, len(ids) - 1) == [ids[-1]]
    assert stream.rows_at(2, len(ids)) == []
    stream.set_epoch(5)
    assert stream.rows_at(0, len(ids)) == [sample["_rowid"] for sample in stream]


def test_rows_that_never_come(table):
    stream = stream_of(table, filter="id % 3 != 0", with_row_id=True)
    missing = {sample["_rowid"] for sample in StreamingDataset(table, with_row_id=True)}
    missing -= {sample["_rowid"] for sample in stream}
    assert len(missing) == 67 + 1
    assert all(stream.position_of(row) is None for row in missing)
    with pytest.raises(IndexError, match="77777"):
        stream.position_of(77777)
    for step, size in ((-1, 8), (0, 0)):
        with pytest.raises(ValueError, match="must be at least"):
            stream.rows_at(step, size)
