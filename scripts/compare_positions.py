#!/usr/bin/env python3
"""Compares position encodings: trains the same small model with each of them on short sentences,
and scores its translations of a test set by the length of the sentences, some of them longer than
any that training saw.

usage: scripts/compare_positions.py CORPUS [--encodings sinusoidal,rotary,...] [--hours 3] ...
CORPUS is a folder with train.en, train.de, test_2016_flickr.en and test_2016_flickr.de, plain or
.gz, such as data/multi30k. The work folder keeps each training: the same command goes on where it
was stopped. The table is written to standard output and to WORK/positions.md, a page with plots to
WORK/positions.html. --help lists the options.
"""
import argparse
import contextlib
import gzip
import hashlib
import json
import math
import os
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRAIN, TEST = ("train.en", "train.de"), ("test_2016_flickr.en", "test_2016_flickr.de")
VOCABULARY, WIDTH, LONGEST = 10000, 128, 20  # LONGEST: tokens a side in training.
BUCKETS = {"1–10": (0, 10), "11–15": (11, 15), "16–20": (16, 20), "21–25": (21, 25),
           "26+": (26, math.inf)}
GROUPS = {"all": (0, math.inf), "within, 1–20": (0, LONGEST),
          "beyond, 21+": (LONGEST + 1, math.inf), **BUCKETS}

# Of each encoding: its label, its settings in model.position_encoding, and its look: an index into
# MARKERS and the colours of STYLE, and whether it is a variant, which is drawn dashed and hollow.
ENCODINGS = {
    "sinusoidal": ("sinusoidal", {"type": "sinusoidal"}, 0, False),
    "sinusoidal_shift": ("sinusoidal + random_shift", {"type": "sinusoidal", "random_shift": 100},
                         0, True),
    "learned": ("learned", {"type": "learned"}, 1, False),
    "article": ("article", {"type": "article"}, 2, False),
    "article_fixed": ("article_fixed", {"type": "article_fixed"}, 2, True),
    "rotary": ("rotary", {"type": "rotary"}, 3, False),
    "alibi": ("alibi", {"type": "alibi"}, 4, False),
    "alibi_trained": ("alibi, trained slopes", {"type": "alibi", "alibi_slopes": "trained"},
                      4, True),
    "relative": ("relative", {"type": "relative"}, 5, False),
    "t5": ("t5", {"type": "t5"}, 6, False),
    "none": ("none", {"type": "none"}, 7, False),
}
MARKERS = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M-4-4h8v8h-8z", "M0-5L5 4H-5z",
           "M0-5.5L5.5 0 0 5.5-5.5 0z", "M0 5L5-4H-5z", "M-5-4L5 4V-4L-5 4z", "M-4-5H4L-4 5H4z",
           "M-1.5-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z"]
STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1d2125; --faint: #d5d9de; --seen: #eef3f8;
  --c0: #0072b2; --c1: #d55e00; --c2: #00845f; --c3: #b8478a; --c4: #9a6f00; --c5: #5a43b5;
  --c6: #7a4318; --c7: #5c6166 }
