"""Damaged tables give an error that names the file, or sound data; never a crash or a hang."""

import contextlib
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import struct
import tempfile
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pilum
from reference import golden

STORAGES = ["2.0", "2.1", "2.2"]
DAMAGE = (ValueError, OSError, RuntimeError)  # what an error about bytes on disk may be caught as

hostile = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def files(table: pathlib.Path, folder: str) -> list[pathlib.Path]:
    return sorted(path for path in (table / folder).rglob("*") if path.is_file())


def newest_manifest(table: pathlib.Path) -> pathlib.Path:
    return min(table.glob("_versions/*.manifest"))  # the names count downwards


def check(answer: dict, table: pathlib.Path, named: str | None = None) -> None:
    """An answer about a damaged table: data, or an error of a decent class that says where."""
    assert "unsound" not in answer, answer["unsound"]
    if "error" not in answer:
        return
    allowed = {kind.__name__ for kind in DAMAGE}
    assert allowed & set(answer["bases"]), f"{answer['error']}: {answer['message']}"
    assert "MemoryError" not in answer["bases"], answer["message"]
    assert (named or table.name) in answer["message"], answer["message"]


def expect_error(answer: dict, table: pathlib.Path, named: str) -> None:
    assert "error" in answer, f"read {answer['rows']} rows from a table whose {named} is damaged"
    check(answer, table, named)


@contextlib.contextmanager
def damaged(table: pathlib.Path, path: pathlib.Path, content: bytes):
    """`table` with other content in one of its files, under a name that nobody has seen before:
    what the reading process may have kept of other tables cannot hide the damage."""
    intact = path.read_bytes()
    path.write_bytes(content)
    renamed = table.with_name(f"{uuid.uuid4().hex}-{table.name}")
    table.rename(renamed)
    try:
        yield renamed
    finally:
        renamed.rename(table)
        path.write_bytes(intact)


# ----------------------------------------------------------------------------------- flipped bits
# From the end of a file: its last few hundred bytes are footer and offset tables, where most goes
# wrong. All places are taken modulo the size.
PLACES = st.one_of(st.integers(1, 200), st.integers(1, 8000), st.integers(1, 10**6))
FLIPS = st.lists(st.tuples(PLACES, st.integers(0, 7)), min_size=1, max_size=3)


def flipped(content: bytes, flips: list[tuple[int, int]]) -> bytes:
    changed = bytearray(content)
    for from_end, bit in flips:
        changed[-1 - from_end % len(changed)] ^= 1 << bit
    return bytes(changed)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("mixed-2.0", "data"),
        ("mixed-2.1", "data"),
        ("mixed-2.2", "data"),
        ("encodings-2.1", "data"),
        ("encodings-2.2", "data"),
        ("blobs-2.2", "data"),
        ("history-2.1", "_versions"),
        ("stable-row-ids", "_versions"),
        ("names-v1", "_versions"),
        ("history-2.1", "_deletions"),
        ("dense-deletions", "_deletions"),
        ("history-2.1", "_refs"),
    ],
)
def test_flipped_bits(probe, copy_of, name, folder):
    table = copy_of(name)
    rows = probe.read(table)["rows"]

    @hostile
    @given(st.sampled_from(files(table, folder)), FLIPS)
    def flip(path, flips):
        with damaged(table, path, flipped(path.read_bytes(), flips)) as broken:
            answer = probe.read(broken)
            # A manifest, or where a blob is said to be, may send the reader to another file, which
            # then looks like the wrong one.
            elsewhere = folder == "_versions" or name.startswith("blobs")
            check(answer, broken, None if elsewhere else path.stem)
            if folder != "_versions":  # where the number of rows is written
                assert answer.get("rows", rows) == rows

    flip()
    assert probe.read(table) == {"rows": rows}  # what was damaged has left no trace


@pytest.mark.parametrize("storage", STORAGES)
def test_rubbish_instead_of_a_data_file(probe, copy_of, storage):
    table = copy_of(f"history-{storage}")
    path = files(table, "data")[0]
    ending = struct.pack("<HH4s", 2, 1, b"LANC")  # the last bytes of a good file

    @settings(hostile, max_examples=60)
    @given(st.binary(max_size=300), st.sampled_from([b"", ending]))
    def replace(content, end):
        with damaged(table, path, content + end) as broken:
            check(probe.read(broken, version=1), broken, path.stem)

    replace()


# ------------------------------------------------------------------------------- damaged pages
def end_of_pages(content: bytes) -> int:
    """Where the pages of a data file end: the first global buffer, its schema, follows them."""
    _, _, table = struct.unpack_from("<QQQ", content, len(content) - 40)
    return struct.unpack_from("<Q", content, table)[0]


