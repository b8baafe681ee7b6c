#!/usr/bin/env bash
# Builds the fuzz targets and runs each for a while, from seeds made of the tables in tests/data and of those
# in PILUM_CORPUS. Fails when a target crashes; the input is then in build/fuzz/crashes. Without clang there is
# no fuzzer: the targets then only run over their seeds.
#
#   fuzz/run.sh                             5 seconds per target
#   fuzz/run.sh 3600                        an hour per target
#   fuzz/run.sh 600 table page_layout       only these targets
#
# JOBS    targets at a time (default: 1 per CPU)
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5}
shift || true
build=${PILUM_FUZZ_BUILD:-build/fuzz}
export ARROW_DEFAULT_MEMORY_POOL=system  # so that sanitizers see Arrow's buffers

compiler=$(command -v clang++-19 || command -v clang++ || command -v c++)
mkdir -p "$build"
cmake --preset fuzz -B "$build" -DCMAKE_CXX_COMPILER="$compiler" >"$build/configure.log" || { cat "$build/configure.log"; exit 1; }
cmake --build "$build" --target fuzzers
rm -rf "$build/seeds"
"$build/fuzz/make_fuzz_seeds" "$build/seeds" tests/data ${PILUM_CORPUS:+"$PILUM_CORPUS"}

run_target() {
  local target=$1 corpus=$build/corpus/$1 log=$build/logs/$1.log
  [ -d "$build/seeds/$target" ] || { echo "$target: there are no seeds of this name" >&2; return 1; }
  mkdir -p "$corpus" "$build/crashes" "$build/logs"
  if "$build/fuzz/$target" -max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb=512 -timeout=20 \
      -max_len=65536 -artifact_prefix="$build/crashes/$target-" "$corpus" "$build/seeds/$target" >"$log" 2>&1; then
    echo "$target: $(grep -o 'Done [0-9]* runs' "$log" || echo "replayed $(tail -1 "$log")")"
  else
    tail -40 "$log"
    echo "$target: FAILED" >&2
    return 1
  fi
}
export -f run_target
export build seconds

targets=("${@/#/fuzz_}")
[ $# -gt 0 ] || mapfile -t targets <"$build/fuzz/targets.txt"
printf '%s\n' "${targets[@]}" | xargs -P "${JOBS:-$(nproc)}" -I{} bash -euo pipefail -c 'run_target {}'
