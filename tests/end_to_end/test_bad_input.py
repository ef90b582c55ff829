"""What is wrong with the input is said in one sentence, and nothing is left on the disk."""
import gzip
import json
import os
import re
import shutil

import pytest
from conftest import merge, pointed, wavemt, write_config

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (info|warning|error): (\S.*)")


def snapshot(folder):
    """Every path under `folder` with its contents."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def refusal(*arguments, cwd, **options):
    """The sentence with which the program refuses, run in a folder that it must leave alone."""
    before = snapshot(cwd)
    result = wavemt(*arguments, check=False, cwd=cwd, **options)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    *remarks, last = [LOG_LINE.fullmatch(line) for line in result.stderr.splitlines()]
    assert last and last[1] == "error", result.stderr
    assert all(remark and remark[1] != "error" for remark in remarks), result.stderr
    assert snapshot(cwd) == before
    return last[2]


@pytest.fixture
def here(tmp_path, corpus):
    """A folder with a good config and files that are good for nothing."""
    write_config(tmp_path / "good.json", corpus)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("text\n")
    (tmp_path / "empty").write_text("")
    (tmp_path / "blank").write_text("\n \n  \n")
    (tmp_path / "one-line").write_text("one\n")
    (tmp_path / "three-lines").write_text("one\ntwo\nthree\n")
    (tmp_path / "not-utf8").write_bytes(b"good\nbad \xff\n")
    (tmp_path / "no-tab.tsv").write_text("a\tb\nc d\n")
    text = "".join(f"Sentence {number}.\n" for number in range(1000))
    (tmp_path / "cut-short.gz").write_bytes(gzip.compress(text.encode())[:-100])
    return tmp_path


@pytest.mark.parametrize("path, sentence", [
    ("missing.json", "missing.json: no such file"),
    ("folder", "folder: is a directory, a file is needed"),
    ("good.json/config.json", "good.json/config.json: no such file"),
])
def test_config_that_cannot_be_read(here, path, sentence):
    assert refusal("train", path, cwd=here) == sentence


@pytest.mark.parametrize("text, sentence", [
    ("", "config.json: line 1, column 1: not valid JSON: "),
    ('{\n  "data": {"train": }\n}', "config.json: line 2, column 21: not valid JSON: "),
    ('{\n  "seed": 1,\n}', "config.json: line 3, column 1: not valid JSON: "),
    ('{"seed": 1, "seed": 2}', 'config.json: the key "seed" appears twice in one object'),
    ('{"seed": 1e999}', "config.json: line 1, column 10: the number 1e999 is too large"),
    ("[1, 2]", "config.json: a config is an object {...}, not [1,2]"),
    ("{}", "config.json: data.train: is missing: give source and target files"),
])
def test_config_that_is_no_config(here, text, sentence):
    (here / "config.json").write_text(text)
    assert refusal("train", "config.json", cwd=here).startswith(sentence)


@pytest.mark.parametrize("changes, sentence", [
    # Unknown keys.
    ({"modle": {}}, 'modle: unknown key (did you mean "model"?)'),
    ({"model": {"dmodel": 32}}, 'model.dmodel: unknown key (did you mean "d_model"?)'),
    ({"d_model": 32}, 'd_model: unknown key (did you mean "model.d_model"?)'),
    # Wrong types.
    ({"model": 3}, "model: must be an object {...}, not 3"),
    ({"seed": "one"}, 'seed: "one" is not a whole number'),
    ({"training": {"max_steps": 2.5}}, "training.max_steps: 2.5 is not a whole number"),
    ({"tokenizer": {"shared": "yes"}}, 'tokenizer.shared: "yes" is not true or false'),
    ({"data": {"train": {"source": 1}}}, "data.train.source: 1 is not a path or a list of paths"),
    # Impossible values.
    ({"model": {"num_heads": 7}}, "model.num_heads: 7 does not divide d_model = 32"),
    ({"model": {"dropout": 1.0}}, "model.dropout: 1 is not possible: it must be at least 0 and "
                                  "below 1"),
    ({"model": {"layer_norm": "peri"}}, 'model.layer_norm: "peri" is unknown: use pre, post'),
    ({"training": {"batch_tokens": 50}}, "training.batch_tokens: 50 is too small for one sentence "
                                         "of data.max_length = 60 tokens"),
    ({"data": {"max_length": 64}}, "data.max_length: 64 tokens and the end of the sentence do not "
                                   "fit into model.position_encoding.max_length = 64"),
    ({"tokenizer": {"shared": False}}, "model.tied_embeddings: all needs one vocabulary for both "
                                       "sides"),
])
def test_config_value(here, corpus, changes, sentence):
    write_config(here / "config.json", corpus, **changes)
    assert refusal("train", "config.json", cwd=here).startswith(f"config.json: {sentence}")


@pytest.mark.parametrize("override, sentence", [
    ("training.max_steps", "must be key=value, for example training.max_steps=100"),
    ("model=3", '"model" is a section of the config; set one of its keys'),
    ("model.d_modle=3", 'there is no config key "model.d_modle" (did you mean "model.d_model"?)'),
    ("training.max_steps=many", 'training.max_steps: "many" is not a whole number'),
    ("model.num_heads=7", "model.num_heads: 7 does not divide d_model = 32"),
])
def test_override(here, override, sentence):
    message = refusal("train", "good.json", "--set", override, cwd=here)
    assert message.startswith(f"--set {override}: {sentence}")


@pytest.mark.parametrize("files, sentence", [
    ({"source": "missing", "target": "file"}, "{here}/missing: no such file"),
    ({"source": "folder", "target": "file"}, "{here}/folder: is a directory, a file is needed"),
    ({"source": "three-lines", "target": "one-line"},
     "{here}/three-lines has 3 lines but {here}/one-line has 1; line n of one must translate "
     "line n of the other"),
    ({"source": "empty", "target": "three-lines"},
     "{here}/three-lines has 3 lines but {here}/empty has 0; "),
    ({"source": "file", "target": "not-utf8"}, "{here}/not-utf8: line 2: invalid UTF-8 at byte 5"),
    ({"source": "empty", "target": "empty"}, "data.train: no usable sentence pair: "),
    ({"source": "blank", "target": "blank"}, "data.train: no usable sentence pair: "),
    ({"source": "cut-short.gz", "target": "file"},
     "{here}/cut-short.gz: after line {number}: the compressed data is damaged or cut short"),
    ({"tsv": "no-tab.tsv"}, "{here}/no-tab.tsv: line 2: has one column, but source and target are "
                            "columns 1 and 2"),
    ({"source": ["file", "file"], "target": ["file"]}, "config.json: data.train: 2 source file(s) "
                                                       "but 1 target file(s)"),
])
def test_corpus(here, files, sentence):
    config = json.loads((here / "good.json").read_text())
    config["data"]["train"] = files
    (here / "config.json").write_text(json.dumps(config))
    message = refusal("train", "config.json", cwd=here)
    pattern = re.escape(sentence.format(here=here, number="NUMBER")).replace("NUMBER", r"\d+")
    assert re.match(pattern, message), message


@pytest.mark.parametrize("source, sentence", [
    ("missing", "{here}/missing: no such file"),
    ("three-lines", "{corpus}/train.zh has 300 lines but {here}/three-lines has 3; "),
    ("not-utf8", "{here}/not-utf8: line 2: invalid UTF-8 at byte 5"),
])
def test_corpus_with_a_vocabulary_that_is_there(here, corpus, trained_run, source, sentence):
    message = refusal("train", "good.json", "--set", f"data.train.source={source}", "--set",
                      f"tokenizer.model={trained_run}/tokenizer.model", cwd=here)
    assert message.startswith(sentence.format(here=here, corpus=corpus))


def test_validation_corpus(here):
    message = refusal("train", "good.json", "--set", "data.valid.source=three-lines", cwd=here)
    assert re.fullmatch(r"\S+/valid.zh has 20 lines but \S+/three-lines has 3; .*", message)


@pytest.mark.parametrize("override, sentence", [
    ("tokenizer.vocab_size=5000", r"tokenizer.vocab_size: 5000 is more than this corpus supports; "
                                  r"use at most \d+"),
    ("tokenizer.vocab_size=20", r"tokenizer.vocab_size: 20 is too small for this corpus's "
                                r"characters; use at least \d+, or .*"),
    ("tokenizer.model=file", r"\S+/file: is not a SentencePiece model.*"),
    ("tokenizer.model=missing", r"\S+/missing: no such file"),
])
def test_vocabulary(here, override, sentence):
    assert re.fullmatch(sentence, refusal("train", "good.json", "--set", override, cwd=here))


@pytest.mark.parametrize("run_dir, sentence", [
    ("{run}", "{run}: already holds a run; continue it with `wavemt resume {run}`, name another "
              "folder, or replace it with --overwrite"),
    ("folder-with-file", "{here}/folder-with-file: exists and is not a run of wavemt; name another "
                         "folder"),
    ("file", "{here}/file: is a file; name a folder for the run"),
    ("file/run", "{here}/file/run: cannot be made: {here}/file is not a folder"),
])
def test_run_directory_that_is_no_place_for_a_run(here, trained_run, run_dir, sentence):
    (here / "folder-with-file").mkdir()
    (here / "folder-with-file/file").write_text("mine")
    before = snapshot(trained_run)
    names = {"run": trained_run, "here": here}
    for overwrite in ([], ["--overwrite"])[:1 if run_dir == "{run}" else 2]:
        assert refusal("train", "good.json", "--run-dir", run_dir.format(**names), *overwrite,
                       cwd=here) == sentence.format(**names)
    assert snapshot(trained_run) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_run_directory_in_a_folder_that_is_read_only(here):
    (here / "folder").chmod(0o555)
    assert "Permission denied" in refusal("train", "good.json", "--run-dir", "folder/run", cwd=here)


@pytest.mark.parametrize("command, sentence", [
    ("", "A subcommand is required; `wavemt --help` "),
    ("trian", 'trian: there is no such command (did you mean "train"?)'),
    ("tokenizer enconde", 'enconde: there is no such command (did you mean "encode"?)'),
    ("config nonsense", "nonsense: there is no such command; "),
    ("train", "CONFIG is required"),
    ("train good.json more", "The following argument was not expected: more"),
    ("train good.json --nonsense", "The following argument was not expected: --nonsense"),
    ("average {run}/checkpoints/latest", "--output is required"),
    ("translate {run} --device nonsense", "--device nonsense: use auto, cpu, cuda or cuda:N"),
    ("translate {run} --device cuda", "--device cuda: this machine or this build of LibTorch has "
                                      "no GPU; use --device cpu"),
    ("translate {run} --threads -1", "--threads -1: must be from 1 to 1024"),
    ("translate {run} --threads 100000", "--threads 100000: must be from 1 to 1024"),
    ("translate {run} --beam-size 0", "--beam-size 0: decoding.beam_size: 0 is not possible: it "
                                      "must be at least 1"),
    ("translate {run} --set decoding.beam_size=0", "--set decoding.beam_size=0: decoding.beam_size: "
                                                   "0 is not possible: it must be at least 1"),
    ("translate {run} --beam-size 1 --beam-size", "--beam-size: "),
    ("translate {run} --n-best 9 --beam-size 2", "--n-best 9: decoding.n_best: 9 "
                                                 "translations need a beam at least as large, but "
                                                 "decoding.beam_size is 2"),
    ("translate {run} --length-penalty x", "--length-penalty x: decoding.length_penalty: \"x\" is "
                                           "not a number"),
    ("evaluate {run} --source file", "--source and --reference go together"),
    ("evaluate {run} --source - --reference -", "-: standard input can be --source or --reference, "
                                                "not both"),
    ("evaluate {run} --metrics blue", '--metrics blue: is unknown (did you mean "bleu"?)'),
    ("evaluate {run} --tokenize zn", "--tokenize zn: is unknown"),
    ("tokenizer train --input {corpus}/test.en --output m --type word",
     "--type word: is unknown; use unigram, bpe"),
])
def test_command_line(here, corpus, trained_run, command, sentence):
    without_gpu = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    message = refusal(*command.format(run=trained_run, corpus=corpus).split(), cwd=here,
                      env=without_gpu, input="A line.\n")
    assert message.startswith(sentence)


@pytest.mark.parametrize("command, sentence", [
    ("resume missing", "missing: no such run"),
    ("resume folder", "folder: is not a run of wavemt: it holds no config.json and checkpoints"),
    ("resume file", "file: is not a run of wavemt: it holds no config.json and checkpoints"),
    ("translate missing", "missing: no such run or checkpoint"),
    ("translate folder", "folder: is not a run of wavemt: it holds no config.json and checkpoints"),
    ("translate file", "file: is neither a run, a checkpoint nor a .safetensors file"),
    ("inspect missing", "missing: no such run or checkpoint"),
    ("average missing --output mean.safetensors", "missing: no such run or checkpoint"),
    (f"translate {'n' * 300}", f"{'n' * 300}: cannot be read: File name too long"),
    (f"resume {'n' * 300}", f"{'n' * 300}: cannot be read: File name too long"),
    ("config check /dev/zero", "/dev/zero: "),
    ("average {run} --output .", "--output .: already exists; name a folder that does not"),
    ("average {run} --output file", "--output file: already exists; name a folder that"),
    ("average {run} --output missing/mean.safetensors", "missing/mean.safetensors: cannot be "
                                                        "written: missing is not a folder"),
    ("translate {run} --input missing", "missing: no such file"),
    ("translate {run} --input folder", "folder: is a directory, a file is needed"),
    ("translate {run} --input not-utf8 --output new",
     "not-utf8: line 2: invalid UTF-8 at byte 5 of the line"),
    ("translate {run} --output folder", "folder: is a directory; name a file to write"),
    ("translate {run} --output missing/text", "missing/text: cannot be written: missing is not a "
                                              "folder"),
    ("evaluate {run} --source three-lines --reference one-line",
     "three-lines has 3 lines but one-line has 1; line n of one must translate line n of the "
     "other"),
    ("evaluate {run} --source missing --reference one-line", "missing: no such file"),
    ("evaluate {run} --source empty --reference empty", "empty: is empty; there is nothing to "
                                                        "evaluate"),
    ("evaluate {run} --output missing/text", "missing/text: cannot be written: missing is not a "
                                             "folder"),
    ("metrics three-lines one-line", "three-lines has 3 lines but one-line has 1"),
    ("metrics missing one-line", "missing: no such file"),
    ("tokenizer train --input missing --output new.model", "missing: no such file"),
    ("tokenizer train --input blank --output new.model --vocab-size 300", "blank: holds no text"),
    ("tokenizer train --input {corpus}/train.en --output missing/new.model",
     "missing/new.model: cannot be written: missing is not a folder"),
    ("tokenizer encode --model missing", "missing: no such file"),
    ("tokenizer encode --model file", "file: is not a SentencePiece model"),
    ("tokenizer decode --model {run}/tokenizer.model --ids --input file",
     'line 1: "text" is not the id of a piece; ids go from 0 to 399'),
    ("config check missing", "missing: no such file"),
    ("config check good.json --set data.test.source=missing", "{here}/missing: no such file"),
])
def test_files(here, corpus, trained_run, command, sentence):
    names = {"run": trained_run, "corpus": corpus, "here": here}
    message = refusal(*command.format(**names).split(), cwd=here, input="A line.\n")
    assert message.startswith(sentence.format(**names))


def test_an_output_without_a_name(here, trained_run):
    """As of a shell's variable that is not set."""
    for command in (["translate", trained_run], ["evaluate", trained_run],
                    ["tokenizer", "encode", "--model", trained_run / "tokenizer.model"]):
        assert refusal(*command, "--output", "", cwd=here, input="A line.\n") == \
            "--output: is empty; name a file to write"


