"""Magnitude of units beside Li et al.'s rule: the norm of the filter alone, and the order that follows from it."""

import copy

import pytest
import torch

from reference_impls.methods.prune import prune
from reference_impls.pruning.remove_units import best_units
from reference_impls.units.lookup import groups_of
from tests.reference_impls.paper_rules.magnitude_units import filter_norms, kept_units
from tests.reference_impls.small_models import small


@pytest.mark.parametrize("name", ["dit", "unet"])
@pytest.mark.parametrize("share", [0.3, 0.5])
def test_the_units_of_the_paper_are_kept(name: str, share: float) -> None:
    model = small(name)
    report = prune(copy.deepcopy(model), None, share, method="magnitude-units")
    for group in groups_of(model):
        assert report.kept[group.name] == kept_units(filter_norms(model, group), share, group.strata)


def test_the_units_of_our_rule_are_kept_by_the_slow_one() -> None:
    model = small("dit")
    for group in groups_of(model):
        norms = filter_norms(model, group)
        assert best_units(torch.tensor(norms), 0.5, group.strata) == kept_units(norms, 0.5, group.strata)


def test_what_reads_a_unit_and_its_biases_do_not_count() -> None:
    """Before, they did: a unit with a small filter stayed if large weights read it."""
    model = small("dit")
    with torch.no_grad():
        model.get_parameter("blocks.0.feed_forward.up.weight")[5] /= 1_000
        model.get_parameter("blocks.0.feed_forward.up.bias")[5] = 1_000
        model.get_parameter("blocks.0.feed_forward.down.weight")[:, 5] *= 1_000
    report = prune(model, None, 1 / 64, method="magnitude-units")
    assert set(range(64)) - set(report.kept["blocks.0.feed_forward"]) == {5}
