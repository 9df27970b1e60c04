"""EcoDiff: learn gates on heads and neurons from the final image.  Zhang et al., 2024, arXiv:2412.02852, section 3.

Maths   min over alpha of E | z(gates) - z(dense) |^2 + beta * sum over the kinds of units of the mean of
        sigmoid(a log alpha + b), z = the sample from the same noise; hard-concrete gates with parameters log alpha,
        sampled anew in each forward pass and for each sample; the weights are frozen. Units with the lowest log alpha
        of their kind are removed.
Differs from the paper: a trajectory of ``STEPS`` steps, without time-step gradient checkpointing; batches of
        ``SAMPLES``, each with noise of its own; the best unit of each group stays, where the authors remove all;
        channels are gated too. Of diffusers, z is each recorded prediction, and the samples of one share their gates.
Shapes  noise, classes of each batch -> a log alpha a unit.   Cost  EPOCHS * STEPS forward and backward passes a batch.
Raises  ValueError if the sparsity is not in [0, 1], a pattern or a scope other than "layer" is requested, the units of
        the model are not known, a log alpha is not finite any more, or an option is not valid.
Run     python -m reference_impls prune --method ecodiff --model dit --sparsity 0.5 --out build/ecodiff
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.maths.gates import gated, hard_concrete, logistic_noise
from reference_impls.maths.hooks import checkpointed, frozen
from reference_impls.maths.surgery import Group
from reference_impls.near_names import unknown
from reference_impls.pruning.chosen import groups_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.remove_units import remove_lowest
from reference_impls.testbed.diffusion import trajectory
from reference_impls.testbed.models import Denoiser

STEPS, SAMPLES = 3, 16
"""Sampler steps that the gradient runs through, and samples of a training step."""
EPOCHS, START, TEMPERATURE = 1, 3.0, 0.83
"""Passes over the calibration; first log alpha, temperature: these and the next as in the authors' code for FLUX."""
RATES: Mapping[str, float] = {"head": 0.5, "neuron": 0.1, "channel": 0.1}
"""Learning rates of log alpha by kind of unit."""
PRICE, SLOPE, SHIFT = 0.01, 0.4, 1.0
"""beta, and a and b of the penalty."""
RANKINGS = ("kind", "group")
"""Units are compared over all groups of their kind, as in the authors' code, or within their group."""


@dataclass(frozen=True)
class Example:
    """What is run, how many sets of gates it takes, and what the dense model gives there."""

    run: Callable[[nn.Module], torch.Tensor]
    sets: int
    wanted: torch.Tensor


def prune(
    model: nn.Module,
    calibration: Calibration,
    request: Request,
    *,
    epochs: int = EPOCHS,
    price: float = PRICE,
    ranking: str = "kind",
) -> Outcome:
    """Learn the gates, one step a batch, and remove the units whose gates are the most closed.

    Args:
        model: pruned in place.
        calibration: batches whose classes and shape are used, or recorded forward passes.
        request: sparsity of each kind of unit, or of single groups.
        epochs: passes over the calibration.
        price: beta, the weight of the sparsity penalty.
        ranking: one of ``RANKINGS``.

    Raises:
        ValueError: an option is not valid, or a log alpha is not finite.
    """
    if epochs < 1:
        raise ValueError(f"ecodiff cannot learn gates in {epochs} epochs; give at least 1")
    if ranking not in RANKINGS:
        raise ValueError(unknown("ranking", ranking, RANKINGS))
    groups = groups_to_prune(model, request)
    alphas = learn(model, groups, calibration, request.seed, epochs=epochs, price=price)
    return remove_lowest(model, groups, alphas, request, over_groups=ranking == "kind")


def learn(
    model: nn.Module,
    groups: Sequence[Group],
    calibration: Calibration,
    seed: int,
    epochs: int = EPOCHS,
    price: float = PRICE,
) -> dict[str, torch.Tensor]:
    """Log alpha (units,) of each group; the model's weights stay as they are."""
    generator = torch.Generator().manual_seed(seed)
    alphas = {group.name: torch.full((group.units,), START, requires_grad=True) for group in groups}
    optimiser = torch.optim.AdamW([{"params": [alphas[group.name]], "lr": RATES[group.kind]} for group in groups])
    with frozen(model), checkpointed(model):
        examples = [example(model, call, generator) for call in calibration]
        for _ in range(epochs):
            for index in torch.randperm(len(examples), generator=generator).tolist():
                optimiser.zero_grad()
                with gated(model, groups, partial(sample, alphas, examples[index].sets, generator)):
                    objective(model, groups, alphas, examples[index], price).backward()
                optimiser.step()
    return {name: alpha.detach() for name, alpha in alphas.items()}


def sample(alphas: Mapping[str, torch.Tensor], sets: int, generator: torch.Generator, group: Group) -> torch.Tensor:
    """Gates of a group, (sets, units)."""
    noise = logistic_noise(torch.Size((sets, group.units)), generator)
    return hard_concrete(alphas[group.name], noise, TEMPERATURE)


@torch.no_grad()
def example(model: nn.Module, call: Call, generator: torch.Generator) -> Example:
    """A short run from new noise of the shape of a batch; of a model of diffusers, the forward pass itself."""
    if not isinstance(model, Denoiser):
        return Example(call.run, 1, call.run(model))
    x, label = (call.arguments[name][:SAMPLES] for name in ("x", "label"))
    run = partial(final, noise=torch.randn(x.shape, generator=generator), label=label)
    return Example(run, len(x), run(model))


def objective(
    model: nn.Module, groups: Sequence[Group], alphas: Mapping[str, torch.Tensor], wanted: Example, price: float
) -> torch.Tensor:
    """Error of the gated model, plus the price of the gates, as a scalar.

    Its terms are averaged over the units of a group and the groups of a kind, and summed over the kinds.
    """
    by_kind: dict[str, list[torch.Tensor]] = {}
    for group in groups:
        by_kind.setdefault(group.kind, []).append((SLOPE * alphas[group.name] + SHIFT).sigmoid().mean())
    paid = torch.stack([torch.stack(terms).mean() for terms in by_kind.values()]).sum()
    return (wanted.run(model) - wanted.wanted).square().mean() + price * paid


def final(model: nn.Module, noise: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """The sample of a short DDIM run, differentiable; the sampler keeps the precision of the noise."""
    inside = next(model.parameters()).dtype

    def call(x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return model(x.to(inside), t, label).to(x.dtype)

    for x, _, _ in trajectory(call, noise, label, STEPS):
        last = x
    return last
