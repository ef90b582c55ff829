#!/usr/bin/env python3
"""Compares position encodings: trains the same small model with each of them on short sentences,
and scores its translations of a test set by the length of the sentences, some of them longer than
any that training saw.

usage: scripts/compare_positions.py CORPUS [--encodings sinusoidal,rotary,...] [--hours 3] ...
CORPUS is a folder with train.en, train.de, test_2016_flickr.en and test_2016_flickr.de, plain or
.gz, such as data/multi30k. The work folder keeps each training: the same command goes on where it
was stopped, and several may work in the same folder at once, say with different --encodings. The
table is written to standard output and to WORK/positions.md, a page with plots to
WORK/positions.html; each command shows the results of its own options, and --no-training only shows
what there is. --help lists the options.
"""
import argparse
import contextlib
import fcntl
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
from collections import Counter
from pathlib import Path

import machine
from positions_page import Content, Look, html, markdown

ROOT = Path(__file__).resolve().parent.parent
TRAIN, TEST = ("train.en", "train.de"), ("test_2016_flickr.en", "test_2016_flickr.de")
VOCABULARY, WIDTH, LONGEST = 10000, 128, 20  # LONGEST: tokens a side in training.
BUCKETS = {"1–10": (0, 10), "11–15": (11, 15), "16–20": (16, 20), "21–25": (21, 25),
           "26+": (26, math.inf)}
GROUPS = {"all": (0, math.inf), "within, 1–20": (0, LONGEST),
          "beyond, 21+": (LONGEST + 1, math.inf), **BUCKETS}

# How each encoding appears on the page, and its settings in model.position_encoding.
ENCODINGS = {
    "sinusoidal": (Look("sinusoidal", 0), {"type": "sinusoidal"}),
    "sinusoidal_shift": (Look("sinusoidal + random_shift", 0, variant=True),
                         {"type": "sinusoidal", "random_shift": 100}),
    "learned": (Look("learned", 1), {"type": "learned"}),
    "article": (Look("article", 2), {"type": "article"}),
    "article_fixed": (Look("article_fixed", 2, variant=True), {"type": "article_fixed"}),
    "rotary": (Look("rotary", 3), {"type": "rotary"}),
    "alibi": (Look("alibi", 4), {"type": "alibi"}),
    "alibi_trained": (Look("alibi, trained slopes", 4, variant=True),
                      {"type": "alibi", "alibi_slopes": "trained"}),
    "relative": (Look("relative", 5), {"type": "relative"}),
    "t5": (Look("t5", 6), {"type": "t5"}),
    "none": (Look("none", 7), {"type": "none"}),
}


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
    """A reader finds the whole file or none, also while several processes write it."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    unfinished.write_text(text, "utf8")
    unfinished.rename(path)


@contextlib.contextmanager
def lock(path, wait):
    """Whether this process holds the lock, as it always does after waiting. The file stays: were it
    removed, two processes could each lock a file of that name."""
    with open(path, "a", encoding="utf8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


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
        version = self.program.call("--version").splitlines()[0]
        self.program_and_commit = version + checkout()
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
        self.elsewhere = set()  # The names of trainings that another process is at.
        for training in self.trainings:
            self.find_result(training)

    def result_path(self, training):
        return self.work / "results" / f"{training['name']}.json"

    def find_result(self, training):
        """Whether the work folder has one."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            result = json.loads(self.result_path(training).read_text("utf8"))
            if result["settings"] == training["settings"]:
                self.results[training["name"]] = result
        return training["name"] in self.results

    def train_tokenizer(self, sums):
        """Once for a training text; all trainings on it share it."""
        name = checksum((sums[TRAIN[0]] + sums[TRAIN[1]]).encode())[:8]
        path = self.work / f"tokenizer-{name}.model"
        if path.exists():
            return path
        with lock(path.with_suffix(".lock"), wait=True):
            if not path.exists():  # Another process may have made it meanwhile.
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
        while missing := [t for t in self.missing() if t["name"] not in self.elsewhere]:
            training = missing[0]
            if self.expected(training) > self.program.left():
                break
            runs = self.work / "runs"
            with lock(runs / f"{training['name']}.lock", wait=False) as alone:
                if not alone:
                    self.elsewhere.add(training["name"])
                    say(f"{describe(training)}: another process is training it")
                    continue
                if self.find_result(training):  # Another process has finished it meanwhile.
                    continue
                rest = sum(map(self.expected, missing))
                number = len(self.trainings) - len(missing) + 1
                say(f"training {number} of {len(self.trainings)}: {describe(training)}; "
                    f"{duration(time.monotonic() - self.start)} so far, "
                    + (f"about {duration(rest)} to go" if rest else "the rest is not yet known"))
                try:
                    result = self.train(training)
                except OutOfTime:
                    break
                except Failure as error:  # The other encodings are still worth their time.
                    self.failures[training["name"]] = (
                        f"{describe(training)}: {error} ({runs / training['name']})")
                    say(f"error: {self.failures[training['name']]}")
                    continue
                self.results[training["name"]] = result
                write(self.result_path(training), json.dumps(result, indent=2, ensure_ascii=False))
            self.write_pages()
        for training in self.missing():  # Other processes may have finished some of them.
            self.find_result(training)

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
                "scoring_seconds": time.monotonic() - start,
                "machine": f"{machine.processor()}, {machine.cores()} cores",
                "program": self.program_and_commit,
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

    def recorded(self, key, length=None):
        """What the results say of how they were made; several values with their shares."""
        values = Counter(str(result.get(key, ""))[:length] for result in self.results.values())
        texts = []
        for value, count in sorted(values.items(), key=lambda item: (not item[0], item[0])):
            share = f" ({count} of {len(self.results)} results)" if len(values) > 1 else ""
            texts.append((value or "not recorded") + share)
        return "; ".join(texts)

    def facts(self):
        """What a reader needs to know of the figures: names and sentences."""
        options = self.options
        result = {
            "Date": self.recorded("date", len("2026-01-01")),
            "Machine": f"{self.recorded('machine')}; --device {options.device} "
                       f"--threads {options.threads}",
            "Program": self.recorded("program"),
            "Command": shlex.join(sys.argv),
            "Training": f"{options.corpus}, pairs of up to {LONGEST} tokens a side; 4+4 layers; "
                        "one vocabulary, order of data and seed for all, a single training each: "
                        "the differences between seeds are not in the intervals",
            "Scores": f"BLEU on {TEST[0].removesuffix('.en')}, {len(self.lengths):,} sentences, "
                      "each translated whole with beam 5, by the length of the source in tokens; "
                      "± is half of the 95% interval of a bootstrap over sentences",
            "Loss": f"of training, mean of the last {min(50, options.steps)} steps or fewer",
            "Missing": "; ".join(map(describe, self.missing())),
            "Failed": "; ".join(self.failures.values())}
        return {name: text for name, text in result.items() if text}

    def write_pages(self):
        """Both pages, of the results so far; returns the one in Markdown."""
        content = Content(
            about=self.facts(), looks={name: look for name, (look, _) in ENCODINGS.items()},
            counts=self.counts, buckets=list(BUCKETS),
            seen=sum(high <= LONGEST for _, high in BUCKETS.values()),
            width_groups={"all": "the whole test set",
                          "beyond, 21+": f"sentences of more than {LONGEST} tokens"},
            trainings=self.trainings, first=self.first, second=self.second, results=self.results)
        write(self.work / "positions.md", markdown(content))
        write(self.work / "positions.html", html(content))
        return markdown(content)


