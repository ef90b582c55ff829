"""TensorBoard's own readers see in the event files what the run's other files say."""
import html
import io
import json
import shutil

import numpy
import pytest
import safetensors.numpy
from markdown import markdown
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_accumulator import (
    EventAccumulator as PluginEventAccumulator)
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.util import tensor_util

from conftest import DIVERGING, train_run, wavemt, write_config

# TensorBoard's tag of each number in metrics.jsonl.
TAGS = {"loss": "train/loss", "lr": "train/lr", "gradient_norm": "train/gradient_norm",
        "tokens_per_second": "train/tokens_per_second", "valid/loss": "valid/loss",
        "valid/perplexity": "valid/perplexity", "valid/bleu": "valid/bleu",
        "valid/chrf": "valid/chrf"}


def scalars_of_metrics(run):
    """{tag: [(step, value)]}"""
    scalars = {}
    for line in (run / "metrics.jsonl").read_text(encoding="utf8").splitlines():
        metrics = json.loads(line)
        for key, tag in TAGS.items():
            if key in metrics:
                scalars.setdefault(tag, []).append((metrics["step"], numpy.float32(metrics[key])))
    return scalars


def scalars_of_tensorboard(run):
    accumulator = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    accumulator.Reload()
    return {tag: [(event.step, numpy.float32(event.value)) for event in accumulator.Scalars(tag)]
            for tag in accumulator.Tags()["scalars"]}


def steps(scalars, tag):
    return [step for step, _ in scalars[tag]]


@pytest.fixture
def own_run(run, tmp_path):
    """A copy of the run that a test may write into."""
    return shutil.copytree(run, tmp_path / "run")


def test_a_run(run):
    scalars = scalars_of_tensorboard(run)
    assert set(scalars) == set(TAGS.values())
    assert steps(scalars, "train/loss") == [5, 10, 15, 20]
    assert steps(scalars, "valid/bleu") == [10, 20]
    assert scalars == scalars_of_metrics(run)


def test_a_run_that_went_on(own_run):
    before = scalars_of_tensorboard(own_run)
    wavemt("resume", own_run, "--set", "training.max_steps=30", "--device", "cpu")
    scalars = scalars_of_tensorboard(own_run)
    assert steps(scalars, "train/loss") == [5, 10, 15, 20, 25, 30]
    assert scalars["train/loss"][:4] == before["train/loss"]
    assert scalars == scalars_of_metrics(own_run)


def test_a_run_that_went_on_from_an_older_checkpoint(own_run):
    """As after a crash: what was logged behind the checkpoint is forgotten, and logged anew."""
    before = scalars_of_metrics(own_run)
    shutil.rmtree(own_run / "checkpoints/step-00000020")
    wavemt("resume", own_run, "--device", "cpu")
    scalars = scalars_of_tensorboard(own_run)
    assert steps(scalars, "train/loss") == [5, 10, 15, 20]
    assert steps(scalars, "valid/loss") == [10, 20]
    assert scalars == scalars_of_metrics(own_run)
    for tag in TAGS.values():
        if tag != "train/tokens_per_second":
            assert scalars[tag] == before[tag], tag


def test_a_metric_that_is_no_number(tmp_path, corpus):
    config = write_config(tmp_path / "config.json", corpus,
                          training={"max_steps": 4, "learning_rate": 1e30, "log_every": 1,
                                    "warmup_steps": 0, "validate_every": 0, "clip_norm": 0})
    wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu")
    losses = [value for _, value in scalars_of_tensorboard(tmp_path / "run")["train/loss"]]
    assert len(losses) == 4
    assert not numpy.isfinite(losses).all()


def opened(run):
    """What TensorBoard itself reads: old-style values are already converted to tensors."""
    accumulator = PluginEventAccumulator(str(run / "tensorboard"), tensor_size_guidance={
        plugin: 0 for plugin in ("scalars", "text", "images", "histograms", "hparams")})
    accumulator.Reload()
    return accumulator


