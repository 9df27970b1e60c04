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
    units = check_finite("scores", scores).cpu().view(strata, -1)  # (strata, units of each)
    size = units.shape[1]
    keep = max(1, size - pruned_count(size, share))
    best = units.argsort(dim=1, descending=True, stable=True)[:, :keep]  # (strata, keep)
    return sorted((best + torch.arange(strata)[:, None] * size).flatten().tolist())


def best_of_groups(groups: Sequence[Group], scores: Mapping[str, torch.Tensor], share: float) -> dict[str, list[int]]:
    """The units to keep of each group, rising, if all groups are ranked together.

    The best unit of each group stays. Norm groups keep as many units each: the n-th best units of all strata of a group
    are kept or removed together, by their mean score. The number of kept units is the nearest that this allows.
    """
    ranked, places = {}, []
    for number, group in enumerate(groups):
        strata = scores[group.name].cpu().view(group.strata, -1)  # (strata, units of each)
        order = strata.argsort(dim=1, descending=True, stable=True)
        ranked[group.name] = order + torch.arange(group.strata)[:, None] * strata.shape[1]
        means = strata.gather(1, order).mean(0).tolist()
        places += [(place > 0, -mean, number, group) for place, mean in enumerate(means)]
    total = sum(group.units for group in groups)
    room = total - pruned_count(total, share)
    taken = dict.fromkeys(ranked, 0)
    for later, _, _, group in sorted(places, key=lambda place: place[:3]):
        if not later or group.strata <= 2 * room:  # one more brings the number nearer
            taken[group.name] += 1
            room -= group.strata
    return {name: sorted(order[:, : taken[name]].flatten().tolist()) for name, order in ranked.items()}


def remove_lowest(
    model: nn.Module,
    groups: Sequence[Group],
    scores: Mapping[str, torch.Tensor],
    request: Request,
    *,
    over_groups: bool = False,
) -> Outcome:
    """Remove the units with the lowest scores.

    Args:
        model: changed in place.
        groups: its groups.
        scores: (units,) of each group, by its name.
        request: sparsity, or those of single groups.
        over_groups: rank the units of one kind over all groups, so that the kind has the requested sparsity and its
            groups differ; a group whose own sparsity is requested is ranked by itself. Otherwise each group has the
            requested sparsity.

    Raises:
        ValueError: a score is not finite; the group is named, and nothing is changed.
    """
    for group in groups:
        check_finite(f"scores of {group.name}", scores[group.name])
    alone = [group for group in groups if not over_groups or group.name in request.shares]
    kept = {group.name: best_units(scores[group.name], request.share(group.name), group.strata) for group in alone}
    for kind in dict.fromkeys(group.kind for group in groups):
        together = [group for group in groups if group.kind == kind and group.name not in kept]
        kept |= best_of_groups(together, scores, request.sparsity)
    kept = {group.name: kept[group.name] for group in groups}
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
        total += by_line[part.index].sum(1).cpu()  # (units, size) -> (units,)
    return total
