"""Every published code: its bad example yields exactly that code, its good twin nothing."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from generator import arxiv_cache, fetch_arxiv, load_yaml, validate
from generator.checks import CATALOGUE_CHECKS, ENTRY_CHECKS

MODULES = (load_yaml, validate, arxiv_cache, fetch_arxiv, *ENTRY_CHECKS.values(), *CATALOGUE_CHECKS.values())
CODES = [code for module in MODULES for code in module.CODES]
TESTS = Path(__file__).parents[1]


def test_codes_are_unique_and_of_one_form():
    counted = Counter(code.code for code in CODES)
    assert {code: times for code, times in counted.items() if times > 1} == {}
    assert [code for code in counted if not re.fullmatch(r"E[1-6]\d\d", code)] == []


def test_every_rule_is_one_full_sentence():
    assert [code.code for code in CODES if not re.fullmatch(r"[A-Z].*\.", code.summary)] == []


@pytest.mark.parametrize("code", [code for code in CODES if code.bad], ids=lambda code: code.code)
def test_bad_example_yields_exactly_its_code(bench, code):
    problems = bench.all_problems(bench.entry(code.bad))
    assert {(problem.code, problem.severity) for problem in problems} == {(code.code, code.severity)}


@pytest.mark.parametrize("code", [code for code in CODES if code.bad], ids=lambda code: code.code)
def test_good_twin_yields_nothing(bench, code):
    assert code.good
    assert [problem.text() for problem in bench.all_problems(bench.entry(code.good))] == []


@pytest.mark.parametrize("kind", ["papers", "tools", "articles"])
def test_the_valid_entry_is_valid(bench, kind):
    assert bench.all_problems(bench.entry(kind=kind), kind) == []


def test_every_code_stands_in_an_exact_message_of_some_test():
    """Codes without a bad example have only such a test, so nobody may forget it."""
    told = "\n".join(file.read_text(encoding="utf-8") for file in sorted(TESTS.rglob("test_*.py")))
    published = {code.code for module in MODULES if module is not fetch_arxiv for code in module.CODES}
    assert {code for code in published if not re.search(rf"(error|note)\[{code}\]: .+\. fix: ", told)} == set()


def test_every_check_has_a_test_file_of_its_name():
    checks = {*ENTRY_CHECKS, *CATALOGUE_CHECKS}
    assert {name for name in checks if not (TESTS / "checks" / f"test_{name}.py").exists()} == set()
