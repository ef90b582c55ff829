#!/usr/bin/env python3
"""Makes a parallel corpus by letting a model translate text: scripts/back_translate.sh and
scripts/distill.sh.

usage: scripts/synthetic_corpus.py back_translate|distill MODEL TEXT... [OPTION...] [-- OPTION OF wavemt translate...]

The text is translated in shards. The translation of a shard appears in the folder only when it is
whole, so a run that was stopped goes on with the first shard that is missing. manifest.json holds
what the shards and the corpus depend on; with anything else they are neither continued nor replaced.
"""
import argparse
import bz2
import contextlib
import fcntl
import gzip
import hashlib
import itertools
import json
import lzma
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("WAVEMT_PROGRAM") or str(ROOT / "build/release/wavemt")
DATA = Path(os.environ.get("WAVEMT_DATA") or ROOT / "data")

# Options of `wavemt translate` that change how fast it is. Another device rounds in another way, which may change a
# few lines; whoever moves to one in the middle wants that.
SPEED_OPTIONS = ("--threads", "--device")
# Those that this script needs itself, or that write something else than one translation a line.
TAKEN_OPTIONS = ("--input", "--output", "--json", "--scores", "--n-best", "--alignments", "--target-prefix",
                 "--sampling")
# The same as keys of --set.
TAKEN_KEYS = ("decoding", "decoding.n_best", "decoding.sampling")
# Those that name files or models, whose content decides.
FILE_OPTIONS = ("--ensemble", "--adapter", "--shortlist")
# What wavemt shows nothing of: white space, control characters, and characters that Unicode calls ignorable.
BLANK = re.compile("[\\s\0-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
                   "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
                   "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*")
WAYS = {
    "back_translate": {
        "files": "back_translated",
        "does": "Let a model of the opposite direction translate monolingual text of the target language.",
        "model": "a run or checkpoint that translates from the target language to the source language",
        "text": "monolingual text in the target language, a sentence a line; plain, gzip, zstd, xz or bzip2",
        "method": "sampling", "tag": "<BT>"},
    "distill": {
        "files": "distilled",
        "does": "Let a teacher translate the source side of a corpus.",
        "model": "the teacher: a run or checkpoint that translates from the source language to the target language",
        "text": "text in the source language, a sentence a line; plain, gzip, zstd, xz or bzip2",
        "method": "beam", "tag": ""},
}


class Mistake(Exception):
    """Something that whoever typed the command can put right."""


