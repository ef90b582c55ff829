#!/usr/bin/env bash
# What each position encoding costs, beside sinusoidal: training speed, decoding speed, peak memory and learned numbers
# of two models on Multi30k, one encoding after another, medians over several rounds; and how storage and speed change
# with max_length. Takes about half an hour; needs an idle machine.
#   usage: scripts/benchmark_positions.sh [ROUNDS]        (default 3)
# WAVEMT_DATA   the folder with multi30k/ (default data, which scripts/download_corpus.py fills).
# WAVEMT_WORK   where the vocabulary and the runs go (default: wavemt-positions in the temporary folder).
# WAVEMT_SIZES  the models to measure (default "tiny base").
set -euo pipefail
cd "$(dirname "$0")/.."
export WAVEMT_PROGRAM=${WAVEMT_PROGRAM:-build/release/wavemt} WAVEMT_ROUNDS=${1:-3}
export WAVEMT_WORK=${WAVEMT_WORK:-${TMPDIR:-/tmp}/wavemt-positions} WAVEMT_SIZES=${WAVEMT_SIZES:-tiny base}
[ -x "$WAVEMT_PROGRAM" ] || { echo "benchmark_positions.sh: $WAVEMT_PROGRAM is missing; run scripts/setup.sh and scripts/build.sh" >&2; exit 1; }
scripts/download_corpus.py multi30k >&2
exec python3 - <<'P'
import gzip, json, os, platform, shutil, statistics, subprocess, sys, time
from pathlib import Path

PROGRAM, WORK = Path(os.environ["WAVEMT_PROGRAM"]).resolve(), Path(os.environ["WAVEMT_WORK"])
DATA = Path(os.environ.get("WAVEMT_DATA", "data")).resolve() / "multi30k"
ROUNDS, THREADS = int(os.environ["WAVEMT_ROUNDS"]), os.cpu_count()
SIZES = {"tiny": {"layers": 4, "d_model": 128, "ffn_dim": 256, "num_heads": 4, "batch_tokens": 4096, "steps": 45,
                  "sentences": 600},
         "base": {"layers": 6, "d_model": 512, "ffn_dim": 2048, "num_heads": 8, "batch_tokens": 2048, "steps": 9,
                  "sentences": 100}}
ENCODINGS = {name: {"type": name} for name in ("sinusoidal", "learned", "article", "article_fixed", "rotary", "alibi",
                                               "relative", "t5", "none")}
ENCODINGS["alibi, trained slopes"] = {"type": "alibi", "alibi_slopes": "trained"}
ENCODINGS["sinusoidal, random_shift 100"] = {"type": "sinusoidal", "random_shift": 100}
OUTPUT_TOKENS, LENGTHS = 15, (512, 2048, 8192, 16384)


def run(*command, **options):
    """Runs a command; its seconds and its peak memory in MB."""
    start = time.time()
    process = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, **options)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"benchmark_positions.sh: {' '.join(map(str, command))} failed: {errors.decode()[-500:]}")
    return time.time() - start, usage.ru_maxrss / 1024


def config_of(size, encoding, max_length=512):
    s = SIZES[size]
    file = WORK / "config.json"
    file.write_text(json.dumps({
        "data": {"train": {"source": str(DATA / "train.en.gz"), "target": str(DATA / "train.de.gz")}, "max_length": 100},
        "tokenizer": {"model": str(WORK / "joint.model")},
        "model": {"d_model": s["d_model"], "num_heads": s["num_heads"], "ffn_dim": s["ffn_dim"],
                  "num_encoder_layers": s["layers"], "num_decoder_layers": s["layers"],
                  "position_encoding": {"max_length": max_length} | ENCODINGS[encoding]},
        "training": {"max_steps": s["steps"], "batch_tokens": s["batch_tokens"], "log_every": 3,
                     "validate_every": 0, "save_every": 1000000},
        "decoding": {"split_sentences": "never", "max_output_length": OUTPUT_TOKENS}}))
    return file


def train(size, encoding, *options, max_length=512):
    """Trains a run; its target tokens/s after the first steps, and the peak memory."""
    _, peak = run(PROGRAM, "train", config_of(size, encoding, max_length), "--run-dir", WORK / "run", "--overwrite",
                  "--threads", THREADS, *options)
    lines = [json.loads(line) for line in (WORK / "run/metrics.jsonl").read_text().splitlines()]
    lines = [line for line in lines if "tokens_per_second" in line][1:]
    seconds = sum(line["seconds_per_step"] for line in lines)
    return sum(line["tokens_per_second"] * line["seconds_per_step"] for line in lines) / max(seconds, 1e-9), peak


