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


def stub(path, on_translate=":"):
    """A program in place of wavemt, whose translation of a line is the line behind a T. It runs `on_translate`
    before, with the paths in $input and $output and what to write in $translate, a sed script."""
    path.write_text(f"""#!/bin/bash
if [ "$1" = inspect ]; then
  printf '{{"checkpoint": "%s", "source_language": "en", "target_language": "zh"}}' "$2"
  exit
fi
translate='s/^/T /'
while [ $# -gt 0 ]; do
  case $1 in --input) input=$2 ;; --output) output=$2 ;; esac
  shift
done
{on_translate}
sed "$translate" "$input" > "$output.unfinished" && mv "$output.unfinished" "$output"
""")
    path.chmod(0o755)
    return path


@pytest.fixture
def stubbed(tmp_path):
    """What most tests of a stub need: the program, a model, five lines of text and a folder."""
    (tmp_path / "model").write_text("weights")
    (tmp_path / "text.en").write_text("one\ntwo\nthree\nfour\nfive\n")
    return stub(tmp_path / "stub"), (tmp_path / "model", tmp_path / "text.en", "--output", tmp_path / "corpus",
                                     "--shard-lines", 2)


def translated(run, lines, *options):
    """Translations of lines by the program itself. A model that learned little may leave some of them blank."""
    text = wavemt("translate", run, *options, input="".join(line + "\n" for line in lines)).stdout
    assert text.endswith("\n")
    return text[:-1].split("\n")


def pairs_in(folder, files):
    return list(zip(lines_of(folder / f"{files}.en"), lines_of(folder / f"{files}.zh"), strict=True))


def kept(lines, translations):
    return [pair for pair in zip(lines, translations, strict=True) if pair[1].strip()]


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
    drawn = translated(trained_run, lines_of(text), "--sampling")
    assert pairs_in(in_one_go, "back_translated") == kept(lines_of(text), drawn)
    assert shards_of(in_one_go) == [f"0000{number}.translation" for number in (1, 2, 3)]
    # The tag belongs to the config, not to the text.
    assert b"<BT>" not in b"".join(files_of(in_one_go).values())


def test_a_search_instead_of_draws_and_a_tag_of_ones_own(trained_run, text, tmp_path):
    folder = tmp_path / "with a space" / "the corpus"
    result = script("back_translate", trained_run, text, "--output", folder, "--method", "beam", "--tag", "<mono>",
                    "--", "--beam-size", 2, "--threads", 1)
    found = translated(trained_run, lines_of(text), "--beam-size", 2)
    assert pairs_in(folder, "back_translated") == kept(lines_of(text), found)
    assert json.loads(result.stdout) == {
        "name": "the-corpus", "source": str(folder / "back_translated.zh"),
        "target": str(folder / "back_translated.en"), "source_prefix": "<mono>"}


def test_distillation_keeps_the_source_and_has_the_teacher_s_words(trained_run, text, tmp_path):
    result = script("distill", trained_run, text, "--output", tmp_path / "corpus", "--shard-lines", 7)
    found = translated(trained_run, lines_of(text))
    assert pairs_in(tmp_path / "corpus", "distilled") == kept(lines_of(text), found)
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
    # The shards suffice for the corpus.
    (folder / "back_translated.zh").unlink()
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
    assert "same command" not in result.stderr
    script(*arguments, "--beam-size", 3)


def test_a_first_manifest_that_was_not_finished_is_in_nobody_s_way(stubbed):
    program, arguments = stubbed
    folder = arguments[3]
    folder.mkdir()
    (folder / "manifest.json.unfinished").write_text('{"form')
    script("distill", *arguments, program=program)
    assert not list(folder.glob("*.unfinished"))


def test_a_finished_corpus_is_never_replaced(stubbed, tmp_path):
    program, arguments = stubbed
    folder = arguments[3]
    result = script("distill", *arguments, program=program)
    assert "shard 3 of 3: line 5 of 5\n" in result.stderr
    shutil.rmtree(folder / "shards")
    before = files_of(folder)
    (tmp_path / "other.en").write_text("another\n")
    message = refused("distill", arguments[0], tmp_path / "other.en", *arguments[2:], program=program)
    assert "TEXT is not the same: it had 5 lines" in message
    again = script("distill", *arguments, program=stub(tmp_path / "none", "exit 7"))
    assert f"{folder}: is done; nothing was changed\n" in again.stderr
    assert again.stdout == result.stdout
    assert files_of(folder) == before


@pytest.mark.parametrize("change, shards, said", [
    ("sed 's/four/4/' text.en > copy; cat copy > text.en", 1, "in lines 3 to 4 of 5"),
    ("[[ $input != */00003.text ]] || echo six >> text.en", 3, "and has more than 5 lines now"),
    ("[[ $input != */00003.text ]] || sed -i 1d text.en", 3, "in lines 1 to 2 of 5")])
