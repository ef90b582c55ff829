#!/usr/bin/env bash
# Compares training speed on Multi30k en->de with Marian, JoeyNMT and plain PyTorch: the same model, vocabulary and
# batch size, the programs in turn, medians over several rounds. Takes about half an hour; needs an idle machine.
#   usage: scripts/benchmark_training.sh [ROUNDS]        (default 3)
#          scripts/benchmark_training.sh --table FILE... one table of several machines: each run writes a file of rows
#                                                        as JSON lines into WAVEMT_WORK, and these are the files
# WAVEMT_PEERS  folder with prepare.sh, marian.sh, joeynmt.sh and pytorch_reference.py (default ../shared/peers), which
#               are not part of this project. A peer that is missing or cannot be installed is skipped, as noted in
#               the table; without any, only wavemt is measured.
# WAVEMT_WORK   where corpora, environments and runs go (default: nmt-peers in the temporary folder).
set -euo pipefail
if [ "${1:-}" = --table ]; then
  exec python3 - "${@:2}" <<'P'
import json, sys


def rows_of(file):
    try:
        with open(file, encoding="utf8") as lines:
            return [json.loads(line) for line in lines if line.strip()]
    except OSError as error:
        sys.exit(f"benchmark_training.sh: {file}: {error.strerror}")
    except ValueError:
        sys.exit(f"benchmark_training.sh: {file}: is no file of JSON lines; take what a run of this script has written")


def cells_of(row, lowest):
    speed, ratio = row["tokens_per_second"], row["ratio_to_best_peer"]
    against = "no peer" if ratio is None else f"{ratio:.2f}x {row['best_peer']}"
    memory = row["peak_memory_mb"]
    return [f"{row['model']}, {row['precision']}", f"{row['processor']}, {row['cores']} cores", row["instructions"],
            f"{speed['median']:,.0f} ({speed['low']:,.0f} to {speed['high']:,.0f})",
            f"**{against}**, the lowest" if ratio is not None and ratio == lowest else against,
            "not measured" if memory is None else f"{memory:,.0f} MB",
            f"{100 * row['share_of_limit']:.0f}% of {row['limit']:,.0f}", f"{row['date']}, {row['commit']}"]


if len(sys.argv) < 2:
    sys.exit("benchmark_training.sh: --table needs the files of rows that runs of this script have written")
rows = [row for file in sys.argv[1:] for row in rows_of(file) if row.get("program") == "wavemt"]
print("| model | processor | instructions | wavemt, target tokens/s | against the best peer | peak memory | "
      "share of the limit | date, commit |\n" + "| --- " * 8 + "|")
for key in dict.fromkeys((row["model"], row["precision"]) for row in rows):
    of_key = [row for row in rows if (row["model"], row["precision"]) == key]
    ratios = [row["ratio_to_best_peer"] for row in of_key if row["ratio_to_best_peer"] is not None]
    for row in of_key:
        print("| " + " | ".join(cells_of(row, min(ratios, default=None))) + " |")
P
fi
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
import json, math, os, re, shutil, statistics, subprocess, sys, time
from pathlib import Path

sys.path.insert(0, "scripts")
import machine

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


def facts(row):
    """All that is known of a row that was measured."""
    size, program, precision = row
    peers = {r[1]: median(r, 0) for r in ROWS if results[r] and (r[0], r[2]) == (size, precision) and r[1] != "wavemt"}
    best = max(peers, key=peers.get, default=None)
    speeds, peak, most = [r[0] for r in results[row]], median(row, 1), limits[size, precision][0]
    return {"date": time.strftime("%Y-%m-%d"), "commit": machine.commit(), "program": program, "model": size,
            "precision": precision, "rounds": len(speeds),
            "tokens_per_second": {"low": min(speeds), "median": median(row, 0), "high": max(speeds)},
            "best_peer": best, "ratio_to_best_peer": median(row, 0) / peers[best] if best else None,
            "peak_memory_mb": None if math.isnan(peak) else peak,
            "limit": most, "share_of_limit": median(row, 0) / most, "processor": machine.processor(),
            "cores": machine.cores(), "instructions": machine.instructions(), "threads": THREADS}


print(f"{THREADS} threads; {time.strftime('%Y-%m-%d')}, {machine.commit()}; medians of {ROUNDS} rounds "
      "(lowest to highest)\n")
print("| model | program | target tokens/s | against the best peer | peak memory | share of the limit | processor | "
      "instructions |\n" + "| --- " * 8 + "|")
written = WORK / time.strftime("rows-%Y%m%d-%H%M%S.jsonl")
with written.open("w", encoding="utf8") as file:
    for row in ROWS:
        size, program, precision = row
        if not results[row]:
            print(f"| {size}, {precision} | {program} | not measured | | | | | |")
            continue
        fact = facts(row)
        file.write(json.dumps(fact) + "\n")
        speed, ratio, peak = fact["tokens_per_second"], fact["ratio_to_best_peer"], fact["peak_memory_mb"]
        print(f"| {size}, {precision} | {program} | "
              f"{speed['median']:,.0f} ({speed['low']:,.0f} to {speed['high']:,.0f}) | "
              f"{f'{ratio:.2f}x' if ratio else 'no peer'} | {f'{peak:,.0f} MB' if peak else 'not measured'} | "
              f"{100 * fact['share_of_limit']:.0f}% of {fact['limit']:,.0f} | "
              f"{fact['processor']}, {fact['cores']} cores | {fact['instructions']} |")
print(f"benchmark_training.sh: the rows are in {written}", file=sys.stderr)
for (size, precision), (_, profile) in sorted(limits.items()):
    print(f"\n{size}, {precision}: wavemt train --profile\n{profile[profile.index('20 steps'):]}")
P
