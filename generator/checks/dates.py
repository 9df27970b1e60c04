"""Dates are in the calendar, written with dashes, and not later than the day on which the entry was added."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.entries.model import DATE
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E203",
        "A date is YYYY, YYYY-MM or YYYY-MM-DD; `added` and `checked_on` are full dates.",
        "added: 22.11.2026",
        "added: 2026-11-22",
    ),
    Code(
        "E204",
        "A date is in the calendar, and not later than `added` unless it is `checked_on`.",
        "added: 2026-02-30",
        "added: 2026-02-28",
    ),
)

_KEYS = ("date", "since", "released", "checked_on", "added")
_EARLIEST = 1950
_FULL = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """Problems of each date by itself, then against `added`."""
    added = draft.text("added") or ""
    latest = added if _FULL.fullmatch(added) else "9999"
    for key in _KEYS:
        text = draft.text(key)
        if text is None:
            continue
        steps = (key,)
        if key in ("added", "checked_on") and not _FULL.fullmatch(text):
            yield draft.problem("E203", steps, f"{text!r} is not a full date", f"write {key}: YYYY-MM-DD")
        elif not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", text, re.ASCII):
            yield draft.problem("E203", steps, f"{text!r} is not a date", f"write {key}: YYYY, YYYY-MM or YYYY-MM-DD")
        elif not _exists(text):
            yield draft.problem("E204", steps, f"{text} is not in the calendar", "write a date that exists")
        elif key not in ("added", "checked_on") and text > latest:
            yield draft.problem(
                "E204", steps, f"{key} {text} is later than added: {added}", "correct one of the two dates"
            )


def _exists(text: str) -> bool:
    if not DATE.fullmatch(text) or int(text[:4]) < _EARLIEST:
        return False
    try:
        datetime.date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return False
    return True
