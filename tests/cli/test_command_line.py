"""The command `pilum`, run as a program: what it prints, its exit status, terminal or not."""

import os
import pathlib
import re
import shutil

import pytest

import pilum
from command import COMMAND, ROOT, lines, on_a_terminal, start
from reference import DIGITS, golden

DATABASE = DIGITS.parent
DAMAGED, FAILED = 1, 2  # exit status


def records(*arguments: object) -> list[dict[str, str]]:
    """The same by column."""
    header, *rows = lines(*arguments)
    return [dict(zip(header, row, strict=True)) for row in rows]


# ----------------------------------------------------------------------------- what there is to see
def test_ls(database_path):
    names = ["digits", "empty", "history", "mixed", "names_v1", "stable"]
    assert lines("ls", database_path) == [[name] for name in names]
    assert lines("ls", f"file://{database_path}") == [[name] for name in names]


def test_ls_of_an_empty_directory(tmp_path):
    assert lines("ls", tmp_path) == []


@pytest.mark.parametrize(
    "table",
    [(DATABASE, "digits"), (DIGITS,), (DATABASE / "digits",), (f"file://{DIGITS}",)],
    ids=["database and name", "folder", "folder without its ending", "uri"],
)
def test_ways_to_name_a_table(table):
    assert lines("count", *table) == [["1797"]]


def test_a_folder_of_any_name_is_a_table():
    assert lines("count", golden("mixed-2.2").uri) == [["400"]]


def test_schema(database_path):
    assert records("schema", DIGITS) == [
        {"column": "image", "type": "binary", "nullable": "yes"},
        {"column": "label", "type": "int64", "nullable": "yes"},
    ]
    fields = golden("mixed-2.2").rows.schema
    assert [tuple(row.values()) for row in records("schema", database_path, "mixed")] == [
        (field.name, str(field.type), "yes" if field.nullable else "no") for field in fields
    ]


def test_schema_of_a_version(database_path):
    columns = [
        [row["column"] for row in records("schema", database_path, "history", "--version", version)]
        for version in ("1", "6")
    ]
    first = golden("history-2.2").expected("expected.v1.arrow").drop_columns(["_rowid", "_rowaddr"])
    assert columns == [first.column_names, golden("history-2.2").rows.column_names]


