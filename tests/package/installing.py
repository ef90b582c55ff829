"""What the tests of the installation and of the packages share."""
import re
import shutil
import subprocess

import pytest

from conftest import ENVIRONMENT, PROGRAM

BUILD = PROGRAM.parent
# Without anything that a developer's shell might have set.
CLEAN = {name: value for name, value in ENVIRONMENT.items()
         if not re.match("WAVEMT_|CMAKE_|LD_LIBRARY_PATH|PYTHONPATH", name)}


def run_command(*command, cwd, variables=None, **options):
    """The command's output. If it fails, the output is the message."""
    result = subprocess.run([*map(str, command)], cwd=cwd, env=CLEAN | (variables or {}),
                            capture_output=True, encoding="utf8", timeout=600, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def cached(name):
    """The value of a variable in the cache of the build."""
    found = re.search(f"^{name}:[A-Z]+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE)
    return found and found[1]


def needs_tools(*tools):
    """A mark for tests of packages; scripts/setup.sh --tests installs the tools on Debian."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def wanted_libraries(file):
    """The names of the libraries that a program or a library asks for."""
    shown = run_command("readelf", "-d", file, cwd="/")
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", shown))
