"""A stopped run leaves a checkpoint of the step it reached, and nothing is lost."""
import json
import signal
import subprocess
import time

import pytest
from conftest import (ENVIRONMENT, PROGRAM, ROOT, metrics_of, pointed, state_without_clock, wavemt,
                      without_speeds, write_config)

ENDLESS = {"max_steps": 1_000_000, "log_every": 1, "validate_every": 0, "save_every": 1_000_000}


def start(*arguments):
    return subprocess.Popen([str(PROGRAM), *map(str, arguments), "--device", "cpu"], text=True,
                            stderr=subprocess.PIPE, env=ENVIRONMENT)


def wait_for_step(process, run, step):
    """Until the run has logged `step`."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        log = run / "metrics.jsonl"
        whole_lines = log.read_text().split("\n")[:-1] if log.exists() else []
        if whole_lines and json.loads(whole_lines[-1])["step"] >= step:
            return
        time.sleep(0.01)
    raise AssertionError(f"step {step} was not logged: {process.communicate()[1]}")


def stop(process, run, after_step, number):
    """Sends the signal behind `after_step`; the step that the run reached."""
    wait_for_step(process, run, after_step)
    process.send_signal(number)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 128 + number, said
    step = json.loads((pointed(run, "latest") / "state.json").read_text())["step"]
    assert step >= after_step
    assert f"stopped by a signal at step {step:,}; `wavemt resume {run}` continues from there" in said
    assert " error: " not in said
    # The step was finished and logged, and nothing came behind it.
    assert metrics_of(run)[-1]["step"] == step
    return step


def losses(run):
    return [(line["step"], line["loss"]) for line in metrics_of(run)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(corpus, tmp_path, number):
    config = write_config(tmp_path / "config.json", corpus, training=ENDLESS | {"ema_decay": 0.9})
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    first = stop(start("train", config, "--run-dir", stopped), stopped, 3, number)
    assert [path.name for path in (stopped / "checkpoints").glob("step-*")] == \
        [f"step-{first:08}"]
    # Stopped again on its way.
    second = stop(start("resume", stopped), stopped, first + 2, number)
    last = second + 3
    wavemt("resume", stopped, "--set", f"training.max_steps={last}", "--device", "cpu")

    wavemt("train", config, "--run-dir", whole, "--set", f"training.max_steps={last}",
           "--device", "cpu")
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (pointed(stopped, "latest") / name).read_bytes() == \
            (pointed(whole, "latest") / name).read_bytes()
    assert losses(stopped) == losses(whole)


def test_timeout_signals_twice(corpus, tmp_path):
    """As coreutils' timeout does: its child, and then the group that both are in."""
    config = write_config(tmp_path / "config.json", corpus, training=ENDLESS)
    run = tmp_path / "run"
    process = start("train", config, "--run-dir", run)
    wait_for_step(process, run, 2)
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 143
    assert (pointed(run, "latest") / "manifest.json").exists()


@pytest.fixture(scope="module")
def long_validation(corpus, tmp_path_factory):
    """Text whose validation takes far longer than a step."""
    folder = tmp_path_factory.mktemp("long_validation")
    for language in ("en", "zh"):
        text = (corpus / f"train.{language}").read_text()
        (folder / f"valid.{language}").write_text(text * 4)
    return {"source": str(folder / "valid.en"), "target": str(folder / "valid.zh")}


def small_run(folder, corpus, run, valid, **training):
    return write_config(folder / "config.json", corpus, data={"valid": valid},
                        tokenizer={"model": str(run / "tokenizer.model")},
                        training={"max_steps": 6, "log_every": 1, "validate_every": 3,
                                  "save_every": 1000} | training)


