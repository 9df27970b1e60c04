"""Magnitude and random pruning beside slow plain rules."""

import copy
import math

import pytest
import torch
from torch import nn

from reference_impls.methods.prune import prune
from reference_impls.pruning.layers import as_matrix, prunable
from tests.reference_impls.paper_rules.magnitude import thresholds, without_the_smallest


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_magnitude_keeps_what_the_slow_rule_keeps(dit: nn.Module, share: float) -> None:
    model = copy.deepcopy(dit)
    prune(model, None, share, method="magnitude")
    for name, layer in prunable(dit).items():
        kept = as_matrix(prunable(model)[name]) != 0
        assert kept.tolist() == without_the_smallest(as_matrix(layer).tolist(), share)


def test_thresholds_are_equal_in_standard_deviations_and_prune_the_requested_number() -> None:
    """The paper's rule: a layer with twice the weights has twice the threshold, and the same sparsity."""
    generator = torch.Generator().manual_seed(0)
    small, wide = torch.randn(400, generator=generator), torch.randn(300, generator=generator) ** 3
    weights = {"small": small.tolist(), "twice": (2 * small).tolist(), "wide": wide.tolist()}
    found = thresholds(weights, 0.6)
    assert found["twice"] == pytest.approx(2 * found["small"])
    deviations = {name: float(torch.tensor(values).std(unbiased=False)) for name, values in weights.items()}
    assert found["wide"] / deviations["wide"] == pytest.approx(found["small"] / deviations["small"])
    pruned = {name: sum(abs(value) <= found[name] for value in values) for name, values in weights.items()}
    assert pruned["small"] == pruned["twice"]
    assert pruned["wide"] / 300 > pruned["small"] / 400  # long tails: most of its weights are below one deviation
    assert sum(pruned.values()) == pytest.approx(0.6 * 1_100, abs=2)


@pytest.mark.parametrize(("method", "share"), [("random", 0.3), ("random-units", 0.5)])
def test_random_gives_every_weight_and_unit_the_same_chance(dit: nn.Module, method: str, share: float) -> None:
    """Over 60 seeds, the number of prunings of each is binomial: mean and variance, and no two alike."""
    seeds, gone = 60, []
    for seed in range(seeds):
        model = copy.deepcopy(dit)
        report = prune(model, None, share, method=method, seed=seed)
        if method == "random":
            gone.append((as_matrix(prunable(model)["blocks.0.feed_forward.up"]) == 0).flatten().double())
        else:
            kept = torch.tensor(report.kept["blocks.0.feed_forward"])
            gone.append(torch.ones(64).index_fill(0, kept, 0.0).double())
    counts = torch.stack(gone).sum(0)
    assert counts.mean() == pytest.approx(share * seeds, rel=0.01)
    expected, units = seeds * share * (1 - share), len(counts)
    assert float(counts.var()) == pytest.approx(expected, rel=5 * math.sqrt(2 / units))
    assert len({tuple(one.tolist()) for one in gone}) == seeds