@media (prefers-color-scheme: dark) { :root { --page: #15181b; --text: #e4e7ea; --faint: #3a4046;
  --seen: #1e252d; --c0: #56b4e9; --c1: #ff8a45; --c2: #2fd0a0; --c3: #ec9ccb; --c4: #eac54a;
  --c5: #b3a0f7; --c6: #c99a70; --c7: #b4b9be } }
body { background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
  max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { line-height: 1.2 } figure { margin: 2.5rem 0 } figcaption { margin-bottom: .5rem }
.wide { overflow-x: auto } svg { display: block; width: 100%; min-width: 44rem;
  max-width: 62rem }
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums }
td, th { border-bottom: 1px solid var(--faint); padding: .3rem .45rem; text-align: right }
td { white-space: nowrap } th { vertical-align: bottom } td:first-child { position: sticky; left: 0;
  background: var(--page) } td:first-child, th:first-child { text-align: left }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; font-size: .9rem }
dd { margin: 0; overflow-wrap: anywhere } svg text { font-size: 13px; fill: var(--text) }
.grid { stroke: var(--faint) } .seen { fill: var(--seen) } svg text.name { fill: var(--c) }
.line { fill: none; stroke: var(--c); stroke-width: 2 } .variant .line { stroke-dasharray: 6 4 }
.interval { stroke: var(--c); stroke-width: 1.2; opacity: .65 } .lead { stroke: var(--c);
  opacity: .5 } .mark { fill: var(--c); stroke: var(--c); stroke-width: 1.5 }
.variant .mark { fill: var(--page) }
""" + "\n".join(f".look{i} {{ --c: var(--c{i}) }}" for i in range(8)) + "\n"


class WrongUse(Exception):
    """What the person who typed the command can mend."""


class Failure(Exception):
    """The work itself failed."""


class OutOfTime(Exception):
    """The budget is used up."""


class Program:
    """wavemt, and the moment at which its calls must be over."""

    def __init__(self, path, hours):
        self.path, self.end = path, time.monotonic() + 3600 * hours

    def left(self):
        return self.end - time.monotonic()

    def call(self, *words, shown=False):
        """Its standard output. Messages are kept for an error unless they are to be shown."""
        if self.left() <= 0:
            raise OutOfTime
        try:  # It has a session of its own, so that a Ctrl-C reaches it once and through stop().
            process = subprocess.Popen(
                [self.path, *map(str, words)], encoding="utf8", stdout=subprocess.PIPE,
                stderr=None if shown else subprocess.PIPE, start_new_session=True)
        except OSError as error:
            raise WrongUse(f"{self.path}: cannot be started ({error.strerror}); scripts/build.sh "
                           "builds it, --program names another") from None
        try:
            output, messages = process.communicate(timeout=max(1, self.left()))
        except subprocess.TimeoutExpired:
            stop(process)
            raise OutOfTime from None
        except KeyboardInterrupt:
            stop(process)
            raise
        if process.returncode:
            reason = (messages or "its message is above").strip().split("error: ")[-1]
            raise (WrongUse if process.returncode == 2 else Failure)(
                f"wavemt {words[0]} left with exit code {process.returncode}: {reason}")
        return output


def stop(process):
    """A training that is asked to stop saves a checkpoint; a second Ctrl-C does not wait for it."""
    process.terminate()
    try:
        process.communicate()
    except KeyboardInterrupt:
        process.kill()
        process.communicate()
        raise


def write(path, text):
    """A reader finds the whole file or none."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, "utf8")
    unfinished.rename(path)


def lines_of(path):
    """Only a line feed ends a line, as in wavemt."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf8", newline="\n") as file:
            return file.read().removesuffix("\n").split("\n")
    except (OSError, EOFError, UnicodeError, zlib.error) as error:
        raise WrongUse(f"{path}: cannot be read: {error}") from None


def find_corpus(folder):
    files = {}
    for name in TRAIN + TEST:
        found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
        if not found:
            raise WrongUse(f"{folder / name}: neither this file nor {name}.gz is there; "
                           "scripts/download_corpus.py multi30k fetches a corpus")
        files[name] = found[0].resolve()
    return files


def checksum(content):
    return hashlib.sha256(content).hexdigest()


class Comparison:
    """The trainings that a command asks for: what they share, and the results there are."""

    def __init__(self, options):
        self.options, self.start = options, time.monotonic()
        self.program = Program(options.program, options.hours)
        self.corpus = find_corpus(options.corpus)
        version = self.program.call("--version").strip()
        self.work = options.work.resolve()
        for folder in ("runs", "results"):
            (self.work / folder).mkdir(parents=True, exist_ok=True)
        sums = {name: checksum(path.read_bytes()) for name, path in self.corpus.items()}
        self.tokenizer = self.train_tokenizer(sums)
        self.shared = {
            "corpus": sums, "tokenizer": checksum(self.tokenizer.read_bytes()), "program": version,
            "threads": options.threads, "device": options.device, "groups": list(GROUPS),
            "decoding": {"beam_size": 5, "split_sentences": "never"}}
        encoded = self.program.call("tokenizer", "encode", "--ids", "--model", self.tokenizer,
                                    "--input", self.corpus[TEST[0]])
        self.lengths = [len(line.split()) for line in encoded.removesuffix("\n").split("\n")]
        self.counts = {group: sum(low <= length <= high for length in self.lengths)
                       for group, (low, high) in GROUPS.items()}
        self.references = lines_of(self.corpus[TEST[1]])
        if len(self.lengths) != len(self.references):
            raise WrongUse(f"{self.corpus[TEST[1]]}: has {len(self.references):,} lines, "
                           f"{self.corpus[TEST[0]]} has {len(self.lengths):,}")
        self.first = [self.training(name, WIDTH, options.steps) for name in options.encodings]
        self.second = [self.training(name, width, options.width_steps)
                       for width in options.widths for name in options.width_encodings]
        # A training of the same length may belong to both parts.
        self.trainings = list({t["name"]: t for t in self.first + self.second}.values())
        self.results, self.failures = {}, {}
        for training in self.trainings:
            with contextlib.suppress(OSError, ValueError, KeyError):
                result = json.loads(self.result_path(training).read_text("utf8"))
                if result["settings"] == training["settings"]:
                    self.results[training["name"]] = result

    def result_path(self, training):
        return self.work / "results" / f"{training['name']}.json"

    def train_tokenizer(self, sums):
        """Once for a training text; all trainings on it share it."""
        name = checksum((sums[TRAIN[0]] + sums[TRAIN[1]]).encode())[:8]
        path = self.work / f"tokenizer-{name}.model"
        if not path.exists():
            unfinished = path.with_suffix(".unfinished")
            self.program.call("tokenizer", "train", "--vocab-size", VOCABULARY, "--output",
                              unfinished, "--input", *(self.corpus[side] for side in TRAIN))
            unfinished.rename(path)
        return path

    def training(self, encoding, width, steps):
        """Its name has a checksum of all settings, so that no other settings meet its files."""
        config = {
            "seed": 1, "data": {"max_length": LONGEST},
            "model": {"d_model": width, "num_heads": width // 32, "ffn_dim": 2 * width,
                      "num_encoder_layers": 4, "num_decoder_layers": 4, "dropout": 0.3,
                      "position_encoding": {"max_length": 512, **ENCODINGS[encoding][1]}},
            # A short training warms up for a third of its steps: the rate needs time to fall again.
            "training": {"max_steps": steps, "batch_tokens": 4096, "schedule": "linear",
                         "learning_rate": 0.004 * (WIDTH / width) ** 0.5,
                         "warmup_steps": max(1, min(500, steps // 3)), "validate_every": 0,
                         "save_every": steps, "log_every": min(50, steps), "keep_last": 1}}
        settings = {"config": config, **self.shared}
        short = checksum(json.dumps(settings, sort_keys=True).encode())[:8]
        return {"name": f"{encoding}-{width}-{steps}-{short}", "encoding": encoding,
                "width": width, "steps": steps, "settings": settings}

    def missing(self):
        return [training for training in self.trainings
                if training["name"] not in self.results | self.failures]

    def check(self):
        """What the program cannot train is said before hours are spent on the rest."""
        for training in self.missing():
            config = json.loads(json.dumps(training["settings"]["config"]))
            config["data"]["train"] = {"source": str(self.corpus[TRAIN[0]]),
                                       "target": str(self.corpus[TRAIN[1]])}
            config["tokenizer"] = {"model": str(self.tokenizer)}
            path = self.work / "runs" / f"{training['name']}.json"
            write(path, json.dumps(config, indent=2) + "\n")
            try:
                self.program.call("config", "check", path)
            except WrongUse as error:
                raise WrongUse(f"{describe(training)}: {error}") from None

    def expected(self, training):
        """Seconds, from results of the same width where there are any, else from all: in proportion
        to the products of a token with the weights of 4+4 layers and the output projection."""
        def cost(width):
            return 80 * width**2 + VOCABULARY * width
        results = list(self.results.values())
        results = [r for r in results if r["width"] == training["width"]] or results
        if not results:
            return 0
        step = statistics.mean(r["seconds"] / r["steps"] / cost(r["width"]) for r in results)
        rest = statistics.mean(r["scoring_seconds"] / cost(r["width"]) for r in results)
        return cost(training["width"]) * (training["steps"] * step + rest)

    def run(self):
        """Trains what is missing, as far as the time allows."""
        while missing := self.missing():
            training = missing[0]
            rest = sum(map(self.expected, missing))
            if self.expected(training) > self.program.left():
                break
            say(f"training {len(self.trainings) - len(missing) + 1} of {len(self.trainings)}: "
                f"{describe(training)}; {duration(time.monotonic() - self.start)} so far, "
                + (f"about {duration(rest)} to go" if rest else "the rest is not yet known"))
            try:
                result = self.train(training)
            except OutOfTime:
                break
            except Failure as error:  # The other encodings are still worth their time.
                where = self.work / "runs" / training["name"]
                self.failures[training["name"]] = f"{describe(training)}: {error} ({where})"
                say(f"error: {self.failures[training['name']]}")
                continue
            self.results[training["name"]] = result
            write(self.result_path(training), json.dumps(result, indent=2, ensure_ascii=False))
            write_pages(self)

    def train(self, training):
        """Trains from where it was stopped, translates and scores: all that is known of it."""
        run = self.work / "runs" / training["name"]
        where = ["--threads", self.options.threads, "--device", self.options.device]
        limits = [*where, "--max-minutes", min(525600, max(0.001, self.program.left() / 60))]
        if (run / "checkpoints" / "latest").exists():
            self.program.call("resume", run, *limits, shown=True)
        else:
            self.program.call("train", run.with_suffix(".json"), "--run-dir", run, "--overwrite",
                              *limits, shown=True)
        state = json.loads(self.program.call("inspect", run, "--json"))
        if state["step"] < training["steps"]:
            raise OutOfTime
        start, translations = time.monotonic(), run.with_suffix(".translations")
        settings = [word for key, value in training["settings"]["decoding"].items()
                    for word in ("--set", f"decoding.{key}={value}")]
        self.program.call("translate", run, "--input", self.corpus[TEST[0]], "--output",
                          translations, *where, *settings)
        scores = self.scores(lines_of(translations))
        metrics = (run / "metrics.jsonl").read_text("utf8").splitlines()
        return {**training, "weights": state["weights"], "seconds": state["seconds"],
                "tokens_per_second": state["target_tokens"] / state["seconds"],
                "loss": json.loads(metrics[-1])["loss"], "scores": scores,
                "scoring_seconds": time.monotonic() - start, "machine": machine(),
                "program": self.shared["program"] + commit(),
                "date": time.strftime("%Y-%m-%d %H:%M:%S"), "command": shlex.join(sys.argv)}

    def scores(self, translations):
        """BLEU and sacreBLEU's bootstrap interval of each group that has sentences."""
        if len(translations) != len(self.references):
            raise Failure(f"wavemt translate wrote {len(translations):,} lines instead of "
                          f"{len(self.references):,}")
        result = {}
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / name for name in ("translations", "references")]
            for group, (low, high) in GROUPS.items():
                chosen = [i for i, length in enumerate(self.lengths) if low <= length <= high]
                if not chosen:
                    continue
                for file, lines in zip(files, (translations, self.references)):
                    file.write_text("".join(lines[i] + "\n" for i in chosen), "utf8")
                bleu, = json.loads(self.program.call("metrics", *files, "--confidence", "--json"))
                result[group] = {"sentences": len(chosen), "bleu": bleu["score"],
                                 "mean": bleu["confidence_mean"],
                                 "interval": bleu["confidence_var"],
                                 "signature": bleu["signature"]}
        return result


