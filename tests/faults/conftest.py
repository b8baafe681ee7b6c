"""A damaged copy of a golden table, and a process that may die reading it."""

import json
import pathlib
import selectors
import shutil
import subprocess
import sys

import pytest

from reference import golden

SECONDS = 60  # for a table of a few hundred rows: longer is a hang


class Probe:
    """Talks to probe.py and starts a new one when it has died."""

    def __init__(self):
        self.process = None

    def read(self, uri, version=None) -> dict:
        """What reading the table at `uri` gave. A crash or a hang is an AssertionError."""
        if self.process is None:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-X",
                    "faulthandler",
                    pathlib.Path(__file__).with_name("probe.py"),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        self.process.stdin.write(json.dumps({"uri": str(uri), "version": version}) + "\n")
        self.process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            in_time = selector.select(SECONDS)
        line = self.process.stdout.readline() if in_time else ""
        if line:
            return json.loads(line)
        self.process.kill()
        _, trace = self.process.communicate()
        status, self.process = self.process.returncode, None
        what = f"crash (status {status})" if in_time else f"no answer in {SECONDS} s"
        raise AssertionError(f"reading {uri}: {what}\n{trace[-3000:]}")

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(timeout=SECONDS)


@pytest.fixture(scope="session")
def probe():
    probe = Probe()
    yield probe
    probe.close()


@pytest.fixture
def copy_of(tmp_path):
    """copy_of(name): the path of a private copy of a golden table."""

    def make(name: str) -> pathlib.Path:
        path = tmp_path / f"{name}.lance"
        shutil.rmtree(path, ignore_errors=True)
        return pathlib.Path(shutil.copytree(golden(name).uri, path))

    return make
