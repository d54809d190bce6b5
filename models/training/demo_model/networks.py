"""The demo model's networks: diffusers' and transformers' own classes, so that the weights keep the published names."""

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from . import starts

SCALE = 0.18215
"""Scaling factor of the latents, as in Stable Diffusion."""

SIZES = {
    # two CPU cores for about two hours
    "small": {"codec": (8, 16, 32, 64), "codec_groups": 1, "unet": (48, 64, 96, 128), "hint": (8, 16, 24, 32)},
    # one large GPU for some minutes; 28 MB in float16
    "large": {"codec": (16, 32, 64, 128), "codec_groups": 2, "unet": (64, 96, 128, 128), "hint": (16, 24, 32, 48)},
}
HEADS, WIDTH, TEXT_LAYERS, GROUPS = 4, 96, 2, 8


def codec(size, linear=True):
    """The VAE, started as a linear codec unless its weights are to be replaced anyway."""
    s = SIZES[size]
    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=s["codec"],
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=s["codec_groups"],
        sample_size=512,
        scaling_factor=SCALE,
    )
    if linear:
        starts.linear_codec(vae)
    return vae


def encode(vae, x):
    """Mean latent of pictures in -1..1, not scaled."""
    return vae.quant_conv(vae.encoder(x))[:, :4]


def decode(vae, z):
    """Pictures in -1..1 of latents that are not scaled."""
    return vae.decoder(vae.post_quant_conv(z))


def diffusion(size, vocabulary):
    """U-Net, ControlNet and text encoder, started so that the prediction is the input."""
    s = SIZES[size]
    unet = UNet2DConditionModel(
        block_out_channels=s["unet"],
        layers_per_block=1,
        attention_head_dim=HEADS,
        cross_attention_dim=WIDTH,
        norm_num_groups=GROUPS,
        sample_size=64,
    )
    control = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=s["hint"])
    starts.loud_hint(control)
    starts.identity(unet, control)
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=TEXT_LAYERS,
            num_attention_heads=HEADS,
            max_position_embeddings=77,
            projection_dim=WIDTH,
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
            pad_token_id=vocabulary - 1,
        )
    )
    return unet, control, text


def predict(unet, control, x, t, words, edges, strength):
    """Predicted noise. `edges` is [B, 1, H, W] or nothing; `strength` is [B, 1, 1, 1], 0 where ControlNet is left out."""
    if edges is None:
        return unet(x, t, encoder_hidden_states=words, return_dict=False)[0]
    down, middle = control(
        x, t, encoder_hidden_states=words, controlnet_cond=edges.expand(-1, 3, -1, -1), return_dict=False
    )
    return unet(
        x,
        t,
        encoder_hidden_states=words,
        down_block_additional_residuals=[r * strength for r in down],
        mid_block_additional_residual=middle * strength,
        return_dict=False,
    )[0]


def parameters(module):
    """Number of parameters."""
    return sum(p.numel() for p in module.parameters())


def alphas_cumprod():
    """Stable Diffusion 1.5's noise schedule: scaled linear, 1000 steps."""
    beta = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - beta, 0).float()
