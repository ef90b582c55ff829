"""Results that cannot be written: a sentence and exit code 1, whatever happened to the stream.

WAVEMT_TORTURE=1 closes every command's standard output, and not only every other one's.
"""
import os
import subprocess
from pathlib import Path

import pytest
from conftest import ENVIRONMENT, PROGRAM, thinned, wavemt

# Each prints more than a pipe holds.
COMMANDS = ["translate {run} --input {lines}", "tokenizer encode --model {model} --input {text}",
            "tokenizer decode --model {model} --input {text}",
            "metrics {text} {text} --sentence-level --metrics chrf"]
# What prints little is written at the end.
SHORT_COMMANDS = ["translate {run} --input {short}", "metrics {short} {short}",
                  "evaluate {run} --source {short} --reference {short}", "inspect {run}",
                  "config show {config}", "config schema", "config check {config}", "--help",
                  "translate --help", "--version", "completion zsh", "manual train"]


@pytest.fixture(scope="module")
def names(run, corpus, tmp_path_factory):
    """What the commands above are made of."""
    folder = tmp_path_factory.mktemp("text")
    (folder / "lines").write_bytes(b"\n" * 300_000)
    (folder / "text").write_bytes(b"A line of text.\n" * 30_000)
    (folder / "short").write_bytes(b"A line of text.\n")
    return {"run": run, "model": run / "tokenizer.model", "config": run / "config.json",
            "lines": folder / "lines", "text": folder / "text", "short": folder / "short"}


def arguments(command, names):
    return [str(PROGRAM), *command.format(**names).split()]


def said(stderr):
    """The only error."""
    errors = [line for line in stderr.decode().splitlines() if " error: " in line]
    assert len(errors) == 1, stderr
    return errors[0].split(" error: ")[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_reader_that_goes_away(names, command):
    """`wavemt ... | head -n 1`"""
    with subprocess.Popen(arguments(command, names), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=ENVIRONMENT) as process:
        assert process.stdout.readline()
        process.stdout.close()
        stderr = process.stderr.read()
    assert (process.returncode, said(stderr)) == \
        (1, "standard output: cannot be written: Broken pipe")


@pytest.mark.parametrize("command", COMMANDS + SHORT_COMMANDS)
def test_full_disk(names, command):
    with open("/dev/full", "wb") as full:
        result = subprocess.run(arguments(command, names), stdout=full, stderr=subprocess.PIPE,
                                env=ENVIRONMENT, timeout=300)
    assert result.returncode == 1, result.stderr
    assert said(result.stderr).startswith("standard output: cannot be written")


@pytest.mark.parametrize("command", thinned(COMMANDS + SHORT_COMMANDS, every=2))
def test_closed_standard_output(names, command):
    result = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *arguments(command, names)],
                            stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=300)
    assert result.returncode == 1, result.stderr
    assert said(result.stderr).startswith("standard output: cannot be written")


@pytest.mark.parametrize("command", ["translate {run} --output /dev/full --input {short}",
                                     "evaluate {run} --source {short} --reference {short} "
                                     "--output /dev/full",
                                     "tokenizer encode --model {model} --input {short} --output "
                                     "/dev/full"])
def test_full_device_as_output_file(names, command):
    result = subprocess.run(arguments(command, names), capture_output=True, env=ENVIRONMENT,
                            timeout=300)
    assert (result.returncode, said(result.stderr)) == \
        (1, "/dev/full: cannot be written: No space left on device")
    assert Path("/dev/full").is_char_device()


def test_closed_standard_input(names):
    command = arguments("translate {run}", names)
    result = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *command], capture_output=True,
                            env=ENVIRONMENT, timeout=300)
    assert (result.returncode, result.stdout) == (2, b"")
    assert said(result.stderr) == \
        "standard input: after line 0: cannot be read: Bad file descriptor"


def test_closed_standard_error_gets_into_no_file(names, tmp_path):
    """The next file to be opened would have its number: warnings would land in the output."""
    (tmp_path / "text").write_bytes(b"word " * 200 + b"\n")
    command = arguments(f"translate {{run}} --input {tmp_path}/text --output {tmp_path}/output",
                        names)
    subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command], check=True, env=ENVIRONMENT,
                   timeout=300)
    expected = wavemt("translate", names["run"], "--input", tmp_path / "text")
    assert " warning: 1 line (1): longer than the model's positions" in expected.stderr
    assert (tmp_path / "output").read_text("utf8") == expected.stdout


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("appending", [False, True])
def test_standard_output_by_another_name(names, tmp_path, name, appending):
    (tmp_path / "log").write_text("first\n")
    command = arguments(f"tokenizer encode --model {{model}} --input {{short}} --output {name}",
                        names)
    with open(tmp_path / "log", "ab" if appending else "wb") as log:
        subprocess.run(command, check=True, stdout=log, env=ENVIRONMENT, timeout=300)
    expected = wavemt(*command[1:-2]).stdout
    assert (tmp_path / "log").read_text("utf8") == "first\n" * appending + expected
    assert os.path.islink("/dev/stdout")


def test_a_link_stays_a_link(names, tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    wavemt("tokenizer", "encode", "--model", names["model"], "--input", names["short"], "--output",
           tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text("utf8") == \
        wavemt("tokenizer", "encode", "--model", names["model"], "--input", names["short"]).stdout


def test_output_that_is_the_input(names, tmp_path):
    (tmp_path / "text").write_bytes(b"A line.\n")
    expected = wavemt("tokenizer", "encode", "--model", names["model"], "--input",
                      tmp_path / "text").stdout
    wavemt("tokenizer", "encode", "--model", names["model"], "--input", tmp_path / "text",
           "--output", tmp_path / "text")
    assert (tmp_path / "text").read_text("utf8") == expected


def test_output_that_grows_the_input_ends(names, tmp_path):
    """`wavemt tokenizer encode --input f >> f` would go on until the disk is full."""
    (tmp_path / "text").write_bytes(b"A line.\n" * 100_000)
    command = arguments(f"tokenizer encode --model {{model}} --input {tmp_path}/text", names)
    with open(tmp_path / "text", "ab") as text:
        result = subprocess.run(command, stdout=text, stderr=subprocess.PIPE, env=ENVIRONMENT,
                                timeout=300)
    assert result.returncode == 2
    assert "the file was changed while it was read" in said(result.stderr)
