"""Accuracy against a metric of our own in sacreBLEU's framework: NumPy's comparison of strings, with
sacreBLEU's resampling, paired tests and signatures."""
import json
import random
import re

import numpy
import pytest
import sacrebleu
from conftest import wavemt
from hard_text import hard_lines
from real_text import write_lines
from sacrebleu.metrics.base import Metric, Score, Signature
from sacrebleu.significance import PairedTest
from test_metrics_significance import with_seed

ANSWERS = ["positive", "negative", "neutral", "yes, of course", "", "  两个 字 ", "é"]


class AccuracySignature(Signature):
    def __init__(self, args):
        super().__init__(args)
        self._abbr.update({"case": "c", "space": "sp"})
        self.info.update({"case": "mixed", "space": "stripped"})


class AccuracyMetric(Metric):
    _SIGNATURE_TYPE = AccuracySignature

    def __init__(self):
        super().__init__()

    def _preprocess_segment(self, sent):
        return sent.strip()

    def _compute_segment_statistics(self, hypothesis, ref_kwargs):
        return [int(hypothesis in ref_kwargs["refs"]), 1]

    def _extract_reference_info(self, refs):
        return {"refs": refs}

    def _compute_score_from_stats(self, stats):
        return Score("Accuracy", 100.0 * (stats[0] / stats[1]) if stats[1] else 0.0)

    def _aggregate_and_compute(self, stats):
        return self._compute_score_from_stats(numpy.array(stats).sum(axis=0).tolist())


def answers(seed, size, right):
    """Lines of answers, `right` of them as in the references, and white space around some."""
    draw = random.Random(seed)
    references = [draw.choice(ANSWERS) for _ in range(size)]
    return references, [
        draw.choice(["", " ", "\t"]) + (line if draw.random() < right else draw.choice(ANSWERS)) +
        draw.choice(["", " ", "\u3000"]) for line in references]


@pytest.fixture(scope="module", params=["answers", "all right", "hard"])
def text(request, tmp_path_factory):
    """Two references and three systems, as lines and as files."""
    folder = tmp_path_factory.mktemp("text")
    if request.param == "hard":
        references = hard_lines(60, seed=11)
        systems = [[line if index % divisor else "" for index, line in enumerate(references)]
                   for divisor in (2, 3, 7)]
    else:
        references, _ = answers(1, 200, 1)
        right = (1, 1, 1) if request.param == "all right" else (0.7, 0.72, 0.9)
        systems = [answers(1, 200, share)[1] for share in right]
    draw = random.Random(2)
    others = [draw.choice(ANSWERS) for _ in references]
    return ([references, others], systems,
            [write_lines(folder / f"reference{i}", lines)
             for i, lines in enumerate([references, others])],
            [write_lines(folder / f"system{i}", lines) for i, lines in enumerate(systems)])


def test_score_and_interval(text, monkeypatch):
    environment = with_seed("7", monkeypatch)
    references, systems, reference_files, system_files = text
    for lines, file in zip(systems, system_files):
        metric = AccuracyMetric()
        expected = metric.corpus_score(lines, references, n_bootstrap=300)
        ours = json.loads(wavemt("metrics", file, *reference_files, "-m", "accuracy", "--json",
                                 "--confidence", "--confidence-n", 300, env=environment).stdout)[0]
        assert ours["name"] == "Accuracy"
        assert ours["score"] == expected.score == 100 * numpy.mean(
            [line.strip() in (first.strip(), second.strip())
             for line, first, second in zip(lines, *references)])
        assert ours["confidence_mean"] == pytest.approx(float(expected._mean), rel=0, abs=1e-9)
        assert ours["confidence_var"] == pytest.approx(float(expected._ci), rel=0, abs=1e-9)
        assert ours["signature"] == str(metric.get_signature())
        assert ours["num_correct"] / ours["num_lines"] == pytest.approx(expected.score / 100)


@pytest.mark.parametrize("test, samples", [("bs", 300), ("ar", 400)])
def test_paired(text, test, samples, monkeypatch):
    environment = with_seed("12", monkeypatch)
    references, systems, reference_files, system_files = text
    _, expected = PairedTest(list(zip(system_files, systems)), {"Accuracy": AccuracyMetric()},
                             references, test_type=test, n_samples=samples)()
    ours = json.loads(wavemt("metrics", *system_files, "--reference", *reference_files, "-m",
                             "accuracy", "--json", f"--paired-{test}", f"--paired-{test}-n",
                             samples, env=environment).stdout)
    for result, other in zip(ours, expected["Accuracy"], strict=True):
        assert result["score"] == other.score
        if result["p_value"] is None:
            assert other.p_value is None
        else:
            assert result["p_value"] == pytest.approx(other.p_value, rel=0, abs=1e-12)


def test_sentences_and_their_text(text):
    references, systems, reference_files, system_files = text
    lines = wavemt("metrics", system_files[0], *reference_files, "-m", "accuracy",
                   "--sentence-level").stdout.splitlines()
    assert len(lines) == len(systems[0])
    for shown, line, first, second in zip(lines, systems[0], *references):
        right = line.strip() in (first.strip(), second.strip())
        assert re.fullmatch(rf"Accuracy\|nrefs:2\|case:mixed\|space:stripped\|version:"
                            rf"{re.escape(sacrebleu.__version__)} = "
                            rf"{'100.0' if right else '0.0'} \({int(right)} of 1\)", shown), shown
