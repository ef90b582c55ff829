"""training.average_best: the best checkpoints are kept, and their mean is the run's best model if it
scores better. training/trainer_average_test.cpp has more of what follows from the scores."""
import json
import re
import shutil
import signal
import zlib

import pytest
from conftest import (TORTURE, metrics_of, pointed, state_without_clock, train_run, wavemt,
                      without_speeds, write_config)
from file_faults import is_whole, leftovers, program, report, with_faults
from safetensors.numpy import load_file
from test_adapters import LORA, write_adapter_config
from test_distributed import finish, start

# Eight validations, the last one at the end. What is kept: the three best, and the two newest.
TRAINING = {"max_steps": 24, "gradient_accumulation": 2, "ema_decay": 0.9, "log_every": 5,
            "learning_rate": 0.01, "validate_every": 3, "save_every": 8, "keep_last": 2,
            "average_best": 3}


def train(folder, corpus, *options, **training):
    return train_run(folder, corpus, *options, model={"dropout": 0.2},
                     training=TRAINING | training)


@pytest.fixture(scope="module")
def averaged(tmp_path_factory, corpus):
    """A run that made an average; no test writes into it."""
    return train(tmp_path_factory.mktemp("averaged"), corpus)


@pytest.fixture
def own_averaged(averaged, tmp_path):
    return shutil.copytree(averaged, tmp_path / "own")


def folders(run):
    return {path.name for path in (run / "checkpoints").iterdir() if path.is_dir()}


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def folder_of(step):
    return f"step-{step:08}"


def average_of(run):
    """What the state of the average says of it."""
    return json.loads((run / "checkpoints/average/state.json").read_text("utf8"))["average"]


def steps_of(run):
    return [score["step"] for score in average_of(run)["checkpoints"]]


def assert_is_mean(run, file="model.safetensors"):
    """The average is what NumPy makes of the checkpoints that it comes from."""
    models = [load_file(run / "checkpoints" / folder_of(step) / file) for step in steps_of(run)]
    weights = load_file(run / "checkpoints/average" / file)
    for name, tensor in weights.items():
        mean = sum(model.pop(name).astype("float64") for model in models) / len(models)
        assert abs(tensor - mean).max() < 1e-6, name
    assert not any(models)


def assert_best_is_what_scores_better(run):
    average = average_of(run)
    best = min(average["checkpoints"], key=lambda score: (-score["score"], score["loss"]))
    scores = average["scores"]
    is_best = (-scores["valid/bleu"], scores["valid/loss"]) < (-best["score"], best["loss"])
    name = "average" if is_best else folder_of(best["step"])
    assert pointed(run, "best").name == name
    assert json.loads(wavemt("inspect", run, "--json").stdout)["checkpoint"] == \
        str(run / "checkpoints" / name)


def assert_holds(checkpoint, files):
    assert is_whole(checkpoint)
    assert {path.name for path in checkpoint.iterdir()} == files | {"manifest.json"}


def best_of_validations(run, number):
    """The steps of the best validations, the best one first, according to the log."""
    scores = [(-line["valid/bleu"], line["valid/loss"], line["step"])
              for line in metrics_of(run) if "valid/loss" in line]
    return [step for _, _, step in sorted(scores)][:number]


def translate(corpus, model):
    return wavemt("translate", model, input=(corpus / "test.en").read_text("utf8")).stdout


def rewrite_state(checkpoint, **changes):
    """Changes the state of a checkpoint, with a checksum that fits."""
    state = json.loads((checkpoint / "state.json").read_text())
    data = json.dumps(state | changes).encode()
    (checkpoint / "state.json").write_bytes(data)
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    manifest["files"]["state.json"] = {"bytes": len(data), "crc32": f"{zlib.crc32(data):08x}"}
    (checkpoint / "manifest.json").write_text(json.dumps(manifest))


def forget_the_average(run):
    shutil.rmtree(run / "checkpoints/average")
    state = json.loads((pointed(run, "latest") / "state.json").read_text())
    (run / "checkpoints/best").write_text(folder_of(state["best_step"]) + "\n")


@pytest.fixture
def without_average(own_averaged):
    """The run as it is when it was killed after its last checkpoint."""
    forget_the_average(own_averaged)
    return own_averaged


# What is kept, and what is made of it.

