"""The `pilum` command, as a process of its own: its output, its exit status, its messages."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
DIGITS = ROOT / "examples/data/digits.lance"
HISTORY = ROOT / "tests/data/golden/history-2.2/dataset.lance"


def pilum(*arguments):
    code = "from pilum.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def lines(*arguments):
    done = pilum(*arguments)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_ls():
    assert lines("ls", DIGITS.parent) == [["digits"]]


@pytest.mark.parametrize("address", [[DIGITS], [DIGITS.parent, "digits"]], ids=["folder", "name"])
def test_schema(address):
    assert ["label", "int64", "yes"] in lines("schema", *address)


def test_head():
    table = lines("head", DIGITS, "-n", "2")
    assert table[0] == ["image", "label"]
    assert [row[1] for row in table[1:]] == ["0", "1"]


def test_count():
    assert lines("count", DIGITS) == [["1797"]]
    assert lines("count", DIGITS, "--filter", "label = 3") == [["183"]]


def test_versions():
    table = lines("versions", HISTORY)
    assert table[0][0] == "version"
    assert len(table) > 2
    assert any("before-update" in row[-1] for row in table)


def test_inspect():
    text = pilum("inspect", DIGITS).stdout
    assert "mini-block" in text
    assert "image: 100% of the table" in text
    assert "rows 1797" in text


def test_verify_of_a_sound_table():
    done = pilum("verify", HISTORY)
    assert done.returncode == 0, done.stderr
    assert "damaged places 0" in done.stdout


def test_verify_of_a_damaged_table(tmp_path):
    table = tmp_path / "digits.lance"
    shutil.copytree(DIGITS, table)
    (file,) = (table / "data").glob("*.lance")
    content = bytearray(file.read_bytes())
    content[64:5000] = bytes(5000 - 64)
    file.write_bytes(content)
    done = pilum("verify", table)
    assert done.returncode == 1
    assert file.name in done.stdout + done.stderr
    assert "image" in done.stdout + done.stderr


def test_verify_of_a_truncated_table(tmp_path):
    table = tmp_path / "digits.lance"
    shutil.copytree(DIGITS, table)
    (file,) = (table / "data").glob("*.lance")
    file.write_bytes(file.read_bytes()[:-100])
    done = pilum("verify", table)
    assert done.returncode == 1
    assert file.name in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["count", DIGITS.parent / "nothing.lance"], "nothing"),
        (["count", DIGITS, "--filter", "lable = 3"], "label"),
        (["schema", DIGITS.parent, "../digits"], "Invalid table name"),
        (["ls", "s3://bucket"], "s3"),
    ],
    ids=["no table", "misspelt column", "path as a name", "unsupported store"],
)
def test_mistakes_are_explained(arguments, named):
    done = pilum(*arguments)
    assert done.returncode == 2
    assert named in done.stderr
