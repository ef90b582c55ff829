"""What a search may be asked for: limits, draws, ensembles, and what is written beside the texts."""
import json
import math

import pytest
import sacrebleu
from conftest import wavemt, write_config


def translate(model, text, *options):
    return wavemt("translate", model, *options, input=text).stdout


def objects(model, text, *options):
    return [json.loads(line) for line in translate(model, text, "--json", *options).splitlines()]


def refused(*arguments, **options):
    """What the program says when it refuses: one sentence, and nothing on standard output."""
    result = wavemt(*arguments, check=False, **options)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture(scope="session")
def source(corpus):
    return (corpus / "test.en").read_text("utf8")


@pytest.fixture(scope="session")
def second_run(tmp_path_factory, corpus, trained_run):
    """Another model with the tokenizer of trained_run."""
    folder = tmp_path_factory.mktemp("second_run")
    config = write_config(folder / "config.json", corpus, seed=2,
                          tokenizer={"model": str(trained_run / "tokenizer.model")},
                          training={"max_steps": 120, "learning_rate": 0.01, "warmup_steps": 40,
                                    "validate_every": 0, "save_every": 120})
    text = json.loads(config.read_text())
    text["tokenizer"] = {"model": str(trained_run / "tokenizer.model")}
    config.write_text(json.dumps(text))
    wavemt("train", config, "--run-dir", folder / "run", "--device", "cpu")
    return folder / "run"


def test_scores_stand_behind_translations(trained_run, source):
    plain = translate(trained_run, source).splitlines()
    scored = [line.split(" ||| ") for line in translate(trained_run, source, "--scores").splitlines()]
    assert [text for text, _ in scored] == plain
    assert all(float(score) < 0 for _, score in scored)


def test_an_object_for_each_translation(trained_run, source, tmp_path):
    (tmp_path / "text.en").write_text(source, "utf8")
    output = wavemt("translate", trained_run, "--input", tmp_path / "text.en", "--json").stdout
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["text"] for line in lines] == translate(trained_run, source).splitlines()
    for number, (line, text) in enumerate(zip(lines, source.splitlines(), strict=True), 1):
        assert (line["file"], line["line"], line["rank"]) == (str(tmp_path / "text.en"), number, 1)
        assert line["source"] == text
        assert "".join(line["source_pieces"]).replace("▁", " ").strip() == text
        assert "".join(line["pieces"]).replace("▁", " ").strip() == line["text"]
        total = sum(line["piece_log_probabilities"]) + sum(line["end_log_probabilities"])
        assert total == pytest.approx(line["log_probability"], abs=1e-4)
        length = len(line["pieces"]) + 1
        assert line["score"] == pytest.approx(total / ((5 + length) / 6), abs=1e-4)
        assert [target for _, target in line["alignment"]] == list(range(len(line["pieces"])))
        assert all(0 <= link < len(line["source_pieces"]) for link, _ in line["alignment"])


def test_objects_of_an_n_best_list(trained_run, source):
    lines = objects(trained_run, source, "--n-best", "3")
    for number in range(1, 21):
        group = [line for line in lines if line["line"] == number]
        assert [line["rank"] for line in group] == list(range(1, len(group) + 1))
        assert len({line["text"] for line in group}) == len(group)
        assert sorted((line["score"] for line in group), reverse=True) == \
            [line["score"] for line in group]


def test_objects_of_long_and_blank_lines(trained_run, source):
    long = " ".join(source.splitlines()[:8])
    first, blank = objects(trained_run, long + "\n\n", "--set", "decoding.split_sentences=always")
    assert (blank["text"], blank["pieces"], blank["score"], blank["alignment"]) == ("", [], 0, [])
    assert len(first["end_log_probabilities"]) > 1  # Several segments.
    links = [link for link, _ in first["alignment"]]
    assert max(links) < len(first["source_pieces"]) and len(links) == len(first["pieces"])
    # The last segment's tokens belong to the last source tokens.
    assert links[-1] > len(first["source_pieces"]) // 2