class Failure(Exception):
    """Something that went wrong while the command ran."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def plural(count, noun):
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def line_range(first, last):
    return f"line {first:,}" if first == last else f"lines {first:,} to {last:,}"


def described(error, path):
    """An OSError as a sentence. Where a disk is full, Python does not say for which file."""
    return f"{error.filename or path}: {error.strerror.lower() if error.strerror else error}"


@contextlib.contextmanager
def writing(path):
    """Names the file if what is done with it fails. It stands around `with open`, as closing may fail too."""
    try:
        yield
    except OSError as error:
        raise Failure(described(error, path)) from None


@contextlib.contextmanager
def opened(path):
    """The bytes of a file, unpacked. As for wavemt itself, they tell how it is compressed, not its name."""
    with open(path, "rb") as file:
        start = file.read(6)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        if not shutil.which("zstd"):
            raise Mistake(f"{path}: to read it, this script needs the program zstd; install it, or unpack the file")
        with subprocess.Popen(["zstd", "-dcq", "--", path], stdout=subprocess.PIPE) as process:
            yield process.stdout
            process.stdout.close()
            if process.wait() not in (0, -signal.SIGPIPE):
                raise Mistake(f"{path}: is damaged or cut")
        return
    openers = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
    opener = next((known for magic, known in openers.items() if start.startswith(magic)), open)
    with opener(path, "rb") as file:
        yield file


def lines_of(paths):
    """The lines of the files, as bytes without their ends. Like wavemt, only a line feed ends a line; a CR before
    it and a byte order mark are dropped."""
    for path in paths:
        try:
            with opened(path) as file:
                for number, line in enumerate(file, 1):
                    line = line.removesuffix(b"\n").removesuffix(b"\r")
                    if number == 1:
                        line = line.removeprefix(b"\xef\xbb\xbf")
                    try:
                        line.decode("utf8")
                    except UnicodeDecodeError as error:
                        raise Mistake(f"{path}: line {number:,} is not UTF-8 (byte {error.start + 1} of it); "
                                      "convert the file or take the line out") from None
                    yield line
        except OSError as error:
            reason = error.strerror.lower() if error.strerror else "is damaged or cut"
            raise Mistake(f"{path}: {reason}") from None
        except (EOFError, zlib.error, lzma.LZMAError):
            raise Mistake(f"{path}: is damaged or cut") from None


def write(path, text):
    """Writes a file that appears only when it is whole."""
    unfinished = path.with_name(path.name + ".unfinished")
    with writing(path):
        with open(unfinished, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)


def is_blank(line):
    return BLANK.fullmatch(line.decode("utf8")) is not None


class Text:
    """The lines of the text. They are read several times, and must stay what they were the first time: otherwise
    lines would slip beside the translations of others."""

    def __init__(self, paths, size):
        self.paths, self.size = paths, size
        self.lines, blank, checksum = 0, True, hashlib.sha256()
        self.checksums = []  # Of all lines up to the end of each shard.
        for line in lines_of(paths):
            self.lines += 1
            blank = blank and is_blank(line)
            checksum.update(line + b"\n")
            if self.lines % size == 0:
                self.checksums.append(checksum.hexdigest())
        if blank:
            raise Mistake(f"{paths[0]}: holds no text" + (", only blank lines" if self.lines else ""))
        if self.lines % size:
            self.checksums.append(checksum.hexdigest())

    def shards(self):
        """The lines of each shard, none of which is given out if it has changed."""
        lines, checksum = lines_of(self.paths), hashlib.sha256()
        for number, expected in enumerate(self.checksums):
            first, last = number * self.size + 1, min((number + 1) * self.size, self.lines)
            shard = list(itertools.islice(lines, last - first + 1))
            checksum.update(b"".join(line + b"\n" for line in shard))
            if checksum.hexdigest() != expected:
                self.refuse(f"in {line_range(first, last)} of {self.lines:,}")
            yield shard
        if next(lines, None) is not None:
            self.refuse(f"and has more than {plural(self.lines, 'line')} now")

    def refuse(self, change):
        raise Failure(f"{' '.join(map(str, self.paths))}: was changed while this command ran, {change}. The corpus was "
                      "not written; give the text that was there, or name a new folder with --output")


def grouped(words):
    """Each option with its values."""
    groups = []
    for word in words:
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            groups.append([name, value] if equals else [name])
        elif groups:
            groups[-1].append(word)
        else:
            raise Mistake(f"{word}: is no option; after -- come options of wavemt translate, such as --threads 4")
    return groups


def refuse_taken(name, values):
    key = values[0].partition("=")[0].strip() if name == "--set" and values else ""
    if name not in TAKEN_OPTIONS and key not in TAKEN_KEYS:
        return
    hint = "; --method chooses between sampling and beam search" if "sampling" in name + key else ""
    raise Mistake(f"{name}{' ' + key if key else ''}: cannot be passed on to wavemt translate, as this script needs "
                  f"one plain translation of each line{hint}")


def translate_options(words):
    """Refuses what does not fit here. Returns the words for wavemt translate, which name checkpoints in place of
    runs, and those that translations depend on, with checksums in place of paths."""
    passed_on, deciding = [], []
    for name, *values in grouped(words):
        refuse_taken(name, values)
        described_values = values
        if name in FILE_OPTIONS:
            paths = [named_file(name, value) for value in values]
            values = list(map(str, paths))
            described_values = [f"{path.name} (checksum {checksum_of(path)[:12]})" for path in paths]
        passed_on += [name, *values]
        if name not in SPEED_OPTIONS:
            deciding += [name, *described_values]
    return passed_on, deciding


def named_file(option, value):
    """The file, the checkpoint or the adapter's folder that an option names."""
    path = Path(value)
    if option == "--adapter":
        folder = path.parent if path.name == "adapter.safetensors" else path
        if (folder / "adapter.json").is_file():
            return folder
    if option != "--shortlist":
        return Path(inspect(path)["checkpoint"])
    if not path.is_file():
        raise Mistake(f"{option} {path}: no such file")
    return path


