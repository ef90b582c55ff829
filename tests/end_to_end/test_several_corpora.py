"""Several training corpora with weights, tags and filters, weights of sentences, and exact resuming."""
import json
import re
import shutil

import jsonschema
import pytest
import sentencepiece
from conftest import metrics_of, pointed, wavemt, without_speeds, write_config
from safetensors.numpy import load_file
from test_distributed import assert_same_bytes, train
from test_named_sets import change_data

TAGS = ["<bt>", "<2zh>"]


@pytest.fixture(scope="module")
def texts(tmp_path_factory, corpus):
    """The training pairs in three files of different sizes: news.tsv, chat.tsv and bt.tsv."""
    folder = tmp_path_factory.mktemp("texts")
    sides = [(corpus / f"train.{language}").read_text("utf8").splitlines() for language in ("en", "zh")]
    lines = ["\t".join(pair) + "\n" for pair in zip(*sides)]
    for name, part in (("news", lines[:200]), ("chat", lines[200:220]), ("bt", lines[220:])):
        (folder / f"{name}.tsv").write_text("".join(part), "utf8")
    return folder


def corpora(folder, **changes):
    """The list of the three corpora; `changes` to them by name."""
    return [{"name": name, "tsv": str(folder / f"{name}.tsv"), **changes.get(name, {})}
            for name in ("news", "chat", "bt")]


MIXED = {"news": {"weight": 1}, "chat": {"weight": 2}, "bt": {"weight": 0.5, "source_prefix": "<bt> <2zh>"}}


def config_of(path, corpus, train, **sections):
    sections.setdefault("tokenizer", {"user_defined_symbols": TAGS})
    return change_data(write_config(path, corpus, **sections), train=train)


@pytest.fixture(scope="module")
def config(tmp_path_factory, corpus, texts):
    return config_of(tmp_path_factory.mktemp("config") / "config.json", corpus, corpora(texts, **MIXED),
                     training={"max_steps": 60, "save_every": 7, "keep_last": 100})


@pytest.fixture(scope="module")
def mixed_run(tmp_path_factory, config):
    folder = tmp_path_factory.mktemp("mixed") / "run"
    result = wavemt("train", config, "--run-dir", folder, "--device", "cpu")
    return folder, result.stderr


def refusal(*arguments, **options):
    result = wavemt(*arguments, check=False, **options)
    assert result.returncode == 2, result.stderr
    return result.stderr


def test_a_list_is_read_shown_and_described_by_the_schema(config):
    schema = json.loads(wavemt("config", "schema").stdout)
    shown = json.loads(wavemt("config", "show", config).stdout)
    for document in (json.loads(config.read_text()), shown):
        jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
    assert [(each["name"], each["weight"], each["source_prefix"]) for each in shown["data"]["train"]] == [
        ("news", 1, ""), ("chat", 2, ""), ("bt", 0.5, "<bt> <2zh>")]
    wavemt("config", "check", config)


def test_the_log_says_what_an_epoch_takes(mixed_run):
    _, log = mixed_run
    for line in ("data.train (news): 200 pairs: 200 used", "data.train (chat): 20 pairs: 20 used",
                 "data.train: an epoch takes 300 pairs: 86 of news (0.43 of it), 171 of chat (8.55 of it), "
                 "43 of bt (0.54 of it)"):
        assert line in log


def test_resuming_anywhere_gives_the_same_bytes(mixed_run, tmp_path):
    """Within an epoch and in another one, whose pairs follow from its number."""
    run, _ = mixed_run
    assert metrics_of(run)[-1]["epoch"] > 3
    for step in (7, 35, 49):
        copy = shutil.copytree(run, tmp_path / f"from-{step}")
        for checkpoint in (copy / "checkpoints").glob("step-*"):
            if int(checkpoint.name.split("-")[1]) > step:
                shutil.rmtree(checkpoint)
        for pointer in ("latest", "best"):
            (copy / "checkpoints" / pointer).unlink(missing_ok=True)
        wavemt("resume", copy, "--device", "cpu")
        assert_same_bytes(copy, run)


