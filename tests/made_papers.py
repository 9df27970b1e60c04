"""Papers made up for a test, without files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from generator.entries.model import Catalogue, Filed, Paper


def paper(slug: str, month: int = 1, **fields: Any) -> Filed[Paper]:
    """A paper on pruning of 2024, but for the given fields."""
    given = {
        "title": slug,
        "url": "https://example.org/x",
        "date": f"2024-{month:02d}",
        "family": "pruning",
        "summary": "It prunes.",
        "checked": "abstract",
        "added": "2026-11-22",
    }
    return Filed(slug, f"data/papers/2024/{slug}.yaml", Paper.model_validate(given | fields))


def with_papers(shipped: Catalogue, *papers: Filed[Paper]) -> Catalogue:
    """The shipped catalogue's taxonomy with other papers."""
    return replace(shipped, papers={one.slug: one for one in sorted(papers, key=lambda one: one.slug)}, tools={})
