"""What `discover` makes of a candidate: proposed facts, each with the words that suggest it, and a draft for a person.

A draft is a file of an entry that `validate` refuses until somebody has read the paper: its summary is empty, and
`checked` says no.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from generator.arxiv.fetch import Found
from generator.checks.draft import UNREAD
from generator.contribute.candidates import Scored
from generator.contribute.new_entry import Known, NewEntry, new_entry
from generator.entries.discovery import Hints, pattern_of, words_of
from generator.entries.format_yaml import HELP, format_entry
from generator.entries.model import Taxonomy
from generator.escape import markdown, markdown_link

IN_TITLE, IN_ABSTRACT, BY_TITLES = 3, 1, 2
"""What a word in the title, one in the abstract, and the nearest titles count in the choice of the family."""
MOST_MODELS = 8
REMARK = 300
"""Characters of a remark in a draft."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A proposed value, and why."""

    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper that may belong, with its score and what is proposed for its entry."""

    found: Found
    scored: Scored
    queries: tuple[str, ...]
    """Names of the queries that found it."""
    family: Fact
    sparsity: tuple[Fact, ...]
    models: tuple[str, ...]

    @property
    def order(self) -> tuple[float, str]:
        """Best first; by id where the score is the same."""
        return -round(self.scored.total, 6), self.found.record.id


def candidate(found: Found, scored: Scored, queries: Sequence[str], hints: Hints) -> Candidate:
    """A paper with the facts that its words suggest."""
    title, abstract = words_of(found.record.title), words_of(found.abstract)
    sparsity = tuple(
        Fact(term, ", ".join(words))
        for term, rules in hints.sparsity.items()
        if (words := [*_found(rules, title), *_found(rules, abstract)])
    )
    family = _family(title, abstract, scored, hints.families)
    return Candidate(found, scored, tuple(queries), family, sparsity, scored.models[:MOST_MODELS])


def _family(title: str, abstract: str, scored: Scored, rules: Mapping[str, Sequence[str]]) -> Fact:
    """The family with most of its words; the nearest titles decide where the words do not."""
    best: tuple[int, Fact] | None = None
    for family, words in rules.items():
        in_title, in_abstract = _found(words, title), _found(words, abstract)
        points = IN_TITLE * len(in_title) + IN_ABSTRACT * len(set(in_abstract) - set(in_title))
        why = [f"{word!r} in the title" for word in in_title]
        why.extend(f"{word!r} in the abstract" for word in in_abstract if word not in in_title)
        if scored.family == family:
            points += BY_TITLES
            why.append(f"titles like {', '.join(scored.nearest)}")
        if points and (best is None or points > best[0]):
            best = points, Fact(family, "; ".join(why[:4]))
    if best is not None:
        return best[1]
    return Fact(scored.family or next(iter(rules)), "no word suggests another family")


def _found(words: Sequence[str], text: str) -> list[str]:
    """What of the text matches one of the words, in the order of the words."""
    return list(dict.fromkeys(match[0] for word in words if (match := pattern_of(word).search(text))))


def draft_entry(one: Candidate, known: Sequence[Known], *, data: Path, taxonomy: Taxonomy, today: date) -> NewEntry:
    """The file of a candidate, which `validate` refuses until a person completes it.

    Args:
        one: the candidate.
        known: the entries that are there.
        data: the folder of the catalogue.
        taxonomy: for the choices that the draft lists.
        today: the entry's ``added``.

    Raises:
        ValueError: the paper has an entry, or its title gives no file name or cannot be in a file.
    """
    record = one.found.record
    entry = new_entry(record.id, record.title, record, data=data, taxonomy=taxonomy, today=today, known=known)
    lines = []
    for line in entry.content.decode().split("\n"):
        if line == 'family: ""':
            lines.append(f"{HELP} Proposed because of {_remark(one.family.why)}.")
            lines.append(f"family: {one.family.value}")
        elif line == 'checked: ""':
            lines.append(f'checked: "{UNREAD}"')
        elif line.startswith(f"{HELP} sparsity:") and one.sparsity:
            why = "; ".join(f"{fact.value} because of {fact.why}" for fact in one.sparsity)
            lines.append(f"{HELP} Proposed: {_remark(why)}.")
            lines.append(f"sparsity: [{', '.join(fact.value for fact in one.sparsity)}]")
        elif line.startswith(f"{HELP} models:") and one.models:
            lines.append(f"{HELP} Named in title or abstract; keep those that it was evaluated on:")
            lines.append(f"models: [{', '.join(one.models)}]")
        else:
            lines.append(line)
    lines[1:1] = [f"{HELP} Draft that discover wrote. Score {one.scored.total:.1f}: {_remark(one.scored.text())}"]
    content = format_entry("\n".join(lines).encode(), "papers", entry.path)
    return NewEntry(entry.path, content, entry.left)


def _remark(text: str) -> str:
    """Text of others inside our comment: printable characters on one line, cut."""
    plain = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return plain if len(plain) <= REMARK else f"{plain[:REMARK]} …"


def lines_of(one: Candidate) -> Iterator[str]:
    """A candidate as the command prints it."""
    record = one.found.record
    yield f"{one.scored.total:5.1f}  {record.id}  {record.title}"
    yield f"       score: {one.scored.text()}"
    yield f"       family: {one.family.value}, because of {one.family.why}"
    for fact in one.sparsity:
        yield f"       sparsity: {fact.value}, because of {fact.why}"
    if one.models:
        yield f"       models: {', '.join(one.models)}"
    yield f"       found by: {', '.join(one.queries)}"


def markdown_of(one: Candidate, path: str) -> str:
    """A candidate as a list item of a pull request."""
    record = one.found.record
    link = markdown_link(record.title, f"https://arxiv.org/abs/{record.id}")
    return f"- [ ] **{one.scored.total:.1f}** {link}: `{_code(path)}`. {markdown(_remark(one.scored.text()))}"


def _code(path: str) -> str:
    return re.sub(r"[^\w/.-]", "", path)
