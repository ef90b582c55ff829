"""A stopped run leaves a checkpoint of the step it reached, and nothing is lost."""
import json
import signal
import subprocess
import time

import pytest
from conftest import ENVIRONMENT, PROGRAM, metrics_of, pointed, wavemt, write_config

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
    assert f"stopped by a signal at step {step:,}; `wavemt resume {run}` goes on from there" in said
    assert " error: " not in said
    # The step was finished and logged, and nothing came behind it.
    assert metrics_of(run)[-1]["step"] == step
    return step


def losses(run):
    return [(line["step"], line["loss"]) for line in metrics_of(run)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
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