def test_the_best_and_the_newest_stay(averaged):
    best = best_of_validations(averaged, 3)
    kept = folders(averaged)
    assert kept >= {folder_of(step) for step in best} | {folder_of(24), "average"}
    assert len(kept) <= 3 + 2 + 1
    assert pointed(averaged, "latest").name == folder_of(24)
    state = json.loads((pointed(averaged, "latest") / "state.json").read_text())
    assert [state["best_step"]] + [score["step"] for score in state["next_best"]] == best
    logged = {line["step"]: line for line in metrics_of(averaged) if "valid/loss" in line}
    for score in state["next_best"]:
        line = logged[score["step"]]
        assert (score["score"], score["loss"]) == (line["valid/bleu"], line["valid/loss"])


def test_the_average_is_the_mean_of_the_best(averaged):
    assert steps_of(averaged) == sorted(best_of_validations(averaged, 3))
    assert_is_mean(averaged)
    assert_holds(averaged / "checkpoints/average", {"model.safetensors", "state.json"})
    assert_best_is_what_scores_better(averaged)
    assert average_of(averaged)["scores"].keys() == \
        {"valid/loss", "valid/perplexity", "valid/bleu", "valid/chrf"}


def test_what_is_said_at_the_end(averaged):
    said = (averaged.parent / "said").read_text("utf8")
    average = average_of(averaged)
    first, second, third = steps_of(averaged)
    best = max(score["score"] for score in average["checkpoints"])
    assert f" info: the average of the checkpoints of steps {first}, {second} and {third} has " \
        f"valid BLEU {average['scores']['valid/bleu']:.4g}, the best of them {best:.4g}: " in said
    if pointed(averaged, "best").name == "average":
        model = f"the average of the best checkpoints, {averaged}/checkpoints/average"
        assert ": it is the best model\n" in said
    else:
        model = f"step {int(pointed(averaged, 'best').name[5:])}"
        assert f": the checkpoint of {model} is still the best model\n" in said
    assert said.splitlines()[-1].endswith(
        f" info: done: training.max_steps = 24 reached; best: {model}; the run is in {averaged}")


def test_inspect_shows_it(averaged):
    average = average_of(averaged)
    described = json.loads(wavemt("inspect", averaged, "--json").stdout)
    assert described["average"] == average
    text = wavemt("inspect", averaged).stdout
    first, second, third = steps_of(averaged)
    assert re.search(rf"^average +of the checkpoints of steps {first}, {second} and {third}: valid "
                     r"BLEU [\d.e-]+, the best of them [\d.e-]+$", text, re.MULTILINE), text
    own = json.loads(wavemt("inspect", averaged / "checkpoints/average", "--json").stdout)
    assert own["average"] == average
    # A single checkpoint is described without it.
    assert "average" not in json.loads(
        wavemt("inspect", pointed(averaged, "latest"), "--json").stdout)


def test_it_is_what_average_makes_to_the_last_byte(averaged, tmp_path):
    checkpoints = [averaged / "checkpoints" / folder_of(step) for step in steps_of(averaged)]
    wavemt("average", *checkpoints, "--output", tmp_path / "mean")
    assert (pointed(tmp_path / "mean", "latest") / "model.safetensors").read_bytes() == \
        (averaged / "checkpoints/average/model.safetensors").read_bytes()


def test_other_commands_open_it(averaged, corpus, tmp_path):
    average = averaged / "checkpoints/average"
    assert translate(corpus, average) == translate(corpus, average / "model.safetensors")
    assert json.loads(wavemt("evaluate", average, "--json").stdout)[0]["name"] == "BLEU"
    wavemt("export", average, tmp_path / "exported", "--format", "huggingface")
    # As a shell finds them all: best and latest name others, which count once.
    said = wavemt("average", *sorted((averaged / "checkpoints").iterdir()), "--output",
                  tmp_path / "all").stderr
    assert f"the mean of {len(folders(averaged))} checkpoints" in said


# Which one is the best.

@pytest.mark.parametrize("best_is_damaged", [False, True])
@pytest.mark.parametrize("score, is_average", [(-1, True), (999, False)])
def test_a_run_is_its_average_only_if_that_is_better(averaged, without_average, corpus,
                                                     score, is_average, best_is_damaged):
    """No BLEU is below 0 or above 100, so that what the last checkpoint says of the best decides. A
    damaged one is neither averaged nor the model, whatever it scored."""
    run, steps = without_average, steps_of(averaged)
    rewrite_state(pointed(run, "latest"), best_step=steps[0],
                  best_score=1000 if best_is_damaged else score,
                  next_best=[{"step": steps[1], "score": score - 1},
                             {"step": steps[2], "score": score - 2}])
    damaged = run / "checkpoints" / folder_of(steps[0]) / "model.safetensors"
    if best_is_damaged:
        damaged.write_bytes(damaged.read_bytes()[:-1])
        del steps[0]
    said = wavemt("resume", run, "--device", "cpu").stderr
    assert (f" warning: {damaged}: is damaged: " in said) == best_is_damaged
    assert ("; the average is made without this checkpoint" in said) == best_is_damaged
    assert steps_of(run) == steps
    assert_is_mean(run)
    best = run / "checkpoints" / ("average" if is_average else folder_of(steps[0]))
    assert pointed(run, "best") == best
    assert ("; best: the average of the best checkpoints, " if is_average else
            f"; best: step {steps[0]};") in said
    for model in (run, run / "checkpoints/best"):
        assert json.loads(wavemt("inspect", model, "--json").stdout)["checkpoint"] == str(best)
    assert translate(corpus, run) == translate(corpus, best)