def test_an_average_of_no_weights(here, own_run):
    header = b"{}"
    (own_run / "empty.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    for models in (["empty.safetensors", "."], [".", "empty.safetensors"], ["empty.safetensors"]):
        message = refusal("average", *models, "--output", here / "mean.safetensors", cwd=own_run)
        assert message.startswith("empty.safetensors: ")


@pytest.mark.parametrize("command", ["translate {run}", "tokenizer encode --model {model}"])
def test_standard_input_that_is_not_utf8(here, trained_run, command):
    arguments = command.format(run=trained_run, model=trained_run / "tokenizer.model").split()
    result = wavemt(*arguments, check=False, encoding=None, input=(here / "not-utf8").read_bytes())
    assert result.returncode == 2
    assert b"error: standard input: line 2: invalid UTF-8 at byte 5 of the line\n" in result.stderr


def change_config(run, **changes):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(merge(config, changes)))
    (run / "checksums.json").unlink()  # Which refuses a config that was edited.


@pytest.mark.parametrize(
    "command", ["translate {run}", "resume {run} --set training.max_steps=300"])
@pytest.mark.parametrize("changes, sentence", [
    ({"d_model": 64}, '"decoder.layers.0.cross_attention.kv_proj.bias" has the shape [64], but the '
                      "model of this config needs [128]"),
    ({"num_encoder_layers": 2}, 'has no "encoder.layers.1.feed_forward.in_proj.bias", which the '
                                "model of this config needs"),
])
def test_checkpoint_of_another_size(own_run, command, changes, sentence):
    change_config(own_run, model=changes)
    message = refusal(*command.format(run=own_run).split(), cwd=own_run, input="A line.\n")
    place = re.escape(f"{own_run}/checkpoints/") + r"step-\d{8}(/model.safetensors)?: "
    assert re.fullmatch(place + re.escape(sentence), message), message


