#!/usr/bin/env bash
# Compares translating speed with CTranslate2 on the same weights: beam 5 and greedy, batches of about 64
# sentences and of one, one thread and two. The programs take turns; the table has medians over the rounds.
#   usage: scripts/benchmark_decoding.sh SOURCE REFERENCE ROUNDS NAME=RUN...
#   e.g.   scripts/benchmark_decoding.sh test.en test.de 3 tiny=runs/multi30k-tiny base=runs/base
# Sentences a second are those of SOURCE by the time of the whole program less that of a text of one line, so that
# loading (of Python, too) does not count. Peak memory is that of the whole program.
# WAVEMT_BATCHES  for example "64"; WAVEMT_THREADS for example "2": fewer measurements. WAVEMT_SYSTEMS: a pattern of
#                 systems.
# WAVEMT_LONGEST  the longest output in tokens (256): for a model that has not learned where to end.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 4 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
export WAVEMT_PROGRAM=${WAVEMT_PROGRAM:-build/release/wavemt} WAVEMT_PYTHON=${WAVEMT_PYTHON:-.venv/bin/python}
[ -x "$WAVEMT_PROGRAM" ] || { echo "benchmark_decoding.sh: $WAVEMT_PROGRAM is missing; run scripts/build.sh" >&2; exit 1; }
exec "$WAVEMT_PYTHON" - "$@" <<'P'
import os, platform, re, statistics, subprocess, sys, tempfile
from pathlib import Path

source, reference, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
RUNS = dict(argument.split("=", 1) for argument in sys.argv[4:])
PROGRAM, PYTHON = Path(os.environ["WAVEMT_PROGRAM"]).resolve(), sys.executable
BATCHES = [int(b) for b in os.environ.get("WAVEMT_BATCHES", "64 1").split()]
THREADS = [int(t) for t in os.environ.get("WAVEMT_THREADS", "2 1").split()]
SYSTEMS = re.compile(os.environ.get("WAVEMT_SYSTEMS", "."))
LONGEST = int(os.environ.get("WAVEMT_LONGEST", "256"))
LINES = source.read_text("utf8").split("\n")[:-1]
WORK = Path(tempfile.mkdtemp(prefix="benchmark-decoding-"))
ONE = WORK / "one.txt"
ONE.write_text(LINES[0] + "\n", "utf8")

# What a user of CTranslate2's package would write.
(WORK / "ct2.py").write_text('''
import sys, ctranslate2, sentencepiece
model, source, output, beam, batch, precision, threads = sys.argv[1:]
pieces = sentencepiece.SentencePieceProcessor(model_file=model + "/tokenizer.model")
translator = ctranslate2.Translator(model, device="cpu", compute_type=precision, intra_threads=int(threads))
lines = open(source, encoding="utf8").read().split("\\n")[:-1]
tokens = [pieces.encode(line, out_type=str) + ["</s>"] for line in lines]
found = translator.translate_batch(tokens, beam_size=int(beam), max_batch_size=int(batch), max_decoding_length=%d)
with open(output, "w", encoding="utf8") as file:
    file.writelines(pieces.decode(one.hypotheses[0]) + "\\n" for one in found)
''' % LONGEST, "utf8")


