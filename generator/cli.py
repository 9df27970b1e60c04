"""The command line: the only place that prints or exits.

Exit codes: 0 fine, 1 problems in the data (or with arXiv), 2 wrong use, 3 our own bug, 130 interrupted.
"""

from __future__ import annotations

import os
import platform
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from generator import __version__
from generator.entries.problem import FORMATS, Problem, render
from generator.escape import terminal

if TYPE_CHECKING:  # imported late at run time: a command pays only for what it uses
    from generator.arxiv.enrich import Progress

app = typer.Typer(
    name="python -m generator",
    help="The catalogue of awesome-diffusion-pruning: check it, enrich it, build its site.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Root = Annotated[Path, typer.Option(help="The repository.", envvar="CATALOGUE_ROOT", file_okay=False, exists=True)]
HERE = Path()


class Failed(Exception):  # not an error of the program: problems were told, the exit code is 1
    """The command did its work and found problems."""


def _say(text: str, *, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


@app.command()
def validate(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Only tell the problems of these files or folders.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "text",
    notes: Annotated[bool, typer.Option(help="Tell notes too, which do not fail.")] = True,
    root: Root = HERE,
) -> None:
    """Check every entry; tell every problem at once."""
    from generator.checks.validate import validate as run_checks

    if output not in FORMATS:
        raise typer.BadParameter(f"{output!r} is not one of {', '.join(FORMATS)}", param_hint="--format")
    wanted = [_inside(root, path) for path in paths or []]
    outcome = run_checks(root / "data")
    problems = [
        problem
        for problem in outcome.problems
        if (notes or problem.severity == "error")
        and (not wanted or any(problem.path == path or problem.path.startswith(f"{path}/") for path in wanted))
    ]
    if output == "json" or problems:
        _say(render(problems, output) if output != "text" else terminal(render(problems, output)))
    errors = sum(problem.severity == "error" for problem in problems)
    if output == "text":
        told = f"{outcome.entries} entries, {errors} errors, {len(problems) - errors} notes"
        _say(told, error=True)
    if errors:
        raise Failed


def _inside(root: Path, path: Path) -> str:
    """The path as problems name it.

    Raises:
        typer.BadParameter: it does not exist or lies outside the repository's data.
    """
    full = Path(os.path.abspath(path))  # noqa: PTH100  resolve() would follow a link out of the repository
    base = Path(os.path.abspath(root))  # noqa: PTH100
    if not full.exists():
        raise typer.BadParameter(f"{path} does not exist", param_hint="PATH")
    if not full.is_relative_to(base):
        raise typer.BadParameter(f"{path} is not in {base}", param_hint="PATH")
    return full.relative_to(base).as_posix()


@app.command("format")
def format_(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files; without any, all entries.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if something would change.")] = False,
    root: Root = HERE,
) -> None:
    """Rewrite entries into the one canonical form; comments stay."""
    from generator.checks.drafts import entry_files
    from generator.entries.format_yaml import NotFormattable, format_entry
    from generator.write import write_file

    plain = ((kind, file) for kind, file in entry_files(root / "data") if file.is_file() and not file.is_symlink())
    known = {file.resolve(): (kind, file) for kind, file in plain}
    chosen = list(known.values())
    if paths:
        chosen = []
        for path in paths:
            if path.resolve() not in known:
                raise typer.BadParameter(f"{path} is not an entry under data/", param_hint="PATH")
            chosen.append(known[path.resolve()])
    changed = failed = 0
    for kind, file in chosen:
        raw = file.read_bytes()
        try:
            canonical = format_entry(raw, kind, str(file))
        except NotFormattable as error:
            failed += 1
            _say(terminal(str(error)), error=True)
            continue
        if canonical != raw:
            changed += 1
            _say(f"{'would change' if check else 'changed'} {file}")
            if not check:
                write_file(file, canonical)
    _say(
        f"{len(chosen)} files, {changed} {'to change' if check else 'changed'}, {failed} not formattable",
        error=True,
    )
    if failed or (check and changed):
        raise Failed


@app.command()
def refresh(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if something is stale.")] = False,
    root: Root = HERE,
) -> None:
    """Rewrite the committed generated files: README.md, data/schema/, the README's figures."""
    from generator.assemble.committed import committed_files
    from generator.write import write_file

    catalogue = _checked(root)
    stale = []
    for name, content in committed_files(catalogue, root).items():
        file = root / name
        if not file.exists() or file.read_bytes() != content:
            stale.append(name)
            if not check:
                write_file(file, content)
    for name in stale:
        _say(f"{'stale' if check else 'wrote'} {name}")
    if check and stale:
        _say("fix: make refresh", error=True)
        raise Failed


@app.command()
def build(
    engine: Annotated[str, typer.Option(help="mkdocs or zensical.")] = "mkdocs",
    output: Annotated[Path | None, typer.Option(help="Folder to build in; default build/ of the repository.")] = None,
    root: Root = HERE,
) -> None:
    """Stage docs/ and the generated pages, run the site engine, fill in the entry pages."""
    from generator.assemble.build import ENGINES, BuildFailed
    from generator.assemble.build import build as build_site

    if engine not in ENGINES:
        raise typer.BadParameter(f"{engine!r} is not one of {', '.join(ENGINES)}", param_hint="--engine")
    catalogue = _checked(root)
    try:
        report = build_site(catalogue, root, output or root / "build", engine=engine)
    except BuildFailed as error:
        _say(str(error), error=True)
        raise Failed from error
    _say(f"{report.pages} pages, {report.entries} of them entries, in {report.site / 'index.html'}")


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8000,
    root: Root = HERE,
) -> None:
    """Build, serve on this machine only, and rebuild what changed."""
    from generator.assemble.serve import serve as serve_site

    serve_site(root, port, _say)


@app.command()
def enrich(
    ids: Annotated[
        list[str] | None, typer.Argument(help="arXiv ids; without any, all that are missing or stale.")
    ] = None,
    stale: Annotated[
        int | None,
        typer.Option("--stale", help="Ask again for records older than DAYS.", metavar="DAYS", min=0),
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="Another address of the API.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask and compare, write nothing.")] = False,
    root: Root = HERE,
) -> None:
    """Ask arXiv for records and keep the better ones; one request every three seconds."""
    from generator.arxiv import records as arxiv_records
    from generator.arxiv.enrich import choose
    from generator.arxiv.enrich import enrich as run_enrich
    from generator.checks.drafts import arxiv_ids

    today = datetime.now(tz=UTC).date()
    if ids:
        asked = tuple(_arxiv_id(text) for text in ids)
    else:
        records, _ = arxiv_records.read_all(root / "data" / "arxiv")
        asked = choose(arxiv_ids(root / "data"), records, today=today, stale_days=stale)
    _say(f"{len(asked)} papers to ask for", error=True)
    with _progress(len(asked)) as advance:
        fetch = _arxiv(root, endpoint).fetch
        report = run_enrich(
            root / "data" / "arxiv", asked, fetch=fetch, today=today, dry_run=dry_run, on_progress=advance
        )
    if report.problems:
        _say(terminal(render(report.problems, "text")))
    written = "would be written" if dry_run else "written"
    _say(
        f"{len(report.written)} {written}, {len(report.unchanged)} unchanged, {len(report.kept_better)} kept as better,"
        f" {len(report.missing)} missing, {len(report.dropped)} dropped",
        error=True,
    )
    if report.stopped:
        _say(terminal(f"stopped: {report.stopped}"), error=True)
    if report.stopped or any(problem.severity == "error" for problem in report.problems):
        raise Failed


