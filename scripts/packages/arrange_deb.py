#!/usr/bin/env python3
"""What CPack calls before it makes the Debian package (scripts/cmake/ArrangePackage.cmake): turns
what `cmake --install` put into a folder into what the package holds. usage: arrange_deb.py BUILD USR"""
import gzip
import shutil
import sys
from pathlib import Path

import bundle

HERE = Path(__file__).resolve().parent
# One package serves Debian 12 and Ubuntu 24.04: of these, both have the same version of the interface,
# in packages of the same name. They are dependencies, and so get the system's security updates.
ON_ALL_SYSTEMS = r"lib(z|bz2|lzma|zstd|ssl|crypto|brotli\w+)\.so\.[\d.]+"


def main():
    build, usr = Path(sys.argv[1]), Path(sys.argv[2])
    home = usr / "lib/wavemt"
    home.mkdir(parents=True)
    (usr / "bin/wavemt").rename(home / "wavemt")
    packages = bundle.bundle(home / "wavemt", home / "lib", original=build / "wavemt", search=["libtorch/lib"],
                             never=f"{bundle.NEVER_BUNDLED}|{ON_ALL_SYSTEMS}")
    (home / "libtorch-version").write_text(bundle.libtorch_version(build) + "\n", "ascii")
    for source, name in (("launcher.sh", "wavemt"), ("fetch_libtorch.sh", "wavemt-fetch-libtorch")):
        shutil.copyfile(HERE / source, usr / "bin" / name)
        (usr / "bin" / name).chmod(0o755)

    documents = usr / "share/doc/wavemt"
    licence = (documents / "LICENSE").read_text("utf8")
    (documents / "LICENSE").unlink()
    (documents / "copyright").write_text("\n".join(
        [licence, "The libraries in /usr/lib/wavemt/lib are of the following packages of Debian or Ubuntu.",
         *(f"\n{'=' * 20} {package}\n\n{bundle.copyright_of(package)}" for package in packages)]), "utf8")
    (documents / "CHANGELOG.md").rename(documents / "changelog")
    compress(documents / "changelog")
    # As Debian wants them.
    for page in sorted((usr / "share/man").rglob("*.[1-8]")):
        compress(page)
    completions = usr / "share/zsh/site-functions"
    if completions.is_dir():
        completions.rename(completions.with_name("vendor-completions"))


def compress(file):
    file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
    file.unlink()


main()
