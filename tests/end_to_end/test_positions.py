"""Position encodings as a user meets them: training, resuming, longer text, `wavemt positions`."""
import json
import re

import pytest
from conftest import pointed, state_without_clock, wavemt, write_config
from safetensors.numpy import load_file, save_file

ENCODINGS = ["sinusoidal", "learned", "article", "article_fixed", "rotary", "alibi", "relative",
             "t5", "none"]
# Settings whose randomness or weights an exact resume must not lose.
RESUMED = {"random_shift": {"type": "learned", "random_shift": 3}, "rotary": {"type": "rotary"},
           "alibi": {"type": "alibi", "alibi_slopes": "trained"}, "relative": {"type": "relative"},
           "t5": {"type": "t5"}}


def train(folder, corpus, encoding, *options):
    config = write_config(folder / "config.json", corpus,
                          model={"dropout": 0.2, "position_encoding": encoding})
    run = folder / "run"
    wavemt("train", config, "--run-dir", run, "--device", "cpu", *options)
    return run


@pytest.mark.parametrize("encoding", RESUMED.values(), ids=RESUMED)
def test_resume_is_exact(corpus, tmp_path, encoding):
    for name in ("whole", "halves"):
        (tmp_path / name).mkdir()
    whole = train(tmp_path / "whole", corpus, encoding)
    halves = train(tmp_path / "halves", corpus, encoding, "--set", "training.max_steps=7",
                   "--set", "training.save_every=7")
    wavemt("resume", halves, "--device", "cpu", "--set", "training.max_steps=20")
    newest = [pointed(run, "latest") for run in (whole, halves)]
    for file in ("model.safetensors", "optimizer.safetensors"):
        assert (newest[0] / file).read_bytes() == (newest[1] / file).read_bytes()
    assert state_without_clock(newest[0])["step"] == state_without_clock(newest[1])["step"] == 20


@pytest.mark.parametrize("encoding", ["learned", "none"])
def test_a_model_translates_and_says_what_it_is(corpus, tmp_path, encoding):
    run = train(tmp_path, corpus, {"type": encoding})
    assert wavemt("translate", run, input="The boy sees a dog.\n").stdout.count("\n") == 1
    described = json.loads(wavemt("inspect", run, "--json").stdout)
    assert described["position_encoding"] == f"{encoding}, 64 positions"
    weights = load_file(pointed(run, "best") / "model.safetensors")
    assert described["position_weights"] == sum(
        weight.size for name, weight in weights.items() if name.startswith("position_encoding."))
    assert described["weights"] == sum(weight.size for weight in weights.values())


def test_what_is_computed_can_be_longer_after_training(trained_run):
    """A line of more tokens than the positions is no longer cut; a short one stays as it was."""
    short, long_line = "The boy sees a dog.\n", " ".join(["dog"] * 150) + "\n"
    options = ("--set", "decoding.split_sentences=never", "--set", "decoding.max_output_length=20")
    longer = ("--set", "model.position_encoding.max_length=4096")
    before = wavemt("translate", trained_run, *options, input=short + long_line)
    after = wavemt("translate", trained_run, *options, *longer, input=short + long_line)
    assert "cut inside a sentence" in before.stderr and "cut inside a sentence" not in after.stderr
    assert before.stdout.splitlines()[0] == after.stdout.splitlines()[0]
    assert after.stdout.count("\n") == 2


def test_what_is_learned_cannot_be_longer(corpus, tmp_path):
    run = train(tmp_path, corpus, {"type": "article"}, "--set", "training.max_steps=1")
    result = wavemt("translate", run, "--set", "model.position_encoding.max_length=65",
                    input="A dog.\n", check=False)
    assert result.returncode == 2 and result.stdout == ""
    assert ("model.position_encoding.max_length: 65 is more than the 64 positions that "
            in result.stderr)
    wavemt("translate", run, "--set", "model.position_encoding.max_length=62", input="A dog.\n")


def test_a_table_that_is_not_the_formula_s_is_not_lengthened(own_run):
    file = pointed(own_run, "best") / "model.safetensors"
    weights = load_file(file)
    weights["position_encoding.pe"][3, 5] += 0.01
    save_file(weights, own_run / "changed.safetensors")
    result = wavemt("translate", own_run / "changed.safetensors", "--set",
                    "model.position_encoding.max_length=100", input="A dog.\n", check=False)
    assert result.returncode == 2
    assert "changed.safetensors: its table of positions is not what the formula gives" in result.stderr


@pytest.mark.parametrize("key", ["type=none", "relative_clip_distance=4"])
def test_a_trained_model_keeps_its_encoding(corpus, tmp_path, key):
    """What has no weights would otherwise translate to nonsense without a word."""
    run = train(tmp_path, corpus, {"type": "rotary"}, "--set", "training.max_steps=1")
    changes = ["--set", f"model.position_encoding.{key}"]
    result = wavemt("translate", run, *changes, input="A dog.\n", check=False)
    assert result.returncode == 2 and result.stdout == ""
    assert "model.position_encoding." in result.stderr
    wavemt("translate", run, "--set", "model.position_encoding.rotary_base=20000", input="A dog.\n")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_positions_prints_and_draws_a_config(corpus, tmp_path, encoding):
    config = write_config(tmp_path / "config.json", corpus,
                          model={"position_encoding": {"type": encoding}})
    page = tmp_path / "page.html"
    shown = wavemt("positions", config, "--html", page, "--length", 20).stdout
    assert re.search(rf"^positions +{encoding}\b.*, 64 positions$", shown, re.M)
    described = json.loads(wavemt("positions", config, "--json").stdout)
    assert re.fullmatch(rf"{encoding}\b.*, 64 positions", described["encoding"])
    html = page.read_text("utf8")
    adds = encoding in ("sinusoidal", "learned", "article", "article_fixed")
    assert ("data:image/png" in html) == adds
    assert ("There is nothing to draw" in html) == (encoding == "none")
    assert "<script" not in html and "http" not in html.replace("http://www.w3.org/2000/svg", "")


def test_positions_of_a_run_are_those_that_training_made(corpus, tmp_path):
    run = train(tmp_path, corpus, {"type": "t5"})
    pages = []
    for of in (run, tmp_path / "config.json"):
        shown = wavemt("positions", of, "--html", tmp_path / "page.html").stdout
        assert ("as trained" if of == run else "random initial values, before training") in shown
        pages.append((tmp_path / "page.html").read_text("utf8"))
    assert pages[0] != pages[1]


def test_positions_refuses_what_is_neither_config_nor_model(tmp_path):
    result = wavemt("positions", tmp_path / "missing", check=False)
    assert result.returncode == 2 and str(tmp_path / "missing") in result.stderr
