"""Corpora that a model writes: scripts/back_translate.sh and scripts/distill.sh."""
import bz2
import gzip
import json
import lzma
import os
import shutil
import signal
import subprocess
import time

import pytest
from conftest import ENVIRONMENT, PROGRAM, ROOT, SMALL_MODEL, merge, metrics_of, wavemt

# trained_run translates from English to Chinese, so back-translation of English text with it gives a
# corpus for Chinese to English.


def script(name, *arguments, program=PROGRAM, check=True, **options):
    options.setdefault("env", ENVIRONMENT | {"WAVEMT_PROGRAM": str(program)})
    result = subprocess.run([ROOT / f"scripts/{name}.sh", *map(str, arguments)], capture_output=True,
                            encoding="utf8", timeout=300, check=False, **options)
    if check:
        assert result.returncode == 0, result.stderr
    return result


def refused(name, *arguments, **options):
    """What a script says when it refuses: one sentence, and nothing on standard output."""
    result = script(name, *arguments, check=False, **options)
    assert result.returncode == 2, result.stderr
    assert result.stdout == "" and result.stderr.count("\n") == 1, result.stderr
    return result.stderr


def lines_of(path):
    text = path.read_text("utf8")
    assert text.endswith("\n")
    return text[:-1].split("\n")


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shards_of(folder):
    return sorted(path.name for path in (folder / "shards").iterdir())


