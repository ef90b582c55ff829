"""training.gradient_checkpointing: layers are computed again, and a run is the same to the byte."""
import json

import pytest
from conftest import pointed, state_without_clock, wavemt, without_speeds, write_config
from test_profile import PARTS

KEY = "training.gradient_checkpointing"


def train(config, run, *options):
    wavemt("train", config, "--run-dir", run, "--device", "cpu", *options)
    return run


def expect_same(run, other, *names):
    for name in names:
        assert (pointed(run, "latest") / name).read_bytes() == \
            (pointed(other, "latest") / name).read_bytes(), name
    assert state_without_clock(pointed(run, "latest")) == \
        state_without_clock(pointed(other, "latest"))
    assert without_speeds(run) == without_speeds(other)


@pytest.mark.parametrize("training", [
    {"gradient_accumulation": 2, "ema_decay": 0.9}, {"precision": "bf16"},
    {"r_drop": {"alpha": 5}}])
def test_a_run_is_the_same_to_the_byte_and_may_change_in_the_middle(corpus, tmp_path, training):
    config = write_config(tmp_path / "config.json", corpus, training=training,
                          model={"dropout": 0.2, "attention_dropout": 0.1})
    plain = train(config, tmp_path / "plain")
    names = "model.safetensors", "optimizer.safetensors"
    whole = train(config, tmp_path / "whole", "--set", f"{KEY}=true")
    expect_same(whole, plain, *names)
    halves = train(config, tmp_path / "halves", "--set", "training.max_steps=10")
    wavemt("resume", halves, "--set", "training.max_steps=20", "--set", f"{KEY}=true", "--device",
           "cpu")
    saved = json.loads((halves / "config.json").read_text("utf8"))["training"]
    assert saved["gradient_checkpointing"] is True
    expect_same(halves, plain, *names)


@pytest.mark.parametrize("adapter", [
    {"type": "lora", "lora_dropout": 0.2, "lora_projections": ["k_proj", "v_proj", "feed_forward"]},
    {"type": "prefix", "prefix_hidden_dim": 8}])
def test_an_adapter_is_the_same_to_the_byte(trained_run, corpus, tmp_path, adapter):
    config = write_config(tmp_path / "config.json", corpus, adapter=adapter,
                          model={"dropout": 0.2})
    plain = train(config, tmp_path / "plain", "--init-from", trained_run)
    checkpointed = train(config, tmp_path / "checkpointed", "--init-from", trained_run, "--set",
                         f"{KEY}=true")
    expect_same(checkpointed, plain, "adapter.safetensors", "optimizer.safetensors")


def test_a_profile_has_the_same_parts(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, model={"dropout": 0.1})
    table = wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu", "--profile",
                   "--set", f"{KEY}=true").stdout
    rows = table.split("\n\n")[1].splitlines()[1:]
    assert {row[:32].rstrip() for row in rows} == PARTS


def test_a_value_that_is_neither_is_refused(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus)
    result = wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu", "--set",
                    f"{KEY}=some", check=False)
    assert result.returncode == 2
    assert KEY in result.stderr
    assert not (tmp_path / "run").exists()
