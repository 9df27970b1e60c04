"""Gates that are learned: open, closed, and a gradient between.

Hard concrete (Louizos, Welling and Kingma, 2018, arXiv:1712.01312, section 4): a logistic variable, stretched beyond
[0, 1] and clipped, so that 0 and 1 have a probability of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from reference_impls.maths.hooks import Hook, hooked
from reference_impls.maths.surgery import Group, Part

LOW, HIGH = -0.1, 1.1
"""gamma and zeta of the paper: the ends of the stretched interval."""


def logistic_noise(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Log u - log(1 - u) for u uniform, away from 0 and 1."""
    u = torch.rand(shape, generator=generator).clamp(1e-6, 1 - 1e-6)
    return u.log() - (-u).log1p()


def hard_concrete(log_alpha: torch.Tensor, noise: torch.Tensor, temperature: float) -> torch.Tensor:
    """A sample of the gates in [0, 1] from logistic noise (Eq. 10, 11); the shapes are those of a sum of the two."""
    soft = torch.sigmoid((log_alpha + noise) / temperature)
    return (soft * (HIGH - LOW) + LOW).clamp(0, 1)


def one_of(logits: torch.Tensor, temperature: float, generator: torch.Generator) -> torch.Tensor:
    """One-hot sample of a categorical variable (choices,), with the gradient of its soft form (straight through).

    Gumbel softmax: Jang et al., 2016, arXiv:1611.01144, section 2.
    """
    gumbel = -torch.rand(logits.shape, generator=generator).clamp(1e-9, 1 - 1e-7).log().neg().log()
    soft = ((logits + gumbel) / temperature).softmax(dim=0)
    hard = torch.zeros_like(soft)
    hard[soft.argmax()] = 1
    return hard + soft - soft.detach()


@contextmanager
def gated(model: nn.Module, groups: Sequence[Group], sample: Callable[[Group], torch.Tensor]) -> Iterator[None]:
    """Inside, the outputs of the units are multiplied by gates, sampled anew in each forward pass of the model.

    Args:
        model: not changed.
        groups: the units.
        sample: gives the gates of a group, (samples of the batch, units), or (1, units) for all of them.
    """
    gates: dict[str, torch.Tensor] = {}  # of this forward pass

    def renew(*_model_and_inputs: object) -> None:
        gates.update({group.name: sample(group) for group in groups})

    def gate(group: Group, part: Part) -> Hook:
        columns = model.get_parameter(f"{part.layer}.weight").shape[1]

        def hook(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            mine = gates[group.name].repeat_interleave(part.index.shape[1], dim=1)  # (samples, columns of the group)
            every = torch.ones(len(mine), columns, dtype=mine.dtype).index_copy(1, part.index.flatten(), mine)
            every = every.to(inputs[0].dtype)  # gates are learned in their own precision, whatever the model's
            rest = [1] * (inputs[0].dim() - 2)  # channels come second in a convolution, last elsewhere
            ends = (*rest, columns) if isinstance(layer, nn.Linear) else (columns, *rest)
            return (inputs[0] * every.view(len(mine), *ends), *inputs[1:])

        return hook

    hooks: list[tuple[nn.Module, Hook]] = [(model, renew)]
    for group in groups:
        hooks += [(model.get_submodule(part.layer), gate(group, part)) for part in group.parts if part.side == "in"]
    with hooked(hooks, before=True):
        yield
