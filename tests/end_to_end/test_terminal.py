"""What a training says to people, on terminals of every kind and without one, and to programs."""
import json
import re
import shlex

import pytest
from conftest import metrics_of, wavemt, write_config
from terminal import columns_of, drawn_lines, is_message, said_to_terminal

COLOR = re.compile("\x1b\\[[0-9;]*m")
PLAIN_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (info|warning|error): ")


@pytest.fixture
def training(corpus, tmp_path):
    """The words of a training's command."""
    config = write_config(tmp_path / "config.json", corpus)
    return ["train", config, "--run-dir", tmp_path / "run", "--device", "cpu"]


def samples_of(run):
    return [json.loads(line) for line in (run / "samples.jsonl").read_text("utf8").splitlines()]


def messages(said):
    """The lines of a log without a terminal, without time and level."""
    return [PLAIN_LINE.sub("", line) for line in said.splitlines()]


@pytest.mark.parametrize("columns", [40, 10_000])
def test_bars_and_samples_fit_a_terminal(training, tmp_path, columns):
    lines = drawn_lines(said_to_terminal(*training, columns=columns))
    bars = [line for line in lines if not is_message(line)]
    assert any("step " in bar for bar in bars)
    assert any("━" in bar or "┄" in bar for bar in bars) or columns == 40
    assert max(map(columns_of, bars)) < columns
    shown = [line for line in lines if re.search(r" info:   (source|reference|translation) ", line)]
    samples = samples_of(tmp_path / "run")
    assert len(shown) == 3 * len(samples)
    assert max(map(columns_of, shown)) <= columns
    assert any(line.endswith("…") for line in shown) == (columns == 40)
    # In the file nothing is cut.
    if columns > 40:
        parts = [sample[part] for sample in samples
                 for part in ("source", "reference", "translation")]
        assert all(line.endswith("  " + part) for line, part in zip(shown, parts, strict=True))


def test_without_a_terminal(training):
    said = wavemt(*training).stderr
    assert "\x1b" not in said and "\r" not in said
    assert all(PLAIN_LINE.match(line) for line in said.splitlines())
    assert " info: step 20/20  epoch " in said


def test_without_colors(training):
    said = said_to_terminal(*training, NO_COLOR="1")
    assert not COLOR.search(said)
    assert any("step " in line and not is_message(line) for line in drawn_lines(said))


def test_plain_on_a_terminal(training):
    said = said_to_terminal(*training, "--log-format", "plain").replace("\r\n", "\n")
    assert "\x1b" not in said and "\r" not in said
    assert all(PLAIN_LINE.match(line) for line in said.splitlines())
    assert " info: step 20/20  epoch " in said


