"""scripts/download_corpus.py keeps nothing that is not the corpus it should be."""
import gzip
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys

from conftest import ROOT


def download(folder, *arguments):
    return subprocess.run(
        [sys.executable, ROOT / "scripts/download_corpus.py", *arguments], text=True,
        capture_output=True, env=os.environ | {"WAVEMT_DATA": str(folder)}, timeout=60)


def test_the_files_arrive_and_stay(tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("download", ROOT / "scripts/download_corpus.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    texts = {"train.en": b"A dog.\n" * 3, "train.de": b"Ein Hund.\n" * 3}
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for name, text in texts.items():
        (mirror / f"{name}.gz").write_bytes(gzip.compress(text))
    monkeypatch.setitem(script.CORPORA, "multi30k", {
        "url": f"file://{mirror}", "suffix": ".gz",
        "files": {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}})
    monkeypatch.setenv("WAVEMT_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "argv", ["download_corpus.py", "multi30k"])
    folder = tmp_path / "data/multi30k"
    script.main()
    shutil.rmtree(mirror)
    script.main()
    assert capsys.readouterr().out.splitlines() == \
        [f"{folder}/{name}.gz: 3 lines" for name in texts] + \
        [f"{folder}/{name}.gz: there already" for name in texts]
    assert sorted(path.name for path in folder.iterdir()) == ["train.de.gz", "train.en.gz"]
    for name, text in texts.items():
        assert gzip.decompress((folder / f"{name}.gz").read_bytes()) == text


def test_a_file_with_another_checksum_is_refused(tmp_path):
    (tmp_path / "mirror").mkdir()
    text = b"not the corpus\n"
    (tmp_path / "mirror/train.en.gz").write_bytes(gzip.compress(text))
    result = download(tmp_path / "data", "multi30k", "--from", f"file://{tmp_path}/mirror")
    assert result.returncode != 0
    assert result.stderr == (
        f"file://{tmp_path}/mirror/train.en.gz: is not the file that was expected: its SHA-256 is "
        f"{hashlib.sha256(text).hexdigest()}\n")
    assert list((tmp_path / "data/multi30k").iterdir()) == []


def test_a_mirror_without_the_file_is_named(tmp_path):
    result = download(tmp_path / "data", "3am-en-zh", "--from", f"file://{tmp_path}/mirror")
    assert result.returncode != 0
    assert result.stderr.startswith(f"file://{tmp_path}/mirror/train.en: cannot be downloaded: ")
    assert result.stderr.count("\n") == 1
    assert list((tmp_path / "data/3am-en-zh").iterdir()) == []


def test_a_file_that_is_no_gzip_is_named(tmp_path):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror/train.en.gz").write_bytes(b"<html>Not found</html>")
    result = download(tmp_path / "data", "multi30k", "--from", f"file://{tmp_path}/mirror")
    assert result.returncode != 0
    assert result.stderr.startswith(f"file://{tmp_path}/mirror/train.en.gz: cannot be downloaded: ")
    assert result.stderr.count("\n") == 1


def test_a_place_that_is_no_url_is_named(tmp_path):
    result = download(tmp_path / "data", "multi30k", "--from", str(tmp_path))
    assert result.returncode != 0
    assert result.stderr.startswith(f"{tmp_path}/train.en.gz: cannot be downloaded: ")
    assert result.stderr.count("\n") == 1


def test_a_damaged_file_is_downloaded_anew(tmp_path):
    """Cut short by a power cut, say, or with a bad bit in the middle."""
    (tmp_path / "data/multi30k").mkdir(parents=True)
    whole = gzip.compress(b"A dog.\n" * 1000)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    for damaged in (whole[:-9], bytes(flipped), b"", b"text"):
        (tmp_path / "data/multi30k/train.en.gz").write_bytes(damaged)
        result = download(tmp_path / "data", "multi30k", "--from", f"file://{tmp_path}/mirror")
        assert result.stderr.startswith(
            f"file://{tmp_path}/mirror/train.en.gz: cannot be downloaded: ")
        assert result.stderr.count("\n") == 1
