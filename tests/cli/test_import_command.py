"""`pilum import`: files of all kinds become tables, or one line says why not."""

import gzip
import json
import pathlib
import re
import signal
import subprocess
import time

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

import pilum
from command import COMMAND, lines, screen, start
from pilum.importing import import_rows, open_existing
from pilum.sources import Format, open_source

FAILED = 2  # exit status

ROWS = pa.table(
    {
        "id": pa.array(range(1000), pa.int64()),
        "name": pa.array([None if i % 7 == 0 else f"näme {i}\n" for i in range(1000)]),
        "score": pa.array([i / 8 for i in range(1000)], pa.float64()),
    }
)


def write_parquet(rows: pa.Table, path: pathlib.Path) -> None:
    pa.parquet.write_table(rows, path, row_group_size=300)


def write_stream(rows: pa.Table, path: pathlib.Path) -> None:
    with pa.ipc.new_stream(path, rows.schema) as writer:
        writer.write_table(rows, 300)


def write_file(rows: pa.Table, path: pathlib.Path) -> None:
    with pa.ipc.new_file(path, rows.schema) as writer:
        writer.write_table(rows, 300)


def write_feather(rows: pa.Table, path: pathlib.Path) -> None:
    pa.feather.write_feather(rows, path, chunksize=300)


def write_csv(rows: pa.Table, path: pathlib.Path) -> None:
    delimiter = "\t" if path.suffix == ".tsv" else ","
    pa.csv.write_csv(rows, path, pa.csv.WriteOptions(delimiter=delimiter))


def write_json(rows: pa.Table, path: pathlib.Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows.to_pylist()))


def write_gzip(rows: pa.Table, path: pathlib.Path) -> None:
    plain = path.with_suffix("")
    (write_csv if plain.suffix == ".csv" else write_json)(rows, plain)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


WRITERS = {
    "rows.parquet": write_parquet,
    "rows.arrow": write_file,
    "stream.arrow": write_stream,
    "rows.feather": write_feather,
    "rows.ipc": write_stream,
    "rows.csv": write_csv,
    "ROWS.CSV": write_csv,
    "rows.tsv": write_csv,
    "rows.jsonl": write_json,
    "rows.ndjson": write_json,
    "rows.json": write_json,
    "rows.csv.gz": write_gzip,
    "rows.jsonl.gz": write_gzip,
}


@pytest.fixture
def out(tmp_path) -> pathlib.Path:
    """Where a table may be made."""
    return tmp_path / "out" / "table.lance"


def rows_of(table: pathlib.Path) -> pa.Table:
    return pilum.dataset(table).to_table()


def fails(*arguments: object) -> str:
    """The message of an import that fails, which is one line."""
    run = start("import", *arguments)
    assert (run.returncode, run.stdout) == (FAILED, ""), run.stderr
    assert re.fullmatch(r"pilum: .*\n", run.stderr), run.stderr
    return run.stderr.removeprefix("pilum: ").rstrip()


# ------------------------------------------------------------------------------------------ formats
@pytest.mark.parametrize(("name", "write"), WRITERS.items(), ids=list(WRITERS))
def test_every_format(name, write, tmp_path, out):
    write(ROWS, tmp_path / name)
    [[summary]] = lines("import", tmp_path / name, out)
    size = (tmp_path / name).stat().st_size
    found = re.fullmatch(
        r"version 1: rows 1000, read ([\d.]+) KiB, stored ([\d.]+) KiB, [\d.]+ s", summary
    )
    assert found, summary
    assert float(found[1]) == pytest.approx(size / 1024, rel=0.01)
    files = sum(file.stat().st_size for file in out.glob("data/*.lance"))
    assert files / 2 < float(found[2]) * 1024 <= files
    expected = ROWS
    if Format.CSV in name.lower() or Format.TSV in name:  # has no null texts
        expected = ROWS.set_column(1, "name", ROWS["name"].fill_null(""))
    assert rows_of(out).equals(expected)


def test_the_format_can_be_named(tmp_path, out):
    write_parquet(ROWS, tmp_path / "part-0")
    assert "--format does: parquet, csv, tsv, json, arrow, images" in fails(
        tmp_path / "part-0", out
    )
    lines("import", tmp_path / "part-0", out, "--format", "parquet")
    assert rows_of(out).equals(ROWS)


