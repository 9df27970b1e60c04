"""The blocks of the statistics page: a chart for each question, its bars linked to Browse, its numbers in a table."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from generator.drawings import charts
from generator.pages.render import render
from generator.views import statistics
from generator.views.site import Site, date_of
from generator.views.statistics import Number


def browse_address(root: str, number: Number) -> str:
    """The browse page showing the papers that a number counts."""
    return f"{root}browse/?{urlencode(number.filters, safe=',')}"


def statistic(site: Site, root: str, argument: str) -> str:
    """One question's chart and table.

    Raises:
        KeyError: ``argument`` is no question that is answered here.
    """
    return {
        "date": _date,
        "families": _families,
        "sparsity": _sparsity,
        "architectures": _architectures,
        "code": _code,
        "training": _training,
        "venues": _venues,
    }[argument](site, root)


def _date(site: Site, _root: str) -> str:
    """How many papers are counted, and up to which day."""
    papers = site.catalogue.papers.values()
    return render(
        "statistics_date",
        papers=len(papers),
        added=max((filed.entry.added for filed in papers), default=""),
        newest=date_of(site.newest_first[0])[:7] if site.newest_first else "",
    )


def _families(site: Site, root: str) -> str:
    statistic = statistics.by_family(site.catalogue)
    return _drawn(root, statistic, "Papers by family and year", panels=charts.panels(statistic))


def _sparsity(site: Site, root: str) -> str:
    statistic = statistics.by_sparsity(site.catalogue)
    return _drawn(root, statistic, "Papers by kind of sparsity and year", panels=charts.panels(statistic))


def _architectures(site: Site, root: str) -> str:
    statistic = statistics.by_architecture(site.catalogue)
    return _drawn(root, statistic, "Papers by architecture", rows=charts.bars(statistic.groups))


def _code(site: Site, root: str) -> str:
    statistic = statistics.by_code(site.catalogue)
    rows = charts.bars_by_period(statistic.groups[0], statistic.periods, "percent") if statistic.groups else None
    return _drawn(root, statistic, "Percentage of papers with code by year", rows=rows, shares=True)


def _training(site: Site, root: str) -> str:
    statistic = statistics.by_training(site.catalogue)
    panels = charts.panels(statistic, "percent")
    return _drawn(root, statistic, "Percentage of papers by training needed", panels=panels, shares=True)


def _venues(site: Site, root: str) -> str:
    statistic = statistics.by_venue(site.catalogue)
    frequent = [group for group in statistic.groups if group.total.count > 1]
    return _drawn(root, statistic, "Papers by venue", rows=charts.bars(frequent))


def _drawn(root: str, statistic: statistics.Statistic, label: str, **drawing: object) -> str:
    values: Mapping[str, object] = {"panels": (), "rows": None, "shares": False, **drawing}
    return render(
        "statistics",
        statistic=statistic,
        label=label,
        root=root,
        browse_address=browse_address,
        longest=charts.LONGEST,
        **values,
    )
