"""Prune a model by the name of a method."""

from __future__ import annotations

import time
from importlib import import_module

from torch import nn

from reference_impls.contract import Calibration, Report, Request
from reference_impls.layers import prunable
from reference_impls.maths.masks import Pattern
from reference_impls.registry import METHODS


def prune(
    model: nn.Module,
    calibration: Calibration,
    sparsity: float | None = None,
    *,
    method: str,
    pattern: Pattern | None = None,
    scope: str | None = None,
    seed: int = 0,
) -> Report:
    """Set weights of a model to zero, in place; it stays runnable and saveable.

    Args:
        model: any module with Linear or Conv2d layers.
        calibration: the calls that the method may look at.
        sparsity: share of each prunable layer that goes; not needed with a pattern.
        method: a name of ``registry.METHODS``.
        pattern: n of m kept, in place of a sparsity.
        scope: layer, row or global; the paper's own where not given.
        seed: for methods that draw lots.

    Raises:
        ValueError: the method is unknown, neither or both of sparsity and pattern are given, the model has no layer
            to prune, a weight or activation is not finite, or ``contract.Request`` refuses the rest.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r} is not one of {', '.join(METHODS)}")
    if (sparsity is None) == (pattern is None):
        raise ValueError("give either a sparsity or a pattern")
    chosen = METHODS[method]
    share = pattern.sparsity if pattern is not None else sparsity
    request = Request(share, pattern, scope or chosen.scope, seed)  # type: ignore[arg-type]  # one of them is there
    started = time.perf_counter()
    masks = import_module(chosen.module).prune(model, calibration, request)
    seconds = time.perf_counter() - started
    layers = prunable(model)
    return Report(
        method=method,
        paper=chosen.paper,
        requested=request.sparsity,
        pattern=None if pattern is None else str(pattern),
        scope=request.scope,
        seed=seed,
        achieved={name: 1 - float(masks[name].float().mean()) for name in layers},
        parameters=sum(value.numel() for value in model.parameters()),
        nonzero=sum(int(value.count_nonzero()) for value in model.parameters()),
        seconds=round(seconds, 3),
    )
