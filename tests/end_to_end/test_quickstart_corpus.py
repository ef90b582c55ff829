"""data/quickstart is what scripts/make_quickstart_corpus.py writes, and keeps its promises."""
import re
import subprocess
import sys
from collections import Counter

import pytest
from conftest import ROOT

CORPUS = ROOT / "data/quickstart"
SPLITS = ("train", "valid", "test")


def lines(split, language):
    text = (CORPUS / f"{split}.{language}").read_bytes().decode("utf8")
    assert text.endswith("\n") and "\r" not in text
    return text[:-1].split("\n")


@pytest.fixture(scope="module")
def pairs():
    """The (source, target) pairs of each split."""
    corpus = {}
    for split in SPLITS:
        sources, targets = lines(split, "en"), lines(split, "zh")
        assert len(sources) == len(targets), split
        corpus[split] = list(zip(sources, targets))
    return corpus


def words(sentence):
    return re.findall(r"[a-z]+|'s", sentence.lower())


def test_generator_writes_the_same_bytes(tmp_path):
    # A random hash seed would show an order that comes from a set.
    subprocess.run([sys.executable, ROOT / "scripts/make_quickstart_corpus.py", "--output", tmp_path],
                   check=True, capture_output=True, env={"PYTHONHASHSEED": "random"})
    names = {f"{split}.{language}" for split in SPLITS for language in ("en", "zh")}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert {path.name for path in CORPUS.iterdir()} == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (CORPUS / name).read_bytes(), name


def test_size(pairs):
    assert 5000 <= sum(map(len, pairs.values())) <= 10000
    assert len(pairs["valid"]) >= 200 and len(pairs["test"]) >= 200


@pytest.mark.parametrize("split", ["valid", "test"])
def test_held_out_sentences_are_not_in_train(pairs, split):
    for side in (0, 1):
        train = {pair[side] for pair in pairs["train"]}
        assert not train & {pair[side] for pair in pairs[split]}


def test_no_source_occurs_twice(pairs):
    # So that none has two translations either.
    counts = Counter(source for split in SPLITS for source, _ in pairs[split])
    assert [source for source, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("split", ["valid", "test"])
def test_held_out_words_and_characters_are_in_train(pairs, split):
    seen = Counter()
    for source, target in pairs["train"]:
        seen.update({*words(source), *target})
    for source, target in pairs[split]:
        assert [unit for unit in (*words(source), *target) if seen[unit] < 10] == [], source


def test_writing(pairs):
    for split in SPLITS:
        for source, target in pairs[split]:
            assert re.fullmatch(r"[A-Z][A-Za-z', ]*[.?]", source) and "  " not in source, source
            # Chinese characters and full-width punctuation, no spaces, Latin letters or digits.
            assert re.fullmatch("[一-鿿，]+[。？]", target), target
            assert (source[-1], target[-1]) in ((".", "。"), ("?", "？")), (source, target)


def test_english_agrees(pairs):
    """What a slip in the grammar's morphology would leave."""
    slips = re.compile(r"\b(a [aeiou]|an (?!hour)[^aeiou]|(he|she) (do|have|are|am|like|want|go)\b"
                       r"|(they|we) (does|has|is|am|likes|wants|goes)\b|i (is|are|has|does)\b)")
    for split in SPLITS:
        for source, _ in pairs[split]:
            if not source.endswith("?"):  # does he like, are they
                assert not slips.search(source.lower()), source


def test_chinese_measure_words(pairs):
    """Two of a thing is 两, and a thing has one measure word."""
    measures = {"书": "本", "猫": "只", "汽车": "辆", "大衣": "件", "雨伞": "把", "票": "张", "信": "封"}
    counted = re.compile("(?<!星期)([一两三四五六七八九十])(.)(%s)" % "|".join(measures))
    found = set()
    for split in SPLITS:
        for _, target in pairs[split]:
            assert not re.search("(?<!十)二[本只辆件把张封个条双台部支杯瓶碗块匹]", target), target
            for _, measure, noun in counted.findall(target):
                assert measure == measures[noun], target
                found.add(noun)
    assert found == set(measures)
