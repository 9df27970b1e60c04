"""Amounts are worded so that they cannot be read as a comparison."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.entries.load_yaml import Steps
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E247",
        "An amount that is exceeded is `more than 40%`; `over` names what something is compared with.",
        "summary: Prunes the channels of a U-Net and makes it over 40% faster.",
        "summary: Prunes the channels of a U-Net, a speed-up of 1.4× over the baseline.",
    ),
)

_OVER = re.compile(r"\bover \d[\d.,]*(?:%|×| times\b| (?:m?s|[MG]B)\b)", re.IGNORECASE)
"""«over» before a percentage, a factor, a time or a size; «over 9 models» and «2× over DDIM» are none."""


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """The summary, then the settings of results."""
    texts: list[tuple[Steps, object]] = [(("summary",), draft.text("summary"))]
    texts += [((*steps, "setting"), result.get("setting")) for steps, result in draft.results()]
    for steps, text in texts:
        if isinstance(text, str) and (match := _OVER.search(text)):
            yield draft.problem("E247", steps, f"{match[0]!r} may be read as a comparison", "write more than")
