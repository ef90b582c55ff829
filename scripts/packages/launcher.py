"""The command `wavemt` of the Python package: becomes the program, with the LibTorch of the package
torch. That is found without importing it, which takes seconds. WAVEMT_LIBTORCH names another one."""
import importlib.util
import os
import re
import signal
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent
PROGRAM = HOME / "bin/wavemt"
# Others differ in what they export.
WANTED = (HOME / "libtorch-version").read_text("ascii").strip()


def find_libtorch():
    """The folder that holds lib/, and how a message names it."""
    named = os.environ.get("WAVEMT_LIBTORCH")
    if named:
        return Path(named).absolute(), f"WAVEMT_LIBTORCH={named}"
    spec = importlib.util.find_spec("torch")
    if spec and spec.origin:
        folder = Path(spec.origin).parent
        return folder, str(folder)
    return None, "the Python package torch is not installed"


def version_of(folder):
    """The version of the LibTorch in a folder, as 2.13; None if the folder does not tell."""
    for name, pattern in (("version.py", r"^__version__ = ['\"](\d+\.\d+)"),
                          ("build-version", r"\A(\d+\.\d+)")):
        if (folder / name).is_file():
            found = re.search(pattern, (folder / name).read_text("utf8"), re.MULTILINE)
            return found and found[1]
    return None


def main():
    folder, name = find_libtorch()
    problem = None
    if folder is None:
        problem = name
    elif not (folder / "lib/libtorch_cpu.so").is_file():
        problem = f"{name}: holds no lib/libtorch_cpu.so"
    elif version_of(folder) not in (None, WANTED):
        problem = f"{name}: is LibTorch {version_of(folder)}"
    if problem:
        print(f'error: wavemt needs LibTorch {WANTED} (pip install "torch=={WANTED}.*"): {problem}',
              file=sys.stderr)
        return 2
    others = os.environ.get("LD_LIBRARY_PATH", "")
    neighbour = HOME.parent / "torch"
    # The program looks for a neighbour by itself, and then what it starts inherits nothing.
    if others or not neighbour.is_dir() or not neighbour.samefile(folder):
        os.environ["LD_LIBRARY_PATH"] = f"{folder / 'lib'}{':' if others else ''}{others}"
    # What `wavemt export` runs finds the packages of this environment.
    os.environ.setdefault("WAVEMT_PYTHON", sys.executable)
    # Python ignores these two, and a program inherits that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    sys.stdout.flush()
    os.execv(PROGRAM, [sys.argv[0], *sys.argv[1:]])