def test_alignments_are_written_in_pharaohs_format(trained_run, source, tmp_path):
    plain = translate(trained_run, source, "--alignments", tmp_path / "links")
    assert plain == translate(trained_run, source)
    expected = [" ".join(f"{a}-{b}" for a, b in line["alignment"])
                for line in objects(trained_run, source)]
    assert (tmp_path / "links").read_text().splitlines() == expected
    assert "decoder has 1 layers" in refused("translate", trained_run, "--attention-layer", "2",
                                             input=source)
    assert "name another file" in refused("translate", trained_run, "--output", tmp_path / "x",
                                          "--alignments", f"{tmp_path}/./x", input=source)
    assert not (tmp_path / "x").exists()


def test_the_score_of_a_translation_is_that_of_the_search(trained_run, source, tmp_path):
    found = [line for line in objects(trained_run, source, "--n-best", "4")]
    for side, name in (("source", "en"), ("text", "zh")):
        (tmp_path / name).write_text("".join(line[side] + "\n" for line in found), "utf8")
    arguments = ("score", trained_run, "--source", tmp_path / "en", "--target", tmp_path / "zh")
    scored = [json.loads(line) for line in wavemt(*arguments, "--json").stdout.splitlines()]
    assert len(scored) == len(found)
    same = 0
    for ours, line in zip(scored, found, strict=True):
        assert (ours["source"], ours["target"]) == (line["source"], line["text"])
        # Text may have other pieces than those that the model found it with.
        if ours["pieces"] != line["pieces"]:
            continue
        same += 1
        assert ours["score"] == pytest.approx(line["score"], abs=1e-4)
        assert ours["log_probability"] == pytest.approx(line["log_probability"], abs=1e-4)
        assert ours["piece_log_probabilities"] == \
            pytest.approx(line["piece_log_probabilities"], abs=1e-4)
        assert sum(word["log_probability"] for word in ours["words"]) + \
            ours["end_log_probability"] == pytest.approx(line["log_probability"], abs=1e-4)
        assert "".join(word["word"] for word in ours["words"]) == line["text"].replace(" ", "")
    assert same > 0
    text = wavemt(*arguments).stdout.splitlines()
    assert [float(line) for line in text] == pytest.approx([o["score"] for o in scored], abs=1e-5)
    words = wavemt(*arguments, "--word-scores").stdout.splitlines()
    for line, ours in zip(words, scored, strict=True):
        numbers = [float(number) for number in line.split(" ||| ")[1].split()]
        assert numbers == pytest.approx(
            [word["log_probability"] for word in ours["words"]] + [ours["end_log_probability"]],
            abs=1e-5)


def test_score_refuses_what_it_cannot_score(trained_run, source, tmp_path):
    (tmp_path / "en").write_text("She has a cat.\nHe has a dog.\n")
    (tmp_path / "zh").write_text("她有一只猫。\n", "utf8")
    pair = ("--source", tmp_path / "en", "--target", tmp_path / "zh")
    message = refused("score", trained_run, *pair, "--output", tmp_path / "scores")
    assert f"{tmp_path / 'zh'} has 1 lines but {tmp_path / 'en'} has more" in message
    assert not (tmp_path / "scores").exists()
    (tmp_path / "zh").write_text("她有一只猫。\n" + "他有一只狗" * 100 + "\n", "utf8")
    assert "line 2: its target has more than 63 tokens" in refused("score", trained_run, *pair)
    assert "not both" in refused("score", trained_run, "--source", "-", "--target", "-")


