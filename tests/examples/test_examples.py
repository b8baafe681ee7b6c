"""The examples run and do what they promise."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

import pilum
from reference import DIGITS

ROOT = pathlib.Path(__file__).parents[2]


def main_job(table: pathlib.Path) -> list[list[str]]:
    """The commands of the README after the setup, in this environment and for this table."""
    block = re.search(
        r"^```sh\n(tools/setup\.sh &&.*?)^```", (ROOT / "README.md").read_text(), re.S | re.M
    )
    commands = [command.split() for command in block[1].split("&&")[1:]]
    folder = pathlib.Path(sys.executable).parent
    return [
        [
            word.replace(".venv/bin", str(folder)).replace("build/digits.lance", str(table))
            for word in words
        ]
        for words in commands
    ]


def test_the_main_job_of_the_readme(tmp_path):
    pytest.importorskip("torch")
    importing, training = main_job(tmp_path / "digits.lance")
    for version in (1, 2):  # it can be run again
        run = subprocess.run(importing, cwd=ROOT, capture_output=True, text=True, check=True)
        assert run.stdout.startswith(f"version {version}: rows 1797, ")
    run = subprocess.run(training, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert run.stdout.count(f"table {tmp_path}/digits.lance, version 2, 1797 rows") == 3
    assert re.search(
        r"killed\nOne process goes on:\n.*\n *goes on behind step .* of epoch 3\n", run.stdout
    )
    assert run.stdout.count("1436 rows, each once") == 5 + 2 + 3
    assert "The losses are the same" in run.stdout


def test_a_classifier_is_trained(tmp_path):
    pytest.importorskip("torch")
    run = subprocess.run(
        [sys.executable, "examples/train_digits.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    losses = [float(loss) for loss in re.findall(r"loss ([0-9.]+)", run.stdout)]
    assert len(losses) == 15
    assert losses[-1] < losses[0] / 4
    [accuracy] = re.findall(r"accuracy .* ([0-9.]+)%", run.stdout)
    assert float(accuracy) > 93


def test_files_of_digits_are_the_rows_of_the_table():
    rows = pilum.dataset(DIGITS).to_table().to_pylist()
    files = sorted((ROOT / "examples/data/digits").glob("*/*.png"), key=lambda file: file.stem)
    assert [file.stem for file in files] == [f"{number:04}" for number in range(len(rows))]
    assert [{"image": f.read_bytes(), "label": int(f.parent.name)} for f in files] == rows


def losses(table: list[str], processes: int) -> list[float]:
    """Of the epochs of an example, in one process or in several that torchrun starts."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    run = subprocess.run(
        [sys.executable, *(torchrun if processes > 1 else []), *table, "--epochs=5"],
        cwd=ROOT / "examples",
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    return [float(loss) for loss in re.findall(r"loss ([0-9.]+)", run.stdout)]


@pytest.mark.parametrize("example", ["ddp_map_style.py", "ddp_iterable.py"])
def test_processes_that_train_together_have_the_losses_of_one(tmp_path, example):
    """Each step has the same global batch, and gradients are averaged: what differs is rounding."""
    pytest.importorskip("torch")
    table = [] if example == "ddp_map_style.py" else [str(tmp_path / "digits.lance")]
    alone = losses([example, *table], 1)
    together = losses([example, *table], 2)
    assert len(alone) == 5
    assert alone[-1] < alone[0] / 4
    assert together == pytest.approx(alone, rel=1e-3)