def wrapped_program(path, on_translate):
    """A program that does something else before or instead of `wavemt translate`."""
    path.write_text(f'#!/bin/bash\nprogram="{PROGRAM}"\nif [ "$1" = translate ]; then\n{on_translate}\nfi\n'
                    'exec "$program" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Ten English sentences."""
    path = tmp_path_factory.mktemp("text") / "mono.en"
    sentences = (ROOT / "data/quickstart/valid.en").read_text("utf8").split("\n")[:10]
    path.write_text("\n".join(sentences) + "\n", "utf8")
    return path


@pytest.fixture(scope="module")
def in_one_go(tmp_path_factory, trained_run, text):
    """The folder of a back-translated corpus of three shards."""
    folder = tmp_path_factory.mktemp("in_one_go") / "corpus"
    result = script("back_translate", trained_run, text, "--output", folder, "--shard-lines", 4)
    assert "shard 1 of 3: lines 1 to 4 of 10\n" in result.stderr
    assert "shard 3 of 3: lines 9 to 10 of 10\n" in result.stderr
    return folder


def test_back_translation_makes_a_corpus_of_draws(trained_run, text, in_one_go):
    assert lines_of(in_one_go / "back_translated.en") == lines_of(text)
    drawn = wavemt("translate", trained_run, "--sampling", input=text.read_text("utf8")).stdout
    assert lines_of(in_one_go / "back_translated.zh") == drawn.splitlines()
    assert shards_of(in_one_go) == [f"0000{number}.translation" for number in (1, 2, 3)]
    # The tag belongs to the config, not to the text.
    assert b"<BT>" not in b"".join(files_of(in_one_go).values())


def test_a_search_instead_of_draws_and_a_tag_of_ones_own(trained_run, text, tmp_path):
    folder = tmp_path / "with a space" / "the corpus"
    result = script("back_translate", trained_run, text, "--output", folder, "--method", "beam", "--tag", "<mono>",
                    "--", "--beam-size", 2, "--threads", 1)
    found = wavemt("translate", trained_run, "--beam-size", "2", input=text.read_text("utf8")).stdout
    assert lines_of(folder / "back_translated.zh") == found.splitlines()
    assert json.loads(result.stdout) == {
        "name": "the-corpus", "source": str(folder / "back_translated.zh"),
        "target": str(folder / "back_translated.en"), "source_prefix": "<mono>"}


def test_distillation_keeps_the_source_and_has_the_teacher_s_words(trained_run, text, tmp_path):
    result = script("distill", trained_run, text, "--output", tmp_path / "corpus", "--shard-lines", 7)
    assert lines_of(tmp_path / "corpus/distilled.en") == lines_of(text)
    found = wavemt("translate", trained_run, input=text.read_text("utf8")).stdout
    assert lines_of(tmp_path / "corpus/distilled.zh") == found.splitlines()
    assert "source_prefix" not in json.loads(result.stdout)


def test_the_default_folder_is_where_the_configs_look(trained_run, text, tmp_path):
    program = ENVIRONMENT | {"WAVEMT_PROGRAM": str(PROGRAM), "WAVEMT_DATA": str(tmp_path)}
    named = {"back_translate": ("back-translation", 1), "distill": ("distillation", None)}
    for name, (config, number) in named.items():
        script(name, trained_run, text, "--source-language", "en", "--target-language", "de", env=program)
        train = json.loads((ROOT / f"configs/{config}.json").read_text())["data"]["train"]
        corpus = train if number is None else train[number]
        for side in ("source", "target"):
            assert os.path.isfile(corpus[side].replace("${WAVEMT_DATA}", str(tmp_path)))


def test_killed_after_each_shard_it_comes_to_the_same_bytes(trained_run, text, in_one_go, tmp_path):
    # The program kills the script, as a power cut would end it, on every second call.
    program = wrapped_program(tmp_path / "wavemt", f"""
      n=$(cat "{tmp_path}/calls" 2> /dev/null || echo 0)
      echo $((n + 1)) > "{tmp_path}/calls"
      if [ $((n % 2)) = 1 ]; then kill -9 $PPID; exit 1; fi""")
    folder = tmp_path / "corpus"
    arguments = ("back_translate", trained_run, text, "--output", folder, "--shard-lines", 4)
    for done in (1, 2):
        result = script(*arguments, program=program, check=False)
        assert result.returncode == -signal.SIGKILL
        assert not (folder / "back_translated.en").exists()
        assert sum(name.endswith(".translation") for name in shards_of(folder)) == done
    result = script(*arguments, program=program)
    assert "2 of 3 shards are there already\nshard 3 of 3" in result.stderr
    assert files_of(folder) == files_of(in_one_go)
    # Nothing is left to do.
    result = script(*arguments, program=wrapped_program(tmp_path / "none", "exit 7"))
    assert "3 of 3 shards are there already\n" in result.stderr
    assert files_of(folder) == files_of(in_one_go)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_translation_too(trained_run, text, in_one_go, tmp_path, number):
    waits = wrapped_program(tmp_path / "wavemt", f"""
      if [ -e "{tmp_path}/corpus/shards/00001.translation" ]; then
        echo $$ > "{tmp_path}/pid.unfinished"; mv "{tmp_path}/pid.unfinished" "{tmp_path}/pid"; exec sleep 300
      fi""")
    arguments = [trained_run, text, "--output", tmp_path / "corpus", "--shard-lines", "4"]
    with subprocess.Popen([ROOT / "scripts/back_translate.sh", *arguments], stderr=subprocess.PIPE, encoding="utf8",
                          env=ENVIRONMENT | {"WAVEMT_PROGRAM": str(waits)}) as process:
        while not (tmp_path / "pid").exists():
            assert process.poll() is None
            time.sleep(0.02)
        # A second one in the same folder would do the same work.
        assert "another process is making this corpus" in refused("back_translate", *arguments)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert said.endswith("stopped in shard 2 of 3; the same command goes on there\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    script("back_translate", *arguments)
    assert files_of(tmp_path / "corpus") == files_of(in_one_go)


def test_a_translation_that_fails_costs_its_shard_alone(trained_run, text, in_one_go, tmp_path):
    program = wrapped_program(tmp_path / "wavemt", f"""
      if [ -e "{tmp_path}/corpus/shards/00001.translation" ]; then echo "error: no space left" >&2; exit 1; fi""")
    arguments = ("back_translate", trained_run, text, "--output", tmp_path / "corpus", "--shard-lines", 4)
    result = script(*arguments, program=program, check=False)
    assert result.returncode == 1
    assert "wavemt translate ended with exit code 1" in result.stderr
    assert shards_of(tmp_path / "corpus") == ["00001.translation"]
    script(*arguments)
    assert files_of(tmp_path / "corpus") == files_of(in_one_go)


def test_other_text_model_or_options_are_refused(trained_run, own_run, text, in_one_go, tmp_path):
    folder = tmp_path / "corpus"
    shutil.copytree(in_one_go, folder)
    before = files_of(folder)
    arguments = ("--output", folder, "--shard-lines", 4)
    changed = tmp_path / "changed.en"
    changed.write_text(text.read_text("utf8").replace("a", "e", 1), "utf8")
    assert "TEXT is not the same: it had 10 lines" in refused("back_translate", trained_run, changed, *arguments)
    latest = own_run / "checkpoints/latest"
    (own_run / "checkpoints/best").write_text(latest.read_text())
    manifest = own_run / "checkpoints" / latest.read_text().strip() / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    assert "MODEL is not the same: it was " in refused("back_translate", own_run, text, *arguments)
    said = refused("back_translate", trained_run, text, *arguments, "--method", "beam", "--", "--beam-size", 3)
    assert "method was sampling and now is beam" in said
    assert 'the options of wavemt translate were "" and now are "--beam-size 3"' in said
    assert "shard lines was 4 and now is 5" in refused("back_translate", trained_run, text, "--output", folder,
                                                       "--shard-lines", 5)
    assert "way was back_translate and now is distill" in refused("distill", trained_run, text, *arguments)
    assert files_of(folder) == before
    # The same text elsewhere, compressed, and another number of threads change nothing.
    (tmp_path / "elsewhere.en.gz").write_bytes(gzip.compress(text.read_bytes()))
    script("back_translate", trained_run, tmp_path / "elsewhere.en.gz", *arguments, "--", "--threads", 1)
    assert files_of(folder) == before


def test_a_mistyped_option_binds_nobody(trained_run, text, tmp_path):
    arguments = ("back_translate", trained_run, text, "--output", tmp_path / "corpus", "--")
    result = script(*arguments, "--beam-sice", 3, check=False)
    assert result.returncode == 2 and "--beam-sice" in result.stderr
    script(*arguments, "--beam-size", 3)


def test_blank_lines_leave_both_sides(trained_run, text, tmp_path):
    sentences = lines_of(text)[:4]
    mono = tmp_path / "mono.en"
    mono.write_bytes("\ufeff{}\r\n\n  \u3000\n{}\n{}\n{}".format(*sentences).encode("utf8"))
    # The second line of the second shard gets a blank translation.
    program = wrapped_program(tmp_path / "wavemt", """
      "$program" "$@" || exit 1
      while [ "$1" != --output ]; do shift; done
      case $2 in */00002.translation) sed -i '2s/.*//' "$2" ;; esac
      exit 0""")
    result = script("distill", trained_run, mono, "--output", tmp_path / "corpus", "--shard-lines", 3,
                    program=program)
    assert ("3 pairs; 2 pairs left out whose text is blank; 1 pair left out whose translation is blank\n"
            in result.stderr)
    kept = [sentences[number] for number in (0, 1, 3)]
    assert lines_of(tmp_path / "corpus/distilled.en") == kept
    found = wavemt("translate", trained_run, input="\n".join(kept) + "\n").stdout
    assert lines_of(tmp_path / "corpus/distilled.zh") == found.splitlines()


def compressed(text, kind):
    if kind == "zst":
        return subprocess.run(["zstd", "-qc"], input=text, capture_output=True, check=True).stdout
    return {"gz": gzip, "bz2": bz2, "xz": lzma}[kind].compress(text)


@pytest.mark.parametrize("kind", [
    "gz", "bz2", "xz",
    pytest.param("zst", marks=pytest.mark.skipif(not shutil.which("zstd"), reason="the program zstd is missing"))])
def test_compressed_text_in_several_files(trained_run, text, in_one_go, tmp_path, kind):
    lines = text.read_bytes().splitlines(keepends=True)
    files = [tmp_path / f"first.en.{kind}", tmp_path / "second.en"]
    packed = compressed(b"".join(lines[:6]), kind)
    files[0].write_bytes(packed)
    files[1].write_bytes(b"".join(lines[6:]))
    script("back_translate", trained_run, *files, "--output", tmp_path / "corpus", "--shard-lines", 4)
    for side in ("en", "zh"):
        made = tmp_path / f"corpus/back_translated.{side}"
        assert made.read_bytes() == (in_one_go / made.name).read_bytes()
    files[0].write_bytes(packed[:-10])
    result = script("back_translate", trained_run, *files, "--output", tmp_path / "other", check=False)
    assert result.returncode == 2 and f"{files[0]}: is damaged or cut" in result.stderr
    assert not (tmp_path / "other").exists()


def test_mistakes_are_answered_by_a_sentence(trained_run, text, tmp_path):
    def said(*arguments, name="back_translate"):
        return refused(name, *arguments, "--output", tmp_path / "corpus")
    assert "no such run or checkpoint" in said(tmp_path / "nothing", text)
    assert f"{tmp_path / 'nothing.en'}: no such file" in said(trained_run, tmp_path / "nothing.en")
    assert "cannot come from a pipe or a folder" in said(trained_run, tmp_path)
    (tmp_path / "empty.en").write_text("")
    assert "holds no text" in said(trained_run, tmp_path / "empty.en")
    (tmp_path / "latin1.en").write_bytes(b"A cat.\nA caf\xe9.\n")
    assert "line 2 is not UTF-8 (byte 6 of it)" in said(trained_run, tmp_path / "latin1.en")
    # A model of the wrong direction.
    shutil.copy(text, tmp_path / "mono.zh")
    for name, option in (("back_translate", "--target-language"), ("distill", "--source-language")):
        message = said(trained_run, tmp_path / "mono.zh", name=name)
        assert "translates from en to zh" in message and f"say {option} en" in message
    assert not (tmp_path / "corpus").exists()
    message = refused("back_translate", trained_run, text, "--output", tmp_path / "corpus", "--", "--sampling")
    assert "--method chooses between sampling and beam search" in message
    message = refused("back_translate", trained_run, text, "--output", text.parent)
    assert "holds other files (mono.en)" in message
    result = script("back_translate", trained_run, check=False)
    assert result.returncode == 2 and "usage: scripts/back_translate.sh " in result.stderr


def test_a_shard_that_was_changed_is_named(trained_run, text, in_one_go, tmp_path):
    folder = tmp_path / "corpus"
    shutil.copytree(in_one_go, folder)
    arguments = ("back_translate", trained_run, text, "--output", folder, "--shard-lines", 4)
    shard = folder / "shards/00002.translation"
    for content in (shard.read_bytes() + b"more\n", b"less\n"):
        shard.write_bytes(content)
        result = script(*arguments, check=False)
        assert result.returncode == 1
        assert f"{shard}: has {content.count(10)} line" in result.stderr
    shard.unlink()
    script(*arguments)
    assert files_of(folder) == files_of(in_one_go)


def test_the_config_trains_on_the_corpus(trained_run, corpus, tmp_path):
    """configs/back-translation.json with its texts replaced, as a user would: Chinese to English."""
    result = script("back_translate", trained_run, corpus / "train.en", "--output", tmp_path / "made",
                    "--", "--max-output-length", 20)
    config = json.loads((ROOT / "configs/back-translation.json").read_text())
    sides = {split: {side: str(corpus / f"{split}.{language}")
                     for side, language in (("source", "zh"), ("target", "en"))}
             for split in ("train", "valid", "test")}
    parallel, back_translated = config["data"]["train"]
    made = json.loads(result.stdout)
    assert made["source_prefix"] == back_translated["source_prefix"]
    assert made["source_prefix"] in config["tokenizer"]["user_defined_symbols"]
    config["data"] |= {"train": [parallel | sides["train"], back_translated | made],
                       "valid": sides["valid"], "test": sides["test"], "max_length": 60}
    config = merge(config, {"tokenizer": {"vocab_size": 400, "byte_fallback": False}, "model": SMALL_MODEL,
                            "training": {"max_steps": 10, "batch_tokens": 256, "validate_every": 5,
                                         "save_every": 5, "log_every": 5}})
    (tmp_path / "config.json").write_text(json.dumps(config))
    run = tmp_path / "run"
    wavemt("train", tmp_path / "config.json", "--run-dir", run, "--device", "cpu")
    assert metrics_of(run)[-1]["step"] == 10
    pieces = wavemt("tokenizer", "encode", "--model", run / "tokenizer.model", input="<BT> 她\n").stdout.split()
    assert "<BT>" in pieces


def test_the_student_s_config_trains_on_a_teacher_s_words(trained_run, corpus, tmp_path):
    script("distill", trained_run, corpus / "train.en", "--output", tmp_path / "made",
           "--", "--beam-size", 1, "--max-output-length", 20)
    texts = {"train": [tmp_path / f"made/distilled.{language}" for language in ("en", "zh")],
             "valid": [corpus / f"valid.{language}" for language in ("en", "zh")]}
    options = {f"data.{split}.{side}": path for split, paths in texts.items()
               for side, path in zip(("source", "target"), paths)}
    options |= {"tokenizer.model": trained_run / "tokenizer.model", "training.max_steps": 3,
                "training.batch_tokens": 256, "training.save_every": 3, "training.validate_every": 3}
    run = tmp_path / "run"
    wavemt("train", ROOT / "configs/distillation.json", "--run-dir", run, "--device", "cpu",
           *(word for key, value in options.items() for word in ("--set", f"{key}={value}")))
    assert metrics_of(run)[-1]["step"] == 3
    assert (run / "tokenizer.model").read_bytes() == (trained_run / "tokenizer.model").read_bytes()
