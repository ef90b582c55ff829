"""`wavemt train --init-from`: a run that begins with another one's weights."""
import json
import shutil
import zlib

import numpy
import pytest
from conftest import ROOT, long, pointed, wavemt, without_speeds, write_config
from safetensors.numpy import load_file
from sentencepiece import SentencePieceProcessor


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


def refusal(config, run, *options):
    result = wavemt("train", config, "--run-dir", run, *options, check=False)
    assert result.returncode == 2 and not run.exists(), result.stderr
    return result.stderr


def test_weights_that_do_not_fit_are_listed(trained_run, corpus, tmp_path):
    def said(**model):
        config = write_config(tmp_path / "config.json", corpus, model=model)
        return refusal(config, tmp_path / "run", "--init-from", trained_run)

    text = said(ffn_dim=32)
    assert "its weights do not fit the model of this config; of another shape: " in text
    assert "decoder.layers.0.feed_forward.in_proj.bias [64] instead of [32]" in text
    assert "--init-partial takes those that fit" in text
    text = said(num_encoder_layers=2, tied_embeddings="none")
    assert "missing: encoder.layers.1.feed_forward.in_proj.bias" in text
    assert "output_projection" not in text  # It was tied to what is there.
    # Weights of the same shapes, which would mean something else.
    assert "model.num_heads: 2 does not fit the weights of " in said(num_heads=2)


def test_those_that_fit_can_be_taken(trained_run, corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, training={"max_steps": 1},
                          model={"num_encoder_layers": 2, "ffn_dim": 32, "num_heads": 2})
    said = wavemt("train", config, "--run-dir", tmp_path / "run", "--init-from", trained_run,
                  "--init-partial").stderr
    assert "model.num_heads: " in said and "so its weights mean something else now" in said
    assert "missing: encoder.layers.1.feed_forward.in_proj.bias" in said
    assert "of another shape: decoder.layers.0.feed_forward.in_proj.bias [64] instead of [32]" in said
    old = load_file(pointed(trained_run, "best") / "model.safetensors")
    new = load_file(tmp_path / "run/checkpoints/step-00000000/model.safetensors")
    taken = [name for name in new if name in old and new[name].shape == old[name].shape]
    assert "encoder.layers.0.self_attention.qkv_proj.weight" in taken
    for name in taken:
        assert numpy.array_equal(new[name], old[name]), name


def test_a_file_of_weights_needs_no_run(trained_run, corpus, tmp_path):
    """As other programs write them: only names and shapes say what they are."""
    weights = tmp_path / "weights.safetensors"
    shutil.copy(pointed(trained_run, "best") / "model.safetensors", weights)
    config = write_config(tmp_path / "config.json", corpus, training={"max_steps": 1})
    assert "holds weights alone, so name the SentencePiece model" in \
        refusal(config, tmp_path / "run", "--init-from", weights)
    wavemt("train", config, "--run-dir", tmp_path / "run", "--init-from", weights,
           "--set", f"tokenizer.model={trained_run}/tokenizer.model")
    assert (tmp_path / "run/checkpoints/step-00000000/model.safetensors").read_bytes() == \
        weights.read_bytes()
    origin = json.loads((tmp_path / "run/origin.json").read_text())
    assert origin["initial_checkpoint"] == str(weights)
    assert f"{zlib.crc32(weights.read_bytes()):08x}" == origin["crc32"]
    # Pickles can run programs when they are read.
    pickle = tmp_path / "weights.bin"
    shutil.copy(weights, pickle)
    assert "is neither a run, a checkpoint nor a .safetensors file" in \
        refusal(config, tmp_path / "other", "--init-from", pickle)


