"""A small Internet in one process: names, addresses and what answers, with a clock that only sleep moves."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from generator.contribute.check_links import Link, Report, State, check_links
from tests.work import ENDLESS

PUBLIC = "93.184.215.14"


def answer(status: int, headers: str = "", body: str = "") -> bytes:
    """An HTTP answer as bytes."""
    return f"HTTP/1.1 {status} X\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def redirect(status: int, location: str) -> bytes:
    return answer(status, f"Location: {location}\r\n")


@dataclass
class Web:
    names: dict[str, Sequence[str] | Exception] = field(default_factory=dict)
    """Host -> addresses, or what resolving it raises; other hosts have one public address."""
    pages: dict[str, bytes | Exception] = field(default_factory=dict)
    """``host/path`` -> answer, or what connecting raises; others answer 200."""
    endless: bool = False
    """Answers go on for ever."""
    silent: bool = False
    """Nobody answers."""
    day: datetime = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
    seconds: float = 1000.0
    connected: list[tuple[str, str]] = field(default_factory=list)
    visits: list[tuple[float, str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    sent: int = 0
    slept: list[float] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def resolve(self, host: str) -> Sequence[str]:
        found = self.names.get(host, (PUBLIC,))
        if isinstance(found, Exception):
            raise found
        return found

    def connect(self, address: str, host: str) -> socket.socket:
        self.connected.append((address, host))
        self.visits.append((self.seconds, host))
        failure = self.pages.get(address)
        if isinstance(failure, Exception):
            raise failure
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=self._serve, args=(theirs,))
        self.threads.append(thread)
        thread.start()
        return ours

    def _serve(self, theirs: socket.socket) -> None:
        with theirs, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request and (part := theirs.recv(4096)):
                request += part
            self.requests.append(request.decode())
            lines = request.decode().split("\r\n")
            page = f"{lines[1].removeprefix('Host: ')}{lines[0].split()[1]}"
            found = self.pages.get(page, answer(200))
            assert isinstance(found, bytes)
            if self.silent:
                theirs.recv(1)
                return
            theirs.sendall(found)
            self.sent += len(found)
            while self.endless:
                theirs.sendall(b"x" * 1024)
                self.sent += 1024

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def check(self, *urls: str, state: State | None = None) -> Report:
        links = [Link(url, "data/papers/2023/x.yaml", line) for line, url in enumerate(urls, start=1)]
        report = check_links(
            links,
            state or State(),
            resolve=self.resolve,
            connect=self.connect,
            now=lambda: self.day,
            sleep=self.sleep,
            clock=lambda: self.seconds,
        )
        for thread in self.threads:
            thread.join(ENDLESS)
        return report

    def later(self, **time: float) -> None:
        self.day += timedelta(**time)


@pytest.fixture
def web() -> Iterator[Web]:
    internet = Web()
    yield internet
    for thread in internet.threads:
        thread.join(ENDLESS)
        assert not thread.is_alive()
