"""LAPTOP-Diff beside brute force over all sets of blocks, and its normalised feature loss by plain sums."""

import copy

import pytest
import torch

from reference_impls.methods import laptop_diff
from reference_impls.methods.prune import prune
from reference_impls.study.recover import feature_loss
from reference_impls.testbed.calibration import from_trajectory
from reference_impls.units.lookup import blocks_of
from tests.reference_impls.paper_rules import laptop_diff as rule
from tests.reference_impls.small_models import small


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_set_is_the_best_of_all_sets(share: float, keep: bool) -> None:
    model = small("unet")
    calibration, blocks = from_trajectory(model, n=2, steps=2), blocks_of(model)
    losses = laptop_diff.output_losses(model, blocks, calibration, keep).tolist()
    freed = [laptop_diff.freed(model, block, keep) for block in blocks]
    pruned = copy.deepcopy(model)
    report = prune(pruned, calibration, share, method="laptop-diff", keep_shortcuts=keep)
    best = rule.best_sets(losses, freed, share * sum(freed))
    assert {blocks.index(block) for block in blocks if block.name in report.dropped} in best


def test_normalised_features_by_plain_sums() -> None:
    generator = torch.Generator().manual_seed(0)
    mine, wanted = ({name: torch.randn(2, 3, generator=generator) for name in "abc"} for _ in range(2))
    by_hand = rule.normalised_feature_loss(
        *([one.flatten().tolist() for one in two.values()] for two in (mine, wanted))
    )
    assert feature_loss(mine, wanted, "normalised").item() == pytest.approx(by_hand, rel=1e-5)
