#!/usr/bin/env bash
# Sets up pilum in .venv on Debian 12 and builds it. Run it again after a change: what is done is skipped.
#
#   tools/setup.sh              what the examples need
#   tools/setup.sh --tests      also what the tests and the checks need
#
# PYTHON=python3.12 chooses the interpreter of a new .venv. Needs root or sudo only while packages are missing.
set -euo pipefail
cd "$(dirname "$0")/.."

extras=examples
packages=(build-essential cmake ninja-build ccache libprotobuf-dev protobuf-compiler
          libpg-query-dev nlohmann-json3-dev libroaring-dev python3-venv python3-dev)
case "${1:-}" in
  "") ;;
  --tests)
    extras=examples,test,dev
    packages+=(git libgtest-dev libgmock-dev clang-19 libclang-rt-19-dev clang-format-19)
    ;;
  *) echo "usage: tools/setup.sh [--tests]" >&2; exit 2 ;;
esac
venv=.venv

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "System packages: ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "run as root, or install: ${missing[*]}" >&2; exit 1; }
    sudo=(sudo)
  fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

make_venv() {
  [ -x $venv/bin/python ] && return 0
  local python=${PYTHON:-python3}
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    { echo "$python is missing or older than 3.10; set PYTHON to a newer one" >&2; exit 1; }
  say "Python environment $venv ($("$python" --version))"
  "$python" -m venv $venv
}

# Is a stamp missing, or older than some file in the places that follow?
is_outdated() {
  [ ! -e "$1" ] ||
    [ -n "$(find "${@:2}" -newer "$1" -type f ! -name '*.pyc' ! -name '*_test.cc' -print -quit)" ]
}

# The build runs in this environment, not in an isolated one, so that build/release is kept and a rebuild
# compiles only what changed.
build_package() {
  local stamp=$venv/.pilum-$extras
  is_outdated "$stamp" CMakeLists.txt cmake include proto pyproject.toml python src || return 0
  say "pilum with [$extras]"
  local requires
  read -ra requires < <(sed -n 's/^requires = \[\(.*\)\]$/\1/p' pyproject.toml | tr -d '",')
  $venv/bin/pip install -q "${requires[@]}"
  $venv/bin/pip install -q --no-build-isolation -e ".[$extras]"
  touch "$stamp"
}

# The modules lancedb and lance: what the tests of other people's programs import.
install_compat() {
  local stamp=$venv/.pilum-compat
  is_outdated "$stamp" compat || return 0
  say "pilum-compat"
  $venv/bin/pip install -q --no-build-isolation --no-deps -e ./compat
  touch "$stamp"
}

install_packages
make_venv
build_package
[ "$extras" = examples ] || install_compat
version=$($venv/bin/python -c 'import pilum; print(pilum.__version__)')
say "Ready: pilum $version in $venv"
