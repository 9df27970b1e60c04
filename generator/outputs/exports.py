"""The catalogue as files for other programs: JSON and CSV. Abstracts are not stored, so not exported."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from generator import escape
from generator.entries.model import Catalogue, Record
from generator.entries.schema import ENTRIES_SCHEMA, LICENCE, SCHEMA_VERSION
from generator.views.site import address_of, authors_of, date_of

CSV_COLUMNS = (
    "kind",
    "slug",
    "title",
    "short",
    "authors",
    "date",
    "venue",
    "family",
    "combines",
    "sparsity",
    "granularity",
    "architectures",
    "models",
    "training",
    "criterion",
    "topics",
    "status",
    "checked",
    "url",
    "code",
    "arxiv",
    "summary",
)


def entries_json(catalogue: Catalogue, schema: str = ENTRIES_SCHEMA) -> str:
    """The whole catalogue; ``schema_version`` is incremented when a field changes its meaning or is removed.

    Args:
        catalogue: what to export.
        schema: address of the schema, absolute or relative to the document.
    """
    document = {
        "$schema": schema,
        "schema_version": SCHEMA_VERSION,
        "licence": LICENCE,
        "papers": [
            {
                "slug": slug,
                **_fields(filed.entry),
                "authors": list(authors_of(filed)),
                "date": date_of(filed),
                "url": address_of(filed),
                "record_source": filed.record.source if filed.record else None,
            }
            for slug, filed in catalogue.papers.items()
        ],
        "tools": [{"slug": slug, **_fields(filed.entry)} for slug, filed in catalogue.tools.items()],
        "articles": [{"slug": slug, **_fields(filed.entry)} for slug, filed in catalogue.articles.items()],
        "models": [{"slug": slug, **_fields(filed.entry)} for slug, filed in catalogue.models.items()],
        "datasets": [{"slug": slug, **_fields(dataset)} for slug, dataset in catalogue.datasets.items()],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def _fields(entry: Record) -> dict[str, Any]:
    return entry.model_dump(mode="json", exclude_defaults=True)


def entries_csv(catalogue: Catalogue) -> str:
    """One row an entry, lists joined by ``; ``, safe to open in a spreadsheet (see ``escape.csv_cell``)."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for slug, filed in catalogue.papers.items():
        known = {"authors": authors_of(filed), "date": date_of(filed), "url": address_of(filed)}
        if filed.entry.arxiv:
            known["arxiv"] = f"arXiv:{filed.entry.arxiv}"  # a bare id is a number to spreadsheets: 2504.10540 loses a 0
        writer.writerow(_row("paper", slug, {**filed.entry.model_dump(), **known}))
    for slug, tool in catalogue.tools.items():
        values = tool.entry.model_dump()
        known = {
            "title": values["name"],
            "date": values["since"],
            "code": values["repo"],
            "family": values["families"],
        }
        writer.writerow(_row("tool", slug, {**values, **known}))
    for slug, article in catalogue.articles.items():
        values = article.entry.model_dump()
        writer.writerow(_row("article", slug, {**values, "family": values["families"]}))
    for slug, model in catalogue.models.items():
        entry = model.entry
        cells = {"title": entry.name, "date": entry.released, "url": entry.weights or entry.paper}
        cells |= {"architectures": entry.architecture, "authors": entry.developer, "summary": entry.summary}
        writer.writerow(_row("model", slug, cells))
    return stream.getvalue()


def _row(kind: str, slug: str, values: dict[str, Any]) -> list[str]:
    cells = []
    for column in CSV_COLUMNS:
        value = {"kind": kind, "slug": slug}.get(column) or values.get(column)
        text = "; ".join(value) if isinstance(value, (tuple, list)) else str(value or "")
        cells.append(escape.csv_cell(text))
    return cells
