"""Good answers, in both layouts, and every failure that arXiv or the way to it can show."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
import tracemalloc
import zlib
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from generator import __version__
from generator.arxiv.fetch import (
    Arxiv,
    BadAnswerError,
    Batch,
    FetchError,
    MissingIdError,
    NoAnswerError,
    RefusedIdError,
    UnexpectedIdError,
)
from tests.arxiv.fake_arxiv import CONTACT, ENTRY, TODAY, Clock, Reply, Server, entry, feed, papers, recorded
from tests.work import ENDLESS

ID = "2305.10924"
GOOD = feed(entry(ID))


def one(client: Arxiv, *ids: str) -> Batch:
    (batch,) = client.fetch(ids or (ID,), TODAY)
    return batch


def faults(batch: Batch) -> list[tuple[str, str]]:
    return [(fault.code, fault.value) for fault in batch.faults]


# Good answers


def test_layout_since_2026(client: Arxiv) -> None:
    (record,) = one(client, "2202.12139").records
    assert record.model_dump(exclude_defaults=True) == {
        "id": "2202.12139",
        "version": 1,
        "title": "Testing Deep Learning Models: A First Comparative Study of Multiple Testing Techniques",
        "authors": ("Mohit Kumar Ahuja", "Arnaud Gotlieb", "Helge Spieker"),
        "published": "2022-02-24",
        "updated": "2022-02-24",
        "primary_category": "cs.SE",
        "categories": ("cs.SE", "cs.LG"),
        "doi": "10.1109/ICSTW55395.2022.00035",
        "journal_ref": "Artificial Intelligence in Software Testing @ 2022 IEEE International Conference on "
        "Software Testing, Verification and Validation Workshops (ICSTW)",
        "comment": "Artificial Intelligence in Software Testing 2022 workshop @ ICST 2022",
        "source": "arxiv-api",
        "fetched_at": "2026-11-22",
    }


def test_layout_before_2026(server: Server, client: Arxiv) -> None:
    server.say(Reply(recorded("xiv-2025-search-2-entries.xml")))
    first, second = one(client, "2510.14827", "2510.14968").records
    # The feed holds them in the other order, says that there are 5619, and wraps its lines.
    assert (first.id, second.id) == ("2510.14968", "2510.14827")
    assert first.title.endswith("Demonstration Decomposer for Planner Alignment in Long-Horizon Tasks")
    assert first.comment is not None
    assert "(NeurIPS 2025); Project" in first.comment
    assert len(server.asked) == 1


def test_old_ids_and_an_id_without_version(client: Arxiv) -> None:
    batch = one(client, "astro-ph/0601001", "hep-ex/0307015")
    assert [(r.id, r.version) for r in batch.records] == [("astro-ph/0601001", 1), ("hep-ex/0307015", None)]


def test_subject_class_of_an_old_id_is_not_repeated_by_arxiv(server: Server, client: Arxiv) -> None:
    server.say(Reply(feed(entry("math/0309136"))))
    assert [r.id for r in one(client, "math.GT/0309136").records] == ["math.GT/0309136"]


def test_every_recorded_entry(client: Arxiv) -> None:
    batch = one(client, *papers())
    assert [r.id for r in batch.records] == list(papers())
    assert batch.faults == ()


def test_request_is_polite(server: Server, client: Arxiv) -> None:
    one(client)
    headers = server.asked[0].headers
    assert headers["User-Agent"] == f"awesome-diffusion-pruning/{__version__} (+{CONTACT})"


def test_batches(server: Server, client: Arxiv) -> None:
    ids = [f"2401.{number:05}" for number in range(120)]
    server.papers = {i: entry(i) for i in ids}
    batches = list(client.fetch([*ids, *ids], TODAY))
    assert [len(batch.records) for batch in batches] == [50, 50, 20]
    assert [len(asked.ids) for asked in server.asked] == [50, 50, 20]


def test_nothing_asked(server: Server, client: Arxiv) -> None:
    assert list(client.fetch([], TODAY)) == []
    assert server.asked == []


def test_packed_answer(server: Server, client: Arxiv) -> None:
    server.say(Reply(gzip.compress(GOOD), headers={"Content-Encoding": "gzip"}))
    assert [r.id for r in one(client).records] == [ID]


def test_large_answer(server: Server, client: Arxiv) -> None:
    ids = [f"2401.0000{number}" for number in range(5)]
    server.say(Reply(feed(*(entry(i, summary="x" * 2_000_000) for i in ids))))
    assert [r.id for r in one(client, *ids).records] == ids


def test_text_is_cleaned(server: Server, client: Arxiv) -> None:
    server.say(Reply(feed(entry(ID, title="  Pru\u200bning\n  \u202eo\u0308 &lt;b&gt;\u0085 x "))))
    assert one(client).records[0].title == "Pruning ö <b> x"


# Answers that are not a feed: refused at every try, then the run stops with E601


def declared(declaration: str, title: str = "&a;") -> bytes:
    prolog = b"<?xml version='1.0' encoding='UTF-8'?>"
    return GOOD.replace(prolog, prolog + declaration.encode()).replace(b"Some Title", title.encode())


BOMB = '<!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
NESTED = b"<feed xmlns='http://www.w3.org/2005/Atom'>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</feed>"
BAD_ANSWERS = {
    "cut in a title": (Reply(GOOD[: GOOD.index(b"Title")]), "truncated"),
    "cut after an entry": (Reply(GOOD[: GOOD.index(b"</feed>")]), "truncated"),
    "cut, with the end pasted on": (Reply(GOOD[: GOOD.index(b"Title")] + b"</feed>"), "well-formed"),
    "html": (Reply(b"<html>Maintenance</html>", kind="text/html"), "of type 'text/html': '<html>Maint"),
    "html that says it is atom": (Reply(b"<html>Maintenance</html>"), "truncated or not a feed"),
    "plain text": (Reply(b"Rate exceeded.", kind="text/plain"), "'Rate exceeded.'"),
    "plain text without a type": (Reply(b"Rate exceeded.", kind=""), "'Rate exceeded.'"),
    "empty body": (Reply(b""), "truncated or not a feed"),
    "no entries": (Reply(feed()), "no paper"),
    "no entries, but a total": (Reply(feed(total=2)), "no paper"),
    "another root": (Reply(b"<x><feed></feed></x>"), "truncated"),
    "another namespace": (Reply(b"<feed><entry/></feed>"), "not a feed: 'feed'"),
    "entity bomb": (Reply(declared(BOMB, "&b;")), "entities"),
    "external entity": (
        Reply(declared('<!DOCTYPE feed [<!ENTITY a SYSTEM "file:///etc/passwd">]>')),
        "entities",
    ),
    "undeclared entity": (Reply(declared("")), "well-formed"),
    "another encoding": (Reply(GOOD.decode().encode("utf-16")), "truncated"),
    "not UTF-8": (Reply(GOOD.replace(b"Title", b"\xff\xfe")), "well-formed"),
    "nested": (Reply(NESTED), "nested"),
    "a date that is none": (Reply(GOOD.replace(b"2024-01-01T", b"2024-13-01T")), "date"),
    "packing that is none": (Reply(GOOD, headers={"Content-Encoding": "gzip"}), "unpacked"),
    "packed and cut": (Reply(gzip.compress(GOOD)[:-60], headers={"Content-Encoding": "gzip"}), "truncated"),
    "packed as not agreed": (Reply(zlib.compress(GOOD), headers={"Content-Encoding": "deflate"}), "truncated"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_bad_answers_are_refused_at_every_try(name: str, server: Server, client: Arxiv) -> None:
    reply, message = BAD_ANSWERS[name]
    server.say(*[reply] * 5)
    with pytest.raises(BadAnswerError) as caught:
        one(client, ID, "2401.00001")
    assert caught.value.code == "E601"
    assert message in str(caught.value)
    assert len(server.asked) == 5


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_good_answer_after_bad_ones_counts(name: str, server: Server, client: Arxiv) -> None:
    reply, _ = BAD_ANSWERS[name]
    server.say(reply, reply, Reply(GOOD))
    if reply.body == feed() or name == "no entries, but a total":
        server.say(Reply(GOOD))  # A single id without entry is believed the second time.
        assert faults(one(client)) == [("E602", ID)]
    else:
        assert [r.id for r in one(client).records] == [ID]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("target", ["https://evil.example/feed", "http://127.0.0.1:1/", "/api/elsewhere"])
def test_redirects_are_refused_at_once(status: int, target: str, server: Server, client: Arxiv) -> None:
    server.say(Reply(GOOD, status=status, headers={"Location": target}))
    with pytest.raises(BadAnswerError, match="is a redirect") as caught:
        one(client)
    assert caught.value.value == target
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [403, 404, 414])
def test_refusals_are_final(status: int, server: Server, client: Arxiv) -> None:
    server.say(Reply(b"no", status=status))
    with pytest.raises(BadAnswerError, match=f"refuses the request: '{status} "):
        one(client)
    assert len(server.asked) == 1


def test_too_large(server: Server, client: Arxiv) -> None:
    def pour(handler: BaseHTTPRequestHandler) -> None:
        while True:  # Until the client hangs up.
            handler.wfile.write(b" " * 2**20)

    server.say(*[Reply(send=pour)] * 5)
    with pytest.raises(BadAnswerError, match="too large: 'over 20 MiB'"):
        one(client)


def test_packed_bomb_is_not_unpacked(server: Server, client: Arxiv) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(100)) + packer.flush()
    server.say(*[Reply(bomb, headers={"Content-Encoding": "gzip"})] * 5)
    tracemalloc.start()
    with pytest.raises(BadAnswerError, match="too large"):
        one(client)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 * 2**20


# No answer: E608


def test_server_error_twice_then_good(server: Server, client: Arxiv, clock: Clock) -> None:
    server.say(Reply(status=503, kind="text/html"), Reply(status=503, kind="text/html"))
    server.papers[ID] = entry(ID)
    assert [r.id for r in one(client).records] == [ID]
    first, second, third = clock.slept
    assert first >= 3.0
    assert 3.0 <= second < 5.0
    assert 6.0 <= third < 8.0


def test_gives_up_after_five_tries(server: Server, client: Arxiv, clock: Clock) -> None:
    server.say(*[Reply(b"Rate exceeded.", status=429, kind="text/plain")] * 9)
    with pytest.raises(NoAnswerError, match="busy: '429 Too Many Requests'") as caught:
        one(client)
    assert caught.value.code == "E608"
    assert len(server.asked) == 5
    assert [wait > 3 * 2**i for i, wait in enumerate(clock.slept[1:])] == [True] * 4


def test_retry_after_is_honoured(server: Server, client: Arxiv) -> None:
    server.papers[ID] = entry(ID)
    server.say(Reply(status=429, headers={"Retry-After": "70"}))
    one(client)
    assert server.gaps()[0] >= 70


def test_retry_after_as_a_date(server: Server, client: Arxiv) -> None:
    server.papers[ID] = entry(ID)

    server.say(Reply(status=503, headers={"Retry-After": "Sun, 22 Nov 2026 12:01:30 GMT"}))
    one(client)
    assert 90 <= server.gaps()[0] <= 91


@pytest.mark.parametrize("header", ["soon", "-5", "1.5", "Wed, 99 Foo 2026", "", "²"])
def test_retry_after_that_says_nothing(header: str, server: Server, client: Arxiv) -> None:
    server.papers[ID] = entry(ID)
    server.say(Reply(status=429, headers={"Retry-After": header.encode().decode("latin-1")}))
    one(client)
    assert 3.0 <= server.gaps()[0] < 6.0


@pytest.mark.parametrize("seconds", ["86400", "9" * 400])
def test_a_long_pause_stops_the_run(seconds: str, server: Server, client: Arxiv) -> None:
    server.say(Reply(status=429, headers={"Retry-After": seconds}))
    with pytest.raises(NoAnswerError, match="asks for"):
        one(client)
    assert len(server.asked) == 1


def hang(handler: BaseHTTPRequestHandler) -> None:
    server = handler.server
    assert isinstance(server, Server)
    server.release.wait()


def begin(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(GOOD[:1])
    hang(handler)


def break_off(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(GOOD[:100])
    handler.connection.shutdown(socket.SHUT_RDWR)


def test_an_answer_that_does_not_come(server: Server, clock: Clock) -> None:
    arrived = threading.Semaphore(0)
    server.on_request = arrived.release

    def sleep(seconds: float) -> None:
        if clock.slept:
            arrived.acquire()  # the server has noted the last request, however late it was
        clock.sleep(seconds)

    client = Arxiv(CONTACT, endpoint=server.endpoint, clock=clock, sleep=sleep, timeout=(ENDLESS, 0.05))
    server.say(*[Reply(send=hang)] * 5)
    with pytest.raises(NoAnswerError, match="timed out"):
        one(client)
    arrived.acquire()
    assert len(server.asked) == 5


def test_an_answer_that_takes_too_long(server: Server, clock: Clock) -> None:
    """The time is up after the first byte, by a clock on which each look takes a second."""
    client = Arxiv(
        CONTACT,
        endpoint=server.endpoint,
        clock=itertools.count().__next__,
        sleep=clock.sleep,
        timeout=(ENDLESS, ENDLESS),
        answer_seconds=0.3,
    )
    server.say(*[Reply(send=begin)] * 5)
    with pytest.raises(NoAnswerError, match=r"takes too long: 'over 0\.3 s'"):
        one(client)
    assert len(server.asked) == 5


def test_an_answer_that_breaks_off(server: Server, client: Arxiv) -> None:
    server.say(*[Reply(send=break_off)] * 5)
    with pytest.raises(BadAnswerError, match="truncated"):
        one(client)
    assert len(server.asked) == 5


def test_announced_length_that_does_not_come(server: Server, client: Arxiv) -> None:
    server.say(*[Reply(GOOD, headers={"Content-Length": str(len(GOOD) + 1), "Connection": "close"})] * 5)
    with pytest.raises(NoAnswerError, match="IncompleteRead"):
        one(client)


def test_nobody_there(clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Arxiv(CONTACT, endpoint=f"http://127.0.0.1:{port}/", clock=clock, sleep=clock.sleep)
    with pytest.raises(NoAnswerError, match="ConnectionError"):
        one(client)
    assert len(clock.slept) == 5
    assert min(clock.slept) >= 3.0


def test_default_timeout(server: Server, client: Arxiv, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    send = HTTPAdapter.send

    def spy(self: HTTPAdapter, request: PreparedRequest, **kwargs: Any) -> Response:
        seen.append(kwargs["timeout"])
        return send(self, request, **kwargs)

    monkeypatch.setattr(HTTPAdapter, "send", spy)
    one(client, "1707.08567")
    assert seen == [(5.0, 30.0)]


# The distance between requests; the server fixture checks it in every test


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_distance_holds_when_the_clock_jumps(jump: float, server: Server, client: Arxiv, clock: Clock) -> None:
    def leap() -> None:
        clock.jump += jump

    server.on_request = leap
    ids = [f"2401.{number:05}" for number in range(130)]
    server.papers = {i: entry(i) for i in ids}
    assert sum(len(batch.records) for batch in client.fetch(ids, TODAY)) == 130
    assert len(server.asked) == 3
    assert min(server.gaps()) >= 3.0


def test_distance_before_the_first_request_too(client: Arxiv, clock: Clock) -> None:
    one(client, "1707.08567")
    assert clock.slept[0] >= 3.0


def test_distance_after_an_interrupt(server: Server, client: Arxiv) -> None:
    class Interrupt(KeyboardInterrupt):
        pass

    def stop(seconds: float) -> None:
        raise Interrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client._session, "_sleep", stop)
        with pytest.raises(Interrupt):
            one(client)
    assert server.asked == []
    one(client, "1707.08567")


def test_waits_are_told(server: Server, clock: Clock) -> None:
    waits: list[tuple[str, float]] = []
    client = Arxiv(
        CONTACT,
        endpoint=server.endpoint,
        clock=clock,
        sleep=clock.sleep,
        on_wait=lambda reason, seconds: waits.append((reason, seconds)),
    )
    server.say(Reply(status=503, headers={"Retry-After": "7"}))
    one(client, "1707.08567")
    ((reason, seconds),) = waits
    assert reason == "arXiv is busy: '503 Service Unavailable, asks for 7 s'"
    assert 7 <= seconds <= 8


# Ids: E602 and E603; the rest of the batch is good


def test_one_missing(server: Server, client: Arxiv) -> None:
    server.say(Reply(recorded("ap-02-id-list-one-missing.json")))
    batch = one(client, "0808.05394", "1707.08567")
    assert [r.id for r in batch.records] == ["1707.08567"]
    assert faults(batch) == [("E602", "0808.05394")]
    assert isinstance(batch.faults[0], MissingIdError)


def test_a_total_that_is_too_high_is_not_followed(server: Server, client: Arxiv) -> None:
    server.say(Reply(feed(entry(ID), total=1000)))
    batch = one(client, ID, "2401.00001")
    assert [r.id for r in batch.records] == [ID]
    assert faults(batch) == [("E602", "2401.00001")]
    assert len(server.asked) == 1


def test_a_single_id_that_does_not_exist(server: Server, client: Arxiv) -> None:
    server.say(*[Reply(recorded("ap-01-id-empty-nonexistent.json"))] * 2)
    assert faults(one(client, "0001.0000")) == [("E602", "0001.0000")]
    assert len(server.asked) == 2


def test_another_paper_than_asked(server: Server, client: Arxiv) -> None:
    server.say(Reply(feed(entry("2401.00002"), entry(ID))))
    batch = one(client)
    assert [r.id for r in batch.records] == [ID]
    assert faults(batch) == [("E602", "2401.00002")]
    assert isinstance(batch.faults[0], UnexpectedIdError)


def test_a_paper_twice(server: Server, client: Arxiv) -> None:
    server.say(Reply(feed(entry(ID, 1), entry("2401.00001"), entry(ID, 2))))
    batch = one(client, ID, "2401.00001")
    assert [r.id for r in batch.records] == ["2401.00001"]
    assert faults(batch) == [("E602", ID)]


@pytest.mark.parametrize("hole", ["<title>Some Title</title>", "<name>Ada Example</name>"])
def test_an_entry_with_a_hole(hole: str, server: Server, client: Arxiv) -> None:
    server.say(Reply(feed(entry(ID).replace(hole, ""), entry("2401.00001"))))
    batch = one(client, ID, "2401.00001")
    assert [r.id for r in batch.records] == ["2401.00001"]
    assert faults(batch) == [("E601", ID)]


@pytest.mark.parametrize("address", ["https://evil.example/abs/2305.10924v1", "2305.10924", "javascript:alert(1)"])
def test_an_entry_that_is_not_of_arxiv(address: str, server: Server, client: Arxiv) -> None:
    server.say(Reply(feed(entry(ID).replace(f"http://arxiv.org/abs/{ID}v1", address))))
    assert faults(one(client)) == [("E602", address), ("E602", ID)]


def test_malformed_ids_never_leave(server: Server, client: Arxiv) -> None:
    bad = ("abc", "2305.10924v2", "../../etc/passwd", "2313.00001", "1,2", "")
    batch = one(client, *bad)
    assert faults(batch) == [("E603", value) for value in bad]
    assert server.asked == []


def test_an_id_that_arxiv_calls_malformed_is_dropped(server: Server, client: Arxiv) -> None:
    body = recorded("ap-07-id-abc-http400-error.json")
    server.papers |= {ID: entry(ID)}
    server.say(
        Reply(body.replace(b"abc", b"2401.0000"), status=400),
        Reply(body.replace(b"abc", b"x-y/0401001"), status=400),
    )
    batch = one(client, "2401.0000", ID, "x-y/0401001")
    assert [r.id for r in batch.records] == [ID]
    assert faults(batch) == [("E603", "2401.0000"), ("E603", "x-y/0401001")]
    assert isinstance(batch.faults[0], RefusedIdError)
    assert [asked.ids for asked in server.asked] == [
        ["2401.0000", ID, "x-y/0401001"],
        [ID, "x-y/0401001"],
        [ID],
    ]


def test_nothing_is_left_after_the_drop(server: Server, client: Arxiv) -> None:
    body = recorded("ap-07-id-abc-http400-error.json").replace(b"abc", b"2401.0000")
    server.say(Reply(body, status=400))
    assert faults(one(client, "2401.0000")) == [("E603", "2401.0000")]
    assert len(server.asked) == 1


def test_error_entry_of_the_old_layout(server: Server, client: Arxiv) -> None:
    # With 200 and `published` it looks to the library like a paper called "Error".
    server.say(Reply(recorded("synthetic-error-old-layout.xml")))
    server.papers |= {ID: entry(ID)}
    batch = one(client, "2401.0000", ID)
    assert [r.title for r in batch.records] == ["Some Title"]
    assert faults(batch) == [("E603", "2401.0000")]


def test_error_entry_beside_a_good_one(server: Server, client: Arxiv) -> None:
    (error,) = ENTRY.findall(recorded("synthetic-error-old-layout.xml").decode())
    server.say(Reply(feed(entry(ID), error, error)))
    batch = one(client, "2401.0000", ID)
    assert [r.id for r in batch.records] == [ID]
    assert faults(batch) == [("E603", "2401.0000")]
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_about_something_else_stops(status: int, server: Server, client: Arxiv) -> None:
    body = recorded("ap-07-id-abc-http400-error.json")
    body = body.replace(b"incorrect_id_format_for_abc", b"max_results_too_big").replace(
        b"incorrect id format for abc", b"max_results too big"
    )
    server.say(Reply(body, status=status))
    with pytest.raises(RefusedIdError, match="max_results too big") as caught:
        one(client)
    assert caught.value.code == "E603"
    assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"Bad Request", b"", feed()])
def test_400_without_a_reason_stops(body: bytes, server: Server, client: Arxiv) -> None:
    server.say(*[Reply(body, status=400)] * 5)
    with pytest.raises(FetchError):
        one(client, ID, "2401.00001")


def test_what_came_before_a_stop_is_kept(server: Server, client: Arxiv) -> None:
    ids = [f"2401.{number:05}" for number in range(60)]
    server.papers = {i: entry(i) for i in ids}
    stream = client.fetch(ids, TODAY)
    assert len(next(stream).records) == 50
    server.say(*[Reply(status=500)] * 5)
    with pytest.raises(NoAnswerError):
        next(stream)


# The endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://export.arxiv.org/api/query",
        "ftp://export.arxiv.org",
        "https://a@b.example/",
        "https://x.example/{0}",
        "https://x.example/?q=",
        "file:///etc/passwd",
        "",
    ],
)
def test_endpoints_that_are_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="not a plain https address"):
        Arxiv(CONTACT, endpoint=endpoint)


def test_endpoint_without_path(server: Server, clock: Clock) -> None:
    client = Arxiv(CONTACT, endpoint=f"http://127.0.0.1:{server.server_port}", clock=clock, sleep=clock.sleep)
    assert len(one(client, "1707.08567").records) == 1
