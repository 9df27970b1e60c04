"""Every spelling of a model, and of a data set, belongs to one of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from generator.checks.draft import Context, Draft
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E514",
        "A name or alias belongs to one model, and one data set; case, accents, hyphens and spaces make no difference.",
        wrong="a second model with aliases: [SD 1.5]",
        right="the alias at one of the two models only",
    ),
)


def folded(name: str) -> str:
    """A name without what spellings differ in: case, accents, hyphens, underscores and spaces."""
    text = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[\s_\-‐-―]", "", "".join(one for one in text if not unicodedata.combining(one)))


def check_all(drafts: Sequence[Draft], context: Context) -> Iterator[Problem]:
    """Each later spelling is compared with the first."""
    spelled: dict[str, Draft] = {}
    for draft in drafts:
        if draft.kind != "models":
            continue
        for key in ("name", "aliases"):
            for steps, name in draft.items(key):
                first = spelled.setdefault(folded(name), draft)
                if first is not draft:
                    message = f"{name!r} is already a name of {first.path}"
                    yield draft.problem("E514", steps, message, "keep it at the one model that it means")
    taken: dict[str, str] = {}
    for slug, dataset in context.datasets.items():
        for index, name in enumerate((dataset.name, *dataset.aliases)):
            first_slug = taken.setdefault(folded(name), slug)
            if first_slug != slug:
                document = context.datasets_document
                place = document.place((slug, "name") if index == 0 else (slug, "aliases", index - 1))
                message = f"{name!r} is already a name of {first_slug}"
                fix = "keep it at the one data set that it means"
                yield Problem(document.path, place.line, place.column, "E514", message, fix)
