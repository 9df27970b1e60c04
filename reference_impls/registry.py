"""The methods, as plain data: nothing here imports torch, so that the site's generator can read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """One implemented method."""

    module: str
    """Where its ``prune`` stands."""
    kind: str
    """unstructured: single weights, or n of m."""
    paper: str | None
    """Slug of its entry in the catalogue; None for a baseline without a paper."""
    needs: str
    """What it looks at beside the weights."""
    scope: str
    """The scope that its paper uses."""
    summary: str
    """One sentence."""


METHODS: Mapping[str, Method] = {
    "random": Method(
        "reference_impls.methods.random_pruning", "unstructured", None, "nothing", "layer", "Weights go by lot."
    ),
    "magnitude": Method(
        "reference_impls.methods.magnitude",
        "unstructured",
        "han-2015",
        "nothing",
        "layer",
        "Small weights go.",
    ),
    "wanda": Method(
        "reference_impls.methods.wanda",
        "unstructured",
        "wanda",
        "activations",
        "row",
        "Weights go whose size times the norm of their input is small.",
    ),
    "sparsegpt": Method(
        "reference_impls.methods.sparsegpt",
        "unstructured",
        "sparsegpt",
        "activations",
        "layer",
        "Columns are pruned from left to right, and the rest makes up for what goes.",
    ),
    "obs-diff": Method(
        "reference_impls.methods.obs_diff",
        "unstructured",
        "obs-diff",
        "trajectory",
        "layer",
        "As SparseGPT, with early denoising steps counted more.",
    ),
}
