"""Recovery and what pruning is combined with: zeros stay, losses fall."""

import copy
import re
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.methods.registry import Features
from reference_impls.pruning.layers import prunable
from reference_impls.study import ratio_search
from reference_impls.study.recover import feature_loss, recover, shared_places
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from reference_impls.testbed.diffusion import ddim, dpm_solver, noised, stratified_times
from reference_impls.testbed.metrics import held_out_loss
from reference_impls.testbed.models import Denoiser, pretrained
from reference_impls.testbed.unet import UNet
from tests.reference_impls.by_hand import descend
from tests.reference_impls.small_models import small

DIT = small("dit", depth=8)
TRAIN, HELD_OUT = load("digits")


def pruned(
    method: str,
    share: float | None = None,
    pattern: Pattern | None = None,
    steps: int = 2,
    *,
    dense: Denoiser = DIT,
) -> nn.Module:
    model = copy.deepcopy(dense)
    prune(model, calibration_for(method, dense, TRAIN, steps=steps), share, method=method, pattern=pattern)
    return model


@pytest.mark.parametrize("features", ["none", "plain", "normalised"])
def test_zeros_stay_and_blocks_stay_out(features: Features) -> None:
    model = pruned("shortgpt", 0.25)
    prune(model, calibration_for("magnitude", DIT, TRAIN), 0.5, method="magnitude")
    before = {name: layer.weight == 0 for name, layer in prunable(model).items()}
    recover(model, TRAIN, steps=3, teacher=DIT, features=features, batch=8)
    after = {name: layer.weight == 0 for name, layer in prunable(model).items()}
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not any(layer.weight[layer.weight == 0].signbit().any() for layer in prunable(model).values())
    assert len(shared_places(model, DIT)) == 6
    assert not any(module._forward_hooks for module in (*model.modules(), *DIT.modules()))


def test_no_steps_change_nothing() -> None:
    model = copy.deepcopy(DIT)
    recover(model, TRAIN, steps=0)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), DIT.parameters(), strict=True))


def test_feature_loss_by_hand() -> None:
    mine = {"a": torch.tensor([3.0, 3.0]), "b": torch.tensor([5.0])}
    wanted = {"a": torch.tensor([1.0, 3.0]), "b": torch.tensor([2.0])}
    assert feature_loss(mine, wanted, "plain").item() == pytest.approx(2.0 + 9.0)
    assert feature_loss(mine, wanted, "normalised").item() == pytest.approx(2.0 / 5 + 9.0 / 4)
    assert feature_loss({}, {}, "plain").item() == 0.0


