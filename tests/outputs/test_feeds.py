"""The feeds: valid by RFC 4287, the newest entries in order, the same whenever and wherever they are made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from generator import escape
from generator.outputs.feeds import FEED, MEDIA_TYPE, NEVER, NEWEST, TAG, feed_files, feed_links, newest_first
from generator.views.site import Site
from tests.site import hostile

ROOT = Path(__file__).parents[2]
ATOM = "{http://www.w3.org/2005/Atom}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
FED = ("papers", "tools", "articles")
"""The kinds whose entries the feeds name."""
IRI = re.compile(r"[a-z][a-z0-9+.-]*:(?:[^\s<>\"{}|\\^`\[\]%]|%[0-9A-Fa-f]{2})+")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
ONCE = {"feed": ("id", "title", "updated"), "entry": ("id", "title", "updated"), "author": ("name",)}
AT_MOST_ONCE = {
    "feed": ("generator", "icon", "logo", "rights", "subtitle"),
    "entry": ("content", "published", "rights", "source", "summary"),
    "author": ("uri", "email"),
}
CHILDREN = {
    "feed": {*ONCE["feed"], *AT_MOST_ONCE["feed"], "author", "category", "contributor", "link", "entry"},
    "entry": {*ONCE["entry"], *AT_MOST_ONCE["entry"], "author", "category", "contributor", "link"},
    "author": {*ONCE["author"], *AT_MOST_ONCE["author"]},
}


@pytest.fixture
def site(shipped_site: Site) -> Site:
    return shipped_site


def faults(raw: bytes) -> list[str]:
    """What RFC 4287 (and, for our own feeds, absolute addresses and unique ids) finds wrong."""
    try:
        top = ET.fromstring(raw.decode("utf-8"))
    except (ET.ParseError, UnicodeDecodeError) as error:
        return [f"not well-formed: {error}"]
    if top.tag != f"{ATOM}feed":
        return [f"the document element is {top.tag}"]
    found = [*of_parent(top, "feed")]
    entries = top.findall(f"{ATOM}entry")
    for entry in entries:
        found += of_parent(entry, "entry")
        if not top.findall(f"{ATOM}author") and not entry.findall(f"{ATOM}author"):
            found.append("an entry without an author")
        if entry.find(f"{ATOM}content") is None and "alternate" not in relations(entry):
            found.append("an entry without content and without an alternate link")
    ids = [text_of(one, "id") for one in (top, *entries)]
    found += [f"the id {one} stands twice" for one, times in Counter(ids).items() if times > 1]
    if relations(top).count("self") != 1:
        found.append("the feed has no link to itself")
    return found


def of_parent(parent: ET.Element, kind: str) -> Iterator[str]:
    names = [child.tag.removeprefix(ATOM) for child in parent]
    yield from (f"{kind}: {name} stands {names.count(name)} times" for name in ONCE[kind] if names.count(name) != 1)
    yield from (f"{kind}: {name} stands twice" for name in AT_MOST_ONCE[kind] if names.count(name) > 1)
    yield from (f"{kind}: unknown element {name}" for name in names if name not in CHILDREN[kind])
    alternates = [
        (link.get("type"), link.get("hreflang"))
        for link in parent.findall(f"{ATOM}link")
        if link.get("rel", "alternate") == "alternate"
    ]
    if len(set(alternates)) != len(alternates):
        yield f"{kind}: two alternate links of one type"
    for child in parent:
        yield from of_child(child, child.tag.removeprefix(ATOM))


def of_child(child: ET.Element, name: str) -> Iterator[str]:
    value = child.text or ""
    if name in ("author", "contributor"):
        yield from of_parent(child, "author")
    elif name in ("id", "uri", "icon", "logo") and not IRI.fullmatch(value):
        yield f"{name}: {value!r} is not an absolute address"
    elif name in ("updated", "published"):
        if not INSTANT.fullmatch(value):
            yield f"{name}: {value!r} is not a date of RFC 3339"
        else:
            datetime.fromisoformat(value)
    elif name == "link":
        if not IRI.fullmatch(child.get("href", "")):
            yield f"link: {child.get('href')!r} is not an absolute address"
        if not re.fullmatch(r".+/.+", child.get("type", "a/b")):
            yield f"link: {child.get('type')!r} is not a media type"
    elif name == "category" and not child.get("term"):
        yield "category: no term"
    elif name in ("title", "subtitle", "rights", "summary") and (
        child.get("type", "text") not in ("text", "html") or len(child)
    ):
        yield f"{name}: not text"
    if name != "entry" and name not in ("author", "contributor") and len(child):
        yield f"{name}: holds elements"


def relations(parent: ET.Element) -> list[str]:
    return [link.get("rel", "alternate") for link in parent.findall(f"{ATOM}link")]


def text_of(parent: ET.Element, name: str) -> str:
    return parent.findtext(f"{ATOM}{name}") or ""


def entries_of(raw: bytes) -> list[ET.Element]:
    return ET.fromstring(raw.decode("utf-8")).findall(f"{ATOM}entry")


GOOD = f"""<feed xmlns="{ATOM[1:-1]}">
<id>tag:a.example,2026:f</id><title>F</title><updated>2026-11-22T00:00:00Z</updated>
<link rel="self" href="https://a.example/f"/><author><name>A</name></author>
<entry><id>tag:a.example,2026:e</id><title>E</title><updated>2026-11-22T00:00:00Z</updated>
<link href="https://a.example/e"/></entry></feed>"""


def test_the_rules_let_a_valid_feed_pass() -> None:
    assert faults(GOOD.encode()) == []


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("</feed>", "", "not well-formed"),
        ("<title>E</title>", "", "entry: title stands 0 times"),
        ("<title>E</title>", "<title>E</title><title>E</title>", "entry: title stands 2 times"),
        ("<title>E</title>", "<title>E</title><b/>", "entry: unknown element b"),
        ("<title>E</title>", "<title><b>E</b></title>", "title: not text"),
        ("tag:a.example,2026:e", "tag:a.example,2026:f", "stands twice"),
        ("tag:a.example,2026:e", "papers/e", "not an absolute address"),
        ("Z</updated>\n<link href", "</updated>\n<link href", "not a date of RFC 3339"),
        ('href="https://a.example/e"', 'href="e/"', "not an absolute address"),
        ('href="https://a.example/e"', 'href="https://a.example/%zz"', "not an absolute address"),
        ('<link href="https://a.example/e"/>', "", "without an alternate link"),
        ('<link href="https://a.example/e"/>', '<link href="a:b"/><link href="a:c"/>', "two alternate links"),
        ("<author><name>A</name></author>", "", "without an author"),
        ("<name>A</name>", "", "name stands 0 times"),
        ('rel="self"', 'rel="via"', "no link to itself"),
    ],
)
def test_the_rules_find(right: str, wrong: str, message: str) -> None:
    assert right in GOOD
    assert any(message in fault for fault in faults(GOOD.replace(right, wrong).encode()))


def test_there_is_one_feed_of_all_one_of_each_family_and_one_of_the_months(site: Site) -> None:
    families = site.catalogue.taxonomy.families
    assert feed_files(site).keys() == {FEED, f"digest/{FEED}", *(f"families/{family}/{FEED}" for family in families)}


def test_every_feed_is_valid(site: Site, hostile_site: Site) -> None:
    for one in (site, hostile_site):
        for name, raw in feed_files(one).items():
            assert faults(raw) == [], name


def test_a_feed_names_itself_its_page_and_the_newest_entry(site: Site) -> None:
    ids = set()
    for name, raw in feed_files(site).items():
        top = ET.fromstring(raw.decode("utf-8"))
        links = {link.get("rel"): link for link in top.findall(f"{ATOM}link")}
        assert links["self"].attrib == {"rel": "self", "type": MEDIA_TYPE, "href": site.config.site_url + name}
        assert links["alternate"].get("href") == site.config.site_url + name.removesuffix(FEED)
        assert top.get(LANG) == "en"
        assert text_of(top, "updated") == max(
            (text_of(entry, "updated") for entry in entries_of(raw)), default=f"{NEVER}T00:00:00Z"
        )
        ids.add(text_of(top, "id"))
    assert len(ids) == len(feed_files(site))


def test_a_feed_tells_the_entry(site: Site) -> None:
    pruning = feed_files(dated(site, {"papers/diff-pruning": "2026-12-01"}))[f"families/pruning/{FEED}"]
    entry = entries_of(pruning)[0]
    filed = site.catalogue.papers["diff-pruning"]
    assert text_of(entry, "id") == f"{TAG}papers/diff-pruning"
    assert text_of(entry, "title") == "Diff-Pruning: Structural Pruning for Diffusion Models"
    assert text_of(entry, "updated") == "2026-12-01T00:00:00Z"
    assert text_of(entry, "summary") == escape.collapse(filed.entry.summary)
    assert [name.text for name in entry.iter(f"{ATOM}name")] == ["Gongfan Fang", "Xinyin Ma", "Xinchao Wang"]
    links = [(one.get("rel"), one.get("title"), one.get("href")) for one in entry.findall(f"{ATOM}link")]
    assert links == [
        ("alternate", None, f"{site.config.site_url}papers/diff-pruning/"),
        ("related", "Paper", "https://arxiv.org/abs/2305.10924"),
        ("related", "Code", "https://github.com/VainF/Diff-Pruning"),
    ]


def dated(site: Site, days: Mapping[str, str]) -> Site:
    """The site with other days of coming in."""

    groups: dict[str, Any] = {}
    for kind in FED:
        groups[kind] = dict(getattr(site.catalogue, kind))
    for own, day in days.items():
        kind, slug = own.split("/")
        filed = groups[kind][slug]
        groups[kind][slug] = replace(filed, entry=filed.entry.model_copy(update={"added": day}))
    return replace(site, catalogue=replace(site.catalogue, **groups))


def test_the_newest_come_first(site: Site) -> None:
    tool, article = next(iter(site.catalogue.tools)), next(iter(site.catalogue.articles))
    days = {f"tools/{tool}": "2027-01-02", f"articles/{article}": "2027-01-03"}
    later = dated(site, {**days, "papers/bk-sdm": "2027-01-04", "papers/diff-pruning": "2027-01-04"})
    items = list(newest_first(later))
    assert [item.slug for item in items[:4]] == ["bk-sdm", "diff-pruning", article, tool]
    order = [(item.added, item.date) for item in items]
    assert order == sorted(order, reverse=True)
    for one, other in pairwise(items):
        assert (one.added, one.date) != (other.added, other.date) or one.slug <= other.slug
    ids = [text_of(entry, "id").removeprefix(TAG) for entry in entries_of(feed_files(later)[FEED])]
    assert ids == [f"{item.kind}/{item.slug}" for item in items[:NEWEST]]
    assert len(items) == sum(map(len, (later.catalogue.papers, later.catalogue.tools, later.catalogue.articles)))


def test_a_family_has_its_papers_and_what_serves_it(site: Site) -> None:
    items = list(newest_first(site))
    for family in site.catalogue.taxonomy.families:
        expected = [f"{one.kind}/{one.slug}" for one in items if family in one.families][:NEWEST]
        entries = entries_of(feed_files(site)[f"families/{family}/{FEED}"])
        assert [text_of(entry, "id").removeprefix(TAG) for entry in entries] == expected
    assert {item.kind for item in items if "pruning" in item.families} == {"papers", "tools", "articles"}


def test_an_empty_catalogue_has_valid_feeds(site: Site) -> None:
    empty = replace(site, catalogue=replace(site.catalogue, papers={}, tools={}, articles={}, models={}, datasets={}))
    for raw in feed_files(empty).values():
        assert faults(raw) == []


def test_ids_outlive_a_move_of_the_site(site: Site) -> None:
    moved = replace(site, config=replace(site.config, site_url="https://moved.example/x/"))
    for name, raw in feed_files(moved).items():
        assert re.findall("<id>.*?</id>", raw.decode()) == re.findall("<id>.*?</id>", feed_files(site)[name].decode())
        assert site.config.site_url not in raw.decode()
        assert faults(raw) == []


def test_hostile_text_stays_text(hostile_site: Site) -> None:
    days = {page.strip("/"): "2027-01-01" for page in hostile.PAGES if page.partition("/")[0] in FED}
    raw = feed_files(dated(hostile_site, days))[f"families/pruning/{FEED}"]
    assert faults(raw) == []
    found = {text_of(entry, "id").rpartition("/")[2]: entry for entry in entries_of(raw)}
    written = {
        "hostile-paper": (f"{hostile.PAPER['short']}: {hostile.TITLE}", hostile.PAPER["authors"]),
        "hostile-record": (hostile.PAPER_WITH_RECORD["title"], hostile.RECORD["authors"]),
        "hostile-tool": (hostile.TOOL["name"], hostile.TOOL["authors"]),
        "hostile-article": (hostile.ARTICLE["title"], hostile.ARTICLE["authors"]),
    }
    for slug, (title, authors) in written.items():
        entry = found[slug]
        assert text_of(entry, "title") == escape.collapse(title)
        assert text_of(entry, "summary") == escape.collapse(hostile.SUMMARY)
        assert [one.text for one in entry.iter(f"{ATOM}name")] == [escape.collapse(author) for author in authors]
        for link in entry.findall(f"{ATOM}link"):
            assert (link.get("href") or "").startswith("https://")


def test_control_characters_are_left_out(site: Site) -> None:
    slug = "diff-pruning"
    filed = site.catalogue.papers[slug]
    entry = filed.entry.model_copy(update={"title": "a\0b\x1bc\ud800d\uffffe ]]> <!--", "added": "2027-01-01"})
    papers = {**site.catalogue.papers, slug: replace(filed, entry=entry)}
    changed = replace(site, catalogue=replace(site.catalogue, papers=papers))
    raw = feed_files(changed)[FEED]
    assert faults(raw) == []
    assert text_of(entries_of(raw)[0], "title") == "Diff-Pruning: abcde ]]> <!--"


def test_pages_lead_readers_to_their_feed(site: Site) -> None:
    files = feed_files(site)
    pages = ["index.html", "data/index.html", "families/index.html"]
    pages += [f"families/{family}/index.html" for family in site.catalogue.taxonomy.families]
    for page in pages:
        root = "../" * page.count("/") or "./"
        link = ET.fromstring(feed_links(site, page, root).replace('">', '"/>'))
        assert (link.get("rel"), link.get("type")) == ("alternate", MEDIA_TYPE)
        assert (link.get("href") or "").removeprefix(root) in files
    assert feed_links(site, "papers/index.html", "../") == ""
    assert feed_links(site, "families/nothing/index.html", "../../") == ""
