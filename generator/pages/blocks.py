"""The directives that docs/ may hold, and the blocks that take their places.

A directive is an HTML comment ``<!-- name: argument -->``. It passes through the site engine untouched and is
replaced in the built page, so that contributor text never meets a Markdown parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from generator.drawings.figures import CAPTIONS, FIGURES
from generator.pages import (
    browse,
    choose,
    digests,
    downloads,
    glossary,
    home,
    kernels,
    lineage,
    methods,
    miniature,
    models,
    reference,
    results,
    statistics,
    tables,
)
from generator.pages.render import render
from generator.views.site import Site

Block = Callable[[Site, str, str], str]
"""Takes the catalogue, the way to the home page and the argument; gives HTML."""

DIRECTIVE = re.compile(r"<!-- (?P<name>[a-z]+)(?:: (?P<argument>[^<>]*?))? -->")
PAPER = re.compile(r"<!-- paper: (?P<slug>[a-z0-9-]+) -->")
EXEMPTION = re.compile(r" *<!-- words: [^<>]*? -->")
"""Why a word of the list in tests/words/ is right on this line; for editors, not for readers."""
PAPER_STAGED = re.compile(r"<a data-paper=\"(?P<slug>[a-z0-9-]+)\"></a>")


class UnknownDirective(ValueError):
    """A directive has no block, or an argument that its block does not know."""


def figure(_site: Site, _root: str, argument: str) -> str:
    """A drawn figure with its caption, inline, so that it follows the theme's colours."""
    return f'<figure class="cat-figure">{FIGURES[argument]()}<figcaption>{CAPTIONS[argument]}</figcaption></figure>'


BLOCKS: Mapping[str, Block] = {
    "architectures": home.architecture_list,
    "articles": tables.article_list,
    "benchmarks": results.overview,
    "browse": browse.browse,
    "catalogue": tables.catalogue_table,
    "checks": reference.checks,
    "choose": choose.choose,
    "compare": browse.compare,
    "digests": digests.digest_list,
    "downloads": downloads.downloads,
    "families": tables.family_list,
    "fields": reference.field_table,
    "feeds": downloads.feeds,
    "figure": figure,
    "follow": downloads.follow,
    "glossary": glossary.glossary,
    "home": home.home,
    "kernels": kernels.overview,
    "lineage": lineage.lineage,
    "methods": methods.overview,
    "miniature": miniature.overview,
    "models": models.model_list,
    "papers": tables.paper_list,
    "scope": reference.scope,
    "statistics": statistics.statistic,
    "template": reference.template,
    "tools": tables.tool_list,
    "vocabularies": reference.vocabularies,
}


def inline_directives(markdown: str) -> str:
    """Prose with its ``<!-- paper: slug -->`` as empty links: Markdown takes a comment for a block of its own.

    Exemptions of the word list are left out.
    """
    return PAPER.sub(r'<a data-paper="\g<slug>"></a>', EXEMPTION.sub("", markdown))


def fill_directives(html: str, site: Site, root: str, name: str) -> str:
    """A built page with every directive replaced by its block.

    Args:
        html: the page.
        site: the catalogue.
        root: way from the page to the home page, such as ``../../``.
        name: the page, for the error.

    Raises:
        UnknownDirective: with the page and the directive.
    """

    def block(directive: re.Match[str]) -> str:
        make = BLOCKS.get(directive["name"])
        if make is None:
            raise UnknownDirective(f"{name}: no directive {directive['name']!r}; known are {', '.join(BLOCKS)}")
        try:
            return make(site, root, directive["argument"] or "")
        except (KeyError, ValueError) as error:
            raise UnknownDirective(f"{name}: {directive[0]}: {error}") from error

    def link(mark: re.Match[str]) -> str:
        if mark["slug"] not in site.catalogue.papers:
            raise UnknownDirective(f"{name}: there is no paper {mark['slug']!r}")
        return render("paper_link", site=site, root=root, slug=mark["slug"])

    return DIRECTIVE.sub(block, PAPER_STAGED.sub(link, html))
