"""training.r_drop: two passes over each batch, with different dropout, drawn towards each other."""
import json
import math

import pytest
from conftest import metrics_of, pointed, state_without_clock, wavemt, without_speeds, write_config

R_DROP = {"r_drop": {"alpha": 5}}


def train(config, run, *options):
    wavemt("train", config, "--run-dir", run, "--device", "cpu", *options)
    return run


def files_of(run, *names):
    return {name: (pointed(run, "latest") / name).read_bytes() for name in names}


def test_without_dropout_it_is_refused(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, model={"dropout": 0.0}, training=R_DROP)
    result = wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu", check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert ("training.r_drop.alpha: 5 compares two passes with different dropout, but the model "
            "has none; set model.dropout, or use 0") in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_negative_alpha_is_refused(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus)
    result = wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu",
                    "--set", "training.r_drop.alpha=-1", check=False)
    assert result.returncode == 2
    assert "training.r_drop.alpha" in result.stderr
    assert not (tmp_path / "run").exists()


def test_the_loss_has_the_divergence_in_it_and_counts_a_token_once(corpus, tmp_path):
    """The first update starts from the same weights and drops the same numbers, whatever alpha is:
    its losses are a line over alpha. The loss of a validation has no divergence in it, and the
    first step of a warm-up of a million hardly moves a weight."""
    losses, validations, tokens = [], [], []
    for alpha in (1e-9, 10, 20):
        config = write_config(tmp_path / "config.json", corpus, model={"dropout": 0.2},
                              training={"r_drop": {"alpha": alpha}, "max_steps": 1, "log_every": 1,
                                        "warmup_steps": 1_000_000, "validate_every": 1})
        run = train(config, tmp_path / f"run-{alpha}")
        lines = metrics_of(run)
        losses += [line["loss"] for line in lines if "loss" in line]
        validations += [line["valid/loss"] for line in lines if "valid/loss" in line]
        tokens.append(json.loads((pointed(run, "latest") / "state.json").read_text())[
            "target_tokens"])
    assert len(losses) == len(validations) == 3
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[0] < losses[1] < losses[2]
    assert (losses[2] - losses[0]) == pytest.approx(2 * (losses[1] - losses[0]), rel=0.01)
    assert validations == pytest.approx([validations[0]] * 3, rel=1e-5)
    plain = write_config(tmp_path / "plain.json", corpus, training={"max_steps": 1})
    run = train(plain, tmp_path / "plain")
    assert tokens == 3 * [json.loads((pointed(run, "latest") / "state.json").read_text())[
        "target_tokens"]]


@pytest.mark.parametrize("training", [
    {"gradient_accumulation": 2, "ema_decay": 0.9}, {"precision": "bf16"}])
def test_two_halves_are_the_whole(corpus, tmp_path, training):
    config = write_config(tmp_path / "config.json", corpus, model={"dropout": 0.2},
                          training=R_DROP | training)
    whole = train(config, tmp_path / "whole")
    halves = train(config, tmp_path / "halves", "--set", "training.max_steps=10")
    wavemt("resume", halves, "--set", "training.max_steps=20", "--device", "cpu")
    names = "model.safetensors", "optimizer.safetensors"
    assert files_of(halves, *names) == files_of(whole, *names)
    assert state_without_clock(pointed(halves, "latest")) == \
        state_without_clock(pointed(whole, "latest"))
    assert without_speeds(halves) == without_speeds(whole)


def test_alpha_may_change_in_the_middle(corpus, tmp_path):
    """It can be switched off and on again, and stays what it was set to."""
    config = write_config(tmp_path / "config.json", corpus, training=R_DROP | {"max_steps": 4})
    plain = train(config, tmp_path / "plain", "--set", "training.r_drop.alpha=0")
    run = train(config, tmp_path / "run")
    assert files_of(run, "model.safetensors") != files_of(plain, "model.safetensors")
    for steps, alpha in ((6, 0), (8, 0.5)):
        wavemt("resume", run, "--set", f"training.max_steps={steps}", "--set",
               f"training.r_drop.alpha={alpha}", "--device", "cpu")
        assert pointed(run, "latest").name == f"step-{steps:08}"
        assert json.loads((run / "config.json").read_text())["training"]["r_drop"] == \
            {"alpha": alpha}


def test_an_adapter_is_trained_with_it(trained_run, corpus, tmp_path):
    """Its own dropout is dropout enough."""
    config = write_config(tmp_path / "config.json", corpus, model={"dropout": 0.0},
                          adapter={"type": "lora", "lora_dropout": 0.2}, training=R_DROP)
    for name, first in (("whole", 20), ("halves", 10)):
        train(config, tmp_path / name, "--init-from", trained_run, "--set",
              f"training.max_steps={first}")
    wavemt("resume", tmp_path / "halves", "--set", "training.max_steps=20", "--device", "cpu")
    names = "adapter.safetensors", "optimizer.safetensors"
    assert files_of(tmp_path / "halves", *names) == files_of(tmp_path / "whole", *names)
