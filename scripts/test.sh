#!/usr/bin/env bash
# Installs what is missing, builds and runs every test. usage: scripts/test.sh [CTEST_OPTION...]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh --tests
scripts/build.sh
ctest --preset release "$@"
