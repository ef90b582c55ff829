#!/usr/bin/env bash
# Installs what wavemt needs on Debian or Ubuntu; what is there already is left alone.
#   scripts/setup.sh              to build and run
#   scripts/setup.sh --tests      to build, run and test
#   scripts/setup.sh --packages   to build, run and make packages
# LibTorch comes with the Python package torch, into .venv. To use another one, set WAVEMT_LIBTORCH
# to its folder (the one with include/ and lib/ in it).
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(build-essential ca-certificates ccache cmake git libbrotli-dev libbz2-dev libcli11-dev libcpp-httplib-dev
  libfmt-dev libgloo-dev libgtest-dev libgmock-dev libicu-dev liblzma-dev libsentencepiece-dev libspdlog-dev libssl-dev
  libzstd-dev ninja-build nlohmann-json3-dev pkg-config python3 python3-venv zlib1g-dev)
case ${1:-} in --tests | --packages) packages+=(file patchelf) ;; esac  # Packages are made in tests too.

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

# Gigabytes may be on their way: someone who watches sees them come, a log stays short.
if [ -t 2 ]; then quiet_apt=-q quiet_pip=--progress-bar=on; else quiet_apt=-qq quiet_pip=--quiet; fi
shown() { if [ -t 2 ]; then "$@" >&2; else "$@" > /dev/null; fi; }

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || {
      echo "setup.sh: needs root or sudo to install: ${missing[*]}" >&2
      exit 1
    }
    sudo=(sudo)
  fi
  say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  shown "${sudo[@]}" apt-get update $quiet_apt
  shown "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y $quiet_apt --no-install-recommends "${missing[@]}"
}

# pip_install NAME ARGUMENTS...: installs once; a change of the arguments or of a file that they
# name installs again.
pip_install() {
  local name=$1 stamp
  shift
  # The system's own Python: another one that is first in PATH may lack venv. Over an environment
  # whose making was broken off, or whose Python the system has replaced, it is made once more.
  .venv/bin/python -c 'import pip' 2> /dev/null || /usr/bin/python3 -m venv .venv
  stamp=.venv/installed-$name-$({
    .venv/bin/python -V
    for a in "$@"; do echo "$a"; [ ! -f "$a" ] || cat "$a"; done
  } | cksum | cut -d ' ' -f 1)
  [ ! -f "$stamp" ] || return 0
  say "Installing Python packages ($name)"
  rm -f .venv/installed-"$name"-*  # Of what this replaces.
  shown .venv/bin/python -m pip install $quiet_pip --disable-pip-version-check "$@"
  touch "$stamp"
}

command -v apt-get > /dev/null || {
  echo "setup.sh: knows Debian and Ubuntu; elsewhere install the likes of: ${packages[*]}" >&2
  exit 1
}
install_packages
if [ -z "${WAVEMT_LIBTORCH:-}" ] || [ "${1:-}" = --tests ]; then
  pip_install torch "${WAVEMT_TORCH:-torch==2.13.0}" numpy
  # A LibTorch with CUDA brings most of CUDA's headers along; training with several GPUs needs these
  # two as well, which packages of CUDA 13 or later have by themselves.
  cuda=$(.venv/bin/python -c 'import torch; print(torch.version.cuda or "")')
  if [ -n "$cuda" ] && [ "${cuda%%.*}" -ge 13 ]; then
    pip_install cuda-headers "nvidia-cuda-crt==$cuda.*" "nvidia-cuda-cccl==$cuda.*" ||
      say "without CUDA's headers: wavemt is built without training on several GPUs"
  fi
fi
if [ "${1:-}" = --tests ]; then pip_install tests -r tests/requirements.txt; fi
