"""The command `enrich`: fetch records from arXiv and keep the better ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from generator.arxiv.enrich import Progress, choose
from generator.arxiv.enrich import enrich as run_enrich
from generator.arxiv.records import read_all
from generator.checks.drafts import arxiv_ids
from generator.commands.arxiv_options import arxiv, arxiv_id
from generator.commands.output import Failed, say
from generator.entries.problem import render
from generator.escape import terminal
from reference_impls.number_format import count


def enrich(ids: Sequence[str], stale: int | None, endpoint: str | None, dry_run: bool, root: Path) -> None:
    """Fetch records and write them.

    Args:
        ids: arXiv ids as people type them; all that are missing or stale if empty.
        stale: days after which a record is asked for again.
        endpoint: another address of the API.
        dry_run: ask and compare, write nothing.
        root: of the repository.

    Raises:
        Failed: a record has errors, or arXiv stopped the run.
        typer.BadParameter: an id or the address is not valid.
    """
    today = datetime.now(tz=UTC).date()
    if ids:
        asked = tuple(arxiv_id(text) for text in ids)
    else:
        records, _ = read_all(root / "data" / "arxiv")
        asked = choose(arxiv_ids(root / "data"), records, today=today, stale_days=stale)
    say(f"{count(len(asked), 'paper')} to fetch from arXiv", error=True)
    with _progress(len(asked)) as advance:
        fetch = arxiv(root, endpoint).fetch
        report = run_enrich(
            root / "data" / "arxiv", asked, fetch=fetch, today=today, dry_run=dry_run, on_progress=advance
        )
    if report.problems:
        say(terminal(render(report.problems, "text")))
    written = "would be written" if dry_run else "written"
    say(
        f"{len(report.written)} {written}, {len(report.unchanged)} unchanged, {len(report.kept_better)} kept as better,"
        f" {len(report.missing)} missing, {len(report.dropped)} invalid",
        error=True,
    )
    if report.stopped:
        say(terminal(f"stopped: {report.stopped}"), error=True)
    if report.stopped or any(problem.severity == "error" for problem in report.problems):
        raise Failed


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Progress], None]]:
    """A progress bar on a terminal; nothing if the output is no terminal."""
    columns = (TextColumn("arXiv"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("arXiv", total=total)
        yield lambda progress: bar.update(task, completed=progress.done)
