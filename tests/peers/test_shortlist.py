"""Shortlists against NLTK's IBM Model 1, which we did not write."""
import json

import sentencepiece
from conftest import wavemt
from nltk.translate import AlignedSent, IBMModel1


def test_a_shortlist_holds_the_likeliest_of_ibm_model_1(own_run, corpus, tmp_path):
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(own_run / "tokenizer.model"))
    lines = zip(*((corpus / f"train.{side}").read_text("utf8").split("\n")[:-1] for side in ("en", "zh")), strict=True)
    # NLTK counts the token that stands twice in a target twice where it divides, unlike the paper.
    lines = [pair for pair in lines if len(set(pieces.encode(pair[1]))) == len(pieces.encode(pair[1]))]
    pairs = [tuple(map(pieces.encode, pair)) for pair in lines]
    assert len(pairs) > 100 and max(len(side) for pair in pairs for side in pair) <= 60
    config = json.loads((own_run / "config.json").read_text())
    for i, side in enumerate(("source", "target")):
        (tmp_path / side).write_text("".join(pair[i] + "\n" for pair in lines), "utf8")
        config["data"]["train"][side] = str(tmp_path / side)
    (own_run / "config.json").write_text(json.dumps(config))
    (own_run / "checksums.json").unlink()  # Which refuses a config that was edited.
    wavemt("shortlist", own_run, "--output", tmp_path / "list", "--per-token", "4", "--frequent", "3")
    header, frequent, *lists = (tmp_path / "list").read_text().splitlines()
    size = pieces.get_piece_size()
    assert header.startswith(f"wavemt-shortlist 1 source {size} target {size} ") and len(lists) == size
    # NLTK translates from the second side of a pair to the first.
    model = IBMModel1([AlignedSent(target, source) for source, target in pairs], 4)
    checked = 0
    for source, ids in enumerate(lists):
        ours = set(map(int, ids.split())) - {source}  # A piece may always stand for itself.
        probabilities = {target: row[source] for target, row in model.translation_table.items()
                         if row.get(source, 0) >= 1e-4}
        if not probabilities:
            assert not ours
            continue
        assert ours <= set(probabilities)
        likeliest = sorted(probabilities.values(), reverse=True)[:4]
        assert min((probabilities[t] for t in ours), default=1) >= likeliest[-1] * 0.999
        assert len(ours) >= len(likeliest) - 1
        checked += 1
    assert checked > 50
    counts = {}
    for _, target in pairs:
        for token in target:
            counts[token] = counts.get(token, 0) + 1
    third = sorted(counts.values(), reverse=True)[2]
    chosen = set(map(int, frequent.split())) - {pieces.eos_id()}
    assert len(chosen) == 3 and all(counts[token] >= third for token in chosen)
