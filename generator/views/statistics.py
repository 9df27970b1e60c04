"""The catalogue in numbers, as typed records: how many papers of which kind there are, over time.

Nothing is drawn here. Each number carries the filters that choose the same papers on the browse page, so that a
chart, a table and a link always agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from generator.entries.model import Catalogue, Filed, Paper
from generator.views.site import date_of

SINGLE_YEARS = 8
"""Years that stand alone; all earlier ones are counted together."""

Papers = Sequence[Filed[Paper]]
Words = Callable[[Paper], Collection[str]]
"""The groups that a paper belongs to."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A year, or all years up to one."""

    first: int
    last: int

    @property
    def name(self) -> str:
        """As a table's heading says it."""
        return str(self.last) if self.first == self.last else f"to {self.last}"


@dataclass(frozen=True, slots=True)
class Number:
    """So many papers of so many."""

    count: int
    whole: int
    filters: tuple[tuple[str, str], ...]
    """What chooses the same papers on the browse page."""

    @property
    def percent(self) -> float:
        """The share in percent; 0 of an empty whole."""
        return 100 * self.count / self.whole if self.whole else 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """The papers that have one thing in common, by period and in all."""

    word: str
    name: str
    by_period: tuple[Number, ...]
    total: Number


@dataclass(frozen=True, slots=True)
class Statistic:
    """One question to the catalogue, with its answer."""

    periods: tuple[Period, ...]
    groups: tuple[Group, ...]


def periods_of(papers: Papers) -> tuple[Period, ...]:
    """Single years up to the newest, and before them one period for all that is older."""
    years = sorted({int(date_of(filed)[:4]) for filed in papers if date_of(filed)})
    if not years:
        return ()
    first = max(years[0], years[-1] - SINGLE_YEARS + 1)
    earlier = [Period(years[0], first - 1)] if years[0] < first else []
    return (*earlier, *(Period(year, year) for year in range(first, years[-1] + 1)))


def count(papers: Papers, names: Mapping[str, str], words: Words, filter_name: str) -> Statistic:
    """Papers by group and period.

    Args:
        papers: those among which the shares are taken.
        names: words of the groups with the names that people read, in the order wanted.
        words: which groups a paper belongs to.
        filter_name: the facet of the browse page that chooses a group.

    Returns:
        A statistic without the groups that no paper belongs to.
    """
    periods = periods_of(papers)
    of_year = {year: period for period in periods for year in range(period.first, period.last + 1)}
    wholes: Counter[Period] = Counter()
    counts: Counter[tuple[str, Period]] = Counter()
    totals: Counter[str] = Counter()
    for filed in papers:
        occurring = words(filed.entry)
        totals.update(occurring)
        if year := date_of(filed)[:4]:
            period = of_year[int(year)]
            wholes[period] += 1
            counts.update((word, period) for word in occurring)

    def group(word: str) -> Group:
        chosen = (("kind", "paper"), (filter_name, word))
        by_period = tuple(
            Number(counts[word, period], wholes[period], (*chosen, ("year", f"{period.first}-{period.last}")))
            for period in periods
        )
        return Group(word, names[word], by_period, Number(totals[word], len(papers), chosen))

    return Statistic(periods, tuple(group(word) for word in names if totals[word]))


def by_family(catalogue: Catalogue) -> Statistic:
    """Papers of each family, the largest first."""
    return _largest_first(count(_papers(catalogue), _names(catalogue, "families"), _family, "family"))


def by_sparsity(catalogue: Catalogue) -> Statistic:
    """Papers of each kind of sparsity."""
    return count(_papers(catalogue), _names(catalogue, "sparsity"), _sparsity, "sparsity")


def by_architecture(catalogue: Catalogue) -> Statistic:
    """Papers shown on each architecture, the most frequent first."""
    names = _names(catalogue, "architectures")
    return _largest_first(count(_papers(catalogue), names, _architectures, "architectures"))


def by_training(catalogue: Catalogue) -> Statistic:
    """Papers by the training they need, among those of which it is known."""
    papers = [filed for filed in _papers(catalogue) if filed.entry.training]
    return count(papers, _names(catalogue, "training"), _training, "training")


def by_code(catalogue: Catalogue) -> Statistic:
    """Papers with code."""
    return count(_papers(catalogue), {"yes": "With code"}, _code, "code")


def by_venue(catalogue: Catalogue) -> Statistic:
    """Papers of each conference or journal, the most frequent first, among those of which it is known."""
    papers = [filed for filed in _papers(catalogue) if filed.entry.venue]
    names = {word: word for word in catalogue.taxonomy.venues}
    return _largest_first(count(papers, names, _venue, "venue"))


def _papers(catalogue: Catalogue) -> Papers:
    return tuple(catalogue.papers.values())


def _names(catalogue: Catalogue, vocabulary: str) -> Mapping[str, str]:
    return {word: term.name for word, term in catalogue.taxonomy.vocabulary(vocabulary).items()}


def _largest_first(statistic: Statistic) -> Statistic:
    groups = sorted(statistic.groups, key=lambda group: -group.total.count)
    return Statistic(statistic.periods, tuple(groups))


def _family(paper: Paper) -> tuple[str, ...]:
    return (paper.family,)


def _sparsity(paper: Paper) -> tuple[str, ...]:
    return paper.sparsity


def _architectures(paper: Paper) -> tuple[str, ...]:
    return paper.architectures


def _training(paper: Paper) -> tuple[str, ...]:
    return (paper.training,) if paper.training else ()


def _code(paper: Paper) -> tuple[str, ...]:
    return ("yes",) if paper.code else ()


def _venue(paper: Paper) -> tuple[str, ...]:
    series = (paper.venue or "").rpartition(" ")[0]
    return (series,) if series else ()
