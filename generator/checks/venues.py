"""A venue is a known series and a year that is not before the paper."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.checks.shape import suggestion
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E222",
        "A venue is a series of data/taxonomy.yaml and a year.",
        "venue: Neurips 2023",
        "venue: NeurIPS 2023",
    ),
    Code(
        "E223",
        "A venue is not dated before the year of the paper's first version.",
        "venue: ICML 2019",
        "venue: ICML 2024",
    ),
    Code(
        "E224",
        "A paper first published after its conference has the right id.",
        severity="note",
        wrong="venue: ICML 2024 beside an arXiv id of August 2024",
        right="the same, if both belong to one paper: some authors post late",
    ),
    Code(
        "E225",
        "A track or workshop belongs to a venue.",
        "workshop: Sparse Days",
        "venue: ICML 2024\ntrack: workshop\nworkshop: Sparse Days",
    ),
)


def check(draft: Draft, context: Context) -> Iterator[Problem]:
    """Form, then date."""
    if draft.kind != "papers":
        return
    venue = draft.text("venue")
    for key in ("track", "workshop"):
        if draft.text(key) and venue is None:
            yield draft.problem("E225", (key,), f"{key} without venue", f"add the venue, or delete {key}", key=True)
    if draft.text("workshop") and draft.text("track") != "workshop":
        yield draft.problem("E225", ("workshop",), "workshop without track: workshop", "add track: workshop", key=True)
    if venue is None:
        return
    match = re.fullmatch(r"(?P<series>.+) (?P<year>(19|20)\d\d)", venue)
    series = context.taxonomy.venues.get(match["series"]) if match else None
    if match is None or series is None:
        named = re.split(r"(?:19|20)\d\d", venue)[0]
        fix = suggestion(named, context.taxonomy.venues, "`venues` in data/taxonomy.yaml", after=", with a year")
        yield draft.problem("E222", ("venue",), f"{venue!r} is not a known series and a year", fix)
        return
    first = draft.first_month(context.records)
    if first is None:
        return
    month = f"{match['year']}-{series.month:02d}"
    if match["year"] < first[:4] and not _shortly_after(month, first):
        message = f"{venue} was held before the paper first appeared, {first}"
        yield draft.problem(
            "E223", ("venue",), message, "check the arXiv id and the venue: one of them belongs to another paper"
        )
    elif month < first and draft.text("arxiv"):
        message = f"{venue} was held before the paper first appeared on arXiv, {first}"
        yield draft.problem("E224", ("venue",), message, "check that id and venue belong to one paper", severity="note")


def _shortly_after(month: str, first: str) -> bool:
    """Some authors post their paper a few months after the conference, over the turn of the year."""
    months = (int(first[:4]) - int(month[:4])) * 12 + int(first[5:7] or 12) - int(month[5:7])
    return months <= 6
