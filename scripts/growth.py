#!/usr/bin/env python3
"""How speed and memory of training grow: with the width of the model, the size of the batches, the
length of the sentences, the threads and the corpus, one at a time, beside the growth of the
arithmetic.

usage: scripts/growth.py [AXIS...] [--steps 20] [--max-pairs 10000000] [--output FOLDER] [--check]
AXIS is of d_model, batch_tokens, length, threads and pairs; all of them by default. The table goes
to standard output, as Markdown; the folder gets rows.jsonl, the figures of each row, and with
matplotlib growth.svg. A row that is in rows.jsonl already, of the same program, steps and
processor, is not measured again: a command that was stopped goes on where it was. With --check the
exit code is 1 if a cost grows faster than its arithmetic. WAVEMT_PROGRAM names the program
(build/release/wavemt). Needs an idle machine, and 5 GB of disk for the largest corpus.
"""
import argparse
import dataclasses
import hashlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine

PROGRAM = Path(os.environ.get("WAVEMT_PROGRAM") or machine.ROOT / "build/release/wavemt").resolve()
CORES = len(os.sched_getaffinity(0))
LAYERS, VOCABULARY, BATCH_TOKENS = 4, 8000, 4096
MARGIN = 0.25  # A cost may grow by so much more than its arithmetic from one row to the next.
AXES = {
    "d_model": [128, 256, 512, 1024],
    "batch_tokens": [1024, 2048, 4096, 8192, 16384, 32768],
    "length": [32, 64, 128, 256, 512, 1024, 2048, 4096],
    "threads": [2**i for i in range(CORES.bit_length())],
    "pairs": [10**4, 10**5, 10**6, 10**7],
}
# A corpus is read in three ways, each with rows of its own.
CORPUS_AXES = ("pairs, in memory", "pairs, cache made", "pairs, cache found")


class Failure(Exception):
    """What kept a row from being measured, as a sentence."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a row is measured with. Lengths are in tokens, the end of the sentence included."""
    d_model: int = 128
    batch_tokens: int = BATCH_TOKENS
    shortest: int = 8
    longest: int = 24
    threads: int = CORES
    pairs: int = 10**4

    def operations(self):
        """Floating-point operations for a target token in a step, of the matrix products alone.
        The backward pass takes twice those of the forward pass. In attention it takes five
        products for two, because the scores are computed once more."""
        lengths = range(self.shortest, self.longest + 1)
        seen = sum(length**2 for length in lengths) / sum(lengths)  # The length a token meets.
        # Four projections in each attention, and twice d_model inside the feed-forward layers.
        weights = (LAYERS * (8 + 12) * self.d_model + VOCABULARY) * self.d_model
        # Scores and sums: of the encoder, the decoder, which sees half on average, and across.
        attention = LAYERS * (2 + 1 + 2) * seen * self.d_model
        return 2 * (3 * weights + 3.5 * attention)


