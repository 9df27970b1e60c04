"""JSON Schemas for editors and for the exports, generated from the models and the vocabularies."""

from __future__ import annotations

import json
from typing import Any

from generator.model import KINDS, VOCABULARIES, Taxonomy

SINGULAR = {"papers": "paper", "tools": "tool", "articles": "article"}
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def entry_schema(kind: str, taxonomy: Taxonomy) -> dict[str, Any]:
    """The schema of one kind of entry, with the terms of the vocabularies as choices.

    Raises:
        KeyError: ``kind`` is not papers, tools or articles.
    """
    schema = KINDS[kind].model_json_schema()
    for key, vocabulary in VOCABULARIES[kind].items():
        _choices(schema["properties"][key], taxonomy, vocabulary)
    if kind == "papers":
        _choices(schema["$defs"]["Result"]["properties"]["metric"], taxonomy, "metrics")
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


def schema_files(taxonomy: Taxonomy) -> dict[str, str]:
    """Content of every file under data/schema/, by name."""
    return {
        f"{name}.schema.json": json.dumps(
            entry_schema(kind, taxonomy), indent=1, sort_keys=True, ensure_ascii=False
        )
        + "\n"
        for kind, name in SINGULAR.items()
    }
