"""training.average_best: the best checkpoints are kept, and their mean is a model of its own when
training has ended; it is the run's best one exactly where it scores better."""
import json
import re
import shutil
import signal
import zlib

import pytest
from conftest import (TORTURE, metrics_of, pointed, state_without_clock, wavemt, without_speeds,
                      write_config)
from file_faults import leftovers, program, report, with_faults
from safetensors.numpy import load_file
from test_adapters import LORA, write_adapter_config
from test_distributed import finish, start

# Eight validations, the last one at the end. What is kept: the three best, and the two newest.
TRAINING = {"max_steps": 24, "gradient_accumulation": 2, "ema_decay": 0.9, "log_every": 5,
            "learning_rate": 0.01, "validate_every": 3, "save_every": 8, "keep_last": 2,
            "average_best": 3}


def train(folder, corpus, *options, **training):
    config = write_config(folder / "config.json", corpus, model={"dropout": 0.2},
                          training=TRAINING | training)
    said = wavemt("train", config, "--run-dir", folder / "run", "--device", "cpu", *options).stderr
    (folder / "said").write_text(said, "utf8")
    return folder / "run"


@pytest.fixture(scope="module")
def averaged(tmp_path_factory, corpus):
    """A run that made an average; no test writes into it."""
    return train(tmp_path_factory.mktemp("averaged"), corpus)


@pytest.fixture
def own_averaged(averaged, tmp_path):
    return shutil.copytree(averaged, tmp_path / "own")


def folders(run):
    return {path.name for path in (run / "checkpoints").iterdir() if path.is_dir()}


def folder_of(step):
    return f"step-{step:08}"


def average_of(run):
    """What the state of the average says of it."""
    return json.loads((run / "checkpoints/average/state.json").read_text("utf8"))["average"]


def steps_of(run):
    return [score["step"] for score in average_of(run)["of"]]


def mean_of(run, file="model.safetensors"):
    """The mean of the weights of the checkpoints that the average comes from, as NumPy has it."""
    models = [load_file(run / "checkpoints" / folder_of(step) / file) for step in steps_of(run)]
    return {name: sum(model[name].astype("float64") for model in models) / len(models)
            for name in models[0]}


def assert_is_mean(run, file="model.safetensors"):
    weights, expected = load_file(run / "checkpoints/average" / file), mean_of(run, file)
    assert weights.keys() == expected.keys()
    for name, tensor in weights.items():
        assert abs(tensor - expected[name]).max() < 1e-6, name


def rank(score, loss, metric):
    """Less is better; of equal scores, the lower loss."""
    return (score if metric in ("loss", "perplexity") else -score, loss)


def assert_best_is_what_scores_better(run, metric="bleu"):
    average = average_of(run)
    ranks = {score["step"]: rank(score["score"], score["loss"], metric) for score in average["of"]}
    best_step = min(ranks, key=ranks.get)
    own = rank(average["scores"][f"valid/{metric}"], average["scores"]["valid/loss"], metric)
    name = "average" if own < ranks[best_step] else folder_of(best_step)
    assert (run / "checkpoints/best").read_text() == f"{name}\n"
    assert json.loads(wavemt("inspect", run, "--json").stdout)["checkpoint"] == \
        str(run / "checkpoints" / name)


def assert_whole(checkpoint, files):
    """The checkpoint has these files, as its manifest says, and no others."""
    listed = json.loads((checkpoint / "manifest.json").read_text())["files"]
    assert {path.name for path in checkpoint.iterdir()} == files | {"manifest.json"}
    assert listed.keys() == files
    for name, digest in listed.items():
        data = (checkpoint / name).read_bytes()
        assert digest == {"bytes": len(data), "crc32": f"{zlib.crc32(data):08x}"}, name


def best_of_validations(run, number, metric="bleu"):
    """The steps of the best validations, the best one first, according to the log."""
    scores = [(rank(line[f"valid/{metric}"], line["valid/loss"], metric), line["step"])
              for line in metrics_of(run) if "valid/loss" in line]
    return [step for _, step in sorted(scores)][:number]


def steps_that_stay(run, training):
    """Those whose checkpoints a run keeps, as the log of its validations decides it."""
    validations = {line["step"]: (rank(line["valid/bleu"], line["valid/loss"], "bleu"), line["step"])
                   for line in metrics_of(run) if "valid/loss" in line}
    saved, best = [], []
    for step in range(1, training["max_steps"] + 1):
        if step in validations:
            best = sorted([*best, validations[step]])[:training["average_best"]]
        steps = [number for _, number in best]
        if step in steps or step % training["save_every"] == 0 or step == training["max_steps"]:
            saved.append(step)
            saved = [number for number in saved
                     if number in saved[-training["keep_last"]:] or number in steps]
    return saved


