"""`wavemt tokenizer`: SentencePiece from the shell, the same as SentencePiece's own package."""
import select
import subprocess

import pytest
import sentencepiece
from conftest import ENVIRONMENT, PROGRAM, wavemt

HARD_TEXT = ["", " ", "  two  spaces ", "tab\there", "Crème brûlée, naïve: 100%!", "他是老师。",
             "全角，标点！", "日本語のテキスト", "emoji 🙂 and 👩‍👩‍👧", "no-break\u00a0space",
             "line\u2028separator", "a\rb", "nul\0byte", "▁meta▁", "<s> </s> <unk> <pad>",
             "x" * 1000, "combining e\u0301"]


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def model(request, corpus, tmp_path_factory):
    """A vocabulary with byte fallback on both languages' text."""
    path = tmp_path_factory.mktemp("vocabulary") / f"{request.param}.model"
    wavemt("tokenizer", "train", "--input", corpus / "train.en", corpus / "train.zh", "--output",
           path, "--vocab-size", "700", "--type", request.param)
    return path


@pytest.fixture(scope="module")
def processor(model):
    return sentencepiece.SentencePieceProcessor(model_file=str(model))


def lines_of(command, model, lines, *options):
    """What `wavemt tokenizer COMMAND` makes of each line."""
    result = wavemt("tokenizer", command, "--model", model, *options, encoding=None,
                    input="".join(line + "\n" for line in lines).encode())
    output = result.stdout.decode().split("\n")
    assert output.pop() == ""
    return output


def test_vocabulary_is_as_asked(processor):
    assert processor.vocab_size() == 700
    assert (processor.unk_id(), processor.pad_id(), processor.bos_id(), processor.eos_id()) == \
        (0, 1, 2, 3)
    assert all(processor.is_byte(processor.piece_to_id(f"<0x{byte:02X}>")) for byte in range(256))


def test_training_again_gives_the_same_bytes(model, corpus, tmp_path):
    wavemt("tokenizer", "train", "--input", corpus / "train.en", corpus / "train.zh", "--output",
           tmp_path / "again", "--vocab-size", "700", "--type", model.stem)
    assert (tmp_path / "again").read_bytes() == model.read_bytes()


def test_ids_and_pieces_are_the_packages(model, processor, corpus):
    lines = (corpus / "test.en").read_text().splitlines() + HARD_TEXT
    plain = ("--normalize-whitespace", "false")
    assert lines_of("encode", model, lines, "--ids", *plain) == \
        [" ".join(map(str, processor.encode(line))) for line in lines]
    assert lines_of("encode", model, lines, *plain) == \
        [" ".join(processor.encode(line, out_type=str)) for line in lines]


def test_white_space_is_read_as_in_training(model, processor, tmp_path):
    odd, plain = "A\u00a0cat\u200b\tsat. ", "A cat sat."
    assert lines_of("encode", model, [odd], "--ids") == \
        [" ".join(map(str, processor.encode(plain)))]
    assert lines_of("encode", model, [odd], "--ids", "--normalize-whitespace", "false") != \
        lines_of("encode", model, [plain], "--ids")
    trained = []
    for name, text in (("odd", odd), ("plain", plain)):
        (tmp_path / name).write_text("".join(f"{text} {i} of {i * i}.\n" for i in range(200)), "utf8")
        wavemt("tokenizer", "train", "--input", tmp_path / name, "--output", tmp_path / "model",
               "--vocab-size", "300")
        trained.append((tmp_path / "model").read_bytes())
    assert trained[0] == trained[1]


def test_decoding_is_the_packages(model, processor, corpus):
    lines = (corpus / "test.zh").read_text().splitlines() + HARD_TEXT
    ids = [processor.encode(line) for line in lines]
    decoded = lines_of("decode", model, [" ".join(map(str, line)) for line in ids], "--ids")
    assert decoded == [processor.decode(line) for line in ids]


@pytest.mark.parametrize("options", [[], ["--ids"]], ids=["pieces", "ids"])
def test_there_and_back(model, corpus, options):
    lines = (corpus / "test.en").read_text().splitlines() + \
        (corpus / "test.zh").read_text().splitlines() + \
        ["", "Crème brûlée, naïve: 100%!", "emoji 🙂 and 👩‍👩‍👧", "全角，标点！", "日本語のテキスト"]
    assert lines_of("decode", model, lines_of("encode", model, lines, *options), *options) == lines


def test_files_in_place_of_pipes(model, corpus, tmp_path):
    wavemt("tokenizer", "encode", "--model", model, "--input", corpus / "test.en", "--output",
           tmp_path / "pieces")
    wavemt("tokenizer", "decode", "--model", model, "--input", tmp_path / "pieces", "--output",
           tmp_path / "text")
    assert (tmp_path / "text").read_bytes() == (corpus / "test.en").read_bytes()


@pytest.mark.parametrize("normalization, text", [("identity", "Ａ，！①"), ("nfkc", "A,!1")])
def test_normalization(corpus, tmp_path, normalization, text):
    """identity, the default, keeps the full-width punctuation that Chinese output needs."""
    options = [] if normalization == "identity" else ["--normalization", normalization]
    wavemt("tokenizer", "train", "--input", corpus / "train.zh", "--output", tmp_path / "model",
           "--vocab-size", "600", *options)
    pieces = lines_of("encode", tmp_path / "model", ["Ａ，！①"])
    assert lines_of("decode", tmp_path / "model", pieces) == [text]


def test_without_byte_fallback_unknown_characters_are_unk(corpus, tmp_path):
    wavemt("tokenizer", "train", "--input", corpus / "train.en", "--output", tmp_path / "model",
           "--vocab-size", "300", "--byte-fallback", "false")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "model"))
    assert lines_of("encode", tmp_path / "model", ["a 师 a"], "--ids") == \
        [" ".join(map(str, processor.encode("a 师 a")))]
    assert processor.unk_id() in processor.encode("a 师 a")


def test_a_line_is_answered_before_the_input_ends(model):
    process = subprocess.Popen([str(PROGRAM), "tokenizer", "encode", "--model", str(model)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT)
    process.stdin.write(b"A teacher.\n")
    process.stdin.flush()
    assert select.select([process.stdout], [], [], 120)[0], "no answer while the input is open"
    assert process.stdout.readline().endswith(b"\n")
    assert process.communicate(timeout=60)[0] == b""
