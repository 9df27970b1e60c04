"""Unknown names: what to say about them, with the known name that was most likely meant."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import process

LIKE_ENOUGH = 65
"""Least similarity, of 100, of a name that is suggested."""


def alike(name: str, known: Iterable[str], limit: int = 1) -> list[str]:
    """The known names with the letters most like those of a given one, best first."""
    matches = process.extract(name, list(known), processor=str.casefold, limit=limit, score_cutoff=LIKE_ENOUGH)
    return [str(match[0]) for match in matches]


def nearest(name: str, known: Iterable[str], limit: int = 1) -> list[str]:
    """The known names most like a given one, best first: those that begin with it, then those with similar letters."""
    names = list(known)
    longer = sorted((one for one in names if name and one.casefold().startswith(name.casefold())), key=len)
    return list(dict.fromkeys([*longer, *alike(name, names, limit)]))[:limit]


def unknown(what: str, name: object, known: Iterable[str], see: str | None = None) -> str:
    """The message about a name that is not known.

    Args:
        what: what it should name, such as method.
        name: as it was given.
        known: all names.
        see: what lists them, where they are too many to be listed in the message.
    """
    names = list(known)
    near = nearest(name, names) if isinstance(name, str) else []
    choose = f"see: {see}" if see else f"choose one of {', '.join(names)}"
    if not near:
        return f"unknown {what} {name!r}; {choose}"
    return f"unknown {what} {name!r}; did you mean {near[0]}? {choose[0].upper()}{choose[1:]}"
