"""Gates that are learned: open, closed, and a gradient between.

Hard concrete (Louizos, Welling and Kingma, 2018, arXiv:1712.01312, section 4): a logistic variable, stretched beyond
[0, 1] and clipped, so that 0 and 1 have a probability of their own and the expected number of open gates a closed form.
"""

from __future__ import annotations

import math

import torch

LOW, HIGH, TEMPERATURE = -0.1, 1.1, 2 / 3
"""gamma, zeta and beta of the paper."""


def logistic_noise(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Log u - log(1 - u) for u uniform, away from 0 and 1."""
    u = torch.rand(shape, generator=generator).clamp(1e-6, 1 - 1e-6)
    return u.log() - (-u).log1p()


def hard_concrete(log_alpha: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """A sample of the gates in [0, 1], shaped as ``log_alpha``, from logistic noise of that shape (Eq. 10, 11)."""
    soft = torch.sigmoid((log_alpha + noise) / TEMPERATURE)
    return (soft * (HIGH - LOW) + LOW).clamp(0, 1)


def expected_open(log_alpha: torch.Tensor) -> torch.Tensor:
    """Probability of each gate not to be zero (Eq. 12)."""
    return torch.sigmoid(log_alpha - TEMPERATURE * math.log(-LOW / HIGH))


def one_of(logits: torch.Tensor, temperature: float, generator: torch.Generator) -> torch.Tensor:
    """One-hot sample of a categorical variable (choices,), with the gradient of its soft form (straight through).

    Gumbel softmax: Jang et al., 2016, arXiv:1611.01144, section 2.
    """
    gumbel = -torch.rand(logits.shape, generator=generator).clamp(1e-9, 1 - 1e-7).log().neg().log()
    soft = ((logits + gumbel) / temperature).softmax(dim=0)
    hard = torch.zeros_like(soft)
    hard[soft.argmax()] = 1
    return hard + soft - soft.detach()
