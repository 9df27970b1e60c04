"""Names in Latin letters, for file names and addresses."""

from __future__ import annotations

import re
import unicodedata

_LONE_GREEK = re.compile(r"(?<![\u0370-\u03ff])[\u0391-\u03a9\u03b1-\u03c9](?![\u0370-\u03ff])")


def latin(text: str) -> str:
    """The text in ASCII: letters without accents, other scripts as they are spelt; a lone Greek letter by its name."""
    if text.isascii():
        return text
    # Imported late: most names are ASCII.
    from anyascii import anyascii

    return anyascii(_LONE_GREEK.sub(_name, unicodedata.normalize("NFKC", text)))


def _name(letter: re.Match[str]) -> str:
    words = unicodedata.name(letter[0]).lower().replace("lamda", "lambda").split()
    return words[-1]
