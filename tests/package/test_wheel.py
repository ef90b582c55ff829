"""The Python wheel of the build: pip installs it, its record is right, and the program in it runs with
the LibTorch of the package torch."""
import base64
import csv
import hashlib
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from conftest import ROOT, write_config
from installing import BUILD, CLEAN, cached, needs_tools, run_command, wanted_libraries

pytestmark = needs_tools("dpkg-query", "patchelf")
MAKE_WHEEL = ROOT / "scripts/packages/make_wheel.py"


def make(folder):
    shown = run_command(sys.executable, MAKE_WHEEL, BUILD, folder, cwd=folder,
                        variables={"SOURCE_DATE_EPOCH": "1700000000", "PYTHONDONTWRITEBYTECODE": "1"})
    return Path(shown.strip())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return make(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def packages(wheel, tmp_path_factory):
    """The folder where pip installed it."""
    folder = tmp_path_factory.mktemp("packages")
    run_command(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "--no-index", "--no-deps", "--target", folder, wheel, cwd=folder)
    return folder


def test_record(wheel):
    """Every file with its sum and length, as the specification of wheels wants it."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        [record] = [name for name in names if name.endswith(".dist-info/RECORD")]
        rows = list(csv.reader(io.StringIO(archive.read(record).decode("utf8"))))
        assert sorted(row[0] for row in rows) == sorted(names)
        assert len(set(names)) == len(names)
        for name, digest, length in rows:
            if name == record:
                assert (digest, length) == ("", "")
                continue
            contents = archive.read(name)
            kind, value = digest.split("=", 1)
            assert int(length) == len(contents)
            assert base64.urlsafe_b64decode(value + "==") == hashlib.new(kind, contents).digest()


def test_metadata(wheel, packages):
    """pip shows what it read; the tag promises no older glibc than the files ask for."""
    shown = run_command(sys.executable, "-m", "pip", "show", "wavemt", cwd="/",
                        variables={"PYTHONPATH": str(packages)})
    assert f"Version: {cached('CMAKE_PROJECT_VERSION')}" in shown
    assert re.search("^Requires: torch$", shown, re.MULTILINE)
    [metadata] = packages.glob("wavemt-*.dist-info/METADATA")
    libtorch = Path(cached("LIBTORCH_INCLUDE")).parent
    [version] = [file for file in (libtorch / "version.py", libtorch / "build-version") if file.is_file()]
    minor = re.search(r"\d+\.\d+", version.read_text("utf8").split("__version__ = ")[-1])[0]
    assert f"Requires-Dist: torch=={minor}.*\n" in metadata.read_text("utf8")

    promised = tuple(map(int, re.search(r"-py3-none-manylinux_(\d+)_(\d+)_", wheel.name).groups()))
    asked = run_command("readelf", "--version-info", "--wide", packages / "wavemt/bin/wavemt",
                        *(packages / "wavemt/lib").iterdir(), cwd="/")
    versions = [tuple(map(int, found)) for found in re.findall(r"GLIBC_(\d+)\.(\d+)", asked)]
    assert versions and max(versions) <= promised


def test_files(packages):
    for name in ("bin/wavemt", "wavemt/bin/wavemt", "wavemt/share/wavemt/configs/quickstart.json",
                 "wavemt/share/wavemt/data/quickstart/train.en"):
        assert (packages / name).is_file(), name
    [licences] = packages.glob("wavemt-*.dist-info/licenses")
    assert (licences / "LICENSE").read_text("utf8") == (ROOT / "LICENSE").read_text("utf8")
    # A licence for each package that a library is of.
    assert {"libsentencepiece0.copyright"} <= {file.name for file in licences.iterdir()}
    assert not list(packages.rglob("libtorch*.so")) + list(packages.rglob("*.a"))


def test_libraries(packages):
    """All but what every system has that pip installs such a wheel on (PEP 600), and LibTorch."""
    held = {path.name for path in (packages / "wavemt/lib").iterdir()}
    wanted = set.union(*map(wanted_libraries, [packages / "wavemt/bin/wavemt",
                                               *(packages / "wavemt/lib").iterdir()]))
    left = {name for name in wanted - held if not re.match("lib(torch|c10|gomp)", name)}
    assert left <= {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1",
                    "ld-linux-x86-64.so.2"}
    assert held <= wanted


def test_the_command(packages, corpus, tmp_path):
    """The script that pip makes trains and translates as the build's own program does."""
    libtorch = Path(cached("LIBTORCH_INCLUDE")).parent
    variables = {"PYTHONPATH": str(packages), "WAVEMT_LIBTORCH": str(libtorch)}
    config = write_config(tmp_path / "config.json", corpus, training={"max_steps": 5})
    command = packages / "bin/wavemt"
    run_command(command, "train", config, "--run-dir", tmp_path / "run", "--device", "cpu", cwd=tmp_path,
                variables=variables)
    text = "I bought two red pens.\nThe doctor is at home.\n"
    translated = run_command(command, "translate", tmp_path / "run", "--device", "cpu", cwd=tmp_path,
                             variables=variables, input=text)
    assert translated == run_command(BUILD / "wavemt", "translate", tmp_path / "run", "--device", "cpu",
                                     cwd=tmp_path, input=text)
    assert len(translated.splitlines()) == 2
    shown = run_command(command, "config", "show", packages / "wavemt/share/wavemt/configs/quickstart.json",
                        cwd=tmp_path, variables=variables)
    assert str(packages / "wavemt/share/wavemt/data/quickstart/train.en") in shown
    failed = subprocess.run([command, "train", "--no-such-option"], cwd=tmp_path, env=CLEAN | variables,
                            capture_output=True, timeout=60)
    assert failed.returncode == 2


def test_torch_beside_it(packages, tmp_path):
    """In the same folder of packages the program finds LibTorch by itself."""
    libtorch = Path(cached("LIBTORCH_INCLUDE")).parent
    beside = packages / "torch"
    beside.symlink_to(libtorch)
    try:
        shown = run_command(packages / "wavemt/bin/wavemt", "--version", cwd=tmp_path)
        assert shown == run_command(BUILD / "wavemt", "--version", cwd=tmp_path)
    finally:
        beside.unlink()


def test_the_same_bytes_again(wheel, tmp_path):
    assert make(tmp_path).read_bytes() == wheel.read_bytes()
