"""Which papers arXiv says are withdrawn, and which only speak of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.arxiv.enrich import enrich
from generator.arxiv.fetch import Arxiv
from generator.arxiv.withdrawn import said_withdrawn
from tests.arxiv.fake_arxiv import TODAY, Server, entry

ID = "2401.00010"
WITHDRAWN = [
    "This submission has been removed by arXiv administrators because of overlap with another",
    "This submission has been withdrawn by arXiv administrators due to inappropriate text overlap",
    "The authors retract this paper",
    "The authors have decided to withdraw this paper",
    "We have withdrawn this paper",
    "Withdrawal: superseded by 2401.00001",
    "Withdrawn",
    "withdrawn due to an error in Lemma 2",
    "Retracted.",
    "Paper withdrawn by the author",
    "Submission withdrawn",
    "The paper is temporarily withdrawn",
    "12 pages. Withdrawn due to an error in Theorem 2",
    "This article has been retracted",
]
NOT = [
    "",
    "NeurIPS 2023",
    "Withdrawn from ICLR 2024",
    "The submission was withdrawn from NeurIPS",
    "Code removed; 10 pages",
    "Accepted; we removed the appendix",
    "Noise removed by our method",
    "A study of withdrawn drugs",
]


@pytest.mark.parametrize("comment", WITHDRAWN)
def test_a_comment_that_says_so(comment: str) -> None:
    assert said_withdrawn("Prune Well", comment, "We prune.") == comment


@pytest.mark.parametrize("comment", NOT)
def test_a_comment_that_does_not(comment: str) -> None:
    assert said_withdrawn("Withdrawn Users and their Withdrawal", comment, "We prune. Users were withdrawn.") is None


@pytest.mark.parametrize("title", ["[Withdrawn] Prune Well", "WITHDRAWN: Prune Well", "Prune Well (retracted)"])
def test_a_title_that_says_so(title: str) -> None:
    assert said_withdrawn(title, "", "We prune.") == title


def test_an_abstract_that_was_replaced(tmp_path: Path, server: Server, client: Arxiv) -> None:
    said = "This paper has been withdrawn by the author due to an error in Lemma 2."
    server.papers[ID] = entry(ID, summary=said)
    report = enrich(tmp_path, [ID], fetch=client.fetch, today=TODAY)
    assert [problem.message for problem in report.problems] == [f"arXiv says that {ID} is withdrawn: {said!r}"]


def test_an_abstract_that_only_speaks_of_it(tmp_path: Path, server: Server, client: Arxiv) -> None:
    server.papers[ID] = entry(
        ID, title="Withdrawn Papers", summary="We study papers. This paper has been withdrawn by its authors, it says."
    )
    assert enrich(tmp_path, [ID], fetch=client.fetch, today=TODAY).problems == ()
