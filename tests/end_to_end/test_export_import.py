"""wavemt export and import: what is refused, and how, and that nothing is left behind then. That the
other programs translate alike: tests/peers/test_interchange.py."""
import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import ENVIRONMENT, wavemt, write_config
from safetensors.numpy import load_file, save_file


@pytest.fixture(scope="module")
def post_run(tmp_path_factory, corpus):
    """The folder of a run with post-norm, which transformers knows as a MarianMTModel."""
    folder = tmp_path_factory.mktemp("post_run")
    config = write_config(folder / "config.json", corpus, model={"layer_norm": "post"},
                          training={"max_steps": 4, "validate_every": 0, "save_every": 4})
    wavemt("train", config, "--run-dir", folder / "run", "--device", "cpu")
    return folder / "run"


@pytest.fixture(scope="module")
def marian(tmp_path_factory, post_run):
    folder = tmp_path_factory.mktemp("marian") / "model"
    wavemt("export", post_run, folder, "--format", "huggingface")
    return folder


@pytest.fixture
def own_marian(marian, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(marian, tmp_path / "model")


def refusal(*arguments, **options):
    result = wavemt(*arguments, check=False, **options)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    return result.stderr


def import_refusal(folder):
    """Of an import, which leaves nothing behind."""
    run = folder.parent / "imported"
    said = refusal("import", folder, "--format", "huggingface", "--run-dir", run)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    return said


@pytest.mark.parametrize("format", ["huggingface", "torch"])
def test_an_export_is_whole_and_names_no_path(post_run, tmp_path, format):
    wavemt("export", post_run, tmp_path / "made/model", "--format", format)
    assert os.listdir(tmp_path / "made") == ["model"]
    for path in (tmp_path / "made/model").iterdir():
        assert str(post_run.parent).encode() not in path.read_bytes(), path


def test_a_folder_that_is_not_empty_stays(post_run, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/mine.txt").write_text("mine")
    said = refusal("export", post_run, tmp_path / "model", "--format", "huggingface")
    assert "model: already exists; name a folder that does not" in said
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "mine.txt"]
    (tmp_path / "empty").mkdir()
    wavemt("export", post_run, tmp_path / "empty", "--format", "huggingface")
    assert (tmp_path / "empty/config.json").exists()


def test_unknown_formats_are_refused(post_run, tmp_path):
    assert "--format" in refusal("export", post_run, tmp_path / "model", "--format", "onnx")
    assert "--format" in refusal("import", tmp_path, "--format", "onnx", "--run-dir", tmp_path / "r")


@pytest.mark.parametrize("changes, format, words", [
    ({"position_encoding": {"type": "rotary"}}, "huggingface",
     "model.position_encoding.type: Hugging Face's PegasusForConditionalGeneration cannot hold "
     "rotary, only sinusoidal"),
    ({"position_encoding": {"type": "alibi"}}, "ctranslate2",
     "model.position_encoding.type: CTranslate2 cannot hold alibi, only sinusoidal and learned"),
    ({"position_encoding": {"type": "learned"}}, "torch",
     "model.position_encoding.type: the script for PyTorch cannot hold learned"),
    ({"activation": "swiglu", "layer_norm": "post"}, "huggingface",
     "model.activation: Hugging Face's MarianMTModel cannot hold swiglu, only relu and gelu and "
     "swish"),
    ({"activation": "swiglu"}, "torch", "model.activation: the script for PyTorch cannot hold"),
])
def test_what_a_format_cannot_hold_is_refused_by_name(corpus, tmp_path, changes, format, words):
    config = write_config(tmp_path / "config.json", corpus, model=changes,
                          training={"max_steps": 1, "validate_every": 0, "save_every": 1})
    wavemt("train", config, "--run-dir", tmp_path / "run", "--device", "cpu")
    assert words in refusal("export", tmp_path / "run", tmp_path / "model", "--format", format)
    assert not list(tmp_path.glob("model*"))


def test_ctranslate2_without_python(post_run, tmp_path):
    said = refusal("export", post_run, tmp_path / "model", "--format", "ctranslate2",
                   env=ENVIRONMENT | {"WAVEMT_PYTHON": "/nowhere/python"})
    assert "/nowhere/python: cannot be started: No such file or directory" in said
    assert "WAVEMT_PYTHON" in said and "ctranslate2" in said
    assert not list(tmp_path.iterdir())


def test_ctranslate2_without_its_package(post_run, tmp_path):
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "ctranslate2.py").write_text("raise ImportError(\"No module named 'ctranslate2'\")")
    said = refusal("export", post_run, tmp_path / "model", "--format", "ctranslate2",
                   env=ENVIRONMENT | {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"})
    assert "to_ctranslate2.py: No module named 'ctranslate2'; pip install ctranslate2" in said
    assert [path.name for path in tmp_path.iterdir()] == ["packages"]


def test_an_imported_run_is_a_run(marian, post_run, tmp_path):
    run = tmp_path / "run"
    wavemt("import", marian, "--format", "huggingface", "--run-dir", run)
    text = "A cat.\nA dog runs.\n"
    assert wavemt("translate", run, input=text).stdout == \
        wavemt("translate", post_run, "--set", "tokenizer.normalize_whitespace=false",
               input=text).stdout
    known = json.loads(wavemt("inspect", run, "--json").stdout)
    assert known["layer_norm"] == "post" and known["shared_vocabulary"]
    assert "data.train" in refusal("config", "check", run / "config.json")
    wavemt("average", run, "--output", tmp_path / "mean")
    assert wavemt("translate", tmp_path / "mean", input=text).stdout == \
        wavemt("translate", run, input=text).stdout
    assert wavemt("resume", run, check=False).returncode == 2
    said = refusal("import", marian, "--format", "huggingface", "--run-dir", run)
    assert f"{run}: " in said


def test_what_is_no_model_is_refused(tmp_path):
    folder = tmp_path / "model"
    folder.write_text("")
    assert f"{folder}: is not a folder" in import_refusal(folder)
    folder.unlink()
    folder.mkdir()
    assert f"{folder}: has no model.safetensors" in import_refusal(folder)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")
    said = import_refusal(folder)
    assert "pytorch_model.bin, which wavemt does not open because it is a pickle" in said
    assert "MarianMTModel.from_pretrained" in said and "save_pretrained" in said


@pytest.mark.parametrize("name", ["config.json", "vocab.json", "source.spm", "target.spm"])
def test_a_missing_file_is_named(own_marian, name):
    (own_marian / name).unlink()
    assert str(own_marian / name) in import_refusal(own_marian)


@pytest.mark.parametrize("key, value, words", [
    ("model_type", "t5", 'model_type: "t5" is another architecture; only a MarianMTModel'),
    ("model_type", None, 'model_type: "" is another architecture'),
    ("model_type", 3, "model_type: 3 is not a text in quotes"),
    ("scale_embedding", False, "scale_embedding: only models with true can be imported"),
    ("normalize_before", True, "normalize_before: only models with false can be imported"),
    ("static_position_embeddings", "no", 'static_position_embeddings: "no" is not true or false'),
    ("activation_function", "gelu_new", 'activation_function: "gelu_new" is none of'),
    ("d_model", "32", 'd_model: "32" is not a whole number from 0 to 65536'),
    ("d_model", 31, "its sizes are of no model"),
    ("d_model", 64, 'has the shape [32, 32], but its config.json asks for [64, 64]'),
    ("encoder_layers", 2, 'has no "model.encoder.layers.1.'),
    ("decoder_layers", -1, "decoder_layers: -1 is not a whole number"),
    ("decoder_ffn_dim", 65, "decoder_ffn_dim: 65 differs from encoder_ffn_dim = 64"),
    ("decoder_layers", 10**18, "decoder_layers: 1000000000000000000 is not a whole number"),
    ("vocab_size", 401, "vocab.json: has 400 pieces, but vocab_size in config.json is 401"),
    ("dropout", 1.5, "model.dropout: 1.5 is not possible"),
    ("pad_token_id", 0, "pad_token_id in config.json is 0"),
    ("decoder_start_token_id", 7, "decoder_start_token_id in config.json is 7"),
    ("eos_token_id", [3], "eos_token_id: [3] is not a whole number"),
    ("share_encoder_decoder_embeddings", False, 'has no "model.encoder.embed_tokens.weight"'),
    ("tie_word_embeddings", False, "tie_word_embeddings: false with"),
])
def test_what_wavemts_model_cannot_be_is_refused_by_name(own_marian, key, value, words):
    path = own_marian / "config.json"
    config = json.loads(path.read_text())
    config[key] = value
    path.write_text(json.dumps(config))
    assert words in import_refusal(own_marian)


@pytest.mark.parametrize("text, words", [
    ("", "vocab.json"), ("[]", "is not a vocabulary, an object of pieces and ids"),
    ('{"a": "b"}', 'the id of "a" is not a whole number'),
    ('{"a": -1}', 'the id of "a" is not a whole number'),
    ('{"a": 99999999999}', 'the id of "a" is not a whole number'),
    ('{"a": {"b": 0}}', 'the id of "a" is not a whole number'),
    ('{"a": 0, "a": 1}', 'the piece "a" appears twice'),
    ('{"a": 0, "b": 0}', "its 2 pieces need the ids 0 to 1, each once"),
    ('{"a": 0, "b": 2}', 'its 2 pieces need the ids 0 to 1, each once, but "b" has 2'),
    ('{"a": 0}', "lacks the piece <pad>"), ("{}", "lacks the piece <pad>"),
    ('{"</s>": 0, "<unk>": 1, "<pad>": 2}', "<pad> has the id 2, but pad_token_id"),
])
def test_a_vocabulary_that_does_not_fit_is_refused(own_marian, text, words):
    (own_marian / "vocab.json").write_text(text)
    assert words in import_refusal(own_marian)


def damaged(tensors, change):
    change(tensors)
    return tensors


@pytest.mark.parametrize("change, words", [
    (lambda t: t.pop("model.decoder.layers.0.fc1.bias"), 'has no "model.decoder.layers.0.fc1.bias"'),
    (lambda t: t.pop("model.shared.weight"), 'has no "model.shared.weight"'),
    (lambda t: t.update(extra=t["model.shared.weight"]), 'holds "extra", for which'),
    (lambda t: t.update({"final_logits_bias": t["final_logits_bias"][0]}),
     '"final_logits_bias" has the shape [400], but its config.json asks for [1, 400]'),
    (lambda t: t.update({"lm_head.weight": t["model.shared.weight"] + 1}),
     '"lm_head.weight" is not the same as another of'),
    (lambda t: t.update({"model.encoder.embed_positions.weight": t["model.shared.weight"][:64]}),
     '"model.encoder.embed_positions.weight" is not the sinusoidal table'),
    (lambda t: t.update({"model.encoder.layers.0.fc2.bias":
                         t["model.encoder.layers.0.fc2.bias"].astype("int32")}),
     '"model.encoder.layers.0.fc2.bias" holds Int instead of floating-point numbers'),
    (lambda t: t["model.decoder.layers.0.fc2.bias"].fill(float("nan")), "values that are not finite"),
])
def test_wrong_tensors_are_named(own_marian, change, words):
    path = own_marian / "model.safetensors"
    tensors = {name: tensor.copy() for name, tensor in load_file(path).items()}
    save_file(damaged(tensors, change), path)
    assert words in import_refusal(own_marian)


def test_a_cut_file_is_refused(own_marian):
    path = own_marian / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    assert "model.safetensors: not a usable safetensors file" in import_refusal(own_marian)


def test_a_vocabulary_of_its_own_is_part_of_the_run(own_marian, corpus, tmp_path):
    """Ids in another order, a piece that is missing, a language code: <pad> begins translations."""
    ids = json.loads((own_marian / "vocab.json").read_text())
    pieces = sorted(ids, key=ids.get)
    vocabulary = ["</s>", "<unk>"] + [p for p in reversed(pieces)
                                      if p not in ("</s>", "<unk>", "<pad>", "<s>")]
    vocabulary = vocabulary + [">>zho<<", "<pad>"]
    assert len(vocabulary) == 400
    (own_marian / "vocab.json").write_text(json.dumps({p: i for i, p in enumerate(vocabulary)}))
    config = json.loads((own_marian / "config.json").read_text())
    config |= {"eos_token_id": 0, "pad_token_id": 399, "decoder_start_token_id": 399}
    (own_marian / "config.json").write_text(json.dumps(config))
    run = tmp_path / "run"
    wavemt("import", own_marian, "--format", "huggingface", "--run-dir", run)
    assert (run / "vocabulary.json").read_bytes() == (own_marian / "vocab.json").read_bytes()
    text = ">>zho<< A cat.\nA cat.\n"
    before = wavemt("translate", run, input=text).stdout
    assert before.count("\n") == 2
    wavemt("average", run, "--output", tmp_path / "mean")
    assert wavemt("translate", tmp_path / "mean", input=text).stdout == before
    again = tmp_path / "again"
    wavemt("export", run, again, "--format", "huggingface")
    assert json.loads((again / "vocab.json").read_text()) == \
        json.loads((own_marian / "vocab.json").read_text())
    assert "tokenizer.vocabulary: the script for PyTorch" in refusal(
        "export", run, tmp_path / "torch", "--format", "torch")
    (run / "vocabulary.json").unlink()
    assert "vocabulary.json" in refusal("translate", run, input=text)
