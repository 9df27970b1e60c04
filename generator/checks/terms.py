"""Fields with a closed vocabulary use only its terms, and lists have no duplicates."""

from __future__ import annotations

from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.checks.shape import suggestion
from generator.entries.load_yaml import Steps
from generator.entries.model import TERM_NAMES, VOCABULARIES
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E220",
        "A field with a closed vocabulary has a term of data/taxonomy.yaml.",
        "family: prunning",
        "family: pruning",
    ),
    Code("E221", "No duplicate items.", "topics: [depth, depth]", "topics: [depth]"),
    Code(
        "E228",
        "`combines` has the families beside its own.",
        "family: pruning\ncombines: [pruning, quantization]",
        "family: pruning\ncombines: [quantization]",
    ),
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
    """Unknown terms with the nearest known ones, duplicate items, and the own family among others."""
    for vocabulary, steps, word in uses(draft):
        terms = context.taxonomy.vocabulary(vocabulary)
        if word and word not in terms and not (draft.unread and steps == ("checked",)):
            fix = suggestion(word, terms, f"`{vocabulary}` in data/taxonomy.yaml")
            yield draft.problem("E220", steps, f"unknown {TERM_NAMES[vocabulary]} {word!r}", fix)
    for key, value in draft.data.items():
        if isinstance(value, list):
            seen: set[str] = set()
            for steps, word in draft.items(key):
                if word.casefold() in seen:
                    yield draft.problem("E221", steps, f"duplicate item {word!r} in {key}", "keep one")
                seen.add(word.casefold())
    for steps, word in draft.items("combines"):
        if word == draft.text("family"):
            yield draft.problem("E228", steps, f"{word} is the family itself", "delete it from combines")
