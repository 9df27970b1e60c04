"""A page that the catalogue makes, as opposed to one that people write in docs/."""

from __future__ import annotations

from dataclasses import dataclass

ROOT = "../../"
"""From such a page to the home page: all of them lie two folders deep, as the shell does."""


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that differs between two made pages."""

    location: str
    """Address below the home page, two folders deep, with a final slash."""
    title: str
    description: str
    block: str
    """HTML of the page's content, with its one h1."""
    head: str
    """Further elements of the page's head."""
    words: str
    """What the search finds it by, beside the title."""
