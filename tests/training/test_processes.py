"""A table across processes, forks, interrupts and threads."""

import pathlib
import pickle
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from equality import assert_same_table
from reference import DIGITS, golden

HERE = pathlib.Path(__file__).parent
SECONDS = 120  # for what takes one or two: longer is a hang
NOTICED = 20  # seconds within which a signal stops a call: far more than it takes
MIXED = golden("mixed-2.2").rows
ROWS = len(MIXED)


# ---------------------------------------------------------------------------------- other processes
def test_a_pickle_in_a_fresh_process(db, tmp_path):
    table = db.open_table("history", version=1)
    (tmp_path / "table").write_bytes(pickle.dumps(table))
    program = """import pickle
table = pickle.load(open("table", "rb"))
print(table.name, table.version, len(table), sum(batch.num_rows for batch in table))"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    assert run.stdout.split() == ["history", "1", "250", "250"]


@pytest.mark.parametrize("threads", ["1", "4"])
def test_forks_in_mid_scan(threads, monkeypatch):
    monkeypatch.setenv("PILUM_CPU_THREADS", threads)
    run = subprocess.run(
        [sys.executable, "-X", "faulthandler", HERE / "forking.py", DIGITS],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["1797", "1797"]


# --------------------------------------------------------------------------------------- interrupts
def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place


def _messages(message: bytes, number: int) -> Iterator[bytes]:
    """The values of a field that is itself a message."""
    place = 0
    while place < len(message):
        tag, place = _read_varint(message, place)
        if tag & 7 == 2:
            length, place = _read_varint(message, place)
            if tag >> 3 == number:
                yield message[place : place + length]
            place += length
        elif tag & 7 == 0:
            _, place = _read_varint(message, place)
        else:
            place += 8 if tag & 7 == 1 else 4


FRAGMENTS, FRAGMENT_ID = 2, 1  # fields of a manifest, of a fragment


@pytest.fixture(scope="module")
def large_table(tmp_path_factory) -> pathlib.Path:
    """Millions of rows: the digits, whose manifest lists their one fragment again and again."""
    table = pathlib.Path(shutil.copytree(DIGITS, tmp_path_factory.mktemp("large") / "large.lance"))
    [path] = table.glob("_versions/*.manifest")
    content = path.read_bytes()
    position, = struct.unpack_from("<Q", content, len(content) - 16)  # fmt: skip
    length, = struct.unpack_from("<I", content, position)  # fmt: skip
    message = bytearray(content[position + 4 : position + 4 + length])
    [fragment] = _messages(bytes(message), FRAGMENTS)
    for i in range(1, 2000):
        copy = fragment + _varint(FRAGMENT_ID << 3) + _varint(i)  # the last value of a field counts
        message += _varint(FRAGMENTS << 3 | 2) + _varint(len(copy)) + copy
    rest = content[position + 4 + length :]
    path.write_bytes(content[:position] + struct.pack("<I", len(message)) + message + rest)
    return table


def signalled(table: pathlib.Path, call: str, number: signal.Signals) -> tuple[int, str, str]:
    """Exit code, output and errors of long_call.py with a signal in the middle of it."""
    process = subprocess.Popen(
        [sys.executable, HERE / "long_call.py", table, call],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "started\n"
        time.sleep(0.5)  # to be in the middle of it, not at its start
        process.send_signal(number)
        output, errors = process.communicate(timeout=NOTICED)
    finally:
        process.kill()
        process.wait()
    return process.returncode, output, errors


@pytest.mark.parametrize(
    "call",
    ["iteration", "iteration of small batches", "to_table", "count_rows", "reader",
     "exported stream", "exported stream of small batches", "take", "short takes", "verify"],
)  # fmt: skip
def test_interrupt(large_table, call):
    interrupt(large_table, call)


@pytest.mark.parametrize("call", ["filter of a stream", "stream", "transforms"])
def test_interrupt_of_streams(large_table, call):
    pytest.importorskip("torch")
    interrupt(large_table, call)


def interrupt(large_table: pathlib.Path, call: str) -> None:
    code, output, errors = signalled(large_table, call, signal.SIGINT)
    assert output in ("interrupted\n", "stopped\ninterrupted\n"), errors
    assert code == -signal.SIGINT, errors
    assert errors.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.parametrize("call", ["iteration", "exported stream", "take"])
def test_what_another_handler_raises_comes_out_of_the_call(large_table, call):
    """Of an exported stream as well, whose reader knows nothing of Python's exceptions."""
    code, _, errors = signalled(large_table, call, signal.SIGTERM)
    assert (code, errors) == (7, "")


# ----------------------------------------------------------------------------------- ends and forks
@pytest.mark.parametrize("call", ["take([1, 5])", "to_table()", "verify()", "versions()"])
def test_exit_while_a_daemon_thread_is_in_a_call(mixed, call):
    program = f"""import threading, time
import pilum
dataset = pilum.dataset({mixed.uri!r})

def work():
    while True:
        dataset.{call}

for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)"""
    for _ in range(3):
        run = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=SECONDS
        )
        assert (run.returncode, run.stderr) == (0, "")


def test_an_exported_stream_across_a_fork(mixed):
    """The child is told, may drop it, and the parent reads on."""
    program = f"""import os
import pyarrow as pa
import pilum
reader = pa.RecordBatchReader.from_stream(pilum.dataset({mixed.uri!r}).scanner(batch_size=7))
rows = reader.read_next_batch().num_rows
child = os.fork()
if child == 0:
    try:
        reader.read_next_batch()
    except pa.ArrowInvalid as error:
        assert "fork" in str(error), error
        del reader
        os._exit(3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
print(rows + sum(batch.num_rows for batch in reader))"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=SECONDS
    )
    assert run.stdout == f"{ROWS}\n", run.stderr


# ------------------------------------------------------------------------------------------ threads
def test_reading_in_many_threads(mixed):
    def read(i: int) -> pa.Table:
        if i % 4 == 0:
            return mixed.to_arrow()
        if i % 4 == 1:
            return pa.Table.from_batches(mixed.to_batches(batch_size=i))
        if i % 4 == 2:
            return mixed.search().where(f"id >= {i}").to_arrow()
        return pa.Table.from_batches([mixed.__getitems__(range(i, ROWS))])

    with ThreadPoolExecutor(16) as pool:
        tables = list(pool.map(read, range(80)))
    for i, table in enumerate(tables):
        assert_same_table(table, MIXED if i % 4 < 2 else MIXED.slice(i), f"read {i}")


def test_one_iterator_in_many_threads(mixed):
    """Every batch goes to one of them."""
    scan = mixed.to_batches(batch_size=1)
    with ThreadPoolExecutor(8) as pool:
        shares = list(pool.map(lambda _: [b["id"][0].as_py() for b in scan], range(8)))
    assert sorted(i for share in shares for i in share) == list(range(ROWS))
    assert all(share == sorted(share) for share in shares)
