"""The glossary: read, and compared with the taxonomy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from generator.checks.drafts import GLOSSARY, read_as
from generator.checks.shape import suggestion
from generator.entries.load_yaml import Document, Steps
from generator.entries.model import SLUG, TERM_NAMES, Glossary, Taxonomy
from generator.entries.problem import Code, Problem
from generator.escape import terminal

CODES = (
    Code(
        "E507",
        "data/glossary.yaml contains terms with a name, one or two sentences and a link, and notes on the taxonomy.",
        wrong="a term that has the name of a term of the taxonomy",
        right="a note on that term, below notes:",
    ),
)

VOCABULARIES = (
    "families",
    "sparsity",
    "granularity",
    "training",
    "architectures",
    "metrics",
    "topics",
    "statuses",
    "checked",
)
"""Those that the page shows, in its order; where two have a term of one name, the search finds the first."""
UNITS = "granularity"
"""Its terms name what is pruned, such as Timestep, and do not explain the word."""
LONGEST = 330
_SENTENCES = re.compile(r"\S.*[.]", re.DOTALL)
_END = re.compile(r"[.!?] (?=[A-Z])")
_LINK = re.compile(r"([a-z0-9_-]+/)+(\?[a-z]+=[^\s#&]+(&[a-z]+=[^\s#&]+)*)?(#[a-z0-9-]+)?")
_Finding = tuple[Steps, str, str]
"""Place, what is wrong and how to fix it."""


def read_glossary(data: Path, taxonomy: Taxonomy, problems: list[Problem]) -> Glossary | None:
    """The glossary; its faults are added to ``problems``."""
    glossary, document = read_as(Glossary, data, GLOSSARY, "E507", "write it as the other items of the file", problems)
    if glossary is None or document is None:
        return None
    for check in (_keys, _names, _texts, _links):
        problems.extend(_problem(document, *finding) for finding in check(glossary, taxonomy))
    return glossary


def _problem(document: Document, steps: Steps, message: str, fix: str) -> Problem:
    # Above the fields of a term it is the key that is wrong.
    place = document.place(steps, key=len(steps) < 4)
    return Problem(document.path, place.line, place.column, "E507", terminal(message), terminal(fix))


def _keys(glossary: Glossary, taxonomy: Taxonomy) -> Iterator[_Finding]:
    """Anchors are slugs and unique; vocabularies and words exist."""
    first: dict[str, str] = {}
    for group, terms in glossary.terms.items():
        for anchor in terms:
            steps: Steps = ("terms", group, anchor)
            if not SLUG.fullmatch(anchor):
                yield steps, f"{anchor!r} is not a slug", "use a-z, 0-9 and single dashes"
            if anchor in first:
                yield steps, f"{anchor} is also in {first[anchor]}", "choose another anchor"
            first.setdefault(anchor, group)
    for vocabulary, notes in glossary.notes.items():
        if vocabulary not in VOCABULARIES:
            yield (
                ("notes", vocabulary),
                f"the glossary shows no vocabulary {vocabulary!r}",
                suggestion(vocabulary, VOCABULARIES),
            )
            continue
        words = taxonomy.vocabulary(vocabulary)
        for word in notes:
            if word not in words:
                fix = suggestion(word, words, f"`{vocabulary}` in data/taxonomy.yaml")
                yield ("notes", vocabulary, word), f"unknown {TERM_NAMES[vocabulary]} {word!r}", fix


def _names(glossary: Glossary, taxonomy: Taxonomy) -> Iterator[_Finding]:
    """A name belongs to one term, and terms of the taxonomy are not explained again."""
    explained = {
        _plain(term.name): f"{vocabulary}.{word}"
        for vocabulary in VOCABULARIES
        if vocabulary != UNITS
        for word, term in taxonomy.vocabulary(vocabulary).items()
    }
    seen: dict[str, str] = {}
    for group, terms in glossary.terms.items():
        for anchor, term in terms.items():
            steps: Steps = ("terms", group, anchor)
            if (same := explained.get(_plain(term.name))) is not None:
                yield (*steps, "name"), f"{term.name!r} is {same} of the taxonomy", "write a note on it, below notes:"
            yield from _once(steps, term.name, term.aliases, anchor, seen)
    for vocabulary, notes in glossary.notes.items():
        for word, note in notes.items():
            yield from _once(("notes", vocabulary, word), None, note.aliases, f"{vocabulary}.{word}", seen)


def _once(
    steps: Steps, name: str | None, aliases: tuple[str, ...], own: str, seen: dict[str, str]
) -> Iterator[_Finding]:
    named = [((*steps, "name"), name)] if name is not None else []
    for place, text in (*named, *(((*steps, "aliases", at), alias) for at, alias in enumerate(aliases))):
        key = _plain(text)
        if key in seen:
            yield place, f"{text!r} is also a name of {seen[key]}", "keep it at one of them"
        seen.setdefault(key, own)


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "", name.casefold())


def _texts(glossary: Glossary, _taxonomy: Taxonomy) -> Iterator[_Finding]:
    """One or two sentences."""
    for steps, text in _values(glossary, "text"):
        if not _SENTENCES.fullmatch(text):
            yield steps, f"the text ends with {text[-12:]!r}", "end it with a full stop"
        elif len(_END.findall(text)) > 1:
            yield steps, "the text has more than two sentences", "write one or two"
        elif len(text) > LONGEST:
            yield steps, f"the text has {len(text)} characters", f"write at most {LONGEST}"


def _links(glossary: Glossary, _taxonomy: Taxonomy) -> Iterator[_Finding]:
    """Addresses below the home page with their words; the build checks that they lead to a page."""
    for steps, link in _values(glossary, "link"):
        if not _LINK.fullmatch(link):
            yield steps, f"{link!r} is not an address below the home page", "write one such as methods/wanda/"
    for vocabulary, notes in glossary.notes.items():
        for word, note in notes.items():
            if (note.link is None) != (note.where is None):
                yield ("notes", vocabulary, word), "link and where belong together", "write both or none"


def _values(glossary: Glossary, field: str) -> Iterator[tuple[Steps, str]]:
    for top, groups in (("terms", glossary.terms), ("notes", glossary.notes)):
        for group, records in groups.items():
            for key, record in records.items():
                if (value := getattr(record, field)) is not None:
                    yield (top, group, key, field), value
