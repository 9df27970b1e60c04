"""Weights that stay or go together: whole tiles, exact shares, the best tiles, on every method of single weights."""

import copy
import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impls.calls.call import Calibration
from reference_impls.kernels.rowblock_spmm import shares_pattern
from reference_impls.maths.masks import ALONE, Pattern, Tile, keep_best
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.pruning.layers import as_matrix, prunable
from reference_impls.testbed.calibration import from_trajectory
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


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 4))
@settings(deadline=None, max_examples=60)
def test_the_mean_of_each_tile(rows: int, columns: int, down: int, right: int) -> None:
    scores = torch.rand(rows, columns, generator=torch.Generator().manual_seed(rows * columns))
    tile = Tile(down, right)
    pooled = tile.pool(scores)
    by_hand = [
        [scores[i : i + down, j : j + right].mean() for j in range(0, columns, right)] for i in range(0, rows, down)
    ]
    torch.testing.assert_close(pooled, torch.tensor(by_hand))
    mask = tile.spread(keep_best(pooled, 0.5), scores.shape)
    assert mask.shape == scores.shape
    for i in range(0, rows, down):
        for j in range(0, columns, right):
            assert len(set(mask[i : i + down, j : j + right].flatten().tolist())) == 1


def test_alone_changes_nothing() -> None:
    scores = torch.randn(3, 5)
    assert torch.equal(ALONE.pool(scores), scores)


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
        assert float((~kept).float().mean()) == pytest.approx(0.5, abs=0.13)  # a small layer has few tiles


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
