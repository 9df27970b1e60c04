"""How well the shipped facts are founded: what was compared with the papers, and which numbers are second hand."""

from __future__ import annotations

from generator.entries.model import Catalogue
from generator.views.configurations import configurations
from reference_impls.methods.registry import METHODS

SECONDARY_PAPERS = 60
"""No more papers than these rest on lists and repositories alone."""
SECONDARY_RESULTS = 0.10
"""No larger fraction of the configurations was read in a secondary source."""

NO_ABSTRACT = {"survey-efficient-dlm"}
"""The abstract is on a server of preprints only; the entry says no more than its repository."""


def test_the_centre_of_the_catalogue_was_compared_with_its_papers(shipped: Catalogue) -> None:
    run_here = {method.paper for method in METHODS.values()}
    for slug, filed in shipped.papers.items():
        if (filed.entry.family in ("pruning", "surveys") or slug in run_here) and slug not in NO_ABSTRACT:
            assert filed.entry.checked in ("paper", "abstract"), slug


def test_few_papers_rest_on_secondary_sources(shipped: Catalogue) -> None:
    assert sum(filed.entry.checked == "secondary" for filed in shipped.papers.values()) <= SECONDARY_PAPERS


def test_few_numbers_come_from_secondary_sources(shipped: Catalogue) -> None:
    rows = list(configurations(shipped.papers))
    assert sum(row.trust == "secondary" for row in rows) <= SECONDARY_RESULTS * len(rows)
