"""scripts/download_corpus.py keeps nothing that is not the corpus it should be."""
import gzip
import hashlib
import os
import subprocess
import sys

from conftest import ROOT


def download(folder, *arguments):
    return subprocess.run(
        [sys.executable, ROOT / "scripts/download_corpus.py", *arguments], text=True,
        capture_output=True, env=os.environ | {"WAVEMT_DATA": str(folder)}, timeout=60)


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
