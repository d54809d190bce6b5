"""Full-size Stable Diffusion 1.5 against PyTorch: same files, same inputs, every network once.

Random weights are saved by diffusers under the official names, in 16 bits: as folders, and as single files in the
original layout, whose names come from diffusers' own converters. This program loads each layout, and so does PyTorch;
the outputs are compared, and a table of load time, time of a step and peak memory is printed at the end. Nothing is
downloaded.

    python tests/full_size/check.py WORK [--latent 64] [--bench 'cargo bench --bench full_size --']

Needs torch, diffusers, transformers and safetensors, 6 GB of disk in WORK and about 8 GB of memory.
Not run in CI.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Largest difference allowed, as a share of the largest value: float32 in another order of summation.
TOLERANCE = 1e-4


def configs():
    models = ROOT / "models"
    return {
        "unet": json.loads((models / "sd15/unet.config.json").read_text()),
        "vae": json.loads((models / "sd15/vae.config.json").read_text()),
        "text_encoder": json.loads((models / "sd15/text_encoder.config.json").read_text()),
        "controlnet": json.loads((models / "controlnet-sd15/config.json").read_text()),
    }


def network_classes():
    from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
    from transformers import CLIPTextModel

    return {
        "unet": UNet2DConditionModel,
        "vae": AutoencoderKL,
        "text_encoder": CLIPTextModel,
        "controlnet": ControlNetModel,
    }


def fresh_network(part, config):
    """A network whose every parameter is random: zero convolutions and norms too."""
    import torch
    from transformers import CLIPTextConfig

    cls = network_classes()[part]
    network = cls(CLIPTextConfig(**config)) if part == "text_encoder" else cls.from_config(config)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if value.ndim == 1 and name.endswith("weight"):
                value.copy_(1 + 0.1 * torch.randn_like(value))
            elif value.ndim == 1 or not value.any():
                value.copy_(0.02 * torch.randn_like(value))
    return network.half()


def make(work, latent):
    """Weights in both layouts, and inputs."""
    import torch
    from safetensors.torch import load_file, save_file

    folder, control = work / "model", work / "controlnet"
    for index, (part, config) in enumerate(configs().items()):
        torch.manual_seed(100 + index)
        place = control if part == "controlnet" else folder / part
        if not place.exists():
            fresh_network(part, config).save_pretrained(place, safe_serialization=True)
    tokenizer = folder / "tokenizer"
    tokenizer.mkdir(parents=True, exist_ok=True)
    merges = (ROOT / "models/clip/merges.txt").read_text()
    (tokenizer / "merges.txt").write_text(merges)
    (tokenizer / "vocab.json").write_text(json.dumps(vocabulary(merges)))

    def saved(part):
        place = control if part == "controlnet" else folder / part
        return load_file(next(place.glob("*.safetensors")))

    single = work / "model.safetensors"
    if not single.exists():
        tensors = {}
        for part in ["unet", "vae", "text_encoder"]:
            tensors.update(in_original_layout(part, saved(part)))
        save_file(tensors, single)
        save_file(in_original_layout("controlnet", saved("controlnet")), work / "control.safetensors")

    torch.manual_seed(7)
    side = latent * 8
    inputs = {
        "input_ids": torch.cat([torch.tensor([49406.0]), torch.randint(0, 49000, (40,)).float(), torch.full((36,), 49407.0)]),
        "latents": torch.randn(2, 4, latent, latent),
        "context": torch.randn(2, 77, 768),
        "timestep": torch.tensor([601.0]),
        "control": torch.rand(2, 3, side, side),
        "picture": torch.rand(1, 3, side // 2, side // 2) * 2 - 1,
        "clean": torch.randn(1, 4, latent // 2, latent // 2),
    }
    save_file(inputs, work / "inputs.safetensors")


def vocabulary(merges):
    """CLIP's vocabulary: bytes, bytes that end a word, merges, special tokens."""
    prints = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = [chr(b) for b in prints] + [chr(256 + n) for n in range(256 - len(prints))]
    lines = [line for line in merges.splitlines()[1:] if line.strip()]
    tokens = symbols + [s + "</w>" for s in symbols] + [line.replace(" ", "") for line in lines]
    return {token: id for id, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}


def in_original_layout(part, tensors):
    """The same tensors under the original names. Which is which, diffusers' converters tell: they are given a numbered
    tensor for each name of the published list."""
    import torch
    from diffusers.loaders import single_file_utils as convert

    keys = "controlnet-sd15" if part == "controlnet" else "sd15"
    lines = (ROOT / f"models/{keys}/single_file.keys.txt").read_text().splitlines()
    prefix = {
        "unet": "model.diffusion_model.",
        "vae": "first_stage_model.",
        "text_encoder": "cond_stage_model.transformer.",
        "controlnet": "control_model.",
    }[part]
    shapes = {}
    for line in lines:
        name, shape = line.split(" ")
        if name.startswith(prefix) and not name.endswith("position_ids"):
            shapes[name] = [int(side) for side in shape.split(",")]
    numbered = {
        name: torch.full([1] * len(shape), float(index))
        for index, (name, shape) in enumerate(shapes.items())
    }
    config = configs()[part]
    given = dict(numbered)
    if part == "unet":
        converted = convert.convert_ldm_unet_checkpoint(given, config)
    elif part == "vae":
        converted = convert.convert_ldm_vae_checkpoint(given, config)
    elif part == "controlnet":
        converted = convert.convert_controlnet_checkpoint(given, config)
    else:
        converted = {name.removeprefix(prefix): value for name, value in given.items()}
    names = list(shapes)
    # Newer versions of transformers leave the name of the whole out.
    bare = lambda name: name.removeprefix("text_model.")
    stored = {bare(name): value for name, value in tensors.items()}
    original = {}
    for name, number in converted.items():
        old = names[int(number.flatten()[0])]
        original[old] = stored.pop(bare(name)).reshape(shapes[old]).contiguous()
    leftovers = [name for name in stored if not name.endswith("position_ids")]
    assert len(original) == len(shapes) and not leftovers, (part, leftovers)
    return original


