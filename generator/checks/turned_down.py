"""The papers that do not belong in the catalogue: read, and compared with the rules and the entries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError

from generator.checks import characters, quoting, urls
from generator.checks.arxiv_id import bare_id, id_fault
from generator.checks.draft import Context, Draft
from generator.checks.drafts import TURNED_DOWN
from generator.checks.shape import suggestion
from generator.entries.load_yaml import Steps, read
from generator.entries.model import ARXIV_NEW, ARXIV_OLD, TurnedDown, TurnedDownList, order_of_id
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E530",
        "A paper in data/turned-down.yaml has arxiv or url, a title, a rule, one sentence as the reason, and a date.",
        wrong="a paper without reason: in data/turned-down.yaml",
        right="title, rule, reason and date, as in the other papers",
    ),
    Code(
        "E531",
        "The arXiv id of a paper in data/turned-down.yaml is bare and possible.",
        wrong='arxiv: "2305.10924v2" in data/turned-down.yaml',
        right='arxiv: "2305.10924"',
    ),
    Code(
        "E532",
        "The rule of a paper in data/turned-down.yaml is a term of `scope` in data/taxonomy.yaml.",
        wrong="rule: no-costs",
        right="rule: no-cost",
    ),
    Code(
        "E533",
        "A paper in data/turned-down.yaml has no entry.",
        wrong="the id of data/papers/2023/diff-pruning.yaml in data/turned-down.yaml",
        right="keep the entry, and delete the paper from data/turned-down.yaml",
    ),
    Code(
        "E534",
        "A paper is once in data/turned-down.yaml.",
        wrong="one id twice in data/turned-down.yaml",
        right="one of the two",
    ),
    Code(
        "E535",
        "The date of a paper in data/turned-down.yaml is a full date of the calendar and not in the future.",
        wrong="date: 2026-13-01",
        right="date: 2026-12-01",
    ),
    Code(
        "E536",
        "The papers in data/turned-down.yaml are ordered by id, then by address.",
        wrong='"2305.10924" after "2401.00001"',
        right="the same file after make format",
    ),
)

SHORTEST, LONGEST = 15, 250
"""Characters of a reason."""
_SENTENCE = re.compile(r"(?!.*[.!?] [A-Z]).+\.")
_FULL = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LIKE_OTHERS = "write it as the other papers of the file"
_Finding = tuple[str, Steps, str, str]
"""Code, place, what is wrong and how to fix it."""


def read_turned_down(
    data: Path, drafts: Sequence[Draft], context: Context, today: date, problems: list[Problem]
) -> tuple[TurnedDown, ...] | None:
    """The papers, by id; their faults are added to ``problems``.

    Args:
        data: the folder of the catalogue; without the file, no paper was turned down.
        drafts: the entries.
        context: with the rules.
        today: the latest day of a decision.
        problems: takes the faults.

    Returns:
        The papers; None if the file has an error.
    """
    file = data / TURNED_DOWN
    if not file.exists() and not file.is_symlink():
        return ()
    document, faults = read(file, f"data/{TURNED_DOWN}", long=True)
    problems.extend(faults)
    if document is None:
        return None
    draft = Draft("turned-down", file.stem, document)
    found: list[Problem] = [*quoting.check(draft, context), *characters.check(draft, context)]
    papers: tuple[TurnedDown, ...] | None = None
    try:
        papers = TurnedDownList.model_validate(document.data).papers
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            steps = tuple(detail["loc"])
            name = f"papers[{steps[1] + 1}]." if len(steps) > 1 and isinstance(steps[1], int) else ""
            what = f"{name}{steps[-1]}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
            found.append(draft.problem("E530", steps, what, _LIKE_OTHERS, key=detail["type"] == "extra_forbidden"))
    if papers is not None:
        for check in (_identities(papers, today), _texts(papers, context), _dates(papers, today), _order(papers)):
            found.extend(draft.problem(code, steps, message, fix) for code, steps, message, fix in check)
        for index, paper in enumerate(papers):
            if paper.url is not None:
                found.extend(urls.of_address(draft, ("papers", index, "url"), paper.url))
        found.extend(draft.problem(*finding) for finding in _entries(papers, drafts))
    problems.extend(found)
    return None if faults or any(one.severity == "error" for one in found) else papers


def _identities(papers: Sequence[TurnedDown], today: date) -> Iterator[_Finding]:
    """Each paper has one identity, which no other one has."""
    first: dict[str, int] = {}
    for index, paper in enumerate(papers):
        steps: Steps = ("papers", index)
        if (paper.arxiv is None) == (paper.url is None):
            what = "neither arxiv nor url" if paper.arxiv is None else "arxiv and url"
            yield "E530", steps, f"papers[{index + 1}] has {what}", "give arxiv, or url if the paper is not on arXiv"
            continue
        if paper.arxiv is not None and (fault := _id_fault(paper.arxiv, today)):
            yield "E531", (*steps, "arxiv"), *fault
        own = paper.arxiv or urls.normal(paper.url or "")
        if own in first:
            earlier = first[own] + 1
            place = (*steps, "arxiv" if paper.arxiv else "url")
            yield "E534", place, f"{paper.arxiv or paper.url} is already papers[{earlier}]", "delete one of the two"
        first.setdefault(own, index)


def _id_fault(text: str, today: date) -> tuple[str, str] | None:
    if ARXIV_NEW.fullmatch(text) or ARXIV_OLD.fullmatch(text):
        return id_fault(text, today.strftime("%Y-%m"))
    bare = bare_id(text)
    if bare is None or bare == text:
        return f"{text!r} is not an arXiv id", 'write arxiv: "2305.10924"'
    return f"{text!r} is not a bare id", f'arxiv: "{bare}"'


def _texts(papers: Sequence[TurnedDown], context: Context) -> Iterator[_Finding]:
    rules = context.taxonomy.scope
    for index, paper in enumerate(papers):
        steps: Steps = ("papers", index)
        if paper.rule not in rules:
            fix = suggestion(paper.rule, rules, "`scope` in data/taxonomy.yaml")
            yield "E532", (*steps, "rule"), f"unknown rule {paper.rule!r}", fix
        if not _SENTENCE.fullmatch(paper.reason):
            message = f"the reason {paper.reason[:60]!r} is not one sentence"
            yield "E530", (*steps, "reason"), message, "write one sentence with a full stop"
        elif not SHORTEST <= len(paper.reason) <= LONGEST:
            message = f"reason of {len(paper.reason)} characters"
            yield "E530", (*steps, "reason"), message, f"write {SHORTEST} to {LONGEST} characters"


def _dates(papers: Sequence[TurnedDown], today: date) -> Iterator[_Finding]:
    for index, paper in enumerate(papers):
        steps: Steps = ("papers", index, "date")
        try:
            day = date.fromisoformat(paper.date) if _FULL.fullmatch(paper.date) else None
        except ValueError:
            yield "E535", steps, f"{paper.date} is not in the calendar", "write a date that exists"
            continue
        if day is None:
            yield "E535", steps, f"{paper.date!r} is not a full date", "write date: YYYY-MM-DD"
        elif day > today:
            yield "E535", steps, f"{paper.date} is in the future", "write the day on which it was decided"


def _order(papers: Sequence[TurnedDown]) -> Iterator[_Finding]:
    """One problem: the first paper that comes too late."""
    ranks = [order_of_id(paper.arxiv, paper.url) for paper in papers]
    for index, (before, after) in enumerate(pairwise(ranks), 1):
        if before > after:
            own, other = (paper.arxiv or paper.url for paper in (papers[index], papers[index - 1]))
            message = f"{own} should come before {other}"
            yield "E536", ("papers", index), message, "run make format, which puts them in order"
            return


def _entries(papers: Sequence[TurnedDown], drafts: Sequence[Draft]) -> Iterator[_Finding]:
    entries: dict[str, str] = {}
    for draft in drafts:
        if draft.kind == "papers":
            if (arxiv_id := draft.text("arxiv")) is not None:
                entries.setdefault(arxiv_id, draft.path)
            if (url := draft.text("url")) is not None:
                entries.setdefault(urls.normal(url), draft.path)
    for index, paper in enumerate(papers):
        path = entries.get(paper.arxiv or urls.normal(paper.url or ""))
        if path is not None:
            place: Steps = ("papers", index, "arxiv" if paper.arxiv else "url")
            yield "E533", place, f"{paper.arxiv or paper.url} has the entry {path}", "delete it here, or there"
