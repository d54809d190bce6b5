"""The soft-edge detector that makes the demo model's control images.

It needs no weights. The application's `--control soft-edges` computes the same map, so the two must stay equal.
Pictures are tensors of shape [B, C, H, W] with values in 0..1, on any device.
"""

import math

import torch
import torch.nn.functional as F

LUMA = (0.299, 0.587, 0.114)


def luma(x):
    """Brightness of RGB pictures, [B, 3, H, W] to [B, 1, H, W]."""
    weights = torch.tensor(LUMA, dtype=x.dtype, device=x.device).view(1, 3, 1, 1)
    return (x * weights).sum(1, keepdim=True)


def blur(x, sigma):
    """Gaussian blur of every channel; the border is mirrored without repeating the edge pixel."""
    radius = max(1, math.ceil(2.5 * sigma))
    k = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    k = torch.exp(-0.5 * (k / sigma) ** 2)
    k = k / k.sum()
    c = x.shape[1]
    x = F.pad(x, (radius,) * 4, mode="reflect")
    x = F.conv2d(x, k.view(1, 1, 1, -1).expand(c, 1, 1, -1), groups=c)
    return F.conv2d(x, k.view(1, 1, -1, 1).expand(c, 1, -1, 1), groups=c)


def gradient(x):
    """Sobel magnitude divided by 8, the largest over the channels."""
    c = x.shape[1]
    k = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=x.dtype, device=x.device) / 8
    padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
    gx = F.conv2d(padded, k.view(1, 1, 3, 3).expand(c, 1, 3, 3), groups=c)
    gy = F.conv2d(padded, k.t().reshape(1, 1, 3, 3).expand(c, 1, 3, 3), groups=c)
    return (gx * gx + gy * gy + 1e-12).sqrt().amax(1, keepdim=True)


def soft_edges(x):
    """Edge map [B, 1, H, W] in 0..1.

    Two scales of gradient, each set against the picture's own mean so that contrast does not matter,
    and against a small floor so that flat pictures stay black.
    """
    out = 0
    for sigma in (1.2, 2.4):
        m = gradient(blur(x, sigma)) * sigma
        mean = m.mean((1, 2, 3), keepdim=True)
        out = out + 0.5 * (m * m / (m * m + (2.2 * mean) ** 2 + 1e-4))
    return out.clamp(0, 1)
