"""EcoDiff's rule (arXiv:2412.02852, section 3), with the settings of the authors' code for FLUX; slow and plain."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import nn

from reference_impls.maths.surgery import Group
from reference_impls.testbed.diffusion import sampling_times, scales

TEMPERATURE, LOW, HIGH = 0.83, -0.1, 1.1
SLOPE, SHIFT = 0.4, 1.0
"""Of the bounded penalty."""
RATES = {"head": 0.5, "neuron": 0.1, "channel": 0.1}
DECAY, BETAS, EPSILON = 0.01, (0.9, 0.999), 1e-8
"""Of AdamW; the authors give rates for attention heads and feed-forward neurons."""


def gate(log_alpha: float, logistic: float) -> float:
    """A hard-concrete gate from logistic noise log u - log(1 - u)."""
    soft = 1 / (1 + math.exp(-(log_alpha + logistic) / TEMPERATURE))
    return min(1.0, max(0.0, soft * (HIGH - LOW) + LOW))


def expected_l0(log_alpha: float) -> float:
    """Probability that a gate is not zero, the term of the paper's L0 penalty."""
    return 1 / (1 + math.exp(-(log_alpha - TEMPERATURE * math.log(-LOW / HIGH))))


def gated_copy(model: nn.Module, groups: Sequence[Group], gates: Mapping[str, Sequence[float]]) -> nn.Module:
    """The model with the columns that read each unit multiplied by its gate."""
    changed = copy.deepcopy(model)
    with torch.no_grad():
        for group in groups:
            for part in group.parts:
                if part.side == "in":
                    weight = changed.get_parameter(f"{part.layer}.weight")
                    for unit, columns in enumerate(part.index.tolist()):
                        for column in columns:
                            weight[:, column] *= gates[group.name][unit]
    return changed


def penalty(groups: Sequence[Group], alphas: Mapping[str, Sequence[float]]) -> float:
    """L1 norm of the bounded parameters over their number, averaged over the groups of a kind; a term for each kind."""
    total = 0.0
    for kind in {group.kind for group in groups}:
        of_groups = [
            sum(abs(1 / (1 + math.exp(-(SLOPE * alpha + SHIFT)))) for alpha in alphas[group.name])
            / len(alphas[group.name])
            for group in groups
            if group.kind == kind
        ]
        total += sum(of_groups) / len(of_groups)
    return total


def objective(
    model: nn.Module,
    groups: Sequence[Group],
    alphas: Mapping[str, Sequence[float]],
    noise: torch.Tensor,
    label: torch.Tensor,
    wanted: torch.Tensor,
    price: float,
    logistic: Sequence[Mapping[str, Sequence[Sequence[float]]]],
) -> float:
    """One sample after another, one sampler step after another, each with gates of its own.

    ``logistic`` holds the noise of the gates: of each step, group, sample and unit.
    """
    error = 0.0
    for sample in range(len(noise)):
        x = noise[sample : sample + 1]
        for step, (now, then) in enumerate(pairwise(sampling_times(len(logistic)))):
            gates = {
                group.name: [
                    gate(alpha, noisy)
                    for alpha, noisy in zip(alphas[group.name], logistic[step][group.name][sample], strict=True)
                ]
                for group in groups
            }
            (a, s), (a_next, s_next) = scales(now.expand(1)), scales(then.expand(1))
            with torch.no_grad():
                v = gated_copy(model, groups, gates)(x, now.expand(1), label[sample : sample + 1])
            x = a_next * (a * x - s * v) + s_next * (s * x + a * v)
        error += float((x - wanted[sample : sample + 1]).square().sum())
    return error / wanted.numel() + price * penalty(groups, alphas)


def adamw(start: float, rate: float, slopes: Sequence[float]) -> float:
    """A parameter after a step for each of these gradients (Loshchilov and Hutter, 2017, algorithm 2)."""
    value, first, second = start, 0.0, 0.0
    for step, slope in enumerate(slopes, start=1):
        first = BETAS[0] * first + (1 - BETAS[0]) * slope
        second = BETAS[1] * second + (1 - BETAS[1]) * slope**2
        value -= rate * DECAY * value
        value -= rate * (first / (1 - BETAS[0] ** step)) / (math.sqrt(second / (1 - BETAS[1] ** step)) + EPSILON)
    return value


def kept(values: Sequence[Sequence[float]], keep: int) -> list[list[int]]:
    """Positions of the largest values over all groups of a kind; the authors' code removes a group that has none."""
    order = sorted(
        ((group, unit) for group, of_group in enumerate(values) for unit in range(len(of_group))),
        key=lambda place: -values[place[0]][place[1]],
    )
    return [sorted(unit for owner, unit in order[:keep] if owner == group) for group in range(len(values))]
