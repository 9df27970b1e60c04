"""The site on this machine, rebuilt when something changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from generator.assemble.build import BuildFailed, finish, render_prose
from generator.checks.validate import validate
from generator.entries.problem import render
from generator.pages.render import environment

POLL_SECONDS = 0.5
PROSE = ("docs", "mkdocs.yml")
"""What the site engine reads; without a change there, its pages are used again."""
CATALOGUE = ("data", "generator/templates")


class _Quiet(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Say nothing: the terminal belongs to the problems of the data."""


def serve(root: Path, port: int, say: Callable[[str], None]) -> None:
    """Build, serve on 127.0.0.1 and rebuild on change, until interrupted.

    Raises:
        OSError: the port is taken.
    """
    output = root / "build"
    prose, entries = stamp(root, PROSE), stamp(root, CATALOGUE)
    rebuild(root, output, True, say)
    handler = partial(_Quiet, directory=str(output / "site"))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        say(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends)")
        while True:
            time.sleep(POLL_SECONDS)
            seen_prose, seen_entries = stamp(root, PROSE), stamp(root, CATALOGUE)
            if (seen_prose, seen_entries) != (prose, entries):
                rebuild(root, output, seen_prose != prose, say)
                prose, entries = seen_prose, seen_entries


def rebuild(root: Path, output: Path, with_prose: bool, say: Callable[[str], None]) -> bool:
    """Build what changed; on problems tell them and leave the last good site in place."""
    started = time.monotonic()
    outcome = validate(root / "data")
    if outcome.catalogue is None:
        say(render((problem for problem in outcome.problems if problem.severity == "error"), "text"))
        return False
    environment.cache_clear()
    try:
        if with_prose:
            render_prose(root, output)
        report = finish(outcome.catalogue, root, output)
    except BuildFailed as error:
        say(str(error))
        return False
    say(f"{report.pages} pages in {time.monotonic() - started:.1f} s")
    return True


def stamp(root: Path, names: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of every file, to see a change by."""
    return tuple(sorted(_stamps(root, names)))


def _stamps(root: Path, names: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    for name in names:
        top = root / name
        for file in top.rglob("*") if top.is_dir() else (top,):
            try:
                status = file.stat()
            except FileNotFoundError:  # deleted between the listing and the look
                continue
            yield str(file), status.st_mtime_ns, status.st_size
