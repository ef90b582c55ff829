"""`wavemt inspect` says what a model is, and says it truly."""
import json
import zlib

import pytest
import sentencepiece
from conftest import pointed, wavemt
from safetensors.numpy import load_file


def inspect(model):
    return json.loads(wavemt("inspect", model, "--json").stdout)


def test_it_says_what_the_files_hold(trained_run):
    best = pointed(trained_run, "best")
    state = json.loads((best / "state.json").read_text())
    config = json.loads((trained_run / "config.json").read_text())
    weights = load_file(best / "model.safetensors")
    vocabulary = sentencepiece.SentencePieceProcessor(
        model_file=str(trained_run / "tokenizer.model")).vocab_size()
    described = inspect(trained_run)
    expected = {
        "run": str(trained_run), "checkpoint": str(best),
        "weights": sum(weight.size for name, weight in weights.items()
                       if name != "position_encoding.pe"),
        "bytes": sum(weight.nbytes for weight in weights.values()),
        "position_encoding": "sinusoidal, 64 positions",
        "source_vocabulary": vocabulary, "target_vocabulary": vocabulary,
        "shared_vocabulary": True, "best_metric": "bleu"}
    for key in ("d_model", "num_heads", "ffn_dim", "num_encoder_layers", "num_decoder_layers",
                "layer_norm", "activation", "tied_embeddings"):
        expected[key] = config["model"][key]
    for key in ("step", "epoch", "best_step", "best_score"):
        expected[key] = state[key]
    assert {key: described[key] for key in expected} == expected


def test_each_way_to_name_a_model(trained_run):
    best, latest = pointed(trained_run, "best"), pointed(trained_run, "latest")
    for named, checkpoint in [(trained_run, best), (best, best), (latest, latest),
                              (trained_run / "checkpoints/latest", latest),
                              (best / "model.safetensors", best / "model.safetensors")]:
        described = inspect(named)
        assert (described["run"], described["checkpoint"]) == (str(trained_run), str(checkpoint))


def test_text_for_people(trained_run):
    lines = wavemt("inspect", trained_run).stdout.splitlines()
    described = inspect(trained_run)
    shown = dict(line.split(maxsplit=1) for line in lines)
    assert list(shown) == list(described)
    assert shown["weights"] == f"{described['weights']:,}"
    assert shown["position_encoding"] == "sinusoidal, 64 positions"
    assert shown["shared_vocabulary"] == "true"


@pytest.mark.parametrize("name", ["model.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_not_described(own_run, name):
    path = pointed(own_run, "best") / name
    path.write_bytes(path.read_bytes()[:-1])
    result = wavemt("inspect", own_run, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert f" error: {path}: is damaged: " in result.stderr


def test_a_state_of_another_kind_is_not_described(own_run):
    """Although its checksum is right: a stranger can write one."""
    checkpoint = pointed(own_run, "best")
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    (checkpoint / "state.json").write_text("[]")
    manifest["files"]["state.json"] |= {"bytes": 2, "crc32": f"{zlib.crc32(b'[]'):08x}"}
    (checkpoint / "manifest.json").write_text(json.dumps(manifest))
    result = wavemt("inspect", own_run, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert f" error: {checkpoint}/state.json: is not the state of a training" in result.stderr
