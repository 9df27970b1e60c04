"""The methods, as plain data: nothing here imports torch, so that the site's generator can read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from reference_impls.near_names import unknown

Kind = Literal["unstructured", "structured", "depth"]
KIND_NAMES: Mapping[Kind, str] = {
    "unstructured": "Unstructured pruning",
    "structured": "Structured pruning",
    "depth": "Depth pruning",
}
"""Names of the groups of methods, in the order in which they are listed."""
Needs = Literal["nothing", "activations", "trajectory", "gradients", "training"]
NEEDS_NAMES: Mapping[Needs, str] = {
    "nothing": "data-free",
    "activations": "calibration activations",
    "trajectory": "calibration along sampling trajectories",
    "gradients": "gradients",
    "training": "training",
}
"""Names of the data requirements, from the smallest to the largest."""
Features = Literal["none", "plain", "normalised"]
"""Features of the teacher that a recovering model is trained to match, besides the output; see ``recover``."""


@dataclass(frozen=True)
class Method:
    """One implemented method."""

    file: str
    """Module of this folder that holds its function; ``prune.FUNCTIONS`` names the function."""
    kind: Kind
    """unstructured: weights, also n:m; structured: heads, neurons, channels; depth: blocks."""
    paper: str | None
    """Slug of its entry in the catalogue; None for a baseline without a paper."""
    needs: Needs
    """Its data requirement: nothing but the weights, inputs of layers, forward passes along a sampling trajectory,
    gradients at rising timesteps, or batches to train on."""
    summary: str
    """One sentence: the criterion, in the field's terms."""
    formula: str
    """The score or the objective, in LaTeX, for the method's page."""
    scope: Literal["layer", "row"] = "layer"
    """The scope that its paper uses."""
    pattern_only: bool = False
    """It makes n:m patterns and nothing else."""
    features: Features = "none"
    """Features that its paper distils when the pruned model recovers."""

    @property
    def needs_targets(self) -> bool:
        """Whether it takes gradients of a loss, so that what the model should predict must be known."""
        return self.needs in ("gradients", "training")

    @property
    def by_blocks(self) -> bool:
        """Whether it prunes one block after another from the inputs that each receives; see ``pruning.blockwise``."""
        return self.kind == "unstructured" and self.needs in ("activations", "trajectory")


