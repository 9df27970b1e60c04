"""Atom feeds of new entries (of all, of each family) and of finished months, the same whenever they are built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from generator import escape
from generator.entries.model import Article, Filed, Paper, Tool
from generator.outputs.digests import Month, days_of, months_of
from generator.views.site import Site, address_of, authors_of, date_of

NEWEST = 50
FEED = "feed.xml"
DIGESTS = "digest/"
"""Folder of the months' pages and of their feed, below the home page."""
MEDIA_TYPE = "application/atom+xml"
TAG = "tag:awesome-diffusion-pruning.github.io,2026:"
"""Start of every id (RFC 4151). It names who began the catalogue, not where a copy of it is served: an id may
never change, and an entry keeps its id when the site moves."""
NEVER = "1970-01-01"
"""When a feed without entries changed."""
PAGES_OF_ALL = ("index.html", "data/index.html", "families/index.html")


@dataclass(frozen=True, slots=True)
class Item:
    """What the feeds contain of one entry."""

    kind: str
    slug: str
    title: str
    summary: str
    authors: tuple[str, ...]
    families: tuple[str, ...]
    added: str
    date: str
    """First version or publication, as exact as known; only for the order."""
    links: tuple[tuple[str, str | None], ...]
    """Description and links, besides the entry's own page."""


def feed_files(site: Site) -> Mapping[str, bytes]:
    """Content of every feed, by its address below the home page."""
    items = list(newest_first(site))
    files = {FEED: _feed(site, items[:NEWEST], "", site.config.name, "New papers, tools and articles")}
    for family, term in site.catalogue.taxonomy.families.items():
        members = [item for item in items if family in item.families]
        title = f"{site.config.name}: {term.name}"
        files[family_feed(family)] = _feed(site, members[:NEWEST], f"families/{family}/", title, term.text)
    files[DIGESTS + FEED] = _digests(site)
    return {name: text.encode() for name, text in files.items()}


def family_feed(family: str) -> str:
    """Address of a family's feed below the home page."""
    return f"families/{family}/{FEED}"


def newest_first(site: Site) -> Iterator[Item]:
    """All entries by the day they were added, then by their own date, newest first, then by slug."""
    catalogue = site.catalogue
    items = [*map(_paper, catalogue.papers.values()), *map(_tool, catalogue.tools.values())]
    items.extend(map(_article, catalogue.articles.values()))
    items.sort(key=lambda item: (item.slug, item.kind))
    yield from sorted(items, key=lambda item: (item.added, item.date), reverse=True)


def feed_links(site: Site, page: str, root: str) -> str:
    """The element of a prose page's head by which feed readers find its feed; empty for a page without one.

    Args:
        site: the catalogue.
        page: the page below the home page, such as ``families/pruning/index.html``.
        root: way from the page to the home page.
    """
    names = {f"families/{word}/index.html": term.name for word, term in site.catalogue.taxonomy.families.items()}
    if page in PAGES_OF_ALL:
        feed, title = FEED, f"{site.config.name}: new entries"
    elif page.startswith(DIGESTS):
        feed, title = DIGESTS + FEED, f"{site.config.name}: monthly digest"
    elif page in names:
        feed, title = page.replace("index.html", FEED), f"{site.config.name}: {names[page]}"
    else:
        return ""
    title = escape.markup(title)
    return f'<link rel="alternate" type="{MEDIA_TYPE}" title="{title}" href="{escape.markup(root + feed)}">'


def _paper(filed: Filed[Paper]) -> Item:
    paper = filed.entry
    named = paper.short and paper.short not in paper.title
    return Item(
        kind="papers",
        slug=filed.slug,
        title=f"{paper.short}: {paper.title}" if named else paper.title,
        summary=paper.summary,
        authors=authors_of(filed),
        families=(paper.family,),
        added=paper.added,
        date=date_of(filed),
        links=(("Paper", address_of(filed)), ("Code", paper.code), ("Project page", paper.project)),
    )


