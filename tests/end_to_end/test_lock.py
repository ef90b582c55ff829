"""One process at a time writes a run; others may read it meanwhile.

WAVEMT_TORTURE=1 lets three begin the same run, and others read it, 20 times.
"""
import json
import re
import signal
import socket
import subprocess

import pytest
from conftest import ENVIRONMENT, PROGRAM, TORTURE, metrics_of, pointed, wavemt, write_config
from test_signals import ENDLESS, start, stop, wait_for_step


@pytest.fixture
def training(corpus, tmp_path):
    """A run that is in training, and its process."""
    config = write_config(tmp_path / "config.json", corpus, training=ENDLESS)
    process = start("train", config, "--run-dir", tmp_path / "run")
    wait_for_step(process, tmp_path / "run", 2)
    yield tmp_path / "run", process
    process.kill()
    process.wait()


def contents(run):
    return {path.relative_to(run): path.read_bytes() for path in run.rglob("*")
            if path.is_file() and path.suffix != ".jsonl" and "tfevents" not in path.name}


@pytest.mark.parametrize("command", [
    ("resume", "{run}"), ("resume", "{run}", "--set", "training.max_steps=5"),
    ("train", "{config}", "--run-dir", "{run}", "--overwrite")])
def test_a_second_trainer_is_refused(training, tmp_path, command):
    run, process = training
    before = contents(run)
    arguments = [part.format(run=run, config=tmp_path / "config.json") for part in command]
    result = wavemt(*arguments, "--device", "cpu", check=False)
    assert result.returncode == 2
    errors = [line for line in result.stderr.splitlines() if " error: " in line]
    assert errors == [errors[0]] and errors[0].endswith(
        f" error: {run}: is being trained by process {process.pid}; wait for it to finish or "
        "stop it first")
    assert contents(run) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "run"]
    # The first one never noticed.
    last = metrics_of(run)[-1]["step"]
    reached = stop(process, run, last + 1, signal.SIGTERM)
    assert [line["step"] for line in metrics_of(run)] == list(range(1, reached + 1))
    assert not (run / "lock").exists()


def test_a_dead_process_leaves_no_lock(training):
    run, process = training
    process.kill()
    process.communicate()
    assert (run / "lock").read_text() == f"{process.pid} {socket.gethostname()}\n"
    wavemt("resume", run, "--set", "training.max_steps=4", "--device", "cpu")
    assert pointed(run, "latest").name == "step-00000004"
    assert not (run / "lock").exists()


def test_the_lock_names_another_machine(training):
    """As on a network file system, where the lock holds but the process is nobody here."""
    run, process = training
    (run / "lock").write_text("4711 node7\n")
    result = wavemt("resume", run, check=False)
    assert f"{run}: is being trained by process 4711 on node7; wait" in result.stderr
    (run / "lock").write_text("nonsense")
    result = wavemt("resume", run, check=False)
    assert f"{run}: is being trained by another process; wait" in result.stderr


def outcomes_of(*commands):
    """What commands that are started at once come to."""
    processes = [subprocess.Popen([str(PROGRAM), *map(str, command), "--device", "cpu"],
                                  stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
                 for command in commands]
    said = [process.communicate(timeout=300)[1] for process in processes]
    return list(zip([process.returncode for process in processes], said))


def test_two_begin_the_same_run_at_once(corpus, run, tmp_path):
    config = write_config(tmp_path / "config.json", corpus,
                          tokenizer={"model": str(run / "tokenizer.model")},
                          training={"max_steps": 60, "validate_every": 0, "save_every": 1})
    attempts = 20 if TORTURE else 1
    for attempt in range(attempts):
        target = tmp_path / f"run{attempt}"
        command = ("train", config, "--run-dir", target)
        outcomes = sorted(outcomes_of(command, command, command))
        assert [code for code, _ in outcomes] == [0, 2, 2], outcomes
        for _, said in outcomes[1:]:
            assert said.splitlines()[-1].partition(" error: ")[2].startswith(f"{target}: ")
        assert pointed(target, "latest").name == "step-00000060"
    assert len(list(tmp_path.iterdir())) == attempts + 1  # Nothing beside runs and config.


def test_two_go_on_with_the_same_run_at_once(own_run):
    before = json.loads((own_run / "config.json").read_text())["training"]["max_steps"]
    command = ("resume", own_run, "--set", f"training.max_steps={before + 60}",
               "--set", "training.validate_every=0", "--set", "training.save_every=1")
    outcomes = sorted(outcomes_of(command, command))
    assert [code for code, _ in outcomes] == [0, 2], outcomes
    # The winner may not have written its number yet.
    assert re.search("is being trained by (process [0-9]+|another process)", outcomes[1][1])
    assert pointed(own_run, "latest").name == f"step-{before + 60:08}"


def test_a_run_in_training_can_be_read(corpus, run, tmp_path):
    """Although its checkpoints come and go all the time."""
    config = write_config(tmp_path / "config.json", corpus,
                          tokenizer={"model": str(run / "tokenizer.model")},
                          training=ENDLESS | {"save_every": 1, "keep_last": 1,
                                              "validate_every": 1, "best_metric": "loss"})
    target = tmp_path / "run"
    process = start("train", config, "--run-dir", target)
    try:
        wait_for_step(process, target, 3)
        for _ in range(20 if TORTURE else 3):
            assert wavemt("translate", target, input="One.\nTwo.\n").stdout.count("\n") == 2
            inspected = json.loads(wavemt("inspect", target, "--json").stdout)
            assert inspected["step"] >= 3
        evaluated = wavemt("evaluate", target, "--source", corpus / "test.en", "--reference",
                           corpus / "test.zh", "--json").stdout
        assert json.loads(evaluated)[0]["name"] == "BLEU"
        last = metrics_of(target)[-1]["step"]
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 143, said
        assert " error: " not in said and " warning: " not in said
        assert metrics_of(target)[-1]["step"] >= last
    finally:
        process.kill()
