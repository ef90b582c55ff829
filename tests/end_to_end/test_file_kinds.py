"""Files of another kind than plain UTF-8 text are read, or refused by what they are.

WAVEMT_TORTURE=1 shows every one of them to every command.
"""
import bz2
import gzip
import io
import itertools
import lzma
import shutil
import subprocess
import tarfile
import zipfile

import pytest
from conftest import TORTURE, thinned, wavemt, write_config


def zstd(contents):
    if not shutil.which("zstd"):
        pytest.skip("the program zstd is not installed")
    return subprocess.run(["zstd", "-c"], input=contents, capture_output=True, check=True).stdout


PACKERS = {".gz": gzip.compress, ".zst": zstd, ".xz": lzma.compress, ".bz2": bz2.compress}


def as_zip(contents):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("train.en", contents)
    return file.getvalue()


def as_tar(contents):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("train.en")
        member.size = len(contents)
        archive.addfile(member, io.BytesIO(contents))
    return file.getvalue()


def dry_run(folder, corpus, run, source, target=None):
    """What `train --dry-run` says of the corpus with other files for its training part."""
    config = write_config(folder / "config.json", corpus,
                          tokenizer={"model": str(run / "tokenizer.model")},
                          data={"train": {"source": str(source),
                                          "target": str(target or corpus / "train.zh")}})
    return wavemt("train", config, "--dry-run", "--device", "cpu", check=False)


def refusal(result):
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    return result.stderr.splitlines()[-1].split(" error: ")[1]


@pytest.mark.parametrize("extension", PACKERS)
def test_compressed_corpus_is_read_whatever_its_name(tmp_path, corpus, run, extension):
    """As two members, of which the first ends in the middle of a line."""
    pack = PACKERS[extension]
    for side in ("en", "zh"):
        text = (corpus / f"train.{side}").read_bytes()
        (tmp_path / f"train.{side}").write_bytes(pack(text[:1000]) + pack(text[1000:]))
    shutil.copy(tmp_path / "train.en", tmp_path / f"train.en{extension}")
    plain = dry_run(tmp_path, corpus, run, corpus / "train.en")
    packed = dry_run(tmp_path, corpus, run, tmp_path / f"train.en{extension}",
                     tmp_path / "train.zh")
    said = [line.split(" info: ")[-1] for result in (plain, packed)
            for line in result.stderr.splitlines() if "info: data.train: " in line]
    assert len(said) == 2 and said[0] == said[1] and "300 pairs: " in said[0]


@pytest.mark.parametrize("extension, harm", thinned(itertools.product(
    PACKERS, ["cut", "zeros behind", "changed", "nothing left", "only zeros"]), every=3))
def test_damaged_corpus_is_refused(tmp_path, corpus, run, extension, harm):
    packed = PACKERS[extension]((corpus / "train.en").read_bytes())
    middle = len(packed) // 2
    packed = {"cut": packed[:-5], "zeros behind": packed + bytes(512),
              "changed": packed[:middle] + bytes([packed[middle] ^ 4]) + packed[middle + 1:],
              "nothing left": b"", "only zeros": bytes(len(packed))}[harm]
    path = tmp_path / f"train.en{extension}"
    path.write_bytes(packed)
    message = refusal(dry_run(tmp_path, corpus, run, path))
    assert message.startswith(f"{path}: ")
    assert ": the compressed data is damaged or cut short (" in message


@pytest.mark.parametrize("extension", PACKERS)
def test_compressed_text_comes_through_a_pipe(run, extension):
    result = wavemt("translate", run, "--beam-size", "1", "--device", "cpu", encoding=None,
                    input=PACKERS[extension](b"\n \n") + PACKERS[extension](b"\n"))
    assert result.stdout == b"\n\n\n"