def setting_of(axis, value):
    if axis != "length":
        return Setting(**{axis: value})
    return Setting(shortest=value, longest=value, pairs=40 * BATCH_TOKENS // value)


def steps_of(setting, steps):
    """Small batches take more steps, since a few would be over too soon to be timed."""
    return steps * max(1, BATCH_TOKENS // setting.batch_tokens)


def say(text):
    print(text, file=sys.stderr, flush=True)


def words():
    """Each becomes one token, so that the length of a sentence is known."""
    syllables = [consonant + vowel for consonant in "bcdfghjklmnprstvwxyz" for vowel in "aeiou"]
    return random.Random(1).sample([a + b for a in syllables for b in syllables], VOCABULARY - 1000)


def write_text(path, setting):
    """Sentences of words drawn at random, of lengths that are the same for both sides."""
    draw_length, draw = random.Random(2), random.Random(path.name)
    vocabulary, lengths = words(), range(setting.shortest - 1, setting.longest)
    unfinished = path.with_name(path.name + ".unfinished")
    with open(unfinished, "w", encoding="utf8") as file:
        for first in range(0, setting.pairs, 10**4):
            chosen = draw_length.choices(lengths, k=min(10**4, setting.pairs - first))
            drawn = iter(draw.choices(vocabulary, k=sum(chosen)))
            file.writelines(" ".join(next(drawn) for _ in range(length)) + "\n"
                            for length in chosen)
    unfinished.rename(path)


def text_of(setting, folder):
    """The two files of a corpus, which are made if they are not there."""
    name = f"{setting.pairs}-{setting.shortest}-{setting.longest}"
    files = [folder / f"{name}.{side}" for side in ("source", "target")]
    for file in files:
        if not file.exists():
            write_text(file, setting)
    return files


def own_memory(process):
    """MB of its memory that is not a mapped file, at this moment."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text("utf8")
    except OSError:
        return 0
    return sum(int(line.split()[1]) / 1024 for line in status.splitlines()
               if line.startswith("RssAnon:"))


def wavemt(*arguments):
    """Runs it; its seconds and its peak memory in MB, with and without mapped files."""
    start, own = time.monotonic(), 0
    with tempfile.TemporaryFile("w+", encoding="utf8") as log:
        with subprocess.Popen([PROGRAM, *map(str, arguments)], stdout=log, stderr=log) as process:
            try:
                while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
                    own = max(own, own_memory(process))
                    time.sleep(0.02)
            except KeyboardInterrupt:
                process.kill()
                raise
            seconds = time.monotonic() - start
            process.returncode = os.waitstatus_to_exitcode(ended[1])
        log.seek(0)
        said = log.read().strip().split("\n")[-1]
    if process.returncode:
        raise Failure(f"wavemt {arguments[0]} left with {process.returncode}, and last it said: "
                      f"{said or 'nothing'}")
    return {"seconds": seconds, "peak_mb": ended[2].ru_maxrss / 1024, "own_mb": own}


def prepare(folder):
    """The vocabulary, and the config whose keys the rows override."""
    (folder / "text").mkdir(parents=True, exist_ok=True)
    text, model = folder / "text/vocabulary", folder / "tokenizer.model"
    if not model.exists():
        text.write_text("".join(f"{word}\n" for word in words() * 8), "utf8")
        wavemt("tokenizer", "train", "--type", "bpe", "--vocab-size", VOCABULARY, "--input", text,
               "--character-coverage", 1, "--byte-fallback", "false", "--output", model)
    config = {"tokenizer": {"model": str(model)},
              "model": {"num_encoder_layers": LAYERS, "num_decoder_layers": LAYERS},
              "training": {"validate_every": 0, "save_every": 10**6}}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf8")


def options_of(setting, steps, folder):
    source, target = text_of(setting, folder / "text")
    keys = {"data.train.source": source, "data.train.target": target,
            "data.max_length": setting.longest - 1, "data.cache_dir": folder / "cache",
            "model.d_model": setting.d_model, "model.num_heads": setting.d_model // 32,
            "model.ffn_dim": 2 * setting.d_model,
            "model.position_encoding.max_length": setting.longest,
            "training.batch_tokens": setting.batch_tokens, "training.max_steps": steps,
            "training.log_every": max(1, steps // 10)}
    return ["--run-dir", folder / "run", "--overwrite", "--device", "cpu",
            "--threads", setting.threads,
            *(word for key, value in keys.items() for word in ("--set", f"{key}={value}"))]


def train(setting, steps, folder):
    """Speed and memory of a training. Its start, which reads the corpus, is what the clock shows
    beyond the steps."""
    steps = steps_of(setting, steps)
    result = wavemt("train", folder / "config.json", *options_of(setting, steps, folder))
    text = (folder / "run/metrics.jsonl").read_text("utf8")
    shutil.rmtree(folder / "run")
    lines = [line for line in map(json.loads, text.splitlines()) if "seconds_per_step" in line]
    lines = lines[max(1, len(lines) // 5):]  # Without those to warm up.
    seconds = statistics.median(line["seconds_per_step"] for line in lines)
    speed = statistics.median(line["tokens_per_second"] for line in lines)
    return {**result, "tokens_per_second": speed, "ms_per_step": 1e3 * seconds,
            "preparation": result["seconds"] - steps * seconds}


def train_alone(setting, steps, folder):
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return train(setting, steps, folder)


def read_in_memory(setting, steps, folder):
    """Where there is no cache, --dry-run keeps all ids in memory."""
    shutil.rmtree(folder / "cache", ignore_errors=True)
    result = wavemt("train", folder / "config.json", "--dry-run",
                    *options_of(setting, steps, folder))
    return {**result, "preparation": result["seconds"]}


def measure(axis, value, steps, folder):
    """The figures of a value of an axis: a result, or for a corpus one of each way to read it."""
    setting = setting_of(axis, value)
    ways = ([(axis, train_alone)] if axis != "pairs" else
            zip(CORPUS_AXES, (read_in_memory, train_alone, train)))
    results = [{"axis": name, "value": value, **dataclasses.asdict(setting),
                "operations": setting.operations(), **way(setting, steps, folder)}
               for name, way in ways]
    if axis == "pairs":  # The next ones are ten times as large.
        shutil.rmtree(folder / "cache")
        for file in text_of(setting, folder / "text"):
            file.unlink()
    return results


def origin(steps):
    """What must be the same for figures to stand in one table."""
    checksum = hashlib.sha256(PROGRAM.read_bytes()).hexdigest()[:12]
    return {"steps": steps, "program": checksum, "processor": machine.processor(),
            "instructions": machine.instructions(), "cores": CORES}


def measured(file, of):
    """The results of this origin. The last line may have been cut when the script was stopped."""
    results = []
    for line in file.read_text("utf8").splitlines() if file.exists() else []:
        try:
            result = json.loads(line)
        except ValueError:
            continue
        if of.items() <= result.items():
            results.append(result)
    return results


def measure_missing(options, of, file):
    """Measures what the file lacks; what could not be measured, as sentences."""
    failures = []
    for axis in options.axes:
        for value in AXES[axis]:
            if axis == "pairs" and value > options.max_pairs:
                continue
            names = CORPUS_AXES if axis == "pairs" else (axis,)
            done = [r["axis"] for r in measured(file, of) if r["value"] == value]
            if set(names) <= set(done):
                continue
            say(f"{time.strftime('%H:%M:%S')} {axis} {value:,}")
            try:
                results = measure(axis, value, options.steps, options.output)
            except Failure as error:  # The other rows are still worth their time.
                failures.append(f"{axis} {value:,}: {error}")
                say(f"error: {failures[-1]}")
                continue
            facts = {**of, "date": time.strftime("%Y-%m-%d"), "commit": machine.commit()}
            with open(file, "a", encoding="utf8") as lines:
                lines.write("".join(f"\n{json.dumps({**result, **facts})}" for result in results))
    return failures


def costs(result):
    """Time for a unit of arithmetic: for an operation of a step, on one thread, and in a corpus for
    a pair that is read."""
    found = {}
    if "tokens_per_second" in result:
        found["step"] = result["threads"] / result["tokens_per_second"] / result["operations"]
    if result["axis"] in CORPUS_AXES:
        found["preparation"] = result["preparation"] / result["pairs"]
    return found


def rows_of(results, options):
    """The results of each axis that was asked for, in order, each with what its costs are beside
    those of the row before."""
    names = [name for axis in options.axes
             for name in (CORPUS_AXES if axis == "pairs" else (axis,))]
    rows = {}
    for name in names:
        chosen = {r["value"]: r for r in results if r["axis"] == name
                  and (name not in CORPUS_AXES or r["value"] <= options.max_pairs)}
        rows[name] = [chosen[value] for value in sorted(chosen)]
        for before, row in zip(rows[name], rows[name][1:]):
            old = costs(before)
            # What is left of a program's time without its steps can be less than the noise.
            row["growth"] = {kind: cost / old[kind] for kind, cost in costs(row).items()
                             if old[kind] > 0}
    return {name: found for name, found in rows.items() if found}


def is_faster(growth):
    """Whether a cost grows faster than its arithmetic."""
    return growth > 1 + MARGIN


def cells_of(row):
    def growth(kind):
        if kind not in row.get("growth", {}):
            return ""
        text = f"{row['growth'][kind]:.2f}x"
        return f"**{text}**" if is_faster(row["growth"][kind]) else text
    step = ["", "", ""]
    if "tokens_per_second" in row:
        speed = row["operations"] * row["tokens_per_second"]
        step = [f"{row['tokens_per_second']:,.0f}", f"{row['ms_per_step']:,.1f}",
                f"{1e-9 * speed:,.1f}"]
    read = f"{row['preparation']:,.1f} s" if row["axis"] in CORPUS_AXES else ""
    return [row["axis"], f"{row['value']:,}", *step, growth("step"), f"{row['peak_mb']:,.0f} MB",
            f"{row['own_mb']:,.0f} MB", read, growth("preparation")]


def table(rows, of):
    heads = ("axis", "value", "target tokens/s", "ms a step", "GFLOP/s",
             "time per operation and thread, of the row before", "peak memory",
             "without mapped files", "reading the corpus", "a pair, of the row before")
    last = list(rows.values())[-1][-1]
    lines = [f"{of['processor']}, {of['instructions']}, cores: {CORES}; {last['date']}, "
             f"{last['commit']}; {of['steps']} steps; {LAYERS}+{LAYERS} layers, and where a row "
             f"says nothing else d_model {Setting.d_model}, batches of {BATCH_TOKENS:,} target "
             f"tokens, sentences of {Setting.shortest} to {Setting.longest} tokens, a thread for "
             f"each core, {Setting.pairs:,} pairs. **Bold**: the cost grows faster than its "
             f"arithmetic, by more than {MARGIN:.0%}.",
             "", "| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    lines += ["| " + " | ".join(cells_of(row)) + " |" for found in rows.values() for row in found]
    return "\n".join(lines)


def time_and_unit(row):
    """The seconds that a panel shows, and the arithmetic that they should grow with."""
    if row["axis"] in CORPUS_AXES:
        return row["preparation"], row["pairs"]
    tokens = row["tokens_per_second"] * row["ms_per_step"] / 1e3
    return row["ms_per_step"] / 1e3, row["operations"] * tokens / row["threads"]


def plot(rows, file):
    """A panel for each axis: seconds above, memory below."""
    from matplotlib import pyplot, ticker  # Only here, because the rest does without it.
    panels = {}
    for name, found in rows.items():
        panels.setdefault(name.partition(",")[0], {})[name] = found
    figure, axes = pyplot.subplots(2, len(panels), figsize=(3.2 * len(panels), 6), squeeze=False)
    for (title, lines), (above, below) in zip(panels.items(), axes.T):
        for name, found in lines.items():
            values = [row["value"] for row in found]
            times, units = zip(*map(time_and_unit, found))
            line, = above.plot(values, times, "o-", label=name.partition(", ")[2] or "measured")
            best = min(seconds / unit for seconds, unit in zip(times, units))
            above.plot(values, [best * unit for unit in units], "--", color=line.get_color())
            below.plot(values, [row["peak_mb"] for row in found], "o-", color=line.get_color())
        above.plot([], [], "--", color="gray", label="arithmetic, at the best row's speed")
        above.set(title=title, ylabel="reading, s" if title == "pairs" else "a step, s")
        below.set(xlabel=title, ylabel="peak memory, MB")
        for panel in (above, below):
            low, high = panel.dataLim.intervaly
            panel.set(xscale="log", yscale="log", ylim=(low / 2, high * 2))
            panel.set_xticks(values, [f"{value:,}" for value in values], rotation=60)
            panel.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            panel.yaxis.set_major_formatter("{x:g}")
            panel.minorticks_off()
            panel.grid(alpha=0.3)
        above.legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(file)


def draw(rows, file):
    try:
        plot(rows, file)
    except ImportError:
        say(f"for the plot, install matplotlib: {sys.executable} -m pip install matplotlib; the "
            "same command then draws it without measuring again")
    else:
        say(f"the plot is {file}")


def an_axis(text):
    if text not in AXES:
        raise argparse.ArgumentTypeError(f"there is no axis {text!r}; there are {', '.join(AXES)}")
    return text


def at_least_two(text):
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 2")
    return int(text)


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("axes", nargs="*", type=an_axis, metavar="AXIS",
                        help=f"of {', '.join(AXES)}; all by default")
    parser.add_argument("--steps", type=at_least_two, default=20,
                        help=f"steps of a row; below {BATCH_TOKENS:,} tokens a batch, as many "
                        "times more as the batch is smaller (default %(default)s)")
    parser.add_argument("--max-pairs", type=int, default=max(AXES["pairs"]),
                        help="leave larger corpora out (default %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("runs/growth"),
                        help="folder of the figures and the plot (default %(default)s)")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a cost grows faster "
                        f"than its arithmetic by more than {MARGIN:.0%}% from one row to the next")
    options = parser.parse_args()
    options.axes = options.axes or list(AXES)
    options.output = options.output.resolve()
    if not os.access(PROGRAM, os.X_OK):
        sys.exit(f"growth.py: {PROGRAM} is missing; run scripts/setup.sh and scripts/build.sh")
    signal.signal(signal.SIGTERM, interrupt)
    try:
        prepare(options.output)
        of, file = origin(options.steps), options.output / "rows.jsonl"
        failures = measure_missing(options, of, file)
    except KeyboardInterrupt:
        sys.exit("growth.py: stopped; the same command goes on")
    except Failure as error:
        sys.exit(f"growth.py: {error}")
    rows = rows_of(measured(file, of), options)
    if not rows:
        sys.exit("growth.py: no row was measured")
    print(table(rows, of))
    draw(rows, options.output / "growth.svg")
    if failures:
        sys.exit("growth.py: not measured: " + "; ".join(failures))
    growths = [growth for found in rows.values() for row in found
               for growth in row.get("growth", {}).values()]
    if options.check and any(map(is_faster, growths)):
        sys.exit("growth.py: a cost grows faster than its arithmetic: see what is bold")


if __name__ == "__main__":
    main()
