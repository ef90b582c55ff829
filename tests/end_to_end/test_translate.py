"""Text in, translations out: line n of the output belongs to line n of the input."""
import json
import os
import select
import subprocess

import pytest
import sacrebleu
from conftest import ENVIRONMENT, PROGRAM, pointed, wavemt


def translate(model, text, *options):
    """The translations of `text`, as bytes in and out: nothing may be done to line ends here."""
    result = wavemt("translate", model, *options, input=text, encoding=None)
    return result.stdout


@pytest.fixture(scope="session")
def source(corpus):
    """The test sentences, all different."""
    lines = (corpus / "test.en").read_bytes().splitlines(keepends=True)
    assert len(set(lines)) == 20
    return b"".join(lines)


@pytest.fixture(scope="session")
def translations(trained_run, source):
    return translate(trained_run, source)


def test_a_line_for_each_line_in_order(trained_run, source, translations):
    lines = translations.splitlines()
    assert len(lines) == 20 and translations.endswith(b"\n")
    assert len(set(lines)) >= 10  # Else the order would not show.
    # Backwards, and each line alone.
    backwards = b"".join(reversed(source.splitlines(keepends=True)))
    assert translate(trained_run, backwards).splitlines() == lines[::-1]
    for number in (0, 7):
        assert translate(trained_run, source.splitlines()[number]) == lines[number] + b"\n"


def test_file_and_standard_input_are_the_same(trained_run, corpus, source, translations):
    assert translate(trained_run, b"", "--input", corpus / "test.en") == translations
    assert translate(trained_run, source, "--input", "-", "--output", "-") == translations


@pytest.mark.parametrize("change", [
    lambda text: text[:-1],                     # No line end at the end of the file.
    lambda text: text.replace(b"\n", b"\r\n"),
    lambda text: b"\xef\xbb\xbf" + text,        # A byte order mark.
], ids=["no last line end", "CRLF", "byte order mark"])
def test_forms_of_a_text_file(trained_run, tmp_path, source, translations, change):
    (tmp_path / "text").write_bytes(change(source))
    assert translate(trained_run, b"", "--input", tmp_path / "text") == translations
    assert translate(trained_run, change(source)) == translations


def test_blank_lines_stay_blank(trained_run, source, translations):
    blank = [b"", b"  ", b""]
    mixed = b"\n" + b"".join(line + blank[i % 3] + b"\n" for i, line in
                             enumerate(source.splitlines(keepends=True))) + b"\n\n"
    expected = b"\n" + b"".join(line + b"\n" for line in
                                translations.splitlines(keepends=True)) + b"\n\n"
    assert translate(trained_run, mixed) == expected
    assert translate(trained_run, b"\n\n \n") == b"\n\n\n"
    assert translate(trained_run, b"") == b""


def test_only_a_line_feed_ends_a_line(trained_run, tmp_path):
    """Not what Unicode, Python or an old Mac take for the end of a line."""
    separators = ("\u2028", "\u2029", "\u0085", "\0", "\r", "\v", "\f", "\x1c")
    text = "".join(f"She has a cat.{separator}He has a dog.\nShe is a doctor.{separator}\n\n"
                   for separator in separators)
    (tmp_path / "text").write_bytes(text.encode())
    from_file = translate(trained_run, b"", "--input", tmp_path / "text")
    assert from_file.count(b"\n") == text.count("\n")
    assert [line == b"" for line in from_file.split(b"\n")] == \
        [line == "" for line in text.split("\n")]
    assert translate(trained_run, text.encode()) == from_file


def test_a_line_longer_than_the_model_is_translated_in_parts(trained_run):
    sentence = "The teacher has a dog. "
    text = f"She has a cat.\n{sentence * 60}\n{'x' * 500}\nHe is a doctor.\n"
    result = wavemt("translate", trained_run, input=text)
    lines = result.stdout.split("\n")
    assert len(lines) == 5
    assert " warning: 1 line (3): longer than the model's positions, cut inside a sentence and " \
        "translated in parts\n" in result.stderr
    # Each sentence has its translation, one behind the other without a space, as Chinese is written.
    one = wavemt("translate", trained_run, input=sentence).stdout.rstrip("\n")
    assert lines[1] == 60 * one
    # The lines beside it are as they are alone.
    assert [lines[0], lines[3]] == wavemt(
        "translate", trained_run, input="She has a cat.\nHe is a doctor.\n").stdout.splitlines()


