"""Lines of several sentences, and what else is longer than what a model has learned."""
import json
import re
import unicodedata

import pytest
from conftest import metrics_of, wavemt, write_config

FIRST, SECOND, THIRD = "She has a cat.", "He is a doctor.", "Those are new books."


def translate(run, text, *options):
    return wavemt("translate", run, *options, input=text)


def profile_of(run):
    return json.loads((run / "corpus.json").read_text())


@pytest.fixture(scope="module")
def alone(trained_run):
    """The translations of the three sentences."""
    return translate(trained_run, f"{FIRST}\n{SECOND}\n{THIRD}\n").stdout.splitlines()


def joined(*translations):
    """Without a space beside a Chinese character."""
    text = ""
    for part in filter(None, translations):
        wide = [unicodedata.east_asian_width(character) in "WF" for character in text[-1:] + part[0]]
        text += part if not text or any(wide) else " " + part
    return text


def test_a_run_keeps_what_its_text_was_like(trained_run, corpus):
    profile = profile_of(trained_run)
    assert profile["pairs"] == 300
    assert profile["several_sentences"] == 0
    description = json.loads(wavemt("inspect", trained_run, "--json").stdout)
    assert description["trained_on_pairs"] == 300
    tokens = [len(line.split()) for line in wavemt(
        "tokenizer", "encode", "--model", trained_run / "tokenizer.model", "--ids", "--input",
        corpus / "train.en").stdout.splitlines()]
    assert profile["longest_source"] == description["trained_on_longest_source"] == max(tokens)


def test_a_model_of_single_sentences_gets_them_one_by_one(trained_run, alone):
    result = translate(trained_run, f"{FIRST} {SECOND}  {THIRD}\n\n{SECOND}\n")
    assert result.stdout == f"{joined(*alone)}\n\n{alone[1]}\n"
    assert "longer than" not in result.stderr


def test_split_sentences_never_and_always(trained_run, alone):
    text = f"{FIRST} {SECOND}\n"
    whole = translate(trained_run, text, "--set", "decoding.split_sentences=never").stdout
    assert whole != joined(*alone[:2]) + "\n"
    assert translate(trained_run, text, "--set", "decoding.split_sentences=always").stdout == \
        joined(*alone[:2]) + "\n"


def test_a_full_stop_inside_a_sentence_splits_nothing(trained_run):
    text = "Mr. Wang has 3.14 cats in the U.S. Army.\n"
    assert translate(trained_run, text).stdout == \
        translate(trained_run, text, "--set", "decoding.split_sentences=never").stdout


def test_a_model_that_learned_several_sentences_gets_as_many_as_it_saw(corpus, tmp_path):
    """Two on each line of its text: two stay together, four are two and two."""
    for language, joint in (("en", " "), ("zh", "")):
        lines = (corpus / f"train.{language}").read_text("utf8").splitlines()
        pairs = [first + joint + second for first, second in zip(lines[::2], lines[1::2])]
        (tmp_path / f"pairs.{language}").write_text("\n".join(pairs) + "\n", "utf8")
    config = write_config(tmp_path / "config.json", corpus, data={"train": {
        "source": str(tmp_path / "pairs.en"), "target": str(tmp_path / "pairs.zh")}})
    run = tmp_path / "run"
    wavemt("train", config, "--run-dir", run, "--device", "cpu")
    profile = profile_of(run)
    assert profile["several_sentences"] == profile["pairs"] > 100
    two = f"{FIRST} {SECOND}"
    together = translate(run, two + "\n")
    assert together.stdout == translate(run, two + "\n", "--set",
                                        "decoding.split_sentences=never").stdout
    long = (profile["longest_source"] // 20 + 2) * (two + " ")
    assert " warning: " not in re.sub(".*the translation reached the longest .*", "", translate(run, long + "\n").stderr)


def test_what_is_longer_still_is_counted_and_said_once(trained_run):
    longest = profile_of(trained_run)["longest_source"]
    long = "the dog and " * longest + "a cat.\n"
    result = translate(trained_run, f"{FIRST}\n{long}\n{'x' * 500}\n{SECOND}\n{long}")
    warnings = [line.split(" warning: ")[1] for line in result.stderr.splitlines()]
    cut = [text for text in warnings if "longer than the model's positions" in text]
    assert cut == ["3 lines (2, 4, 6): longer than the model's positions, cut inside a sentence "
                   "and translated in parts"]
    assert result.stdout.count("\n") == 6


def test_between_the_longest_of_training_and_the_positions(trained_run):
    longest = profile_of(trained_run)["longest_source"]
    text, words = "", 0
    while words <= longest:
        text += "cat dog "
        words = len(wavemt("tokenizer", "encode", "--model", trained_run / "tokenizer.model",
                           input=text + "\n").stdout.split())
    assert words < 64
    result = translate(trained_run, f"{FIRST}\n{text}\n")
    assert f" warning: 1 line (2): longer than anything that training saw ({longest} tokens)" \
        in result.stderr


def test_a_translation_that_is_cut_is_counted(trained_run, corpus):
    result = wavemt("evaluate", trained_run, "--set", "decoding.max_output_length=1")
    assert re.search(r" warning: \d+ lines? \([\d, .]*\): the translation reached the longest .* \(at most 1 "
                     r"tokens, by decoding\.max_output_length", result.stderr)


def test_unknown_characters_are_counted(trained_run):
    result = translate(trained_run, f"{FIRST}\nShe has a ☃.\n")
    assert " warning: 1 line (2): with characters that the vocabulary does not know" in result.stderr


def test_validation_translates_as_evaluate_does(corpus, tmp_path):
    """Lines of two sentences, by a model of single ones."""
    for language, joint in (("en", " "), ("zh", "")):
        lines = (corpus / f"valid.{language}").read_text("utf8").splitlines()
        pairs = [first + joint + second for first, second in zip(lines[::2], lines[1::2])]
        (tmp_path / f"two.{language}").write_text("\n".join(pairs) + "\n", "utf8")
    two = {"source": str(tmp_path / "two.en"), "target": str(tmp_path / "two.zh")}
    config = write_config(tmp_path / "config.json", corpus, data={"valid": two},
                          training={"max_steps": 60, "learning_rate": 0.01, "best_metric": "chrf"})
    wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu")
    measured = {line["step"]: line["valid/chrf"] for line in metrics_of(tmp_path / "run")
                if "valid/chrf" in line}
    best = json.loads(wavemt("inspect", tmp_path / "run", "--json").stdout)["step"]
    score = json.loads(wavemt("evaluate", tmp_path / "run", "--source", two["source"], "--reference",
                              two["target"], "--metrics", "chrf", "--beam-size", "1",
                              "--json").stdout)[0]
    assert score["score"] == pytest.approx(measured[best], abs=1e-9)
