"""`wavemt train --init-from`: a run that begins with another one's weights."""
import json
import shutil

import numpy
import pytest
from conftest import ROOT, long, pointed, wavemt, without_speeds, write_config
from safetensors.numpy import load_file


def losses(run):
    return [line["loss"] for line in without_speeds(run) if "loss" in line]


@pytest.mark.parametrize("encoding", ["rotary", "alibi", "learned"])
def test_a_run_can_begin_with_another_encoding_s_weights(trained_run, corpus, tmp_path, encoding):
    config = write_config(tmp_path / "config.json", corpus,
                          model={"position_encoding": {"type": encoding}},
                          training={"max_steps": 6, "log_every": 1, "warmup_steps": 5})
    run = tmp_path / "run"
    said = wavemt("train", config, "--run-dir", run, "--init-from", trained_run).stderr
    best = pointed(trained_run, "best")
    assert f"weights: from {best}, which has positions of the kind sinusoidal" in said
    assert "left behind: position_encoding.pe" in said
    assert ("new: position_encoding.decoder_weight" in said) == (encoding == "learned")
    # It knows already what the other one learned.
    scratch = tmp_path / "scratch"
    wavemt("train", config, "--run-dir", scratch, "--set", f"tokenizer.model={trained_run}/tokenizer.model")
    assert losses(run)[0] < losses(scratch)[0] - 0.5
    assert (run / "tokenizer.model").read_bytes() == (trained_run / "tokenizer.model").read_bytes()
    assert json.loads(wavemt("inspect", run, "--json").stdout)["initial_checkpoint"] == str(best)
    # Before the first step, the checkpoint holds the old weights.
    wavemt("train", config, "--run-dir", run, "--overwrite", "--init-from", trained_run,
           "--set", "training.max_steps=1", "--set", "training.validate_every=0")
    old, new = (load_file(folder / "model.safetensors")
                for folder in (best, run / "checkpoints/step-00000000"))
    for name in old.keys() & new.keys():
        assert numpy.array_equal(old[name], new[name]), name


def test_a_run_that_began_with_weights_resumes_exactly(trained_run, corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus,
                          model={"dropout": 0.1, "position_encoding": {"type": "rotary"}})
    for name in ("whole", "again"):
        wavemt("train", config, "--run-dir", tmp_path / name, "--init-from", trained_run)
    # As if it had been killed in its first step.
    again = tmp_path / "again"
    for step in ("step-00000010", "step-00000020"):
        shutil.rmtree(again / "checkpoints" / step)
    wavemt("resume", again)
    files = [pointed(tmp_path / name, "latest") / "model.safetensors" for name in ("whole", "again")]
    assert files[0].read_bytes() == files[1].read_bytes()
    # As if it had been killed before that: drawing weights instead would be another training.
    shutil.rmtree(again / "checkpoints")
    (again / "checkpoints").mkdir()
    result = wavemt("resume", again, check=False)
    assert result.returncode == 2
    assert "was stopped before it had saved the weights of" in result.stderr


def test_weights_that_do_not_fit_are_refused(trained_run, corpus, tmp_path):
    def refusal(**model):
        config = write_config(tmp_path / "config.json", corpus, model=model)
        result = wavemt("train", config, "--run-dir", tmp_path / "run", "--init-from", trained_run,
                        check=False)
        assert result.returncode == 2 and not (tmp_path / "run").exists()
        return result.stderr

    assert "model.ffn_dim: 32 does not fit the weights of " in refusal(ffn_dim=32)
    # Weights of the same shapes, which would mean something else.
    assert "model.num_heads: 2 does not fit the weights of " in refusal(num_heads=2)
    config = write_config(tmp_path / "other.json", corpus, tokenizer={"vocab_size": 350})
    wavemt("train", config, "--run-dir", tmp_path / "other", "--set", "training.max_steps=1")
    result = wavemt("train", config, "--run-dir", tmp_path / "run", "--init-from", trained_run,
                    "--set", f"tokenizer.model={tmp_path}/other/tokenizer.model", check=False)
    assert result.returncode == 2 and "tokenizer.model: is not the tokenizer of " in result.stderr


