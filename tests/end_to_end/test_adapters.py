"""Adapters: LoRA and prefixes, trained beside a model that stays as it is."""
import json
import shutil
import zlib

import numpy
import pytest
from conftest import pointed, state_without_clock, wavemt, without_speeds, write_config
from safetensors.numpy import load_file, save_file

LORA = {"type": "lora", "lora_rank": 4, "lora_dropout": 0.1,
        "lora_projections": ["q_proj", "k_proj", "v_proj", "out_proj", "feed_forward"]}
PREFIX = {"type": "prefix", "prefix_length": 3}
PREFIX_OF_NETWORK = PREFIX | {"prefix_hidden_dim": 8}
TRAINING = {"max_steps": 20, "learning_rate": 0.01, "warmup_steps": 5, "schedule": "constant"}


def write_adapter_config(path, corpus, adapter, **changes):
    training = TRAINING | changes.pop("training", {})
    return write_config(path, corpus, adapter=adapter, training=training, **changes)


@pytest.fixture(scope="module")
def lora(trained_run, corpus, tmp_path_factory):
    """A run that trained LoRA beside trained_run."""
    folder = tmp_path_factory.mktemp("lora")
    config = write_adapter_config(folder / "config.json", corpus, LORA)
    wavemt("train", config, "--run-dir", folder / "run", "--init-from", trained_run)
    return folder / "run"


def sources(corpus):
    return (corpus / "test.en").read_text("utf8")


def translate(corpus, *arguments):
    return wavemt("translate", *arguments, input=sources(corpus)).stdout


def refusal(*arguments, **options):
    result = wavemt(*arguments, check=False, **options)
    assert result.returncode == 2, result.stderr
    return result.stderr


@pytest.mark.parametrize("adapter", [LORA, PREFIX, PREFIX_OF_NETWORK])
def test_only_the_adapter_is_trained_and_saved(trained_run, corpus, tmp_path, adapter):
    files = {file: file.read_bytes() for file in trained_run.rglob("*") if file.is_file()}
    config = write_adapter_config(tmp_path / "config.json", corpus, adapter)
    run = tmp_path / "run"
    said = wavemt("train", config, "--run-dir", run, "--init-from", trained_run).stderr
    assert " of them trained, " in said
    assert files == {file: file.read_bytes() for file in trained_run.rglob("*") if file.is_file()}
    last, base = pointed(run, "latest"), pointed(trained_run, "best")
    assert not (last / "model.safetensors").exists()
    weights = load_file(last / "adapter.safetensors")
    assert weights and all(".lora_" in name or ".prefix." in name for name in weights)
    moments = load_file(last / "optimizer.safetensors")
    assert {name.removeprefix("exp_avg.").removeprefix("exp_avg_sq.") for name in moments} == \
        set(weights)
    info = json.loads((last / "adapter.json").read_text())
    assert info["base"]["checkpoint"] == str(base)
    assert info["base"]["crc32"] == f"{zlib.crc32((base / 'model.safetensors').read_bytes()):08x}"
    assert info["adapter"]["type"] == adapter["type"]
    # Each weight is trained: those of LoRA's second matrix began as zeros.
    assert all(tensor.any() for tensor in weights.values())
    text = wavemt("inspect", run).stdout
    assert str(base) in text and adapter["type"] in text
    described = json.loads(wavemt("inspect", run, "--json").stdout)
    assert described["weights"] == sum(tensor.size for tensor in weights.values())
    # The run translates by itself, its base with it, and a copy of its two files.
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("adapter.safetensors", "adapter.json"):
        shutil.copy(pointed(run, "best") / name, copy)
    by_itself = translate(corpus, run)
    assert by_itself != translate(corpus, trained_run)
    for name in (run, pointed(run, "best"), copy, copy / "adapter.safetensors"):
        assert translate(corpus, trained_run, "--adapter", name) == by_itself, name
    score = json.loads(wavemt("evaluate", run, "--json").stdout)
    assert json.loads(wavemt("evaluate", trained_run, "--adapter", copy, "--json").stdout) == score


