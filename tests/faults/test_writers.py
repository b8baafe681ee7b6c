"""Several processes write one table; some are killed in the midst of it."""

import os
import random
import signal
import subprocess
import sys
import time

import pilum

WRITER = """
import sys, pilum
uri, number, commits = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
dataset = pilum.dataset(uri)
for i in range(commits):
    first = 1_000_000 * number + 10 * i
    dataset.insert([{"id": first + k} for k in range(10)])
    dataset.delete(f"id = {first + 3}")
    print(i, flush=True)
"""
WRITERS = 4
COMMITS = int(os.environ.get("PILUM_WRITER_COMMITS", "10"))
KILLS = int(os.environ.get("PILUM_WRITER_KILLS", "12"))


def start(uri, number, commits) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(uri), str(number), str(commits)],
        stdout=subprocess.PIPE,
        text=True,
    )


def written_by(number, commits) -> list[int]:
    first = 1_000_000 * number
    return [first + 10 * i + k for i in range(commits) for k in range(10) if k != 3]


def test_processes_lose_nothing(tmp_path):
    uri = tmp_path / "t.lance"
    pilum.write_dataset([{"id": 0}], uri)
    writers = [start(uri, number, COMMITS) for number in range(1, WRITERS + 1)]
    for writer in writers:
        assert writer.wait(timeout=120) == 0
    dataset = pilum.dataset(uri)
    expected = [0]
    for number in range(1, WRITERS + 1):
        expected += written_by(number, COMMITS)
    assert sorted(dataset.to_table()["id"].to_pylist()) == expected
    assert dataset.version == 1 + 2 * WRITERS * COMMITS
    assert dataset.verify().damages == []


def test_killed_writers_leave_a_table(tmp_path):
    """What a killed writer has reported is there; of what it was about to do, all or nothing."""
    uri = tmp_path / "t.lance"
    pilum.write_dataset([{"id": 0}], uri)
    chance = random.Random(1)
    expected = {0}
    for number in range(1, KILLS + 1):
        writer = start(uri, number, 10_000)
        reported = int(writer.stdout.readline()) + 1  # it has begun
        time.sleep(chance.random() * 0.1)
        writer.send_signal(signal.SIGKILL)
        reported += len(writer.stdout.readlines())
        writer.wait()
        dataset = pilum.dataset(uri)
        found = set(dataset.to_table()["id"].to_pylist())
        assert len(found) == len(dataset)
        sure = expected | set(written_by(number, reported))
        first = 1_000_000 * number + 10 * reported
        whole = {first + k for k in range(10)}
        assert found - sure in (set(), whole, whole - {first + 3}), number
        assert sure <= found
        assert dataset.verify().damages == []
        expected = found
    dataset.insert([{"id": -1}])
    assert set(dataset.to_table()["id"].to_pylist()) == expected | {-1}
