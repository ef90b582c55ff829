#!/usr/bin/env python3
"""Downloads a public corpus into data/ (or $WAVEMT_DATA), where the configs look for it.

usage: scripts/download_corpus.py multi30k|3am-en-zh [--from URL]
Each file appears only after its text has been checked against a checksum. Existing files that pass
the check are kept.
"""
import argparse
import gzip
import hashlib
import http.client
import os
import sys
import urllib.request
import zlib
from pathlib import Path

# The URL of each corpus, the names of its files there, and the SHA-256 of each text.
CORPORA = {
    # Elliott et al. 2016, "Multi30K: Multilingual English-German Image Descriptions".
    "multi30k": {
        "url": "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw",
        "suffix": ".gz",
        "files": {
            "train.en": "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
            "train.de": "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
            "val.en": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
            "val.de": "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
            "test_2016_flickr.en":
                "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
            "test_2016_flickr.de":
                "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
        },
    },
    # Ma et al. 2024, "3AM: An Ambiguity-Aware Multi-Modal Machine Translation Dataset".
    "3am-en-zh": {
        "url": "https://raw.githubusercontent.com/MaxyLee/3AM/"
               "874c30c1c2d5298d26025af34aac4f5bc9fd76b3/data",
        "suffix": "",
        "files": {
            "train.en": "3b839b554de9aa369a199d1f1e42779a3c9c3491a9396c5b5b1a0bbd815db175",
            "train.zh": "ef6664af8f0fdfef14ca55ba832b20a73fdcb2576c2de41913f2c53c2f15708d",
            "val.en": "7143a3ba2e84454b72df30e7248cac15168273c0735d0483360e6b2699e9fabd",
            "val.zh": "4bb831d994db78b14a2a652cfc6baad264d9d16ccdc4b5650092f94e3bc6af7d",
        },
    },
}


def is_good(path, checksum):
    try:
        text = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error):  # Not there, unreadable, cut or damaged.
        return False
    return hashlib.sha256(text).hexdigest() == checksum


def download(url):
    with urllib.request.urlopen(url, timeout=60) as response:
        content = response.read()
    return gzip.decompress(content) if url.endswith(".gz") else content


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", choices=CORPORA)
    parser.add_argument("--from", dest="url", help="another place that holds the same files")
    arguments = parser.parse_args()
    corpus = CORPORA[arguments.corpus]
    data = os.environ.get("WAVEMT_DATA") or Path(__file__).resolve().parent.parent / "data"
    folder = Path(data) / arguments.corpus
    folder.mkdir(parents=True, exist_ok=True)
    for name, checksum in corpus["files"].items():
        path = folder / f"{name}.gz"
        if is_good(path, checksum):
            print(f"{path}: there already")
            continue
        url = f"{arguments.url or corpus['url']}/{name}{corpus['suffix']}"
        try:
            text = download(url)
        except (OSError, EOFError, ValueError, zlib.error, http.client.HTTPException) as error:
            sys.exit(f"{url}: cannot be downloaded: {error}")
        found = hashlib.sha256(text).hexdigest()
        if found != checksum:
            sys.exit(f"{url}: is not the file that was expected: its SHA-256 is {found}")
        unfinished = path.with_suffix(".unfinished")
        with open(unfinished, "wb") as file:
            file.write(gzip.compress(text, mtime=0))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        lines = text.count(b"\n")
        print(f"{path}: {lines} lines")


if __name__ == "__main__":
    main()
