"""Several validation and test sets with names: how a config gives them, and what is scored."""
import json
import os
import re
import shutil

import jsonschema
import pytest
from conftest import (ENVIRONMENT, metrics_of, pointed, state_without_clock, wavemt, without_speeds,
                      write_config)
from test_distributed import assert_same_bytes, finish, start, train

SCORES = ("loss", "perplexity", "bleu", "bleu_signature", "chrf", "chrf_signature")
USUAL = {"step", "epoch"} | {f"valid/{score}" for score in SCORES}


@pytest.fixture(scope="module")
def texts(tmp_path_factory, corpus):
    """Two texts for validation, news and chat, and two for tests, as TSV files in a folder."""
    folder = tmp_path_factory.mktemp("texts")
    for split in ("valid", "test"):
        sides = [(corpus / f"{split}.{language}").read_text("utf8").splitlines()
                 for language in ("en", "zh")]
        lines = ["\t".join(pair) for pair in zip(*sides)]
        (folder / f"{split}.news.tsv").write_text("\n".join(lines[:7]) + "\n", "utf8")
        (folder / f"{split}.chat.tsv").write_text("\n".join(lines[7:]) + "\n", "utf8")
    return folder


def named(folder, split, *names):
    return [{"name": name, "tsv": str(folder / f"{split}.{name}.tsv")} for name in names]


def change_data(path, **sections):
    """Replaces sections of `data`, which write_config() would merge; None removes one."""
    config = json.loads(path.read_text())
    for name, section in sections.items():
        config["data"][name] = section
        if section is None:
            del config["data"][name]
    path.write_text(json.dumps(config))
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory, corpus, texts):
    path = write_config(tmp_path_factory.mktemp("config") / "config.json", corpus,
                        training={"learning_rate": 0.01, "validate_every": 5})
    return change_data(path, valid=named(texts, "valid", "news", "chat"),
                       test=named(texts, "test", "news", "chat"))


@pytest.fixture(scope="module")
def sets_run(tmp_path_factory, config):
    folder = tmp_path_factory.mktemp("sets") / "run"
    wavemt("train", config, "--run-dir", folder, "--device", "cpu")
    return folder


def validations(run):
    return [line for line in metrics_of(run) if "valid/loss" in line]


# The config.

def test_a_list_is_read_shown_and_described_by_the_schema(config, texts):
    schema = json.loads(wavemt("config", "schema").stdout)
    jsonschema.validate(json.loads(config.read_text()), schema,
                        cls=jsonschema.Draft202012Validator)
    text = wavemt("config", "show", config).stdout
    shown = json.loads(text)
    jsonschema.validate(shown, schema, cls=jsonschema.Draft202012Validator)
    assert shown["data"]["valid"] == [
        {"name": name, "source": [], "target": [], "tsv": [str(texts / f"valid.{name}.tsv")],
         "tsv_columns": [1, 2], "source_prefix": ""} for name in ("news", "chat")]
    wavemt("config", "check", config)


def test_paths_of_a_list_are_relative_like_all_others(config, texts, tmp_path):
    path = tmp_path / "config.json"
    shutil.copy(config, path)
    shutil.copy(texts / "valid.news.tsv", tmp_path / "news.tsv")
    change_data(path, valid=[{"name": "news", "tsv": "news.tsv"},
                             {"name": "chat", "tsv": ["${WAVEMT_DATA}/valid.chat.tsv"]}])
    shown = json.loads(wavemt("config", "show", path,
                              env=ENVIRONMENT | {"WAVEMT_DATA": str(texts)}).stdout)
    assert [entry["tsv"] for entry in shown["data"]["valid"]] == [
        [str(tmp_path / "news.tsv")], [str(texts / "valid.chat.tsv")]]
    (tmp_path / "below").mkdir()
    shown = json.loads(wavemt(
        "config", "show", path, "--set",
        'data.valid=[{"name": "a", "source": "en", "target": ["zh"]}]', "--set",
        'data.test={"tsv": "one.tsv"}', cwd=tmp_path / "below").stdout)
    assert shown["data"]["valid"][0]["source"] == [str(tmp_path / "below/en")]
    assert shown["data"]["valid"][0]["target"] == [str(tmp_path / "below/zh")]
    assert shown["data"]["test"]["tsv"] == [str(tmp_path / "below/one.tsv")]


