"""Words do not mix scripts, and values have no stray white space."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.entries.model import TITLES
from generator.entries.problem import Code, Problem
from generator.entries.tex import settled_text, text_of

CODES = (
    Code(
        "E303",
        "A word uses one script; Greek letters may occur in Latin words.",
        "short: W\u0430nda",
        "short: Wanda",
    ),
    Code(
        "E304",
        "One space between words, none at the ends, no line breaks.",
        'short: "Diff  Pruning"',
        "short: Diff Pruning",
    ),
    Code(
        "E305",
        "A title has no TeX, no ligatures and no special hyphens.",
        severity="note",
        wrong="title: D$^{3}$ToM",
        right="title: D³ToM",
    ),
)

_WORD = re.compile(r"[^\W\d_]+")
_MIXED_WITH_LATIN = (
    "CYRILLIC",
    "ARMENIAN",
    "CHEROKEE",
    "COPTIC",
    "GEORGIAN",
    "HEBREW",
    "ARABIC",
    "LISU",
    "FULLWIDTH",
    "MATHEMATICAL",
)


def _script(character: str) -> str:
    return unicodedata.name(character, "UNNAMED").split()[0]


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """Problems of every text of the entry."""
    for key in TITLES:
        for steps, value in draft.items(key):
            if (text := text_of(value)) != value:
                message = f"the site shows {value!r} as {text!r}"
                fix = f"write {text}{', or run make format' if settled_text(value) == text else ''}"
                yield draft.problem("E305", steps, message, fix, severity="note")
    for steps, value in draft.scalars():
        if value != " ".join(value.split()):
            what = "a line break" if "\n" in value else "stray spaces"
            yield draft.problem(
                "E304", steps, f"{what} in {value[:60]!r}", "write one space between words; use >- for long text"
            )
        if value.isascii():
            continue
        for word in _WORD.findall(value):
            if word.isascii():
                continue
            scripts = {_script(character) for character in word}
            foreign = sorted(scripts & set(_MIXED_WITH_LATIN))
            if foreign and len(scripts) > 1:
                escaped = word.encode("ascii", "backslashreplace").decode()
                kinds = " and ".join(sorted(script.capitalize() for script in scripts))
                yield draft.problem("E303", steps, f"'{escaped}' mixes {kinds} letters", "retype the word")
