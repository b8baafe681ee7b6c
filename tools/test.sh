#!/usr/bin/env bash
# Sets up what the tests need and runs all of them: the layer check, the C++ tests, a little fuzzing, the
# Python tests.
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

.venv/bin/python tools/check_layers.py || status=1

# The same build tree as the Python package, so that nothing is compiled twice.
cmake --preset release >build/release/configure.log || { cat build/release/configure.log; exit 1; }
cmake --build --preset release
ctest --preset release --parallel "$(nproc)" --progress || status=1

fuzz/run.sh 3 || status=1  # a few seconds per decoder; an hour with "fuzz/run.sh 3600"

.venv/bin/python -m pytest tests "$@" || status=1
exit $status
