"""Carries a trained model over to another codec, and a codec into a wider one, without a new start.

- A wider VAE computes what the narrow one does: the narrow channels are its first norm group, the new ones begin unheard.
- Latents of two codecs are nearly a rotation of each other, since both are whitened. The rotation goes into the first
  and last convolution, and training mends the rest.
"""

import torch

from . import networks, styles


@torch.no_grad()
def widen(narrow, size):
    """A VAE of that size with twice the channels and twice the groups of `narrow`, and the same function."""
    wide = networks.codec(size, linear=False).eval()
    if wide.config.norm_num_groups != 2 * narrow.config.norm_num_groups:
        raise ValueError("the wide codec must have twice the groups of the narrow one")
    known = dict(narrow.named_parameters())
    for name, p in wide.named_parameters():
        old = known[name]
        if ".to_q." in name:
            old = old * 2**0.5  # attention divides by the root of the width, which doubles
        frozen = name.startswith(("encoder.", "quant_conv."))
        if frozen or ".to_q." in name:
            p.fill_(1) if "norm" in name and name.endswith("weight") else p.zero_()
        rows = old.shape[0]
        if p.dim() == 1:
            if not frozen and p.shape != old.shape and "norm" not in name:
                p[rows:] = 0
            p[:rows] = old
        else:
            p[:rows] = 0
            p[:rows, : old.shape[1]] = old
    return wide


@torch.no_grad()
def rotation(source, target, crops):
    """The rotation that leads from latents of `target` to latents of `source`, from styled crops in 0..1."""
    pictures = torch.cat(
        [styles.apply(styles.NAMES[i % len(styles.NAMES)], crops[i : i + 1]) for i in range(len(crops))]
    )
    a, b = (networks.encode(vae, pictures * 2 - 1) * networks.SCALE for vae in (target, source))
    a, b = (z.permute(0, 2, 3, 1).reshape(-1, 4) for z in (a, b))
    ones = torch.ones(len(a), 1, device=a.device)
    fit = torch.linalg.lstsq(torch.cat([a, ones], 1), b).solution[:4].T
    u, _, v = torch.linalg.svd(fit)
    return u @ v


@torch.no_grad()
def rotate(unet, control, turn):
    """Makes U-Net and ControlNet work on the other codec's latents."""
    for m in (unet, control):
        m.conv_in.weight.copy_(torch.einsum("oihw,ij->ojhw", m.conv_in.weight, turn))
    unet.conv_out.weight.copy_(torch.einsum("ij,ichw->jchw", turn, unet.conv_out.weight))
    unet.conv_out.bias.copy_(turn.T @ unet.conv_out.bias)
