"""The stages of a training, each a function of the command line's options.

Each leaves what it made in `--work` or `--out` and a mark in `--work`, and ends the program where its gate fails.
"""

import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from . import carry, crops, gates, model, networks, photographs, prompts, sheet, styles
from . import tokenizer, train_codec, train_diffusion

CROP = 256
"""Side of the crops in pixels."""


def log(text):
    """One line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def stop_for(reasons, options):
    """Ends the program if a gate failed."""
    if reasons:
        log("gate FAILED\n" + "\n".join(reasons))
        if not options.lenient:
            sys.exit(1)
    log("gate passed")


def wait_for(mark, options):
    """Waits for another stage's mark, but not beyond this stage's own deadline."""
    path = options.work / f"{mark}.done"
    while not path.exists():
        if options.deadline is None or time.time() > options.deadline + 60:
            sys.exit(f"the stage `{mark}` has not ended; run it first")
        time.sleep(0.2)


def mark(name, options):
    """Says that a stage has ended."""
    (options.work / f"{name}.done").touch()


def load_crops(options, name):
    """Crops as a uint8 tensor on the device."""
    wait_for("crops", options)
    return torch.from_numpy(np.load(options.work / f"{name}.npy")).to(options.device)


def load_vae(options):
    """The VAE to go on with: the new one, or that of the model that is trained on."""
    if not options.start:
        wait_for("codec", options)
    return AutoencoderKL.from_pretrained(str((options.start or options.out) / "vae")).float()


def collect(options):
    """Photographs and tokenizer out of the unpacked packages."""
    rows = photographs.collect(options.raw, options.photographs)
    merges = options.raw / "wheels/open_clip_torch/open_clip/bpe_simple_vocab_16e6.txt.gz"
    tokenizer.write(merges, options.out / "tokenizer")
    licences = sorted({row["licence"] for row in rows})
    log(f"photographs: {len(rows)}, {sum(r['held_out'] for r in rows)} held out; {', '.join(licences)}")
    stop_for([] if len(rows) >= 150 else ["fewer than 150 photographs: a package has changed"], options)


def cut_crops(options):
    """Training crops and held-out crops."""
    for name, held, count, seed in (("held", True, options.held, 9), ("crops", False, options.crops, 0)):
        made = crops.make(photographs.load(options.photographs, held), count, CROP, seed, options.workers)
        np.save(options.work / f"{name}.npy", made)
    mark("crops", options)
    log(f"crops: {options.crops} and {options.held} held out")


def codec(options):
    """The VAE: trained, whitened, measured."""
    torch.manual_seed(1)
    vae = networks.codec(options.size).to(options.device, memory_format=torch.channels_last)
    log(f"codec: {networks.parameters(vae)} parameters")
    made = load_crops(options, "crops")
    train_codec.train(vae, made, options, log)
    vae.to(memory_format=torch.contiguous_format)
    log(f"codec: whitened variances {train_codec.whiten(vae, made)}")
    model.write("vae", vae, options.out)
    figures = gates.codec(vae, load_crops(options, "held"))
    log("codec: PSNR in dB\n" + gates.table(figures))
    stop_for(gates.codec_failures(figures), options)
    mark("codec", options)


def widen(options):
    """The codec put into one of twice the width that computes the same, for `decoder` to train."""
    narrow = load_vae(options).eval()
    torch.manual_seed(5)
    model.write("vae", carry.widen(narrow, "large"), options.out)


def carry_over(options):
    """A start for training on: `--present`'s codec made wider, `--start`'s diffusion turned to its latents."""
    narrow = AutoencoderKL.from_pretrained(str(options.present / "vae")).float().eval()
    other = model.load(options.start, "cpu")
    pictures = load_crops(options, "crops")[:48].cpu().permute(0, 3, 1, 2).float() / 255
    torch.manual_seed(5)
    carry.rotate(other.unet, other.controlnet, carry.rotation(other.vae, narrow, pictures))
    model.write("vae", carry.widen(narrow, options.size), options.out)
    for name in ("unet", "controlnet", "text_encoder"):
        model.write(name, getattr(other, name), options.out)
    shutil.copytree(options.start / "tokenizer", options.out / "tokenizer", dirs_exist_ok=True)


def diffusion(options):
    """U-Net, ControlNet and text encoder on the codec's latents."""
    torch.manual_seed(2)
    tok = tokenizer.load(options.out / "tokenizer")
    if options.start:
        m = model.load(options.start, "cpu")
        parts = (m.unet, m.controlnet, m.text_encoder)
    else:
        parts = networks.diffusion(options.size, len(tok))
    log(f"diffusion: {[networks.parameters(m) for m in parts]} parameters")
    pool, empty = train_diffusion.prompt_pool(tok, options.prompts, options.device)
    trainer = train_diffusion.Trainer(parts, pool, empty, options)
    if options.compile:
        trainer.warm_up()
    vae = load_vae(options).to(options.device)
    made = load_crops(options, "crops")[: options.cached]
    z, e = train_diffusion.latents(vae, made, options.crop)
    log(f"diffusion: latents {tuple(z.shape)}")

    def save():
        for name, module in zip(("unet", "controlnet", "text_encoder"), parts):
            model.write(name, module, options.out)

    trainer.train(z, e, log, save)
    mark("diffusion", options)


