"""What a training run leaves on the disk, whatever form its corpus and its vocabulary have."""
import gzip
import json
import math
import os
import re
import shutil

import pytest
import sentencepiece
from conftest import ROOT, SMALL_MODEL, metrics_of, pointed, wavemt, write_config


def names(folder):
    return {path.name for path in folder.iterdir()}


def train(folder, config, *options):
    wavemt("train", config, "--run-dir", folder, "--device", "cpu", *options)
    return folder


def last_weights(run):
    return (pointed(run, "latest") / "model.safetensors").read_bytes()


def test_layout(run):
    assert names(run) == {"config.json", "corpus.json", "tokenizer.model", "checksums.json",
                          "metrics.jsonl", "samples.jsonl", "starts.jsonl", "tensorboard",
                          "checkpoints"}
    [start] = [json.loads(line) for line in (run / "starts.jsonl").read_text("utf8").splitlines()]
    assert start["step"] == 0 and start["processes"] == 1 and start["device"].startswith("cpu, ")
    version = wavemt("--version").stdout.split()
    assert {start["wavemt"], start["commit"], start["libtorch"]} <= set(version)
    assert names(run / "checkpoints") == {"step-00000010", "step-00000020", "latest", "best"}
    for checkpoint in (run / "checkpoints").glob("step-*"):
        assert names(checkpoint) == {"model.safetensors", "optimizer.safetensors", "state.json",
                                     "manifest.json"}
        assert f"step-{json.loads((checkpoint / 'state.json').read_text())['step']:08}" == \
            checkpoint.name
    assert len(list((run / "tensorboard").glob("events.out.tfevents.*"))) == 1
    assert (run / "checkpoints/latest").read_text() == "step-00000020\n"


def test_best_is_the_best_of_the_validations(trained_run):
    scores = {line["step"]: line["valid/bleu"] for line in metrics_of(trained_run)
              if "valid/bleu" in line}
    assert sorted(scores) == [80, 160, 240]
    best = max(scores, key=scores.get)
    assert pointed(trained_run, "best").name == f"step-{best:08}"
    state = json.loads((pointed(trained_run, "latest") / "state.json").read_text())
    assert (state["best_step"], state["best_score"]) == (best, scores[best])


def schema_defaults(schema):
    """The config that holds nothing but defaults."""
    shapes = {key: value.get("oneOf", [value])[0] for key, value in schema["properties"].items()}
    return {key: schema_defaults(shape) if "properties" in shape
            else schema["properties"][key]["default"]
            for key, shape in shapes.items() if key != "$schema"}


def differences(config, other, prefix=""):
    """Keys with different values."""
    keys = {prefix + key for key in config.keys() ^ other.keys()}
    for key in config.keys() & other.keys():
        if isinstance(config[key], dict):
            keys |= differences(config[key], other[key], f"{prefix}{key}.")
        elif config[key] != other[key]:
            keys.add(prefix + key)
    return keys


def test_config_holds_every_key_and_absolute_paths(corpus, tmp_path):
    shutil.copytree(corpus, tmp_path / "corpus")
    given = {"data": {"train": {"source": "corpus/valid.en", "target": "corpus/valid.zh"},
                      "max_length": 60},
             "tokenizer": {"vocab_size": 200, "byte_fallback": False},
             "model": SMALL_MODEL, "training": {"max_steps": 1, "batch_tokens": 256}}
    (tmp_path / "given.json").write_text(json.dumps(given))
    (tmp_path / "elsewhere").mkdir()
    wavemt("train", "../given.json", "--run-dir", "run", "--device", "cpu",
           cwd=tmp_path / "elsewhere")
    run = tmp_path / "elsewhere/run"
    config = json.loads((run / "config.json").read_text())
    train = config["data"]["train"]
    assert train["source"] == [f"{tmp_path}/corpus/valid.en"]
    assert train["target"] == [f"{tmp_path}/corpus/valid.zh"]
    assert config["run_dir"] == str(run)
    defaults = schema_defaults(json.loads(wavemt("config", "schema").stdout))
    assert differences(config, defaults) == {
        "run_dir", "data.train.source", "data.train.target", "data.max_length",
        "tokenizer.vocab_size", "tokenizer.byte_fallback", "model.d_model", "model.num_heads",
        "model.ffn_dim", "model.num_encoder_layers", "model.num_decoder_layers",
        "model.position_encoding.max_length", "training.max_steps", "training.batch_tokens"}


