"""--memory-limit: what does not fit is done in halves, and the run stays repeatable."""
import json
import shutil
import subprocess

import numpy
import pytest
from conftest import ENVIRONMENT, PROGRAM, ROOT, peak_memory, pointed, wavemt, write_config
from safetensors.numpy import load_file

MODEL = {"d_model": 128, "num_heads": 4, "ffn_dim": 512, "num_encoder_layers": 2,
         "num_decoder_layers": 2, "dropout": 0.1, "position_encoding": {"max_length": 64}}
TRAINING = {"max_steps": 4, "batch_tokens": 4096, "warmup_steps": 4, "log_every": 2,
            "validate_every": 0, "save_every": 2}


@pytest.fixture(scope="module")
def larger_corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("larger_corpus")
    for split, pairs in (("train", 2000), ("valid", 50), ("test", 5)):
        for language in ("en", "zh"):
            lines = (ROOT / f"data/quickstart/{split}.{language}").read_text("utf8").split("\n")
            (folder / f"{split}.{language}").write_text("\n".join(lines[:pairs]) + "\n", "utf8")
    return folder


def train(folder, corpus, *options, check=True, **training):
    config = write_config(folder / "config.json", corpus, model=MODEL,
                          training=TRAINING | training)
    return wavemt("train", config, "--run-dir", folder / "run", "--device", "cpu", *options,
                  check=check)


def weights(run):
    return (pointed(run, "latest") / "model.safetensors").read_bytes()


def needed(folder, corpus):
    """The least limit, in bytes, that the program says that it needs."""
    result = train(folder, corpus, "--memory-limit", "100MB", check=False)
    assert result.returncode == 2
    assert not (folder / "run").exists()
    words = result.stderr.split(" is too little: ")[1].split()
    assert words[1] == "MB"
    return float(words[0]) * 1e6


@pytest.fixture(scope="module")
def tight(tmp_path_factory, larger_corpus):
    """A limit that the weights fit and whole batches do not, the run under it, what that said, and
    the most memory that it took, in bytes."""
    folder = tmp_path_factory.mktemp("tight")
    limit = f"{needed(folder, larger_corpus) + 40e6:.0f}"
    config = write_config(folder / "config.json", larger_corpus, model=MODEL, training=TRAINING)
    text, peak = peak_memory("train", config, "--run-dir", folder / "run", "--device", "cpu",
                             "--memory-limit", limit)
    return limit, folder / "run", text, peak


def test_batches_that_do_not_fit_are_done_in_halves(tight):
    _, run, said, _ = tight
    warnings = [line for line in said.splitlines() if " warning: " in line]
    assert len(warnings) == 1
    assert "step 1: a batch of " in warnings[0]
    assert "does not fit a --memory-limit of " in warnings[0]
    assert "done in halves, which gives the same gradient" in warnings[0]
    assert json.loads((pointed(run, "latest") / "state.json").read_text())["step"] == 4


def test_a_resumed_run_splits_the_same_batches(tight, larger_corpus, tmp_path):
    """The budget for tensors is the run's, measured once: two runs may differ by some pages."""
    limit = tight[0]
    train(tmp_path, larger_corpus, "--memory-limit", limit, max_steps=1)
    in_parts = tmp_path / "in_parts"
    shutil.copytree(tmp_path / "run", in_parts)

    def resume(run, steps):
        wavemt("resume", run, "--set", f"training.max_steps={steps}", "--memory-limit", limit,
               "--device", "cpu")

    resume(tmp_path / "run", 3)
    for steps in (2, 3):
        resume(in_parts, steps)
    assert weights(in_parts) == weights(tmp_path / "run")


def test_the_process_stays_below_the_limit(tight):
    """Where the system maps libraries in huge pages, using a few functions takes tens of megabytes
    that nobody can know beforehand."""
    limit, _, _, peak = tight
    assert peak <= 1.1 * float(limit)


def test_an_adapter_is_trained_in_halves_too(tight, larger_corpus, tmp_path):
    """The base needs memory without being trained."""
    limit, base, _, _ = tight
    config = write_config(tmp_path / "config.json", larger_corpus, training=TRAINING,
                          model=MODEL | {"dropout": 0.0}, adapter={"type": "lora"})
    said, weights_of = {}, {}
    for name, options in (("whole", ()), ("halves", ("--memory-limit", limit))):
        said[name] = wavemt("train", config, "--run-dir", tmp_path / name, "--init-from", base,
                            "--device", "cpu", *options).stderr
        weights_of[name] = load_file(pointed(tmp_path / name, "latest") / "adapter.safetensors")
    assert "done in halves" in said["halves"] and "done in halves" not in said["whole"]
    for name, whole in weights_of["whole"].items():
        assert numpy.allclose(whole, weights_of["halves"][name], atol=1e-4), name


def test_plenty_changes_nothing(larger_corpus, tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "limited").mkdir()
    train(tmp_path / "plain", larger_corpus, max_steps=2)
    said = train(tmp_path / "limited", larger_corpus, "--memory-limit", "16GiB", max_steps=2).stderr
    assert weights(tmp_path / "plain/run") == weights(tmp_path / "limited/run")
    assert " warning: " not in said


def test_it_holds_for_the_average_of_a_run_that_has_ended(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus,
                          training={"max_steps": 4, "validate_every": 2, "average_best": 2})
    run = tmp_path / "run"
    wavemt("train", config, "--run-dir", run, "--device", "cpu")
    shutil.rmtree(run / "checkpoints/average")
    wavemt("resume", run, "--memory-limit", "16GiB", "--device", "cpu")
    state = json.loads((run / "checkpoints/average/state.json").read_text())
    assert state["memory_limit"] == 16 * 2**30
    assert 0 < state["memory_for_tensors"] < 16 * 2**30


@pytest.mark.parametrize("size", ["lots", "0", "-1GB", "8 giga", ""])
def test_what_is_no_size_is_refused(corpus, tmp_path, size):
    config = write_config(tmp_path / "config.json", corpus)
    result = wavemt("train", config, f"--memory-limit={size}", check=False, cwd=tmp_path)
    assert result.returncode == 2
    assert "--memory-limit" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("kilobytes", [900_000, 1_000_000, 1_100_000, 1_200_000, 1_500_000])
def test_a_machine_without_memory_gives_a_sentence(kilobytes, larger_corpus, tmp_path):
    """The address space is limited by the shell: LibTorch's own allocator fails."""
    config = write_config(tmp_path / "config.json", larger_corpus, model=MODEL,
                          training=TRAINING)
    command = f'ulimit -v {kilobytes}; exec "{PROGRAM}" train "{config}" --run-dir run --device cpu'
    result = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=ENVIRONMENT,
                            capture_output=True, encoding="utf8", timeout=300)
    assert result.returncode in (0, 1), result.stderr
    for line in result.stderr.splitlines():
        assert "frame #" not in line and "terminate called" not in line
    if result.returncode == 1:
        assert " error: " in result.stderr.splitlines()[-1]