def test_head():
    rows = records("head", DIGITS)
    assert [row["label"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert all(re.fullmatch(r"<\d+ B>", row["image"]) for row in rows)
    assert len(records("head", DIGITS, "-n", "12")) == 12
    assert records("head", DIGITS, "--rows", "0") == []


def test_head_keeps_every_row_on_one_line(database_path):
    rows = records("head", database_path, "mixed", "-n", "400")
    assert [row["id"] for row in rows] == [str(i) for i in range(400)]
    assert {row["all_null"] for row in rows} == {"null"}
    assert max(len(cell) for row in rows for cell in row.values()) <= 80


def test_head_of_an_empty_table(database_path):
    assert lines("head", database_path, "empty") == [golden("empty").rows.column_names]


def test_count(database_path):
    assert lines("count", database_path, "history") == [[str(len(golden("history-2.2").rows))]]
    assert lines("count", database_path, "history", "--version", "1") == [["250"]]
    assert lines("count", database_path, "history", "--version", "first") == [["250"]]
    assert lines("count", DIGITS, "--filter", "label = 3") == [["183"]]
    assert lines("count", DIGITS, "--filter", "label < 0") == [["0"]]


def test_versions(database_path):
    rows = records("versions", database_path, "history")
    assert [row["version"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    tags = {row["version"]: row["tags"] for row in rows if row["tags"]}
    assert tags == {"1": "first", "3": "before-update"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["committed"]) for row in rows)


def test_inspect():
    header, image, label, remark, total = lines("inspect", DIGITS)
    assert header == [*"column type pages encoding stored decoded ratio".split(), "per row"]
    assert (image[0], label[0]) == ("image", "label")
    assert "bitpacked" in label[3]
    assert float(label[6]) > 8  # ten different labels of 64 bits
    assert remark[0].startswith("image: 100% of the table")
    assert "format 2.2, rows 1797, fragments 1" in total[0]


@pytest.mark.parametrize("storage", ["2.0", "2.1", "2.2"])
def test_inspect_every_storage_version(storage):
    table = golden(f"mixed-{storage}")
    output = lines("inspect", table.uri)
    columns = {row[0].partition(".")[0] for row in output if len(row) > 1}
    assert set(table.rows.column_names) <= columns
    assert f"format {storage}, rows 400" in output[-1][0]


def test_verify(database_path):
    [[digits]] = lines("verify", DIGITS)
    assert digits.startswith("version 1: damaged places 0, rows 1797, fragments 1, files 1, ")
    [[history]] = lines("verify", database_path, "history", "--version", "1")
    assert history.startswith("version 1: damaged places 0, rows 250, ")


# ---------------------------------------------------------------------------------- damaged tables
@pytest.fixture
def damaged(tmp_path) -> pathlib.Path:
    return pathlib.Path(shutil.copytree(golden("mixed-2.2").uri, tmp_path / "damaged.lance"))


def test_verify_says_where_bytes_are_wrong(damaged):
    [file] = damaged.glob("data/*.lance")
    content = bytearray(file.read_bytes())
    strings = "".join(text or "" for text in golden("mixed-2.2").rows["text"].to_pylist()[:10])
    end = content.index(strings.encode())  # before the strings of a chunk lie their offsets
    for i in range(end - 64, end):
        content[i] ^= 0xFF
    file.write_bytes(content)
    run = start("verify", damaged)
    assert run.returncode == DAMAGED
    assert run.stderr == ""
    place, total = run.stdout.splitlines()
    assert total.startswith("version 1: damaged places 1, rows 400, ")
    assert place.startswith(f"fragment 0, file {file}, column text: ")
    byte = int(re.search(r"\(byte (\d+)\)$", place)[1])
    assert end - 4096 < byte < end  # where the chunk starts
    assert lines("count", damaged) == [["400"]]


def test_verify_says_which_file_is_truncated(tmp_path):
    table = pathlib.Path(shutil.copytree(golden("history-2.2").uri, tmp_path / "damaged.lance"))
    fragment = pilum.dataset(table).get_fragments()[-1]
    file = table / "data" / pathlib.Path(fragment.data_files[0]).name
    os.truncate(file, file.stat().st_size // 2)
    run = start("verify", table)
    assert run.returncode == DAMAGED
    *places, total = run.stdout.splitlines()
    assert total.startswith(f"version 6: damaged places {len(places)}, ")
    assert places
    for line in places:
        assert line.startswith(f"fragment {fragment.fragment_id}, file {file}, column ")
        assert "truncated" in line
    lines("verify", table, "--version", "1")  # is intact: from before that file


def test_verify_of_a_missing_file(damaged):
    [file] = damaged.glob("data/*.lance")
    file.unlink()
    run = start("verify", damaged)
    assert run.returncode == DAMAGED
    assert f"fragment 0, file {file}" in run.stdout


def test_reading_damage_is_an_error(damaged):
    [file] = damaged.glob("data/*.lance")
    os.truncate(file, 1000)
    run = start("head", damaged)
    assert run.returncode == FAILED
    assert re.fullmatch(rf"pilum: .*{re.escape(str(file))}.*\n", run.stderr)


# ------------------------------------------------------------------------------------- user errors
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ls", "nowhere"], "there is no directory nowhere"),
        (["count", "nowhere"], "'nowhere' was not found"),
        (["count", DATABASE], "tables in .*: digits"),
        (["count", DATABASE, "numbers"], "'numbers' was not found.*: digits"),
        (["count", DIGITS, "--filter", "lable = 3"], '"lable"; did you mean "label"'),
        (["count", DIGITS, "--filter", "label ="], "SQL"),
        (["count", DIGITS, "--filter", "label + 1"], "boolean"),
        (["schema", DATABASE, "../digits"], "Invalid table name '../digits'"),
        (["ls", "s3://bucket"], "s3"),
        (["schema", DIGITS, "--version", "9"], "Version 9 no longer exists"),
        (["schema", DIGITS, "--version", "newest"], "'newest' does not exist"),
        (["verify", golden("legacy-0.1").uri], "0.1.* not supported"),
    ],
)
def test_an_error_is_one_line(arguments, message):
    run = start(*arguments)
    assert run.returncode == FAILED
    assert run.stdout == ""
    assert re.fullmatch(rf"pilum: .*{message}.*\n", run.stderr), run.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["count"], ["guess", DIGITS], ["head", DIGITS, "-n", "-1"], ["ls", "--deep"]]
)
def test_wrong_usage(arguments):
    run = start(*arguments)
    assert run.returncode == FAILED
    assert "Usage: pilum" in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("command", "import ls schema head count versions inspect verify".split())
