"""Diff-Pruning, and Taylor over all timesteps: gradients against differences, and which times count."""

import copy
import dataclasses
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.methods import diff_pruning
from reference_impls.methods.diff_pruning import gradients
from reference_impls.methods.prune import prune
from reference_impls.methods.taylor import squares
from reference_impls.testbed.calibration import from_images, from_trajectory, image_call
from reference_impls.testbed.data import load
from reference_impls.testbed.models import Denoiser, pretrained
from tests.reference_impls.small_models import small

TRAIN, _ = load("digits")
MODELS: dict[str, Denoiser] = {"dit": small("dit"), "unet": small("unet")}


def test_taylor_against_central_differences() -> None:
    """(w g)^2 of a few weights, in float64, where g is (L(w + h) - L(w - h)) / 2h."""
    model = copy.deepcopy(MODELS["dit"]).double()
    batches = from_images(TRAIN, batches=2, size=4, by_time=True).calls
    batch = batches[0]
    x, t, label = (batch.arguments[name] for name in ("x", "t", "label"))
    assert batch.target is not None
    batch = image_call(x.double(), t.double(), label, target=batch.target.double())
    squared = squares(model, Calibration((batch,)))
    for name in ("blocks.2.feed_forward.up.weight", "blocks.1.attention.qkv.bias"):
        value = model.get_parameter(name)
        for place in (0, 17):
            flat = value.data.view(-1)
            old, h, losses = float(flat[place]), 1e-6, []
            for moved in (old + h, old - h):
                flat[place] = moved
                losses.append(batch.noise_loss(model).item())
            flat[place] = old
            gradient = (losses[0] - losses[1]) / (2 * h)
            assert float(squared[name].view(-1)[place]) == pytest.approx((old * gradient) ** 2, rel=1e-4, abs=1e-18)


def test_diff_pruning_stops_where_the_loss_is_negligible() -> None:
    model, calibration = pretrained("dit"), from_images(TRAIN, batches=10, size=8, by_time=True)
    everything, some = (list(gradients(model, calibration, threshold)) for threshold in (0.0, 0.05))
    assert len(everything) == 10
    assert 3 <= len(some) < 10
    for one, other in zip(some, everything, strict=False):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_times_must_rise() -> None:
    batches = from_images(TRAIN, batches=3, size=4, by_time=True).calls
    with pytest.raises(ValueError, match="the times of the calibration fall; make it with from_images"):
        squares(MODELS["dit"], Calibration(batches[::-1]))


def test_gradients_need_targets() -> None:
    with pytest.raises(ValueError, match="this calibration has no targets; make it with from_images"):
        squares(MODELS["dit"], from_trajectory(MODELS["dit"], n=2, steps=1))


@pytest.mark.parametrize(("options", "share"), [({}, 0.05), ({"threshold": 0.3}, 0.3)])
def test_timesteps_that_count(options: dict[str, Any], share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a loss below a twentieth of the largest are left out."""
    used: list[float] = []
    real = diff_pruning.summed

    def watched(model: nn.Module, calibration: Calibration, threshold: float) -> Any:
        used.append(threshold)
        return real(model, calibration, threshold)

    monkeypatch.setattr(diff_pruning, "summed", watched)
    calibration = from_images(TRAIN, batches=3, size=8, by_time=True)
    prune(copy.deepcopy(MODELS["dit"]), calibration, 0.5, method="diff-pruning", **options)
    assert used == [share]


def test_a_gradient_that_is_not_finite() -> None:
    batch = from_images(TRAIN, batches=3, size=8, by_time=True).calls[0]
    assert batch.target is not None
    broken = Calibration((dataclasses.replace(batch, target=batch.target * float("nan")),))
    with pytest.raises(ValueError, match=r"scores of blocks\.0\.attention of shape \(4,\) holds NaN or infinite"):
        prune(copy.deepcopy(MODELS["dit"]), broken, 0.5, method="taylor")


def test_squares_of_small_gradients_do_not_vanish() -> None:
    """Near the target, (w g)^2 is below what float16 can hold."""
    model = small("dit").half()
    image = from_images(TRAIN, batches=1, size=8).calls[0]
    batch = image_call(image.arguments["x"].half(), torch.zeros(8).half(), image.arguments["label"])
    batch = replace(batch, target=batch.run(model).detach() + 0.01)
    ours = squares(model, Calibration((batch,)))["blocks.1.feed_forward.up.weight"]
    assert float(ours.mean()) < torch.finfo(torch.float16).smallest_normal / 100
    assert int(ours.count_nonzero()) > 0.9 * ours.numel()
