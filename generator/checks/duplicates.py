"""No duplicates in the catalogue: no arXiv id, DOI, address or file name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.checks.draft import Context, Draft
from generator.checks.urls import normal
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E501",
        "An arXiv id, DOI or address belongs to one entry of its kind.",
        wrong='a second file with arxiv: "2305.10924"',
        right="one entry; delete the other file",
    ),
    Code(
        "E503",
        "A repository listed by several papers is the right one for each.",
        severity="note",
        wrong="two papers with code: https://github.com/NVlabs/Sana",
        right="the same, if both papers name that repository",
    ),
    Code(
        "E412",
        "File names differ in more than upper and lower case, across all year folders.",
        wrong="data/papers/2023/toma.yaml beside data/papers/2025/toma.yaml",
        right="data/papers/2025/toma-diffusion.yaml",
    ),
)


def check_all(drafts: Sequence[Draft], _context: Context) -> Iterator[Problem]:
    """Each later entry gets a problem that names the first one."""
    names: dict[tuple[str, str], Draft] = {}
    identities: dict[tuple[str, str, str], Draft] = {}
    repositories: dict[str, Draft] = {}
    for draft in drafts:
        first = names.setdefault((draft.kind, draft.slug.casefold()), draft)
        if first is not draft:
            fix = "give one of them a longer name"
            yield draft.problem("E412", (), f"the name {draft.slug} is taken by {first.path}", fix)
        for key in ("arxiv", "doi", "url"):
            text = draft.text(key)
            if text is None:
                continue
            identity = (draft.kind, key, normal(text) if key == "url" else text.casefold())
            first = identities.setdefault(identity, draft)
            if first is not draft:
                line = first.document.place((key,)).line
                message = f"{key} {text} is already at {first.path}:{line}"
                yield draft.problem("E501", (key,), message, "keep one entry and delete the other file")
        code = draft.text("code")
        if code is not None and draft.kind == "papers":
            first = repositories.setdefault(normal(code), draft)
            if first is not draft:
                message = f"code {code} is also listed by {first.path}"
                yield draft.problem(
                    "E503", ("code",), message, "check that both papers name this repository", severity="note"
                )