def say(text):
    print(text, file=sys.stderr, flush=True)


def describe(training):
    return (f"{ENCODINGS[training['encoding']][0]}, d_model {training['width']}, "
            f"{training['steps']:,} steps")


def duration(seconds):
    minutes = round(seconds / 60)
    return (f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else
            f"{minutes} min" if minutes else f"{seconds:.0f} s")


def machine():
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, {len(names) or os.cpu_count()} cores"


def commit():
    """Of the checkout that this script is in; "-dirty" tells of changes that are not committed."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return ", checkout " + subprocess.check_output(
            ["git", "-C", ROOT, "describe", "--always", "--dirty"], text=True,
            stderr=subprocess.DEVNULL).strip()
    return ""


def facts(comparison):
    """What a reader needs to know of the figures: names and sentences."""
    options = comparison.options
    result = {
        "Date": time.strftime("%Y-%m-%d %H:%M"),
        "Machine": f"{machine()}; --device {options.device} --threads {options.threads}",
        "Program": comparison.shared["program"] + commit(),
        "Command": shlex.join(sys.argv),
        "Training": f"{options.corpus}, pairs of up to {LONGEST} tokens a side; 4+4 layers; one "
                    "vocabulary, order of data and seed for all, a single training each: the "
                    "differences between seeds are not in the intervals",
        "Scores": f"BLEU on {TEST[0].removesuffix('.en')}, {len(comparison.lengths):,} sentences, "
                  "each translated whole with beam 5, by the length of the source in tokens; ± is "
                  "half of the 95% interval of a bootstrap over sentences",
        "Loss": f"of training, mean of the last {min(50, options.steps)} steps or fewer",
        "Missing": "; ".join(map(describe, comparison.missing())),
        "Failed": "; ".join(comparison.failures.values())}
    return {name: text for name, text in result.items() if text}


def table(comparison):
    """The rows of the table, the heading first."""
    heading = ["encoding", "d_model", "steps", "weights added", "training, seconds",
               "target tokens/s", "loss"]
    rows = [heading + [f"BLEU {group} ({comparison.counts[group]:,})" for group in GROUPS]]
    # What has no weights of its own tells how many an encoding adds.
    plain = {r["width"]: r["weights"] for r in comparison.results.values()
             if r["encoding"] in ("sinusoidal", "sinusoidal_shift", "none")}
    for training in comparison.trainings:
        r = comparison.results.get(training["name"])
        if r is None:
            continue
        added = f"{r['weights'] - plain[r['width']]:,}" if r["width"] in plain else "–"
        rows.append([ENCODINGS[r["encoding"]][0], f"{r['width']}", f"{r['steps']:,}", added,
                     f"{r['seconds']:,.0f}", f"{r['tokens_per_second']:,.0f}", f"{r['loss']:.3f}",
                     *(figure(r["scores"].get(group)) for group in GROUPS)])
    return rows


def interval(score):
    """Its ends, which a bootstrap's normal approximation may put below 0."""
    return max(0, score["mean"] - score["interval"]), score["mean"] + score["interval"]


