"""The arXiv API, asked slowly, with every answer checked. Only this module and check_links use the network.

The ``arxiv`` package builds the query and reads the entries. What it lacks (4.0.2 sets no timeout,
ignores Retry-After, accepts a truncated feed) is added by the session that it is given:

* one request at a time, ``GAP_SECONDS`` or more after the end of the last one, whether it succeeded or not;
* an answer counts only if it is a complete, well-formed feed of bounded size from the host that was asked;
* the papers of an answer are recognized by their ids, never by their order or by the total that the feed claims.
"""

from __future__ import annotations

import io
import itertools
import logging
import random
import re
import time
import unicodedata
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, ClassVar, TypeVar

import arxiv
import requests
import urllib3

from generator import __version__
from generator.arxiv.withdrawn import said_withdrawn
from generator.entries.model import ARXIV_NEW, ARXIV_OLD, ArxivRecord
from generator.entries.problem import Code
from generator.escape import collapse

ENDPOINT = "https://export.arxiv.org/api/query"
BATCH = 50
"""Ids in one request; arXiv answers 414 to about 600."""
PAGE = 100
"""Results of a search in one request."""
MOST_RESULTS = 2000
"""Results of one search that are read; arXiv sorts them, the newest first."""
TRIES = 5
GAP_SECONDS = 3.1
"""The terms of use ask for 3; a little more, so that a packet that is late does not break them."""
TIMEOUT = (5.0, 30.0)
"""Seconds to connect, and to wait for more of an answer."""
ANSWER_SECONDS = 120.0
"""Seconds for a whole answer, which could otherwise arrive byte by byte for ever."""
LONGEST_WAIT = 600.0
"""When arXiv asks for more than this, the run stops instead."""
MAX_BYTES = 20 * 1024 * 1024
MAX_DEPTH = 8

CODES = (
    Code(
        "E601",
        "arXiv answers with a complete Atom feed, and every entry has a title and authors.",
        wrong="a truncated feed, an HTML page or «Rate exceeded.» with status 200",
        right="try again later; nothing was changed",
    ),
    Code(
        "E602",
        "arXiv returns exactly the papers that were requested.",
        wrong="two ids requested, one returned",
        right="check the missing id; the other record is stored",
    ),
    Code(
        "E603",
        "arXiv accepts every id, and answers with papers, not with an error.",
        wrong="an id that arXiv calls malformed",
        right="correct the id; the other papers are fetched without it",
    ),
    Code(
        "E608",
        f"arXiv answers within {TRIES} tries.",
        wrong="no answer after five tries",
        right="run the same command later; it continues where it stopped",
    ),
)

_ATOM = "{http://www.w3.org/2005/Atom}"
_TOTAL = "{http://a9.com/-/spec/opensearch/1.1/}totalResults"
_ENDPOINT = re.compile(r"(https://[\w.-]+|http://(127\.0\.0\.1|localhost))(:\d+)?(/[\w./-]*)?", re.ASCII)
_ABSTRACT = re.compile(r"https?://(export\.)?arxiv\.org/abs/(?P<id>\S+?)(v(?P<version>[1-9]\d{0,3}))?", re.ASCII)
_FEED_TYPES = {"application/atom+xml", "application/xml", "text/xml"}
_BAD_ID = "incorrect_id_format_for_"

# The library warns about single entries, in words of the answer; unconfigured, logging would print that.
logging.getLogger("arxiv").addHandler(logging.NullHandler())


class FetchError(Exception):
    """A failure of a request to arXiv; ``value`` is what failed, ``fix`` what to do about it."""

    code: ClassVar[str]
    fix: ClassVar[str]

    def __init__(self, what: str, value: str, *, again: bool = True, after: float = 0.0) -> None:
        super().__init__(f"{what}: {_short(value)}" if value else what)
        self.value = value
        self.again = again
        """Whether asking once more may help."""
        self.after = after
        """Seconds that arXiv asks us to wait before that."""


class BadAnswerError(FetchError):
    """Something came that is not a complete feed, or an entry that is not a complete paper."""

    code = "E601"
    fix = "run the same command later; the stored records are unchanged"


class MissingIdError(FetchError):
    """A paper was asked for and is not in the answer."""

    code = "E602"
    fix = "check whether https://arxiv.org/abs/ has it, and correct the id in the entry"


class UnexpectedIdError(FetchError):
    """A paper is in the answer that was not asked for, or more than once."""

    code = "E602"
    fix = "run the same command later; nothing of this answer was stored"


