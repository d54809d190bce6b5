"""Training crops: cut from photographs, jittered, a third of them with pieces of other photographs pasted in.

Pasted pieces make many more layouts and occlusion edges than there are photographs. Every crop has its own
seed, so the result does not depend on how many processes make it.
"""

import multiprocessing
import random

import numpy as np
from PIL import Image

PASTED = 0.33
"""Share of the crops that get pieces of other photographs."""


def jitter(a, rng):
    """Random gamma, contrast, brightness, saturation and white balance of uint8 RGB."""
    x = a.astype(np.float32) / 255
    x = np.clip(x, 0, 1) ** np.float32(np.exp(rng.uniform(-0.35, 0.35)))
    x = (x - 0.5) * rng.uniform(0.8, 1.2) + 0.5 + rng.uniform(-0.08, 0.08)
    g = x.mean(2, keepdims=True)
    x = g + (x - g) * rng.uniform(0.6, 1.35)
    x = x * np.array([rng.uniform(0.9, 1.1) for _ in range(3)], np.float32)
    return (np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)


def zoom_limit(short, size):
    """How far a crop may zoom into a photograph of that short side: to its own pixels, small ones a little beyond."""
    return min(3.0, max(1.3, short / size))


def cut(photo, size, rng):
    """A random square piece of a photograph at `size` pixels, mirrored half of the time."""
    w, h = photo.size
    side = min(w, h) / rng.uniform(1.0, zoom_limit(min(w, h), size))
    x, y = rng.uniform(0, w - side), rng.uniform(0, h - side)
    piece = photo.resize((size, size), Image.LANCZOS, box=(x, y, x + side, y + side))
    return piece.transpose(Image.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else piece


def blob(size, rng):
    """A smooth mask: a bump whose radius varies with the angle."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    cx, cy = size * rng.uniform(0.15, 0.85), size * rng.uniform(0.15, 0.85)
    angle = np.arctan2(y - cy, x - cx)
    distance = np.hypot(x - cx, (y - cy) * rng.uniform(0.6, 1.6))
    waves = sum(rng.uniform(-0.25, 0.25) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in range(1, 5))
    radius = size * rng.uniform(0.12, 0.42) * (1 + waves)
    return Image.fromarray((np.clip((radius - distance) / 1.5 + 0.5, 0, 1) * 255).astype(np.uint8))


def one(photos, index, size, seed):
    """Crop number `index` of a set: large photographs are cut more often, since there is more in them."""
    rng = random.Random(f"{seed}/{index}")
    weights = [min(3.0, max(1.0, min(p.size) / size)) for p in photos]
    crop = cut(rng.choices(photos, weights)[0], size, rng)
    if rng.random() < PASTED:
        for _ in range(rng.randint(1, 3)):
            piece = jitter(np.asarray(cut(rng.choices(photos, weights)[0], size, rng)), rng)
            crop.paste(Image.fromarray(piece), (0, 0), blob(size, rng))
    return jitter(np.asarray(crop), rng)


_shared = {}


def _work(index):
    return one(_shared["photos"], index, _shared["size"], _shared["seed"])


def make(photos, count, size, seed, workers):
    """`count` crops as one uint8 array [count, size, size, 3], made by that many processes."""
    _shared.update(photos=photos, size=size, seed=seed)
    out = np.empty((count, size, size, 3), np.uint8)
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for i, crop in enumerate(pool.imap(_work, range(count), chunksize=32)):
            out[i] = crop
    return out
