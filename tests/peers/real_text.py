"""Real text to score, and translations of it that are wrong in known measure."""
import gzip
import os
import random
from pathlib import Path

from conftest import ROOT

# Relative to a folder of corpora: the files whose lines serve as references.
FILES = ("quickstart/test.en", "quickstart/test.zh",
         "multi30k/test_2016_flickr.en.gz", "multi30k/test_2016_flickr.de.gz",
         "3am-en-zh/val.en.gz", "3am-en-zh/val.zh.gz")


def corpora():
    """The paths of those FILES that this machine has; data/quickstart comes with the project."""
    folders = [ROOT / "data", ROOT.parent / "shared"]
    if os.environ.get("WAVEMT_DATA"):
        folders.insert(0, Path(os.environ["WAVEMT_DATA"]).resolve())
    found = [next((folder / name for folder in folders if (folder / name).exists()), None)
             for name in FILES]
    return [path for path in found if path]


def read_lines(path):
    """Lines as sacreBLEU's command line reads them: ended by \\n alone, without trailing space."""
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf8", newline="\n") as file:
        return [line.rstrip() for line in file]


def write_lines(path, lines):
    path.write_bytes("".join(line + "\n" for line in lines).encode("utf8"))
    return path


def tokens_of(line):
    """Words, or characters where a line has hardly any spaces (Chinese), and what joins them."""
    words = line.split(" ")
    return (words, " ") if len(line) < 12 * len(words) else (list(line), "")


def perturb(lines, seed, rate=0.2):
    """Drops, doubles, swaps, replaces and moves words of each line, each with `rate` / 5."""
    rng = random.Random(seed)
    vocabulary = [token for line in rng.sample(lines, min(len(lines), 50))
                  for token in tokens_of(line)[0]]
    changed = []
    for line in lines:
        tokens, joiner = tokens_of(line)
        result = []
        for token in tokens:
            draw = rng.random() / rate * 5
            if draw < 1:
                continue
            if draw < 2:
                result.append(token)
            elif draw < 3 and result:
                result.insert(len(result) - 1, token)
                continue
            elif draw < 4:
                token = rng.choice(vocabulary)
            elif draw < 5:
                result.insert(rng.randint(0, len(result)), token)
                continue
            result.append(token)
        changed.append(joiner.join(result).rstrip())
    return changed
