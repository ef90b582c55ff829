"""The configs that come with the program, trained on a CPU."""
import json
import os

from conftest import ROOT, pointed, wavemt

QUICKSTART = ROOT / "data/quickstart"


def test_quickstart_translates_what_it_has_not_seen(tmp_path):
    threads = ("--device", "cpu", "--threads", min(os.cpu_count(), 8))
    run = tmp_path / "run"
    wavemt("train", ROOT / "configs/quickstart.json", "--run-dir", run, *threads, timeout=900)
    scores = json.loads(wavemt("evaluate", run, "--json", *threads).stdout)
    assert {score["name"]: score["score"] for score in scores}["BLEU"] > 90


def test_the_article_s_model_runs_steps_and_resumes(tmp_path):
    """d_model 768 and 512 positions, on another corpus with a small vocabulary."""
    settings = {"tokenizer.vocab_size": 700, "training.batch_tokens": 512,
                "training.gradient_accumulation": 1, "training.keep_last": 1,
                "training.validate_every": 0, "training.precision": "fp32"}
    for split in ("train", "valid"):
        for side, language in (("source", "en"), ("target", "zh")):
            settings[f"data.{split}.{side}"] = QUICKSTART / f"{split}.{language}"
    options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    run = tmp_path / "run"
    said = wavemt("train", ROOT / "configs/article-768.json", "--run-dir", run, "--device", "cpu",
                  "--set", "training.max_steps=2", *options).stderr
    assert "6+6 layers, d_model 768" in said
    wavemt("resume", run, "--device", "cpu", "--set", "training.max_steps=4")
    assert pointed(run, "latest").name == "step-00000004"
    model = json.loads((run / "config.json").read_text("utf8"))["model"]
    assert (model["d_model"], model["position_encoding"]["max_length"]) == (768, 512)
