"""The diffusion process: cosine schedule, v-prediction, two samplers.

Maths   x_t = a_t x_0 + s_t e, with a_t = cos(pi t / 2), s_t = sin(pi t / 2), t in [0, 1]
            (Nichol and Dhariwal, 2021, arXiv:2102.09672, section 3.2)
        v = a_t e - s_t x_0, so x_0 = a_t x_t - s_t v and e = s_t x_t + a_t v
            (Salimans and Ho, 2022, arXiv:2202.00512, appendix D)
        DDIM: x_u = a_u x_0 + s_u e   (Song et al., 2020, arXiv:2010.02502, Eq. 12 without noise)
        DPM-Solver++(2M): second order in l = log(a / s)   (Lu et al., 2022, arXiv:2211.01095, Alg. 2)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch

Model = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""(x_t (n, 1, side, side), t (n,), class (n,)) -> v, shaped as x_t."""

T_FIRST, T_LAST = 0.995, 0.005
"""Times at which sampling starts and ends: at 0 and 1 the logarithm of a / s is infinite."""


def scales(t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """a_t and s_t for times (n,), each (n, 1, 1, 1)."""
    angle = (t * (math.pi / 2))[:, None, None, None]
    return angle.cos(), angle.sin()


def noised(x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """x_t and the v that a model should predict there."""
    a, s = scales(t)
    return a * x0 + s * noise, a * noise - s * x0


def stratified_times(n: int, generator: torch.Generator) -> torch.Tensor:
    """Times (n,), one in each of n equal parts of [0, 1], shuffled: less variance than n independent ones."""
    part = torch.randperm(n, generator=generator)
    return (part + torch.rand(n, generator=generator)) / n


def loss(model: Model, x0: torch.Tensor, label: torch.Tensor, t: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Mean squared error of v, as a scalar."""
    x, v = noised(x0, noise, t)
    return (model(x, t, label) - v).square().mean()


def sampling_times(steps: int) -> torch.Tensor:
    """The times of a sampler, (steps + 1,), equal distances apart.

    Raises:
        ValueError: ``steps`` is not positive.
    """
    if steps < 1:
        raise ValueError(f"steps {steps} is not positive")
    return torch.linspace(T_FIRST, T_LAST, steps + 1)


def trajectory(
    model: Model, noise: torch.Tensor, label: torch.Tensor, steps: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """DDIM, step by step: yields (x_t, t (n,), x_0 as predicted there) for each step, then (sample, t, sample)."""
    x = noise
    times = sampling_times(steps)
    for now, then in pairwise(times):
        t = now.expand(len(x))
        a, s = scales(t)
        v = model(x, t, label)
        x0, e = a * x - s * v, s * x + a * v
        yield x, t, x0
        a_next, s_next = scales(then.expand(len(x)))
        x = a_next * x0 + s_next * e
    yield x, times[-1].expand(len(x)), x


@torch.no_grad()
def ddim(model: Model, noise: torch.Tensor, label: torch.Tensor, steps: int = 10) -> torch.Tensor:
    """Samples (n, 1, side, side) in [-1, 1] from noise of that shape; deterministic."""
    for x, _, _ in trajectory(model, noise, label, steps):
        last = x
    return last.clamp(-1, 1)


@torch.no_grad()
def dpm_solver(model: Model, noise: torch.Tensor, label: torch.Tensor, steps: int = 10) -> torch.Tensor:
    """Samples by DPM-Solver++(2M) with a first-order last step; deterministic."""
    x = noise
    times = sampling_times(steps)
    before: tuple[torch.Tensor, torch.Tensor] | None = None
    for index, (now, then) in enumerate(pairwise(times)):
        t = now.expand(len(x))
        a, s = scales(t)
        a_next, s_next = scales(then.expand(len(x)))
        x0 = a * x - s * model(x, t, label)
        h = (a_next / s_next).log() - (a / s).log()
        direction = x0
        if before is not None and index < steps - 1:
            x0_before, h_before = before
            r = h_before / h
            direction = (1 + 1 / (2 * r)) * x0 - 1 / (2 * r) * x0_before
        x = s_next / s * x - a_next * torch.expm1(-h) * direction
        before = (x0, h)
    return x.clamp(-1, 1)
