"""The configs that come with the program, trained on a CPU.

The quick part trains their first steps; WAVEMT_TORTURE=1 adds the whole quickstart.
"""
import json
import os

import pytest
from conftest import ROOT, TORTURE, long, metrics_of, pointed, wavemt

QUICKSTART = ROOT / "data/quickstart"


def test_quickstart_begins_to_learn(tmp_path):
    run = tmp_path / "run"
    wavemt("train", ROOT / "configs/quickstart.json", "--run-dir", run, "--device", "cpu",
           "--set", "training.max_steps=12", "--set", "training.log_every=1")
    losses = [line["loss"] for line in metrics_of(run) if "loss" in line]
    assert len(losses) == 12 and losses[-1] < 0.97 * losses[0]
    assert pointed(run, "latest").name == "step-00000012"
    text = "".join((QUICKSTART / "test.en").read_text("utf8").splitlines(keepends=True)[:3])
    assert wavemt("translate", run, "--device", "cpu", input=text).stdout.count("\n") == 3


@long
def test_quickstart_translates_what_it_has_not_seen(tmp_path):
    threads = ("--device", "cpu", "--threads", min(os.cpu_count(), 8))
    run = tmp_path / "run"
    wavemt("train", ROOT / "configs/quickstart.json", "--run-dir", run, *threads, timeout=900)
    scores = json.loads(wavemt("evaluate", run, "--json", *threads).stdout)
    assert {score["name"]: score["score"] for score in scores}["BLEU"] > 90


@pytest.mark.parametrize("name", ["article-768", "article-768-article", "article-768-rotary"])
def test_the_article_s_model_runs_steps_and_resumes(tmp_path, name):
    """d_model 768 and 512 positions, on another corpus with a small vocabulary. The quick part
    leaves out layers, whose checkpoints of 1.2 GB are what takes half a minute."""
    settings = {"tokenizer.vocab_size": 700, "training.batch_tokens": 512,
                "training.gradient_accumulation": 1, "training.keep_last": 1,
                "training.validate_every": 0, "training.precision": "fp32"}
    for split in ("train", "valid"):
        for side, language in (("source", "en"), ("target", "zh")):
            settings[f"data.{split}.{side}"] = QUICKSTART / f"{split}.{language}"
    options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    run = tmp_path / "run"
    config = ROOT / f"configs/{name}.json"
    said = wavemt("train", config, "--dry-run", "--device", "cpu", *options).stderr
    assert "6+6 layers, d_model 768" in said
    if not TORTURE:
        options += ["--set", "model.num_encoder_layers=1", "--set", "model.num_decoder_layers=1"]
    wavemt("train", config, "--run-dir", run, "--device", "cpu", "--set", "training.max_steps=2",
           *options)
    wavemt("resume", run, "--device", "cpu", "--set", "training.max_steps=4")
    assert pointed(run, "latest").name == "step-00000004"
    model = json.loads((run / "config.json").read_text("utf8"))["model"]
    assert (model["d_model"], model["position_encoding"]["max_length"]) == (768, 512)
    encoding = name.removeprefix("article-768").removeprefix("-") or "sinusoidal"
    assert model["position_encoding"]["type"] == encoding
