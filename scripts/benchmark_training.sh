#!/usr/bin/env bash
# Compares training speed on Multi30k en->de with Marian, JoeyNMT and plain PyTorch: the same model, vocabulary and
# batch size, the programs in turn, medians over several rounds. Takes about half an hour; needs an idle machine.
#   usage: scripts/benchmark_training.sh [ROUNDS]        (default 3)
# WAVEMT_PEERS  folder with prepare.sh, marian.sh, joeynmt.sh and pytorch_reference.py (default ../shared/peers), which
#               are not part of this project. A peer that is missing or cannot be installed is skipped, as noted in
#               the table; without any, only wavemt is measured.
# WAVEMT_WORK   where corpora, environments and runs go (default: nmt-peers in the temporary folder).
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3}
peers=$(cd "${WAVEMT_PEERS:-../shared/peers}" 2> /dev/null && pwd) || peers=
export WAVEMT_WORK=${WAVEMT_WORK:-${TMPDIR:-/tmp}/nmt-peers} WAVEMT_PEERS_DIR=$peers WAVEMT_ROUNDS=$rounds
program=${WAVEMT_PROGRAM:-build/release/wavemt}
[ -x "$program" ] || { echo "benchmark_training.sh: $program is missing; run scripts/setup.sh and scripts/build.sh" >&2; exit 1; }
if [ -n "$peers" ]; then
  [ -f "$WAVEMT_WORK/data/joint.model" ] && [ -x "$WAVEMT_WORK/ref/bin/python" ] || "$peers/prepare.sh" "$WAVEMT_WORK"
else
  echo "benchmark_training.sh: no peers (WAVEMT_PEERS): wavemt alone" >&2
fi
if [ ! -f "$WAVEMT_WORK/data/joint.model" ]; then
  scripts/download_corpus.py multi30k >&2
  mkdir -p "$WAVEMT_WORK/data"
  for language in en de; do
    gzip -dc "${WAVEMT_DATA:-data}/multi30k/train.$language.gz" > "$WAVEMT_WORK/data/train.$language"
  done
  "$program" tokenizer train --input "$WAVEMT_WORK"/data/train.{en,de} --output "$WAVEMT_WORK/data/joint.model" \
    --vocab-size 10000 --character-coverage 1 --byte-fallback false
fi
export WAVEMT_PROGRAM=$program
exec python3 - <<'P'
import json, os, platform, re, resource, shutil, statistics, subprocess, sys, time
from pathlib import Path

WORK, PEERS = Path(os.environ["WAVEMT_WORK"]), Path(os.environ["WAVEMT_PEERS_DIR"])
ROUNDS, PROGRAM = int(os.environ["WAVEMT_ROUNDS"]), Path(os.environ["WAVEMT_PROGRAM"]).resolve()
THREADS = os.cpu_count()
SIZES = {"tiny": {"layers": 4, "d_model": 128, "ffn_dim": 256, "num_heads": 4, "dropout": 0.3, "batch_tokens": 4096},
         "base": {"layers": 6, "d_model": 512, "ffn_dim": 2048, "num_heads": 8, "dropout": 0.1, "batch_tokens": 2048}}


def measured(command, **options):
    """Runs a command; its output and the peak memory of its process tree's largest process, in MB."""
    timed = ["/usr/bin/time", "-f", "peak_kb=%M"] if shutil.which("/usr/bin/time") else []
    done = subprocess.run([*timed, *map(str, command)], capture_output=True, text=True, **options)
    text = done.stdout + done.stderr
    if done.returncode:
        raise RuntimeError(f"{command[0]} left with {done.returncode}: {text[-300:]}")
    peak = re.search(r"peak_kb=(\d+)", text)
    return text, int(peak[1]) / 1024 if peak else float("nan")


def config_of(size):
    s = SIZES[size]
    side = lambda language: str(WORK / f"data/train.{language}")
    return {"data": {"train": {"source": side("en"), "target": side("de")}, "max_length": 100},
            "tokenizer": {"model": str(WORK / "data/joint.model")},
            "model": {"d_model": s["d_model"], "num_heads": s["num_heads"], "ffn_dim": s["ffn_dim"],
                      "num_encoder_layers": s["layers"], "num_decoder_layers": s["layers"],
                      "layer_norm": "post", "dropout": s["dropout"]},
            "training": {"batch_tokens": s["batch_tokens"], "learning_rate": 0.005, "warmup_steps": 2000,
                         "save_every": 1000000}}


def wavemt(size, precision):
    folder = WORK / "wavemt"
    folder.mkdir(exist_ok=True)
    config = folder / f"{size}.json"
    config.write_text(json.dumps(config_of(size)))
    run = folder / f"run-{size}"
    shutil.rmtree(run, ignore_errors=True)
    steps = {"tiny": 80, "base": 20}[size]
    _, peak = measured([PROGRAM, "train", config, "--run-dir", run, "--threads", THREADS, "--set",
                        f"training.precision={precision}", "--set", f"training.max_steps={steps}",
                        "--set", "training.log_every=5"])
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][1:]  # 5 to warm up
    shutil.rmtree(run)
    seconds = sum(line["seconds_per_step"] for line in lines)
    return sum(line["tokens_per_second"] * line["seconds_per_step"] for line in lines) / seconds, peak


