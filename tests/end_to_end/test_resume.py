"""A run that was interrupted and went on is the run that was never interrupted.

WAVEMT_TORTURE=1 asks for other learning rates under every schedule.
"""
import gzip
import json
import os
import re
import shutil

import pytest
from conftest import (TORTURE, metrics_of, pointed, state_without_clock, train_run, wavemt,
                      without_speeds, write_config)

# Everything that a checkpoint must hold: two batches an update, dropout, a moving average.
# 21 batches an epoch: step 12 is in the second one, step 24 in the third.
TRAINING = {"max_steps": 24, "gradient_accumulation": 2, "ema_decay": 0.9, "log_every": 5,
            "validate_every": 6, "save_every": 6}


def train(folder, corpus, *options, **training):
    return train_run(folder, corpus, *options, model={"dropout": 0.2},
                     training=TRAINING | training)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, corpus):
    """The run that was never interrupted."""
    return train(tmp_path_factory.mktemp("whole"), corpus)


@pytest.fixture(scope="module")
def half(tmp_path_factory, corpus):
    """Its first half."""
    return train(tmp_path_factory.mktemp("half"), corpus, "--set", "training.max_steps=12")


@pytest.fixture
def own_half(half, tmp_path):
    return shutil.copytree(half, tmp_path / "half")


@pytest.fixture
def own_whole(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "whole")


