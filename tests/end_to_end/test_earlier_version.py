"""A run of version 0.1.0 still opens, translates to the same text and goes on.

run_of_0.1.0/ is what that version wrote: a model that knows its twenty pairs by heart, so that the
best translation of each is far ahead of the next one on every processor. translations.zh is what
that version translated text.en to.
"""
import json
import shutil
from pathlib import Path

import pytest
from conftest import metrics_of, pointed, wavemt

EARLIER = Path(__file__).parent / "run_of_0.1.0"


@pytest.fixture
def earlier(tmp_path):
    return shutil.copytree(EARLIER, tmp_path / "earlier")


def text_at(folder):
    """Where the run's text lies now, as options."""
    return [option for split in ("train", "valid") for side, language in
            (("source", "en"), ("target", "zh"))
            for option in ("--set", f"data.{split}.{side}={folder}/text.{language}")]


def test_it_translates_to_the_same_text(earlier):
    result = wavemt("translate", earlier / "run", input=(earlier / "text.en").read_text("utf8"))
    assert result.stdout == (earlier / "translations.zh").read_text("utf8")
    assert result.stderr == ""


def test_text_is_read_as_that_version_did(earlier):
    """White space was not normalized and no line was taken apart."""
    description = json.loads(wavemt("inspect", earlier / "run", "--json").stdout)
    assert description["normalize_whitespace"] is False
    assert "trained_on_several_sentences" not in description
    first, second = (earlier / "text.en").read_text("utf8").splitlines()[:2]
    both = wavemt("translate", earlier / "run", input=f"{first} {second}\n").stdout
    apart = wavemt("translate", earlier / "run", "--set", "decoding.split_sentences=always",
                   input=f"{first} {second}\n").stdout
    lines = (earlier / "translations.zh").read_text("utf8").splitlines()
    assert apart == lines[0] + lines[1] + "\n"
    assert both != apart


def test_it_evaluates(earlier):
    scores = json.loads(wavemt("evaluate", earlier / "run", "--source", earlier / "text.en",
                               "--reference", earlier / "text.zh", "--json").stdout)
    assert scores[0]["score"] == pytest.approx(100)


def test_it_goes_on_and_says_that_its_batches_are_other_ones(earlier):
    run = earlier / "run"
    result = wavemt("resume", run, "--set", "training.max_steps=1013", "--device", "cpu",
                    *text_at(earlier))
    assert f"continuing from {run}/checkpoints/step-00001003" in result.stderr
    assert f"{run}/checkpoints/step-00001003: is from a version before 0.2.0, which cut other " \
        "batches: epoch 251 begins anew" in result.stderr
    assert pointed(run, "latest").name == "step-00001013"
    assert metrics_of(run)[-1]["valid/loss"] < 0.01  # Weights and moments are where they were.
    # From here on it is a run of this version.
    said = wavemt("resume", run, "--set", "training.max_steps=1014", "--device", "cpu").stderr
    assert "begins anew" not in said
    assert pointed(run, "latest").name == "step-00001014"


def test_of_other_validation_text_nothing_is_taken_on_trust(earlier):
    """Its checkpoints do not tell what the best score was measured on."""
    train = text_at(earlier)[:4]
    (earlier / "text.en").write_text((earlier / "text.en").read_text("utf8"), "utf8")
    said = wavemt("resume", earlier / "run", "--set", "training.max_steps=1004", "--device", "cpu",
                  *train, "--set", f"data.valid.source={earlier}/text.zh",
                  "--set", f"data.valid.target={earlier}/text.en").stderr
    assert "data.valid has other files, and nothing tells whether they hold the text that the best " \
        "score, " in said
    assert pointed(earlier / "run", "best").name == "step-00001004"


def test_another_text_is_refused(earlier):
    (earlier / "text.en").write_text((earlier / "text.en").read_text().replace("bag", "box", 1))
    result = wavemt("resume", earlier / "run", "--set", "training.max_steps=1013", "--device",
                    "cpu", *text_at(earlier), check=False)
    assert result.returncode == 2
    assert "was trained on another text than data.train holds now" in result.stderr
