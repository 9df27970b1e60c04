"""An arXiv id is bare, without version, in the old or the new form, with the digits of its year."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from urllib.parse import unquote

from generator.checks.draft import Context, Draft
from generator.entries.model import ARXIV_NEW, ARXIV_OLD
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E201",
        "An arXiv id has four digits after the point up to 1412, five from 1501, and a month from 01 to 12.",
        'arxiv: "2305.1092"',
        'arxiv: "2305.10924"',
    ),
    Code(
        "E202",
        "An arXiv id has no version and no prefix, and is no address.",
        'arxiv: "arXiv:2305.10924v2"',
        'arxiv: "2305.10924"',
    ),
)

FIRST_MONTH = 704  # the new form began in April 2007
OLDEST_MONTH = 9107  # the old one in the last century
FIVE_DIGITS_SINCE = 1501


_PLACE = (
    r"(?:https?://)?(?:"
    r"(?:[a-z]+\.)?arxiv\.org/(?:abs|pdf|html|format|ps|src|e-print)/"
    r"|(?:ar5iv|alphaxiv)(?:\.labs\.arxiv)?\.org/(?:abs|pdf|html)/|ar5iv\.labs\.arxiv\.org/html/"
    r"|(?:www\.)?alphaxiv\.org/(?:abs|pdf)/|huggingface\.co/papers/"
    r"|(?:(?:dx\.)?doi\.org/|doi:\s*)?10\.48550/)"
)
_DRESSED = re.compile(
    rf"(?:{_PLACE})?(?:arxiv[.:]\s*)?"
    r"(?P<id>[0-9]+\.[0-9]+|[a-z-]+(?:\.[a-z]{2})?/[0-9]+)(?:v[0-9]+)?(?:\.pdf)?/?(?:[?#]\S*)?(?:\s*\[[a-z-]+(?:\.[a-z]+)?\].*)?",
    re.IGNORECASE | re.ASCII,
)


_NAMED = re.compile(
    r"(?:arxiv|alphaxiv|ar5iv|10\.48550/|eprint\s*=)\S{0,80}?(?<!\w)"
    r"(?P<id>[0-9]{4}\.[0-9]+|[a-z-]+(?:\.[a-z]{2})?/[0-9]{5,})(?:v[0-9]+)?(?![0-9])",
    re.IGNORECASE | re.ASCII,
)
"""An id inside other text, after a word that says that it is one."""
MAX_PASTED = 5_000
"""Characters of a longer text are not searched."""


def bare_id(text: str) -> str | None:
    """The bare id in what people paste: an id, also with prefix, version or category, an address, a text with one id.

    None without one, or with several. It can still be wrong, which ``id_fault`` says. The archive of an old id is in
    its canonical form: without class.
    """
    match = _DRESSED.fullmatch(unquote(text).strip().strip("<>()[]{}\"'«»“”,;. \u00a0\u200b"))
    if match is None and "[" in text:  # the bracket of a category at the end was stripped
        match = _DRESSED.fullmatch(unquote(text).strip().strip("<>\"'«»“”"))
    if match is not None:
        return _canonical(match["id"])
    named = {_canonical(found["id"]) for found in _NAMED.finditer(unquote(text[:MAX_PASTED]))}
    return named.pop() if len(named) == 1 else None


def _canonical(arxiv_id: str) -> str:
    archive, slash, number = arxiv_id.rpartition("/")
    return f"{archive.partition('.')[0].lower()}/{number}" if slash else arxiv_id


def id_fault(text: str, latest: str = "") -> tuple[str, str] | None:
    """What is wrong with a bare id, and the fix; None where nothing is.

    Args:
        text: a bare id.
        latest: YYYY-MM of the last month that it can be of, if known.
    """
    if old := ARXIV_OLD.fullmatch(text):
        if FIRST_MONTH <= int(old["yy"] + old["mm"]) < OLDEST_MONTH:
            return f"{text} is after 0703, when this form ended", "write YYMM.NNNN"
        return None
    if re.fullmatch(r"[a-z-]+/[0-9]+", text):
        if re.fullmatch(r"[a-z-]+/[0-9]{7}", text):
            return f"{text} has the month {text[-5:-3]}", "write the month, 01 to 12, as digits 3 and 4"
        digits = len(text.partition("/")[2])
        return f"{text} has {digits} digits after the slash", "write seven digits: the month YYMM and a number of three"
    new = ARXIV_NEW.fullmatch(text)
    if new is None:
        if not re.fullmatch(r"[0-9]{4}\.[0-9]+", text):
            digits = len(text.partition(".")[0])
            return f"{text} has {digits} digits before the point", "write four digits there, YYMM"
        if not 1 <= int(text[2:4]) <= 12:
            return f"{text} has the month {text[2:4]}", "write the month, 01 to 12, as digits 3 and 4"
        message = f"{text} has {len(text) - 5} digits after the point"
        return message, "write four digits up to 1412, five from 1501"
    month, digits = int(new["yy"] + new["mm"]), len(new["number"])
    if month < FIRST_MONTH:
        return f"{text} is before 0704, when this form began", "write archive/YYMMNNN"
    if latest and f"20{new['yy']}-{new['mm']}" > latest:
        return f"{text} is of {new['mm']}/20{new['yy']}, after {latest}", "copy the id again from the page of the paper"
    if month >= FIVE_DIGITS_SINCE and digits == 4:
        return f"{text} has four digits after the point", "write five digits from 1501; is a 0 missing?"
    if month < FIVE_DIGITS_SINCE and digits == 5:
        return f"{text} has five digits after the point", "write four digits up to 1412"
    return None


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """At most one problem: the first fault of the id."""
    text = draft.text("arxiv") if draft.kind == "papers" else None
    if text is None:
        return
    added = draft.text("added") or ""
    bare = bare_id(text)
    dressed = bare is not None and text.lower() != bare and not ARXIV_OLD.fullmatch(text)
    if bare is None:
        yield draft.problem("E202", ("arxiv",), f"{text!r} is not an arXiv id", 'write arxiv: "2305.10924"')
    elif dressed and id_fault(bare) is None:
        yield draft.problem("E202", ("arxiv",), f"{text!r} is not a bare id", f'arxiv: "{bare}"')
    elif fault := id_fault(bare if dressed else text, _month(added)):
        yield draft.problem("E201", ("arxiv",), *fault)


def _month(text: str) -> str:
    """YYYY-MM of a full date of the calendar; empty for anything else, which another check reports."""
    try:
        return date.fromisoformat(text).strftime("%Y-%m") if len(text) == len("2026-11-22") else ""
    except ValueError:
        return ""
