#!/usr/bin/env python3
"""Makes a parallel corpus by letting a model translate text: scripts/back_translate.sh and
scripts/distill.sh.

usage: scripts/synthetic_corpus.py back_translate|distill MODEL TEXT... [OPTION...] [-- OPTION OF wavemt translate...]

The text is translated in shards. The translation of a shard appears in the folder only when it is
whole, so a run that was stopped goes on with the first shard that is missing. manifest.json holds
what the shards depend on; with anything else they are not continued.
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

# Options of `wavemt translate` that change how fast it is, but not what it writes.
SPEED_OPTIONS = ("--threads", "--device")
# Those that this script needs itself, or that write something else than one translation a line.
TAKEN_OPTIONS = ("--input", "--output", "--json", "--scores", "--n-best", "--alignments", "--target-prefix",
                 "--sampling")
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
    with open(unfinished, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def is_blank(line):
    return not line.decode("utf8").strip()


def translate_options(words):
    """Refuses what does not fit here; returns the words that translations depend on."""
    kept, words = [], list(words)
    while words:
        word = words.pop(0)
        name = word.split("=")[0]
        if name in TAKEN_OPTIONS:
            hint = "; --method chooses between sampling and beam search" if name == "--sampling" else ""
            raise Mistake(f"{name}: cannot be passed on to wavemt translate, as this script needs a plain "
                          f"translation of each line{hint}")
        if name in SPEED_OPTIONS:
            if word == name and words:
                words.pop(0)
            continue
        kept.append(word)
    return kept


def inspect(model):
    """What `wavemt inspect` says about the model. It refuses what is no model."""
    if not shutil.which(PROGRAM):
        raise Failure(f"{PROGRAM} is missing; run scripts/setup.sh and scripts/build.sh")
    done = subprocess.run([PROGRAM, "inspect", model, "--json"], capture_output=True, encoding="utf8", check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        sys.exit(2 if done.returncode == 2 else 1)
    return json.loads(done.stdout)


def checksum_of_model(checkpoint):
    """A checkpoint's manifest holds the checksums of its files."""
    path = checkpoint / "manifest.json" if checkpoint.is_dir() else checkpoint
    checksum = hashlib.sha256()
    with open(path, "rb") as file:
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
    strangers = sorted(entry.name for entry in folder.iterdir() if entry.name not in ("lock", "shards"))
    if strangers and not path.exists():
        raise Mistake(f"{folder}: holds other files ({strangers[0]}); name a new folder with --output")
    # An attempt that came to nothing, with a mistyped option for example, binds nobody.
    if not path.exists() or not any((folder / "shards").glob("*.translation")):
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


def run_translate(checkpoint, source, target, options):
    command = [PROGRAM, "translate", str(checkpoint), "--input", str(source), "--output", str(target), *options]
    process = subprocess.Popen(command)
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
        raise kind(f"wavemt translate {how}; when its cause is removed, the same command goes on with this shard")
    if not target.exists():
        raise Failure(f"{target}: wavemt translate did not write it")


