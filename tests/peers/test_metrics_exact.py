"""BLEU, chrF and TER of many random systems against sacreBLEU, with random options.

A quick sample by default; WAVEMT_LONG_TESTS=2000 (or any number of systems) for a thorough run.
"""
import json
import os
import random

import pytest
from conftest import wavemt
from hard_text import damage, hard_line, long_line
from real_text import corpora, read_lines, write_lines
from sacrebleu.metrics import BLEU, CHRF, TER

TOLERANCE = 1e-9
SYSTEMS_A_GROUP = 20
NUM_SYSTEMS = int(os.environ.get("WAVEMT_LONG_TESTS", "200"))


def some_real_lines(rng, count):
    lines = [line for line in read_lines(rng.choice(corpora())) if len(line) < 90]
    begin = rng.randrange(len(lines) - count)
    return lines[begin:begin + count]


def random_options(rng):
    """sacreBLEU's metrics with random options, and the same as arguments."""
    flags = {name: rng.random() < 0.4 for name in (
        "lowercase", "effective_order", "whitespace", "eps_smoothing", "chrf_lowercase",
        "normalized", "no_punct", "asian_support", "case_sensitive")}
    tokenize = rng.choice(["13a", "13a", "intl", "zh", "char", "none"])
    smooth_method = rng.choice(["exp", "exp", "floor", "add-k", "none"])
    smooth_value = rng.choice([None, 0.01, 0.5, 1.0, 2.75])
    if smooth_method in ("exp", "none"):
        smooth_value = None
    char_order, word_order = rng.choice([(6, 0), (6, 2), (6, 2), (1, 0), (4, 1), (9, 3), (0, 2)])
    beta = rng.choice([2, 2, 1, 0, 3])
    metrics = [
        BLEU(tokenize=tokenize, lowercase=flags["lowercase"], smooth_method=smooth_method,
             smooth_value=smooth_value, effective_order=flags["effective_order"]),
        CHRF(char_order=char_order, word_order=word_order, beta=beta,
             lowercase=flags["chrf_lowercase"], whitespace=flags["whitespace"],
             eps_smoothing=flags["eps_smoothing"]),
        TER(normalized=flags["normalized"], no_punct=flags["no_punct"],
            asian_support=flags["asian_support"], case_sensitive=flags["case_sensitive"]),
    ]
    arguments = ["--tokenize", tokenize, "--smooth-method", smooth_method,
                 "--chrf-char-order", char_order, "--chrf-word-order", word_order,
                 "--chrf-beta", beta]
    if smooth_value is not None:
        arguments += ["--smooth-value", smooth_value]
    names = {"lowercase": "--lowercase", "effective_order": "--effective-order",
             "whitespace": "--chrf-whitespace", "eps_smoothing": "--chrf-eps-smoothing",
             "chrf_lowercase": "--chrf-lowercase", "normalized": "--ter-normalized",
             "no_punct": "--ter-no-punct", "asian_support": "--ter-asian-support",
             "case_sensitive": "--ter-case-sensitive"}
    return metrics, arguments + [option for name, option in names.items() if flags[name]]


def random_references(rng):
    """One to three lists of lines, some empty, and whether an empty line is no reference."""
    num_segments = rng.choice([1, 2, 5, 8])
    if rng.random() < 0.4:
        first = some_real_lines(rng, num_segments)
    else:
        first = [hard_line(rng) for _ in range(num_segments)]
    references = [first]
    for _ in range(rng.choice([0, 0, 1, 2])):
        references.append([damage(line, rng) if rng.random() < 0.8 else "" for line in first])
    variable = rng.random() < 0.3
    if variable:
        references[0] = [line or "x" for line in references[0]]
    return references, variable


def explain(system, references, arguments):
    return f"options {arguments}\nhypotheses {system!r}\nreferences {references!r}"


