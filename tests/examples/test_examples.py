"""The examples run and do what they promise."""

import pathlib
import re
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


def test_train_digits(tmp_path):
    pytest.importorskip("torch")
    run = subprocess.run(
        [sys.executable, EXAMPLES / "train_digits.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1797 rows" in run.stdout
    losses = [float(loss) for loss in re.findall(r"loss ([0-9.]+)", run.stdout)]
    assert len(losses) == 15
    assert losses[-1] < losses[0] / 4
    [accuracy] = re.findall(r"accuracy .* ([0-9.]+)%", run.stdout)
    assert float(accuracy) > 93
