#!/usr/bin/env bash
# What synthetic text gives on Multi30k en->de. The first half of the 29,000 pairs, A, is the parallel
# text; of the second half, B, one side at a time serves as monolingual text. Prints a table of BLEU and
# chrF on test_2016_flickr.
#   scripts/benchmark_synthetic_text.sh [RUNS [STAGE...]]    keeps all in RUNS (runs/synthetic)
# Stages, in this order; without any, all of them:
#   halves           A and B as plain text
#   tokenizer        one vocabulary for all models, learned from A, with the symbol <BT>
#   forward          en->de on A: the model that the others are compared with
#   backward         de->en on A
#   back_translate   backward translates B's German; METHOD is sampling (the default) or beam
#   back_translated  en->de on A and the back-translated text, which is tagged by <BT>
#   forward_translate, diversified
#                    en->de on A, A's English in forward's words and A's German in backward's
#                    (data diversification with k = 1: no text of B)
#   distill          forward translates the English of A and of B by beam search
#   student          a model of 2+2 layers, d_model 64, en->de on A
#   distilled        the same on what forward made of A's and B's English, without a tag
#   table            scores, and how to read them
# Needs data/multi30k (scripts/download_corpus.py multi30k). What is done is skipped, and what was stopped goes on.
# STEPS (1500): updates of each model. THREADS: of the program.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-runs/synthetic}
if [ $# -gt 0 ]; then shift; fi
all=(halves tokenizer forward backward back_translate back_translated forward_translate diversified distill student
  distilled table)
stages=("$@")
[ $# -gt 0 ] || stages=("${all[@]}")
wavemt=${WAVEMT_PROGRAM:-build/release/wavemt}
steps=${STEPS:-1500}
method=${METHOD:-sampling}
export WAVEMT_DATA=${WAVEMT_DATA:-data} WAVEMT_PROGRAM=$wavemt
# Threads that sleep while they wait leave the cores to others.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
corpus=$WAVEMT_DATA/multi30k
text=$runs/text
threads=()
[ -z "${THREADS:-}" ] || threads=(--threads "$THREADS")
die() { echo "benchmark_synthetic_text.sh: $*" >&2; exit 2; }
say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }

[ -x "$wavemt" ] || die "$wavemt is missing; run scripts/setup.sh and scripts/build.sh"
for language in en de; do
  for split in train val test_2016_flickr; do
    [ -f "$corpus/$split.$language.gz" ] ||
      die "$corpus/$split.$language.gz is missing; scripts/download_corpus.py multi30k fetches it"
  done
done
mkdir -p "$runs"

# train NAME OPTION...: the model of configs/multi30k-tiny.json, and its scores. All train as long.
train() {
  local run=$runs/$1
  shift
  [ ! -e "$run.done" ] || return 0
  "$wavemt" train configs/multi30k-tiny.json --run-dir "$run" --resume "${threads[@]}" \
    --set tokenizer.model="$runs/tokenizer.model" --set training.max_steps="$steps" \
    --set training.warmup_steps=300 --set training.validate_every=500 --set training.save_every=500 "$@"
  "$wavemt" evaluate "$run" "${threads[@]}" --metrics bleu,chrf --json > "$run.json"
  touch "$run.done"
}

# pairs NAME SOURCE TARGET [TAG]: an element of a list of corpora. Its paths hold from the current folder.
pairs() {
  printf '{"name": "%s", "source": "%s", "target": "%s", "source_prefix": "%s"}' "$1" "$2" "$3" "${4:-}"
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
  # A training of one step makes the vocabulary that a config asks for.
  "$wavemt" train configs/multi30k-tiny.json --run-dir "$runs/tokenizer" --overwrite "${threads[@]}" \
    --set data.train.source="$text/a.en" --set data.train.target="$text/a.de" \
    --set 'tokenizer.user_defined_symbols=["<BT>"]' \
    --set training.max_steps=1 --set training.validate_every=0
  cp "$runs/tokenizer/tokenizer.model" "$runs/tokenizer.model.unfinished"
  mv "$runs/tokenizer.model.unfinished" "$runs/tokenizer.model"
}

forward() { train forward --set data.train.source="$text/a.en" --set data.train.target="$text/a.de"; }

backward() {
  train backward --set data.train.source="$text/a.de" --set data.train.target="$text/a.en" \
    --set data.valid.source="$corpus/val.de.gz" --set data.valid.target="$corpus/val.en.gz" \
    --set data.test.source="$corpus/test_2016_flickr.de.gz" \
    --set data.test.target="$corpus/test_2016_flickr.en.gz"
}

for stage in "${stages[@]}"; do
  [[ " ${all[*]} " == *" $stage "* ]] || die "$stage: is no stage; these are: ${all[*]}"
done
for stage in "${stages[@]}"; do
  say "$stage"
  "$stage"
done
