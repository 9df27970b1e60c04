"""What `discover` looks for: what is refused, and that the shipped queries fit arXiv and the taxonomy."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.checks.queries import MAX_QUERY, read_queries
from generator.entries.discovery import Discovery, Query, arxiv_query, finds, pattern_of, words_of
from generator.entries.model import Taxonomy
from generator.entries.problem import Problem

GOOD = """\
days: 10
categories: [cs.CV, eess.IV]
queries:
  pruning:
    text: Pruned diffusion models.
    all:
      - [diffusion, "text-to-image"]
      - [pruning, "lottery ticket"]
score:
  least: 3
  abstract: 0.5
  both: 2
  author: 1
  authors: 3
  model: 1
  near: 4
  subject: {diffusion: 2}
  cost: {prun*: 3}
  other: {robot*: -1}
hints:
  families:
    pruning: [prun*]
  sparsity:
    structured: [structured prun*, "2:4"]
"""


def read(folder: Path, taxonomy: Taxonomy, text: str) -> tuple[Discovery | None, list[str]]:
    (folder / "queries.yaml").write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    found = read_queries(folder, taxonomy, problems)
    return found, [problem.text().removeprefix("data/queries.yaml:") for problem in problems]


def test_a_good_file_is_read(tmp_path: Path, taxonomy: Taxonomy) -> None:
    found, problems = read(tmp_path, taxonomy, GOOD)
    assert problems == []
    assert found is not None
    assert found.score.other == {"robot*": -1}
    assert arxiv_query(found.queries["pruning"], found.categories, ("2026-11-01", "2026-11-08")) == (
        "(cat:cs.CV OR cat:eess.IV)"
        ' AND (ti:diffusion OR abs:diffusion OR ti:"text-to-image" OR abs:"text-to-image")'
        ' AND (ti:pruning OR abs:pruning OR ti:"lottery ticket" OR abs:"lottery ticket")'
        " AND submittedDate:[202611010000 TO 202611082359]"
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[cs.CV,", "[cs CV,", "2:14: error[E540]: 'cs CV' is not a category of arXiv. fix: write one such as cs.LG"),
        ("models.\n", "models\n", "5:11: error[E540]: 'Pruned diffusion models' is not one sentence. fix: write one"),
        (
            "    text: Pruned diffusion models.\n",
            "",
            "5:5: error[E540]: queries.pruning.text: field required. fix: write it as the other items of the file",
        ),
        (
            "[diffusion,",
            '["diffusion) OR (cat:cs",',
            "7:10: error[E540]: 'diffusion) OR (cat:cs' is no word. fix: write",
        ),
        ("[diffusion,", '["***",', "7:10: error[E540]: '***' is no word. fix: write letters and digits; an asterisk"),
        ("{prun*: 3}", "{p*run: 3}", "18:17: error[E540]: 'p*run' is no word. fix: write letters and digits; an"),
        ("{prun*: 3}", "{prun*: x}", "18:17: error[E540]: score.cost.prun*: a decimal number is expected. fix: write"),
        (
            "    pruning: [prun*]",
            "    prunning: [prun*]",
            "22:15: error[E540]: unknown family 'prunning'. fix: did you mean pruning? Allowed: pruning, ",
        ),
        ("days: 10", "day: 10", "1:1: error[E540]: days: field required. fix: write it as the other items of the file"),
    ],
)
def test_bad_files(tmp_path: Path, taxonomy: Taxonomy, old: str, new: str, problem: str) -> None:
    assert old in GOOD
    found, problems = read(tmp_path, taxonomy, GOOD.replace(old, new, 1))
    assert found is None
    assert problems, "nothing was found"
    assert any(one.startswith(problem) for one in problems), problems


def test_a_query_that_is_too_long_for_an_address(tmp_path: Path, taxonomy: Taxonomy) -> None:
    many = ", ".join(f"word{number}" for number in range(120))
    _, problems = read(tmp_path, taxonomy, GOOD.replace("diffusion, ", f"{many}, ", 1))
    (problem,) = problems
    assert "characters in its address. fix: at most 3500: split it" in problem
    assert MAX_QUERY == 3500


def test_no_file_is_no_error_of_the_catalogue(tmp_path: Path, taxonomy: Taxonomy) -> None:
    problems: list[Problem] = []
    assert read_queries(tmp_path, taxonomy, problems) is None
    assert problems == []


def test_the_shipped_queries_are_valid(root: Path, taxonomy: Taxonomy) -> None:
    problems: list[Problem] = []
    found = read_queries(root / "data", taxonomy, problems)
    assert problems == []
    assert found is not None
    assert len(found.queries) >= 4
    assert set(found.hints.families) == set(taxonomy.families) - {"foundations"}


@pytest.mark.parametrize(
    ("word", "text", "matches"),
    [
        ("prun*", "Pruning models", True),
        ("prun*", "a spruning", False),
        ("prune", "pruned", False),
        ("text-to-image", "Text to Image models", True),
        ("text-to-image", "TEXT-TO-IMAGE", True),
        ("2:4", "with 2:4 sparsity", True),
        ("2:4", "12:48", False),
        ("c++", "C and more", True),
    ],
)
def test_words(word: str, text: str, matches: bool) -> None:
    assert bool(pattern_of(word).search(words_of(text))) is matches


def test_a_query_finds_one_word_of_each_group_in_title_or_abstract() -> None:
    query = Query(text="T.", all=(("diffusion", "denoising"), ("pruning",)))
    assert finds(query, "Pruning Networks", "for diffusion")
    assert finds(query, "Pruning for Denoising")
    assert not finds(query, "Pruning Networks", "for classification")
