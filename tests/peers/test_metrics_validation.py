"""The scores that training logs are those of `wavemt evaluate`, and hence sacreBLEU's."""
import json

import pytest
from conftest import wavemt
from real_text import read_lines
from sacrebleu.metrics import BLEU, CHRF, TER


def test_logged_scores_are_sacrebleus(run, corpus, tmp_path):
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    last = [line for line in logged if "valid/bleu" in line][-1]
    output = tmp_path / "translations"
    ours = json.loads(wavemt("evaluate", run / f"checkpoints/step-{last['step']:08}", "--source",
                             corpus / "valid.en", "--reference", corpus / "valid.zh",
                             "--beam-size", 1, "--output", output, "--json", "--device", "cpu",
                             "--metrics", "bleu,chrf,ter").stdout)
    references = read_lines(corpus / "valid.zh")
    for result, metric in zip(ours, (BLEU(tokenize="zh"), CHRF(), TER())):
        expected = metric.corpus_score(read_lines(output), [references])
        assert result["score"] == pytest.approx(expected.score, rel=0, abs=1e-9)
        assert result["signature"] == str(metric.get_signature())
    for key, result in zip(("bleu", "chrf"), ours):
        assert last[f"valid/{key}"] == pytest.approx(result["score"], rel=0, abs=1e-9)
        assert last[f"valid/{key}_signature"] == result["signature"]