def peak_memory():
    return re.search(r"VmHWM:\s*(\d+ kB)", Path("/proc/self/status").read_text()).group(1)


def reference(work):
    """What PyTorch gives, and how long it takes."""
    import torch
    from safetensors.torch import load_file, save_file

    inputs = load_file(work / "inputs.safetensors")
    began = time.time()

    def tell(what):
        nonlocal began
        print(f"{what}: {time.time() - began:.2f} s; peak memory {peak_memory()}", flush=True)
        began = time.time()

    def load(part, place):
        return network_classes()[part].from_pretrained(place, torch_dtype=torch.float32).eval()

    results = {}
    with torch.no_grad():
        text = load("text_encoder", work / "model/text_encoder")
        tell("loaded the text model")
        results["text"] = text(inputs["input_ids"].long()[None]).last_hidden_state
        tell("text")
        del text
        unet = load("unet", work / "model/unet")
        vae = load("vae", work / "model/vae")
        controlnet = load("controlnet", work / "controlnet")
        tell("loaded U-Net, VAE and ControlNet")
        timestep = int(inputs["timestep"][0])
        down, middle = controlnet(
            inputs["latents"],
            timestep,
            encoder_hidden_states=inputs["context"],
            controlnet_cond=inputs["control"],
            return_dict=False,
        )
        results["control_first"], results["control_middle"] = down[0], middle
        results["noise"] = unet(
            inputs["latents"],
            timestep,
            encoder_hidden_states=inputs["context"],
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample
        tell("one step")
        results["encoded"] = vae.encode(inputs["picture"]).latent_dist.mean
        results["decoded"] = vae.decode(inputs["clean"]).sample
        tell("VAE")
    save_file({k: v.contiguous() for k, v in results.items()}, work / "reference.safetensors")


def compare(work, outputs):
    """The largest difference of each output, as a share of its largest value."""
    from safetensors.torch import load_file

    wanted, got = load_file(work / "reference.safetensors"), load_file(outputs)
    shares = {}
    for name, want in wanted.items():
        shares[name] = ((got[name] - want).abs().max() / want.abs().max()).item()
        print(f"  {name}: largest difference {shares[name]:.1e} of {want.abs().max():.3g}")
    return shares


def run(command, **options):
    """Runs a command, passes its lines on, and gives the seconds and gigabytes that they tell of each part."""
    told = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            found = re.match(r"(.+): ([\d.]+) s; peak memory (\d+) kB", line)
            if found:
                told[found[1]] = (float(found[2]), int(found[3]) * 1024 / 1e9)
    if process.returncode != 0:
        sys.exit(f"failed: {shlex.join(map(str, command))}")
    return told


def print_table(columns):
    """Parts down, programs across: seconds, and gigabytes at the peak so far."""
    parts = list(dict.fromkeys(part for told in columns.values() for part in told))
    width = max(map(len, parts))
    print(" " * width, *(f"{name:>22}" for name in columns))
    for part in parts:
        cells = (told.get(part) for told in columns.values())
        texts = (f"{cell[0]:.2f} s, {cell[1]:.2f} GB" if cell else "" for cell in cells)
        print(f"{part:{width}}", *(f"{text:>22}" for text in texts))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--latent", type=int, default=64, help="side of the latents; pictures are 8 times as large")
    parser.add_argument("--bench", default="cargo bench --bench full_size --", help="the command that runs our side")
    parser.add_argument("--stage", choices=["make", "reference"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    if arguments.stage == "make":
        return make(work, arguments.latent)
    if arguments.stage == "reference":
        return reference(work)
    work.mkdir(parents=True, exist_ok=True)
    columns, worst = {}, 0.0
    # Each in a process of its own, so that the peak of memory is its own.
    for stage in ["make", "reference"]:
        print(f"== {stage}", flush=True)
        own = [sys.executable, __file__, str(work), "--stage", stage, "--latent", str(arguments.latent)]
        columns["PyTorch"] = run(own)
    layouts = {"folders": ("model", "controlnet"), "single files": ("model.safetensors", "control.safetensors")}
    for layout, (model, control) in layouts.items():
        print(f"== this program, {layout}", flush=True)
        outputs = work / "outputs.safetensors"
        files = [work / model, work / control, work / "inputs.safetensors", outputs]
        command = [*shlex.split(arguments.bench), *map(str, files)]
        columns[layout] = run(command, cwd=ROOT, env=dict(os.environ))
        worst = max(worst, *compare(work, outputs).values())
    print(f"== pictures of {arguments.latent * 8}×{arguments.latent * 8}")
    print_table(columns)
    print(f"largest difference {worst:.1e}, allowed {TOLERANCE:.0e}")
    sys.exit(worst > TOLERANCE)


if __name__ == "__main__":
    main()
