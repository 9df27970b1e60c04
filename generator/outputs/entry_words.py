"""An entry field by field in the words of the site: names of terms and models, not their keys.

It takes entries as they are written, so that one with errors can be read as well: a word that nobody knows is shown as
it is, and said to be unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.checks.draft import Draft
from generator.entries.model import KINDS, VOCABULARIES, Dataset, Taxonomy
from generator.entries.tex import text_of

LABELS = {
    "title": "Title",
    "name": "Name",
    "short": "Short name",
    "aliases": "Also known as",
    "arxiv": "arXiv id",
    "doi": "DOI",
    "url": "Address",
    "repo": "Repository",
    "authors": "Authors",
    "publisher": "Publisher",
    "date": "First published",
    "since": "First release",
    "venue": "Venue",
    "track": "Track",
    "workshop": "Workshop",
    "code": "Code",
    "project": "Project page",
    "weights": "Weights",
    "category": "Category",
    "family": "Family",
    "families": "Families",
    "combines": "Combined with",
    "sparsity": "Sparsity",
    "granularity": "Granularity",
    "architectures": "Architectures",
    "models": "Models",
    "training": "Training",
    "criterion": "Criterion",
    "topics": "Topics",
    "implements": "Implements",
    "part_of": "Model line",
    "unspecific": "Group of models",
    "output": "Output",
    "architecture": "Architecture",
    "developer": "Developer",
    "released": "Released",
    "paper": "Paper",
    "licence": "Licence",
    "languages": "Languages",
    "language": "Language",
    "pypi": "Package on PyPI",
    "npm": "Package on npm",
    "parameters": "Parameters (M)",
    "counts": "Counts recomputed as",
    "resolution": "Usual resolution",
    "steps": "Usual steps",
    "calls_per_step": "Forward passes a step",
    "diffusers": "diffusers",
    "summary": "Summary",
    "note": "Note",
    "results": "Reported results",
    "builds_on": "Builds on",
    "critiques": "Disputes",
    "superseded_by": "Superseded by",
    "status": "Status",
    "sources": "Sources",
    "checked": "Checked against",
    "checked_on": "Checked on",
    "added": "Added",
}
"""What a person calls each field of an entry."""
_PAPERS = ("builds_on", "critiques", "superseded_by", "implements")
_MODELS = ("models", "part_of")


@dataclass(frozen=True, slots=True)
class Names:
    """What the slugs and words of entries mean."""

    taxonomy: Taxonomy
    datasets: Mapping[str, Dataset]
    entries: Mapping[tuple[str, str], str]
    """Kind and slug -> the name that people use."""

    @classmethod
    def of(cls, drafts: Iterable[Draft], taxonomy: Taxonomy, datasets: Mapping[str, Dataset]) -> Names:
        """The names of a catalogue as it is written."""
        return cls(taxonomy, datasets, {(draft.kind, draft.slug): name_of(draft.data, draft.slug) for draft in drafts})

    def term(self, vocabulary: str, word: str) -> str:
        """The name of a term."""
        term = self.taxonomy.vocabulary(vocabulary).get(word)
        return term.name if term else f"{word} (unknown)"

    def entry(self, kind: str, slug: str) -> str:
        """The name of another entry, with its slug."""
        name = self.entries.get((kind, slug))
        return f"{name} ({slug})" if name else f"{slug} (unknown)"

    def model(self, slug: str) -> str:
        """The name of a model alone."""
        return self.entries.get(("models", slug), f"{slug} (unknown)")

    def dataset(self, slug: str) -> str:
        """The name of a data set."""
        return self.datasets[slug].name if slug in self.datasets else f"{slug} (unknown)"


def name_of(data: Mapping[str, Any], slug: str) -> str:
    """What people call an entry: its short name, its name, its title or its file."""
    given = (data.get(key) for key in ("short", "name", "title"))
    return next((text_of(text) for text in given if isinstance(text, str) and text.strip()), slug)


def label(field: str) -> str:
    """What a person calls a field."""
    return LABELS.get(field, f"{field} (unknown field)")


def fields_in_words(kind: str, data: Mapping[str, Any], names: Names) -> Iterator[tuple[str, Sequence[str]]]:
    """Every field that an entry has, in the order of the model: its label and its values, one a line."""
    order = {field: place for place, field in enumerate(KINDS[kind].model_fields)}
    for field in sorted(data, key=lambda name: order.get(name, len(order))):
        yield label(field), values_in_words(kind, field, data[field], names)


def values_in_words(kind: str, field: str, value: Any, names: Names) -> Sequence[str]:
    """The values of one field, each on one line; of a list in one place, of results one configuration a line."""
    if field == "results" and isinstance(value, list):
        return [_result(one, names) if isinstance(one, dict) else _raw(one) for one in value]
    if field == "parameters" and isinstance(value, dict):
        return [f"{name.replace('_', ' ')}: {_raw(part)}" for name, part in value.items()]
    word = _word(kind, field, names)
    if isinstance(value, list):
        return [word(one) if isinstance(one, str) else _raw(one) for one in value]
    return [word(value) if isinstance(value, str) else _raw(value)]


def _word(kind: str, field: str, names: Names) -> Callable[[str], str]:
    vocabulary = VOCABULARIES[kind].get(field)
    if vocabulary is not None:
        return lambda one: names.term(vocabulary, one)
    if field in _MODELS:
        return lambda one: names.entry("models", one)
    if field in _PAPERS:
        return lambda one: names.entry("tools" if (kind, field) == ("tools", "superseded_by") else "papers", one)
    return _raw


def _raw(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split()) or "(empty)"


def _listed(value: Any) -> list[str]:
    return [_raw(one) for one in value] if isinstance(value, list) else [_raw(value)]


def _result(result: Mapping[str, Any], names: Names) -> str:
    """A configuration: where it was measured, its numbers, its place in the source."""
    what = [names.model(slug) for slug in _listed(result.get("model", []))]
    what += [names.dataset(slug) for slug in _listed(result.get("dataset", []))]
    parts = [", ".join(what), _raw(result.get("setting", "no setting"))]
    if "hardware" in result:
        parts.append(f"hardware {_raw(result['hardware'])}")
    parts.append(", ".join(_numbers(result, names)) or "no numbers")
    place = _raw(result.get("where", "no place"))
    if "reported_by" in result:
        place += f", reported by {names.entry('papers', _raw(result['reported_by']))}"
    if "via" in result:
        place += f", secondary source: {_raw(result['via'])}"
    unknown = [key for key in result if key not in _RESULT]
    return "; ".join([*parts, place, *(f"{key} (unknown field): {_raw(result[key])}" for key in unknown)])


_RESULT = frozenset({"model", "dataset", "setting", "hardware", "where", "reported_by", "via", "before", "after"})


def _numbers(result: Mapping[str, Any], names: Names) -> Iterator[str]:
    before, after = (value if isinstance(value := result.get(key), dict) else {} for key in ("before", "after"))
    for metric in dict.fromkeys((*after, *before)):
        known = names.taxonomy.metrics.get(metric)
        unit = known.unit if known else ""
        space = "" if unit in ("", "%", "×") or unit.startswith("/") else " "
        values = " → ".join(f"{_raw(held[metric])}{space}{unit}" for held in (before, after) if metric in held)
        yield f"{known.name if known else f'{metric} (unknown)'} {values}"