def decode(size, encoding):
    """Sentences/s of a model that has learned nothing, so that every translation takes OUTPUT_TOKENS steps. The time
    that the program takes to load is measured with a single sentence and not counted."""
    train(size, encoding, "--set", "training.max_steps=1", "--set", "training.learning_rate=1e-12")
    with gzip.open(DATA / "train.en.gz", "rt", encoding="utf8") as lines:
        text = [next(lines) for _ in range(SIZES[size]["sentences"])]
    seconds = {}
    for name, count in (("one", 1), ("all", len(text))):
        (WORK / "input.txt").write_text("".join(text[:count]), encoding="utf8")
        seconds[name], peak = run(PROGRAM, "translate", WORK / "run", "--input", WORK / "input.txt", "--output",
                                  WORK / "output.txt", "--threads", THREADS)
    return (len(text) - 1) / (seconds["all"] - seconds["one"]), peak


def stored(size, encoding, max_length):
    """Learned numbers of an encoding, and the bytes that its tables take in a checkpoint."""
    text = subprocess.run([PROGRAM, "positions", config_of(size, encoding, max_length), "--json"], check=True,
                          capture_output=True, text=True).stdout
    study = json.loads(text)
    return study["weights"], f"{study['bytes'] / 1e6:.1f} MB" if study["bytes"] else "0"


WORK.mkdir(parents=True, exist_ok=True)
if not (WORK / "joint.model").exists():
    for language in ("en", "de"):
        (WORK / f"train.{language}").write_bytes(gzip.decompress((DATA / f"train.{language}.gz").read_bytes()))
    run(PROGRAM, "tokenizer", "train", "--input", WORK / "train.en", WORK / "train.de", "--output",
        WORK / "joint.model", "--vocab-size", 10000)
start, sizes = time.time(), os.environ["WAVEMT_SIZES"].split()
rows = [(size, encoding) for size in sizes for encoding in ENCODINGS]
speed, memory, sentences = ({row: [] for row in rows} for _ in range(3))
for round_number in range(ROUNDS):
    for size, encoding in rows:
        tokens, peak = train(size, encoding)
        speed[size, encoding].append(tokens)
        memory[size, encoding].append(peak)
        sentences[size, encoding].append(decode(size, encoding)[0])
        print(f"[{time.time() - start:5.0f} s] round {round_number + 1}/{ROUNDS}: {size} {encoding}: {tokens:,.0f} target "
              f"tokens/s, {sentences[size, encoding][-1]:.1f} sentences/s", file=sys.stderr)
model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")), platform.processor())
print(f"{model}, {THREADS} threads; {time.strftime('%Y-%m-%d')}; medians of {ROUNDS} rounds\n")
print("| model | encoding | training, target tokens/s | of sinusoidal's | decoding, sentences/s | of sinusoidal's | "
      "peak memory | learned numbers |\n| --- | --- | --- | --- | --- | --- | --- | --- |")


def share(values, size, encoding):
    """The median of the ratios within each round: the machine's speed changes from round to round."""
    ratios = [own / base for own, base in zip(values[size, encoding], values[size, "sinusoidal"])]
    return f"{100 * statistics.median(ratios):.0f}%"


for size, encoding in rows:
    print(f"| {size} | {encoding} | {statistics.median(speed[size, encoding]):,.0f} | {share(speed, size, encoding)} | "
          f"{statistics.median(sentences[size, encoding]):,.1f} | {share(sentences, size, encoding)} | "
          f"{statistics.median(memory[size, encoding]):,.0f} MB | {stored(size, encoding, 512)[0]:,} |")
print(f"\nBytes of {sizes[0]}'s tables in a checkpoint, and training speed at the largest max_length:\n")
print("| encoding | " + " | ".join(f"max_length {length:,}" for length in LENGTHS) +
      " | speed at 512 | at 16,384 |\n| --- " + "| --- " * (len(LENGTHS) + 2) + "|")
for encoding in ENCODINGS:
    sizes_of = [stored(sizes[0], encoding, length)[1] for length in LENGTHS]
    speeds = ["–", "–"]  # Without a table, max_length is only a limit.
    if sizes_of[0] != sizes_of[-1]:
        # One after the other, so that both meet the machine in the same state.
        speeds = [f"{train(sizes[0], encoding, max_length=length)[0]:,.0f}" for length in (LENGTHS[0], LENGTHS[-1])]
    print(f"| {encoding} | " + " | ".join([*sizes_of, *speeds]) + " |", flush=True)
shutil.rmtree(WORK / "run")
P