@pytest.fixture(scope="module")
def whole(corpus, run, long_validation, tmp_path_factory):
    """A run with two long validations that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    wavemt("train", small_run(folder, corpus, run, long_validation), "--run-dir", folder / "run",
           "--device", "cpu")
    return folder / "run"


@pytest.mark.parametrize("step", [3, 6])
def test_a_signal_ends_a_validation_which_the_resumed_run_makes_up_for(
        corpus, run, long_validation, whole, tmp_path, step):
    config = small_run(tmp_path, corpus, run, long_validation)
    stopped = tmp_path / "stopped"
    process = start("train", config, "--run-dir", stopped)
    # The line of a step is written before its validation begins.
    reached = stop(process, stopped, step, signal.SIGTERM)
    assert reached == step
    state = json.loads((pointed(stopped, "latest") / "state.json").read_text())
    assert state["validation_pending"] is True
    wavemt("resume", stopped, "--device", "cpu")

    assert without_speeds(stopped) == without_speeds(whole)
    for pointer in ("latest", "best"):
        folders = [pointed(folder, pointer) for folder in (stopped, whole)]
        assert folders[0].name == folders[1].name
        assert state_without_clock(folders[0]) == state_without_clock(folders[1])
        assert (folders[0] / "model.safetensors").read_bytes() == \
            (folders[1] / "model.safetensors").read_bytes()


def test_a_signal_before_anything_is_written(corpus, tmp_path):
    """While the vocabulary is trained, there is nothing to save, and nothing is left."""
    config = write_config(tmp_path / "config.json", ROOT / "data/quickstart",
                          tokenizer={"vocab_size": 6000}, training=ENDLESS)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        process = start("train", config, "--run-dir", tmp_path / "run")
        assert "training a vocabulary" in process.stderr.readline()
        process.send_signal(number)
        process.communicate(timeout=120)
        assert process.returncode == -number  # A shell says 128 + number.
        assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_max_minutes(corpus, tmp_path):
    """Ends by itself, in good order; as does what goes on from there."""
    config = write_config(tmp_path / "config.json", corpus, training=ENDLESS)
    run, whole = tmp_path / "run", tmp_path / "whole"
    said = wavemt("train", config, "--run-dir", run, "--device", "cpu", "--max-minutes",
                  "0.05").stderr
    first = metrics_of(run)[-1]["step"]
    assert f"stopped by --max-minutes at step {first:,}; `wavemt resume {run}` continues from there" in said
    assert pointed(run, "latest").name == f"step-{first:08}"
    wavemt("resume", run, "--device", "cpu", "--max-minutes", "0.05")
    second = metrics_of(run)[-1]["step"]
    assert second > first
    wavemt("train", config, "--run-dir", whole, "--device", "cpu",
           "--set", f"training.max_steps={second}")
    assert (pointed(run, "latest") / "model.safetensors").read_bytes() == \
        (pointed(whole, "latest") / "model.safetensors").read_bytes()
    assert losses(run) == losses(whole)


def test_max_minutes_holds_within_a_validation(corpus, run, long_validation, tmp_path):
    valid = {side: [path] * 30 for side, path in long_validation.items()}
    config = small_run(tmp_path, corpus, run, valid, validate_every=1)
    target = tmp_path / "run"
    said = wavemt("train", config, "--run-dir", target, "--device", "cpu", "--max-minutes",
                  "0.1").stderr
    assert "stopped by --max-minutes at step 1; " in said
    state = json.loads((pointed(target, "latest") / "state.json").read_text())
    assert (state["step"], state["validation_pending"]) == (1, True)


@pytest.mark.parametrize("minutes", ["0", "-1", "soon"])
def test_max_minutes_that_mean_nothing_are_refused(tmp_path, minutes):
    result = wavemt("train", tmp_path / "config.json", "--max-minutes", minutes, check=False)
    assert result.returncode == 2
    assert "--max-minutes" in result.stderr


def test_a_run_killed_before_its_first_checkpoint_begins_again(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, training=ENDLESS)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = start("train", config, "--run-dir", killed)
    wait_for_step(process, killed, 3)
    process.kill()
    process.communicate()
    assert list((killed / "checkpoints").iterdir()) == []
    wavemt("resume", killed, "--set", "training.max_steps=5", "--device", "cpu")
    wavemt("train", config, "--run-dir", whole, "--set", "training.max_steps=5", "--device", "cpu")
    assert (pointed(killed, "latest") / "model.safetensors").read_bytes() == \
        (pointed(whole, "latest") / "model.safetensors").read_bytes()
    assert losses(killed) == losses(whole)
