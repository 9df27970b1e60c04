"""JSON Schemas for editors and for the exports, generated from the models and the vocabularies."""

from __future__ import annotations

import json
from typing import Any, get_args

from generator.entries.model import KINDS, SLUG, VOCABULARIES, ArxivRecord, Dataset, Taxonomy

SINGULAR = {"papers": "paper", "tools": "tool", "articles": "article", "models": "model"}
DRAFT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_VERSION = 2
"""Of the export: incremented when a field changes its meaning or is removed."""
LICENCE = "CC0-1.0"
LICENCE_ADDRESS = "https://creativecommons.org/publicdomain/zero/1.0/"
ENTRIES_SCHEMA = "entries.schema.json"


def entry_schema(kind: str, taxonomy: Taxonomy) -> dict[str, Any]:
    """The schema of one kind of entry, with the terms of the vocabularies as choices.

    Raises:
        KeyError: ``kind`` is not papers, tools, articles or models.
    """
    schema = KINDS[kind].model_json_schema()
    for key, vocabulary in VOCABULARIES[kind].items():
        _choices(schema["properties"][key], taxonomy, vocabulary)
    if kind == "papers":
        result = schema["$defs"]["Result"]["properties"]
        for key in ("before", "after"):
            result[key]["propertyNames"] = {"enum": sorted(taxonomy.metrics)}
        for key in ("model", "dataset"):
            several = {word: result[key].pop(word) for word in ("type", "items")}
            result[key]["anyOf"] = [several["items"], {**several, "minItems": 1}]
        schema["anyOf"] = [{"required": ["arxiv"]}, {"required": ["url", "authors", "date"]}]
    return {"$schema": DRAFT, **schema}


def _choices(field: dict[str, Any], taxonomy: Taxonomy, vocabulary: str) -> None:
    choices = sorted(taxonomy.vocabulary(vocabulary))
    if field.get("type") == "array":
        field["items"] = {"enum": choices}
        field["uniqueItems"] = True
    elif "anyOf" in field:
        field["anyOf"] = [{"enum": choices}, {"type": "null"}]
    else:
        field.pop("minLength", None)
        field["enum"] = choices


def entries_schema(taxonomy: Taxonomy) -> dict[str, Any]:
    """The schema of ``entries.json``: the entries as they are written, with what the export adds to them."""
    kinds = {kind: entry_schema(kind, taxonomy) for kind in KINDS}
    definitions: dict[str, Any] = {}
    for kind, schema in kinds.items():
        for key in ("$schema", "anyOf"):
            schema.pop(key, None)
        definitions.update(schema.pop("$defs", {}))
        schema["properties"]["slug"] = {
            "description": f"Name of the entry: its file, and its page at `{kind}/<slug>/`.",
            "pattern": f"^{SLUG.pattern}$",
            "type": "string",
        }
        schema["required"] = ["slug", *schema["required"]]
        definitions[SINGULAR[kind]] = schema
    paper = definitions["paper"]
    text = {"minLength": 1, "type": "string"}
    paper["properties"] |= {
        "authors": {"description": "Authors in order; empty where unknown.", "items": text, "type": "array"},
        "date": {
            "description": "YYYY, YYYY-MM or YYYY-MM-DD of the first version, as exact as known.",
            "pattern": r"^\d{4}(-\d{2}(-\d{2})?)?$",
            "type": "string",
        },
        "url": {"description": "Page of the paper.", "format": "uri", "type": "string"},
        "record_source": {
            "description": "Where authors and date come from; null if the entry itself gives them.",
            "enum": [*get_args(ArxivRecord.model_fields["source"].annotation), None],
        },
    }
    paper["required"] += ["authors", "date", "url", "record_source"]
    definitions["dataset"] = _dataset_schema()
    head = {
        "$schema": {"description": "Address of this schema.", "format": "uri-reference", "type": "string"},
        "schema_version": {
            "const": SCHEMA_VERSION,
            "description": "Incremented when a field changes its meaning or is removed; terms and fields may be added.",
        },
        "licence": {"const": LICENCE},
    }
    lists = {
        kind: {"items": {"$ref": f"#/$defs/{name}"}, "type": "array", "uniqueItems": True}
        for kind, name in (*SINGULAR.items(), ("datasets", "dataset"))
    }
    return {
        "$schema": DRAFT,
        "$defs": definitions,
        "additionalProperties": False,
        "description": "The whole catalogue. A field that an entry does not have is present with its default.",
        "properties": head | lists,
        "required": [*head, *lists],
        "title": "Entries",
        "type": "object",
    }


def _dataset_schema() -> dict[str, Any]:
    schema = Dataset.model_json_schema()
    schema["properties"]["slug"] = {
        "description": "Name of the data set in `data/datasets.yaml`.",
        "pattern": f"^{SLUG.pattern}$",
        "type": "string",
    }
    schema["required"] = ["slug", *schema["required"]]
    return schema


def schema_files(taxonomy: Taxonomy) -> dict[str, str]:
    """Content of every file under data/schema/, by name."""
    schemas = {f"{name}.schema.json": entry_schema(kind, taxonomy) for kind, name in SINGULAR.items()}
    schemas[ENTRIES_SCHEMA] = entries_schema(taxonomy)
    return {
        name: json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }
