"""`wavemt corpus`: what is wrong with parallel text, and text without it."""
import gzip
import json
import os
import re
import signal
import subprocess
import time

import pytest
from conftest import PROGRAM, wavemt

# Pairs in English and German, and what is wrong with them: nothing, or the names of problems.
PAIRS = [
    ("A cat.", "Eine Katze.", ()),
    ("", "Eine Katze.", ("blank",)),
    ("\u200b ", "\u00a0", ("blank",)),
    (".", "!", ()),
    ("A dog \ufffd.", "Ein Hund.", ("bad_encoding",)),
    ("A big cat.", "Eine groÃŸe Katze.", ("bad_encoding",)),
    ("It is fun", "Das macht „Spaß“", ()),
    ("a b\x02", "c d", ("bad_encoding",)),
    (" ".join(["word"] * 250), " ".join(["Wort"] * 250), ()),
    (" ".join(["word"] * 251), " ".join(["Wort"] * 251), ("too_long",)),
    ("a b c d e f g", "x", ()),
    ("a b c d e f g h", "x", ("length_ratio",)),
    ("x", "a b c d e f g h", ("length_ratio",)),
    ("abcкот", "Eine", ()),
    ("Cat", "кот", ("wrong_script",)),
    ("a котк кот", "Eins", ("wrong_script",)),
    ("Berlin  Wall", "berlin wall ", ("copy",)),
    ("Berlin wall", "Berlin wall.", ()),
    ("In 1,250 cats", "In 1.250 Katzen", ()),
    ("In 25 cats", "In vielen Katzen", ("different_numbers",)),
    ("A  cat.", "Eine Katze.\u200b", ("duplicate",)),
    ("a cat.", "Eine Katze.", ()),
    ("A cat.", "Ein Kater.", ()),
]
ALWAYS_REMOVED = {"blank", "bad_encoding", "too_long", "length_ratio", "wrong_script", "copy",
                  "duplicate"}


def counts(pairs=PAIRS):
    names = ("blank", "bad_encoding", "too_long", "length_ratio", "wrong_script", "copy",
             "different_numbers", "duplicate", "held_out")
    return {name: sum(name in problems for *_, problems in pairs) for name in names}


@pytest.fixture
def texts(tmp_path):
    """The pairs as text.en, text.de and text.tsv, in which a column stands before them."""
    for side, language in enumerate(("en", "de")):
        (tmp_path / f"text.{language}").write_text(
            "".join(pair[side] + "\n" for pair in PAIRS), "utf8")
    (tmp_path / "text.tsv").write_text(
        "".join(f"{number}\t{source}\t{target}\n"
                for number, (source, target, _) in enumerate(PAIRS)), "utf8")
    return tmp_path


def check(*arguments, **options):
    return json.loads(wavemt("corpus", "check", *arguments, "--json", **options).stdout)


def filtered(*arguments, **options):
    """What `corpus filter` says at its end."""
    said = wavemt("corpus", "filter", *arguments, **options).stderr
    return said.splitlines()[-1].split(" info: ")[-1]


def lines(path):
    return path.read_text("utf8").split("\n")[:-1]


# What is wrong.

def test_every_rule_finds_what_has_it_and_nothing_else(texts):
    report, = check("text.en", "text.de", cwd=texts)
    assert report["problems"] == counts()
    assert report["pairs"] == len(PAIRS)
    assert report["removed"] == sum(bool(ALWAYS_REMOVED & set(pair[2])) for pair in PAIRS)
    assert (report["source_language"], report["target_language"]) == ("en", "de")
    assert report["name"] == "text.en text.de"
    for name, examples in report["examples"].items():
        expected = [number for number, pair in enumerate(PAIRS, start=1) if name in pair[2]]
        assert [example["line"] for example in examples] == expected[:3], name
    assert report["examples"]["copy"] == [
        {"line": 17, "source": "Berlin  Wall", "target": "berlin wall "}]


