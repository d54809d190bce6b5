#!/usr/bin/env bash
# Fills corpus/ with small valid files to start from.
set -euo pipefail
cd "$(dirname "$0")"
golden=../../shared/golden/models
mkdir -p corpus/{tensors,pickle,prompt,loras,lora_notes,tokenizer,manifest,configs}
for manifest in ../models/*/manifest.toml; do
  cp "$manifest" "corpus/manifest/$(basename "$(dirname "$manifest")").toml"
done
# A letter says what a config is of.
for config in u:unet/config v:vae/config c:controlnet/config t:text_encoder/config s:scheduler/scheduler_config; do
  { printf '%s' "${config%%:*}"; cat "../models/demo/${config#*:}.json"; } > "corpus/configs/${config%%:*}"
done
cat > corpus/configs/d <<'JSON'
d{"model_type":"depth_anything","backbone_config":{"model_type":"dinov2","hidden_size":384,"num_hidden_layers":12,
"num_attention_heads":6,"mlp_ratio":4,"layer_norm_eps":1e-6,"image_size":518,"patch_size":14,"out_indices":[3,6,9,12]},
"reassemble_factors":[4,2,1,0.5],"neck_hidden_sizes":[48,96,192,384],"fusion_hidden_size":64,"head_hidden_size":32}
JSON
printf 'a (red:1.3) [cat], \\(nice\\) ((big)) photo' > corpus/prompt/weights
printf '(((a:1.1) b:0.5) c' > corpus/prompt/unmatched
printf 'a <lora:ink:0.8> fox, <lora:lcm> (snow:1.2) <lora::1>' > corpus/loras/tags
cat > corpus/loras/names <<'NAMES'
lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight
unet.down_blocks.0.attentions.0.proj_in.lora_A.weight
unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight
lora_te_text_model_encoder_layers_3_self_attn_q_proj.alpha
text_encoder.text_model.encoder.layers.3.self_attn.q_proj.lora_linear_layer.up.weight
base_model.model.up_blocks.1.attentions.2.proj_in.lora_B.default.weight
lora_unet_mid_block_x.hada_w1_a
transformer.single_transformer_blocks.0.attn.to_k.lora_A.weight
NAMES
printf '%s\0%s\n%s' '{"unet.lora_alpha":8,"unet.r":4,"unet.use_rslora":true,"lora_alpha":2,"unet.alpha_pattern":{"attn1.to_q":2,"to_(k|v)":1.5},"unet.rank_pattern":{"proj_in":1}}' \
  unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight \
  base_model.model.text_model.encoder.layers.0.self_attn.k_proj.lora_B.weight > corpus/lora_notes/one
printf '%s\0%s\0%s\0%s' '{"ab":0,"ab</w>":1,"abab</w>":2}' $'#version: 0.2\na b\na b</w>\nab ab</w>' \
  '{"bos_token":{"content":"<s>"},"pad_token":"!"}' 'abab ab <|endoftext|> Ünï 12' > corpus/tokenizer/one
printf '\x3f\0\0\0\0\0\0\0{"x.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}12345678' > corpus/tensors/one
if [ -d "$golden" ]; then
  cp "$golden"/torch_pickle/*.pth corpus/pickle/
  find "$golden" -name '*.safetensors' -size -64k -exec cp {} corpus/tensors/ \;
fi
