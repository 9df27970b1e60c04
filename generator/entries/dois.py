"""DOIs as people and publishers write them: with a resolver, in angle brackets, several in one field."""

from __future__ import annotations

import re
from urllib.parse import unquote

DOI = re.compile(r"10\.[0-9]{4,9}/(?:[^\s\"<>#%{}|\\^`]+|\((?i:SICI)\)[^\s\"#%{}|\\^`]+)")
"""A bare DOI. Angle brackets belong to the old form of journals, which names itself SICI."""
_PARTS = re.compile(r"\s+|[,;|]\s*(?=<?(?:https?:|doi:|(?:dx\.)?doi\.org/|10\.[0-9]{4,9}/))", re.IGNORECASE)
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}


def dois_in(text: str) -> tuple[str, ...]:
    """The distinct bare DOIs of a text, in order."""
    found: dict[str, str] = {}
    for part in _PARTS.split(text):
        start = re.search(r"10\.[0-9]{4,9}(?:/|%2f)", part, re.IGNORECASE)
        if start is None:
            continue
        doi = part[start.start() :]
        doi = _without_end(unquote(doi) if "%" in doi else doi)
        if DOI.fullmatch(doi):
            found.setdefault(doi.casefold(), doi)
    return tuple(found.values())


def _without_end(doi: str) -> str:
    """Without the punctuation of the sentence or the brackets around it."""
    while doi and (doi[-1] in ".,;:'\"" or _closes_nothing(doi)):
        doi = doi[:-1]
    return doi


def _closes_nothing(doi: str) -> bool:
    opening = _BRACKETS.get(doi[-1])
    return opening is not None and doi.count(opening) < doi.count(doi[-1])
