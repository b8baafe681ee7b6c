"""The process that makes tables with the reference library."""

import json
import pathlib
import subprocess
import warnings

import pyarrow as pa
import pytest

TOLERATED = 0.03  # the part of the random tables that the reference library may fail to make


class ReferenceLibrary:
    """Talks to reference_server.py."""

    class LostTableError(Exception):
        """The reference library failed to write a random table, or to read it back."""

    def __init__(self, python: str):
        self.python = python
        self.asked = 0
        self.lost: list[str] = []
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.python, pathlib.Path(__file__).with_name("reference_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request) -> dict:
        """The answer to a request, its expected tables read. LostTableError is only for random
        tables: of the others, every failure is an AssertionError."""
        self.asked += 1
        self.process.stdin.write(json.dumps(request, default=str) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"lost": self._status_of_the_crash()}
        assert "error" not in answer, answer["error"]
        if "lost" in answer:
            self.lost.append(f"{request}: {answer['lost']}")
            warnings.warn(f"the reference library lost {self.lost[-1]}", stacklevel=2)
            assert "make" in request, self.lost[-1]
            raise self.LostTableError(self.lost[-1])
        answer["expected"] = {name: _read(path) for name, path in answer["expected"].items()}
        return answer

    def _status_of_the_crash(self) -> str:
        """Some panics of the library end its process: here is a new one."""
        status = self.process.wait()
        self.start()
        return f"the process ended with status {status}"

    def check_losses(self):
        """One is bad luck; more than a few in a hundred hide what is to be tested."""
        if len(self.lost) > 1 + TOLERATED * self.asked:
            lines = "\n".join(self.lost)
            raise AssertionError(f"{len(self.lost)} of {self.asked} tables were lost:\n{lines}")

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def _read(path: str) -> pa.Table:
    with pa.OSFile(path, "rb") as source:
        return pa.ipc.open_stream(source).read_all()


@pytest.fixture(scope="session")
def reference_library(reference_python):
    library = ReferenceLibrary(reference_python)
    yield library
    library.close()
    library.check_losses()