def pytorch(size, precision):
    updates = {"tiny": 25, "base": 11}[size]
    text, _ = measured([WORK / "ref/bin/python", PEERS / "pytorch_reference.py", size, updates, "--work", WORK,
                        "--threads", THREADS, *(["--bf16"] if precision == "bf16" else [])])
    return float(re.search(r"target_tokens_per_s=(\d+)", text)[1]), float(re.search(r"peak_rss_mb=(\d+)", text)[1])


def marian(size, precision):
    updates, every = {"tiny": (24, 6), "base": (9, 3)}[size]
    text, peak = measured([PEERS / "marian.sh", size, updates, WORK],
                          env={**os.environ, "THREADS": str(THREADS), "DISP": str(every)})
    return statistics.mean(float(speed) for speed in re.findall(r": ([\d.]+) words/s", text)[1:]), peak


def joeynmt(size, precision):
    text, peak = measured([PEERS / "joeynmt.sh", size, 12, WORK], env={**os.environ, "THREADS": str(THREADS)})
    return float(re.findall(r"Tokens per Sec:\s*([\d.]+)", text)[-1]), peak


def limit(size, precision):
    """Target tokens a second if a step were its matrix products alone, at the speed of large ones."""
    text, _ = measured([PROGRAM, "train", WORK / f"wavemt/{size}.json", "--profile", "--threads", THREADS, "--set",
                        f"training.precision={precision}"])
    step = float(re.search(r"steps of ([\d.]+) ms", text)[1])
    speed = float(re.search(r"([\d,]+) target tokens/s", text)[1].replace(",", ""))
    alone = float(re.search(r"they take ([\d.]+) ms", text)[1])
    return speed * step / alone, text


PROGRAMS = {"wavemt": wavemt, "Marian 1.12": marian, "PyTorch 2.13, nn.Transformer": pytorch, "JoeyNMT 2.3": joeynmt}
ROWS = [("tiny", "wavemt", "fp32"), ("tiny", "Marian 1.12", "fp32"), ("tiny", "PyTorch 2.13, nn.Transformer", "fp32"),
        ("tiny", "JoeyNMT 2.3", "fp32"), ("base", "wavemt", "fp32"), ("base", "Marian 1.12", "fp32"),
        ("base", "PyTorch 2.13, nn.Transformer", "fp32"), ("base", "wavemt", "bf16"),
        ("base", "PyTorch 2.13, nn.Transformer", "bf16")]
results, start = {row: [] for row in ROWS}, time.time()
missing = {row: "no peers" for row in ROWS if row[1] != "wavemt" and not os.environ["WAVEMT_PEERS_DIR"]}
for round_number in range(ROUNDS):
    for row in ROWS:
        size, program, precision = row
        if row in missing:
            continue
        try:
            results[row].append(PROGRAMS[program](size, precision))
        except (OSError, RuntimeError, TypeError, IndexError, statistics.StatisticsError) as error:
            missing[row] = str(error).replace("\n", " ")[-200:]
        last = f"{results[row][-1][0]:,.0f} tokens/s" if results[row] else f"left out: {missing[row]}"
        print(f"[{time.time() - start:5.0f} s] round {round_number + 1}/{ROUNDS}: {size} {precision} {program}: {last}",
              file=sys.stderr)
limits = {key: limit(*key) for key in {(size, precision) for size, _, precision in ROWS}}
median = lambda row, index: statistics.median(r[index] for r in results[row])
model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")), platform.processor())
print(f"{model}, {THREADS} threads; {time.strftime('%Y-%m-%d')}; medians of {ROUNDS} rounds (lowest to highest)\n")
print("| model | program | target tokens/s | against the best fp32 peer | peak memory | share of the limit |")
print("| --- | --- | --- | --- | --- | --- |")
for row in ROWS:
    size, program, precision = row
    if not results[row]:
        print(f"| {size}, {precision} | {program} | not measured | | | |")
        continue
    peers = [median(r, 0) for r in ROWS if results[r] and r[0] == size and r[1] != "wavemt" and r[2] == "fp32"]
    ratio = f"{median(row, 0) / max(peers):.2f}x" if peers else "no peer"
    speeds = sorted(r[0] for r in results[row])
    print(f"| {size}, {precision} | {program} | {median(row, 0):,.0f} ({speeds[0]:,.0f} to {speeds[-1]:,.0f}) | "
          f"{ratio} | {median(row, 1):,.0f} MB | "
          f"{100 * median(row, 0) / limits[size, precision][0]:.0f}% of {limits[size, precision][0]:,.0f} |")
for (size, precision), (_, profile) in sorted(limits.items()):
    print(f"\n{size}, {precision}: wavemt train --profile\n{profile[profile.index('20 steps'):]}")
P
