"""A demo model's folder in the published layout: reading, writing in half precision, and translating pictures with it."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextModel

from . import edges, networks, tokenizer

PARTS = {
    "vae": (AutoencoderKL, "diffusion_pytorch_model.safetensors"),
    "unet": (UNet2DConditionModel, "diffusion_pytorch_model.safetensors"),
    "controlnet": (ControlNetModel, "diffusion_pytorch_model.safetensors"),
    "text_encoder": (CLIPTextModel, "model.safetensors"),
}


def write(part, module, folder):
    """Writes one part: its `config.json`, and its weights as float16."""
    out = Path(folder) / part
    out.mkdir(parents=True, exist_ok=True)
    module.config.save_pretrained(out) if part == "text_encoder" else module.save_config(out)
    weights = {k: v.detach().to("cpu", torch.float16).contiguous() for k, v in module.state_dict().items()}
    weights = {k: v for k, v in weights.items() if not k.endswith("position_ids")}
    if part == "text_encoder":
        # the published files name the encoder's tensors below `text_model`
        weights = {k if k.startswith("text_model.") else f"text_model.{k}": v for k, v in weights.items()}
    temporary = out / (PARTS[part][1] + ".part")
    save_file(weights, temporary, metadata={"format": "pt"})
    temporary.replace(out / PARTS[part][1])


def load(folder, device, vae=None):
    """All parts in float32, ready to use."""
    folder = Path(folder)
    parts = {
        name: kind.from_pretrained(str(folder / name if name != "vae" or vae is None else vae)).float().to(device).eval()
        for name, (kind, _) in PARTS.items()
    }
    return SimpleNamespace(**parts, tokenizer=tokenizer.load(folder / "tokenizer"), device=device)


def fixed_parts(source, out):
    """Copies what training does not change: the pipeline's index and the noise schedule."""
    Path(out).mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(source) / "model_index.json", out)
    shutil.copytree(Path(source) / "scheduler", Path(out) / "scheduler", dirs_exist_ok=True)


def words(m, texts):
    """Token states of prompts."""
    ids = torch.from_numpy(tokenizer.encode(m.tokenizer, texts)).to(m.device)
    return m.text_encoder(input_ids=ids)[0]


@torch.no_grad()
def translate(m, x, texts, steps=15, strength=0.75, guidance=3.0, control=1.0, seed=0):
    """Pictures [B, 3, H, W] in 0..1 translated by one prompt each, the way the application starts a frame."""
    schedule = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
        steps_offset=1,
    )
    schedule.set_timesteps(steps)
    times = schedule.timesteps[steps - int(steps * strength + 1e-6) :]
    start = networks.encode(m.vae, x * 2 - 1) * networks.SCALE
    noise = torch.randn(start.shape, generator=torch.Generator().manual_seed(seed)).to(m.device)
    z = schedule.add_noise(start, noise, times[:1]) if strength < 1 else noise
    states = words(m, [""] * len(x) + list(texts))
    hint = edges.soft_edges(x).repeat(2, 1, 1, 1)
    strengths = torch.full((2 * len(x), 1, 1, 1), float(control), device=m.device)
    for t in times:
        both = torch.cat([z, z])
        at = torch.full((len(both),), int(t), device=m.device)
        noise = networks.predict(m.unet, m.controlnet, both, at, states, hint if control > 0 else None, strengths)
        empty, named = noise.chunk(2)
        z = schedule.step(empty + guidance * (named - empty), t, z).prev_sample
    return (networks.decode(m.vae, z / networks.SCALE) / 2 + 0.5).clamp(0, 1)
