"""Old and new forms, digits by year, and everything that people put around an id."""

from __future__ import annotations

import pytest

from generator.checks import arxiv_id
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
BAD = [
    (
        'arxiv: "2305.1092"',
        "2:8: error[E201]: 2305.1092 has four digits after the point",
        "write five digits from 1501; is a 0 missing?",
    ),
    ('arxiv: "2305.10924v2"', "2:8: error[E202]: '2305.10924v2' is not a bare id", 'arxiv: "2305.10924"'),
    (
        'arxiv: "arXiv:2305.10924"',
        "2:8: error[E202]: 'arXiv:2305.10924' is not a bare id",
        'arxiv: "2305.10924"',
    ),
    (
        "arxiv: https://arxiv.org/abs/2305.10924v1",
        "2:8: error[E202]: 'https://arxiv.org/abs/2305.10924v1' is not a bare id",
        'arxiv: "2305.10924"',
    ),
    (
        "arxiv: https://arxiv.org/pdf/2305.10924.pdf",
        "2:8: error[E202]: 'https://arxiv.org/pdf/2305.10924.pdf' is not a bare id",
        'arxiv: "2305.10924"',
    ),
    (
        'arxiv: "2313.10924"',
        "2:8: error[E201]: 2313.10924 has the month 13",
        "write the month, 01 to 12, as digits 3 and 4",
    ),
    (
        'arxiv: "2300.10924"',
        "2:8: error[E201]: 2300.10924 has the month 00",
        "write the month, 01 to 12, as digits 3 and 4",
    ),
    (
        'arxiv: "2305.109"',
        "2:8: error[E201]: 2305.109 has 3 digits after the point",
        "write four digits up to 1412, five from 1501",
    ),
    (
        'arxiv: "2305.109240"',
        "2:8: error[E201]: 2305.109240 has 6 digits after the point",
        "write four digits up to 1412, five from 1501",
    ),
    (
        'arxiv: "1412.12345"',
        "2:8: error[E201]: 1412.12345 has five digits after the point",
        "write four digits up to 1412",
    ),
    (
        'arxiv: "0703.1234"',
        "2:8: error[E201]: 0703.1234 is before 0704, when this form began",
        "write archive/YYMMNNN",
    ),
    (
        "arxiv: hep-th/0801001",
        "2:8: error[E201]: hep-th/0801001 is after 0703, when this form ended",
        "write YYMM.NNNN",
    ),
    (
        "arxiv: quant-ph/0201082v1",
        "2:8: error[E202]: 'quant-ph/0201082v1' is not a bare id",
        'arxiv: "quant-ph/0201082"',
    ),
    (
        "arxiv: quant-ph/0213082",
        "2:8: error[E201]: quant-ph/0213082 has the month 13",
        "write the month, 01 to 12, as digits 3 and 4",
    ),
    ("arxiv: none", "2:8: error[E202]: 'none' is not an arXiv id", 'write arxiv: "2305.10924"'),
    (
        'arxiv: "\uff12\uff13\uff10\uff15.10924"',
        "2:8: error[E202]: '\uff12\uff13\uff10\uff15.10924' is not an arXiv id",
        'write arxiv: "2305.10924"',
    ),
]
GOOD = [
    'arxiv: "2305.10924"',
    'arxiv: "1412.1234"',
    'arxiv: "1501.00001"',
    'arxiv: "0704.0001"',
    "arxiv: hep-th/9901001",
    "arxiv: math.GT/0309136",
    "arxiv: quant-ph/0201082",
    "arxiv: cs/9108001",
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(arxiv_id, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(arxiv_id, fragment) == []


@pytest.mark.parametrize(
    ("dressed", "bare"),
    [
        ("2305.10924", "2305.10924"),
        ("arXiv:2305.10924v12", "2305.10924"),
        ("https://arxiv.org/pdf/quant-ph/0201082v1.pdf", "quant-ph/0201082"),
        ("export.arxiv.org/abs/2305.10924/", "2305.10924"),
        ("https://evil.example/abs/2305.10924", None),
        ("2305.10924; rm -rf", None),
        ("", None),
    ],
)
def test_bare_id(dressed: str, bare: str) -> None:
    assert arxiv_id.bare_id(dressed) == bare


def test_only_papers_have_one(checker: Checker) -> None:
    assert checker.messages(arxiv_id, "pypi: x", "tools") == []
