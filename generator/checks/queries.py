"""What `discover` looks for: read, and compared with the taxonomy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

from generator.checks.drafts import QUERIES, read_as
from generator.checks.shape import suggestion
from generator.entries.discovery import Discovery, arxiv_query, words_of
from generator.entries.load_yaml import Steps
from generator.entries.model import TERM_NAMES, Taxonomy
from generator.entries.problem import Code, Problem
from generator.escape import terminal

MAX_QUERY = 3500
"""Characters of an address; arXiv refuses one of about 7,000."""

CODES = (
    Code(
        "E540",
        "data/queries.yaml contains queries with a sentence, categories of arXiv, weights and words.",
        wrong="a query without text: in data/queries.yaml",
        right="text and all, as in the other queries",
    ),
)

_SENTENCE = re.compile(r"(?!.*[.!?] [A-Z]).+\.")
_CATEGORY = re.compile(r"[a-z-]+(\.[A-Za-z-]+)?")
_WORD = re.compile(r"[\w:.+'-]+( [\w:.+'-]+)*\*?")
_Finding = tuple[Steps, str, str]
"""Place, what is wrong and how to fix it."""


def read_queries(data: Path, taxonomy: Taxonomy, problems: list[Problem]) -> Discovery | None:
    """The queries; None where the file is missing or has a fault, which is added to ``problems``."""
    file = data / QUERIES
    if not file.exists() and not file.is_symlink():
        return None
    found, document = read_as(Discovery, data, QUERIES, "E540", "write it as the other items of the file", problems)
    if found is None or document is None:
        return None
    findings = [*_queries(found), *_words(found), *_hints(found, taxonomy)]
    for steps, message, fix in findings:
        place = document.place(steps)
        problems.append(Problem(document.path, place.line, place.column, "E540", terminal(message), terminal(fix)))
    return None if findings else found


def _queries(found: Discovery) -> Iterator[_Finding]:
    for index, category in enumerate(found.categories):
        if not _CATEGORY.fullmatch(category):
            yield ("categories", index), f"{category!r} is not a category of arXiv", "write one such as cs.LG"
    for name, query in found.queries.items():
        steps: Steps = ("queries", name)
        if not _SENTENCE.fullmatch(query.text):
            yield (*steps, "text"), f"{query.text[:60]!r} is not one sentence", "write one sentence with a full stop"
        length = len(quote_plus(arxiv_query(query, found.categories, ("2026-01-01", "2026-01-31"))))
        if length > MAX_QUERY:
            yield (*steps, "all"), f"the query has {length} characters in its address", f"at most {MAX_QUERY}: split it"


def _words(found: Discovery) -> Iterator[_Finding]:
    """Words have letters or digits that are looked for, and nothing that means something to arXiv."""
    for name, query in found.queries.items():
        for number, group in enumerate(query.all):
            for index, word in enumerate(group):
                if fault := _fault(word):
                    yield ("queries", name, "all", number, index), *fault
    for part in ("subject", "cost", "other"):
        for word in getattr(found.score, part):
            if fault := _fault(word):
                yield ("score", part, word), *fault
    for vocabulary in ("families", "sparsity"):
        for term, words in getattr(found.hints, vocabulary).items():
            for index, word in enumerate(words):
                if fault := _fault(word):
                    yield ("hints", vocabulary, term, index), *fault


def _fault(word: str) -> tuple[str, str] | None:
    if _WORD.fullmatch(word) and words_of(word.removesuffix("*")):
        return None
    return f"{word!r} is no word", "write letters and digits; an asterisk only at the end"


def _hints(found: Discovery, taxonomy: Taxonomy) -> Iterator[_Finding]:
    for vocabulary in ("families", "sparsity"):
        terms = taxonomy.vocabulary(vocabulary)
        for word in getattr(found.hints, vocabulary):
            if word not in terms:
                fix = suggestion(word, terms, f"`{vocabulary}` in data/taxonomy.yaml")
                yield ("hints", vocabulary, word), f"unknown {TERM_NAMES[vocabulary]} {word!r}", fix