def test_long_lines_are_numbered_over_the_whole_input(trained_run, tmp_path):
    """Input is read in portions of a few thousand lines."""
    (tmp_path / "text").write_text("\n" * 5000 + "x y " * 100 + "\n")
    result = wavemt("translate", trained_run, "--input", tmp_path / "text")
    assert " warning: 1 line (5001): longer than the model's positions" in result.stderr
    assert result.stdout.count("\n") == 5001
    assert result.stdout.startswith("\n" * 5000)


def test_a_line_is_answered_before_the_input_ends(trained_run):
    process = subprocess.Popen([str(PROGRAM), "translate", str(trained_run), "--device", "cpu"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT)
    for line in (b"She has a cat.\n", b"\n", b"He is a doctor.\n"):
        process.stdin.write(line)
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], 120)
        assert ready, "no answer while the input is open"
        answer = process.stdout.readline()
        assert answer.endswith(b"\n") and (answer == b"\n") == (line == b"\n")
    rest, _ = process.communicate(timeout=120)
    assert (rest, process.returncode) == (b"", 0)


def test_output_file(trained_run, corpus, tmp_path, translations):
    (tmp_path / "output").write_text("old")
    result = wavemt("translate", trained_run, "--input", corpus / "test.en", "--output",
                    tmp_path / "output")
    assert result.stdout == ""
    assert (tmp_path / "output").read_bytes() == translations
    assert os.listdir(tmp_path) == ["output"]


def test_output_file_appears_whole_or_not_at_all(trained_run, tmp_path):
    # The mistake comes behind the first portion of lines.
    (tmp_path / "text").write_bytes(b"A cat.\n" + b"\n" * 6000 + b"\xff\n")
    (tmp_path / "old").write_text("old")
    for name in ("new", "old"):
        result = wavemt("translate", trained_run, "--input", tmp_path / "text", "--output",
                        tmp_path / name, check=False)
        assert result.returncode == 2
        assert " line 6002: invalid UTF-8" in result.stderr
    assert sorted(os.listdir(tmp_path)) == ["old", "text"]
    assert (tmp_path / "old").read_text() == "old"


