"""wavemt average: each checkpoint once, of one kind of model, over nobody's files."""
import json
import shutil

import pytest
from conftest import merge, pointed, wavemt, write_config
from safetensors.numpy import load_file


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*")
            if path.is_file()}


def mean_of(*checkpoints):
    """As NumPy computes it."""
    models = [load_file(checkpoint / "model.safetensors") for checkpoint in checkpoints]
    return {name: sum(model[name].astype("float64") for model in models) / len(models)
            for name in models[0]}


def assert_is_mean(model, *checkpoints):
    weights, expected = load_file(model), mean_of(*checkpoints)
    assert weights.keys() == expected.keys()
    for name, tensor in weights.items():
        assert abs(tensor - expected[name]).max() < 1e-6, name


def test_it_makes_a_folder_that_other_commands_take(own_run, corpus, tmp_path):
    checkpoints = [own_run / f"checkpoints/step-00000{step}" for step in (160, 240)]
    before = contents(own_run)
    mean = tmp_path / "mean"
    said = wavemt("average", *checkpoints, "--output", mean).stderr
    assert said.endswith(f" info: {mean}: the mean of 2 checkpoints\n")
    assert contents(own_run) == before
    assert_is_mean(mean / "checkpoints/step-00000240/model.safetensors", *checkpoints)
    text = (corpus / "test.en").read_text()
    # The same model as the same weights inside the run.
    wavemt("average", *checkpoints, "--output", own_run / "mean.safetensors")
    shutil.move(own_run, own_run.parent / "elsewhere")
    assert wavemt("translate", mean, input=text).stdout == \
        wavemt("translate", own_run.parent / "elsewhere/mean.safetensors", input=text).stdout
    assert json.loads(wavemt("evaluate", mean, "--json").stdout)[0]["name"] == "BLEU"
    description = json.loads(wavemt("inspect", mean, "--json").stdout)
    assert description["run"] == str(mean) and "step" not in description
    wavemt("average", mean, mean / "checkpoints/latest", "--output", tmp_path / "again")


def test_a_checkpoint_counts_once(own_run, tmp_path):
    """best and latest stand beside what they name, where a shell finds them all."""
    names = sorted((own_run / "checkpoints").iterdir())
    steps = [name for name in names if name.name.startswith("step-")]
    assert len(names) == len(steps) + 2
    said = wavemt("average", *names, own_run, steps[0] / "model.safetensors", "--output",
                  tmp_path / "mean").stderr
    assert said.count(" warning: ") == 4
    assert f"{steps[0] / 'model.safetensors'}: is the same checkpoint as {steps[0]} and counts once" \
        in said
    assert f"the mean of {len(steps)} checkpoints" in said
    assert_is_mean(pointed(tmp_path / "mean", "latest") / "model.safetensors", *steps)


def test_a_mean_cannot_be_trained_on(own_run, tmp_path):
    wavemt("average", own_run, "--output", tmp_path / "mean")
    result = wavemt("resume", tmp_path / "mean", check=False)
    assert result.returncode == 2
    assert "has no optimizer.safetensors, which is needed to continue training" in result.stderr
    assert f"{tmp_path / 'mean'}: holds no checkpoint to continue from" in result.stderr


@pytest.mark.parametrize("output", ["checkpoints/step-00000080/model.safetensors",
                                    "checkpoints/step-00000080/mean.safetensors",
                                    "link/mean.safetensors"])
def test_a_checkpoint_keeps_its_files(own_run, output):
    (own_run / "link").symlink_to(own_run / "checkpoints/step-00000080")
    before = contents(own_run)
    result = wavemt("average", own_run / "checkpoints/step-00000080", own_run, "--output",
                    own_run / output, check=False)
    assert result.returncode == 2
    assert f"--output {own_run / output}: {own_run}/checkpoints/step-00000080 is a checkpoint, " \
        "whose files stay as they are; name a file elsewhere" in result.stderr
    assert contents(own_run) == before


@pytest.mark.parametrize("output", ["checkpoints/step-00000080", ".", "config.json"])
def test_nothing_is_replaced_by_a_folder(own_run, output):
    before = contents(own_run)
    result = wavemt("average", own_run, "--output", own_run / output, check=False)
    assert result.returncode == 2, result.stderr
    assert contents(own_run) == before


@pytest.mark.parametrize("changes, difference", [
    ({"tokenizer": {"vocab_size": 390}}, "another vocabulary"),
    ({"data": {"target_language": "ja"}}, "other languages"),
    ({"model": {"num_heads": 2}}, "other settings of the model"),  # The shapes are the same.
    ({"tokenizer": {"normalize_whitespace": False}}, "another tokenizer.normalize_whitespace"),
])
def test_models_that_do_not_go_together(own_run, corpus, tmp_path, changes, difference):
    changes = merge(changes, {"training": {"max_steps": 1}})
    if "vocab_size" not in changes.get("tokenizer", {}):
        changes = merge(changes, {"tokenizer": {"model": str(own_run / "tokenizer.model")}})
    config = write_config(tmp_path / "config.json", corpus, **changes)
    wavemt("train", config, "--run-dir", tmp_path / "other", "--device", "cpu")
    result = wavemt("average", own_run, tmp_path / "other", "--output", tmp_path / "mean",
                    check=False)
    assert result.returncode == 2
    assert f"{tmp_path}/other: has {difference} than {own_run}: a mean of the two is not a model" \
        in result.stderr
    assert not (tmp_path / "mean").exists()


def test_models_of_two_trainings_of_one_kind(own_run, corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, model={"dropout": 0.3}, seed=2,
                          tokenizer={"model": str(own_run / "tokenizer.model")},
                          training={"max_steps": 1})
    wavemt("train", config, "--run-dir", tmp_path / "other", "--device", "cpu")
    wavemt("average", own_run, tmp_path / "other", "--output", tmp_path / "mean")
    profiles = [json.loads((run / "corpus.json").read_text())
                for run in (own_run, tmp_path / "other", tmp_path / "mean")]
    assert profiles[2]["pairs"] == profiles[0]["pairs"] + profiles[1]["pairs"]
    assert profiles[2]["longest_source"] == profiles[0]["longest_source"]
    assert_is_mean(pointed(tmp_path / "mean", "latest") / "model.safetensors",
                   pointed(own_run, "best"), pointed(tmp_path / "other", "latest"))