def test_the_corpora_may_move_but_not_change(mixed_run, texts, tmp_path):
    run = shutil.copytree(mixed_run[0], tmp_path / "run")
    elsewhere = shutil.copytree(texts, tmp_path / "elsewhere")
    moved = json.dumps(corpora(elsewhere, **MIXED))
    wavemt("resume", run, "--set", f"data.train={moved}", "--set", "training.max_steps=61", "--device", "cpu")
    for changed in (MIXED | {"chat": {"weight": 1}}, MIXED | {"bt": {"weight": 0.5}},
                    MIXED | {"news": {"weight": 1, "filter": {"max_words": 5}}}):
        text = refusal("resume", run, "--set", f"data.train={json.dumps(corpora(texts, **changed))}",
                       "--set", "training.max_steps=62", "--device", "cpu")
        assert "was trained on another text than data.train holds now" in text
    for key in ("data.temperature=2", 'tokenizer.user_defined_symbols=["a"]'):
        assert "cannot change in the middle of a run" in refusal("resume", run, "--set", key)


def test_two_processes_train_as_one(config, tmp_path):
    """Both take from every corpus what one process would take."""
    one = tmp_path / "one"
    wavemt("train", config, "--run-dir", one, "--device", "cpu", "--set", "training.max_steps=10",
           "--set", "training.gradient_accumulation=2")
    two = train(2, config, tmp_path / "two", "--set", "training.max_steps=10")
    ours, theirs = (load_file(pointed(run, "latest") / "model.safetensors") for run in (one, two))
    for name, weights in ours.items():
        assert abs(weights - theirs[name]).max() < 1e-4, name


def test_a_list_of_one_is_the_corpus_itself(corpus, tmp_path):
    sides = {side: str(corpus / f"train.{language}") for side, language in (("source", "en"), ("target", "zh"))}
    runs = []
    for name, section in (("plain", sides), ("list", [{"name": "only", **sides}])):
        config = config_of(tmp_path / f"{name}.json", corpus, section, tokenizer={})
        runs.append(tmp_path / name)
        wavemt("train", config, "--run-dir", runs[-1], "--device", "cpu")
    assert_same_bytes(*runs)
    assert without_speeds(runs[0]) == without_speeds(runs[1])


def test_corpora_without_weights_are_the_files_together(corpus, texts, tmp_path):
    together = {"tsv": [str(texts / f"{name}.tsv") for name in ("news", "chat", "bt")]}
    runs = []
    for name, section in (("together", together), ("list", corpora(texts))):
        config = config_of(tmp_path / f"{name}.json", corpus, section)
        runs.append(tmp_path / name)
        wavemt("train", config, "--run-dir", runs[-1], "--device", "cpu")
    ours, theirs = (load_file(pointed(run, "latest") / "model.safetensors") for run in runs)
    assert all((ours[name] == theirs[name]).all() for name in ours)


def test_replay_in_fine_tuning_is_such_a_list(mixed_run, corpus, texts, tmp_path):
    config = config_of(tmp_path / "tune.json", corpus,
                       corpora(texts, news={"weight": 0.2}, chat={"weight": 0.7}, bt={"weight": 0.1}),
                       tokenizer={"vocab_size": 400})
    result = wavemt("train", config, "--init-from", mixed_run[0], "--run-dir", tmp_path / "run", "--device", "cpu")
    assert "an epoch takes 300 pairs: 60 of news (0.30 of it), 210 of chat (10.50 of it)" in result.stderr


