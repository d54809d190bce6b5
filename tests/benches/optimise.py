"""The loss of tests/benches/optimise.rs in PyTorch, as one writes it: whole Gram matrices, autograd, torch's Adam.

usage: optimise.py THREADS ITERATIONS
"""

import resource
import sys
import time

import torch
import torch.nn.functional as F

THREADS, ITERATIONS = int(sys.argv[1]), int(sys.argv[2])
FRAMES, CHANNELS, SIDE = 8, 640, 64
torch.set_num_threads(THREADS)
torch.manual_seed(0)


def warp(image, flow):
    """Backward warp, zero outside, corner-aligned pixel coordinates."""
    axis = torch.arange(SIDE, dtype=torch.float32)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    grid = torch.stack([x + flow[:, 0], y + flow[:, 1]], 3) * 2 / (SIDE - 1) - 1
    return F.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def following(halves):
    return torch.roll(halves, -1, 1)


def gram(features):
    tokens = features.flatten(2).transpose(1, 2)
    directions = tokens / tokens.norm(dim=2, keepdim=True)
    return directions @ directions.transpose(1, 2)


flows = [torch.randn(FRAMES, 2, SIDE, SIDE) * 1.5 for _ in range(2)]
visible = [(torch.rand(FRAMES, 1, SIDE, SIDE) > 0.1).float() for _ in range(2)]
with torch.no_grad():
    target = gram(torch.randn(2 * FRAMES, CHANNELS, SIDE, SIDE))
features = torch.randn(2 * FRAMES, CHANNELS, SIDE, SIDE).requires_grad_()
adam = torch.optim.Adam([features], lr=0.2)

began = time.perf_counter()
processor = time.process_time()
for _ in range(ITERATIONS):
    adam.zero_grad()
    halves = features.view(2, FRAMES, CHANNELS, SIDE, SIDE)
    loss = 0
    for half, other in zip(halves, following(halves)):
        drift = (other - warp(half, flows[1])) * visible[1]
        back = (half - warp(other, flows[0])) * visible[0]
        loss = loss + (drift.abs().mean() + back.abs().mean()) / 2
    loss = 2 * loss + 100 * (gram(features) - target).abs().mean()
    loss.backward()
    adam.step()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(
    f"PyTorch {torch.__version__}, {THREADS} threads: {time.perf_counter() - began:.1f} s "
    f"({time.process_time() - processor:.1f} s of processor), peak memory {peak:.0f} MiB"
)