def figure(score):
    return f"{score['bleu']:.1f} ± {score['interval']:.1f}" if score else "–"


def scale(scores, start, end):
    """A function from BLEU to pixels, and the round numbers for the axis."""
    low, high = min(interval(s)[0] for s in scores), max(interval(s)[1] for s in scores)
    steps = [digit * 10.0**power for power in range(-1, 3) for digit in (1, 2, 5)]
    step = next(step for step in steps if step >= (high - low) / 7)
    first, last = math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 1)
    ticks = [i * step for i in range(first, last + 1)]
    return lambda x: start + (x - ticks[0]) / (ticks[-1] - ticks[0]) * (end - start), ticks


def spread(wanted, gap, bottom):
    """Heights near the wanted ones that leave each label a line of its own."""
    order, result, last = sorted(range(len(wanted)), key=wanted.__getitem__), list(wanted), -gap
    for rank, i in enumerate(order, 1):
        last = min(max(wanted[i], last + gap), bottom - (len(order) - rank) * gap)
        result[i] = last
    return result


def text_at(x, y, text, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(text)}</text>'


def look(encoding):
    return f'class="look{ENCODINGS[encoding][2]}{" variant" if ENCODINGS[encoding][3] else ""}"'


def mark(encoding, score, place, where):
    """A point with its interval; place gives the pixels of a BLEU."""
    (x, y), (x1, y1), (x2, y2) = map(place, (score["bleu"], *interval(score)))
    return (f"<g><title>{ENCODINGS[encoding][0]}, {where}: {figure(score)} BLEU</title>"
            f'<line class="interval" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
            f'<path class="mark" transform="translate({x:.1f} {y:.1f})" '
            f'd="{MARKERS[ENCODINGS[encoding][2]]}"/></g>')


