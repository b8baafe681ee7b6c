"""Passes over streams that do not come to their end: quickly, cleanly, and without a word."""

import gc
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pytest

import pilum

pytest.importorskip("torch")

PROGRAM = pathlib.Path(__file__).with_name("ending.py")
SECONDS = 120  # for what takes a few: longer is a hang
NOTICED = 0.1  # seconds from Ctrl-C to its handler: the contract


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ends")
    db = pilum.connect(folder)
    db.create_table("numbers", pa.table({"id": range(400_000)}))
    db.create_table("documents", pa.table({"tokens": [[i] * 20 for i in range(20_000)]}))
    return folder


# --------------------------------------------------------------------------------------- Ctrl-C
@pytest.mark.parametrize(
    "kind",
    ["rows", "batches", "packed", "long calls", "workers", "persistent workers",
     "long calls in workers"],
)  # fmt: skip
def test_interrupt(folder, kind):
    taken = []
    while len(taken) < 3 and min(taken, default=SECONDS) >= NOTICED:  # the machine may be busy
        taken.append(interrupted_after(folder, kind))
    assert min(taken) < NOTICED


def interrupted_after(folder, kind):
    """Seconds."""
    process = subprocess.Popen(
        [sys.executable, PROGRAM, folder, kind, "interrupt"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout.readline() == "started\n"
        time.sleep(1.5 if "long" in kind else 0.3)  # to be in the middle of it
        sent = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        output, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, errors) == (0, "")
    return float(output) - sent


# ------------------------------------------------------------------------- the end of the process
@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("batches", "end"),
        ("packed", "end"),
        ("transform", "exit"),
        ("transform", "error"),
        ("workers", "end"),
        ("workers", "error"),
        ("persistent workers", "exit"),
        ("transform in workers", "end"),
    ],
)
def test_the_process_ends_in_the_midst_of_a_pass(folder, kind, end):
    run = subprocess.run(
        [sys.executable, PROGRAM, folder, kind, end],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert run.returncode == {"end": 0, "exit": 3, "error": 1}[end]
    assert run.stdout == ""
    if end == "error":
        assert run.stderr.startswith("Traceback")
        assert run.stderr.endswith("\nZeroDivisionError\n")
        assert run.stderr.count("Traceback") == 1
    else:
        assert run.stderr == ""


# ------------------------------------------------------------------------------------- left early
@pytest.mark.parametrize("kind", ["rows", "batches", "transform", "packed", "workers"])
def test_passes_that_are_left_leave_nothing_behind(folder, kind):
    samples = runpy.run_path(str(PROGRAM))["KINDS"][kind](pilum.connect(folder))
    exits = 5 if kind == "workers" else 50
    leave(samples, exits // 5)
    most = [held + slack for held, slack in zip(what_is_held(), SLACK, strict=True)]
    leave(samples, exits)
    deadline = time.monotonic() + 30
    while any(now > limit for now, limit in zip(what_is_held(), most, strict=True)):
        assert time.monotonic() < deadline, (most, what_is_held())
        time.sleep(0.1)  # reads that are under way end behind the pass


def leave(samples, times):
    for _ in range(times):
        for number, _ in enumerate(samples):
            if number == 2:
                break


#: Threads of the engine, and buffers that it keeps, come with use, up to a bound; 50 passes would
#: hold 160 MB.
SLACK = (4, 8, 0, 32 << 20)


def what_is_held():
    """File descriptors, threads of the process and of Python, bytes of Arrow's."""
    gc.collect()
    folders = [len(os.listdir(f"/proc/self/{what}")) for what in ("fd", "task")]
    return *folders, threading.active_count(), pa.total_allocated_bytes()
