#!/usr/bin/env bash
# Makes a corpus for sequence-level knowledge distillation: a teacher translates the source side of a
# corpus, and a student trains on what it says. Stopped in the middle, it goes on from there.
#   scripts/distill.sh MODEL SOURCE... [OPTION...] [-- OPTION OF wavemt translate...]
# --help lists the options; configs/distillation.json trains a student.
# WAVEMT_PROGRAM names another program than build/release/wavemt.
set -euo pipefail
exec python3 "$(dirname "$0")/synthetic_corpus.py" distill "$@"
