"""Several processes that read a table together."""

import json
import os
import pathlib
import subprocess
import sys

import pyarrow as pa
import pytest

import pilum

pytest.importorskip("torch")

from training import elastic

from pilum.streaming import Receipt, StreamingDataset

ROWS, SIZE = 100, 8


def run_ranks(ranks: int, program: str, table: pathlib.Path, folder: pathlib.Path, *more: object):
    """What each rank has written down."""
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone",
         f"--nproc-per-node={ranks}", pathlib.Path(__file__).with_name(program), table, folder,
         *map(str, more)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(ranks)]


def test_ranks_read_different_rows_in_the_same_number_of_steps(tmp_path):
    table = tmp_path / "ids.lance"
    pilum.write_dataset(pa.table({"id": range(ROWS)}), table, max_rows_per_file=30)
    first, second = run_ranks(2, "ranks.py", table, tmp_path)
    for way in first:
        assert len(first[way]) == len(second[way]), way
        rows = [row for batch in first[way] + second[way] for row in batch]
        if way == "padded fragments":
            assert set(rows) == set(range(ROWS))
        else:  # 13 batches, of which the last is one round's only one
            assert sorted(rows) == list(range(ROWS - ROWS % (2 * SIZE))), way


@pytest.mark.parametrize(
    ("kind", "runs"),
    [("rows", [(4, 7), (3, 5), (1, 2), (2, 6)]), ("blocks", [(2, 4), (3, 6)])],
)
def test_a_stream_has_the_same_global_batches_on_any_number_of_ranks(tmp_path, kind, runs):
    """A run that is interrupted, and goes on with other numbers of processes."""
    documents = pa.array([[i] * (i % 7) for i in range(600)], pa.list_(pa.int32()))
    table = pilum.connect(tmp_path).create_table(
        "documents", pa.table({"id": range(600), "tokens": documents})
    )
    if kind == "rows":
        expected = [sample["id"] for sample in StreamingDataset(table, **elastic.OPTIONS)]
    else:
        alone = StreamingDataset(table, **elastic.OPTIONS, **elastic.BLOCKS)
        expected = [block["input_ids"].tolist() for block in alone]
    steps_of_all = sum(steps for _, steps in runs)
    assert len(expected) == steps_of_all * 24
    found, receipts = [], []
    for ranks, steps in runs:
        written = run_ranks(
            ranks, "elastic.py", tmp_path / "documents.lance", tmp_path, steps, kind
        )
        for step in zip(*(of_rank["batches"] for of_rank in written), strict=True):
            assert all(len(batch) == 24 // ranks for batch in step)
            found.append(sorted(row for batch in step for row in batch))
        receipts += [Receipt.from_dict(of_rank["receipt"]) for of_rank in written]
    assert found == [sorted(expected[i : i + 24]) for i in range(0, len(expected), 24)]
    sum(receipts[1:], receipts[0]).verify(table)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_ranks_make_the_same_steps_whatever_fails_where(tmp_path, num_workers):
    numbers = pilum.connect(tmp_path).create_table("ids", pa.table({"id": range(480)}))
    batches = run_ranks(2, "failing_rows.py", tmp_path / "ids.lance", tmp_path, num_workers)
    for rank, (every, found) in enumerate(zip((3, 11), batches, strict=True)):
        own = [s["id"] for s in StreamingDataset(numbers, num_splits=12, rank=rank, world_size=2)]
        assert found == [
            [i for i in own[first : first + 12] if i % every] for first in range(0, 240, 12)
        ]