def page_errors(probe, table: pathlib.Path) -> list[tuple[int, str]]:
    """What reading says when 64 bytes of a page are all ones: where these started, the message.
    Many bytes stand for some value whatever they are, and then nothing is said."""
    [path] = files(table, "data")
    content = path.read_bytes()
    messages = []
    for start in range(0, end_of_pages(content) - 64, 64 * 7):
        changed = content[:start] + b"\xff" * 64 + content[start + 64 :]
        with damaged(table, path, changed) as broken:
            answer = probe.read(broken)
        assert "unsound" not in answer, answer["unsound"]
        if "error" in answer:
            messages.append((start, answer["message"].replace(broken.name, table.name)))
    assert len(messages) > 20
    return messages


PAGED = ["mixed-2.0", "mixed-2.1", "mixed-2.2", "encodings-2.1", "encodings-2.2"]
KEYS_WITHOUT_FILE = "a dictionary key outside the dictionary"  # which several files can make up


@pytest.mark.parametrize("name", PAGED)
def test_damage_of_a_page_names_the_column_and_the_file(probe, copy_of, name):
    table = copy_of(name)
    [path] = files(table, "data")
    columns = set(golden(name).rows.column_names)
    found = set()
    for start, message in page_errors(probe, table):
        column = re.search(r"column ([^,)]*)", message)
        assert column, f"{start}: {message}"
        assert column[1].split(".")[0] in columns
        found.add(column[1])
        if not message.startswith(KEYS_WITHOUT_FILE):
            assert f"(file {path}, column " in message
    assert len(found) > 2, found


@pytest.mark.parametrize("name", PAGED)
def test_damage_of_a_page_names_the_byte(probe, copy_of, name):
    table = copy_of(name)
    [path] = files(table, "data")
    pages = end_of_pages(path.read_bytes())
    for start, message in page_errors(probe, table):
        if message.startswith(KEYS_WITHOUT_FILE):
            continue
        byte = re.search(r", byte (\d+), version 1\)$", message)
        assert byte, f"{start}: {message}"
        assert int(byte[1]) < pages


# ------------------------------------------------------------------------------ truncated, missing
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kept", [0, 1, 15, 16, 0.3, 0.9, 0.999])
def test_truncated_data_file(probe, copy_of, storage, kept):
    table = copy_of(f"mixed-{storage}")
    [path] = files(table, "data")
    size = path.stat().st_size
    os.truncate(path, int(size * kept) if isinstance(kept, float) else kept)
    expect_error(probe.read(table), table, path.name)


@pytest.mark.parametrize("storage", STORAGES)
def test_missing_data_file(probe, copy_of, storage):
    table = copy_of(f"mixed-{storage}")
    [path] = files(table, "data")
    path.unlink()
    expect_error(probe.read(table), table, path.name)
    with pytest.raises(FileNotFoundError, match=path.name):
        pilum.dataset(table).to_table()
    assert pilum.dataset(table).count_rows() == 400  # what the manifest says can still be said


def test_missing_deletion_file(probe, copy_of):
    table = copy_of("history-2.2")
    for path in files(table, "_deletions"):
        path.unlink()
    expect_error(probe.read(table), table, "_deletions")


@pytest.mark.parametrize("kept", [0, 1, 15, 16, 100])
def test_truncated_manifest(probe, copy_of, kept):
    table = copy_of("history-2.2")
    path = newest_manifest(table)
    os.truncate(path, kept)
    expect_error(probe.read(table), table, path.name)
    assert probe.read(table, version=5) == {
        "rows": len(golden("history-2.2").expected("expected.v5.arrow"))
    }


def test_no_manifest_at_all(copy_of):
    table = copy_of("mixed-2.2")
    for path in files(table, "_versions"):
        path.unlink()
    with pytest.raises(ValueError, match="was not found"):
        pilum.dataset(table)


def test_missing_blob_file(probe, copy_of):
    table = copy_of("blobs-2.2")
    blob = next(path for path in files(table, "data") if path.suffix == ".blob")
    blob.unlink()
    expect_error(probe.read(table), table, blob.name)


# ------------------------------------------------------------------------- manifests of the future
def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def append_to_manifest(path: pathlib.Path, field: int, value: int) -> None:
    """Add a varint field to the manifest message; the last value of a field counts."""
    content = path.read_bytes()
    position, = struct.unpack_from("<Q", content, len(content) - 16)  # fmt: skip
    length, = struct.unpack_from("<I", content, position)  # fmt: skip
    message = content[position + 4 : position + 4 + length] + varint(field << 3) + varint(value)
    rest = content[position + 4 + length :]
    path.write_bytes(content[:position] + struct.pack("<I", len(message)) + message + rest)


READER_FLAGS, WRITER_FLAGS = 9, 10


