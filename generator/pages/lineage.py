"""The blocks that show how papers refer to each other: a drawing, and the same as a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from generator.drawings.lineage import FEWEST, Relation, draw, family_relations, relations
from generator.pages.render import render
from generator.views.site import Site, date_of

WORDS: Mapping[str, str] = {"builds_on": "builds on", "superseded_by": "replaces", "critiques": "disputes"}
"""What the later paper does to the earlier one."""


def lineage(site: Site, root: str, argument: str) -> str:
    """What a page asks for.

    Args:
        site: the catalogue.
        root: way from the page to the home page.
        argument: ``family=`` and a family for its relations, or ``families``, ``roots`` or ``disputes``.

    Raises:
        KeyError: there is no such family, or ``argument`` asks for something else.
    """
    key, equals, family = argument.partition("=")
    if key == "family" and equals:
        return _family(site, root, family)
    return {"families": _families, "roots": _roots, "disputes": _disputes}[argument](site, root)


def _family(site: Site, root: str, family: str) -> str:
    """The relations of the papers of one family, to each other and to papers of other families."""
    chosen = family_relations(site.catalogue, family)
    drawing = draw(site.catalogue, chosen, family) if len(chosen) >= FEWEST else None
    return render(
        "lineage",
        site=site,
        root=root,
        name=site.term("families", family).name,
        drawing=drawing,
        kinds=[kind for kind in WORDS if any(relation.kind == kind for relation in chosen)],
        words=WORDS,
        sentences=_sentences(site, chosen),
    )


def _families(site: Site, root: str) -> str:
    """The families that have a drawing, with the number of their relations."""
    counted = [(word, len(family_relations(site.catalogue, word))) for word in site.catalogue.taxonomy.families]
    counted.sort(key=lambda pair: -pair[1])
    return render("lineage_families", site=site, root=root, counted=counted, fewest=FEWEST)


def _roots(site: Site, root: str) -> str:
    """The papers that at least two others build on, the most used first."""
    later = site.built_on_by
    slugs = sorted(later, key=lambda slug: (-len(later[slug]), date_of(site.catalogue.papers[slug]), slug))
    return render("lineage_roots", site=site, root=root, slugs=[slug for slug in slugs if len(later[slug]) > 1])


def _disputes(site: Site, root: str) -> str:
    """Every paper that disputes or replaces another one."""
    chosen = [relation for relation in relations(site.catalogue) if relation.kind != "builds_on"]
    return render("lineage_list", site=site, root=root, words=WORDS, sentences=_sentences(site, chosen))


def _sentences(site: Site, chosen: Sequence[Relation]) -> list[tuple[str, str, list[str]]]:
    """Relations as later paper, kind, earlier papers; the newest first."""

    def key(relation: Relation) -> tuple[str, str]:
        return relation.later, relation.kind

    sentences = [
        (later, kind, [relation.earlier for relation in same])
        for (later, kind), same in groupby(sorted(chosen), key=key)
    ]
    return sorted(sentences, key=lambda sentence: date_of(site.catalogue.papers[sentence[0]]), reverse=True)
