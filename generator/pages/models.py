"""The page of each model: what it is and costs, what was tried on it, and how to make it cheaper here."""

from __future__ import annotations

from collections.abc import Iterator

from generator.pages.page import ROOT, Page
from generator.pages.render import render
from generator.views.site import Site


def model_pages(site: Site) -> Iterator[Page]:
    """A page for each model that an entry names."""
    for filed in site.catalogue.models.values():
        model = filed.entry
        words = " ".join(model.aliases)
        block = render("model", site=site, filed=filed, root=ROOT)
        yield Page(f"models/{filed.slug}/", model.name, model.summary, block, "", words)
