"""What an entry was compared with: the day is given, and nothing in it rests on another text than it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from generator.checks.draft import Context, Draft
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E243",
        "`checked: paper` has `checked_on`, the day of the comparison.",
        wrong="checked: paper\nadded: 2026-11-22",
        right="checked: paper\nchecked_on: 2026-11-22\nadded: 2026-11-22",
    ),
    Code(
        "E244",
        "An entry that was checked against the paper has no number from a secondary source of its own results.",
        wrong="checked: paper, and a result with via and without reported_by",
        right="checked: abstract, or the number and its place as the paper has them",
    ),
    Code(
        "E245",
        "`training-free` trains nothing, and the summary of such a method speaks of no training of its own.",
        wrong="training: training-free\nsummary: A trained router selects the blocks that run at each timestep.",
        right="training: auxiliary\nsummary: A trained router selects the blocks that run at each timestep.",
        severity="note",
    ),
    Code(
        "E246",
        "A page of the authors is no secondary source: `via` is for a page of others.",
        wrong="code: https://github.com/a/b, and a result with via: https://github.com/a/b",
        right="where: README",
    ),
)

_TRAINS = re.compile(
    r"\b(?:then|is|are|by|with) (?!no |not |never )(?:\w+ )?"
    r"(?:fine-tun(?:ed|ing)|retrain(?:ed|ing)|distill(?:ed|ation))\b"
    r"|\btrains? (?:\w+ ){0,2}(?:router|predictor|probe|classifier|autoencoder|policy|gate|student)s?\b",
    re.IGNORECASE,
)
"""Training as something that the method does; what it does without stands behind «no» or «without»."""


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """Problems of `checked`, then of `training`."""
    if draft.kind != "papers":
        return
    if draft.text("checked") == "paper":
        if draft.text("checked_on") is None:
            yield draft.problem("E243", ("checked",), "checked: paper without checked_on", "add checked_on: YYYY-MM-DD")
        for steps, result in draft.results():
            if "via" in result and "reported_by" not in result:
                message = f"checked: paper, but via: {result['via']}"
                fix = "write checked: abstract, or the place that the paper itself has"
                yield draft.problem("E244", (*steps, "via"), message, fix)
    pages = tuple(text for key in ("code", "project", "weights") if (text := draft.text(key)))
    for steps, result in draft.results():
        via = result.get("via")
        if isinstance(via, str) and any(_within(via, page) for page in pages) and "reported_by" not in result:
            message = f"via is a page of the authors, {via}"
            yield draft.problem("E246", (*steps, "via"), message, "delete via, and write where: README or project page")
    summary = draft.text("summary") or ""
    if draft.text("training") == "training-free" and (found := _TRAINS.search(summary)):
        message = f"training-free, but the summary says {found[0]!r}"
        yield draft.problem("E245", ("training",), message, "correct one of the two", severity="note")


def _within(address: str, page: str) -> bool:
    """Whether an address is a page or below it, by the segments of their paths: a/bc is not below a/b."""
    try:
        inner, outer = urlsplit(address), urlsplit(page)
    except ValueError:
        return False  # `urls` reports it
    inside, around = (PurePosixPath(part.path or "/").parts for part in (inner, outer))
    return (inner.hostname, inside[: len(around)]) == (outer.hostname, around)