def decoder(options):
    """The decoder once more, encoder frozen; the gate is that it has got better."""
    torch.manual_seed(3)
    vae = load_vae(options).to(options.device)
    held = load_crops(options, "held")
    before = gates.codec(vae, held)
    vae.to(memory_format=torch.channels_last)
    train_codec.finish_decoder(vae, load_crops(options, "crops"), options, log)
    vae.to(memory_format=torch.contiguous_format)
    after = gates.codec(vae, held)
    log("decoder: PSNR in dB\n" + gates.table({name: (before[name], after[name]) for name in after}))
    worse = [f"{name}: {after[name]:.2f} dB after {before[name]:.2f} dB" for name in after if after[name] < before[name] - 0.1]
    stop_for(worse, options)
    model.write("vae", vae, options.out)
    mark("decoder", options)


def measure(options):
    """Gates and contact sheets of the new model, beside the shipped one if there is one."""
    held = load_crops(options, "held")
    texts = [prompts.WORDS[name][0] for name in styles.NAMES]
    frames = sorted(options.frames.glob("*.jpg")) if options.frames else []
    report = {}
    for name, folder in {"new": options.out, "present": options.present}.items():
        if not folder:
            continue
        m = model.load(folder, options.device)
        report[name] = {
            "codec": gates.codec(m.vae, held),
            "translation": gates.translations(m, held, options.pictures),
            "noise, 128 pixels": gates.noise_errors(m, held, 128, options.draws),
            "noise, 256 pixels": gates.noise_errors(m, held, 256, options.draws),
        }
        for kind, rows in report[name].items():
            log(f"{name}: {kind}\n" + gates.table(rows))
        pictures = {f.stem: sheet.open_picture(f, 256) for f in frames} | {"held": gates.pictures(held, 3)[1:2]}
        for frame, x in pictures.items():
            sheet.save(options.work / f"sheet-{name}-{frame}.jpg", sheet.prompts_row(m, x, texts), 7)
    (options.work / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    new = report["new"]
    stop_for(gates.codec_failures(new["codec"]) + gates.noise_failures(new["noise, 256 pixels"]), options)
    mark("measure", options)


def install(options):
    """Copies a model that passed its gates, and the list of its photographs, to `--present`."""
    wait_for("measure", options)
    for part in (*model.PARTS, "tokenizer"):
        shutil.copytree(options.out / part, options.present / part, dirs_exist_ok=True)
    shutil.copy(options.photographs / "sources.json", options.present)


STAGES = {
    "collect": collect,
    "crops": cut_crops,
    "codec": codec,
    "widen": widen,
    "carry": carry_over,
    "diffusion": diffusion,
    "decoder": decoder,
    "measure": measure,
    "install": install,
}