def test_check_looks_for_the_files_of_every_set(config, tmp_path):
    result = wavemt("config", "check", config, "--set",
                    'data.test=[{"name": "a", "tsv": "absent.tsv"}]', cwd=tmp_path, check=False)
    assert result.returncode == 2
    assert result.stderr.endswith(f" error: {tmp_path}/absent.tsv: no such file\n")


@pytest.mark.parametrize("valid, message", [
    ([{"tsv": "a"}], "data.valid[0].name: is missing: each corpus of a list has a name of "
                     "ASCII letters, digits, - and _"),
    ([{"name": "a b", "tsv": "a"}], 'data.valid[0].name: "a b" is not possible: each corpus'),
    ([{"name": "né", "tsv": "a"}], 'data.valid[0].name: "né" is not possible: each corpus'),
    ([{"name": "../a", "tsv": "a"}], 'data.valid[0].name: "../a" is not possible: each corpus'),
    ([{"name": "a", "tsv": "a"}, {"name": "a", "tsv": "b"}],
     'data.valid[1].name: "a" is the name of data.valid[0] too; each corpus has its own'),
    ([{"name": "a"}], "data.valid[0]: has no text: give source and target files, or one tsv file"),
    ([{"name": "a", "source": "a"}], "data.valid[0]: 1 source file(s) but 0 target file(s)"),
    ([{"name": 3, "tsv": "a"}], "data.valid[0].name: 3 is not a text in quotes"),
    ([{"name": "a", "tvs": "a"}], 'data.valid[0].tvs: unknown key (did you mean "tsv"?)'),
    (["a.tsv"], 'data.valid[0]: must be an object {...}, not "a.tsv"'),
    ("a.tsv", 'data.valid: must be an object {...} or a list of them, not "a.tsv"'),
    ({"name": "a", "tsv": "a"},
     'data.valid.name: only the sets of a list have names: "valid": [{"name": ...}]'),
])
def test_a_wrong_list_is_refused_with_its_place(config, tmp_path, valid, message):
    path = tmp_path / "config.json"
    shutil.copy(config, path)
    change_data(path, valid=valid)
    result = wavemt("config", "show", path, check=False)
    assert result.returncode == 2
    assert f" error: {path}: {message}" in result.stderr
    if isinstance(valid, list):
        typed = f"--set data.valid={json.dumps(valid)}"
        result = wavemt("config", "show", config, *typed.split(" ", 1), check=False)
        assert result.returncode == 2
        assert f" error: {typed}: {message}" in result.stderr


@pytest.mark.parametrize("typed, message", [
    ("data.valid.tsv=a.tsv", "data.valid is a list of named sets in {config}; give the whole list"),
    ("data.valid=a.tsv", '"data.valid" is a section of the config; set one of its keys, for '
                         "example data.valid.source, or give the whole section"),
    ("data.valid=[{]", "line 1, column 3: not valid JSON"),
    ("data.train=[]", "data.train: is missing: give source and target files"),
    ("data.valid.name=a", 'there is no config key "data.valid.name"'),
])
def test_what_set_cannot_mean(config, typed, message):
    result = wavemt("config", "show", config, "--set", typed, check=False)
    assert result.returncode == 2
    assert f" error: --set {typed}: {message.format(config=config)}" in result.stderr


def test_an_empty_list_is_no_set(config):
    shown = json.loads(wavemt("config", "show", config, "--set", "data.valid=[]").stdout)
    assert shown["data"]["valid"]["tsv"] == []


# Training.

