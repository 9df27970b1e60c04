"""The fields that a person fills in, and what to write: for `add`, for `check-entry` and for reviewers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generator.entries.model import Taxonomy
from generator.entries.problem import Problem


@dataclass(frozen=True, slots=True)
class Open:
    """What an entry does not state yet: each field with what to write."""

    required: Mapping[str, str]
    """Without these it is no entry."""
    optional: Mapping[str, str]
    """Known to the catalogue where the source states them."""


def required_fields(kind: str, taxonomy: Taxonomy) -> dict[str, str]:
    """The fields that `add` leaves empty."""
    own = "one to three sentences of your own:"
    if kind == "papers":
        return {
            "family": f"one of {', '.join(taxonomy.families)}",
            "summary": f"{own} what is removed, how it is chosen, what it costs to recover",
            "checked": "paper or abstract, if you compared the entry with it, else secondary",
        }
    if kind == "models":
        return {
            "output": f"one of {', '.join(taxonomy.outputs)}",
            "summary": f"{own} what it is, and what matters for making it cheaper",
            "sources": "the pages that you read for its facts",
        }
    if kind == "tools":
        return {
            "category": f"one of {', '.join(taxonomy.tool_categories)}",
            "summary": f"{own} what it does, and for which models",
        }
    return {
        "title": "as on the page",
        "category": f"one of {', '.join(taxonomy.article_categories)}",
        "summary": f"{own} what a reader learns from it",
    }


def optional_fields(kind: str, taxonomy: Taxonomy) -> dict[str, str]:
    """The fields to add where the source states them, each in the form in which an entry has it."""
    families = f"[{', '.join(taxonomy.families)}]"
    if kind == "papers":
        return {
            "venue": "series and year, such as NeurIPS 2023",
            "code": "the authors' repository itself",
            "sparsity": f"[{', '.join(taxonomy.sparsity)}]",
            "granularity": f"[{', '.join(taxonomy.granularity)}]",
            "models": "[slugs of data/models]",
            "training": " | ".join(taxonomy.training),
            "criterion": "how it selects what to prune, skip or merge, as a short phrase",
            "results": "configurations with all their numbers, as in data/TEMPLATE.yaml",
        }
    if kind == "models":
        return {
            "aliases": "[every other spelling that papers and hubs use]",
            "part_of": "slug of its model line in data/models",
            "architecture": " | ".join(taxonomy.architectures),
            "developer": "company, lab or authors",
            "released": "YYYY-MM-DD of the first public weights",
            "paper": "page of the paper or report",
            "weights": "page of its published weights",
            "licence": "of the weights: SPDX identifier, or the name that the hub gives",
            "parameters": "{denoiser: millions, text_encoders: millions, source: address and place}",
            "resolution": "usual size of the output",
            "steps": "usual number of sampler steps",
            "calls_per_step": "2 with classifier-free guidance, 1 without",
            "diffusers": "[pipeline class, denoiser class]",
        }
    if kind == "tools":
        return {
            "licence": "SPDX identifier, such as Apache-2.0",
            "languages": "[Python]",
            "since": "YYYY-MM of the first release",
            "families": families,
        }
    return {
        "authors": "[names]",
        "publisher": "name of the site",
        "date": "YYYY-MM-DD of publication",
        "families": families,
    }


def open_fields(kind: str, data: Mapping[str, Any], taxonomy: Taxonomy) -> Open:
    """The fields that an entry leaves empty or out.

    Args:
        kind: of the entry.
        data: the entry as it is written, which may be wrong.
        taxonomy: for the allowed words.
    """
    required, optional = required_fields(kind, taxonomy), optional_fields(kind, taxonomy)
    if kind == "models":  # valid without
        optional["sources"] = required["sources"]
        if data.get("sources", required) not in ("", []):
            del required["sources"]
    empty = {field: what for field, what in required.items() if data.get(field) in (None, "", [])}
    absent = {field: what for field, what in optional.items() if field not in data and field not in empty}
    return Open(empty, absent)


def states_open(problem: Problem, left: Open) -> bool:
    """Whether a problem says only that one of these fields is required."""
    said = {f"{field} is required and {how}" for field in left.required for how in ("empty", "missing")}
    return problem.code == "E210" and problem.message in said