def test_a_tsv_file_and_compressed_files_are_the_same_text(texts):
    plain, = check("text.en", "text.de", cwd=texts)
    for language in ("en", "de"):
        path = texts / f"text.{language}"
        (texts / f"text.{language}.gz").write_bytes(gzip.compress(path.read_bytes()))
    zipped, = check("text.en.gz", "text.de.gz", cwd=texts)
    assert zipped | {"name": ""} == plain | {"name": ""}
    tsv, = check("text.tsv", "--tsv-columns", "2,3", "--source-language", "en",
                 "--target-language", "de", "--threads", 1, cwd=texts)
    assert tsv | {"name": ""} == plain | {"name": ""}
    unknown, = check("text.tsv", "--tsv-columns", "2,3", cwd=texts)
    assert unknown["problems"]["wrong_script"] == 0
    os.rename(texts / "text.tsv", texts / "TEXT.TSV")
    capitals, = check("--tsv-columns", "2,3", "TEXT.TSV", cwd=texts)
    assert capitals | {"name": ""} == unknown | {"name": ""}


def test_the_text_says_where_no_script_was_looked_for(texts):
    def said(*arguments):
        shown = wavemt("corpus", "check", *arguments, cwd=texts).stdout
        return re.search(r"wrong script +\d+(?: +[\d.]+%)? +(.*)", shown)[1], shown.splitlines()[1]

    tsv = ("text.tsv", "--tsv-columns", "2,3")
    assert said(*tsv)[0] == "not looked for: language unknown"
    assert "pairs, ? -> ?; the filter" in said(*tsv)[1]
    assert said(*tsv, "--source-language", "en")[0] == "source only; target language unknown"
    assert said(*tsv, "--target-language", "de")[0] == "target only; source language unknown"
    assert said("text.en", "text.de")[0] == "under 25% in the language's script"
    os.rename(texts / "text.de", texts / "text.de.tok")
    assert " en -> de;" in said("text.en", "text.de.tok")[1]


def test_options_set_the_limits(texts):
    report, = check("text.en", "text.de", "--max-words", 3, "--max-length-ratio", 0,
                    "--min-script-share", 0, "--keep-copies", "--keep-duplicates",
                    "--remove-different-numbers", "--examples", 0, cwd=texts)
    long = sum(max(len(source.split()), len(target.split())) > 3 for source, target, _ in PAIRS)
    assert report["problems"] == counts() | {"too_long": long, "length_ratio": 0,
                                             "wrong_script": 0}
    assert report["filter"] == {
        "max_words": 3, "max_length_ratio": 0, "min_script_share": 0, "remove_copies": False,
        "remove_bad_encoding": True, "remove_different_numbers": True, "remove_duplicates": False}
    assert not any(report["examples"].values())


def test_lengths_are_measured(tmp_path):
    (tmp_path / "a.en").write_text("a b\n\none two three four five six\nein\n", "utf8")
    (tmp_path / "a.zh").write_text("中文\nx\n在iPhone上。\n文\n", "utf8")
    report, = check("a.en", "a.zh", cwd=tmp_path)
    source = report["source"]
    lengths = source.pop("lengths")
    assert source == {"words": 9, "characters": 33, "shortest": 1, "longest": 6, "mean": 3.0,
                      "median": 2.0}
    assert lengths[:2] == [{"from": 1, "below": 5, "pairs": 2},
                           {"from": 5, "below": 10, "pairs": 1}]
    assert lengths[-1] == {"from": 250, "below": None, "pairs": 0}
    assert report["target"]["words"] == 6
    assert [bin for bin in report["length_ratios"] if bin["pairs"]] == [
        {"from": 0.5, "below": 0.67, "pairs": 1}, {"from": 1.0, "below": 1.25, "pairs": 2}]


