"""Keys follow the order of the template."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from generator.checks.draft import Context, Draft
from generator.entries.model import KINDS
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E250",
        "Keys follow the order of data/TEMPLATE.yaml.",
        "topics: [depth]\ncriterion: magnitude",
        "criterion: magnitude\ntopics: [depth]",
    ),
)


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """One problem: the first key that comes too late."""
    order = {key: index for index, key in enumerate(KINDS[draft.kind].model_fields)}
    known = [key for key in draft.data if key in order]
    for before, after in pairwise(known):
        if order[before] > order[after]:
            message = f"{after!r} should come before {before!r}"
            yield draft.problem("E250", (after,), message, "run make format, which puts all keys in order", key=True)
            return
