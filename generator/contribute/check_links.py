"""Checks whether the pages that the catalogue links to still exist, without trusting them.

Every address was written by a contributor and every answer by a stranger. So a name is resolved once, each of
its addresses must be public, and the connection is made to exactly one of those. `requests` cannot be held to an
address that it did not look up itself, which is why this module uses `socket`, `ssl` and
`http.client`. It has no proxies, netrc or cookies. Of an answer only the status and the `Location`
are used; the body is not read.

A page is *gone* only when it was missing twice, a week apart. A bot wall, a full server or a broken
certificate does not show that the page is gone: that is *unsure*, and never an error.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import ipaddress
import json
import re
import socket
import ssl
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urljoin, urlsplit, urlunsplit

from generator import escape
from generator.checks.urls import CODE_HOSTS, normal, on_host
from generator.write import write_file

Verdict = Literal["ok", "gone", "unsure"]
Resolve = Callable[[str], Sequence[str]]
"""Host name -> its addresses. Raises OSError, in particular ``socket.gaierror``."""
Connect = Callable[[str, str], socket.socket]
"""Address to connect to, host name for TLS -> a connected socket. Raises OSError."""

AGENT = "awesome-diffusion-pruning-links/0.1"
HTTPS_PORT = 443
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 10.0
LINK_TIMEOUT = 60.0  # one link in all, so that no slow host can block the run
MAX_BYTES = 64 * 1024
MAX_REDIRECTS = 5
MAX_ADDRESSES = 3
HOST_GAP = 2.0
GONE_AFTER = timedelta(days=7)
MAX_BODY = 50_000  # characters of a report; an issue holds 65,536
MAX_STATE = 4 * 1024 * 1024

_MISSING = (404, 410)
_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all IPv6 space that is given out for the public Internet


@dataclass(frozen=True, order=True, slots=True)
class Link:
    """One address and its place."""

    url: str
    """The address as written."""
    path: str
    """File, relative to the repository."""
    line: int
    """Line, from 1."""


@dataclass(frozen=True, slots=True)
class State:
    """What a run passes to the next one."""

    first_seen_gone: Mapping[str, datetime] = field(default_factory=dict)
    """Address -> when it was first found missing, for those that were not found again since."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one address."""

    url: str
    """The address as written."""
    places: tuple[Link, ...]
    """Its places, sorted."""
    verdict: Verdict
    """ok, gone, or unsure."""
    reason: str
    """Why, in our words: no text of the server is in it, but perhaps an address that it named."""
    since: datetime | None = None
    """When it was first found missing."""
    moved_to: str | None = None
    """New address of a repository that its host redirects permanently; a stranger may register the old one."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run."""

    findings: tuple[Finding, ...]
    """All addresses, sorted by place."""
    state: State
    """For the next run."""

    def gone(self) -> tuple[Finding, ...]:
        """Pages that no longer exist."""
        return tuple(finding for finding in self.findings if finding.verdict == "gone")

    def moved(self) -> tuple[Finding, ...]:
        """Repositories with a new address."""
        return tuple(finding for finding in self.findings if finding.moved_to is not None)

    def unsure(self) -> tuple[Finding, ...]:
        """Pages whose state this run could not determine."""
        return tuple(finding for finding in self.findings if finding.verdict == "unsure")

    def markdown(self) -> str:
        """The body of the issue: the counts on the first line, then lists, the most important first.

        Text of others is put into code spans, so that nothing links, mentions or formats. Readable as plain
        text too. About ``MAX_BODY`` characters at most.
        """
        gone, moved, unsure = self.gone(), self.moved(), self.unsure()
        total = len(self.findings)
        lines = [f"{len(gone)} gone, {len(moved)} moved, {len(unsure)} unsure of {total} addresses."]
        lines += _section("Gone", "Missing twice, at least a week apart. Correct the entry.", gone)
        lines += _section("Moved", "The host redirects permanently. Write the new address.", moved)
        lines += _section("Unsure", "Bot walls, full servers, pages missing for the first time.", unsure)
        kept = list(_up_to(lines, MAX_BODY))
        if len(kept) < len(lines):
            kept.append(f"... and {len(lines) - len(kept)} more lines")
        return "\n".join(kept) + "\n"