@long
def test_quickstart_s_model_changes_to_rotary(tmp_path):
    """Light fine-tuning carries a sinusoidal model over to rotary positions."""
    config = ROOT / "configs/quickstart.json"
    environment = {"env": None, "timeout": 900}
    wavemt("train", config, "--run-dir", tmp_path / "sinusoidal", **environment)
    wavemt("train", config, "--run-dir", tmp_path / "rotary", "--init-from", tmp_path / "sinusoidal",
           "--set", "model.position_encoding.type=rotary", "--set", "training.max_steps=150",
           "--set", "training.validate_every=150", **environment)
    scores = json.loads(wavemt("evaluate", tmp_path / "rotary", "--json", **environment).stdout)
    assert {score["name"]: score["score"] for score in scores}["BLEU"] > 90


@pytest.mark.parametrize("length", [40, 100])
def test_of_learned_positions_those_that_both_have_are_taken(corpus, tmp_path, length):
    configs = [write_config(tmp_path / f"{positions}.json", corpus, data={"max_length": 30},
                            model={"position_encoding": {"type": "learned",
                                                         "max_length": positions}},
                            training={"max_steps": 1}) for positions in (64, length)]
    wavemt("train", configs[0], "--run-dir", tmp_path / "old")
    wavemt("train", configs[1], "--run-dir", tmp_path / "new", "--init-from", tmp_path / "old")
    old, new = (load_file(folder / "model.safetensors")["position_encoding.encoder_weight"]
                for folder in (pointed(tmp_path / "old", "latest"),
                               tmp_path / "new/checkpoints/step-00000000"))
    both = min(64, length)
    assert len(new) == length and numpy.array_equal(new[:both], old[:both])


def test_what_the_weights_were_trained_with_comes_along(corpus, tmp_path):
    """Whether white space is normalized belongs to the tokenizer that comes with the weights."""
    old = write_config(tmp_path / "old.json", corpus, training={"max_steps": 1},
                       tokenizer={"normalize_whitespace": False, "vocab_size": 390})
    wavemt("train", old, "--run-dir", tmp_path / "old")
    new = write_config(tmp_path / "new.json", corpus, training={"max_steps": 1})
    # A file of weights inside a run names the same model.
    weights = pointed(tmp_path / "old", "latest") / "model.safetensors"
    wavemt("train", new, "--run-dir", tmp_path / "new", "--init-from", weights)
    tokenizer = json.loads((tmp_path / "new/config.json").read_text())["tokenizer"]
    assert tokenizer["normalize_whitespace"] is False and tokenizer["vocab_size"] == 390
    result = wavemt("train", new, "--run-dir", tmp_path / "third", "--init-from", weights, "--set",
                    f"tokenizer.model={tmp_path}/old/tokenizer.model", check=False)
    assert result.returncode == 2 and "tokenizer.normalize_whitespace: " in result.stderr


def test_a_run_cannot_replace_the_weights_that_it_begins_with(own_run, corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus)
    before = sorted(own_run.rglob("*"))
    result = wavemt("train", config, "--run-dir", own_run, "--init-from", own_run, "--overwrite",
                    check=False)
    assert result.returncode == 2 and "which would be replaced" in result.stderr
    assert sorted(own_run.rglob("*")) == before


def test_a_stop_at_once_loses_nothing(trained_run, corpus, tmp_path):
    """How many steps there is time for depends on the machine; trainer_resume_test.cpp has none."""
    config = write_config(tmp_path / "config.json", corpus)
    run = tmp_path / "run"
    wavemt("train", config, "--run-dir", run, "--init-from", trained_run, "--max-minutes", "0.001")
    assert (run / "checkpoints/step-00000000").is_dir()
    wavemt("resume", run)
    assert pointed(run, "latest").name == "step-00000020"


def test_a_damaged_origin_is_named(trained_run, corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, training={"max_steps": 1})
    wavemt("train", config, "--run-dir", tmp_path / "run", "--init-from", trained_run)
    origin = tmp_path / "run/origin.json"
    for damage in ("[]", "{}", "{", '{"initial_checkpoint": 3}'):
        origin.write_text(damage)
        result = wavemt("inspect", tmp_path / "run", check=False)
        assert result.returncode == 2 and "origin.json" in result.stderr
