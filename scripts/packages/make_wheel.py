#!/usr/bin/env python3
"""Makes the Python wheel of a build: the program with all that it needs but LibTorch, which pip takes
from the package torch. usage: make_wheel.py BUILD FOLDER; prints the path of the wheel."""
import base64
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import bundle

HERE = Path(__file__).resolve().parent
# What a system that calls itself manylinux has besides (PEP 600).
MANYLINUX = r"libz\.so\.1"


def arrange(build, root):
    """Makes of a build what the wheel unpacks to, in the folder `root`. Returns the folder of the
    package's metadata."""
    version = bundle.cached(build, "CMAKE_PROJECT_VERSION")
    libtorch = bundle.libtorch_version(build)
    prefix, home = root / "prefix", root / "wavemt"
    bundle.output_of("cmake", "--install", build, "--prefix", prefix, "--component", "wavemt")
    (home / "bin").mkdir(parents=True)
    (prefix / "bin/wavemt").rename(home / "bin/wavemt")
    (home / "share").mkdir()
    (prefix / "share/wavemt").rename(home / "share/wavemt")
    # Two folders above the program is where pip puts packages.
    packages = bundle.bundle(home / "bin/wavemt", home / "lib", original=build / "wavemt",
                             search=["../../torch/lib"], never=f"{bundle.NEVER_BUNDLED}|{MANYLINUX}")
    shutil.copyfile(HERE / "launcher.py", home / "launcher.py")
    (home / "__init__.py").write_text(f'__version__ = "{version}"\n', "ascii")
    (home / "__main__.py").write_text("import sys\n\nfrom wavemt.launcher import main\n\nsys.exit(main())\n",
                                      "ascii")
    (home / "libtorch-version").write_text(libtorch + "\n", "ascii")

    information = root / f"wavemt-{version}.dist-info"
    licences = information / "licenses"
    licences.mkdir(parents=True)
    (prefix / "share/doc/wavemt/LICENSE").rename(licences / "LICENSE")
    for package in packages:
        (licences / f"{package}.copyright").write_text(bundle.copyright_of(package), "utf8")
    shutil.rmtree(prefix / "share/doc")
    # Manual pages and completions, where the build has them.
    if any((prefix / "share").iterdir()):
        data = root / f"wavemt-{version}.data/data"
        data.mkdir(parents=True)
        (prefix / "share").rename(data / "share")
    shutil.rmtree(prefix)
    write_metadata(information, version, libtorch)
    return information


def write_metadata(information, version, libtorch):
    # What was built here needs no newer glibc than this system's.
    glibc = os.confstr("CS_GNU_LIBC_VERSION").split()[1].replace(".", "_")
    (information / "WHEEL").write_text(
        f"Wheel-Version: 1.0\nGenerator: make_wheel.py\nRoot-Is-Purelib: false\n"
        f"Tag: py3-none-manylinux_{glibc}_{platform.machine()}\n", "utf8")
    (information / "entry_points.txt").write_text("[console_scripts]\nwavemt = wavemt.launcher:main\n",
                                                  "utf8")
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: wavemt\nVersion: {version}\n"
        "Summary: Trains Transformer translation models from the shell\nLicense: MIT\n"
        f"Requires-Python: >=3.9\nRequires-Dist: torch=={libtorch}.*\n\n"
        "The command wavemt trains Transformer translation models, translates with them and scores the\n"
        "result. wavemt/share/wavemt/configs has configs to begin with.\n", "utf8")


def write_wheel(root, information, path):
    """The same bytes for the same files: sorted, with one date."""
    date = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800))[:6]  # 1980.
    rows = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        def add(name, contents, mode):
            entry = zipfile.ZipInfo(name, date)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, contents)

        for file in sorted(file for file in root.rglob("*") if file.is_file()):
            contents, name = file.read_bytes(), file.relative_to(root).as_posix()
            digest = base64.urlsafe_b64encode(hashlib.sha256(contents).digest()).rstrip(b"=").decode()
            rows.append(f"{name},sha256={digest},{len(contents)}\n")
            add(name, contents, 0o755 if file.stat().st_mode & 0o100 else 0o644)
        record = f"{information.name}/RECORD"
        add(record, "".join(rows) + f"{record},,\n", 0o644)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    build, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        information = arrange(build, root)
        tag = (information / "WHEEL").read_text("utf8").split("Tag: ")[1].strip()
        path = folder / f"{information.stem}-{tag}.whl"
        write_wheel(root, information, path)
    print(path)


main()
