"""Three verdicts; only a page that was missing twice, a week apart, is gone."""

from __future__ import annotations

import socket
import ssl
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.contribute import check_links as module
from generator.contribute.check_links import Link, State, check_links
from tests.contribute.links.conftest import Web

URL = "https://a.example/x"


def answer(status: int, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\n{headers}Content-Length: 0\r\n\r\n".encode()


def moved(status: int, location: str) -> bytes:
    return answer(status, f"Location: {location}\r\n")


@pytest.mark.parametrize("status", [200, 203, 204, 206])
def test_what_answers_is_ok(web: Web, status: int) -> None:
    web.pages["a.example/x"] = answer(status)
    report = web.check(URL)
    assert [(f.verdict, f.reason) for f in report.findings] == [("ok", f"answers {status}")]
    assert report.state.first_seen_gone == {}


@pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 405, 418, 429, 451, 500, 502, 503, 504, 999])
def test_what_refuses_us_is_unsure_for_ever(web: Web, status: int) -> None:
    web.pages["a.example/x"] = answer(status)
    state = State()
    for _ in range(3):
        report = web.check(URL, state=state)
        assert [(f.verdict, f.reason) for f in report.findings] == [("unsure", f"answers {status}")]
        state = report.state
        web.later(days=30)
    assert state.first_seen_gone == {}


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (TimeoutError("timed out"), "no answer in time"),
        (ConnectionRefusedError(), "no connection (ConnectionRefusedError)"),
        (ConnectionResetError(), "no connection (ConnectionResetError)"),
        (ssl.SSLCertVerificationError("self-signed"), "TLS fails"),
        (ssl.SSLEOFError(), "TLS fails"),
    ],
)
def test_what_cannot_be_reached_is_unsure(web: Web, failure: Exception, reason: str) -> None:
    web.pages["93.184.215.14"] = failure
    (finding,) = web.check(URL).findings
    assert (finding.verdict, finding.reason) == ("unsure", reason)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "try again"), "the host name cannot be resolved now"),
        (socket.gaierror(socket.EAI_NODATA, "no address"), "the host name cannot be resolved now"),
        (UnicodeError("label too long"), "not an address"),
        (OSError("no network"), "no connection (OSError)"),
        ((), "a.example has no address"),
    ],
)
def test_what_cannot_be_resolved_is_unsure(web: Web, failure: Exception | tuple[str, ...], reason: str) -> None:
    web.names["a.example"] = failure
    (finding,) = web.check(URL).findings
    assert (finding.verdict, finding.reason, web.connected) == ("unsure", reason, [])


@pytest.mark.parametrize("missing", [404, 410, socket.gaierror(socket.EAI_NONAME, "unknown")])
def test_gone_needs_two_sightings_a_week_apart(web: Web, missing: int | Exception) -> None:
    if isinstance(missing, int):
        web.pages["a.example/x"] = answer(missing)
    else:
        web.names["a.example"] = missing
    started = web.day
    seen = []
    state = State()
    for days in (0, 3, 3, 1):  # the last one makes a week
        web.later(days=days)
        report = web.check(URL, state=state)
        state = report.state
        seen.append(report.findings[0].verdict)
        assert report.findings[0].since == started
        assert state.first_seen_gone == {URL: started}
    assert seen == ["unsure", "unsure", "unsure", "gone"]


def test_a_second_less_than_a_week_is_not_a_week(web: Web) -> None:
    web.pages["a.example/x"] = answer(404)
    state = State({URL: web.day - timedelta(days=7) + timedelta(seconds=1)})
    assert web.check(URL, state=state).findings[0].verdict == "unsure"


def test_a_page_that_comes_back_is_forgotten_and_a_bot_wall_forgets_nothing(web: Web) -> None:
    web.pages["a.example/x"] = answer(404)
    first = web.check(URL).state
    web.later(days=8)
    web.pages["a.example/x"] = answer(429)
    walled = web.check(URL, state=first)
    assert (walled.findings[0].verdict, walled.state) == ("unsure", first)
    web.pages["a.example/x"] = answer(200)
    assert web.check(URL, state=walled.state).state == State()


