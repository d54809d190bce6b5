#!/usr/bin/env python3
"""Runs one stage of the demo model's training; `make.sh` runs all of them."""

import argparse
import os
from pathlib import Path

import torch

from demo_model import stages


def arguments():
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("stage", choices=stages.STAGES)
    p.add_argument("--raw", type=Path, help="folder that fetch.sh filled")
    p.add_argument("--photographs", type=Path, required=True, help="folder of photographs and sources.json")
    p.add_argument("--work", type=Path, required=True, help="folder for crops, marks, report and contact sheets")
    p.add_argument("--out", type=Path, required=True, help="folder of the new model")
    p.add_argument("--present", type=Path, help="folder of the shipped model")
    p.add_argument("--start", type=Path, help="folder of a finished model whose weights are trained on")
    p.add_argument("--frames", type=Path, help="folder of .jpg frames for the sheets")
    p.add_argument("--size", default="small", choices=("small", "large"))
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--compile", action="store_true", help="compile the networks; pays from half an hour on")
    p.add_argument("--workers", type=int, default=os.cpu_count())
    p.add_argument("--crops", type=int, default=8192)
    p.add_argument("--cached", type=int, default=6144, help="crops whose latents are kept")
    p.add_argument("--held", type=int, default=200)
    p.add_argument("--prompts", type=int, default=1000, help="prompts for each style")
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--crop", type=int, default=128, help="side of what is trained on, in pixels")
    p.add_argument("--rate", type=float, default=1e-3, help="learning rate at its highest")
    p.add_argument("--average", type=float, default=0.998, help="decay of the mean of the weights")
    p.add_argument("--steps", type=int)
    p.add_argument("--deadline", type=float, help="when the stage must end, seconds since 1970")
    p.add_argument("--save-every", type=float, default=240, help="seconds between checkpoints")
    p.add_argument("--critic-weight", type=float, default=0.0)
    p.add_argument("--draws", type=int, default=600)
    p.add_argument("--pictures", type=int, default=16)
    p.add_argument("--lenient", action="store_true", help="go on where a gate fails")
    return p.parse_args()


def main():
    """Runs the stage."""
    options = arguments()
    for folder in (options.work, options.out):
        folder.mkdir(parents=True, exist_ok=True)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = options.stage in ("codec", "decoder", "diffusion")
    stages.STAGES[options.stage](options)


if __name__ == "__main__":
    main()