def flip_a_byte(path):
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)


def cut_short(path):
    contents = path.read_bytes()
    path.write_bytes(contents[:len(contents) // 2])


@pytest.mark.parametrize("name, damage, sentence", [
    ("model.safetensors", flip_a_byte, "is damaged: its checksum is "),
    ("model.safetensors", cut_short, "is damaged: {bytes} bytes, but its manifest says "),
    ("model.safetensors", os.remove, "no such file"),
    ("manifest.json", cut_short, "line "),
])
def test_damaged_checkpoint_names_its_file(own_run, name, damage, sentence):
    checkpoint = pointed(own_run, "best")
    size = (checkpoint / name).stat().st_size
    damage(checkpoint / name)
    message = refusal("translate", own_run, cwd=own_run, input="A line.\n")
    assert message.startswith(f"{checkpoint / name}: {sentence.format(bytes=size // 2)}")


@pytest.mark.parametrize("name, damage, sentence", [
    ("optimizer.safetensors", flip_a_byte, "/optimizer.safetensors: is damaged: its checksum is "),
    ("optimizer.safetensors", os.remove, ": has no optimizer.safetensors, which is needed to "
                                         "continue training"),
    ("state.json", os.remove, ": has no state.json, which is needed to continue training"),
])
def test_what_only_training_needs_is_missed_by_training_only(own_run, name, damage, sentence):
    checkpoint = pointed(own_run, "latest")
    before = wavemt("translate", own_run, input="A line.\n").stdout
    damage(checkpoint / name)
    assert wavemt("translate", own_run, input="A line.\n").stdout == before
    said = wavemt("resume", own_run, "--device", "cpu").stderr
    assert f" warning: {checkpoint}{sentence}" in said
    assert "; trying the checkpoint before it" in said


def test_run_whose_every_checkpoint_is_damaged(own_run):
    for checkpoint in (own_run / "checkpoints").glob("step-*"):
        flip_a_byte(checkpoint / "model.safetensors")
    message = refusal("resume", own_run, cwd=own_run)
    assert message == (f"{own_run}: holds no checkpoint to continue from: every one is damaged or lacks "
                       "a file")


@pytest.mark.parametrize("name, damage, sentence", [
    ("config.json", os.remove, "is not a run of wavemt: it holds no config.json and checkpoints"),
    ("config.json", cut_short, "config.json: is damaged or was edited: "),
    ("tokenizer.model", os.remove, "no such file"),
    ("tokenizer.model", cut_short, "tokenizer.model: is damaged or was edited: "),
])
def test_damaged_run(own_run, name, damage, sentence):
    damage(own_run / name)
    assert sentence in refusal("translate", own_run, cwd=own_run, input="A line.\n")


def test_checkpoint_outside_a_run(trained_run, tmp_path):
    shutil.copytree(pointed(trained_run, "best"), tmp_path / "checkpoint")
    assert refusal("translate", "checkpoint", cwd=tmp_path, input="A line.\n") == \
        "checkpoint: is not inside a run: no folder above it has config.json and checkpoints"
