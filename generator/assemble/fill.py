"""The built site -> the finished site: blocks for directives, entry pages from the shell, search, sitemap.

The site engine renders prose pages and one shell page. Filling the shell for each entry costs a tenth of letting
the engine render them, leaves each page's head in our hands, and works alike for MkDocs and Zensical.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from generator import escape
from generator.assemble.frame import framed, nearest, place_of, tab_said, way_home, with_footer
from generator.assemble.theme_fixes import PAGE_FIXES, SCRIPT_FIXES, apply_fixes
from generator.outputs.feeds import feed_links
from generator.pages.blocks import fill_directives
from generator.pages.glossary import addresses
from generator.pages.makers import all_files, all_pages
from generator.pages.page import ROOT, Page
from generator.pages.search import INDEX, Prose, search_index
from generator.views.site import Site

SHELL = "shell/entry/"
TITLE, DESCRIPTION = "@@entry-title@@", "@@entry-description@@"
CONTENT = re.compile(r"<div><h1 hidden(?:=\"\")?>@@entry-title@@</h1><!-- entry --></div>")
ENGINE_INDEXES = {"search/search_index.json": "docs", "search.json": "items"}
"""Where MkDocs and Zensical write their search index, and the name of its list of pages."""


class FillFailed(Exception):
    """The engine's output is not what the fill step expects; the message says which file and what is missing."""


def fill(built: Path, site: Site, epoch: int) -> None:
    """Finish a built site in place.

    Args:
        built: folder that the engine wrote.
        site: the catalogue.
        epoch: time of the commit in seconds, for the compressed sitemap.

    Raises:
        FillFailed: the shell, the search index or the sitemap is not there or has another form, or a link of the
            glossary leads nowhere.
        UnknownDirective: a page in docs/ holds a directive without a block.
    """
    shell_file = built / SHELL / "index.html"
    if not shell_file.is_file():
        raise FillFailed(f"{shell_file} was not built; is docs/shell/entry.md there?")
    for script in sorted((built / "assets/javascripts").rglob("*.js")):
        script.write_text(apply_fixes(script.read_text(encoding="utf-8"), SCRIPT_FIXES), encoding="utf-8", newline="\n")
    pages = {
        file.relative_to(built).as_posix(): apply_fixes(file.read_text(encoding="utf-8"), PAGE_FIXES)
        for file in sorted(built.rglob("*.html"))
    }
    shell_html = pages.pop(f"{SHELL}index.html")
    locations = {name: name.removesuffix("index.html") for name in pages}
    found = {locations[name]: place_of(html, locations[name]) for name, html in pages.items()}
    places = {location: place for location, place in found.items() if place is not None}
    for name, html in pages.items():
        root = way_home(name, site)
        if found[locations[name]] is None:
            html = framed(html, nearest(places, locations[name]), root)
        html = html.replace("</head>", f"{feed_links(site, name, root)}</head>", 1)
        html = fill_directives(with_footer(tab_said(html), site, root), site, root, name)
        (built / name).write_text(html, encoding="utf-8", newline="\n")
    shutil.rmtree(built / "shell")
    shell_html = with_footer(shell_html, site, ROOT)
    shells: dict[str, Shell] = {}
    made = list(all_pages(site))
    for page in made:
        folder = page.location.partition("/")[0]
        if folder not in shells:
            html = tab_said(framed(shell_html, nearest(places, page.location), ROOT))
            shells[folder] = Shell(html, f"{site.config.site_url}{SHELL}")
        file = built / page.location / "index.html"
        file.parent.mkdir(parents=True)
        html = shells[folder].filled(page, f"{site.config.site_url}{page.location}")
        file.write_text(html, encoding="utf-8", newline="\n")
    replace_search(built, site, made)
    extend_sitemap(built, site.config.site_url, [page.location for page in made], epoch)
    check_glossary(built, site)
    for name, content in all_files(site).items():
        (built / name).parent.mkdir(parents=True, exist_ok=True)
        (built / name).write_bytes(content)


