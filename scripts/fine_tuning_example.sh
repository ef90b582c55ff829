#!/usr/bin/env bash
# Learning without forgetting: a model of English->Chinese captions (3AM) learns the sentences of
# data/quickstart in five ways. Prints BLEU on text of both kinds, before and after, as a table.
#   scripts/fine_tuning_example.sh [FOLDER]    runs are kept in FOLDER (runs/fine_tuning)
# Needs data/3am-en-zh (scripts/download_corpus.py 3am-en-zh). Run again, it skips what is done.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-runs/fine_tuning}
steps=${STEPS:-300} base_steps=${BASE_STEPS:-3600}
wavemt=build/release/wavemt
old=${WAVEMT_DATA:-data}/3am-en-zh new=data/quickstart
mkdir -p "$folder"

# Held-out captions: one half to watch, the other to test.
for language in en zh; do
  lines=$(gzip -dc "$old/val.$language.gz" | wc -l)
  gzip -dc "$old/val.$language.gz" | head -n $((lines / 2)) > "$folder/old.valid.$language"
  gzip -dc "$old/val.$language.gz" | tail -n +$((lines / 2 + 1)) > "$folder/old.test.$language"
done

# train NAME CONFIG STEPS OPTIONS...: goes on with a run that was broken off.
train() {
  local name=$1 config=$2 of_steps=$3
  shift 3
  $wavemt train "$config" --run-dir "$folder/$name" --resume --set training.max_steps="$of_steps" \
    --set data.valid.source="$folder/old.valid.en" --set data.valid.target="$folder/old.valid.zh" "$@"
}

train base configs/3am-en-zh.json "$base_steps"

# Everything but the data is the same for all: a tenth of the base's learning rate, no warm-up to speak of.
common=(--init-from "$folder/base" --set training.learning_rate=0.001 --set training.warmup_steps=50
  --set training.validate_every=100 --set training.save_every=100 --set training.best_metric=loss)
new_text=(--set data.train.source="$new/train.en" --set data.train.target="$new/train.zh")
fine_tune() {
  local name=$1
  shift
  [ -f "$folder/$name.done" ] ||
    { train "$name" configs/3am-en-zh.json "$steps" "${common[@]}" "${new_text[@]}" "$@" && touch "$folder/$name.done"; }
}
fine_tune full