def check_links(
    links: Sequence[Link],
    state: State,
    *,
    resolve: Resolve | None = None,
    connect: Connect | None = None,
    now: Callable[[], datetime] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    contact: str | None = None,
) -> Report:
    """Visit every address once and judge it. Nothing that a link or its host does raises an error.

    Args:
        links: What to visit; the same address at several places is visited once.
        state: What the former run found missing.
        resolve: Replaces ``resolve_host``.
        connect: Replaces ``connect_tls``.
        now: Wall clock with a time zone, for the week between two sightings.
        sleep: Waits between two requests to one host.
        clock: Monotonic seconds, for waits and time limits.
        contact: An https address at which a site owner can identify us.

    Raises:
        ValueError: ``contact`` is not a plain https address.
    """
    places: defaultdict[str, set[Link]] = defaultdict(set)
    for link in links:
        places[link.url].add(link)
    agent = f"{AGENT} (+{escape.url(contact)})" if contact else AGENT
    visitor = _Visitor(resolve or resolve_host, connect or connect_tls, clock, _Pacer(clock, sleep), agent)
    findings = []
    missing: dict[str, datetime] = {}
    for url in _hosts_in_turn(places):
        answer = visitor.visit(url)
        today = now() if now else datetime.now(UTC)
        first = state.first_seen_gone.get(url)
        if answer.kind == "missing":
            first = min(first or today, today)
        if first is not None and answer.kind != "ok":
            missing[url] = first
        findings.append(_judge(url, tuple(sorted(places[url])), answer, first, today))
    findings.sort(key=lambda finding: (finding.places[0].path, finding.places[0].line, finding.url))
    return Report(tuple(findings), State(missing))


def is_public(address: str) -> bool:
    """Whether an address, and every IPv4 address packed into it, belongs to the public Internet."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return all(
        part.is_global and not part.is_multicast and (part.version == 4 or part in _UNICAST) for part in _unwrapped(ip)
    )


def resolve_host(host: str) -> tuple[str, ...]:
    """Every address of a host.

    The final dot keeps out the search list of the machine, and keeps ``127.1`` from being read as an address.

    Raises:
        OSError: the name has no address, or nobody answered.
        UnicodeError: the name is not valid in the DNS.
    """
    places = socket.getaddrinfo(f"{host}.", HTTPS_PORT, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(place[0]) for *_, place in places))


def connect_tls(
    address: str, host: str, *, port: int = HTTPS_PORT, context: ssl.SSLContext | None = None
) -> socket.socket:
    """A TLS connection to an address, whose certificate must be that of the host.

    Raises:
        OSError: nobody answers there, in time, with that certificate.
    """
    raw = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        raw.settimeout(CONNECT_TIMEOUT)
        raw.connect((address, port))
        raw.settimeout(READ_TIMEOUT)
        return (context or _tls()).wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise


def read_state(path: Path) -> State:
    """The state that a former run wrote.

    A missing or damaged file gives an empty state: pages are then reported as gone a week later.
    """
    try:
        with path.open("rb") as file:
            stored = json.loads(file.read(MAX_STATE))["first_seen_gone"]
        seen = {str(url): datetime.fromisoformat(when) for url, when in stored.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return State()
    return State({url: when for url, when in seen.items() if when.tzinfo is not None})


def write_state(path: Path, state: State) -> None:
    """Write the state so that a reader finds the former one or this one, whole.

    Raises:
        OSError: the folder cannot be written to, or the disk is full; the former file is then as it was.
    """
    stored = {url: when.isoformat() for url, when in sorted(state.first_seen_gone.items())}
    content = json.dumps({"first_seen_gone": stored}, indent=1, ensure_ascii=False) + "\n"
    write_file(path, content.encode())


@dataclass(frozen=True, slots=True)
class _Answer:
    """The outcome of one visit, before earlier runs are considered."""

    kind: Literal["ok", "missing", "unsure"]
    reason: str
    url: str = ""
    permanent: bool = False


class _RefusedError(Exception):
    """An address that is not visited."""


class _Pacer:
    """Keeps two requests to one host ``HOST_GAP`` seconds apart."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._next: dict[str, float] = {}

    def wait(self, host: str) -> None:
        pause = self._next.get(host, float("-inf")) - self._clock()
        if pause > 0:
            self._sleep(pause)
        self._next[host] = self._clock() + HOST_GAP


