"""Contact sheets: a row for each picture with its edges and one translation for each prompt."""

import numpy as np
import torch
from PIL import Image

from . import edges, model


def open_picture(path, height):
    """A picture as [1, 3, H, W] in 0..1 at that height, width a multiple of 64."""
    im = Image.open(path).convert("RGB")
    width = round(im.width * height / im.height / 64) * 64
    return torch.from_numpy(np.array(im.resize((width, height), Image.LANCZOS))).permute(2, 0, 1)[None].float() / 255


def prompts_row(m, x, texts, **knobs):
    """Source, edges, and the translation by each text."""
    x = x.to(m.device)
    y = model.translate(m, x.expand(len(texts), -1, -1, -1), texts, **knobs)
    return torch.cat([x, edges.soft_edges(x).expand(-1, 3, -1, -1), y])


def save(path, pictures, columns, quality=88):
    """Writes pictures of one size [N, 3, H, W] as a grid."""
    rows = []
    for i in range(0, len(pictures), columns):
        row = pictures[i : i + columns]
        row = torch.cat([row, torch.zeros(columns - len(row), *row.shape[1:], device=row.device)])
        rows.append(torch.cat(list(row), 2))
    grid = (torch.cat(rows, 1).permute(1, 2, 0).cpu().numpy() * 255 + 0.5).astype("uint8")
    Image.fromarray(grid).save(path, quality=quality)
