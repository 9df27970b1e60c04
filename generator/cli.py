"""The command line: the only place that prints or exits.

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
from generator.escape import terminal
from generator.problem import FORMATS, render

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


class Failed(Exception):  # noqa: N818  not an error of the program: problems were told, the exit code is 1
    """The command did its work and found problems."""


def _say(text: str, *, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


@app.command()
def validate(
    paths: Annotated[list[Path] | None, typer.Argument(help="Only tell the problems of these files or folders.")] = None,
    output: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "text",
    notes: Annotated[bool, typer.Option(help="Tell notes too, which do not fail.")] = True,
    root: Root = HERE,
) -> None:
    """Check every entry; tell every problem at once."""
    from generator.validate import validate as run_checks

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
    from generator.format_yaml import NotFormattable, format_entry
    from generator.validate import entry_files
    from generator.write import write_file

    known = {file.resolve(): (kind, file) for kind, file in entry_files(root / "data")}
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
    _say(f"{len(chosen)} files, {changed} {'to change' if check else 'changed'}, {failed} not formattable", error=True)
    if failed or (check and changed):
        raise Failed


@app.command()
def refresh(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if something is stale.")] = False,
    root: Root = HERE,
) -> None:
    """Rewrite the committed generated files: README.md, data/schema/, the README's figures."""
    from generator.committed import committed_files
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
    from generator.build import ENGINES, BuildFailed
    from generator.build import build as build_site

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
    from generator.serve import serve as serve_site

    serve_site(root, port, _say)


def _checked(root: Path):  # type: ignore[no-untyped-def]  # the type would cost every command the import
    from generator.validate import validate as run_checks

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