class _Bounded(io.RawIOBase):
    """The answer of a host, limited in bytes and time."""

    def __init__(self, source: socket.socket, clock: Callable[[], float], deadline: float) -> None:
        super().__init__()
        self._source = source
        self._clock = clock
        self._deadline = deadline
        self._left = MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        time_left = self._deadline - self._clock()
        if time_left <= 0:
            raise TimeoutError
        self._source.settimeout(min(READ_TIMEOUT, time_left))
        count = self._source.recv_into(memoryview(buffer)[: self._left]) if self._left else 0
        self._left -= count
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The one thing that ``HTTPResponse`` asks of a socket."""
        return io.BufferedReader(self)


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Visits one address after the other."""

    resolve: Resolve
    connect: Connect
    clock: Callable[[], float]
    pacer: _Pacer
    agent: str

    def visit(self, url: str) -> _Answer:
        """Follow the redirects of an address by hand, with every check at every step."""
        deadline = self.clock() + LINK_TIMEOUT
        permanent = True
        try:
            here = _plain(url)
            for _ in range(MAX_REDIRECTS + 1):
                status, location = self._get(here, deadline)
                if status in _REDIRECTS and location is not None:
                    permanent = permanent and status in _PERMANENT
                    here = _plain(location, base=here)
                    continue
                if status in _MISSING:
                    return _Answer("missing", f"answers {status}")
                kind: Literal["ok", "unsure"] = "ok" if 200 <= status < 300 else "unsure"
                return _Answer(kind, f"answers {status}", here, permanent)
        except _RefusedError as refusal:
            return _Answer("unsure", str(refusal))
        except socket.gaierror as error:
            if error.errno == socket.EAI_NONAME:
                return _Answer("missing", "the host name does not exist")
            return _Answer("unsure", "the host name cannot be resolved now")
        except ssl.SSLError:
            return _Answer("unsure", "TLS fails")
        except TimeoutError:
            return _Answer("unsure", "no answer in time")
        except OSError as error:
            return _Answer("unsure", f"no connection ({type(error).__name__})")
        except http.client.HTTPException:
            return _Answer("unsure", "the answer is not HTTP")
        except ValueError:
            return _Answer("unsure", "not an address")
        return _Answer("unsure", f"more than {MAX_REDIRECTS} redirects")

    def _get(self, url: str, deadline: float) -> tuple[int, str | None]:
        parts = urlsplit(url)
        host = parts.netloc
        self.pacer.wait(host)
        addresses = self._addresses(host)
        with contextlib.closing(self._connection(addresses, host, deadline)) as connection:
            connection.sendall(self._request(host, parts.path or "/", parts.query))
            bounded = _Bounded(connection, self.clock, deadline)
            with http.client.HTTPResponse(cast("socket.socket", bounded), method="GET") as response:
                response.begin()
                return response.status, _utf8(response.headers.get("Location"))

    def _request(self, host: str, path: str, query: str) -> bytes:
        lines = (
            f"GET {path}?{query} HTTP/1.1" if query else f"GET {path} HTTP/1.1",
            f"Host: {host}",
            f"User-Agent: {self.agent}",
            "Accept: text/html, */*;q=0.5",
            "Accept-Encoding: identity",
            "Connection: close",
        )
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")

    def _addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of a host, in one spelling, if every one of them is public."""
        resolved = self.resolve(host)
        for address in resolved:
            if not is_public(address):
                raise _RefusedError(f"{host} has the address {address}, which is not public")
        if not resolved:
            raise _RefusedError(f"{host} has no address")
        return tuple(dict.fromkeys(str(ipaddress.ip_address(address)) for address in resolved))

    def _connection(self, addresses: Sequence[str], host: str, deadline: float) -> socket.socket:
        """To the first address that answers: a machine without IPv6 still gets IPv6 addresses."""
        failure: OSError = TimeoutError()
        for address in addresses[:MAX_ADDRESSES]:
            if self.clock() >= deadline:
                raise TimeoutError
            try:
                return self.connect(address, host)
            except OSError as error:
                failure = error
        raise failure


def _judge(url: str, places: tuple[Link, ...], answer: _Answer, first: datetime | None, today: datetime) -> Finding:
    if answer.kind == "ok":
        return Finding(url, places, "ok", answer.reason, moved_to=_new_address(url, answer))
    if answer.kind == "missing" and first is not None and today - first >= GONE_AFTER:
        return Finding(url, places, "gone", answer.reason, first)
    return Finding(url, places, "unsure", answer.reason, first)


def _new_address(url: str, answer: _Answer) -> str | None:
    """The new address of a repository, if its own host redirects there permanently."""
    if not answer.permanent or normal(url) == normal(answer.url):
        return None
    old, new = urlsplit(url).hostname or "", urlsplit(answer.url).hostname or ""
    same = any(on_host(old, domain) and on_host(new, domain) for domain in CODE_HOSTS)
    return answer.url if same else None


def _utf8(header: str | None) -> str | None:
    """A header as its server meant it: it arrives as Latin-1, and bytes beyond ASCII are mostly UTF-8."""
    return header.encode("latin-1", "replace").decode("utf-8", "replace").strip() if header else None


def _plain(address: str, base: str = "") -> str:
    """An address that may be visited: https, host in small letters, no port, user name or fragment."""
    try:
        parts = urlsplit(urljoin(base, address))
        named = parts.hostname is not None and "@" not in parts.netloc and parts.port in (None, HTTPS_PORT)
        host = parts.hostname if named and parts.hostname else parts.netloc
        return escape.url(urlunsplit((parts.scheme, host, parts.path, parts.query, "")))
    except ValueError:
        raise _RefusedError(f"{address[:200]!r} is not a plain https address") from None


def _unwrapped(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The IPv4 addresses embedded in an IPv6 address, or the address itself."""
    if isinstance(ip, ipaddress.IPv4Address):
        yield ip
    elif ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
    elif ip.sixtofour is not None:
        yield ip.sixtofour
    elif ip.teredo is not None:
        yield from ip.teredo
    elif ip in _NAT64:
        yield ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    else:
        yield ip


