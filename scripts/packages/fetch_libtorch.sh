#!/bin/sh
# Installs the LibTorch that wavemt needs: that of the Python package torch, which pip fetches.
set -eu
umask 022
home=$(dirname "$(readlink -f "$0")")/../lib/wavemt
home=$(readlink -f "$home")
read -r wanted < "$home/libtorch-version"
if [ "$(id -u)" = 0 ]; then place=$home; else place=${XDG_DATA_HOME:-$HOME/.local/share}/wavemt; fi

case ${1:-} in -h | --help)
  cat << TEXT
usage: wavemt-fetch-libtorch [PIP_OPTION...]

Installs LibTorch $wanted for wavemt, as the Python package torch, into $place:
for everybody if root calls it, otherwise for you. Where pip finds a build with CUDA, that takes some
gigabytes; options for pip, such as --index-url URL, choose another one.
TEXT
  exit 0
  ;;
esac

command -v python3 > /dev/null && python3 -c 'import ensurepip, venv' 2> /dev/null || {
  echo "error: wavemt-fetch-libtorch needs Python with venv: apt-get install python3-venv" >&2
  exit 2
}
mkdir -p "$place"
new=$(mktemp -d "$place/fetching.XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
# /tmp may be too small for CUDA's libraries.
export TMPDIR="$new"
python3 -m venv "$new/venv"
"$new/venv/bin/python" -m pip install --disable-pip-version-check --no-cache-dir \
  --target "$new/python" "torch==$wanted.*" "$@" >&2
[ -f "$new/python/torch/lib/libtorch_cpu.so" ] || {
  echo "error: the package torch that pip installed holds no lib/libtorch_cpu.so" >&2
  exit 1
}
rm -rf "$place/python"
mv "$new/python" "$place/python"
ln -sfn python/torch "$place/libtorch"
echo "LibTorch $wanted is in $place/libtorch" >&2
