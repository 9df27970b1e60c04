"""The badges of entries: what they say, their files, and the lines to copy into a README."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generator import escape
from generator.drawings.badge import HEIGHT, badge
from generator.entries.model import Filed, Paper, Tool
from generator.views.site import Site, label_of

ENDED = ("deprecated", "superseded", "withdrawn")
"""States of which a badge speaks instead of the family."""


@dataclass(frozen=True, slots=True)
class Badge:
    """The badge of one entry."""

    label: str
    message: str
    title: str
    tone: str
    page: str
    """Absolute address of the entry."""
    image: str
    """Absolute address of the image."""

    @property
    def text(self) -> str:
        """What replaces the image where it is not shown."""
        return f"{self.label}: {self.message}"

    @property
    def svg(self) -> str:
        """The image."""
        return badge(self.label, self.message, self.title, self.tone)

    @property
    def markdown(self) -> str:
        """For a README in Markdown."""
        return f"[![{escape.markdown(self.text)}]({self.image})]({self.page})"

    @property
    def html(self) -> str:
        """For a page in HTML, or a README that centres its badges."""
        text = escape.markup(self.text)
        image = f'<img src="{escape.markup(self.image)}" alt="{text}" height="{HEIGHT}">'
        return f'<a href="{escape.markup(self.page)}">{image}</a>'


def badge_files(site: Site) -> Mapping[str, bytes]:
    """The image of every paper and tool, by its address below the home page."""
    return {badge_name(kind, slug): one.svg.encode() for kind, slug, one in _badges(site)}


def badge_name(kind: str, slug: str) -> str:
    """Address of a badge below the home page."""
    return f"{kind}/{slug}/{slug}.svg"


def paper_badge(site: Site, filed: Filed[Paper]) -> Badge:
    """The badge of a paper: its family, or that there is a reference implementation."""
    message, tone = f"listed under {site.term('families', filed.entry.family).name.lower()}", "listed"
    if filed.slug in site.methods_of:
        message, tone = "reference implementation", "runs"
    return _badge(site, "papers", filed.slug, label_of(filed), _ended(site, filed.entry.status) or (message, tone))


def tool_badge(site: Site, filed: Filed[Tool]) -> Badge:
    """The badge of a tool."""
    said = _ended(site, filed.entry.status) or ("listed tool", "listed")
    return _badge(site, "tools", filed.slug, filed.entry.name, said)


def _badges(site: Site) -> Iterator[tuple[str, str, Badge]]:
    for slug, paper in site.catalogue.papers.items():
        yield "papers", slug, paper_badge(site, paper)
    for slug, tool in site.catalogue.tools.items():
        yield "tools", slug, tool_badge(site, tool)


def _ended(site: Site, status: str) -> tuple[str, str] | None:
    return (site.term("statuses", status).name.lower(), "ended") if status in ENDED else None


def _badge(site: Site, kind: str, slug: str, name: str, said: tuple[str, str]) -> Badge:
    home, (message, tone) = site.config.site_url, said
    label = site.config.name
    page, image = f"{home}{kind}/{slug}/", home + badge_name(kind, slug)
    return Badge(label, message, f"{name} in {label}: {message}", tone, page, image)
