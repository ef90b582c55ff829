"""Corpora as they come: each kind of bad file is read, skipped and counted, or refused by name.

WAVEMT_TORTURE=1 gives all of them to `metrics` as well, which reads them as training does.
"""
import gzip
import os
import re
import subprocess

import pytest
from conftest import ENVIRONMENT, PROGRAM, long, metrics_of, peak_memory, wavemt, write_config

GOOD = [f"Sentence {number} is good." for number in range(1, 9)]
MEGABYTES = 5_000_000


def text(*lines, end="\n"):
    return end.join(lines).encode() + end.encode()


def replaced(number, line):
    """The good lines, one of them (from 1) another one."""
    lines = [good.encode() for good in GOOD]
    lines[number - 1] = line if isinstance(line, bytes) else line.encode()
    return b"\n".join(lines) + b"\n"


PACKED = gzip.compress(text(*GOOD[:3])) + gzip.compress(text(*GOOD[3:]))
DAMAGED = "the compressed data is damaged or cut short"

# Name: the source side, the target side, and what `train` says of the pairs.
READ = {
    "CRLF on one side": (text(*GOOD, end="\r\n"), text(*GOOD), "8 pairs: 8 used"),
    "CRLF on both sides": (text(*GOOD, end="\r\n"), text(*GOOD, end="\r\n"), "8 pairs: 8 used"),
    "CR alone ends no line": (text("a", "b", "c", end="\r"), text("all"), "1 pair: 1 used"),
    "byte order mark, source": (b"\xef\xbb\xbf" + text(*GOOD), text(*GOOD), "8 pairs: 8 used"),
    "byte order mark, target": (text(*GOOD), b"\xef\xbb\xbf" + text(*GOOD), "8 pairs: 8 used"),
    "byte order mark alone on a line": (b"\xef\xbb\xbf" + replaced(1, ""), text(*GOOD),
                                        "8 pairs: 7 used, 1 skipped with a blank side"),
    "byte order mark inside": (replaced(4, "\ufeffmark"), text(*GOOD), "8 pairs: 8 used"),
    "NUL": (replaced(3, "a\0b"), replaced(4, "\0"),
            "8 pairs: 7 used, 1 skipped with a blank side"),
    "line separators of Unicode": (replaced(3, "a\u2028b\u2029c\u0085d"),
                                   replaced(4, "a\vb\fc\x1cd\x1de\x1ef"), "8 pairs: 8 used"),
    "line separators alone": (replaced(3, "\u2028"), replaced(4, "\u0085\v"),
                              "8 pairs: 6 used, 2 skipped with a blank side"),
    "blank lines on one side": (replaced(2, ""), replaced(5, " \t\u3000"),
                                "8 pairs: 6 used, 2 skipped with a blank side"),
    "a line over the limit": (replaced(2, "word " * 300), text(*GOOD),
                              "8 pairs: 7 used, 1 skipped over 60 tokens"),
    "5 MB without a space, source": (replaced(6, "x" * MEGABYTES), text(*GOOD),
                                     "8 pairs: 7 used, 1 skipped over 60 tokens"),
    "5 MB of words, target": (text(*GOOD), replaced(6, "word " * (MEGABYTES // 5)),
                              "8 pairs: 7 used, 1 skipped over 60 tokens"),
    "5 MB that no piece spells": (replaced(6, "界" * (MEGABYTES // 3)), text(*GOOD),
                                  "8 pairs: 7 used, 1 skipped over 60 tokens"),
    "5 MB of nothing": (replaced(6, " " * MEGABYTES), replaced(7, "\0" * MEGABYTES),
                        "8 pairs: 6 used, 2 skipped with a blank side"),
    "one line": (text(GOOD[0]), text(GOOD[1]), "1 pair: 1 used"),
    "one line without its end": (GOOD[0].encode(), text(GOOD[1]), "1 pair: 1 used"),
    "lines that are all the same": (text(*GOOD[:1] * 50), text(*GOOD[1:2] * 50),
                                    "50 pairs: 50 used"),
    "a target that is its source": (text(*GOOD), text(*GOOD), "8 pairs: 8 used"),
    "no end of the last line": (text(*GOOD)[:-1], text(*GOOD), "8 pairs: 8 used"),
    "gzip of several members": (PACKED, text(*GOOD), "8 pairs: 8 used"),
    "gzip with an empty member": (gzip.compress(b"") + PACKED + gzip.compress(b""), text(*GOOD),
                                  "8 pairs: 8 used"),
}

# Name: the source side, the target side, and the sentence that refuses them. All of them have to
# be told from the files alone, so every command that reads such files says the same.
REFUSED = {
    "one blank line more": (text(*GOOD, ""), text(*GOOD),
                            r"{source} has 9 lines but {target} has 8; line n of one must .*"),
    "one line less": (text(*GOOD), text(*GOOD[:-1]),
                      r"{source} has 8 lines but {target} has 7; line n of one must .*"),
    "empty beside not empty": (b"", text(*GOOD),
                               r"{target} has 8 lines but {source} has 0; line n .*"),
    "invalid UTF-8, source": (replaced(5, b"bad \xff"), text(*GOOD),
                              r"{source}: line 5: invalid UTF-8 at byte 5 of the line"),
    "invalid UTF-8, target": (text(*GOOD), replaced(8, b"\xc3"),
                              r"{target}: line 8: invalid UTF-8 at byte 1 of the line"),
    "overlong UTF-8": (replaced(2, b"a\xc0\xafb"), text(*GOOD),
                       r"{source}: line 2: invalid UTF-8 at byte 2 of the line"),
    "a surrogate": (text(*GOOD), replaced(2, b"\xed\xa0\x80\xed\xb0\x80"),
                    r"{target}: line 2: invalid UTF-8 at byte 1 of the line"),
    "UTF-16": ("\n".join(GOOD).encode("utf-16"), text(*GOOD),
               r"{source}: seems to be UTF-16 \(little-endian\); make it UTF-8, for example by: .*"),
    "gzip cut short": (PACKED[:-9], text(*GOOD), rf"{{source}}: after line \d: {DAMAGED} \(.*"),
    "gzip cut to nothing": (text(*GOOD), b"",
                            rf"{{target}}: {DAMAGED} \(none of its bytes are left\)"),
    "gzip with garbage behind it": (PACKED + b"garbage", text(*GOOD),
                                    rf"{{source}}: after line \d: {DAMAGED} \(.*"),
    "gzip with zeros behind it": (text(*GOOD), PACKED + bytes(512),
                                  rf"{{target}}: after line \d: {DAMAGED} \(.*"),
    "gzip with a changed byte": (PACKED[:30] + bytes([PACKED[30] ^ 4]) + PACKED[31:], text(*GOOD),
                                 rf"{{source}}: after line \d: {DAMAGED} \(.*"),
    "gzip whose second member is damaged": (text(*GOOD), PACKED.replace(
        b"\x1f\x8b", b"\x1f\x8c").replace(b"\x1f\x8c", b"\x1f\x8b", 1),
        rf"{{target}}: after line \d: {DAMAGED} \(.*"),
}

# One of each sort.
FEW = ["one blank line more", "overlong UTF-8", "UTF-16", "gzip with zeros behind it"]


class Zoo:
    """A folder with one corpus in it, and a config for it that needs no vocabulary."""

    def __init__(self, folder, corpus, run):
        self.folder, self.corpus, self.model = folder, corpus, run / "tokenizer.model"

    def put(self, source, target):
        paths = {}
        for side, contents in (("source", source), ("target", target)):
            packed = contents.startswith(b"\x1f\x8b") or contents == b"" and side == "target"
            paths[side] = self.folder / (side + (".gz" if packed else ""))
            paths[side].write_bytes(contents)
        return paths

    def train(self, files, splits=("train",), tokenizer=None):
        names = {side: [str(path) for path in paths] if isinstance(paths, list) else str(paths)
                 for side, paths in files.items()}
        config = write_config(self.folder / "config.json", self.corpus,
                              tokenizer=tokenizer or {"model": str(self.model)},
                              data={split: names for split in splits})
        return wavemt("train", config, "--dry-run", "--device", "cpu", check=False)


@pytest.fixture
def zoo(tmp_path, corpus, run):
    return Zoo(tmp_path, corpus, run)


def counts(result, split="train"):
    assert result.returncode == 0, result.stderr
    return re.search(rf"info: data\.{split}: (\d.*)", result.stderr)[1]


def refusal(result):
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    return result.stderr.splitlines()[-1].split(" error: ")[1]


def expected(pattern, paths):
    return pattern.format(**{side: re.escape(str(path)) for side, path in paths.items()})


@pytest.mark.parametrize("animal", READ)
def test_corpus_that_is_read(zoo, animal):
    """For training and for validation, which leaves out only what the model cannot hold."""
    source, target, summary = READ[animal]
    result = zoo.train(zoo.put(source, target), ("train", "valid"))
    assert counts(result) == summary
    assert counts(result, "valid") == summary.replace("over 60", "over 63")


@pytest.mark.parametrize("animal", REFUSED)
def test_corpus_that_is_refused(zoo, animal):
    source, target, pattern = REFUSED[animal]
    paths = zoo.put(source, target)
    message = refusal(zoo.train(paths))
    assert re.fullmatch(expected(pattern, paths), message), message


@pytest.mark.parametrize("animal", FEW)
def test_whichever_reads_it_first_says_the_same(zoo, run, animal):
    source, target, pattern = REFUSED[animal]
    paths = zoo.put(source, target)
    for result in (zoo.train(paths, ("valid",)),
                   zoo.train(paths, tokenizer={"model": "", "vocab_size": 300}),
                   wavemt("evaluate", run, "--source", paths["source"], "--reference",
                          paths["target"], check=False)):
        message = refusal(result)
        assert re.fullmatch(expected(pattern, paths), message), message


@pytest.mark.parametrize("animal", [
    animal if animal in FEW else pytest.param(animal, marks=long) for animal in REFUSED])
def test_text_to_score_that_is_refused(zoo, animal):
    source, target, pattern = REFUSED[animal]
    paths = zoo.put(source, target)
    message = refusal(wavemt("metrics", paths["source"], paths["target"], check=False))
    pattern = pattern.replace("; line n of one must .*", ": line .*").replace("; line n .*", ": .*")
    assert re.fullmatch(expected(pattern, paths), message), message


@pytest.mark.parametrize("animal", ["CRLF on both sides", "byte order mark, source",
                                    "line separators of Unicode", "blank lines on one side"])
def test_test_set_that_is_read(zoo, run, animal):
    source, target, summary = READ[animal]
    paths = zoo.put(source, target)
    wavemt("evaluate", run, "--source", paths["source"], "--reference", paths["target"],
           "--output", zoo.folder / "output", "--beam-size", "1")
    lines = (zoo.folder / "output").read_bytes().split(b"\n")
    assert len(lines) == int(summary.split()[0]) + 1 and lines[-1] == b""


def test_no_file_at_all(zoo):
    (zoo.folder / "file").write_bytes(text(*GOOD))
    (zoo.folder / "empty").write_bytes(b"")
    for path, message in (
            (zoo.folder / "missing", "no such file"),
            (zoo.folder, "is a directory, a file is needed"),
            ("/dev/null", "is a pipe or a device; a corpus is read several times, write it to a "
                          "file")):
        for split, files in (("train", {"source": path, "target": zoo.folder / "file"}),
                             ("valid", {"source": zoo.folder / "file", "target": path})):
            assert refusal(zoo.train(files, (split,))) == f"{path}: {message}"
    empty = {"source": zoo.folder / "empty", "target": zoo.folder / "empty"}
    assert refusal(zoo.train(empty)) == "data.train: no usable sentence pair: the files are empty"


def test_a_pipe_is_no_corpus(zoo):
    """It would give its text to the vocabulary and nothing to the training."""
    os.mkfifo(zoo.folder / "pipe")
    files = {"source": zoo.folder / "pipe", "target": zoo.corpus / "train.zh"}
    message = f"{zoo.folder}/pipe: is a pipe or a device; a corpus is read several times, " \
              "write it to a file"
    assert refusal(zoo.train(files)) == message
    assert refusal(wavemt("config", "check", zoo.folder / "config.json", check=False)) == message


def test_two_hundred_files_a_side(zoo):
    files = {"source": [], "target": []}
    for number in range(200):
        for side in files:
            name = f"{side}-{number}" + (".gz" if number % 3 == 0 else "")
            lines = [f"{side} {number} {line}" for line in range(number % 5)]
            contents = text(*lines) if lines else b""
            (zoo.folder / name).write_bytes(
                gzip.compress(contents) if number % 3 == 0 else contents)
            files[side].append(zoo.folder / name)
    assert counts(zoo.train(files)) == "400 pairs: 400 used"
    # A line too many in one file is no line too few in the next.
    (zoo.folder / "source-100").write_bytes(b"more\n")
    assert re.match(rf"{zoo.folder}/source-100 has 1 lines but {zoo.folder}/target-100 has 0; ",
                    refusal(zoo.train(files)))


@pytest.mark.parametrize("contents, message", [
    (b"a\tb\r\nc\td\n", "2 pairs: 2 used"),
    (b"\xef\xbb\xbfa\tb\n", "1 pair: 1 used"),
    (b"a\tb\n\tc\nd\t\n", "3 pairs: 1 used, 2 skipped with a blank side"),
    (b"a\0\xe2\x80\xa8\tb\n", "1 pair: 1 used"),
    (b"a\tb\n\nc\td\n", "3 pairs: 2 used, 1 skipped with a blank side"),
    (b"a\tb\tc\n", "1 pair: 1 used"),
    (b"a\tb\nc\n", "{path}: line 2: has one column, but source and target are columns 1 and 2 "
                   "(tsv_columns), with a tab between columns"),
    (b"a\tb\n\xff\tc\n", "{path}: line 2: invalid UTF-8 at byte 1 of the line"),
], ids=["CRLF", "byte order mark", "blank side", "separators inside", "blank line",
        "two tabs", "no tab", "invalid UTF-8"])
def test_table_of_pairs(zoo, contents, message):
    path = zoo.folder / "pairs.tsv"
    path.write_bytes(contents)
    result = zoo.train({"source": [], "target": [], "tsv": path})
    said = counts(result) if result.returncode == 0 else refusal(result)
    assert said == message.format(path=path)


@pytest.mark.parametrize("animal", ["NUL", "line separators of Unicode", "5 MB of nothing",
                                    "5 MB that no piece spells"])
def test_vocabulary_of_bad_lines(zoo, animal):
    """Bad lines among good ones."""
    source, target, summary = READ[animal]
    paths = zoo.put((zoo.corpus / "train.en").read_bytes() + source,
                    (zoo.corpus / "train.zh").read_bytes() + target)
    said = counts(zoo.train(paths, tokenizer={"model": "", "vocab_size": 400}))
    bad = 8 - int(re.search(r"(\d+) used", summary)[1])
    assert said.startswith(f"308 pairs: {308 - bad} used")


@pytest.mark.parametrize("animal", ["one line", "lines that are all the same"])
def test_training_on_next_to_nothing(zoo, animal):
    source, target, _ = READ[animal]
    zoo.train(zoo.put(source, target))
    wavemt("train", zoo.folder / "config.json", "--run-dir", zoo.folder / "run", "--device", "cpu",
           "--set", "training.max_steps=4", "--set", "training.validate_every=2",
           "--set", "training.save_every=4", "--set", "training.log_every=1")
    steps = [entry["step"] for entry in metrics_of(zoo.folder / "run") if "loss" in entry]
    assert steps == [1, 2, 3, 4]


@pytest.mark.parametrize("unit", ["word ", "界"])
def test_a_line_of_megabytes_takes_little_memory(zoo, run, unit):
    """Tokenizing it would take a gigabyte, and minutes for characters without a piece."""
    memory = {}
    for size in (1, MEGABYTES):
        paths = zoo.put(replaced(3, unit * (size // len(unit.encode()))), text(*GOOD))
        zoo.train(paths)
        memory[size] = [
            peak_memory("train", zoo.folder / "config.json", "--dry-run", "--device", "cpu")[1]]
        if unit == "界":
            # A run of them is one token, so there are few parts to translate.
            memory[size].append(peak_memory(
                "translate", run, "--input", paths["source"], "--device", "cpu", "--beam-size",
                "1", "--set", "decoding.max_output_length=1")[1])
    for small, large in zip(memory[1], memory[MEGABYTES]):
        assert large < small + MEGABYTES + 64_000_000


def change_while_reading(run, path, change):
    """What `translate` says of a file that changes before its end is read: its output is a pipe
    that takes 64 kB, so it waits in the middle of the file until we have seen to that."""
    path.write_bytes(b"\n" * 400_000)
    os.utime(path, (1, 1))
    with subprocess.Popen([str(PROGRAM), "translate", str(run), "--input", str(path), "--device",
                           "cpu"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=ENVIRONMENT) as process:
        first = os.read(process.stdout.fileno(), 1)  # It is at work.
        change(path)
        output, errors = process.communicate(timeout=120)
    return process.returncode, first + output, errors.decode()


def grow(path):
    with path.open("ab") as file:
        file.write(b"more\n")


def shrink(path):
    os.truncate(path, 200_000)


def rewrite(path):
    with path.open("r+b") as file:
        file.write(b"x")


def replace(path):
    path.with_name("new").write_bytes(b"x\n" * 100)
    os.rename(path.with_name("new"), path)


@pytest.mark.parametrize("change", [grow, shrink, rewrite, replace])
def test_file_that_changes_while_it_is_read(run, tmp_path, change):
    code, output, errors = change_while_reading(run, tmp_path / "text", change)
    assert code == 2
    message = re.search(r" error: (\S+): after line (\d+): the file was changed while it was read; "
                        "start again once nothing writes to it\n", errors)
    assert message and message[1] == str(tmp_path / "text")
    # What was read before, was translated.
    assert output == b"\n" * int(message[2])


def test_file_that_is_removed_while_it_is_read_was_whole(run, tmp_path):
    assert change_while_reading(run, tmp_path / "text", os.remove) == (0, b"\n" * 400_000, "")


def test_a_pipe_has_no_size_that_could_change(run):
    """What comes out of it is what there is; the reader ends where the writer does."""
    with subprocess.Popen([str(PROGRAM), "translate", str(run), "--input", "/dev/stdin", "--device",
                           "cpu"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                          env=ENVIRONMENT) as process:
        process.stdin.write(b"\n")
        assert process.stdout.readline() == b"\n"
        assert process.communicate(b"\n \n", timeout=120)[0] == b"\n\n"
        assert process.returncode == 0


def test_packed_text_comes_through_a_pipe_as_well(run):
    result = wavemt("translate", run, "--beam-size", "1", encoding=None,
                    input=gzip.compress(b"\n \n") + gzip.compress(b"\n"))
    assert result.stdout == b"\n\n\n"
    cut = wavemt("translate", run, "--beam-size", "1", encoding=None, check=False,
                 input=gzip.compress(b"\n" * 10_000)[:-4])
    assert cut.returncode == 2
    assert b"error: standard input: after line 10000: the compressed data is damaged" in cut.stderr
    assert cut.stdout == b"\n" * 10_000
