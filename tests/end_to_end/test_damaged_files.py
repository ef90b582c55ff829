"""Whatever happened to a run's files, the program says so, or does what it would have done anyway.

tests/workflow/damaged_run_test.cpp damages files by the thousand in one process; here a sample goes
through the program itself. WAVEMT_TORTURE=1: more of them.
"""
import io
import itertools
import json
import os
import pickle
import random
import re
import shutil
import subprocess
import zipfile

import pytest
from conftest import PROGRAM, ROOT, TORTURE, pointed, thinned, wavemt

DAMAGES = 30 if TORTURE else 1
NEWEST, BEFORE = "checkpoints/step-00000240", "checkpoints/step-00000160"
CHECKPOINT_FILES = ["model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"]
TEXT = "A dog runs .\nTwo men sit on a bench .\n"


def flip(data, draw):
    place = draw.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << draw.randrange(8)]) + data[place + 1:]


def cut(data, draw):
    return data[:draw.randrange(len(data))]


def zero(data, draw):
    place = draw.randrange(len(data))
    length = min(draw.choice([1, 16, 512, 4096]), len(data) - place)
    return data[:place] + bytes(length) + data[place + length:]


def extend(data, draw):
    return data + bytes(draw.choice([1, 512])) + draw.randbytes(draw.choice([0, 3]))


def damages(path, seed):
    """Damaged contents for a file, no two draws alike."""
    whole, draw = path.read_bytes(), random.Random(f"{path.name} {seed}")
    for number in range(DAMAGES):
        damaged = whole
        while damaged == whole:
            damaged = [flip, cut, zero, extend][(number + draw.randrange(4)) % 4](whole, draw)
        yield damaged


def says_the_same(damaged, whole):
    """Whether JSON that was damaged between its values, say, holds what it held before."""
    try:
        return json.loads(damaged) == json.loads(whole)
    except ValueError:
        return False


def assert_says(result):
    """Success, or one sentence of an error: no crash, no stack trace."""
    assert result.returncode in (0, 2), (result.returncode, result.stderr)
    errors = [line for line in result.stderr.splitlines() if " error: " in line]
    assert len(errors) == (result.returncode == 2), result.stderr


@pytest.fixture(scope="module")
def translation(trained_run):
    return wavemt("translate", trained_run, input=TEXT).stdout


@pytest.mark.parametrize("name", CHECKPOINT_FILES)
def test_resume_goes_on_from_the_checkpoint_before(own_run, trained_run, name):
    whole = (own_run / NEWEST / name).read_bytes()
    for damaged in damages(own_run / NEWEST / name, "resume"):
        (own_run / NEWEST / name).write_bytes(damaged)
        result = wavemt("resume", own_run, "--device", "cpu")
        warnings = [line for line in result.stderr.splitlines() if " warning: " in line]
        if name == "manifest.json" and says_the_same(damaged, whole):
            assert warnings == []
        else:
            # A damaged manifest may also contradict a file that is whole.
            named = f"{own_run}/{NEWEST}/{name if name != 'manifest.json' else ''}"
            assert [named in line for line in warnings] == [True], result.stderr
            assert f"continuing from {own_run}/{BEFORE}" in result.stderr
        # And comes to the same end.
        for file in ("model.safetensors", "optimizer.safetensors"):
            assert (own_run / NEWEST / file).read_bytes() == \
                (trained_run / NEWEST / file).read_bytes()


@pytest.mark.parametrize("command, name", thinned(itertools.product(["translate", "inspect"], [
    *(f"checkpoints/BEST/{name}" for name in CHECKPOINT_FILES), "checkpoints/latest",
    "checkpoints/best", "config.json", "corpus.json", "tokenizer.model", "checksums.json",
    "metrics.jsonl"]), every=2))
def test_a_model_that_is_read_is_the_one_that_was_written(own_run, translation, name, command):
    place = own_run / name.replace("BEST", pointed(own_run, "best").name)
    whole = place.read_bytes()
    expected = translation if command == "translate" else wavemt(command, own_run).stdout
    for damaged in damages(place, command):
        place.write_bytes(damaged)
        result = wavemt(command, own_run, input=TEXT, check=False)
        assert_says(result)
        if result.returncode != 0:
            assert result.stdout == ""
        elif result.stdout != expected:  # Loud, at least.
            assert f"{own_run}/checkpoints/best: names " in result.stderr
        place.write_bytes(whole)


@pytest.mark.parametrize("name", ["config.json", "corpus.json", "tokenizer.model",
                                  "checksums.json"])
def test_resume_refuses_another_config_and_tokenizer(own_run, name):
    whole = (own_run / name).read_bytes()
    for damaged in damages(own_run / name, "resume"):
        (own_run / name).write_bytes(damaged)
        result = wavemt("resume", own_run, "--device", "cpu", check=False)
        assert_says(result)
        assert f"{own_run}/{name}" in result.stderr
        (own_run / name).write_bytes(whole)


def test_resume_heals_pointers_and_metrics(own_run, trained_run):
    for name in ("checkpoints/latest", "checkpoints/best", "metrics.jsonl"):
        for damaged in damages(own_run / name, "resume"):
            (own_run / name).write_bytes(damaged)
            wavemt("resume", own_run, "--device", "cpu")
            if name != "metrics.jsonl":
                assert (own_run / name).read_bytes() == (trained_run / name).read_bytes()


