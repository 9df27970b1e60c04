"""Weights that stay or go together: whole tiles, exact shares, the best tiles, on every method of single weights."""

import copy
import re
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.command_line import terminal
from reference_impls.kernels.rowblock_spmm import shares_pattern
from reference_impls.maths.masks import Pattern, Tile
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.pruning.layers import as_matrix, prunable
from reference_impls.testbed.calibration import from_trajectory, image_call
from reference_impls.testbed.data import load
from reference_impls.testbed.dit import DiT
from tests.reference_impls.small_models import small

METHODS = ["random", "magnitude", "wanda", "sparsegpt", "obs-diff"]


@pytest.fixture(scope="module")
def dit() -> DiT:
    return small("dit")


@pytest.fixture(scope="module")
def calibration(dit: DiT) -> Calibration:
    return from_trajectory(dit, n=4, steps=3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("block", ["4x1", "16x16"])
def test_tiles_go_whole(dit: DiT, calibration: Calibration, method: str, block: str) -> None:
    model, tile = copy.deepcopy(dit), Tile.parse(block)
    report = prune(model, calibration, 0.5, method=method, block=tile)
    assert report.block == block
    for layer in prunable(model).values():
        kept = as_matrix(layer) != 0
        whole = tile.spread(tile.pool(kept.float()) > 0, kept.shape)
        assert torch.equal(kept, whole)
        assert 2 * int((~kept).sum()) == kept.numel()  # the tiles of each layer are equal and even in number


@pytest.mark.parametrize("method", [*METHODS, "sparsedm"])
def test_four_rows_share_a_pattern(dit: DiT, calibration: Calibration, method: str) -> None:
    model, pattern = copy.deepcopy(dit), Pattern.parse("2:4x4")
    if method == "sparsedm":
        calibration = calibration_for(method, model, load("digits")[0], steps=2)
    report = prune(model, calibration, method=method, pattern=pattern)
    assert report.pattern == "2:4x4"
    for layer in prunable(model).values():
        kept = as_matrix(layer) != 0
        assert int(kept.view(len(kept), -1, 4).sum(2).max()) <= 2
        if len(kept) % 4 == 0:
            assert shares_pattern(as_matrix(layer).detach().numpy()) == 1


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"sparsity": 0.5, "method": "taylor", "block": Tile(4, 1)}, "--block is for unstructured methods"),
        (
            {"method": "magnitude", "pattern": Pattern(2, 4), "block": Tile(4, 1)},
            "give --block or --pattern, not both",
        ),
    ],
)
def test_refusals(dit: DiT, calibration: Calibration, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(copy.deepcopy(dit), calibration, **asked)


@pytest.mark.parametrize("method", ["magnitude", "sparsegpt", "obs-diff"])
def test_a_layer_with_a_share_of_its_own(dit: DiT, calibration: Calibration, method: str) -> None:
    model, name = copy.deepcopy(dit), "blocks.0.feed_forward.up"
    prune(model, calibration, 0.5, method=method, shares={name: 0.25})
    gone = {name: float((layer.weight == 0).float().mean()) for name, layer in prunable(model).items()}
    assert gone.pop(name) == pytest.approx(0.25, abs=1e-3)
    assert all(share == pytest.approx(0.5, abs=0.01) for share in gone.values())


@pytest.mark.parametrize("method", METHODS)
def test_a_share_of_a_layer_that_is_not_there(dit: DiT, calibration: Calibration, method: str) -> None:
    model = copy.deepcopy(dit)
    told = (
        "sparsity of single layers: unknown layer or group 'blocks.0.feed_forward.app'; did you mean "
        "blocks.0.feed_forward.up or "
    )
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(model, calibration, 0.5, method=method, shares={"blocks.0.feed_forward.app": 0.25})
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), dit.parameters(), strict=True))


