"""The commands `wavemt` of the Debian package and of the wheel: which LibTorch they choose, and what
they say if there is none. The program and LibTorch are stand-ins, which say what they got."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

SCRIPTS = ROOT / "scripts/packages"
# Prints where the libraries come from and each argument, and ends with a code of its own.
PROGRAM = '#!/bin/sh\necho "path=$LD_LIBRARY_PATH"\nprintf "<%s>\\n" "$@"\nexit 7\n'


def make_libtorch(folder, version="2.13.0+cpu", *, unpacked=False):
    """A stand-in for the folder of a LibTorch; as the Python package has it, or as the archive."""
    (folder / "lib").mkdir(parents=True)
    (folder / "lib/libtorch_cpu.so").touch()
    if unpacked:
        (folder / "build-version").write_text(f"{version}\n")
    else:
        (folder / "__init__.py").write_text("raise SystemExit('was imported')\n")
        (folder / "version.py").write_text(f"from typing import Optional\n__version__ = '{version}'\n")
    return folder


class Shell:
    """What the Debian package installs."""

    def __init__(self, folder):
        self.home = folder / "usr/lib/wavemt"
        self.own = self.home / "libtorch"
        self.home.mkdir(parents=True)
        self.command = [folder / "usr/bin/wavemt"]
        self.command[0].parent.mkdir()
        shutil.copy(SCRIPTS / "launcher.sh", self.command[0])
        self.program = self.home / "wavemt"
        self.packages = folder / "packages"  # Of the Python that PATH finds.


class Python:
    """What the wheel installs."""

    def __init__(self, folder):
        self.packages = folder / "packages"
        self.home = self.packages / "wavemt"
        self.own = self.packages / "torch"
        (self.home / "bin").mkdir(parents=True)
        shutil.copy(SCRIPTS / "launcher.py", self.home)
        (self.home / "__init__.py").touch()
        self.command = [sys.executable, "-c",
                        "import sys; from wavemt.launcher import main; sys.exit(main())"]
        self.program = self.home / "bin/wavemt"


@pytest.fixture(params=[Shell, Python])
def launcher(request, tmp_path):
    """Starts the launcher in a folder that holds nothing else; what it said is in .stdout, .stderr."""
    installed = request.param(tmp_path)
    installed.program.write_text(PROGRAM)
    installed.program.chmod(0o755)
    (installed.home / "libtorch-version").write_text("2.13\n")
    python = tmp_path / "python"
    python.mkdir()
    (python / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')  # -S: no torch.
    (python / "python3").chmod(0o755)
    (tmp_path / "here").mkdir()

    def start(*arguments, **variables):
        command = installed.command
        if command[0] == sys.executable:
            command = [sys.executable, "-S", *command[1:]]
        environment = {"PATH": f"{python}:/usr/bin:/bin", "HOME": str(tmp_path / "home"),
                       "PYTHONPATH": str(installed.packages), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run([*map(str, command), *arguments], cwd=tmp_path / "here", text=True,
                              env=environment | variables, capture_output=True, timeout=60)

    start.installed, start.folder = installed, tmp_path
    return start


def test_named_one_comes_first(launcher):
    make_libtorch(launcher.installed.own)
    named = make_libtorch(launcher.folder / "na med", unpacked=True)
    result = launcher("train", "a b", "", "*", WAVEMT_LIBTORCH=str(named))
    assert result.stdout == f"path={named}/lib\n<train>\n<a b>\n<>\n<*>\n"
    assert (result.returncode, result.stderr) == (7, "")
    # Relative ones too, and what was searched before is searched after it.
    result = launcher(WAVEMT_LIBTORCH="../na med", LD_LIBRARY_PATH="/other")
    first, second = result.stdout.splitlines()[0].removeprefix("path=").split(":")
    assert os.path.isabs(first)
    assert Path(first).samefile(named / "lib")
    assert second == "/other"


def test_own_one_needs_no_variable(launcher):
    """The program has its place in itself; what it starts shall inherit nothing."""
    own = make_libtorch(launcher.installed.own)
    assert launcher().stdout.startswith("path=\n")
    assert launcher(LD_LIBRARY_PATH="/other").stdout.startswith(f"path={own}/lib:/other\n")


def test_that_of_python(launcher):
    """Found without importing it."""
    elsewhere = make_libtorch(launcher.folder / "elsewhere/torch")
    result = launcher(PYTHONPATH=f"{launcher.installed.packages}:{elsewhere.parent}")
    assert result.stdout.startswith(f"path={elsewhere}/lib\n"), result.stderr


@pytest.mark.parametrize("launcher", [Shell], indirect=True)  # The script that pip makes never does.
def test_not_that_of_the_current_folder(launcher):
    make_libtorch(launcher.folder / "here/torch")
    assert launcher().returncode == 2


@pytest.mark.parametrize("unpacked", [False, True])
def test_another_version(launcher, unpacked):
    named = make_libtorch(launcher.folder / "old", "2.11.0+cu130", unpacked=unpacked)
    result = launcher("--version", WAVEMT_LIBTORCH=str(named))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert "2.13" in result.stderr and "2.11" in result.stderr and str(named) in result.stderr
    assert result.stderr.count("\n") == 1
    # Not 2.1 either.
    named = make_libtorch(launcher.folder / "older", "2.1.0", unpacked=unpacked)
    assert launcher(WAVEMT_LIBTORCH=str(named)).returncode == 2


def test_none(launcher):
    result = launcher("--version")
    assert (result.returncode, result.stdout) == (2, "")
    wanted = "wavemt-fetch-libtorch" if isinstance(launcher.installed, Shell) else "pip install"
    assert "LibTorch 2.13" in result.stderr and wanted in result.stderr
    result = launcher("--version", WAVEMT_LIBTORCH=str(launcher.folder / "nothing"))
    assert result.returncode == 2
    assert f"WAVEMT_LIBTORCH={launcher.folder}/nothing" in result.stderr


@pytest.mark.parametrize("launcher", [Shell], indirect=True)  # The wheel has only its own Python's.
def test_order_of_the_debian_package(tmp_path, launcher):
    """Where nothing is named: for everybody, for this user, Python's; the wrong version is no hit."""
    python = make_libtorch(launcher.installed.packages / "torch")
    assert launcher().stdout.startswith(f"path={python}/lib\n")
    user = make_libtorch(tmp_path / "home/.local/share/wavemt/libtorch")
    assert launcher().stdout.startswith(f"path={user}/lib\n")
    moved = make_libtorch(tmp_path / "data/wavemt/libtorch")
    assert launcher(XDG_DATA_HOME=str(tmp_path / "data")).stdout.startswith(f"path={moved}/lib\n")
    make_libtorch(launcher.installed.own, "2.12.1")
    assert launcher().stdout.startswith(f"path={user}/lib\n")
    (launcher.installed.own / "version.py").write_text("__version__ = '2.13.1'\n")
    assert launcher().stdout.startswith("path=\n")
    # By a link in another folder, as from ~/bin.
    (tmp_path / "link").symlink_to(launcher.installed.command[0])
    result = subprocess.run([tmp_path / "link"], capture_output=True, text=True, timeout=60,
                            env={"PATH": "/usr/bin:/bin"})
    assert (result.returncode, result.stdout.splitlines()[0]) == (7, "path=")