@pytest.mark.parametrize("adapter", [LORA, PREFIX_OF_NETWORK])
@pytest.mark.parametrize("settings", [
    {"gradient_accumulation": 2}, {"ema_decay": 0.9}, {"precision": "bf16"}])
def test_resume_is_exact(trained_run, corpus, tmp_path, adapter, settings):
    config = write_adapter_config(tmp_path / "config.json", corpus, adapter, training=settings,
                                  model={"dropout": 0.1})
    for name, first in (("whole", 20), ("halves", 10)):
        wavemt("train", config, "--run-dir", tmp_path / name, "--init-from", trained_run,
               "--set", f"training.max_steps={first}")
    wavemt("resume", tmp_path / "halves", "--set", "training.max_steps=20")
    whole, halves = (pointed(tmp_path / name, "latest") for name in ("whole", "halves"))
    for name in ("adapter.safetensors", "optimizer.safetensors", "adapter.json"):
        assert (whole / name).read_bytes() == (halves / name).read_bytes(), name
    assert state_without_clock(whole) == state_without_clock(halves)
    assert without_speeds(tmp_path / "whole") == without_speeds(tmp_path / "halves")


@pytest.mark.parametrize("encoding", ["rotary", "alibi", "relative", "t5", "learned"])
@pytest.mark.parametrize("adapter", [LORA, PREFIX])
def test_it_goes_with_every_position_encoding(corpus, tmp_path, adapter, encoding):
    model = {"position_encoding": {"type": encoding}}
    base = write_config(tmp_path / "base.json", corpus, model=model, training={"max_steps": 10})
    wavemt("train", base, "--run-dir", tmp_path / "base")
    config = write_adapter_config(tmp_path / "config.json", corpus, adapter, model=model,
                                  training={"max_steps": 10})
    wavemt("train", config, "--run-dir", tmp_path / "run", "--init-from", tmp_path / "base")
    assert translate(corpus, tmp_path / "run").count("\n") == sources(corpus).count("\n")


def test_merged_weights_are_base_plus_adapter(lora, trained_run, corpus, tmp_path):
    merged = tmp_path / "merged"
    said = wavemt("merge", lora, "--output", merged).stderr
    assert "a model with the adapter in its weights" in said
    wavemt("merge", trained_run, "--adapter", lora, "--output", tmp_path / "same")
    best = pointed(lora, "best")
    weights, same = (load_file(next(folder.glob("checkpoints/*/model.safetensors")))
                     for folder in (merged, tmp_path / "same"))
    base = load_file(pointed(trained_run, "best") / "model.safetensors")
    adapter = load_file(best / "adapter.safetensors")
    assert weights.keys() == base.keys()
    scale = 16.0 / LORA["lora_rank"]
    blocks = {"qkv_proj": ["q_proj", "k_proj", "v_proj"], "kv_proj": ["k_proj", "v_proj"],
              "q_proj": ["q_proj"], "out_proj": ["out_proj"], "in_proj": ["feed_forward"]}
    changed = 0
    for name, weight in base.items():
        assert numpy.array_equal(weights[name], same[name])
        expected = weight.astype("f8")
        layer, _, kind = name.rpartition(".")
        module = layer.rpartition(".")[2]
        if kind == "weight" and module in blocks and "attention" in layer or "feed_forward" in layer \
                and kind == "weight" and module in ("in_proj", "out_proj"):
            parts = ["feed_forward"] if "feed_forward" in layer else blocks[module]
            change = numpy.concatenate([
                adapter[f"{layer}.lora_{part}_b"].astype("f8") @ adapter[f"{layer}.lora_{part}_a"]
                for part in parts])
            expected = expected + scale * change
            changed += 1
        assert numpy.allclose(weights[name], expected, atol=1e-6), name
    assert changed == 2 + 2 + 5 + 2  # Of the encoder's and the decoder's layer.
    assert translate(corpus, merged) == translate(corpus, lora)
    # The merged model is a model like any other.
    config = write_config(tmp_path / "config.json", corpus, training={"max_steps": 1})
    wavemt("train", config, "--run-dir", tmp_path / "next", "--init-from", merged)