METHODS: Mapping[str, Method] = {
    "random": Method(
        file="random_pruning",
        kind="unstructured",
        paper=None,
        needs="nothing",
        summary="Random pruning: zeroes weights chosen uniformly at random (baseline).",
        formula=r"S \sim U(0, 1)",
    ),
    "magnitude": Method(
        file="magnitude",
        kind="unstructured",
        paper="han-2015",
        needs="nothing",
        summary="Magnitude pruning: zeroes the weights with the smallest absolute value.",
        formula=r"S_{ij} = |W_{ij}|",
    ),
    "wanda": Method(
        file="wanda",
        kind="unstructured",
        paper="wanda",
        needs="activations",
        summary="Zeroes the weights with the lowest |weight| × input norm, within each output row.",
        formula=r"S_{ij} = |W_{ij}| \cdot \lVert X_j \rVert_2",
        scope="row",
    ),
    "sparsegpt": Method(
        file="sparsegpt",
        kind="unstructured",
        paper="sparsegpt",
        needs="activations",
        summary=(
            "Prunes column by column and updates the weights to the right to minimise the layer-wise reconstruction "
            "error."
        ),
        formula=(
            r"S_{ij} = \frac{W_{ij}^2}{U_{jj}^2}, \quad U^\top U = (H + \lambda I)^{-1}, \quad H = "
            r"\frac{1}{n} X^\top X, "
            r"\quad \lambda = \frac{1}{100} \cdot \frac{\mathrm{tr} \, H}{d}"
        ),
    ),
    "obs-diff": Method(
        file="obs_diff",
        kind="unstructured",
        paper="obs-diff",
        needs="trajectory",
        summary="SparseGPT with a Hessian that weights early denoising steps more.",
        formula=(
            r"\begin{array}{l} S_{ij} = \frac{W_{ij}^2}{U_{jj}^2}, \quad U^\top U = (H + \lambda I)^{-1}, "
            r"\quad \lambda = \frac{1}{100} \cdot \frac{\mathrm{tr} \, H}{d} \\ "
            r"H = \frac{1}{n} \sum_t \alpha_t X_t^\top X_t, "
            r"\quad \alpha_t = 0.8 + 0.4 \, \frac{\ln (T - t + 1)}{\ln T} \end{array}"
        ),
    ),
    "sparsedm": Method(
        file="sparsedm",
        kind="unstructured",
        paper="sparsedm",
        needs="training",
        summary=(
            "Trains under an N:M mask that is recomputed by magnitude in every step, and decays pruned weights towards "
            "zero."
        ),
        formula=(
            r"\frac{\partial L}{\partial W} \leftarrow \frac{\partial L}{\partial (W \odot M)} + \lambda (1 "
            r"- M) \odot W"
        ),
        pattern_only=True,
    ),
    "random-units": Method(
        file="random_pruning",
        kind="structured",
        paper=None,
        needs="nothing",
        summary="Random structured pruning: removes heads, neurons and channels at random (baseline).",
        formula=r"S_u \sim U(0, 1)",
    ),
    "magnitude-units": Method(
        file="magnitude",
        kind="structured",
        paper="l1-filters",
        needs="nothing",
        summary="Removes the heads, neurons and channels with the smallest L1 norm of their filters.",
        formula=r"S_u = \sum_{w \in F_u} |w|",
    ),
    "taylor": Method(
        file="taylor",
        kind="structured",
        paper="taylor-2019",
        needs="gradients",
        summary=(
            "Removes the heads, neurons and channels with the lowest first-order Taylor importance, the squares of "
            "weight × gradient summed over all timesteps."
        ),
        formula=r"S_u = \sum_t \sum_{w \in u} \left( w \, \frac{\partial L_t}{\partial w} \right)^2",
    ),
    "diff-pruning": Method(
        file="diff_pruning",
        kind="structured",
        paper="diff-pruning",
        needs="gradients",
        summary=(
            "Taylor importance, summed only over the timesteps whose loss is not negligible (at least 5% of the "
            "largest)."
        ),
        formula=(
            r"S_u = \sum_{t :\, L_t \geq T \max L} \; \sum_{w \in u} \left( w \, \frac{\partial "
            r"L_t}{\partial w} \right)^2"
        ),
    ),
    "obs-diff-units": Method(
        file="obs_diff",
        kind="structured",
        paper="obs-diff",
        needs="trajectory",
        summary=(
            "Removes the heads, neurons and channels with the lowest OBS error and updates the remaining weights to "
            "minimise the layer-wise reconstruction error."
        ),
        formula=(
            r"\begin{array}{l} S_u = \sum_{j \in u} \sum_i \frac{W_{ij}^2}{[(H + \lambda I)^{-1}]_{jj}} "
            r"\quad (\text{heads: } H_{uu} \text{ for } H) \\ \lambda = \frac{1}{100} \cdot "
            r"\frac{\mathrm{tr} \, H}{d}, "
            r"\quad H = \frac{1}{n} \sum_t \alpha_t X_t^\top X_t, "
            r"\quad \alpha_t = 0.8 + 0.4 \, \frac{\ln (T - t + 1)}{\ln T} \end{array}"
        ),
    ),
    "ecodiff": Method(
        file="ecodiff",
        kind="structured",
        paper="ecodiff",
        needs="training",
        summary=(
            "Learns gates on heads, neurons and channels that preserve the sampled image under a sparsity penalty, and "
            "removes the units whose gates are closed the most."
        ),
        formula=(
            r"\min_{\log \alpha} \; \mathbb{E} \, \lVert z(g_\alpha) - z \rVert^2 + \beta \sum_k "
            r"\overline{\sigma(a \log \alpha_k + b)}"
        ),
    ),
    "bk-sdm": Method(
        file="bk_sdm",
        kind="depth",
        paper="bk-sdm",
        needs="nothing",
        summary="Removes blocks in a fixed order, without data; the paper then recovers the model by distillation.",
        formula=r"L = \lVert v - v^{*} \rVert^2 + \lVert v - v_T \rVert^2 + \sum_i \lVert f_i - f_i^T \rVert^2",
        features="plain",
    ),
    "laptop-diff": Method(
        file="laptop_diff",
        kind="depth",
        paper="laptop-diff",
        needs="trajectory",
        summary=(
            "Removes the set of blocks with the smallest sum of single-block output errors (a knapsack over their "
            "parameters)."
        ),
        formula=r"\min_{R} \sum_{i \in R} \mathbb{E} \, \lVert v - v_{-i} \rVert^2, \; \sum_{i \in R} n_i \geq s N",
        features="normalised",
    ),
    "shortgpt": Method(
        file="shortgpt",
        kind="depth",
        paper="shortgpt",
        needs="trajectory",
        summary="Removes the blocks whose output is most similar to their input (cosine similarity).",
        formula=r"S_i = 1 - \mathbb{E} \, \cos(x_i, x_{i+1})",
    ),
    "tinyfusion": Method(
        file="tinyfusion",
        kind="depth",
        paper="tinyfusion",
        needs="training",
        summary="Learns which blocks to keep, jointly with a low-rank update that simulates fine-tuning.",
        formula=r"\min_{p, \Delta} \; \mathbb{E}_{m \sim p} \, L(x, m, \Phi + \Delta)",
    ),
}


def method_of(name: str) -> Method:
    """A method of the registry.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in METHODS:
        raise ValueError(unknown("method", name, METHODS, "python -m reference_impls list"))
    return METHODS[name]


def parse_features(text: str) -> Features:
    """The features that a text names.

    Raises:
        ValueError: it names none of ``Features``.
    """
    names: tuple[Features, ...] = get_args(Features)
    for name in names:
        if name == text:
            return name
    raise ValueError(unknown("features", text, names))
