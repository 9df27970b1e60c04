"""All checks over all entries: every problem of every file in one run, and the catalogue if there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from generator import arxiv_cache
from generator.checks import CATALOGUE_CHECKS, ENTRY_CHECKS
from generator.checks.draft import Context, Draft
from generator.escape import terminal
from generator.load_yaml import Document, read
from generator.model import KINDS, Article, ArxivRecord, Catalogue, Filed, Paper, Taxonomy, Tool
from generator.problem import Code, Problem

TAXONOMY = "taxonomy.yaml"
TEMPLATE = "TEMPLATE.yaml"

CODES = (
    Code(
        "E413",
        "Under data/ stand only entries, the taxonomy, the template, schemas, records and the licence.",
    ),
    Code("E500", "data/taxonomy.yaml holds the vocabularies, each term with a name and a sentence."),
)


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
    taxonomy, document = _taxonomy(data, problems)
    records, corrupt = arxiv_cache.read_all(data / "arxiv")
    problems.extend(corrupt)
    drafts = list(_drafts(data, problems))
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


def entry_files(data: Path) -> Iterator[tuple[str, Path]]:
    """Kind and file of every entry, in a fixed order."""
    for kind in KINDS:
        pattern = "*/*.yaml" if kind == "papers" else "*.yaml"
        for file in sorted((data / kind).glob(pattern)):
            yield kind, file


def _drafts(data: Path, problems: list[Problem]) -> Iterator[Draft]:
    entries = {file: kind for kind, file in entry_files(data)}
    known = {data / TAXONOMY, data / TEMPLATE, data / "LICENSE"}
    for file in sorted(data.rglob("*")):
        relative = file.relative_to(data)
        if (
            file in entries
            or file in known
            or relative.parts[0] in ("arxiv", "schema")
            or (file.is_dir() and not file.is_symlink())
        ):
            continue
        name = terminal(f"data/{relative.as_posix()}")
        problems.append(
            Problem(
                name,
                1,
                1,
                "E413",
                "not an entry",
                "papers/<year>/<slug>.yaml, tools/<slug>.yaml or articles/<slug>.yaml",
            )
        )
    for file, kind in entries.items():
        document, found = read(file, terminal(f"data/{file.relative_to(data).as_posix()}"))
        problems.extend(found)
        if document is not None:
            yield Draft(kind, file.name.removesuffix(".yaml"), document)


def _taxonomy(data: Path, problems: list[Problem]) -> tuple[Taxonomy | None, Document | None]:
    name = f"data/{TAXONOMY}"
    document, found = read(data / TAXONOMY, name)
    problems.extend(found)
    if document is None:
        return None, None
    try:
        return Taxonomy.model_validate(document.data), document
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            steps = tuple(detail["loc"])
            place = document.place(steps)
            message = f"{terminal('.'.join(map(str, steps)))}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
            problems.append(
                Problem(
                    name,
                    place.line,
                    place.column,
                    "E500",
                    message,
                    "write name and text, as its neighbours do",
                )
            )
        return None, document


def _catalogue(taxonomy: Taxonomy, drafts: Sequence[Draft], records: dict[str, ArxivRecord]) -> Catalogue:
    papers: dict[str, Filed[Paper]] = {}
    tools: dict[str, Filed[Tool]] = {}
    articles: dict[str, Filed[Article]] = {}
    for draft in sorted(drafts, key=lambda one: one.slug):
        if draft.kind == "papers":
            paper = Paper.model_validate(draft.data)
            papers[draft.slug] = Filed(draft.slug, draft.path, paper, records.get(paper.arxiv or ""))
        elif draft.kind == "tools":
            tools[draft.slug] = Filed(draft.slug, draft.path, Tool.model_validate(draft.data))
        else:
            articles[draft.slug] = Filed(draft.slug, draft.path, Article.model_validate(draft.data))
    return Catalogue(taxonomy, papers, tools, articles)