def test_other_translations_are_counted(texts):
    report, = check("text.en", "text.de", cwd=texts)
    assert (report["other_targets"], report["other_sources"]) == (1, 2)


def test_held_out_text_is_found(texts):
    (texts / "test.en").write_text("A cat.\nnot there\n\n", "utf8")
    (texts / "test.de").write_text("Eine  Katze.\nDas macht „Spaß“\nnichts\n", "utf8")
    (texts / "dev.tsv").write_text("In 25 cats\tnicht da\n", "utf8")
    report, = check("text.en", "text.de", "--held-out", "test.en", "test.de", "--held-out",
                    "dev.tsv", cwd=texts)
    assert report["held_out"] == [
        {"name": "test.en test.de", "pairs": 3, "both": 2, "source_only": 1, "target_only": 2},
        {"name": "dev.tsv", "pairs": 1, "both": 0, "source_only": 1, "target_only": 0}]
    assert report["problems"]["held_out"] == 6
    text = wavemt("corpus", "check", "text.en", "text.de", "--held-out", "dev.tsv",
                  cwd=texts).stdout
    assert "held out" in text and "dev.tsv" in text


def test_a_config_is_checked_corpus_by_corpus(texts):
    (texts / "more.en").write_text("a b c d\nx\n", "utf8")
    (texts / "more.de").write_text("Eins\nx\n", "utf8")
    (texts / "test.tsv").write_text("a b c d\tEins\n", "utf8")
    config = {"data": {"train": [{"name": "text", "source": "text.en", "target": "text.de"},
                                 {"name": "more", "source": "more.en", "target": "more.de",
                                  "filter": {"max_words": 3}}],
                       "valid": {"source": "more.en", "target": "more.de"},
                       "test": {"tsv": "test.tsv"}}}
    (texts / "config.json").write_text(json.dumps(config))
    first, second = check(texts / "config.json")
    assert [first["name"], second["name"]] == ["data.train (text)", "data.train (more)"]
    assert {**first["problems"], "held_out": 0} == counts()
    assert (second["source_language"], second["target_language"]) == ("en", "de")
    assert second["filter"]["max_words"] == 3 and not second["filter"]["remove_duplicates"]
    assert second["problems"]["too_long"] == 1 and second["removed"] == 2
    assert [(text["name"], text["both"]) for text in second["held_out"]] == [
        ("data.valid", 2), ("data.test", 1)]
    shown = wavemt("corpus", "check", texts / "config.json").stdout
    assert shown.startswith("data.train (text)\n23 pairs, en -> de\n"
                            "it has no filter; the usual rules would remove ")
    assert "\n\ndata.train (more)\n2 pairs, en -> de; the filter removes 2 of them" in shown


def test_a_line_is_that_of_its_file(texts):
    (texts / "more.en").write_text("good\nsame\n", "utf8")
    (texts / "more.de").write_text("gut\nsame\n", "utf8")
    config = {"data": {"train": {"source": ["text.en", "more.en"], "target": ["text.de", "more.de"]}}}
    (texts / "config.json").write_text(json.dumps(config))
    report, = check("config.json", cwd=texts)
    assert [(os.path.basename(example["file"]), example["line"])
            for example in report["examples"]["copy"]] == [("text.en", 17), ("more.en", 2)]
    shown = wavemt("corpus", "check", "config.json", cwd=texts).stdout
    assert re.search(r"\n         2  \S*more.en\n            same\n            same\n", shown)


def test_the_text_for_people_fits_a_terminal(texts):
    shown = wavemt("corpus", "check", "text.en", "text.de", cwd=texts).stdout
    assert shown.startswith("text.en text.de\n23 pairs, en -> de; the filter removes 12 of them "
                            "(52.17%)\n")
    assert max(map(len, shown.splitlines())) <= 80
    assert "  bad encoding                 3   13.04%   traces of a wrong encoding\n" in shown
    assert "a number is on one side only; kept" in shown
    assert "\x02" not in shown and "█" in shown


