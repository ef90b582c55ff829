"""The text to text examples: what their generator promises, and that one of them is really learned.

WAVEMT_TORTURE=1 trains all of them as scripts/text_to_text.sh does.
"""
import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest
from conftest import ENVIRONMENT, PROGRAM, ROOT, long, metrics_of, wavemt

TASKS = ("dialogue", "sentiment", "list")
SPLITS = ("train", "valid", "test")
LIST_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def make(folder, *options, hash_seed="random"):
    # A random hash seed would show an order that comes from a set.
    subprocess.run([sys.executable, ROOT / "scripts/make_text_to_text.py", "--output", folder,
                    *options], check=True, env=os.environ | {"PYTHONHASHSEED": hash_seed})
    return folder


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A folder that can be WAVEMT_DATA."""
    folder = tmp_path_factory.mktemp("data")
    make(folder / "text-to-text")
    return folder


@pytest.fixture(scope="module")
def pairs(texts):
    """Of each task, the (source, target) pairs of each split."""
    return {task: {split: [tuple(line.split("\t")) for line in
                           (texts / f"text-to-text/{task}/{split}.tsv").read_text("utf8").splitlines()]
                   for split in SPLITS} for task in TASKS}


def test_the_same_seed_gives_the_same_bytes(texts, tmp_path):
    same = make(tmp_path / "same", "--task", "list", hash_seed="1")
    other = make(tmp_path / "other", "--task", "list", "--seed", "2")
    assert [path.name for path in same.iterdir()] == ["list"]
    for split in SPLITS:
        text = (texts / f"text-to-text/list/{split}.tsv").read_bytes()
        assert (same / f"list/{split}.tsv").read_bytes() == text
        assert (other / f"list/{split}.tsv").read_bytes() != text


@pytest.mark.parametrize("task", TASKS)
def test_no_split_holds_an_input_of_another(pairs, task):
    inputs = {split: [source for source, _ in pairs[task][split]] for split in SPLITS}
    assert len(inputs["train"]) >= 10000
    assert [len(inputs[split]) for split in ("valid", "test")] == [300, 500]
    for split in ("valid", "test"):
        assert len(set(inputs[split])) == len(inputs[split])
    assert not set(inputs["train"]) & set(inputs["valid"])
    assert not set(inputs["train"]) & set(inputs["test"])
    assert not set(inputs["valid"]) & set(inputs["test"])


@pytest.mark.parametrize("task", TASKS)
def test_an_input_has_one_answer_of_known_words(pairs, task):
    answers = {}
    for split in SPLITS:
        for pair in pairs[task][split]:
            source, target = pair  # Two columns.
            assert source == " ".join(source.split()) and target == " ".join(target.split())
            assert source and target and "{" not in source + target
            assert answers.setdefault(source, target) == target

    def words(split):
        return {word for pair in pairs[task][split] for text in pair for word in text.split()}
    assert words("test") <= words("train") and words("valid") <= words("train")


def test_sentiments_are_balanced_and_no_word_tells_them(pairs):
    lines = pairs["sentiment"]["train"]
    labels = Counter(target for _, target in lines)
    assert set(labels) == {"positive", "negative"}
    assert min(labels.values()) > 0.48 * len(lines)
    # The label that goes most often with each word is right three times in four at most.
    together = Counter((word, target) for source, target in lines
                       for word in set(re.findall(r"[a-z]+", source.lower())))
    for word in {word for word, _ in together}:
        counts = [together[word, label] for label in labels]
        assert sum(counts) < 100 or max(counts) / sum(counts) < 0.75, word


def test_lists_go_on_by_their_rule(pairs):
    seen = Counter()
    for source, target in pairs["list"]["test"] + pairs["list"]["train"][:2000]:
        items = source.split(", ")
        if target.isdigit():
            numbers = [int(item) for item in (*items, target)]
            steps = {after - before for before, after in zip(numbers, numbers[1:])}
            assert len(steps) == 1 and 1 <= abs(steps.pop()) <= 5
            seen["counting"] += 1
        elif target in LIST_DAYS:
            days = [LIST_DAYS.index(item) for item in (*items, target)]
            assert len({(after - before) % 7 for before, after in zip(days, days[1:])}) == 1
            seen["days"] += 1
        elif len(set(items)) < len(items):
            period = len(set(items))
            assert target == items[-period] and items[period:] == items[:-period]
            seen["repeating"] += 1
    assert min(seen[kind] for kind in ("counting", "days", "repeating")) > 50


def test_dialogues_are_about_what_the_customer_said(pairs):
    turns = Counter()
    for source, target in pairs["dialogue"]["test"]:
        turns[source.count("Customer: ")] += 1
        named = re.search(r"[Tt]his is ([A-Z][a-z]+)\.", source)
        assert bool(named) == target.startswith("Dear ")
        if named:
            assert target.startswith(f"Dear {named[1]}, ")
        for fact in re.findall(r"order (\d \d \d)|(\w+day)", target):
            assert "".join(fact) in source
    assert set(turns) == {1, 2} and min(turns.values()) > 100


def accuracy_of(model, environment, **options):
    scores = json.loads(wavemt("evaluate", model, "--metrics", "accuracy", "--json", "--device", "cpu",
                               env=environment, **options).stdout)
    assert [score["name"] for score in scores] == ["Accuracy"]
    assert scores[0]["num_lines"] == 500
    return scores[0]["score"]


def test_a_model_learns_what_not_and_but_do_to_a_review(texts, tmp_path):
    """Chance is 50%, and so is what the words tell by themselves; this model gets all of them right.
    The run's own validations see it, and choose the best checkpoint by it."""
    environment = ENVIRONMENT | {"WAVEMT_DATA": str(texts)}
    run = tmp_path / "run"
    wavemt("train", ROOT / "configs/text-to-text-sentiment.json", "--run-dir", run, "--device", "cpu",
           env=environment)
    assert accuracy_of(run, environment) >= 90
    validations = [line for line in metrics_of(run) if "valid/loss" in line]
    assert max(line["valid/accuracy"] for line in validations) >= 90
    described = json.loads(wavemt("inspect", run, "--json").stdout)
    assert described["best_metric"] == "accuracy"
    assert described["best_score"] == max(line["valid/accuracy"] for line in validations)
    assert described["best_signature"] == validations[0]["valid/accuracy_signature"]
    assert re.search(r"\nbest score +accuracy [\d.]+ on data.valid at step ", wavemt("inspect",
                                                                                 run).stdout)