def test_an_edited_config_gives_the_way_to_change_it(own_run):
    text = (own_run / "config.json").read_text()
    (own_run / "config.json").write_text(text.replace('"beam_size": 5', '"beam_size": 4'))
    result = wavemt("resume", own_run, "--device", "cpu", check=False)
    assert result.returncode == 2
    assert f"{own_run}/config.json: is damaged or was edited: " in result.stderr
    assert f"`wavemt resume {own_run} --set key=value`" in result.stderr
    # As --set changes it, and in a run of an older version, it is taken.
    (own_run / "config.json").write_text(text)
    wavemt("resume", own_run, "--set", "decoding.beam_size=4", "--device", "cpu")
    assert '"beam_size": 4' in (own_run / "config.json").read_text()
    wavemt("translate", own_run, input=TEXT)
    (own_run / "checksums.json").unlink()
    (own_run / "config.json").write_text(text)
    wavemt("translate", own_run, input=TEXT)


def test_an_average_holds_a_checksum_of_its_own(own_run):
    mean = own_run / "mean.safetensors"
    wavemt("average", own_run / NEWEST, own_run / BEFORE, "--output", mean)
    data = mean.read_bytes()
    mean.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    result = wavemt("translate", mean, input=TEXT, check=False)
    assert result.returncode == 2
    assert f"{mean}: is damaged: the checksum of its data is " in result.stderr


class Payload:
    """What a hostile pickle does to the program that loads it."""
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def pickled(marker):
    return pickle.dumps({"weight": Payload(marker)})


def zipped(marker):
    """A file as torch.save() makes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(marker))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


# Three names for what is refused in the same place: the quick part meets each command once by them.
ONE_COMMAND = {"model.pt": "translate", "pytorch_model.bin": "inspect", "model.pkl": "average"}


@pytest.mark.parametrize("make", [pickled, zipped])
@pytest.mark.parametrize("name, sentence", [
    ("model.pt", "is neither a run, a checkpoint nor a .safetensors file"),
    ("pytorch_model.bin", "is neither a run, a checkpoint nor a .safetensors file"),
    ("model.pkl", "is neither a run, a checkpoint nor a .safetensors file"),
    ("model.safetensors", "not a usable safetensors file: a header of "),
    ("tokenizer.model", "is not a SentencePiece model"),
])
def test_a_pickle_is_refused(own_run, tmp_path, make, name, sentence):
    marker = tmp_path / "executed"
    pickle.loads(pickled(marker))  # The pickle does what we believe that it does.
    marker.rmdir()
    (own_run / name).write_bytes(make(marker))
    (own_run / "checksums.json").unlink()
    commands = {"translate": ["translate", own_run / name], "inspect": ["inspect", own_run / name],
                "average": ["average", own_run / name, "--output", tmp_path / "mean.safetensors"]}
    if name == "tokenizer.model":
        commands = {"translate": ["translate", own_run]}
    elif not TORTURE and name in ONE_COMMAND:
        commands = {ONE_COMMAND[name]: commands[ONE_COMMAND[name]]}
    for command in commands.values():
        result = wavemt(*command, input=TEXT, check=False)
        assert result.returncode == 2
        assert f"{own_run / name}: {sentence}" in result.stderr
    assert not marker.exists()


# What runs code that lies in a file, or makes an object of whatever type a file names.
LOADERS = (r"torch::(jit|load|save|pickle_load|pickle_save|serialize)\b|torch/(script|serialize)|"
           r"\b(dlopen|dlmopen|popen|system|execl[pe]?|execvp?e?|fexecve|posix_spawnp?)\b")


def test_no_source_runs_what_a_file_holds():
    code = {path: re.sub(r"//.*|\"[^\"\n]*\"", "", path.read_text("utf8"))
            for path in (ROOT / "src").rglob("*.[ch]*")}
    assert len(code) > 100
    calls = {path: re.findall(rf"(?:{LOADERS})\s*\(", text) for path, text in code.items()}
    # `wavemt export` runs a script of its own, which no file that it reads can choose.
    script = ROOT / "src/interchange/python_script.cpp"
    assert [found[-1] for found in calls.pop(script)] == ["posix_spawnp"]
    assert [path for path, found in calls.items() if found] == []
    includes = re.compile(r"#include\s*[<\"](torch/(script|serialize)|dlfcn)")
    assert [path for path in code if includes.search(path.read_text("utf8"))] == []


@pytest.mark.skipif(shutil.which("nm") is None, reason="no nm")
def test_the_program_links_to_nothing_that_runs_what_a_file_holds():
    names = subprocess.run(["nm", "-DC", "--undefined-only", PROGRAM], capture_output=True,
                           encoding="utf8", check=True).stdout
    assert "torch" in names
    symbols = [re.sub(r"@.*", "", line) for line in names.splitlines()]
    found = [symbol.split()[-1] for symbol in symbols if re.search(rf"U ({LOADERS})", symbol)]
    assert found == ["posix_spawnp"]  # Of the script that `wavemt export` runs.
