"""The command line: options, exit codes and the report of our own bugs.

Each command is a module of its own under ``commands``, imported when the command runs, so that a command loads only
what it uses. Help texts have one layout: a sentence that starts with a verb, then one example.

Exit codes: 0 fine, 1 problems in the data (or with arXiv, a right, the disk), 2 wrong use, 3 our own bug,
130 interrupted.
"""

from __future__ import annotations

import errno
import os
import platform
import shutil
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from generator import __version__
from generator.commands.output import Failed, accept_any_encoding, say
from generator.entries.problem import FORMATS
from generator.escape import terminal


def _example(arguments: str) -> str:
    """The last line of a command's help."""
    return f"Example: python -m generator {arguments}"


app = typer.Typer(
    name="python -m generator",
    help="Check the catalogue of awesome-diffusion-pruning, extend it, and build its site.",
    epilog=_example("validate data/papers/2026"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Root = Annotated[
    Path, typer.Option(help="Folder of the repository.", envvar="CATALOGUE_ROOT", file_okay=False, exists=True)
]
Endpoint = Annotated[str | None, typer.Option(help="Address of the API, if not arXiv's own.", envvar="ARXIV_ENDPOINT")]
HERE = Path()


@app.command(epilog=_example("validate data/papers/2026 --no-notes"))
def validate(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders whose problems are shown. Default: all.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help=f"Form of the output: {', '.join(FORMATS)}.")] = "text",
    notes: Annotated[bool, typer.Option(help="Also show notes, which do not fail the check.")] = True,
    root: Root = HERE,
) -> None:
    """Check all entries and report every problem."""
    from generator.commands import validate

    validate.validate(paths or [], output, notes, root)


@app.command("check-entry", epilog=_example("check-entry data/papers/2023/diff-pruning.yaml"))
def check_entry(
    file: Annotated[Path, typer.Argument(help="File of the entry.")],
    root: Root = HERE,
) -> None:
    """Format one entry; report its problems and open fields."""
    from generator.commands import validate

    validate.check_entry(file, root)


@app.command("format", epilog=_example("format data/papers/2023/diff-pruning.yaml"))
def format_(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files of entries. Default: all entries.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a file would change.")] = False,
    root: Root = HERE,
) -> None:
    """Rewrite entries in canonical form; keep comments."""
    from generator.commands.format import format_entries

    format_entries(paths or [], check, root)


@app.command(epilog=_example("refresh --check"))
def refresh(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a file is out of date.")] = False,
    root: Root = HERE,
) -> None:
    """Rewrite README.md, its figures, and data/schema/."""
    from generator.commands import refresh

    refresh.refresh(check, root)


@app.command(epilog=_example("build --output /tmp/site"))
def build(
    engine: Annotated[str, typer.Option(help="Site engine: mkdocs or zensical.")] = "mkdocs",
    output: Annotated[Path | None, typer.Option(help="Folder to build in. Default: build/ of the repository.")] = None,
    root: Root = HERE,
) -> None:
    """Check all entries and build the site."""
    from generator.commands import build

    build.build(engine, output, root)


@app.command(epilog=_example("serve --port 8001"))
def serve(
    port: Annotated[int, typer.Option(help="Port of this machine.", min=1, max=65535)] = 8000,
    root: Root = HERE,
) -> None:
    """Build and serve the site on this machine; rebuild on change."""
    from generator.commands import serve

    serve.serve(root, port)


@app.command(epilog=_example("enrich 2305.10924"))
def enrich(
    ids: Annotated[
        list[str] | None, typer.Argument(help="arXiv ids. Default: all papers without a current record.")
    ] = None,
    stale: Annotated[
        int | None,
        typer.Option("--stale", help="Also fetch records older than DAYS again.", metavar="DAYS", min=0),
    ] = None,
    endpoint: Endpoint = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Fetch and compare; write nothing.")] = False,
    root: Root = HERE,
) -> None:
    """Fetch records from arXiv, one request in three seconds."""
    from generator.commands import enrich

    enrich.enrich(ids or [], stale, endpoint, dry_run, root)


