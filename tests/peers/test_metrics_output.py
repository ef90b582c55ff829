"""What `wavemt metrics` prints: byte for byte sacreBLEU's lines, and JSON of its own.

WAVEMT_TORTURE=1 compares every set of options in both formats, and not in one of them.
"""
import itertools
import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT, thinned, wavemt
from hard_text import hard_lines
from real_text import perturb, read_lines, write_lines
from sacrebleu.metrics import BLEU, CHRF, TER

METRICS = {"bleu": BLEU, "chrf": CHRF, "ter": TER}


def sacrebleu(references, systems, *arguments, **environment):
    result = subprocess.run([sys.executable, "-m", "sacrebleu", *map(str, references), "-i",
                             *map(str, systems), *map(str, arguments)], capture_output=True,
                            env=os.environ | environment, check=True)
    return result.stdout.decode("utf8")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A hypothesis and two references, half real text and half hard text."""
    folder = tmp_path_factory.mktemp("text")
    lines = read_lines(ROOT / "data/quickstart/test.en")[:40] + hard_lines(40, seed=1)
    return [write_lines(folder / name, perturb(lines, seed, rate) if rate else lines)
            for name, seed, rate in (("hypothesis", 1, 0.3), ("reference", 0, 0),
                                     ("reference2", 2, 0.1))]


FORMATS = [
    [],
    ["-m", "bleu,chrf,ter"],
    ["-m", "ter,bleu", "--width", 4, "--short"],
    ["-m", "bleu,chrf,ter", "--score-only"],
    ["-b", "-w", 2],
    ["--smooth-method", "floor", "--short"],
    ["--smooth-method", "add-k", "--smooth-value", 0.5, "--lowercase", "--tokenize", "intl"],
    ["--smooth-method", "none", "--tokenize", "char"],
    ["-m", "chrf", "--chrf-word-order", 2, "--chrf-beta", 3, "--chrf-char-order", 4,
     "--chrf-whitespace", "--chrf-lowercase", "--chrf-eps-smoothing", "--short"],
    ["-m", "ter", "--ter-normalized", "--ter-no-punct", "--ter-asian-support",
     "--ter-case-sensitive", "--short"],
    ["-m", "bleu,chrf,ter", "--confidence", "--confidence-n", 100],
]


@pytest.mark.parametrize(
    "form, arguments", thinned(itertools.product(["text", "json"], FORMATS), every=2),
    ids=lambda value: value if isinstance(value, str) else " ".join(map(str, value)))
def test_the_same_bytes(files, arguments, form):
    hypothesis, *references = files
    theirs = []
    for argument in arguments:  # sacreBLEU wants spaces between the names of metrics.
        theirs += argument.split(",") if "," in str(argument) else [argument]
    assert wavemt("metrics", hypothesis, *references, *arguments, "--format", form).stdout == (
        sacrebleu(references, [hypothesis], *theirs, "--format", form))


@pytest.mark.parametrize("metric", METRICS)
def test_sentences(files, metric):
    hypothesis, *references = files
    arguments = ["-m", metric, "--sentence-level", "-w", 5]
    text = wavemt("metrics", hypothesis, *references, *arguments).stdout
    assert text == sacrebleu(references, [hypothesis], *arguments)
    assert text.count("\n") == 80


def test_json_of_sentences_has_full_precision(files):
    hypothesis, *references = files
    ours = json.loads(wavemt("metrics", hypothesis, *references, "--sentence-level",
                             "--json").stdout)
    metric = BLEU(effective_order=True)
    expected = [metric.sentence_score(lines[0], lines[1:])
                for lines in zip(*[read_lines(path) for path in files])]
    assert [result["score"] for result in ours] == pytest.approx(
        [score.score for score in expected], rel=0, abs=1e-9)
    assert {result["signature"] for result in ours} == {str(metric.get_signature())}


def test_json_holds_the_parts_of_each_metric(files):
    hypothesis, *references = files
    bleu, chrf, ter = json.loads(wavemt("metrics", hypothesis, *references, "-m", "bleu,chrf,ter",
                                        "--json").stdout)
    lines = [read_lines(path) for path in files]
    score = BLEU().corpus_score(lines[0], lines[1:])
    assert list(bleu)[:3] == list(chrf)[:3] == list(ter)[:3] == ["name", "score", "signature"]
    assert (bleu["counts"], bleu["totals"]) == (score.counts, score.totals)
    assert (bleu["hypothesis_length"], bleu["reference_length"]) == (score.sys_len, score.ref_len)
    assert chrf["name"] == "chrF2"
    assert (chrf["char_order"], chrf["word_order"], chrf["beta"]) == (6, 0, 2)
    score = TER().corpus_score(lines[0], lines[1:])
    assert (ter["num_edits"], ter["reference_length"]) == (score.num_edits, score.ref_length)


def test_several_systems(files):
    hypothesis, *references = files
    arguments = ["--format", "json", "-w", 3]
    ours = json.loads(wavemt("metrics", hypothesis, references[1], "--reference", references[0],
                             "-m", "bleu,ter", *arguments).stdout)
    theirs = json.loads(sacrebleu(references[:1], [hypothesis, references[1]], "-m", "bleu", "ter",
                                  *arguments))
    assert ours == theirs


def test_absent_references(files, tmp_path):
    """An empty line is an empty reference, or with --variable-references none, as None is."""
    hypothesis, reference, _ = files
    second = [line if i % 3 else "" for i, line in enumerate(read_lines(reference))]
    second_file = write_lines(tmp_path / "second", second)
    first = [line or "x" for line in read_lines(reference)]
    first_file = write_lines(tmp_path / "first", first)
    for option, absent, nrefs in ([], "", "2"), (["--variable-references"], None, "var"):
        ours = json.loads(wavemt("metrics", hypothesis, first_file, second_file, *option, "--json",
                                 "-m", "bleu,chrf,ter").stdout)
        for result, metric in zip(ours, (BLEU(), CHRF(), TER())):
            expected = metric.corpus_score(read_lines(hypothesis),
                                           [first, [line or absent for line in second]])
            assert result["score"] == pytest.approx(expected.score, rel=0, abs=1e-9)
            assert result["signature"] == str(metric.get_signature())
            assert f"nrefs:{nrefs}|" in result["signature"]


def test_gzip_and_standard_input(files):
    import gzip
    hypothesis, reference, _ = files
    packed = reference.with_suffix(".gz")
    packed.write_bytes(gzip.compress(reference.read_bytes()))
    expected = wavemt("metrics", hypothesis, reference).stdout
    assert wavemt("metrics", "-", packed, input=hypothesis.read_text("utf8")).stdout == expected
