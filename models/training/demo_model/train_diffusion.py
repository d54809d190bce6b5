"""Trains U-Net, ControlNet and text encoder together on latents of the styled crops.

- The loss is the error of the predicted noise with min-SNR weights.
- Part of the samples is *bridged*: x_t is noised from the photograph's latent while the target leads to the styled one.
  Video-to-video starts just so, and the prompt has to win over the source's colours.
- Part of the samples leaves the ControlNet out, so that the U-Net also stands alone.
"""

import random
import time

import torch

from . import edges, networks, prompts, styles, tokenizer
from .pace import Average, Pace, autocast, compiled, half, optimizer, set_rate

DROPPED, ALONE, BRIDGED = 0.1, 0.2, 0.3
"""Shares of samples without a prompt, without the ControlNet, and started from the photograph."""


@torch.no_grad()
def latents(vae, crops, size):
    """Scaled latents [N, styles, 4, size/8, size/8] and edges [N, 1, size, size] of crops, in half precision.

    Half of the crops are the whole square made smaller, half are a corner of it, when `size` is below theirs.
    """
    z = torch.empty(len(crops), len(styles.NAMES), 4, size // 8, size // 8, dtype=torch.float16, device=crops.device)
    e = torch.empty(len(crops), 1, size, size, dtype=torch.float16, device=crops.device)
    whole = crops.shape[1]
    for i in range(0, len(crops), 32):
        part = slice(i, i + 32)
        x = crops[part].permute(0, 3, 1, 2).float() / 255
        if size < whole:
            shrunk = torch.nn.functional.interpolate(x, size=(size, size), mode="area")
            x = torch.cat([shrunk[::2], x[1::2, :, -size:, -size:]])
        for k, name in enumerate(styles.NAMES):
            y = (styles.apply(name, x) * 2 - 1).contiguous(memory_format=torch.channels_last)
            with half(crops.device.type):
                z[part, k] = (networks.encode(vae, y) * networks.SCALE).half()
        e[part] = edges.soft_edges(x).half()
    return z, e


def prompt_pool(tok, count, device):
    """Token ids of training prompts, [styles, count, 77], and of empty ones, [count, 77]."""
    rng = random.Random(3)
    pool = [tokenizer.encode(tok, [prompts.for_training(s, rng) for _ in range(count)]) for s in styles.NAMES]
    empty = tokenizer.encode(tok, [prompts.empty(rng) for _ in range(count)])
    return torch.stack([torch.from_numpy(ids) for ids in pool]).to(device), torch.from_numpy(empty).to(device)


def draw(z, e, pool, empty, count, schedule, g):
    """One batch: (x_t, t, token ids, edges, control strength, target noise)."""
    device = z.device

    def uniform(*shape):
        return torch.rand(*shape, device=device, generator=g)

    def integers(high):
        return torch.randint(0, high, (count,), device=device, generator=g)

    crop, style, t = integers(len(z)), integers(z.shape[1]), integers(1000)
    target, source = z[crop, style].float(), z[crop, 0].float()
    drop = uniform(count) < DROPPED
    ids = torch.where(drop[:, None], empty[integers(len(empty))], pool[style, integers(pool.shape[1])])
    bridge = (uniform(count) < BRIDGED) & (t > 450) & (t < 950) & ~drop
    a = schedule[t].view(-1, 1, 1, 1)
    noise = torch.randn(target.shape, device=device, generator=g)
    x = a.sqrt() * torch.where(bridge.view(-1, 1, 1, 1), source, target) + (1 - a).sqrt() * noise
    noise = (x - a.sqrt() * target) / (1 - a).sqrt()
    # other detectors' edges differ in gain and gamma
    hint = e[crop].float() ** (0.7 + 0.7 * uniform(count, 1, 1, 1)) * (0.7 + 0.5 * uniform(count, 1, 1, 1))
    strength = (uniform(count, 1, 1, 1) >= ALONE).float()
    return x, t, ids, hint.clamp(0, 1), strength, noise


def synthetic(options):
    """Random stand-ins for latents and edges, to compile the step while the codec is still being trained."""
    z = torch.randn(options.batch, len(styles.NAMES), 4, options.crop // 8, options.crop // 8, device=options.device)
    return z.half(), torch.rand(options.batch, 1, options.crop, options.crop, device=options.device).half()


class Trainer:
    """The three networks, their optimizer and one training step."""

    def __init__(self, parts, pool, empty, options):
        self.unet, self.control, self.text = self.parts = parts
        for m in parts:
            m.to(options.device).train()
        for m in (self.unet, self.control):
            m.to(memory_format=torch.channels_last)
        self.pool, self.empty, self.options = pool, empty, options
        self.trained = [p for m in parts for p in m.parameters()]
        self.schedule = networks.alphas_cumprod().to(options.device)
        self.snr = self.schedule / (1 - self.schedule)
        self.generator = torch.Generator(device=options.device).manual_seed(7)
        self.forward = compiled(
            lambda x, t, words, hint, strength: networks.predict(
                self.unet, self.control, x, t, words, hint, strength
            ),
            options.compile,
        )

    def loss(self, z, e):
        """(weighted loss, plain errors, timesteps) of one batch."""
        x, t, ids, hint, strength, noise = draw(
            z, e, self.pool, self.empty, self.options.batch, self.schedule, self.generator
        )
        x = x.contiguous(memory_format=torch.channels_last)
        with autocast(self.options.device):
            words = self.text(input_ids=ids)[0]
            found = self.forward(x, t, words, hint, strength).float()
        error = ((found - noise) ** 2).mean((1, 2, 3))
        weight = self.snr[t].clamp(max=5) / self.snr[t]
        return (error * weight).mean(), error.detach(), t

    def warm_up(self):
        """Compiles the step on random data; leaves weights and random numbers as they were."""
        z, e = synthetic(self.options)
        state = self.generator.get_state()
        for _ in range(2):
            loss, _, _ = self.loss(z, e)
            loss.backward()
        for p in self.trained:
            p.grad = None
        self.generator.set_state(state)

    def train(self, z, e, log, save):
        """Trains until the pace says so; `save` is called now and then, and at the end, with the mean weights in place."""
        options = self.options
        opt = optimizer(self.trained, options.rate, 1e-2, options.device)
        mean = Average(self.parts, options.average)
        pace, running, saved = Pace(options.steps, options.deadline), None, time.time()
        while pace.share() < 1:
            set_rate(opt, pace.rate(options.rate, 150, 0.03))
            loss, error, t = self.loss(z, e)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
            opt.step()
            mean.update()
            now = torch.stack([loss.detach(), error.mean()])
            running = now if running is None else running.lerp(now, 0.03)
            pace.step += 1
            if pace.step == 2 or pace.step % 200 == 0:
                weighted, plain = running.tolist()
                log(f"diffusion {pace.step} {pace.share():.0%} loss {weighted:.4f} error {plain:.4f} "
                    f"{pace.speed(options.batch):.0f} samples/s")
            if time.time() - saved > options.save_every:
                with mean.applied():
                    save()
                saved = time.time()
        with mean.applied():
            save()