def test_types_and_metadata_of_arrow_stay(tmp_path, out):
    rows = pa.table(
        {
            "vector": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
            "nested": pa.array([{"a": [1], "b": "x"}, {"a": None, "b": None}]),
            "when": pa.array([1, None], pa.timestamp("us", "UTC")),
        },
        metadata={"made by": "a test"},
    )
    write_parquet(rows, tmp_path / "rows.parquet")
    lines("import", tmp_path / "rows.parquet", out)
    assert rows_of(out).equals(rows)
    assert rows_of(out).schema.metadata[b"made by"] == b"a test"


def test_an_index_of_pandas_is_not_kept(tmp_path, out):
    rows = pa.Table.from_pandas(ROWS.to_pandas())
    assert b"pandas" in rows.schema.metadata
    write_parquet(rows, tmp_path / "rows.parquet")
    lines("import", tmp_path / "rows.parquet", out)
    assert b"pandas" not in (rows_of(out).schema.metadata or {})


# ------------------------------------------------------------------------------------------ folders
def test_files_of_a_folder_are_read_in_natural_order(tmp_path, out):
    folder = tmp_path / "rows"
    (folder / "b").mkdir(parents=True)
    for i, name in enumerate(["b/1", "part-2", "part-10"]):
        write_parquet(ROWS.slice(i * 300, 300), folder / f"{name}.parquet")
    (folder / "_SUCCESS").touch()
    (folder / "_log").mkdir()
    (folder / "_log" / "0.json").write_text("{}")
    (folder / ".hidden.parquet").write_text("no Parquet")
    lines("import", folder, out)
    assert rows_of(out).equals(ROWS.slice(0, 900))


def test_the_first_file_decides_the_types(tmp_path, out):
    (tmp_path / "1.csv").write_text("id,x\n1,0.5\n")
    (tmp_path / "2.csv").write_text("x,id\n1,2\n")
    lines("import", tmp_path, out)
    assert rows_of(out).to_pylist() == [{"id": 1, "x": 0.5}, {"id": 2, "x": 1.0}]
    (tmp_path / "3.csv").write_text("id,x\na,1\n")
    message = fails(tmp_path, out, "--mode", "overwrite")
    assert f"{tmp_path}/3.csv: In CSV column #0: Row #2:" in message


def test_a_file_with_other_columns(tmp_path, out):
    write_parquet(ROWS, tmp_path / "1.parquet")
    write_parquet(ROWS.rename_columns(["id", "name", "grade"]), tmp_path / "2.parquet")
    assert fails(tmp_path, out).startswith(f"{tmp_path}/2.parquet: field 'grade' does not exist")
    lines("import", tmp_path, out, "--columns", "score,id")
    assert rows_of(out)["score"].null_count == 1000


def test_a_folder_with_several_formats(tmp_path, out):
    write_csv(ROWS, tmp_path / "rows.csv")
    (tmp_path / "image.png").write_bytes(b"png")
    assert fails(tmp_path, out).endswith("holds csv and images; --format says which to import")
    lines("import", tmp_path, out, "--format", "csv")
    assert rows_of(out).num_rows == 1000


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path, out):
    write_parquet(ROWS, tmp_path / "rows.parquet")
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "1.parquet").symlink_to(tmp_path / "rows.parquet")
    (folder / "linked").symlink_to(folder / "inner")
    (folder / "inner" / "back").symlink_to(folder)
    lines("import", folder, out)
    assert rows_of(out).num_rows == 2000


def test_a_link_to_a_file_that_is_gone(tmp_path, out):
    make_images(tmp_path, "a/1.png")
    (tmp_path / "a" / "2.png").symlink_to(tmp_path / "gone.png")
    assert f"No such file or directory: '{tmp_path}/a/2.png'" in fails(tmp_path, out)


# ------------------------------------------------------------------------------ columns and filters
def test_columns_are_taken_in_the_order_asked_for(tmp_path, out):
    write_json(ROWS, tmp_path / "rows.jsonl")
    lines("import", tmp_path / "rows.jsonl", out, "--columns", "score,id")
    assert rows_of(out).equals(ROWS.select(["score", "id"]))


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv", "rows.feather"])
def test_a_filter_may_use_columns_that_are_not_taken(name, tmp_path, out):
    WRITERS[name](ROWS, tmp_path / name)
    condition = "name <> '' AND score < 50 AND id % 2 = 1"
    [[summary]] = lines("import", tmp_path / name, out, "--filter", condition, "--columns", "id")
    ids = [i for i in range(400) if i % 7 and i % 2]
    assert rows_of(out).to_pydict() == {"id": ids}
    assert summary.startswith(f"version 1: rows {len(ids)}, ")


