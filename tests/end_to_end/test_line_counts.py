"""A line in, a line out, in its place: hostile lines through every command that answers by lines.

WAVEMT_TORTURE=1 takes a million lines instead of some thousand."""
import random
import re

import pytest
import sentencepiece
from conftest import TORTURE, wavemt, write_config
from file_faults import report

LINES = 1_000_000 if TORTURE else 8_000

# Well-formed UTF-8, without "\n". Much of it ends a line for some program or other.
PIECES = ["\0", "\r", "\r\r", "\t", "\v", "\f", "\x1a", "\x1b[2J", "\x1c", "\x1d", "\x1e",
          "\x7f", "\u0085", "\u2028", "\u2029", "\ufeff", "\u200b", "\u00a0", "\u3000", "\ufffd",
          "\ufffe", "\u202e", "e\u0301", "字", "🌊", "\U0010ffff", "<s>", "</s>", "<unk>", "▁",
          " ||| ", "a", "The", " cat", " ", "  "]
# Overlong forms, surrogates, beyond Unicode, lone and missing continuation bytes.
ILL_FORMED = [b"\xff", b"\xfe", b"\x80", b"\xc0\x80", b"\xc0\x8a", b"\xc1\xbf", b"\xe0\x80\x8a",
              b"\xed\xa0\x80", b"\xed\xa0\x80\xed\xb0\x80", b"\xf0\x80\x80\x8a",
              b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xc3", b"\xe5\xad", b"\xf0\x9f\x8c"]
# Among the others, lines whose translations are known tell where they came out.
LANDMARKS = {"She has a cat.": "猫", "He is a doctor.": "医生", "The teacher has a dog.": "狗"}


class HostileText:
    """Lines by a seed; `ill_formed` is the share of those that are not UTF-8."""

    def __init__(self, seed, ill_formed=0.0):
        self.random, self.ill_formed = random.Random(seed), ill_formed

    def line(self):
        draw = self.random.random()
        if draw < 0.3:
            return b""
        if draw < 0.4:
            return "".join(self.random.choices(["\t", "\r", "\v", "\u2028", "\u3000", " "],
                                               k=self.random.randint(1, 4))).encode()
        if draw < 0.45:
            return self.random.choice(list(LANDMARKS)).encode()
        size = 2000 if draw > 0.9998 else self.random.randint(1, 6)
        line = "".join(self.random.choices(PIECES, k=size)).encode()
        if self.random.random() < self.ill_formed:
            at = self.random.randint(0, len(line))
            line = line[:at] + self.random.choice(ILL_FORMED) + line[at:]
        return line

    def lines(self, count):
        return [self.line() for _ in range(count)]


def as_read(line):
    """What a reader makes of a line that "\\n" ends."""
    return line.removesuffix(b"\r")


# What of the hostile pieces nobody sees, beside white space.
INVISIBLE = re.compile("[\0-\x08\x0e-\x1b\x7f\u200b\ufeff\u202e]")


def is_blank(line):
    """Nothing that is seen, or only what SentencePiece writes for spaces."""
    text = INVISIBLE.sub("", as_read(line).decode(errors="replace"))
    return not text.strip() or not text.replace("▁", " ").strip()


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory, corpus):
    """As small as a model can be, so that a million lines take minutes. It has byte pieces, and it
    has learned the landmarks by heart: of what it has learned only half, another processor's
    rounding would make something else."""
    folder = tmp_path_factory.mktemp("tiny_run")
    for side, of_pair in (("en", 0), ("zh", 1)):
        lines = (corpus / f"train.{side}").read_text("utf8")
        landmarks = "".join(pair[of_pair] + "\n" for pair in LANDMARKS.items())
        (folder / f"train.{side}").write_text(lines + 100 * landmarks, "utf8")
    model = {"d_model": 16, "num_heads": 1, "ffn_dim": 16, "num_encoder_layers": 1,
             "num_decoder_layers": 1, "dropout": 0.0, "position_encoding": {"max_length": 64}}
    config = write_config(folder / "config.json", corpus, model=model,
                          data={"train": {"source": "train.en", "target": "train.zh"}},
                          tokenizer={"vocab_size": 700, "byte_fallback": True},
                          training={"max_steps": 200, "learning_rate": 0.02, "warmup_steps": 20,
                                    "validate_every": 0, "save_every": 200})
    wavemt("train", config, "--run-dir", folder / "run", "--device", "cpu")
    return folder / "run"


