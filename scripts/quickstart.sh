#!/usr/bin/env bash
# From a fresh Debian or Ubuntu to a trained English->Chinese model, its BLEU and a translation.
# Run again, it skips what is done; stopped in the middle, it goes on from there.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }
wavemt=build/release/wavemt run=runs/quickstart

scripts/setup.sh
say "Building $wavemt"
scripts/build.sh wavemt

if [ -d "$run" ]; then
  say "Going on with $run"
  $wavemt resume "$run"
else
  say "Training configs/quickstart.json on data/quickstart"
  $wavemt train configs/quickstart.json --run-dir "$run"
fi

say "BLEU on data/quickstart/test, which training has not seen:"
$wavemt evaluate "$run"

sentence="The doctor bought two red pens for her last week."
say "\"$sentence\" in Chinese:"
echo "$sentence" | $wavemt translate "$run"

cat >&2 << 'TEXT'

What to try next:
  build/release/wavemt translate runs/quickstart                      type English, read Chinese
  build/release/wavemt inspect runs/quickstart                        what the model is
  build/release/wavemt config show configs/quickstart.json            every setting and its default
  build/release/wavemt train configs/quickstart.json --run-dir runs/deeper --set model.num_encoder_layers=4
  scripts/download_corpus.py multi30k                                 a real corpus, then:
  build/release/wavemt train configs/multi30k-tiny.json
README.md tells how to train on your own text, configs/README.md everything else about training.
TEXT
