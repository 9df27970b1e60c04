"""``entries.json`` by its JSON Schema: every shipped and every hostile entry fits it, and what is wrong does not."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from generator.entries.model import KINDS
from generator.entries.schema import entries_schema
from generator.outputs.exports import entries_json
from generator.pages.downloads import download_files
from generator.views.site import Site

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def schema(shipped_site: Site) -> dict[str, Any]:
    return entries_schema(shipped_site.catalogue.taxonomy)


def document_of(site: Site) -> dict[str, Any]:
    document = json.loads(download_files(site)["data/entries.json"])
    assert isinstance(document, dict)
    return document


def faults(schema: dict[str, Any], document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)]


def test_the_schema_is_one_and_is_committed_and_published(shipped_site: Site, schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    committed = (ROOT / "data/schema/entries.schema.json").read_bytes()
    assert json.loads(committed) == schema
    assert download_files(shipped_site)["data/entries.schema.json"] == committed


def test_every_shipped_entry_is_as_the_schema_says(shipped_site: Site, schema: dict[str, Any]) -> None:
    assert faults(schema, document_of(shipped_site)) == []


def test_hostile_entries_are_as_the_schema_says(schema: dict[str, Any], hostile_site: Site) -> None:
    document = document_of(hostile_site)
    assert sum(one["slug"].startswith("hostile") for kind in (*KINDS, "datasets") for one in document[kind]) == 6
    assert faults(schema, document) == []


def test_the_document_names_its_schema(shipped_site: Site) -> None:
    assert document_of(shipped_site)["$schema"] == f"{shipped_site.config.site_url}data/entries.schema.json"
    assert json.loads(entries_json(shipped_site.catalogue))["$schema"] == "entries.schema.json"


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        (("schema_version",), 1),
        (("schema_version",), None),
        (("papers", 0, "slug"), None),
        (("papers", 0, "slug"), "Über"),
        (("papers", 0, "title"), None),
        (("papers", 0, "title"), 1),
        (("papers", 0, "family"), "prunning"),
        (("papers", 0, "date"), "May 2023"),
        (("papers", 0, "authors"), "A and B"),
        (("papers", 0, "record_source"), "hearsay"),
        (("papers", 0, "colour"), "red"),
        (("tools", 0, "category"), "hammer"),
        (("articles", 0, "added"), None),
        (("models", 0, "slug"), "Über"),
        (("models", 0, "output"), "smell"),
        (("models", 0, "architecture"), "perceptron"),
        (("models", 0, "parameters"), 5),
        (("models", 0, "parameters"), {"denoiser": "many"}),
        (("models", 0, "steps"), "fifty"),
        (("models",), None),
        (("datasets", 0, "slug"), None),
        (("datasets", 0, "kind"), "smells"),
        (("datasets", 0, "colour"), "red"),
        (("datasets",), None),
        (("colours",), []),
    ],
)
def test_the_schema_refuses(shipped_site: Site, schema: dict[str, Any], steps: tuple[Any, ...], value: Any) -> None:
    document = deepcopy(
        {key: one[:1] if isinstance(one, list) else one for key, one in document_of(shipped_site).items()}
    )
    assert faults(schema, document) == []
    part: Any = document
    for step in steps[:-1]:
        part = part[step]
    if value is None:
        del part[steps[-1]]
    else:
        part[steps[-1]] = value
    assert faults(schema, document)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("after", "3.4"),
        ("after", {}),
        ("after", {"beauty": 3}),
        ("after", {"fid": "3.4"}),
        ("after", {"fid": "nearly 3.4"}),
        ("before", {"beauty": 3}),
        ("model", []),
        ("metric", "fid"),
        ("mood", "good"),
    ],
)
def test_the_schema_refuses_in_a_result(shipped_site: Site, schema: dict[str, Any], key: str, value: Any) -> None:
    document = document_of(shipped_site)
    paper = next(paper for paper in document["papers"] if paper.get("results"))
    small: dict[str, Any] = {**document, "papers": [paper], "tools": [], "articles": [], "models": []}
    assert faults(schema, small) == []
    paper["results"][0]["after"] = {"fid": "about 3.4"}
    assert faults(schema, small) == []
    paper["results"][0][key] = value
    assert faults(schema, small)
