"""Whether arXiv or the authors say that a paper is withdrawn: in comment or title, or in place of the abstract."""

from __future__ import annotations

import re

_WORK = r"(?:paper|submission|article|manuscript|preprint|work|e-?print|report|version|document|draft)"
_IS = r"(?:(?:has|have|had) (?:\w+ )?been|is|was|will be|is being|are)"
_THIS = r"(?:this|the|our|their|his|her)"
_NOT_FROM = r"(?! (?:from|of) (?!arxiv|this|the paper|the submission))"
_SENTENCE = re.compile(
    "|".join(
        (
            rf"\b{_THIS} (?:\w+ )?{_WORK} {_IS} (?:\w+ )?(?:withdrawn|retracted|removed|taken down)\b{_NOT_FROM}",
            rf"\bauthors? (?:\w+ ){{0,4}}?(?:withdr[aeo]wn?|retract(?:ed)?)s? (?:\w+ )?(?:{_THIS}|it)\b",
            rf"\bwe (?:\w+ ){{0,3}}?(?:withdrawn?|withdrew|retract(?:ed)?) (?:{_THIS}|it)\b",
            r"\b(?:withdrawn|retracted) by (?:the |its |all )?(?:\w+ )?(?:authors?|arxiv|admin\w*|moderators?)\b",
            r"\bremoved by (?:the )?arxiv\b",
        )
    ),
    re.IGNORECASE,
)
_COMMENT = re.compile(
    r"(?:^|[.;!] )[\W_]*(?:temporarily )?(?:"
    rf"(?:withdrawn|withdrawal|retracted|retraction)|{_WORK} (?:{_IS} )?(?:withdrawn|retracted|removed))\b{_NOT_FROM}",
    re.IGNORECASE,
)
_TITLE = re.compile(r"^\W*(?:withdrawn|retracted)\s*[:\])]|[\[(](?:withdrawn|retracted)[\])]\W*$", re.IGNORECASE)
BEGINNING = 400
"""So much of an abstract is read: a withdrawal stands in its place, and later sentences speak of other things."""
MAX_LENGTH = 300


def said_withdrawn(title: str, comment: str, abstract: str) -> str | None:
    """What says that the paper is withdrawn; None if nothing does."""
    if _COMMENT.search(comment) or _SENTENCE.search(comment):
        return comment[:MAX_LENGTH]
    found = _SENTENCE.search(abstract[:BEGINNING])
    if found and not abstract[: found.start()].strip(" ([\"'*"):
        return abstract[:MAX_LENGTH]
    return title[:MAX_LENGTH] if _TITLE.search(title) else None
