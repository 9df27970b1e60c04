"""The step that structured methods share: a score for each unit -> the lowest are removed, in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from reference_impls.maths.masks import check_finite, pruned_count
from reference_impls.maths.surgery import Group, remove
from reference_impls.pruning.contract import Outcome, Request


def best_units(scores: torch.Tensor, share: float, strata: int = 1) -> list[int]:
    """The units to keep, rising: of each stratum as many, and at least one; of equal scores the earlier.

    Raises:
        ValueError: a score is not finite, or the sparsity is not in [0, 1].
    """
    units = check_finite("scores", scores).view(strata, -1)  # (strata, units of each)
    size = units.shape[1]
    keep = max(1, size - pruned_count(size, share))
    best = units.argsort(dim=1, descending=True, stable=True)[:, :keep]  # (strata, keep)
    return sorted((best + torch.arange(strata)[:, None] * size).flatten().tolist())


def remove_lowest(
    model: nn.Module, groups: Sequence[Group], scores: Mapping[str, torch.Tensor], request: Request
) -> Outcome:
    """Remove the units with the lowest scores from each group.

    Args:
        model: changed in place.
        groups: its groups.
        scores: (units,) of each group, by its name.
        request: sparsity, or those of single groups.

    Raises:
        ValueError: a score is not finite; the group is named, and nothing is changed.
    """
    for group in groups:
        check_finite(f"scores of {group.name}", scores[group.name])
    kept = {group.name: best_units(scores[group.name], request.share(group.name), group.strata) for group in groups}
    remove(model, *((group, kept[group.name]) for group in groups))
    return Outcome(kept=kept)


def owned(group: Group, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Sum, for each unit, of the values at the weights that it owns: (units,).

    Args:
        group: its units.
        values: shaped as each weight of the group's layers, by "layer.weight" or "layer.bias".
    """
    total = torch.zeros(group.units, dtype=torch.float64)
    for part in group.parts:
        weight = values[f"{part.layer}.weight"].double()
        by_line = (
            (weight if part.side == "out" else weight.transpose(0, 1)).flatten(1).sum(1) if weight.dim() > 1 else weight
        )
        bias = values.get(f"{part.layer}.bias")
        if part.side == "out" and bias is not None:
            by_line = by_line + bias.double()
        total += by_line[part.index].sum(1)  # (units, size) -> (units,)
    return total