# What is left.

def test_kept_pairs_are_written_as_they_were(texts):
    said = filtered("text.en", "text.de", "--output", "out.en", "out.de", cwd=texts)
    assert said == ("23 pairs: 11 kept; removed: 2 blank, 3 bad encoding, 1 too long, "
                    "2 length ratio, 2 wrong script, 1 copy, 1 duplicate")
    kept = [pair for pair in PAIRS if not ALWAYS_REMOVED & set(pair[2])]
    assert lines(texts / "out.en") == [source for source, _, _ in kept]
    assert lines(texts / "out.de") == [target for _, target, _ in kept]
    again, = check("out.en", "out.de", cwd=texts)
    assert again["removed"] == 0


def test_a_tsv_line_keeps_its_columns_and_the_rejected_are_told(texts):
    filtered("text.tsv", "--tsv-columns", "2,3", "--source-language", "en", "--target-language",
             "de", "--output", "out.tsv", "--keep-rejected", "bad.tsv",
             "--remove-different-numbers", cwd=texts)
    assert lines(texts / "out.tsv") == [
        f"{number}\t{source}\t{target}" for number, (source, target, problems) in enumerate(PAIRS)
        if not problems]
    assert lines(texts / "bad.tsv") == [
        f"{problems[0]}\t{number}\t{source}\t{target}"
        for number, (source, target, problems) in enumerate(PAIRS, start=1) if problems]


def test_rules_can_be_switched_off(texts):
    said = filtered("text.en", "text.de", "--output", "out.en", "out.de", "--max-words", 0,
                    "--max-length-ratio", 0, "--min-script-share", 0, "--keep-copies",
                    "--keep-duplicates", cwd=texts)
    assert said == "23 pairs: 18 kept; removed: 2 blank, 3 bad encoding"


def test_held_out_text_is_removed(texts):
    (texts / "dev.tsv").write_text("A cat.\tnicht da\n", "utf8")
    said = filtered("text.en", "text.de", "--output", "/dev/null", "/dev/null", "--held-out",
                    "dev.tsv", cwd=texts)
    assert said.endswith("1 copy, 1 duplicate, 2 held out")


def test_a_wrong_encoding_can_be_kept(texts):
    said = filtered("text.en", "text.de", "--output", "out.en", "out.de", "--keep-bad-encoding",
                    cwd=texts)
    assert "bad encoding" not in said and said.startswith("23 pairs: 14 kept")


def test_bytes_that_are_not_utf8_are_not_kept_in_any_column(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b"one\teins\tx\ntwo\tzwei\t\xff\n")
    for arguments in ([], ["--keep-bad-encoding"]):
        said = filtered("a.tsv", "--output", "b.tsv", *arguments, cwd=tmp_path)
        assert said == "2 pairs: 1 kept; removed: 1 bad encoding"
        assert (tmp_path / "b.tsv").read_bytes() == b"one\teins\tx\n"


def test_bytes_that_are_not_utf8_are_a_bad_encoding(tmp_path):
    (tmp_path / "a.en").write_bytes(b"one\r\ntw\xf6\nthree\nf\xc3")
    (tmp_path / "a.de").write_bytes(b"eins\nzwei\n\xff\xfe drei\nvier\n")
    report, = check("a.en", "a.de", cwd=tmp_path)
    assert report["problems"]["bad_encoding"] == 3
    said = filtered("a.en", "a.de", "--output", "b.en", "b.de", "--keep-rejected", "bad.tsv",
                    cwd=tmp_path)
    assert said == "4 pairs: 1 kept; removed: 3 bad encoding"
    assert (tmp_path / "b.en").read_bytes() == b"one\n"
    assert lines(tmp_path / "bad.tsv")[0] == "bad_encoding\t2\ttw\ufffd\tzwei"