def test_it_is_measured_as_checkpoints_are(corpus, tmp_path):
    """If nothing is learned, the mean of the best is each of them."""
    run = train(tmp_path, corpus, learning_rate=1e-30, max_steps=9)
    scores = average_of(run)["scores"]
    assert steps_of(run) == [3, 6, 9]
    for line in (line for line in metrics_of(run) if "valid/loss" in line):
        for name, value in scores.items():
            assert line[name] == pytest.approx(value, rel=1e-6), name


def test_of_several_sets_the_first_decides(corpus, tmp_path):
    sets = [{"name": name, "source": str(corpus / "valid.en"), "target": str(corpus / "valid.zh")}
            for name in ("first", "second")]
    config = write_config(tmp_path / "config.json", corpus, data={"valid": sets},
                          training=TRAINING | {"max_steps": 9})
    run = tmp_path / "run"
    wavemt("train", config, "--run-dir", run, "--device", "cpu")
    scores = average_of(run)["scores"]
    assert scores["valid/bleu"] == scores["valid/first/bleu"] == scores["valid/second/bleu"]
    assert_best_is_what_scores_better(run)
    text = wavemt("inspect", run / "checkpoints/average").stdout
    assert re.search(r"^set +valid/second:  loss ", text, re.MULTILINE), text


# Interruptions.

def assert_same(run, whole):
    assert folders(run) == folders(whole)
    for pointer in ("latest", "best"):
        assert pointed(run, pointer).name == pointed(whole, pointer).name
    for checkpoint in (whole / "checkpoints").glob("step-*"):
        own = run / "checkpoints" / checkpoint.name
        for name in ("model.safetensors", "optimizer.safetensors"):
            assert (own / name).read_bytes() == (checkpoint / name).read_bytes(), own / name
        assert state_without_clock(own) == state_without_clock(checkpoint)
    average = run / "checkpoints/average"
    assert (average / "model.safetensors").read_bytes() == \
        (whole / "checkpoints/average/model.safetensors").read_bytes()
    assert state_without_clock(average) == state_without_clock(whole / "checkpoints/average")
    assert without_speeds(run) == without_speeds(whole)
    assert leftovers(run / "checkpoints") == []


def test_killed_at_each_call_that_writes_it(averaged, corpus, tmp_path):
    """What is left translates, and resume makes the average that was to be made."""
    kills = 0
    for n in range(1, 1000, 1 if TORTURE else 7):
        folder = tmp_path / str(n)
        run = shutil.copytree(averaged, folder / "run")
        forget_the_average(run)
        result = program("resume", run, env=with_faults(folder, plan=f"kill@{n}",
                                                        begin="mkdir:/checkpoints/average"))
        if result.returncode == 0:
            break
        assert result.returncode == -signal.SIGKILL, result.stderr
        kills += 1
        assert translate(corpus, run).count("\n") == 20
        result = program("resume", run)
        assert result.returncode == 0, result.stderr
        assert " error: " not in result.stderr and " warning: " not in result.stderr
        assert_same(run, averaged)
        shutil.rmtree(folder)
    assert kills >= 3
    report("calls that write an average killed at", kills)


def test_stopped_while_it_is_made(averaged, without_average, tmp_path):
    """The signal comes when the first checkpoint is read, and ends the validation of the mean."""
    run = without_average
    first = folder_of(steps_of(averaged)[0])  # Not the last one, with which resume begins.
    result = program("resume", run, env=with_faults(
        tmp_path, plan="stop@1", begin=f"open:/checkpoints/{first}/model.safetensors"))
    assert result.returncode == 143, result.stderr
    assert f"stopped by a signal at step 24; `wavemt resume {run}` continues" in result.stderr
    assert not (run / "checkpoints/average").exists()
    assert pointed(run, "best").name == folder_of(best_of_validations(run, 1)[0])
    wavemt("resume", run, "--device", "cpu")
    assert_same(run, averaged)