def tensors(accumulator, tag):
    """[(step, NumPy array)]"""
    return [(event.step, tensor_util.make_ndarray(event.tensor_proto))
            for event in accumulator.Tensors(tag)]


def hparams(accumulator, tag):
    """The content of one of the tags of the tab HPARAMS."""
    return accumulator.PluginTagToContent(metadata.PLUGIN_NAME)[tag]


def values_of(config, prefix=""):
    """{"training.max_steps": 20}"""
    values = {}
    for key, value in config.items():
        if isinstance(value, dict):
            values |= values_of(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            values[prefix + key] = value
    return values


def test_settings(run):
    """The tab HPARAMS has the run's settings, and asks for its scores."""
    accumulator = opened(run)
    info = metadata.parse_session_start_info_plugin_data(
        hparams(accumulator, metadata.SESSION_START_INFO_TAG))
    shown = {key: getattr(value, value.WhichOneof("kind")) for key, value in info.hparams.items()}
    settings = {key: value for key, value in
                values_of(json.loads((run / "config.json").read_text("utf8"))).items()
                if key in ("seed", "tokenizer.vocab_size") or
                key.startswith(("model.", "training."))}
    assert len(settings) > 30 and shown == settings
    assert info.start_time_secs > 1.7e9
    experiment = metadata.parse_experiment_plugin_data(
        hparams(accumulator, metadata.EXPERIMENT_TAG))
    kinds = {bool: api_pb2.DATA_TYPE_BOOL, str: api_pb2.DATA_TYPE_STRING,
             int: api_pb2.DATA_TYPE_FLOAT64, float: api_pb2.DATA_TYPE_FLOAT64}
    assert {hparam.name: hparam.type for hparam in experiment.hparam_infos} == \
        {key: kinds[type(value)] for key, value in settings.items()}
    assert [metric.name.tag for metric in experiment.metric_infos] == ["valid/bleu", "valid/loss"]
    for metric in experiment.metric_infos:
        assert [step for step, _ in tensors(accumulator, metric.name.tag)] == [10, 20]
    end = metadata.parse_session_end_info_plugin_data(
        hparams(accumulator, metadata.SESSION_END_INFO_TAG))
    assert end.status == api_pb2.STATUS_SUCCESS
    assert end.end_time_secs >= info.start_time_secs


def test_a_run_that_is_not_done_has_no_end(tmp_path, corpus):
    config = write_config(tmp_path / "config.json", corpus, training=DIVERGING)
    result = wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu", check=False)
    assert result.returncode == 1, result.stderr
    tags = opened(tmp_path / "run").PluginTagToContent(metadata.PLUGIN_NAME)
    assert set(tags) == {metadata.EXPERIMENT_TAG, metadata.SESSION_START_INFO_TAG}


def test_the_config_as_text(run):
    [(step, text)] = tensors(opened(run), "config")
    assert step == 0
    assert "".join(line.removeprefix("    ") + "\n" for line in text.item().decode().splitlines()) \
        == (run / "config.json").read_text("utf8")


def test_samples_as_tables(run):
    samples = [json.loads(line)
               for line in (run / "samples.jsonl").read_text("utf8").splitlines()]
    tables = tensors(opened(run), "valid/samples")
    assert [step for step, _ in tables] == [10, 20]
    for step, table in tables:
        assert [cell.decode() for cell in table[0]] == \
            ["**source**", "**reference**", "**translation**"]
        shown = [[as_text(cell.decode()) for cell in row] for row in table[1:]]
        assert shown == [[sample[part] for part in ("source", "reference", "translation")]
                         for sample in samples if sample["step"] == step]


def as_text(cell):
    """What one sees of Markdown that is a single paragraph, or nothing."""
    page = markdown(cell, extensions=["tables", "fenced_code"])
    if not page:
        return ""
    assert page.startswith("<p>") and page.endswith("</p>"), page
    text = page.removeprefix("<p>").removesuffix("</p>")
    assert "<" not in text, page
    return html.unescape(text)


def test_samples_that_look_like_markdown(tmp_path, corpus):
    lines = ["# *no* heading", "- a_b_c `code` [link](x)", "<b>bold</b> & &lt; \\* more",
             "> quoted | cell", "+ one", "==== ~~~", "~~~ code", "12. twelfth", "| a | b |", "a \\. b",
             ": term", "1) one", "![picture](x)", "http://example.org", "\\"]
    for language in ("en", "zh"):
        (tmp_path / f"valid.{language}").write_text("\n".join(lines) + "\n", "utf8")
    run = train_run(tmp_path, corpus, data={"valid": {"source": str(tmp_path / "valid.en"),
                                                      "target": str(tmp_path / "valid.zh")}},
                    training={"validation_samples": len(lines)})
    _, table = tensors(opened(run), "valid/samples")[-1]
    assert [as_text(row[1].decode()) for row in table[1:]] == lines


@pytest.mark.parametrize("positions, size", [
    ("sinusoidal", (32, 60)), ("learned", (32, 60)), ("alibi", (119, 4))])
def test_positions_as_a_picture(tmp_path, corpus, positions, size):
    """Of all positions of the longest sentence: those of a table, or of each head by distance."""
    run = train_run(tmp_path, corpus,
                    model={"position_encoding": {"type": positions}}, training={"max_steps": 1})
    accumulator = EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0})
    accumulator.Reload()
    tags = accumulator.Tags()["images"]
    assert tags and all(tag.startswith("positions/") for tag in tags)
    [image] = accumulator.Images(tags[0])
    picture = Image.open(io.BytesIO(image.encoded_image_string))
    picture.load()
    assert (image.step, picture.mode) == (0, "RGB")
    assert (image.width, image.height) == picture.size == size
    # TensorBoard's own form of it.
    [(_, converted)] = tensors(opened(run), tags[0])
    assert converted.tolist()[:2] == [str(side).encode() for side in size]
    if positions == "sinusoidal":  # The sine of 0 is white, and its cosine red.
        assert picture.getpixel((0, 0)) == (247, 247, 247)
        red, _, blue = picture.getpixel((1, 0))
        assert red > blue


