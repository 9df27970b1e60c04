"""At most one request to a host in two seconds, and the waits for one host serve the others."""

from __future__ import annotations

from itertools import pairwise

import pytest

from generator.contribute.check_links import HOST_GAP, Link, State, check_links
from tests.contribute.links.conftest import Web
from tests.work import ENDLESS


def gaps(web: Web, host: str) -> list[float]:
    return [later - earlier for earlier, later in pairwise(at for at, name in web.visits if name == host)]


def test_requests_to_one_host_are_two_seconds_apart(web: Web) -> None:
    web.check(*(f"https://a.example/{n}" for n in range(5)))
    assert gaps(web, "a.example") == [HOST_GAP] * 4


def test_redirects_are_requests_too(web: Web) -> None:
    for n in range(3):
        web.pages[f"a.example/{n}"] = b"HTTP/1.1 302 X\r\nLocation: https://b.example/%d\r\n\r\n" % n
    web.check(*(f"https://a.example/{n}" for n in range(3)), "https://b.example/")
    assert len(gaps(web, "b.example")) == 3
    assert all(gap >= HOST_GAP for host in ("a.example", "b.example") for gap in gaps(web, host))


def test_hosts_take_turns(web: Web) -> None:
    web.check(*(f"https://{host}.example/{n}" for host in "abc" for n in range(3)))
    assert [name[0] for _, name in web.visits] == list("abcabcabc")
    assert sum(web.slept) == pytest.approx(2 * HOST_GAP)


def test_the_same_address_is_visited_once(web: Web) -> None:
    report = web.check("https://a.example/", "https://a.example/")
    assert len(web.connected) == 1
    assert [place.line for place in report.findings[0].places] == [1, 2]


def test_findings_come_in_the_order_of_their_places(web: Web) -> None:
    report = web.check("https://b.example/", "https://a.example/", "https://c.example/")
    assert [finding.url[8] for finding in report.findings] == ["b", "a", "c"]


def test_no_links_no_findings() -> None:
    report = check_links([], State())
    assert report.markdown() == "0 gone, 0 moved, 0 unsure of 0 addresses.\n"


def test_a_contact_is_named_and_must_be_an_address(web: Web) -> None:
    check_links(
        [Link("https://a.example/", "x", 1)],
        State(),
        resolve=web.resolve,
        connect=web.connect,
        contact="https://owner.example/list",
    )
    for thread in web.threads:
        thread.join(ENDLESS)
    assert "User-Agent: awesome-diffusion-pruning-links/0.1 (+https://owner.example/list)\r\n" in web.requests[0]
    for contact in ("http://owner.example/", "https://owner.example:8080/", "owner"):
        with pytest.raises(ValueError, match="is not a plain https address"):
            check_links([], State(), contact=contact)
