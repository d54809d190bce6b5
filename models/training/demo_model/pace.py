"""What every training shares: how far it is, its learning rate, a running mean of its weights, compiled steps."""

import contextlib
import math
import time

import torch


class Pace:
    """How far a training is, 0..1: by steps, by a moment at which it must end, or by whichever comes first."""

    def __init__(self, steps=None, deadline=None):
        if steps is None and deadline is None:
            raise ValueError("a training needs a number of steps or a deadline")
        self.steps, self.deadline, self.step, self.began = steps, deadline, 0, time.time()

    def share(self):
        """Share of the training that is done."""
        by_step = self.step / self.steps if self.steps else 0.0
        span = (self.deadline or 0.0) - self.began
        by_time = (time.time() - self.began) / max(span, 1e-3) if self.deadline else 0.0
        return min(1.0, max(by_step, by_time))

    def rate(self, peak, warm, floor):
        """Learning rate of the next step: a linear start over `warm` steps, then half a cosine down to the floor."""
        cosine = 0.5 * (1 + math.cos(math.pi * self.share()))
        return peak * min(1, (self.step + 1) / warm) * (floor + (1 - floor) * cosine)

    def speed(self, batch):
        """Samples a second so far."""
        return self.step * batch / max(time.time() - self.began, 1e-3)


class Average:
    """Running mean of weights; its early mean is short, so that the start is forgotten."""

    def __init__(self, modules, decay):
        self.live = [p for m in modules for p in m.parameters()]
        self.mean = [p.detach().clone() for p in self.live]
        self.decay, self.n = decay, 0

    @torch.no_grad()
    def update(self):
        """Takes the present weights in."""
        self.n += 1
        d = min(self.decay, (1 + self.n) / (10 + self.n))
        torch._foreach_lerp_(self.mean, [p.detach() for p in self.live], 1 - d)

    @contextlib.contextmanager
    def applied(self):
        """The modules hold the mean inside the block, and the live weights after it."""
        self.swap()
        yield
        self.swap()

    @torch.no_grad()
    def swap(self):
        """Exchanges the live weights and the mean."""
        for p, mean in zip(self.live, self.mean):
            kept = p.detach().clone()
            p.copy_(mean)
            mean.copy_(kept)


def autocast(device):
    """bfloat16 where the device is good at it."""
    return torch.autocast("cuda", torch.bfloat16) if device == "cuda" else contextlib.nullcontext()


def half(device):
    """float16 on a GPU, for inference: three more bits than bfloat16."""
    return torch.autocast("cuda", torch.float16) if device == "cuda" else contextlib.nullcontext()


def optimizer(parameters, rate, decay, device):
    """AdamW, fused on a GPU."""
    return torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.99), weight_decay=decay, fused=device == "cuda")


def set_rate(opt, rate):
    """Sets the learning rate of all groups."""
    for group in opt.param_groups:
        group["lr"] = rate


def compiled(function, wanted):
    """The compiled function, or itself; a failure of the compiler costs speed, not the run."""
    if not wanted:
        return function
    torch._dynamo.config.suppress_errors = True
    torch._dynamo.config.cache_size_limit = 64
    return torch.compile(function, dynamic=False)