def test_what_is_wrong_is_said(lora, trained_run, own_run, corpus, tmp_path):
    config = write_adapter_config(tmp_path / "config.json", corpus, LORA)
    no_base = refusal("train", config, "--run-dir", tmp_path / "no")
    assert "adapter.type: lora trains a small part beside a model that exists" in no_base
    wavemt("train", write_config(tmp_path / "new.json", corpus, training={"max_steps": 2}),
           "--run-dir", tmp_path / "other")
    text = refusal("translate", tmp_path / "other", "--adapter", lora, input="a")
    assert "is an adapter for another model than" in text and "checksum" in text
    assert "is a whole model, not an adapter" in \
        refusal("translate", trained_run, "--adapter", trained_run, input="a")
    assert "is an adapter itself" in refusal("translate", lora, "--adapter", lora, input="a")
    assert "--adapter: is empty" in \
        refusal("translate", trained_run, "--adapter", "", input="a").replace("'", "")
    assert "no such adapter" in refusal("translate", trained_run, "--adapter", "nowhere", input="a")
    weights = tmp_path / "w.safetensors"
    save_file({"a": numpy.zeros(1, "f4")}, weights)
    assert "is no adapter" in refusal("translate", trained_run, "--adapter", weights, input="a")
    assert "has no adapter to merge" in refusal("merge", trained_run, "--output", tmp_path / "m")
    assert "holds an adapter, not a model; make it one first: wavemt merge" in \
        refusal("average", lora, "--output", tmp_path / "m")
    assert "holds an adapter, not a model" in \
        refusal("train", tmp_path / "new.json", "--init-from", lora, "--run-dir", tmp_path / "m")
    prefix = write_adapter_config(tmp_path / "prefix.json", corpus, PREFIX,
                                  training={"max_steps": 1})
    wavemt("train", prefix, "--run-dir", tmp_path / "prefix", "--init-from", trained_run)
    assert "is a prefix, which cannot be made part of the weights" in \
        refusal("merge", tmp_path / "prefix", "--output", tmp_path / "m")
    assert "is a prefix, which other programs' formats cannot hold" in \
        refusal("export", tmp_path / "prefix", tmp_path / "m", "--format", "huggingface")
    assert not (tmp_path / "m").exists()
    for setting, reason in (
            ("adapter.lora_rank=0", "it must be at least 1"),
            ("adapter.lora_projections=[]", "must name at least one projection"),
            ("adapter.prefix_length=4", "counts only if adapter.type is prefix"),
            ('training.freeze=["encoder"]', "does not go with adapter.type = lora"),
            ("training.anchor=1", "does not go with adapter.type = lora"),
            ("model.ffn_dim=32", "an adapter needs the model as it is")):
        assert reason in refusal("train", config, "--run-dir", tmp_path / "no", "--init-from",
                                 trained_run, "--set", setting), setting
    assert not (tmp_path / "no").exists()


def test_a_base_that_moves_or_changes(own_run, corpus, tmp_path):
    config = write_adapter_config(tmp_path / "config.json", corpus, LORA,
                                  training={"max_steps": 10})
    run = tmp_path / "run"
    wavemt("train", config, "--run-dir", run, "--init-from", own_run)
    expected = translate(corpus, run)
    moved = own_run.rename(tmp_path / "moved")
    for arguments in (("translate", run), ("resume", run, "--set", "training.max_steps=20"),
                      ("positions", run)):
        assert "is not there any more" in refusal(*arguments, input="a")
    assert translate(corpus, moved, "--adapter", run) == expected
    wavemt("train", config, "--run-dir", run, "--resume", "--init-from", moved,
           "--set", "training.max_steps=12")
    assert json.loads((pointed(run, "latest") / "adapter.json").read_text())["base"]["checkpoint"] \
        == str(pointed(moved, "best"))
    # Other weights of the same shapes, under a manifest that fits them.
    other = tmp_path / "other.json"
    write_config(other, corpus, seed=5, training={"max_steps": 1},
                 tokenizer={"model": str(moved / "tokenizer.model")})
    wavemt("train", other, "--run-dir", tmp_path / "other")
    best = pointed(moved, "best")
    shutil.rmtree(best)
    shutil.copytree(pointed(tmp_path / "other", "latest"), best)
    newest = pointed(run, "latest")  # The best one may still name the place before the move.
    assert "is an adapter for another model than" in refusal("translate", newest, input="a")
    assert "has other weights than those that the adapter was trained beside" in \
        refusal("train", config, "--run-dir", run, "--resume", "--init-from", best)


