"""White space and characters that nobody sees change no translation, wherever they stand."""
import json
import shutil

import pytest
from conftest import wavemt, write_config

ODD = ["She\u00a0has\u00a0a\u00a0cat.", "She\thas\ta\tcat.", "\u200bShe has a cat.",
       "She has \ufeffa cat.", " She  has a\u3000cat. \r", "She has a\u00ad cat\u200e.",
       "She\u2028has a \0cat."]


def translate(run, text):
    return wavemt("translate", run, input=text).stdout


def test_it_changes_no_translation(trained_run):
    plain = translate(trained_run, "She has a cat.\n")
    assert translate(trained_run, "".join(line + "\n" for line in ODD)) == plain * len(ODD)


def test_what_shows_nothing_is_blank(trained_run):
    assert translate(trained_run, "\u200b\n\ufeff \n\u200e\u00ad\n\u00a0\u3000\n") == "\n" * 4


@pytest.fixture(scope="module")
def odd_corpus(corpus, tmp_path_factory):
    """The corpus with odd spaces, and a pair of nothing visible."""
    folder = tmp_path_factory.mktemp("odd_corpus")
    for path in corpus.iterdir():
        text = path.read_text("utf8").replace(" ", "\u00a0\u200b").replace(".\n", ".\u200e\n")
        if path.stem == "train":
            text += "\u200b\n"
        (folder / path.name).write_text(text, "utf8")
    return folder


def test_training_reads_it_as_translation_does(run, odd_corpus, tmp_path):
    """The same vocabulary, the same batches, the same weights."""
    config = write_config(tmp_path / "odd.json", odd_corpus)
    said = wavemt("train", config, "--run-dir", tmp_path / "odd", "--device", "cpu").stderr
    assert "301 pairs: 300 used, 1 skipped with a blank side" in said
    plain, odd = ([(folder / file).read_bytes() for file in (
        "tokenizer.model", "corpus.json", "checkpoints/step-00000020/model.safetensors")]
        for folder in (run, tmp_path / "odd"))
    assert plain == odd


def test_it_can_be_switched_off(corpus, odd_corpus, tmp_path):
    config = write_config(tmp_path / "config.json", odd_corpus,
                          tokenizer={"normalize_whitespace": False})
    said = wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu").stderr
    assert "data.train: 301 pairs: " in said and "with a blank side" not in said
    description = json.loads(wavemt("inspect", tmp_path / "run", "--json").stdout)
    assert description["normalize_whitespace"] is False


def test_a_cache_is_of_one_way_of_reading(odd_corpus, tmp_path):
    """The same files read in another way are another corpus."""
    used = {}
    for normalize in (True, False, True):
        config = write_config(
            tmp_path / "config.json", odd_corpus, data={"cache_dir": str(tmp_path / "cache")},
            tokenizer={"normalize_whitespace": normalize,
                       "model": str(tmp_path / "run/tokenizer.model") if used else ""})
        shutil.rmtree(tmp_path / "other", ignore_errors=True)
        run = tmp_path / ("other" if used else "run")
        said = wavemt("train", config, "--run-dir", run, "--device", "cpu", "--set",
                      "training.max_steps=1").stderr
        used.setdefault(normalize, []).append("token ids found" in said)
    assert used == {True: [False, True], False: [False]}
    assert len(list((tmp_path / "cache").glob("*.tokens"))) == 2
