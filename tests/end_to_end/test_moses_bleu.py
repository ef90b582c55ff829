"""scripts/moses_bleu.py: what it compares is lower-cased and in words of Moses."""
import gzip
import subprocess
import sys

import pytest
import sacrebleu
from conftest import ROOT


def moses_bleu(translations, references, language="de"):
    return subprocess.run([sys.executable, ROOT / "scripts/moses_bleu.py", translations, references,
                           language], capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def references(tmp_path):
    path = tmp_path / "references.gz"
    path.write_bytes(gzip.compress("Der Hund läuft, er \"bellt\".\nZwei Katzen schlafen am Tag.\n".encode()))
    return path


def test_case_and_spaces_before_punctuation_do_not_count(tmp_path, references):
    same = tmp_path / "same"
    same.write_text('der hund läuft , er "bellt" .\nzwei Katzen schlafen am tag .\n', "utf8")
    result = moses_bleu(same, references)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("100.00 ")
    assert "case:lc" in result.stdout and "tok:none" in result.stdout


def test_the_score_is_that_of_sacrebleu_for_words_by_hand(tmp_path, references):
    other = tmp_path / "other"
    other.write_text('Der Hund rennt, er bellt.\nZwei Katzen schlafen am Abend.\n', "utf8")
    # Moses writes a quotation mark as an entity.
    expected = sacrebleu.corpus_bleu(
        ["der hund rennt , er bellt .", "zwei katzen schlafen am abend ."],
        [["der hund läuft , er &quot; bellt &quot; .", "zwei katzen schlafen am tag ."]],
        tokenize="none", force=True).score
    assert moses_bleu(other, references).stdout.startswith(f"{expected:.2f} ")


def test_text_that_does_not_go_together_is_refused(tmp_path, references):
    short = tmp_path / "short"
    short.write_text("Ein Hund.\n", "utf8")
    result = moses_bleu(short, references)
    assert result.returncode == 1
    assert f"{short} has 1 lines, {references} has 2" in result.stderr
    empty, cut = tmp_path / "empty", tmp_path / "cut.gz"
    empty.write_bytes(b"")
    cut.write_bytes(references.read_bytes()[:-12])
    for path in (tmp_path / "none", empty, cut):
        result = moses_bleu(path, references)
        assert result.returncode == 1
        assert str(path) in result.stderr and "Traceback" not in result.stderr
    assert "german: Moses has no rules" in moses_bleu(references, references, "german").stderr
