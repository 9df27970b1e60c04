"""Half precision: every method runs on the CPU, keeps the dtype, and chooses what it chooses in float32."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import prune
from reference_impls.methods.registry import METHODS
from reference_impls.pruning.layers import prunable
from reference_impls.testbed.calibration import from_images, from_trajectory, image_call
from reference_impls.testbed.data import load
from reference_impls.testbed.models import Denoiser, pretrained
from tests.reference_impls.small_models import small

IMAGES = load("digits")[0]
SLOW = ("sparsegpt", "obs-diff", "obs-diff-units")
"""On the U-Net."""
SAME = {"unstructured": 0.9, "structured": 0.9, "depth": 1.0}
"""Least share of the choices that half precision leaves as they are."""


def calls(method: str, model: Denoiser) -> Calibration:
    """What a method looks at, all of it at time zero: there the model's features of the time are exact in any dtype."""
    needs = METHODS[method].needs
    if needs in ("gradients", "training"):
        made = from_images(IMAGES, batches=3, size=8, by_time=needs == "gradients")
    else:
        made = from_trajectory(model, n=4, steps=3)
    return Calibration(tuple(changed(call, t=torch.zeros_like(call.arguments["t"])) for call in made))


def changed(call: Call, target: torch.Tensor | None = None, **arguments: torch.Tensor) -> Call:
    """The same call with other arguments, and with the noise scale that belongs to them."""
    given = {**call.arguments, **arguments}
    return image_call(**given, target=call.target if target is None else target, step=call.step, steps=call.steps)


def cast(calibration: Calibration, dtype: torch.dtype) -> Calibration:
    return Calibration(
        tuple(
            changed(
                call,
                x=call.arguments["x"].to(dtype),
                t=call.arguments["t"].to(dtype),
                target=None if call.target is None else call.target.to(dtype),
            )
            for call in calibration
        )
    )


def choices(method: str, model: nn.Module, calibration: Calibration) -> set[Any]:
    """What stays, after pruning by half in place: weights, units or blocks."""
    asked: dict[str, Any] = {"pattern": Pattern(2, 4)} if METHODS[method].pattern_only else {"sparsity": 0.5}
    blocks = {name for name, _ in model.named_modules()}
    report = prune(model, calibration, method=method, **asked)
    if METHODS[method].kind == "depth":
        return blocks - set(report.dropped)
    if METHODS[method].kind == "structured":
        assert set(report.achieved.values()) == {0.5} or method == "ecodiff"  # that ranks over groups
        return {(name, unit) for name, units in report.kept.items() for unit in units}
    for layer in prunable(model).values():
        assert int((layer.weight == 0).sum()) == layer.weight.numel() // 2
    return {(name, int(i)) for name, layer in prunable(model).items() for i in layer.weight.flatten().nonzero()}


@pytest.mark.parametrize(
    ("method", "name", "dtype"),
    [
        *((method, "dit", torch.float16) for method in METHODS if method != "sparsedm"),  # that has a test of its own
        *(
            pytest.param(method, "unet", torch.bfloat16, marks=[pytest.mark.slow] if method in SLOW else [])
            for method in METHODS
        ),
    ],
)
def test_half_precision_chooses_alike(method: str, name: str, dtype: torch.dtype) -> None:
    """Each method meets both models and both types: no method treats a type otherwise on the other model."""
    half = small(name).to(dtype)
    full = copy.deepcopy(half).float()
    calibration = cast(calls(method, full), dtype)
    mine = choices(method, half, calibration)
    theirs = choices(method, full, cast(calibration, torch.float32))
    assert {value.dtype for value in half.state_dict().values()} == {dtype}
    assert len(mine & theirs) >= SAME[METHODS[method].kind] * len(theirs)


@torch.no_grad()
def test_near_times_stay_apart_in_half_precision() -> None:
    """The angle of the fastest frequency turns by half a round from one to the other."""
    condition = pretrained("dit").condition.bfloat16()
    times, labels = torch.tensor([0.9, 0.9 + math.pi / 1_000]), torch.zeros(2).long()
    made, full = condition(times, labels).float(), copy.deepcopy(condition).float()(times, labels)
    assert float((made - full).abs().max()) < float((full[0] - full[1]).abs().max()) / 4
