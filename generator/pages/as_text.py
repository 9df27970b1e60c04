"""The page of an entry as plain text: what a reader of the site reads, without links and layout."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser

from generator.pages.entry import article_page, paper_page, tool_page
from generator.pages.models import model_page
from generator.views.similar import Similar, similar_papers
from generator.views.site import Site

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr", "col", "area", "base", "embed"})
_UNSEEN = frozenset({"script", "style", "svg", "template"})
_BADGE = "cat-badge"
"""Class of the fold for authors: nothing of the entry is in it."""
_LINES = frozenset({"article", "br", "details", "div", "dl", "h1", "h2", "h3", "h4", "li", "ol", "p", "pre", "summary"})
_LINES |= {"table", "tr", "ul"}
"""Elements that begin and end a line."""
_HEADING = "\0"
_BEFORE = {"li": "- ", "h2": _HEADING, "h3": _HEADING}
_IN_A_ROW = re.compile(r"\b(?:md-button|cat-term)\b")
"""Links that stand side by side, which layout alone keeps apart."""


@dataclass(frozen=True, eq=False)
class EntryTexts:
    """The pages of entries as text, for as many of them as are asked for."""

    site: Site

    @cached_property
    def _similar(self) -> Mapping[str, Sequence[Similar]]:
        return similar_papers(self.site.catalogue)

    def of(self, kind: str, slug: str) -> str | None:
        """The text of one entry page; None if the catalogue has no such entry."""
        catalogue = self.site.catalogue
        if slug not in getattr(catalogue, kind):
            return None
        if kind == "papers":
            page = paper_page(self.site, catalogue.papers[slug], self._similar[slug])
        elif kind == "tools":
            page = tool_page(self.site, catalogue.tools[slug])
        elif kind == "articles":
            page = article_page(self.site, catalogue.articles[slug])
        else:
            page = model_page(self.site, catalogue.models[slug])
        return text_of_block(page.block)


def text_of_block(block: str) -> str:
    """HTML as lines of text: an item of a list, a row of a table, a fact a line."""
    reader = _Reader()
    reader.feed(block)
    reader.close()
    lines = "".join(reader.parts).split("\n")
    kept = (line.rstrip() if line.startswith("  ") else " ".join(line.split()).strip("| ") for line in lines)
    return "\n".join(line for line in kept if line).replace(_HEADING, "\n").strip("\n")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.unseen: list[str] = []
        self.verbatim = 0
        self.after_link = 0
        """Number of parts just after a link that may have a neighbour."""
        self.in_link = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        hidden = tag in _UNSEEN or any(name == "hidden" or _BADGE in (value or "").split() for name, value in attrs)
        if tag not in _VOID and (hidden or self.unseen):
            self.unseen.append(tag)
        if self.unseen:
            return
        if tag in _LINES:
            self._line(_BEFORE.get(tag, ""))
        self.verbatim += tag == "pre"
        if tag == "a" and any(name == "class" and _IN_A_ROW.search(value or "") for name, value in attrs):
            if self.after_link and not "".join(self.parts[self.after_link :]).strip():
                self.parts[self.after_link :] = [", "]
            self.in_link = True

    def handle_endtag(self, tag: str) -> None:
        if self.unseen:
            if tag in self.unseen:
                while self.unseen.pop() != tag:
                    pass
            return
        if tag == "dt":
            self.parts.append(": ")
        elif tag in ("td", "th"):
            self.parts.append(" | ")
        elif tag in _LINES:
            self._line()
        self.verbatim -= tag == "pre"
        if tag == "a" and self.in_link:
            self.in_link, self.after_link = False, len(self.parts)

    def handle_data(self, data: str) -> None:
        if self.unseen:
            return
        if self.verbatim:
            self.parts.append("\n".join(f"  {line}" for line in data.split("\n")))
        else:
            self.parts.append(re.sub(r"\s+", " ", data))

    def _line(self, start: str = "") -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")
        self.parts.append(start)