def test_text_that_changes_meanwhile_is_noticed(stubbed, tmp_path, change, shards, said):
    arguments = stubbed[1]
    # Lines that are longer than what is read ahead.
    arguments[1].write_text("".join(f"{word} {'x' * 100000}\n" for word in ("one", "two", "three", "four", "five")))
    program = stub(tmp_path / "changes", f'cd "{tmp_path}"; {change}')
    result = script("distill", *arguments, program=program, check=False)
    assert result.returncode == 1
    assert f"{arguments[1]}: was changed while this command ran, {said}. The corpus was not written" in result.stderr
    assert len(shards_of(arguments[3])) == shards
    assert not list(arguments[3].glob("distilled.??"))


def test_the_files_that_options_name_count_by_their_content(stubbed, tmp_path):
    program, arguments = stubbed
    for name in ("second", "third", "shortlist", "adapter.json", "adapter.safetensors"):
        (tmp_path / name).write_text(name)
    options = ("--ensemble", tmp_path / "second", tmp_path / "third", f"--shortlist={tmp_path / 'shortlist'}",
               "--adapter", tmp_path / "adapter.safetensors")
    script("distill", *arguments, "--", *options, program=program)
    for name in ("second", "third", "shortlist", "adapter.json", "adapter.safetensors"):
        (tmp_path / name).write_text("changed")
        message = refused("distill", *arguments, "--", *options, program=program)
        assert "the options of wavemt translate were \"--ensemble 'second (checksum " in message
        (tmp_path / name).write_text(name)
    script("distill", *arguments, "--", *options, program=program)
    message = refused("distill", *arguments, "--", "--shortlist", tmp_path / "none", program=program)
    assert f"--shortlist {tmp_path / 'none'}: no such file" in message


def test_an_ensemble_teaches_by_its_checkpoints(trained_run, text, tmp_path):
    program = wrapped_program(tmp_path / "wavemt", f'echo "$@" >> "{tmp_path}/words"')
    script("distill", trained_run, text, "--output", tmp_path / "corpus", "--", "--ensemble", trained_run,
           program=program)
    assert f" --ensemble {trained_run}/checkpoints/step-" in (tmp_path / "words").read_text()


@pytest.mark.parametrize("sed, found", [("$d", 1), ("$p", 3)])
def test_a_shard_of_another_length_is_not_kept(stubbed, tmp_path, sed, found):
    arguments = stubbed[1]
    program = stub(tmp_path / "miscounts", f"case $output in */00002.translation) translate='{sed}' ;; esac")
    result = script("distill", *arguments, program=program, check=False)
    shard = arguments[3] / "shards/00002.translation"
    assert result.returncode == 1
    assert f"{shard}: has {found} line" in result.stderr
    assert " where its shard has 2; it was removed" in result.stderr
    assert shards_of(arguments[3]) == ["00001.translation"]
    script("distill", *arguments, program=stubbed[0])


def test_killed_the_script_leaves_the_lock_to_the_translation(stubbed, tmp_path):
    program, arguments = stubbed
    waits = stub(tmp_path / "waits", f'echo $$ > "{tmp_path}/pid.unfinished"; mv "{tmp_path}/pid.unfinished" '
                                     f'"{tmp_path}/pid"; exec sleep 300')
    with subprocess.Popen([ROOT / "scripts/distill.sh", *map(str, arguments)], stderr=subprocess.DEVNULL,
                          env=ENVIRONMENT | {"WAVEMT_PROGRAM": str(waits)}) as process:
        while not (tmp_path / "pid").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    try:
        assert "another process is making this corpus" in refused("distill", *arguments, program=program)
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    script("distill", *arguments, program=program)


def test_blank_lines_leave_both_sides(stubbed, tmp_path):
    arguments = stubbed[1]
    # U+2028 is white space, but ends no line.
    sentences = ["one", "two\u2028and more", "three", "four"]
    arguments[1].write_bytes("\ufeff{}\r\n\u200b\u00ad\n  \u3000\n{}\n{}\n{}".format(*sentences).encode("utf8"))
    # The first line of the third shard gets a blank translation.
    program = stub(tmp_path / "blanks", "case $output in */00003.translation) translate='s/^/T /; 1s/.*//' ;; esac")
    result = script("distill", *arguments, program=program)
    assert ("3 pairs; left out 2 pairs whose text is blank; left out 1 pair whose translation is blank\n"
            in result.stderr)
    left = [sentences[number] for number in (0, 1, 3)]
    assert pairs_in(arguments[3], "distilled") == [(line, f"T {line}") for line in left]


def test_nothing_but_blank_lines_makes_no_corpus(stubbed, tmp_path):
    program, arguments = stubbed
    all_blank = stub(tmp_path / "blanks", "translate='s/.*//'")
    result = script("distill", *arguments, program=all_blank, check=False)
    assert result.returncode == 1 and "holds blank translations only" in result.stderr
    assert not (arguments[3] / "distilled.en").exists()
    arguments[1].write_text("\n \n\u200b\n", "utf8")
    assert f"{arguments[1]}: holds no text, only blank lines" in refused("distill", *arguments, program=program)