class RefusedIdError(FetchError):
    """The id is invalid, by our rules or by arXiv's."""

    code = "E603"
    fix = "correct the id in the entry: 2305.10924, or hep-th/9901001 for papers before April 2007; no version"


class NoAnswerError(FetchError):
    """No answer: the network, a server error, or a request to slow down."""

    code = "E608"
    fix = "run the same command later, from one machine only; it continues where it stopped"


@dataclass(frozen=True, slots=True)
class Batch:
    """The outcome of one request."""

    asked: tuple[str, ...]
    """The ids, each in exactly one of ``records`` and ``faults``."""
    records: tuple[ArxivRecord, ...]
    """The papers that arrived complete."""
    faults: tuple[FetchError, ...]
    """What is wrong with single ids; the rest of the batch is good."""


@dataclass(frozen=True, slots=True)
class Found:
    """A result of a search."""

    record: ArxivRecord
    abstract: str
    """On one line; it is read, and never stored."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search."""

    start: int
    """Results before this page."""
    total: int
    """Results that the search has according to arXiv, whether they are read or not."""
    results: tuple[Found, ...]
    """Those that arrived complete, the newest first."""
    faults: tuple[FetchError, ...]
    """What is wrong with single results."""


_T = TypeVar("_T")


class Arxiv:
    """The API, for one run. Use a single one at a time: it is what keeps the distance between requests."""

    def __init__(
        self,
        contact: str,
        *,
        endpoint: str = ENDPOINT,
        on_wait: Callable[[str, float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        timeout: tuple[float, float] = TIMEOUT,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Prepare, without asking anything yet.

        Args:
            contact: address by which arXiv can identify us, for the User-Agent.
            endpoint: where the API is; plain http only on this machine.
            on_wait: called with the reason for a pause and its length in seconds.
            clock: seconds of any origin, to measure how long an answer takes.
            sleep: waits for that many seconds.
            timeout: seconds to connect, and between two pieces of an answer.
            answer_seconds: seconds for a whole answer.

        Raises:
            ValueError: ``endpoint`` is not a plain https address.
        """
        if not _ENDPOINT.fullmatch(endpoint):
            raise ValueError(
                f"endpoint {endpoint!r} is not a plain https address: no ? or #, and http on localhost only"
            )
        self._on_wait = on_wait
        agent = f"awesome-diffusion-pruning/{__version__} (+{contact})"
        self._session = _Session(agent, clock, sleep, timeout, answer_seconds)
        # Tries and distances are ours: the library repeats without a distance, and only some failures.
        self._client = arxiv.Client(page_size=BATCH, delay_seconds=0, num_retries=0)
        self._client.query_url_format = f"{endpoint}?{{}}"
        self._client._session = self._session

    def fetch(self, ids: Sequence[str], today: date) -> Iterator[Batch]:
        """Ask for papers, a batch at a time; what has been yielded remains valid whatever happens later.

        Args:
            ids: arXiv ids without version; doubles are asked for once.
            today: the records' ``fetched_at``.

        Raises:
            BadAnswerError: no try brought an answer that can be trusted.
            RefusedIdError: arXiv answers with an error that names none of the ids.
            NoAnswerError: no try brought an answer, or arXiv asks for a long pause.
        """
        distinct = tuple(dict.fromkeys(ids))
        for start in range(0, len(distinct), BATCH):
            yield self._batch(distinct[start : start + BATCH], today)

    def search(self, query: str, today: date, *, most: int = MOST_RESULTS) -> Iterator[Page]:
        """Ask for the papers that a query finds, a page at a time, the newest first.

        Args:
            query: in arXiv's language, such as ``ti:pruning AND cat:cs.LG``.
            today: the records' ``fetched_at``.
            most: results to read.

        Raises:
            BadAnswerError: no try brought a page that can be trusted.
            RefusedIdError: arXiv answers with an error, such as a query that it does not understand.
            NoAnswerError: no try brought an answer, or arXiv asks for a long pause.
        """
        start = 0
        while True:
            page = self._patiently(partial(self._page, query, start, today))
            yield page
            read = len(page.results) + len(page.faults)
            start += read
            if read == 0 or start >= min(page.total, most):
                return

    def _page(self, query: str, start: int, today: date, first: bool) -> Page:
        search = arxiv.Search(
            query=query,
            max_results=None,
            sort_by=arxiv.SortCriterion.SubmittedDate,
            sort_order=arxiv.SortOrder.Descending,
        )
        results, page = self._read(search, start)
        if page.errors:
            raise RefusedIdError("arXiv answers with an error", "; ".join(page.errors), again=False)
        # An empty first page is how arXiv answers where there is nothing, and how it sometimes fails.
        if not page.entries and (first or start or page.total):
            raise BadAnswerError("arXiv's answer contains no paper", f"{start} of {page.total} results read")
        found: list[Found] = []
        faults: list[FetchError] = []
        for result in results:
            match = _ABSTRACT.fullmatch(result.entry_id.strip())
            arxiv_id = _canonical(match["id"]) if match else ""
            if not (ARXIV_NEW.fullmatch(arxiv_id) or ARXIV_OLD.fullmatch(arxiv_id)):
                faults.append(UnexpectedIdError("arXiv returned something that is no paper", result.entry_id))
                continue
            try:
                found.append(Found(_record(arxiv_id, result, today), _clean(result.summary)))
            except FetchError as fault:
                faults.append(fault)
        faults.extend(BadAnswerError("arXiv's entry cannot be read", "") for _ in range(page.entries - len(results)))
        return Page(start, page.total, tuple(found), tuple(faults))

    def _batch(self, ids: tuple[str, ...], today: date) -> Batch:
        wanted = {_canonical(i): i for i in ids if ARXIV_NEW.fullmatch(i) or ARXIV_OLD.fullmatch(i)}
        faults: list[FetchError] = [
            RefusedIdError("not an arXiv id, or the second name of one", i) for i in ids if i not in wanted.values()
        ]
        results: list[Any] = []
        while wanted and not results:
            results, refused = self._ask(wanted)
            faults.extend(RefusedIdError("arXiv refuses the id", wanted.pop(key)) for key in refused)
            # One malformed id makes arXiv refuse the whole list: go on without it. Each round asks for fewer.
            if not refused:
                break
        answers: dict[str, list[Any]] = {}
        for result in results:
            match = _ABSTRACT.fullmatch(result.entry_id.strip())
            key = _canonical(match["id"]) if match else ""
            if key in wanted:
                answers.setdefault(key, []).append(result)
            else:
                faults.append(
                    UnexpectedIdError("arXiv returned a paper that was not requested", key or result.entry_id)
                )
        records = []
        for key, same in answers.items():
            asked = wanted.pop(key)
            try:
                if len(same) > 1:
                    raise UnexpectedIdError("arXiv returned a paper more than once", asked)
                records.append(_record(asked, same[0], today))
            except FetchError as fault:
                faults.append(fault)
        faults.extend(MissingIdError("arXiv returned no complete entry", i) for i in wanted.values())
        return Batch(ids, tuple(records), tuple(faults))

    def _ask(self, wanted: Mapping[str, str]) -> tuple[list[Any], list[str]]:
        """Results of the first trustworthy answer, and which of the wanted ids it calls malformed."""
        return self._patiently(partial(self._ask_once, wanted))

    def _patiently(self, ask: Callable[[bool], _T]) -> _T:
        """The first trustworthy answer; ``ask`` takes whether it is the first try."""
        for attempt in itertools.count(1):
            try:
                return ask(attempt == 1)
            except FetchError as error:
                if not error.again or attempt == TRIES or error.after > LONGEST_WAIT:
                    raise
                backoff = GAP_SECONDS * 2 ** (attempt - 1)
                pause = max(error.after, backoff) + random.uniform(0, 1)  # noqa: S311  spreads tries, hides nothing
                self._session.pause = pause
                if self._on_wait is not None:
                    self._on_wait(str(error), pause)
        raise AssertionError("count never ends")

    def _ask_once(self, wanted: Mapping[str, str], first: bool) -> tuple[list[Any], list[str]]:
        # No limit of its own, so that entries beyond the number asked for are seen too.
        results, page = self._read(arxiv.Search(id_list=list(wanted.values()), max_results=None))
        refused = [key for key in dict.fromkeys(map(_refused_id, page.errors)) if key is not None and key in wanted]
        if page.entries or refused:
            return results, refused
        if page.errors:
            raise RefusedIdError("arXiv answers with an error", "; ".join(page.errors), again=False)
        # This is how arXiv answers for a single id that does not exist, and also how it sometimes fails.
        if first or len(wanted) > 1:
            raise BadAnswerError("arXiv's answer contains no paper", "")
        return [], []

    def _read(self, search: arxiv.Search, start: int | None = None) -> tuple[list[Any], _Page]:
        """What one request brings: the results of one page, from ``start`` of a search or for ids."""
        self._session.page = None
        self._client.page_size = BATCH if start is None else PAGE
        results = []
        try:
            for result in self._client.results(search, offset=start or 0):
                results.append(result)  # noqa: PERF402  what came before the end of the page must be kept
        except _EndOfPage:
            pass
        except (ValueError, OverflowError) as error:
            raise BadAnswerError("arXiv's answer contains an invalid date", str(error)) from error
        page = self._session.page
        if page is None:
            raise AssertionError("the library answers without asking")
        return results, page


class _EndOfPage(Exception):  # not an error: how the library is kept from asking for more
    """The library wants a second page, because the feed claims a larger total. We ask for each page by itself."""


@dataclass(frozen=True, slots=True)
class _Page:
    entries: int
    errors: tuple[str, ...]
    total: int
    """Results that the search has, as the feed claims; 0 where it says nothing."""


class _Session(requests.Session):
    """Asks for one page at a time, at a distance; passes on only a feed that has been parsed strictly."""

    def __init__(
        self,
        agent: str,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        timeout: tuple[float, float],
        answer_seconds: float,
    ) -> None:
        super().__init__()
        self._agent = agent
        self._clock = clock
        self._sleep = sleep
        self._timeout = timeout
        self._answer_seconds = answer_seconds
        self.page: _Page | None = None
        """What the last answer contained; None before it."""
        self.pause = GAP_SECONDS
        """Seconds before the next request."""

    def get(self, url: str | bytes, **_kwargs: Any) -> requests.Response:
        """The library's only way to the network; its own headers are replaced by ours.

        Raises:
            BadAnswerError: the answer is not a complete feed.
            NoAnswerError: there is no answer, or arXiv is too busy.
        """
        if self.page is not None:
            raise _EndOfPage
        # Before every request, the first one too: another run may have ended just now. The whole distance
        # from the end of the last one, without asking a clock how much of it has passed: clocks can be set.
        self._sleep(max(self.pause, GAP_SECONDS))
        self.pause = GAP_SECONDS
        try:
            with super().get(
                url,
                headers={"User-Agent": self._agent, "Accept-Encoding": "gzip"},
                timeout=self._timeout,
                stream=True,
                allow_redirects=False,
            ) as response:
                _check_status(response)
                root = _feed(response, self._body(response))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise NoAnswerError("arXiv cannot be reached", f"{type(error).__name__}: {error}") from error
        entries = root.findall(f"{_ATOM}entry")
        errors = [entry for entry in entries if "/api/errors" in (entry.findtext(f"{_ATOM}id") or "")]
        for entry in errors:
            root.remove(entry)
        self.page = _Page(len(entries) - len(errors), tuple(map(_error_text, errors)), _total(root))
        # Written anew, so that what the lenient parser of the library reads is what the strict one has read.
        checked = requests.Response()
        checked.status_code = requests.codes.ok
        checked.raw = io.BytesIO(ET.tostring(root, encoding="utf-8", xml_declaration=True))
        return checked

    def _body(self, response: requests.Response) -> bytes:
        """The whole answer, unpacked by ourselves: a small packed one can be a very large one."""
        deadline = self._clock() + self._answer_seconds
        packing = response.headers.get("Content-Encoding", "").lower()
        unpack = zlib.decompressobj(wbits=47) if packing == "gzip" else None
        body = bytearray()
        packed = 0
        # read1 returns what has arrived; read would wait for a slow answer without checking the deadline.
        while chunk := response.raw.read1(64 * 1024, decode_content=False):
            packed += len(chunk)
            try:
                body += unpack.decompress(chunk, MAX_BYTES + 1 - len(body)) if unpack else chunk
            except zlib.error as error:
                raise BadAnswerError("arXiv's answer cannot be unpacked", str(error)) from error
            if max(len(body), packed) > MAX_BYTES:
                raise BadAnswerError("arXiv's answer is too large", f"over {MAX_BYTES // 2**20} MiB")
            if self._clock() > deadline:
                raise NoAnswerError("arXiv's answer takes too long", f"over {self._answer_seconds:g} s")
        return bytes(body)


def _check_status(response: requests.Response) -> None:
    """Pass 200, and 400, whose feed names the fault."""
    status = response.status_code
    if status in (requests.codes.ok, requests.codes.bad_request):
        return
    reason = f"{status} {response.reason}"
    if status >= 500 or status in (requests.codes.too_many_requests, requests.codes.request_timeout):
        after = _retry_after(response)
        raise NoAnswerError("arXiv is busy", f"{reason}, asks for {after:g} s" if after else reason, after=after)
    if 300 <= status < 400:
        target = response.headers.get("Location", reason)
        raise BadAnswerError("arXiv's answer is a redirect", target, again=False)
    raise BadAnswerError("arXiv refuses the request", reason, again=False)


def _retry_after(response: requests.Response) -> float:
    """Seconds of the Retry-After header, which may hold a date; 0 if it cannot be used."""
    header = response.headers.get("Retry-After", "").strip()
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        # Both by the clock of the server, so that ours may be wrong.
        until, now = (parsedate_to_datetime(text) for text in (header, response.headers.get("Date", "")))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def _feed(response: requests.Response, body: bytes) -> ET.Element:
    """The feed, read strictly. The library would continue after a fault and leave out what it cannot read.

    Raises:
        BadAnswerError: it is something else, truncated, not well-formed, or carries declarations of its own.
    """
    again = response.status_code == requests.codes.ok
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    beginning = body[:200].decode("utf-8", "replace")
    if kind not in _FEED_TYPES:
        raise BadAnswerError(f"arXiv's answer is not a feed but of type {_short(kind)}", beginning, again=again)
    if not body.rstrip().endswith(b"</feed>"):
        raise BadAnswerError("arXiv's answer is truncated or not a feed", beginning, again=again)
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise BadAnswerError("arXiv's answer declares entities", beginning, again=again)
    try:
        # Decoded first, so that no other encoding can hide a declaration.
        reader = ET.iterparse(io.StringIO(body.decode("utf-8")), events=("start", "end"))  # noqa: S314  see above
        depth = 0
        for event, element in reader:
            depth += 1 if event == "start" else -1
            if depth > MAX_DEPTH:
                raise BadAnswerError("arXiv's answer is nested too deeply", element.tag, again=again)
    except (ET.ParseError, ValueError) as error:
        raise BadAnswerError("arXiv's answer is not well-formed", str(error), again=again) from error
    root: ET.Element = reader.root  # type: ignore[attr-defined]  # documented, missing in the stubs
    if root.tag != f"{_ATOM}feed":
        raise BadAnswerError("arXiv's answer is not a feed", root.tag, again=again)
    return root


def _total(root: ET.Element) -> int:
    text = (root.findtext(_TOTAL) or "").strip()
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0


def _error_text(entry: ET.Element) -> str:
    """An error entry in one line: the end of its id, which names the malformed id, or its summary."""
    name = (entry.findtext(f"{_ATOM}id") or "").partition("#")[2]
    return name if name.startswith(_BAD_ID) else _clean(entry.findtext(f"{_ATOM}summary") or name)


def _refused_id(error: str) -> str | None:
    return _canonical(error.removeprefix(_BAD_ID)) if error.startswith(_BAD_ID) else None


def _canonical(arxiv_id: str) -> str:
    """One name a paper: ``math.GT/0309136`` comes back as ``math/0309136``, and any id with a version."""
    return re.sub(r"(v\d+)$|\.[A-Z]{2}(?=/)", "", arxiv_id)


def _record(arxiv_id: str, result: Any, today: date) -> ArxivRecord:
    """The library's result as our record.

    Raises:
        BadAnswerError: the entry has no title or no authors.
    """
    match = _ABSTRACT.fullmatch(result.entry_id.strip())
    authors = tuple(name for name in (_clean(author.name) for author in result.authors) if name)
    title, comment = _clean(result.title), _clean(result.comment)
    if not title or not authors:
        raise BadAnswerError("arXiv's entry has no title or no authors", arxiv_id)
    return ArxivRecord(
        id=arxiv_id,
        version=int(match["version"]) if match and match["version"] else None,
        title=title,
        authors=authors,
        published=result.published.date().isoformat(),
        updated=result.updated.date().isoformat(),
        primary_category=_clean(result.primary_category) or None,
        categories=tuple(dict.fromkeys(filter(None, map(_clean, result.categories)))),
        doi=_clean(result.doi) or None,
        journal_ref=_clean(result.journal_ref) or None,
        comment=comment or None,
        withdrawn=said_withdrawn(title, comment, _clean(result.summary)),
        source="arxiv-api",
        fetched_at=today.isoformat(),
    )


def _clean(text: str | None) -> str:
    """One line of NFC text, without control, direction and other invisible characters."""
    line = collapse(unicodedata.normalize("NFC", text or ""))
    return collapse("".join(c for c in line if c == " " or unicodedata.category(c)[0] != "C"))


def _short(text: str) -> str:
    return repr(text if len(text) <= 120 else f"{text[:120]}…")
