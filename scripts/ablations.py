#!/usr/bin/env python3
"""What each choice of a config gives: trains a model for each row of a table, one after the other,
and prints the row.

usage: ablations.py TABLE OUT [ROW...]
  TABLE  multi30k, multi30k-best or 3am
  OUT    the folder for the runs; a row that is there already is not trained again, and a training
         that was stopped goes on
  ROW    the rows to do, by name; without any, all of them

WAVEMT_DATA names the folder with the corpora, WAVEMT_PROGRAM the program (build/release/wavemt).
Each model is chosen by its score on data.valid, and its search by `wavemt tune`, also there; the
test set is translated once. "greedy" is the best validation of the training, without an average;
val and test are what `wavemt evaluate` says of the run, "as papers" is what moses_bleu.py does. The
minutes are those of the training.
Needs: pip install sacrebleu sacremoses
"""
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("WAVEMT_PROGRAM", str(ROOT / "build/release/wavemt"))
# Each table: its config, and its rows: a name, and what the row changes in the config.
TABLES = {
    "multi30k": ("multi30k-tiny.json", [
        ("as it is", []),
        ("BPE, 5,000 pieces", ["tokenizer.type=bpe", "tokenizer.vocab_size=5000"]),
        ("relative positions", ["model.position_encoding.type=relative"]),
        ("batches twice as large", ["training.batch_tokens=4096", "training.max_steps=3400",
                                    "training.learning_rate=0.004", "training.warmup_steps=500"]),
        ("subword sampling 0.3", ["tokenizer.sampling.alpha=0.3"]),
        ("R-Drop 3", ["training.r_drop.alpha=3"]),
        ("average of the 5 best", ["training.average_best=5"]),
        ("8+1 layers", ["model.num_encoder_layers=8", "model.num_decoder_layers=1"]),
    ]),
    "multi30k-best": ("multi30k-best.json", [
        ("as it is", []),
        ("sinusoidal positions", ["model.position_encoding.type=sinusoidal"]),
        ("no subword sampling", ["tokenizer.sampling.alpha=0"]),
        ("R-Drop 3", ["training.r_drop.alpha=3"]),
        ("no average", ["training.average_best=0"]),
        ("half as long", ["training.max_steps=8800"]),
    ]),
    "3am": ("3am-en-zh.json", [
        ("as it is", []),
        ("sinusoidal positions", ["model.position_encoding.type=sinusoidal"]),
        ("batches twice as large", ["training.batch_tokens=4096", "training.max_steps=3600",
                                    "training.learning_rate=0.002", "training.warmup_steps=400"]),
        ("subword sampling 0.3", ["tokenizer.sampling.alpha=0.3"]),
        ("R-Drop 3", ["training.r_drop.alpha=3"]),
        ("average of the 5 best", ["training.average_best=5"]),
    ]),
}


def run(*arguments, **options):
    result = subprocess.run([str(argument) for argument in arguments], text=True, check=False,
                            stdout=subprocess.PIPE, **options)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}: exit code {result.returncode}")
    return result.stdout


def bleu_of(folder, split, files):
    """BLEU on the config's data.valid or data.test, and the translations' file."""
    output = folder / f"{split}.txt"
    scores = run(PROGRAM, "evaluate", folder / "run", "--source", files["source"][0], "--reference",
                 files["target"][0], "--metrics", "bleu", "--json", "--output", output)
    return json.loads(scores)[0]["score"], output


def measure(name, changes, config, folder):
    options = [word for change in changes for word in ("--set", change)]
    settings = run(PROGRAM, "config", "show", ROOT / "configs" / config, *options)
    record = folder / "row.json"
    if record.exists():
        row = json.loads(record.read_text("utf8"))
        if row["settings"] == settings:
            return row
    folder.mkdir(parents=True, exist_ok=True)
    start = time.time()
    run(PROGRAM, "train", ROOT / "configs" / config, "--run-dir", folder / "run", "--resume",
        *options)
    row = {"name": name, "settings": settings, "minutes": (time.time() - start) / 60}
    row["greedy"] = max(line["valid/bleu"] for line in metrics_of(folder / "run")
                        if "valid/bleu" in line)
    run(PROGRAM, "tune", folder / "run", "--write")
    data = json.loads((folder / "run/config.json").read_text("utf8"))["data"]
    row["valid"], _ = bleu_of(folder, "valid", data["valid"])
    if data["test"]["source"]:
        row["test"], output = bleu_of(folder, "test", data["test"])
        references = data["test"]["target"][0]
        language = Path(references).name.removesuffix(".gz").rpartition(".")[2]
        paper = run(sys.executable, ROOT / "scripts/moses_bleu.py", output, references, language)
        row["as_papers"] = float(paper.split()[0])
    record.write_text(json.dumps(row), "utf8")
    return row


def metrics_of(run_folder):
    return [json.loads(line) for line in
            (run_folder / "metrics.jsonl").read_text("utf8").splitlines()]


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in TABLES:
        sys.exit(__doc__)
    for package in ("sacrebleu", "sacremoses"):
        if importlib.util.find_spec(package) is None:
            sys.exit(f"ablations.py: pip install {package}, for {sys.executable}")
    config, rows = TABLES[sys.argv[1]]
    names = [name for name, _ in rows]
    wanted = sys.argv[3:] or names
    for name in wanted:
        if name not in names:
            sys.exit(f"ablations.py: no row {name!r}; there are: {', '.join(names)}")
    print("| | greedy | val | test | as papers | minutes |\n|---|---|---|---|---|---|")
    for name, changes in rows:
        if name not in wanted:
            continue
        row = measure(name, changes, config,
                      Path(sys.argv[2]) / sys.argv[1] / name.replace(" ", "-"))
        cells = [row.get(key) for key in ("greedy", "valid", "test", "as_papers", "minutes")]
        print(f"| {name} | " + " | ".join("" if cell is None else f"{cell:.1f}" for cell in cells)
              + " |", flush=True)


if __name__ == "__main__":
    main()
