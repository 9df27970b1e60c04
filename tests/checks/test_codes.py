"""Every published code: its bad example yields exactly that code, its good twin nothing."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from generator.checks import CATALOGUE_CHECKS, ENTRY_CHECKS
from generator.entries.problem import Code
from generator.pages.reference import EXAMPLES, GROUPS, all_codes
from tests.conftest import Checker

CODES = all_codes()
WITH_EXAMPLE = [code for code in CODES if code.bad]
TESTS = Path(__file__).parents[1]
OF_ARXIV = r"E60[123789]"  # reported by the commands that talk to arXiv, and tested in tests/arxiv


def test_codes_are_unique_and_of_one_form() -> None:
    counted = Counter(code.code for code in CODES)
    assert {code: times for code, times in counted.items() if times > 1} == {}
    assert [code for code in counted if not re.fullmatch(r"E[1-6]\d\d", code)] == []


def test_every_code_has_a_group_on_the_page_contribute() -> None:
    assert [code.code for code in CODES if code.code[:2] not in GROUPS] == []
    assert [start for start in GROUPS if not any(code.code.startswith(start) for code in CODES)] == []


def test_the_examples_at_the_top_of_contribute_fit_on_one_line() -> None:
    fragments = {code.code: (code.bad, code.good) for code in WITH_EXAMPLE}
    assert [name for name in EXAMPLES if any("\n" in text for text in fragments[name])] == []


def test_every_rule_is_one_sentence() -> None:
    assert [code.code for code in CODES if not re.fullmatch(r"\S.+[.?]", code.summary)] == []


def test_no_code_of_any_module_is_unpublished(root: Path) -> None:
    published = {code.code for code in CODES}
    for file in (root / "generator").rglob("*.py"):
        if re.search(r"^CODES\b", file.read_text(encoding="utf-8"), re.MULTILINE):
            module = import_module(".".join(file.relative_to(root).with_suffix("").parts))
            assert {code.code for code in module.CODES} <= published, file.name


@pytest.mark.parametrize("code", WITH_EXAMPLE, ids=lambda code: code.code)
def test_bad_example_yields_exactly_its_code(checker: Checker, code: Code) -> None:
    problems = checker.all_problems(checker.entry(code.bad, code.kind), code.kind)
    assert {(problem.code, problem.severity) for problem in problems} == {(code.code, code.severity)}


@pytest.mark.parametrize("code", WITH_EXAMPLE, ids=lambda code: code.code)
def test_good_twin_yields_nothing(checker: Checker, code: Code) -> None:
    assert code.good
    assert [problem.text() for problem in checker.all_problems(checker.entry(code.good, code.kind), code.kind)] == []


@pytest.mark.parametrize("kind", ["papers", "tools", "articles", "models"])
def test_the_entry_that_fragments_are_laid_over_is_valid(checker: Checker, kind: str) -> None:
    assert checker.all_problems(checker.entry(kind=kind), kind) == []


def text_of_tests(folder: Path) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in folder.rglob("test_*.py"))


def test_some_test_has_the_exact_message_of_every_code() -> None:
    """Codes without a bad example are tested nowhere else, so nobody may forget them."""
    text = text_of_tests(TESTS)
    others = [code for code in CODES if not re.fullmatch(OF_ARXIV, code.code)]
    assert [code.code for code in others if f"{code.severity}[{code.code}]: " not in text] == []


def test_arxiv_codes_have_tests_of_their_own() -> None:
    text = text_of_tests(TESTS / "arxiv")
    assert [code.code for code in CODES if re.fullmatch(OF_ARXIV, code.code) and code.code not in text] == []


@pytest.mark.parametrize("name", [*ENTRY_CHECKS, *CATALOGUE_CHECKS])
def test_every_check_has_a_test_file_of_its_name(name: str) -> None:
    assert (TESTS / "checks" / f"test_{name}.py").exists()


def test_every_code_shows_what_is_wrong_and_what_is_right() -> None:
    for code in CODES:
        assert bool(code.bad) == bool(code.good), code.code
        assert bool(code.wrong) == bool(code.right), code.code
        assert bool(code.bad) != bool(code.wrong), f"{code.code} needs an example, as a fragment or in words"