@pytest.mark.parametrize("flag", [1 << 20, 1 << 40, 1 << 63])
def test_unknown_reader_flag_is_refused(copy_of, flag):
    table = copy_of("mixed-2.2")
    path = newest_manifest(table)
    append_to_manifest(path, READER_FLAGS, flag)
    with pytest.raises(Exception, match=r"newer|flag|support") as caught:
        pilum.dataset(table).to_table()
    assert path.name in str(caught.value) or table.name in str(caught.value)


def test_unknown_writer_flag_does_not_matter_to_a_reader(copy_of):
    table = copy_of("mixed-2.2")
    append_to_manifest(newest_manifest(table), WRITER_FLAGS, 1 << 40)
    assert pilum.dataset(table).to_table().num_rows == 400


# ------------------------------------------------------------------------------- rights and names
def read_without_rights(uri: pathlib.Path) -> tuple[list[str], str]:
    """Run in a child process: root gives up its rights there, because it may read everything."""
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        pilum.dataset(uri).to_table()
    except Exception as error:
        return [base.__name__ for base in type(error).__mro__], str(error)
    return [], "was read"


@pytest.mark.parametrize("locked", ["data", "_versions", "file"])
def test_unreadable_files(locked):
    # Not in tmp_path, which only its owner may enter.
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder).chmod(0o755)
        source = golden("mixed-2.2").uri
        table = pathlib.Path(shutil.copytree(source, pathlib.Path(folder) / "mixed.lance"))
        place = files(table, "data")[0] if locked == "file" else table / locked
        place.chmod(0)
        try:
            with multiprocessing.get_context("fork").Pool(1) as pool:
                bases, message = pool.apply(read_without_rights, (table,))
        finally:
            place.chmod(0o700)
    assert "PermissionError" in bases, message
    assert place.name in message


@pytest.mark.parametrize("name", ["../secret", "..", "a/../../secret", "/etc/passwd", "a\0"])
def test_a_table_name_cannot_leave_the_database(tmp_path, copy_of, name):
    copy_of("mixed-2.2").rename(tmp_path / "secret.lance")
    inside = tmp_path / "db"
    inside.mkdir()
    with pytest.raises(ValueError, match="Invalid table name"):
        pilum.connect(inside).open_table(name)


@pytest.mark.parametrize("tag", ["../../../x", "/etc/passwd", "a/b", "..", ""])
def test_a_tag_name_cannot_leave_the_table(copy_of, tag):
    table = copy_of("history-2.2")
    with pytest.raises(ValueError, match=r"Tag|version"):
        pilum.dataset(table).checkout_version(tag)


BAD_TAGS = ["", "{", "[]", '"x"', "null", "[" * 100_000, "\xff"] + [
    f'{{"version":{value}}}' for value in ('"3"', "-1", "1e99", "null", "99")
]


@pytest.mark.parametrize("content", BAD_TAGS, ids=lambda content: content[:20] or "empty")
def test_a_damaged_tag_names_the_tag(copy_of, content):
    table = copy_of("history-2.2")
    (table / "_refs" / "tags" / "first.json").write_text(content, encoding="latin-1")
    with pytest.raises((ValueError, OSError), match="first"):
        pilum.dataset(table).checkout_version("first")
    assert pilum.dataset(table).count_rows() > 0


@pytest.mark.parametrize(
    "hint", ["", "{}", '{"version":1}', '{"version":99}', "rubbish", '{"version":-3}']
)
def test_a_wrong_version_hint_does_not_matter(copy_of, hint):
    table = copy_of("history-2.2")
    (table / "_versions" / "latest_version_hint.json").write_text(hint)
    assert pilum.dataset(table).version == 6


@pytest.mark.parametrize("stray", ["d9223372036854775810.manifest", "x.manifest", "7.manifest.tmp",
                                   "18446744073709551600.manifest-abc", "notes.txt"])  # fmt: skip
def test_stray_files_beside_the_manifests(copy_of, stray):
    table = copy_of("history-2.2")
    (table / "_versions" / stray).write_bytes(b"stray")
    dataset = pilum.dataset(table)
    assert dataset.version == 6
    assert len(dataset.versions()) == 6


def test_a_data_file_path_cannot_leave_the_table(probe, copy_of, tmp_path):
    """The manifest of a hostile table names ../../…; nothing outside the table is opened."""
    table = copy_of("mixed-2.2")
    [data] = files(table, "data")
    outside = tmp_path / "outside.lance"
    data.rename(outside)
    manifest = newest_manifest(table)
    content = manifest.read_bytes()
    escape = "../../outside.lance".rjust(len(data.name), "/").replace("//", "./")[-len(data.name) :]
    assert data.name.encode() in content
    manifest.write_bytes(content.replace(data.name.encode(), escape.encode()))
    answer = probe.read(table)
    assert "error" in answer, json.dumps(answer)
