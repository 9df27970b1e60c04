"""What surrounds the content of a page: the tab and the path that say where it is, and the footer.

The theme marks the tab of a page and writes its path only for pages of the navigation. The others, which the catalogue
makes or which lie in the folder of a listed page, take both from the nearest page above them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from posixpath import dirname, relpath
from urllib.parse import urljoin, urlsplit

from generator import escape
from generator.outputs.feeds import DIGESTS, FEED
from generator.views.site import Site

FOOTER = "<!-- footer -->"
"""Where mkdocs.yml wants the links of the footer."""
HERE = ' aria-current="true"'
_TAB = re.compile(r'(<li class="md-tabs__item)( md-tabs__item--active)?(">\s*<a href="[^"]*")(?: aria-current="true")?')
_PATH = re.compile(r'<nav class="md-path".*?</nav>', re.DOTALL)
_STEP = re.compile(
    r'<a href="([^"]*)" class="md-path__link">\s*<span class="md-ellipsis">\s*(.*?)\s*</span>', re.DOTALL
)
_NAME = re.compile(
    r'<a href="[^"]*" class="md-nav__link md-nav__link--active">\s*<span class="md-ellipsis">\s*(.*?)\s*</span>',
    re.DOTALL,
)
_ARTICLE = '<article class="md-content__inner'


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the navigation is."""

    tab: int
    """Number of its tab, from 0."""
    steps: tuple[tuple[str, str], ...]
    """Address below the home page and name, as HTML, of the pages above it and of itself."""


def place_of(html: str, location: str) -> Place | None:
    """Where the page at ``location`` is, or None if no tab is marked on it."""
    active = [index for index, tab in enumerate(_TAB.finditer(html)) if tab[2]]
    if not active:
        return None
    path, name = _PATH.search(html), _NAME.search(html)
    steps = [(_below_home(location, step[1]), step[2]) for step in _STEP.finditer(path[0] if path else "")]
    if name and (not steps or steps[-1] != (location, name[1])):
        steps.append((location, name[1]))
    return Place(active[0], tuple(steps))


def _below_home(location: str, address: str) -> str:
    return urlsplit(urljoin(f"https://site.example/{location}", address)).path.removeprefix("/")


def nearest(places: Mapping[str, Place], location: str) -> Place | None:
    """The place of the nearest page above ``location``."""
    for above in _folders(location):
        if above in places:
            return places[above]
    return None


def _folders(location: str) -> Iterator[str]:
    folder = dirname(location.rstrip("/"))
    while folder:
        yield f"{folder}/"
        folder = dirname(folder)


def framed(html: str, place: Place | None, root: str) -> str:
    """A page that no tab holds, with the tab and the path of ``place``.

    Args:
        html: the page.
        place: of the page above it; None leaves the page as it is.
        root: way from the page to the home page.
    """
    if place is None:
        return html
    numbers = iter(range(html.count('<li class="md-tabs__item')))

    def mark(tab: re.Match[str]) -> str:
        return f"{tab[1]} md-tabs__item--active{tab[3]}" if next(numbers) == place.tab else f"{tab[1]}{tab[3]}"

    steps = "".join(
        f'<li class="md-path__item"><a href="{root}{address}" class="md-path__link">'
        f'<span class="md-ellipsis">{name}</span></a></li>'
        for address, name in place.steps
    )
    path = f'<nav class="md-path" aria-label="Breadcrumbs"><ol class="md-path__list">{steps}</ol></nav>'
    return _TAB.sub(mark, _PATH.sub("", html)).replace(_ARTICLE, path + _ARTICLE, 1)


def tab_said(html: str) -> str:
    """A page whose marked tab is marked for screen readers, too."""
    return _TAB.sub(lambda tab: f"{tab[1]}{tab[2] or ''}{tab[3]}{HERE if tab[2] else ''}", html)


def with_footer(html: str, site: Site, root: str) -> str:
    """A page with the links of its footer."""
    return html.replace(FOOTER, _footer(site, root))


@cache
def _footer(site: Site, root: str) -> str:
    repository = escape.url(site.config.repo_url)
    links = {
        "Data": f"{root}data/",
        "Licence": f"{repository}/blob/main/LICENSE",
        "Decisions": f"{root}decisions/",
        "Feed of new entries": f"{root}{FEED}",
        "Monthly digest": f"{root}{DIGESTS}",
        "Contribute": f"{root}contribute/",
        "Repository": repository,
    }
    items = "".join(f'<li><a href="{escape.markup(address)}">{name}</a></li>' for name, address in links.items())
    return f'<nav class="cat-footer" aria-label="Footer"><ul>{items}</ul></nav>'


def way_home(name: str, site: Site) -> str:
    """From a page, such as ``families/index.html``, to the home page; the page for lost addresses is shown anywhere."""
    if name == "404.html":
        return urlsplit(site.config.site_url).path
    return f"{relpath('.', dirname(name) or '.')}/"
