"""What a shell user expects: completion, manual pages, --version and doctor.

What these say of commands and options is compared with --help, and what they say of the machine with
Python and with the tools that are installed here.
"""
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ENVIRONMENT, PROGRAM, ROOT, wavemt

sys.path.insert(0, str(ROOT / "scripts"))
import machine

SHELLS = ("bash", "zsh", "fish")


def tool(name):
    """The path of a program, without which the test is skipped."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def run_tool(*command, **options):
    result = subprocess.run([*map(str, command)], capture_output=True, encoding="utf8", timeout=120,
                            check=False, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def read_help(path):
    """The commands and the long options that --help shows for a command, given as its words."""
    text = wavemt(*path, "--help").stdout
    commands = re.findall(r"^ {2}(\w+) ", text.partition("ubcommands:")[2], re.M)
    options = re.findall(r"^ {2,4}((?:-\w, *)?--[\w-]+(?:, *--[\w-]+)*)", text, re.M)
    return commands, [name for names in options for name in re.findall(r"--[\w-]+", names)]


@pytest.fixture(scope="module")
def helps():
    """{words of a command: (its commands, its long options)} for the program and all commands."""
    found, waiting = {}, [()]
    with ThreadPoolExecutor(2) as pool:
        while waiting:
            for path, (commands, options) in zip(waiting, pool.map(read_help, waiting)):
                found[path] = commands, options
            waiting = [(*path, name) for path in waiting for name in found[path][0]]
    assert ("tokenizer", "train") in found and "--set" in found["train",][1]
    return found


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """{shell: the file of its completion script}"""
    folder = tmp_path_factory.mktemp("completion")
    files = {}
    for shell in SHELLS:
        files[shell] = folder / ("_wavemt" if shell == "zsh" else f"wavemt.{shell}")
        files[shell].write_text(wavemt("completion", shell).stdout, "utf8")
    return files


@pytest.fixture(scope="module")
def keys():
    """{config key: its values, where they can be listed}, as `wavemt config schema` has them."""
    def walk(section, before):
        for name, value in section["properties"].items():
            shape = value.get("oneOf", [value])[0]  # The other one is a list of such sections.
            if "properties" in shape:
                yield from walk(shape, f"{before}{name}.")
            elif name != "$schema":
                values = ["true", "false"] if value.get("type") == "boolean" else value.get("enum", [])
                yield before + name, values
    return dict(walk(json.loads(wavemt("config", "schema").stdout), ""))


def part_of_script(shell, text, path):
    """What the script says of one command."""
    words = " ".join(path)
    if shell == "bash":
        return re.search(rf"^    '{words}'\)\n(.*?)^      esac ;;$", text, re.M | re.S)[1]
    if shell == "zsh":
        name = "_".join(("_wavemt", *path))
        return re.search(rf"^{name}\(\) {{\n(.*?)^}}$", text, re.M | re.S)[1]
    return text.partition(f"\n# wavemt {words}\n")[2].partition("\n# wavemt ")[0]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_option_of_the_help_is_completed(shell, scripts, helps):
    text = scripts[shell].read_text("utf8")
    for path, (commands, options) in helps.items():
        part = part_of_script(shell, text, path)
        words = set(re.findall(r"[\w-]+", part))
        for name in options:
            if shell == "fish":
                assert f" -l {name[2:]} " in part, (path, name)
            else:
                assert name in words, (path, name)
        assert words.issuperset(commands), path


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_right_for_its_shell(shell, scripts):
    run_tool(tool(shell), "-n", scripts[shell])


def bash_completes(script, *words, cwd=None):
    """What bash offers for the last of the words, which readline has divided already."""
    command = ('source "$1"; shift; COMP_WORDS=(wavemt "$@"); COMP_CWORD=$#; _wavemt; '
               'printf "%s\\n" "${COMPREPLY[@]}"')
    return run_tool(tool("bash"), "--norc", "-c", command, "bash", script, *words, cwd=cwd).split()


def test_bash_completes_commands_and_options(scripts, helps):
    bash = scripts["bash"]
    assert sorted(bash_completes(bash, "")) == sorted(helps[()][0])
    assert bash_completes(bash, "tok") == ["tokenizer"]
    assert sorted(bash_completes(bash, "tokenizer", "")) == ["decode", "encode", "train"]
    for path in (("train",), ("tokenizer", "train"), ("corpus", "filter")):
        assert sorted(bash_completes(bash, *path, "--")) == sorted(helps[path][1])
    # After an option with its value, and not for it.
    assert bash_completes(bash, "train", "--run-dir", "serve", "--overw") == ["--overwrite"]


def test_bash_completes_values(scripts, keys):
    bash = scripts["bash"]
    assert bash_completes(bash, "metrics", "--format", "") == ["text", "json"]
    assert bash_completes(bash, "metrics", "--format", "=", "j") == ["json"]
    assert bash_completes(bash, "translate", "--device", "c") == ["cpu", "cuda"]
    assert bash_completes(bash, "tokenizer", "train", "--type", "") == ["unigram", "bpe"]
    assert bash_completes(bash, "export", "--format", "h") == ["huggingface"]
    assert bash_completes(bash, "completion", "") == list(SHELLS)
    # Short names of config keys have the keys' values; numbers have none.
    assert bash_completes(bash, "translate", "--mbr-metric", "") == keys["decoding.mbr_metric"]
    assert bash_completes(bash, "translate", "--beam-size", "") == []


def test_bash_completes_config_keys(scripts, keys):
    bash = scripts["bash"]
    assert bash_completes(bash, "train", "x.json", "--set", "") == [f"{key}=" for key in keys]
    for key in ("training.precision", "model.position_encoding.type", "decoding.sampling"):
        assert bash_completes(bash, "train", "--set", key, "=") == keys[key]
        assert bash_completes(bash, "train", "--set", key, "=", keys[key][0]) == [
            value for value in keys[key] if value.startswith(keys[key][0])]
    # Once a key is whole, options again.
    assert bash_completes(bash, "train", "--set", "seed", "=", "1", "--dry") == ["--dry-run"]


def test_bash_completes_files_and_folders(scripts, tmp_path):
    bash = scripts["bash"]
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs.json").write_text("{}", "utf8")
    assert sorted(bash_completes(bash, "train", "ru", cwd=tmp_path)) == ["runs", "runs.json"]
    assert bash_completes(bash, "translate", "ru", cwd=tmp_path) == ["runs"]
    assert bash_completes(bash, "train", "--run-dir", "", cwd=tmp_path) == ["runs"]
    assert bash_completes(bash, "serve", "en-de", "=", "r", cwd=tmp_path) == ["runs"]
    # An option that takes several values takes all until the next option.
    assert bash_completes(bash, "tokenizer", "train", "--input", "a", "runs.", cwd=tmp_path) == [
        "runs.json"]


def test_fish_completes(scripts, keys, helps, tmp_path):
    (tmp_path / "runs").mkdir()

    def completes(line):
        said = run_tool(tool("fish"), "--no-config", "-c", f"source {scripts['fish']}; complete -C '{line}'",
                        cwd=tmp_path, env=ENVIRONMENT | {"HOME": str(tmp_path)})
        return [offer.partition("\t")[0] for offer in said.splitlines()]
    assert sorted(completes("wavemt ")) == sorted(helps[()][0])
    assert sorted(completes("wavemt tokenizer ")) == ["decode", "encode", "train"]
    assert set(completes("wavemt tokenizer train --")) == set(helps["tokenizer", "train"][1])
    assert sorted(completes("wavemt metrics --format ")) == ["json", "text"]
    assert set(completes("wavemt train --set ")) == {f"{key}=" for key in keys}
    assert set(completes("wavemt train --set training.precision=")) == {
        f"training.precision={value}" for value in keys["training.precision"]}
    assert completes("wavemt translate r") == ["runs/"]


def test_completion_of_another_shell_is_refused():
    result = wavemt("completion", "tcsh", check=False)
    assert result.returncode == 2 and "bash" in result.stderr and result.stdout == ""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder of all manual pages."""
    folder = tmp_path_factory.mktemp("manual") / "new/man1"
    wavemt("manual", "--output", folder)
    return folder


