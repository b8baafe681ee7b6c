"""What importing and reading loads: never torch, pandas or polars unless asked for them."""

import json
import subprocess
import sys

from reference import golden

OPTIONAL = {"torch", "pandas", "polars", "lance", "lancedb", "numpy.testing"}


def modules_after(code: str) -> set[str]:
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_import():
    modules = modules_after("import pilum")
    assert "pilum" in modules
    assert not modules & OPTIONAL


def test_reading():
    uri = golden("mixed-2.2").uri
    reads = "t.to_table(); t.take([1]); t.count_rows('id > 3')"
    code = f"import pilum; t = pilum.dataset({uri!r}); {reads}"
    assert not modules_after(code) & OPTIONAL


def test_nothing_is_printed():
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import pilum"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == ""
    assert run.stderr == ""
