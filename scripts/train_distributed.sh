#!/usr/bin/env bash
# Trains one model with several processes of this machine, one for each GPU or a part of the cores
# each, and goes on where it was if it is started again. More machines: scripts/README.md.
#   usage: scripts/train_distributed.sh CONFIG [PROCESSES] [OPTIONS OF wavemt train...]
# PROCESSES: by default the number of GPUs, or 2 where there is none.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
program=${WAVEMT_PROGRAM:-$here/build/release/wavemt}
die() { echo "train_distributed.sh: $*" >&2; exit 2; }
[ $# -gt 0 ] || die "name a config, for example configs/quickstart.json"
[ -x "$program" ] || die "$program is missing; run scripts/setup.sh and scripts/build.sh"
config=$1
shift
processes=$( (nvidia-smi -L 2> /dev/null || true) | grep -c ^GPU || true)
[ "$processes" -gt 0 ] || processes=2
if [[ ${1:-} =~ ^[0-9]+$ ]]; then processes=$1; shift; fi
torchrun=(torchrun)
if [ -x "$here/.venv/bin/torchrun" ]; then torchrun=("$here/.venv/bin/python" -m torch.distributed.run); fi
command -v "${torchrun[0]}" > /dev/null || die "torchrun is missing: it comes with PyTorch's Python package"
# torchrun gives each process one thread; here they share the cores.
cores=$(nproc)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((cores > processes ? cores / processes : 1))}
exec "${torchrun[@]}" --no-python --standalone --nproc-per-node "$processes" --max-restarts "${WAVEMT_RESTARTS:-3}" \
  "$program" train "$config" --resume "$@"
