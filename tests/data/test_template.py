"""data/TEMPLATE.yaml: a valid entry in which every field is explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from generator.entries.format_yaml import format_entry
from generator.entries.model import Paper, Result
from tests.conftest import Checker

FILE = Path(__file__).parents[2] / "data/TEMPLATE.yaml"
TEXT = FILE.read_text(encoding="utf-8")
PATH = "data/papers/2023/diff-pruning-copy.yaml"
RELATIONS = re.compile(r"unknown (?:paper '(depgraph|taylor-2019|tinyfusion)'|model '(ddpm|ldm|ldm-4|dit-xl-2)')")


def errors(checker: Checker, text: str) -> list[str]:
    return [problem.text() for problem in checker.all_problems(text, "papers", PATH) if problem.severity == "error"]


def test_it_is_valid_but_for_the_other_entries_it_names(checker: Checker, root: Path) -> None:
    messages = errors(checker, TEXT)
    assert [line for line in messages if not RELATIONS.search(line)] == []
    named = [found for line in messages if (found := RELATIONS.search(line))]
    for kind, folder in ((1, "papers"), (2, "models")):
        slugs = {file.stem for file in (root / "data" / folder).rglob("*.yaml")}
        assert {found[kind] for found in named if found[kind]} <= slugs


def test_it_is_canonical() -> None:
    assert format_entry(TEXT.encode(), "papers", PATH).decode() == TEXT


@pytest.mark.parametrize("field", Paper.model_fields)
def test_every_field_of_a_paper_stands_in_it_once(field: str) -> None:
    assert len(re.findall(rf"^(?:#- )?{field}:", TEXT, re.MULTILINE)) == 1


@pytest.mark.parametrize("field", Paper.model_fields)
def test_every_field_has_a_comment_of_its_own(field: str) -> None:
    above = re.split(rf"^(?:#- )?{field}:", TEXT, maxsplit=1, flags=re.MULTILINE)[0].split("\n")[-2]
    assert re.match(r"# \S", above)


@pytest.mark.parametrize("field", Result.model_fields)
def test_every_field_of_a_result_is_explained_once(field: str) -> None:
    assert len(re.findall(rf"^  #   {field}: \S", TEXT, re.MULTILINE)) == 1


@pytest.mark.parametrize(("name", "field"), Paper.model_fields.items(), ids=Paper.model_fields)
def test_required_fields_are_called_required(name: str, field: FieldInfo) -> None:
    above = re.split(rf"^(?:#- )?{name}:", TEXT, maxsplit=1, flags=re.MULTILINE)[0]
    comment = re.search(r"(?:^# .*\n)+\Z", above, re.MULTILINE)
    assert comment is not None
    assert ("# Required." in comment[0]) == field.is_required()


def test_lines_that_are_commented_out_work_when_they_are_taken_in(checker: Checker) -> None:
    """All at once: the optional fields stand in the right order and in the right form."""
    messages = errors(checker, TEXT.replace("\n#- ", "\n"))
    unrelated = [line for line in messages if not re.search(r"\[E51[023]\]", line)]
    assert unrelated == []
