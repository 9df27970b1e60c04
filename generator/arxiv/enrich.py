"""Fetch the metadata of papers from arXiv, merge it into the records, and report what a person should check.

Each good record is stored as soon as its batch is in, so a run that stops or is killed loses nothing and the
next one continues from there. Nothing is ever deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from generator.arxiv import records as arxiv_records
from generator.arxiv.fetch import Batch, FetchError, MissingIdError, RefusedIdError
from generator.entries.dois import dois_in
from generator.entries.model import ArxivRecord
from generator.entries.plain_text import plain
from generator.entries.problem import Code, Problem
from generator.entries.tex import text_of

CODES = (
    Code(
        "E609",
        "No paper was withdrawn, renamed or given another DOI since its last record.",
        severity="note",
        wrong="a paper whose new version is marked as withdrawn",
        right="status: withdrawn in its entry, if that is confirmed",
    ),
)

Fetch = Callable[[Sequence[str], date], Iterator[Batch]]
"""``fetch.Arxiv.fetch``, or a replacement of it in tests."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run."""

    done: int
    """Ids asked for so far."""
    total: int
    """Ids to ask for."""


@dataclass(frozen=True, slots=True)
class EnrichReport:
    """What a run did, by id in the order asked; nothing here is a reason to delete anything."""

    written: tuple[str, ...]
    """New or changed records; in a dry run, what would have been written."""
    unchanged: tuple[str, ...]
    """The stored record says the same; its file was not touched."""
    kept_better: tuple[str, ...]
    """The stored record is better than the new one, and is kept."""
    missing: tuple[str, ...]
    """arXiv returned no complete entry."""
    dropped: tuple[str, ...]
    """Not ids, by our rules or by arXiv's."""
    problems: tuple[Problem, ...]
    """Errors about single ids or the whole run, and notes for a person; sorted."""
    stopped: str | None
    """Why the run ended early, if it did."""


def choose(
    wanted: Iterable[str],
    records: Mapping[str, ArxivRecord],
    *,
    today: date,
    stale_days: int | None = None,
) -> tuple[str, ...]:
    """Which papers to ask for: those without a record, with one from a mirror, or with one that is old.

    Args:
        wanted: ids of the catalogue.
        records: the stored records.
        today: the day from which age is counted.
        stale_days: a record whose content is older than this is asked for again; None: never for its age.
    """

    def due(record: ArxivRecord | None) -> bool:
        if record is None or record.source != "arxiv-api":
            return True
        return stale_days is not None and _age(record, today) > stale_days

    return tuple(i for i in dict.fromkeys(wanted) if due(records.get(i)))


def _age(record: ArxivRecord, today: date) -> int:
    """Days since the content was first fetched; an invalid day counts as long ago."""
    try:
        return (today - date.fromisoformat(record.fetched_at)).days
    except ValueError:
        return today.toordinal()


