"""tools/check_layers.py finds each kind of offence, and none in this repository."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TABLE = """
pilum_module(low LINKS pilum_roaring)
pilum_module(middle USES low)
pilum_module(high USES middle)
pilum_module(aside USES low TESTS_USE high)
"""
CLEAN = {
    "src/low/low.h": '#include <roaring/roaring.hh>\n#include "pilum/low.h"\n',
    "src/middle/middle.h": '#include "low/low.h"\n#include <vector>\n',
    "src/high/high.cc": '#include "middle/middle.h"\n#include <arrow/api.h>\n',
    "src/high/high_test.cc": '#include <gtest/gtest.h>\n#include "low/low.h"\n',
    "src/high/corpus.h": "#include <gtest/gtest.h>\n",
    "src/high/corpus_test.cc": '#include "high/corpus.h"\n',
    "src/aside/aside.cc": '#include "low/low.h"\n',
    "src/aside/aside_test.cc": '#include "pilum/high.h"\n#include "middle/middle.h"\n',
    "include/pilum/low.h": "#include <arrow/result.h>\n",
    "include/pilum/high.h": '#include "pilum/low.h"\n#include <cstdint>\n',
    "python/bindings/module.cc": '#include <nanobind/nanobind.h>\n#include "pilum/high.h"\n',
}


def run(root: pathlib.Path) -> tuple[int, str]:
    tool = ROOT / "tools" / "check_layers.py"
    done = subprocess.run([sys.executable, tool, root], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def write(root: pathlib.Path, files: dict[str, str]) -> pathlib.Path:
    for name, text in {"src/CMakeLists.txt": TABLE, **CLEAN, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_this_repository():
    status, output = run(ROOT)
    assert status == 0, output


def test_clean_tree(tmp_path):
    assert run(write(tmp_path, {})) == (0, "check_layers: ok\n")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("src/low/low.cc", '#include "middle/middle.h"\n'),
        ("src/high/high.h", '#include "low/low.h"\n'),  # below, but not in its row
        ("src/middle/middle.cc", '#include "pilum/high.h"\n'),
        ("src/middle/middle.cc", "#include <roaring/roaring.hh>\n"),
        ("src/middle/middle.cc", "#include <nlohmann/json.hpp>\n"),
        ("src/middle/middle.cc", '#include "lance/file.pb.h"\n'),
        ("src/middle/middle.cc", "#include <gtest/gtest.h>\n"),
        ("src/high/high.cc", '#include "high/corpus.h"\n'),  # makes corpus.h no test support
        ("src/middle/middle_test.cc", '#include "high/high.h"\n'),
        ("src/middle/middle.cc", '#include "middle.h"\n'),
        ("src/aside/aside.cc", '#include "pilum/high.h"\n'),  # only its tests use it
        ("src/stray/stray.cc", "#include <vector>\n"),
        ("include/pilum/high.h", '#include "high/high.h"\n'),
        ("include/pilum/high.h", "#include <google/protobuf/message_lite.h>\n"),
        ("include/pilum/high.h", "#include <pg_query.h>\n"),
        ("python/bindings/module.cc", '#include "high/high.h"\n'),
        ("src/CMakeLists.txt", TABLE.replace("middle USES low", "middle USES low high")),
        ("src/CMakeLists.txt", TABLE.replace("middle USES low", "middle USES low nowhere")),
        ("src/CMakeLists.txt", TABLE.replace("TESTS_USE high", "TESTS_USE nowhere")),
    ],
)
def test_offence(tmp_path, file, text):
    status, output = run(write(tmp_path, {file: text}))
    assert status == 1, f"not found: {text}"
    first = output.splitlines()[0]
    assert first.startswith("/".join(file.split("/")[:2])), output
