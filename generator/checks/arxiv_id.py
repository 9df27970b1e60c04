"""An arXiv id is bare, without version, in the old or the new form, with the digits of its year."""

from __future__ import annotations

import re
from collections.abc import Iterator

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

_DRESSED = re.compile(
    r"(?:https?://)?(?:www\.|export\.)?(?:arxiv\.org/(?:abs|pdf|html)/)?(?:arxiv:)?"
    r"(?P<id>\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7})(?:v\d+)?(?:\.pdf)?/?",
    re.IGNORECASE,
)


def bare_id(text: str) -> str | None:
    """The bare id in an id, a prefixed id or an arXiv address; None where there is none."""
    match = _DRESSED.fullmatch(text.strip())
    return match["id"] if match else None


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """At most one problem: the first fault of the id."""
    text = draft.text("arxiv") if draft.kind == "papers" else None
    if text is None:
        return
    steps = ("arxiv",)
    if old := ARXIV_OLD.fullmatch(text):
        if FIRST_MONTH <= int(old["yy"] + old["mm"]) < OLDEST_MONTH:
            message = f"{text} is after 0703, when this form ended"
            yield draft.problem("E201", steps, message, "write YYMM.NNNN")
        return
    new = ARXIV_NEW.fullmatch(text)
    if new is None:
        bare = bare_id(text)
        if bare is not None and bare != text:
            yield draft.problem("E202", steps, f"{text!r} is not a bare id", f'arxiv: "{bare}"')
        elif re.fullmatch(r"\d{4}\.\d+", text) and not 1 <= int(text[2:4]) <= 12:
            yield draft.problem(
                "E201", steps, f"{text} has the month {text[2:4]}", "write the month, 01 to 12, as digits 3 and 4"
            )
        elif re.fullmatch(r"\d{4}\.\d+", text):
            yield draft.problem(
                "E201",
                steps,
                f"{text} has {len(text) - 5} digits after the point",
                "write four digits up to 1412, five from 1501",
            )
        else:
            yield draft.problem("E202", steps, f"{text!r} is not an arXiv id", 'write arxiv: "2305.10924"')
        return
    month, digits = int(new["yy"] + new["mm"]), len(new["number"])
    if month < FIRST_MONTH:
        yield draft.problem("E201", steps, f"{text} is before 0704, when this form began", "write archive/YYMMNNN")
    elif month >= FIVE_DIGITS_SINCE and digits == 4:
        fix = "write five digits from 1501; is a 0 missing?"
        yield draft.problem("E201", steps, f"{text} has four digits after the point", fix)
    elif month < FIVE_DIGITS_SINCE and digits == 5:
        yield draft.problem("E201", steps, f"{text} has five digits after the point", "write four digits up to 1412")