def test_the_pages_name_every_command_and_option(pages, helps):
    commands = helps[()][0]
    assert {file.name for file in pages.iterdir()} == {
        "wavemt.1", *(f"wavemt-{name}.1" for name in commands)}
    program = (pages / "wavemt.1").read_text("utf8")
    for name in commands:
        assert f"\n.BR wavemt\\-{name} (1)" in program
    for path, (_, options) in helps.items():
        page = (pages / f"{'-'.join(('wavemt', *path[:1]))}.1").read_text("utf8")
        # Of tokenizer train, its own section.
        if len(path) > 1:
            page = page.partition(f"\n.SS wavemt {' '.join(path)}\n")[2].partition("\n.SS wavemt ")[0]
        for name in options:
            escaped = name.replace("-", "\\-")
            assert f"\\fB{escaped}\\fR" in page, (path, name)


def test_the_pages_are_good_roff(pages):
    found = [name for name in ("groff", "mandoc") if shutil.which(name)]
    if not found:
        pytest.skip("neither groff nor mandoc is installed")
    for page in sorted(pages.iterdir()):
        for name in found:
            command = (["groff", "-ww", "-man", "-Tutf8", "-z"] if name == "groff" else
                       ["mandoc", "-T", "lint", "-W", "warning"])
            said = subprocess.run([*command, str(page)], capture_output=True, encoding="utf8",
                                  timeout=120, check=False)
            # The date is that of the commit, which is unknown outside of a checkout.
            lines = [line for line in (said.stdout + said.stderr).splitlines() if "missing date" not in line]
            assert lines == [], page.name