def test_a_filter_that_keeps_nothing_makes_an_empty_table(tmp_path, out):
    write_parquet(ROWS, tmp_path / "rows.parquet")
    lines("import", tmp_path / "rows.parquet", out, "--filter", "id < 0")
    assert rows_of(out).equals(ROWS.slice(0, 0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--columns", "scroe"], "column 'scroe' does not exist; did you mean 'score'?"),
        (["--columns", "id,,name"], "column '' does not exist"),
        (["--columns", "id,id"], "there are several fields of the name 'id'"),
        (["--filter", "scroe > 1"], '"scroe"; did you mean "score"?'),
        (["--filter", "score"], "boolean"),
        (["--filter", "1 / (id - 700) = 0"], "position 3: divide by zero"),
        (["--storage-version", "1.7"], "storage version '1.7'"),
    ],
)
def test_wrong_options(options, message, tmp_path, out):
    write_parquet(ROWS, tmp_path / "rows.parquet")
    assert message in fails(tmp_path / "rows.parquet", out, *options)
    assert open_existing(str(out)) is None


# ------------------------------------------------------------------------------------------- tables
def test_modes(tmp_path, out):
    write_parquet(ROWS, tmp_path / "rows.parquet")
    rows = tmp_path / "rows.parquet"
    assert lines("import", rows, out, "--mode", "overwrite")[0][0].startswith(
        "version 1: rows 1000"
    )
    assert fails(rows, out) == (
        f"Table 'table' already exists (file {out}); --mode append adds rows to it, "
        "--mode overwrite replaces its rows"
    )
    [[appended]] = lines("import", rows, out, "--mode", "append")
    assert appended.startswith("version 2: rows 1000")
    assert rows_of(out).num_rows == 2000
    [[replaced]] = lines("import", rows, out, "--mode", "overwrite", "--columns", "id")
    assert replaced.startswith("version 3: rows 1000")
    assert rows_of(out).equals(ROWS.select(["id"]))


@pytest.mark.parametrize("name", ["rows.csv", "rows.json"])
def test_appended_text_has_the_types_of_the_table(name, tmp_path, out):
    schema = pa.schema({"id": pa.int8(), "name": pa.string(), "score": pa.float32()})
    pilum.write_dataset(schema.empty_table(), out)
    rows = pa.table({"id": [1, 2], "name": ["1", "2"], "score": [1, 2]})
    WRITERS[name](rows, tmp_path / name)
    lines("import", tmp_path / name, out, "--mode", "append")
    assert rows_of(out).equals(rows.cast(schema))


def test_the_storage_version_can_be_chosen(tmp_path, out):
    write_csv(ROWS, tmp_path / "rows.csv")
    lines("import", tmp_path / "rows.csv", out, "--storage-version", "2.1")
    assert pilum.dataset(out).data_storage_version == "2.1"


def test_ways_to_name_the_new_table(tmp_path):
    write_csv(ROWS, tmp_path / "rows.csv")
    database = tmp_path / "database"
    lines("import", tmp_path / "rows.csv", database, "first")
    lines("import", tmp_path / "rows.csv", database / "second")
    lines("import", tmp_path / "rows.csv", f"file://{database}/third.lance")
    assert lines("ls", database) == [["first"], ["second"], ["third"]]
    assert fails(tmp_path / "rows.csv", database).endswith(
        "database is a folder and no table; name a table in it"
    )


