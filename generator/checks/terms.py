"""Words of a closed vocabulary are terms of it, and a list holds each item once."""

from __future__ import annotations

from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.checks.shape import nearest
from generator.entries.load_yaml import Steps
from generator.entries.model import VOCABULARIES
from generator.entries.problem import Code, Problem

CODES = (
    Code("E220", "A term stands in data/taxonomy.yaml.", "family: prunning", "family: pruning"),
    Code("E221", "A list holds each item once.", "topics: [depth, depth]", "topics: [depth]"),
)


def uses(draft: Draft) -> Iterator[tuple[str, Steps, str]]:
    """Each use of a term: vocabulary, place, word."""
    for key, vocabulary in VOCABULARIES[draft.kind].items():
        for steps, word in draft.items(key):
            yield vocabulary, steps, word
    for steps, result in draft.results():
        for key in ("before", "after"):
            values = result.get(key)
            for name in values if isinstance(values, dict) else ():
                yield "metrics", (*steps, key, name), name


def check(draft: Draft, context: Context) -> Iterator[Problem]:
    """Unknown terms with the three nearest known ones, and repeated items."""
    for vocabulary, steps, word in uses(draft):
        terms = context.taxonomy.vocabulary(vocabulary)
        if word and word not in terms:
            near = nearest(word, list(terms), limit=3)
            fix = f"did you mean {', '.join(near)}?" if near else f"see `{vocabulary}` in data/taxonomy.yaml"
            yield draft.problem("E220", steps, f"{word!r} is not a term of {vocabulary}", fix)
    for key, value in draft.data.items():
        if isinstance(value, list):
            seen: set[str] = set()
            for steps, word in draft.items(key):
                if word.casefold() in seen:
                    yield draft.problem("E221", steps, f"{word!r} stands in {key} twice", "keep one")
                seen.add(word.casefold())
