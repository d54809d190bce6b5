"""Measures a model on photographs that were never trained on, and stops a run whose figures are bad."""

import random

import numpy as np
import torch

from . import model, networks, prompts, styles, tokenizer, train_diffusion

DRAWS = 600


def psnr(y, x):
    """Peak signal-to-noise ratio in dB of each picture."""
    return -10 * torch.log10(((y - x) ** 2).mean((1, 2, 3)).clamp_min(1e-10))


def pictures(crops, count):
    """`count` held-out crops as float pictures, spread over the set."""
    index = torch.linspace(0, len(crops) - 1, min(count, len(crops))).round().long().to(crops.device)
    return crops[index].permute(0, 3, 1, 2).float() / 255


@torch.no_grad()
def codec(vae, crops, count=24):
    """{style: PSNR in dB of 192-pixel crops through the VAE}."""
    x = pictures(crops, count)[:, :, :192, :192]
    out = {}
    for name in styles.NAMES:
        y = styles.apply(name, x)
        decoded = (networks.decode(vae, networks.encode(vae, y * 2 - 1)) / 2 + 0.5).clamp(0, 1)
        out[name] = psnr(decoded, y).mean().item()
    return out


def bands(error, t):
    """Mean error over all timesteps and over three bands of them."""
    picks = (t >= 0, t <= 200, (t > 200) & (t <= 600), t > 600)
    return [error[p].mean().item() for p in picks]


@torch.no_grad()
def noise_errors(m, crops, size, draws=DRAWS):
    """{case: errors of the predicted noise}: the same draws for every model."""
    z, e = train_diffusion.latents(m.vae, crops, size)
    r, rng, schedule = np.random.default_rng(0), random.Random(0), networks.alphas_cumprod()
    crop = torch.from_numpy(r.integers(0, len(z), draws))
    style = torch.arange(draws) % len(styles.NAMES)
    t = torch.from_numpy(np.linspace(20, 980, draws).astype(np.int64)[r.permutation(draws)])
    noise = torch.from_numpy(r.standard_normal((draws, 4, size // 8, size // 8)).astype(np.float32)).to(m.device)
    clean, hints = z[crop.to(z.device), style.to(z.device)].float(), e[crop.to(e.device)].float()
    a = schedule[t].view(-1, 1, 1, 1).to(m.device)
    x, at = a.sqrt() * clean + (1 - a).sqrt() * noise, t.to(m.device)
    right = [prompts.for_gate(styles.NAMES[k], rng) for k in style]
    others = [[n for n in styles.NAMES if n != styles.NAMES[k]] for k in style]
    wrong = [prompts.for_gate(rng.choice(names), rng) for names in others]
    one = torch.ones(1, 1, 1, 1, device=m.device)

    def error(texts, hint):
        out = []
        for i in range(0, draws, 50):
            part = slice(i, i + 50)
            found = networks.predict(
                m.unet, m.controlnet, x[part], at[part], model.words(m, texts[part]),
                None if hint is None else hint[part], one,
            )
            out.append(((found - noise[part]) ** 2).mean((1, 2, 3)))
        return bands(torch.cat(out).cpu(), t)

    return {
        "start, noise = x_t": bands(((x - noise) ** 2).mean((1, 2, 3)).cpu(), t),
        "right prompt, its edges": error(right, hints),
        "another style's prompt": error(wrong, hints),
        "another picture's edges": error(right, hints.roll(37, 0)),
        "no ControlNet": error(right, None),
    }


@torch.no_grad()
def translations(m, crops, count=8):
    """{style: (PSNR in dB against the filter's own picture, the same for the untranslated source)}."""
    x, out = pictures(crops, count), {}
    for name in styles.NAMES:
        target = styles.apply(name, x)
        y = model.translate(m, x, [prompts.WORDS[name][0]] * len(x), guidance=2.0)
        out[name] = (psnr(y, target).mean().item(), psnr(x, target).mean().item())
    return out


def table(rows):
    """Lines of a table of numbers."""
    return "\n".join(f"{name:26s} " + " ".join(f"{v:8.4f}" for v in np.atleast_1d(values)) for name, values in rows.items())


def codec_failures(figures):
    """Why a codec must not be used; `figures` is {style: dB}."""
    return [f"{name}: the codec reaches {dB:.1f} dB only" for name, dB in figures.items() if dB < 20]


def noise_failures(errors):
    """Why a diffusion must not be used: prompt and edges must count. `errors` is the table of noise errors."""
    right = errors["right prompt, its edges"][0]
    least = {"start, noise = x_t": 4.0, "another style's prompt": 2.0, "another picture's edges": 2.0, "no ControlNet": 1.2}
    return [
        f"{case}: error {errors[case][0]:.3f} is below {factor} times the right one's {right:.3f}"
        for case, factor in least.items()
        if errors[case][0] < factor * right
    ]
