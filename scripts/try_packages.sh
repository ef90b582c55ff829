#!/usr/bin/env bash
# Installs the packages of a folder on this machine, trains a little with each and translates, then
# removes them again. For a bare Debian 12 or Ubuntu 24.04, as root: nothing that the build needed shall
# be there. usage: scripts/try_packages.sh FOLDER [PIP_OPTION...], as package.sh leaves it (build/package/dist)
set -euo pipefail
[ $# -gt 0 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "try_packages.sh: needs root, to install packages" >&2; exit 2; }
folder=$(cd "$1" && pwd)
shift
say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { echo "try_packages.sh: $*" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
unset WAVEMT_LIBTORCH WAVEMT_DATA

# use WAVEMT SHARE: the commands of somebody who has just installed it.
use() {
  local wavemt=$1 share=$2
  "$wavemt" --version
  rm -rf run
  "$wavemt" train "$share/configs/quickstart.json" --run-dir run --set training.max_steps=20 \
    --set training.validate_every=10 --set training.save_every=10
  [ "$(echo "She has a cat." | "$wavemt" translate run | wc -l)" = 1 ] || fail "not one line for one line"
  "$wavemt" evaluate run
}

say "The Debian package"
apt-get update -qq
# Where there are certificates, they may be the machine's own, which the package would replace.
certificates=ca-certificates
[ ! -s /etc/ssl/certs/ca-certificates.crt ] || certificates=
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  "$folder"/wavemt_*.deb python3-venv $certificates > /dev/null
status=0
wavemt --version 2> said || status=$?
[ $status = 2 ] && grep wavemt-fetch-libtorch said || fail "without LibTorch it said: $(cat said)"
wavemt-fetch-libtorch "$@"
use wavemt /usr/share/wavemt
DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq wavemt > /dev/null
[ ! -e /usr/lib/wavemt ] || fail "left after removal: $(find /usr/lib/wavemt | head -n 5)"

say "The wheel"
python3 -m venv venv
SECONDS=0
venv/bin/python -m pip install --quiet --disable-pip-version-check "$@" "$folder"/wavemt-*.whl
echo "installed in $SECONDS seconds"
use venv/bin/wavemt "$(venv/bin/python -c 'import wavemt; print(wavemt.__path__[0])')/share/wavemt"
echo "Both packages work."
