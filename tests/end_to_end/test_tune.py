"""`wavemt tune`: the scores of its table are those of the searches that it names, and --write."""
import json
import re
import shutil

import pytest
from conftest import metrics_of, pointed, wavemt, write_config
from test_lock import training  # A fixture.
from test_search_options import refused

GRID = ("--beam-sizes", "4,1,2", "--length-penalties", "3,0,1")


def tuned(model, *options):
    return json.loads(wavemt("tune", model, "--json", *options).stdout)


def files_of(run):
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*")
            if path.is_file()}


@pytest.fixture(scope="module")
def rows(trained_run):
    return tuned(trained_run, *GRID)


def options_of(row):
    """The options for a row's search."""
    options = ["--beam-size", row["beam_size"]]
    return options if row["length_penalty"] is None else \
        options + ["--length-penalty", row["length_penalty"]]


def evaluated(model, source, reference, *options):
    scores = json.loads(wavemt("evaluate", model, "--source", source, "--reference", reference,
                               "--metrics", "bleu,chrf", "--json", *options).stdout)
    bleu, chrf = scores
    return bleu["score"], chrf["score"], bleu["brevity_penalty"]


def test_every_row_has_the_scores_of_evaluate(trained_run, corpus, rows):
    assert [(row["beam_size"], row["length_penalty"]) for row in rows] == \
        [(1, None)] + [(beam, penalty) for beam in (2, 4) for penalty in (0, 1, 3)]
    for row in rows:
        assert (row["bleu"], row["chrf"], row["brevity_penalty"]) == pytest.approx(
            evaluated(trained_run, corpus / "valid.en", corpus / "valid.zh", *options_of(row)),
            abs=1e-9), row
        assert row["seconds"] >= 0


def test_lines_of_several_sentences_too(trained_run, corpus, tmp_path):
    """The penalty chooses within each sentence, as a search does."""
    for language in ("en", "zh"):
        lines = (corpus / f"valid.{language}").read_text("utf8").splitlines()
        (tmp_path / language).write_text(
            "".join(" ".join(lines[i:i + 4]) + "\n" for i in range(0, 20, 4)), "utf8")
    split = ("--set", "decoding.split_sentences=always")
    text = ("--source", tmp_path / "en", "--reference", tmp_path / "zh")
    for row in tuned(trained_run, "--beam-sizes", "3", "--length-penalties", "0,2", *text, *split):
        assert (row["bleu"], row["chrf"], row["brevity_penalty"]) == pytest.approx(
            evaluated(trained_run, tmp_path / "en", tmp_path / "zh", *options_of(row), *split),
            abs=1e-9)


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_the_best_score_is_chosen(trained_run, rows, metric):
    again = tuned(trained_run, *GRID, "--metric", metric)
    chosen, = (row for row in again if row["chosen"])
    best = max(row[metric] for row in again)
    assert chosen[metric] == best
    assert chosen["beam_size"] == min(row["beam_size"] for row in again if row[metric] == best)
    assert [row["bleu"] for row in again] == [row["bleu"] for row in rows]


def test_the_table_shows_the_same(trained_run, rows):
    *table, blank, advice = wavemt("tune", trained_run, *GRID).stdout.splitlines()
    assert blank == ""
    assert table[0].split() == ["beam_size", "length_penalty", "BLEU", "chrF", "brevity_penalty",
                                "seconds"]
    for line, row in zip(table[1:], rows, strict=True):
        assert line.startswith("*") == row["chosen"]
        cells = line.lstrip("* ").split()
        assert cells[0] == str(row["beam_size"])
        assert cells[1] == "any" if row["length_penalty"] is None else \
            float(cells[1]) == row["length_penalty"]
        assert cells[2:5] == [f"{row['bleu']:.2f}", f"{row['chrf']:.2f}",
                              f"{row['brevity_penalty']:.3f}"]
    chosen, = (row for row in rows if row["chosen"])
    assert f"--beam-size {chosen['beam_size']}" in advice
    assert "the present setting is not among these" in advice  # Beam size 5.
    marked = wavemt("tune", trained_run, "--beam-sizes", "1,5", "--length-penalties", "1").stdout
    assert [line.endswith("(present)") for line in marked.splitlines()[1:3]] == [False, True]


