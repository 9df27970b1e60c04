"""The methods, as plain data: nothing here imports torch, so that the site's generator can read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["unstructured", "structured", "depth"]
Features = Literal["none", "plain", "normalised"]
"""What a recovering model's blocks are held to, beside the teacher's output; see ``recover``."""


@dataclass(frozen=True)
class Method:
    """One implemented method."""

    file: str
    """Module of this folder that holds its function; ``prune.FUNCTIONS`` names the function."""
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
        file="random_pruning",
        kind="unstructured",
        paper=None,
        needs="nothing",
        summary="Weights go by lot.",
        formula=r"S \sim U(0, 1)",
    ),
    "magnitude": Method(
        file="magnitude",
        kind="unstructured",
        paper="han-2015",
        needs="nothing",
        summary="Small weights go.",
        formula=r"S_{ij} = |W_{ij}|",
    ),
    "wanda": Method(
        file="wanda",
        kind="unstructured",
        paper="wanda",
        needs="activations",
        summary="Weights go whose size times the norm of their input is small.",
        formula=r"S_{ij} = |W_{ij}| \cdot \lVert X_j \rVert_2",
        scope="row",
    ),
    "sparsegpt": Method(
        file="sparsegpt",
        kind="unstructured",
        paper="sparsegpt",
        needs="activations",
        summary="Columns are pruned from left to right, and the rest makes up for what goes.",
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
        summary="As SparseGPT, with early denoising steps counted more.",
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
        summary="The mask follows the weights while they train, and pruned weights are pulled to zero.",
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
        summary="Heads, neurons and channels go by lot.",
        formula=r"S_u \sim U(0, 1)",
    ),
    "magnitude-units": Method(
        file="magnitude",
        kind="structured",
        paper="l1-filters",
        needs="nothing",
        summary="Heads, neurons and channels with small weights go.",
        formula=r"S_u = \sum_{w \in u} |w|",
    ),
    "taylor": Method(
        file="taylor",
        kind="structured",
        paper="taylor-2019",
        needs="gradients",
        summary="Units go whose weights times gradients are small, over all timesteps.",
        formula=r"S_u = \sum_t \sum_{w \in u} \left( w \, \frac{\partial L_t}{\partial w} \right)^2",
    ),
    "diff-pruning": Method(
        file="diff_pruning",
        kind="structured",
        paper="diff-pruning",
        needs="gradients",
        summary="As Taylor, over the timesteps whose loss is not negligible.",
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
        summary="Units go whose columns the others can best make up for.",
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
        summary="Gates on heads and neurons are learned to keep the output while as many as possible close.",
        formula=(
            r"\min_{\log \alpha} \; \mathbb{E} \, \lVert z(g_\alpha) - z \rVert^2 + \beta \sum_u "
            r"P(g_{\alpha_u} > 0)"
        ),
    ),
    "bk-sdm": Method(
        file="bk_sdm",
        kind="depth",
        paper="bk-sdm",
        needs="nothing",
        summary="A fixed rule names the blocks; distillation mends the rest.",
        formula=r"L = \lVert v - v^{*} \rVert^2 + \lVert v - v_T \rVert^2 + \sum_i \lVert f_i - f_i^T \rVert^2",
        features="plain",
    ),
    "laptop-diff": Method(
        file="laptop_diff",
        kind="depth",
        paper="laptop-diff",
        needs="trajectory",
        summary="The set of blocks goes whose losses at the output, measured one by one, sum to least.",
        formula=r"\min_{R} \sum_{i \in R} \mathbb{E} \, \lVert v - v_{-i} \rVert^2, \; \sum_{i \in R} n_i \geq s N",
        features="normalised",
    ),
    "shortgpt": Method(
        file="shortgpt",
        kind="depth",
        paper="shortgpt",
        needs="trajectory",
        summary="Blocks go whose output points where their input did.",
        formula=r"S_i = 1 - \mathbb{E} \, \cos(x_i, x_{i+1})",
    ),
    "tinyfusion": Method(
        file="tinyfusion",
        kind="depth",
        paper="tinyfusion",
        needs="training",
        summary="Which blocks stay is learned together with the update that would mend the rest.",
        formula=r"\min_{p, \Delta} \; \mathbb{E}_{m \sim p} \, L(x, m, \Phi + \Delta)",
    ),
}


def method_of(name: str) -> Method:
    """A method of the registry.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in METHODS:
        raise ValueError(f"method {name!r} is not one of {', '.join(METHODS)}")
    return METHODS[name]


def parse_features(text: str) -> Features:
    """What a person named.

    Raises:
        ValueError: it is none of ``Features``.
    """
    names: tuple[Features, ...] = get_args(Features)
    for name in names:
        if name == text:
            return name
    raise ValueError(f"features {text!r} is not one of {', '.join(names)}")