def test_features_of_a_u_net_are_those_of_its_resolutions() -> None:
    """The outputs of the stages, down and up, however many of their blocks are removed."""
    dense = UNet()
    for share in (0.0, 0.5, 1.0):
        model = copy.deepcopy(dense)
        prune(model, calibration_for("bk-sdm", dense, load("mnist16")[0]), share, method="bk-sdm")
        assert shared_places(model, dense) == ["down.2", "down.5", "down.7", "up.3", "up.7", "up.10"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [({"steps": -1}, "steps -1 is negative"), ({"steps": 1, "features": "plain"}, "features 'plain' need a teacher")],
)
def test_what_cannot_be(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        recover(copy.deepcopy(DIT), TRAIN, **asked)


def test_recovery_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """By plain steps along the gradient in place of AdamW: the task's loss and the teacher's, alike; half a cosine."""
    monkeypatch.setattr(torch.optim, "AdamW", lambda values, lr, weight_decay: torch.optim.SGD(values, lr=lr))
    model, teacher = small("dit"), small("dit")
    with torch.no_grad():
        model.head.weight.mul_(0.5)
    by_hand = copy.deepcopy(model)
    last = recover(model, TRAIN, steps=2, teacher=teacher, rate=0.1, batch=4, seed=7)
    generator = torch.Generator().manual_seed(7)
    for rate in (0.1, 0.05):
        chosen = torch.randint(len(TRAIN), (4,), generator=generator)
        t = stratified_times(4, generator)
        noise = torch.randn(4, 1, 8, 8, generator=generator)
        x, v = noised(TRAIN.pixels[chosen], noise, t)
        made, told = (one(x, t, TRAIN.labels[chosen]) for one in (by_hand, teacher))
        loss = ((made - v) ** 2).mean() + ((made - told.detach()) ** 2).mean()
        descend(by_hand, loss, rate)
    assert last == pytest.approx(loss.item())
    for one, other in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.slow
@pytest.mark.nightly  # each step is held by test_recovery_step_by_step
def test_a_short_recovery_helps() -> None:
    """Half of the blocks gone: forty steps win back most of the loss."""
    trained, some = pretrained("dit"), HELD_OUT.first(100)
    model = pruned("shortgpt", 0.5, dense=trained)
    lost = held_out_loss(model, some)
    recover(model, TRAIN, steps=40, teacher=trained)
    assert held_out_loss(model, some) < lost - 0.04


def test_mutations_of_shares_keep_the_total() -> None:
    sizes = {"a": 100, "b": 1_000, "c": 10}
    shares = dict.fromkeys(sizes, 0.5)
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        shares = ratio_search.mutated(shares, sizes, generator)
        assert all(0 <= share <= 1 for share in shares.values())
        assert sum(shares[name] * size for name, size in sizes.items()) == pytest.approx(555)


def test_the_search_keeps_the_best_of_parent_and_children(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[float, dict[str, float]]] = []

    def of_attention(_model: nn.Module, _calls: Calibration, _share: float, shares: Any, _method: str) -> float:
        tried.append((sum(share for name, share in shares.items() if "attention" in name), dict(shares)))
        return tried[-1][0]

    monkeypatch.setattr(ratio_search, "loss_of", of_attention)
    found = ratio_search.search(DIT, from_images(TRAIN, batches=1, size=2), 0.7, generations=5, children=3)
    assert len(tried) == 1 + 5 * 3
    assert found == min(tried, key=lambda one: one[0])[1] != tried[0][1]


def test_the_loss_of_shares_by_hand() -> None:
    calibration, name = from_images(TRAIN, batches=2, size=4), "blocks.0.feed_forward.up"
    model = copy.deepcopy(DIT)
    prune(model, calibration, 0.7, method="magnitude", shares={name: 0.2})
    losses = [batch.loss(model).item() for batch in calibration]
    assert ratio_search.loss_of(DIT, calibration, 0.7, {name: 0.2}, "magnitude") == pytest.approx(sum(losses) / 2)


@pytest.mark.slow
@pytest.mark.nightly  # its parts are in the three tests before
def test_the_search_finds_better_shares() -> None:
    calibration, trained = from_images(TRAIN, batches=2, size=48), pretrained("dit")
    even = ratio_search.loss_of(trained, calibration, 0.7, {}, "magnitude")
    shares = ratio_search.search(trained, calibration, 0.7, generations=12)
    assert ratio_search.loss_of(trained, calibration, 0.7, shares, "magnitude") < 0.97 * even
    model = copy.deepcopy(trained)
    prune(model, calibration, 0.7, method="magnitude", shares=shares)
    gone = sum(int((layer.weight == 0).sum()) for layer in prunable(model).values())
    assert gone / sum(layer.weight.numel() for layer in prunable(model).values()) == pytest.approx(0.7, abs=1e-3)


@pytest.mark.slow
@pytest.mark.nightly  # what is near is a number; the order of the samplers is held by the tests of the testbed
def test_pruning_and_faster_samplers_compose() -> None:
    """Ten steps of either sampler end near where sixty of DDIM end, pruned or not; the second order ends nearer."""
    trained = pretrained("dit")
    for model in (trained, pruned("obs-diff-units", 0.25, dense=trained)):
        noise = torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        label = torch.arange(20) % 10
        target = ddim(model, noise, label, 60)
        first, second = ((sampler(model, noise, label, 10) - target).square().mean() for sampler in (ddim, dpm_solver))
        assert float(second) < float(first) < 0.02