def test_a_page_shows_what_can_be_typed(pages):
    """Not other characters that look alike, and nothing that roff took for a request."""
    shown = run_tool(tool("groff"), "-man", "-Tascii", "-P-cbou", pages / "wavemt-completion.1")
    for line in wavemt("completion", "--help").stdout.rpartition("How to install")[2].splitlines()[1:]:
        assert line.strip() in shown
    shown = run_tool(tool("groff"), "-man", "-Tascii", "-P-cbou", "-rLL=200n", pages / "wavemt-serve.1")
    assert "--max-body-bytes UINT" in shown


def test_a_page_is_printed(pages):
    assert wavemt("manual").stdout == (pages / "wavemt.1").read_text("utf8")
    assert wavemt("manual", "train").stdout == (pages / "wavemt-train.1").read_text("utf8")
    result = wavemt("manual", "trian", check=False)
    assert result.returncode == 2 and 'did you mean "train"?' in result.stderr


def test_pages_cannot_be_written_into_a_file(tmp_path):
    (tmp_path / "file").write_text("mine", "utf8")
    result = wavemt("manual", "--output", tmp_path / "file", check=False)
    assert result.returncode == 2 and "is not a folder" in result.stderr
    assert (tmp_path / "file").read_text("utf8") == "mine"


def cached(name):
    """The value of a variable in the cache of the build; None if this is no build folder."""
    cache = PROGRAM.parent / "CMakeCache.txt"
    found = cache.exists() and re.search(f"^{name}:[A-Z]+=(.*)$", cache.read_text("utf8"), re.M)
    return found[1] if found else None


# In a process of its own, so that the process of the tests stays small.
TORCH_FACTS = """
import json, torch
print(json.dumps({"file": torch.__file__, "version": torch.__version__.partition("+")[0],
                  "cuda": torch.version.cuda, "gpu": torch.cuda.is_available(),
                  "capability": torch.backends.cpu.get_cpu_capability(),
                  "mkl": torch.backends.mkl.is_available()}))
"""


@pytest.fixture(scope="module")
def torch_facts():
    """What Python's torch tells, if its LibTorch is the one that the program was built with."""
    found = subprocess.run([sys.executable, "-c", TORCH_FACTS], capture_output=True, check=False,
                           encoding="utf8", env=ENVIRONMENT)
    if found.returncode != 0:
        pytest.skip("torch is not installed")
    facts = json.loads(found.stdout)
    folder = cached("LIBTORCH_INCLUDE")
    if folder is None or not Path(folder).parent.samefile(Path(facts["file"]).parent):
        pytest.skip("the program was built with another LibTorch")
    return facts


def version_lines():
    first, *others = wavemt("--version").stdout.splitlines()
    return first, dict(line.split(maxsplit=1) for line in others)


