"""The command line: options, exit codes and the report of our own bugs.

Each command stands in a module of its own under ``commands``, which is imported when it is called: a command pays only
for what it uses.

Exit codes: 0 fine, 1 problems in the data (or with arXiv), 2 wrong use, 3 our own bug, 130 interrupted.
"""

from __future__ import annotations

import os
import platform
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from generator import __version__
from generator.commands.output import Failed, say
from generator.entries.problem import FORMATS

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
    from generator.commands import validate

    validate.validate(paths or [], output, notes, root)


@app.command("format")
def format_(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files; without any, all entries.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if something would change.")] = False,
    root: Root = HERE,
) -> None:
    """Rewrite entries into the one canonical form; comments stay."""
    from generator.commands.format import format_entries

    format_entries(paths or [], check, root)


@app.command()
def refresh(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if something is stale.")] = False,
    root: Root = HERE,
) -> None:
    """Rewrite the committed generated files: README.md, data/schema/, the README's figures."""
    from generator.commands import refresh

    refresh.refresh(check, root)


@app.command()
def build(
    engine: Annotated[str, typer.Option(help="mkdocs or zensical.")] = "mkdocs",
    output: Annotated[Path | None, typer.Option(help="Folder to build in; default build/ of the repository.")] = None,
    root: Root = HERE,
) -> None:
    """Stage docs/ and the generated pages, run the site engine, fill in the entry pages."""
    from generator.commands import build

    build.build(engine, output, root)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8000,
    root: Root = HERE,
) -> None:
    """Build, serve on this machine only, and rebuild what changed."""
    from generator.assemble import serve

    serve.serve(root, port, say)


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
    from generator.commands import enrich

    enrich.enrich(ids or [], stale, endpoint, dry_run, root)


@app.command()
def add(
    paper: Annotated[
        str | None, typer.Argument(help="arXiv id or address of the paper.", metavar="[ARXIV_ID|URL]")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Name of a model to start an entry for, without a paper.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask arXiv; needs --title.")] = False,
    title: Annotated[str | None, typer.Option(help="Title, where arXiv is not asked.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Another address of the API.")] = None,
    root: Root = HERE,
) -> None:
    """Start an entry of a paper or a model: write what is known, name what is left."""
    from generator.commands import add

    if (paper is None) == (model is None):
        raise typer.BadParameter("give either the paper or --model", param_hint="[ARXIV_ID|URL]")
    if model is not None:
        add.add_model(model, root)
    elif paper is not None:
        add.add_paper(paper, offline, title, endpoint, root)


@app.command()
def links(
    state: Annotated[Path | None, typer.Option(help="File that one run leaves for the next.", dir_okay=False)] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the report here instead of printing it.", dir_okay=False)
    ] = None,
    root: Root = HERE,
) -> None:
    """Visit every address of the catalogue, slowly, and tell which are gone or have moved."""
    from generator.commands import links

    links.links(state, report, root)


@app.command()
def changes(
    old: Annotated[str, typer.Argument(help="Commit or tag to start from.")],
    new: Annotated[str, typer.Argument(help="Commit or tag to compare with it.")],
    output: Annotated[str, typer.Option("--format", help="text, json or markdown.")] = "text",
    root: Root = HERE,
) -> None:
    """Tell which entries were added, changed, renamed or removed between two commits."""
    from generator.commands import changes

    changes.changes(old, new, output, root)


def _bug_report(error: BaseException) -> str:
    versions = f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    trace = "".join(traceback.format_exception(error)).rstrip()
    return (
        f"This is a bug of the generator, not of your entry. Please report the following lines.\n\n"
        f"```\ncommand: python -m generator {' '.join(sys.argv[1:])}\n"
        f"time:    {datetime.now(tz=UTC).isoformat(timespec='seconds')}\nversion: {versions}\n{trace}\n```"
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
    except Exception as error:  # noqa: BLE001  the last line of defence: our bug, reported as such
        say(_bug_report(error), error=True)
        sys.exit(3)