def test_every_set_is_scored_and_the_first_one_decides(sets_run):
    lines = validations(sets_run)
    assert [line["step"] for line in lines] == [5, 10, 15, 20]
    sets = ("valid/news", "valid/chat", "test/news", "test/chat")
    expected = USUAL | {f"{name}/{score}" for name in sets for score in SCORES}
    for line in lines:
        assert line.keys() == expected
        for score in SCORES:
            assert line[f"valid/{score}"] == line[f"valid/news/{score}"]
        assert len({line[f"{name}/loss"] for name in sets}) == 4
    state = json.loads((pointed(sets_run, "latest") / "state.json").read_text())
    best = max(lines, key=lambda line: (line["valid/news/bleu"], -line["valid/news/loss"]))
    assert (state["best_step"], state["best_score"]) == (best["step"], best["valid/news/bleu"])


def test_scores_are_those_of_each_set_alone(sets_run, config, texts, tmp_path):
    """Whichever other sets there are, and training does not see them."""
    for name in ("news", "chat"):
        path = tmp_path / f"{name}.json"
        shutil.copy(config, path)
        change_data(path, valid={"tsv": str(texts / f"valid.{name}.tsv")}, test=None)
        alone = tmp_path / name
        said = wavemt("train", path, "--run-dir", alone, "--device", "cpu").stderr
        assert re.search(r" validation at step 5: loss \d", said)
        for line, together in zip(validations(alone), validations(sets_run), strict=True):
            assert line.keys() == USUAL
            for score in SCORES:
                assert line[f"valid/{score}"] == together[f"valid/{name}/{score}"]
        assert (pointed(alone, "latest") / "model.safetensors").read_bytes() == \
            (pointed(sets_run, "latest") / "model.safetensors").read_bytes()


def test_an_unnamed_test_set_is_not_scored_in_training(config, texts, tmp_path):
    path = tmp_path / "config.json"
    shutil.copy(config, path)
    change_data(path, test={"tsv": str(texts / "test.news.tsv")})
    wavemt("train", path, "--run-dir", tmp_path / "run", "--device", "cpu", "--set",
           "training.max_steps=5")
    assert not [name for name in validations(tmp_path / "run")[0] if name.startswith("test/")]


def test_the_terminal_and_tensorboard_name_the_sets(config, tmp_path):
    run = tmp_path / "run"
    said = wavemt("train", config, "--run-dir", run, "--device", "cpu", "--set",
                  "training.max_steps=5").stderr
    found = re.findall(r"validation at step 5: (\w+/\w+): loss [\d.]+  perplexity [\d.]+  "
                       r"BLEU [\d.]+  chrF [\d.]+(  \(best so far\))?\n", said)
    assert found == [("valid/news", "  (best so far)"), ("valid/chat", ""), ("test/news", ""),
                     ("test/chat", "")]
    assert "data.valid (chat): 13 pairs: 13 used" in said
    events = b"".join(path.read_bytes() for path in (run / "tensorboard").iterdir())
    for tag in (b"valid/loss", b"valid/news/loss", b"valid/chat/bleu", b"test/chat/chrf"):
        assert tag in events


def test_a_resumed_run_is_the_run_that_was_never_interrupted(sets_run, config, tmp_path):
    resumed = tmp_path / "run"
    wavemt("train", config, "--run-dir", resumed, "--device", "cpu", "--set",
           "training.max_steps=10")
    wavemt("resume", resumed, "--device", "cpu", "--set", "training.max_steps=20")
    assert_same_bytes(resumed, sets_run)
    assert state_without_clock(pointed(resumed, "latest")) == \
        state_without_clock(pointed(sets_run, "latest"))
    assert (resumed / "config.json").read_text().replace(str(resumed), "") == \
        (sets_run / "config.json").read_text().replace(str(sets_run), "")