def test_output_to_a_pipe_leaves_the_pipe(trained_run, corpus, tmp_path, translations):
    """And so /dev/null stays /dev/null."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    wavemt("translate", trained_run, "--input", corpus / "test.en", "--output", tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()
    assert os.read(reader, 1 << 16) == translations
    os.close(reader)


def test_n_best(trained_run, source, translations):
    lists = translate(trained_run, source.replace(b"\n", b"\n\n", 1), "--n-best", "3").decode()
    entries = [line.split(" ||| ") for line in lists.split("\n")[:-1]]
    of_line = [[entry for entry in entries if int(entry[0]) == i] for i in range(21)]
    assert sum(of_line, []) == entries  # In order, and nothing else.
    assert [line[0][1] for line in of_line] == \
        translations.decode().replace("\n", "\n\n", 1).split("\n")[:-1]
    for line in of_line:
        scores = [float(score) for _, _, score in line]
        assert scores == sorted(scores, reverse=True) and scores[0] <= 0  # Log-probabilities.
        assert len({text for _, text, _ in line}) == len(line) <= 3  # No text twice.
    assert of_line[1] == [["1", "", "0.000000"]]  # A blank line has one translation.
    assert max(map(len, of_line)) == 3


def test_n_best_of_1_is_a_list_too(trained_run, source, translations):
    lists = translate(trained_run, source, "--n-best", "1").decode()
    entries = [line.split(" ||| ") for line in lists.split("\n")[:-1]]
    assert [text for _, text, _ in entries] == translations.decode().split("\n")[:-1]
    assert [int(number) for number, _, _ in entries] == list(range(20))
    assert translate(trained_run, source, "--set", "decoding.n_best=1").decode() == lists


def test_options_of_their_own_stand_beside_set(trained_run, source):
    lists = translate(trained_run, source, "--n-best", "2", "--set", "decoding.batch_tokens=64",
                      "--set", "decoding.max_output_length=60")
    numbers = [int(line.split(b" ||| ")[0]) for line in lists.splitlines()]
    assert sorted(set(numbers)) == list(range(20)) and 20 < len(numbers) <= 40
    greedy = translate(trained_run, source, "--beam-size", "1")
    assert greedy == translate(trained_run, source, "--set", "decoding.batch_tokens=64",
                               "--beam-size", "1")


def test_what_was_typed_last_holds(trained_run, source, translations):
    greedy = translate(trained_run, source, "--beam-size", "1")
    assert greedy != translations
    for options, expected in [
            (["--set", "decoding.beam_size=1", "--beam-size", "5"], translations),
            (["--beam-size", "5", "--set", "decoding.beam_size=1"], greedy),
            (["--beam-size", "1", "--set", "decoding.beam_size=2", "--beam-size=5"], translations),
            (["--set", "decoding.beam_size=5", "--set", "decoding.beam_size=1"], greedy)]:
        assert translate(trained_run, source, *options) == expected, options


@pytest.mark.parametrize("tokens", [1, 37, 100000])
def test_batch_size_makes_no_difference(trained_run, source, translations, tokens):
    options = ["--set", f"decoding.batch_tokens={tokens}"]
    assert translate(trained_run, source, *options) == translations


def test_decoding_options_are_the_configs_keys(trained_run, source, translations):
    greedy = translate(trained_run, source, "--beam-size", "1")
    assert greedy == translate(trained_run, source, "--set", "decoding.beam_size=1")
    assert greedy != translations
    assert translate(trained_run, source, "--beam-size", "5", "--length-penalty", "1") == \
        translations
    short = translate(trained_run, source, "--set", "decoding.max_output_length=2").decode()
    longest = max(len(line) for line in short.split("\n"))
    assert 0 < longest < max(len(line) for line in translations.decode().split("\n"))


def test_a_run_is_its_best_checkpoint(trained_run, own_run, source, translations):
    assert translate(pointed(trained_run, "best"), source) == translations
    assert translate(trained_run / "checkpoints/best", source) == translations
    assert translate(pointed(trained_run, "best") / "model.safetensors", source) == translations
    # Where the best is another one, so is the translation.
    (own_run / "checkpoints/best").write_text("step-00000080\n")
    other = translate(own_run, source)
    assert other == translate(trained_run / "checkpoints/step-00000080", source)
    assert other != translations


def test_a_run_that_moved_translates(own_run, source, translations):
    moved = own_run.rename(own_run.parent / "moved")
    assert translate(moved, source) == translations
    assert wavemt("translate", "checkpoints/best", input=source, encoding=None,
                  cwd=moved).stdout == translations


def test_averaged_weights_translate(own_run, source, translations):
    checkpoints = own_run / "checkpoints"
    wavemt("average", checkpoints / "step-00000160", checkpoints / "step-00000240", "--output",
           own_run / "mean.safetensors")
    mean = translate(own_run / "mean.safetensors", source)
    assert mean.count(b"\n") == 20
    assert mean not in (translate(checkpoints / "step-00000160", source),
                        translate(checkpoints / "step-00000240", source))
    wavemt("average", pointed(own_run, "best"), "--output", own_run / "same.safetensors")
    assert translate(own_run / "same.safetensors", source) == translations


def test_evaluate_is_sacrebleu_of_translate(trained_run, corpus, tmp_path, translations):
    evaluated = wavemt("evaluate", trained_run, "--output", tmp_path / "output", "--json",
                       "--metrics", "bleu,chrf")
    assert (tmp_path / "output").read_bytes() == translations
    references = [(corpus / "test.zh").read_text().split("\n")[:-1]]
    hypotheses = translations.decode().split("\n")[:-1]
    bleu = sacrebleu.BLEU(tokenize="zh")
    chrf = sacrebleu.CHRF()
    scores = json.loads(evaluated.stdout)
    assert [score["name"] for score in scores] == ["BLEU", "chrF2"]
    for score, metric in zip(scores, (bleu, chrf)):
        assert score["score"] == pytest.approx(
            metric.corpus_score(hypotheses, references).score, abs=1e-9)
        assert score["signature"] == str(metric.get_signature())
    assert scores[0]["score"] > 1

    named = wavemt("evaluate", trained_run, "--source", corpus / "test.en", "--reference",
                   corpus / "test.zh")
    result = bleu.corpus_score(hypotheses, references)
    assert named.stdout == result.format(width=1, signature=str(bleu.get_signature())) + "\n"


@pytest.mark.parametrize("piped", ["--source", "--reference"])
def test_evaluate_reads_standard_input(trained_run, corpus, piped):
    files = {"--source": corpus / "test.en", "--reference": corpus / "test.zh"}
    options = [word for option, path in files.items()
               for word in (option, "-" if option == piped else path)]
    result = wavemt("evaluate", trained_run, *options, input=files[piped].read_text("utf8"))
    assert result.stdout == wavemt("evaluate", trained_run).stdout


def test_evaluate_takes_the_decoding_options(trained_run, corpus, tmp_path):
    wavemt("evaluate", trained_run, "--output", tmp_path / "output", "--beam-size", "1")
    assert (tmp_path / "output").read_bytes() == translate(
        trained_run, (corpus / "test.en").read_bytes(), "--beam-size", "1")


def test_evaluate_without_test_text_asks_for_it(own_run):
    config = json.loads((own_run / "config.json").read_text())
    del config["data"]["test"]
    (own_run / "config.json").write_text(json.dumps(config))
    (own_run / "checksums.json").unlink()  # Which refuses a config that was edited.
    result = wavemt("evaluate", own_run, check=False)
    assert result.returncode == 2
    assert result.stderr.endswith(
        "error: give --source and --reference: the run's config has no data.test\n")


def test_max_wait_brings_lines_together(trained_run):
    """Lines that come one by one within the time are answered together, and a line that came waits no longer."""
    process = subprocess.Popen([str(PROGRAM), "translate", str(trained_run), "--max-wait-ms", "3000"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT)
    for line in (b"She has a cat.\n", b"He is a doctor.\n"):
        process.stdin.write(line)
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], 0.2)
        assert not ready
    ready, _, _ = select.select([process.stdout], [], [], 120)
    assert ready, "no answer while the input is open"
    assert process.stdout.readline().endswith(b"\n")
    assert process.stdout.readline().endswith(b"\n")
    assert process.communicate(timeout=120)[0] == b""


def test_threads_change_nothing(trained_run, source, translations):
    """Batches are shared out differently, which changes no more than the rounding."""
    four = translate(trained_run, source, "--threads", "4").splitlines()
    same = sum(a == b for a, b in zip(four, translations.splitlines(), strict=True))
    assert same >= 18


@pytest.mark.parametrize("precision", ["bf16", "int8", "auto"])
def test_precision(trained_run, source, translations, precision):
    found = translate(trained_run, source, "--set", f"decoding.precision={precision}").splitlines()
    # Rounded weights rank close calls otherwise.
    same = sum(a == b for a, b in zip(found, translations.splitlines(), strict=True))
    assert same >= 5


def test_shortlist(trained_run, tmp_path, source, translations):
    learned = wavemt("shortlist", trained_run, "--output", tmp_path / "list", "--frequent", "20")
    assert " target tokens for a source token on average, and 2" in learned.stderr  # 20 or, with </s>, 21.
    found = translate(trained_run, source, "--shortlist", tmp_path / "list")
    assert found.count(b"\n") == 20
    wavemt("evaluate", trained_run, "--shortlist", tmp_path / "list", "--output", tmp_path / "output")
    assert (tmp_path / "output").read_bytes() == found
    # With hardly anything to choose from, something else comes out.
    wavemt("shortlist", trained_run, "--output", tmp_path / "few", "--per-token", "2", "--frequent", "0")
    few = translate(trained_run, source, "--shortlist", tmp_path / "few")
    assert few != translations and few.count(b"\n") == 20


def test_a_shortlist_that_does_not_fit(trained_run, tmp_path, corpus):
    (tmp_path / "list").write_text("wavemt-shortlist 1 source 1 target 1 tokenizers 00000000\n\n\n")
    for path, says in ((tmp_path / "list", "was learned for other tokenizers than the model's"),
                       (corpus / "test.en", "is not a shortlist; `wavemt shortlist` makes one"),
                       (tmp_path / "none", "no such file")):
        result = wavemt("translate", trained_run, "--shortlist", path, input="A cat.\n", check=False)
        assert result.returncode == 2 and result.stdout == ""
        assert f"{path}: {says}" in result.stderr