def test_a_layer_that_is_too_small_to_be_pruned_has_no_share(dit: DiT, calibration: Calibration) -> None:
    with pytest.raises(ValueError, match="sparsity of single layers: unknown layer or group 'head'; "):
        prune(copy.deepcopy(dit), calibration, 0.5, method="magnitude", shares={"head": 0.25})


def test_shares_need_layers_of_their_own(dit: DiT, calibration: Calibration) -> None:
    both: tuple[dict[str, Any], ...] = ({"pattern": Pattern(2, 4)}, {"sparsity": 0.5, "scope": "global"})
    for asked in both:
        with pytest.raises(
            ValueError, match="sparsities of single layers do not go with a pattern or with scope global"
        ):
            prune(copy.deepcopy(dit), calibration, method="magnitude", shares={"head": 0.1}, **asked)


@pytest.mark.parametrize("text", ["4", "4x", "x4", "0x4", "4x0", "4x1x1", "-4x1", "４x1", ""])
def test_bad_block(text: str) -> None:
    with pytest.raises(ValueError, match="block"):
        Tile.parse(text)


def test_round_trips() -> None:
    assert str(Tile.parse("16x16")) == "16x16"
    assert str(Pattern.parse("2:4x4")) == "2:4x4"
    assert Pattern.parse("1:8x4").sparsity == 7 / 8


class Ragged(nn.Module):
    """One layer that no tile of sixteen divides."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(17, 33, bias=False)

    def forward(self, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return self.layer(x)  # type: ignore[no-any-return]  # torch types no call of a module


RAGGED = Calibration((image_call(torch.randn(40, 17), torch.rand(40), torch.zeros(40).long()),))


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("method", METHODS)
def test_the_report_of_a_ragged_layer(method: str, scope: str) -> None:
    """Half of 561 weights is 280.5; of whole tiles of 16x16, 288 and 273 are nearest, and the larger one is chosen."""
    if scope == "global" and method in ("sparsegpt", "obs-diff"):
        return
    model = Ragged()
    report = prune(model, RAGGED, 0.5, method=method, block=Tile(16, 16), scope=scope)
    assert int((model.layer.weight == 0).sum()) == 288
    assert report.achieved["layer"] == pytest.approx(288 / 561)
    assert report.difference == pytest.approx(7.5 / 561)
    said = (
        "Achieved minus requested sparsity: +1.34 percentage points; only whole blocks of 16x16 weights can be pruned."
    )
    per_layer = "" if scope == "global" else " The largest difference of a layer is +1.34, in layer."
    assert terminal.inexact(report) == said + per_layer


def test_a_sparsity_that_is_reached_is_not_talked_about(dit: DiT, calibration: Calibration) -> None:
    both: tuple[dict[str, Any], ...] = ({"sparsity": 0.5, "block": Tile(4, 1)}, {"pattern": Pattern(2, 4, 4)})
    for asked in both:
        report = prune(copy.deepcopy(dit), calibration, method="magnitude", **asked)
        assert report.difference == 0
        assert terminal.inexact(report) is None
    assert terminal.inexact(prune(copy.deepcopy(dit), calibration, 0.3, method="magnitude-units")) is None


def test_the_layer_that_is_furthest_off_is_named(dit: DiT, calibration: Calibration) -> None:
    """A layer with a sparsity of its own is measured against that: 5 of 8 blocks are pruned for 60%."""
    name = "blocks.0.feed_forward.up"
    asked: dict[str, Any] = {"method": "magnitude", "block": Tile(16, 16), "shares": {name: 0.6}}
    report = prune(copy.deepcopy(dit), calibration, 0.5, **asked)
    assert report.achieved[name] == 0.625
    weights = sum(layer.weight.numel() for layer in prunable(dit).values())
    assert report.difference == pytest.approx(0.025 * prunable(dit)[name].weight.numel() / weights)
    said = terminal.inexact(report)
    assert said is not None
    assert said.startswith(f"Achieved minus requested sparsity: {100 * report.difference:+.2f} percentage points; ")
    assert said.endswith(f" The largest difference of a layer is +2.50, in {name}.")