def line_plot(columns, lines, title, seen=0):
    """BLEU over columns, a line for each encoding; the first columns are shaded as seen."""
    left, right, top, bottom = 60, 700, 30, 400
    y_of, ticks = scale([s for _, scores in lines for s in scores if s], bottom, top)
    width = (right - left) / len(columns)
    parts = [f'<rect class="seen" x="{left}" y="{top}" width="{seen * width}" height="370"/>',
             text_at(left + 8, top + 18, "lengths that training saw", "start")] if seen else []
    for tick in ticks:
        parts += [f'<path class="grid" d="M{left} {y_of(tick):.1f}H{right}"/>',
                  text_at(left - 8, y_of(tick) + 4, f"{tick:g}", "end")]
    parts += [text_at(left + (i + .5) * width, bottom + 20 + 18 * j, words)
              for i, column in enumerate(columns) for j, words in enumerate(column)]
    height = bottom + 30 + 18 * len(columns[0])
    parts += [text_at((left + right) / 2, height, title), text_at(left - 8, 16, "BLEU", "end")]
    ends = []
    for number, (encoding, scores) in enumerate(lines):
        # Side by side within a column, the intervals stay apart.
        shift = (number - (len(lines) - 1) / 2) * min(10, .7 * width / len(lines))
        points = [(left + (i + .5) * width + shift, score, columns[i][0])
                  for i, score in enumerate(scores) if score]
        path = "L".join(f"{x:.1f} {y_of(score['bleu']):.1f}" for x, score, _ in points)
        parts += [f'<g {look(encoding)}><path class="line" d="M{path}"/>',
                  *(mark(encoding, score, lambda bleu, x=x: (x, y_of(bleu)), f"{column} {title}")
                    for x, score, column in points), "</g>"]
        ends.append((points[-1][0], y_of(points[-1][1]["bleu"])))
    for (encoding, _), (x, y), y2 in zip(lines, ends, spread([y for _, y in ends], 17, bottom)):
        parts += [f'<g {look(encoding)}><path class="lead" d="M{x + 7:.1f} {y:.1f}L710 {y2:.1f}"/>',
                  text_at(714, y2 + 4, ENCODINGS[encoding][0], "start", 'class="name"'), "</g>"]
    return svg(height + 10, title, parts)


