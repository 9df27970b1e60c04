"""EcoDiff against its rule, written anew from the paper and the authors' settings: loss, gradient, steps, ranking."""

import copy
import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impls.maths.gates import gated, hard_concrete, logistic_noise
from reference_impls.maths.surgery import Group, Part
from reference_impls.methods import ecodiff
from reference_impls.pruning.remove_units import best_of_groups, best_units
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from reference_impls.units.lookup import groups_of
from tests.reference_impls.paper_rules import ecodiff as rule
from tests.reference_impls.small_models import small

PRICE = 0.3


@pytest.mark.parametrize("name", ["dit", "unet"])
def test_loss_and_gradient_of_a_training_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float64; the gradient against central differences of the slow rule, for units of every kind."""
    model = copy.deepcopy(small("dit", depth=1) if name == "dit" else small("unet")).double()
    for value in model.parameters():
        value.requires_grad_(False)
    groups = groups_of(model)
    generator = torch.Generator().manual_seed(0)
    alphas = {group.name: torch.randn(group.units, generator=generator).double() for group in groups}
    noise = torch.randn(2, 1, 8, 8, generator=generator).double()
    label = torch.tensor([3, 7])
    run = partial(ecodiff.final, noise=noise, label=label)
    example = ecodiff.Example(run, 2, run(model))
    sampled: list[torch.Tensor] = []

    def recorded(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        sampled.append(logistic_noise(shape, generator).double())
        return sampled[-1]

    monkeypatch.setattr(ecodiff, "logistic_noise", recorded)
    values = {group: alpha.requires_grad_() for group, alpha in alphas.items()}
    with gated(model, groups, partial(ecodiff.sample, values, 2, generator)):
        loss = ecodiff.objective(model, groups, values, example, PRICE)
    torch.autograd.backward(loss)
    logistic = [
        {group.name: sampled[step * len(groups) + number].tolist() for number, group in enumerate(groups)}
        for step in range(ecodiff.STEPS)
    ]

    def slow(moved: str = "", unit: int = 0, by: float = 0.0) -> float:
        lists = {group: alpha.tolist() for group, alpha in alphas.items()}
        if moved:
            lists[moved][unit] += by
        return rule.objective(model, groups, lists, noise, label, example.wanted, PRICE, logistic)

    assert float(loss.detach()) == pytest.approx(slow(), rel=1e-9)
    for group in {group.kind: group for group in groups}.values():
        gradient = values[group.name].grad
        assert gradient is not None
        for unit in (0, group.units - 1):
            slope = (slow(group.name, unit, 1e-6) - slow(group.name, unit, -1e-6)) / 2e-6
            assert float(gradient[unit]) == pytest.approx(slope, rel=1e-4, abs=1e-8)


def test_steps_are_those_of_adamw(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slope that is known, different for each unit and step, in place of the loss."""
    slopes: list[float] = []

    def tilted(_model: object, _groups: object, alphas: dict[str, torch.Tensor], *_: object) -> torch.Tensor:
        slopes.append(0.5 - len(slopes))
        return torch.stack([(alpha * torch.arange(len(alpha))).sum() for alpha in alphas.values()]).sum() * slopes[-1]

    monkeypatch.setattr(ecodiff, "objective", tilted)
    model, batches = small("unet"), from_images(load("digits")[0], batches=3, size=2)
    learned = ecodiff.learn(model, groups_of(model), batches, 0, epochs=1)
    for group in groups_of(model):
        for unit in range(4):
            expected = rule.adamw(ecodiff.START, rule.RATES[group.kind], [slope * unit for slope in slopes])
            assert float(learned[group.name][unit]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("alpha", [-2.0, 0.0, 1.0, 3.0])
def test_the_fraction_of_open_gates_is_the_expected_l0(alpha: float) -> None:
    noise = logistic_noise(torch.Size((50_000,)), torch.Generator().manual_seed(0))
    gates = hard_concrete(torch.tensor(alpha), noise, ecodiff.TEMPERATURE)
    assert float((gates > 0).float().mean()) == pytest.approx(rule.expected_l0(alpha), abs=0.01)
    assert float(gates[7]) == pytest.approx(rule.gate(alpha, float(noise[7])), abs=1e-5)


def made(name: str, units: int, strata: int = 1) -> Group:
    return Group(name, "neuron", (Part(name, "in", torch.arange(units)[:, None]),), strata=strata)


@settings(max_examples=50)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.floats(0, 1), st.integers(0, 99))
def test_units_are_ranked_over_the_groups_of_their_kind(sizes: list[int], share: float, seed: int) -> None:
    """As by the authors' code, but that the best unit of each group stays."""
    groups = [made(str(number), size) for number, size in enumerate(sizes)]
    generator = torch.Generator().manual_seed(seed)
    scores = {group.name: torch.randn(group.units, generator=generator) for group in groups}
    keep = sum(sizes) - int(share * sum(sizes) + 0.5)
    ours = list(best_of_groups(groups, scores, share).values())
    theirs = rule.kept([scores[group.name].tolist() for group in groups], keep)
    assert sum(map(len, ours)) == max(keep, len(sizes))
    if all(theirs):
        assert ours == theirs
    for group, units in zip(groups, ours, strict=True):
        assert int(scores[group.name].argmax()) in units
        assert units == best_units(scores[group.name], 1 - len(units) / group.units)


def test_norm_groups_keep_as_many_units_each() -> None:
    groups = [made("wide", 8, strata=2), made("narrow", 4, strata=2)]
    scores = {
        "wide": torch.tensor([9.0, 1.0, 8.0, 2.0, 7.0, 6.0, -9.0, 0.0]),
        "narrow": torch.tensor([5.0, -7.0, 5.0, -8.0]),
    }
    assert best_of_groups(groups, scores, 0.5) == {"wide": [0, 2, 4, 5], "narrow": [0, 2]}
    assert best_of_groups(groups, scores, 0.33) == {"wide": [0, 2, 3, 4, 5, 7], "narrow": [0, 2]}
    assert best_of_groups(groups, scores, 1.0) == {"wide": [0, 4], "narrow": [0, 2]}
    assert math.isclose(sum(map(len, best_of_groups(groups, scores, 0.0).values())), 12)