def timed(command, threads):
    """Seconds and peak megabytes of a whole program."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "WAVEMT_PYTHON": PYTHON}
    done = subprocess.run(["/usr/bin/time", "-f", "took %e %M", *map(str, command)], capture_output=True, text=True,
                          env=environment)
    if done.returncode:
        raise SystemExit(f"{command[0]} left with {done.returncode}: {done.stderr[-500:]}")
    seconds, kilobytes = re.findall(r"took (\S+) (\S+)", done.stderr)[-1]
    return float(seconds), int(kilobytes) / 1024


def wavemt(run, *options):
    def command(text, output, beam, batch, threads):
        # About as many tokens as `batch` sentences have, shared out among the threads; 1: each sentence alone.
        mean = sum(len(line.split()) for line in LINES) / len(LINES) * 1.4
        tokens = 1 if batch == 1 else int(batch * mean / threads)
        return [PROGRAM, "translate", run, "--input", text, "--output", output, "--beam-size", beam, "--set",
                f"decoding.batch_tokens={tokens}", "--set", f"decoding.max_output_length={LONGEST}", *options]
    return command


def ctranslate2(folder, precision):
    return lambda text, output, beam, batch, threads: [
        PYTHON, WORK / "ct2.py", folder, text, output, beam, batch, precision, threads]


def bleu(output):
    return float(subprocess.run([PYTHON, "-m", "sacrebleu", reference, "-i", output, "-b", "-w", "2"],
                                capture_output=True, text=True, check=True).stdout)


print(f"{platform.processor() or platform.machine()}: "
      f"{re.search('model name.*: (.*)', Path('/proc/cpuinfo').read_text())[1]}, {os.cpu_count()} cores\n")
for name, run in RUNS.items():
    exported = WORK / f"{name}-ct2"
    subprocess.run([PROGRAM, "export", run, exported, "--format", "ctranslate2"], check=True, capture_output=True,
                   env=os.environ | {"WAVEMT_PYTHON": PYTHON})
    shortlist = WORK / f"{name}.shortlist"
    subprocess.run([PROGRAM, "shortlist", run, "--output", shortlist], check=True, capture_output=True)
    int8 = ["--set", "decoding.precision=int8"]
    systems = {"CTranslate2 fp32": ctranslate2(exported, "float32"), "wavemt fp32": wavemt(run),
               "CTranslate2 int8": ctranslate2(exported, "int8"), "wavemt int8": wavemt(run, *int8),
               "wavemt fp32, shortlist": wavemt(run, "--shortlist", shortlist),
               "wavemt int8, shortlist": wavemt(run, *int8, "--shortlist", shortlist)}
    systems = {system: command for system, command in systems.items() if SYSTEMS.search(system)}
    columns = [(threads, beam, batch) for threads in THREADS for batch in BATCHES for beam in (5, 1)]
    speeds, peaks, quality, lengths = {}, {}, {}, {}
    for _ in range(rounds):
        for column in columns:
            threads, beam, batch = column
            for system, command in systems.items():
                output = WORK / "output.txt"
                started, _ = timed(command(ONE, output, beam, batch, threads), threads)
                seconds, megabytes = timed(command(source, output, beam, batch, threads), threads)
                speeds.setdefault((system, column), []).append((len(LINES) - 1) / max(seconds - started, 1e-3))
                peaks[system, column] = max(megabytes, peaks.get((system, column), 0))
                if batch > 1 and (system, beam) not in quality:
                    quality[system, beam] = bleu(output)
                    lengths[system, beam] = len(output.read_text("utf8").split())
                print(f"{name} {system} threads {threads} beam {beam} batch {batch}: "
                      f"{speeds[system, column][-1]:.1f} sentences/s, {megabytes:.0f} MB", file=sys.stderr, flush=True)
    title = [f"{threads} thread{'s' * (threads > 1)}, {'beam 5' if beam == 5 else 'greedy'}, batch {batch}"
             for threads, beam, batch in columns]
    print(f"| {name} | " + " | ".join(title) + " | peak MB | BLEU beam 5 / greedy | words |")
    print("| --- |" + " --- |" * (len(title) + 3))
    for system in systems:
        cells = []
        for column in columns:
            median = statistics.median(speeds[system, column])
            base = speeds.get(("CTranslate2 fp32", column))
            cells.append(f"{median:.0f}" + (f" ({median / statistics.median(base):.2f}x)" if base else ""))
        peak = max(peaks[system, column] for column in columns)
        scores = " / ".join(f"{quality[system, beam]:.2f}" for beam in (5, 1) if (system, beam) in quality)
        words = " / ".join(f"{lengths[system, beam]:,}" for beam in (5, 1) if (system, beam) in lengths)
        print(f"| {system} | " + " | ".join(cells) + f" | {peak:.0f} | {scores} | {words} |")
    print()
P