@pytest.mark.parametrize("name, pack, kind", [
    ("train.zip", as_zip, "is a zip archive; unpack it and name the file in it"),
    ("train.tar", as_tar, "is a tar archive; unpack it and name the file in it"),
    ("train.tgz", lambda text: gzip.compress(as_tar(text)),
     "its compressed content is a tar archive; unpack it and name the file in it"),
])
def test_an_archive_is_named(tmp_path, corpus, run, name, pack, kind):
    path = tmp_path / name
    path.write_bytes(pack((corpus / "train.en").read_bytes()))
    assert refusal(dry_run(tmp_path, corpus, run, path)) == f"{path}: {kind}"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("encoding, name", [
    ("utf-16-le", "UTF-16 (little-endian, without a byte order mark)"),
    ("utf-16-be", "UTF-16 (big-endian, without a byte order mark)"),
    ("utf-16", "UTF-16 (little-endian)"),
    ("utf-32-le", "UTF-32 (little-endian, without a byte order mark)"),
    ("utf-32-be", "UTF-32 (big-endian, without a byte order mark)"),
    ("utf-32", "UTF-32 (little-endian)"),
])
def test_utf16_is_named_and_the_advice_is_right(tmp_path, corpus, run, language, encoding, name):
    """Where invalid UTF-8 is refused, and where `translate` would replace it."""
    text = (corpus / f"train.{language}").read_bytes()
    path = tmp_path / "train.en"
    path.write_bytes(text.decode().encode(encoding))
    message = refusal(dry_run(tmp_path, corpus, run, path))
    assert message.startswith(f"{path}: seems to be {name}; make it UTF-8, for example by: iconv ")
    if TORTURE or language == "zh":
        assert refusal(wavemt("translate", run, "--input", path, check=False)) == message
    if TORTURE or language == "en":
        assert refusal(wavemt("metrics", path, corpus / "train.en", check=False)) == message
    if shutil.which("iconv"):
        subprocess.run(message.split(" by: ")[1], shell=True, check=True)
        assert (tmp_path / "train.utf8.en").read_bytes() == text


@pytest.mark.parametrize("change, sentence", [
    (lambda text: text.encode("utf-16"), "seems to be UTF-16 (little-endian); make it UTF-8, "),
    (lambda text: text.encode("utf-16-be"),
     "seems to be UTF-16 (big-endian, without a byte order mark); make it UTF-8, "),
    (lambda text: gzip.compress(text.encode()), "is gzip-compressed; unpack it first with: gzip -d"),
    (lambda text: as_zip(text), "is a zip archive; "),
    (lambda text: ("{\n  // ours\n" + text[1:]).encode(),
     "line 2, column 3: not valid JSON: a comment (//), which JSON does not have; remove it"),
    (lambda text: text.replace('"', "'").encode(),
     "line 1, column 2: not valid JSON: the quote ', which JSON does not have; "),
    (lambda text: (text[:-1] + ",\n}").encode(),
     "line 2, column 1: not valid JSON: a comma with nothing between it and this }; "),
])
def test_a_config_that_is_no_json(tmp_path, corpus, change, sentence):
    path = write_config(tmp_path / "config.json", corpus)
    path.write_bytes(change(path.read_text("utf8")))
    message = refusal(wavemt("config", "check", path, check=False))
    assert message.startswith(f"{path}: {sentence}")


def test_a_config_may_begin_with_a_byte_order_mark(tmp_path, corpus):
    path = write_config(tmp_path / "config.json", corpus)
    wavemt("config", "check", path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    wavemt("config", "check", path)


def test_a_tokenizer_of_another_kind(tmp_path, corpus, run):
    path = tmp_path / "tokenizer.json"
    path.write_text('{"version": "1.0", "model": {}}\n')
    config = write_config(tmp_path / "config.json", corpus, tokenizer={"model": str(path)})
    message = refusal(wavemt("train", config, "--dry-run", "--device", "cpu", check=False))
    assert f"{path}: is not a SentencePiece model; it seems to be JSON, " in message
