"""A small critic that tells decoded patches from true ones; it makes the decoder's pictures crisp.

What its inner layers see also counts, so that the decoder does not only please the last one.
"""

import torch
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

from .pace import autocast


class Critic(torch.nn.Module):
    """Four strided convolutions; one verdict for each patch of about 46 pixels."""

    def __init__(self, width=48):
        super().__init__()
        sizes = [3, width, 2 * width, 4 * width]
        self.layers = torch.nn.ModuleList(
            spectral_norm(torch.nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in zip(sizes, sizes[1:])
        )
        self.verdict = spectral_norm(torch.nn.Conv2d(sizes[-1], 1, 4, padding=1))

    def forward(self, x):
        """Verdicts, and what each layer saw."""
        seen = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            seen.append(x)
        return self.verdict(x), seen


def gradient(judge, x, y, device):
    """What would make the critic take `y` for true and see in it what it sees in `x`; shape of `y`."""
    judge.requires_grad_(False)
    with autocast(device):
        with torch.no_grad():
            _, true = judge(x)
        verdict, seen = judge(y)
        alike = sum((a - b).abs().mean() / a.abs().mean().clamp_min(1e-4) for a, b in zip(true, seen))
        loss = alike - 0.5 * verdict.mean()
    (push,) = torch.autograd.grad(loss, y)
    judge.requires_grad_(True)
    return push.float()


def step(judge, opt, x, y, device):
    """One step of the critic's own training (hinge loss)."""
    with autocast(device):
        true, false = judge(x)[0], judge(y)[0]
        loss = F.relu(1 - true).mean() + F.relu(1 + false).mean()
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    return loss.detach()
