"""The command `discover`: find new papers on arXiv, and what its records say that the entries do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import typer

from generator.arxiv import records as arxiv_records
from generator.arxiv.fetch import MOST_RESULTS, Arxiv, FetchError, Found
from generator.checks.queries import read_queries
from generator.checks.validate import validate
from generator.commands.arxiv_options import arxiv
from generator.commands.output import Failed, say
from generator.contribute.candidates import Known, Seen, listed, names_of, spellings
from generator.contribute.new_entry import Known as KnownEntry
from generator.contribute.new_entry import NewEntry, known_entries
from generator.contribute.proposals import Candidate, candidate, draft_entry, lines_of, markdown_of
from generator.contribute.record_news import Change, apply, news
from generator.entries.discovery import Discovery, arxiv_query
from generator.entries.format_yaml import NotFormattable
from generator.entries.load_yaml import load
from generator.entries.model import Catalogue
from generator.entries.problem import Problem, render
from generator.escape import markdown, terminal
from generator.write import write_file
from reference_impls.number_format import count

EARLIEST = date(1991, 8, 1)
"""Since when arXiv has papers."""


def discover(since: str | None, endpoint: str | None, do: bool, limit: int, report: Path | None, root: Path) -> None:
    """Ask arXiv for new papers, print the best, and the changes that records suggest.

    Args:
        since: first day of submission, YYYY-MM-DD; some days ago if None.
        endpoint: another address of the API.
        do: write drafts, and apply the changes that are unmistakable.
        limit: drafts at most.
        report: file for what was written, in Markdown.
        root: of the repository.

    Raises:
        Failed: an entry or a query has an error, or arXiv stopped the run.
        typer.BadParameter: the day or the address is not valid.
    """
    today = datetime.now(tz=UTC).date()
    first = _day(since, today)
    catalogue, discovery = _read(root)
    changes = news(catalogue, today.year)
    applied = _changes(changes, do, root)
    window = (first or today - timedelta(days=int(discovery.days)), today)
    search = _Search(catalogue, discovery)
    stopped = search.run(arxiv(root, endpoint), window, today)
    best = search.best()
    written: list[tuple[Candidate, str]] = []
    known = list(known_entries(root / "data")) if do else []
    for one in best[:limit]:
        say(terminal("\n".join(lines_of(one))))
        entry = _write(one, known, catalogue, root, today) if do else None
        if entry is not None:
            known.append(KnownEntry("papers", entry.path, load(entry.content, entry.path)[0]))
            written.append((one, entry.path))
            say(terminal(f"       wrote {entry.path}"))
    say(
        f"{count(search.read, 'paper')} since {window[0]}: {len(search.seen)} in the catalogue or turned down,"
        f" {count(len(best), 'candidate')}, {count(len(written), 'draft')} written",
        error=True,
    )
    if report is not None:
        write_file(report, _report(written, len(best), changes, applied).encode())
    if stopped:
        raise Failed


def _day(text: str | None, today: date) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a day; write YYYY-MM-DD", param_hint="--since") from error
    if not EARLIEST <= day <= today:
        raise typer.BadParameter(f"{text} is not between {EARLIEST} and today, {today}", param_hint="--since")
    return day


def _read(root: Path) -> tuple[Catalogue, Discovery]:
    outcome = validate(root / "data")
    problems = [problem for problem in outcome.problems if problem.severity == "error"]
    discovery = read_queries(root / "data", outcome.catalogue.taxonomy, []) if outcome.catalogue else None
    if outcome.catalogue is not None and discovery is None:
        fix = "restore the file from Git"
        problems.append(Problem("data/queries.yaml", 1, 1, "E100", "not a regular file", fix))
    if outcome.catalogue is None or discovery is None:
        say(terminal(render(problems, "text")), error=True)
        raise Failed
    return outcome.catalogue, discovery


def _changes(changes: Sequence[Change], do: bool, root: Path) -> set[Change]:
    """Print the changes, apply those that are unmistakable; which ones were applied."""
    applied = set()
    for change in changes:
        how = "apply with --apply" if change.sure else "decide"
        if do and change.sure:
            file = root / change.path
            try:
                write_file(file, apply(change, file.read_bytes()))
            except NotFormattable as error:
                how = f"cannot be applied: {error}"
            else:
                applied.add(change)
                how = "applied"
        say(terminal(f"{change.text()}: {how}"))
    return applied


@dataclass(frozen=True, slots=True)
class _Result:
    found: Found
    queries: list[str]


class _Search:
    """The queries of a run, and what they found."""

    def __init__(self, catalogue: Catalogue, discovery: Discovery) -> None:
        self._discovery = discovery
        self._known = Known.of(discovery.score, spellings(names_of(catalogue.models)), listed(catalogue.papers))
        self._seen = Seen(catalogue)
        self._results: dict[str, _Result] = {}
        self.seen: dict[str, str] = {}
        """Papers that are in the catalogue or were turned down, and where."""

    @property
    def read(self) -> int:
        """Distinct papers that the queries found."""
        return len(self._results) + len(self.seen)

    def run(self, client: Arxiv, window: tuple[date, date], today: date) -> bool:
        """Ask every query; whether arXiv stopped the run. What was found until then remains."""
        days = (window[0].isoformat(), window[1].isoformat())
        for name, query in self._discovery.queries.items():
            try:
                for page in client.search(arxiv_query(query, self._discovery.categories, days), today):
                    if page.start == 0 and page.total > MOST_RESULTS:
                        say(f"{name}: {page.total:,} results, the newest {MOST_RESULTS:,} are read", error=True)
                    for fault in page.faults:
                        say(terminal(f"{name}: error[{fault.code}]: {fault}"), error=True)
                    for found in page.results:
                        self._take(found, name)
            except FetchError as error:
                say(terminal(f"{name}: error[{error.code}]: {error}. fix: run the same command later"), error=True)
                return True
        return False

    def _take(self, found: Found, name: str) -> None:
        record = found.record
        if record.id in self._results:
            if name not in self._results[record.id].queries:
                self._results[record.id].queries.append(name)
        elif record.id not in self.seen:
            where = self._seen.where(record.id, record.title)
            if where is not None:
                self.seen[record.id] = where
            else:
                self._results[record.id] = _Result(found, [name])

    def best(self) -> list[Candidate]:
        """The candidates, best first; withdrawn papers are none."""
        found = []
        for result in self._results.values():
            record = result.found.record
            scored = self._known.scored(record.title, result.found.abstract, record.authors)
            if scored.total >= self._discovery.score.least and not record.withdrawn:
                found.append(candidate(result.found, scored, result.queries, self._discovery.hints))
        return sorted(found, key=lambda one: one.order)


def _write(
    one: Candidate, known: Sequence[KnownEntry], catalogue: Catalogue, root: Path, today: date
) -> NewEntry | None:
    """Write the draft and the record of a candidate; None if the draft cannot be written."""
    try:
        entry = draft_entry(one, known, data=root / "data", taxonomy=catalogue.taxonomy, today=today)
    except ValueError as error:
        say(terminal(f"       no draft: {error}"), error=True)
        return None
    arxiv_records.write(root / "data" / "arxiv", one.found.record)
    write_file(root / entry.path, entry.content)
    return entry


_INTRODUCTION = """\
The checks of this pull request stay red until each draft is completed or deleted: nobody has read these papers yet.

