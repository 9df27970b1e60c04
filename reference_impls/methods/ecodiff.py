"""EcoDiff: learn gates on heads and neurons from the final image.  Zhang et al., 2024, arXiv:2412.02852, section 3.

Maths   min over alpha of E | z(gates) - z(dense) |^2 + beta * sum of P(gate open), z = the sample from the same noise,
        hard-concrete gates with parameters log alpha; the weights are frozen. Units with the lowest log alpha are
        removed.
Differs from the paper: a trajectory of ``STEPS`` steps, differentiated without time-step gradient checkpointing (the
        model is small); the sparsity penalty is P itself, where the paper replaces it by an L1 norm; inner channels of
        residual blocks are gated too; each group has the requested sparsity, where the paper has one global
        threshold.
Shapes  noise and classes of each batch -> a log alpha a unit.   Cost  STEPS forward and backward passes a batch.
Raises  ValueError if the sparsity is not in [0, 1], a pattern or a scope other than "layer" is requested, the units of
        the model are not known, or a log alpha is not finite any more.
Run     python -m reference_impls prune --method ecodiff --model dit --sparsity 0.5 --out build/ecodiff
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.gates import expected_open, hard_concrete, logistic_noise
from reference_impls.maths.hooks import Hook, frozen, hooked
from reference_impls.maths.surgery import Group
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.remove_units import remove_lowest
from reference_impls.pruning.units import groups_of
from reference_impls.testbed.diffusion import trajectory

STEPS, SAMPLES = 3, 16
"""Sampler steps that the gradient runs through, and samples of a training step."""
RATE, PRICE, START = 0.1, 0.02, 2.0
"""Learning rate of log alpha; beta; initial log alpha, with nearly all gates open."""


def prune(model: nn.Module, calibration: Calibration, request: Request, *, price: float = PRICE) -> Outcome:
    """Learn the gates, one step a batch, and remove the units whose gates are the most closed."""
    groups = groups_of(model)
    return remove_lowest(model, groups, learn(model, groups, calibration, price, request.seed), request)


def learn(
    model: nn.Module, groups: Sequence[Group], calibration: Calibration, price: float, seed: int
) -> dict[str, torch.Tensor]:
    """Log alpha (units,) of each group; the model's weights stay as they are.

    ``price`` is the weight of the sparsity penalty, averaged over groups, so that each group counts alike.
    """
    generator = torch.Generator().manual_seed(seed)
    alphas = {group.name: torch.full((group.units,), START, requires_grad=True) for group in groups}
    optimiser = torch.optim.Adam(alphas.values(), lr=RATE)
    with frozen(model):
        for batch in calibration:
            label = batch.arguments["label"][:SAMPLES]
            noise = torch.randn(batch.arguments["x"][:SAMPLES].shape, generator=generator)
            with torch.no_grad():
                wanted = final(model, noise, label)
            gates = {name: hard_concrete(a, logistic_noise(a.shape, generator)) for name, a in alphas.items()}
            with gated(model, groups, gates):
                images = final(model, noise, label)
            paid = torch.stack([expected_open(alpha).mean() for alpha in alphas.values()]).mean()
            loss = (images - wanted).square().mean() + price * paid
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return {name: alpha.detach() for name, alpha in alphas.items()}


def final(model: nn.Module, noise: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """The sample of a short DDIM run, differentiable; the sampler keeps the precision of the noise."""
    inside = next(model.parameters()).dtype

    def call(x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return model(x.to(inside), t, label).to(x.dtype)

    for x, _, _ in trajectory(call, noise, label, STEPS):
        last = x
    return last


@contextmanager
def gated(model: nn.Module, groups: Sequence[Group], gates: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """Inside, the output of each unit is multiplied by its gate (units,)."""
    hooks = []
    for group in groups:
        for part in group.parts:
            if part.side == "in":
                layer = model.get_submodule(part.layer)
                columns = model.get_parameter(f"{part.layer}.weight").shape[1]
                spread = torch.ones(columns).scatter(  # (columns,)
                    0, part.index.flatten(), gates[group.name].repeat_interleave(part.index.shape[1])
                )
                hooks.append((layer, _times(spread)))
    with hooked(hooks, before=True):
        yield


def _times(gate: torch.Tensor) -> Hook:
    def hook(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
        spread = gate.to(inputs[0].dtype)  # a gate is learned in its own precision, whatever the model's
        return (inputs[0] * (spread[:, None, None] if isinstance(layer, nn.Conv2d) else spread),)

    return hook
