"""The command `serve`: the site on this machine, rebuilt on change."""

from __future__ import annotations

from pathlib import Path

import typer

from generator.assemble import serve as server
from generator.commands.output import say


def serve(root: Path, port: int) -> None:
    """Build the site, serve it on this machine and rebuild it on change, until interrupted.

    Raises:
        typer.BadParameter: the port cannot be used.
    """
    try:
        server.serve(root, port, say)
    except server.PortTaken as error:
        raise typer.BadParameter(
            f"{error}; choose another: make serve PORT={port + 1 if port < 65535 else 8000}", param_hint="--port"
        ) from error
