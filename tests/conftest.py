"""Fixtures shared by all tests: a database of golden tables, and the reference libraries."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from hypothesis import settings

import pilum
from reference import DIGITS, golden

pytest.register_assert_rewrite("equality")

# A failing example is printed with the code that repeats it; runs differ, so that in time more is
# seen.
settings.register_profile("pilum", deadline=None, print_blob=True)
settings.load_profile("pilum")

TABLES = {
    "mixed": "mixed-2.2",
    "history": "history-2.2",
    "stable": "stable-row-ids",
    "names_v1": "names-v1",
    "empty": "empty",
}


@pytest.fixture(scope="session")
def database_path(tmp_path_factory) -> pathlib.Path:
    """A directory of tables. Shared by all tests: read only."""
    path = tmp_path_factory.mktemp("database")
    for name, source in TABLES.items():
        shutil.copytree(golden(source).uri, path / f"{name}.lance")
    shutil.copytree(DIGITS, path / "digits.lance")
    return path


@pytest.fixture
def db(database_path) -> pilum.DBConnection:
    return pilum.connect(database_path)


@pytest.fixture
def mixed(db) -> pilum.Table:
    return db.open_table("mixed")


@pytest.fixture
def history(db) -> pilum.Table:
    return db.open_table("history")


@pytest.fixture(scope="session")
def reference_python() -> str:
    """A Python with the reference libraries: PILUM_ORACLE, or an environment made once and kept."""
    given = os.environ.get("PILUM_ORACLE")
    if given:
        return given
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
    venv = cache / "pilum" / f"reference-{sys.version_info.major}.{sys.version_info.minor}"
    python = venv / "bin" / "python"
    requirements = pathlib.Path(__file__).parent / "interop" / "requirements.txt"
    ready = venv / "ready"
    if not (ready.exists() and ready.read_text() == requirements.read_text()):
        try:
            subprocess.run([sys.executable, "-m", "venv", venv], check=True, capture_output=True)
            pip = [python, "-m", "pip", "install", "--quiet", "-r", requirements]
            subprocess.run(pip, check=True, capture_output=True, timeout=600)
        except (subprocess.SubprocessError, OSError) as error:
            give_up = pytest.fail if os.environ.get("CI") else pytest.skip
            give_up(f"the reference libraries cannot be installed: {error}")
        ready.write_text(requirements.read_text())
    return str(python)
