"""What each tokenizer does with each character of Unicode, against sacreBLEU.

By default one in fifty ideographs and syllables and one in five hundred characters that nobody has
assigned; WAVEMT_LONG_TESTS takes every one.
"""
import json
import os
import sys
import unicodedata

import pytest
from conftest import wavemt
from real_text import write_lines
from sacrebleu.metrics import BLEU, CHRF, TER



def characters(newer):
    """`newer`: those that this Python's Unicode (14 in Python 3.11) does not know as well."""
    everything = "WAVEMT_LONG_TESTS" in os.environ
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        category = unicodedata.category(character)
        if character == "\n" or category == "Cs" or (category == "Cn" and not newer):
            continue
        common = unicodedata.name(character, "").startswith(
            ("CJK UNIFIED", "HANGUL SYLLABLE", "TANGUT", "EGYPTIAN", "CUNEIFORM"))
        thinning = 500 if category in ("Cn", "Co") else 50 if common else 1
        if everything or code % thinning == 0:
            yield character


def lines_of(portions, pattern):
    """Each character alone between letters, digits, spaces and its own kind."""
    return ["~ " + " ".join(pattern.format(c) for c in portion) for portion in portions]


def compare(metric, characters_, tmp_path, *options):
    """The counts of each line, which differ where the words differ."""
    size = 16
    if isinstance(metric, TER):  # sacreBLEU's takes long for long lines, and for many.
        size = 2
        everything = "WAVEMT_LONG_TESTS" in os.environ
        characters_ = [c for c in characters_ if unicodedata.category(c) not in ("Cn", "Co")
                       and (everything or not c.isalpha() or ord(c) % 8 == 0)]
    portions = [characters_[i:i + size] for i in range(0, len(characters_), size)]
    hypotheses = lines_of(portions, "a{0}b 1{0}2 1{0}b {0}{0} Σ{0} Σ{0}Σ {0}")
    references = lines_of(portions, "a {0} b 1 {0} 2 1{0} b {0} {0} σ{0} σ{0}ς")
    ours = json.loads(wavemt("metrics", write_lines(tmp_path / "hypothesis", hypotheses),
                             write_lines(tmp_path / "reference", references), *options, "--json",
                             "--sentence-level").stdout)
    assert len(ours) == len(hypotheses) > 100
    wrong = []
    for i, result in enumerate(ours):
        # sacreBLEU's command line takes trailing space off.
        expected = metric.sentence_score(hypotheses[i].rstrip(), [references[i].rstrip()])
        if abs(result["score"] - expected.score) > 1e-9 or (
                isinstance(metric, BLEU) and result["totals"] != expected.totals):
            wrong.append([f"U+{ord(c):04X}" for c in portions[i]])
    assert wrong == []


@pytest.mark.parametrize("tokenizer", ["13a", "zh", "char", "none"])
def test_bleu_tokenizers(tokenizer, tmp_path):
    compare(BLEU(tokenize=tokenizer, effective_order=True), list(characters(newer=True)), tmp_path,
            "--tokenize", tokenizer)


def test_intl_by_general_category(tmp_path):
    """Newer characters have a category in sacreBLEU's regex, but not in every ICU."""
    compare(BLEU(tokenize="intl", effective_order=True), list(characters(newer=False)), tmp_path,
            "--tokenize", "intl")


def test_lower_case(tmp_path):
    compare(BLEU(tokenize="none", lowercase=True, effective_order=True),
            list(characters(newer=False)), tmp_path, "--tokenize", "none", "--lowercase")


def test_chrf_spaces_and_punctuation(tmp_path):
    compare(CHRF(word_order=2), list(characters(newer=True)), tmp_path, "--metrics", "chrf",
            "--chrf-word-order", 2)


@pytest.mark.parametrize("options", [{}, {"normalized": True, "asian_support": True},
                                     {"no_punct": True, "asian_support": True}])
def test_ter_tokenizer(options, tmp_path):
    compare(TER(case_sensitive=True, **options), list(characters(newer=True)), tmp_path,
            "--metrics", "ter", "--ter-case-sensitive",
            *["--ter-" + name.replace("_", "-") for name in options])
