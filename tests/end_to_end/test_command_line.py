"""What was typed is what counts, and what messages show."""
import os
import re

import pytest
from conftest import wavemt, write_config
from terminal import said_to_terminal


@pytest.mark.parametrize("value, colors", [(None, True), ("", True), ("1", False), ("0", False)])
def test_no_color(value, colors):
    """https://no-color.org: set to anything but an empty text, it switches colours off."""
    said = said_to_terminal("translate", "missing", **({} if value is None else {"NO_COLOR": value}))
    assert "missing: no such run or checkpoint" in said
    assert (re.search("\x1b\\[[0-9;]*m", said) is not None) == colors


def test_the_run_dir_that_was_typed_last(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus)
    for options, last in [(["--run-dir", "a", "--set", "run_dir=b"], "b"),
                          (["--set", "run_dir=b", "--run-dir", "a"], "a")]:
        said = wavemt("train", config, "--dry-run", *options, cwd=tmp_path).stderr
        assert f"the run would be in {tmp_path}/{last}\n" in said


def test_an_option_takes_one_value(corpus, trained_run, tmp_path):
    """Wherever it stands, and whatever stands behind it."""
    config = write_config(tmp_path / "config.json", corpus)
    for arguments in (["--run-dir", "a", config, "--dry-run"], ["--set", "run_dir=a", config,
                                                               "--dry-run"]):
        said = wavemt("train", *arguments, cwd=tmp_path).stderr
        assert f"the run would be in {tmp_path}/a\n" in said
    said = wavemt("train", config, "--run-dir", "[]", "--dry-run", cwd=tmp_path).stderr
    assert f"the run would be in {tmp_path}/[]\n" in said
    for option in ("--beam-size", "--n-best", "--length-penalty"):
        wavemt("translate", option, "1", trained_run, "--device", "cpu", input="A line.\n")
        result = wavemt("translate", trained_run, option, "1", "2", check=False, input="A line.\n")
        assert result.returncode == 2
        assert "not expected: 2" in result.stderr


def test_dry_run_tells_how_full_the_batches_are(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, training={"batch_tokens": 1024})
    said = wavemt("train", config, "--dry-run").stderr
    full, padding = map(float, re.search(
        r"batches: about \d+ an epoch of at most 1,024 target tokens, ([\d.]+)% full, ([\d.]+)% padding",
        said).groups())
    assert 50 < full <= 100 and 0 < padding < 30


@pytest.mark.parametrize("columns, counts", [
    (None, "300 pairs: 300 used"), ("[1, 2]", "300 pairs: 300 used"),
    ("[2, 1]", "300 pairs: 300 used"), ("[3, 4]", "300 pairs: 300 used")])
def test_tsv_columns(corpus, tmp_path, columns, counts):
    sides = [(corpus / f"train.{language}").read_text("utf8").splitlines()
             for language in ("en", "zh")]
    (tmp_path / "text.tsv").write_text(
        "".join(f"{source}\t{target}\t{source}\t{target}\tCC-BY\n" for source, target in zip(*sides)),
        "utf8")
    config = write_config(tmp_path / "config.json", corpus,
                          data={"train": {"source": [], "target": [], "tsv": "text.tsv"}})
    options = [] if columns is None else ["--set", f"data.train.tsv_columns={columns}"]
    said = wavemt("train", config, "--dry-run", *options).stderr
    assert f"data.train: {counts}\n" in said
    taken = " and ".join((columns or "[1, 2]").strip("[]").split(", "))
    assert f"data.train: of its tsv files only columns {taken} are read" in said


@pytest.mark.parametrize("columns, message", [
    ("[1, 6]", "text.tsv: line 1: has 3 columns, but source and target are columns 1 and 6"),
    ("[1, 2]", "text.tsv: line 4: has 4 columns where the first line has 3; is a tab in the text?"),
    ("[1, 1]", "must be two different columns, counted from 1"),
    ("[0, 1]", "must be two different columns, counted from 1"),
    ("[1]", "must be two different columns, counted from 1"),
    ("1", "1 is not a list in brackets [...]"),
    ("[1, 2.5]", "2.5 is not a whole number")])
def test_tsv_columns_that_are_not_there(corpus, tmp_path, columns, message):
    (tmp_path / "text.tsv").write_text("a\tb\tc\n\nd\te\ng\th\ti\tj\n")
    config = write_config(tmp_path / "config.json", corpus,
                          data={"train": {"source": [], "target": [], "tsv": "text.tsv"}})
    result = wavemt("train", config, "--dry-run", "--set", f"data.train.tsv_columns={columns}",
                    check=False)
    assert result.returncode == 2
    assert message in result.stderr


def test_evaluate_says_which_columns_it_reads(trained_run, corpus, tmp_path):
    sides = [(corpus / f"test.{language}").read_text("utf8").splitlines() for language in ("en", "zh")]
    (tmp_path / "test.tsv").write_text(
        "".join(f"id\t{source}\t{target}\n" for source, target in zip(*sides)), "utf8")
    result = wavemt("evaluate", trained_run, "--set", "data.test.source=", "--set",
                    "data.test.target=", "--set", f"data.test.tsv={tmp_path}/test.tsv", "--set",
                    "data.test.tsv_columns=[2, 3]")
    assert result.stdout == wavemt("evaluate", trained_run).stdout
    assert "data.test: of its tsv files only columns 2 and 3 are read" in result.stderr


def test_blank_tsv_lines_are_counted(corpus, tmp_path):
    sides = [(corpus / f"train.{language}").read_text("utf8").splitlines()
             for language in ("en", "zh")]
    (tmp_path / "text.tsv").write_text(
        "\n".join(map("\t".join, zip(*sides))) + "\n\n \t\n\n", "utf8")
    config = write_config(tmp_path / "config.json", corpus,
                          data={"train": {"source": [], "target": [], "tsv": "text.tsv"}})
    said = wavemt("train", config, "--dry-run").stderr
    assert "data.train: 303 pairs: 300 used, 3 skipped with a blank side\n" in said
    assert "only columns" not in said