@app.command()
def add(
    paper: Annotated[str, typer.Argument(help="arXiv id or address of the paper.", metavar="ARXIV_ID|URL")],
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask arXiv; needs --title.")] = False,
    title: Annotated[str | None, typer.Option(help="Title, where arXiv is not asked.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Another address of the API.")] = None,
    root: Root = HERE,
) -> None:
    """Start an entry: fetch the record, write what is known, name what is left."""
    from generator.arxiv import records as arxiv_records
    from generator.arxiv.fetch import FetchError
    from generator.checks.drafts import read_taxonomy
    from generator.contribute.new_entry import AlreadyThere, new_entry
    from generator.write import write_file

    arxiv_id = _arxiv_id(paper)
    if offline and not title:
        raise typer.BadParameter("--offline needs --title", param_hint="--title")
    data, today = root / "data", datetime.now(tz=UTC).date()
    problems: list[Problem] = []
    taxonomy, _ = read_taxonomy(data, problems)
    if taxonomy is None:
        _say(terminal(render(problems, "text")), error=True)
        raise Failed
    record = None
    try:
        if not offline:
            batch = next(_arxiv(root, endpoint).fetch([arxiv_id], today))
            if batch.faults:
                raise batch.faults[0]
            record = batch.records[0]
        known = record.title if record else title or ""
        entry = new_entry(arxiv_id, known, record, data=data, taxonomy=taxonomy, today=today)
    except FetchError as error:
        _say(terminal(f"error[{error.code}]: {error}. fix: {error.fix}"), error=True)
        _say(f'without the API: python -m generator add {arxiv_id} --offline --title "…"', error=True)
        raise Failed from error
    except AlreadyThere as error:
        _say(terminal(f"{error}. fix: correct that entry instead"), error=True)
        raise Failed from error
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--title") from error
    if record is not None:
        arxiv_records.write(data / "arxiv", record)
    write_file(root / entry.path, entry.content)
    _say(f"wrote {entry.path}")
    _say("left to fill in:")
    for field in entry.left:
        _say(f"  {field}")
    _say(f"then: python -m generator validate {entry.path}")


