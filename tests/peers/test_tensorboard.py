"""TensorBoard's own reader sees in the event files what metrics.jsonl says."""
import json
import shutil

import numpy
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from conftest import wavemt, write_config

# TensorBoard's tag of each number in metrics.jsonl.
TAGS = {"loss": "train/loss", "lr": "train/lr", "gradient_norm": "train/gradient_norm",
        "tokens_per_second": "train/tokens_per_second", "valid/loss": "valid/loss",
        "valid/perplexity": "valid/perplexity", "valid/bleu": "valid/bleu",
        "valid/chrf": "valid/chrf"}


def scalars_of_metrics(run):
    """{tag: [(step, value)]}"""
    scalars = {}
    for line in (run / "metrics.jsonl").read_text(encoding="utf8").splitlines():
        metrics = json.loads(line)
        for key, tag in TAGS.items():
            if key in metrics:
                scalars.setdefault(tag, []).append((metrics["step"], numpy.float32(metrics[key])))
    return scalars


def scalars_of_tensorboard(run):
    accumulator = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    accumulator.Reload()
    return {tag: [(event.step, numpy.float32(event.value)) for event in accumulator.Scalars(tag)]
            for tag in accumulator.Tags()["scalars"]}


def steps(scalars, tag):
    return [step for step, _ in scalars[tag]]


@pytest.fixture
def own_run(run, tmp_path):
    """A copy of the run that a test may write into."""
    return shutil.copytree(run, tmp_path / "run")


def test_a_run(run):
    scalars = scalars_of_tensorboard(run)
    assert set(scalars) == set(TAGS.values())
    assert steps(scalars, "train/loss") == [5, 10, 15, 20]
    assert steps(scalars, "valid/bleu") == [10, 20]
    assert scalars == scalars_of_metrics(run)


def test_a_run_that_went_on(own_run):
    before = scalars_of_tensorboard(own_run)
    wavemt("resume", own_run, "--set", "training.max_steps=30", "--device", "cpu")
    scalars = scalars_of_tensorboard(own_run)
    assert steps(scalars, "train/loss") == [5, 10, 15, 20, 25, 30]
    assert scalars["train/loss"][:4] == before["train/loss"]
    assert scalars == scalars_of_metrics(own_run)


def test_a_run_that_went_on_from_an_older_checkpoint(own_run):
    """As after a crash: what was logged behind the checkpoint is forgotten, and logged anew."""
    before = scalars_of_metrics(own_run)
    shutil.rmtree(own_run / "checkpoints/step-00000020")
    wavemt("resume", own_run, "--device", "cpu")
    scalars = scalars_of_tensorboard(own_run)
    assert steps(scalars, "train/loss") == [5, 10, 15, 20]
    assert steps(scalars, "valid/loss") == [10, 20]
    assert scalars == scalars_of_metrics(own_run)
    for tag in TAGS.values():
        if tag != "train/tokens_per_second":
            assert scalars[tag] == before[tag], tag


def test_a_metric_that_is_no_number(tmp_path, corpus):
    config = write_config(tmp_path / "config.json", corpus,
                          training={"max_steps": 4, "learning_rate": 1e30, "log_every": 1,
                                    "warmup_steps": 0, "validate_every": 0, "clip_norm": 0})
    wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu")
    losses = [value for _, value in scalars_of_tensorboard(tmp_path / "run")["train/loss"]]
    assert len(losses) == 4
    assert not numpy.isfinite(losses).all()
