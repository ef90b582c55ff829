#!/usr/bin/env bash
# What synthetic text gives on Multi30k en->de. The first half of the 29,000 pairs, A, is the parallel
# text; of the second half, B, one side at a time serves as monolingual text. Prints a table of BLEU and
# chrF on test_2016_flickr.
#   scripts/benchmark_synthetic_text.sh [RUNS [STAGE...]]    keeps all in RUNS (runs/synthetic)
# Stages, in this order; without any, all of them:
#   halves            A and B as plain text
#   tokenizer         one vocabulary for all models, learned from A, with the symbol <BT>
#   forward           en->de on A: what the others are compared with
#   backward          de->en on A
#   back_translate    backward translates B's German; METHOD is sampling (the default) or beam
#   back_translated   en->de on A and that text, tagged by <BT>
#   distill           forward translates the English of A and of B by beam search
#   diversify         backward translates A's German by beam search
#   diversified       en->de on A and on what forward and backward make of A: data diversification with
#                     k = 1, which takes nothing from B
#   student           en->de on A, 2+2 layers, d_model 64
#   distilled         the same model on forward's words for the English of A and of B, and on nothing else
#   table             the scores of the models that there are
# Needs data/multi30k (scripts/download_corpus.py multi30k). What is done is skipped, and what was stopped goes on.
# STEPS (1500): updates of each model, the same in all calls with the same RUNS. THREADS: of the program.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-runs/synthetic}
if [ $# -gt 0 ]; then shift; fi
all=(halves tokenizer forward backward back_translate back_translated distill diversify diversified student distilled
  table)
stages=("$@")
[ $# -gt 0 ] || stages=("${all[@]}")
wavemt=${WAVEMT_PROGRAM:-build/release/wavemt}
steps=${STEPS:-1500}
method=${METHOD:-sampling}
export WAVEMT_DATA=${WAVEMT_DATA:-data} WAVEMT_PROGRAM=$wavemt
# Threads that sleep while they wait leave the cores to others.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
corpus=$WAVEMT_DATA/multi30k
threads=()
[ -z "${THREADS:-}" ] || threads=(--threads "$THREADS")
die() { echo "benchmark_synthetic_text.sh: $*" >&2; exit 2; }
say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }

for stage in "${stages[@]}"; do
  [[ " ${all[*]} " == *" $stage "* ]] || die "$stage: no such stage; the stages are: ${all[*]}"
done
[[ $method == sampling || $method == beam ]] || die "METHOD=$method: no such method; the methods are: sampling beam"
[ -x "$wavemt" ] || die "$wavemt is missing; run scripts/setup.sh and scripts/build.sh"
for language in en de; do
  for split in train val test_2016_flickr; do
    [ -f "$corpus/$split.$language.gz" ] ||
      die "$corpus/$split.$language.gz is missing; scripts/download_corpus.py multi30k fetches it"
  done
done
mkdir -p "$runs"
runs=$(cd "$runs" && pwd)
text=$runs/text
# Models that learned for longer than others would not be comparable with them.
[ -e "$runs/steps" ] || echo "$steps" > "$runs/steps"
[ "$(cat "$runs/steps")" = "$steps" ] ||
  die "STEPS=$steps: $runs was begun with STEPS=$(cat "$runs/steps"); set that, or name another folder for RUNS"

# train NAME OPTION...: the model of configs/multi30k-tiny.json, with larger batches. All are trained
# for as many updates.
train() {
  local run=$runs/$1
  shift
  [ ! -e "$run.done" ] || return 0
  "$wavemt" train configs/multi30k-tiny.json --run-dir "$run" --resume "${threads[@]}" \
    --set tokenizer.model="$runs/tokenizer.model" --set training.max_steps="$steps" \
    --set training.batch_tokens=4096 --set training.learning_rate=0.004 --set training.warmup_steps=300 \
    --set training.validate_every=500 --set training.save_every=500 "$@"
  touch "$run.done"
}

# pairs NAME SOURCE TARGET [TAG]: an element of a list of corpora.
pairs() {
  python3 -c 'import json, sys
print(json.dumps(dict(zip(("name", "source", "target", "source_prefix"), sys.argv[1:])), ensure_ascii=False))' \
    "$1" "$2" "$3" "${4:-}"
}

halves() {
  local language
  mkdir -p "$text"
  for language in en de; do
    [ ! -e "$text/b.$language" ] || continue
    gzip -dc "$corpus/train.$language.gz" | awk 'NR <= 14500' > "$text/a.$language"
    gzip -dc "$corpus/train.$language.gz" | awk 'NR > 14500' > "$text/b.$language.unfinished"
    mv "$text/b.$language.unfinished" "$text/b.$language"
  done
}

tokenizer() {
  [ ! -e "$runs/tokenizer.model" ] || return 0
  "$wavemt" tokenizer train --input "$text/a.en" "$text/a.de" --vocab-size 10000 --user-defined-symbols "<BT>" \
    --output "$runs/tokenizer.model"
}

forward() { train forward --set data.train.source="$text/a.en" --set data.train.target="$text/a.de"; }

backward() {
  train backward --set data.train.source="$text/a.de" --set data.train.target="$text/a.en" \
    --set data.valid.source="$corpus/val.de.gz" --set data.valid.target="$corpus/val.en.gz" \
    --set data.test.source="$corpus/test_2016_flickr.de.gz" \
    --set data.test.target="$corpus/test_2016_flickr.en.gz"
}

back_translate() {
  scripts/back_translate.sh "$runs/backward" "$text/b.de" --output "$runs/text_back_translated_$method" \
    --method "$method" -- "${threads[@]}" > /dev/null
}
back_translated() {
  local made=$runs/text_back_translated_$method/back_translated
  train "back_translated_$method" \
    --set data.train="[$(pairs a "$text/a.en" "$text/a.de"), $(pairs b "$made.en" "$made.de" "<BT>")]"
}

distill() {
  local half
  for half in a b; do
    scripts/distill.sh "$runs/forward" "$text/$half.en" --output "$runs/text_distilled_$half" \
      -- "${threads[@]}" > /dev/null
  done
}
diversify() {
  scripts/back_translate.sh "$runs/backward" "$text/a.de" --output "$runs/text_diversified" --method beam --tag "" \
    -- "${threads[@]}" > /dev/null
}
diversified() {
  local forward=$runs/text_distilled_a/distilled backward=$runs/text_diversified/back_translated
  train diversified --set data.train="[$(pairs a "$text/a.en" "$text/a.de"),
    $(pairs forward "$forward.en" "$forward.de"), $(pairs backward "$backward.en" "$backward.de")]"
}

