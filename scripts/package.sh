#!/usr/bin/env bash
# Builds the program and makes packages of it in build/package/dist: a Debian package, which Debian 12
# makes for itself and what is newer, and a Python wheel. usage: scripts/package.sh [deb|wheel|all]
# The same commit and system give the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-all}
case $kind in deb | wheel | all) ;; *)
  echo "package.sh: $kind: is neither deb, nor wheel, nor all" >&2
  exit 2
  ;;
esac
scripts/setup.sh --packages
scripts/build.sh wavemt
dist=build/package/dist
rm -rf build/package
mkdir -p $dist
# The date of the files in the packages: that of the commit, where this is a checkout.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || echo 315532800)}
if [ $kind != wheel ]; then
  cpack --config build/release/CPackConfig.cmake -G DEB -B build/package/deb >&2
  mv build/package/deb/*.deb $dist
fi
if [ $kind != deb ]; then scripts/packages/make_wheel.py build/release $dist > /dev/null; fi
ls $dist/*
