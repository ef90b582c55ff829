"""samples.jsonl: a few translations of each validation, always of the same sentences."""
import json
import shutil

import pytest
from conftest import train_run, wavemt, write_config


def samples_of(run):
    return [json.loads(line) for line in (run / "samples.jsonl").read_text("utf8").splitlines()]


def sides(corpus):
    return [(corpus / f"valid.{language}").read_text("utf8").splitlines()
            for language in ("en", "zh")]


def test_what_is_shown(run, corpus):
    """Three sentences from all over the text; the last translations are those of the model."""
    samples = samples_of(run)
    assert [list(sample) for sample in samples] == \
        [["step", "set", "source", "reference", "translation"]] * 6
    assert [(sample["step"], sample["set"]) for sample in samples] == \
        [(10, "valid")] * 3 + [(20, "valid")] * 3
    sources, references = sides(corpus)
    for validation in (samples[:3], samples[3:]):
        assert [sample["source"] for sample in validation] == [sources[n] for n in (3, 10, 16)]
        assert [sample["reference"] for sample in validation] == [references[n]
                                                                  for n in (3, 10, 16)]
    translated = wavemt("translate", run / "checkpoints/step-00000020", "--beam-size", "1",
                        "--input", corpus / "valid.en", "--device", "cpu").stdout.split("\n")
    assert [translated[n] for n in (3, 10, 16)] == [sample["translation"] for sample in samples[3:]]


@pytest.mark.parametrize("number", [0, 1, 20, 100])
def test_how_many(corpus, tmp_path, number):
    run = train_run(tmp_path, corpus, training={"validation_samples": number})
    said = (tmp_path / "said").read_text("utf8")
    if number == 0:
        assert not (run / "samples.jsonl").exists() and "  translation  " not in said
        return
    sources, _ = sides(corpus)
    shown = [sample["source"] for sample in samples_of(run)]
    assert len(shown) == 2 * min(number, len(sources))
    assert said.count("  translation  ") == len(shown)
    if number >= len(sources):
        assert shown == 2 * sources


def test_more_than_is_allowed(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, training={"validation_samples": 101})
    result = wavemt("config", "check", config, check=False)
    assert result.returncode == 2 and "training.validation_samples" in result.stderr


def test_they_change_no_weight(run, corpus, tmp_path):
    other = train_run(tmp_path, corpus, training={"validation_samples": 0})
    for file in ("model.safetensors", "optimizer.safetensors"):
        path = f"checkpoints/step-00000020/{file}"
        assert (other / path).read_bytes() == (run / path).read_bytes()


def test_each_set_has_its_own(corpus, tmp_path):
    files = {"source": str(corpus / "valid.en"), "target": str(corpus / "valid.zh")}
    run = train_run(tmp_path, corpus, data={
        "valid": [{"name": name, **files} for name in ("news", "talks")]})
    sets = [sample["set"] for sample in samples_of(run)]
    assert sets == 2 * (3 * ["valid/news"] + 3 * ["valid/talks"])


def test_a_resumed_run_has_those_of_one_never_stopped(run, tmp_path):
    """From the newest checkpoint, and from one before samples that were lost with the rest."""
    whole = (run / "samples.jsonl").read_bytes()
    own = shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(own / "checkpoints/step-00000020")
    with open(own / "samples.jsonl", "a", encoding="utf8") as file:
        file.write('{"step": 20, "set": "val')  # As a kill leaves it.
    wavemt("resume", own, "--device", "cpu")
    assert (own / "samples.jsonl").read_bytes() == whole
    wavemt("resume", own, "--set", "training.max_steps=30", "--set",
           "training.validation_samples=1", "--device", "cpu")
    text = (own / "samples.jsonl").read_bytes()
    assert text.startswith(whole)
    assert [sample["step"] for sample in samples_of(own)[6:]] == [30]


def test_no_samples_without_a_validation(corpus, tmp_path):
    run = train_run(tmp_path, corpus, training={"validate_every": 0})
    assert not (run / "samples.jsonl").exists()