def _hosts_in_turn(urls: Iterable[str]) -> Iterator[str]:
    """All addresses, alternating between hosts, so that the pauses of one host are used for the others."""
    queues: defaultdict[str, deque[str]] = defaultdict(deque)
    for url in sorted(urls):
        queues[url.split("/")[2].casefold() if url.count("/") >= 2 else ""].append(url)
    waiting = deque(queues.values())
    while waiting:
        queue = waiting.popleft()
        yield queue.popleft()
        if queue:
            waiting.append(queue)


def _section(title: str, advice: str, findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    return ["", f"## {title}", "", advice, "", *(_item(finding) for finding in findings)]


def _item(finding: Finding) -> str:
    target = f" -> {_code(finding.moved_to)}" if finding.moved_to else ""
    since = f", missing since {finding.since:%Y-%m-%d}" if finding.since else ""
    places = ", ".join(_code(f"{place.path}:{place.line}") for place in finding.places[:5])
    more = f" and {len(finding.places) - 5} more" if len(finding.places) > 5 else ""
    return f"- {_code(finding.url)}{target} {_code(finding.reason)}{since}: {places}{more}"


def _code(text: str) -> str:
    """Text as a Markdown code span, in which nothing is a link, a mention or markup."""
    shown = escape.terminal(escape.collapse(text))[:300]
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    return f"{fence} {shown} {fence}" if len(fence) > 1 else f"`{shown}`"


def _up_to(lines: Iterable[str], size: int) -> Iterator[str]:
    for line in lines:
        size -= len(line) + 1
        if size < 0:
            return
        yield line


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
