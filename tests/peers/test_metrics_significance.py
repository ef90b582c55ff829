"""Confidence intervals and paired tests: sacreBLEU's draws, hence its numbers.

WAVEMT_TORTURE=1 takes every set of options for both paired tests.
"""
import json
import os
import random

import pytest
from conftest import ROOT, thinned, wavemt
from hard_text import damage, hard_lines
from real_text import corpora, perturb, read_lines, write_lines
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest

TOLERANCE = 1e-9
OPTIONS = {
    "defaults": (dict(), dict(), dict(), []),
    "smoothed": (dict(smooth_method="add-k", smooth_value=0.75), dict(word_order=2, beta=1),
                 dict(normalized=True),
                 ["--smooth-method", "add-k", "--smooth-value", 0.75, "--chrf-word-order", 2,
                  "--chrf-beta", 1, "--ter-normalized"]),
    "epsilon": (dict(smooth_method="floor", effective_order=True, tokenize="char"),
                dict(eps_smoothing=True), dict(no_punct=True),
                ["--smooth-method", "floor", "--effective-order", "--tokenize", "char",
                 "--chrf-eps-smoothing", "--ter-no-punct"]),
}


def metrics_of(name):
    bleu, chrf, ter, arguments = OPTIONS[name]
    return [BLEU(**bleu), CHRF(**chrf), TER(**ter)], ["-m", "bleu,chrf,ter", "--json", *arguments]


def with_seed(seed, monkeypatch):
    """Sets sacreBLEU's seed for both; returns the environment for our program."""
    if seed is None:
        monkeypatch.delenv("SACREBLEU_SEED", raising=False)
    else:
        monkeypatch.setenv("SACREBLEU_SEED", seed)
    return dict(os.environ)


@pytest.fixture(scope="module", params=["real", "hard", "one segment", "alike"])
def text(request, tmp_path_factory):
    """References (one or three files) and systems, as lines and as files."""
    folder = tmp_path_factory.mktemp("text")
    if request.param == "hard":
        lines = hard_lines(60, seed=5)
        rng = random.Random(6)
        references = [lines] + [[damage(line, rng) for line in lines] for _ in range(2)]
        systems = [[damage(line, rng) for line in lines] for _ in range(3)]
    else:
        path = corpora()[-1] if request.param == "real" else ROOT / "data/quickstart/test.en"
        lines = read_lines(path)[:1 if request.param == "one segment" else 300]
        references = [lines]
        systems = [perturb(lines, 1, 0.30), perturb(lines, 2, 0.31), perturb(lines, 3, 0.5)]
        if request.param == "alike":  # Few differences: many ties between resampled corpora.
            systems[1] = systems[2][:4] + systems[0][4:]
            systems[2] = list(systems[0])
    return (references, systems,
            [write_lines(folder / f"reference{i}", lines) for i, lines in enumerate(references)],
            [write_lines(folder / f"system{i}", lines) for i, lines in enumerate(systems)])


@pytest.mark.parametrize("options, seed", [("defaults", None), ("smoothed", "0"),
                                           ("epsilon", "9876543210123")])
def test_confidence(text, options, seed, monkeypatch):
    environment = with_seed(seed, monkeypatch)
    references, systems, reference_files, system_files = text
    metrics, arguments = metrics_of(options)
    ours = json.loads(wavemt("metrics", system_files[0], *reference_files, "--confidence",
                             "--confidence-n", 200, *arguments, env=environment).stdout)
    for metric, result in zip(metrics, ours):
        expected = metric.corpus_score(systems[0], references, n_bootstrap=200)
        assert result["score"] == pytest.approx(expected.score, rel=0, abs=TOLERANCE)
        assert result["confidence_mean"] == pytest.approx(float(expected._mean), rel=0,
                                                          abs=TOLERANCE)
        assert result["confidence_var"] == pytest.approx(float(expected._ci), rel=0, abs=TOLERANCE)
        assert result["signature"] == str(metric.get_signature())


# sacreBLEU's paired tests take a seed of 0 for none.
@pytest.mark.parametrize("test, samples, options, seed", thinned(
    [(*test, *options) for test in [("bs", 300), ("ar", 400)] for options in [
        ("defaults", None), ("smoothed", "9876543210123"), ("epsilon", "1")]], every=2))
def test_paired(text, options, seed, test, samples, monkeypatch):
    environment = with_seed(seed, monkeypatch)
    references, systems, reference_files, system_files = text
    metrics, arguments = metrics_of(options)
    names = ["Baseline: " + str(system_files[0]), *map(str, system_files[1:])]
    signatures, expected = PairedTest(list(zip(names, systems)),
                                      {metric.__class__.__name__: metric for metric in metrics},
                                      references, test_type=test, n_samples=samples)()
    option = "--paired-bootstrap" if test == "bs" else "--paired-approximate-randomization"
    ours = json.loads(wavemt("metrics", *system_files, "--reference", *reference_files, option,
                             f"--paired-{test}-n", samples, *arguments, env=environment).stdout)
    assert len(ours) == 9
    for i, result in enumerate(ours):
        theirs = expected[result["name"]][i // 3]
        assert result["system"] == expected["System"][i // 3]
        assert result["signature"] == str(signatures[result["name"]])
        assert result["score"] == pytest.approx(theirs.score, rel=0, abs=TOLERANCE)
        assert result["p_value"] == theirs.p_value
        if test == "bs":
            assert result["mean"] == pytest.approx(float(theirs.mean), rel=0, abs=TOLERANCE)
            assert result["ci"] == pytest.approx(float(theirs.ci), rel=0, abs=TOLERANCE)


def test_the_table(text):
    references, systems, reference_files, system_files = text
    result = wavemt("metrics", *system_files, "--reference", *reference_files, "--paired-bootstrap",
                    "--paired-bs-n", 50).stdout
    [p_value] = [r["p_value"] for r in json.loads(wavemt(
        "metrics", *system_files[:2], "--reference", *reference_files, "--paired-bootstrap",
        "--paired-bs-n", 50, "--json").stdout) if r["p_value"] is not None]
    row = next(line for line in result.splitlines() if line.startswith(str(system_files[1])))
    assert f"(p = {p_value:.4f})" in row
    assert "nrefs:" in result.splitlines()[-1]
