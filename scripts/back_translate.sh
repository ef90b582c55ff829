#!/usr/bin/env bash
# Makes a corpus of monolingual text by back-translation: a model of the opposite direction writes its
# source side. Stopped in the middle, it goes on from there.
#   scripts/back_translate.sh MODEL TEXT... [OPTION...] [-- OPTION OF wavemt translate...]
# --help lists the options; configs/back-translation.json trains on the result.
# WAVEMT_PROGRAM names another program than build/release/wavemt.
set -euo pipefail
exec python3 "$(dirname "$0")/synthetic_corpus.py" back_translate "$@"