QUICK = ["--device", "cpu", "--beam-size", "1", "--set", "decoding.max_output_length=2",
         "--set", "decoding.batch_tokens=16384"]


def check_alignment(lines, output):
    """Blank lines stay blank, and landmarks stand where they stood."""
    assert len(output) == len(lines)
    landmarks = {line.encode(): translation.encode() for line, translation in LANDMARKS.items()}
    seen = 0
    for line, translation in zip(lines, output):
        if is_blank(line):
            assert translation == b"", line
        elif line in landmarks:
            seen += 1
            assert translation == landmarks[line]
    assert seen > len(lines) / 40


def check_output(output):
    """Every line of it is one line to whoever reads it, and UTF-8."""
    text = output.decode()
    assert text.splitlines() == text.split("\n")[:-1]
    assert "\0" not in text and "\x1b" not in text


@pytest.mark.parametrize("way", ["standard input", "file"])
def test_translate(tiny_run, tmp_path, way):
    lines = HostileText(1).lines(LINES)
    text = b"\xef\xbb\xbf" + b"".join(line + b"\n" for line in lines)
    if way == "file":
        (tmp_path / "text").write_bytes(text)
        wavemt("translate", tiny_run, *QUICK, "--input", tmp_path / "text", "--output",
               tmp_path / "output", timeout=3600)
        output = (tmp_path / "output").read_bytes()
    else:
        output = wavemt("translate", tiny_run, *QUICK, input=text, encoding=None,
                        timeout=3600).stdout
    check_output(output)
    assert output.endswith(b"\n")
    check_alignment(lines, output.split(b"\n")[:-1])
    report("hostile lines translated", len(lines))


def test_translate_with_ill_formed_lines_replaced(tiny_run):
    lines = HostileText(2, ill_formed=0.2).lines(LINES)
    result = wavemt("translate", tiny_run, *QUICK, "--invalid-utf8", "replace", encoding=None,
                    input=b"".join(line + b"\n" for line in lines), timeout=3600)
    bad = sum(b"\xef\xbf\xbd" in line.decode(errors="replace").encode() and
              line.decode(errors="ignore").encode() != line for line in lines)
    assert bad > LINES / 40
    assert f"{bad:,} lines held invalid UTF-8, which was replaced by U+FFFD" in \
        result.stderr.decode()
    check_output(result.stdout)
    check_alignment(lines, result.stdout.split(b"\n")[:-1])
    report("ill-formed lines replaced and translated", bad)
    # They are the translations of what Python makes of the same bytes.
    replaced = "".join(line.decode(errors="replace") + "\n" for line in lines[:4000])
    assert wavemt("translate", tiny_run, *QUICK, input=replaced.encode(), encoding=None).stdout == \
        b"".join(line + b"\n" for line in result.stdout.split(b"\n")[:4000])


@pytest.mark.parametrize("way", ["standard input", "file"])
@pytest.mark.parametrize("position", [1, 2, 4096, 4097, 6002])
def test_lines_before_an_ill_formed_one_are_translated(tiny_run, tmp_path, way,
                                                       position):
    """Input is read in portions of 4096 lines."""
    lines = HostileText(3).lines(8_000)
    lines[position - 1] = b"A bad \xc0\x8a one."
    text = b"".join(line + b"\n" for line in lines)
    (tmp_path / "text").write_bytes(text)
    source = ["--input", tmp_path / "text"] if way == "file" else []
    result = wavemt("translate", tiny_run, *QUICK, *source, input=text, encoding=None, check=False)
    name = tmp_path / "text" if way == "file" else "standard input"
    assert result.returncode == 2
    assert result.stderr.decode().endswith(
        f" error: {name}: line {position}: invalid UTF-8 at byte 7 of the line\n")
    output = result.stdout.split(b"\n")
    assert output.pop() == b"" and len(output) == position - 1
    if position > 100:
        check_alignment(lines[:position - 1], output)


