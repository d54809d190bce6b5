#!/usr/bin/env bash
# Fills corpus/ with small valid files to start from.
set -euo pipefail
cd "$(dirname "$0")"
golden=../../shared/golden/models
mkdir -p corpus/{tensors,pickle,prompt,manifest}
for manifest in ../models/*/manifest.toml; do
  cp "$manifest" "corpus/manifest/$(basename "$(dirname "$manifest")").toml"
done
printf 'a (red:1.3) [cat], \\(nice\\) ((big)) photo' > corpus/prompt/weights
printf '(((a:1.1) b:0.5) c' > corpus/prompt/unmatched
printf '\x3f\0\0\0\0\0\0\0{"x.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}12345678' > corpus/tensors/one
if [ -d "$golden" ]; then
  cp "$golden"/torch_pickle/*.pth corpus/pickle/
  find "$golden" -name '*.safetensors' -size -64k -exec cp {} corpus/tensors/ \;
fi