# train_student NAME OPTION...
train_student() {
  train "$@" --set model.d_model=64 --set model.ffn_dim=128 \
    --set model.num_encoder_layers=2 --set model.num_decoder_layers=2
}
student() { train_student student --set data.train.source="$text/a.en" --set data.train.target="$text/a.de"; }
distilled() {
  local a=$runs/text_distilled_a/distilled b=$runs/text_distilled_b/distilled
  train_student distilled --set data.train="[$(pairs a "$a.en" "$a.de"), $(pairs b "$b.en" "$b.de")]"
}

table() {
  local name
  for name in backward forward back_translated_sampling back_translated_beam diversified student distilled; do
    [ -e "$runs/$name.done" ] && [ ! -e "$runs/$name.scores.json" ] || continue
    "$wavemt" evaluate "$runs/$name" "${threads[@]}" --metrics bleu,chrf --confidence --json > "$runs/$name.unfinished"
    mv "$runs/$name.unfinished" "$runs/$name.scores.json"
  done
  python3 - "$runs" << 'PYTHON'
import json, sys
from pathlib import Path

ROWS = {
    "forward": ("4+4 layers, d_model 128", "A"),
    "back_translated_sampling": ("the same", "A, and B's German back-translated by sampling, tagged"),
    "back_translated_beam": ("the same", "A, and B's German back-translated by beam search, tagged"),
    "diversified": ("the same", "A, and A in the words of a forward and a backward model"),
    "student": ("2+2 layers, d_model 64", "A"),
    "distilled": ("the same", "the first model's translations of the English of A and B"),
    "backward": ("4+4 layers, d_model 128, de→en", "A"),
}
PAIRS = {name: 14500 for name in ROWS} | {"back_translated_sampling": 29000, "back_translated_beam": 29000,
                                          "diversified": 43500, "distilled": 29000}
print("| model | text | pairs | BLEU | chrF |\n| --- | --- | --- | --- | --- |")
for name, (model, text) in ROWS.items():
    path = Path(sys.argv[1]) / f"{name}.scores.json"
    if not path.exists():
        continue
    cells = [f"{score['score']:.1f} ± {score['confidence_var']:.1f}" for score in json.loads(path.read_text())]
    print(f"| {model} | {text} | {PAIRS[name]:,} | {' | '.join(cells)} |")
PYTHON
}

for stage in "${stages[@]}"; do
  say "$stage"
  "$stage"
done
