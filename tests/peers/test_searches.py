"""Searches with limits, scores and attention against transformers and CTranslate2, which we did not
write."""
import json
import sys

import ctranslate2
import pytest
import sentencepiece
import torch
from conftest import ENVIRONMENT, ROOT, wavemt
from test_interchange import SETTINGS, assert_same, exported, generate, lines, runs  # noqa: F401
from transformers import AutoModelForSeq2SeqLM

MODEL = "post-untied"


def objects(run, lines, *options):
    output = wavemt("translate", run, *SETTINGS, "--json", *options, input="\n".join(lines) + "\n")
    return [json.loads(line) for line in output.stdout.splitlines()]


def texts(run, lines, beam, *options):
    return [line["text"].strip() for line in objects(run, lines, "--beam-size", str(beam), *options)]


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize(("options", "settings"), [
    (("--no-repeat-ngram-size", "2"), {"no_repeat_ngram_size": 2}),
    (("--no-repeat-ngram-size", "1"), {"no_repeat_ngram_size": 1}),
    (("--min-output-length", "17"), {"min_new_tokens": 17}),
], ids=["pairs", "tokens", "shortest"])
def test_limits(runs, exported, lines, beam, options, settings):  # noqa: F811
    found = texts(runs(MODEL), lines, beam, *options)
    assert_same(generate(exported(MODEL), lines, beam, **settings), found)
    assert found != texts(runs(MODEL), lines, beam)


@pytest.mark.parametrize("beam", [1, 4])
def test_target_prefixes(runs, exported, lines, tmp_path, beam):  # noqa: F811
    prefix = "我们"
    (tmp_path / "prefixes").write_text((prefix + "\n") * len(lines), "utf8")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(runs(MODEL) / "tokenizer.model"))
    start = AutoModelForSeq2SeqLM.from_pretrained(exported(MODEL)).config.decoder_start_token_id
    vocabulary = json.loads((exported(MODEL) / "vocab.json").read_text())
    ids = [start, *(vocabulary[piece] for piece in pieces.encode(prefix, out_type=str))]
    theirs = generate(exported(MODEL), lines, beam,
                      decoder_input_ids=torch.tensor([ids] * len(lines)))
    assert_same(theirs, texts(runs(MODEL), lines, beam, "--target-prefix", tmp_path / "prefixes"),
                distinct=20)


def test_alignments_are_the_greatest_attention(runs, exported, lines):  # noqa: F811
    model = AutoModelForSeq2SeqLM.from_pretrained(exported(MODEL), attn_implementation="eager").eval()
    vocabulary = json.loads((exported(MODEL) / "vocab.json").read_text())
    compared = 0
    for line in objects(runs(MODEL), lines[:20]):
        source = [vocabulary[piece] for piece in (*line["source_pieces"], "</s>")]
        target = [model.config.decoder_start_token_id, *(vocabulary[p] for p in line["pieces"])]
        with torch.inference_mode():
            output = model(input_ids=torch.tensor([source]), output_attentions=True,
                           decoder_input_ids=torch.tensor([target]))
        attention = output.cross_attentions[0][0].mean(0)  # [target, source], of the only layer.
        for link, position in line["alignment"]:
            of_pieces = attention[position, :-1]
            assert of_pieces[link].item() == pytest.approx(of_pieces.max().item(), abs=1e-4)
            compared += 1
    assert compared > 100


def test_scores(runs, lines, tmp_path):  # noqa: F811
    wavemt("export", runs(MODEL), tmp_path / "model", "--format", "ctranslate2",
           env=ENVIRONMENT | {"WAVEMT_PYTHON": sys.executable})
    peer = ctranslate2.Translator(str(tmp_path / "model"), intra_threads=1)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(runs(MODEL) / "tokenizer.model"))
    targets = (ROOT / "data/quickstart/train.zh").read_text("utf8").split("\n")[:len(lines)]
    for name, text in (("en", lines), ("zh", targets)):
        (tmp_path / name).write_text("\n".join(text) + "\n", "utf8")
    output = wavemt("score", runs(MODEL), "--source", tmp_path / "en", "--target", tmp_path / "zh",
                    "--json").stdout
    expected = peer.score_batch(pieces.encode(lines, out_type=str),
                                pieces.encode(targets, out_type=str))
    for line, result in zip(output.splitlines(), expected, strict=True):
        scored = json.loads(line)
        assert scored["pieces"] == result.tokens[:len(scored["pieces"])]
        assert [*scored["piece_log_probabilities"], scored["end_log_probability"]] == \
            pytest.approx(result.log_probs, abs=1e-4)