def compressed(text, kind):
    if kind == "zst":
        return subprocess.run(["zstd", "-qc"], input=text, capture_output=True, check=True).stdout
    return {"gz": gzip, "bz2": bz2, "xz": lzma}[kind].compress(text)


@pytest.mark.parametrize("kind", [
    "gz", "bz2", "xz",
    pytest.param("zst", marks=pytest.mark.skipif(not shutil.which("zstd"), reason="the program zstd is missing"))])
def test_compressed_text_in_several_files(trained_run, text, in_one_go, tmp_path, kind):
    lines = [line + b"\n" for line in text.read_bytes().removesuffix(b"\n").split(b"\n")]
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
    for options in (["--sampling"], ["--set", "decoding.sampling=true"], ["--set=decoding.sampling=false"]):
        assert "--method chooses between sampling and beam search" in refused(
            "back_translate", trained_run, text, "--output", tmp_path / "corpus", "--", *options)
    message = refused("back_translate", trained_run, text, "--output", tmp_path / "corpus", "--", "--set",
                      "decoding.n_best=2")
    assert "--set decoding.n_best: cannot be passed on" in message
    message = refused("back_translate", trained_run, text, "--output", text.parent)
    assert "holds other files (mono.en)" in message
    result = script("back_translate", trained_run, check=False)
    assert result.returncode == 2 and "usage: scripts/back_translate.sh " in result.stderr


def test_names_that_cannot_be_are_answered_by_a_sentence(stubbed, tmp_path):
    program, (model, text, *_) = stubbed
    def said(*arguments):
        return refused("distill", model, *arguments, program=program)
    assert f"--output {text}: is a file" in said(text, "--output", text)
    assert f"--output {text}/a/b: cannot be made, as {text} is a file" in said(text, "--output", text / "a/b")
    for side in ("source", "target"):
        message = said(text, "--output", tmp_path / "corpus", f"--{side}-language", "e/n")
        assert f"--{side}-language e/n: the name of a file ends with it" in message
    strange = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.en")
    shutil.copy(text, strange)
    assert "/caf?.en: is not UTF-8" in said(strange, "--output", tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


def test_a_program_that_is_not_wavemt_is_named(stubbed, tmp_path):
    for number, answer in enumerate(("{}", "[]", "", "a model")):
        program = tmp_path / f"program{number}"
        program.write_text(f"#!/bin/sh\necho '{answer}'\n")
        program.chmod(0o755)
        result = script("distill", *stubbed[1], program=program, check=False)
        assert result.returncode == 1 and "does not name a checkpoint" in result.stderr


def test_a_full_disk_is_named(stubbed):
    program, arguments = stubbed
    arguments[3].mkdir()
    (arguments[3] / "manifest.json.unfinished").symlink_to("/dev/full")
    result = script("distill", *arguments, program=program, check=False)
    assert result.returncode == 1
    assert result.stderr == f"distill.sh: {arguments[3]}/manifest.json: no space left on device\n"


@pytest.mark.parametrize("environment, arguments, said", [
    ({}, ["halves2"], "halves2: no such stage; the stages are: halves "),
    ({"METHOD": "sampling2"}, ["halves"], "METHOD=sampling2: no such method; the methods are: sampling beam"),
    ({"STEPS": "20"}, ["table"], "was begun with STEPS=10; set that")])
def test_the_benchmark_refuses_what_it_cannot_compare(tmp_path, environment, arguments, said):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/steps").write_text("10\n")
    (tmp_path / "multi30k").mkdir()
    for split in ("train", "val", "test_2016_flickr"):
        for language in ("en", "de"):
            (tmp_path / f"multi30k/{split}.{language}.gz").touch()
    environment = ENVIRONMENT | {"WAVEMT_DATA": str(tmp_path)} | environment
    result = script("benchmark_synthetic_text", tmp_path / "runs", *arguments, env=environment | {
        "WAVEMT_PROGRAM": str(PROGRAM)}, check=False)
    assert result.returncode == 2 and said in result.stderr


def test_a_shard_that_was_changed_is_named(trained_run, text, in_one_go, tmp_path):
    folder = tmp_path / "corpus"
    shutil.copytree(in_one_go, folder)
    (folder / "back_translated.zh").unlink()
    arguments = ("back_translate", trained_run, text, "--output", folder, "--shard-lines", 4)
    for number in (2, 3):
        shard = folder / f"shards/0000{number}.translation"
        for content in (shard.read_bytes() + b"more\n", b"less\n"):
            shard.write_bytes(content)
            result = script(*arguments, check=False)
            assert result.returncode == 1
            assert f"{shard}: has {content.count(10)} line" in result.stderr
        shutil.copy(in_one_go / "shards" / shard.name, shard)
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