def test_lengths_have_limits(trained_run, source):
    short = objects(trained_run, source, "--max-output-ratio", "0.5")
    for line in short:
        assert len(line["pieces"]) <= max(1, math.floor(0.5 * len(line["source_pieces"])))
    long = objects(trained_run, source, "--min-output-ratio", "1.5", "--max-output-length", "40")
    for line in long:  # The longest translation comes first.
        assert len(line["pieces"]) >= min(40, math.ceil(1.5 * len(line["source_pieces"])))
    # A limit that was asked for comes before the one that is there without.
    assert all(len(line["pieces"]) >= 55
               for line in objects(trained_run, "She\n", "--min-output-length", "55"))
    assert "above decoding.max_output_length" in refused(
        "translate", trained_run, "--min-output-length", "300", input=source)


def test_no_tokens_repeat(trained_run, source):
    for size in (1, 2):
        for line in objects(trained_run, source, "--no-repeat-ngram-size", str(size),
                            "--min-output-length", "20"):
            pieces = line["pieces"]
            ngrams = [tuple(pieces[i:i + size]) for i in range(len(pieces) - size + 1)]
            assert len(set(ngrams)) == len(ngrams)


def test_coverage_changes_the_ranking_only(trained_run, source):
    plain = objects(trained_run, source, "--n-best", "5")
    covered = objects(trained_run, source, "--n-best", "5", "--coverage-penalty", "0.5")
    # A translation that leaves nothing out has the same score; none has a better one.
    scores = {(line["line"], line["text"]): line["score"] for line in plain}
    compared = [(line["score"], scores[line["line"], line["text"]]) for line in covered
                if (line["line"], line["text"]) in scores]
    assert len(compared) > 20
    assert all(ours <= free + 1e-5 for ours, free in compared)
    assert any(ours < free - 1e-3 for ours, free in compared)


def test_a_target_prefix_begins_each_translation(trained_run, source, tmp_path):
    prefixes = ["她", "", "我 们", "他"] * 5
    (tmp_path / "prefixes").write_text("\n".join(prefixes) + "\n", "utf8")
    lines = translate(trained_run, source, "--target-prefix", tmp_path / "prefixes").splitlines()
    free = translate(trained_run, source).splitlines()
    for prefix, line, unforced in zip(prefixes, lines, free, strict=True):
        if prefix:
            assert line.startswith(prefix)
        else:
            assert line == unforced
    # What a greedy search begins with by itself changes nothing.
    greedy = objects(trained_run, source, "--beam-size", "1")
    (tmp_path / "prefixes").write_text(
        "".join("".join(line["pieces"][:2]).replace("▁", " ") + "\n" for line in greedy), "utf8")
    forced = objects(trained_run, source, "--beam-size", "1", "--target-prefix",
                     tmp_path / "prefixes")
    compared = [(ours["text"], line["text"]) for ours, line in zip(forced, greedy, strict=True)
                if ours["pieces"][:2] == line["pieces"][:2]]
    assert len(compared) > 10 and all(ours == alone for ours, alone in compared)


@pytest.mark.parametrize("lines", [19, 21])
def test_other_numbers_of_prefixes_are_refused(trained_run, source, tmp_path, lines):
    (tmp_path / "prefixes").write_text("\n" * lines)
    (tmp_path / "text").write_text(source, "utf8")
    message = refused("translate", trained_run, "--input", tmp_path / "text", "--output",
                      tmp_path / "out", "--target-prefix", tmp_path / "prefixes")
    assert f"has {lines} lines but {tmp_path / 'text'} has 20" in message
    assert not (tmp_path / "out").exists()
    result = wavemt("translate", trained_run, "--output", tmp_path / "out", "--target-prefix",
                    tmp_path / "prefixes", input=source, check=False)
    assert result.returncode == 2 and "prefix" in result.stderr
    assert not (tmp_path / "out").exists()


