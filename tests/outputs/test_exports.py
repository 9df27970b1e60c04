"""The files for other programs hold exactly the values of the catalogue, and so do the committed ones."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import LatexDecodingMiddleware
from jsonschema import Draft202012Validator

from generator import escape
from generator.assemble.committed import committed_files
from generator.entries.model import KINDS, ArxivRecord, Catalogue, Dataset, Filed, Paper
from generator.entries.plain_text import plain as folded
from generator.entries.schema import SCHEMA_VERSION
from generator.outputs.citations import bibtex, bibtex_file
from generator.outputs.exports import CSV_COLUMNS, entries_csv, entries_json
from generator.views.site import Site, address_of, authors_of, date_of

ROOT = Path(__file__).resolve().parents[2]
KNOWN = ("authors", "date", "url")
"""Fields of a paper that the exports complete with what arXiv knows."""
FORMULA = re.compile(r"[\s\xa0]*[=+\-@]|[\t\r\n]")


def kinds(catalogue: Catalogue) -> dict[str, Any]:
    return {kind: getattr(catalogue, kind) for kind in KINDS}


# JSON


def test_json_holds_every_entry_whole(shipped: Catalogue) -> None:
    document = json.loads(entries_json(shipped))
    assert document["schema_version"] == SCHEMA_VERSION == 2
    assert document["licence"] == "CC0-1.0"
    for kind, entries in kinds(shipped).items():
        assert [one["slug"] for one in document[kind]] == sorted(entries)
        for one in document[kind]:
            filed = entries[one["slug"]]
            model = KINDS[kind]
            kept = {key: value for key, value in one.items() if key in model.model_fields}
            if kind == "papers":
                assert kept["authors"] == list(authors_of(filed))
                assert kept["date"] == date_of(filed)
                assert kept["url"] == address_of(filed)
                kept |= {key: getattr(filed.entry, key) for key in KNOWN}
            assert model.model_validate(kept) == filed.entry


def test_json_holds_every_data_set_whole(shipped: Catalogue) -> None:
    datasets = json.loads(entries_json(shipped))["datasets"]
    found = {one.pop("slug"): Dataset.model_validate(one) for one in datasets}
    assert found == shipped.datasets


def test_json_holds_the_numbers_as_they_are_written(shipped: Catalogue) -> None:
    given = [
        {
            "model": ["sdxl", "dit-xl-2"],
            "dataset": ["imagenet-256"],
            "setting": "S",
            "where": "Table 1",
            "before": {"fid": 2.27},
            "after": {"fid": 2.5, "speed-up": "up to 2"},
        }
    ]
    filed = paper(results=given)
    document = json.loads(entries_json(replace(shipped, papers={filed.slug: filed})))
    assert document["papers"][0]["results"] == given


# CSV


def test_csv_reads_back(shipped: Catalogue) -> None:
    rows = list(csv.reader(io.StringIO(entries_csv(shipped), newline="")))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert {len(row) for row in rows} == {len(CSV_COLUMNS)}
    assert not [cell for row in rows for cell in row if FORMULA.match(cell)]
    read = [dict(zip(CSV_COLUMNS, map(escape.csv_value, row), strict=True)) for row in rows[1:]]
    assert len(read) == sum(map(len, kinds(shipped).values()))
    for row in read:
        filed = kinds(shipped)[f"{row['kind']}s"][row["slug"]]
        entry = filed.entry
        assert row["title"] == (entry.name if row["kind"] in ("tool", "model") else entry.title)
        assert row["summary"] == entry.summary
        assert row["status"] == getattr(entry, "status", "")
        if row["kind"] == "model":
            assert row["date"] == (entry.released or "")
            assert row["architectures"] == (entry.architecture or "")
            assert row["authors"] == (entry.developer or "")
            assert row["url"] == (entry.weights or entry.paper or "")
        if row["kind"] == "paper":
            assert row["authors"] == "; ".join(authors_of(filed))
            assert row["url"] == address_of(filed)
            assert row["date"] == date_of(filed)
            assert row["arxiv"].removeprefix("arXiv:") == (entry.arxiv or "")
            for key in ("short", "venue", "training", "criterion", "code"):
                assert row[key] == (getattr(entry, key) or ""), key
            for key in ("combines", "sparsity", "granularity", "architectures", "models", "topics"):
                assert row[key] == "; ".join(getattr(entry, key)), key


READ_AS_NOTHING = {"NA", "N/A", "n/a", "NaN", "nan", "-nan", "-NaN", "NULL", "null", "None", "<NA>", "#N/A", "#NA"}
"""Texts that pandas takes for an empty cell."""


def test_spreadsheets_and_pandas_take_every_cell_for_text(shipped: Catalogue) -> None:
    rows = list(csv.DictReader(io.StringIO(entries_csv(shipped), newline="")))
    for row in rows:
        for name, cell in row.items():
            assert cell not in READ_AS_NOTHING, (row["slug"], name)
            # A year alone is the same as a number and as text.
            assert name == "date" or not re.fullmatch(r"[+-]?[\d,]*\.?\d+(e[+-]?\d+)?", cell, re.IGNORECASE), row[
                "slug"
            ]
    ids = {row["arxiv"] for row in rows if row["arxiv"]}
    assert len(ids) == sum(bool(filed.entry.arxiv) for filed in shipped.papers.values())
    assert all(text.startswith("arXiv:") for text in ids)


def test_no_hostile_cell_starts_a_formula(hostile_site: Site) -> None:
    rows = list(csv.reader(io.StringIO(entries_csv(hostile_site.catalogue), newline="")))
    assert [cell for row in rows for cell in row if FORMULA.match(cell)] == []


# BibTeX


def test_bibtex_reads_back(shipped: Catalogue) -> None:
    text = bibtex_file(shipped.papers.values())
    library = parse_string(text, append_middleware=[LatexDecodingMiddleware()])
    assert not library.failed_blocks
    assert [entry.key for entry in library.entries] == list(shipped.papers)
    for entry in library.entries:
        filed = shipped.papers[entry.key]
        fields = {key: field.value for key, field in entry.fields_dict.items()}
        assert folded(plain(fields["title"]).replace("^", "")) == folded(filed.entry.title)
        assert fields["url"] == address_of(filed)
        assert fields.get("eprint") == filed.entry.arxiv
        assert re.fullmatch(r"(19|20)\d\d", fields["year"])
        assert authors_of(filed) or "author" not in fields
        if authors_of(filed):
            assert [plain(name) for name in re.split(r" and (?![^{]*\})", fields["author"])] == [
                plain(name) for name in authors_of(filed)
            ]


def plain(value: str) -> str:
    """Text without the braces and the look-alikes that LaTeX sets for hyphens, quotes and a lone circumflex."""
    for sign, written in (("\u02c6", "^"), ("\u2013", "--"), ("\u2019", "'"), ("\u2018", "`")):
        value = value.replace(sign, written)
    return re.sub(r"[{}]", "", value)


def paper(**fields: Any) -> Filed[Paper]:
    given = {
        "title": "T",
        "family": "pruning",
        "summary": "S.",
        "checked": "abstract",
        "added": "2026-11-22",
        "arxiv": "2305.10924",
        **fields,
    }
    record = ArxivRecord(id="2305.10924", title="T", authors=("A B",), source="mirror", fetched_at="2026-11-22")
    return Filed("x", "data/papers/2023/x.yaml", Paper.model_validate(given), record)


@pytest.mark.parametrize(
    ("fields", "kind", "place"),
    [
        ({}, "misc", ""),
        ({"venue": "ICML 2024"}, "inproceedings", "booktitle     = {ICML}"),
        ({"venue": "TMLR 2024"}, "article", "journal       = {TMLR}"),
        (
            {"venue": "ICML 2024", "track": "workshop", "workshop": "Sparse & Fast"},
            "inproceedings",
            r"booktitle     = {Sparse \& Fast, ICML}",
        ),
    ],
)
def test_the_kind_of_a_bibtex_entry_follows_the_venue(fields: dict[str, str], kind: str, place: str) -> None:
    text = bibtex(paper(**fields))
    assert text.startswith(f"@{kind}{{x,\n")
    assert place in text
    assert f"year          = {{{'2024' if fields else '2023'}}}" in text


# What is committed


def test_schemas_are_schemas(shipped: Catalogue) -> None:
    files = {name: raw for name, raw in committed_files(shipped, ROOT).items() if name.startswith("data/schema/")}
    assert files.keys() == {f"data/schema/{file.name}" for file in (ROOT / "data/schema").iterdir()}
    for raw in files.values():
        Draft202012Validator.check_schema(json.loads(raw))


@pytest.mark.parametrize(
    ("kind", "field", "good", "bad"),
    [
        ("paper", "added", "2026-11-22", "22.11.2026"),
        ("paper", "checked_on", "2026-11-22", "2026-11"),
        ("paper", "date", "2026-11", "11/2026"),
        ("tool", "since", "2026", "26"),
        ("model", "released", "2026-11-22", "Nov 2026"),
        ("article", "added", "2026-11-22", "2026-11-22 "),
    ],
)
def test_an_editor_reports_a_date_in_another_form(kind: str, field: str, good: str, bad: str) -> None:
    schema = json.loads((ROOT / f"data/schema/{kind}.schema.json").read_text("utf-8"))["properties"][field]
    assert Draft202012Validator(schema).is_valid(good)
    assert not Draft202012Validator(schema).is_valid(bad)


@pytest.mark.nightly  # a pull request need not render them: a workflow does so on main
def test_schemas_are_fresh(shipped: Catalogue) -> None:
    for name, raw in committed_files(shipped, ROOT).items():
        assert (ROOT / name).read_bytes() == raw, f"{name} is stale: make refresh"
