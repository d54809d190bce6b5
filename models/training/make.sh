#!/usr/bin/env bash
# Makes the demo model from nothing: packages, photographs, crops, codec, diffusion, decoder, gates, models/demo.
# Usage: make.sh WORK [small|large]
#   small: two CPU cores, about 3 hours     large: one large GPU, about an hour
# Needs Python 3.11 or newer with the packages of requirements.txt. A stage that ended is not done again.
set -euo pipefail
work=$1
size=${2:-small}
here=$(cd "$(dirname "$0")" && pwd)
"$here/fetch.sh" "$work/raw"
common=(--size "$size" --raw "$work/raw" --photographs "$work/photographs" --work "$work" --out "$work/model" --present "$here/../demo")
stage() {
  [ -e "$work/$1.ended" ] && return
  python3 "$here/train.py" "$@" "${common[@]}"
  touch "$work/$1.ended"
}
stage collect
if [ "$size" = small ]; then
  stage crops --crops 3200
  stage codec --steps 3600 --batch 16 --crop 128 --rate 2e-3
  stage diffusion --steps 4200 --batch 32 --crop 128 --cached 3200 --rate 1.2e-3
  stage widen
  stage decoder --steps 3000 --batch 16 --crop 128 --rate 8e-4
else
  stage crops
  stage codec --steps 6000 --batch 48 --crop 192 --rate 2e-3
  stage diffusion --steps 5000 --batch 256 --crop 256 --rate 1e-3 --average 0.999
  stage decoder --steps 3000 --batch 48 --crop 192 --rate 8e-4
fi
stage measure
stage install
