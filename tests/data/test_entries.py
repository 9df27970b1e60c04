"""The shipped catalogue: each test is one claim about every file, and lists the files that break it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from generator.arxiv import records as arxiv_records
from generator.checks.drafts import entry_files
from generator.checks.validate import Outcome
from generator.entries.format_yaml import format_entry
from generator.entries.load_yaml import load
from generator.entries.model import KINDS, Catalogue, Taxonomy
from generator.entries.schema import SINGULAR, entry_schema, schema_files

DATA = Path(__file__).parents[2] / "data"
ENTRIES = {file.relative_to(DATA).as_posix(): kind for kind, file in entry_files(DATA)}
LEAST = {"papers": 887, "tools": 161, "articles": 75, "models": 278}

Validator = Callable[[str], jsonschema.Draft202012Validator]


@pytest.fixture(scope="module")
def validator(taxonomy: Taxonomy) -> Validator:
    """The schema of a kind, ready to judge."""

    @cache
    def of(kind: str) -> jsonschema.Draft202012Validator:
        schema = entry_schema(kind, taxonomy)
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    return of


def test_no_file_has_an_error(outcome: Outcome) -> None:
    assert [problem.text() for problem in outcome.problems if problem.severity == "error"] == []


def test_every_entry_is_in_the_canonical_form() -> None:
    assert [
        path
        for path, kind in ENTRIES.items()
        if format_entry(raw := (DATA / path).read_bytes(), kind, f"data/{path}") != raw
    ] == []


def test_every_entry_names_its_schema_in_the_first_line() -> None:
    wanted = {
        path: f"# yaml-language-server: $schema={'../../' if kind == 'papers' else '../'}schema/{SINGULAR[kind]}"
        for path, kind in ENTRIES.items()
    }
    assert [
        path
        for path, line in wanted.items()
        if (DATA / path).read_text("utf-8").split("\n", 1)[0] != f"{line}.schema.json"
    ] == []


def test_every_entry_is_as_its_schema_says(validator: Validator) -> None:
    faults = []
    for path, kind in ENTRIES.items():
        document, _ = load((DATA / path).read_bytes(), f"data/{path}")
        assert document is not None, path
        typed = KINDS[kind].model_validate(document.data).model_dump(mode="json", exclude_unset=True)
        faults += [f"{path}: {error.message}" for error in validator(kind).iter_errors(typed)]
    assert faults == []


@pytest.mark.parametrize(("kind", "least"), LEAST.items())
def test_nothing_got_lost(kind: str, least: int, shipped: Catalogue) -> None:
    assert len(getattr(shipped, kind)) >= least
    assert len(getattr(shipped, kind)) == list(ENTRIES.values()).count(kind)


def test_the_catalogue_is_in_the_order_of_the_slugs(shipped: Catalogue) -> None:
    for kind in KINDS:
        slugs = list(getattr(shipped, kind))
        assert slugs == sorted(slugs)


def test_every_summary_is_there_once(shipped: Catalogue) -> None:
    summaries = [filed.entry.summary for kind in KINDS for filed in getattr(shipped, kind).values()]
    assert len(summaries) == len(set(summaries))


@pytest.mark.parametrize("name", Taxonomy.model_fields)
def test_terms_are_described(name: str, taxonomy: Taxonomy) -> None:
    terms = taxonomy.vocabulary(name)
    assert terms
    assert [word for word, term in terms.items() if not term.name.strip() or len(term.text) < 15] == []
    assert [word for word, term in terms.items() if name != "venues" and not term.text.endswith(".")] == []
    assert len({term.name for term in terms.values()}) == len(terms)


def test_every_record_is_readable_where_its_id_is_looked_for() -> None:
    root = DATA / "arxiv"
    files = sorted(root.rglob("*.json"))
    records, problems = arxiv_records.read_all(root)
    assert [problem.text() for problem in problems] == []
    assert sorted(arxiv_records.record_path(root, arxiv_id) for arxiv_id in records) == files
    assert files
    assert [arxiv_id for arxiv_id, record in records.items() if not record.authors] == []


def test_schemas_refuse_what_the_models_refuse(validator: Validator) -> None:
    valid = {"title": "A", "arxiv": "2305.10924", "family": "pruning", "summary": "S.", "checked": "abstract"}
    valid["added"] = "2026-11-22"
    assert validator("papers").is_valid(valid)
    for change in ({"family": "prunning"}, {"titel": "A"}, {"topics": "depth"}, {"topics": ["depth", "depth"]}):
        assert not validator("papers").is_valid(valid | change)
    assert not validator("papers").is_valid({key: value for key, value in valid.items() if key != "arxiv"})


def test_schema_files_are_json(taxonomy: Taxonomy) -> None:
    for name, text in schema_files(taxonomy).items():
        assert json.loads(text)["$schema"].endswith("2020-12/schema"), name
        assert text.endswith("}\n")
