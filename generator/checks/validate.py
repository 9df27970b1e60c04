"""All checks over all entries: every problem of every file in one run, and the catalogue if there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from generator.arxiv import records as arxiv_records
from generator.checks import CATALOGUE_CHECKS, ENTRY_CHECKS
from generator.checks.choose import read_rules
from generator.checks.digests import read_digests
from generator.checks.draft import Context, Draft
from generator.checks.drafts import read_datasets, read_drafts, read_taxonomy
from generator.checks.glossary import read_glossary
from generator.checks.queries import read_queries
from generator.checks.turned_down import read_turned_down
from generator.entries.model import Article, Catalogue, Digest, Filed, Glossary, Model, Paper, Rules, Tool, TurnedDown
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

    def about(self, path: str) -> tuple[Problem, ...]:
        """The problems of one file, and those of others that name it: of two duplicates the later one is reported."""
        named = re.compile(rf"(?<![\w/.-]){re.escape(path)}(?![\w/-]|\.\w)")
        return tuple(one for one in self.problems if one.path == path or named.search(one.message))


@dataclass(frozen=True)
class Written:
    """The folder of the catalogue as it is written, before it is checked."""

    drafts: tuple[Draft, ...]
    context: Context | None
    """None if a file that every entry depends on cannot be used."""
    rules: Rules | None
    glossary: Glossary | None
    turned_down: tuple[TurnedDown, ...] | None
    digests: tuple[Digest, ...]
    problems: tuple[Problem, ...]
    """Faults of files that cannot be read, or do not belong there."""


def validate(data: Path, instead: Sequence[Draft] = ()) -> Outcome:
    """Check the catalogue in the folder ``data``; its files are named ``data/…`` in the problems.

    Args:
        data: the folder.
        instead: entries that are not written yet; each takes the place of the file of its path, if there is one.
    """
    return judge(read_data(data, instead))


def read_data(data: Path, instead: Sequence[Draft] = ()) -> Written:
    """Read the catalogue in the folder ``data``, with entries that are not written yet as in ``validate``."""
    problems: list[Problem] = []
    taxonomy, document = read_taxonomy(data, problems)
    datasets, datasets_document = read_datasets(data, problems)
    rules = read_rules(data, taxonomy, problems) if taxonomy is not None else None
    glossary = read_glossary(data, taxonomy, problems) if taxonomy is not None else None
    records, corrupt = arxiv_records.read_all(data / "arxiv")
    problems.extend(corrupt)
    new = {draft.path for draft in instead}
    drafts = (*(draft for draft in read_drafts(data, problems) if draft.path not in new), *instead)
    context = None
    if taxonomy is not None and document is not None and datasets is not None and datasets_document is not None:
        context = Context(taxonomy, document, records, datasets, datasets_document)
    turned_down: tuple[TurnedDown, ...] | None = None
    if context is not None:
        # A day more than ours, for the time zones before it.
        latest = (datetime.now(tz=UTC) + timedelta(days=1)).date()
        read_queries(data, context.taxonomy, problems)
        turned_down = read_turned_down(data, drafts, context, latest, problems)
    digests = read_digests(data, problems)
    return Written(drafts, context, rules, glossary, turned_down, digests, tuple(problems))


def judge(written: Written) -> Outcome:
    """Check what was read."""
    drafts, context, problems = written.drafts, written.context, list(written.problems)
    if context is None or written.rules is None or written.glossary is None:
        return Outcome(tuple(sorted(problems)), len(drafts), None)
    for draft in drafts:
        problems.extend(check_entry(draft, context))
    problems.extend(_of_catalogue(drafts, context))
    failed = written.turned_down is None or any(problem.severity == "error" for problem in problems)
    catalogue = None if failed else _catalogue(written, drafts)
    return Outcome(tuple(sorted(problems)), len(drafts), catalogue)


def without_faults(written: Written, outcome: Outcome) -> Catalogue | None:
    """The catalogue of the entries that have no error, for looking at them while others have some.

    Args:
        written: what was read.
        outcome: what the checks found in it.

    Returns:
        None if a file that every entry depends on cannot be used.
    """
    context, drafts, problems = written.context, written.drafts, outcome.problems
    if outcome.catalogue is not None or context is None or written.rules is None or written.glossary is None:
        return outcome.catalogue
    while True:
        wrong = {problem.path for problem in problems if problem.severity == "error"}
        kept = tuple(draft for draft in drafts if draft.path not in wrong)
        if len(kept) == len(drafts):
            return _catalogue(written, kept)
        drafts, problems = kept, tuple(_of_catalogue(kept, context))  # what refers to a dropped entry is dropped, too


def _of_catalogue(drafts: Sequence[Draft], context: Context) -> Iterator[Problem]:
    for catalogue_check in CATALOGUE_CHECKS.values():
        yield from catalogue_check.check_all(drafts, context)


def check_entry(draft: Draft, context: Context) -> Iterator[Problem]:
    """The checks of one entry by itself."""
    for entry_check in ENTRY_CHECKS.values():
        yield from entry_check.check(draft, context)


def _catalogue(written: Written, drafts: Sequence[Draft]) -> Catalogue:
    """The records of some of the entries, of a folder whose files of vocabularies are valid."""
    context, rules, glossary = written.context, written.rules, written.glossary
    assert context is not None  # noqa: S101  both callers have looked
    assert rules is not None  # noqa: S101
    assert glossary is not None  # noqa: S101
    papers: dict[str, Filed[Paper]] = {}
    tools: dict[str, Filed[Tool]] = {}
    articles: dict[str, Filed[Article]] = {}
    models: dict[str, Filed[Model]] = {}
    for draft in sorted(drafts, key=lambda draft: (draft.kind != "models", draft.slug)):
        if draft.kind == "models":
            models[draft.slug] = Filed(draft.slug, draft.path, Model.model_validate(draft.data))
        elif draft.kind == "papers":
            paper = _with_architectures(Paper.model_validate(draft.data), models)
            papers[draft.slug] = Filed(draft.slug, draft.path, paper, context.records.get(paper.arxiv or ""))
        elif draft.kind == "tools":
            tools[draft.slug] = Filed(draft.slug, draft.path, Tool.model_validate(draft.data))
        else:
            articles[draft.slug] = Filed(draft.slug, draft.path, Article.model_validate(draft.data))
    said = (rules, glossary, written.turned_down or (), written.digests)
    return Catalogue(context.taxonomy, papers, tools, articles, models, context.datasets, *said)


def _with_architectures(paper: Paper, models: Mapping[str, Filed[Model]]) -> Paper:
    """The paper with the architectures of its models, and those that it gives for models that have none."""
    named = (models[slug].entry.architecture for slug in paper.models)
    every = dict.fromkeys([*(architecture for architecture in named if architecture), *paper.architectures])
    return paper.model_copy(update={"architectures": tuple(every)})
