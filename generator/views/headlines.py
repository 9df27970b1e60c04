"""The few numbers that stand for a paper at the top of its page: chosen by how they are documented, not by merit.

The rule, in this order: the authors' own report before what others report of the method, and what was read in the
source before what was not (``doubt``); a configuration with quality and cost before one with either; exact numbers
before *up to*; more numbers with a baseline before fewer. Of several such configurations in the first table the middle
one is taken, as tables go from mild to strong. Of it at most two numbers of each sort are shown. Where no configuration
has both sorts, one with the other sort on the same model joins it: with a baseline, and most words of its setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from generator.entries.model import Filed, Metric, Paper
from generator.views.configurations import Configuration, columns, configurations_of, doubt

OF_A_SORT = 2
"""So many numbers of quality, and as many of cost."""


@dataclass(frozen=True, slots=True)
class Headline:
    """A configuration and those of its metrics that are shown, quality first."""

    row: Configuration
    metrics: tuple[str, ...]

    @property
    def has_baseline(self) -> bool:
        """Whether one of them has the value of the baseline beside it."""
        return any(name in self.row.result.before for name in self.metrics)


def headlines(filed: Filed[Paper], metrics: Mapping[str, Metric]) -> tuple[Headline, ...]:
    """One configuration, or two where none has quality and cost, or none of an entry without results."""
    rows = list(configurations_of(filed))
    if not rows:
        return ()
    chosen = _middle(rows, metrics)
    first = Headline(chosen, _shown(chosen, metrics))
    (sort, *others) = {metrics[name].measures for name in chosen.result.after}
    if others:
        return (first,)
    joining = [
        row
        for row in rows
        if row.result.model == chosen.result.model
        and doubt(row) == doubt(chosen)
        and any(metrics[name].measures != sort for name in row.result.after)
    ]
    if not joining:
        return (first,)
    second = min(joining, key=lambda row: (not _against_baseline(row, metrics), -_common(row, chosen), row.number))
    return first, Headline(second, tuple(name for name in _shown(second, metrics) if metrics[name].measures != sort))


def _middle(rows: Sequence[Configuration], metrics: Mapping[str, Metric]) -> Configuration:
    """Of the best documented configurations of the first table the middle one."""
    least = min(_documented(row, metrics) for row in rows)
    best = [row for row in rows if _documented(row, metrics) == least]
    table = [row for row in best if _table(row) == _table(best[0])]
    return table[(len(table) - 1) // 2]


def _table(row: Configuration) -> tuple[object, ...]:
    return row.printed_in, row.result.model, row.result.dataset


def _documented(row: Configuration, metrics: Mapping[str, Metric]) -> tuple[int, int, bool, int]:
    """How well a configuration is documented; less is better."""
    shown = _shown(row, metrics)
    sorts = {metrics[name].measures for name in shown}
    vague = any(row.result.after[name].qualifier for name in shown)
    return doubt(row), -len(sorts), vague, -sum(_has_baseline(row, name, metrics) for name in shown)


def _against_baseline(row: Configuration, metrics: Mapping[str, Metric]) -> bool:
    return all(_has_baseline(row, name, metrics) for name in _shown(row, metrics))


def _has_baseline(row: Configuration, name: str, metrics: Mapping[str, Metric]) -> bool:
    return metrics[name].relative or name in row.result.before


def _shown(row: Configuration, metrics: Mapping[str, Metric]) -> tuple[str, ...]:
    """At most two metrics of each sort, those with a baseline first, in the order of the taxonomy."""
    found: list[str] = []
    for sort in ("quality", "cost"):
        own = [name for name in columns([row], metrics) if metrics[name].measures == sort]
        found += sorted(own, key=lambda name: not _has_baseline(row, name, metrics))[:OF_A_SORT]
    return tuple(found)


def _common(one: Configuration, other: Configuration) -> int:
    """Words that two settings have in common."""
    return len(_words([one.result.setting]) & _words([other.result.setting]))


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"[\w.]+", text.casefold())}