def test_sets_may_change_on_resume(sets_run, config, texts, tmp_path):
    run = shutil.copytree(sets_run, tmp_path / "run")
    further = [{"name": "other", "tsv": str(texts / "test.news.tsv")}]
    kept = json.dumps(named(texts, "valid", "news") + further)
    more = ("--device", "cpu", "--set", "training.max_steps=25")
    # The same first set under another list: the best score goes on.
    said = wavemt("resume", run, *more, "--set", f"data.valid={kept}").stderr
    assert "the best score" not in said
    assert "valid/other/loss" in validations(run)[-1]
    assert "valid/chat/loss" not in validations(run)[-1]
    run = shutil.copytree(sets_run, tmp_path / "changed")
    said = wavemt("resume", run, *more, "--set", f"data.valid={json.dumps(further)}").stderr
    assert "data.valid (other) holds another text than the best score, " in said
    # `train --resume` takes one form of the section for the other.
    run = shutil.copytree(sets_run, tmp_path / "single")
    path = tmp_path / "single.json"
    shutil.copy(config, path)
    change_data(path, valid={"tsv": str(texts / "valid.news.tsv")}, test=None)
    said = wavemt("train", path, "--run-dir", run, "--resume", *more).stderr
    assert "the best score" not in said
    assert validations(run)[-1].keys() == USUAL
    assert json.loads((run / "config.json").read_text())["data"]["valid"]["tsv"] == [
        str(texts / "valid.news.tsv")]


def test_a_blank_set_is_named(config, tmp_path):
    (tmp_path / "blank.tsv").write_text("\n\n")
    result = wavemt("train", config, "--run-dir", tmp_path / "run", "--set",
                    'data.test=[{"name": "blank", "tsv": "blank.tsv"}]', cwd=tmp_path, check=False)
    assert result.returncode == 2
    assert "data.test (blank): " in result.stderr


def test_processes_share_every_set(config, tmp_path):
    pair = train(2, config, tmp_path / "pair")
    alone = tmp_path / "alone"
    wavemt("train", config, "--run-dir", alone, "--device", "cpu", "--set",
           "training.gradient_accumulation=2")
    for line, expected in zip(validations(pair), validations(alone), strict=True):
        assert line.keys() == expected.keys()
        for name in line:
            if name.endswith("/loss"):
                assert line[name] == pytest.approx(expected[name], rel=1e-4), name
    # Of the same model, the scores of translations are the same.
    for name in ("news", "chat"):
        score = json.loads(wavemt(
            "evaluate", pair / "checkpoints/latest", "--json", "--test-set", name, "--set",
            "decoding.beam_size=1").stdout)[0]["score"]
        assert score == pytest.approx(validations(pair)[-1][f"test/{name}/bleu"], abs=1e-9)


def test_processes_need_the_same_sets(config, tmp_path):
    said = finish(start(2, "train", config, "--run-dir", tmp_path / "run",
                        own=[[], ["--set", "data.test=[]"]]), code=2)
    assert " differs from rank 0: the text of data.test (news) is not set there and " in said[0]


# Afterwards.

def test_evaluate_scores_every_set(sets_run):
    model = sets_run / "checkpoints/latest"
    greedy = ("--set", "decoding.beam_size=1", "--metrics", "bleu,chrf")
    scores = json.loads(wavemt("evaluate", model, "--json", *greedy).stdout)
    assert [(score["set"], score["name"]) for score in scores] == [
        ("news", "BLEU"), ("news", "chrF2"), ("chat", "BLEU"), ("chat", "chrF2")]
    last = validations(sets_run)[-1]
    for score in scores:
        name = f"test/{score['set']}/{'bleu' if score['name'] == 'BLEU' else 'chrf'}"
        assert score["score"] == pytest.approx(last[name], abs=1e-9)
    text = wavemt("evaluate", model, *greedy).stdout.splitlines()
    assert [re.match(r" *(\w+): (\w+)\|", line).groups() for line in text] == [
        ("news", "BLEU"), ("news", "chrF2"), ("chat", "BLEU"), ("chat", "chrF2")]
    assert len({line.index(" = ") for line in text}) == 1
    as_sacrebleu = json.loads(wavemt("evaluate", model, "--format", "json", *greedy).stdout)
    assert [entry["set"] for entry in as_sacrebleu] == ["news", "news", "chat", "chat"]
    alone = wavemt("evaluate", model, "-b", *greedy).stdout.splitlines()
    assert len([float(line) for line in alone]) == 4


