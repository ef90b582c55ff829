"""Several processes that train one model together, started as torchrun starts them."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
from conftest import (ENVIRONMENT, PROGRAM, metrics_of, pointed, state_without_clock, wavemt,
                      without_speeds, write_config)
from safetensors.numpy import load_file

TRAINING = {"max_steps": 24, "log_every": 4, "validate_every": 12, "save_every": 8}


def free_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def start(size, *arguments, own=None):
    """One process for each rank; `own`: the further arguments of each."""
    port = free_port()
    return [subprocess.Popen(
        [str(PROGRAM), *map(str, arguments), "--device", "cpu", *map(str, own[rank] if own else [])],
        encoding="utf8", stderr=subprocess.PIPE, stdout=subprocess.PIPE,
        env=ENVIRONMENT | {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank),
                           "LOCAL_WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1",
                           "MASTER_PORT": str(port)}) for rank in range(size)]


def finish(processes, code=0, timeout=300):
    """Waits for all ranks; what each said on standard error."""
    said = [process.communicate(timeout=timeout)[1] for process in processes]
    assert [process.returncode for process in processes] == [code] * len(processes), said
    return said


def train(size, config, folder, *options):
    """Trains a run with `size` processes; its folder."""
    said = finish(start(size, "train", config, "--run-dir", folder, *options))
    assert not any(said[1:]), said  # Only rank 0 has something to say.
    return folder


def weights_of(run):
    return load_file(pointed(run, "latest") / "model.safetensors")


def largest_difference(run, other):
    a, b = weights_of(run), weights_of(other)
    assert a.keys() == b.keys()
    return max(float(numpy.abs(a[name].astype("f8") - b[name]).max()) for name in a)


def assert_same_bytes(run, other):
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (pointed(run, "latest") / name).read_bytes() == \
            (pointed(other, "latest") / name).read_bytes(), name
    assert without_speeds(run) == without_speeds(other)


@pytest.fixture(scope="module")
def config(tmp_path_factory, corpus):
    return write_config(tmp_path_factory.mktemp("config") / "config.json", corpus,
                        model={"dropout": 0.1}, training=TRAINING)


@pytest.fixture(scope="module")
def pair(tmp_path_factory, config):
    """The run of two processes."""
    return train(2, config, tmp_path_factory.mktemp("pair") / "run")


@pytest.mark.parametrize("size", [2, 4])
def test_processes_are_accumulation(size, tmp_path, corpus):
    # Adam divides each gradient by its own size. Of a gradient that is zero but for rounding, such as
    # that of the keys' bias, an epsilon of 1e-9 would make steps as large as any.
    config = write_config(tmp_path / "config.json", corpus, model={"dropout": 0.0},
                          training=TRAINING | {"max_steps": 50, "log_every": 1,
                                               "optimizer": {"epsilon": 1e-4}})
    together = train(size, config, tmp_path / "together")
    alone = tmp_path / "alone"
    wavemt("train", config, "--run-dir", alone, "--device", "cpu", "--set",
           f"training.gradient_accumulation={size}")
    assert largest_difference(together, alone) < 1e-6
    assert len(metrics_of(together)) == len(metrics_of(alone))
    for line, expected in zip(without_speeds(together), without_speeds(alone)):
        assert line.keys() == expected.keys() and line.keys() & {"loss", "valid/loss"}
        for name in {"loss", "gradient_norm", "valid/loss"} & line.keys():
            assert line[name] == pytest.approx(expected[name], rel=1e-5), name
    state = json.loads((pointed(together, "latest") / "state.json").read_text())
    expected = json.loads((pointed(alone, "latest") / "state.json").read_text())
    assert state["num_ranks"] == size and expected["num_ranks"] == 1
    for name in ("epoch", "batch_in_epoch", "target_tokens"):
        assert state[name] == expected[name]


def test_dropout_is_that_of_the_batch_not_of_the_rank(pair, tmp_path, config):
    wavemt("train", config, "--run-dir", tmp_path / "alone", "--device", "cpu",
           "--set", "training.gradient_accumulation=2")
    losses = [[line["loss"] for line in metrics_of(run) if "loss" in line]
              for run in (pair, tmp_path / "alone")]
    assert len(losses[0]) == 6 and losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_one_process_of_torchrun_is_a_plain_one(tmp_path, config):
    wavemt("train", config, "--run-dir", tmp_path / "plain", "--device", "cpu")
    train(1, config, tmp_path / "one")
    assert_same_bytes(tmp_path / "one", tmp_path / "plain")


def test_resume_is_exact(pair, tmp_path, config):
    half = train(2, config, tmp_path / "half", "--set", "training.max_steps=12")
    finish(start(2, "resume", half, "--set", "training.max_steps=24"))
    assert_same_bytes(half, pair)
    assert state_without_clock(pointed(half, "latest")) == \
        state_without_clock(pointed(pair, "latest"))


def test_resume_with_another_number_of_processes(tmp_path, config):
    run = train(2, config, tmp_path / "run", "--set", "training.max_steps=10")
    before = json.loads((pointed(run, "latest") / "state.json").read_text())
    said = wavemt("resume", run, "--set", "training.max_steps=12", "--device", "cpu").stderr
    assert "was trained by 2 processes and goes on with 1 process, at the same place" in said
    after = json.loads((pointed(run, "latest") / "state.json").read_text())
    assert after["batch_in_epoch"] - before["batch_in_epoch"] == 2
    said = finish(start(2, "resume", run, "--set", "training.max_steps=14"))[0]
    assert "was trained by 1 process and goes on with 2 processes" in said


def test_a_sharded_optimizer_changes_nothing(tmp_path, config):
    whole = train(4, config, tmp_path / "whole", "--set", "training.ema_decay=0.9")
    sharded = train(4, config, tmp_path / "sharded", "--set", "training.ema_decay=0.9",
                    "--set", "training.shard_optimizer=true", "--set", "training.max_steps=12")
    # Its checkpoints are whole: another number of processes can go on with them.
    shutil.copytree(sharded, tmp_path / "alone")
    wavemt("resume", tmp_path / "alone", "--set", "training.max_steps=13", "--device", "cpu")
    finish(start(4, "resume", sharded, "--set", "training.max_steps=24"))
    assert_same_bytes(sharded, whole)


@pytest.mark.parametrize("changes", [
    {"adapter": {"type": "lora"}, "training": {"shard_optimizer": True}},
    {"training": {"freeze": ["encoder"], "anchor": 0.1}}])
def test_a_part_is_trained_together(changes, pair, tmp_path, corpus):
    """As by one process that accumulates as many batches."""
    changes = json.loads(json.dumps(changes))
    changes["training"] |= TRAINING | {"optimizer": {"epsilon": 1e-4}}
    config = write_config(tmp_path / "config.json", corpus, **changes)
    train(2, config, tmp_path / "together", "--init-from", pair)
    wavemt("train", config, "--run-dir", tmp_path / "alone", "--device", "cpu", "--init-from", pair,
           "--set", "training.gradient_accumulation=2")
    name = "adapter.safetensors" if "adapter" in changes else "model.safetensors"
    a, b = (load_file(pointed(tmp_path / run, "latest") / name) for run in ("together", "alone"))
    assert a.keys() == b.keys()
    for key in a:
        assert numpy.abs(a[key] - b[key]).max() < 1e-5, key


def test_bf16_on_the_wire(pair, tmp_path, config):
    run = train(2, config, tmp_path / "run", "--set", "training.all_reduce_precision=bf16")
    assert 0 < largest_difference(run, pair) < 0.1
    losses = [[line["loss"] for line in metrics_of(run) if "loss" in line]
              for run in (run, pair)]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


def test_a_profile_tells_what_the_gradients_cost(tmp_path, config):
    processes = start(2, "train", config, "--run-dir", tmp_path / "run", "--profile")
    printed = [process.communicate(timeout=300)[0] for process in processes]
    assert re.match(r"2 processes; each sends gradients of [\d.]+ kB a step, which takes [\d.]+ ms, "
                    r"\d+% of it while the backward pass runs\n", printed[0]), printed[0]
    assert printed[1] == ""
    assert not (tmp_path / "run").exists()


def wait_for_step(run, step, processes):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and all(process.poll() is None for process in processes):
        log = run / "metrics.jsonl"
        whole_lines = log.read_text().split("\n")[:-1] if log.exists() else []
        if whole_lines and json.loads(whole_lines[-1])["step"] >= step:
            return
        time.sleep(0.01)
    raise AssertionError([process.communicate()[1] for process in processes])


ENDLESS = ("--set", "training.max_steps=1000000", "--set", "training.log_every=1",
           "--set", "training.validate_every=0", "--set", "training.save_every=5")


@pytest.mark.parametrize("size", [2, 4])
def test_a_signal_to_one_stops_all(size, tmp_path, config):
    run = tmp_path / "run"
    processes = start(size, "train", config, "--run-dir", run, *ENDLESS)
    wait_for_step(run, 7, processes)
    processes[-1].send_signal(signal.SIGTERM)
    said = finish(processes, code=128 + signal.SIGTERM)
    step = json.loads((pointed(run, "latest") / "state.json").read_text())["step"]
    assert f"stopped by a signal at step {step:,}; `wavemt resume {run}` continues" in said[0]
    assert not any(said[1:])


@pytest.mark.parametrize("size, victim", [(2, 1), (2, 0), (4, 2)])
def test_a_rank_that_is_killed_ends_the_others(size, victim, tmp_path, config):
    run = tmp_path / "run"
    processes = start(size, "train", config, "--run-dir", run, *ENDLESS)
    wait_for_step(run, 7, processes)
    processes[victim].kill()
    said = [process.communicate(timeout=120)[1] for process in processes]
    for rank, process in enumerate(processes):
        if rank == victim:
            continue
        assert process.returncode == 1, said
        assert re.search(rf" error: .*rank {victim} on \S+ (has given no sign of life|can no longer be "
                         r"reached|has not answered)", said[rank]), said
    # What is left is a whole run.
    wavemt("resume", run, "--set", "training.max_steps=20", "--device", "cpu")


def test_a_rank_that_stands_still_ends_the_others(tmp_path, config):
    """A machine that hangs keeps its connections open, so nothing but its silence betrays it."""
    trainings = [start(2, "train", config, "--run-dir", tmp_path / str(victim), *ENDLESS)
                 for victim in range(2)]
    for victim, processes in enumerate(trainings):
        wait_for_step(tmp_path / str(victim), 7, processes)
        processes[victim].send_signal(signal.SIGSTOP)
    for victim, processes in enumerate(trainings):
        other = processes[1 - victim]
        said = other.communicate(timeout=120)[1]
        processes[victim].kill()
        processes[victim].communicate()
        assert other.returncode == 1, said
        assert re.search(rf" error: .*rank {victim} on \S+ (has given no sign of life|has not "
                         r"answered) for 30 seconds: its process or machine is gone or stopped",
                         said), said


def children_of(parent):
    """The processes that `parent` has started and that are the program."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):  # It has ended meanwhile.
            facts = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
            if facts["PPid"] == str(parent) and facts["Name"] == PROGRAM.name[:15]:
                found.append(int(status.parent.name))
    return sorted(found)