def test_symbols_stay_whole(mixed_run):
    """In the eyes of SentencePiece itself."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(mixed_run[0] / "tokenizer.model"))
    for tag in TAGS:
        assert tag in processor.encode(f"a{tag}b", out_type=str)
    encoded = wavemt("tokenizer", "encode", "--model", mixed_run[0] / "tokenizer.model",
                     input="<bt> <2zh> The doctor").stdout.split()
    assert encoded == processor.encode("<bt> <2zh> The doctor", out_type=str)
    assert "<bt>" in encoded and "<2zh>" in encoded


def test_tokenizer_train_takes_symbols(corpus, tmp_path):
    model = tmp_path / "tokenizer.model"
    arguments = ("tokenizer", "train", "--input", corpus / "train.en", "--output", model, "--vocab-size", 400,
                 "--user-defined-symbols")
    wavemt(*arguments, "<2de>,<2fr>")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    assert processor.encode("<2fr> it", out_type=str)[:2] == ["\u2581", "<2fr>"]
    assert "--user-defined-symbols: <s> is there already, with a meaning of its own" in refusal(*arguments, "<2de>,<s>")


def test_a_tag_is_the_same_typed_or_given(mixed_run, corpus, tmp_path):
    """And stands before each sentence of a line."""
    run, _ = mixed_run
    lines = (corpus / "test.en").read_text("utf8").splitlines()[:6]
    text = "".join(f"{first} {second}\n" for first, second in zip(lines[::2], lines[1::2]))
    typed = "".join(f"<bt> <2zh> {line}\n" for line in text.splitlines())
    options = ("--set", "decoding.split_sentences=always", "--json", "--device", "cpu")
    pieces = []
    for given, prefix in ((typed, ()), (text, ("--source-prefix", "<bt> <2zh>"))):
        output = wavemt("translate", run, *prefix, *options, input=given).stdout
        pieces.append([json.loads(line) for line in output.splitlines()])
    assert [(one["source_pieces"], one["text"]) for one in pieces[0]] == [
        (one["source_pieces"], one["text"]) for one in pieces[1]]
    assert all(one["source_pieces"].count("<bt>") == 2 for one in pieces[0])
    scores = wavemt("score", run, "--source", "-", "--target", corpus / "test.zh", "--source-prefix", "<bt>",
                    "--device", "cpu", input=(corpus / "test.en").read_text("utf8")).stdout
    tagged = "".join(f"<bt> {line}\n" for line in (corpus / "test.en").read_text("utf8").splitlines())
    assert wavemt("score", run, "--source", "-", "--target", corpus / "test.zh", "--device", "cpu",
                  input=tagged).stdout == scores


def test_validations_and_evaluate_put_a_sets_tag_before_its_sources(mixed_run, config, corpus, tmp_path):
    """The same scores as for text that holds the tag."""
    tagged = tmp_path / "tagged.en"
    tagged.write_text("".join(f"<2zh> {line}\n" for line in
                              (corpus / "valid.en").read_text("utf8").splitlines()), "utf8")
    written = {"source": str(tagged), "target": str(corpus / "valid.zh")}
    given = {"source": str(corpus / "valid.en"), "target": str(corpus / "valid.zh"), "source_prefix": "<2zh>"}
    scores = []
    for name, section in (("written", written), ("given", given)):
        path = tmp_path / f"{name}.json"
        shutil.copy(config, path)
        change_data(path, valid=section, test=section)
        run = tmp_path / name
        wavemt("train", path, "--run-dir", run, "--device", "cpu", "--set", "training.max_steps=20",
               "--set", "training.save_every=20")
        scores.append([line for line in without_speeds(run) if "valid/loss" in line])
        scores[-1].append(json.loads(wavemt("evaluate", run, "--json", "--device", "cpu").stdout))
    assert scores[0] == scores[1]


def test_weights_of_sentences_multiply_the_loss(corpus, tmp_path):
    """Pairs of weight 0 are left out; equal weights change nothing."""
    sides = {side: str(corpus / f"train.{language}") for side, language in (("source", "en"), ("target", "zh"))}
    runs = {}
    for name, weights in (("none", None), ("equal", ["3"] * 300), ("half", ["0", "2"] * 150),
                          ("uneven", ["0.5", "2"] * 150)):
        section = dict(sides)
        if weights:
            (tmp_path / f"{name}.weights").write_text("\n".join(weights) + "\n")
            section["weights"] = str(tmp_path / f"{name}.weights")
        config = config_of(tmp_path / f"{name}.json", corpus, section, tokenizer={})
        runs[name] = tmp_path / name
        result = wavemt("train", config, "--run-dir", runs[name], "--device", "cpu",
                        *(() if name == "none" else ("--set", f"tokenizer.model={runs['none']}/tokenizer.model")))
        if name == "half":
            assert "data.train: 300 pairs: 150 used, 150 skipped of weight 0" in result.stderr
    losses = {name: [line["loss"] for line in metrics_of(run) if "loss" in line] for name, run in runs.items()}
    assert losses["equal"] == pytest.approx(losses["none"], rel=1e-5)
    assert losses["uneven"] != pytest.approx(losses["none"], rel=1e-5)
    resumed = shutil.copytree(runs["uneven"], tmp_path / "resumed")
    shutil.rmtree(resumed / "checkpoints/step-00000020")
    (resumed / "checkpoints/latest").unlink()
    (resumed / "checkpoints/best").unlink(missing_ok=True)
    wavemt("resume", resumed, "--device", "cpu")
    assert_same_bytes(resumed, runs["uneven"])


def test_a_filter_is_that_of_corpus_filter(corpus, tmp_path):
    """`wavemt corpus filter` leaves the pairs that data.train.filter leaves."""
    sides = {language: (corpus / f"train.{language}").read_text("utf8").splitlines() for language in ("en", "zh")}
    for language, added in (("en", ["x y", "7 7", sides["en"][0], "one two three four"]),
                            ("zh", ["x y", "7  7", sides["zh"][0], "一二三四五六七八九十一二三四五六七八九十"])):
        (tmp_path / f"text.{language}").write_text("\n".join(sides[language] + added) + "\n", "utf8")
    rules = {"remove_copies": True, "remove_duplicates": True, "max_length_ratio": 4, "min_script_share": 0.5,
             "remove_bad_encoding": True, "max_words": 250}
    section = {"source": str(tmp_path / "text.en"), "target": str(tmp_path / "text.zh"), "filter": rules}
    config = config_of(tmp_path / "config.json", corpus, section)
    log = wavemt("train", config, "--run-dir", tmp_path / "run", "--dry-run", "--device", "cpu").stderr
    used = re.search(r"data.train: 304 pairs: (\d+) used, (.*)", log)
    clean = [tmp_path / "clean.en", tmp_path / "clean.zh"]
    wavemt("corpus", "filter", tmp_path / "text.en", tmp_path / "text.zh", "--output", *clean)
    assert int(used[1]) == len(clean[0].read_text("utf8").splitlines())
    for part in ("filtered as copy", "filtered as wrong_script", "filtered as length_ratio", "filtered as duplicate"):
        assert part in used[2]


def test_train_warns_of_held_out_text_in_training_text(corpus, tmp_path):
    """By its tokens, whatever the tags; before anything is trained."""
    both = [(corpus / f"train.{language}").read_text("utf8").splitlines() for language in ("en", "zh")]
    held_out = [(corpus / f"test.{language}").read_text("utf8").splitlines() for language in ("en", "zh")]
    for number, language in enumerate(("en", "zh")):
        lines = held_out[number] + both[number][:3]
        (tmp_path / f"leaky.{language}").write_text("\n".join(lines) + "\n", "utf8")
    config = write_config(tmp_path / "config.json", corpus, tokenizer={"user_defined_symbols": TAGS})
    sides = {side: str(corpus / f"train.{language}") for side, language in (("source", "en"), ("target", "zh"))}
    change_data(config, train=sides | {"source_prefix": "<2zh>"},
                test={"source": str(tmp_path / "leaky.en"), "target": str(tmp_path / "leaky.zh")})
    clean = wavemt("train", config, "--run-dir", tmp_path / "run", "--dry-run", "--device", "cpu").stderr
    warning = re.search(r"warning: data.test: of its 23 pairs, data.train has (\d+) as they are", clean)
    assert int(warning[1]) >= 3
    assert "wavemt corpus filter --held-out" in clean
    change_data(config, test={"source": str(tmp_path / "absent.en"), "target": str(tmp_path / "absent.zh")})
    absent = wavemt("train", config, "--run-dir", tmp_path / "run", "--dry-run", "--device", "cpu").stderr
    assert f"data.test is not compared with data.train: {tmp_path}/absent.en: no such file" in absent
    change_data(config, test=None, train=sides)
    plain = wavemt("train", config, "--run-dir", tmp_path / "run", "--dry-run", "--device", "cpu").stderr
    assert "as they are" not in plain


@pytest.mark.parametrize("train_section, others, message", [
    ([{"name": "a", "tsv": "x", "weight": 1}, {"name": "b", "tsv": "x"}], {},
     "data.train[1].weight: is missing or 0, but a has a weight; give one above 0 to each corpus, or to none"),
    ({"tsv": "x", "weight": 1}, {}, "data.train.weight: counts only in a list of corpora"),
    ({"tsv": "x"}, {"data": {"temperature": 2}}, "data.temperature: counts only if data.train is a list"),
    ([{"name": "a", "tsv": "x", "weight": 1}], {"data": {"temperature": 2}},
     "data.temperature: counts only for corpora without weights"),
    ([{"name": "a", "tsv": "x", "weight": -1}], {}, "data.train[0].weight: -1 is not possible: it must be at least 0"),
    ([{"name": "a", "tsv": ["x", "y"], "weights": "w"}], {},
     "data.train[0].weights: 1 file(s) of weights for 2 file(s) of pairs"),
    ([{"name": "a", "tsv": "x", "source_prefix": "<bt>\t<2xx>"}], {},
     'data.train[0].source_prefix: "<bt>\\t<2xx>" holds a tab or a line break; tags are separated by spaces'),
    ({"tsv": "x"}, {"tokenizer": {"user_defined_symbols": ["<0x0A>"]}},
     "tokenizer.user_defined_symbols: <0x0A> is there already, with a meaning of its own"),
    ({"tsv": "x"}, {"tokenizer": {"user_defined_symbols": ["<a>", "<b>"], "vocab_size": 262, "byte_fallback": True}},
     "tokenizer.vocab_size: 262 leaves no room beside the 256 bytes of tokenizer.byte_fallback and 2 symbols; use more "
     "than 262"),
    ([{"name": "a", "tsv": "x", "filter": {"max_length_ratio": 0.5}}], {},
     "data.train[0].filter.max_length_ratio: 0.5 is no limit, since the longer side is never below the shorter one"),
    ([{"name": "a", "tsv": "x", "filter": {"max_word": 3}}], {},
     'data.train[0].filter.max_word: unknown key (did you mean "max_words"?)'),
    ([], {}, "data.train: is missing"),
    ({"tsv": "x"}, {"tokenizer": {"user_defined_symbols": ["a b"]}},
     'tokenizer.user_defined_symbols: "a b" is not possible: a symbol has no spaces or control characters'),
    ({"tsv": "x"}, {"tokenizer": {"user_defined_symbols": ["<s>"]}},
     "tokenizer.user_defined_symbols: <s> is there already, with a meaning of its own"),
    ({"tsv": "x"}, {"tokenizer": {"user_defined_symbols": ["<a>", "<a>"]}},
     "tokenizer.user_defined_symbols: <a> is in the list twice"),
    ({"tsv": "x"}, {"tokenizer": {"user_defined_symbols": ["<a>"], "model": "m"}},
     "tokenizer.user_defined_symbols: counts only for a tokenizer that is trained"),
])
def test_what_cannot_be_is_refused_with_its_place(corpus, tmp_path, train_section, others, message):
    data = others.get("data", {})
    path = config_of(tmp_path / "config.json", corpus, train_section,
                     **{"tokenizer": {"user_defined_symbols": ["<bt>"]}} | {k: v for k, v in others.items() if k != "data"})
    change_data(path, **data)
    assert f" error: {path}: {message}" in refusal("config", "show", path)


def test_a_new_tokenizer_must_keep_tags_whole(corpus, texts, tmp_path):
    config = config_of(tmp_path / "config.json", corpus, corpora(texts, bt={"source_prefix": "<bt> <2xx>"}))
    assert "error: tokenizer.user_defined_symbols: lacks <2xx>, a tag of a source_prefix" in \
        refusal("train", config, "--run-dir", tmp_path / "run", "--device", "cpu")


@pytest.mark.parametrize("tag, how", [("the", "the tokenizer cuts the into"), ("<bt>", "the vocabulary lacks <bt>, which is "
                                                                                      "read as <unk>")])
def test_tags_that_an_existing_tokenizer_does_not_keep_whole_are_warned_of(run, corpus, texts, tmp_path, tag, how):
    """And a run that has them opens again."""
    tag = tag * 6 if tag == "the" else tag
    config = config_of(tmp_path / "config.json", corpus, corpora(texts, bt={"source_prefix": tag}), tokenizer={})
    folder = tmp_path / "run"
    log = wavemt("train", config, "--init-from", run, "--run-dir", folder, "--device", "cpu",
                 "--set", "training.max_steps=2").stderr
    assert f"warning: data.train (bt): source_prefix: {how.replace('the into', f'{tag} into')}" in log
    wavemt("resume", folder, "--device", "cpu", "--set", "training.max_steps=3")
    wavemt("translate", folder, "--source-prefix", tag, "--device", "cpu", input="The doctor\n")
    text = refusal("train", config, "--init-from", run, "--run-dir", tmp_path / "other", "--device", "cpu",
                   "--set", 'tokenizer.user_defined_symbols=["<new>"]')
    assert "which comes along with its weights, has no symbol <new>" in text


def test_forgotten_tags_are_warned_of(corpus, texts, tmp_path):
    tagged = {"source_prefix": "<bt>"}
    config = config_of(tmp_path / "config.json", corpus, corpora(texts, news=tagged, chat=tagged, bt=tagged))
    arguments = ("train", config, "--run-dir", tmp_path / "run", "--dry-run", "--device", "cpu")
    assert "warning: data.valid: has no source_prefix, but all training text has one: <bt>" in wavemt(*arguments).stderr
    assert "has no source_prefix" not in wavemt(*arguments, "--set", "decoding.source_prefix=<bt>").stderr
    change_data(config, train=corpora(texts, bt=tagged))
    assert "has no source_prefix" not in wavemt(*arguments).stderr


def test_each_corpus_is_filtered_in_its_own_language(corpus, tmp_path):
    """As `corpus check` does, and whatever the first one's is."""
    for side, language, text in (("source", "en", "Hello\n"), ("target", "ru", "Привет\n"), ("tsv", "tsv", "Hello\tПривет\n")):
        (tmp_path / f"text.{language}").write_text(text, "utf8")
    sides = {"source": str(corpus / "train.en"), "target": str(corpus / "train.zh")}
    rule = {"filter": {"min_script_share": 0.5}}
    russian = {"source": str(tmp_path / "text.en"), "target": str(tmp_path / "text.ru")}
    config = config_of(tmp_path / "config.json", corpus, [{"name": "zh", **sides, **rule}, {"name": "ru", **russian, **rule}])
    arguments = ("train", config, "--run-dir", tmp_path / "run", "--dry-run", "--device", "cpu")
    assert "data.train (ru): 1 pair: 1 used" in wavemt(*arguments).stderr
    change_data(config, train=[{"name": "zh", **sides}, {"name": "tsv", "tsv": str(tmp_path / "text.tsv"), **rule}])
    assert "warning: data.train (tsv): filter.min_script_share: the script of its language is not known" in \
        wavemt(*arguments).stderr


def test_corpora_have_caches_of_their_own(config, tmp_path):
    """From which a second run trains to the same bytes."""
    runs = []
    for name in ("first", "second"):
        runs.append(tmp_path / name)
        log = wavemt("train", config, "--run-dir", runs[-1], "--device", "cpu", "--set", "training.max_steps=10",
                     "--set", f"data.cache_dir={tmp_path}/cache").stderr
    assert log.count("token ids found in") == 3
    assert len(list((tmp_path / "cache").glob("*.tokens"))) == 3
    assert_same_bytes(*runs)