class Shell:
    """The rendered shell page, cut at the places that differ between entries."""

    def __init__(self, html: str, address: str) -> None:
        """Cut the page.

        Raises:
            FillFailed: a place is missing.
        """
        html, contents = CONTENT.subn("@@content@@", html)
        html, heads = re.subn(r"</head>", "@@head@@</head>", html)
        html = html.replace(address, "@@address@@")
        if contents != 1 or heads != 1 or TITLE not in html or DESCRIPTION not in html:
            raise FillFailed("the shell page has lost one of its places: content, head, title or description")
        self._parts = re.split(r"@@(content|head|address|entry-title|entry-description)@@", html)

    def filled(self, page: Page, address: str) -> str:
        """The page of one entry."""
        values = {
            "content": page.block,
            "head": page.head,
            "address": address,
            "entry-title": escape.markup(page.title),
            "entry-description": escape.markup(page.description),
        }
        return "".join(part if index % 2 == 0 else values[part] for index, part in enumerate(self._parts))


def replace_search(built: Path, site: Site, made: Sequence[Page]) -> None:
    """Write our search index, with the prose that the engine's own index holds.

    The index and the worker of MkDocs go, since the box of its theme is ours. Zensical keeps its box, and finds the
    made pages by its own index.

    Raises:
        FillFailed: there is no index of a known form.
    """
    name = next((name for name in ENGINE_INDEXES if (built / name).is_file()), None)
    if name is None:
        raise FillFailed(f"no search index in {built}; looked for {', '.join(ENGINE_INDEXES)}")
    key = ENGINE_INDEXES[name]
    index = json.loads((built / name).read_text(encoding="utf-8"))
    if key not in index:
        raise FillFailed(f"{built / name} does not hold {key!r}")
    kept = [item for item in index[key] if not item["location"].startswith("shell/")]
    if key == "docs":
        shutil.rmtree(built / "search")
        for folder in ("lunr", "workers"):
            shutil.rmtree(built / "assets/javascripts" / folder)
    else:
        # Its script puts what it finds into the page as HTML.
        found_by = [(page.location, escape.markup(page.title), escape.markup(page.words)) for page in made]
        kept += [{"location": at, "title": title, "text": text, "level": 1, "path": []} for at, title, text in found_by]
        text = json.dumps({**index, key: kept}, ensure_ascii=False, separators=(",", ":"))
        (built / name).write_text(text, encoding="utf-8", newline="\n")
    made_places = {page.location for page in made}
    prose = [Prose(item["location"], item["title"], item["text"]) for item in kept]
    content = search_index(site, [one for one in prose if one.location not in made_places], made)
    (built / INDEX).parent.mkdir(exist_ok=True)
    (built / INDEX).write_bytes(content)


def check_glossary(built: Path, site: Site) -> None:
    """Every link of the glossary leads to a page, and to a place on it.

    Raises:
        FillFailed: with all that do not.
    """
    lost = []
    for term, address in addresses(site):
        page, _, place = address.partition("#")
        file = built / page.partition("?")[0] / "index.html"
        if not file.is_file() or (place and f'id="{place}"' not in file.read_text(encoding="utf-8")):
            lost.append(f"{term}: {address}")
    if lost:
        raise FillFailed(f"links of data/glossary.yaml that lead nowhere: {', '.join(lost)}")


def extend_sitemap(built: Path, site_url: str, locations: Iterable[str], epoch: int) -> None:
    """Add the entries to the sitemap and drop the shell.

    Raises:
        FillFailed: there is no sitemap.
    """
    file = built / "sitemap.xml"
    if not file.is_file():
        raise FillFailed(f"{file} was not built; is site_url set?")
    text = file.read_text(encoding="utf-8")
    text = re.sub(rf"\s*<url>\s*<loc>[^<]*{re.escape(SHELL)}</loc>.*?</url>", "", text, flags=re.DOTALL)
    added = "".join(
        f"\n    <url>\n         <loc>{escape.xml(site_url + where)}</loc>\n    </url>" for where in locations
    )
    text = text.replace("\n</urlset>", f"{added}\n</urlset>")
    file.write_text(text, encoding="utf-8", newline="\n")
    compressed = built / "sitemap.xml.gz"
    if compressed.is_file():
        compressed.write_bytes(gzip.compress(text.encode(), mtime=epoch))
