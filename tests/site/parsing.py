"""What the tests look at in a page: its elements, addresses, ids, texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

ADDRESSES = {"href", "src", "action", "formaction", "poster", "data", "srcset", "cite", "background"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Parsed:
    """A page, read once."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)
    """Ids that stand more than once."""
    texts: list[tuple[str, str]] = field(default_factory=list)
    """Each piece of text with the name of the element around it."""
    scripts: list[str] = field(default_factory=list)
    """Inline scripts that a browser runs."""
    data: list[str] = field(default_factory=list)
    """JSON-LD, which no browser runs."""
    text: str = ""
    """All text outside scripts and styles, white space collapsed."""

    def all(self, tag: str) -> list[dict[str, str]]:
        """Attributes of every element of a name."""
        return [attributes for name, attributes in self.tags if name == tag]

    def meta(self, name: str) -> list[str]:
        """Contents of the meta elements of a name."""
        return [found["content"] for found in self.all("meta") if found.get("name") == name]

    def inside(self, tag: str) -> str:
        """Text directly inside the elements of a name."""
        return "".join(text for around, text in self.texts if around == tag)

    def addresses(self) -> list[tuple[str, str, str]]:
        """Element, attribute and value of every address."""
        return [(tag, key, value) for tag, found in self.tags for key, value in found.items() if key in ADDRESSES]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Parsed()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        self.page.tags.append((tag, attributes))
        if "id" in attributes:
            if attributes["id"] in self.page.ids:
                self.page.twice.append(attributes["id"])
            self.page.ids.add(attributes["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        around = self.open[-1] if self.open else ""
        if around == "script":
            kind = self.page.all("script")[-1].get("type")
            (self.page.data if kind == "application/ld+json" else self.page.scripts).append(data)
        elif around != "style":
            self.page.texts.append((around, data))


def parse(html: str) -> Parsed:
    """Read a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    page = reader.page
    page.text = " ".join("".join(text for _, text in page.texts).split())
    return page
