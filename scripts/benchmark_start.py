#!/usr/bin/env python3
"""How long wavemt takes to begin: from the command to the first update of multi30k-tiny.json, with its tokenizer given and
its token ids cached, and to the end of `translate` for one line.

usage: scripts/benchmark_start.py [ROUNDS]        (default 7)

Prints the median and the fastest of the rounds. Needs an idle machine and Multi30k in WAVEMT_DATA (scripts/download_corpus.py
multi30k). WAVEMT_PROGRAM names the program (build/release/wavemt).
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine

PROGRAM = Path(os.environ.get("WAVEMT_PROGRAM") or machine.ROOT / "build/release/wavemt").resolve()
CONFIG = machine.ROOT / "configs/multi30k-tiny.json"


def run(*arguments, **options):
    done = subprocess.run([PROGRAM, *map(str, arguments)], text=True, capture_output=True, check=False, **options)
    if done.returncode:
        sys.exit(f"benchmark_start.py: {' '.join(map(str, arguments))}:\n{done.stderr}")


def seconds(*arguments, **options):
    start = time.perf_counter()
    run(*arguments, **options)
    return time.perf_counter() - start


def seconds_to_first_update(arguments):
    """Until the line of the first step is logged. The rest of the training is waited for, but not counted."""
    start = time.perf_counter()
    with subprocess.Popen([PROGRAM, *map(str, arguments)], text=True, stderr=subprocess.PIPE) as process:
        first = None
        for line in process.stderr:
            if first is None and " step 1/" in line:
                first = time.perf_counter() - start
    if first is None or process.returncode:
        sys.exit("benchmark_start.py: the training failed; run it by hand: wavemt " + " ".join(map(str, arguments)))
    return first


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    if not os.access(PROGRAM, os.X_OK):
        sys.exit(f"benchmark_start.py: {PROGRAM} is missing; run scripts/setup.sh and scripts/build.sh")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        training = ["train", CONFIG, "--run-dir", folder / "run", "--overwrite", "--set", f"data.cache_dir={folder}/cache",
                    "--set", "training.max_steps=1", "--set", "training.log_every=1", "--set", "training.validate_every=0"]
        run(*training)  # Fills the cache, and trains the tokenizer that the others are given.
        (folder / "run/tokenizer.model").rename(folder / "tokenizer.model")
        training += ["--set", f"tokenizer.model={folder}/tokenizer.model"]
        run(*training)
        figures = {"`wavemt --version`": [], "`translate` of one line": [], "`train` to the first update": []}
        for _ in range(rounds):  # In turn, so that a noisy minute hits all of them.
            figures["`wavemt --version`"].append(seconds("--version"))
            figures["`translate` of one line"].append(
                seconds("translate", folder / "run", "--max-output-length", 20, input="A man rides a horse.\n"))
            figures["`train` to the first update"].append(seconds_to_first_update(training))
    print(f"{machine.processor()}, {machine.cores()} cores, {machine.instructions()}; {time.strftime('%Y-%m-%d')}, "
          f"{machine.commit()}; {rounds} rounds\n")
    print("| | seconds, median | fastest |\n| --- | --- | --- |")
    for name, found in figures.items():
        print(f"| {name} | {statistics.median(found):.2f} | {min(found):.2f} |")


if __name__ == "__main__":
    main()