def test_prefixes_that_do_not_fit_are_refused(trained_run, tmp_path):
    def message(prefix, text="She has a cat.\n"):
        (tmp_path / "prefix").write_text(prefix + "\n", "utf8")
        return refused("translate", trained_run, "--target-prefix", tmp_path / "prefix", input=text)

    assert "line 1: its target prefix has" in message("我" * 80)
    assert "line 1: the vocabulary lacks a character" in message("\u16a0")
    assert "line 1: is blank, but it has a target prefix" in message("我", "\n")
    assert "not both" in refused("translate", trained_run, "--target-prefix", "-", input="")
    assert "no-such-file" in refused("translate", trained_run, "--target-prefix", "no-such-file",
                                     input="")


def test_draws_depend_on_the_sentence_and_the_seed(trained_run, source):
    options = ("--sampling", "--n-best", "3", "--temperature", "1.3")
    def texts(text, *more):
        return [line.split(" ||| ")[1] for line in
                translate(trained_run, text, *options, *more).splitlines()]

    together = texts(source, "--seed", "7")
    assert len(together) == 60
    assert together == texts(source, "--seed", "7", "--set", "decoding.batch_tokens=16")
    for number in (0, 11):
        alone = texts(source.splitlines()[number] + "\n", "--seed", "7")
        assert alone == together[3 * number:3 * number + 3]
    assert together != texts(source, "--seed", "8")
    # The first draws do not depend on how many follow.
    one = translate(trained_run, source, "--sampling", "--temperature", "1.3", "--seed", "7")
    assert one.splitlines() == together[::3]


def test_draws_from_the_likeliest_token_are_a_greedy_search(trained_run, source):
    greedy = translate(trained_run, source, "--beam-size", "1")
    assert translate(trained_run, source, "--sampling", "--top-k", "1") == greedy
    assert translate(trained_run, source, "--sampling", "--top-p", "1e-9") == greedy
    assert translate(trained_run, source, "--sampling", "--temperature", "1e-6") == greedy
    assert translate(trained_run, source, "--sampling", "--temperature", "1e-300", "--top-p",
                     "0.9") == greedy


@pytest.mark.parametrize("metric", ["chrf", "bleu"])
def test_minimum_bayes_risk_chooses_what_sacrebleu_finds_most_alike(trained_run, source, metric):
    settings = ("--temperature", "1.2", "--seed", "3")
    samples = [[] for _ in range(20)]
    for line in translate(trained_run, source, "--sampling", "--n-best", "12", *settings).splitlines():
        number, text, _ = line.split(" ||| ")
        samples[int(number)].append(text)
    score = {"chrf": lambda h, r: sacrebleu.sentence_chrf(h, [r]).score,
             "bleu": lambda h, r: sacrebleu.sentence_bleu(h, [r], tokenize="zh").score}[metric]
    chosen = translate(trained_run, source, "--mbr", "12", "--mbr-metric", metric, "--scores",
                       *settings).splitlines()
    for line, texts in zip(chosen, samples, strict=True):
        expected = {text: sum(score(text, other) for other in texts) / len(texts) for text in texts}
        text, ours = line.split(" ||| ")
        assert float(ours) == pytest.approx(max(expected.values()), abs=1e-5)
        assert expected[text] == pytest.approx(max(expected.values()), abs=1e-9)


def test_an_ensemble_averages_its_models(trained_run, second_run, source, tmp_path):
    (tmp_path / "en").write_text(source, "utf8")
    (tmp_path / "zh").write_text(translate(trained_run, source), "utf8")
    pair = ("--source", tmp_path / "en", "--target", tmp_path / "zh", "--json")

    def log_probs(*arguments):
        output = wavemt("score", *arguments, *pair).stdout
        return [number for line in map(json.loads, output.splitlines())
                for number in (*line["piece_log_probabilities"], line["end_log_probability"])]

    first, second = log_probs(trained_run), log_probs(second_run)
    assert first != second
    both = log_probs(trained_run, "--ensemble", second_run)
    assert both == pytest.approx([math.log((math.exp(a) + math.exp(b)) / 2)
                                  for a, b in zip(first, second, strict=True)], abs=1e-4)
    logs = log_probs(trained_run, "--ensemble", second_run, "--set",
                     "decoding.ensemble_mean=log_probabilities")
    assert logs == pytest.approx([(a + b) / 2 for a, b in zip(first, second, strict=True)], abs=1e-4)