def test_run_dir_is_named_after_the_config(corpus, tmp_path):
    write_config(tmp_path / "small.json", corpus, training={"max_steps": 1})
    wavemt("train", "small.json", "--device", "cpu", cwd=tmp_path)
    assert names(tmp_path / "runs") == {"small"}
    assert (tmp_path / "runs/small/checkpoints/step-00000001").is_dir()


def test_run_dir_of_the_config_is_relative_to_the_current_folder(corpus, tmp_path):
    (tmp_path / "configs").mkdir()
    write_config(tmp_path / "configs/small.json", corpus, run_dir="here/run",
                 training={"max_steps": 1})
    wavemt("train", "configs/small.json", "--device", "cpu", cwd=tmp_path)
    assert names(tmp_path) == {"configs", "here"}
    assert names(tmp_path / "here") == {"run"}


def test_metrics(run):
    lines = metrics_of(run)
    logged = [line for line in lines if "loss" in line]
    validated = [line for line in lines if "valid/loss" in line]
    assert [line["step"] for line in logged] == [5, 10, 15, 20]
    assert [line["step"] for line in validated] == [10, 20]
    assert len(lines) == len(logged) + len(validated)
    for line in logged:
        assert line.keys() == {"step", "epoch", "loss", "lr", "gradient_norm", "skipped_steps",
                               "tokens_per_second", "seconds_per_step"}
        assert line["skipped_steps"] == 0
        assert line["tokens_per_second"] > 0 and line["seconds_per_step"] > 0
    for line in validated:
        assert line.keys() >= {"step", "epoch", "valid/loss", "valid/perplexity", "valid/bleu",
                               "valid/bleu_signature"}
        assert math.isclose(line["valid/perplexity"], math.exp(line["valid/loss"]))
        assert line["valid/bleu_signature"] == \
            "nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp|version:2.6.0"
    # Warm-up to 0.001 in 10 steps, then the inverse square root.
    rates = [0.0005, 0.001, 0.001 * math.sqrt(10 / 15), 0.001 * math.sqrt(10 / 20)]
    assert [line["lr"] for line in logged] == pytest.approx(rates)
    assert logged[-1]["loss"] < logged[0]["loss"]


@pytest.mark.parametrize("keep_last, kept", [(1, {6, 10}), (2, {6, 8, 10})])
def test_keep_last_keeps_the_best_as_well(corpus, tmp_path, keep_last, kept):
    # Step 6 is the only one that is validated.
    run = train(tmp_path / "run", write_config(
        tmp_path / "config.json", corpus,
        training={"max_steps": 6, "save_every": 2, "validate_every": 6, "log_every": 100,
                  "keep_last": keep_last, "best_metric": "loss"}))
    wavemt("resume", run, "--device", "cpu", "--set", "training.max_steps=10",
           "--set", "training.validate_every=0")
    assert names(run / "checkpoints") == {"latest", "best"} | {f"step-{n:08}" for n in kept}
    assert pointed(run, "best").name == "step-00000006"


