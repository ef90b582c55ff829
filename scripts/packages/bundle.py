"""What the Debian package and the wheel have in common: the program with the libraries that other
systems lack or have in another version, as the build's system has them. Neither holds LibTorch.

They are bundled, not linked statically: Debian 12 has no static SentencePiece, spdlog, fmt and
cpp-httplib. And inside the program, SentencePiece's protobuf would come before LibTorch's own."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

# What glibc and the compiler's runtime bring, and LibTorch with its OpenMP.
NEVER_BUNDLED = (r"(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|gcc_s|stdc\+\+))\.so\.\d+|"
                 r"lib(torch|c10|gomp).*\.so.*")


def output_of(*command):
    """What a command prints; if it fails, that is the error."""
    result = subprocess.run([*map(str, command)], capture_output=True, encoding="utf8")
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: {result.stderr or result.stdout}")
    return result.stdout


def cached(build, name):
    """The value of a variable in the cache of a build."""
    return re.search(f"^{name}:[A-Z]+=(.*)$", (build / "CMakeCache.txt").read_text("utf8"),
                     re.MULTILINE)[1]


def libtorch_version(build):
    """The version of the LibTorch that the program was built with, as 2.13."""
    folder = Path(cached(build, "LIBTORCH_INCLUDE")).parent
    for name, pattern in (("version.py", r"^__version__ = ['\"](\d+\.\d+)"),
                          ("build-version", r"\A(\d+\.\d+)")):
        if (folder / name).is_file():
            return re.search(pattern, (folder / name).read_text("utf8"), re.MULTILINE)[1]
    raise SystemExit(f"{folder}: has neither version.py nor build-version, so its version is unknown")


def needed_by(file):
    return output_of("patchelf", "--print-needed", file).split()


def package_of(library):
    """The Debian package that a library of the system is of."""
    for path in (str(library), str(library).removeprefix("/usr")):  # /lib is a link to /usr/lib.
        result = subprocess.run(["dpkg-query", "-S", path], capture_output=True, encoding="utf8")
        if result.returncode == 0:
            return result.stdout.split(":")[0]
    raise SystemExit(f"{library}: is of no Debian package, so its licence is unknown")


def copyright_of(package):
    return Path(f"/usr/share/doc/{package}/copyright").read_text("utf8")


def bundle(program, libraries, *, original, never=NEVER_BUNDLED, search=()):
    """Puts what `program`, a copy of `original`, needs into the new folder `libraries`, beside it or
    below. The program then looks there, and in the folders `search`, which are relative to its own.
    Names that match `never` are left to the system. Returns the packages of what was copied."""
    # The copy might not find LibTorch.
    found = dict(re.findall(r"^\s*(\S+) => (/.+) \(0x", output_of("ldd", original), re.MULTILINE))
    bundled = {}
    waiting = needed_by(program)
    if "libtorch_cuda.so" in waiting:
        print("warning: this build needs a LibTorch with CUDA; one that was built with a LibTorch for CPUs "
              "takes either", file=sys.stderr)
    while waiting:
        name = waiting.pop()
        if name in bundled or re.fullmatch(never, name):
            continue
        if name not in found:
            raise SystemExit(f"{original}: needs {name}, which is not on this system")
        bundled[name] = Path(found[name]).resolve()
        waiting += needed_by(bundled[name])
    libraries.mkdir()
    for name, path in sorted(bundled.items()):
        shutil.copyfile(path, libraries / name)
        (libraries / name).chmod(0o644)
        if not bundled.keys().isdisjoint(needed_by(path)):
            output_of("patchelf", "--set-rpath", "$ORIGIN", libraries / name)
    output_of("strip", "--strip-unneeded", program)
    folders = [os.path.relpath(libraries, program.parent), *search]
    output_of("patchelf", "--set-rpath", ":".join(f"$ORIGIN/{folder}" for folder in folders), program)
    # With it comes what a LibTorch with CUDA has besides, for a program that was built without.
    if "libtorch.so" not in needed_by(program):
        output_of("patchelf", "--add-needed", "libtorch.so", program)
    return sorted({package_of(path) for path in bundled.values()})
