"""The whole program on a GPU, as on a CPU. Skipped where there is no GPU."""
import json

import pytest
from conftest import DIVERGING, ENVIRONMENT, ROOT, metrics_of, pointed, wavemt, write_config

MODEL = {"dropout": 0.2, "attention_dropout": 0.1}
TRAINING = {"max_steps": 24, "gradient_accumulation": 2, "ema_decay": 0.9, "log_every": 5,
            "validate_every": 6, "save_every": 6}


@pytest.fixture(scope="module", autouse=True)
def gpu(tmp_path_factory, corpus):
    config = write_config(tmp_path_factory.mktemp("dry") / "config.json", corpus)
    tried = wavemt("train", config, "--device", "cuda", "--dry-run", check=False)
    if "has no GPU" in tried.stderr:
        pytest.skip("there is no GPU")
    assert tried.returncode == 0, tried.stderr


def train(folder, corpus, *options, **training):
    config = write_config(folder / "config.json", corpus, model=MODEL, training=TRAINING | training)
    return wavemt("train", config, "--run-dir", folder / "run", "--device", "cuda", *options)


def weights(run):
    return (pointed(run, "latest") / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """The quickstart's model, trained on the GPU in bfloat16."""
    run = tmp_path_factory.mktemp("quickstart") / "run"
    wavemt("train", ROOT / "configs/quickstart.json", "--run-dir", run, "--device", "cuda",
           "--set", "training.precision=bf16")
    return run


def test_it_learns(quickstart):
    scores = json.loads(wavemt("evaluate", quickstart, "--json", "--device", "cuda").stdout)
    assert {score["name"]: score["score"] for score in scores}["BLEU"] > 90


def test_both_devices_translate_alike(quickstart):
    text = "\n".join((ROOT / "data/quickstart/test.en").read_text("utf8").split("\n")[:100]) + "\n"
    by = {device: wavemt("translate", quickstart, "--device", device, input=text).stdout.split("\n")
          for device in ("cpu", "cuda")}
    assert len(by["cuda"]) == 101
    same = sum(ours == theirs for ours, theirs in zip(by["cuda"], by["cpu"]))
    assert same >= 99  # Rounding may tip a balance.


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_two_halves_are_the_whole(precision, corpus, tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "half").mkdir()
    train(tmp_path / "whole", corpus, precision=precision)
    train(tmp_path / "half", corpus, "--set", "training.max_steps=12", precision=precision)
    wavemt("resume", tmp_path / "half/run", "--set", "training.max_steps=24", "--device", "cuda")
    assert weights(tmp_path / "half/run") == weights(tmp_path / "whole/run")


def test_a_run_changes_its_device(corpus, tmp_path):
    train(tmp_path, corpus, "--set", "training.max_steps=12")
    for steps, device in ((18, "cpu"), (24, "cuda")):
        wavemt("resume", tmp_path / "run", "--set", f"training.max_steps={steps}",
               "--device", device)
    losses = [line["loss"] for line in metrics_of(tmp_path / "run") if "loss" in line]
    assert losses[-1] < losses[0]


def test_what_does_not_fit_is_done_in_halves(corpus, tmp_path):
    config = write_config(
        tmp_path / "config.json", corpus,
        model={"d_model": 512, "ffn_dim": 2048, "dropout": 0.0, "num_encoder_layers": 4},
        training={"max_steps": 3, "batch_tokens": 4096, "validate_every": 0, "log_every": 1})
    losses = {}
    for name, environment in (
            ("whole", {}), ("halves", {"PYTORCH_ALLOC_CONF": "per_process_memory_fraction:0.008"})):
        said = wavemt("train", config, "--run-dir", tmp_path / name, "--device", "cuda",
                      env=ENVIRONMENT | environment).stderr
        assert ("does not fit the memory of the GPU" in said) == (name == "halves")
        losses[name] = [line["loss"] for line in metrics_of(tmp_path / name) if "loss" in line]
    assert losses["halves"] == pytest.approx(losses["whole"], rel=1e-4)


def test_a_number_that_is_not_finite_stops_the_run(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, training=DIVERGING)
    result = wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cuda", check=False)
    assert result.returncode == 1
    assert "in a row whose loss or gradient is not finite" in result.stderr.splitlines()[-1]
    assert pointed(tmp_path / "run", "latest").name == "step-00000001"


def test_a_gpu_that_is_not_there(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus)
    result = wavemt("train", config, "--dry-run", "--device", "cuda:99", check=False)
    assert result.returncode == 2
    assert "--device cuda:99: " in result.stderr.splitlines()[-1]
