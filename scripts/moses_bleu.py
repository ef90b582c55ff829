#!/usr/bin/env python3
"""BLEU as papers on Multi30k often measure it: both sides lower-cased and cut into words by the
tokenizer of Moses (here that of the Python package sacremoses), then scored as they are. `wavemt evaluate` and `wavemt metrics` score text as people read
it, with case and the tokenizer of sacreBLEU, which gives other figures; use those to compare
systems, and this to compare with such a paper.

usage: moses_bleu.py TRANSLATIONS REFERENCES LANGUAGE
  files of one sentence a line, the references perhaps compressed with gzip; the language's code: de

Prints the score and sacreBLEU's signature, which does not know of Moses. Needs: pip install sacrebleu sacremoses
"""
import gzip
import sys
import zlib
from pathlib import Path


def fail(message):
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


try:
    from sacrebleu.metrics import BLEU
    from sacremoses import MosesTokenizer
    from sacremoses.corpus import NonbreakingPrefixes
except ImportError as error:
    fail(f"{error}; pip install sacrebleu sacremoses")


def lines_of(path):
    try:
        with open(path, "rb") as file:
            data = file.read()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        lines = data.decode("utf8").split("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        fail(f"{path}: {error}")
    if lines == [""]:
        fail(f"{path}: is empty")
    return lines[:-1] if lines[-1] == "" else lines


def words_of(lines, language):
    tokenizer = MosesTokenizer(lang=language)
    return [tokenizer.tokenize(line.lower(), return_str=True) for line in lines]


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    if sys.argv[3] not in NonbreakingPrefixes().available_langs.values():
        fail(f"{sys.argv[3]}: Moses has no rules for it; give the code of a language, such as de")
    translations, references = (lines_of(path) for path in sys.argv[1:3])
    if len(translations) != len(references):
        fail(f"{sys.argv[1]} has {len(translations)} lines, {sys.argv[2]} has {len(references)}")
    bleu = BLEU(lowercase=True, tokenize="none", force=True)
    score = bleu.corpus_score(words_of(translations, sys.argv[3]),
                              [words_of(references, sys.argv[3])])
    print(f"{score.score:.2f} {bleu.get_signature()}")


if __name__ == "__main__":
    main()
