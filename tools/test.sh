#!/usr/bin/env bash
# Sets up what the tests need and runs all of them: format, lint and types, the C++ tests, a little fuzzing, the
# C++ tests once more with sanitizers, the Python tests, and the wheel in an environment of its own.
#
#   tools/test.sh               everything
#   tools/test.sh -k contract   arguments go to pytest
#
# PILUM_CORPUS    a folder of further reference tables (manifest.json and one folder per table)
# PILUM_ORACLE    a Python that has lancedb and pylance, for the interop tests; otherwise they make one
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh --tests
status=0

.venv/bin/pre-commit run --all-files --show-diff-on-failure || status=1
MYPYPATH=python .venv/bin/stubtest --mypy-config-file pyproject.toml --allowlist tools/stubtest_allowlist.txt \
  pilum._pilum || status=1

# The same build tree as the Python package, so that nothing is compiled twice.
cmake --preset release >build/release/configure.log || { cat build/release/configure.log; exit 1; }
cmake --build --preset release
ctest --preset release --parallel "$(nproc)" --progress || status=1

fuzz/run.sh 3 || status=1  # a few seconds per decoder; an hour with "fuzz/run.sh 3600"
cmake --build --preset fuzz  # the libraries are those of the fuzz targets: address and undefined behaviour
ctest --preset fuzz --parallel "$(nproc)" --progress || status=1

.venv/bin/python -m pytest tests "$@" || status=1
tools/build_wheel.sh || status=1
exit $status
