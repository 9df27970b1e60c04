"""What one field says, another repeats: a topic that names a family goes with that family."""

from __future__ import annotations

from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E249",
        "A paper with the topic `prune-and-distill` or `prune-and-quantize` has that family, or combines it.",
        "topics: [prune-and-distill]",
        "combines: [distillation]\ntopics: [prune-and-distill]",
    ),
)

IMPLIED = {"prune-and-distill": "distillation", "prune-and-quantize": "quantization"}
"""Topics of papers, and the family that each implies."""


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """Topics whose family is missing."""
    if draft.kind != "papers":
        return
    families = {draft.text("family"), *(word for _, word in draft.items("combines"))}
    for steps, topic in draft.items("topics"):
        family = IMPLIED.get(topic)
        if family is not None and family not in families:
            message = f"{topic}, but neither family nor combines is {family}"
            yield draft.problem("E249", steps, message, f"add {family} to combines, or delete the topic")