def torchrun(*arguments):
    return [sys.executable, "-m", "torch.distributed.run", *arguments]


def test_torchrun_starts_again_where_a_worker_was_killed(tmp_path, config):
    """The killed run, continued, is the run that was never killed."""
    # Long enough for the kill to come before the end, on any machine.
    options = ("--set", "training.save_every=10", "--set", "training.max_steps=300",
               "--set", "training.log_every=1", "--set", "training.validate_every=0")
    whole = train(2, config, tmp_path / "whole", *options)
    run = tmp_path / "run"
    agent = subprocess.Popen(
        torchrun("--no-python", "--standalone", "--nproc-per-node=2", "--max-restarts=3",
                 str(PROGRAM), "train", str(config), "--run-dir", str(run), "--resume",
                 "--device", "cpu", *options),
        encoding="utf8", stderr=subprocess.PIPE, env=ENVIRONMENT)
    wait_for_step(run, 12, [agent])
    os.kill(children_of(agent.pid)[-1], signal.SIGKILL)
    said = agent.communicate(timeout=300)[1]
    assert agent.returncode == 0, said
    assert "continuing from" in said
    assert_same_bytes(run, whole)


def test_resume_option_of_train(tmp_path, config):
    """The same command begins a run and continues it, also with settings that may change."""
    command = ("train", config, "--run-dir", tmp_path / "run", "--resume", "--device", "cpu")
    wavemt(*command, "--set", "training.max_steps=6")
    said = wavemt(*command, "--set", "training.max_steps=9").stderr
    assert "continuing from" in said
    assert pointed(tmp_path / "run", "latest").name == "step-00000009"
    # Also texts, which have quotes in JSON but not on a command line.
    wavemt(*command, "--set", "training.max_steps=12", "--set", "training.schedule=constant",
           "--set", f"data.cache_dir={tmp_path}/cache")
    config_of_run = json.loads((tmp_path / "run/config.json").read_text())
    assert config_of_run["training"]["schedule"] == "constant"
    assert config_of_run["data"]["cache_dir"] == str(tmp_path / "cache")
    refused = wavemt(*command, "--set", "training.batch_tokens=100", check=False)
    assert refused.returncode == 2
    assert "training.batch_tokens cannot change in the middle of a run" in refused.stderr
    refused = wavemt(*command, "--overwrite", check=False)
    assert refused.returncode == 2 and "--overwrite" in refused.stderr


