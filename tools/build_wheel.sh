#!/usr/bin/env bash
# Builds the wheels into wheelhouse/, and proves that they work by themselves: pilum, installed in an empty
# environment, reads a checked-in table, needs no library of this machine but those of every Linux, and stays small;
# pilum-compat adds the modules lancedb and lance.
#
#   tools/build_wheel.sh        after tools/setup.sh --tests, which provides the tools used here
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/.venv/bin:$PATH
limit_kb=9765  # 10 MB
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

# Libraries that are found neither in the environment nor among those that the manylinux policies count on.
mapfile -t extensions < <(find "$work"/venv/lib/python*/site-packages/pilum* -name '*.so*')
foreign=$(ldd "${extensions[@]}" | awk '/=>/ { print $3 == "not" ? $1 " is missing" : $3 }' | sort -u |
          grep -v "^$work/venv/" | grep -vE '/lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+)\.so\.[0-9]+$' || true)
[ -z "$foreign" ] || { echo "the wheel needs: $foreign" >&2; exit 1; }
size_kb=$(du -skc "$work"/venv/lib/python*/site-packages/pilum* | tail -n 1 | cut -f 1)
echo "$wheel: $(du -k "$root/$wheel" | cut -f 1) KiB, installed $size_kb KiB"
[ "$size_kb" -le "$limit_kb" ] || { echo "larger than $limit_kb KiB" >&2; exit 1; }

"$root/.venv/bin/pip" wheel -q --no-build-isolation --no-deps -w "$root/wheelhouse" "$root/compat"
compat=$(ls -t "$root"/wheelhouse/pilum_compat-*.whl | head -n 1)
"$work/venv/bin/pip" install -q --no-index "$compat"
"$work/venv/bin/python" "$root/tools/smoke_test_compat.py" "$root"