def translate_shards(folder, checkpoint, options, manifest, words):
    """Translates the shards that are not there yet; returns the paths of all."""
    shards = folder / "shards"
    shards.mkdir(exist_ok=True)
    size, total = options.shard_lines, manifest["text"]["lines"]
    count = -(-total // size)
    paths = [shards / f"{number:05}.translation" for number in range(1, count + 1)]
    for leftover in set(shards.iterdir()) - set(paths):  # Of a run that was killed.
        leftover.unlink()
    done = sum(path.exists() for path in paths)
    if done:
        say(f"{done:,} of {plural(count, 'shard')} {'is' if done == 1 else 'are'} there already")
    text = lines_of(options.text) if done < count else iter(())
    for number, path in enumerate(paths, 1):
        lines = list(itertools.islice(text, size))
        if path.exists():
            continue
        first = (number - 1) * size + 1
        say(f"shard {number:,} of {count:,}: lines {first:,} to {first + len(lines) - 1:,} of {total:,}")
        source = path.with_suffix(".text")
        write(source, b"".join(line + b"\n" for line in lines))
        try:
            run_translate(checkpoint, source, path, words)
        except (KeyboardInterrupt, Mistake, Failure):
            say(f"stopped in shard {number:,} of {count:,}; the same command goes on there")
            raise
        finally:
            source.unlink(missing_ok=True)
    return paths


def translated_lines(paths, size, total):
    """The lines of all shards in order. One that has been changed must not shift the lines after it."""
    for number, path in enumerate(paths):
        expected, found = min(size, total - number * size), 0
        for line in lines_of([path]):
            found += 1
            if found <= expected:
                yield line
        if found != expected:
            raise Failure(f"{path}: has {plural(found, 'line')} where its shard has {expected:,}; remove it and run "
                          "the same command again")


def write_corpus(way, options, paths, total, names):
    """Joins the shards with the text; returns the two files and the pairs that they hold."""
    files = [options.output / f"{WAYS[way]['files']}.{name}" for name in names]
    unfinished = [path.with_name(path.name + ".unfinished") for path in files]
    kept = blank = untranslated = 0
    with open(unfinished[0], "wb") as source, open(unfinished[1], "wb") as target:
        translations = translated_lines(paths, options.shard_lines, total)
        for text, translation in zip(itertools.islice(lines_of(options.text), total), translations):
            if is_blank(text):
                blank += 1
            elif is_blank(translation):
                untranslated += 1
            else:
                kept += 1
                pair = (translation, text) if way == "back_translate" else (text, translation)
                source.write(pair[0] + b"\n")
                target.write(pair[1] + b"\n")
        for file in (source, target):
            file.flush()
            os.fsync(file.fileno())
    for path, ready in zip(files, unfinished):
        ready.replace(path)
    left_out = [f"{plural(count, 'pair')} left out whose {side} is blank"
                for count, side in ((blank, "text"), (untranslated, "translation")) if count]
    say("; ".join([f"{files[0]} and {files[1]}: {plural(kept, 'pair')}", *left_out]))
    return files


def parse(way, words):
    about = WAYS[way]
    passed_on = []
    if "--" in words:
        words, passed_on = words[:words.index("--")], words[words.index("--") + 1:]
    parser = argparse.ArgumentParser(
        prog=f"scripts/{way}.sh", description=about["does"], allow_abbrev=False,
        epilog="What stands behind -- is passed on to wavemt translate, for example: -- --threads 4 --beam-size 8")
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
                "is not a file; text is read twice, so it cannot come from a pipe or a folder"
            raise Mistake(f"{path}: {reason}")
    return options, passed_on


def make(way, words):
    options, passed_on = parse(way, words)
    deciding = translate_options(passed_on)
    model = inspect(options.model)
    # By the name of the checkpoint: the best one of a run that is still in training may change.
    checkpoint = Path(model["checkpoint"])
    names = languages(way, options, model)

    lines, checksum = 0, hashlib.sha256()
    for line in lines_of(options.text):
        lines += 1
        checksum.update(line + b"\n")
    if not lines:
        raise Mistake(f"{options.text[0]}: holds no text")

    method = ["--sampling"] if options.method == "sampling" else ["--set", "decoding.sampling=false"]
    manifest = {
        "format": "wavemt-synthetic-corpus", "way": way,
        "model": {"path": str(checkpoint), "checksum": checksum_of_model(checkpoint)},
        "text": {"files": [str(path) for path in options.text], "lines": lines, "sha256": checksum.hexdigest()},
        "method": options.method, "shard lines": options.shard_lines, "options": deciding}
    options.output.mkdir(parents=True, exist_ok=True)
    # Two processes would translate the same shards. The lock ends with the process, however that ends.
    with open(options.output / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Mistake(f"{options.output}: another process is making this corpus") from None
        check_manifest(options.output, manifest)
        paths = translate_shards(options.output, checkpoint, options, manifest, method + passed_on)
        files = write_corpus(way, options, paths, lines, names)
    # The names of a list differ, as its folders do.
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", options.output.resolve().name).strip("-") or WAYS[way]["files"]
    corpus = {"name": name, "source": str(files[0].resolve()), "target": str(files[1].resolve())}
    if options.tag:
        corpus["source_prefix"] = options.tag
    say("For the list data.train of a config"
        + (f", whose tokenizer.user_defined_symbols should hold {json.dumps(options.tag)}:" if options.tag else ":"))
    print(json.dumps(corpus, ensure_ascii=False))


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
        say(f"{way}.sh: {error}")
        sys.exit(1)
    except KeyboardInterrupt as error:
        number = error.args[0] if error.args else signal.SIGINT
        sys.exit(128 + number)


main()