def test_write_changes_the_config_and_translate_uses_it(own_run, corpus):
    before = files_of(own_run)
    config = json.loads(before["config.json"])
    grid = ("--beam-sizes", "2", "--length-penalties", "2.5", "--set", "decoding.batch_tokens=512")
    result = wavemt("tune", own_run, *grid, "--write")
    assert "decoding.beam_size = 2 and decoding.length_penalty = 2.5 are written" in result.stderr
    after = files_of(own_run)
    assert {name for name in before | after if before.get(name) != after.get(name)} == \
        {"config.json", "checksums.json"}
    config["decoding"] |= {"beam_size": 2, "length_penalty": 2.5}  # And nothing of --set.
    assert json.loads(after["config.json"]) == config
    text = (corpus / "test.en").read_text("utf8")
    assert wavemt("translate", own_run, "--scores", input=text).stdout == \
        wavemt("translate", own_run, "--scores", "--beam-size", "2", "--length-penalty", "2.5",
               input=text).stdout
    assert tuned(own_run, *grid)[0]["present"]
    # Validations are greedy here, so that their scores still compare.
    said = wavemt("resume", own_run, "--set", "training.max_steps=241", "--device", "cpu").stderr
    assert "begins anew" not in result.stderr + said


def test_a_greedy_choice_leaves_the_penalty(own_run):
    wavemt("tune", own_run, "--beam-sizes", "1", "--length-penalties", "3", "--write")
    decoding = json.loads((own_run / "config.json").read_text())["decoding"]
    assert (decoding["beam_size"], decoding["length_penalty"]) == (1, 1.0)


def test_scores_that_no_longer_compare_begin_anew(corpus, tmp_path):
    run = tmp_path / "run"
    config = write_config(tmp_path / "config.json", corpus, training={"validation_beam_size": 2})
    wavemt("train", config, "--run-dir", run, "--device", "cpu")
    state = json.loads((pointed(run, "latest") / "state.json").read_text())
    assert (state["valid_length_penalty"], state["best_score"] is None) == (1.0, False)
    said = wavemt("tune", run, "--beam-sizes", "2", "--length-penalties", "1", "--write").stderr
    assert "anew" not in said
    said = wavemt("tune", run, "--beam-sizes", "2", "--length-penalties", "2", "--write").stderr
    assert "the best score begins anew" in said
    more = ("--set", "training.max_steps=30", "--device", "cpu")
    said = wavemt("resume", run, *more).stderr
    assert re.search(r" warning: decoding\.length_penalty is 2(?:\.0)? now, but 1(?:\.0)? when the best score, .* at "
                     rf"step {state['best_step']}, was measured: the best score begins anew", said)
    assert pointed(run, "best").name == "step-00000030"
    said = wavemt("resume", run, "--set", "training.max_steps=31", "--device", "cpu").stderr
    assert "anew" not in said


def test_named_sets_and_prefixes(trained_run, corpus, tmp_path):
    """The set's prefix stands before its sentences, unless another one is typed."""
    files = {"source": str(corpus / "test.en"), "target": str(corpus / "test.zh")}
    sets = json.dumps([{"name": "first", "source": str(corpus / "valid.en"),
                        "target": str(corpus / "valid.zh")},
                       {"name": "second", "source_prefix": "She", **files}])
    some = ("--beam-sizes", "2", "--length-penalties", "1", "--set", f"data.valid={sets}")
    first, = tuned(trained_run, *some)
    assert first["bleu"] == tuned(trained_run, *some, "--valid-set", "first")[0]["bleu"]
    for typed, prefix in ((), "She"), (("--source-prefix", "He"), "He"):
        second, = tuned(trained_run, *some, "--valid-set", "second", *typed)
        assert (second["bleu"], second["chrf"], second["brevity_penalty"]) == pytest.approx(
            evaluated(trained_run, corpus / "test.en", corpus / "test.zh", "--beam-size", "2",
                      "--length-penalty", "1", "--source-prefix", prefix), abs=1e-9)
    assert 'did you mean "second"' in refused("tune", trained_run, *some, "--valid-set", "secnd")