@app.command()
def links(
    state: Annotated[Path | None, typer.Option(help="File that one run leaves for the next.", dir_okay=False)] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the report here instead of printing it.", dir_okay=False)
    ] = None,
    root: Root = HERE,
) -> None:
    """Visit every address of the catalogue, slowly, and tell which are gone or have moved."""
    from generator.checks.drafts import addresses
    from generator.contribute.check_links import Link, State, check_links, read_state, write_state
    from generator.site_config import load_config
    from generator.write import write_file

    former = read_state(state) if state else State()
    outcome = check_links(
        [Link(*where) for where in addresses(root / "data")], former, contact=load_config(root).repo_url
    )
    if state:
        write_state(state, outcome.state)
    if report:
        write_file(report, outcome.markdown().encode())
    else:
        _say(outcome.markdown())


@app.command()
def changes(
    old: Annotated[str, typer.Argument(help="Commit or tag to start from.")],
    new: Annotated[str, typer.Argument(help="Commit or tag to compare with it.")],
    output: Annotated[str, typer.Option("--format", help="text, json or markdown.")] = "text",
    root: Root = HERE,
) -> None:
    """Tell which entries were added, changed, renamed or removed between two commits."""
    from generator.outputs.changes import FORMATS as FORMS
    from generator.outputs.changes import RevisionError
    from generator.outputs.changes import changes as compare
    from generator.outputs.changes import render as told

    if output not in FORMS:
        raise typer.BadParameter(f"{output!r} is not one of {', '.join(FORMS)}", param_hint="--format")
    try:
        found = compare(root, old, new)
    except RevisionError as error:
        raise typer.BadParameter(terminal(str(error)), param_hint="OLD NEW") from error
    _say(told(found, output) if output == "json" else terminal(told(found, output)))


def _arxiv_id(text: str) -> str:
    """The bare id in what a person typed.

    Raises:
        typer.BadParameter: there is none.
    """
    from generator.checks.arxiv_id import bare_id

    found = bare_id(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not an arXiv id or address, such as 2305.10924", param_hint="ARXIV_ID")
    return found


def _arxiv(root: Path, endpoint: str | None):  # type: ignore[no-untyped-def]  # as for _checked
    from generator.arxiv.fetch import ENDPOINT, Arxiv
    from generator.site_config import load_config

    def waiting(why: str, seconds: float) -> None:
        _say(terminal(f"waiting {seconds:.0f} s: {why}"), error=True)

    try:
        return Arxiv(load_config(root).repo_url, endpoint=endpoint or ENDPOINT, on_wait=waiting)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--endpoint") from error


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Progress], None]]:
    """A progress bar on a terminal; nothing where the output goes elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("arXiv"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("arXiv", total=total)
        yield lambda progress: bar.update(task, completed=progress.done)


def _checked(root: Path):  # type: ignore[no-untyped-def]  # the type would cost every command the import
    from generator.checks.validate import validate as run_checks

    outcome = run_checks(root / "data")
    if outcome.catalogue is None:
        errors = [problem for problem in outcome.problems if problem.severity == "error"]
        _say(terminal(render(errors, "text")), error=True)
        raise Failed
    return outcome.catalogue


def _bug_report(error: BaseException) -> str:
    versions = f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    told = "".join(traceback.format_exception(error)).rstrip()
    return (
        f"This is a bug of the generator, not of your entry. Please report the following lines.\n\n"
        f"```\ncommand: python -m generator {' '.join(sys.argv[1:])}\n"
        f"time:    {datetime.now(tz=UTC).isoformat(timespec='seconds')}\nversion: {versions}\n{told}\n```"
    )


def run() -> None:
    """Run the command line and turn every end into its exit code."""
    try:
        app()  # ends with 2 on wrong use and with 130 on an interrupt
    except Failed:
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has gone; do not complain about it again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  the last line of defence: our bug, told as such
        _say(_bug_report(error), error=True)
        sys.exit(3)
