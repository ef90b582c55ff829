"""BLEU of real text against sacreBLEU, and the lines and JSON that both print."""
import json
import subprocess
import sys

import pytest
from conftest import wavemt
from real_text import corpora, perturb, read_lines, write_lines
from sacrebleu.metrics import BLEU

TOLERANCE = 1e-9
TOKENIZERS = ("13a", "intl", "zh", "char", "none")


@pytest.fixture(params=corpora(), ids=lambda path: "/".join(path.parts[-2:]))
def pair(request, tmp_path):
    """A translation and its reference as lines and as files."""
    references = read_lines(request.param)
    hypotheses = perturb(references, seed=len(references))
    return (hypotheses, references, write_lines(tmp_path / "hypothesis", hypotheses),
            write_lines(tmp_path / "reference", references))


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_corpus_score_and_its_parts(pair, tokenizer):
    hypotheses, references, hypothesis_file, reference_file = pair
    metric = BLEU(tokenize=tokenizer)
    expected = metric.corpus_score(hypotheses, [references])
    [ours] = json.loads(wavemt("metrics", hypothesis_file, reference_file, "--tokenize", tokenizer,
                               "--json").stdout)
    assert 0 < expected.precisions[0] < 99
    assert ours["name"] == "BLEU"
    assert ours["score"] == pytest.approx(expected.score, abs=TOLERANCE)
    assert ours["signature"] == str(metric.get_signature())
    assert ours["precisions"] == pytest.approx(expected.precisions, abs=TOLERANCE)
    assert ours["counts"] == expected.counts
    assert ours["totals"] == expected.totals
    assert ours["brevity_penalty"] == pytest.approx(expected.bp, abs=TOLERANCE)
    assert (ours["hypothesis_length"], ours["reference_length"]) == (expected.sys_len,
                                                                     expected.ref_len)


def test_the_line_is_sacrebleus(pair):
    _, _, hypothesis_file, reference_file = pair
    theirs = subprocess.run([sys.executable, "-m", "sacrebleu", reference_file, "-i",
                             hypothesis_file, "--format", "text"],
                            capture_output=True, text=True, check=True).stdout
    assert wavemt("metrics", hypothesis_file, reference_file).stdout == theirs
