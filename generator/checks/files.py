"""An entry is in the right folder, under a name that is valid in every file system and address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.entries.latin import latin
from generator.entries.model import SLUG
from generator.entries.problem import Code, Problem
from generator.entries.tex import text_of

CODES = (
    Code(
        "E410",
        "A file name is lower-case letters, digits and single dashes, at most 80, and not a reserved name.",
        wrong="data/papers/2023/Diff_Pruning.yaml",
        right="data/papers/2023/diff-pruning.yaml",
    ),
    Code(
        "E411",
        "A paper is in the folder of the year of its arXiv id, or of its date if it is not on arXiv.",
        wrong='data/papers/2024/diff-pruning.yaml with arxiv: "2305.10924"',
        right="data/papers/2023/diff-pruning.yaml",
    ),
)

MAX_SLUG = 80
RESERVED = re.compile(r"index|readme|con|nul|aux|prn|com\d|lpt\d|template|taxonomy", re.IGNORECASE)


def slug_fault(slug: str) -> str | None:
    """What is wrong with a slug, or None."""
    if not slug:
        return "is empty"
    if len(slug) > MAX_SLUG:
        return f"has {len(slug)} characters"
    if not SLUG.fullmatch(slug):
        return "has other characters than a-z, 0-9 and single dashes"
    if RESERVED.fullmatch(slug):
        return "is a reserved name"
    return None


def slug_of(title: str) -> str:
    """A slug from a name or title, in Latin letters; empty if it has no letter or digit."""
    text = latin(text_of(title)).casefold().replace("+", " plus ")
    slug = re.sub(r"[^a-z0-9]+", "-", text).strip("-")
    return slug[:MAX_SLUG].rstrip("-")


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """The name, then for papers the folder."""
    fault = slug_fault(draft.slug)
    if fault:
        better = slug_of(draft.slug)
        fix = (
            "name the file after the short name, in Latin letters"
            if slug_fault(better)
            else f"rename the file to {better}.yaml"
        )
        yield draft.problem("E410", (), f"file name {draft.slug!r} {fault}", fix)
    if draft.kind != "papers":
        return
    month = draft.filed_month()
    folder = draft.path.split("/")[-2]
    if month is not None and month[:4] != folder:
        key = "arxiv" if draft.text("arxiv") else "date"
        message = f"folder {folder}, but {'the arXiv id is of' if key == 'arxiv' else 'first published in'} {month}"
        yield draft.problem("E411", (key,), message, f"move the file to papers/{month[:4]}/")
