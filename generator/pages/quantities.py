"""Numbers with their units: in a sentence (``338.83 G``, ``1.45×``, ``50%``), or in a column headed by its unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from generator.entries.model import Metric
from generator.views.configurations import Configuration, Group
from generator.views.site import Site

SMALLER = {"T": "G"}
"""The unit in which a column is written whose values are all below 1 in its own; a thousandth of it."""


def number(value: float) -> str:
    """A number as people write it: at most four decimals, no trailing zeros, thousands separated by commas."""
    return f"{value:z,.4f}".rstrip("0").rstrip(".")


def quantity(value: float, unit: str = "", qualifier: str | None = None) -> str:
    """A number with its unit; ``quantity.js`` does the same.

    Args:
        value: in this unit.
        unit: as the taxonomy writes it.
        qualifier: words of the source before the number, such as *up to*.
    """
    space = "" if unit in ("", "×", "%") or unit.startswith("/") else "\u202f"
    return f"{qualifier} " * bool(qualifier) + f"{number(value)}{space}{unit}"


@dataclass(frozen=True, slots=True)
class Column:
    """A metric as the column of a table."""

    slug: str
    metric: Metric
    unit: str
    factor: float
    """From the unit of the taxonomy to this one."""

    @property
    def heading(self) -> str:
        """Name and unit."""
        return f"{self.metric.name} ({self.unit})" if self.unit else self.metric.name

    def number(self, value: float) -> str:
        """A value of the taxonomy's unit, written in that of the column."""
        return number(value * self.factor)


def column(site: Site, slug: str, values: Iterable[float], places: Iterable[tuple[str, str]]) -> Column:
    """The column of a metric.

    Args:
        site: for the taxonomy and the units of rates.
        slug: of the metric.
        values: everything that the column holds.
        places: source and place of all its rows, for the unit of a rate.
    """
    unit = site.unit(slug, places)
    smaller = SMALLER.get(unit)
    if smaller and all(value < 1 for value in values):
        return Column(slug, site.catalogue.taxonomy.metrics[slug], smaller, 1000)
    return Column(slug, site.catalogue.taxonomy.metrics[slug], unit, 1)


def columns(site: Site, slugs: Sequence[str], groups: Iterable[Group]) -> list[Column]:
    """The columns of some groups of configurations, with the values of their baselines."""
    held = list(groups)
    found = []
    for slug in slugs:
        given = [group.unchanged for group in held] + [row.result.after for group in held for row in group.rows]
        places = [(group.source, group.place) for group in held if any(slug in row.result.after for row in group.rows)]
        found.append(column(site, slug, [one[slug].number for one in given if slug in one], places))
    return found


def split(columns: Sequence[Column], most: int) -> tuple[Sequence[Column], Sequence[Column]]:
    """Those with a column of their own, and those that share one where there are more than ``most``."""
    cut = len(columns) if len(columns) <= most else most - 1
    return columns[:cut], columns[cut:]


def written(site: Site, slug: str, row: Configuration) -> str:
    """A metric of a configuration in words: ``FID 4.19 → 5.29``."""
    unit = site.unit(slug, [row.printed_in])
    values = [held[slug] for held in (row.result.before, row.result.after) if slug in held]
    texts = [quantity(value.number, unit, value.qualifier) for value in values]
    return f"{site.catalogue.taxonomy.metrics[slug].name} {' → '.join(texts)}"