@pytest.mark.parametrize("launcher", [Python], indirect=True)
def test_signals_of_the_wheel(launcher):
    """A program that writes to a closed pipe dies of it, as one that a shell starts, although Python
    ignores that signal."""
    make_libtorch(launcher.installed.own)
    launcher.installed.program.write_text("#!/bin/sh\ngrep SigIgn /proc/self/status\n")
    ignored = int(launcher().stdout.split()[1], 16)
    assert not ignored & (1 << (13 - 1) | 1 << (25 - 1))


def test_fetching(tmp_path):
    """With stand-ins for venv and pip: what is asked for, and where it lands."""
    installed = Shell(tmp_path)
    (installed.home / "libtorch-version").write_text("2.13\n")
    fetch = tmp_path / "usr/bin/wavemt-fetch-libtorch"
    shutil.copy(SCRIPTS / "fetch_libtorch.sh", fetch)
    tools = tmp_path / "tools"
    tools.mkdir()
    # `python3 -m venv FOLDER` makes a folder whose Python is this script again.
    (tools / "python3").write_text(f"""#!/bin/sh
case $2 in
  venv) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  pip)
    echo "$@" >> {tmp_path}/asked
    [ ! -e {tmp_path}/broken ] || exit 1
    while [ "$1" != --target ]; do shift; done
    mkdir -p "$2/torch/lib"
    touch "$2/torch/lib/libtorch_cpu.so" ;;
esac
""")
    (tools / "id").write_text("#!/bin/sh\necho ${UID_SAID:-1000}\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)

    def run(*arguments, **variables):
        return subprocess.run([fetch, *arguments], capture_output=True, text=True, timeout=60,
                              env={"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(tmp_path)} | variables)

    result = run("--index-url", "file:///there")
    assert result.returncode == 0, result.stderr
    place = tmp_path / ".local/share/wavemt"
    assert (place / "libtorch/lib/libtorch_cpu.so").is_file()
    asked = (tmp_path / "asked").read_text()
    assert "torch==2.13.*" in asked and asked.endswith("--index-url file:///there\n")
    assert sorted(file.name for file in place.iterdir()) == ["libtorch", "python"]
    # Again, and a failure keeps what is there and leaves nothing behind.
    assert run().returncode == 0
    (tmp_path / "broken").touch()
    assert run().returncode != 0
    assert (place / "libtorch/lib/libtorch_cpu.so").is_file()
    assert sorted(file.name for file in place.iterdir()) == ["libtorch", "python"]
    (tmp_path / "broken").unlink()
    assert run(UID_SAID="0").returncode == 0
    assert (installed.home / "libtorch/lib/libtorch_cpu.so").is_file()
    assert "usage: wavemt-fetch-libtorch" in run("--help").stdout
