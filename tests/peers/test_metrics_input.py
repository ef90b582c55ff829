"""What `wavemt metrics` refuses: exit code 2 and one sentence that says what and where."""
import os

import pytest
from conftest import wavemt


@pytest.fixture
def text(tmp_path):
    """Makes files in an own folder: text("a", "line\\n") is the path of "a"."""
    def make(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf8"))
        return path
    return make


def refusal(*arguments, **options):
    result = wavemt("metrics", *arguments, check=False, **options)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    return result.stderr


def test_different_numbers_of_lines(text):
    long, short = text("long", "a\nb\nc\n"), text("short", "a\nb")
    text("short2", "a\nb")
    for files in ((long, short), (short, long), (short, short, long),
                  (short, long.with_name("short2"), "--reference", long)):
        message = refusal(*files)
        assert f"{long} has 3 lines but {short} has 2: line 3 has no partner" in message


def test_references_that_can_be_read_only_once(text, tmp_path):
    """Each of several systems needs them."""
    one, two = text("one", "a\n"), text("two", "a\n")
    os.mkfifo(tmp_path / "pipe")
    for reference in ("-", tmp_path / "pipe"):
        assert f"--reference {reference}: is read once for each system" in refusal(
            one, two, "--reference", reference)


def test_far_in_the_file(text):
    """Also where the difference lies beyond what is read at a time."""
    long, short = text("long", "a\n" * 20_001), text("short", "a\n" * 9_000)
    message = refusal(long, short)
    assert f"{long} has 20001 lines but {short} has 9000: line 9001 has no partner" in message


@pytest.mark.parametrize("ill", [b"\xff", b"a \xc3", b"\xed\xa0\x80", b"\xc0\xaf",
                                 b"\xf5\x80\x80\x80"])
def test_invalid_utf8(text, ill):
    good, bad = text("good", "a\nb\nc\n"), text("bad", b"a\n\xc3\xa9 " + ill + b"\nc\n")
    assert f"{bad}: line 2: invalid UTF-8 at byte" in refusal(good, bad)
    assert f"{bad}: line 2: invalid UTF-8 at byte" in refusal(bad, good)


def test_missing_and_empty_files(text, tmp_path):
    good, empty = text("good", "a\n"), text("empty", "")
    assert f"{tmp_path / 'missing'}: no such file" in refusal(tmp_path / "missing", good)
    assert f"{tmp_path / 'missing'}: no such file" in refusal(good, tmp_path / "missing")
    assert f"{tmp_path}: is a directory" in refusal(good, tmp_path)
    assert f"{empty}: is empty" in refusal(empty, empty)
    assert "references" in refusal(good)


def test_a_line_without_any_reference(text):
    hypothesis, one, two = text("h", "a\nb\nc\n"), text("r1", "a\n\nc\n"), text("r2", "\n \nc\n")
    message = refusal(hypothesis, one, two, "--variable-references")
    assert f"{one}: line 2: is empty in every file of references" in message


@pytest.mark.parametrize("name, reason", [
    ("ja-mecab", "needs MeCab"), ("ko-mecab", "needs MeCab"), ("spm", "SentencePiece model"),
    ("flores101", "SentencePiece model"), ("flores200", "SentencePiece model"),
    ("spBLEU-1K", "SentencePiece model"), ("13b", 'did you mean "13a"')])
def test_tokenizers_that_are_not_here(text, name, reason):
    file = text("a", "a\n")
    message = refusal(file, file, "--tokenize", name)
    assert f"--tokenize {name}: " in message and reason in message


@pytest.mark.parametrize("arguments, reason", [
    (["--metrics", "blue"], 'did you mean "bleu"'),
    (["--metrics", ""], "--metrics"),
    (["--smooth-method", "x"], "exp, floor, add-k or none"),
    (["--smooth-value", "1"], "floor or add-k"),
    (["--smooth-method", "floor", "--smooth-value", "-1"], "--smooth-value"),
    (["--chrf-char-order", "0"], "--chrf-word-order", ),
    (["--chrf-char-order", "-1"], "--chrf-char-order"),
    (["--sentence-level", "--metrics", "bleu,ter"], "one metric"),
    (["--sentence-level", "--confidence"], "no interval"),
    (["--paired-bootstrap"], "--reference"),
    (["--json", "--format", "json"], "--json"),
])
def test_options(text, arguments, reason):
    file = text("a", "a\n")
    if arguments[:1] == ["--chrf-char-order"]:
        arguments = ["--metrics", "chrf", *arguments]
    assert reason in refusal(file, file, *arguments)


def test_several_systems(text):
    one, two = text("one", "a\n"), text("two", "b\n")
    assert "two systems" in refusal(one, "--reference", two, "--paired-bootstrap")
    assert "appears twice" in refusal(one, one, "--reference", two)
    assert "--confidence" in refusal(one, two, "--reference", two, "--confidence")
    assert "--sentence-level" in refusal(one, two, "--reference", two, "--sentence-level")
    assert "choose one" in refusal(one, two, "--reference", two, "--paired-bs", "--paired-ar")


@pytest.mark.parametrize("seed", ["x", "-1", "1.5", ""])
def test_seed(text, seed):
    file = text("a", "a\n")
    environment = os.environ | {"SACREBLEU_SEED": seed}
    assert f"SACREBLEU_SEED={seed}: must be a whole number" in refusal(file, file, "--confidence",
                                                                       env=environment)
