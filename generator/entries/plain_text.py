"""What two spellings of one title or name have in common."""

from __future__ import annotations

import re
import unicodedata

_GREEK = {
    unicodedata.name(letter).split()[-1].lower().replace("lamda", "lambda"): letter
    for letter in map(chr, range(0x3B1, 0x3CA))
}


def plain(text: str) -> str:
    """Text without case, accents, TeX commands and punctuation."""
    text = re.sub(r"\\([a-zA-Z]+)", lambda command: _GREEK.get(command[1], ""), text)
    text = unicodedata.normalize("NFKD", text)
    return "".join(c for c in text.casefold() if c.isalnum())
