"""What configs/README.md shows, run as it stands there: the way from a corpus to a served model,
and the lines of Python that open a run."""
import json
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys

import jsonschema
import pytest
from conftest import ENVIRONMENT, PROGRAM, ROOT, metrics_of, pointed, wavemt

PATIENCE = 120  # Seconds: far more than any step takes.

# What `train` is given besides the page's words, so that it takes a moment. The page's config and
# all else that the words say still count.
SMALL = {"training.max_steps": 8, "training.validate_every": 2, "training.save_every": 2,
         "training.batch_tokens": 256, "data.max_length": 60, "tokenizer.vocab_size": 400,
         "tokenizer.byte_fallback": "false", "model.d_model": 32, "model.ffn_dim": 64,
         "model.num_encoder_layers": 1, "model.num_decoder_layers": 1}


def blocks(heading):
    """The blocks of code under a heading of the page: (language, text), "" for the shell."""
    page = (ROOT / "configs/README.md").read_text("utf8")
    [section] = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## )", page, re.M | re.S)
    return re.findall(r"^```(\w*)\n(.*?)^```$", section, re.M | re.S)


def small_program(folder):
    """A folder with a `wavemt` that trains small and notes the commands it was called with."""
    options = shlex.join(word for key, value in SMALL.items()
                         for word in ("--set", f"{key}={value}"))
    path = folder / "bin/wavemt"
    path.parent.mkdir()
    path.write_text(f"""#!/bin/sh
echo "$1" >> {shlex.quote(str(folder / 'commands'))}
if [ "$1" = train ]; then set -- "$@" {options}; fi
exec {shlex.quote(str(PROGRAM))} "$@"
""", "utf8")
    path.chmod(0o755)
    return path.parent


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def shell(corpus, tmp_path):
    """Runs a block of the page in the folder of a reader with a small corpus: with subprocess.run,
    or another function of these arguments."""
    folder = shutil.copytree(corpus, tmp_path / "reader")
    environment = ENVIRONMENT | {
        "PATH": f"{small_program(tmp_path)}:{ENVIRONMENT['PATH']}", "CUDA_VISIBLE_DEVICES": "",
        "no_proxy": "127.0.0.1", "WAVEMT_PYTHON": sys.executable}

    def run(block, start=subprocess.run, **options):
        return start(["bash", "-euo", "pipefail", "-c", block], cwd=folder, env=environment,
                     stdin=subprocess.DEVNULL, encoding="utf8", **options)
    run.folder = folder
    run.commands = tmp_path / "commands"
    return run


def done(shell, block):
    """What a block that ends by itself prints."""
    result = shell(block, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
    assert result.returncode == 0, f"{block}{result.stdout}{result.stderr}"
    return result.stdout


def answer(shell, serve, ask):
    """What the block `ask` prints while the block `serve` runs, on a port that is free."""
    assert serve.count("8080") == ask.count("8080") == 1
    port = str(free_port())
    with open(shell.folder / "serve.log", "w+", encoding="utf8") as log:
        server = shell("exec " + serve.replace("8080", port), subprocess.Popen,
                       stdout=subprocess.PIPE, stderr=log)
        try:
            ready, _, _ = select.select([server.stdout], [], [], PATIENCE)
            url = server.stdout.readline() if ready else ""
            assert url == f"http://127.0.0.1:{port}\n", (shell.folder / "serve.log").read_text()
            said = done(shell, ask.replace("8080", port))
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=PATIENCE)
            assert server.returncode == 0
            return said
        finally:
            if server.poll() is None:
                server.kill()
                server.communicate()


def test_the_way_from_a_corpus_to_a_served_model(shell):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    found = blocks("From a corpus to a served model")
    [config] = [text for language, text in found if language == "json"]
    scripts = [text for language, text in found if language == ""]
    assert len(found) == len(scripts) + 1
    (shell.folder / "my.json").write_text(config, "utf8")
    *steps, serve, ask = scripts
    printed = {block: done(shell, block) for block in steps}
    answered = answer(shell, serve, ask)

    # The page has shown every stage, and each has left what the next one needs.
    assert set(shell.commands.read_text().split()) == {
        "corpus", "config", "train", "report", "tune", "evaluate", "metrics", "export", "serve"}
    schema = json.loads((shell.folder / "schema.json").read_text("utf8"))
    assert "clean.en" in config
    jsonschema.validate(json.loads(config), schema, cls=jsonschema.Draft202012Validator)
    train = (shell.folder / "train.en").read_text("utf8").splitlines()
    clean = (shell.folder / "clean.en").read_text("utf8").splitlines()
    rejected = (shell.folder / "rejected.tsv").read_text("utf8").splitlines()
    assert clean and len(clean) + len(rejected) == len(train)
    for run, alpha in (("baseline", 0), ("my", 0.3)):
        ran = json.loads((shell.folder / f"runs/{run}/config.json").read_text("utf8"))
        assert ran["tokenizer"]["sampling"]["alpha"] == alpha
        given = json.loads(config)["training"]
        assert {key: ran["training"][key] for key in given if f"training.{key}" not in SMALL} == \
            {key: value for key, value in given.items() if f"training.{key}" not in SMALL}
        assert (shell.folder / f"runs/{run}/checkpoints/average/model.safetensors").is_file()
        assert len((shell.folder / f"{run}.zh").read_text("utf8").splitlines()) == 20
    assert "baseline" in (shell.folder / "report.html").read_text("utf8")
    assert [step for step in printed if "--paired-bootstrap" in step and "(p = " in printed[step]]
    assert (shell.folder / "my-hf/model.safetensors").is_file()
    assert (shell.folder / "my-ct2/model.bin").is_file()
    question = json.loads(re.search(r"-d '(.*)'", ask)[1])["text"]
    [translation] = json.loads(answered)["translations"]
    assert translation["text"] == wavemt("translate", shell.folder / "runs/my", "--device", "cpu",
                                         input=question + "\n").stdout.rstrip("\n")


def test_python_opens_a_run(trained_run, tmp_path):
    [code] = [text for language, text in blocks("The run's folder")
              if language == "python" and "load_file" in text]
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/my").symlink_to(trained_run)
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=ENVIRONMENT,
                            capture_output=True, encoding="utf8", timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    tensors, pieces, *table = result.stdout.splitlines()

    file = (pointed(trained_run, "best") / "model.safetensors").read_bytes()
    header = json.loads(file[8:8 + int.from_bytes(file[:8], "little")])
    assert tensors == f"{len(header.keys() - {'__metadata__'})} tensors"
    [sentence] = re.findall(r'encode\("(.*?)"', code)
    encoded = wavemt("tokenizer", "encode", "--model", trained_run / "tokenizer.model",
                     input=sentence + "\n").stdout
    assert pieces == str(encoded.split())
    scores = [line for line in metrics_of(trained_run) if "valid/bleu" in line]
    columns, *rows = (line.split() for line in table)
    assert columns == ["step", "valid/loss", "valid/bleu"]
    assert [int(row[1]) for row in rows] == [line["step"] for line in scores] == [80, 160, 240]
    for row, line in zip(rows, scores):
        assert float(row[2]) == pytest.approx(line["valid/loss"], abs=1e-5)
        assert float(row[3]) == pytest.approx(line["valid/bleu"], abs=1e-5)
