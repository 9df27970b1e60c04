"""All checks over all entries: every problem of every file in one run, and the catalogue if there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.arxiv import records as arxiv_records
from generator.checks import CATALOGUE_CHECKS, ENTRY_CHECKS
from generator.checks.draft import Context, Draft
from generator.checks.drafts import read_drafts, read_taxonomy
from generator.entries.model import Article, ArxivRecord, Catalogue, Filed, Paper, Taxonomy, Tool
from generator.entries.problem import Problem


@dataclass(frozen=True)
class Outcome:
    """What a run of the checks found."""

    problems: tuple[Problem, ...]
    """Errors and notes, sorted."""
    entries: int
    """How many entries were looked at."""
    catalogue: Catalogue | None
    """The checked catalogue; None while there are errors."""

    @property
    def errors(self) -> int:
        """How many problems fail the run."""
        return sum(problem.severity == "error" for problem in self.problems)


def validate(data: Path) -> Outcome:
    """Check the catalogue in the folder ``data``; its files are named ``data/…`` in the problems."""
    problems: list[Problem] = []
    taxonomy, document = read_taxonomy(data, problems)
    records, corrupt = arxiv_records.read_all(data / "arxiv")
    problems.extend(corrupt)
    drafts = list(read_drafts(data, problems))
    if taxonomy is None or document is None:
        return Outcome(tuple(sorted(problems)), len(drafts), None)
    context = Context(taxonomy, document, records)
    for draft in drafts:
        problems.extend(check_entry(draft, context))
    for catalogue_check in CATALOGUE_CHECKS.values():
        problems.extend(catalogue_check.check_all(drafts, context))
    failed = any(problem.severity == "error" for problem in problems)
    catalogue = None if failed else _catalogue(taxonomy, drafts, records)
    return Outcome(tuple(sorted(problems)), len(drafts), catalogue)


def check_entry(draft: Draft, context: Context) -> Iterator[Problem]:
    """The checks that one entry can be given alone."""
    for entry_check in ENTRY_CHECKS.values():
        yield from entry_check.check(draft, context)


def _catalogue(taxonomy: Taxonomy, drafts: Sequence[Draft], records: dict[str, ArxivRecord]) -> Catalogue:
    papers: dict[str, Filed[Paper]] = {}
    tools: dict[str, Filed[Tool]] = {}
    articles: dict[str, Filed[Article]] = {}
    for draft in sorted(drafts, key=lambda each: each.slug):
        if draft.kind == "papers":
            paper = Paper.model_validate(draft.data)
            papers[draft.slug] = Filed(draft.slug, draft.path, paper, records.get(paper.arxiv or ""))
        elif draft.kind == "tools":
            tools[draft.slug] = Filed(draft.slug, draft.path, Tool.model_validate(draft.data))
        else:
            articles[draft.slug] = Filed(draft.slug, draft.path, Article.model_validate(draft.data))
    return Catalogue(taxonomy, papers, tools, articles)