@app.command(epilog=_example("add 2305.10924"))
def add(
    paper: Annotated[
        str | None, typer.Argument(help="arXiv id or arXiv address of the paper.", metavar="ARXIV_ID|URL")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Start the entry of this model instead of a paper.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Instead of a paper: tool, article or model; requires --url.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Address of the tool, article or model.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask arXiv; requires --title.")] = False,
    title: Annotated[str | None, typer.Option(help="Title; for a paper with --offline.")] = None,
    endpoint: Endpoint = None,
    root: Root = HERE,
) -> None:
    """Start the entry of a paper, tool, article or model."""
    from generator.commands import add

    given = [option for option in (paper, model, kind) if option is not None]
    if kind == "paper" and url and len(given) == 1:
        paper, kind, url = url, None, None
    elif len(given) != 1 or (url and kind is None):
        raise typer.BadParameter("give either a paper or --model or --kind with --url", param_hint="ARXIV_ID|URL")
    if kind is not None:
        add.add_by_kind(kind, url, title, root)
    elif model is not None:
        add.add_model(model, root)
    elif paper is not None:
        add.add_paper(paper, offline, title, endpoint, root)


@app.command("from-issue", epilog=_example("from-issue"))
def from_issue(root: Root = HERE) -> None:
    """Write the entry or correction of an issue's form.

    Its text is read from the environment: ISSUE_BODY, and the labels of the issue from ISSUE_LABELS, a JSON list.
    """
    from generator.commands import from_issue

    from_issue.from_issue(root)


@app.command(epilog=_example("discover --since 2026-11-01 --limit 10"))
def discover(
    since: Annotated[
        str | None, typer.Option(help="First day of submission, YYYY-MM-DD. Default: `days` of data/queries.yaml ago.")
    ] = None,
    endpoint: Endpoint = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write drafts of new papers, and the changes that records say unmistakably.")
    ] = False,
    limit: Annotated[int, typer.Option(help="Papers shown, and drafts written, at most.", min=0)] = 30,
    report: Annotated[
        Path | None, typer.Option(help="Also write what was done to this file, in Markdown.", dir_okay=False)
    ] = None,
    root: Root = HERE,
) -> None:
    """Find new papers on arXiv, and changes in its records."""
    from generator.commands import discover

    discover.discover(since, endpoint, apply, limit, report, root)


@app.command(epilog=_example("links --state build/links.json --report build/links.md"))
def links(
    state: Annotated[Path | None, typer.Option(help="File that keeps the state between runs.", dir_okay=False)] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the report to this file instead of printing it.", dir_okay=False)
    ] = None,
    root: Root = HERE,
) -> None:
    """Visit every link of the data; report dead and moved ones."""
    from generator.commands import links

    links.links(state, report, root)


@app.command(epilog=_example("changes v1.0.0 HEAD --format markdown"))
def changes(
    old: Annotated[str, typer.Argument(help="Commit or tag to start from.")],
    new: Annotated[str, typer.Argument(help="Commit or tag to end with.")],
    output: Annotated[str, typer.Option("--format", help="Form of the output: text, json, markdown.")] = "text",
    root: Root = HERE,
) -> None:
    """List the entries that differ between two commits."""
    from generator.commands import changes

    changes.changes(old, new, output, root)


@app.command(epilog=_example("review --base origin/main"))
def review(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of entries. Default: all that differ from the base.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Commit to compare the files with. Default: HEAD, unless files are given.")
    ] = None,
    root: Root = HERE,
) -> None:
    """Report on added and changed entries, for their reviewer."""
    from generator.commands import review

    review.review(files or [], base, root)


@app.command(epilog=_example("digest 2026-11"))
def digest(
    month: Annotated[str, typer.Argument(help="Month that is over, as YYYY-MM.", metavar="MONTH")],
    root: Root = HERE,
) -> None:
    """Write the digest of a month to data/digests/."""
    from generator.commands import digest

    digest.digest(month, root)


def _bug_report(error: BaseException) -> str:
    versions = f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    trace = "".join(traceback.format_exception(error)).rstrip()
    return (
        f"This is a bug of the generator, not of your entry. Please report the following lines.\n\n"
        f"```\ncommand: python -m generator {' '.join(sys.argv[1:])}\n"
        f"time:    {datetime.now(tz=UTC).isoformat(timespec='seconds')}\nversion: {versions}\n{trace}\n```"
    )


_CURES = {
    errno.EACCES: "give yourself the right to read and write it",
    errno.EPERM: "give yourself the right to read and write it",
    errno.EROFS: "work in a copy on a disk that can be written",
    errno.ENOSPC: "free space on the disk",
    errno.EDQUOT: "free space on the disk",
    errno.EFBIG: "free space on the disk",
    errno.ENAMETOOLONG: "work in a folder with a shorter path",
    errno.EMFILE: "close other programs, or raise the limit of open files",
    errno.ENFILE: "close other programs, or raise the limit of open files",
    errno.EIO: "check the disk",
}
"""What the surroundings refuse, and the cure; other errors of the system are ours."""


def _refusal(error: OSError) -> str | None:
    """One line about a right, a disk or a limit that is missing, with the cure; None for anything else."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        _, where, why = error.args[0][0]  # a copy of a folder collects its errors as text
        known = next((code for code in _CURES if os.strerror(code) in str(why)), None)
    else:
        known, where = (error.errno if error.errno in _CURES else None), error.filename
    if known is None:
        return None
    place = f"{where}: " if where else ""
    return terminal(f"{place}error: {os.strerror(known)}. fix: {_CURES[known]}")


def run() -> None:
    """Run the command line and end with the exit code."""
    accept_any_encoding()
    try:
        app()  # ends with 2 on wrong use and with 130 on an interrupt
    except Failed:
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output has closed the pipe; do not fail again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        refused = _refusal(error)
        say(refused or _bug_report(error), error=True)
        sys.exit(1 if refused else 3)
    except Exception as error:  # noqa: BLE001  our own bug, reported as such
        say(_bug_report(error), error=True)
        sys.exit(3)
