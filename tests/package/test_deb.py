"""The Debian package, as cpack makes it of the build: what it holds, what it depends on, and that the
program in it runs. Installing it with apt is left to scripts/try_packages.sh, which needs a bare system."""
import gzip
import os
import re
from pathlib import Path

import pytest

from conftest import ROOT
from installing import BUILD, cached, needs_tools, run_command, wanted_libraries

pytestmark = needs_tools("dpkg-deb", "dpkg-shlibdeps", "file", "patchelf")


def make(folder):
    # The file is not packed as tightly as otherwise, which takes longer than all the rest.
    run_command("cpack", "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", folder,
                "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=none", cwd=folder,
                variables={"SOURCE_DATE_EPOCH": "1700000000"})
    [package] = folder.glob("*.deb")
    return package


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return make(tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    run_command("dpkg-deb", "--extract", package, folder, cwd=folder)
    return folder


def test_control(package):
    def field(name):
        return run_command("dpkg-deb", "--field", package, name, cwd="/").strip()

    version = cached("CMAKE_PROJECT_VERSION")
    architecture = run_command("dpkg", "--print-architecture", cwd="/").strip()
    assert package.name == f"wavemt_{version}_{architecture}.deb"
    assert (field("Package"), field("Version"), field("Section")) == ("wavemt", version, "science")
    depends = {name.split()[0] for name in field("Depends").split(", ")}
    assert {"libc6", "libstdc++6", "libgomp1", "zlib1g"} <= depends
    # Names of these differ from one release to the next, so one package for several must hold them.
    assert not [name for name in depends if re.match("libicu|libfmt|libspdlog|libsentencepiece|libcpp", name)]
    assert "@" in field("Maintainer")


def test_files(package, unpacked):
    listing = run_command("dpkg-deb", "--contents", package, cwd="/").splitlines()
    for line in listing:
        mode, owner, *_ = line.split()
        assert owner == "root/root"
        assert mode in ("drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--") or mode.startswith("l"), line
    names = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert {"usr/bin/wavemt", "usr/bin/wavemt-fetch-libtorch", "usr/lib/wavemt/wavemt",
            "usr/share/wavemt/configs/quickstart.json", "usr/share/wavemt/data/quickstart/train.en",
            "usr/share/wavemt/scripts/to_ctranslate2.py", "usr/share/doc/wavemt/copyright",
            "usr/share/doc/wavemt/changelog.gz"} <= names
    assert not [name for name in names if re.search(r"usr/local|include/|\.a$|\.cmake$|libtorch.*\.so|libc10", name)]
    # The sums, which CPack writes, are those of the files.
    control = unpacked.parent / f"{unpacked.name}-control"
    run_command("dpkg-deb", "--control", package, control, cwd="/")
    run_command("md5sum", "--check", "--quiet", control / "md5sums", cwd=unpacked)
    assert len((control / "md5sums").read_text("utf8").splitlines()) == len(names)
    assert os.access(control / "postrm", os.X_OK)


def test_documents(unpacked):
    """Manual pages are packed too, where the build has them."""
    assert not list((unpacked / "usr/share/man").rglob("*.1"))
    documents = unpacked / "usr/share/doc/wavemt"
    assert gzip.decompress((documents / "changelog.gz").read_bytes()) == (ROOT / "CHANGELOG.md").read_bytes()
    text = (documents / "copyright").read_text("utf8")
    assert text.startswith((ROOT / "LICENSE").read_text("utf8"))
    for package in ("libsentencepiece0", "libfmt", "libicu"):
        assert re.search(f"^=+ {package}", text, re.MULTILINE), package


def test_libraries(unpacked):
    """What the program asks for is in the package, of a dependency, or LibTorch's."""
    home = unpacked / "usr/lib/wavemt"
    held = {path.name for path in (home / "lib").iterdir()}
    wanted = set.union(*map(wanted_libraries, [home / "wavemt", *(home / "lib").iterdir()]))
    left = {name for name in wanted - held if not re.match("lib(torch|c10|gomp)", name)}
    # The names of interfaces that Debian 12 and Ubuntu 24.04 have alike.
    assert left <= {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2",
                    "libz.so.1", "libbz2.so.1.0", "liblzma.so.5", "libzstd.so.1", "libssl.so.3",
                    "libcrypto.so.3", "libbrotlidec.so.1", "libbrotlienc.so.1", "libbrotlicommon.so.1"}
    assert held <= wanted


def test_the_program_runs(unpacked, tmp_path):
    """With a LibTorch that is named, and with one in its place; its own libraries are those it uses."""
    libtorch = Path(cached("LIBTORCH_INCLUDE")).parent
    program = unpacked / "usr/bin/wavemt"
    named = {"WAVEMT_LIBTORCH": str(libtorch)}
    expected = run_command(BUILD / "wavemt", "--version", cwd=tmp_path)
    assert run_command(program, "--version", cwd=tmp_path, variables=named) == expected
    used = run_command("ldd", unpacked / "usr/lib/wavemt/wavemt", cwd=tmp_path,
                       variables={"LD_LIBRARY_PATH": str(libtorch / "lib")})
    for held in (unpacked / "usr/lib/wavemt/lib").iterdir():
        assert f"{held.name} => {held} " in used, used
    (unpacked / "usr/lib/wavemt/libtorch").symlink_to(libtorch)
    shown = run_command(program, "config", "show", unpacked / "usr/share/wavemt/configs/quickstart.json",
                        cwd=tmp_path)
    assert str(unpacked / "usr/share/wavemt/data/quickstart/train.en") in shown


def test_the_same_bytes_again(package, tmp_path):
    assert make(tmp_path).read_bytes() == package.read_bytes()
