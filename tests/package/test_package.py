"""`cmake --install`: runs the installed program, and builds another program against the installed
library with find_package(wavemt). Where LibTorch would be copied too, a link takes its place."""
import json
from pathlib import Path

import pytest

from conftest import ROOT, write_config
from installing import BUILD, cached, run_command

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The folder under which wavemt is installed."""
    folder = tmp_path_factory.mktemp("prefix")
    for component in ("wavemt", "development"):
        run_command("cmake", "--install", BUILD, "--prefix", folder, "--component", component,
                    cwd=folder)
    libtorch = Path(cached("LIBTORCH_INCLUDE")).parent
    config = next(folder.rglob("wavemtConfig.cmake"))
    if str(libtorch) not in config.read_text("utf8"):  # It would be installed.
        library = config.parent.parent.parent / "wavemt"
        library.mkdir()
        (library / "libtorch").symlink_to(libtorch)
    return folder


def test_what_is_installed(prefix):
    for name in ("bin/wavemt", "include/wavemt/workflow/trained_model.h",
                 "include/wavemt/decoding/translator.h", "share/wavemt/data/quickstart/train.en",
                 "share/wavemt/scripts/to_ctranslate2.py", "share/wavemt/scripts/torch_translate.py",
                 "share/doc/wavemt/LICENSE", "share/man/man1/wavemt.1", "share/man/man1/wavemt-train.1",
                 "share/bash-completion/completions/wavemt", "share/zsh/site-functions/_wavemt",
                 "share/fish/vendor_completions.d/wavemt.fish"):
        assert (prefix / name).is_file(), name
    assert not (prefix / "include/wavemt/commands").exists()


def test_nothing_names_the_source_tree(prefix):
    """Nor the build folder. LibTorch may be anywhere if it is not installed too."""
    config = next(prefix.rglob("wavemtConfig.cmake")).read_text("utf8")
    libtorch = str(Path(cached("LIBTORCH_INCLUDE")).parent)
    for path in prefix.rglob("*"):
        if path.is_symlink() or not path.is_file() or "libtorch" in path.relative_to(prefix).parts:
            continue
        contents = path.read_bytes()
        if libtorch in config:
            contents = contents.replace(libtorch.encode(), b"")
        for folder in {ROOT, BUILD}:
            assert f"{folder}/".encode() not in contents, f"{path} names {folder}"


def test_what_is_installed_for_shells_is_what_the_program_writes(prefix, tmp_path):
    program = prefix / "bin/wavemt"
    for shell, file in (("bash", "bash-completion/completions/wavemt"), ("zsh", "zsh/site-functions/_wavemt"),
                        ("fish", "fish/vendor_completions.d/wavemt.fish")):
        written = run_command(program, "completion", shell, cwd=tmp_path)
        assert (prefix / "share" / file).read_text("utf8") == written
    run_command(program, "manual", "--output", tmp_path / "man1", cwd=tmp_path)
    assert {page.name: page.read_text("utf8") for page in (tmp_path / "man1").iterdir()} == {
        page.name: page.read_text("utf8") for page in (prefix / "share/man/man1").iterdir()}


def test_the_program_runs_from_its_new_place(prefix, tmp_path):
    program = prefix / "bin/wavemt"
    assert run_command(program, "--version", cwd=tmp_path).startswith("wavemt ")
    shown = run_command(program, "config", "show", prefix / "share/wavemt/configs/quickstart.json",
                        cwd=tmp_path)
    assert (prefix / "share/wavemt/configs/schema.json").is_file()  # For editors.
    [train] = json.loads(shown)["data"]["train"]["source"]
    assert Path(train).samefile(prefix / "share/wavemt/data/quickstart/train.en")
    run_command(program, "config", "check", prefix / "share/wavemt/configs/quickstart.json",
                cwd=tmp_path)
    # The default of WAVEMT_DATA.
    config = {"data": {"train": {"source": "${WAVEMT_DATA}/quickstart/train.en",
                                 "target": "${WAVEMT_DATA}/quickstart/train.zh"}}}
    (tmp_path / "config.json").write_text(json.dumps(config), "utf8")
    shown = run_command(program, "config", "show", tmp_path / "config.json", cwd=tmp_path)
    assert json.loads(shown)["data"]["train"]["source"] == [
        str((prefix / "share/wavemt/data/quickstart/train.en").resolve())]


def test_a_program_built_with_the_package(prefix, corpus, tmp_path):
    config = write_config(tmp_path / "config.json", corpus)
    program = prefix / "bin/wavemt"
    run_command(program, "train", config, "--run-dir", tmp_path / "run", "--device", "cpu",
                cwd=tmp_path)
    run_command("cmake", "-S", HERE, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}",
                "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_COMPILER={cached('CMAKE_CXX_COMPILER')}",
                cwd=tmp_path)
    run_command("cmake", "--build", tmp_path / "build", cwd=tmp_path)
    lines = ["I bought two red pens.", "The doctor is at home."]
    translated = run_command(tmp_path / "build/translate_lines", tmp_path / "run", *lines,
                             cwd=tmp_path)
    expected = run_command(program, "translate", tmp_path / "run", "--device", "cpu", cwd=tmp_path,
                           input="\n".join(lines) + "\n")
    assert translated == expected
    assert len(translated.splitlines()) == 2
