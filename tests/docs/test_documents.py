"""The documentation is true: its programs run, its links lead somewhere, its tables agree."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "compat").glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def python_blocks():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]:
        blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        for number, block in enumerate(blocks, 1):
            yield pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")


@pytest.mark.parametrize("program", list(python_blocks()))
def test_program(program):
    if "torch" in program:
        pytest.importorskip("torch")
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_module_table_is_that_of_the_build():
    page = (ROOT / "docs/internals/architecture.md").read_text()
    section = page[page.index("## Modules") : page.index("## Rules")]
    documented = {
        name: [word for word in uses.strip().split(", ") if word]
        for name, uses in re.findall(r"^\| (\w+) \|([^|]*)\|", section, re.MULTILINE)
        if name != "module"
    }
    rows = re.findall(r"^pilum_module\(([^)]*)\)", (ROOT / "src/CMakeLists.txt").read_text(), re.M)
    built = {}
    for row in rows:
        name, *rest = row.split()
        uses = re.split(" (?:LINKS|TESTS_USE) ", " ".join(rest).partition("USES")[2])[0]
        built[name] = uses.split()
    assert documented == built


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "decisions"
    listing = (folder / "README.md").read_text()
    pages = sorted(page.name for page in folder.glob("[0-9]*.md"))
    assert pages
    assert [page for page in pages if f"({page})" not in listing] == []


def test_every_public_header_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    headers = sorted(path.name for path in (ROOT / "include" / "pilum").glob("*.h"))
    assert [header for header in headers if f"include/pilum/{header}" not in readme] == []


def test_functions_of_filters_are_in_the_guide():
    source = (ROOT / "src/filter/functions.cc").read_text()
    table = source[source.index("kFunctions[] = {") :].partition("};")[0]
    functions = set(re.findall(r'^    \{"(\w+)",', table, re.MULTILINE))
    guide = (ROOT / "docs/guide/filters.md").read_text()
    rows = re.findall(r"^\| (?:lists|text|numbers|other) \|(.*)", guide, re.MULTILINE)
    documented = set(re.findall(r"`([a-z]\w+)[`(]", "".join(rows)))
    assert functions
    assert functions == documented


def test_settings_table_names_every_variable_of_the_runtime():
    header = (ROOT / "include/pilum/runtime.h").read_text()
    guide = (ROOT / "docs/guide/reading.md").read_text()
    variables = set(re.findall(r"PILUM_[A-Z_]+", header))
    assert variables
    assert [name for name in sorted(variables) if f"`{name}`" not in guide] == []
