"""Configurations made up for a test, on models and data sets made up with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from generator.entries.model import Catalogue, Dataset, Filed, Model, Paper, Result


def result(fid: float | str = 1, **values: Any) -> dict[str, Any]:
    """One FID on model m and data set d, but for the given fields."""
    given = {"model": "m", "dataset": "d", "setting": "s", "where": "Table 1", "after": {"fid": fid}}
    return {key: value for key, value in (given | values).items() if value is not None}


def model(slug: str, **fields: Any) -> Filed[Model]:
    """A model called by its slug in capitals, but for the given fields."""
    given = {"name": slug.upper(), "output": "image", "summary": "It makes images.", "added": "2026-11-22"}
    return Filed(slug, f"data/models/{slug}.yaml", Model.model_validate(given | fields))


def catalogue(
    shipped: Catalogue,
    papers: Mapping[str, Sequence[Mapping[str, Any]]],
    models: Mapping[str, Filed[Model]] | None = None,
    **fields: Mapping[str, Any],
) -> Catalogue:
    """The taxonomy with papers of these results, and every model and data set that they name.

    Args:
        shipped: for the taxonomy.
        papers: results by slug.
        models: those that are not to be made up.
        fields: further fields of a paper, by its slug with underscores.
    """
    filed = {}
    named: dict[str, Filed[Model]] = dict(models or {})
    datasets: dict[str, Dataset] = {}
    for slug, results in papers.items():
        given = {"title": slug, "family": "pruning", "summary": "s", "checked": "abstract", "added": "2026-11-22"}
        paper = Paper(
            **(given | dict(fields.get(slug.replace("-", "_"), {}))), results=tuple(Result(**one) for one in results)
        )
        filed[slug] = Filed(slug, f"data/papers/2023/{slug}.yaml", paper)
        for own in paper.results:
            for name in own.model:
                named.setdefault(name, model(name))
            for name in own.dataset:
                datasets[name] = Dataset(name=name.upper(), kind="images", text="Images.")
    return replace(shipped, papers=filed, tools={}, articles={}, models=named, datasets=datasets)
