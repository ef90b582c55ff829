#!/usr/bin/env bash
# Configures and builds Release into build/release. usage: scripts/build.sh [TARGET...]
# With CI=true our own warnings are errors; a newer compiler's warnings shall stop no user.
set -euo pipefail
cd "$(dirname "$0")/.."
options=(-DWAVEMT_WERROR="$([ "${CI:-}" = true ] && echo ON || echo OFF)")
[ -z "${WAVEMT_LIBTORCH:-}" ] || options+=(-DWAVEMT_LIBTORCH="$WAVEMT_LIBTORCH")
mkdir -p build
cmake --preset release "${options[@]}" > build/configure.log 2>&1 || {
  cat build/configure.log >&2
  exit 1
}
# A file that includes LibTorch takes about 2 GB to compile.
jobs=$(nproc)
memory_gb=$(awk '/MemAvailable/ { print int($2 / 2000000) }' /proc/meminfo)
if [ "$memory_gb" -lt "$jobs" ]; then jobs=$((memory_gb > 0 ? memory_gb : 1)); fi
cmake --build --preset release --parallel "$jobs" ${1:+--target "$@"} >&2
