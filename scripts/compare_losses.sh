#!/usr/bin/env bash
# What is learned by each of several programs, or of several builds, in the same short training: the loss on Multi30k's val
# after 300 updates of multi30k-tiny.json, and how far it is from the first program's. A change that only makes training
# faster moves it by far less than 1%. Takes a minute or two for each program.
#   usage: scripts/compare_losses.sh [--set KEY=VALUE]... PROGRAM [PROGRAM...]
# For example: git worktree add ../before main~3, build it there, and compare ../before/build/release/wavemt with
# build/release/wavemt. WAVEMT_DATA names the folder of multi30k (scripts/download_corpus.py multi30k).
set -euo pipefail
options=()
while [ "${1:-}" = --set ]; do
  options+=("$1" "${2:?compare_losses.sh: --set wants KEY=VALUE}")
  shift 2
done
[ $# -gt 0 ] || { echo "usage: scripts/compare_losses.sh [--set KEY=VALUE]... PROGRAM [PROGRAM...]" >&2; exit 2; }
config=$(cd "$(dirname "$0")/.." && pwd)/configs/multi30k-tiny.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "| program | loss on val | of the first |"
echo "| --- | --- | --- |"
number=0
for program in "$@"; do
  number=$((number + 1))
  "$program" train "$config" --run-dir "$work/$number" --set training.max_steps=300 --set training.validate_every=300 \
    --set training.warmup_steps=100 --set training.schedule=constant "${options[@]}" 2> "$work/log" ||
    { cat "$work/log" >&2; exit 1; }
  python3 - "$program" "$work/$number/metrics.jsonl" "$work/1/metrics.jsonl" <<'P'
import json
import sys

def loss(file):
    return [line["valid/loss"] for line in map(json.loads, open(file)) if "valid/loss" in line][-1]

own, first = loss(sys.argv[2]), loss(sys.argv[3])
print(f"| {sys.argv[1]} | {own:.4f} | {100 * (own / first - 1):+.2f}% |")
P
done