- **Complete a draft:** read the abstract, correct the proposed fields, write the summary, set `checked: abstract`, then
  run `make check-entry FILE=…`.
- **Turn a paper down:** delete its draft and its record under `data/arxiv/`, and add it to `data/turned-down.yaml` with
  the rule and one sentence. It is not proposed again.

Once somebody has committed to this branch, the workflow leaves it alone. GitHub runs no checks on what its own token
opens: close and reopen this.
"""


def _report(
    written: Sequence[tuple[Candidate, str]], best: int, changes: Sequence[Change], applied: set[Change]
) -> str:
    """What a pull request says. Text of others is escaped."""
    parts = [_INTRODUCTION]
    drafts = f"{count(len(written), 'draft')} of {count(best, 'candidate')}"
    parts.append(f"## New papers\n\n{drafts}, best first.\n")
    parts.append("".join(f"{markdown_of(one, path)}\n" for one, path in written))
    for title, some in (
        ("Applied changes", [change for change in changes if change in applied]),
        ("Changes to decide", [change for change in changes if change not in applied]),
    ):
        if some:
            parts.append(f"## {title}\n\n" + "".join(f"- {markdown(change.text())}\n" for change in some))
    text = "\n".join(part for part in parts if part)
    if len(text) <= LONGEST_REPORT:
        return text
    whole_lines, _, _ = text[:LONGEST_REPORT].rpartition("\n")
    return f"{whole_lines}\n\n…\n"


LONGEST_REPORT = 60_000
"""Characters; GitHub refuses a pull request whose text has more than 65,536."""
