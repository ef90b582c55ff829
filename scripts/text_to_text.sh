#!/usr/bin/env bash
# Trains one of the small text to text examples and prints its accuracy on lines that training has
# not seen.
#   scripts/text_to_text.sh dialogue|sentiment|list [OPTION OF wavemt train...]
# Stopped in the middle, it goes on from there. WAVEMT_PROGRAM names another program than
# build/release/wavemt.
set -euo pipefail
name=${1:-}
case $name in
  dialogue | sentiment | list) shift ;;
  *) echo "usage: scripts/text_to_text.sh dialogue|sentiment|list [OPTION OF wavemt train...]" >&2; exit 2 ;;
esac
root=$(cd "$(dirname "$0")/.." && pwd)
wavemt=${WAVEMT_PROGRAM:-$root/build/release/wavemt}
[ -x "$wavemt" ] || { echo "$wavemt: is missing; build it: scripts/build.sh wavemt" >&2; exit 1; }
run=runs/text-to-text-$name
export WAVEMT_DATA=${WAVEMT_DATA:-$root/data}

"$root/scripts/make_text_to_text.py" --output "$WAVEMT_DATA/text-to-text" --task "$name"
"$wavemt" train "$root/configs/text-to-text-$name.json" --run-dir "$run" --resume "$@"
echo "Accuracy on $WAVEMT_DATA/text-to-text/$name/test.tsv:" >&2
"$wavemt" evaluate "$run" --metrics accuracy
