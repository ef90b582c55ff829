#!/usr/bin/env bash
# Compares the speed of `wavemt metrics` with sacreBLEU on the same text and two cores, and prints a
# Markdown table. usage: scripts/benchmark_metrics.sh [PAIRS]   (default: 100000; takes minutes)
# The references are Multi30k's English training text if $WAVEMT_DATA, data/ or ../shared has it,
# otherwise the quickstart corpus, repeated as needed. The translations are the references with a
# fifth of the words dropped, doubled, swapped, replaced or moved.
# For wavemt, wall-clock time is reported, the best of five runs; for sacreBLEU, processor time. As it
# has a single thread, its wall-clock time is no shorter, so other load cannot favour wavemt.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${WAVEMT_PROGRAM:-build/release/wavemt}
python=.venv/bin/python
for needed in "$program" "$python"; do
  if [ ! -x "$needed" ]; then
    echo "benchmark_metrics.sh: $needed is missing; run scripts/setup.sh and scripts/build.sh" >&2
    exit 1
  fi
done
cores=()
if command -v taskset > /dev/null; then cores=(taskset -c 0,1); fi
PYTHONPATH=tests:tests/peers "${cores[@]}" "$python" - "$program" "${1:-100000}" <<'EOF'
import os, re, subprocess, sys, tempfile, time
from pathlib import Path

from conftest import ROOT
from real_text import perturb, read_lines, write_lines

program, pairs = sys.argv[1], int(sys.argv[2])
PORTION = 25_000  # Lines that are damaged alike.


def reference_lines():
    for folder in (os.environ.get("WAVEMT_DATA", "data"), ROOT / "data", ROOT.parent / "shared"):
        path = Path(folder) / "multi30k/train.en.gz"
        if path.exists():
            return "Multi30k", read_lines(path)
    return "the quickstart corpus", read_lines(ROOT / "data/quickstart/train.en")


def measure(command):
    """The score that `command` prints, its seconds by the clock and of processors, and its MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    seconds = time.perf_counter() - start
    return (float(re.findall(r"[\d.]+", output)[0]), seconds, usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / 1024)


with tempfile.TemporaryDirectory() as folder:
    name, lines = reference_lines()
    references = (lines * (pairs // len(lines) + 1))[:pairs]
    hypotheses = [line for i in range(0, pairs, PORTION)
                  for line in perturb(references[i:i + PORTION], seed=i)]
    reference = write_lines(Path(folder) / "reference", references)
    hypothesis = write_lines(Path(folder) / "hypothesis", hypotheses)
    one_pair = [write_lines(Path(folder) / name, ["a"]) for name in ("one", "other")]
    idle = measure([program, "metrics", *one_pair, "-b"])[-1]

    print(f"{pairs:,} pairs of {name}; {len(os.sched_getaffinity(0))} cores\n")
    print("| metric | sacreBLEU | wavemt | ratio | memory: sacreBLEU | wavemt | wavemt, a pair |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for label, metric, options in (("BLEU", "bleu", []), ("chrF", "chrf", []),
                                   ("chrF++", "chrf", ["--chrf-word-order", "2"]),
                                   ("TER", "ter", [])):
        arguments = ["-m", metric, "-b", "-w", "12", *options]
        runs = [measure([program, "metrics", hypothesis, reference, *arguments]) for _ in range(5)]
        score, seconds, _, memory = min(runs, key=lambda run: run[1])
        expected, _, slow_seconds, slow_memory = measure(
            [sys.executable, "-m", "sacrebleu", reference, "-i", hypothesis, *arguments])
        if abs(score - expected) > 1e-9:
            sys.exit(f"{label}: {score} is not sacreBLEU's {expected}")
        # Above what the program needs for a single pair.
        bytes_a_pair = max(0, memory - idle) * 2**20 / pairs
        print(f"| {label} | {slow_seconds:.1f} s | {seconds:.2f} s | {slow_seconds / seconds:.0f}x "
              f"| {slow_memory:,.0f} MB | {memory:,.0f} MB | {bytes_a_pair:.0f} bytes |",
              flush=True)
EOF
