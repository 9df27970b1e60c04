"""Authors: which names are people's, and their parts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from generator.entries.tex import text_of

_PARTICLES = frozenset(
    {
        *("al", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el", "la", "le"),
        *("ten", "ter", "van", "von", "zu", "zum", "zur"),
    }
)
_SUFFIX = re.compile(r"jr\.?|sr\.?|i{1,3}|iv|v", re.IGNORECASE)
_BODY = re.compile(
    r"(?i:\b(?:collaborations?|consortium|teams?|group|project|labs?|laborator(?:y|ies)|inc|ltd|llc|gmbh|corp|corporation"
    r"|company|committee|foundation|institutes?|university|universität|université|association|alliance|initiative"
    r"|community|organi[sz]ation|network|society|department|academy|contributors)\b)"
    r"|\b(?:AI|Research|DeepMind|Technologies|Mission|Authors)$"
    r"|^(?:Team|NVIDIA|OpenAI|DeepSeek|Google|Microsoft|Alibaba|ByteDance|Tencent|Baidu|Huawei|Kuaishou|Qualcomm)\s"
)
"""Words that people's names do not have. Some are names in small letters, as in *Xin Ai*."""
_NOISE = " :,"


@dataclass(frozen=True, slots=True)
class Name:
    """An author: a person with a family name, or a body with one name that is not taken apart."""

    family: str
    given: str = ""
    suffix: str = ""

    @property
    def sorted(self) -> str:
        """Family name, given name, suffix."""
        return ", ".join(part for part in (self.family, self.given, self.suffix) if part)


def names_in(authors: Iterable[str]) -> tuple[str, ...]:
    """The authors as arXiv gives them, without TeX and without what is no name, such as the colon after a team."""
    said = (text_of(author).strip(_NOISE) for author in authors)
    return tuple(name for name in said if any(map(str.isalnum, name)))


def is_body(author: str) -> bool:
    """Whether the author is a team, a collaboration or a company."""
    return _BODY.search(author) is not None


def name_of(author: str) -> Name:
    """The parts of a name: particles such as *van der* belong to the family name, a team has one name."""
    words = author.split()
    text = " ".join(words)
    if len(words) < 2 or is_body(text):
        return Name(text)
    if "," in text:
        family, _, given = (part.strip() for part in text.rpartition(","))
        if " " in family and _SUFFIX.fullmatch(given):
            whole = name_of(family)
            return Name(whole.family, whole.given, given)
        family, _, given = (part.strip() for part in text.partition(","))
        return Name(family, given)
    suffix = words.pop() if len(words) > 2 and _SUFFIX.fullmatch(words[-1]) else ""
    start = len(words) - 1
    while start > 1 and words[start - 1].casefold() in _PARTICLES and words[start - 1].islower():
        start -= 1
    return Name(" ".join(words[start:]), " ".join(words[:start]), suffix)


def family_name(author: str) -> str:
    """The last word of a person's family name, without particles such as *van der*; all of a body's name."""
    family = name_of(author).family
    return family if is_body(family) else family.split()[-1] if family else ""