def dot_plot(lines, title):
    """The best encoding first."""
    lines = sorted(lines, key=lambda line: -line[1]["bleu"])
    left, right, bottom = 200, 760, 20 + 30 * len(lines)
    x_of, ticks = scale([score for _, score in lines], left, right)
    parts = [text_at((left + right) / 2, bottom + 44, title)]
    for tick in ticks:
        parts += [f'<path class="grid" d="M{x_of(tick):.1f} 10V{bottom}"/>',
                  text_at(x_of(tick), bottom + 20, f"{tick:g}")]
    for y, (encoding, score) in zip(range(30, bottom, 30), lines):
        parts += [f"<g {look(encoding)}>",
                  text_at(left - 14, y + 4, ENCODINGS[encoding][0], "end", 'class="name"'),
                  mark(encoding, score, lambda bleu, y=y: (x_of(bleu), y), "all sentences"), "</g>",
                  text_at(right + 14, y + 4, figure(score), "start")]
    return svg(bottom + 50, title, parts)


def svg(height, title, parts):
    return (f'<div class="wide"><svg viewBox="0 0 890 {height}" role="img" '
            f'aria-label="BLEU: {title}">\n' + "\n".join(parts) + "\n</svg></div>")


def plots(comparison):
    """A heading, a sentence and a drawing for each part that has results."""
    options, results, result = comparison.options, comparison.results, []
    first = [(t["encoding"], results[t["name"]]["scores"]) for t in comparison.first
             if t["name"] in results]
    if first:
        about = f"d_model {WIDTH}, {options.steps:,} steps. Bars are 95% intervals."
        columns = [(group, f"{comparison.counts[group]:,} sentences") for group in BUCKETS]
        lines = [(encoding, list(map(scores.get, BUCKETS))) for encoding, scores in first]
        result = [("BLEU by the length of the source", about,
                   line_plot(columns, lines, "tokens in the source sentence", seen=3)),
                  ("BLEU of the whole test set", about, dot_plot(
                      [(encoding, scores["all"]) for encoding, scores in first], "BLEU"))]
    for group, name in [("all", "the whole test set"),
                        ("beyond, 21+", f"sentences of more than {LONGEST} tokens")]:
        lines = {}
        for t in comparison.second:  # By width, then by encoding.
            scores = results.get(t["name"], {}).get("scores", {})
            lines.setdefault(t["encoding"], []).append(scores.get(group))
        lines = [(encoding, scores) for encoding, scores in lines.items() if any(scores)]
        if lines:
            result.append((f"BLEU by d_model, {name}",
                           f"{options.width_steps:,} steps. Bars are 95% intervals.",
                           line_plot([(str(w),) for w in options.widths], lines, "d_model")))
    return result