def test_a_clock_that_went_back_calls_nothing_gone_early(web: Web) -> None:
    web.pages["a.example/x"] = answer(404)
    report = web.check(URL, state=State({URL: web.day + timedelta(days=300)}))
    assert (report.findings[0].verdict, report.state.first_seen_gone) == ("unsure", {URL: web.day})


def test_addresses_that_left_the_catalogue_leave_the_state(web: Web) -> None:
    assert web.check(URL, state=State({"https://left.example/": web.day})).state == State()


def test_redirects_are_followed_to_the_end(web: Web) -> None:
    web.pages["a.example/x"] = moved(302, "https://B.example:443/y?q=1#part")
    web.pages["b.example/y?q=1"] = moved(307, "../z%20z")
    web.pages["b.example/z%20z"] = answer(404)
    (finding,) = web.check(URL).findings
    assert (finding.verdict, finding.reason) == ("unsure", "answers 404")
    assert [host for _, host in web.connected] == ["a.example", "b.example", "b.example"]


def test_a_redirect_with_bytes_beyond_ascii_means_utf_8(web: Web) -> None:
    web.pages["a.example/x"] = "HTTP/1.1 302 X\r\nLocation: /é\r\n\r\n".encode()
    web.check(URL)
    assert "GET /%C3%A9 HTTP/1.1" in web.requests[-1]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_without_a_target_is_unsure(web: Web, status: int) -> None:
    web.pages["a.example/x"] = answer(status)
    (finding,) = web.check(URL).findings
    assert (finding.verdict, finding.reason) == ("unsure", f"answers {status}")


@pytest.mark.parametrize(
    "location",
    [
        "http://a.example/", "https://a.example:8443/", "https://u@a.example/", "javascript:alert(1)",
        "file:///etc/passwd", "https://[", "gopher://a.example/", "https://a.example:x/",
    ],
)  # fmt: skip
def test_a_redirect_away_from_plain_https_is_refused(web: Web, location: str) -> None:
    web.pages["a.example/x"] = moved(301, location)
    (finding,) = web.check(URL).findings
    assert finding.verdict == "unsure"
    assert finding.reason.endswith("is not a plain https address")
    assert len(web.connected) == 1


def test_a_redirect_loop_ends_after_five(web: Web) -> None:
    web.pages["a.example/x"] = moved(301, "/x")
    (finding,) = web.check(URL).findings
    assert (finding.verdict, finding.reason) == ("unsure", "more than 5 redirects")
    assert len(web.connected) == 6


def test_five_redirects_are_not_too_many(web: Web) -> None:
    web.pages |= {f"a.example/{n}": moved(302, f"/{n + 1}") for n in range(5)}
    assert web.check("https://a.example/0").findings[0].verdict == "ok"


@pytest.mark.parametrize(
    ("old", "statuses", "new", "proposed"),
    [
        ("https://github.com/a/b", (301,), "https://github.com/c/d", "https://github.com/c/d"),
        ("https://github.com/a/b", (301, 308), "https://github.com/c/d", "https://github.com/c/d"),
        ("https://github.com/a/b", (301, 302), "https://github.com/c/d", None),
        ("https://github.com/a/b", (302,), "https://github.com/c/d", None),
        ("https://github.com/a/b", (301,), "https://elsewhere.example/d", None),
        ("https://github.com/a/b", (301,), "https://evilgithub.com/c/d", None),
        ("https://github.com/a/b", (301,), "https://gitlab.com/a/b", None),
        ("https://github.com/a/b.git", (301,), "https://github.com/a/b/", None),
        ("https://a.example/b", (301,), "https://a.example/c", None),
    ],
)
def test_a_new_address_is_proposed_for_a_repository_that_moved_for_good(
    web: Web, old: str, statuses: tuple[int, ...], new: str, proposed: str | None
) -> None:
    here = old
    for step, status in enumerate(statuses, start=1):
        there = new if step == len(statuses) else f"https://github.com/step/{step}"
        web.pages[here.removeprefix("https://")] = moved(status, there)
        here = there
    (finding,) = web.check(old).findings
    assert (finding.verdict, finding.moved_to) == ("ok", proposed)


