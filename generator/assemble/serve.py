"""The site on this machine, rebuilt on change."""

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
from reference_impls.number_format import count

POLL_SECONDS = 0.5
PROSE = ("docs", "mkdocs.yml")
"""What the site engine reads; without a change there, its pages are reused."""
CATALOGUE = ("data", "generator/templates")


class PortTaken(OSError):
    """The port cannot be used; the message says why."""


class _Quiet(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Print nothing: the terminal is for the problems of the data."""


def serve(root: Path, port: int, say: Callable[[str], None]) -> None:
    """Build, serve on 127.0.0.1 and rebuild on change, until interrupted.

    Raises:
        PortTaken: another program uses the port, or it is reserved.
    """
    output = root / "build"
    handler = partial(_Quiet, directory=str(output / "site"))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise PortTaken(f"port {port} cannot be used: {error.strerror}") from error
    with server:
        prose, entries = stamp(root, PROSE), stamp(root, CATALOGUE)
        rebuild(root, output, True, say)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        say(f"serving at http://127.0.0.1:{server.server_port}/ (stop with Ctrl-C)")
        while True:
            time.sleep(POLL_SECONDS)
            seen_prose, seen_entries = stamp(root, PROSE), stamp(root, CATALOGUE)
            if (seen_prose, seen_entries) != (prose, entries):
                rebuild(root, output, seen_prose != prose, say)
                prose, entries = seen_prose, seen_entries


def rebuild(root: Path, output: Path, with_prose: bool, say: Callable[[str], None]) -> bool:
    """Build what changed; on problems report them and keep the last good site."""
    started = time.monotonic()
    outcome = validate(root / "data")
    if outcome.catalogue is None:
        say(render((problem for problem in outcome.problems if problem.severity == "error"), "text"))
        say("not rebuilt; correct the problems above")
        return False
    environment.cache_clear()
    try:
        if with_prose:
            render_prose(root, output)
        report = finish(outcome.catalogue, root, output)
    except BuildFailed as error:
        say(str(error))
        return False
    say(f"built {count(report.pages, 'page')} in {time.monotonic() - started:.1f} s")
    return True


def stamp(root: Path, names: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of every file, to detect a change."""
    return tuple(sorted(_stamps(root, names)))


def _stamps(root: Path, names: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    for name in names:
        top = root / name
        for file in top.rglob("*") if top.is_dir() else (top,):
            try:
                status = file.stat()
            except FileNotFoundError:  # deleted after it was listed
                continue
            yield str(file), status.st_mtime_ns, status.st_size