def translate(corpus, model):
    return wavemt("translate", model, input=(corpus / "test.en").read_text("utf8")).stdout


def rewrite_state(checkpoint, change):
    """Changes the state of a checkpoint, with a checksum that fits."""
    state = json.loads((checkpoint / "state.json").read_text())
    change(state)
    data = json.dumps(state).encode()
    (checkpoint / "state.json").write_bytes(data)
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    manifest["files"]["state.json"] = {"bytes": len(data), "crc32": f"{zlib.crc32(data):08x}"}
    (checkpoint / "manifest.json").write_text(json.dumps(manifest))


def forget_the_average(run):
    """The run as it is when it was killed behind its last checkpoint."""
    shutil.rmtree(run / "checkpoints/average")
    state = json.loads((pointed(run, "latest") / "state.json").read_text())
    (run / "checkpoints/best").write_text(folder_of(state["best_step"]) + "\n")


# What is kept, and what is made of it.

def test_the_best_and_the_newest_stay(averaged):
    kept = steps_that_stay(averaged, TRAINING)
    assert folders(averaged) == {folder_of(step) for step in kept} | {"average"}
    assert {path.name for path in (averaged / "checkpoints").iterdir()} == \
        folders(averaged) | {"latest", "best"}
    assert pointed(averaged, "latest").name == folder_of(24)
    best = best_of_validations(averaged, 3)
    state = json.loads((pointed(averaged, "latest") / "state.json").read_text())
    assert [state["best_step"]] + [score["step"] for score in state["next_best"]] == best
    logged = {line["step"]: line for line in metrics_of(averaged) if "valid/loss" in line}
    for score in state["next_best"]:
        assert score["score"] == logged[score["step"]]["valid/bleu"]
        assert score["loss"] == logged[score["step"]]["valid/loss"]


def test_the_average_is_the_mean_of_the_best(averaged):
    assert steps_of(averaged) == sorted(best_of_validations(averaged, 3))
    assert_is_mean(averaged)
    assert_whole(averaged / "checkpoints/average", {"model.safetensors", "state.json"})
    assert_best_is_what_scores_better(averaged)
    # It adds no line to the log: a run that goes on has the log of one that never ended.
    assert {key.split("/")[0] for line in metrics_of(averaged) for key in line if "/" in key} == \
        {"valid"}
    state = json.loads((averaged / "checkpoints/average/state.json").read_text())
    assert state["step"] == 24
    assert state["average"]["scores"].keys() == {f"valid/{name}" for name in
                                                 ("loss", "perplexity", "bleu", "chrf")}


def test_it_is_what_average_makes(averaged, tmp_path):
    """To the last byte."""
    checkpoints = [averaged / "checkpoints" / folder_of(step) for step in steps_of(averaged)]
    wavemt("average", *checkpoints, "--output", tmp_path / "mean")
    assert (pointed(tmp_path / "mean", "latest") / "model.safetensors").read_bytes() == \
        (averaged / "checkpoints/average/model.safetensors").read_bytes()


def test_what_is_said_at_the_end(averaged):
    said = (averaged.parent / "said").read_text("utf8")
    average = average_of(averaged)
    first, second, third = steps_of(averaged)
    best = max(score["score"] for score in average["of"])
    assert f" info: the average of the checkpoints of steps {first}, {second} and {third} has valid " \
        f"BLEU {average['scores']['valid/bleu']:.4g}, the best of them {best:.4g}: " in said
    if pointed(averaged, "best").name == "average":
        model = f"the average of its best checkpoints, {averaged}/checkpoints/average"
        assert ": it is the best model\n" in said
    else:
        model = f"step {int(pointed(averaged, 'best').name[5:])}"
        assert f": the checkpoint of {model} stays the best model\n" in said
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
    assert own["checkpoint"] == str(averaged / "checkpoints/average")
    assert own["average"] == average
    # A single checkpoint is described without it.
    assert "average" not in json.loads(
        wavemt("inspect", pointed(averaged, "latest"), "--json").stdout)