def test_a_full_disk_costs_the_average_alone(averaged, without_average, tmp_path):
    run = without_average
    result = program("resume", run, env=with_faults(tmp_path, plan="ENOSPC@3+",
                                                    begin="mkdir:/checkpoints/average"))
    assert result.returncode == 1, result.stderr
    assert "No space left on device" in result.stderr
    assert f"; the training itself is done and saved: `wavemt resume {run}` makes the average of " \
        "its best checkpoints" in result.stderr
    assert not (run / "checkpoints/average").exists()
    wavemt("resume", run, "--device", "cpu")
    assert_same(run, averaged)


def test_a_run_that_goes_on_is_not_its_old_average(own_averaged):
    run = own_averaged
    (run / "checkpoints/best").write_text("average\n")  # Whichever of the two was better.
    before = (run / "checkpoints/average/model.safetensors").read_bytes()
    wavemt("resume", run, "--device", "cpu", "--set", "training.average_best=0",
           "--set", "training.max_steps=27")
    assert pointed(run, "best").name == folder_of(best_of_validations(run, 1)[0])
    assert (run / "checkpoints/average/model.safetensors").read_bytes() == before
    assert "average" not in json.loads(wavemt("inspect", run, "--json").stdout)
    # Wanted again, and not made yet.
    wavemt("resume", run, "--device", "cpu", "--set", "training.average_best=3",
           "--set", "training.max_steps=300", "--max-minutes", "0.001")
    assert "average" not in json.loads(wavemt("inspect", run, "--json").stdout)


@pytest.mark.parametrize("name", ["average", "average/notes"])
def test_what_a_user_named_like_it_is_not_touched(without_average, name):
    run = without_average
    mine = run / "checkpoints" / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    result = wavemt("resume", run, "--set", "training.max_steps=30", "--device", "cpu",
                    check=False)
    assert result.returncode == 2
    assert f" error: {run}/checkpoints/average: is no checkpoint, but has the name" in result.stderr
    # It is seen before anything is trained.
    assert pointed(run, "latest").name == folder_of(24)
    wavemt("resume", run, "--set", "training.average_best=0", "--device", "cpu")
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("average", [
    None, [], {"checkpoints": []}, {"checkpoints": [{"step": -1}], "scores": {}},
    {"checkpoints": [{"step": 3, "score": 1.5}], "scores": {"valid/bleu": "a"}}])
def test_a_state_that_a_stranger_wrote(averaged, own_averaged, average):
    folder = own_averaged / "checkpoints/average"
    rewrite_state(folder, average=average)
    result = wavemt("inspect", folder, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert f" error: {folder}/state.json: " in result.stderr
    wavemt("resume", own_averaged, "--device", "cpu")
    assert_same(own_averaged, averaged)


# Other trainings.

def test_an_adapter_has_an_average_of_its_own(trained_run, corpus, tmp_path):
    config = write_adapter_config(
        tmp_path / "config.json", corpus, LORA,
        training={"average_best": 2, "validate_every": 5, "save_every": 5, "ema_decay": 0.5})
    run = tmp_path / "run"
    wavemt("train", config, "--run-dir", run, "--init-from", trained_run, "--device", "cpu")
    average = run / "checkpoints/average"
    assert_holds(average, {"adapter.safetensors", "adapter.json", "state.json"})
    assert_is_mean(run, "adapter.safetensors")
    assert (average / "adapter.json").read_bytes() == \
        (pointed(run, "latest") / "adapter.json").read_bytes()
    assert_best_is_what_scores_better(run)
    assert translate(corpus, average) == \
        wavemt("translate", trained_run, "--adapter", average,
               input=(corpus / "test.en").read_text("utf8")).stdout
    wavemt("merge", average, "--output", tmp_path / "merged")
    assert pointed(tmp_path / "merged", "latest").name == folder_of(20)
    assert translate(corpus, tmp_path / "merged") == translate(corpus, average)


def test_several_processes_make_one(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, model={"dropout": 0.1},
                          training=TRAINING)
    run = tmp_path / "run"
    said = finish(start(2, "train", config, "--run-dir", run))
    assert said[0].count("the average of the checkpoints of steps ") == 1
    assert not said[1]
    assert_is_mean(run)
    assert_best_is_what_scores_better(run)
    # A finished run is left as it is.
    files = files_of(run / "checkpoints")
    said = finish(start(2, "resume", run))
    assert not said[1]
    assert files == files_of(run / "checkpoints")
