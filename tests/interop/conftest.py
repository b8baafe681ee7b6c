"""The process that makes tables with the reference library."""

import json
import pathlib
import subprocess

import pyarrow as pa
import pytest
from hypothesis import reject


class ReferenceLibrary:
    """Talks to reference_server.py."""

    def __init__(self, python: str):
        self.python = python
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.python, pathlib.Path(__file__).with_name("reference_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request) -> tuple[str, dict[str, pa.Table]]:
        """The uri of a new table, and its content per branch."""
        self.process.stdin.write(json.dumps(request, default=str) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:  # some panics of the library end its process
            self.process.wait()
            self.start()
            reject()
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        if "unwritable" in answer or "unreadable" in answer:
            reject()
        return answer["uri"], {name: _read(path) for name, path in answer["expected"].items()}

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def _read(path: str) -> pa.Table:
    with pa.OSFile(path, "rb") as source:
        return pa.ipc.open_file(source).read_all()


@pytest.fixture(scope="session")
def reference_library(reference_python):
    library = ReferenceLibrary(reference_python)
    yield library
    library.close()