def say(text):
    print(text, file=sys.stderr, flush=True)


def describe(training):
    return (f"{ENCODINGS[training['encoding']][0].label}, d_model {training['width']}, "
            f"{training['steps']:,} steps")


def duration(seconds):
    minutes = round(seconds / 60)
    return (f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else
            f"{minutes} min" if minutes else f"{seconds:.0f} s")


def checkout():
    """That this script is in, for a list of facts; nothing where git does not know it."""
    commit = machine.commit()
    return "" if commit == machine.UNKNOWN_COMMIT else f", checkout {commit}"


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
    parser.add_argument("corpus", type=Path,
                        help="folder with train.en, train.de, test_2016_flickr.en and "
                        "test_2016_flickr.de, plain or .gz; scripts/download_corpus.py multi30k "
                        "makes data/multi30k")
    parser.add_argument("--work", type=Path, default=Path("runs/compare-positions"),
                        help="where trainings and results are kept (default %(default)s)")
    parser.add_argument("--encodings", type=names, default=list(ENCODINGS), metavar="NAME,...",
                        help="of " + ", ".join(ENCODINGS) + "; all by default")
    parser.add_argument("--steps", type=positive, default=1200,
                        help="updates of each training in the first part (default %(default)s)")
    parser.add_argument("--widths", type=widths, default=[64, 128, 256, 512], metavar="N,...",
                        help='values of d_model for the second part; "" leaves it out')
    parser.add_argument("--width-steps", type=positive, default=300,
                        help="the same in the second part (default %(default)s)")
    parser.add_argument("--width-encodings", type=names, metavar="NAME,...",
                        default=["sinusoidal", "article_fixed", "none"],
                        help="of the second part (default sinusoidal, article_fixed, none)")
    parser.add_argument("--threads", type=positive, default=len(os.sched_getaffinity(0)),
                        help="threads of each training (default: all processors)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--no-training", dest="training", action="store_false",
                        help="only write the table and the page of the results there are")
    parser.add_argument("--hours", type=float, default=3,
                        help="stop after this long; the same command goes on (default %(default)s)")
    parser.add_argument("--program", default=str(ROOT / "build/release/wavemt"),
                        help="the wavemt to use (default %(default)s)")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup keeps what it asked for.
            signal.signal(number, interrupt)
    try:
        comparison = Comparison(options)
        if options.training:
            comparison.check()
            comparison.run()
        elif not comparison.results:
            raise WrongUse(f"{comparison.work / 'results'}: has no result of these options, this "
                           "corpus and this program")
        if comparison.results:
            print(comparison.write_pages(), end="")
            say(f"the page with plots is {comparison.work / 'positions.html'}")
        missing = comparison.missing()
        elsewhere = [t for t in missing if t["name"] in comparison.elsewhere]
        if not options.training and missing:
            say(f"missing: {'; '.join(map(describe, missing))}")
        elif rest := [t for t in missing if t not in elsewhere]:
            say(f"what is left of {options.hours:g} hours is too short for the next training; "
                f"missing: {'; '.join(map(describe, rest))}; the same command goes on")
        if elsewhere:
            say("another process is training what is missing: "
                f"{'; '.join(map(describe, elsewhere))}; when it is done, the same command with "
                "--no-training shows everything")
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
