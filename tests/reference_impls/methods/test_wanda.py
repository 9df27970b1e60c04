"""Wanda: what the norm of an input is worth, and inputs that are not finite."""

import copy
import dataclasses

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.methods.prune import prune
from reference_impls.testbed.calibration import from_images, image_call
from reference_impls.testbed.data import load


@pytest.mark.parametrize(("larger", "stays"), [(10.0, 1), (1.7, 0)])
def test_wanda_by_hand(larger: float, stays: int) -> None:
    """An input ten times as large saves a weight half as large; 1.7 times does not, though its square would."""
    layer = nn.Linear(16, 16, bias=False)
    with torch.no_grad():
        layer.weight.fill_(0.001)
        layer.weight[:, 0], layer.weight[:, 1] = 2.0, 1.0

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
            return self.layer(x.flatten(1))  # type: ignore[no-any-return]  # torch types no call of a module

    images, _ = load("digits")
    batch = from_images(images, batches=1, size=3).calls[0]
    x = torch.ones(3, 1, 4, 4)
    x[:, 0, 0, 1] = larger
    model = Model()
    prune(model, Calibration((image_call(x, batch.arguments["t"], batch.arguments["label"]),)), 15 / 16, method="wanda")
    assert layer.weight[:, stays].eq(2.0 - stays).all()
    assert int(layer.weight.count_nonzero()) == 16


def test_scores_that_are_not_finite(dit: nn.Module, calibration: Calibration) -> None:
    good, bad = calibration.calls[:2]
    broken = Calibration(
        (good, dataclasses.replace(bad, arguments={**bad.arguments, "x": bad.arguments["x"] * float("nan")}))
    )
    with pytest.raises(ValueError, match=r"blocks\.0\.attention\.qkv: scores of shape \(96, 32\) holds NaN"):
        prune(copy.deepcopy(dit), broken, 0.5, method="wanda")
