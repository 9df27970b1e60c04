"""SparseDM beside SR-STE, trained by a slow plain rule: the same weights after the same steps."""

import copy
from dataclasses import replace

import pytest
import torch

from reference_impls.calls.call import Calibration, Call
from reference_impls.maths.masks import Pattern
from reference_impls.methods import sparsedm
from reference_impls.methods.prune import prune
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from tests.reference_impls.paper_rules.sparsedm import BETAS, DECAY, RATE, WEIGHT_DECAY, mask_of, train
from tests.reference_impls.small_models import small

TRAIN, _ = load("digits")


def in_double(batch: Call) -> Call:
    """The same call in float64."""
    assert batch.target is not None
    assert batch.noise_scale is not None
    arguments = {name: value if name == "label" else value.double() for name, value in batch.arguments.items()}
    return replace(batch, arguments=arguments, target=batch.target.double(), noise_scale=batch.noise_scale.double())


@pytest.mark.parametrize(
    ("name", "pattern"), [("dit", (2, 4)), ("dit", (1, 4)), pytest.param("unet", (2, 4), marks=pytest.mark.slow)]
)
def test_the_same_weights_after_three_steps(name: str, pattern: tuple[int, int]) -> None:
    """Masks anew in each step, straight-through gradients, decay, and the authors' optimizer; in float64."""
    dense = small(name).double()
    calibration = Calibration(tuple(map(in_double, from_images(TRAIN, batches=3, size=4))))
    ours, slow = copy.deepcopy(dense), copy.deepcopy(dense)
    prune(ours, calibration, method="sparsedm", pattern=Pattern(*pattern))
    adamw = torch.optim.AdamW(slow.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY, betas=BETAS)
    train(slow, calibration, *pattern, adamw)
    for path, value in slow.named_parameters():
        torch.testing.assert_close(ours.get_parameter(path), value, rtol=1e-6, atol=1e-9, msg=path)


def test_the_decay_is_that_of_the_authors() -> None:
    assert sparsedm.DECAY == DECAY


def test_groups_of_a_convolution_are_those_of_the_authors() -> None:
    """Along the input channels at each kernel position."""
    weight = torch.randn(6, 8, 3, 3, generator=torch.Generator().manual_seed(0))
    expected = mask_of(weight, 2, 4)
    assert expected.view(6, 2, 4, 3, 3).sum(2).eq(2).all()
    assert torch.equal(sparsedm.Sparse(Pattern(2, 4), 0.0)(weight) != 0, expected)