@pytest.mark.parametrize("is_terminal", [False, True])
def test_json(training, tmp_path, is_terminal):
    arguments = ["--log-format=json", *training]
    said = said_to_terminal(*arguments) if is_terminal else wavemt(*arguments).stderr
    objects = [json.loads(line) for line in said.splitlines()]
    for line in objects:
        assert set(line) == {"time", "level", "message"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert {line["level"] for line in objects} <= {"info", "warning"}
    said = [line["message"] for line in objects]
    assert any(message.startswith("step 20/20  epoch ") for message in said)
    assert said[-1].startswith("done: training.max_steps = 20 reached; ")


@pytest.mark.parametrize("is_terminal", [False, True])
def test_quiet(training, is_terminal):
    arguments = [*training, "--quiet"]
    said = said_to_terminal(*arguments) if is_terminal else wavemt(*arguments).stderr
    for line in drawn_lines(said):
        assert " warning: " in line, said


def test_quiet_says_what_is_wrong():
    result = wavemt("--quiet", "translate", "missing", check=False)
    assert result.returncode == 2
    assert " error: missing: no such run or checkpoint" in result.stderr


@pytest.mark.parametrize("arguments", [
    ["--log-format", "json", "trian"], ["train", "--log-format", "json"],
    ["translate", "missing", "--log-format=json"]])
def test_errors_as_json(arguments):
    """Those of the command line as well."""
    result = wavemt(*arguments, check=False)
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert json.loads(line)["level"] == "error"


def test_a_format_that_does_not_exist():
    for arguments in (["--log-format", "yaml", "config", "schema"],
                      ["config", "schema", "--log-format", "yaml"]):
        result = wavemt(*arguments, check=False)
        assert result.returncode == 2
        assert "--log-format" in result.stderr and "yaml" in result.stderr


def test_the_end_of_a_training(training, tmp_path):
    run = tmp_path / "run"
    *said, done = messages(wavemt(*training).stderr)
    table = said[next(i for i, line in enumerate(said) if line.startswith("  best step ")):]
    assert done == (f"done: training.max_steps = 20 reached; best: step "
                    f"{(run / 'checkpoints/best').read_text().strip()[5:].lstrip('0')}; "
                    f"the run is in {run}")
    rows = dict(re.fullmatch(r"  (\S.*?) {2,}(.*)", line).groups() for line in table
                if line.startswith("  "))
    best = int(rows["best step"])
    [scores] = [line for line in metrics_of(run) if line["step"] == best and "valid/bleu" in line]
    assert rows["loss"] == f"{scores['valid/loss']:.3f}"
    for name, key in (("BLEU", "valid/bleu"), ("chrF", "valid/chrf")):
        assert rows[name] == f"{scores[key]:.2f}  {scores[key + '_signature']}"
        assert "version:" in rows[name]
    checkpoint = run / f"checkpoints/step-{best:08}"
    assert rows["model"] == str(checkpoint)
    last = json.loads((run / "checkpoints/step-00000020/state.json").read_text())
    assert rows["target tokens"] == f"{last['target_tokens']:,}"
    assert rows["next"] == f"wavemt evaluate {run}"
    # All values stand below each other.
    assert len({re.match(r"  \S.*? {2,}", line).end() for line in table
                if line.startswith("  ")}) == 1


def test_the_next_command_without_a_test_set(corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus)
    without_test = json.loads(config.read_text("utf8"))
    del without_test["data"]["test"]
    config.write_text(json.dumps(without_test), "utf8")
    run = tmp_path / "it's a run"
    said = wavemt("train", config, "--run-dir", run, "--device", "cpu").stderr
    [command] = re.findall(r"  next +(wavemt .*)", said)
    assert shlex.split(command) == ["wavemt", "translate", str(run), "<", "FILE"]


def test_the_table_on_a_narrow_terminal(training, tmp_path):
    """Only what one copies may be wider."""
    lines = drawn_lines(said_to_terminal(*training, columns=40))
    begin = next(i for i, line in enumerate(lines) if " info:   best step " in line)
    last = next(i for i, line in enumerate(lines) if "info:     wavemt evaluate " in line)
    for line in lines[begin:last + 1]:
        if is_message(line) and columns_of(line) > 40:
            assert re.search(r"info:     (nrefs:|wavemt |/)", line), line


def test_time_and_tokens_are_those_of_all_sessions(training, tmp_path):
    wavemt(*training)
    said = wavemt("resume", tmp_path / "run", "--set", "training.max_steps=24",
                  "--device", "cpu").stderr
    [tokens] = re.findall(r"  target tokens +([\d,]+)", said)
    first, last = (json.loads((tmp_path / f"run/checkpoints/step-{step:08}/state.json").read_text())
                   for step in (20, 24))
    assert int(tokens.replace(",", "")) == last["target_tokens"] > first["target_tokens"]
    assert last["seconds"] > first["seconds"]


def test_no_text_moves_the_cursor(corpus, tmp_path):
    """Control characters of a corpus stay in the files."""
    for language, line in (("en", "A \x1b[2Jcat.\n"), ("zh", "\x1b[31m一只\x9b猫。\n")):
        (tmp_path / f"valid.{language}").write_text(line, "utf8")
    config = write_config(tmp_path / "config.json", corpus, data={"valid": {
        "source": str(tmp_path / "valid.en"), "target": str(tmp_path / "valid.zh")}})
    said = said_to_terminal("train", config, "--run-dir", tmp_path / "run", "--device", "cpu",
                            NO_COLOR="1")
    assert "A \ufffd[2Jcat." in said and "\ufffd[31m一只\ufffd猫。" in said
    assert set(re.findall("\x1b.{2}", said)) == {"\x1b[K"}
    assert "\x9b" not in said
    assert samples_of(tmp_path / "run")[0]["source"] == "A \x1b[2Jcat."
