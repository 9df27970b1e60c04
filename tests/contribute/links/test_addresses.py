"""No connection to anything but a public address, however it is written and however one is led there."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from generator.contribute.check_links import is_public, resolve_host
from tests.contribute.links.conftest import Web

INWARD = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
    "169.254.169.254", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::127.0.0.1", "::ffff:224.0.0.1",
    "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:a9fe:a9fe::",
    "2002:e000:1::", "2001:0:7f00:1::f5ff:fffe", "2001:0:5db8:d70e::80ff:fffe", "2001:db8::1", "100::1",
    "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost", "",
]  # fmt: skip
OUTWARD = [
    "93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::",
]  # fmt: skip


@pytest.mark.parametrize("address", INWARD)
def test_inward_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTWARD)
def test_outward_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", INWARD)
def test_a_name_with_an_inward_address_is_refused_before_connecting(web: Web, address: str) -> None:
    web.names["a.example"] = (address,)
    (finding,) = web.check("https://a.example/").findings
    assert (finding.verdict, web.connected) == ("unsure", [])
    assert finding.reason == f"a.example has the address {address}, which is not public"


def test_one_inward_address_among_public_ones_is_enough(web: Web) -> None:
    web.names["a.example"] = ("93.184.215.14", "10.0.0.1")
    assert web.check("https://a.example/").findings[0].verdict == "unsure"
    assert web.connected == []


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.1", "[::1]", "[::ffff:7f00:1]"]
)
def test_numbers_as_hosts_are_refused_before_connecting(web: Web, host: str) -> None:
    web.names[host] = ("127.0.0.1",)  # what the C library makes of most of them
    assert web.check(f"https://{host}/latest/meta-data").findings[0].verdict == "unsure"
    assert web.connected == []


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/", "ftp://a.example/", "file:///etc/passwd", "//a.example/", "a.example", "", "https://",
        "https:///x", "https://a.example:8443/", "https://a.example:99999/", "https://u@a.example/", "https://[/",
        "https:\\\\a.example", "https://a.example@127.0.0.1/", "https://ä.example/", "https://a..example/",
        "https://a.example\\@b.example/", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_not_plain_https_is_not_visited(web: Web, url: str) -> None:
    (finding,) = web.check(url).findings
    assert (finding.verdict, web.connected) == ("unsure", [])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "169.254.169.254", "[::1]", "inner.example"])
def test_a_redirect_inward_is_refused(web: Web, host: str) -> None:
    web.names |= {"127.0.0.1": ("127.0.0.1",), "127.1": ("127.0.0.1",), "inner.example": ("10.0.0.1",)}
    web.names["169.254.169.254"] = ("169.254.169.254",)
    web.pages["a.example/"] = b"HTTP/1.1 301 X\r\nLocation: https://%s/x\r\n\r\n" % host.encode()
    (finding,) = web.check("https://a.example/").findings
    assert finding.verdict == "unsure"
    assert [name for _, name in web.connected] == ["a.example"]


def test_rebinding_changes_nothing(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([("93.184.215.14",), ("127.0.0.1",)])
    asked = []

    def resolve(host: str) -> tuple[str, ...]:
        asked.append(host)
        return next(answers)

    monkeypatch.setattr(web, "resolve", resolve)
    assert web.check("https://a.example/").findings[0].verdict == "ok"
    assert (asked, web.connected) == (["a.example"], [("93.184.215.14", "a.example")])


def test_rebinding_between_two_redirects_is_refused(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([("93.184.215.14",), ("127.0.0.1",)])
    monkeypatch.setattr(web, "resolve", lambda _: next(answers))
    web.pages["a.example/"] = b"HTTP/1.1 302 X\r\nLocation: /again\r\n\r\n"
    assert web.check("https://a.example/").findings[0].verdict == "unsure"
    assert web.connected == [("93.184.215.14", "a.example")]


def test_the_connection_goes_to_the_checked_spelling_of_the_address(web: Web) -> None:
    web.names["a.example"] = ("2606:4700:0:0::1111", "2606:4700::1111", "93.184.215.14")
    web.pages["2606:4700::1111"] = OSError("no IPv6 here")
    assert web.check("https://a.example/").findings[0].verdict == "ok"
    assert web.connected == [("2606:4700::1111", "a.example"), ("93.184.215.14", "a.example")]


def test_names_are_resolved_absolutely_and_never_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def getaddrinfo(host: str, port: int, **hints: int) -> list[tuple[object, ...]]:
        asked.append(host)
        return [
            (2, 1, 6, "", ("8.8.8.8", port)),
            (2, 1, 6, "", ("8.8.8.8", port)),
            (10, 1, 6, "", ("::1", port, 0, 0)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert resolve_host("127.1") == ("8.8.8.8", "::1")
    assert asked == ["127.1."]


def test_every_special_block_of_ipv4_is_refused() -> None:
    blocks = ["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
              "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
              "224.0.0.0/4", "240.0.0.0/4"]  # fmt: skip
    for block in map(ipaddress.IPv4Network, blocks):
        for address in (block[0], block[-1], block[block.num_addresses // 2]):
            six_to_four = f"2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::1"
            for form in (f"{address}", f"::ffff:{address}", f"64:ff9b::{address}", six_to_four):
                assert not is_public(form), form