def contents(run):
    """Every file of a run; {path: bytes}."""
    return {path.relative_to(run): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def assert_same(run, whole):
    steps = sorted(path.name for path in (whole / "checkpoints").iterdir())
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == steps
    for pointer in ("latest", "best"):
        assert pointed(run, pointer).name == pointed(whole, pointer).name
    for checkpoint in (whole / "checkpoints").glob("step-*"):
        own = run / "checkpoints" / checkpoint.name
        for name in ("model.safetensors", "optimizer.safetensors"):
            assert (own / name).read_bytes() == (checkpoint / name).read_bytes(), own / name
        assert state_without_clock(own) == state_without_clock(checkpoint)
    assert without_speeds(run) == without_speeds(whole)


def test_the_halves_cross_the_end_of_an_epoch(whole):
    state = json.loads((whole / "checkpoints/step-00000012/state.json").read_text())
    assert state["epochs_completed"] == 1 and state["batch_in_epoch"] > 0
    state = json.loads((pointed(whole, "latest") / "state.json").read_text())
    assert state["epochs_completed"] == 2


def test_two_halves_are_the_whole(whole, own_half, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    wavemt("resume", "../half", "--set", "training.max_steps=24", "--device", "cpu",
           cwd=tmp_path / "elsewhere")
    assert_same(own_half, whole)
    # The config says how the run was made: the same, but for where it lies.
    configs = [json.loads((run / "config.json").read_text()) | {"run_dir": ""}
               for run in (own_half, whole)]
    assert configs[0] == configs[1]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_three_parts_are_the_whole(whole, tmp_path, corpus):
    run = train(tmp_path, corpus, "--set", "training.max_steps=6")
    for steps in (18, 24):
        wavemt("resume", run, "--set", f"training.max_steps={steps}", "--device", "cpu")
    assert_same(run, whole)


@pytest.mark.parametrize("options", [("--threads", "2"), ("--set", "training.precision=bf16")])
def test_the_halves_are_exact_however_it_is_computed(corpus, tmp_path, options):
    """With work enough for two threads."""
    config = write_config(tmp_path / "config.json", corpus,
                          model={"dropout": 0.2, "d_model": 128, "ffn_dim": 512},
                          training=TRAINING | {"batch_tokens": 1024, "validate_every": 3})
    steps = ("--set", "training.max_steps=6")
    wavemt("train", config, "--run-dir", tmp_path / "whole", "--device", "cpu", *steps, *options)
    wavemt("train", config, "--run-dir", tmp_path / "half", "--device", "cpu", *options,
           "--set", "training.max_steps=3")
    wavemt("resume", tmp_path / "half", "--device", "cpu", *steps,
           *(options if options[0] == "--threads" else ()))
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (pointed(tmp_path / "half", "latest") / name).read_bytes() == \
            (pointed(tmp_path / "whole", "latest") / name).read_bytes()
    assert without_speeds(tmp_path / "half") == without_speeds(tmp_path / "whole")


def test_the_end_is_that_of_the_epochs_where_it_comes_first(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus,
                          training=TRAINING | {"max_steps": 1000, "max_epochs": 2})
    said = wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu").stderr
    for epochs in (2, 3):
        if epochs == 3:
            said = wavemt("resume", tmp_path / "run", "--set", "training.max_epochs=3").stderr
        latest = pointed(tmp_path / "run", "latest")
        state = json.loads((latest / "state.json").read_text())
        assert state["epochs_completed"] == epochs
        assert state["batch_in_epoch"] < 2  # Two batches an update.
        # The end is guessed by this epoch's number of batches, which differs a little from the
        # others'; in the last epoch it is known.
        ends = {int(step): int(end) for step, end in re.findall(r"step (\d+)/(\d+)  epoch", said)}
        assert ends and all(abs(end - state["step"]) <= 3 for end in ends.values())
        assert ends[max(ends)] == state["step"]


def test_a_run_killed_between_checkpoints_is_the_whole(whole, own_whole):
    """What it logged behind its newest checkpoint is forgotten and done again."""
    shutil.rmtree(own_whole / "checkpoints/step-00000024")
    shutil.rmtree(own_whole / "checkpoints/step-00000018")
    (own_whole / "checkpoints/latest").write_text("step-00000012\n")
    with open(own_whole / "metrics.jsonl", "a") as file:
        file.write('{"step":25,"epo')  # The line that the end cut short.
    (own_whole / "checkpoints/step-00000024.1234.unfinished").mkdir()
    wavemt("resume", own_whole, "--device", "cpu")
    assert_same(own_whole, whole)


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_damaged_log_is_named(own_half):
    flip_a_byte(own_half / "metrics.jsonl")
    said = wavemt("resume", own_half, "--set", "training.max_steps=13", "--device", "cpu").stderr
    assert f" warning: {own_half}/metrics.jsonl: is not what was written up to step 12: " in said
    # Once: the log is what it is.
    said = wavemt("resume", own_half, "--set", "training.max_steps=14", "--device", "cpu").stderr
    assert "warning" not in said


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_named_and_passed_over(whole, own_whole, name):
    damaged = own_whole / "checkpoints/step-00000024" / name
    flip_a_byte(damaged)
    said = wavemt("resume", own_whole, "--device", "cpu").stderr.splitlines()
    warnings = [line for line in said if " warning: " in line]
    assert len(warnings) == 1
    assert f" warning: {damaged}: is damaged: " in warnings[0]
    assert f"continuing from {own_whole}/checkpoints/step-00000018" in "\n".join(said)
    assert_same(own_whole, whole)


def test_a_finished_run_is_left_as_it_is(own_whole):
    before = contents(own_whole)
    said = wavemt("resume", own_whole, "--device", "cpu").stderr
    assert "done: training.max_steps = 24 reached" in said
    after = contents(own_whole)
    # TensorBoard's writer begins a file of its own, without a value in it.
    assert {path: after[path] for path in after if path.parts[0] != "tensorboard"} == \
        {path: before[path] for path in before if path.parts[0] != "tensorboard"}


def test_what_is_set_stays_set(own_half):
    """A larger max_steps and another learning rate hold for the next resume as well."""
    wavemt("resume", own_half, "--set", "training.max_steps=14", "--set",
           "training.learning_rate=0.5", "--device", "cpu")
    assert pointed(own_half, "latest").name == "step-00000014"
    config = json.loads((own_half / "config.json").read_text())
    assert config["training"]["max_steps"] == 14
    assert config["training"]["learning_rate"] == 0.5
    assert "max_steps = 14 reached" in wavemt("resume", own_half, "--device", "cpu").stderr


def test_what_is_set_before_the_first_checkpoint_stays_set(own_half):
    """As after a kill in its first steps."""
    shutil.rmtree(own_half / "checkpoints")
    (own_half / "checkpoints").mkdir()
    (own_half / "metrics.jsonl").unlink()
    wavemt("resume", own_half, "--set", "training.max_steps=2", "--set",
           "training.learning_rate=0.5", "--device", "cpu")
    config = json.loads((own_half / "config.json").read_text())
    assert config["training"]["max_steps"] == 2
    assert config["training"]["learning_rate"] == 0.5
    assert "max_steps = 2 reached" in wavemt("resume", own_half, "--device", "cpu").stderr


@pytest.mark.parametrize("override", [
    "seed=2", "model.dropout=0.3", "tokenizer.vocab_size=500", "data.max_length=50",
    "training.batch_tokens=512", "training.optimizer.type=adam",
    "training.gradient_accumulation=1", "training.ema_decay=0", "training.best_metric=loss",
    "tokenizer.normalize_whitespace=false", "evaluation.tokenize=none", "training.validation_beam_size=2",
    "decoding.max_output_length=9", "decoding.split_sentences=never", "data.source_language=de",
    "data.target_language=de"])
def test_what_cannot_change_in_the_middle_is_refused(own_half, override):
    before = contents(own_half)
    result = wavemt("resume", own_half, "--set", override, check=False)
    assert result.returncode == 2
    assert f" error: --set {override}: " in result.stderr
    assert "in the middle of a run; start a new one with `wavemt train`" in result.stderr
    assert result.stderr.count("\n") == 1
    assert contents(own_half) == before


def without_a_pair(lines, side):
    return lines[:100] + lines[101:]


def with_sides_that_slipped(lines, side):
    """As many sentences, in another order on one side."""
    return [lines[1], lines[0], *lines[2:]] if side == "en" else lines


@pytest.mark.parametrize("change", [without_a_pair, with_sides_that_slipped])
def test_a_corpus_that_has_changed_is_refused(corpus, tmp_path, change):
    for side in ("en", "zh"):
        lines = (corpus / f"train.{side}").read_text("utf8").splitlines(keepends=True)
        (tmp_path / f"train.{side}").write_text("".join(change(lines, side)), "utf8")
    run = tmp_path / "moved"
    config = write_config(tmp_path / "config.json", corpus, model={"dropout": 0.2},
                          data={"train": {"source": "copy.en", "target": "copy.zh"}},
                          training=TRAINING | {"max_steps": 6})
    for side in ("en", "zh"):
        shutil.copy(corpus / f"train.{side}", tmp_path / f"copy.{side}")
    wavemt("train", config, "--run-dir", run, "--device", "cpu")
    for side in ("en", "zh"):
        os.replace(tmp_path / f"train.{side}", tmp_path / f"copy.{side}")
    before = contents(run)
    result = wavemt("resume", run, "--set", "training.max_steps=12", "--device", "cpu", check=False)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].endswith(
        f" error: {run}: was trained on another text than data.train holds now, in which its "
        "position means nothing; put the old text back, or start a new run with `wavemt train`")
    assert contents(run) == before
    # A run that was stopped before its first checkpoint begins anew, on its own text only.
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").mkdir()
    result = wavemt("resume", run, "--device", "cpu", check=False)
    assert result.returncode == 2
    assert f" error: {run}: was trained on another text than data.train holds now" in result.stderr


def set_text(split, source, target):
    return ("--set", f"data.{split}.source={source}", "--set", f"data.{split}.target={target}")


@pytest.mark.parametrize("checkpoint", [True, False])
def test_the_same_text_may_lie_elsewhere(whole, own_half, corpus, tmp_path, checkpoint):
    """Under names that tell of no language, packed, in two files: what counts is what is in it."""
    if not checkpoint:
        shutil.rmtree(own_half / "checkpoints")
        (own_half / "checkpoints").mkdir()
        (own_half / "metrics.jsonl").unlink()
    files = {}
    for language in ("en", "zh"):
        lines = (corpus / f"train.{language}").read_text("utf8").splitlines(keepends=True)
        files[language] = [tmp_path / f"{language}.first.gz", tmp_path / f"{language}.rest"]
        files[language][0].write_bytes(gzip.compress("".join(lines[:100]).encode()))
        files[language][1].write_text("".join(lines[100:]), "utf8")
        shutil.copy(corpus / f"valid.{language}", tmp_path / f"valid_{language}")
    lists = [json.dumps([str(path) for path in files[language]]) for language in ("en", "zh")]
    wavemt("resume", own_half, "--set", "training.max_steps=24", "--device", "cpu",
           *set_text("train", *lists),
           *set_text("valid", tmp_path / "valid_en", tmp_path / "valid_zh"))
    assert_same(own_half, whole)
    config = json.loads((own_half / "config.json").read_text())
    assert config["data"]["train"]["source"] == [str(path) for path in files["en"]]
    # What depended on the old names does not change with them: here the tokenizer for BLEU.
    assert config["data"]["target_language"] == "zh"


def test_other_validation_text_begins_the_best_score_anew(own_half, corpus, tmp_path):
    before = json.loads((pointed(own_half, "latest") / "state.json").read_text())
    assert before["best_score"] is not None
    for language in ("en", "zh"):
        lines = (corpus / f"valid.{language}").read_text("utf8").splitlines(keepends=True)
        (tmp_path / f"other.{language}").write_text("".join(lines[:7]), "utf8")
    said = wavemt("resume", own_half, "--set", "training.max_steps=18", "--device", "cpu",
                  *set_text("valid", tmp_path / "other.en", tmp_path / "other.zh")).stderr
    assert re.search(r" warning: data\.valid holds another text than the best score, .* at step "
                     rf"{before['best_step']}, was measured on: the best score begins anew", said)
    assert re.search(r"validation at step 18: .*\(best so far\)", said)
    assert pointed(own_half, "best").name == "step-00000018"
    said = wavemt("resume", own_half, "--set", "training.max_steps=19", "--device", "cpu").stderr
    assert "another text" not in said


@pytest.mark.parametrize("schedule, warns", [("linear", True), ("cosine", True),
                                             ("inverse_sqrt", False), ("constant", False)])
def test_a_learning_rate_that_jumps_is_said(corpus, tmp_path, schedule, warns):
    run = train(tmp_path, corpus, "--set", f"training.schedule={schedule}", "--set",
                "training.max_steps=6", "--set", "training.warmup_steps=2")
    said = wavemt("resume", run, "--set", "training.max_steps=12", "--device", "cpu").stderr
    assert (" warning: the learning rate had come down to " in said) == warns
    assert (f"because the {schedule} schedule extends to step 12 instead of 6" in said) == warns
    # No more steps, no jump; and one that was asked for is no news.
    assert "learning rate had" not in wavemt("resume", run, "--device", "cpu").stderr
    if not warns and not TORTURE:
        return  # What never warns of a jump has none to keep quiet about.
    for steps, asked in ((13, "learning_rate=0.1"), (14, "schedule=constant"), (15, "warmup_steps=20")):
        said = wavemt("resume", run, "--set", f"training.max_steps={steps}", "--set",
                      f"training.{asked}", "--device", "cpu").stderr
        assert "learning rate had" not in said, asked


def test_an_epoch_has_one_number(whole):
    """In the log, in metrics.jsonl, in the checkpoint and in what inspect says."""
    epochs = {line["step"]: line["epoch"] for line in metrics_of(whole)}
    assert epochs[5] == 1 and epochs[24] == max(epochs.values()) == 3
    for checkpoint in (whole / "checkpoints").glob("step-*"):
        state = json.loads((checkpoint / "state.json").read_text())
        assert state["epoch"] == epochs[state["step"]]
        inspected = json.loads(wavemt("inspect", checkpoint, "--json").stdout)
        assert inspected["epoch"] == state["epoch"]


def test_the_log_tells_the_same_epochs(whole):
    said = (whole.parent / "said").read_text("utf8")
    shown = {int(step): int(epoch) for step, epoch in re.findall(r"step (\d+)/24  epoch (\d+)", said)}
    logged = {line["step"]: line["epoch"] for line in metrics_of(whole) if "loss" in line}
    assert shown == logged and len(shown) == 4


def test_best_by_loss_where_bleu_is_equal(corpus, tmp_path):
    """BLEU is 0 at first: what was measured first is not the best for that."""
    for language in ("en", "zh"):
        text = (corpus / f"valid.{language}").read_text("utf8").splitlines(keepends=True)
        (tmp_path / f"valid.{language}").write_text("".join(text[:2]), "utf8")
    config = write_config(
        tmp_path / "config.json", corpus,
        data={"valid": {"source": "valid.en", "target": "valid.zh"}},
        training={"max_steps": 40, "validate_every": 5, "patience": 3})
    wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu")
    validations = [line for line in metrics_of(tmp_path / "run") if "valid/loss" in line]
    # However many are equal, the best is one of the highest BLEU, and of these of the lowest loss.
    best = max(validations, key=lambda line: (line["valid/bleu"], -line["valid/loss"]))
    state = json.loads((pointed(tmp_path / "run", "latest") / "state.json").read_text())
    assert state["best_step"] == best["step"]
    assert state["best_loss"] == best["valid/loss"]


def test_a_model_without_its_training_translates(own_half, corpus):
    text = (corpus / "test.en").read_text("utf8")
    before = wavemt("translate", own_half, input=text).stdout
    for name in ("optimizer.safetensors", "state.json"):
        for path in own_half.glob(f"checkpoints/*/{name}"):
            path.unlink()
        assert wavemt("translate", own_half, input=text).stdout == before
    assert "weights " in wavemt("inspect", own_half).stdout
    result = wavemt("resume", own_half, check=False)
    assert result.returncode == 2
    assert "step-00000012: has no optimizer.safetensors, which is needed to continue training" \
        in result.stderr


def test_a_memory_limit_that_is_too_little_changes_nothing(own_half):
    before = contents(own_half)
    result = wavemt("resume", own_half, "--set", "training.learning_rate=0.5", "--memory-limit",
                    "100MB", "--device", "cpu", check=False)
    assert result.returncode == 2
    assert " is too little: " in result.stderr
    assert contents(own_half) == before


def test_overwrite_makes_the_run_anew(whole, own_half, corpus, tmp_path):
    (own_half / "mine").write_text("left by its user")
    config = write_config(tmp_path / "config.json", corpus, model={"dropout": 0.2},
                          training=TRAINING)
    wavemt("train", config, "--run-dir", own_half, "--device", "cpu", "--overwrite")
    assert_same(own_half, whole)
    assert not (own_half / "mine").exists()
    assert sorted(os.listdir(tmp_path)) == ["config.json", "half"]


def test_a_refused_overwrite_leaves_the_old_run(own_half, corpus, tmp_path):
    before = contents(own_half)
    config = write_config(tmp_path / "config.json", corpus,
                          data={"valid": {"source": "missing"}})
    result = wavemt("train", config, "--run-dir", own_half, "--overwrite", check=False)
    assert result.returncode == 2
    assert contents(own_half) == before


def test_dry_run_writes_nothing(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus)
    result = wavemt("train", config, "--dry-run", cwd=tmp_path)
    assert result.stdout == ""
    assert f"dry run: nothing was written; the run would be in {tmp_path}/runs/config" \
        in result.stderr
    assert os.listdir(tmp_path) == ["config.json"]
