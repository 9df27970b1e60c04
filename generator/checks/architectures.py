"""The architectures of a paper follow from its models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.checks.draft import Context, Draft
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E222",
        "architectures is written only where no model of the entry has one.",
        wrong="models: [sdxl] and architectures: [unet]",
        right="models: [sdxl]",
    ),
)


def check_all(drafts: Sequence[Draft], _context: Context) -> Iterator[Problem]:
    """Papers that write what their models say."""
    known = {draft.slug: text for draft in drafts if draft.kind == "models" and (text := draft.text("architecture"))}
    for draft in drafts:
        if draft.kind == "papers" and "architectures" in draft.data:
            named = [slug for _, slug in draft.items("models") if slug in known]
            if named:
                message = f"architectures beside models; {named[0]} says {known[named[0]]}"
                yield draft.problem("E222", ("architectures",), message, "delete architectures", key=True)