def test_other_commands_open_it(averaged, corpus, tmp_path):
    average = averaged / "checkpoints/average"
    assert translate(corpus, average) == translate(corpus, average / "model.safetensors")
    assert json.loads(wavemt("evaluate", average, "--json").stdout)[0]["name"] == "BLEU"
    wavemt("average", average, pointed(averaged, "latest"), "--output", tmp_path / "again")
    wavemt("export", average, tmp_path / "exported", "--format", "huggingface")
    # As a shell finds them all: best and latest name others, which count once.
    said = wavemt("average", *sorted((averaged / "checkpoints").iterdir()), "--output",
                  tmp_path / "all").stderr
    assert f"the mean of {len(folders(averaged))} checkpoints" in said


# Which one is the best.

@pytest.mark.parametrize("score, is_best", [(-1, True), (1000, False)])
def test_a_run_is_its_average_exactly_where_that_is_better(own_averaged, corpus, score, is_best):
    """No BLEU is below 0 or above 100, so that what the checkpoints are said to have decides."""
    run = own_averaged
    bytes_before = (run / "checkpoints/average/model.safetensors").read_bytes()
    forget_the_average(run)

    def change(state):
        state["best_score"] = score
        for other in state["next_best"]:
            other["score"] = score - 1
    rewrite_state(pointed(run, "latest"), change)
    best_step = pointed(run, "best")
    said = wavemt("resume", run, "--device", "cpu").stderr
    best = run / "checkpoints/average" if is_best else best_step
    assert pointed(run, "best") == best
    assert (run / "checkpoints/average/model.safetensors").read_bytes() == bytes_before
    assert pointed(run, "latest").name == folder_of(24)
    assert ("; best: the average of its best checkpoints, " in said) == is_best
    for model in (run, run / "checkpoints/best"):
        assert json.loads(wavemt("inspect", model, "--json").stdout)["checkpoint"] == str(best)
    assert translate(corpus, run) == translate(corpus, best)
    assert_best_is_what_scores_better(run)


def test_it_is_measured_as_checkpoints_are(corpus, tmp_path):
    """Where nothing is learned, the mean of the best is each of them, so it is no better."""
    run = train(tmp_path, corpus, learning_rate=1e-30, max_steps=9)
    scores = average_of(run)["scores"]
    validations = [line for line in metrics_of(run) if "valid/loss" in line]
    assert [line["step"] for line in validations] == [3, 6, 9]
    for line in validations:
        for name, value in scores.items():
            assert line[name] == pytest.approx(value, rel=1e-6), name
    assert steps_of(run) == [3, 6, 9]
    assert_best_is_what_scores_better(run)


def test_by_a_loss(corpus, tmp_path):
    run = train(tmp_path, corpus, best_metric="loss", average_best=2, ema_decay=0)
    assert steps_of(run) == sorted(best_of_validations(run, 2, "loss"))
    assert_is_mean(run)
    assert_best_is_what_scores_better(run, "loss")


def test_of_several_sets_the_first_decides(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, training=TRAINING | {"max_steps": 9})
    content = json.loads(config.read_text())
    texts = content["data"]["valid"]
    content["data"]["valid"] = [
        {"name": name, "source": texts["source"], "target": texts["target"]}
        for name in ("first", "second")]
    config.write_text(json.dumps(content))
    wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu")
    scores = average_of(tmp_path / "run")["scores"]
    assert scores["valid/bleu"] == scores["valid/first/bleu"] == scores["valid/second/bleu"]
    assert_best_is_what_scores_better(tmp_path / "run")
    text = wavemt("inspect", tmp_path / "run/checkpoints/average").stdout
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


@pytest.mark.parametrize("steps", [6, 15])
def test_two_parts_are_the_whole(averaged, corpus, tmp_path, steps):
    """Both end at validations that the whole run has too."""
    run = train(tmp_path, corpus, "--set", f"training.max_steps={steps}")
    own = (run / "checkpoints/average/model.safetensors").read_bytes()
    wavemt("resume", run, "--set", "training.max_steps=24", "--device", "cpu")
    assert_same(run, averaged)
    assert (run / "checkpoints/average/model.safetensors").read_bytes() != own


def test_a_finished_run_is_left_as_it_is(own_averaged):
    before = {path: path.read_bytes() for path in (own_averaged / "checkpoints").rglob("*")
              if path.is_file()}
    said = wavemt("resume", own_averaged, "--device", "cpu").stderr
    assert "the average of the checkpoints of steps " in said
    assert before == {path: path.read_bytes()
                      for path in (own_averaged / "checkpoints").rglob("*") if path.is_file()}


