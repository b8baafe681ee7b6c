"""The code in the documentation of LanceDB and Lance runs on pilum, unchanged.

snippets/   the code, character by character, in a folder for each page
programs/   what a page leaves to its readers (tables, training steps), and what must be true in the
            end; `# snippet: …` stands for the text of a snippet. torch, which takes seconds to
            import, comes after what this version of pilum may lack
"""

import pathlib
import re
import subprocess
import sys

import pytest

pytest.importorskip("torch")

HERE = pathlib.Path(__file__).parent
SNIPPETS, PROGRAMS = HERE / "snippets", HERE / "programs"
INCLUDE = re.compile(r"^# snippet: (.*)\n", re.MULTILINE)

S3, DB = "s3://my-bucket", "db://my-database"
LACKING = {
    S3: "this version of pilum has no object storage",
    DB: "this version of pilum has no remote databases",
}


class NotThereYetError(Exception):
    """A program needs what this version of pilum says that it does not have."""


def program_of(name: str) -> str:
    text = (PROGRAMS / f"{name}.py").read_text()
    return INCLUDE.sub(lambda include: (SNIPPETS / include[1]).read_text(), text)


def run(program: str, folder: pathlib.Path) -> None:
    path = folder / "program.py"
    path.write_text(program)
    run = subprocess.run(
        [sys.executable, path], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    if re.search(r"is not supported by this version", run.stderr):
        raise NotThereYetError(run.stderr)
    assert run.returncode == 0, run.stderr


NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py"))
ELSEWHERE = [name for name in NAMES if S3 in program_of(name) or DB in program_of(name)]


def marks_of(name: str) -> list[pytest.MarkDecorator]:
    reasons = [reason for word, reason in LACKING.items() if word in program_of(name)]
    return [
        pytest.mark.xfail(raises=NotThereYetError, strict=True, reason=reason) for reason in reasons
    ]


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks_of(name)) for name in NAMES])
def test_unchanged(name, tmp_path):
    run(program_of(name), tmp_path)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_with_a_local_uri(name, tmp_path):
    """What lacks nothing but the place of its table, with a table on the local disk: one line of
    the snippets is another one."""
    elsewhere = re.compile(f"{S3}|{DB}")
    snippets = [(SNIPPETS / snippet).read_text() for snippet in includes_of(name)]
    assert len(elsewhere.findall("".join(snippets))) == 1
    run(elsewhere.sub(str(tmp_path / "local"), program_of(name)), tmp_path)


def includes_of(name: str) -> list[str]:
    return INCLUDE.findall((PROGRAMS / f"{name}.py").read_text())


def test_every_snippet_is_in_a_program():
    snippets = {str(path.relative_to(SNIPPETS)) for path in SNIPPETS.glob("*/*")}
    assert snippets == {snippet for name in NAMES for snippet in includes_of(name)}
