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

ROWS, SIZE = 100, 8


def test_ranks_read_different_rows_in_the_same_number_of_steps(tmp_path):
    table = tmp_path / "ids.lance"
    pilum.write_dataset(pa.table({"id": range(ROWS)}), table, max_rows_per_file=30)
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
         pathlib.Path(__file__).with_name("ranks.py"), table, tmp_path],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    for way in first:
        assert len(first[way]) == len(second[way]), way
        rows = [row for batch in first[way] + second[way] for row in batch]
        if way == "padded fragments":
            assert set(rows) == set(range(ROWS))
        else:  # 13 batches, of which the last is one round's only one
            assert sorted(rows) == list(range(ROWS - ROWS % (2 * SIZE))), way
