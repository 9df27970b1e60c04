"""Fixtures: the built site, a server like the published one, a browser whose every complaint fails the test."""

from __future__ import annotations

import gzip
import mimetypes
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright

from generator.assemble.build import build, finish, load_site
from generator.checks.validate import validate
from generator.entries.model import KINDS, Catalogue, Filed
from generator.views.site import Site
from tests.site.browser import FLAGS, find_browser
from tests.site.hostile import add_hostile, copy_repository
from tests.site.parsing import Parsed, parse
from tests.work import ENDLESS

ROOT = Path(__file__).resolve().parents[2]

MOST_MILLISECONDS = 60_000
"""A page may take as long for anything, on a machine with other work; only a fault waits for it."""
expect.set_options(timeout=MOST_MILLISECONDS)
COMPRESSED = ("text/", "application/json", "application/javascript", "application/xml", "image/svg+xml")


class Pages(Mapping[str, Parsed]):
    """Pages by name; a file is read when somebody looks at it, and once."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._read: dict[str, Parsed] = {}

    def __getitem__(self, name: str) -> Parsed:
        if name not in self._read:
            self._read[name] = parse(self._files[name].read_text("utf-8"))
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


@dataclass(frozen=True)
class Built:
    """A finished site and what it was made of."""

    site: Path
    root: Path
    catalogue: Catalogue

    @cached_property
    def knowledge(self) -> Site:
        """The catalogue as the pages know it."""
        return load_site(self.catalogue, self.root)

    @cached_property
    def pages(self) -> Mapping[str, Parsed]:
        """Every page, by its path below the home page."""
        return Pages({page.relative_to(self.site).as_posix(): page for page in sorted(self.site.rglob("*.html"))})

    def pages_with(self, text: str) -> list[str]:
        """Names of the pages whose HTML holds a text, which is found without parsing them."""
        return [name for name in self.pages if text in (self.site / name).read_text("utf-8")]

    @cached_property
    def entries(self) -> dict[str, Filed[Any]]:
        """Every entry with its file, by the address of its page below the home page."""
        return {f"{kind}/{slug}/": filed for kind in KINDS for slug, filed in getattr(self.catalogue, kind).items()}

    @property
    def browsed(self) -> dict[str, Filed[Any]]:
        """The entries that Browse lists: all but the models, which are a filter there."""
        return {where: filed for where, filed in self.entries.items() if not where.startswith("models/")}


def address(page: Page) -> str:
    """Where a page of the browser is now: ``page.url`` learns of pushState only a moment later."""
    found: str = page.evaluate("location.href")
    return found


def checked(root: Path) -> Catalogue:
    """The catalogue of a repository, which must be valid."""
    outcome = validate(root / "data")
    assert outcome.catalogue is not None, [one.text() for one in outcome.problems if one.severity == "error"]
    return outcome.catalogue


def run_build(root: Path, output: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Build a repository as a person would: ``python -m generator build``, with these environment variables."""
    command = [sys.executable, "-m", "generator", "build", "--root", str(root), "--output", str(output)]
    path = os.pathsep.join(filter(None, (variables.pop("PYTHONPATH", ""), str(ROOT))))
    environment = {**os.environ, **variables, "PYTHONPATH": path}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=root, timeout=ENDLESS)


@contextmanager
def once(folder: Path) -> Iterator[bool]:
    """True in the first of all workers to come here; the others wait until it is done, and get False."""
    with FileLock(folder.with_suffix(".lock")):
        first = not folder.exists()
        folder.mkdir(exist_ok=True)
        try:
            yield first
        except BaseException:
            shutil.rmtree(folder)
            raise


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder of this run of the tests, the same for all its workers."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def built(shared: Path, shipped: Catalogue) -> Built:
    """The shipped catalogue."""
    output = shared / "shipped"
    with once(output) as first:
        if first:
            build(shipped, ROOT, output)
    return Built(output / "site", ROOT, shipped)


@pytest.fixture(scope="session")
def hostile(shared: Path, built: Built) -> Built:
    """The shipped catalogue with the hostile entries. No prose names them, so its pages are those of the whole site."""
    root = shared / "hostile"
    with once(root) as first:
        if first:
            copy_repository(root)
            add_hostile(root)
        catalogue = checked(root)
        if first:
            shutil.copytree(built.site.parent / "engine", root / "build/engine")
            finish(catalogue, root, root / "build")
    return Built(root / "build/site", root, catalogue)


@dataclass
class Server:
    """A site served below the path of its public address, as its host would: compressed, 404 page and all."""

    site: Path
    prefix: str
    address: str = ""
    sent: dict[str, int] = field(default_factory=dict)
    """Bytes of each answer with its headers, by path."""


@contextmanager
def serving(site: Path, site_url: str) -> Iterator[Server]:
    """Serve a folder on a free port of this machine."""
    server = Server(site, urlsplit(site_url).path)
    compressed = cache(lambda file: gzip.compress(file.read_bytes(), 6))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            file = site / path.removeprefix(server.prefix) if path.startswith(server.prefix) else None
            if file is not None and file.is_dir():
                file /= "index.html"
            found = file is not None and file.is_file() and file.resolve().is_relative_to(site.resolve())
            shown = file if found and file else site / "404.html"
            kind = mimetypes.guess_type(shown.name)[0] or "text/html"
            head = [
                f"HTTP/1.1 {'200 OK' if found else '404 Not Found'}",
                f"Content-Type: {kind}; charset=utf-8",
            ]
            body = shown.read_bytes()
            if kind.startswith(COMPRESSED) and "gzip" in self.headers.get("Accept-Encoding", ""):
                body = compressed(shown)
                head.append("Content-Encoding: gzip")
            head += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
            answer = "\r\n".join(head).encode() + body
            server.sent[path] = len(answer)
            self.close_connection = True
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        server.address = f"http://127.0.0.1:{running.server_port}{server.prefix}"
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def server(built: Built) -> Iterator[Server]:
    """The built site, served."""
    with serving(built.site, built.knowledge.config.site_url) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a worker; without one the tests fail."""
    executable = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def watched(context: BrowserContext, server: Server, *, missing: bool = False) -> Iterator[Page]:
    """A page whose console errors, script errors, dialogs, lost files and requests to other hosts fail the test."""
    faults: list[str] = []
    page = context.new_page()
    page.set_default_timeout(MOST_MILLISECONDS)
    host = urlsplit(server.address).netloc
    page.on("console", lambda said: faults.append(f"console: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))

    def on_dialog(dialog: Dialog) -> None:
        faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", on_dialog)
    page.on(
        "request",
        lambda asked: (
            None
            if urlsplit(asked.url).netloc == host or asked.url.startswith(("data:", "blob:"))
            else faults.append(f"asked another host: {asked.url}")
        ),
    )
    page.on(
        "response",
        lambda answer: None if answer.status < 400 or missing else faults.append(f"{answer.status}: {answer.url}"),
    )
    yield page
    page.close()
    assert not faults, faults


@pytest.fixture
def open_page(chromium: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Opens a page of the site: ``open_page("papers/", color_scheme="dark")``."""
    with open_pages(chromium, server) as open_one:
        yield open_one


@contextmanager
def open_pages(chromium: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """A way to open watched pages, each in a context of its own; all are closed, and judged, in the end."""
    with ExitStack() as stack:

        def open_one(where: str, **options: Any) -> Page:
            context = chromium.new_context(**options)
            stack.callback(context.close)
            page = stack.enter_context(watched(context, server))
            page.goto(server.address + where)
            return page

        yield open_one