# ------------------------------------------------------------------------------------------- images
def make_images(folder: pathlib.Path, *names: str) -> dict[str, bytes]:
    """Files whose bytes say their names."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return {name: name.encode() for name in names}


def test_the_label_of_an_image_is_the_number_of_its_folder(tmp_path, out):
    folder = tmp_path / "images"
    names = ["3.JPG", "cats/1.jpg", "cats/2.jpeg", "cats/10.webp", "dogs/deep/1.png"]
    images = make_images(folder, *names, "_owls/1.png")
    make_images(folder, "cats/notes.txt", "empty/notes.md", ".cache/1.png", "dogs/.1.png")
    lines("import", folder, out)
    rows = rows_of(out)
    assert rows.schema.types == [pa.binary(), pa.int64(), pa.string(), pa.string()]
    labels = {None: None, "_owls": 0, "cats": 1, "dogs": 2}
    assert rows.to_pylist() == [
        {"image": images[path], "label": labels[name], "label_name": name, "path": path}
        for name, path in [
            (None, "3.JPG"),
            ("_owls", "_owls/1.png"),
            *(("cats", f"cats/{file}") for file in ("1.jpg", "2.jpeg", "10.webp")),
            ("dogs", "dogs/deep/1.png"),
        ]
    ]


@pytest.mark.parametrize(
    ("folders", "labels"),
    [
        (["2", "9", "10"], [2, 9, 10]),
        (["007", "12"], [7, 12]),
        (["1", "01"], [1, 0]),  # two classes, by name
        (["1", "2b", "10"], [0, 2, 1]),
        (["1", str(2**64)], [0, 1]),
    ],
)
def test_folders_named_by_numbers(folders, labels, tmp_path):
    make_images(tmp_path, *(f"{name}/1.png" for name in folders))
    [batch] = open_source(tmp_path).batches(["label", "label_name"])
    found = {row["label_name"]: row["label"] for row in batch.to_pylist()}
    assert found == dict(zip(folders, labels, strict=True))


def test_a_folder_without_images(tmp_path, out):
    (tmp_path / "notes.txt").touch()
    assert fails(tmp_path, out) == f"there are no images and no files of data in {tmp_path}"
    assert fails(tmp_path, out, "--format", "images") == f"there are no images in {tmp_path}"


def test_batches_of_images_are_bounded_by_their_bytes(tmp_path):
    (tmp_path / "a").mkdir()
    for i in range(5):
        with (tmp_path / "a" / f"{i}.png").open("wb") as file:
            file.truncate(7 << 20)
    source = open_source(tmp_path)
    batches = source.batches()
    assert next(batches).num_rows == 2
    assert source.bytes_read == 14 << 20
    (tmp_path / "a" / "4.png").unlink()  # has not been read so far
    assert next(batches).num_rows == 2
    with pytest.raises(FileNotFoundError, match=r"4\.png"):
        next(batches)


# ------------------------------------------------------------------------------------------- errors
def test_a_source_that_is_not_there(tmp_path, out):
    assert fails(tmp_path / "rows.csv", out) == f"there is no file or folder {tmp_path}/rows.csv"
    assert fails("/dev/null", out) == "/dev/null is neither a file nor a folder"


def test_an_image_alone_is_no_source(tmp_path, out):
    make_images(tmp_path, "1.png")
    assert "import the one that the image lies in" in fails(tmp_path / "1.png", out)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "a,b\n1,2\n3\n", "CSV parse error: Row #3: Expected 2 columns, got 1: 3"),
        ("a.csv", "", "Empty CSV file"),
        ("a.jsonl", '{"a": 1}\n{"a": x}\n', "JSON parse error: Invalid value. in row 1"),
        ("a.json", '\n[{"a": 1}]', "it is one array; what can be read is an object per row"),
        ("a.parquet", "no Parquet", "Parquet magic bytes not found in footer"),
        ("a.feather", "ARROW1 but no more", "not an Arrow file"),
        ("a.csv.gz", "a,b\n1,2\n", "zlib inflate failed"),
    ],
)
def test_damaged_files(name, content, message, tmp_path, out):
    (tmp_path / name).write_text(content)
    assert fails(tmp_path / name, out).lower().startswith(f"{tmp_path}/{name}: {message}".lower())
    assert open_existing(str(out)) is None


def test_damage_in_the_middle_leaves_no_table(tmp_path, out):
    rows = tmp_path / "rows.parquet"
    write_parquet(ROWS, rows)
    content = bytearray(rows.read_bytes())
    middle = slice(len(content) // 2, len(content) // 2 + 1000)
    content[middle] = bytes(byte ^ 0x5A for byte in content[middle])
    rows.write_bytes(content)
    assert re.match(rf"{rows}, after \d+ rows: .", fails(rows, out))
    assert open_existing(str(out)) is None
    assert list(out.rglob("*.lance")) == []


def test_a_stream_that_ends_too_early(tmp_path, out):
    rows = tmp_path / "rows.arrow"
    write_stream(ROWS, rows)
    rows.write_bytes(rows.read_bytes()[:-1000])
    assert re.match(rf"{rows}, after 900 rows: Expected to be able to read", fails(rows, out))
    assert open_existing(str(out)) is None


def test_a_late_value_of_another_type_names_the_row(tmp_path, out):
    text = "id,x\n" + "1,2\n" * (1 << 20) + "1,2.5\n"
    (tmp_path / "rows.csv").write_text(text)
    message = fails(tmp_path / "rows.csv", out)
    rows = re.search(r"rows.csv, after (\d+) rows: In CSV column #1: Row #(\d+): ", message)
    assert int(rows[1]) < int(rows[2]) == text.count("\n")
    pilum.write_dataset(pa.table({"id": [0], "x": [0.0]}), out)
    lines("import", tmp_path / "rows.csv", out, "--mode", "append")
    assert pilum.dataset(out).count_rows("x = 2.5") == 1


def test_invalid_text_is_refused(tmp_path, out):
    array = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    )
    write_stream(pa.table({"text": array}), tmp_path / "rows.arrow")
    assert "Invalid UTF8" in fails(tmp_path / "rows.arrow", out)


# ------------------------------------------------------------------------------------------ streams
@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow", "stream.arrow"])
def test_files_are_read_as_batches_are_asked_for(name, tmp_path):
    WRITERS[name](ROWS, tmp_path / name)
    source = open_source(tmp_path / name)
    batches = source.batches()
    size = (tmp_path / name).stat().st_size
    assert source.total_bytes == size
    first = next(batches)
    assert first.to_pylist() == ROWS.slice(0, first.num_rows).to_pylist()
    assert 0 < source.bytes_read < size
    with (tmp_path / name).open("r+b") as file:  # what follows has not been read so far
        file.seek(size // 2)
        file.write(b"\xff" * (size - size // 2))
    with pytest.raises(pilum.CorruptDataError, match=rf"{name}, after \d+ rows: "):
        list(batches)


@pytest.mark.parametrize(("name", "write"), [("a.csv", write_csv), ("a.jsonl", write_json)])
def test_text_is_parsed_in_blocks(name, write, tmp_path):
    rows = pa.table({"text": ["x" * 200_000] * 120})
    write(rows, tmp_path / name)
    source = open_source(tmp_path / name)
    shares, sizes = [], []
    for batch in source.batches():
        shares.append(source.bytes_read / source.total_bytes)
        sizes.append(batch.nbytes)
    assert len(sizes) >= 3
    assert max(sizes) <= 9 << 20
    assert shares[0] < 0.5
    assert shares == sorted(shares)
    assert source.bytes_read == source.total_bytes


def test_progress_goes_up_to_the_size_of_the_source(tmp_path, out):
    for i in range(3):
        write_parquet(ROWS, tmp_path / f"{i}.parquet")
    source, seen = open_source(tmp_path, Format.PARQUET), []
    done = import_rows(source, str(out), progress=lambda *now: seen.append(now))
    assert seen == sorted(seen)
    assert seen[0][0] < 3000
    assert seen[-1] == (done.rows, done.read_bytes) == (3000, source.total_bytes)


def test_an_interrupted_import_commits_nothing(tmp_path, out):
    (tmp_path / "rows.csv").write_text("id,x\n" + "1,2\n" * (16 << 20))
    pilum.write_dataset([{"id": 1}], out)
    command = [COMMAND, "import", tmp_path / "rows.csv", out, "--mode", "overwrite"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while len(list(out.glob("data/*"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)  # until it writes
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert b"Traceback" not in errors
    assert output == b""
    assert pilum.dataset(out).version == 1
    assert rows_of(out).to_pylist() == [{"id": 1}]


# ---------------------------------------------------------------------------------------- terminals
def test_a_terminal_shows_progress(tmp_path, out):
    write_csv(ROWS, tmp_path / "rows.csv")
    shown, status = screen(COMMAND, "import", tmp_path / "rows.csv", out)
    assert status == 0
    assert "rows/s" in shown
    assert re.search(r"version 1: rows 1000, read [^\n]* s\n", shown)


def test_quiet_shows_no_progress(tmp_path, out):
    write_csv(ROWS, tmp_path / "rows.csv")
    shown, _ = screen(COMMAND, "import", tmp_path / "rows.csv", out, "--quiet")
    assert re.fullmatch(r"version 1: rows 1000, read [^\n]* s\n", shown)