def test_help(command):
    run = start(command, "--help")
    assert run.returncode == 0
    assert f"Usage: pilum {command}" in run.stdout


# --------------------------------------------------------------------------------------- terminals
def test_a_terminal_gets_a_table():
    output, _ = on_a_terminal(COMMAND, "schema", DIGITS)
    assert "\t" not in output
    assert "─" in output
    assert re.search(r"^ +image +binary +yes *$", output, re.MULTILINE)


def test_a_terminal_gets_many_columns_below_each_other(database_path):
    output, _ = on_a_terminal(COMMAND, "head", database_path, "mixed", "-n", "2")
    assert re.search(r"^ +column +row 0 +row 1 *$", output, re.MULTILINE)
    assert re.search(r"^ +i8 +-128 +127 *$", output, re.MULTILINE)


def test_the_progress_of_a_verification_does_not_stay():
    output, status = on_a_terminal(COMMAND, "verify", DIGITS)
    assert output.startswith("version 1: damaged places 0")
    assert status == 0


@pytest.mark.parametrize("command", "schema head versions inspect verify".split())
def test_nothing_is_coloured_elsewhere(command):
    assert "\x1b" not in start(command, DIGITS).stdout


# ------------------------------------------------------------------------------------------- guide
# ------------------------------------------------------------------------------------ keeping order


@pytest.fixture
def changed(tmp_path) -> pathlib.Path:
    """A table of ten small fragments and as many versions."""
    for i in range(10):
        mode = "append" if i else "create"
        pilum.write_dataset([{"id": i}], tmp_path / "t.lance", mode=mode)
    return tmp_path / "t.lance"


def test_compact(changed):
    assert lines("compact", changed) == [["version 12: 10 fragments became 1"]]
    assert lines("compact", changed) == [["version 12: 0 fragments became 0"]]
    assert lines("count", changed) == [["10"]]
    assert start("compact", changed, "--target-rows", "0").returncode == FAILED


def test_tags_and_cleanup(changed):
    assert records("tag", changed, "--create", "kept", "--version", "3") == [
        {"tag": "kept", "version": "3", "branch": "main"}
    ]
    assert "already" in start("tag", changed, "--create", "kept").stderr
    assert records("tag", changed, "--move", "kept", "--version", "4")[0]["version"] == "4"
    assert lines("cleanup", changed)[0][0].startswith("removed: versions 0, files 0")
    assert lines("cleanup", changed, "--older-than", "0")[0][0].startswith("removed: versions 8")
    assert [about["version"] for about in records("versions", changed)] == ["4", "10"]
    assert lines("tag", changed, "--delete", "kept") == [["tag", "version", "branch"]]
    assert lines("verify", changed)[-1][0].startswith("version 10: damaged places 0, rows 10")


def documented_commands():
    page = (ROOT / "docs/guide/command-line.md").read_text()
    for block in re.findall(r"^```console\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        for part in block.removeprefix("$ ").split("\n$ "):
            command, _, output = part.partition("\n")
            yield pytest.param(command, output, id=command)


@pytest.mark.parametrize(("command", "output"), list(documented_commands()))
def test_the_guide_shows_what_is_printed(command, output):
    printed, _ = on_a_terminal("sh", "-c", command, columns=100)
    assert [line.rstrip() for line in printed.splitlines() if line.strip()] == output.splitlines()