@pytest.mark.parametrize("group", range((NUM_SYSTEMS + SYSTEMS_A_GROUP - 1) // SYSTEMS_A_GROUP))
def test_random_systems(group, tmp_path):
    rng = random.Random(group)
    metrics, arguments = random_options(rng)
    references, variable = random_references(rng)
    systems = [[damage(line, rng) for line in references[0]] for _ in range(SYSTEMS_A_GROUP)]

    files = [write_lines(tmp_path / f"system{i}", lines) for i, lines in enumerate(systems)]
    reference_files = [write_lines(tmp_path / f"reference{i}", lines)
                       for i, lines in enumerate(references)]
    ours = json.loads(wavemt("metrics", *files, "--reference", *reference_files, "--json",
                             "--metrics", "bleu,chrf,ter", *arguments,
                             *(["--variable-references"] if variable else [])).stdout)
    if variable:
        references = [[line or None for line in lines] for lines in references]
    for i, system in enumerate(systems):
        for metric, result in zip(metrics, ours[3 * i:3 * i + 3]):
            expected = metric.corpus_score(system, references)
            where = explain(system, references, arguments)
            assert result["system"] == str(files[i])
            assert result["name"] == expected.name
            assert result["score"] == pytest.approx(expected.score, rel=0, abs=TOLERANCE), where
            assert result["signature"] == str(metric.get_signature()), where


@pytest.mark.parametrize("seed", range(3))
def test_very_long_lines(seed, tmp_path):
    """10,000 words; sacreBLEU's TER cannot hold such a line (its table has 10,000^2 entries)."""
    rng = random.Random(seed)
    references = [long_line(rng, 10_000), hard_line(rng)]
    hypotheses = [damage(references[0], rng), long_line(rng, 10_000)]
    metrics = [BLEU(tokenize="intl"), CHRF(word_order=2)]
    ours = json.loads(wavemt("metrics", write_lines(tmp_path / "hypothesis", hypotheses),
                             write_lines(tmp_path / "reference", references), "--json",
                             "--metrics", "bleu,chrf,ter", "--tokenize", "intl",
                             "--chrf-word-order", 2).stdout)
    for metric, result in zip(metrics, ours):
        expected = metric.corpus_score(hypotheses, [references])
        assert result["score"] == pytest.approx(expected.score, rel=0, abs=TOLERANCE)
    assert ours[2]["num_edits"] > 0


@pytest.mark.parametrize("num_words", [60, 120])
def test_ter_of_long_lines(num_words, tmp_path):
    """Long enough for the search for moves to meet each of its limits."""
    rng = random.Random(num_words)
    references = [" ".join(rng.choices("a b c d e f g h".split(), k=num_words)),
                  long_line(rng, num_words), long_line(rng, num_words),
                  long_line(rng, 3), long_line(rng, 4 * num_words)]
    hypotheses = [" ".join(rng.sample(references[0].split(), num_words)),
                  damage(references[1], rng), long_line(rng, num_words // 2),
                  long_line(rng, 4 * num_words), long_line(rng, 3)]
    [ours] = json.loads(wavemt("metrics", write_lines(tmp_path / "hypothesis", hypotheses),
                               write_lines(tmp_path / "reference", references), "--json",
                               "--metrics", "ter").stdout)
    expected = TER().corpus_score(hypotheses, [references])
    assert ours["num_edits"] == expected.num_edits
    assert ours["score"] == pytest.approx(expected.score, rel=0, abs=TOLERANCE)


def test_ter_finds_runs_as_far_and_as_long_as_sacrebleu(tmp_path):
    """A run of words moved by 45 to 55 places, and runs of 8 to 12 words."""
    words = [f"w{i}" for i in range(120)]
    references, hypotheses = [], []
    for distance, length in [(d, 2) for d in range(45, 56)] + [(15, n) for n in range(8, 13)]:
        run, rest = words[20:20 + length], words[:20] + words[20 + length:]
        moved = rest[:20 + distance] + run + rest[20 + distance:]
        for hypothesis, reference in ((moved, words), (words, moved)):
            hypotheses.append(" ".join(hypothesis))
            references.append(" ".join(reference))
    ours = json.loads(wavemt("metrics", write_lines(tmp_path / "hypothesis", hypotheses),
                             write_lines(tmp_path / "reference", references), "--json",
                             "--metrics", "ter", "--sentence-level").stdout)
    expected = [TER().sentence_score(h, [r]) for h, r in zip(hypotheses, references)]
    assert [score["num_edits"] for score in ours] == [score.num_edits for score in expected]
    assert {1, 4} <= {score.num_edits for score in expected}


def test_ter_normalizes_references_twice(tmp_path):
    """As sacreBLEU does: the second time, "it's ." is no longer "it's." and loses its "'s"."""
    lines = ["it's. a b", "&amp;amp;quot; x", "he's, she's."]
    [ours] = json.loads(wavemt("metrics", write_lines(tmp_path / "hypothesis", lines),
                               write_lines(tmp_path / "reference", lines), "--json", "--metrics",
                               "ter", "--ter-normalized").stdout)
    expected = TER(normalized=True).corpus_score(lines, [lines])
    assert (ours["num_edits"], ours["reference_length"]) == (expected.num_edits,
                                                             expected.ref_length)
    assert ours["num_edits"] > 0
