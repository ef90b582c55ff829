"""wavemt train --profile: where a training step's time goes."""
import re

import pytest
from conftest import wavemt, write_config

PARTS = {"self-attention", "feed-forward", "cross-attention", "output projection and loss",
         "norms, dropout, residual sums", "other", "embedding", "optimizer", "data"}


def test_the_parts_come_to_the_step(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, model={"dropout": 0.1})
    table = wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu",
                   "--profile").stdout
    assert not (tmp_path / "run").exists()
    step = float(re.search(r"^20 steps of ([\d.]+) ms, [\d,]+ target tokens/s$", table, re.M)[1])
    rows = re.findall(r"^(\S.*?) {2,}([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)%$", table, re.M)
    assert {row[0] for row in rows} == PARTS
    for name, *numbers in rows:
        forward, backward, total, share = map(float, numbers)
        assert total == pytest.approx(forward + backward, abs=0.16), name
        assert share == pytest.approx(100 * total / step, abs=100 * 0.12 / step + 0.1), name
    # But for rounding, nothing is left out and nothing counted twice.
    assert sum(float(row[3]) for row in rows) == pytest.approx(step, abs=0.05 * (len(rows) + 1))
    assert re.search(r"^mm +\d+ +[\d.]+ +[\d.]+%$", table, re.M)
    assert re.search(r"^[\d,]+ page faults a step; processor time [\d.]+ of the clock's", table, re.M)
    assert re.search(r"^matrix products: [\d.]+ GFLOP a step; at this machine's ", table, re.M)
