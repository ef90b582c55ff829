"""Subword sampling: each pass over the training text is segmented differently, in the same way
whether the training was interrupted or not, and wherever the text is kept."""
import json
import shutil

import pytest
from conftest import (merge, pointed, state_without_clock, train_run, wavemt, without_speeds,
                      write_config)

# Some 19 batches an epoch, two of them an update: steps 24 and 48 are in the middle of the third
# and at the beginning of the sixth.
SAMPLED = {"tokenizer": {"sampling": {"alpha": 0.2}}, "model": {"dropout": 0.2},
           "training": {"max_steps": 48, "gradient_accumulation": 2, "log_every": 12,
                        "validate_every": 24, "save_every": 24}}


def train(folder, corpus, *options, **changes):
    return train_run(folder, corpus, *options, **merge(SAMPLED, changes))


def weights(run):
    newest = pointed(run, "latest")
    return [(newest / name).read_bytes() for name in ("model.safetensors", "optimizer.safetensors")]


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def whole(request, tmp_path_factory, corpus):
    return train(tmp_path_factory.mktemp("sampled"), corpus, tokenizer={"type": request.param})


def kind(run):
    return json.loads((run / "config.json").read_text())["tokenizer"]["type"]


def state_of(run, step):
    return json.loads((run / f"checkpoints/step-{step:08}/state.json").read_text())


def test_the_halves_cross_the_end_of_an_epoch(whole):
    half, end = state_of(whole, 24), state_of(whole, 48)
    assert half["batch_in_epoch"] > 0
    assert 0 < half["epochs_completed"] < end["epochs_completed"]


def test_a_resumed_run_draws_what_one_never_stopped_draws(whole, corpus, tmp_path):
    half = train(tmp_path, corpus, "--set", "training.max_steps=24", tokenizer={"type": kind(whole)})
    wavemt("resume", half, "--set", "training.max_steps=48", "--device", "cpu")
    assert weights(half) == weights(whole)
    assert state_without_clock(pointed(half, "latest")) == state_without_clock(
        pointed(whole, "latest"))
    assert without_speeds(half) == without_speeds(whole)


def test_a_cached_corpus_gives_the_same_training(whole, corpus, tmp_path):
    cached = train(tmp_path, corpus, tokenizer={"type": kind(whole)},
                   data={"cache_dir": str(tmp_path / "cache")})
    assert weights(cached) == weights(whole)
    (cache,) = (tmp_path / "cache").iterdir()
    first = (corpus / "train.en").read_text("utf8").split("\n")[0]
    assert first.encode() + b"\n" in cache.read_bytes()
    # A second run reads it from there.
    again = train(tmp_path / "again", corpus, tokenizer={"type": kind(whole)},
                  data={"cache_dir": str(tmp_path / "cache")})
    assert weights(again) == weights(whole)
    assert "token ids found in" in (tmp_path / "again/said").read_text("utf8")


def test_a_cache_without_text_is_left_alone(corpus, tmp_path):
    cache = {"data": {"cache_dir": str(tmp_path / "cache")}}
    train(tmp_path / "plain", corpus, tokenizer={"sampling": {"alpha": 0}}, **cache)
    (plain,) = (tmp_path / "cache").iterdir()
    before = plain.read_bytes()
    train(tmp_path / "sampled", corpus, **cache)
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert plain.read_bytes() == before


def test_other_segmentations_train_another_model(whole, corpus, tmp_path):
    plain = train(tmp_path, corpus, tokenizer={"type": kind(whole), "sampling": {"alpha": 0}})
    assert weights(plain) != weights(whole)
    # The same tokenizer: sampling is a matter of training alone.
    assert (plain / "tokenizer.model").read_bytes() == (whole / "tokenizer.model").read_bytes()


def test_what_is_learned_on_may_be_sampled_or_not(whole, corpus, tmp_path):
    """The tokenizer of another model comes along, its sampling does not."""
    config = write_config(tmp_path / "config.json", corpus, tokenizer={"sampling": {"alpha": 0.3}},
                          training={"max_steps": 1, "validate_every": 0})
    wavemt("train", config, "--run-dir", tmp_path / "run", "--init-from", whole)
    saved = json.loads((tmp_path / "run/config.json").read_text())
    assert saved["tokenizer"]["sampling"]["alpha"] == 0.3
    assert saved["tokenizer"]["type"] == kind(whole)
    plain = write_config(tmp_path / "plain.json", corpus,
                         training={"max_steps": 1, "validate_every": 0})
    wavemt("train", plain, "--run-dir", tmp_path / "plain", "--init-from", whole)
    saved = json.loads((tmp_path / "plain/config.json").read_text())
    assert saved["tokenizer"]["sampling"]["alpha"] == 0


def test_translation_does_not_sample(whole, corpus, tmp_path):
    plain = shutil.copytree(whole, tmp_path / "plain")
    (plain / "checksums.json").unlink()  # So that a setting may be changed by hand.
    config = json.loads((plain / "config.json").read_text("utf8"))
    config["tokenizer"]["sampling"]["alpha"] = 0
    (plain / "config.json").write_text(json.dumps(config), "utf8")
    translations = [wavemt("translate", run, "--input", corpus / "test.en").stdout
                    for run in (whole, plain)]
    assert translations[0] == translations[1]


@pytest.mark.parametrize("sampling, kind, message", [
    ({"alpha": 0.2, "nbest": 1}, "unigram", "tokenizer.sampling.nbest: 1 leaves nothing to draw"),
    ({"nbest": 8}, "unigram", "tokenizer.sampling.nbest: has no effect unless"),
    ({"alpha": 0.2, "nbest": 8}, "bpe", "tokenizer.sampling.nbest: is for unigram vocabularies only"),
    ({"alpha": 1.5}, "bpe", "tokenizer.sampling.alpha: 1.5 is not possible"),
])
def test_settings_that_mean_nothing_are_refused(corpus, tmp_path, sampling, kind, message):
    config = write_config(tmp_path / "config.json", corpus,
                          tokenizer={"type": kind, "sampling": sampling})
    result = wavemt("train", config, "--run-dir", tmp_path / "run", check=False)
    assert result.returncode == 2
    assert message in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_resumed_run_cannot_change_it(whole):
    result = wavemt("resume", whole, "--set", "tokenizer.sampling.alpha=0.1", check=False)
    assert result.returncode == 2
    assert "tokenizer.sampling.alpha" in result.stderr