def _tool(filed: Filed[Tool]) -> Item:
    tool = filed.entry
    links = (("Tool", tool.url), ("Repository", tool.repo if tool.repo != tool.url else None))
    return Item(
        "tools", filed.slug, tool.name, tool.summary, tool.authors, tool.families, tool.added, tool.since or "", links
    )


def _article(filed: Filed[Article]) -> Item:
    entry = filed.entry
    links = (("Article", entry.url), ("Repository", entry.repo if entry.repo != entry.url else None))
    authors = entry.authors or ((entry.publisher,) if entry.publisher else ())
    names = entry.title, entry.summary
    return Item("articles", filed.slug, *names, authors, entry.families, entry.added, entry.date or "", links)


def _feed(site: Site, items: list[Item], page: str, title: str, subtitle: str) -> str:
    """One document; an entry whose authors are not known has the feed's author, as the standard wants it."""
    updated = max((item.added for item in items), default=NEVER)
    return _document(site, page, title, subtitle, updated, (_entry(site, item) for item in items))


def _digests(site: Site) -> str:
    """The feed of the finished months: the digest of a running one would change with each entry."""
    months = [one for one in months_of(site.catalogue) if one.over][:NEWEST]
    ends = {one.month: (days_of(one.month)[1] + timedelta(days=1)).isoformat() for one in months}

    def entry(month: Month) -> Iterator[str]:
        own = f"{DIGESTS}{month.month}"
        yield _element("id", TAG + own)
        yield _element("title", f"{month.name}: what is new")
        yield _element("updated", _instant(ends[month.month]))
        yield _element("link", rel="alternate", type="text/html", href=f"{site.config.site_url}{own}/")
        yield _element("summary", month.summary)

    title = f"{site.config.name}: monthly digest"
    updated = max(ends.values(), default=NEVER)
    return _document(site, DIGESTS, title, "What was added and changed in each month", updated, map(entry, months))


def _document(site: Site, page: str, title: str, subtitle: str, updated: str, entries: Iterable[Iterator[str]]) -> str:
    address = site.config.site_url + page
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">',
        _element("id", f"{TAG}{page}{FEED}"),
        _element("title", title),
        _element("subtitle", subtitle),
        _element("updated", _instant(updated)),
        _element("link", rel="self", type=MEDIA_TYPE, href=address + FEED),
        _element("link", rel="alternate", type="text/html", href=address),
        f"<author>{_element('name', f'the contributors of {site.config.name}')}</author>",
        _element("rights", "CC0-1.0"),
    ]
    for entry in entries:
        parts += ["<entry>", *entry, "</entry>"]
    return "\n".join([*parts, "</feed>", ""])


def _entry(site: Site, item: Item) -> Iterator[str]:
    own = f"{item.kind}/{item.slug}"
    yield _element("id", TAG + own)
    yield _element("title", item.title)
    yield _element("updated", _instant(item.added))
    yield from (f"<author>{_element('name', author)}</author>" for author in item.authors)
    yield _element("link", rel="alternate", type="text/html", href=f"{site.config.site_url}{own}/")
    for title, address in item.links:
        if address:
            yield _element("link", rel="related", title=title, href=escape.url(address))
    for family in item.families:
        label = site.term("families", family).name
        yield _element("category", scheme=f"{site.config.site_url}families/", term=family, label=label)
    yield _element("summary", item.summary)


def _instant(day: str) -> str:
    return f"{day}T00:00:00Z"


def _element(name: str, text: str = "", **attributes: str) -> str:
    """An element without children; its text and attributes may be hostile."""
    start = name + "".join(f' {key}="{_xml(value)}"' for key, value in attributes.items())
    return f"<{start}>{_xml(text)}</{name}>" if text else f"<{start}/>"


def _xml(text: str) -> str:
    return escape.xml(escape.collapse(text))