@pytest.mark.parametrize("own, reason", [
    (["--set", "training.batch_tokens=128"],
     "training.batch_tokens is 128 there and 256 on rank 0"),
    (["--set", "training.precision=bf16"], 'training.precision is "bf16" there and "fp32" on rank 0'),
    (["--memory-limit", "4GB"], "--memory-limit is 4000000000 there and 0 on rank 0"),
])
def test_a_rank_that_differs_is_refused(own, reason, tmp_path, config):
    said = finish(start(2, "train", config, "--run-dir", tmp_path / "run", own=[[], own]), code=2)
    assert re.search(rf"error: rank 1 on \S+ differs from rank 0: {re.escape(reason)}", said[0]), said
    assert said[1] == ""
    assert not (tmp_path / "run").exists()


def test_a_rank_with_another_text_is_refused(tmp_path, config, corpus):
    other = tmp_path / "other.en"
    other.write_text((corpus / "train.en").read_text("utf8").replace("the", "a"), "utf8")
    said = finish(start(2, "train", config, "--run-dir", tmp_path / "run",
                        own=[[], ["--set", f"data.train.source={other}"]]), code=2)
    assert re.search(r"rank 1 on \S+ differs from rank 0: the text of data.train is \d+ there", said[0])


def test_an_error_is_said_once(tmp_path, config):
    said = finish(start(4, "train", config, "--set", "model.num_heads=3"), code=2)
    assert said[0].count(" error: ") == 1 and "model.num_heads" in said[0]
    assert not any(said[1:])
    missing = ["--set", f"data.train.source={tmp_path / 'missing'}"]
    said = finish(start(2, "train", config, "--run-dir", tmp_path / "run", own=[[], missing]), code=2)
    assert re.search(r" error: rank 1 on \S+: .*missing: ", said[0]), said
    assert said[1] == ""
