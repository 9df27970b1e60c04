"""The methods, as plain data: nothing here imports torch, so that the site's generator can read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["unstructured", "structured", "depth"]


@dataclass(frozen=True)
class Method:
    """One implemented method."""

    run: str
    """Where its function stands: module:function."""
    kind: Kind
    """unstructured: single weights, or n of m; structured: heads, neurons, channels; depth: blocks."""
    paper: str | None
    """Slug of its entry in the catalogue; None for a baseline without a paper."""
    needs: Literal["nothing", "activations", "trajectory", "gradients", "training"]
    """What it looks at beside the weights: inputs of layers, the calls of a sampler, gradients at rising times, or
    batches to train on."""
    summary: str
    """One sentence."""
    scope: Literal["layer", "row"] = "layer"
    """The scope that its paper uses."""
    pattern_only: bool = False
    """It makes n:m patterns and nothing else."""


METHODS: Mapping[str, Method] = {
    "random": Method(
        "reference_impls.methods.random_pruning:prune", "unstructured", None, "nothing", "Weights go by lot."
    ),
    "magnitude": Method(
        "reference_impls.methods.magnitude:prune", "unstructured", "han-2015", "nothing", "Small weights go."
    ),
    "wanda": Method(
        "reference_impls.methods.wanda:prune",
        "unstructured",
        "wanda",
        "activations",
        "Weights go whose size times the norm of their input is small.",
        scope="row",
    ),
    "sparsegpt": Method(
        "reference_impls.methods.sparsegpt:prune",
        "unstructured",
        "sparsegpt",
        "activations",
        "Columns are pruned from left to right, and the rest makes up for what goes.",
    ),
    "obs-diff": Method(
        "reference_impls.methods.obs_diff:prune",
        "unstructured",
        "obs-diff",
        "trajectory",
        "As SparseGPT, with early denoising steps counted more.",
    ),
    "sparsedm": Method(
        "reference_impls.methods.sparsedm:prune",
        "unstructured",
        "sparsedm",
        "training",
        "The mask follows the weights while they train, and pruned weights are pulled to zero.",
        pattern_only=True,
    ),
    "random-units": Method(
        "reference_impls.methods.random_pruning:prune_units",
        "structured",
        None,
        "nothing",
        "Heads, neurons and channels go by lot.",
    ),
    "magnitude-units": Method(
        "reference_impls.methods.magnitude:prune_units",
        "structured",
        "l1-filters",
        "nothing",
        "Heads, neurons and channels with small weights go.",
    ),
    "taylor": Method(
        "reference_impls.methods.taylor:prune",
        "structured",
        "taylor-2019",
        "gradients",
        "Units go whose weights times gradients are small, over all timesteps.",
    ),
    "diff-pruning": Method(
        "reference_impls.methods.diff_pruning:prune",
        "structured",
        "diff-pruning",
        "gradients",
        "As Taylor, over the timesteps whose loss is not negligible.",
    ),
    "obs-diff-units": Method(
        "reference_impls.methods.obs_diff:prune_units",
        "structured",
        "obs-diff",
        "trajectory",
        "Units go whose columns the others can best make up for.",
    ),
    "ecodiff": Method(
        "reference_impls.methods.ecodiff:prune",
        "structured",
        "ecodiff",
        "training",
        "Gates on heads and neurons are learned to keep the output while as many as possible close.",
    ),
    "bk-sdm": Method(
        "reference_impls.methods.bk_sdm:prune",
        "depth",
        "bk-sdm",
        "nothing",
        "A fixed rule names the blocks; distillation mends the rest.",
    ),
    "laptop-diff": Method(
        "reference_impls.methods.laptop_diff:prune",
        "depth",
        "laptop-diff",
        "trajectory",
        "The set of blocks goes whose losses at the output, measured one by one, sum to least.",
    ),
    "shortgpt": Method(
        "reference_impls.methods.shortgpt:prune",
        "depth",
        "shortgpt",
        "trajectory",
        "Blocks go whose output points where their input did.",
    ),
    "tinyfusion": Method(
        "reference_impls.methods.tinyfusion:prune",
        "depth",
        "tinyfusion",
        "training",
        "Which blocks stay is learned together with the update that would mend the rest.",
    ),
}