def test_an_ensemble_translates(trained_run, second_run, corpus, source):
    alone = translate(trained_run, source, "--scores")
    twice = translate(trained_run, source, "--scores", "--ensemble", trained_run)
    for ours, line in zip(twice.splitlines(), alone.splitlines(), strict=True):
        assert ours.split(" ||| ")[0] == line.split(" ||| ")[0]
        assert float(ours.split(" ||| ")[1]) == pytest.approx(float(line.split(" ||| ")[1]), abs=1e-4)
    three = ("--ensemble", second_run, trained_run, "--ensemble-mean", "log_probabilities")
    assert translate(trained_run, source, *three).count("\n") == 20
    assert objects(trained_run, source, *three)[0]["alignment"]
    scores = wavemt("evaluate", trained_run, "--source", corpus / "test.en", "--reference",
                    corpus / "test.zh", "--ensemble", second_run)
    assert "BLEU" in scores.stdout


def test_an_ensemble_needs_one_vocabulary(trained_run, corpus, tmp_path, source):
    config = write_config(tmp_path / "config.json", corpus, tokenizer={"vocab_size": 350},
                          training={"max_steps": 1, "validate_every": 0, "save_every": 1})
    wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu")
    message = refused("translate", trained_run, "--ensemble", tmp_path / "run", "--output",
                      tmp_path / "out", input=source)
    assert f"--ensemble {tmp_path / 'run'}: its source vocabulary is another one" in message
    assert not (tmp_path / "out").exists()
    # Their own configs do not count in the search.
    small = write_config(tmp_path / "small.json", corpus, decoding={"beam_size": 2},
                         training={"max_steps": 1, "validate_every": 0, "save_every": 1})
    text = json.loads(small.read_text())
    text["tokenizer"] = {"model": str(trained_run / "tokenizer.model")}
    small.write_text(json.dumps(text))
    wavemt("train", small, "--run-dir", tmp_path / "small", "--device", "cpu")
    assert translate(trained_run, source, "--n-best", "5", "--ensemble", tmp_path / "small")
    assert "no-such-run" in refused("translate", trained_run, "--ensemble", "no-such-run", input="")


@pytest.mark.parametrize(("options", "message"), [
    (("--sampling", "--temperature", "-1"), "temperature"),
    (("--sampling", "--temperature", "0"), "temperature"),
    (("--sampling", "--top-p", "0"), "top_p"),
    (("--sampling", "--top-p", "1.5"), "top_p"),
    (("--sampling", "--top-k", "-3"), "top_k"),
    (("--temperature", "0.7"), "counts only in sampling"),
    (("--seed", "7"), "counts only in sampling"),
    (("--mbr", "4", "--n-best", "5"), "decoding.mbr_samples = 4"),
    (("--mbr", "4", "--mbr-metric", "comet"), "mbr_metric"),
    (("--sampling", "--coverage-penalty", "1"), "sampling does not search"),
    (("--no-repeat-ngram-size", "-1"), "no_repeat_ngram_size"),
    (("--mbr-metric", "bleu"), "counts only in minimum Bayes risk decoding"),
    (("--ensemble-mean", "log_probabilities"), "add --ensemble"),
    (("--constraints", "words.txt"), "--target-prefix"),
], ids=lambda value: "-".join(value).replace("--", "") if isinstance(value, tuple) else "")
def test_settings_that_make_no_sense(trained_run, tmp_path, source, options, message):
    assert message in refused("translate", trained_run, *options, "--output", tmp_path / "out",
                              input=source)
    assert not (tmp_path / "out").exists()
