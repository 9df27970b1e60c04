"""The real connector against a real TLS server: the certificate must be that of the host asked for."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
import trustme

from generator.contribute import check_links as module
from generator.contribute.check_links import Link, State, check_links, connect_tls
from tests.work import ENDLESS

Server = tuple[int, list[str | None]]
"""The port that is listened to, and the names that visitors ask for."""


@pytest.fixture(scope="module")
def issuer() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(issuer: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    issuer.configure_trust(context)
    return context


@pytest.fixture
def server(issuer: trustme.CA) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert("a.example").configure_cert(context)
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    answer(listening.accept()[0])

        def answer(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(4096)
                tls.sendall(b"HTTP/1.1 204 X\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1], names
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(ENDLESS)


def visit(port: int, host: str, context: ssl.SSLContext | None) -> tuple[str, str]:
    def connect(address: str, name: str) -> socket.socket:
        assert address == "93.184.215.14"  # what was checked; the test server stands in for it
        return connect_tls("127.0.0.1", name, port=port, context=context)

    links = [Link(f"https://{host}/", "x", 1)]
    report = check_links(links, State(), resolve=lambda _: ("93.184.215.14",), connect=connect)
    return report.findings[0].verdict, report.findings[0].reason


def test_the_host_is_named_and_its_certificate_accepted(server: Server, trusting: ssl.SSLContext) -> None:
    port, names = server
    assert visit(port, "a.example", trusting) == ("ok", "answers 204")
    assert names == ["a.example"]


def test_the_certificate_of_another_host_is_refused(server: Server, trusting: ssl.SSLContext) -> None:
    assert visit(server[0], "b.example", trusting) == ("unsure", "TLS fails")


def test_an_unknown_issuer_is_refused(server: Server) -> None:
    assert visit(server[0], "a.example", None) == ("unsure", "TLS fails")


def test_a_plain_server_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        assert visit(port, "a.example", None) == ("unsure", "TLS fails")
        thread.join(ENDLESS)


def test_a_closed_port_and_a_silent_handshake_are_unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert visit(port, "a.example", None) == ("unsure", "no answer in time")
    assert visit(port, "a.example", None) == ("unsure", "no connection (ConnectionRefusedError)")


def test_the_default_port_is_that_of_https(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def connect(self: socket.socket, place: tuple[str, int]) -> None:
        asked.append((self.family, place))
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    for address in ("2606:4700::1111", "93.184.215.14"):
        with pytest.raises(ConnectionRefusedError):
            connect_tls(address, "a.example")
    assert asked == [
        (socket.AF_INET6, ("2606:4700::1111", 443)),
        (socket.AF_INET, ("93.184.215.14", 443)),
    ]