def test_training_without_validation_text(corpus, tmp_path):
    config = json.loads(write_config(tmp_path / "config.json", corpus).read_text())
    del config["data"]["valid"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    run = train(tmp_path / "run", tmp_path / "config.json")
    assert all("valid/loss" not in line for line in metrics_of(run))
    assert names(run / "checkpoints") == {"step-00000010", "step-00000020", "latest"}
    # Without a best checkpoint, the newest one translates.
    text = "She has two cats.\n"
    assert wavemt("translate", run, input=text).stdout == \
        wavemt("translate", run / "checkpoints/latest", input=text).stdout


def test_one_vocabulary_a_side(corpus, tmp_path):
    run = train(tmp_path / "run", write_config(
        tmp_path / "config.json", corpus, tokenizer={"shared": False, "vocab_size": 320},
        model={"tied_embeddings": "decoder"}, training={"max_steps": 10}))
    assert {"source.model", "target.model"} <= names(run)
    assert "tokenizer.model" not in names(run)
    source, target = (sentencepiece.SentencePieceProcessor(model_file=str(run / f"{side}.model"))
                      for side in ("source", "target"))
    # Each knows its own language and not the other.
    assert source.unk_id() not in source.encode("The teacher has a dog.")
    assert source.unk_id() in source.encode("老师")
    assert target.unk_id() not in target.encode("他是老师。")
    inspected = json.loads(wavemt("inspect", run, "--json").stdout)
    assert (inspected["source_vocabulary"], inspected["target_vocabulary"]) == (320, 320)
    assert wavemt("translate", run, input="One.\nTwo.\n").stdout.count("\n") == 2
    wavemt("resume", run, "--set", "training.max_steps=12", "--device", "cpu")
    assert pointed(run, "latest").name == "step-00000012"


def test_given_vocabulary_is_copied_and_used(corpus, run, tmp_path):
    """The run with a vocabulary trained before is the run that trained it."""
    shutil.copy(run / "tokenizer.model", tmp_path / "mine.model")
    given = train(tmp_path / "run", write_config(tmp_path / "config.json", corpus,
                                                 tokenizer={"model": "mine.model"}))
    assert (given / "tokenizer.model").read_bytes() == (run / "tokenizer.model").read_bytes()
    assert last_weights(given) == last_weights(run)
    (tmp_path / "mine.model").unlink()
    wavemt("resume", given, "--set", "training.max_steps=21", "--device", "cpu")


def as_tsv(corpus, folder):
    pairs = zip((corpus / "train.en").read_text().splitlines(),
                (corpus / "train.zh").read_text().splitlines())
    (folder / "train.tsv").write_text("".join(f"{en}\t{zh}\n" for en, zh in pairs))
    return {"tsv": "train.tsv", "source": [], "target": []}


def as_gzip(corpus, folder):
    for language in ("en", "zh"):
        (folder / f"train.{language}.gz").write_bytes(
            gzip.compress((corpus / f"train.{language}").read_bytes()))
    return {"source": "train.en.gz", "target": "train.zh.gz"}


def as_several_files(corpus, folder):
    for language in ("en", "zh"):
        lines = (corpus / f"train.{language}").read_text().splitlines(keepends=True)
        (folder / f"1.{language}").write_text("".join(lines[:100]))
        (folder / f"2.{language}.gz").write_bytes(gzip.compress("".join(lines[100:]).encode()))
    return {"source": ["1.en", "2.en.gz"], "target": ["1.zh", "2.zh.gz"]}


def as_crlf(corpus, folder):
    for language in ("en", "zh"):
        text = (corpus / f"train.{language}").read_bytes()
        (folder / f"train.{language}").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    return {"source": "train.en", "target": "train.zh"}


@pytest.mark.parametrize("form", [as_tsv, as_gzip, as_several_files, as_crlf])
def test_form_of_the_corpus_makes_no_difference(corpus, run, tmp_path, form):
    files = form(corpus, tmp_path)
    other = train(tmp_path / "run", write_config(
        tmp_path / "config.json", corpus, data={"train": files, "target_language": "zh"}))
    assert (other / "tokenizer.model").read_bytes() == (run / "tokenizer.model").read_bytes()
    assert last_weights(other) == last_weights(run)


def test_blank_and_long_pairs_are_skipped_and_counted(corpus, run, tmp_path):
    for language in ("en", "zh"):
        text = (corpus / f"train.{language}").read_text()
        extra = {"en": "\nA cat.\n   \n" + "A cat. " * 40 + "\nA dog.\n",
                 "zh": "一只猫。\n\n \n一只猫。\n" + "一只狗。" * 40 + "\n"}[language]
        (tmp_path / f"train.{language}").write_text(text + extra)
    config = write_config(tmp_path / "config.json", corpus,
                          data={"train": {"source": "train.en", "target": "train.zh"}},
                          tokenizer={"model": str(run / "tokenizer.model")})
    said = wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu").stderr
    assert "data.train: 305 pairs: 300 used, 3 skipped with a blank side, 2 skipped over 60 " \
        "tokens\n" in said
    assert last_weights(tmp_path / "run") == last_weights(run)


def test_vocabulary_with_ids_of_its_own(corpus, tmp_path):
    """pad, unk, bos and eos are where the model says, not where ours would put them."""
    sentencepiece.SentencePieceTrainer.train(
        input=[str(corpus / "train.en"), str(corpus / "train.zh")], minloglevel=2,
        model_prefix=str(tmp_path / "own"), vocab_size=400, character_coverage=1.0,
        normalization_rule_name="identity", pad_id=-1, bos_id=-1, unk_id=2, eos_id=0)
    config = write_config(tmp_path / "config.json", corpus, tokenizer={"model": "own.model"},
                          training={"max_steps": 120, "learning_rate": 0.01, "validate_every": 60,
                                    "save_every": 60, "log_every": 20})
    run = train(tmp_path / "run", config)
    losses = [line["loss"] for line in metrics_of(run) if "loss" in line]
    assert losses[-1] < 0.7 * losses[0]
    source = (corpus / "test.en").read_text()
    translations = wavemt("translate", run, input=source).stdout.splitlines()
    assert len(translations) == 20
    # It ends its sentences: it has learned which id is eos.
    assert sum(line.endswith(("。", "？")) for line in translations) >= 10
    assert "⁇" not in "".join(translations)

    half = train(tmp_path / "half", config, "--set", "training.max_steps=60")
    wavemt("resume", half, "--set", "training.max_steps=120", "--device", "cpu")
    assert last_weights(half) == last_weights(run)


def test_one_seed_decides_everything(corpus, run, tmp_path):
    again = train(tmp_path / "again", write_config(tmp_path / "config.json", corpus))
    other = train(tmp_path / "other", write_config(tmp_path / "config.json", corpus, seed=2))
    for name in ("model.safetensors", "optimizer.safetensors"):
        for step in ("step-00000010", "step-00000020"):
            files = [folder / "checkpoints" / step / name for folder in (run, again, other)]
            assert files[0].read_bytes() == files[1].read_bytes()
            assert files[0].read_bytes() != files[2].read_bytes()


def test_max_epochs_and_patience_end_a_run(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus, training={"log_every": 100})
    said = wavemt("train", config, "--run-dir", tmp_path / "epochs", "--device", "cpu",
                  "--set", "training.max_steps=1000", "--set", "training.max_epochs=1").stderr
    about = int(re.search(r"batches: about (\d+) an epoch", said)[1])  # No two are quite alike.
    steps = int(re.search(r"done: training\.max_epochs = 1 reached at step (\d+)", said)[1])
    assert abs(steps - about) <= 2
    latest = pointed(tmp_path / "epochs", "latest")
    assert latest.name == f"step-{steps:08}"
    state = json.loads((latest / "state.json").read_text())
    assert (state["epochs_completed"], state["batch_in_epoch"]) == (1, 0)
    # Without learning, no validation is better than the first.
    said = wavemt("train", config, "--run-dir", tmp_path / "patience", "--device", "cpu",
                  "--set", "training.max_steps=1000", "--set", "training.patience=2",
                  "--set", "training.validate_every=2", "--set", "training.learning_rate=1e-30",
                  "--set", "training.best_metric=loss").stderr
    assert "done: 2 validations without a better one, at step 6" in said
    assert pointed(tmp_path / "patience", "best").name == "step-00000002"


def test_wavemt_data(corpus, tmp_path):
    """${WAVEMT_DATA} in a path, from the environment and, unset, the checkout's data folder."""
    config = json.loads(write_config(tmp_path / "config.json", corpus).read_text())
    config["data"]["train"]["source"] = "${WAVEMT_DATA}/quickstart/train.en"
    (tmp_path / "config.json").write_text(json.dumps(config))
    for value, folder in (("", ROOT / "data"), ("data", tmp_path / "data")):
        shown = wavemt("config", "show", tmp_path / "config.json", cwd=tmp_path,
                       env=os.environ | {"WAVEMT_DATA": value, "OMP_NUM_THREADS": "1"}).stdout
        assert json.loads(shown)["data"]["train"]["source"] == [f"{folder}/quickstart/train.en"]