def test_version():
    [version] = re.findall(r"^project\(wavemt VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text("utf8"),
                           re.M)
    first, lines = version_lines()
    assert first == f"wavemt {version}"
    assert list(lines) == ["commit", "LibTorch", "CUDA", "SentencePiece", "compiler", "processor"]
    assert lines["processor"].startswith(machine.processor())
    if machine.instructions() in machine.INSTRUCTIONS.values():
        assert lines["processor"].endswith(machine.instructions())
    if lines["commit"] != "unknown":
        commit = lines["commit"].removesuffix("-dirty")
        run_tool("git", "-C", ROOT, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    if cached("CMAKE_CXX_COMPILER") and lines["compiler"].startswith("GCC "):
        assert run_tool(cached("CMAKE_CXX_COMPILER"), "-dumpfullversion").strip() in lines["compiler"]


def test_version_of_libtorch(torch_facts):
    _, lines = version_lines()
    assert torch_facts["version"] == lines["LibTorch"]
    assert (torch_facts["cuda"] or "none") == lines["CUDA"]


def test_the_commit_that_is_built(tmp_path):
    """scripts/cmake/Commit.cmake, which each build runs."""
    tool("git")
    sources, output = tmp_path / "sources", tmp_path / "commit.cpp"
    (sources / "inner").mkdir(parents=True)

    def git(*arguments):
        return run_tool("git", "-C", sources, "-c", "user.name=a", "-c", "user.email=a@b", *arguments)

    def commit(folder=sources):
        run_tool(tool("cmake"), f"-DSOURCE_DIR={folder}", f"-DOUTPUT={output}", "-P",
                 ROOT / "scripts/cmake/Commit.cmake",
                 env=os.environ | {"GIT_CEILING_DIRECTORIES": str(tmp_path)})
        return re.findall(r'return "(.*)"', output.read_text("utf8"))
    assert commit() == ["unknown", ""]
    git("init", "--quiet")
    (sources / "file").write_text("a", "utf8")
    git("add", "file")
    git("commit", "--quiet", "-m", "first")
    name = git("rev-parse", "--short", "HEAD").strip()
    assert commit() == [name, git("log", "-1", "--format=%cs").strip()]
    # A build in which nothing has changed compiles nothing.
    os.utime(output, (1, 1))
    commit()
    assert output.stat().st_mtime == 1
    (sources / "file").write_text("b", "utf8")
    assert commit()[0] == name + "-dirty"
    # An unpacked release in a folder of another repository.
    assert commit(sources / "inner") == ["unknown", ""]


def doctor(*options, **process):
    return json.loads(wavemt("doctor", "--json", "--device", "cpu", *options, **process).stdout)


@pytest.fixture(scope="module")
def facts():
    return doctor()


def test_doctor_tells_what_python_tells(facts):
    assert facts["works"] is True
    assert facts["cores"]["allowed"] == len(os.sched_getaffinity(0))
    assert facts["cores"]["online"] == os.sysconf("SC_NPROCESSORS_ONLN")
    assert facts["processor"]["model"] == machine.processor()
    best = (facts["processor"]["instructions"] or ["none of these"])[-1]
    assert best == machine.instructions()
    total = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text("utf8"), re.M)
    assert facts["memory"]["total"] == 1024 * int(total[1])
    assert facts["threads"] == 1  # OMP_NUM_THREADS of the tests.
    assert facts["disk"]["path"] == os.getcwd()
    assert facts["terminal"] is False
    assert facts["precision"]["auto"] == ("bf16" if facts["precision"]["gain_of_bf16"] >= 1.4 else "fp32")
    assert len(facts["openmp"]) == 1


def test_doctor_tells_what_torch_tells(facts, torch_facts):
    assert facts["libtorch"]["version"] == torch_facts["version"]
    assert facts["libtorch"]["cpu_capability"] == torch_facts["capability"]
    assert facts["libtorch"]["cuda"] == torch_facts["cuda"]
    assert (facts["libtorch"]["mkl"] is not None) == torch_facts["mkl"]
    # With LibTorch's CUDA and the driver, or without.
    assert facts["gpus"]["usable"] == torch_facts["gpu"]


def test_doctor_warns(tmp_path):
    """Of more threads than the cores that this process may use, and of a locale without UTF-8."""
    core = min(os.sched_getaffinity(0))
    environment = ENVIRONMENT | {"LC_ALL": "C", "TMPDIR": str(tmp_path)}
    facts = doctor("--threads", "3", env=environment, cwd=tmp_path,
                   preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    assert facts["cores"]["allowed"] == 1 and facts["threads"] == 3
    assert facts["temporary"]["path"] == facts["disk"]["path"] == str(tmp_path)
    advice = {item["about"]: item for item in facts["advice"]}
    assert advice["threads"]["level"] == "warn" and "--threads 1" in advice["threads"]["text"]
    assert "UTF-8" in advice["locale"]["text"]
    assert "locale" not in {item["about"] for item in doctor(
        env=environment | {"LC_ALL": "C.UTF-8"})["advice"]}


def test_doctor_for_people(facts):
    lines = wavemt("doctor", "--device", "cpu").stdout.splitlines()
    names = [line[:16].strip() for line in lines]
    assert {"processor", "cores", "memory", "large pages", "LibTorch", "OpenMP", "GPUs", "threads",
            "precision", "disk", "open files", "terminal", "locale", "Python"} <= set(names)
    assert names.count("warn:") == len(facts["advice"])
    assert lines[-1].split(maxsplit=2)[2].startswith("wavemt works here")


def test_doctor_refuses_a_device_that_is_not_there():
    result = wavemt("doctor", "--device", "cuda:100", check=False)
    assert result.returncode == 2 and "cuda" in result.stderr
