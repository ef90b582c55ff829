"""A training whose numbers stop being finite stops by itself, and leaves what came before."""
import json

from conftest import DIVERGING, metrics_of, pointed, wavemt, write_config


def warnings_of(result):
    return [line for line in result.stderr.splitlines() if " warning: " in line]


def test_a_diverging_run_stops_and_names_the_layer(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, training=DIVERGING)
    result = wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu", check=False)
    assert result.returncode == 1
    error = result.stderr.splitlines()[-1]
    assert " error: step 5: the loss or gradient is not finite (4 in a row; " in error
    assert "the first layer with a result that is not finite is encoder.layers.0." in error
    assert f"`wavemt resume {tmp_path}/run --set training.learning_rate=...`" in error
    assert len(warnings_of(result)) == 4
    for step, warning in zip(range(2, 6), warnings_of(result)):
        assert f" warning: step {step} is skipped and changes no weight" in warning
    # The state before the first bad step is the newest that there is.
    assert pointed(tmp_path / "run", "latest").name == "step-00000001"
    assert [path.name for path in sorted((tmp_path / "run/checkpoints").glob("step-*"))] == \
        ["step-00000001"]
    lines = metrics_of(tmp_path / "run")
    assert lines[-1]["skipped_steps"] == 3  # Written at each step but the last, which failed.
    assert lines[-1]["loss"] is None


def test_the_run_goes_on_from_before_with_a_lower_rate(corpus, tmp_path):
    run = tmp_path / "run"
    config = write_config(tmp_path / "config.json", corpus,
                          training={"max_steps": 6, "save_every": 3, "validate_every": 0})
    wavemt("train", config, "--run-dir", run, "--device", "cpu")
    options = ("--set", "training.max_steps=20", "--set", "training.max_skipped_steps=3",
               "--device", "cpu")
    result = wavemt("resume", run, "--set", "training.learning_rate=1e30", *options, check=False)
    assert result.returncode == 1
    assert "the newest checkpoint, of step 6, is from before" in result.stderr
    assert pointed(run, "latest").name == "step-00000006"
    wavemt("resume", run, "--set", "training.learning_rate=0.001", *options)
    state = json.loads((pointed(run, "latest") / "state.json").read_text())
    assert state["step"] == 20 and state["skipped_steps"] == 0
