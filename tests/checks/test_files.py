"""File names that every file system and address takes, and the folder of the year."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generator.checks import files
from generator.entries.model import ArxivRecord
from tests.conftest import Checker

OTHER = "has other characters than a-z, 0-9 and single dashes"
BAD = [
    ("CON", OTHER, None),
    ("index", "is a reserved name", None),
    ("README", OTHER, None),
    ("com1", "is a reserved name", None),
    ("taxonomy", "is a reserved name", None),
    ("-rf", OTHER, "rf"),
    (".", OTHER, None),
    ("..", OTHER, None),
    ("", "is empty", None),
    ("a--b", OTHER, "a-b"),
    ("a_b", OTHER, "a-b"),
    ("a.b", OTHER, "a-b"),
    ("a b", OTHER, "a-b"),
    ("Wanda++", OTHER, "wanda-plus-plus"),
    ("剪枝", OTHER, "jianzhi"),
    ("x" * 81, "has 81 characters", "x" * 80),
    ("x" * 300, "has 300 characters", "x" * 80),
    ("wanda\u0301", OTHER, "wanda"),
]


@pytest.mark.parametrize(("slug", "fault", "better"), BAD)
def test_bad_name(checker: Checker, slug: str, fault: str, better: str) -> None:
    path = f"data/papers/2023/{slug}.yaml"
    fix = f"rename the file to {better}.yaml" if better else "name the file after the short name, in Latin letters"
    shown = repr(slug) if slug.isprintable() else ascii(slug)
    assert checker.messages(files, "", path=path) == [f"{path}:1:1: error[E410]: file name {shown} {fault}. fix: {fix}"]


@pytest.mark.parametrize("slug", ["a", "wanda-2", "2ndmatch", "x" * 80, "context", "con-1"])
def test_good_name(checker: Checker, slug: str) -> None:
    assert checker.messages(files, "", path=f"data/papers/2023/{slug}.yaml") == []


@pytest.mark.parametrize("slug", ["../../etc/passwd", "a/b", "/etc/passwd", "a\\b", "a\0b"])
def test_a_slug_is_never_a_path(slug: str) -> None:
    assert files.slug_fault(slug) == OTHER


def test_wrong_year(checker: Checker) -> None:
    path = "data/papers/2022/x.yaml"
    assert checker.messages(files, "", path=path) == [
        f"{path}:2:8: error[E411]: folder 2022, but the arXiv id is of 2023-05. fix: move the file to papers/2023/"
    ]


def test_wrong_year_without_arxiv_is_reported_at_the_date(checker: Checker) -> None:
    text = checker.entry('url: https://example.org/x\nauthors: [A B]\ndate: "1999"')
    draft = checker.readable_draft(text.replace('arxiv: "2305.10924"\n', ""))
    assert [problem.text() for problem in files.check(draft, checker.context)] == [
        (
            "data/papers/2023/x.yaml:4:7: error[E411]: folder 2023, but first published in 1999. "
            "fix: move the file to papers/1999/"
        )
    ]


@pytest.mark.parametrize("arxiv", ["none", "9999.99999", "[a]"])
def test_without_a_month_no_folder_is_wrong(checker: Checker, arxiv: str) -> None:
    assert checker.messages(files, f"arxiv: {arxiv}") == []


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Diff-Pruning", "diff-pruning"),
        ("Wanda++", "wanda-plus-plus"),
        ("  A  B  ", "a-b"),
        ("剪枝", "jianzhi"),
        ("—", ""),
        ("β-VAE", "beta-vae"),
        ("Δ-DiT", "delta-dit"),
        ("µP and π₀", "mup-and-pi0"),
        ("D³ToM", "d3tom"),
        ("Schrödinger Bridges for Łukasiewicz Pruning", "schrodinger-bridges-for-lukasiewicz-pruning"),
        (r"A $\mu$P for Schr\"odinger", "a-mup-for-schrodinger"),
        ("Søren Ærø straße", "soren-aero-strasse"),
        ("Ελλάδα", "ellada"),
        ("Обрезка", "obrezka"),
        ("x" * 79 + "-yz", "x" * 79),
    ],
)
def test_slug_of(title: str, slug: str) -> None:
    assert files.slug_of(title) == slug


@pytest.mark.parametrize("published", [None, "2023-01-02", "2022-12-30", "2022-11-14", "2023-06-01", "none"])
def test_no_record_moves_an_entry(checker: Checker, published: str | None) -> None:
    """An id of the first days of January belongs to a paper that was submitted in December, or weeks before."""
    record = ArxivRecord(
        id="2301.00124",
        title="T",
        authors=("A B",),
        published=published,
        source="arxiv-api",
        fetched_at="2026-11-22",
    )
    context = replace(checker.context, records={record.id: record})
    for year, codes in (("2023", []), ("2022", ["E411"])):
        draft = checker.readable_draft(checker.entry('arxiv: "2301.00124"'), path=f"data/papers/{year}/x.yaml")
        assert [problem.code for problem in files.check(draft, context)] == codes
