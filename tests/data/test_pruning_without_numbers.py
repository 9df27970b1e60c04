"""The papers on pruning without a reported result, each with the reason why it has none."""

from __future__ import annotations

from generator.entries.model import Catalogue

NO_COST = "its aim is not a lower cost: erasing, memorisation, backdoors, quality or theory"
NOT_READ = "its abstract states no number, and its tables could not be read"
NO_METRIC = "the metrics of the taxonomy do not hold what its abstract states"

WITHOUT = {
    **dict.fromkeys(
        (
            "cones",
            "cr-diff",
            "diff-cleanse",
            "erasesae",
            "fb-mem",
            "finding-dori",
            "memorization-separations",
            "memorized-subspace",
            "minimalist-concept-erasure",
            "orthoeraser",
            "robust-concept-pruning",
            "roots-beneath-the-cut",
            "sae-erasing",
            "semantic-bottleneck",
            "single-neuron-erasure",
            "uniforget",
            "unlearn-ft-pruned",
        ),
        NO_COST,
    ),
    **dict.fromkeys(
        (
            "diff-es",
            "diffpruning-medm",
            "fastflux",
            "importance-aware-obs",
            "lightdp",
            "mosaicdiff",
            "ofa-diffusion",
            "pare",
            "pgp-diffsr",
            "sparse-to-sparse-dm",
        ),
        NOT_READ,
    ),
    **dict.fromkeys(
        ("nici-pruning",),
        NO_METRIC,
    ),
}


def test_every_paper_on_pruning_has_a_number_or_a_reason(shipped: Catalogue) -> None:
    found = {
        slug for slug, filed in shipped.papers.items() if filed.entry.family == "pruning" and not filed.entry.results
    }
    assert found == set(WITHOUT)
