"""The command `build`: the whole site."""

from __future__ import annotations

from pathlib import Path

import typer

from generator.assemble.build import ENGINES, BuildFailed
from generator.assemble.build import build as build_site
from generator.commands.checked import checked
from generator.commands.output import Failed, say
from reference_impls.number_format import count


def build(engine: str, output: Path | None, root: Path) -> None:
    """Copy docs/ and the generated pages, run the site engine, fill in the entry pages.

    Args:
        engine: one of ``ENGINES``.
        output: folder to build in; build/ of the repository if None.
        root: of the repository.

    Raises:
        Failed: an entry has errors, or the engine failed.
        typer.BadParameter: the engine is unknown.
    """
    if engine not in ENGINES:
        raise typer.BadParameter(f"unknown engine {engine!r}; use one of {', '.join(ENGINES)}", param_hint="--engine")
    catalogue = checked(root)
    try:
        report = build_site(catalogue, root, output or root / "build", engine=engine)
    except BuildFailed as error:
        say(str(error), error=True)
        raise Failed from error
    say(f"built {count(report.pages, 'page')}, {report.entries} of them for entries: {report.site}")
    say("to look at them: make serve, or python -m http.server in that folder")
