"""An entry against what arXiv says of its id."""

from __future__ import annotations

import pytest

from generator.checks import records_agree
from generator.entries.model import ArxivRecord
from tests.conftest import Checker

A = "papers/2023/a.yaml"


def record(
    arxiv_id: str = "2305.10924", title: str = "Prune Well", authors: tuple[str, ...] = ("Ann Bee", "C. Dee")
) -> dict[str, ArxivRecord]:
    known = ArxivRecord(id=arxiv_id, title=title, authors=authors, source="mirror", fetched_at="2026-01-01")
    return {arxiv_id: known}


def test_no_record(checker: Checker) -> None:
    assert checker.messages_of_all(records_agree, {A: ""}) == [
        (
            f"data/{A}:2:8: note[E604]: the arXiv record of 2305.10924 is missing. "
            "fix: run make enrich ID=2305.10924, or leave it to the scheduled job"
        )
    ]


def test_another_title(checker: Checker) -> None:
    assert checker.messages_of_all(records_agree, {A: ""}, record(title="Prune Badly")) == [
        (
            f"data/{A}:1:8: error[E605]: the title of 2305.10924 on arXiv is 'Prune Badly', not 'Prune Well'. "
            "fix: correct the id or the title; a former title goes into aliases"
        )
    ]


@pytest.mark.parametrize("first", ["C. Dee", "Ann B."])
def test_another_first_author(checker: Checker, first: str) -> None:
    assert checker.messages_of_all(records_agree, {A: f"authors: [{first}]"}, record()) == [
        (
            f"data/{A}:3:11: error[E605]: the first author of 2305.10924 is Ann Bee, not {first}. "
            "fix: correct the id, or delete authors, which come from arXiv"
        )
    ]


def test_record_of_no_entry(checker: Checker) -> None:
    records = record() | record("hep-th/9901001")
    assert checker.messages_of_all(records_agree, {A: ""}, records) == [
        (
            "data/arxiv/1999/hep-th__9901001.json:1:1: note[E606]: no entry has arxiv: hep-th/9901001. "
            "fix: add the entry or delete the record"
        )
    ]


@pytest.mark.parametrize(
    ("fragment", "title"),
    [
        ("title: Prune Well", "Prune  well!"),
        ("aliases: [Prune Badly]", "Prune Badly"),
        ("title: β-pruning by λ", r"$\beta$-Pruning by $\lambda$"),
        ("title: Möbius Pruning", r"M\"{o}bius {\it Pruning}"),
        ("title: E²Train", "E2Train"),
        ("title: Δ-DiT", r"$\Delta$-DiT"),
        ("title: Δ-DiT", "∆-DiT"),
        ("title: Δ-DiT", "Delta-DiT"),
        (r"title: $\Delta$-DiT", "Δ-DiT"),
        ("title: D³ToM", "D$^{3}$ToM"),
        ("title: S²Q-VDiT", r"$\text{S}^2$Q-VDiT"),
        ("title: O(n log n) Attention", r"$O(n\log n)$ Attention"),
        ("title: 2×4 Pruning ≤ x", r"2$\times$4 pruning $\leq$ x"),
        ("title: Łukasiewicz øre", r"\L{}ukasiewicz \o re"),
        ("title: Efficient U-Net", "Eﬃcient U\u2011Net"),
        ("authors: [A. Bee]", "Prune Well"),
        ("authors: [Ann C. Bee]", "Prune Well"),
        ("authors: ['', ' ', Ann Bee]", "Prune Well"),
        ("authors: [' ']", "Prune Well"),
        ("authors: [[x]]", "Prune Well"),
    ],
)
def test_the_same_in_other_letters(checker: Checker, fragment: str, title: str) -> None:
    assert checker.messages_of_all(records_agree, {A: fragment}, record(title=title)) == []


def test_tools_and_articles_have_no_record(checker: Checker) -> None:
    assert checker.messages_of_all(records_agree, {"tools/a.yaml": "", "articles/a.yaml": ""}) == []


def test_a_renamed_paper_is_no_other_paper(checker: Checker) -> None:
    known = record(title="Sparsify Well")["2305.10924"].model_copy(update={"former_titles": ("Prune  Well",)})
    assert checker.messages_of_all(records_agree, {A: ""}, {known.id: known}) == [
        (
            f"data/{A}:1:8: note[E610]: 2305.10924 is now called 'Sparsify Well' on arXiv. "
            "fix: write the new title, and the former one into aliases"
        )
    ]
    both = "title: Sparsify Well\naliases: [Prune Well]"
    assert checker.messages_of_all(records_agree, {A: both}, {known.id: known}) == []


def test_letters_that_look_alike_are_named(checker: Checker) -> None:
    (message,) = checker.messages_of_all(records_agree, {A: "title: Δ-DiT"}, record(title="Λ-DiT"))
    assert (
        "'Λ-DiT', not 'Δ-DiT'; only one of them has Λ (U+039B GREEK CAPITAL LETTER LAMDA), "
        "Δ (U+0394 GREEK CAPITAL LETTER DELTA). fix:"
    ) in message