def test_pieces_of_another_vocabulary_keep_their_rows(trained_run, corpus, tmp_path):
    pieces = tmp_path / "pieces"
    text = ROOT / "data/quickstart"
    wavemt("tokenizer", "train", "--input", text / "train.en", "--input", text / "train.zh",
           "--vocab-size", "700", "--byte-fallback", "false", "--output", pieces)
    config = write_config(tmp_path / "config.json", corpus, training={"max_steps": 1},
                          tokenizer={"model": str(pieces)})
    said = wavemt("train", config, "--run-dir", tmp_path / "run", "--init-from", trained_run).stderr
    old, new = (SentencePieceProcessor(model_file=str(file))
                for file in (trained_run / "tokenizer.model", pieces))
    before, after = (load_file(folder / "model.safetensors")["source_embedding.weight"] for folder in
                     (pointed(trained_run, "best"), tmp_path / "run/checkpoints/step-00000000"))
    assert len(after) == new.get_piece_size()
    kept, spelled = 0, 0
    for index in range(new.get_piece_size()):
        piece = new.id_to_piece(index)
        if old.id_to_piece(old.piece_to_id(piece)) == piece:
            assert numpy.array_equal(after[index], before[old.piece_to_id(piece)]), piece
            kept += 1
            continue
        parts = old.encode(piece.replace("\u2581", " "))
        if not piece.startswith("\u2581") and old.id_to_piece(parts[0]) == "\u2581" and len(parts) > 1:
            parts = parts[1:]
        expected = before[parts].mean(axis=0) if parts else before.mean(axis=0)
        assert numpy.allclose(after[index], expected, atol=1e-6), piece
        spelled += 1
    assert kept > 100 and spelled > 5
    assert (f"source_embedding.weight: {kept} pieces keep their rows, {spelled} new ones get the "
            "mean of their parts") in said


def test_frozen_weights_stay_as_they_are(trained_run, corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus,
                          training={"freeze": ["encoder.*", "source_embedding"], "ema_decay": 0.9})
    said = wavemt("train", config, "--run-dir", tmp_path / "run", "--init-from", trained_run).stderr
    assert " of them trained, " in said
    old = load_file(pointed(trained_run, "best") / "model.safetensors")
    last = pointed(tmp_path / "run", "latest")
    new = load_file(last / "model.safetensors")
    moments = load_file(last / "optimizer.safetensors")
    for name in old:
        frozen = name.startswith(("encoder.", "source_embedding."))
        is_trained = not frozen and name != "position_encoding.pe"
        assert numpy.array_equal(old[name], new[name]) == (not is_trained), name
        assert (f"exp_avg.{name}" in moments) == is_trained, name
    # Exactly, also with two halves.
    half = tmp_path / "half"
    wavemt("train", config, "--run-dir", half, "--init-from", trained_run,
           "--set", "training.max_steps=10")
    wavemt("resume", half, "--set", "training.max_steps=20")
    assert (pointed(half, "latest") / "model.safetensors").read_bytes() == \
        (last / "model.safetensors").read_bytes()
    for pattern, reason in (("encodr", 'training.freeze: "encodr" matches no weight of the model, whose parts are decoder.layers, '),
                            ("*", "training.freeze: leaves no weight to train")):
        assert reason in refusal(config, tmp_path / "no", "--set",
                                 f'training.freeze=["{pattern}"]')


def test_an_anchor_pulls_weights_to_where_they_began(trained_run, corpus, tmp_path):
    """With a strength far above the loss's own gradient, they hardly leave."""
    old = load_file(pointed(trained_run, "best") / "model.safetensors")

    def distance(name, strength, *steps):
        config = write_config(tmp_path / "config.json", corpus,
                              training={"anchor": strength, "max_steps": steps[-1],
                                        "learning_rate": 1e-3, "validate_every": 0,
                                        "schedule": "constant", "clip_norm": 0})
        run = tmp_path / name
        wavemt("train", config, "--run-dir", run, "--init-from", trained_run, "--set",
               f"training.max_steps={steps[0]}")
        for step in steps[1:]:
            wavemt("resume", run, "--set", f"training.max_steps={step}")
        new = load_file(pointed(run, "latest") / "model.safetensors")
        return sum(float(((new[key] - old[key]) ** 2).sum()) for key in old)

    free, tied = distance("free", 0.0, 30), distance("tied", 10.0, 30)
    assert tied < 0.5 * free
    # The beginnings are in the checkpoints.
    assert distance("halves", 10.0, 15, 30) == tied
    assert (pointed(tmp_path / "halves", "latest") / "model.safetensors").read_bytes() == \
        (pointed(tmp_path / "tied", "latest") / "model.safetensors").read_bytes()


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
