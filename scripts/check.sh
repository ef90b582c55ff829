#!/usr/bin/env bash
# Checks the format, includes and static analysis of our own files.
#   scripts/check.sh          everything
#   scripts/check.sh --quick  without clang-tidy, which takes minutes
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in clang-format clang-tidy; do
  command -v $tool > /dev/null || { echo "check.sh: install $tool (apt-get install $tool)" >&2; exit 1; }
done
mapfile -t files < <(git ls-files --cached --others --exclude-standard 'src/*.cpp' 'src/*.h' 'tests/*.cpp' 'tests/*.h')
clang-format --dry-run -Werror "${files[@]}"
python3 scripts/check_includes.py
[ "${1:-}" != --quick ] || exit 0
# Without the precompiled header and OpenMP, since clang cannot use gcc's.
cmake --preset dev -B build/tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON > /dev/null
printf '%s\n' "${files[@]}" | grep '\.cpp$' | xargs -P "$(nproc)" -n 1 \
  clang-tidy --quiet -p build/tidy --extra-arg=-fno-openmp
