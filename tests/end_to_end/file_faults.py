"""Faults of a disk and sudden ends, laid under the program by a preloaded library (tests/faults)."""
import json
import os
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
from conftest import (ENVIRONMENT, PROGRAM, ROOT, state_without_clock, without_speeds,
                      write_config)

LIBRARY = Path(os.environ.get("WAVEMT_FILE_FAULTS",
                              ROOT / "build/release/tests/faults/libfile_faults.so"))

# A call with which a save begins: counting from here, the calls of one save are the same each time.
SAVE_BEGINS = "mkdir:/checkpoints/step-"


def with_faults(folder, plan=None, begin=None, only=None, trace=None):
    """An environment in which calls on paths in `folder` go as planned; see fault_plan.h."""
    assert LIBRARY.exists(), f"{LIBRARY} is not built"
    variables = {"LD_PRELOAD": str(LIBRARY), "FILE_FAULTS_FOLDER": str(folder),
                 "FILE_FAULTS_PLAN": plan, "FILE_FAULTS_BEGIN": begin, "FILE_FAULTS_ONLY": only,
                 "FILE_FAULTS_TRACE": str(trace) if trace else None}
    return ENVIRONMENT | {key: value for key, value in variables.items() if value}


def program(*arguments, env=ENVIRONMENT, **options):
    """Runs the program to its end, whatever that is."""
    return subprocess.run([str(PROGRAM), *map(str, arguments), "--device", "cpu"],
                          capture_output=True, encoding="utf8", env=env, timeout=120, **options)


def calls_in(trace):
    """The counted calls of a trace, as (name, path)."""
    lines = [line.split(" ", 2) for line in trace.read_text().splitlines()]
    return [(name, path) for number, name, path in lines if number != "0"]


@pytest.fixture(scope="module")
def reference(request, tmp_path_factory, corpus, run):
    """A run of the module's STEPS that never met a fault and kept every checkpoint."""
    folder = tmp_path_factory.mktemp("reference")
    config = write_small_config(folder / "config.json", corpus, run / "tokenizer.model",
                                max_steps=request.module.STEPS, keep_last=1000)
    result = program("train", config, "--run-dir", folder / "run")
    assert result.returncode == 0, result.stderr
    return folder / "run"


@pytest.fixture(scope="module")
def save_calls(tmp_path_factory, corpus, run):
    """The calls of a save that also removes an old checkpoint, as (name, path)."""
    folder = tmp_path_factory.mktemp("traced")
    config = write_small_config(folder / "config.json", corpus, run / "tokenizer.model",
                                max_steps=8)
    trace = folder / "trace"
    result = program("train", config, "--run-dir", folder / "runs/run",
                     env=with_faults(folder / "runs", begin=SAVE_BEGINS, trace=trace))
    assert result.returncode == 0, result.stderr
    saves, current = [], []
    for name, path in calls_in(trace):
        if name == "mkdir" and "/checkpoints/step-" in path:
            saves.append(current := [])
        current.append((name, path))
    return max(saves[2:-1], key=len)


def write_small_config(path, corpus, tokenizer, **training):
    """A config that trains a dozen steps a second and keeps something from step to step wherever it
    can: dropout, two batches an update, a moving average, a best checkpoint."""
    return write_config(path, corpus,
                        tokenizer={"model": str(tokenizer)},
                        model={"d_model": 16, "num_heads": 2, "ffn_dim": 32, "dropout": 0.2},
                        training={"batch_tokens": 128, "gradient_accumulation": 2,
                                  "ema_decay": 0.9, "log_every": 1, "validate_every": 4,
                                  "save_every": 1, "keep_last": 2} | training)


def is_whole(checkpoint):
    """Whether every file of a checkpoint is as its manifest says, by a reader of our own."""
    try:
        manifest = json.loads((checkpoint / "manifest.json").read_text())
        return all(zlib.crc32((checkpoint / name).read_bytes()) == int(entry["crc32"], 16)
                   for name, entry in manifest["files"].items())
    except (OSError, ValueError):
        return False


def newest_whole(run):
    """The newest checkpoint that is whole, or None."""
    whole = [path for path in sorted((run / "checkpoints").glob("step-????????"))
             if is_whole(path)]
    return whole[-1] if whole else None


def leftovers(folder):
    return [path for path in folder.rglob("*")
            if ".unfinished" in path.name or path.name == "lock"]


def assert_as_never_stopped(run, reference):
    """`run` ended as `reference` did, which kept all of its checkpoints."""
    assert leftovers(run.parent) == []
    for pointer in ("latest", "best"):
        name = (run / "checkpoints" / pointer).read_text()
        assert name == (reference / "checkpoints" / pointer).read_text(), pointer
        assert (run / "checkpoints" / name.strip()).is_dir()
    for checkpoint in (run / "checkpoints").glob("step-*"):
        assert_same_checkpoint(checkpoint, reference)
    assert without_speeds(run) == without_speeds(reference)
    assert (run / "samples.jsonl").read_bytes() == (reference / "samples.jsonl").read_bytes()


def assert_same_checkpoint(checkpoint, reference):
    """`checkpoint` holds what that step of `reference` holds, to the last byte."""
    other = reference / "checkpoints" / checkpoint.name
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (checkpoint / name).read_bytes() == (other / name).read_bytes(), checkpoint / name
    assert state_without_clock(checkpoint) == state_without_clock(other)


class TormentedRun:
    """A run that is stopped again and again in some cruel way, and checked each time."""

    def __init__(self, folder, corpus, tokenizer, reference, **training):
        self.folder = folder / "runs"  # Where faults happen: in the run, and beside it.
        self.run = self.folder / "run"
        self.reference = reference
        self.config = write_small_config(folder / "config.json", corpus, tokenizer, **training)
        self.begin_anew()

    def begin_anew(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.steps = 0

    def command(self):
        """What a person would type who finds the folder as it is."""
        if (self.run / "config.json").exists():
            return ["resume", self.run]
        return ["train", self.config, "--run-dir", self.run]

    def go_on(self, **faults):
        """One more attempt at the rest of the run, with faults or without."""
        return program(*self.command(), env=with_faults(self.folder, **faults))

    def check_nothing_is_lost(self):
        """What was safe before is there, and is what it should be."""
        newest = newest_whole(self.run)
        if newest:
            assert_same_checkpoint(newest, self.reference)
        steps = int(newest.name[5:]) if newest else 0
        assert steps >= self.steps
        self.steps = steps

    def check_the_end(self):
        assert_as_never_stopped(self.run, self.reference)
        self.begin_anew()

    def go_to_the_end(self):
        result = self.go_on()
        assert result.returncode == 0, result.stderr
        assert " error: " not in result.stderr and " warning: " not in result.stderr
        self.check_the_end()


def report(what, count):
    """Adds a figure to those that scripts/torture.sh prints at its end."""
    if path := os.environ.get("WAVEMT_TORTURE_REPORT"):
        with open(path, "a", encoding="utf8") as file:
            file.write(json.dumps({"what": what, "count": count}) + "\n")