def test_a_tab_in_a_rejected_side_is_a_space(tmp_path):
    (tmp_path / "a.en").write_text("a\tb\n", "utf8")
    (tmp_path / "a.de").write_text("A B\n", "utf8")
    filtered("a.en", "a.de", "--output", "b.en", "b.de", "--keep-rejected", "bad.tsv",
             cwd=tmp_path)
    assert lines(tmp_path / "bad.tsv") == ["copy\t1\ta b\tA B"]


def test_more_threads_change_nothing(tmp_path):
    for language in ("en", "de"):
        (tmp_path / f"a.{language}").write_text(
            "".join(f"{language} {number % 9000}\n" for number in range(10_000)), "utf8")
    for threads in (1, 3):
        said = filtered("a.en", "a.de", "--output", f"{threads}.en", f"{threads}.de", "--threads",
                        threads, cwd=tmp_path)
        assert said == "10,000 pairs: 9,000 kept; removed: 1,000 duplicate"
        assert lines(tmp_path / f"{threads}.en") == [f"en {number}" for number in range(9000)]


# Mistakes.

@pytest.mark.parametrize("arguments, message", [
    (["check", "text.en"], "text.en: give a source file and a target file, or one file of both"),
    (["check", "text.en", "none.de"], "none.de: no such file"),
    (["check", "empty.tsv"], "empty.tsv: holds no text"),
    (["check", "text.en", "short.de"], "text.en has 23 lines but short.de has 1"),
    (["check", "text.en", "text.de", "--held-out", "text.en"],
     "--held-out text.en: give its target file after it"),
    (["check", "text.en", "text.de", "--held-out", ""], "--held-out"),
    (["check", "text.en", "text.de", "--tsv-columns", "1,2"], "--tsv-columns: is for a tsv file"),
    (["check", "text.tsv", "--tsv-columns", "2,2"], "--tsv-columns 2,2: must be two different"),
    (["check", "text.tsv", "--tsv-columns", "2"], "--tsv-columns 2: must be two different"),
    (["check", "--tsv-columns", "2,x", "text.tsv"], "--tsv-columns 2,x: must be two different"),
    (["check", "text.tsv", "empty.tsv"], "text.tsv: a tsv file holds both sides; give one at a time"),
    (["check", "config.json", "text.en"], "config.json: is a config; give it alone"),
    (["check", "text.en", "text.de", "--source-language", "german"],
     "--source-language german: is not a language code; a code is like de"),
    (["check", "text.en", "text.de", "--target-language", "xx"],
     "--target-language xx: the script of this language is not known"),
    (["check", "text.en", "text.de", "--max-length-ratio", "0.5"],
     "--max-length-ratio: 0.5 is no limit"),
    (["check", "text.en", "text.de", "--max-length-ratio", "nan"],
     "--max-length-ratio: nan is no limit"),
    (["check", "text.en", "text.de", "--min-script-share", "nan"],
     "--min-script-share: nan is not a share"),
    (["filter", "--output", "out.tsv", "text.tsv"], "FILES are missing; options that take several"),
    (["check", "--held-out", "empty.tsv", "text.en", "text.de"],
     "FILES are missing; options that take several files, such as --held-out and --output, come "
     "after FILES"),
    (["filter", "text.en", "text.de", "--output", "out", "./out"],
     "./out: is given as two outputs"),
    (["filter", "text.en", "text.de", "--output", "-", "-"], "-: is given as two outputs"),
    (["check", "text.tsv", "--tsv-columns", "3,4"], "text.tsv: line 1: has 3 columns, but"),
    (["check", "text.en", "text.de", "--min-script-share", "2"], "--min-script-share"),
    (["check", "none.json"], "none.json: no such file"),
    (["filter", "text.en", "text.de"], "--output is required"),
    (["filter", "text.en", "text.de", "--output", "out"],
     "--output: 1 file(s) for 2 file(s) of input; give one for each"),
    (["filter", "text.en", "text.de", "--output", "out", "out"], "out: is given as two outputs"),
    (["filter", "text.en", "text.de", "--output", "out.en", "./text.de"],
     "./text.de: is read and cannot be written as well"),
    (["filter", "text.tsv", "--output", "link.tsv"], "link.tsv: is read and cannot be written"),
    (["filter", "text.tsv", "--output", "o.tsv", "--keep-rejected", "text.tsv"],
     "text.tsv: is read and cannot be written"),
    (["filter", "text.tsv", "--output", "o.tsv", "--held-out", "empty.tsv", "--keep-rejected",
      "empty.tsv"], "empty.tsv: is read and cannot be written"),
    (["filter", "text.tsv", "--output", "out.tsv.gz"],
     "out.tsv.gz: is written as plain text; leave out .gz"),
    (["filter", "text.tsv", "--output", "none/out.tsv"], "none/out.tsv"),
    (["filter", "config.json", "--output", "out"], "config.json: is a config; give files of text"),
])
def test_mistakes_are_explained(texts, arguments, message):
    (texts / "short.de").write_text("Eins\n", "utf8")
    (texts / "empty.tsv").write_text("", "utf8")
    (texts / "config.json").write_text("{}", "utf8")
    os.symlink("text.tsv", texts / "link.tsv")
    before = {path: path.read_bytes() for path in texts.iterdir()}
    result = wavemt("corpus", *arguments, cwd=texts, check=False)
    assert result.returncode == 2
    assert f" error: {message}" in result.stderr
    assert {path: path.read_bytes() for path in texts.iterdir()} == before


