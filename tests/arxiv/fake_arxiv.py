"""A local arXiv that replays recorded feeds or any failure, and a clock whose sleep takes no time."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from generator.entries.model import ARXIV_NEW, ARXIV_OLD

FEEDS = Path(__file__).parent / "feeds"
CONTACT = "https://example.org/catalogue"
TODAY = date(2026, 11, 22)
ENTRY = re.compile(r"<entry\b.*?</entry>", re.DOTALL)
EMPTY = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" \
xmlns="http://www.w3.org/2005/Atom">
  <opensearch:totalResults>{total}</opensearch:totalResults>
{entries}</feed>
"""


def recorded(name: str) -> bytes:
    """Body of a recorded answer."""
    if name.endswith(".json"):
        body: str = json.loads((FEEDS / name).read_bytes())["body"]
        return body.encode("latin-1")
    return (FEEDS / name).read_bytes()


def papers() -> dict[str, str]:
    """Every recorded entry by id, each in its own layout."""
    found = {}
    for file in [*sorted(FEEDS.glob("[amx]*.*")), FEEDS / "synthetic-withdrawn.xml"]:
        for entry in ENTRY.findall(recorded(file.name).decode()):
            match = re.search(r"arxiv\.org/abs/(\S+?)(v\d+)?</id>", entry)
            if match:
                found[match[1]] = entry
    return found


def feed(*entries: str, total: int | None = None) -> bytes:
    """A feed of these entries."""
    return EMPTY.format(entries="\n".join(entries), total=len(entries) if total is None else total).encode()


def entry(arxiv_id: str, version: int = 1, title: str = "Some Title", **more: str) -> str:
    """A made-up entry in the layout since 2026."""
    extra = "".join(f"<arxiv:{key}>{value}</arxiv:{key}>" for key, value in more.items() if key != "summary")
    return (
        f"<entry><id>http://arxiv.org/abs/{arxiv_id}v{version}</id><title>{title}</title>"
        f"<updated>2024-0{version}-01T00:00:00Z</updated><summary>{more.get('summary', '')}</summary>"
        f'<category term="cs.LG"/><published>2024-01-01T00:00:00Z</published>{extra}'
        '<arxiv:primary_category term="cs.LG"/><author><name>Ada Example</name></author></entry>'
    )


@dataclass
class Reply:
    """One answer of the fake server."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/atom+xml; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    send: Callable[[BaseHTTPRequestHandler], None] | None = None
    """Takes over after the headers; the length is then not announced."""


@dataclass
class Asked:
    """One request that came in."""

    at: float
    ids: list[str]
    headers: dict[str, str]
    search: str = ""
    """The query of a search."""
    start: int = 0


class Clock:
    """A clock that stands still but for what is slept; what it shows may jump."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.jump = 0.0

    def true(self) -> float:
        return sum(self.slept)

    def __call__(self) -> float:
        return self.true() + self.jump

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)


class Server(ThreadingHTTPServer):
    """Says what it is told to say, then answers like arXiv from the recorded entries."""

    daemon_threads = True

    def __init__(self, clock: Clock) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.clock = clock
        self.script: deque[Reply] = deque()
        self.asked: list[Asked] = []
        self.papers = papers()
        self.results: list[str] = []
        """Entries that every search finds, the newest first."""
        self.release = threading.Event()
        self.on_request: Callable[[], None] = lambda: None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/query"

    def say(self, *replies: Reply) -> None:
        self.script.extend(replies)

    def search(self, start: int, most: int) -> Reply:
        return Reply(feed(*self.results[start : start + most], total=len(self.results)))

    def like_arxiv(self, ids: list[str]) -> Reply:
        for i in ids:
            if not (ARXIV_NEW.fullmatch(i) or ARXIV_OLD.fullmatch(i)):
                body = recorded("ap-07-id-abc-http400-error.json").replace(b"abc", i.encode())
                return Reply(body, status=400)
        return Reply(feed(*(self.papers[i] for i in ids if i in self.papers)))

    def gaps(self) -> list[float]:
        """True seconds between the arrivals of the requests."""
        return [b.at - a.at for a, b in zip(self.asked, self.asked[1:], strict=False)]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date of every answer, by the clock of the server."""
        return "Sun, 22 Nov 2026 12:00:00 GMT"

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        ids = query.get("id_list", [""])[0].split(",")
        search, start = query.get("search_query", [""])[0], int(query.get("start", ["0"])[0])
        self.server.asked.append(Asked(self.server.clock.true(), ids, dict(self.headers), search, start))
        self.server.on_request()
        if self.server.script:
            reply = self.server.script.popleft()
        elif search:
            reply = self.server.search(start, int(query["max_results"][0]))
        else:
            reply = self.server.like_arxiv(ids)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        for key, value in reply.headers.items():
            self.send_header(key, value)
        if reply.send is None:
            if "Content-Length" not in reply.headers:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = "Content-Length" in reply.headers
        else:
            self.send_header("Connection", "close")
            self.end_headers()
            reply.send(self)
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the library's
        """Keep quiet."""