@pytest.mark.parametrize("options, message", [
    (("--beam-sizes", ""), '--beam-sizes "": has an empty item; write numbers with commas'),
    (("--beam-sizes", "1,,2"), '--beam-sizes "1,,2": has an empty item'),
    (("--length-penalties", "1,"), '--length-penalties "1,": has an empty item'),
    (("--beam-sizes", "1,two"), '--beam-sizes two: decoding.beam_size: "two" is not'),
    (("--beam-sizes", "0"), "--beam-sizes 0: decoding.beam_size"),
    (("--length-penalties", "x"), '--length-penalties x: decoding.length_penalty: "x" is not'),
    (("--length-penalties", "11"), "--length-penalties 11: decoding.length_penalty"),
    (("--metric", "ter"), "--metric"),
    (("--source", "text"), "--source and --reference go together"),
    (("--source", "a", "--reference", "b", "--valid-set", "c"), "--valid-set and --source: choose"),
    (("--source", "absent", "--reference", "absent"), "absent: no such file"),
    (("--valid-set", "news"), "data.valid of the run's config is not a list of named sets"),
    (("--set", "decoding.sampling=true"), "draws translations"),
    (("--write", "--adapter", "absent"), "--write and --adapter: "),
    (("--set", "data.valid.source=[]", "--set", "data.valid.target=[]"),
     "its config has no data.valid; give --source and --reference"),
])
def test_mistakes(trained_run, options, message):
    assert message in refused("tune", trained_run, *options)


def test_nothing_to_tune_on(trained_run, tmp_path):
    (tmp_path / "empty").write_text("")
    assert "is empty; there is nothing to tune on" in refused(
        "tune", trained_run, "--source", tmp_path / "empty", "--reference", tmp_path / "empty")


def test_only_a_run_can_be_written(own_run):
    before = files_of(own_run)
    for model in (pointed(own_run, "best"), pointed(own_run, "best") / "model.safetensors"):
        assert "is not a run's folder" in refused("tune", model, "--write")
        assert len(tuned(model, "--beam-sizes", "1")) == 1
    assert files_of(own_run) == before


def test_what_would_not_fit_the_run_is_refused_before_the_search(own_run):
    wavemt("resume", own_run, "--set", "decoding.n_best=3", "--device", "cpu")
    message = "decoding.n_best: 3 translations need a beam at least as large"
    assert message in refused("tune", own_run, "--beam-sizes", "5,2")
    one = ("--set", "decoding.n_best=1")
    assert len(tuned(own_run, "--beam-sizes", "2", "--length-penalties", "1", *one)) == 1
    assert message in refused("tune", own_run, "--beam-sizes", "2", "--write", *one)


def test_a_run_in_training_is_not_written(training):
    run, process = training
    last = metrics_of(run)[-1]["step"]
    assert f"is being trained by process {process.pid}" in refused("tune", run, "--write")
    assert process.poll() is None and metrics_of(run)[-1]["step"] >= last


def test_training_says_when_its_translations_are_short(own_run, corpus, tmp_path):
    """Against references several times as long they are; against the first character they are not."""
    shutil.copy(corpus / "valid.en", tmp_path / "valid.en")
    lines = (corpus / "valid.zh").read_text("utf8").splitlines()
    for step, references in ((241, [(line * 5)[:50] for line in lines]),
                             (242, [line[:1] for line in lines])):
        (tmp_path / "valid.zh").write_text("".join(line + "\n" for line in references), "utf8")
        said = wavemt("resume", own_run, "--device", "cpu", "--set", f"training.max_steps={step}",
                      "--set", f"data.valid.source={tmp_path}/valid.en",
                      "--set", f"data.valid.target={tmp_path}/valid.zh").stderr
        found = re.search(r"the translations of data\.valid are (\d+)% shorter than the references "
                          r"\(brevity penalty 0\.\d\d\); `wavemt tune (.*)` looks for", said)
        assert bool(found) == (step == 241), said
        if found:
            assert 5 <= int(found[1]) <= 100 and found[2] == str(own_run)