def enrich(
    root: Path,
    ids: Sequence[str],
    *,
    fetch: Fetch,
    today: date,
    dry_run: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> EnrichReport:
    """Ask arXiv for exactly these papers and store each record that is better than the stored one.

    Args:
        root: the folder ``data/arxiv``.
        ids: arXiv ids without version; see ``choose``.
        fetch: brings the records, a batch at a time.
        today: the ``fetched_at`` of new content.
        dry_run: ask, compare and report, but write nothing.
        on_progress: called at the start and after each batch; what it raises is passed on.
    """
    distinct = tuple(dict.fromkeys(ids))
    tally = _Tally(root, dry_run)
    done = 0
    try:
        if not dry_run:
            with _disk():
                arxiv_records.sweep(root)
        _advance(on_progress, done, len(distinct))
        if distinct:
            for batch in fetch(distinct, today):
                for fault in batch.faults:
                    tally.fault(fault)
                for record in batch.records:
                    tally.merge(record)
                done += len(batch.asked)
                _advance(on_progress, done, len(distinct))
    except FetchError as error:
        tally.stop(arxiv_records.problem_path(""), error.code, str(error), error.fix)
    except _DiskError as error:
        fix = "free disk space or fix the permissions, then run the command again"
        tally.stop(arxiv_records.problem_path(""), "E607", str(error), fix)
    return tally.report()


class _DiskError(Exception):
    """The folder cannot be written."""


@contextmanager
def _disk() -> Iterator[None]:
    """Distinguishes a failing disk from faults in the callbacks of the caller."""
    try:
        yield
    except OSError as error:
        raise _DiskError(f"a record cannot be written: {error.strerror or error}") from error


def _advance(on_progress: Callable[[Progress], None] | None, done: int, total: int) -> None:
    if on_progress is not None:
        on_progress(Progress(done, total))


@dataclass(slots=True)
class _Tally:
    """The report while the run goes on."""

    root: Path
    dry_run: bool
    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    kept_better: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    stopped: str | None = None

    def merge(self, new: ArxivRecord) -> None:
        """Store one record, or find that the stored one is as good.

        Raises:
            _DiskError: the folder cannot be written; the stored record is untouched.
        """
        try:
            old = arxiv_records.read(self.root, new.id)
        except arxiv_records.RecordError:
            old = None  # Damaged: this command replaces it.
        new = arxiv_records.with_former_titles(new, old)
        if old is not None and arxiv_records.same_content(new, old):
            self.unchanged.append(new.id)
        elif self._store(new, old):
            self.written.append(new.id)
        else:
            self.kept_better.append(new.id)
            return
        self.problems.extend(
            Problem(arxiv_records.problem_path(new.id), 1, 1, "E609", message, fix, "note")
            for message, fix in _changes(new, old)
        )

    def _store(self, new: ArxivRecord, old: ArxivRecord | None) -> bool:
        if self.dry_run:
            return old is None or arxiv_records.is_better(new, old)
        with _disk():
            return arxiv_records.write(self.root, new)

    def fault(self, fault: FetchError) -> None:
        """Note what is wrong with one id."""
        if isinstance(fault, MissingIdError):
            self.missing.append(fault.value)
        elif isinstance(fault, RefusedIdError):
            self.dropped.append(fault.value)
        path = arxiv_records.problem_path(fault.value)
        self.problems.append(Problem(path, 1, 1, fault.code, str(fault), fault.fix))

    def stop(self, path: str, code: str, message: str, fix: str) -> None:
        """Note why the run ends here."""
        self.stopped = message
        self.problems.append(Problem(path, 1, 1, code, message, fix))

    def report(self) -> EnrichReport:
        """What was found, frozen."""
        return EnrichReport(
            tuple(self.written),
            tuple(self.unchanged),
            tuple(self.kept_better),
            tuple(self.missing),
            tuple(self.dropped),
            tuple(sorted(self.problems)),
            self.stopped,
        )


def _same(doi: str | None) -> set[str]:
    """What two spellings of one DOI field have in common."""
    return {one.casefold() for one in dois_in(doi or "")} or {(doi or "").casefold()}


def _changes(new: ArxivRecord, old: ArxivRecord | None) -> Iterator[tuple[str, str]]:
    """What a person should check, as message and fix."""
    if new.withdrawn:
        yield (
            f"arXiv says that {new.id} is withdrawn: {new.withdrawn!r}",
            "read the reason, then set status: withdrawn",
        )
    if old is None:
        return
    if plain(new.title) != plain(old.title):
        message = f"{new.id} was {text_of(old.title)!r} and is now {text_of(new.title)!r}"
        yield message, "put the new title into the entry and the former one into aliases"
    if old.doi is not None and _same(new.doi) != _same(old.doi):
        message = f"the DOI of {new.id} was {old.doi} and is now {new.doi or 'gone'}"
        yield message, "check which is right, and correct doi in the entry if it has one"
