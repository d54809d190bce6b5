"""Starting points that save hours: a linear codec for the VAE, noise = input for the U-Net.

Both need a signal to pass a group norm and a SiLU unchanged. It travels as a pair +s and -s, since
silu(s) - silu(-s) = s, beside a constant pair +K and -K that fixes the group's mean at 0 and its deviation.
"""

import torch

YCC = torch.tensor([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])
"""RGB to brightness and two colour differences."""

GAIN = (1, 3, 3)
"""Colour differences vary less than brightness; this evens them out."""


def put(conv, rows):
    """Sets rows of a convolution: {output: [(input, kernel or centre weight), ...]}, everything else of the row 0."""
    centre = conv.weight.shape[-1] // 2
    for o, terms in rows.items():
        conv.weight[o] = 0
        conv.bias[o] = 0
        for i, v in terms:
            if torch.is_tensor(v):
                conv.weight[o, i] = v
            else:
                conv.weight[o, i, centre, centre] += v


def pass_through(shortcut, norm, out, terms, outs, k=6.0, b=2.0):
    """Carries signals as pairs through the last norm, inside its first group.

    `terms` lists each signal's (input, weight) pairs, `outs` each output's (signal, weight) pairs.
    """
    n, m = shortcut.weight.shape[0] // norm.num_groups, len(terms)
    if 2 * m + 2 > n:
        raise ValueError(f"a group of {n} channels is too small for {m} signals")
    put(shortcut, {j: t for j, t in enumerate(terms)})
    put(shortcut, {m + j: [(i, -w) for i, w in t] for j, t in enumerate(terms)})
    put(shortcut, {j: [] for j in range(2 * m, n)})
    shortcut.bias[n - 2], shortcut.bias[n - 1] = k, -k
    norm.weight[:n] = b * k * (2 / n) ** 0.5
    norm.bias[:n] = 0
    put(out, {o: [(s, w / b) for s, w in t] + [(m + s, -w / b) for s, w in t] for o, t in enumerate(outs)})
    out.weight[: len(outs), 2 * m :] = 0


def silence(module, endings):
    """Sets the last layer of each residual branch to 0, so that the skip path is the network."""
    for name, p in module.named_parameters():
        if any(name.endswith(e) for e in endings):
            p.zero_()


@torch.no_grad()
def linear_codec(vae):
    """Encoder: mean brightness and colour of each 8x8 block and one brightness slope. Decoder: smooth enlargement."""
    silence(vae, ("conv2.weight", "conv2.bias", "to_out.0.weight", "to_out.0.bias"))
    e, d = vae.encoder, vae.decoder
    mean = torch.zeros(3, 3)
    mean[:2, :2] = 0.25
    slope = torch.zeros(3, 3)
    slope[:2, 0], slope[:2, 1] = 0.25, -0.25
    put(e.conv_in, {o: [(i, YCC[o, i].item() * GAIN[o]) for i in range(3)] for o in range(3)})
    for level in range(3):
        block = e.down_blocks[level]
        if block.resnets[0].conv_shortcut is not None:
            put(block.resnets[0].conv_shortcut, {o: [(o, 1.0)] for o in range(4)})
        put(block.downsamplers[0].conv, {o: [(o, mean)] for o in range(4)})
        if level == 2:
            put(block.downsamplers[0].conv, {3: [(0, slope)]})
    last = e.down_blocks[3].resnets[0].conv_shortcut
    if last is None:
        raise ValueError("the last encoder stage must change the width")
    signals, outputs = [[(i, 1.0)] for i in range(4)], [[(i, (1, 1, 1, 3)[i])] for i in range(4)]
    pass_through(last, e.conv_norm_out, e.conv_out, signals, outputs)
    for conv in (vae.quant_conv, vae.post_quant_conv):
        put(conv, {o: [(o, 1.0)] for o in range(4)})
    tent = torch.tensor([1.0, 2, 1])
    tent = torch.outer(tent, tent) / 16
    put(d.conv_in, {o: [(o, 1.0)] for o in range(3)})
    for level in range(3):
        block = d.up_blocks[level]
        if block.resnets[0].conv_shortcut is not None:
            put(block.resnets[0].conv_shortcut, {o: [(o, 1.0)] for o in range(3)})
        put(block.upsamplers[0].conv, {o: [(o, tent)] for o in range(3)})
    rgb = torch.linalg.inv(YCC) / torch.tensor([float(g) for g in GAIN])
    signals = [[(i, rgb[o, i].item()) for i in range(3)] for o in range(3)]
    pass_through(d.up_blocks[3].resnets[0].conv_shortcut, d.conv_norm_out, d.conv_out, signals, [[(o, 1.0)] for o in range(3)])


@torch.no_grad()
def loud_hint(control):
    """Lets the edges be heard from the first step.

    The published start makes them die in the ControlNet's own stack of convolutions (1e-5 against the latents' 0.6)
    and its zero convolutions are for a U-Net that is trained already; here both learn together.
    """
    for conv in (*control.controlnet_down_blocks, control.controlnet_mid_block):
        torch.nn.init.normal_(conv.weight, std=0.02)
    for m in control.controlnet_cond_embedding.modules():
        if isinstance(m, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            torch.nn.init.zeros_(m.bias)
    control.controlnet_cond_embedding.conv_out.weight.mul_(6)


@torch.no_grad()
def identity(unet, control, k=4.0, b=2.0):
    """Starts the U-Net at noise = x_t, the best guess at high noise.

    Residual branches are silent; the first skip is carried through the last norm, two latent channels in each of
    the first two groups.
    """
    for m in (unet, control):
        for name, p in m.named_parameters():
            branch = "resnets" in name and name.endswith(("conv2.weight", "conv2.bias"))
            if branch or ("attentions" in name and ".proj_out." in name):
                p.zero_()
        m.conv_in.weight[:4] = 0
        m.conv_in.bias[:4] = 0
        for i in range(4):
            m.conv_in.weight[i, i, 1, 1] = 1
    shortcut, out = unet.up_blocks[3].resnets[-1].conv_shortcut, unet.conv_out
    width = unet.config.block_out_channels[0]
    n = width // unet.config.norm_num_groups
    if n < 6:
        raise ValueError(f"a group of {n} channels is too small")
    skip = shortcut.in_channels - width
    out.weight.mul_(0.2)
    out.bias.zero_()
    for group in (0, 1):
        o = group * n
        shortcut.weight[o : o + n] = 0
        shortcut.bias[o : o + n] = 0
        out.weight[:, o : o + n] = 0
        for j in (0, 1):
            channel = 2 * group + j
            shortcut.weight[o + j, skip + channel] = 1
            shortcut.weight[o + 2 + j, skip + channel] = -1
            out.weight[channel, o + j, 1, 1] = 1 / b
            out.weight[channel, o + 2 + j, 1, 1] = -1 / b
        shortcut.bias[o + 4], shortcut.bias[o + 5] = k, -k
        unet.conv_norm_out.weight[o : o + n] = b * ((2 * k * k + 4) / n) ** 0.5