def write_pages(comparison):
    """Both pages, of the results so far; returns the one in Markdown."""
    title, about, rows = "Position encodings compared", facts(comparison), table(comparison)
    about_lines = [f"- {name}: `{text}`" if name == "Command" else f"- {name}: {text}"
                   for name, text in about.items()]
    cells = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    markdown = "\n".join([f"# {title}", "", *about_lines, "",
                          *("| " + " | ".join(row) + " |" for row in cells)]) + "\n"
    write(comparison.work / "positions.md", markdown)
    def html_row(row, tag):
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"
    write(comparison.work / "positions.html", "\n".join([
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1><dl>",
        *(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in about.items()), "</dl>",
        *(f"<figure><figcaption><b>{heading}.</b> {words}</figcaption>{drawing}</figure>"
          for heading, words, drawing in plots(comparison)),
        '<h2>All figures</h2><div class="wide"><table><thead>', html_row(rows[0], "th"),
        "</thead><tbody>", *(html_row(row, "td") for row in rows[1:]),
        "</tbody></table></div></body></html>\n"]))
    return markdown


def names(text):
    chosen = text.split(",")
    for name in chosen:
        if name not in ENCODINGS:
            raise argparse.ArgumentTypeError(f"there is no encoding {name!r}; the encodings are "
                                             + ", ".join(ENCODINGS))
    return list(dict.fromkeys(chosen))


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def widths(text):
    chosen = sorted({positive(word) for word in text.split(",") if word})
    for width in chosen:
        if width % 32:
            raise argparse.ArgumentTypeError(f"{width} is no multiple of 32, the size of a head")
    return chosen


def interrupt(number, _):
    raise KeyboardInterrupt(number)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("corpus", type=Path, help="folder such as data/multi30k")
    parser.add_argument("--work", type=Path, default=Path("runs/compare-positions"))
    parser.add_argument("--encodings", type=names, default=list(ENCODINGS), metavar="NAME,...",
                        help="of " + ", ".join(ENCODINGS) + "; all by default")
    parser.add_argument("--steps", type=positive, default=1800)
    parser.add_argument("--widths", type=widths, default=[64, 128, 256, 512], metavar="N,...",
                        help='values of d_model for the second part; "" leaves it out')
    parser.add_argument("--width-steps", type=positive, default=500)
    parser.add_argument("--width-encodings", type=names, metavar="NAME,...",
                        default=["sinusoidal", "article_fixed", "none"])
    parser.add_argument("--threads", type=positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--hours", type=float, default=3, help="time that this call may take")
    parser.add_argument("--program", default=str(ROOT / "build/release/wavemt"))
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup keeps what it asked for.
            signal.signal(number, interrupt)
    try:
        comparison = Comparison(options)
        comparison.check()
        comparison.run()
        if comparison.results:
            print(write_pages(comparison), end="")
            say(f"the page with plots is {comparison.work / 'positions.html'}")
        if missing := comparison.missing():
            say(f"what is left of {options.hours:g} hours is too short for the next training; "
                f"missing: {'; '.join(map(describe, missing))}; the same command goes on")
        for text in comparison.failures.values():
            say(f"error: {text}")
        return 1 if comparison.failures else 0
    except OutOfTime:
        say(f"{options.hours:g} hours are used up before the first training")
        return 0
    except KeyboardInterrupt as error:
        say("stopped; the same command goes on")
        return 128 + error.args[0]
    except (WrongUse, Failure, OSError) as error:
        say(f"error: {error}")
        return 2 if isinstance(error, WrongUse) else 1


if __name__ == "__main__":
    sys.exit(main())
