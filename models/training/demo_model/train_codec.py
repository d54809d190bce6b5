"""Trains the VAE on styled crops, then whitens its latents.

`finish_decoder` goes on with the encoder frozen, against a small critic, so that the pictures get crisp.
"""

import numpy as np
import torch
import torch.nn.functional as F

from . import critic, networks, styles
from .pace import Average, Pace, autocast, compiled, optimizer, set_rate

GROUP = 4
"""Number of styles in a batch."""


def differences(x):
    """Slopes across and down."""
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def reconstruction(y, x):
    """Absolute error of the pixels, of their slopes and of their means over 4 and 8 pixels."""
    loss = (y - x).abs().mean()
    loss = loss + 0.5 * sum((a - b).abs().mean() for a, b in zip(differences(y), differences(x)))
    for k in (4, 8):
        loss = loss + 0.5 * (F.avg_pool2d(y, k) - F.avg_pool2d(x, k)).abs().mean()
    return loss


def batch(crops, count, size, rng):
    """`count` pieces of crops in -1..1, in random styles, photographs twice as often as others."""
    index = rng.integers(0, len(crops), count)
    y, x = rng.integers(0, crops.shape[1] - size + 1, 2)
    pieces = crops[torch.from_numpy(index).to(crops.device)][:, y : y + size, x : x + size]
    pieces = pieces.permute(0, 3, 1, 2).float() / 255
    out = []
    for piece in pieces.chunk(GROUP):
        name = "photo" if rng.random() < 0.15 else styles.NAMES[rng.integers(0, len(styles.NAMES))]
        out.append(styles.apply(name, piece))
    return (torch.cat(out) * 2 - 1).contiguous(memory_format=torch.channels_last)


def noisy(z):
    """Latents with a little noise of random strength: what diffusion gives back is never exact."""
    return z + torch.randn_like(z) * z.detach().std() * (0.07 * torch.rand(len(z), 1, 1, 1, device=z.device))


def train(vae, crops, options, log):
    """Trains encoder and decoder together. Returns nothing; the weights are in `vae`."""
    device = options.device
    rng = np.random.default_rng(1)
    opt = optimizer(vae.parameters(), options.rate, 1e-3, device)
    mean = Average([vae], 0.998)
    encode = compiled(lambda x: networks.encode(vae, x), options.compile)
    decode = compiled(lambda z: networks.decode(vae, z), options.compile)
    pace, running = Pace(options.steps, options.deadline), None
    while pace.share() < 1:
        set_rate(opt, pace.rate(options.rate, 100, 0.03))
        x = batch(crops, options.batch, options.crop, rng)
        with autocast(device):
            z = encode(x).float()
            y = decode(noisy(z)).float()
        loss = reconstruction(y, x)
        opt.zero_grad(set_to_none=True)
        (loss + 1e-4 * (z**2).mean()).backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        opt.step()
        mean.update()
        running = loss.detach() if running is None else running.lerp(loss.detach(), 0.03)
        pace.step += 1
        if pace.step == 2 or pace.step % 200 == 0:
            log(f"codec {pace.step} {pace.share():.0%} loss {running.item():.4f} {pace.speed(options.batch):.0f} crops/s")
    mean.swap()


@torch.no_grad()
def whiten(vae, crops):
    """Folds a linear map into the convolutions beside the latents: mean 0, identity covariance after scaling."""
    rng = np.random.default_rng(3)
    size, batches = min(192, crops.shape[1]), max(1, min(24, len(crops) // 16))
    z = torch.cat([networks.encode(vae, batch(crops, 16, size, rng)).double().cpu() for _ in range(batches)])
    z = z.permute(1, 0, 2, 3).flatten(1)
    mu = z.mean(1)
    variances, axes = torch.linalg.eigh(torch.cov(z))
    forward = torch.diag(1 / variances.clamp_min(1e-8).sqrt()) @ axes.t() / networks.SCALE
    quant, post = vae.quant_conv, vae.post_quant_conv
    there, back = forward.to(quant.weight), torch.linalg.inv(forward).to(quant.weight)
    mu = mu.to(quant.weight)
    weight, bias = quant.weight[:4, :, 0, 0].clone(), quant.bias[:4].clone()
    quant.weight[:4] = (there @ weight)[..., None, None]
    quant.bias[:4] = there @ (bias - mu)
    quant.weight[4:] = 0
    quant.bias[4:] = -12.0  # log variance: a nearly deterministic encoder
    old = post.weight[:, :, 0, 0].clone()
    post.weight.copy_((old @ back)[..., None, None])
    post.bias.add_(old @ mu)
    return variances.tolist()


def finish_decoder(vae, crops, options, log):
    """Trains the decoder on, encoder frozen, against the critic whose weight grows from 0 to `critic_weight`."""
    device = options.device
    rng = np.random.default_rng(2)
    for m in (vae.encoder, vae.quant_conv):
        m.requires_grad_(False)
    judge = critic.Critic().to(device)
    trained = [p for p in vae.parameters() if p.requires_grad]
    opt = optimizer(trained, options.rate, 1e-3, device)
    judge_opt = torch.optim.AdamW(judge.parameters(), lr=4e-4, betas=(0.5, 0.99), weight_decay=1e-4)
    mean = Average([vae], 0.995)
    encode = compiled(lambda x: networks.encode(vae, x), options.compile)
    decode = compiled(lambda z: networks.decode(vae, z), options.compile)
    pace = Pace(options.steps, options.deadline)
    while pace.share() < 1:
        set_rate(opt, pace.rate(options.rate, 50, 0.05))
        x = batch(crops, options.batch, options.crop, rng)
        with torch.no_grad(), autocast(device):
            z = encode(x).float()
        with autocast(device):
            y = decode(noisy(z)).float()
        seen = y.detach().requires_grad_(True)
        error = reconstruction(seen, x)
        (pull,) = torch.autograd.grad(error, seen)
        if options.critic_weight > 0:
            push = critic.gradient(judge, x, seen, device)
            weight = options.critic_weight * min(1.0, pace.share() / 0.3)
            pull = pull + push * (weight * pull.norm() / push.norm().clamp_min(1e-8))
            critic.step(judge, judge_opt, x, seen.detach(), device)
        opt.zero_grad(set_to_none=True)
        y.backward(pull)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        opt.step()
        mean.update()
        pace.step += 1
        if pace.step == 2 or pace.step % 100 == 0:
            log(f"decoder {pace.step} {pace.share():.0%} loss {error.item():.4f} "
                f"{pace.speed(options.batch):.0f} crops/s")
    mean.swap()
