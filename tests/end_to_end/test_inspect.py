"""`wavemt inspect` says what a model is, and says it truly."""
import json
import re
import zlib

import pytest
import sentencepiece
from conftest import metrics_of, pointed, wavemt
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
        "position_encoding": "sinusoidal, 64 positions", "position_weights": 0,
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
    """What somebody wants to know of a model, and none of the counters that only programs read."""
    best = pointed(trained_run, "best")
    state = json.loads((best / "state.json").read_text())
    described = inspect(trained_run)
    shown = dict(re.split(r"  +", line, maxsplit=1)
                 for line in wavemt("inspect", trained_run).stdout.splitlines())
    assert list(shown) == ["name", "languages", "model", "positions", "vocabulary", "trained",
                           "best score", "saved", "weights"]
    assert shown["name"] == trained_run.name
    assert shown["languages"] == "en -> zh"
    assert shown["positions"] == "sinusoidal, 64 positions"
    assert shown["vocabulary"] == f"{described['source_vocabulary']:,} pieces, shared by both languages"
    assert shown["weights"] == str(best)
    assert f" of {described['weights']:,} weights (" in shown["model"]
    assert "1+1 layers, d_model 32, 4 heads, ffn_dim 64, relu, pre-norm" in shown["model"]
    assert shown["trained"].startswith(f"{state['step']:,} steps in ")
    assert f", {state['target_tokens']:,} target tokens; epoch " in shown["trained"]
    signature = [line["valid/bleu_signature"] for line in metrics_of(trained_run)
                 if line["step"] == state["best_step"] and "valid/bleu_signature" in line]
    assert [described["best_signature"]] == signature
    assert shown["best score"] == (f"BLEU {state['best_score']:.4g} on data.valid at step "
                                   f"{state['best_step']:,}  {signature[0]}")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", shown["saved"])


def test_weights_alone_do_not_tell_how_they_were_trained(trained_run, tmp_path):
    averaged = tmp_path / "averaged"
    wavemt("average", trained_run, trained_run / "checkpoints/latest", "--output", averaged)
    lines = wavemt("inspect", averaged).stdout.splitlines()
    assert [re.split(r"  +", line)[0] for line in lines] == [
        "name", "languages", "model", "positions", "vocabulary", "saved", "weights"]
    assert "best_score" not in inspect(averaged)


def test_a_lost_log_takes_nothing_along_but_the_signature(own_run):
    (own_run / "metrics.jsonl").unlink()
    described = inspect(own_run)
    assert described["best_signature"] == ""
    assert described["best_score"] > 0


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