def test_tokenizer_encodes_and_decodes(tiny_run):
    model = tiny_run / "tokenizer.model"
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    lines = HostileText(4).lines(min(LINES, 100_000))
    text = b"\xef\xbb\xbf" + b"".join(line + b"\n" for line in lines)
    plain = ("--normalize-whitespace", "false")
    ids = wavemt("tokenizer", "encode", "--model", model, "--ids", *plain, input=text,
                 encoding=None).stdout
    encoded = ids.decode().split("\n")[:-1]
    assert encoded == [" ".join(map(str, processor.encode(as_read(line).decode())))
                       if as_read(line).decode().strip() else "" for line in lines]
    pieces = wavemt("tokenizer", "encode", "--model", model, input=text, encoding=None).stdout
    assert pieces.count(b"\n") == len(lines)
    decoded = wavemt("tokenizer", "decode", "--model", model, "--ids", input=ids,
                     encoding=None).stdout
    assert decoded.decode().split("\n")[:-1] == \
        [processor.decode([int(word) for word in line.split()]) for line in encoded]


def test_tokenizer_decodes_any_ids_to_one_line(tiny_run):
    """Ids can spell a line feed, which no line could hold."""
    model = tiny_run / "tokenizer.model"
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    generator = random.Random(5)
    vocabulary = range(processor.vocab_size())
    feed = processor.piece_to_id("<0x0A>")
    lines = [[feed], [feed, feed], [generator.choice(vocabulary), feed]]
    lines += [generator.choices(vocabulary, k=generator.randint(0, 9)) for _ in range(5_000)]
    output = wavemt("tokenizer", "decode", "--model", model, "--ids", encoding=None, input="".join(
        " ".join(map(str, line)) + "\n" for line in lines).encode()).stdout
    assert output.decode().split("\n")[:-1] == \
        [processor.decode(line).replace("\n", " ") for line in lines]
    pieces = "".join(" ".join(map(processor.id_to_piece, line)) + "\n" for line in lines)
    output = wavemt("tokenizer", "decode", "--model", model, input=pieces.encode(),
                    encoding=None).stdout
    assert output.count(b"\n") == len(lines)


def test_metrics(tmp_path):
    """A score a line, and a line that is not UTF-8 by its number."""
    texts = {side: HostileText(seed).lines(min(LINES, 100_000))
             for side, seed in (("hypotheses", 6), ("references", 7))}
    for side, lines in texts.items():
        (tmp_path / side).write_bytes(b"".join(line + b"\n" for line in lines))
    command = ["metrics", tmp_path / "hypotheses", tmp_path / "references", "--sentence-level",
               "--score-only"]
    for metric in ("bleu", "chrf"):
        scores = wavemt(*command, "--metrics", metric).stdout.split("\n")
        assert scores.pop() == "" and len(scores) == len(texts["hypotheses"])
    texts["references"][5_000] = b"\xed\xa0\x80"
    (tmp_path / "references").write_bytes(b"".join(line + b"\n" for line in texts["references"]))
    result = wavemt(*command, check=False)
    assert result.returncode == 2
    assert result.stderr.endswith(
        f"error: {tmp_path}/references: line 5001: invalid UTF-8 at byte 1 of the line\n")


def test_evaluate(tiny_run, tmp_path):
    lines = HostileText(8).lines(min(LINES, 20_000))
    (tmp_path / "source").write_bytes(b"".join(line + b"\n" for line in lines))
    wavemt("evaluate", tiny_run, *QUICK, "--source", tmp_path / "source", "--reference",
           tmp_path / "source", "--output", tmp_path / "output")
    output = (tmp_path / "output").read_bytes()
    check_output(output)
    check_alignment(lines, output.split(b"\n")[:-1])


def test_the_corpus_reader_keeps_every_pair(tiny_run, corpus, tmp_path):
    """As many pairs as lines, and as many blank ones as there are."""
    sides = {side: HostileText(seed).lines(LINES) for side, seed in (("source", 9), ("target", 10))}
    for side, lines in sides.items():
        (tmp_path / side).write_bytes(b"".join(line + b"\n" for line in lines))
    config = write_config(
        tmp_path / "config.json", corpus,
        data={"train": {side: str(tmp_path / side) for side in sides}},
        tokenizer={"model": str(tiny_run / "tokenizer.model"), "byte_fallback": True})
    said = wavemt("train", config, "--dry-run", "--device", "cpu", "--set",
                  f"data.cache_dir={tmp_path}/cache", timeout=3600).stderr
    blank = sum(is_blank(source) or is_blank(target) for source, target in
                zip(sides["source"], sides["target"]))
    assert f"info: data.train: {LINES:,} pairs: " in said
    assert f" used, {blank:,} skipped with a blank side" in said
    report("hostile pairs of lines read as a corpus", LINES)
