"""The twelve filters that make the training targets from photographs.

Every filter takes pictures [B, 3, H, W] in 0..1 and returns the same shape; any device.
"""

import torch
import torch.nn.functional as F

from .edges import blur, gradient, luma, soft_edges


def box(x, radius):
    """Mean over a square window."""
    return F.avg_pool2d(F.pad(x, (radius,) * 4, mode="reflect"), 2 * radius + 1, 1)


def guided(x, radius, eps, times):
    """Edge-preserving smoothing: the guided filter with the picture's own brightness as guide."""
    for _ in range(times):
        g = luma(x)
        mean_g, mean_x = box(g, radius), box(x, radius)
        a = (box(g * x, radius) - mean_g * mean_x) / (box(g * g, radius) - mean_g * mean_g + eps)
        x = box(a, radius) * g + box(mean_x - a * mean_g, radius)
    return x.clamp(0, 1)


def kuwahara(x, radius):
    """Painterly flat patches: the mean of that one of four quadrants which varies least."""
    k = radius + 1
    padded = F.pad(x, (radius,) * 4, mode="reflect")
    mean = F.avg_pool2d(padded, k, 1)
    var = F.avg_pool2d(luma(padded) ** 2, k, 1) - luma(mean) ** 2
    h, w = x.shape[2:]
    means = torch.stack([mean[..., i : i + h, j : j + w] for i in (0, radius) for j in (0, radius)])
    variances = torch.stack([var[..., i : i + h, j : j + w] for i in (0, radius) for j in (0, radius)])
    least = variances.argmin(0, keepdim=True).expand(1, -1, 3, -1, -1)
    return means.gather(0, least)[0]


def saturate(x, s):
    """Scales the distance of every colour from grey."""
    g = luma(x)
    return (g + s * (x - g)).clamp(0, 1)


def colour(x, rgb):
    """A colour as a tensor that broadcasts over `x`."""
    return torch.tensor(rgb, dtype=x.dtype, device=x.device).view(1, 3, 1, 1)


def tint(g, dark, light):
    """Maps brightness 0..1 onto the line between two colours."""
    d = colour(g, dark)
    return d + (colour(g, light) - d) * g


def auto_tone(g):
    """Spreads brightness over 0..1 by its 2nd and 98th percentile."""
    sample = g.flatten(1)[:, ::7].float()
    low = torch.quantile(sample, 0.02, dim=1).view(-1, 1, 1, 1).to(g.dtype)
    high = torch.quantile(sample, 0.98, dim=1).view(-1, 1, 1, 1).to(g.dtype)
    return ((g - low) / (high - low).clamp_min(0.15)).clamp(0, 1)


def photo(x):
    """The photograph itself."""
    return x


def charcoal(x):
    """Soft grey patches with dark lines."""
    g = auto_tone(luma(x)).expand(-1, 3, -1, -1)
    tone = ((kuwahara(g, 3)[:, :1] - 0.5) * 1.6 + 0.42).clamp(0, 1)
    return (tone * (1 - 0.85 * soft_edges(x)) + 0.04).clamp(0, 1).expand(-1, 3, -1, -1)


def watercolor(x):
    """Light washes; pigment gathers at the borders."""
    s = saturate(guided(x, 5, 0.02, 2), 1.35)
    s = 1 - 0.78 * (1 - s) ** 1.15
    return (s - 1.6 * gradient(blur(s, 1.0))).clamp(0, 1)


def oil(x):
    """Flat, saturated strokes with raised rims."""
    s = kuwahara(kuwahara(saturate(x, 1.45), 4), 3)
    return ((s + 0.9 * (s - blur(s, 1.5)) - 0.5) * 1.12 + 0.5).clamp(0, 1)


def cartoon(x):
    """Five levels of light, strong colours, black outlines."""
    s = guided(x, 4, 0.015, 3)
    g = luma(s).clamp_min(1e-3)
    levels = (torch.floor(g * 5) + 0.55) / 5.2
    flat = saturate((s * (levels / g)).clamp(0, 1), 1.6)
    return flat * (1 - (soft_edges(x) * 1.6 - 0.45).clamp(0, 1))


def night(x):
    """Dark and blue."""
    d = saturate(x, 0.35) * 0.5 + 0.5 * luma(x)
    return tint((d**1.35) * 0.62, (0.01, 0.02, 0.07), (0.50, 0.72, 1.10)).clamp(0, 1)


def neon(x):
    """Glowing outlines in the picture's own hues on black."""
    e = soft_edges(x)
    hue = saturate(blur(x, 3), 3.0)
    hue = hue / hue.amax(1, keepdim=True).clamp_min(0.25)
    hue = 0.25 * colour(x, (0.3, 0.9, 1.0)) + 0.75 * hue
    return (hue * (1.25 * e + 0.55 * blur(e, 4)) + 0.35 * e**3).clamp(0, 1)


def snow(x):
    """Pale and cold; what is bright turns white."""
    g = luma(x)
    lifted = g + (1 - g) * (0.45 + 0.4 * torch.sigmoid(9 * (blur(g, 2) - 0.45)))
    s = saturate(x, 0.30) + (lifted - g)
    return tint(s.clamp(0, 1), (0.05, 0.09, 0.15), (0.95, 0.99, 1.04)).clamp(0, 1)


def autumn(x):
    """Greens turn to gold."""
    r, g, b = x[:, :1], x[:, 1:2], x[:, 2:]
    brightness = luma(x)
    green = ((g - torch.maximum(r, b)) * 5 + 0.15).clamp(0, 1)
    gold = torch.cat([brightness * 1.55 + 0.10, brightness * 0.82, brightness * 0.18], 1)
    return (0.72 * (x * (1 - green) + gold * green) + 0.28 * gold).clamp(0, 1)


def blueprint(x):
    """White lines on blue."""
    e = (soft_edges(x) * 1.15).clamp(0, 1)
    return tint((e + luma(x) * 0.10).clamp(0, 1), (0.04, 0.17, 0.48), (0.92, 0.97, 1.0))


def sunset(x):
    """Warm light, violet shadows, a little brighter at the top."""
    v = torch.linspace(1, 0, x.shape[2], device=x.device, dtype=x.dtype).view(1, 1, -1, 1)
    brightness = ((luma(x) - 0.5) * 1.15 + 0.5).clamp(0, 1)
    warm = tint(brightness, (0.16, 0.03, 0.14), (1.12, 0.74, 0.30))
    return (0.35 * x * colour(x, (1.15, 0.85, 0.6)) + 0.65 * warm + 0.08 * v).clamp(0, 1)


def cyberpunk(x):
    """Magenta by brightness, cyan where the picture is blue."""
    b = auto_tone(luma(x))
    magenta = torch.cat([0.06 + 0.95 * b**0.9, 0.02 + 0.75 * b**2.2, 0.22 + 0.80 * b**0.65], 1)
    cyan = torch.cat([0.0 * b, 0.85 * b, 0.95 * b], 1)
    m = torch.sigmoid(10 * (x[:, 2:] - x[:, :1] + 0.02))
    return (0.8 * (magenta * (1 - 0.7 * m) + cyan * 0.7 * m) + 0.2 * saturate(x, 1.5)).clamp(0, 1)


STYLES = {
    f.__name__: f
    for f in (photo, charcoal, watercolor, oil, cartoon, night, neon, snow, autumn, blueprint, sunset, cyberpunk)
}
NAMES = list(STYLES)


def apply(name, x):
    """The named style's picture of `x`."""
    return STYLES[name](x).clamp(0, 1)
