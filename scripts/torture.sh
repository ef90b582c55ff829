#!/usr/bin/env bash
# The long part of the tests of what must never go wrong. An hour and more on two cores.
# usage: scripts/torture.sh [--inputs N] [PART...]
#   PART      kills, disks, locks (with signals), rest (every other test with a long part: damaged
#             files, hostile text, big corpora, memory, the quickstart) and fuzz; all of them unless
#             some are named
#   --inputs  inputs of each fuzzer (10,000,000; a hundredth of them for tokenizer models)
# At the end: what was done how often, and what failed.
set -uo pipefail
cd "$(dirname "$0")/.."
inputs=10000000 parts=()
while [ $# -gt 0 ]; do
  case $1 in
    --inputs) inputs=${2:?--inputs needs a number}; shift ;;
    kills | disks | locks | rest | fuzz) parts+=("$1") ;;
    *) sed -n '2,8s/^# //p' "$0" >&2; exit 2 ;;
  esac
  shift
done
[ ${#parts[@]} -gt 0 ] || parts=(kills disks locks rest fuzz)

python=.venv/bin/python
[ -x $python ] || python=python3
export WAVEMT_TORTURE=1 OMP_NUM_THREADS=1
WAVEMT_TORTURE_REPORT=$(mktemp)
export WAVEMT_TORTURE_REPORT
trap 'rm -f "$WAVEMT_TORTURE_REPORT"' EXIT
results=()

# One row of the table at the end.
attempt() {  # attempt NAME COMMAND...
  local name=$1 start=$SECONDS outcome=passed
  shift
  printf '\n== %s\n' "$name"
  "$@" || outcome=FAILED
  results+=("$(printf '%-34s %6d s   %s' "$name" $((SECONDS - start)) $outcome)")
}

pytests() { attempt "$1" $python -m pytest -q "${@:2}"; }

# Tests with a long part that no part of ours names.
rest() {
  local files
  mapfile -t files < <(grep -lE 'TORTURE|thinned|[@=]long' tests/end_to_end/test_*.py tests/peers/test_*.py |
    grep -vE '/test_(crash|disk|lock|signals)[^/]*\.py$')
  for file in "${files[@]}"; do pytests "$(basename "$file" .py)" "$file"; done
  local rooms
  mapfile -t rooms < <(grep -lE 'TORTURE' tests/*/*_test.cpp | cut -d/ -f2 | sort -u)
  for room in "${rooms[@]}"; do
    attempt "${room}_tests" "build/release/tests/$room/${room}_tests" --gtest_brief=1
  done
}

# Under the sanitizers.
fuzz() {
  attempt "build of the fuzzers" sh -c 'cmake --preset fuzz > /dev/null && cmake --build --preset fuzz'
  local fuzzer count
  for fuzzer in build/fuzz/tests/fuzz/fuzz_*; do
    [ -f "$fuzzer" ] && [ -x "$fuzzer" ] || continue
    count=$inputs
    # A tokenizer model takes a millisecond to load.
    [ "$(basename "$fuzzer")" != fuzz_tokenizer ] || count=$((inputs / 100))
    attempt "$(basename "$fuzzer"), $count inputs" "$fuzzer" --inputs "$count"
  done
}

{ scripts/setup.sh --tests && scripts/build.sh; } || exit 1
for part in "${parts[@]}"; do
  case $part in
    kills) pytests kills tests/end_to_end/test_crash*.py ;;
    disks) pytests disks tests/end_to_end/test_disk*.py ;;
    locks) pytests "locks and signals" tests/end_to_end/test_lock*.py tests/end_to_end/test_signals.py ;;
    *) $part ;;
  esac
done

printf '\n%s\n' "-------------------------------------------------------------"
printf '%s\n' "${results[@]}"
$python - "$WAVEMT_TORTURE_REPORT" << 'PYTHON'
import collections, json, sys
counts = collections.Counter()
for line in open(sys.argv[1], encoding="utf8"):
    figure = json.loads(line)
    counts[figure["what"]] += figure["count"]
for what, count in counts.items():
    print(f"{what:50} {count:>12,}")
PYTHON
! printf '%s\n' "${results[@]}" | grep -q FAILED
