"""Every depth method: exact counts, a block that does nothing goes first, and mutations of that."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from reference_impls.calls.call import Calibration
from reference_impls.methods import laptop_diff, shortgpt, tinyfusion
from reference_impls.methods.prune import prune
from reference_impls.methods.registry import METHODS
from reference_impls.testbed.calibration import from_images, from_trajectory
from reference_impls.testbed.data import load
from reference_impls.testbed.dit import DiT
from reference_impls.testbed.models import Denoiser, pretrained
from reference_impls.units.lookup import blocks_of
from tests.reference_impls.small_models import small

ALL = sorted(name for name, method in METHODS.items() if method.kind == "depth")
DIT = small("dit", depth=8)
TRAIN, _ = load("digits")


def calls(method: str, model: Denoiser) -> Calibration:
    """As ``calibration_for`` makes them, but few."""
    trains = METHODS[method].needs == "training"
    return from_images(TRAIN, batches=3, size=4) if trains else from_trajectory(model, n=4, steps=2)


def pruned(method: str, share: float) -> tuple[DiT, list[str]]:
    model = copy.deepcopy(DIT)
    return model, prune(model, calls(method, model), share, method=method).dropped


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.25, 2), (1.0, 8)])
def test_counts_on_the_dit(method: str, share: float, count: int) -> None:
    model, dropped = pruned(method, share)
    assert len(dropped) == len(set(dropped)) == count
    assert [block.name for block in blocks_of(model)] == [b.name for b in blocks_of(DIT) if b.name not in dropped]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("method", ALL)
def test_counts_on_the_unet(method: str, keep: bool) -> None:
    model = small("unet")
    freed = {block.name: laptop_diff.freed(model, block, keep) for block in blocks_of(model)}
    report = prune(model, calls(method, model), 0.4, method=method, keep_shortcuts=keep)
    gone = report.before.parameters - report.after.parameters
    assert gone == sum(freed[name] for name in report.dropped)
    assert report.keep_shortcuts == keep
    if method == "laptop-diff":  # a share of the parameters, not of the blocks
        assert gone >= 0.4 * sum(freed.values())
    else:
        assert len(report.dropped) == 3
    x = torch.randn(2, 1, 8, 8)
    assert model(x, torch.rand(2), torch.arange(2)).shape == x.shape


@pytest.mark.parametrize("method", ["laptop-diff", "shortgpt", "tinyfusion"])
def test_a_block_that_does_nothing_goes_first(method: str) -> None:
    model = pretrained("dit")
    with torch.no_grad():
        for value in model.get_submodule("blocks.2.modulation").parameters():
            value.zero_()
    if method == "tinyfusion":  # one of each group of four goes; in the first it must be this one
        calibration = from_images(TRAIN, batches=40, size=4)
        assert "blocks.2" in prune(model, calibration, 0.25, method=method).dropped
    else:
        calibration = from_trajectory(model, n=4, steps=3)
        assert prune(model, calibration, 1 / 8, method=method).dropped == ["blocks.2"]


@pytest.mark.parametrize(
    ("method", "module", "name", "mutant"),
    [
        ("shortgpt", shortgpt, "block_influence", lambda scores: -scores),
        ("laptop-diff", laptop_diff, "output_losses", lambda scores: scores.max() - scores),
        pytest.param(
            "tinyfusion",
            tinyfusion,
            "learn",
            lambda logits: [-of_group for of_group in logits],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["shortgpt", "laptop-diff", "tinyfusion"],
)
def test_mutation_the_best_go(
    method: str, module: Any, name: str, mutant: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails the test above."""
    real = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args: mutant(real(*args)))
    with pytest.raises(AssertionError):
        test_a_block_that_does_nothing_goes_first(method)


@pytest.mark.parametrize("method", ["bk-sdm", "shortgpt", "tinyfusion", "laptop-diff"])
def test_no_block_left_is_said(method: str) -> None:
    model, _ = pruned("bk-sdm", 1.0)
    calibration = calls(method, model)
    with pytest.raises(ValueError, match=f"{method} removes blocks, and this model has none"):
        prune(model, calibration, 0.5, method=method)


def test_shortcuts_are_kept_where_there_are_some() -> None:
    """What blocks of a transformer and methods that remove no blocks do not have is refused."""
    told = "no block of this DiT has a shortcut convolution; leave --keep-shortcuts out"
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(copy.deepcopy(DIT), calls("bk-sdm", DIT), 0.5, method="bk-sdm", keep_shortcuts=True)
    unet = small("unet")
    told = "magnitude removes no blocks; --keep-shortcuts is for bk-sdm, laptop-diff, shortgpt, tinyfusion"
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(unet, calls("magnitude", unet), 0.5, method="magnitude", keep_shortcuts=True)


@pytest.mark.parametrize("method", ALL)
def test_bad_requests_change_nothing(method: str) -> None:
    model = copy.deepcopy(DIT)
    calibration = calls(method, model)
    told = f"{method} compares all blocks of a model; give no scope and no sparsity of single layers"
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(model, calibration, 0.5, method=method, scope="global")
    assert len(blocks_of(model)) == 8
