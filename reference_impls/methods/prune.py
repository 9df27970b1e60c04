"""Prune a model by the name of a method."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths import macs
from reference_impls.maths.masks import ALONE, Pattern, Tile, check_finite
from reference_impls.methods import (
    bk_sdm,
    diff_pruning,
    ecodiff,
    laptop_diff,
    magnitude,
    obs_diff,
    random_pruning,
    shortgpt,
    sparsedm,
    sparsegpt,
    taylor,
    tinyfusion,
    wanda,
)
from reference_impls.methods.registry import METHODS, NEEDS_NAMES, method_of
from reference_impls.near_names import nearest
from reference_impls.pruning.chosen import blocks_to_prune, groups_to_prune, layers_to_prune
from reference_impls.pruning.contract import Cost, Outcome, PruningFunction, Report, Request
from reference_impls.pruning.layers import Layer, left_dense
from reference_impls.pruning.undo import undone_on_failure
from reference_impls.testbed.calibration import from_images, from_trajectory
from reference_impls.testbed.data import Images
from reference_impls.testbed.models import Denoiser
from reference_impls.units.lookup import blocks_of, left_out_of

FUNCTIONS: Mapping[str, PruningFunction] = {
    "random": random_pruning.prune,
    "magnitude": magnitude.prune,
    "wanda": wanda.prune,
    "sparsegpt": sparsegpt.prune,
    "obs-diff": obs_diff.prune,
    "sparsedm": sparsedm.prune,
    "random-units": random_pruning.prune_units,
    "magnitude-units": magnitude.prune_units,
    "taylor": taylor.prune,
    "diff-pruning": diff_pruning.prune,
    "obs-diff-units": obs_diff.prune_units,
    "ecodiff": ecodiff.prune,
    "bk-sdm": bk_sdm.prune,
    "laptop-diff": laptop_diff.prune,
    "shortgpt": shortgpt.prune,
    "tinyfusion": tinyfusion.prune,
}
"""The function of each method of the registry, which itself imports nothing."""


def calibration_for(name: str, model: Denoiser, images: Images, *, seed: int = 0, steps: int = 150) -> Calibration:
    """The calibration data of a method, for a model of the testbed.

    Args:
        name: of the method.
        model: the dense model.
        images: training images.
        seed: fixes all random choices.
        steps: training steps of a method that trains; one a batch.

    Raises:
        ValueError: the method is unknown.
    """
    needs = method_of(name).needs
    if needs == "gradients":
        return from_images(images, batches=20, size=64, by_time=True, seed=seed)
    if needs == "training":
        return from_images(images, batches=steps, size=64, seed=seed)
    return from_trajectory(model, n=10, steps=5, seed=seed)


def prune(
    model: nn.Module,
    calibration: Calibration | None = None,
    sparsity: float | None = None,
    *,
    method: str,
    pattern: Pattern | None = None,
    scope: str | None = None,
    block: Tile | None = None,
    seed: int = 0,
    shares: Mapping[str, float] | None = None,
    keep_shortcuts: bool = False,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    recover_blocks: int = 0,
    **options: Any,  # each method has its own
) -> Report:
    """Prune a model in place, all or nothing; it stays runnable and saveable.

    If it stops, also by an interrupt, the model is restored; see ``undone_on_failure`` for what that costs.

    Args:
        model: any module with Linear or Conv2d layers for unstructured methods; one that ``units`` knows for others.
        calibration: the calibration data, see ``calibration_for``; its first sample is what MACs are counted for. A
            data-free method needs none; its MACs are not counted then.
        sparsity: fraction to prune of the weights of each prunable layer, of the units of each group, or of the
            blocks; not needed with a pattern.
        method: a name of ``registry.METHODS``.
        pattern: n:m sparsity, instead of a sparsity; unstructured methods only.
        scope: layer, row or global; the paper's own where not given.
        block: shape of blocks of weights that are pruned together, as 4x1 or 16x16.
        seed: for methods with random choices.
        shares: sparsity of single layers or groups by name, where it differs (non-uniform sparsity).
        keep_shortcuts: depth pruning of a U-Net: the shortcut convolution of a removed block stays, with the skip
            connection that it reads.
        include: globs of the layers, groups or blocks to prune, by dotted name, as ``transformer_blocks.[3-9].*``;
            ``*`` matches dots too. All where there is none; the sparsity is that of the chosen ones.
        exclude: globs of those that stay as they are.
        recover_blocks: steps in which the remaining weights of each block are trained to give the output of the dense
            block, see ``pruning.recover_block``; for Wanda, SparseGPT and OBS-Diff.
        options: what only this method takes.

    Raises:
        ValueError: the method is unknown or needs a calibration and has none, neither or both of sparsity and
            pattern are given, the model has nothing to prune, a pattern leaves a remainder in a layer's rows,
            ``shares`` names no layer or group of it, a glob matches nothing or nothing is chosen, a weight or
            activation is not finite, there are no shortcuts to keep, or ``contract.Request`` or the method refuse the
            rest.
    """
    chosen = method_of(method)
    request = request_for(
        method,
        sparsity,
        pattern,
        scope=scope,
        block=block,
        seed=seed,
        shares=shares,
        keep_shortcuts=keep_shortcuts,
        include=include,
        exclude=exclude,
        recover_blocks=recover_blocks,
    )
    if calibration is None and chosen.needs != "nothing":
        raise ValueError(f"{method} needs {NEEDS_NAMES[chosen.needs]}, and calibration is None; give a Calibration")
    for name, value in model.named_parameters():
        check_finite(name, value)
    layers = layers_to_prune(model, request) if chosen.kind == "unstructured" else {}
    if pattern is not None:
        refuse_remainder(pattern, layers)
    groups = groups_to_prune(model, request) if chosen.kind == "structured" else ()
    units = {group.name: group.units for group in groups}
    left_out = left_out_of(model) if groups else left_dense(model) if layers else {}
    blocks = [block.name for block in blocks_to_prune(model, request)] if chosen.kind == "depth" else []
    if chosen.kind == "depth" and not blocks:
        raise ValueError(f"{method} removes blocks, and this model has none")
    if keep_shortcuts:
        refuse_no_shortcuts(method, chosen.kind, model)
    refuse_unknown(request.shares, layers or units)
    before = cost(model, calibration)
    with undone_on_failure(model):
        started = time.perf_counter()
        outcome = FUNCTIONS[method](model, calibration, request, **options)
        seconds = time.perf_counter() - started
        after = cost(model, calibration)
    return Report(
        method=method,
        paper=chosen.paper,
        kind=chosen.kind,
        requested=request.sparsity,
        pattern=None if pattern is None else str(pattern),
        pattern_axis=None if pattern is None else pattern.axis,
        block=None if block is None else str(block),
        scope=request.scope,
        seed=seed,
        shares=dict(request.shares),
        achieved=achieved(outcome, units, blocks),
        difference=difference(outcome, request),
        kept=outcome.kept,
        dropped=list(outcome.dropped),
        keep_shortcuts=keep_shortcuts,
        include=list(include),
        exclude=list(exclude),
        recover_blocks=recover_blocks,
        chosen=list(layers or units or blocks),
        left_out=left_out,
        before=before,
        after=after,
        seconds=round(seconds, 3),
        options=options,
        calibration={} if calibration is None else calibration.about,
    )


def request_for(
    method: str,
    sparsity: float | None,
    pattern: Pattern | None = None,
    *,
    scope: str | None = None,
    block: Tile | None = None,
    seed: int = 0,
    shares: Mapping[str, float] | None = None,
    keep_shortcuts: bool = False,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    recover_blocks: int = 0,
) -> Request:
    """The request of a method, with the paper's own scope where none is given; arguments as of ``prune``.

    Raises:
        ValueError: the method is unknown or does not take the rest, or neither or both of sparsity and pattern are
            given.
    """
    chosen = method_of(method)
    if sparsity is not None and pattern is None:
        share, own = sparsity, chosen.scope
    elif pattern is not None and sparsity is None:
        share, own = pattern.sparsity, "layer"  # a pattern leaves no choice
    elif sparsity is None:
        raise ValueError(
            f"{method} makes n:m patterns only; give a pattern, such as 2:4"
            if chosen.pattern_only
            else "give --sparsity"
            if chosen.kind != "unstructured"
            else "give --sparsity or --pattern"
        )
    else:
        raise ValueError("give only one of --sparsity and --pattern")
    if chosen.pattern_only and pattern is None:
        raise ValueError(f"{method} makes n:m patterns only; give a pattern, such as 2:4")
    if block is not None and chosen.kind != "unstructured":
        raise ValueError(f"{method} {DOES[chosen.kind]}; --block is for unstructured methods")
    request = Request(
        share,
        pattern,
        scope or own,
        seed,
        block or ALONE,
        shares or {},
        keep_shortcuts,
        tuple(include),
        tuple(exclude),
        recover_blocks,
    )
    if recover_blocks and not chosen.by_blocks:
        names = ", ".join(name for name, other in METHODS.items() if other.by_blocks)
        raise ValueError(f"{method} does not prune block by block; --recover-blocks is for {names}")
    refuse_what_the_kind_lacks(method, chosen.kind, request)
    return request


NO_INPUT = "no calibration input"
DOES: Mapping[str, str] = {"structured": "removes heads, neurons and channels", "depth": "removes blocks"}


def refuse_no_shortcuts(method: str, kind: str, model: nn.Module) -> None:
    """Only the blocks of a U-Net have shortcut convolutions that can be kept.

    Raises:
        ValueError: the method does not remove blocks, or no block of the model has a shortcut convolution.
    """
    if kind != "depth":
        names = ", ".join(name for name, other in METHODS.items() if other.kind == "depth")
        raise ValueError(f"{method} removes no blocks; --keep-shortcuts is for {names}")
    if all(block.shortcut is None for block in blocks_of(model)):
        raise ValueError(
            f"no block of this {type(model).__name__} has a shortcut convolution; leave --keep-shortcuts out"
        )


def refuse_what_the_kind_lacks(method: str, kind: str, request: Request) -> None:
    """Units and blocks have no pattern; units are compared within their group, blocks over the whole model.

    Raises:
        ValueError: the request asks for something that the kind of method does not have.
    """
    if kind == "unstructured":
        return
    if request.pattern is not None:
        raise ValueError(f"{method} {DOES[kind]} and takes --sparsity, not --pattern")
    if kind == "structured" and request.scope != "layer":
        raise ValueError(
            f"scope {request.scope!r} is for unstructured methods; {method} compares within a group: use scope layer"
        )
    if kind == "depth" and (request.scope != "layer" or request.shares):
        raise ValueError(f"{method} compares all blocks of a model; give no scope and no sparsity of single layers")


def refuse_remainder(pattern: Pattern, layers: Mapping[str, Layer]) -> None:
    """Inputs left over at the end of a row would stay dense, so the requested sparsity would not be reached.

    The groups of a convolution lie along its input channels, at each kernel position, or along all kernel positions.

    Rows left over at the end of a layer are fine: their block is smaller.

    Raises:
        ValueError: m does not divide the width of a layer; the message names the layer, its width and what fits.
    """
    along_kernel = pattern.axis == "kernel"
    widths = {name: one.weight[0].numel() if along_kernel else one.weight.shape[1] for name, one in layers.items()}
    common = math.gcd(*widths.values())
    for name, width in widths.items():
        if width % pattern.m:
            fix = f"an m that divides {common} fits all layers" if common > 1 else "no m fits all; give a sparsity"
            raise ValueError(
                f"pattern {pattern} does not fit the {width} inputs of {name}: {pattern.m} does not "
                f"divide {width}; {fix}"
            )


def refuse_unknown(names: Iterable[str], known: Collection[str]) -> None:
    """A sparsity under a misspelt name would be ignored, and its layer pruned like all others.

    Raises:
        ValueError: a name is not known; the message names the most similar ones.
    """
    for name in names:
        if name not in known:
            near = " or ".join(nearest(name, known, 3))
            meant = f"did you mean {near}?" if near else f"names are such as {next(iter(known))}"
            raise ValueError(f"sparsity of single layers: unknown layer or group {name!r}; {meant}")


def achieved(outcome: Outcome, units: Mapping[str, int], blocks: Sequence[str]) -> dict[str, float]:
    """Sparsity of each layer, or fraction of removed units of each group, or of removed blocks of the model."""
    if blocks:
        return {"blocks": len(outcome.dropped) / len(blocks)}
    of_units = {name: 1 - len(kept) / units[name] for name, kept in outcome.kept.items()}
    return of_units | {name: 1 - float(mask.float().mean()) for name, mask in outcome.masks.items()}


def difference(outcome: Outcome, request: Request) -> float:
    """Achieved minus requested sparsity, over all weights of the pruned layers; 0 where no weights are pruned."""
    weights = sum(mask.numel() for mask in outcome.masks.values())
    pruned = sum(int((~mask).sum()) for mask in outcome.masks.values())
    requested = sum(request.share(name) * mask.numel() for name, mask in outcome.masks.items())
    return (pruned - requested) / max(weights, 1)


@torch.no_grad()
def cost(model: nn.Module, calibration: Calibration | None) -> Cost:
    """Parameters, and MACs of one forward pass for the first sample of the calibration, where there is one."""
    parameters = sum(value.numel() for value in model.parameters())
    nonzero = sum(int(value.count_nonzero()) for value in model.parameters())
    if calibration is None:
        return Cost(parameters, nonzero, None, None, (NO_INPUT,))
    sample = calibration.calls[0].first()
    dense, sparse = macs.count(model, sample.run), macs.count(model, sample.run, nonzero=True)
    return Cost(
        parameters,
        nonzero,
        dense.total(attention=True) // sample.samples,
        sparse.total(attention=True) // sample.samples,
        not_counted=dense.not_counted,
    )