def test_a_run_that_was_killed_before_it_made_one(averaged, own_averaged):
    forget_the_average(own_averaged)
    (own_averaged / "checkpoints/average.1234.unfinished").mkdir()
    (own_averaged / "checkpoints/average.1234.unfinished/model.safetensors").write_text("half")
    wavemt("resume", own_averaged, "--device", "cpu")
    assert_same(own_averaged, averaged)


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


def test_a_full_disk_costs_the_average_alone(averaged, own_averaged, tmp_path):
    forget_the_average(own_averaged)
    result = program("resume", own_averaged,
                     env=with_faults(tmp_path, plan="ENOSPC@3+", begin="mkdir:/checkpoints/average"))
    assert result.returncode == 1, result.stderr
    assert "No space left on device" in result.stderr
    assert "; the training itself is done and saved: `wavemt resume " \
        f"{own_averaged}` makes the average of its best checkpoints" in result.stderr
    assert not (own_averaged / "checkpoints/average").exists()
    wavemt("resume", own_averaged, "--device", "cpu")
    assert_same(own_averaged, averaged)


def test_a_run_that_goes_on_names_a_step_until_it_ends_again(own_averaged, corpus):
    run = own_averaged
    best = best_of_validations(run, 1)[0]
    before = (run / "checkpoints/average/model.safetensors").read_bytes()
    # Whichever of the two was better.
    (run / "checkpoints/best").write_text("average\n")
    longer = ("--set", "training.max_steps=30", "--device", "cpu")
    said = wavemt("resume", run, *longer, "--max-minutes", "0.001").stderr
    assert "stopped by --max-minutes at step 24" in said
    assert pointed(run, "best").name == folder_of(best)
    assert pointed(run, "latest").name == folder_of(24)
    assert (run / "checkpoints/average/model.safetensors").read_bytes() == before
    wavemt("resume", run, *longer)
    assert steps_of(run) == sorted(best_of_validations(run, 3))
    assert_is_mean(run)
    assert json.loads((run / "checkpoints/average/state.json").read_text())["step"] == 30
    assert pointed(run, "latest").name == folder_of(30)
    assert_best_is_what_scores_better(run)
    kept = steps_that_stay(run, TRAINING | {"max_steps": 30})
    assert folders(run) == {folder_of(step) for step in kept} | {"average"}


def test_another_number_on_resume(own_averaged):
    run = own_averaged
    best = best_of_validations(run, 3)
    # Of a finished run, at once.
    wavemt("resume", run, "--set", "training.average_best=2", "--device", "cpu")
    assert steps_of(run) == sorted(best[:2])
    assert_is_mean(run)
    # More than are known: as many as there are.
    wavemt("resume", run, "--set", "training.average_best=9", "--device", "cpu")
    assert steps_of(run) == sorted(best)
    assert_is_mean(run)
    # None: the model that was made stays, but is not the run's.
    before = (run / "checkpoints/average/model.safetensors").read_bytes()
    wavemt("resume", run, "--set", "training.average_best=0", "--device", "cpu")
    assert pointed(run, "best").name == folder_of(best[0])
    assert (run / "checkpoints/average/model.safetensors").read_bytes() == before


def test_a_run_without_it_may_begin_on_resume(corpus, tmp_path):
    run = train(tmp_path, corpus, "--set", "training.average_best=0")
    assert not (run / "checkpoints/average").exists()
    said = wavemt("resume", run, "--set", "training.average_best=2", "--device", "cpu").stderr
    assert "no average is made: of the best checkpoints, only one was kept" in said
    assert not (run / "checkpoints/average").exists()
    wavemt("resume", run, "--set", "training.max_steps=30", "--device", "cpu")
    # The best one so far, and what came since.
    before = next(step for step in best_of_validations(run, 100) if step <= 24)
    assert len(steps_of(run)) == 2
    assert set(steps_of(run)) <= {before, 27, 30}
    assert_is_mean(run)


def test_other_validation_text_begins_anew(own_averaged, corpus, tmp_path):
    """Scores on two texts do not compare."""
    for language in ("en", "zh"):
        lines = (corpus / f"valid.{language}").read_text("utf8").splitlines(keepends=True)
        (tmp_path / f"other.{language}").write_text("".join(lines[:7]), "utf8")
    said = wavemt("resume", own_averaged, "--set", "training.max_steps=30", "--device", "cpu",
                  "--set", f"data.valid.source={tmp_path}/other.en",
                  "--set", f"data.valid.target={tmp_path}/other.zh").stderr
    assert "the best score begins anew" in said
    assert steps_of(own_averaged) == [27, 30]
    assert_is_mean(own_averaged)
    assert_best_is_what_scores_better(own_averaged)