def test_evaluate_one_set(sets_run, texts, tmp_path):
    output = tmp_path / "chat.zh"
    text = wavemt("evaluate", sets_run, "--test-set", "chat", "--output", output).stdout
    assert text.startswith("chat: BLEU|")
    assert len(output.read_text("utf8").splitlines()) == 13
    (tmp_path / "chat.en").write_text("".join(
        line.split("\t")[0] + "\n"
        for line in (texts / "test.chat.tsv").read_text("utf8").splitlines()), "utf8")
    translated = wavemt("translate", sets_run, "--input", tmp_path / "chat.en").stdout
    assert translated == output.read_text("utf8")
    lines = wavemt("evaluate", sets_run, "--test-set", "news", "--sentence-level").stdout
    assert len(lines.splitlines()) == 7


@pytest.mark.parametrize("options, message", [
    (["--test-set", "chatt"], "--test-set chatt: data.test of the run's config has no such set "
                              '(did you mean "chat"?); it has news, chat'),
    (["--output", "all.zh"], "--output: is for one text, and data.test has 2 sets; choose one with "
                             "--test-set"),
    (["--sentence-level"], "--sentence-level: is for one text, and data.test has 2 sets"),
    (["--test-set", "chat", "--source", "a", "--reference", "b"],
     "--test-set and --source: choose a set of data.test or give another text"),
])
def test_evaluate_refuses(sets_run, tmp_path, options, message):
    result = wavemt("evaluate", sets_run, *options, check=False, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert f" error: {message}" in result.stderr
    assert os.listdir(tmp_path) == []


def test_evaluate_has_no_set_of_that_name_where_there_is_no_list(trained_run):
    result = wavemt("evaluate", trained_run, "--test-set", "news", check=False)
    assert result.returncode == 2
    assert result.stderr.endswith(
        " error: --test-set news: data.test of the run's config is not a list of named sets\n")
    assert "set" not in json.loads(wavemt("evaluate", trained_run, "--json").stdout)[0]


def test_inspect_shows_the_scores_of_the_sets(sets_run):
    for named_model in (sets_run, sets_run / "checkpoints/latest"):
        described = json.loads(wavemt("inspect", named_model, "--json").stdout)
        step = described["sets"].pop("step")
        assert step == described["step"]
        line = {line["step"]: line for line in validations(sets_run)}[step]
        assert list(described["sets"]) == ["valid/news", "valid/chat", "test/news", "test/chat"]
        for key, scores in described["sets"].items():
            assert scores == {name: line[f"{key}/{name}"]
                              for name in ("loss", "perplexity", "bleu", "chrf")}
        text = wavemt("inspect", named_model).stdout
        assert re.search(r"\nbest score +BLEU [\d.e-]+ on data.valid \(news\) at step \d+ ", text)
        assert re.search(rf"\nset +test/chat at step {step}:  loss [\d.]+  perplexity [\d.]+  "
                         r"BLEU [\d.e-]+  chrF [\d.e-]+\n", text)


def test_a_lost_log_takes_the_scores_of_the_sets_along(sets_run, tmp_path):
    run = shutil.copytree(sets_run, tmp_path / "run")
    for text in (b"", b"[1]\n", b'{"step": "x", "valid/loss": 1}\n', b'{"step": 5, "valid/loss'):
        (run / "metrics.jsonl").write_bytes(text)
        assert "sets" not in json.loads(wavemt("inspect", run, "--json").stdout)
