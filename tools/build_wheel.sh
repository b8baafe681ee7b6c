#!/usr/bin/env bash
# Builds the wheel into wheelhouse/, and proves that it works by itself: installed in an empty environment
# it reads a checked-in table, and stays small.
#
#   tools/build_wheel.sh        after tools/setup.sh --tests, which provides the tools used here
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/.venv/bin:$PATH
limit_kb=10240
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

.venv/bin/pip wheel -q --no-build-isolation --no-deps -w "$work/raw" .
mkdir -p wheelhouse
# libarrow comes from the pyarrow beside us; a second copy in the process would not share its types.
.venv/bin/auditwheel repair -w wheelhouse --exclude 'libarrow*' "$work"/raw/*.whl
wheel=$(ls -t wheelhouse/pilum-*.whl | head -n 1)

.venv/bin/python -m venv "$work/venv"
"$work/venv/bin/pip" install -q "$wheel"
root=$PWD
cd "$work"
"$work/venv/bin/python" "$root/tools/smoke_test.py" "$root"
size_kb=$(du -skc "$work"/venv/lib/python*/site-packages/pilum* | tail -n 1 | cut -f 1)
echo "$wheel: $(du -k "$root/$wheel" | cut -f 1) KiB, installed $size_kb KiB"
[ "$size_kb" -le "$limit_kb" ] || { echo "larger than $limit_kb KiB" >&2; exit 1; }
