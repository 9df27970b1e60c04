"""EcoDiff: what gates do to a model, what they close, and which units are ranked together."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Call
from reference_impls.maths import gates
from reference_impls.maths.surgery import Group, zero
from reference_impls.methods import ecodiff
from reference_impls.methods.prune import prune
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from reference_impls.testbed.diffusion import ddim
from reference_impls.testbed.models import Denoiser
from reference_impls.units.lookup import groups_of
from tests.reference_impls.small_models import small

TRAIN, _ = load("digits")
MODELS: dict[str, Denoiser] = {"dit": small("dit"), "unet": small("unet")}
OPEN, CLOSED = 20.0, -20.0
"""Log alpha of gates that are 1 and 0 whatever the noise."""


def sampler(alphas: dict[str, torch.Tensor], samples: int) -> Callable[[Group], torch.Tensor]:
    generator = torch.Generator().manual_seed(0)

    def sample(group: Group) -> torch.Tensor:
        noise = gates.logistic_noise(torch.Size((samples, group.units)), generator)
        return gates.hard_concrete(alphas[group.name], noise, ecodiff.TEMPERATURE)

    return sample


@torch.no_grad()
def gated_run(model: nn.Module, batch: Call, alphas: dict[str, torch.Tensor]) -> torch.Tensor:
    groups = [group for group in groups_of(model) if group.name in alphas]
    with gates.gated(model, groups, sampler(alphas, batch.samples)):
        return batch.run(model)


@pytest.mark.parametrize("name", ["dit", "unet"])
def test_open_gates_change_nothing_and_closed_ones_silence(name: str) -> None:
    model = MODELS[name]
    batch = from_images(TRAIN, batches=1, size=4).calls[0]
    with torch.no_grad():
        dense = batch.run(model)
    alphas = {group.name: torch.full((group.units,), OPEN) for group in groups_of(model)}
    torch.testing.assert_close(gated_run(model, batch, alphas), dense)
    uncertain = gated_run(model, batch, {name: torch.zeros_like(alpha) for name, alpha in alphas.items()})
    assert float((uncertain - dense).abs().max()) > 0.1
    for group in groups_of(model):
        gone = list(range(0, group.units, 2))
        alphas[group.name][gone] = CLOSED
        silent = copy.deepcopy(model)
        zero(silent, group, gone)
        with torch.no_grad():
            torch.testing.assert_close(gated_run(model, batch, {group.name: alphas[group.name]}), batch.run(silent))


def test_gates_are_sampled_anew_in_each_forward_pass_and_for_each_sample() -> None:
    model, batch = MODELS["dit"], from_images(TRAIN, batches=1, size=1).calls[0]
    alphas = {group.name: torch.zeros(group.units) for group in groups_of(model)}
    x, t, label = (
        batch.arguments[name].repeat(2, *[1] * (batch.arguments[name].dim() - 1)) for name in ("x", "t", "label")
    )
    with torch.no_grad(), gates.gated(model, groups_of(model), sampler(alphas, 2)):
        (one, other), (third, _) = model(x, t, label), model(x, t, label)
    assert not torch.allclose(one, other, atol=1e-3)
    assert not torch.allclose(one, third, atol=1e-3)


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
    monkeypatch.setattr(
        ecodiff, "learn", lambda *args, **more: {name: -alpha for name, alpha in real(*args, **more).items()}
    )
    with pytest.raises(AssertionError):
        test_ecodiff_closes_the_gates_that_do_nothing()


@pytest.mark.parametrize("name", ["dit", "unet"])
def test_each_kind_of_unit_has_the_requested_sparsity(name: str) -> None:
    """Over the groups of a kind, which differ; with ranking by group, or where a group has its own, in the group."""
    batches, dense = from_images(TRAIN, batches=2, size=4), groups_of(MODELS[name])
    report = prune(copy.deepcopy(MODELS[name]), batches, 0.5, method="ecodiff")
    of_kind: dict[str, list[int]] = {}
    for group in dense:
        of_kind.setdefault(group.kind, []).append(group.units - 2 * len(report.kept[group.name]))
    assert all(sum(surplus) == 0 for surplus in of_kind.values())
    assert any(any(surplus) for surplus in of_kind.values())
    assert of_kind.keys() == {"head", "neuron" if name == "dit" else "channel"}
    by_group = prune(copy.deepcopy(MODELS[name]), batches, 0.5, method="ecodiff", ranking="group")
    assert set(by_group.achieved.values()) == {0.5}
    first, last = dense[0], dense[-1]
    shares = {first.name: 0.0, last.name: 0.75}
    own = prune(copy.deepcopy(MODELS[name]), batches, 0.5, method="ecodiff", shares=shares)
    assert len(own.kept[first.name]) == first.units
    assert len(own.kept[last.name]) * 4 == last.units


def test_the_seed_decides() -> None:
    model, batches = MODELS["dit"], from_images(TRAIN, batches=1, size=4)
    one, same, other = (ecodiff.learn(model, groups_of(model), batches, seed, epochs=1) for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_each_epoch_takes_a_step_for_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    real = ecodiff.objective

    def watched(*args: Any) -> torch.Tensor:
        taken.append(id(args[3]))
        return real(*args)

    monkeypatch.setattr(ecodiff, "objective", watched)
    prune(copy.deepcopy(MODELS["dit"]), from_images(TRAIN, batches=3, size=2), 0.5, method="ecodiff", epochs=2)
    assert len(taken) == 6
    assert len(set(taken[:3])) == 3
    assert set(taken[:3]) == set(taken[3:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "ecodiff cannot learn gates in 0 epochs; give at least 1"),
        ({"ranking": "kinds"}, "unknown ranking 'kinds'; did you mean kind?"),
    ],
)
def test_options_that_are_not_valid(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        prune(copy.deepcopy(MODELS["dit"]), from_images(TRAIN, batches=1, size=2), 0.5, method="ecodiff", **options)


def test_what_the_gates_must_keep_is_the_end_of_a_short_run() -> None:
    model, noise, label = MODELS["dit"], torch.randn(3, 1, 8, 8), torch.arange(3)
    made = ecodiff.final(model, noise, label)
    assert made.requires_grad
    torch.testing.assert_close(made.detach().clamp(-1, 1), ddim(model, noise, label, ecodiff.STEPS))