def test_standard_output_is_not_written_twice(texts):
    with open(texts / "x", "wb") as file:
        result = subprocess.run([PROGRAM, "corpus", "filter", "text.en", "text.de", "--output", "-", "x"],
                                cwd=texts, stdout=file, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 2
    assert "x: is given as two outputs; use different files" in result.stderr


def test_no_output_appears_if_one_cannot_be_written(texts):
    (texts / "out.en").write_text("old\n", "utf8")
    result = wavemt("corpus", "filter", "text.en", "text.de", "--output", "out.en", "/dev/full",
                    cwd=texts, check=False)
    assert result.returncode == 1
    assert "/dev/full: cannot be written: No space left on device" in result.stderr
    assert (texts / "out.en").read_text() == "old\n"
    assert not list(texts.glob("*unfinished*"))


def test_a_full_disk_is_named(texts):
    for arguments in ([], ["--json", "--examples", 100]):
        with open("/dev/full", "w") as full:
            result = subprocess.run([PROGRAM, "corpus", "check", "text.en", "text.de", *map(str, arguments)],
                                    cwd=texts, stdout=full, stderr=subprocess.PIPE, text=True)
        assert result.returncode == 1
        assert "standard output: cannot be written: No space left on device" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_unfinished_file(tmp_path, number):
    line = " ".join(["word"] * 200)
    for language in ("en", "de"):
        (tmp_path / f"a.{language}").write_text(
            "".join(f"{language} {line} {count}\n" for count in range(100_000)), "utf8")
    process = subprocess.Popen([PROGRAM, "corpus", "filter", "a.en", "a.de", "--output", "b.en", "b.de",
                                "--threads", "1"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(tmp_path.glob("*unfinished*")):
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"stopped by signal {int(number)}: no file was written" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.de", "a.en"]


def test_a_file_that_ends_early_leaves_no_output(texts):
    (texts / "short.de").write_text("Eins\n", "utf8")
    (texts / "out.en").write_text("old\n", "utf8")
    result = wavemt("corpus", "filter", "text.en", "short.de", "--output", "out.en", "out.de",
                    cwd=texts, check=False)
    assert result.returncode == 2
    assert (texts / "out.en").read_text() == "old\n"
    assert not (texts / "out.de").exists()
    assert not list(texts.glob("*unfinished*"))
