"""Patterns on widths that they do not fit: refused as a whole, before anything is changed."""

import copy
import re

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import prune
from reference_impls.pruning.layers import as_matrix
from reference_impls.testbed.calibration import image_call


class Odd(nn.Module):
    """Two layers, the second with an odd width, and rows that four do not divide."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(16, hidden)
        self.down = nn.Linear(hidden, 18)

    def forward(self, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return self.down(self.up(x).relu())  # type: ignore[no-any-return]  # torch types no call of a module


CALIBRATION = Calibration((image_call(torch.randn(4, 16), torch.rand(4), torch.zeros(4).long()),))


@pytest.mark.parametrize(
    ("hidden", "pattern", "told"),
    [
        (24, "2:5", "the 16 inputs of up: 5 does not divide 16; an m that divides 8 fits all layers"),
        (24, "2:16", "the 24 inputs of down: 16 does not divide 24; an m that divides 8 fits all layers"),
        (24, "2:500", "the 16 inputs of up: 500 does not divide 16; an m that divides 8 fits all layers"),
        (25, "2:4x2", "the 25 inputs of down: 4 does not divide 25; no m fits all; give a sparsity"),
    ],
)
@pytest.mark.parametrize("method", ["magnitude", "wanda", "sparsegpt", "sparsedm"])
def test_a_remainder_is_refused(hidden: int, pattern: str, told: str, method: str) -> None:
    model = Odd(hidden)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=f"^{re.escape(f'pattern {pattern} does not fit {told}')}$"):
        prune(model, CALIBRATION, method=method, pattern=Pattern.parse(pattern))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_pattern_along_the_kernel_may_cross_channels() -> None:
    """Of 18 channels with two positions each, 4 divides the weights of a row, and not the channels."""
    model = nn.Sequential(nn.Conv1d(18, 16, 2))
    with pytest.raises(ValueError, match="pattern 2:4 does not fit the 18 inputs of 0: 4 does not divide 18"):
        prune(model, method="magnitude", pattern=Pattern(2, 4))
    report = prune(model, method="magnitude", pattern=Pattern(2, 4, axis="kernel"))
    assert dict(report.achieved) == {"0": 0.5}
    with pytest.raises(ValueError, match="pattern 2:8 does not fit the 36 inputs of 0: 8 does not divide 36"):
        prune(model, method="magnitude", pattern=Pattern(2, 8, axis="kernel"))


def test_outputs_left_over_share_a_pattern_among_fewer() -> None:
    model = Odd(24)
    prune(model, CALIBRATION, method="magnitude", pattern=Pattern.parse("2:4x4"))
    kept = as_matrix(model.down) != 0  # (18, 24): four strips of four outputs, and one of two
    assert bool((kept.view(18, 6, 4).sum(2) == 2).all())
    for first in range(0, 18, 4):
        strip = kept[first : first + 4]
        assert bool((strip == strip[0]).all())
