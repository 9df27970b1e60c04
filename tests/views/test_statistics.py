from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from generator.assemble.build import load_site
from generator.drawings import charts
from generator.entries.model import Catalogue
from generator.pages import browse
from generator.views import statistics
from generator.views.site import date_of
from generator.views.statistics import Group, Number, Period, Statistic, periods_of
from tests.made_papers import paper, with_papers

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = {
    "family": statistics.by_family,
    "sparsity": statistics.by_sparsity,
    "architectures": statistics.by_architecture,
    "training": statistics.by_training,
    "code": statistics.by_code,
    "venue": statistics.by_venue,
}


@pytest.fixture(scope="module")
def rows(shipped: Catalogue) -> list[browse.Row]:
    return browse.rows(load_site(shipped, ROOT))


def chosen(rows: list[browse.Row], number: Number) -> int:
    """How many entries the browse page's own rules choose by the filters of a number."""
    facets = {facet.name: facet for facet in browse.FACETS}
    for name, value in number.filters:
        if name == "year":
            first, last = value.split("-")
            rows = [row for row in rows if first <= row.date[:4] <= last]
        else:
            rows = [row for row in rows if value in facets[name].words(row)]
    return len(rows)


@pytest.mark.parametrize("question", QUESTIONS)
class TestEachQuestion:
    def test_every_number_is_what_browse_shows(self, question: str, shipped: Catalogue, rows: list[browse.Row]) -> None:
        found = QUESTIONS[question](shipped)
        assert found.groups
        for group in found.groups:
            for number in (*group.by_period, group.total):
                assert chosen(rows, number) == number.count, number.filters

    def test_the_periods_add_up_to_the_whole(self, question: str, shipped: Catalogue) -> None:
        for group in QUESTIONS[question](shipped).groups:
            assert sum(number.count for number in group.by_period) == group.total.count > 0
            assert sum(number.whole for number in group.by_period) == group.total.whole

    def test_nothing_of_an_empty_catalogue(self, question: str, shipped: Catalogue) -> None:
        assert QUESTIONS[question](with_papers(shipped)) == Statistic((), ())


def test_families_add_up_to_all_papers(shipped: Catalogue) -> None:
    groups = statistics.by_family(shipped).groups
    assert sum(group.total.count for group in groups) == len(shipped.papers)
    assert Counter(filed.entry.family for filed in shipped.papers.values()) == {
        group.word: group.total.count for group in groups
    }


def test_shares_of_training_are_of_the_papers_that_say_it(shipped: Catalogue) -> None:
    groups = statistics.by_training(shipped).groups
    known = sum(filed.entry.training is not None for filed in shipped.papers.values())
    assert known < len(shipped.papers)
    assert {group.total.whole for group in groups} == {known}
    assert sum(group.total.percent for group in groups) == pytest.approx(100)


def test_periods_leave_no_year_out(shipped: Catalogue) -> None:
    papers = tuple(shipped.papers.values())
    periods = periods_of(papers)
    years = {int(date_of(filed)[:4]) for filed in papers}
    assert (periods[0].first, periods[-1].last) == (min(years), max(years))
    assert all(left.last + 1 == right.first for left, right in pairwise(periods))
    oldest_alone = max(years) - statistics.SINGLE_YEARS + 1
    assert [period.name for period in periods[:2]] == [f"to {oldest_alone - 1}", str(oldest_alone)]


def test_few_years_all_stand_alone(shipped: Catalogue) -> None:
    papers = [paper("a", date="2021"), paper("b", date="2023-05-01")]
    assert periods_of(papers) == (Period(2021, 2021), Period(2022, 2022), Period(2023, 2023))


def test_a_share_of_nothing_is_nothing() -> None:
    assert Number(0, 0, ()).percent == 0


def group(*counts: int) -> Group:
    numbers = tuple(Number(count, 40, (("family", "x"),)) for count in counts)
    return Group("x", "X", numbers, Number(sum(counts), 80, (("family", "x"),)))


PERIODS = (Period(1990, 2019), Period(2020, 2020))


class TestPanels:
    def test_columns_are_as_high_as_their_numbers_on_one_scale(self) -> None:
        low, high = charts.panels(Statistic(PERIODS, (group(5, 0), group(20, 10))))
        heights = [[column.bar.height for column in panel.columns] for panel in (low, high)]
        assert heights == [[charts.PLOT_HEIGHT / 4, 0], [charts.PLOT_HEIGHT, charts.PLOT_HEIGHT / 2]]
        for panel in (low, high):
            assert all(column.bar.y + column.bar.height == panel.base for column in panel.columns)

    def test_one_paper_can_still_be_seen(self) -> None:
        (panel,) = charts.panels(Statistic(PERIODS, (group(1, 5000),)))
        assert panel.columns[0].bar.height >= 1

    def test_columns_stay_inside_and_apart(self) -> None:
        (panel,) = charts.panels(Statistic(PERIODS, (group(3, 4),)))
        first, second = (column.bar for column in panel.columns)
        assert first.x > 0
        assert first.x + first.width < second.x
        assert second.x + second.width < 100

    def test_words_say_the_numbers(self) -> None:
        (panel,) = charts.panels(Statistic(PERIODS, (group(1, 4),)))
        assert panel.text == "X, papers by year: to 2019 1, 2020 4"
        assert [column.bar.text for column in panel.columns] == ["X, to 2019: 1 paper", "X, 2020: 4 papers"]
        assert [column.year for column in panel.columns] == ["≤19", "20"]

    def test_shares(self) -> None:
        (panel,) = charts.panels(Statistic(PERIODS, (group(10, 20),)), "percent")
        assert [column.bar.value for column in panel.columns] == ["25", "50"]
        assert panel.columns[0].bar.text == "X, to 2019: 25%, 10 of 40 papers"

    def test_nothing_at_all(self) -> None:
        assert charts.panels(Statistic((), ())) == ()


class TestBars:
    def test_counts_are_on_the_scale_of_the_largest(self) -> None:
        rows = charts.bars([group(30, 10), group(5, 5)]).rows
        assert [row.bar.width for row in rows] == [charts.LONGEST, charts.LONGEST / 4]
        assert [row.bar.value for row in rows] == ["40", "10"]

    def test_shares_are_on_the_scale_of_the_whole(self) -> None:
        drawn = charts.bars_by_period(group(10, 40), PERIODS, "percent")
        assert [row.bar.width for row in drawn.rows] == [charts.LONGEST / 4, charts.LONGEST]
        assert drawn.text == "to 2019: 25%, 10 of 40 papers; 2020: 100%, 40 of 40 papers"

    def test_rows_do_not_touch(self) -> None:
        drawn = charts.bars([group(3), group(2), group(1)])
        for above, below in pairwise(drawn.rows):
            assert above.bar.y + above.bar.height < below.baseline - 12
        assert drawn.rows[-1].bar.y + charts.BAR_HEIGHT <= drawn.height

    def test_nothing_at_all(self) -> None:
        assert charts.bars([]).rows == ()
