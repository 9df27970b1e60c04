"""Magnitude of units beside Li et al.'s rule: the norm of the filter alone, and the order that follows from it."""

import torch

from reference_impls.pruning.remove_units import best_units, owned
from reference_impls.pruning.units import groups_of
from tests.reference_impls.paper_rules.magnitude_units import filter_norms, kept_units
from tests.reference_impls.small_models import small


def test_ours_is_the_filter_norm_and_what_the_unit_owns_besides() -> None:
    model = small("unet")
    sizes = {name: value.detach().abs() for name, value in model.named_parameters()}
    for group in groups_of(model):
        filters = torch.tensor(filter_norms(model, group))
        besides = {name: torch.zeros_like(value) for name, value in sizes.items()}
        for part in group.parts:
            weight, bias = f"{part.layer}.weight", f"{part.layer}.bias"
            if part.side == "in" or sizes[weight].dim() < 2:
                besides[weight] = sizes[weight]
            if bias in sizes:
                besides[bias] = sizes[bias]
        assert torch.allclose(owned(group, sizes), filters + owned(group, besides), rtol=1e-5)


def test_the_units_of_our_rule_are_kept_by_the_slow_one() -> None:
    model = small("dit")
    for group in groups_of(model):
        norms = filter_norms(model, group)
        assert best_units(torch.tensor(norms), 0.5, group.strata) == kept_units(norms, 0.5, group.strata)
