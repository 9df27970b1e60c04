"""EcoDiff: what gates do to a model, what they cost, and what they close."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.maths import gates
from reference_impls.maths.surgery import Group, zero
from reference_impls.methods import ecodiff
from reference_impls.methods.prune import prune
from reference_impls.pruning.units import groups_of
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from reference_impls.testbed.diffusion import ddim
from reference_impls.testbed.models import Denoiser
from tests.reference_impls.small_models import small

TRAIN, _ = load("digits")
MODELS: dict[str, Denoiser] = {"dit": small("dit"), "unet": small("unet")}


def test_open_gates_change_nothing_and_closed_ones_silence() -> None:
    model = MODELS["dit"]
    groups = groups_of(model)
    batch = from_images(TRAIN, batches=1, size=4).calls[0]
    with torch.no_grad():
        dense = batch.run(model)
        with ecodiff.gated(model, groups, {group.name: torch.ones(group.units) for group in groups}):
            torch.testing.assert_close(batch.run(model), dense)
        with ecodiff.gated(model, groups, {group.name: torch.full((group.units,), 0.5) for group in groups}):
            assert float((batch.run(model) - dense).abs().max()) > 0.1
    first = groups[0]
    half = torch.tensor([1.0, 0.0, 1.0, 0.0])
    silent = copy.deepcopy(model)
    zero(silent, first, [1, 3])
    with torch.no_grad(), ecodiff.gated(model, [first], {first.name: half}):
        made = batch.run(model)
    with torch.no_grad():
        torch.testing.assert_close(made, batch.run(silent))


def test_ecodiff_closes_the_gates_that_do_nothing() -> None:
    """Neurons whose outgoing weights are zero cost and bring nothing: they go first."""
    model = copy.deepcopy(MODELS["dit"])
    useless = list(range(0, 64, 2))
    with torch.no_grad():
        for number in range(3):
            model.get_parameter(f"blocks.{number}.feed_forward.down.weight")[:, useless] = 0
    report = prune(model, from_images(TRAIN, batches=25, size=8), 0.5, method="ecodiff")
    for name, units in report.kept.items():
        if name.endswith("feed_forward"):
            assert not set(units) & set(useless), name


def test_mutation_open_gates_go(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ecodiff.learn
    monkeypatch.setattr(ecodiff, "learn", lambda *args: {name: -alpha for name, alpha in real(*args).items()})
    with pytest.raises(AssertionError):
        test_ecodiff_closes_the_gates_that_do_nothing()


def test_the_price_of_a_gate_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it outweighs the reconstruction, each group is pushed with price / groups, shared out among its units."""
    monkeypatch.setattr(torch.optim, "Adam", lambda values, lr: torch.optim.SGD(values, lr=1.0))
    model, price = MODELS["dit"], 1e5
    groups = groups_of(model)
    alphas = ecodiff.learn(model, groups, from_images(TRAIN, batches=1, size=4), price, 0)
    start = torch.tensor(ecodiff.START, requires_grad=True)
    (slope,) = torch.autograd.grad(gates.expected_open(start), start)
    for group in groups:
        pushed = price * float(slope) / len(groups) / group.units
        torch.testing.assert_close(alphas[group.name], torch.full((group.units,), 2.0 - pushed), rtol=0.01, atol=0.0)


def test_gates_are_drawn_and_the_seed_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[torch.Tensor] = []
    real = ecodiff.gated

    def watched(model: nn.Module, groups: Sequence[Group], gates: Mapping[str, torch.Tensor]) -> Any:
        drawn.append(gates[groups[1].name])
        return real(model, groups, gates)

    monkeypatch.setattr(ecodiff, "gated", watched)
    model, batches = MODELS["dit"], from_images(TRAIN, batches=1, size=4)
    one, same, other = (ecodiff.learn(model, groups_of(model), batches, 0.02, seed) for seed in (0, 0, 1))
    assert len(set(drawn[0].tolist())) > 10
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_what_the_gates_must_keep_is_the_end_of_a_short_run() -> None:
    model, noise, label = MODELS["dit"], torch.randn(3, 1, 8, 8), torch.arange(3)
    made = ecodiff.final(model, noise, label)
    assert made.requires_grad
    torch.testing.assert_close(made.detach().clamp(-1, 1), ddim(model, noise, label, ecodiff.STEPS))