def inspect(model):
    """What `wavemt inspect` says about the model. It refuses what is no model."""
    if not shutil.which(PROGRAM):
        raise Failure(f"{PROGRAM} is missing; run scripts/setup.sh and scripts/build.sh")
    done = subprocess.run([PROGRAM, "inspect", model, "--json"], capture_output=True, encoding="utf8",
                          errors="replace", check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        sys.exit(2 if done.returncode == 2 else 1)
    try:
        said = json.loads(done.stdout)
        Path(said["checkpoint"])
    except (ValueError, KeyError, TypeError):
        raise Failure(f"{PROGRAM} inspect {model} --json: does not name a checkpoint; WAVEMT_PROGRAM should be wavemt "
                      "as this checkout builds it") from None
    return said


def checksum_of(path):
    """Of a file, or of a folder's file that stands for all of it: a checkpoint's manifest holds the checksums of
    its files. A copy of an adapter has none, but two files."""
    files = [path]
    if path.is_dir():
        manifest = path / "manifest.json"
        files = sorted(path.glob("adapter.*")) if not manifest.exists() else [manifest]
    checksum = hashlib.sha256()
    for name in files:
        with open(name, "rb") as file:
            while block := file.read(1 << 20):
                checksum.update(block)
    return checksum.hexdigest()


def language_of(path):
    """The language that a file's name ends with: de for news.de.gz."""
    name = re.sub(r"\.(gz|zst|xz|bz2)$", "", path.name)
    found = re.fullmatch(r".+\.([a-z]{2,3}([-_][A-Za-z]{2,4})?)", name)
    return found[1] if found and found[1] != "txt" else ""


def languages(way, options, model):
    """What to call the two sides of the corpus, where the model's or the file's name tells."""
    spoken, written = model.get("source_language", ""), model.get("target_language", "")  # Of the model.
    named = language_of(options.text[0])
    given = options.target_language if way == "back_translate" else options.source_language
    if not given and named and named == written != spoken and spoken:
        side = "--target-language" if way == "back_translate" else "--source-language"
        raise Mistake(f"{options.model}: translates from {spoken} to {written}, but {options.text[0]} is in "
                      f"{named} already, by its name; name a model of the other direction. If the file's name is "
                      f"misleading, say {side} {spoken}")
    spoken = spoken or named
    source, target = (written, spoken) if way == "back_translate" else (spoken, written)
    source, target = options.source_language or source or "source", options.target_language or target or "target"
    return ("source", "target") if source == target else (source, target)


def describe(key, before, now):
    if key == "text":
        return (f"TEXT is not the same: it had {plural(before['lines'], 'line')} (SHA-256 {before['sha256'][:12]}), "
                f"now it has {now['lines']:,} ({now['sha256'][:12]})")
    if key == "model":
        return (f"MODEL is not the same: it was {before['path']} (checksum {before['checksum'][:12]}), now it is "
                f"{now['path']} ({now['checksum'][:12]})")
    if key == "options":
        return f"the options of wavemt translate were \"{shlex.join(before)}\" and now are \"{shlex.join(now)}\""
    return f"{key} was {before} and now is {now}"


def same(key, before, now):
    # The same weights and the same text may lie elsewhere.
    if key == "model":
        return before["checksum"] == now["checksum"]
    if key == "text":
        return (before["lines"], before["sha256"]) == (now["lines"], now["sha256"])
    return before == now


def check_manifest(folder, manifest):
    """Writes the manifest of a new folder; refuses a folder that was begun in another way."""
    path = folder / "manifest.json"
    own = ("lock", "shards", path.name, path.name + ".unfinished")
    others = sorted(entry.name for entry in folder.iterdir() if entry.name not in own)
    if others and not path.exists():
        raise Mistake(f"{folder}: holds other files ({others[0]}); name a new folder with --output")
    # An attempt that came to nothing, with a mistyped option for example, binds nobody. A finished corpus does, even
    # when its shards have been deleted.
    if not others and not any((folder / "shards").glob("*.translation")):
        write(path, (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode("utf8"))
        return
    try:
        before = json.loads(path.read_text("utf8"))
        changes = [describe(key, before[key], value) for key, value in manifest.items()
                   if not same(key, before[key], value)]
    except (ValueError, KeyError, TypeError):
        raise Mistake(f"{path}: is damaged, or of another program; name a new folder with --output") from None
    if changes:
        raise Mistake(f"{folder}: was begun in another way: {'; '.join(changes)}. Give what it was begun with, "
                      "name a new folder with --output, or remove this one")


def stop(number, _):
    raise KeyboardInterrupt(number)


def run_translate(checkpoint, source, target, options, lock):
    command = [PROGRAM, "translate", str(checkpoint), "--input", str(source), "--output", str(target), *options]
    # The translation holds the lock as well: it goes on if this script is killed, and another beside it would write
    # the same file.
    process = subprocess.Popen(command, pass_fds=[lock.fileno()])
    try:
        status = process.wait()
    except KeyboardInterrupt:  # Whoever stops this script stops the translation as well.
        process.terminate()
        process.wait()
        raise
    if status == -signal.SIGINT:
        raise KeyboardInterrupt(signal.SIGINT)
    if status:
        how = f"was ended by signal {-status}" if status < 0 else f"ended with exit code {status}"
        kind = Mistake if status == 2 else Failure
        raise kind(f"wavemt translate {how}")
    if not target.exists():
        raise Failure(f"{target}: wavemt translate did not write it")


def translation_in(path, expected, advice):
    """The lines of a shard's translation. One that lacks a line, or has one more, would shift those after it."""
    lines = path.read_bytes().split(b"\n")
    if not lines[-1]:
        lines.pop()
    if len(lines) != expected:
        raise Failure(f"{path}: has {plural(len(lines), 'line')} where its shard has {expected:,}; {advice}")
    return lines


def translate_shard(path, lines, translate):
    source = path.with_suffix(".text")
    write(source, b"".join(line + b"\n" for line in lines))
    try:
        translate(source, path)
        translation_in(path, len(lines), "it was removed; each line must get one translation, whatever options after "
                                         "-- say")
    except Failure:
        path.unlink(missing_ok=True)
        raise
    finally:
        source.unlink(missing_ok=True)


def translate_shards(folder, text, translate):
    """Translates the shards that are not there yet; returns the paths of all."""
    shards = folder / "shards"
    shards.mkdir(exist_ok=True)
    count = len(text.checksums)
    paths = [shards / f"{number:05}.translation" for number in range(1, count + 1)]
    for leftover in set(shards.iterdir()) - set(paths):  # Of a run that was killed.
        leftover.unlink()
    done = sum(path.exists() for path in paths)
    if done:
        say(f"{done:,} of {plural(count, 'shard')} {'is' if done == 1 else 'are'} there already")
    if done == count:
        return paths
    for number, (path, lines) in enumerate(zip(paths, text.shards(), strict=True), 1):
        if path.exists():
            continue
        first = (number - 1) * text.size + 1
        say(f"shard {number:,} of {count:,}: {line_range(first, first + len(lines) - 1)} of {text.lines:,}")
        try:
            translate_shard(path, lines, translate)
        except (KeyboardInterrupt, Failure):  # After a Mistake another command is needed.
            say(f"stopped in shard {number:,} of {count:,}; the same command goes on there")
            raise
    return paths


def pairs_of(text, paths):
    """Each line with its translation."""
    for lines, path in zip(text.shards(), paths, strict=True):
        translations = translation_in(path, len(lines), "remove it and run the same command again")
        yield from zip(lines, translations, strict=True)


def write_corpus(way, files, text, paths):
    """Joins the shards with the text."""
    unfinished = [path.with_name(path.name + ".unfinished") for path in files]
    kept = blank = untranslated = 0
    with writing(f"{files[0]} or {files[1]}"), open(unfinished[0], "wb") as source, open(unfinished[1], "wb") as target:
        for line, translation in pairs_of(text, paths):
            if is_blank(line):
                blank += 1
            elif is_blank(translation):
                untranslated += 1
            else:
                kept += 1
                pair = (translation, line) if way == "back_translate" else (line, translation)
                source.write(pair[0] + b"\n")
                target.write(pair[1] + b"\n")
        if not kept:
            raise Failure(f"{paths[0].parent}: holds blank translations only, so there is no pair to write; look at "
                          "what the model makes of the text with wavemt translate")
        for file in (source, target):
            file.flush()
            os.fsync(file.fileno())
    for path, ready in zip(files, unfinished):
        ready.replace(path)
    left_out = [f"left out {plural(count, 'pair')} whose {side} is blank"
                for count, side in ((blank, "text"), (untranslated, "translation")) if count]
    say("; ".join([f"{files[0]} and {files[1]}: {plural(kept, 'pair')}", *left_out]))


def require_names(options, words):
    """Refuses names with which the corpus could not be written at its end."""
    for name in (*words, str(options.output.resolve()), str(options.model.resolve())):
        try:
            name.encode("utf8")
        except UnicodeEncodeError:
            raise Mistake(f"{name.encode('utf8', 'replace').decode()}: is not UTF-8, so no config can name it; rename "
                          "the file or folder") from None
    for option in ("--source-language", "--target-language"):
        code = vars(options)[option[2:].replace("-", "_")]
        if not re.fullmatch(r"[A-Za-z0-9_-]*", code):
            raise Mistake(f"{option} {code}: the name of a file ends with it, so it can only have letters, digits, - "
                          "and _, such as de or zh-CN")
    there = next(path for path in (options.output, *options.output.absolute().parents) if path.exists())
    if not there.is_dir():
        what = "is" if there == options.output else f"cannot be made, as {there} is"
        raise Mistake(f"--output {options.output}: {what} a file; name a folder, or one that is not there yet")


def parse(way, words):
    about = WAYS[way]
    passed_on = []
    if "--" in words:
        words, passed_on = words[:words.index("--")], words[words.index("--") + 1:]
    parser = argparse.ArgumentParser(
        prog=f"scripts/{way}.sh", description=about["does"], allow_abbrev=False,
        epilog="Options after -- are passed on to wavemt translate, for example: -- --threads 4 --beam-size 8")
    parser.add_argument("model", metavar="MODEL", type=Path, help=about["model"])
    parser.add_argument("text", metavar="TEXT" if way == "back_translate" else "SOURCE", nargs="+", type=Path,
                        help=about["text"])
    parser.add_argument("--output", metavar="DIR", type=Path, default=DATA / about["files"],
                        help="the folder of the corpus and its shards (%(default)s)")
    parser.add_argument("--method", choices=("sampling", "beam"), default=about["method"],
                        help="draw translations from the model's distribution, or search for the likeliest ones "
                             "(%(default)s)")
    parser.add_argument("--shard-lines", metavar="N", type=int, default=10000,
                        help="lines of a shard; a run that is stopped loses one shard at most (%(default)s)")
    parser.add_argument("--tag", default=about["tag"],
                        help="the source_prefix of the corpus in the config that is printed at the end; the files "
                             f"hold no tag ({about['tag'] or 'none'})")
    parser.add_argument("--source-language", metavar="CODE", default="",
                        help="how the name of the corpus's source file ends (by the model and the text's name)")
    parser.add_argument("--target-language", metavar="CODE", default="", help="the same for the target file")
    options = parser.parse_args(words)
    if options.shard_lines < 1:
        raise Mistake(f"--shard-lines {options.shard_lines}: must be at least 1")
    for path in options.text:
        if not path.is_file():
            reason = "no such file" if not path.exists() else \
                "is not a file; text is read several times, so it cannot come from a pipe or a folder"
            raise Mistake(f"{path}: {reason}")
    require_names(options, [*words, *passed_on])
    return options, passed_on


def corpus_of(way, options, files):
    """An element of the list data.train."""
    # The names of a list differ, as its folders do.
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", options.output.resolve().name).strip("-") or WAYS[way]["files"]
    corpus = {"name": name, "source": str(files[0].resolve()), "target": str(files[1].resolve())}
    return corpus | ({"source_prefix": options.tag} if options.tag else {})


@contextlib.contextmanager
def locked(folder):
    """Two processes would translate the same shards. The lock ends with the last process that holds it, however
    that ends."""
    with open(folder / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Mistake(f"{folder}: another process is making this corpus") from None
        yield lock


def make(way, words):
    options, passed_on = parse(way, words)
    passed_on, deciding = translate_options(passed_on)
    model = inspect(options.model)
    # By the name of the checkpoint: the best one of a run that is still in training may change.
    checkpoint = Path(model["checkpoint"])
    folder = options.output
    files = [folder / f"{WAYS[way]['files']}.{name}" for name in languages(way, options, model)]
    text = Text(options.text, options.shard_lines)
    manifest = {
        "format": "wavemt-synthetic-corpus", "way": way,
        "model": {"path": str(checkpoint), "checksum": checksum_of(checkpoint)},
        "text": {"files": [str(path) for path in options.text], "lines": text.lines, "sha256": text.checksums[-1]},
        "method": options.method, "shard lines": options.shard_lines, "options": deciding}
    method = ["--sampling"] if options.method == "sampling" else ["--set", "decoding.sampling=false"]
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder) as lock:
        check_manifest(folder, manifest)
        if all(path.exists() for path in files):
            say(f"{folder}: is done; nothing was changed")
        else:
            paths = translate_shards(folder, text, lambda source, target: run_translate(
                checkpoint, source, target, method + passed_on, lock))
            write_corpus(way, files, text, paths)
    say("For the list data.train of a config"
        + (f", whose tokenizer.user_defined_symbols should hold {json.dumps(options.tag)}:" if options.tag else ":"))
    print(json.dumps(corpus_of(way, options, files), ensure_ascii=False))


def main():
    way = sys.argv[1] if len(sys.argv) > 1 else ""
    if way not in WAYS:
        say(f"usage: scripts/synthetic_corpus.py {'|'.join(WAYS)} MODEL TEXT... [OPTION...]")
        sys.exit(2)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) != signal.SIG_IGN:  # As nohup leaves SIGHUP.
            signal.signal(number, stop)
    try:
        make(way, sys.argv[2:])
    except Mistake as error:
        say(f"{way}.sh: {error}")
        sys.exit(2)
    except (Failure, OSError) as error:
        say(f"{way}.sh: {described(error, 'standard output') if isinstance(error, OSError) else error}")
        sys.exit(1)
    except KeyboardInterrupt as error:
        number = error.args[0] if error.args else signal.SIGINT
        sys.exit(128 + number)


main()
