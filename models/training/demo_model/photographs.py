"""The folder of training photographs: JPEG files of at most 768 pixels on the short side, and `sources.json`.

`collect` makes the folder from unpacked packages; everything later reads the folder alone.
"""

import io
import json
import random
import re
from pathlib import Path

import numpy as np
from PIL import Image

from . import licences

Image.MAX_IMAGE_PIXELS = None
SHORT_SIDE = 768
SMALLEST = 200
UNFIT = re.compile(
    r"screenshot|vertical|/icons/|words_sample|louis-braille|babyshapes|clickgame|alphabets|numbers|solar_system"
    r"|leftright|Painting-Colors|digital_elec|chronos"
)
"""Drawings, letters and symbols among the packages' pictures."""


def opaque(im):
    """Whether a picture has (nearly) no transparent pixels."""
    if im.mode in ("RGBA", "LA", "P"):
        return (np.asarray(im.convert("RGBA"))[..., 3] > 250).mean() > 0.98
    return True


def textured(im):
    """Whether a picture is more than a blank or a smooth gradient."""
    g = np.asarray(im.convert("L").resize((64, 64)), np.float32)
    return g.std() > 12 and np.abs(np.diff(g, axis=1)).mean() > 1.5


def shrink(im):
    """The picture at `SHORT_SIDE`, never enlarged."""
    scale = SHORT_SIDE / min(im.size)
    return im.resize((round(im.width * scale), round(im.height * scale)), Image.LANCZOS) if scale < 1 else im


def read(data):
    """An RGB picture from a path or bytes, or nothing if it is no fit photograph."""
    try:
        im = Image.open(io.BytesIO(data) if isinstance(data, bytes) else data)
        im.draft("RGB", (1600, 1600))
        if min(im.size) < SMALLEST or not opaque(im):
            return None
        im = shrink(im.convert("RGB"))
    except OSError:
        return None
    return im if textured(im) else None


def collect(raw, out):
    """Writes the photographs of free licence found in unpacked packages; every tenth is held out of training."""
    found = {}
    for name, licence, holders, data in licences.pictures(raw):
        if licences.FREE.match(licence) and not UNFIT.search(name) and (im := read(data)):
            found[name] = (licence, holders, im)
    names = sorted(found)
    random.Random(4).shuffle(names)
    held = len(names) // 10
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for i, name in enumerate(names):
        licence, holders, im = found[name]
        im.save(out / f"{i:03}.jpg", quality=95, subsampling=0)
        rows.append({"file": name, "licence": licence, "holders": holders, "held_out": i < held})
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (out / "sources.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return rows


def load(folder, held_out):
    """The photographs for training, or the held-out ones, as RGB pictures."""
    rows = json.loads((Path(folder) / "sources.json").read_text(encoding="utf-8"))
    return [
        Image.open(Path(folder) / f"{i:03}.jpg").convert("RGB")
        for i, row in enumerate(rows)
        if row["held_out"] == held_out
    ]
