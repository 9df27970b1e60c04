"""The shipped catalogue is a test suite of its own: one test for each file."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from generator.arxiv import records as arxiv_records
from generator.checks.draft import Context, Draft
from generator.checks.drafts import entry_files
from generator.checks.validate import check_entry, validate
from generator.entries.format_yaml import format_entry
from generator.entries.load_yaml import load, read
from generator.entries.model import KINDS, Taxonomy
from generator.entries.schema import SINGULAR, entry_schema, schema_files

DATA = Path(__file__).parents[2] / "data"
ENTRIES = {file.relative_to(DATA).as_posix(): kind for kind, file in entry_files(DATA)}
RECORDS = sorted(file.relative_to(DATA).as_posix() for file in (DATA / "arxiv").rglob("*.json"))
LEAST = {"papers": 645, "tools": 119, "articles": 70}


@cache
def outcome():
    return validate(DATA)


@cache
def context() -> Context:
    document, _ = read(DATA / "taxonomy.yaml", "data/taxonomy.yaml")
    records, _ = arxiv_records.read_all(DATA / "arxiv")
    return Context(Taxonomy.model_validate(document.data), document, records)


@cache
def validator(kind: str) -> jsonschema.Draft202012Validator:
    schema = entry_schema(kind, context().taxonomy)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize(("path", "kind"), ENTRIES.items(), ids=ENTRIES)
def test_entry(path, kind):
    raw = (DATA / path).read_bytes()
    document, problems = load(raw, f"data/{path}")
    draft = Draft(kind, Path(path).stem, document)
    problems = [*problems, *check_entry(draft, context())]
    assert [problem.text() for problem in problems if problem.severity == "error"] == []
    assert format_entry(raw, kind, f"data/{path}") == raw
    first = raw.decode().split("\n", 1)[0]
    depth = "../../" if kind == "papers" else "../"
    assert first == f"# yaml-language-server: $schema={depth}schema/{SINGULAR[kind]}.schema.json"
    typed = KINDS[kind].model_validate(document.data).model_dump(mode="json", exclude_unset=True)
    assert [error.message for error in validator(kind).iter_errors(typed)] == []


def test_the_whole_catalogue_has_no_errors():
    assert [problem.text() for problem in outcome().problems if problem.severity == "error"] == []


@pytest.mark.parametrize(("kind", "least"), LEAST.items())
def test_nothing_got_lost(kind, least):
    assert len(getattr(outcome().catalogue, kind)) >= least
    assert len(getattr(outcome().catalogue, kind)) == list(ENTRIES.values()).count(kind)


def test_the_catalogue_is_in_the_order_of_the_slugs():
    for kind in KINDS:
        slugs = list(getattr(outcome().catalogue, kind))
        assert slugs == sorted(slugs)


def test_every_summary_is_there_once():
    summaries = [filed.entry.summary for kind in KINDS for filed in getattr(outcome().catalogue, kind).values()]
    assert len(summaries) == len(set(summaries))


@pytest.mark.parametrize("name", Taxonomy.model_fields)
def test_terms_are_described(name):
    terms = context().taxonomy.vocabulary(name)
    assert terms
    assert [word for word, term in terms.items() if not term.name.strip() or len(term.text) < 15] == []
    assert [word for word, term in terms.items() if name != "venues" and not term.text.endswith(".")] == []
    assert len({term.name for term in terms.values()}) == len(terms)


@pytest.mark.parametrize("path", RECORDS)
def test_record(path):
    record = arxiv_records.ArxivRecord.model_validate(json.loads((DATA / path).read_bytes()))
    assert arxiv_records.record_path(DATA / "arxiv", record.id) == DATA / path
    assert arxiv_records.read(DATA / "arxiv", record.id) == record
    assert record.authors


def test_schemas_refuse_what_the_models_refuse():
    valid = {"title": "A", "arxiv": "2305.10924", "family": "pruning", "summary": "S.", "checked": "abstract"}
    valid["added"] = "2026-11-22"
    assert validator("papers").is_valid(valid)
    for change in ({"family": "prunning"}, {"titel": "A"}, {"topics": "depth"}, {"topics": ["depth", "depth"]}):
        assert not validator("papers").is_valid(valid | change)
    assert not validator("papers").is_valid({key: value for key, value in valid.items() if key != "arxiv"})


def test_schema_files_are_json():
    for name, text in schema_files(context().taxonomy).items():
        assert json.loads(text)["$schema"].endswith("2020-12/schema"), name
        assert text.endswith("}\n")
