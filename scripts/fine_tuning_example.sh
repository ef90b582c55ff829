#!/usr/bin/env bash
# Learning without forgetting: a model of English->Chinese captions (3AM) learns the sentences of
# data/quickstart in five ways. Prints a table of BLEU on held-out text of both kinds.
#   scripts/fine_tuning_example.sh [FOLDER]    keeps its runs in FOLDER (runs/fine_tuning)
# Needs data/3am-en-zh (scripts/download_corpus.py 3am-en-zh). Stopped in the middle, it goes on from
# there. STEPS and BASE_STEPS: updates of each fine-tuning and of the model before.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-runs/fine_tuning}
steps=${STEPS:-300} base_steps=${BASE_STEPS:-3600}
wavemt=${WAVEMT_PROGRAM:-build/release/wavemt}
export WAVEMT_DATA=${WAVEMT_DATA:-data}
mkdir -p "$folder"

# Half of the held-out captions to watch, the other half to test. A replay of captions is as long as
# the new text.
halves() { gzip -dc "$WAVEMT_DATA/3am-en-zh/val.$1.gz" | awk -v half="$2" 'NR % 2 == half'; }
new=data/quickstart
pairs=$(wc -l < $new/train.en)
for language in en zh; do
  halves $language 0 > "$folder/valid.$language"
  halves $language 1 > "$folder/test.$language"
  gzip -dc "$WAVEMT_DATA/3am-en-zh/train.$language.gz" | awk -v n="$pairs" 'NR <= n' > "$folder/replay.$language"
done
# Both sets of a kind, valid or test. The first of those to watch chooses the best checkpoint.
sets() {
  printf '[{"name": "new", "source": "%s/%s.en", "target": "%s/%s.zh"},' $new "$1" $new "$1"
  printf ' {"name": "captions", "source": "%s/%s.en", "target": "%s/%s.zh"}]' "$folder" "$1" "$folder" "$1"
}

# train NAME STEPS OPTION...
train() {
  local run=$folder/$1 max_steps=$2
  shift 2
  [ ! -e "$run.done" ] || return 0
  # The keys below are what the figures were measured with.
  $wavemt train configs/3am-en-zh.json --run-dir "$run" --resume \
    --set model.position_encoding.type=sinusoidal --set training.batch_tokens=4096 --set training.learning_rate=0.002 \
    --set training.warmup_steps=400 --set training.validate_every=500 --set training.save_every=500 \
    --set decoding.length_penalty=1 --set training.max_steps="$max_steps" "$@"
  $wavemt evaluate "$run" --set data.test="$(sets test)" --json > "$run.json"
  touch "$run.done"
}
# fine_tune NAME OPTION...: what is the same for all. Each has the learning rate that suits it.
fine_tune() {
  local name=$1
  shift
  train "$name" "$steps" --init-from "$folder/base" --set training.warmup_steps=50 \
    --set training.validate_every=100 --set training.save_every=100 --set training.best_metric=loss \
    --set data.valid="$(sets valid)" \
    --set data.train.source=$new/train.en --set data.train.target=$new/train.zh "$@"
}
train base "$base_steps" --set data.valid.source="$folder/valid.en" --set data.valid.target="$folder/valid.zh"
fine_tune full --set training.learning_rate=0.001
fine_tune lora --set training.learning_rate=0.004 --set adapter.type=lora --set adapter.lora_rank=8 \
  --set 'adapter.lora_projections=["q_proj","k_proj","v_proj","out_proj","feed_forward"]'
fine_tune prefix --set training.learning_rate=0.01 --set adapter.type=prefix --set adapter.prefix_length=32
corpus() { printf '{"name": "%s", "source": "%s.en", "target": "%s.zh", "weight": 1}' "$1" "$2" "$2"; }
fine_tune replay --set training.learning_rate=0.001 \
  --set data.train="[$(corpus new "$new/train"), $(corpus captions "$folder/replay")]"
fine_tune anchor --set training.learning_rate=0.001 --set training.anchor=0.01

python3 - "$folder" << 'PYTHON'
import json, sys
from pathlib import Path

folder = Path(sys.argv[1])
print("| way | weights trained | minutes | BLEU, captions | BLEU, new text |")
print("| --- | --- | --- | --- | --- |")
for name in ("base", "full", "lora", "prefix", "replay", "anchor"):
    bleu = {score["set"]: score["score"] for score in json.loads((folder / f"{name}.json").read_text())
            if score["name"] == "BLEU"}
    state = folder / name / "checkpoints" / (folder / name / "checkpoints/latest").read_text().strip()
    weights = next(state.glob("[am]*.safetensors"))
    with weights.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    header.pop("__metadata__", None)
    count = 0
    for tensor, facts in header.items():
        if tensor == "position_encoding.pe":  # Computed, not trained.
            continue
        size = 1
        for length in facts["shape"]:
            size *= length
        count += size
    seconds = json.loads((state / "state.json").read_text())["seconds"]
    print(f"| {name} | {count:,} | {seconds / 60:.1f} | {bleu['captions']:.1f} | {bleu['new']:.1f} |")
PYTHON