def test_the_script_names_its_tasks(tmp_path):
    result = subprocess.run([ROOT / "scripts/text_to_text.sh", "poem"], cwd=tmp_path,
                            capture_output=True, encoding="utf8", check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: scripts/text_to_text.sh dialogue|sentiment|list ")


@pytest.mark.parametrize("task", [
    pytest.param("sentiment", id="first steps"),
    *(pytest.param(task, marks=long) for task in TASKS)])
def test_the_script_trains_and_scores(tmp_path, request, task):
    quick = "first steps" in request.node.name
    (tmp_path / "data").mkdir()
    result = subprocess.run(
        [ROOT / "scripts/text_to_text.sh", task, "--device", "cpu",
         *(["--set", "training.max_steps=5"] if quick else [])],
        cwd=tmp_path, capture_output=True, encoding="utf8", timeout=1800, check=False,
        env=ENVIRONMENT | {"WAVEMT_DATA": str(tmp_path / "data"), "WAVEMT_PROGRAM": str(PROGRAM)})
    assert result.returncode == 0, result.stderr
    score = re.fullmatch(r"Accuracy\|nrefs:1\|\S+ = ([\d.]+) \(\d+ of 500\)\n", result.stdout)
    assert score, result.stdout
    assert quick or float(score[1]) >= 90
