"""What a request lets a method prune: the layers, groups and blocks of a model that its globs choose.

Every method asks here, so that `--include` and `--exclude` hold for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase

from torch import nn

from reference_impls.maths.surgery import Block, Group
from reference_impls.near_names import nearest
from reference_impls.pruning.contract import Request
from reference_impls.pruning.layers import Layer, prunable
from reference_impls.units.lookup import blocks_of, groups_of


def layers_to_prune(model: nn.Module, request: Request) -> dict[str, Layer]:
    """The layers that an unstructured method prunes, by name, in model order.

    Raises:
        ValueError: the model has none, a glob matches none, or none is chosen.
    """
    layers = prunable(model)
    chosen = names_chosen(layers, request, "layer")
    return {name: layer for name, layer in layers.items() if name in chosen}


def groups_to_prune(model: nn.Module, request: Request) -> tuple[Group, ...]:
    """The groups that a structured method takes units from, in model order.

    Raises:
        ValueError: the groups of the model are not known, a glob matches none, or none is chosen.
    """
    groups = groups_of(model)
    chosen = names_chosen([group.name for group in groups], request, "group")
    return tuple(group for group in groups if group.name in chosen)


def blocks_to_prune(model: nn.Module, request: Request) -> tuple[Block, ...]:
    """The blocks that a depth method can remove, in the order in which they run.

    Raises:
        ValueError: the blocks of the model are not known, a glob matches none, or none is chosen.
    """
    blocks = blocks_of(model)
    chosen = names_chosen([block.name for block in blocks], request, "block")
    return tuple(block for block in blocks if block.name in chosen)


def names_chosen(names: Collection[str], request: Request, what: str) -> set[str]:
    """The names that an include glob matches, if there is any, and no exclude glob does.

    Args:
        names: dotted names of all layers, groups or blocks; ``*`` matches dots too.
        request: its globs.
        what: the names are of, for messages: layer, group or block.

    Raises:
        ValueError: a glob matches no name, or no name is left.
    """
    for option, globs in (("--include", request.include), ("--exclude", request.exclude)):
        for glob in globs:
            if not _any_of([glob], names):
                raise ValueError(f"{option} {glob!r} matches no {what}; {_meant(glob, names)}")
    chosen = {
        name
        for name in names
        if (not request.include or _any_of(request.include, [name])) and not _any_of(request.exclude, [name])
    }
    if names and not chosen:
        raise ValueError(f"--include and --exclude choose none of the {len(names)} {what}s; exclude fewer")
    return chosen


def _any_of(globs: Sequence[str], names: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) for name in names for glob in globs)


def _meant(glob: str, names: Collection[str]) -> str:
    below = f"{glob}.*"
    if _any_of([below], names):
        return f"did you mean {below}?"
    near = " or ".join(nearest(glob.rstrip("*."), names, 3))
    return f"did you mean {near}?" if near else f"names are such as {next(iter(names), 'none')}"