def test_histograms(tmp_path, corpus, run):
    """NumPy counts the same in a checkpoint; the weights are those of a run without histograms."""
    own = train_run(tmp_path, corpus, training={"tensorboard_histograms": 10})
    path = "checkpoints/step-00000020/model.safetensors"
    assert (own / path).read_bytes() == (run / path).read_bytes()
    weights = safetensors.numpy.load_file(own / path)
    accumulator = opened(own)
    tags = accumulator.PluginTagToContent("histograms")
    kinds = {kind: {tag.partition("/")[2] for tag in tags if tag.startswith(kind + "/")}
             for kind in ("weights", "gradients")}
    # All but the table that is computed.
    assert kinds["weights"] == kinds["gradients"] == set(weights) - {"position_encoding.pe"}
    for name in kinds["weights"]:
        for kind in ("weights", "gradients"):
            histograms = tensors(accumulator, f"{kind}/{name}")
            assert [step for step, _ in histograms] == [10, 20]
            for _, buckets in histograms:
                left, right, counts = buckets.T
                assert counts.sum() == weights[name].size
                assert (left[1:] == right[:-1]).all() and (left <= right).all()
        numbers = weights[name].astype(numpy.float64)
        left, right, counts = tensors(accumulator, f"weights/{name}")[-1][1].T
        assert (left[0], right[-1]) == (numbers.min(), numbers.max())
        if numbers.min() < numbers.max():
            expected, _ = numpy.histogram(numbers, bins=30)
            # A number on an edge may be rounded to either side.
            assert numpy.abs(numpy.cumsum(counts) - numpy.cumsum(expected)).max() <= 1
