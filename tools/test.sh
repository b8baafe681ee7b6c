#!/usr/bin/env bash
# Sets up what the tests need and runs all of them: format, lint and types, the C++ tests, a little fuzzing, the
# C++ tests once more with sanitizers, the Python tests, and the wheel in an environment of its own. A step that
# fails does not end the run; the last lines say which did, and why.
#
#   tools/test.sh               everything
#   tools/test.sh -k contract   arguments go to pytest
#
# PILUM_CORPUS    a folder of further reference tables (manifest.json and one folder per table)
# PILUM_ORACLE    a Python that has lancedb and pylance, for the interop tests; otherwise they make one
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh --tests
logs=build/logs
mkdir -p "$logs"
failed=()

step() {  # its name, and the command
  local name=$1
  shift
  "$@" 2>&1 | tee "$logs/$name.log" || failed+=("$name")
}

step format-and-lint .venv/bin/pre-commit run --all-files --show-diff-on-failure
step stubs env MYPYPATH=python .venv/bin/stubtest --mypy-config-file pyproject.toml \
  --allowlist tools/stubtest_allowlist.txt pilum._pilum

# The same build tree as the Python package, so that nothing is compiled twice.
cmake --preset release >build/release/configure.log || { cat build/release/configure.log; exit 1; }
cmake --build --preset release
step cpp-tests ctest --preset release --parallel "$(nproc)" --progress

step fuzzing fuzz/run.sh 3  # a few seconds per decoder; an hour with "fuzz/run.sh 3600"
cmake --build --preset fuzz  # the libraries are those of the fuzz targets: address and undefined behaviour
step cpp-tests-with-sanitizers ctest --preset fuzz --parallel "$(nproc)" --progress

step python-tests .venv/bin/python -m pytest tests "$@"
step wheel tools/build_wheel.sh

for name in "${failed[@]}"; do
  echo "FAILED: $name; what $logs/$name.log has of it:"
  grep -E -A 8 ': Failure$|\*\*\*(Failed|Timeout|Exception)|Sanitizer: |FAILED|[Ee]rror: ' "$logs/$name.log" >"$logs/failures" ||
    cp "$logs/$name.log" "$logs/failures"
  tail -60 "$logs/failures"
done
[ ${#failed[@]} -eq 0 ] && echo "Every step passed."