def test_a_moved_repository_that_is_missing_is_not_proposed(web: Web) -> None:
    web.pages["github.com/a/b"] = moved(301, "https://github.com/c/d")
    web.pages["github.com/c/d"] = answer(404)
    (finding,) = web.check("https://github.com/a/b").findings
    assert (finding.verdict, finding.moved_to) == ("unsure", None)


def test_only_64_kib_are_taken_from_a_host_that_never_ends(web: Web) -> None:
    web.endless = True
    web.pages["a.example/x"] = b"HTTP/1.1 200 X\r\n\r\n"
    assert web.check(URL).findings[0].verdict == "ok"
    assert web.sent < 1_000_000  # what the kernel buffers, not what we read


@pytest.mark.parametrize(
    "flood",
    [
        b"a" * 4_000_000,
        b"HTTP/1.1 100 Go on\r\n\r\n" * 200_000,
        b"HTTP/1.1 200 X\r\n" + b"A: b\r\n" * 500_000,
    ],
    ids=["status line", "interim answers", "headers"],
)
def test_a_flood_of_headers_is_cut(web: Web, monkeypatch: pytest.MonkeyPatch, flood: bytes) -> None:
    taken = []
    read = module._Bounded.readinto

    def counted(self: module._Bounded, buffer: memoryview) -> int:
        taken.append(read(self, buffer))
        return taken[-1]

    monkeypatch.setattr(module._Bounded, "readinto", counted)
    web.pages["a.example/x"] = flood
    assert web.check(URL).findings[0].verdict == "unsure"
    assert sum(taken) <= module.MAX_BYTES


def test_a_silent_host_times_out(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT", 0.05)
    web.silent = True
    (finding,) = web.check(URL).findings
    assert (finding.verdict, finding.reason) == ("unsure", "no answer in time")


def test_a_dripping_host_ends_with_the_time_of_the_link(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    read = module._Bounded.readinto

    def slow(self: module._Bounded, buffer: memoryview) -> int:
        web.seconds += 9
        return read(self, buffer[:1])

    monkeypatch.setattr(module._Bounded, "readinto", slow)
    web.pages["a.example/x"] = answer(200)
    (finding,) = web.check(URL).findings
    assert (finding.verdict, finding.reason) == ("unsure", "no answer in time")
    assert web.seconds < 1000 + module.LINK_TIMEOUT + 10


def test_addresses_that_hang_share_the_time_of_the_link(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.names["a.example"] = tuple(f"93.184.215.{n}" for n in range(1, 9))

    def hang(address: str, host: str) -> socket.socket:
        web.connected.append((address, host))
        web.seconds += 40
        raise TimeoutError

    monkeypatch.setattr(web, "connect", hang)
    assert web.check(URL).findings[0].reason == "no answer in time"
    assert len(web.connected) == 2


def test_the_request_is_plain_and_carries_no_credentials(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    web.check("https://a.example")
    (request,) = web.requests
    assert request.split("\r\n") == [
        "GET / HTTP/1.1",
        "Host: a.example",
        "User-Agent: awesome-diffusion-pruning-links/0.1",
        "Accept: text/html, */*;q=0.5",
        "Accept-Encoding: identity",
        "Connection: close",
        "",
        "",
    ]


@settings(max_examples=150)
@given(page=st.binary(max_size=300) | st.binary(max_size=200).map(b"HTTP/1.1 301 X\r\nLocation: ".__add__))
def test_no_answer_raises(page: bytes) -> None:
    def connect(address: str, host: str) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(page + b"\r\n\r\n")
            theirs.shutdown(socket.SHUT_WR)
        return ours

    links = [Link(URL, "x", 1)]
    report = check_links(links, State(), resolve=lambda _: ("8.8.8.8",), connect=connect, sleep=lambda _: None)
    assert report.findings[0].verdict in ("ok", "unsure")
    report.markdown()


@settings(max_examples=300)
@given(url=st.text(max_size=60) | st.builds("https://{}".format, st.text(max_size=40)))
def test_no_address_raises(url: str) -> None:
    def connect(address: str, host: str) -> socket.socket:
        raise ConnectionRefusedError

    report = check_links([Link(url, "x", 1)], State(), resolve=lambda _: ("8.8.8.8",), connect=connect)
    assert report.findings[0].verdict == "unsure"
    report.markdown()
