"""Pruning methods for diffusion models: short, readable, runnable, measured on one testbed.

Four names are the interface in Python: ``record`` runs a pipeline and keeps what its denoiser receives, ``prune``
prunes a model in place, ``load`` opens a folder, ``sparsify`` replaces pruned layers by sparse kernels. They are
imported when they are first used, so that what needs no torch does not load it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reference_impls.calls.record import record
    from reference_impls.kernels.modules import sparsify
    from reference_impls.methods.prune import prune
    from reference_impls.models.load import load

__all__ = ["load", "prune", "record", "sparsify"]

PLACES = {
    "load": "reference_impls.models.load",
    "prune": "reference_impls.methods.prune",
    "record": "reference_impls.calls.record",
    "sparsify": "reference_impls.kernels.modules",
}


def __getattr__(name: str) -> Any:
    if name in PLACES:
        return getattr(import_module(PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