def test_resume_needs_no_more_memory_than_train(trained_run, corpus, tmp_path):
    """The base is read again, but its second copy is gone before memory is counted."""
    config = write_adapter_config(tmp_path / "config.json", corpus, LORA,
                                  training={"max_steps": 2})
    wavemt("train", config, "--run-dir", tmp_path / "run", "--init-from", trained_run,
           "--memory-limit", "2GB")
    wavemt("resume", tmp_path / "run", "--set", "training.max_steps=4", "--memory-limit", "2GB")


def test_positions_of_an_adapter_are_those_of_its_base(lora, trained_run):
    of_adapter, of_base = (wavemt("positions", run).stdout.splitlines()
                           for run in (lora, trained_run))
    assert of_adapter[:-1] == of_base[:-1]  # The last line names the checkpoint.


def test_lora_is_exported_with_its_base(lora, tmp_path):
    wavemt("export", lora, tmp_path / "out", "--format", "huggingface")
    wavemt("merge", lora, "--output", tmp_path / "merged")
    wavemt("export", tmp_path / "merged", tmp_path / "same", "--format", "huggingface")
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("out", "same")]
    assert files[0] == files[1]


@pytest.mark.parametrize("damage", [
    "[]", "{", '{"format": "wavemt-adapter", "version": 1}',
    '{"format": "wavemt-adapter", "version": 2}',
    '{"format": "wavemt-adapter", "version": 1, "base": {"checkpoint": 3}}',
    '{"format": "wavemt-adapter", "version": 1, "adapter": {"type": "lora", "lora_rank": -1}, '
    '"base": {"checkpoint": "x", "bytes": 1, "crc32": "0"}}',
    '{"format": "wavemt-adapter", "version": 1, "adapter": {"type": "none"}, '
    '"base": {"checkpoint": "x", "bytes": 1, "crc32": "0"}}'])
def test_a_damaged_description_is_named(lora, trained_run, tmp_path, damage):
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(pointed(lora, "best") / "adapter.safetensors", copy)
    (copy / "adapter.json").write_text(damage)
    text = refusal("translate", trained_run, "--adapter", copy, input="a")
    assert "adapter.json" in text


@pytest.mark.parametrize("name, value", [("lora_rank", 65536), ("lora_rank", 1)])
def test_a_description_that_is_not_true_asks_for_no_memory(lora, trained_run, tmp_path, name, value):
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in ("adapter.safetensors", "adapter.json"):
        shutil.copy(pointed(lora, "best") / file, copy)
    info = json.loads((copy / "adapter.json").read_text())
    info["adapter"][name] = value
    (copy / "adapter.json").write_text(json.dumps(info))
    text = refusal("translate", trained_run, "--adapter", copy, input="a")
    assert f"but adapter.json says that it has {value} rows" in text


def test_damaged_weights_are_named(lora, trained_run, tmp_path):
    copy = shutil.copytree(pointed(lora, "best"), tmp_path / "copy")
    file = copy / "adapter.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[:-1])
    assert "is damaged" in refusal("translate", trained_run, "--adapter", copy, input="a")
    # Without the manifest too, a flipped bit is found.
    (copy / "manifest.json").unlink()
    file.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    assert "adapter.safetensors" in refusal("translate", trained_run, "--adapter", copy, input="a")
    file.write_bytes(data)
    wavemt("translate", trained_run, "--adapter", copy, input="a")
