"""The methods, as plain data: nothing here imports torch, so that the site's generator can read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["unstructured", "structured", "depth"]
Features = Literal["none", "plain", "normalised"]
"""What a recovering model's blocks are held to, beside the teacher's output; see ``recover``."""


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
    formula: str
    """The score or the objective, in LaTeX, for the method's page."""
    scope: Literal["layer", "row"] = "layer"
    """The scope that its paper uses."""
    pattern_only: bool = False
    """It makes n:m patterns and nothing else."""
    features: Features = "none"
    """How its paper lets the pruned model recover."""


METHODS: Mapping[str, Method] = {
    "random": Method(
        "reference_impls.methods.random_pruning:prune",
        "unstructured",
        None,
        "nothing",
        "Weights go by lot.",
        r"S \sim U(0, 1)",
    ),
    "magnitude": Method(
        "reference_impls.methods.magnitude:prune",
        "unstructured",
        "han-2015",
        "nothing",
        "Small weights go.",
        r"S_{ij} = |W_{ij}|",
    ),
    "wanda": Method(
        "reference_impls.methods.wanda:prune",
        "unstructured",
        "wanda",
        "activations",
        "Weights go whose size times the norm of their input is small.",
        r"S_{ij} = |W_{ij}| \cdot \lVert X_j \rVert_2",
        scope="row",
    ),
    "sparsegpt": Method(
        "reference_impls.methods.sparsegpt:prune",
        "unstructured",
        "sparsegpt",
        "activations",
        "Columns are pruned from left to right, and the rest makes up for what goes.",
        r"S_{ij} = \frac{W_{ij}^2}{U_{jj}^2}, \quad U^\top U = (H + \lambda I)^{-1}, \quad H = \frac{1}{n} X^\top X, "
        r"\quad \lambda = \frac{1}{100} \cdot \frac{\mathrm{tr} \, H}{d}",
    ),
    "obs-diff": Method(
        "reference_impls.methods.obs_diff:prune",
        "unstructured",
        "obs-diff",
        "trajectory",
        "As SparseGPT, with early denoising steps counted more.",
        r"\begin{array}{l} S_{ij} = \frac{W_{ij}^2}{U_{jj}^2}, \quad U^\top U = (H + \lambda I)^{-1}, "
        r"\quad \lambda = \frac{1}{100} \cdot \frac{\mathrm{tr} \, H}{d} \\ "
        r"H = \frac{1}{n} \sum_t \alpha_t X_t^\top X_t, "
        r"\quad \alpha_t = 0.8 + 0.4 \, \frac{\ln (T - t + 1)}{\ln T} \end{array}",
    ),
    "sparsedm": Method(
        "reference_impls.methods.sparsedm:prune",
        "unstructured",
        "sparsedm",
        "training",
        "The mask follows the weights while they train, and pruned weights are pulled to zero.",
        r"\frac{\partial L}{\partial W} \leftarrow \frac{\partial L}{\partial (W \odot M)} + \lambda (1 - M) \odot W",
        pattern_only=True,
    ),
    "random-units": Method(
        "reference_impls.methods.random_pruning:prune_units",
        "structured",
        None,
        "nothing",
        "Heads, neurons and channels go by lot.",
        r"S_u \sim U(0, 1)",
    ),
    "magnitude-units": Method(
        "reference_impls.methods.magnitude:prune_units",
        "structured",
        "l1-filters",
        "nothing",
        "Heads, neurons and channels with small weights go.",
        r"S_u = \sum_{w \in u} |w|",
    ),
    "taylor": Method(
        "reference_impls.methods.taylor:prune",
        "structured",
        "taylor-2019",
        "gradients",
        "Units go whose weights times gradients are small, over all timesteps.",
        r"S_u = \sum_t \sum_{w \in u} \left( w \, \frac{\partial L_t}{\partial w} \right)^2",
    ),
    "diff-pruning": Method(
        "reference_impls.methods.diff_pruning:prune",
        "structured",
        "diff-pruning",
        "gradients",
        "As Taylor, over the timesteps whose loss is not negligible.",
        r"S_u = \sum_{t :\, L_t \geq T \max L} \; \sum_{w \in u} \left( w \, \frac{\partial L_t}{\partial w} \right)^2",
    ),
    "obs-diff-units": Method(
        "reference_impls.methods.obs_diff:prune_units",
        "structured",
        "obs-diff",
        "trajectory",
        "Units go whose columns the others can best make up for.",
        r"\begin{array}{l} S_u = \sum_{j \in u} \sum_i \frac{W_{ij}^2}{[(H + \lambda I)^{-1}]_{jj}} "
        r"\quad (\text{heads: } H_{uu} \text{ for } H) \\ \lambda = \frac{1}{100} \cdot \frac{\mathrm{tr} \, H}{d}, "
        r"\quad H = \frac{1}{n} \sum_t \alpha_t X_t^\top X_t, "
        r"\quad \alpha_t = 0.8 + 0.4 \, \frac{\ln (T - t + 1)}{\ln T} \end{array}",
    ),
    "ecodiff": Method(
        "reference_impls.methods.ecodiff:prune",
        "structured",
        "ecodiff",
        "training",
        "Gates on heads and neurons are learned to keep the output while as many as possible close.",
        r"\min_{\log \alpha} \; \mathbb{E} \, \lVert z(g_\alpha) - z \rVert^2 + \beta \sum_u P(g_{\alpha_u} > 0)",
    ),
    "bk-sdm": Method(
        "reference_impls.methods.bk_sdm:prune",
        "depth",
        "bk-sdm",
        "nothing",
        "A fixed rule names the blocks; distillation mends the rest.",
        r"L = \lVert v - v^{*} \rVert^2 + \lVert v - v_T \rVert^2 + \sum_i \lVert f_i - f_i^T \rVert^2",
        features="plain",
    ),
    "laptop-diff": Method(
        "reference_impls.methods.laptop_diff:prune",
        "depth",
        "laptop-diff",
        "trajectory",
        "The set of blocks goes whose losses at the output, measured one by one, sum to least.",
        r"\min_{R} \sum_{i \in R} \mathbb{E} \, \lVert v - v_{-i} \rVert^2, \; \sum_{i \in R} n_i \geq s N",
        features="normalised",
    ),
    "shortgpt": Method(
        "reference_impls.methods.shortgpt:prune",
        "depth",
        "shortgpt",
        "trajectory",
        "Blocks go whose output points where their input did.",
        r"S_i = 1 - \mathbb{E} \, \cos(x_i, x_{i+1})",
    ),
    "tinyfusion": Method(
        "reference_impls.methods.tinyfusion:prune",
        "depth",
        "tinyfusion",
        "training",
        "Which blocks stay is learned together with the update that would mend the rest.",
        r"\min_{p, \Delta} \; \mathbb{E}_{m \sim p} \, L(x, m, \Phi + \Delta)",
    ),
}
