#!/bin/sh
# Starts wavemt, which is in ../lib/wavemt, with a LibTorch, which is no part of the package: with
# CUDA it takes some gigabytes. Looked for in this order:
#   $WAVEMT_LIBTORCH, the folder that holds lib/; where it is set, only there
#   ../lib/wavemt/libtorch and ~/.local/share/wavemt/libtorch, which wavemt-fetch-libtorch makes
#   the Python package torch of the python3 that PATH finds, of an active virtual environment too
# Only the version that the program was built with will do: others differ in what they export.
home=$(dirname "$(readlink -f "$0")")/../lib/wavemt
home=$(readlink -f "$home")
read -r wanted < "$home/libtorch-version"
others=

# The version of the LibTorch in a folder, as 2.13; nothing if the folder does not tell.
version_of() {
  if [ -f "$1/version.py" ]; then  # The Python package.
    sed -n "s/^__version__ = ['\"]\([0-9]*\.[0-9]*\).*/\1/p" "$1/version.py"
  elif [ -f "$1/build-version" ]; then  # An unpacked LibTorch.
    sed -n '1s/^\([0-9]*\.[0-9]*\).*/\1/p' "$1/build-version"
  fi
}

# try FOLDER ARGUMENT...: becomes the program if there is a LibTorch of its version in FOLDER.
try() {
  folder=$1
  shift
  [ -n "$folder" ] && [ -f "$folder/lib/libtorch_cpu.so" ] || return 0
  version=$(version_of "$folder")
  if [ "${version:-$wanted}" != "$wanted" ]; then
    others="$others ($folder is LibTorch $version)"
    return 0
  fi
  # The program looks in its own folder by itself, and then what it starts inherits nothing.
  if [ "$folder" != "$home/libtorch" ] || [ -n "${LD_LIBRARY_PATH:-}" ]; then
    LD_LIBRARY_PATH=$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
  fi
  exec "$home/wavemt" "$@"
}

# Found without importing it, which takes seconds, and never in the current folder.
torch_of_python() {
  command -v python3 > /dev/null || return 0
  python3 -c '
import sys
sys.path = [folder for folder in sys.path if folder]
import importlib.util, os
spec = importlib.util.find_spec("torch")
if spec and spec.origin: print(os.path.dirname(spec.origin))' 2> /dev/null
}

if [ -n "${WAVEMT_LIBTORCH:-}" ]; then
  # What the program starts may be in another folder.
  case $WAVEMT_LIBTORCH in /*) named=$WAVEMT_LIBTORCH ;; *) named=$PWD/$WAVEMT_LIBTORCH ;; esac
  try "$named" "$@"
  echo "error: WAVEMT_LIBTORCH=$WAVEMT_LIBTORCH: must be the folder of a LibTorch $wanted, with" \
    "lib/libtorch_cpu.so in it$others" >&2
  exit 2
fi
try "$home/libtorch" "$@"
try "${XDG_DATA_HOME:-${HOME:-}/.local/share}/wavemt/libtorch" "$@"
try "$(torch_of_python)" "$@"
echo "error: wavemt needs LibTorch $wanted, which was not found$others; wavemt-fetch-libtorch installs" \
  "it, or WAVEMT_LIBTORCH names its folder" >&2
exit 2
