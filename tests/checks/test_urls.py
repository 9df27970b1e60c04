"""Schemes, hosts, repositories, DOIs."""

from __future__ import annotations

import pytest

from generator.checks import urls
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
HOSTS = "github.com, gitlab.com, bitbucket.org, codeberg.org, gitee.com, huggingface.co, sourceforge.net, sr.ht"
BAD = [
    (
        "results:\n  - {model: m, setting: s, where: README, via: reading notes, after: {fid: 2}}",
        "6:48: error[E401]: 'reading notes' does not start with https://",
        "link an https page",
    ),
    (
        'project: "javascript:alert(1)"',
        "3:10: error[E401]: 'javascript:alert(1)' does not start with https://",
        "link an https page",
    ),
    (
        "project: JaVaScRiPt:alert(1)",
        "3:10: error[E401]: 'JaVaScRiPt:alert(1)' does not start with https://",
        "link an https page",
    ),
    (
        'project: "java\\nscript:alert(1)"',
        "3:10: error[E401]: 'java\\nscript:alert(1)' does not start with https://",
        "link an https page",
    ),
    (
        "project: data:text/html,x",
        "3:10: error[E401]: 'data:text/html,x' does not start with https://",
        "link an https page",
    ),
    (
        "project: vbscript:x",
        "3:10: error[E401]: 'vbscript:x' does not start with https://",
        "link an https page",
    ),
    (
        "project: //evil.example/x",
        "3:10: error[E401]: '//evil.example/x' does not start with https://",
        "link an https page",
    ),
    (
        "project: http://example.org/x",
        "3:10: error[E401]: 'http://example.org/x' does not start with https://",
        "write project: https://example.org/x",
    ),
    (
        "project: HTTPS://example.org/x",
        "3:10: error[E401]: 'HTTPS://example.org/x' does not start with https://",
        "link an https page",
    ),
    (
        "code: https://github.com@evil.example/a/b",
        "3:7: error[E402]: user name 'github.com' before the host evil.example",
        "delete the user name, and check that evil.example is the host you mean",
    ),
    (
        "code: https://user:pw@github.com/a/b",
        "3:7: error[E402]: user name 'user:pw' before the host github.com",
        "delete the user name, and check that github.com is the host you mean",
    ),
    (
        "code: https://github.com:8443/a/b",
        "3:7: error[E402]: port in 'github.com:8443'",
        "delete the port",
    ),
    (
        "code: https:\\\\evil.example/a/b",
        ("3:7: error[E402]: white space or a forbidden character in 'https:\\\\\\\\evil.example/a/b'"),
        "write it as %XX, or copy the address again",
    ),
    (
        "project: https://example.org/a b",
        ("3:10: error[E402]: white space or a forbidden character in 'https://example.org/a b'"),
        "write it as %XX, or copy the address again",
    ),
    (
        "project: https://exämple.org/",
        "3:10: error[E402]: host 'exämple.org' is not plain ASCII",
        "link a page on a host with an ASCII name",
    ),
    (
        "project: https://xn--exmple-cua.org/",
        "3:10: error[E402]: host 'xn--exmple-cua.org' is not plain ASCII",
        "link a page on a host with an ASCII name",
    ),
    (
        "project: https://localhost/",
        "3:10: error[E402]: host 'localhost' is not a public host name",
        "copy the address again",
    ),
    (
        "project: https://127.0.0.1/",
        "3:10: error[E402]: host '127.0.0.1' is not a public host name",
        "copy the address again",
    ),
    ("project: https://[::1]/", "3:10: error[E402]: port in '[::1]'", "delete the port"),
    (
        "project: https://[x",
        "3:10: error[E402]: 'https://[x' is not an address: Invalid IPv6 URL",
        "copy the address again",
    ),
    ("project: https://", "3:10: error[E402]: host '' is not a public host name", "copy the address again"),
    (
        "project: https://example.org:99999/",
        ("3:10: error[E402]: 'https://example.org:99999/' is not an address: Port out of range 0-65535"),
        "copy the address again",
    ),
    (
        "code: https://evilgithub.com/a/b",
        "3:7: error[E403]: host evilgithub.com is not github.com",
        f"link the repository on one of {HOSTS}; a project page belongs in project",
    ),
    (
        "code: https://github.com.evil.example/a/b",
        "3:7: error[E403]: host github.com.evil.example is not github.com",
        f"link the repository on one of {HOSTS}; a project page belongs in project",
    ),
    (
        "code: https://example.org/a/b",
        "3:7: error[E403]: host example.org is not a known code host",
        f"link the repository on one of {HOSTS}; a project page belongs in project",
    ),
    (
        "code: https://github.com/a/b#readme",
        ("3:7: error[E404]: 'https://github.com/a/b#readme' is not the address of a repository"),
        "write https://host/owner/name",
    ),
    (
        "code: https://github.com/a",
        "3:7: error[E404]: 'https://github.com/a' is not the address of a repository",
        "write https://host/owner/name",
    ),
    (
        "code: https://github.com/",
        "3:7: error[E404]: 'https://github.com/' is not the address of a repository",
        "write https://host/owner/name",
    ),
    (
        "code: https://github.com/a/b?tab=x",
        ("3:7: error[E404]: 'https://github.com/a/b?tab=x' is not the address of a repository"),
        "write https://host/owner/name",
    ),
    ("project: https://bit.ly/x", "3:10: error[E404]: bit.ly is a redirector", "link the page that it leads to"),
    (
        "doi: https://doi.org/10.1000/x",
        "3:6: error[E405]: 'https://doi.org/10.1000/x' is not a DOI without resolver",
        "write doi: 10.1000/x",
    ),
    ('doi: "doi:10.1109/x"', "3:6: error[E405]: 'doi:10.1109/x' is not a DOI without resolver", "write doi: 10.1109/x"),
    (
        "doi: 10.1103/PhysRevD.76.013009 10.1103/PhysRevD.77.029903",
        "3:6: error[E405]: '10.1103/PhysRevD.76.013009 10.1103/PhysRevD.77.029903' is more than one DOI",
        "write doi: 10.1103/PhysRevD.76.013009 or 10.1103/PhysRevD.77.029903",
    ),
    (
        "doi: <10.1109/x>",
        "3:6: error[E405]: '<10.1109/x>' is not a DOI without resolver",
        "write doi: 10.1109/x",
    ),
    ("doi: 10.1000", "3:6: error[E405]: '10.1000' is not a DOI without resolver", "write doi: 10.1000/name"),
    (
        "doi: 10.1000/a b",
        "3:6: error[E405]: '10.1000/a b' is not a DOI without resolver",
        "write doi: 10.1000/name",
    ),
]
GOOD = [
    "project: https://example.org/x",
    "project: https://Example.org/%7Ex?a=b#c",
    "code: https://github.com/a/b",
    "code: https://www.github.com/a/b",
    "code: https://github.com/a/b/tree/main/c",
    "code: https://gist.github.com/a/b",
    "code: https://gitlab.com/a/b/c",
    "code: https://git.sr.ht/~a/b",
    "weights: https://huggingface.co/a",
    "doi: 10.1000/x",
    "doi: 10.1109/CVPR52733.2024.00123",
    "doi: 10.1016/S0893-6080(00)00001-2",
    "doi: 10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-O",
    "doi: 10.48550/arXiv.2305.10924",
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(urls, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(urls, fragment) == []


def test_repositories_of_tools_may_stand_anywhere(checker: Checker) -> None:
    assert checker.messages(urls, "repo: https://git.example.org/x", "tools") == []
    assert checker.messages(urls, "repo: https://github.com/x", "tools") == [
        (
            "data/tools/x.yaml:3:7: error[E404]: 'https://github.com/x' is not the address of a repository. "
            "fix: write https://host/owner/name"
        )
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://www.Example.org/p/", "https://example.org/p"),
        ("https://github.com/a/b.git", "https://github.com/A/B"),
        ("https://github.com/a/b#readme", "https://github.com/a/b"),
    ],
)
def test_two_spellings_of_one_address(one: str, other: str) -> None:
    assert urls.normal(one) == urls.normal(other)


@pytest.mark.parametrize("broken", ["https://[x", "https://a\u2100b/", ""])
def test_normal_never_raises(broken: str) -> None:
    assert isinstance(urls.normal(broken), str)


@pytest.mark.parametrize(
    ("host", "is_on"),
    [
        ("github.com", True),
        ("gist.github.com", True),
        ("evilgithub.com", False),
        ("github.com.evil.example", False),
    ],
)
def test_on_host(host: str, is_on: bool) -> None:
    assert urls.on_host(host, "github.com") is is_on
