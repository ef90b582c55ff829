"""What the tests of the whole program share: the program, a small corpus, a small trained run."""
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# NumPy's matrix products add up in an order that depends on the processor, and a p-value can hang on
# the last bit of a sum: sacreBLEU's figures are compared as one kernel computes them.
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

# A shell that starts the tests in the background, or nohup, makes them ignore these signals, which
# the program would inherit.
for number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("WAVEMT_PROGRAM", ROOT / "build/release/wavemt")).resolve()
# Models as small as these gain nothing from threads. Tests share the machine, so the threads of
# those that need several sleep while they wait.
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}

# Slow tests that rarely fail run only in scripts/torture.sh; a quick form of each always runs.
TORTURE = os.environ.get("WAVEMT_TORTURE") == "1"
long = pytest.mark.long

# A model that trains dozens of steps a second.
SMALL_MODEL = {"d_model": 32, "num_heads": 4, "ffn_dim": 64,
               "num_encoder_layers": 1, "num_decoder_layers": 1,
               "position_encoding": {"max_length": 64}}

# Settings of a training whose first step ruins the weights.
DIVERGING = {"learning_rate": 1e30, "warmup_steps": 0, "save_every": 1, "validate_every": 0,
             "log_every": 1, "max_skipped_steps": 4}


def thinned(cases, every):
    """Cases for parametrize: one in `every` for each run, the others for scripts/torture.sh."""
    return [case if number % every == 0 else
            pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=long)
            for number, case in enumerate(cases)]


def pytest_configure(config):
    config.addinivalue_line("markers", "long: slow, and rarely breaks; scripts/torture.sh runs it")


def pytest_collection_modifyitems(config, items):
    """Deselects the tests marked `long`, unless WAVEMT_TORTURE=1."""
    left_out = [] if TORTURE else [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def wavemt(*arguments, check=True, **options):
    """Runs the program; with `check`, a failure shows what it said."""
    options.setdefault("timeout", 300)
    options.setdefault("env", ENVIRONMENT)
    options.setdefault("encoding", "utf8")
    result = subprocess.run([str(PROGRAM), *map(str, arguments)], capture_output=True, **options)
    if check:
        assert result.returncode == 0, result.stderr
    return result


def peak_memory(*arguments):
    """Runs the program; what it said, and the most memory that it took, in bytes. The kernel counts
    what a process took when it started another as the other's, so a small one starts it."""
    command = [sys.executable, "-c", "import resource, subprocess, sys; "
               "ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
               "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024); "
               "sys.exit(ended.returncode)", str(PROGRAM), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, env=ENVIRONMENT, timeout=300,
                            encoding="utf8")
    assert result.returncode == 0, result.stderr
    return result.stderr, int(result.stdout)


def merge(base, changes):
    """A copy of a config with nested `changes` put over it."""
    merged = dict(base)
    for key, value in changes.items():
        both_sections = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both_sections else value
    return merged


def write_config(path, corpus, **changes):
    """Writes a config for `corpus` (see the fixture) that trains in seconds; returns its path."""
    config = {
        "data": {split: {side: str(corpus / f"{split}.{side_language}")
                         for side, side_language in (("source", "en"), ("target", "zh"))}
                 for split in ("train", "valid", "test")} | {"max_length": 60},
        "tokenizer": {"vocab_size": 400, "byte_fallback": False},
        "model": SMALL_MODEL,
        "training": {"max_steps": 20, "batch_tokens": 256, "warmup_steps": 10, "log_every": 5,
                     "validate_every": 10, "save_every": 10},
    }
    path.write_text(json.dumps(merge(config, changes)), encoding="utf8")
    return path


def train_run(folder, corpus, *options, **changes):
    """Trains a config as write_config() makes it; returns folder/run. What was said is in
    folder/said."""
    folder.mkdir(exist_ok=True)
    config = write_config(folder / "config.json", corpus, **changes)
    said = wavemt("train", config, "--run-dir", folder / "run", "--device", "cpu", *options).stderr
    (folder / "said").write_text(said, "utf8")
    return folder / "run"


def metrics_of(run):
    """The objects in a run's metrics.jsonl."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf8").splitlines()]


def without_speeds(run):
    """The lines of a run's log, without what is measured by a clock."""
    return [{key: value for key, value in line.items()
             if key not in ("tokens_per_second", "seconds_per_step")} for line in metrics_of(run)]


def state_without_clock(checkpoint):
    """What two runs that did the same have in common of it: their logs tell of speeds."""
    state = json.loads((checkpoint / "state.json").read_text("utf8"))
    for name in ("seconds", "metrics_bytes", "metrics_checksum"):
        del state[name]
    return state


def pointed(run, name):
    """The checkpoint that checkpoints/latest or checkpoints/best names."""
    return run / "checkpoints" / (run / "checkpoints" / name).read_text("utf8").rstrip("\n")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """The first pairs of data/quickstart, as a folder with {train,valid,test}.{en,zh}."""
    folder = tmp_path_factory.mktemp("corpus")
    for split, pairs in (("train", 300), ("valid", 20), ("test", 20)):
        for language in ("en", "zh"):
            lines = (ROOT / f"data/quickstart/{split}.{language}").read_text("utf8").split("\n")
            (folder / f"{split}.{language}").write_text("\n".join(lines[:pairs]) + "\n", "utf8")
    return folder


@pytest.fixture(scope="session")
def run(tmp_path_factory, corpus):
    """The folder of a run that trained for a moment."""
    folder = tmp_path_factory.mktemp("run")
    config = write_config(folder / "config.json", corpus)
    wavemt("train", config, "--run-dir", folder / "run", "--device", "cpu")
    return folder / "run"


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory, corpus):
    """The folder of a run that learned enough for its translations to differ from line to line."""
    folder = tmp_path_factory.mktemp("trained_run")
    config = write_config(folder / "config.json", corpus,
                          training={"max_steps": 240, "learning_rate": 0.01, "warmup_steps": 40,
                                    "log_every": 20, "validate_every": 80, "save_every": 80})
    wavemt("train", config, "--run-dir", folder / "run", "--device", "cpu")
    return folder / "run"


@pytest.fixture
def own_run(trained_run, tmp_path):
    """A copy of trained_run that a test may write into."""
    return shutil.copytree(trained_run, tmp_path / "own_run")
