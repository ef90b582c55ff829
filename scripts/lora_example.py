#!/usr/bin/env python3
"""LoRA against full fine-tuning: quickstart's model learns 50 words that are spelled anew.

usage: scripts/lora_example.py [--run RUN] [--folder FOLDER] [--steps N]
RUN is a model of configs/quickstart.json (runs/quickstart). Its 50 most frequent English words of four
letters and more are written backwards, in data/quickstart's text for training and for testing. Prints a
table of BLEU on that text before and after. What is in FOLDER already (runs/lora) is kept.
"""
import argparse
import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data/quickstart"
PROGRAM = os.environ.get("WAVEMT_PROGRAM", str(ROOT / "build/release/wavemt"))
WAYS = {
    "full": {"training.learning_rate": 0.001},
    "lora": {"training.learning_rate": 0.01, "adapter.type": "lora", "adapter.lora_rank": 8,
             "adapter.lora_projections": '["q_proj","v_proj","out_proj"]'},
}


def change_words(folder, words):
    changed = re.compile(rf"\b({'|'.join(words)})\b")
    for split in ("train", "valid", "test"):
        text = (DATA / f"{split}.en").read_text("utf8")
        (folder / f"{split}.en").write_text(changed.sub(lambda word: word[0][::-1], text), "utf8")


def wavemt(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], check=True, stdout=subprocess.PIPE,
                          encoding="utf8").stdout


def bleu(model, folder):
    scores = json.loads(wavemt("evaluate", model, "--source", folder / "test.en", "--reference",
                               DATA / "test.zh", "--json"))
    return next(score["score"] for score in scores if score["name"] == "BLEU")


def weights(model):
    return json.loads(wavemt("inspect", model, "--json"))["weights"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, default=ROOT / "runs/quickstart")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/lora")
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    counts = Counter(re.findall(r"\b[a-z]{4,}\b", (DATA / "train.en").read_text("utf8")))
    change_words(folder, [word for word, _ in counts.most_common(50)])
    print("| way | weights trained | BLEU |\n| --- | --- | --- |")
    print(f"| none | 0 | {bleu(options.run, folder):.1f} |", flush=True)
    for way, settings in WAYS.items():
        settings = {
            "data.train.source": folder / "train.en", "data.train.target": DATA / "train.zh",
            "data.valid.source": folder / "valid.en", "data.valid.target": DATA / "valid.zh",
            "training.max_steps": options.steps, "training.warmup_steps": 50,
            "training.validate_every": 200, "training.save_every": 200} | settings
        run = folder / way
        wavemt("train", ROOT / "configs/quickstart.json", "--run-dir", run, "--resume", "--init-from",
               options.run, *(text for key, value in settings.items()
                              for text in ("--set", f"{key}={value}")))
        print(f"| {way} | {weights(run):,} | {bleu(run, folder):.1f} |", flush=True)


main()
