"""Our weights in Python's `safetensors`, and its files in our program."""
import json
import shutil

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from conftest import wavemt


@pytest.fixture
def own_run(run, tmp_path):
    """A copy of the run that a test may write into."""
    return shutil.copytree(run, tmp_path / "run")


def newest_checkpoint(run):
    return max((run / "checkpoints").glob("step-*"))


def inspect(model):
    return json.loads(wavemt("inspect", model, "--json").stdout)


def test_python_reads_the_model(run):
    checkpoint = newest_checkpoint(run)
    with safe_open(checkpoint / "model.safetensors", framework="pt") as file:
        assert file.metadata() == {"format": "pt"}
        names = set(file.keys())
        assert {"source_embedding.weight", "position_encoding.pe",
                "encoder.layers.0.self_attention.qkv_proj.weight"} <= names
        tensors = {name: file.get_tensor(name) for name in names}
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values())
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    described = inspect(checkpoint)
    assert described["weights"] == sum(tensor.numel() for name, tensor in tensors.items()
                                       if name != "position_encoding.pe")
    assert tensors["source_embedding.weight"].shape == (described["source_vocabulary"],
                                                        described["d_model"])
    position = torch.arange(64)
    assert torch.allclose(tensors["position_encoding.pe"][:, 0], torch.sin(position), atol=1e-6)


def test_python_reads_the_optimizer(run):
    checkpoint = newest_checkpoint(run)
    weights = load_file(checkpoint / "model.safetensors")
    moments = load_file(checkpoint / "optimizer.safetensors")
    del weights["position_encoding.pe"]
    assert set(moments) == {prefix + name for name in weights
                            for prefix in ("exp_avg.", "exp_avg_sq.")}
    for name, weight in weights.items():
        assert moments["exp_avg." + name].shape == weight.shape
        assert (moments["exp_avg_sq." + name] >= 0).all()
        assert moments["exp_avg_sq." + name].max() > 0


def test_we_read_what_python_writes(own_run):
    weights = load_file(newest_checkpoint(own_run) / "model.safetensors")
    written = own_run / "python.safetensors"
    save_file(weights, written, metadata={"format": "pt", "written by": "a test"})
    described = inspect(written)
    assert described["weights"] == inspect(own_run)["weights"]

    text = "a b c\n"
    ours = wavemt("translate", newest_checkpoint(own_run), "--device", "cpu", input=text).stdout
    assert wavemt("translate", written, "--device", "cpu", input=text).stdout == ours


def test_average_is_the_mean_that_python_computes(own_run):
    first = load_file(newest_checkpoint(own_run) / "model.safetensors")
    torch.manual_seed(1)
    second = {name: tensor + 0.1 * torch.randn_like(tensor) for name, tensor in first.items()}
    save_file(second, own_run / "second.safetensors")
    output = own_run / "mean.safetensors"
    wavemt("average", newest_checkpoint(own_run), own_run / "second.safetensors",
           "--output", output)
    mean = load_file(output)
    assert set(mean) == set(first)
    for name, tensor in mean.items():
        expected = ((first[name].double() + second[name].double()) / 2).float()
        assert torch.equal(tensor, expected), name


def test_average_of_one_is_itself(own_run):
    weights = load_file(newest_checkpoint(own_run) / "model.safetensors")
    save_file(weights, own_run / "python.safetensors")
    output = own_run / "mean.safetensors"
    wavemt("average", own_run / "python.safetensors", "--output", output)
    mean = load_file(output)
    assert all(torch.equal(mean[name], weights[name]) for name in weights)


def test_average_refuses_other_weights(own_run):
    weights = load_file(newest_checkpoint(own_run) / "model.safetensors")
    weights["source_embedding.weight"] = weights["source_embedding.weight"][:-1].clone()
    save_file(weights, own_run / "smaller.safetensors")
    result = wavemt("average", newest_checkpoint(own_run), own_run / "smaller.safetensors",
                    "--output", own_run / "mean.safetensors", check=False)
    assert result.returncode == 2
    assert "smaller.safetensors" in result.stderr
    assert "source_embedding.weight" in result.stderr
    assert not (own_run / "mean.safetensors").exists()
