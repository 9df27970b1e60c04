"""The architectures of a paper follow from its models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.checks.draft import Context, Draft
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E226",
        "`architectures` is given only for models that cannot be named or that have no architecture.",
        wrong="models: [sdxl] and architectures: [unet]",
        right="models: [sdxl]",
    ),
)


def check_all(drafts: Sequence[Draft], _context: Context) -> Iterator[Problem]:
    """Papers that repeat the architecture of their models."""
    known = {draft.slug: text for draft in drafts if draft.kind == "models" and (text := draft.text("architecture"))}
    for draft in drafts:
        if draft.kind != "papers" or "architectures" not in draft.data:
            continue
        models = [slug for _, slug in draft.items("models")]
        follow = {known[slug]: slug for slug in models if slug in known}
        if models and all(slug in known for slug in models):
            message = f"architectures repeats what the models give: {models[0]} is {known[models[0]]}"
            yield draft.problem("E226", ("architectures",), message, "delete architectures", key=True)
            continue
        for steps, word in draft.items("architectures"):
            if word in follow:
                yield draft.problem("E226", steps, f"{word} follows from the model {follow[word]}", "delete it")
