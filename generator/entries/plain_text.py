"""What two spellings of one title or name have in common."""

from __future__ import annotations

import re
import unicodedata

from generator.entries.tex import text_of

_FOLDED = {
    **{
        letter: unicodedata.name(letter).lower().split()[-1].replace("lamda", "lambda")
        for letter in map(chr, range(0x3B1, 0x3CA))
    },
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "æ": "ae",
    "œ": "oe",
    "ħ": "h",
    "ı": "i",
    "ŧ": "t",
    "×": "x",
}
"""Greek letters by their names, letters that Unicode does not decompose, the sign that people type as a letter."""


def plain(text: str) -> str:
    """Text without case, accents, TeX commands and punctuation."""
    text = re.sub(r"\\[a-zA-Z]+", "", text_of(text))
    text = unicodedata.normalize("NFKD", text).casefold()
    return "".join(_FOLDED.get(c, c) for c in text if c.isalnum() or c in _FOLDED)


def code_points_that_differ(one: str, other: str) -> str:
    """The letters beyond ASCII that only one of two texts has, with their names; empty if there is none."""
    first, second = (unicodedata.normalize("NFC", text_of(text)) for text in (one, other))
    found = (c for c in dict.fromkeys(first + second) if not c.isascii() and (c in first) != (c in second))
    named = [f"{c} (U+{ord(c):04X} {unicodedata.name(c, 'without a name')})" for c in found if plain(c)]
    return ", ".join(named[:5])