def test_a_damaged_checkpoint_is_left_out(own_averaged):
    run = own_averaged
    best = best_of_validations(run, 3)
    forget_the_average(run)
    victim = next(step for step in best if step != 24)  # Which resume does not begin with.
    damaged = run / "checkpoints" / folder_of(victim) / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    said = wavemt("resume", run, "--device", "cpu").stderr
    assert f" warning: {damaged}: is damaged: " in said
    assert "; the average is made without this checkpoint" in said
    assert steps_of(run) == sorted(set(best) - {victim})
    assert_is_mean(run)


def test_a_damaged_average_is_named_and_made_again(averaged, own_averaged, corpus):
    run = own_averaged
    damaged = run / "checkpoints/average/model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    result = wavemt("translate", run / "checkpoints/average", input="A line.\n", check=False)
    assert result.returncode == 2
    assert f" error: {damaged}: is damaged: " in result.stderr
    said = wavemt("resume", run, "--device", "cpu").stderr
    assert f" warning: {damaged}: is damaged: " in said
    assert "; the average is made again" in said
    assert_same(run, averaged)


@pytest.mark.parametrize("average", [None, [], {"of": []}, {"of": [{"step": -1}], "scores": {}},
                                     {"of": [{"step": 3, "score": 1.5}], "scores": {"valid/bleu": "a"}}])
def test_a_state_that_a_stranger_wrote(averaged, own_averaged, average):
    folder = own_averaged / "checkpoints/average"
    rewrite_state(folder, lambda state: state.update(average=average))
    result = wavemt("inspect", folder, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert f" error: {folder}/state.json: " in result.stderr
    wavemt("resume", own_averaged, "--device", "cpu")
    assert_same(own_averaged, averaged)


def test_overwrite_leaves_nothing_of_it(own_averaged, corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, training={"max_steps": 2})
    wavemt("train", config, "--run-dir", own_averaged, "--device", "cpu", "--overwrite")
    assert folders(own_averaged) == {folder_of(2)}


# Other trainings.

def test_an_adapter_has_an_average_of_its_own(trained_run, corpus, tmp_path):
    config = write_adapter_config(
        tmp_path / "config.json", corpus, LORA,
        training={"average_best": 2, "validate_every": 5, "save_every": 5, "ema_decay": 0.5})
    run = tmp_path / "run"
    wavemt("train", config, "--run-dir", run, "--init-from", trained_run)
    average = run / "checkpoints/average"
    assert_whole(average, {"adapter.safetensors", "adapter.json", "state.json"})
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
    files = {path: path.read_bytes() for path in (run / "checkpoints").rglob("*") if path.is_file()}
    said = finish(start(2, "resume", run))
    assert not said[1]
    assert files == {path: path.read_bytes()
                     for path in (run / "checkpoints").rglob("*") if path.is_file()}


# The config.

@pytest.mark.parametrize("number, reason", [
    (1, "one checkpoint has no average; use at least 2, or 0 for none"),
    (-1, "training.average_best"), (101, "training.average_best")])
def test_a_number_that_cannot_be(corpus, tmp_path, number, reason):
    config = write_config(tmp_path / "config.json", corpus, training={"average_best": number})
    result = wavemt("train", config, "--run-dir", tmp_path / "run", check=False)
    assert result.returncode == 2
    assert f"{config}: training.average_best: " in result.stderr and reason in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("missing", ["data.valid", "training.validate_every"])
def test_it_needs_validations(corpus, tmp_path, missing):
    config = write_config(tmp_path / "config.json", corpus, training={"average_best": 3})
    content = json.loads(config.read_text())
    if missing == "data.valid":
        del content["data"]["valid"]
    else:
        content["training"]["validate_every"] = 0
    config.write_text(json.dumps(content))
    result = wavemt("train", config, "--run-dir", tmp_path / "run", check=False)
    assert result.returncode == 2
    assert f"{config}: training.average_best: 3 needs validations to choose checkpoints by; give " \
        "data.valid and training.validate_every" in result.stderr
    assert not (tmp_path / "run").exists()


def test_resume_refuses_what_train_refuses(own_averaged):
    before = {path: path.read_bytes() for path in own_averaged.rglob("*") if path.is_file()}
    for setting in ("training.average_best=1", "training.validate_every=0"):
        result = wavemt("resume", own_averaged, "--set", setting, check=False)
        assert result.returncode == 2
        assert "training.average_best: " in result.stderr
    assert before == {path: path.read_bytes() for path in own_averaged.rglob("*") if path.is_file()}
