"""Reported configurations as tables: a row a configuration, a column a metric, the unchanged model first.

A number is never ranked against one from another table: papers differ in sampler, steps, number of images, reference
statistics and hardware, and mostly do not say all of it. Configurations stand side by side when one source printed
them in one place, for one model on one data set, against the same unchanged model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from generator.entries.model import NOT_STATED, Filed, Metric, Paper, Result, Value

Trust = Literal["read", "abstract", "secondary"]
RATE = "throughput"
"""The metric whose unit the settings state."""
RATES = {"iterations per second": "iterations/s", "images per second": "images/s", "in Hz": "Hz"}
"""What a setting says, and the unit that it means."""

TRUST_ORDER: tuple[Trust, ...] = get_args(Trust)
"""The nearest to the source first."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One result with the method that it belongs to and the source that printed it."""

    slug: str
    """Entry of the method."""
    number: int
    """Place among the results of the entry, from 1."""
    result: Result
    source: str
    """Slug of the paper that printed the numbers."""

    @property
    def anchor(self) -> str:
        """Id of the row on its page."""
        return f"row-{self.slug}-{self.number}"

    @property
    def trust(self) -> Trust:
        """How near to the source the numbers were read."""
        if self.result.via is not None:
            return "secondary"
        return "abstract" if self.result.where.startswith("abstract") else "read"

    @property
    def printed_in(self) -> tuple[str, str]:
        """Source and place, equal for the configurations of one table."""
        return self.source, self.result.where

    @property
    def hardware(self) -> str | None:
        """The device; None where it is not stated or does not matter."""
        return None if self.result.hardware == NOT_STATED else self.result.hardware


@dataclass(frozen=True, slots=True)
class Group:
    """Configurations of one place against one unchanged model: the only ones that may be ranked."""

    source: str
    place: str
    unchanged: Mapping[str, Value]
    """Metric and value of the unchanged model; empty where the source gives none."""
    rows: tuple[Configuration, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Configurations of one model on one data set."""

    models: tuple[str, ...]
    datasets: tuple[str, ...]
    metrics: tuple[str, ...]
    """The columns: quality before cost, each in the order of the taxonomy."""
    groups: tuple[Group, ...]

    @property
    def rows(self) -> tuple[Configuration, ...]:
        """All configurations, group by group."""
        return tuple(row for group in self.groups for row in group.rows)


def configurations(papers: Mapping[str, Filed[Paper]]) -> Iterator[Configuration]:
    """All configurations, in the order of the entries."""
    for filed in papers.values():
        yield from configurations_of(filed)


def configurations_of(filed: Filed[Paper]) -> Iterator[Configuration]:
    """The configurations of one entry, in its order."""
    for number, result in enumerate(filed.entry.results, start=1):
        yield Configuration(filed.slug, number, result, result.reported_by or filed.slug)


def tables(rows: Iterable[Configuration], metrics: Mapping[str, Metric]) -> tuple[Table, ...]:
    """The configurations by model and data set, in the order in which these first occur."""
    gathered: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Configuration]] = defaultdict(list)
    for row in rows:
        gathered[row.result.model, row.result.dataset].append(row)
    return tuple(
        Table(models, datasets, columns(found, metrics), tuple(groups(found)))
        for (models, datasets), found in gathered.items()
    )


def columns(rows: Iterable[Configuration], metrics: Mapping[str, Metric]) -> tuple[str, ...]:
    """Every metric of some configuration: quality before cost, each in the order of the taxonomy."""
    used = {name for row in rows for name in row.result.after}
    return tuple(sorted(used, key=lambda name: (metrics[name].measures == "cost", list(metrics).index(name))))


def groups(rows: Iterable[Configuration]) -> Iterator[Group]:
    """Configurations of one place whose unchanged models do not contradict each other, in the order of the entries."""
    printed: dict[tuple[str, str], list[Configuration]] = defaultdict(list)
    for row in rows:
        printed[row.printed_in].append(row)
    for (source, place), found in printed.items():
        for unchanged, members in _by_unchanged(found):
            yield Group(source, place, unchanged, tuple(members))


def _by_unchanged(rows: Sequence[Configuration]) -> list[tuple[dict[str, Value], list[Configuration]]]:
    """Rows with the unchanged model that they share: no metric of it has two values, nor has the hardware of a time."""
    shared: list[tuple[dict[str, Value], str | None, list[Configuration]]] = []
    for row in rows:
        before = row.result.before
        for place, (unchanged, hardware, members) in enumerate(shared):
            agrees = all(unchanged.get(name, value) == value for name, value in before.items())
            if agrees and (hardware == row.hardware or None in (hardware, row.hardware)):
                unchanged.update(before)
                members.append(row)
                shared[place] = (unchanged, hardware or row.hardware, members)
                break
        else:
            shared.append((dict(before), row.hardware, [row]))
    return [(unchanged, members) for unchanged, _, members in shared]


def rate_units(rows: Iterable[Configuration]) -> Mapping[tuple[str, str], str]:
    """The unit of the throughput in each table, by source and place, where some setting states it."""
    stated = ((row, unit) for row in rows for phrase, unit in RATES.items() if phrase in row.result.setting)
    return {row.printed_in: unit for row, unit in stated if RATE in row.result.after}


def doubt(row: Configuration) -> int:
    """The authors' own numbers before those that others report of them; the source before secondary sources."""
    return TRUST_ORDER.index(row.trust) + len(TRUST_ORDER) * (row.source != row.slug)


def first_rows(tables: Sequence[Table], limit: int) -> tuple[tuple[Table, ...], tuple[Table, ...]]:
    """The tables cut in two: those that hold the first ``limit`` configurations, and those that hold the rest."""
    shown: list[Table] = []
    rest: list[Table] = []
    left = limit
    for table in tables:
        parts: tuple[list[Group], list[Group]] = ([], [])
        for group in table.groups:
            for part, rows in zip(parts, (group.rows[:left], group.rows[left:]), strict=True):
                if rows:
                    part.append(Group(group.source, group.place, group.unchanged, rows))
            left -= min(left, len(group.rows))
        for target, part in zip((shown, rest), parts, strict=True):
            if part:
                target.append(Table(table.models, table.datasets, table.metrics, tuple(part)))
    return tuple(shown), tuple(rest)
