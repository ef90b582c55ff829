#!/usr/bin/env bash
# What several processes give: training speed of one process with all cores, of one with a single core and of several with
# a single core each, what their gradients cost, and the memory of a process with and without a sharded optimizer.
# Takes about five minutes; needs an idle machine.
#   usage: scripts/benchmark_distributed.sh [PROCESSES]    (default: the number of cores)
# WAVEMT_DATA   the folder with multi30k/ (default data, which scripts/download_corpus.py fills).
set -euo pipefail
cd "$(dirname "$0")/.."
export WAVEMT_PROGRAM=${WAVEMT_PROGRAM:-build/release/wavemt} WAVEMT_PROCESSES=${1:-$(nproc)}
[ -x "$WAVEMT_PROGRAM" ] || { echo "benchmark_distributed.sh: $WAVEMT_PROGRAM is missing; run scripts/setup.sh and scripts/build.sh" >&2; exit 1; }
scripts/download_corpus.py multi30k >&2
exec python3 - <<'P'
import json, os, re, socket, subprocess, sys, tempfile, time
from pathlib import Path

PROGRAM, PROCESSES = Path(os.environ["WAVEMT_PROGRAM"]).resolve(), int(os.environ["WAVEMT_PROCESSES"])
DATA = Path(os.environ.get("WAVEMT_DATA", "data")).resolve() / "multi30k"
WORK = Path(tempfile.mkdtemp(prefix="wavemt-distributed-"))
SIZES = {"tiny": {"layers": 4, "d_model": 128, "ffn_dim": 256, "num_heads": 4, "batch_tokens": 4096, "steps": 60},
         "base": {"layers": 6, "d_model": 512, "ffn_dim": 2048, "num_heads": 8, "batch_tokens": 1024, "steps": 6}}


def config_of(size):
    s = SIZES[size]
    file = WORK / f"{size}.json"
    file.write_text(json.dumps({
        "data": {"train": {"source": str(DATA / "train.en.gz"), "target": str(DATA / "train.de.gz")}, "max_length": 100},
        "tokenizer": {"model": str(WORK / "joint.model")},
        "model": {"d_model": s["d_model"], "num_heads": s["num_heads"], "ffn_dim": s["ffn_dim"],
                  "num_encoder_layers": s["layers"], "num_decoder_layers": s["layers"]},
        "training": {"max_steps": s["steps"], "batch_tokens": s["batch_tokens"], "log_every": 2, "validate_every": 0,
                     "save_every": 1000000}}))
    return file


def run(processes, threads, *arguments):
    """What the ranks print, and the peak memory of each in MB."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port = opened.getsockname()[1]
    started = []
    for rank in range(processes):
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        if processes > 1:
            environment |= {"RANK": str(rank), "WORLD_SIZE": str(processes), "LOCAL_RANK": str(rank),
                            "LOCAL_WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        started.append(subprocess.Popen([PROGRAM, "train", *map(str, arguments)], env=environment,
                                        stdout=subprocess.PIPE, stderr=(WORK / f"log.{rank}").open("w"), text=True))
    printed, memory = [], []
    for rank, process in enumerate(started):
        printed.append(process.stdout.read())
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"benchmark_distributed.sh: rank {rank} failed: {(WORK / f'log.{rank}').read_text()[-500:]}")
        memory.append(usage.ru_maxrss / 1024)
    return printed, memory


def train(size, processes, threads, *settings):
    options = [word for setting in settings for word in ("--set", setting)]
    _, memory = run(processes, threads, config_of(size), "--run-dir", WORK / "run", "--overwrite", "--device", "cpu", *options)
    lines = [json.loads(line) for line in (WORK / "run/metrics.jsonl").read_text().splitlines()][1:]
    lines = [line for line in lines if "tokens_per_second" in line]
    seconds = sum(line["seconds_per_step"] for line in lines)
    return sum(line["tokens_per_second"] * line["seconds_per_step"] for line in lines) / seconds, max(memory)


for language in ("en", "de"):
    with (WORK / f"train.{language}").open("wb") as file:
        subprocess.run(["gzip", "-dc", DATA / f"train.{language}.gz"], stdout=file, check=True)
subprocess.run([PROGRAM, "tokenizer", "train", "--input", WORK / "train.en", WORK / "train.de", "--output",
                WORK / "joint.model", "--vocab-size", "10000"], check=True, stderr=subprocess.DEVNULL)
model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")), "unknown processor")
print(f"{model}, {os.cpu_count()} cores; {time.strftime('%Y-%m-%d')}\n")
print("| model | processes x threads | target tokens/s | of one process with all cores | memory of a process |\n"
      "| --- | --- | --- | --- | --- |", flush=True)
for size in SIZES:
    whole = None
    for processes, threads, settings in ((1, PROCESSES, ()), (1, 1, ()), (PROCESSES, 1, ()),
                                         (PROCESSES, 1, ("training.all_reduce_precision=bf16",)),
                                         (PROCESSES, 1, ("training.shard_optimizer=true",))):
        speed, memory = train(size, processes, threads, *settings)
        whole = whole or speed
        note = "".join(f", {setting.removeprefix('training.')}" for setting in settings)
        print(f"| {size} | {processes} x {threads}{note} | {speed:,.0f} | {100 * speed / whole:.0f}% | {memory:,.0f} MB |",
              flush=True)
print()
for size in SIZES:
    printed, _ = run(PROCESSES, 1, config_of(size), "--run-dir", WORK / "run", "--overwrite", "--device", "cpu", "--profile")
    print(f"{size}: {printed[0].splitlines()[0]}", flush=True)
subprocess.run(["rm", "-r", WORK], check=True)
P
