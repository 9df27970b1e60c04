"""Addresses use https, have a plain host, and lead where their field requires."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from generator.checks.draft import Context, Draft
from generator.entries.dois import DOI, dois_in
from generator.entries.load_yaml import Steps
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E401",
        "An address starts with https://.",
        'project: "javascript:alert(1)"',
        "project: https://example.org/x",
    ),
    Code(
        "E402",
        "An address has a plain host: no user name, port, white space, backslash or non-ASCII host.",
        "code: https://github.com@evil.example/a/b",
        "code: https://github.com/a/b",
    ),
    Code(
        "E403",
        "Code is on a known code host.",
        "code: https://evilgithub.com/a/b",
        "code: https://github.com/a/b",
    ),
    Code(
        "E404",
        "Links lead to the repository itself, by owner and name without a fragment, and never to a redirector.",
        "code: https://github.com/a/b#readme",
        "code: https://github.com/a/b",
    ),
    Code("E405", "A DOI is given without resolver.", "doi: https://doi.org/10.1000/x", "doi: 10.1000/x"),
)

CODE_HOSTS = (
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "codeberg.org",
    "gitee.com",
    "huggingface.co",
    "sourceforge.net",
    "sr.ht",
)
REDIRECTORS = (
    "bit.ly",
    "t.co",
    "goo.gl",
    "tinyurl.com",
    "ow.ly",
    "is.gd",
    "buff.ly",
    "lnkd.in",
    "rebrand.ly",
    "t.ly",
)
ADDRESS_FIELDS = ("url", "code", "repo", "project", "paper", "weights", "sources")


def on_host(host: str, domain: str) -> bool:
    """Whether a host is the domain or below it; ``evilgithub.com`` is not below ``github.com``."""
    return host == domain or host.endswith(f".{domain}")


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """At most one problem for each address."""
    for key in ADDRESS_FIELDS:
        for steps, text in draft.items(key):
            if text.strip():
                yield from of_address(draft, steps, text)
    for steps, result in draft.results():
        if isinstance(via := result.get("via"), str) and via.strip():
            yield from of_address(draft, (*steps, "via"), via)
    doi = draft.text("doi")
    if doi is not None and not DOI.fullmatch(doi):
        bare = dois_in(doi)
        if len(bare) < len([part for part in doi.split() if part.strip(":,;").casefold() not in ("doi", "and", "")]):
            bare = ()  # something else is there, too
        message = f"{doi!r} is not a DOI without resolver" if len(bare) < 2 else f"{doi!r} is more than one DOI"
        yield draft.problem(
            "E405",
            ("doi",),
            message,
            f"write doi: {' or '.join(bare)}" if bare else "write doi: 10.1000/name",
        )


def of_address(draft: Draft, steps: Steps, text: str) -> Iterator[Problem]:
    """At most one problem of the address at one place."""
    key = next(step for step in reversed(steps) if isinstance(step, str))
    if text.startswith("https:") and re.search(r"[\s\\\x00-\x20\x7f<>\"`{}|^]", text):
        yield draft.problem(
            "E402",
            steps,
            f"white space or a forbidden character in {text!r}",
            "write it as %XX, or copy the address again",
        )
        return
    if not text.startswith("https://"):
        fix = (
            f"write {key}: https://{text.removeprefix('http://')}"
            if text.startswith("http://")
            else "link an https page"
        )
        yield draft.problem("E401", steps, f"{text!r} does not start with https://", fix)
        return
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        yield draft.problem("E402", steps, f"{text!r} is not an address: {error}", "copy the address again")
        return
    if "@" in parts.netloc:
        yield draft.problem(
            "E402",
            steps,
            f"user name {parts.netloc.split('@')[0]!r} before the host {host}",
            f"delete the user name, and check that {host} is the host you mean",
        )
    elif port is not None or ":" in parts.netloc:
        yield draft.problem("E402", steps, f"port in {parts.netloc!r}", "delete the port")
    elif not host.isascii() or "xn--" in host:
        yield draft.problem(
            "E402", steps, f"host {host!r} is not plain ASCII", "link a page on a host with an ASCII name"
        )
    elif not re.fullmatch(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", host):
        yield draft.problem("E402", steps, f"host {host!r} is not a public host name", "copy the address again")
    elif any(on_host(host, domain) for domain in REDIRECTORS):
        yield draft.problem("E404", steps, f"{host} is a redirector", "link the page that it leads to")
    elif key in ("code", "repo"):
        yield from _repository(draft, key, text, host, parts.path, parts.query + parts.fragment)


def _repository(draft: Draft, key: str, text: str, host: str, path: str, rest: str) -> Iterator[Problem]:
    if key == "code" and not any(on_host(host, domain) for domain in CODE_HOSTS):
        fix = f"link the repository on one of {', '.join(CODE_HOSTS)}; a project page belongs in project"
        near = next((domain for domain in CODE_HOSTS if domain in host), None)
        message = f"host {host} is not {near}" if near else f"host {host} is not a known code host"
        yield draft.problem("E403", (key,), message, fix)
    elif rest or (len(path.strip("/").split("/")) < 2 and any(on_host(host, d) for d in CODE_HOSTS)):
        yield draft.problem(
            "E404", (key,), f"{text!r} is not the address of a repository", "write https://host/owner/name"
        )


def normal(address: str) -> str:
    """An address in the form in which two spellings of one page are equal.

    A fragment names a part of a page, or the page itself where a script shows it, except on code hosts.
    """
    try:
        parts, fragment = urlsplit(address.casefold()), urlsplit(address).fragment
    except ValueError:
        return address  # `check` reports it
    host = parts.netloc.removeprefix("www.")
    page = f"{host}{parts.path.rstrip('/').removesuffix('.git')}" + (f"?{parts.query}" if parts.query else "")
    named = fragment.partition(":~:")[0].rstrip("/")
    return f"{page}#{named}" if named and not any(on_host(host, domain) for domain in CODE_HOSTS) else page
