import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from generator.assemble.build import load_site
from generator.drawings.lineage import (
    BOX,
    CROWD,
    FEWEST,
    LONGEST_LABEL,
    Box,
    Drawing,
    Line,
    Relation,
    draw,
    family_relations,
    relations,
)
from generator.entries.model import Catalogue, Filed, Paper
from generator.pages.lineage import lineage
from generator.views.site import date_of
from tests.made_papers import paper, with_papers

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ROOT / "docs/families"


def drawn(shipped: Catalogue, family: str) -> Drawing:
    return draw(shipped, family_relations(shipped, family), family)


def made(shipped: Catalogue, *papers: Filed[Paper]) -> Drawing:
    found = with_papers(shipped, *papers)
    return draw(found, relations(found), "pruning")


def box(drawing: Drawing, slug: str) -> Box:
    return next(one for one in drawing.boxes if one.slug == slug)


def points(line: Line) -> list[tuple[float, float]]:
    """The places that a path stops at."""
    found: list[tuple[float, float]] = []
    for command, numbers in re.findall(r"([MHC])([-\d. ]+)", line.path):
        values = [float(number) for number in numbers.split()]
        found.append((values[0], found[-1][1]) if command == "H" else (values[-2], values[-1]))
    return found


def parsed(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{html.replace('&#8239;', ' ')}</div>")


class TestRelations:
    def test_every_field_gives_its_kind(self, shipped: Catalogue) -> None:
        papers = (
            paper("old", status="superseded", superseded_by="new"),
            paper("new", builds_on=["root"], critiques=["root"]),
            paper("root"),
        )
        assert set(relations(with_papers(shipped, *papers))) == {
            Relation("new", "superseded_by", "old"),
            Relation("new", "builds_on", "root"),
            Relation("new", "critiques", "root"),
        }

    def test_a_family_has_what_touches_it(self, shipped: Catalogue) -> None:
        papers = (
            paper("a", family="caching", builds_on=["b"]),
            paper("b"),
            paper("c", family="caching", builds_on=["a"]),
        )
        found = with_papers(shipped, *papers)
        assert family_relations(found, "pruning") == (Relation("a", "builds_on", "b"),)
        assert len(family_relations(found, "caching")) == 2

    def test_an_unknown_family_is_refused(self, shipped: Catalogue) -> None:
        with pytest.raises(KeyError):
            family_relations(shipped, "nothing")


SHIPPED_FAMILIES = ("pruning", "distillation", "foundations", "sparse-attention", "fast-samplers")


@pytest.mark.parametrize("family", SHIPPED_FAMILIES)
class TestShippedDrawings:
    def test_every_paper_and_relation_is_there_once(self, family: str, shipped: Catalogue) -> None:
        chosen, drawing = family_relations(shipped, family), drawn(shipped, family)
        assert sorted(line.relation for line in drawing.lines) == sorted(chosen)
        slugs = [one.slug for one in drawing.boxes]
        assert len(slugs) == len(set(slugs))
        assert set(slugs) == {slug for one in chosen for slug in (one.later, one.earlier)}

    def test_no_two_boxes_touch(self, family: str, shipped: Catalogue) -> None:
        for one, other in combinations(drawn(shipped, family).boxes, 2):
            apart_x = one.x + one.width < other.x or other.x + other.width < one.x
            apart_y = one.y + one.height < other.y or other.y + other.height < one.y
            assert apart_x or apart_y, (one.slug, other.slug)

    def test_everything_is_inside(self, family: str, shipped: Catalogue) -> None:
        drawing = drawn(shipped, family)
        for one in drawing.boxes:
            assert 0 <= one.x < one.x + one.width <= drawing.width
            assert 0 <= one.y < one.y + one.height <= drawing.height
        for line in drawing.lines:
            assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in points(line))

    def test_time_runs_to_the_right(self, family: str, shipped: Catalogue) -> None:
        drawing = drawn(shipped, family)
        for one in drawing.boxes:
            year = date_of(shipped.papers[one.slug])[:4]
            (band,) = (held for held in drawing.bands if held.x <= one.x <= held.x + held.width)
            assert band.years.split("–")[0] <= year <= band.years.split("–")[-1]
        assert [band.years for band in drawing.bands] == sorted(band.years for band in drawing.bands)
        assert all(left.x + left.width <= right.x for left, right in combinations(drawing.bands, 2))

    def test_lines_meet_their_boxes(self, family: str, shipped: Catalogue) -> None:
        drawing = drawn(shipped, family)
        for line in drawing.lines:
            ends = {line.relation.later, line.relation.earlier}
            for place, side in ((points(line)[0], "right"), (points(line)[-1], "left")):
                held = {
                    one.slug
                    for one in drawing.boxes
                    if one.y <= place[1] <= one.y + one.height
                    and abs((one.x + one.width if side == "right" else one.x) - place[0]) < 0.2
                }
                assert held & ends

    def test_lines_run_over_no_box(self, family: str, shipped: Catalogue) -> None:
        """Curves run between the columns; what crosses a column is level."""
        drawing = drawn(shipped, family)
        for line in drawing.lines:
            for (x1, y1), (x2, y2) in pairwise(points(line)):
                for one in drawing.boxes:
                    beside = x2 <= one.x + 0.2 or one.x + one.width - 0.2 <= x1
                    if y1 != y2:
                        assert beside, (line.relation, one.slug)
                    else:
                        assert beside or not one.y < y1 < one.y + one.height, (line.relation, one.slug)

    def test_marks_sit_at_the_paper_that_they_speak_of(self, family: str, shipped: Catalogue) -> None:
        drawing = drawn(shipped, family)
        for line in drawing.lines:
            disputes = line.relation.kind == "critiques"
            one = box(drawing, line.relation.earlier if disputes else line.relation.later)
            assert one.y <= line.y <= one.y + BOX
            assert min(abs(line.x - one.x), abs(line.x - one.x - one.width)) < 0.2

    def test_neither_chance_nor_order_matters(self, family: str, shipped: Catalogue) -> None:
        backwards = replace(shipped, papers=dict(reversed(list(shipped.papers.items()))))
        assert drawn(shipped, family) == drawn(shipped, family) == drawn(backwards, family)


class TestLayout:
    def test_a_chain_within_a_year_runs_to_the_right(self, shipped: Catalogue) -> None:
        drawing = made(shipped, paper("c", builds_on=["b"]), paper("b", builds_on=["a"]), paper("a"))
        assert box(drawing, "a").x < box(drawing, "b").x < box(drawing, "c").x
        assert [band.years for band in drawing.bands] == ["2024"]

    def test_a_ring_ends(self, shipped: Catalogue) -> None:
        drawing = made(shipped, paper("a", builds_on=["b"]), paper("b", critiques=["a"]))
        assert len(drawing.lines) == 2
        assert box(drawing, "a").x < box(drawing, "b").x

    def test_a_relation_against_time_points_to_the_left(self, shipped: Catalogue) -> None:
        many = [paper(f"x{i}", date="2020", builds_on=["root"]) for i in range(CROWD)]
        drawing = made(shipped, *many, paper("root", date="2025"))
        assert box(drawing, "x0").x < box(drawing, "root").x
        assert not any(line.points_right for line in drawing.lines)

    def test_years_with_few_papers_share_a_band(self, shipped: Catalogue) -> None:
        old = [paper(f"old-{year}", date=str(year)) for year in (1990, 2005, 2015)]
        new = [paper(f"new-{i}", date="2023", builds_on=[one.slug for one in old]) for i in range(CROWD)]
        assert [band.years for band in made(shipped, *old, *new).bands] == ["1990–2015", "2023"]

    def test_two_that_could_stand_straight_do_not_cross(self, shipped: Catalogue) -> None:
        papers = [
            paper("a", date="2020"),
            paper("b", date="2020"),
            *(paper(f"c{i}", date="2024", builds_on=["b"]) for i in range(3)),
            *(paper(f"d{i}", date="2024", builds_on=["a"]) for i in range(3)),
            paper("e", date="2024", builds_on=["a", "b"]),
        ]
        drawing = made(shipped, *papers)
        assert _crossings(drawing.lines) == 0

    def test_building_on_and_disputing_one_paper_are_two_lines(self, shipped: Catalogue) -> None:
        one, other = made(shipped, paper("a"), paper("b", builds_on=["a"], critiques=["a"])).lines
        assert one.path != other.path

    def test_nothing_to_draw(self, shipped: Catalogue) -> None:
        drawing = made(shipped, paper("a"))
        assert (drawing.boxes, drawing.lines, drawing.bands) == ((), (), ())

    def test_long_names_are_cut_and_kept_in_the_title(self, shipped: Catalogue) -> None:
        name = "W" * 300
        drawing = made(shipped, paper("a", title=name, builds_on=["b"]), paper("b"))
        assert len(box(drawing, "a").label) == LONGEST_LABEL
        assert box(drawing, "a").title == name
        assert box(drawing, "a").width > LONGEST_LABEL * 10


def _crossings(lines: Iterable[Line]) -> int:
    ends = [(points(line)[0][1], points(line)[-1][1]) for line in lines]
    return sum((one[0] - two[0]) * (one[1] - two[1]) < 0 for one, two in combinations(ends, 2))


class TestBlock:
    def test_is_well_formed_and_says_everything_twice(self, shipped: Catalogue) -> None:
        html = lineage(load_site(shipped, ROOT), "../../", "family=pruning")
        found = parsed(html)
        (svg,) = (one for one in found.iter("svg") if one.get("role") == "group")
        details = found.find("details")
        assert details is not None
        in_list = {link.get("href") for link in details.iter("a")}
        assert {link.get("href") for link in svg.iter("a")} == in_list
        assert in_list == {f"../../papers/{one.slug}/" for one in drawn(shipped, "pruning").boxes}
        assert "style" not in {key for one in found.iter() for key in one.attrib}

    def test_kinds_differ_by_more_than_colour(self, shipped: Catalogue) -> None:
        papers = [
            paper("old", superseded_by="new"),
            paper("new", builds_on=["root"]),
            paper("root"),
            paper("critic", critiques=["root", "new"]),
        ]
        found = parsed(lineage(load_site(with_papers(shipped, *papers), ROOT), "../", "family=pruning"))
        dashes = {
            path.get("class"): path.get("stroke-dasharray")
            for path in found.iter("path")
            if "-" in path.get("class", "")[5:]
        }
        lines = {name: dash for name, dash in dashes.items() if name is not None and name.startswith("cat-line ")}
        assert len(lines) == len(set(lines.values())) == 3
        assert "replaces" in "".join(found.itertext())

    def test_few_relations_are_a_list(self, shipped: Catalogue) -> None:
        papers = [paper("a"), *(paper(f"b{i}", builds_on=["a"]) for i in range(FEWEST - 1))]
        html = lineage(load_site(with_papers(shipped, *papers), ROOT), "../", "family=pruning")
        assert "<svg" not in html
        assert html.count("builds on") == FEWEST - 1

    @pytest.mark.parametrize("argument", ["family=pruning", "families", "roots", "disputes"])
    def test_an_empty_catalogue(self, argument: str, shipped: Catalogue) -> None:
        parsed(lineage(load_site(with_papers(shipped), ROOT), "../", argument))

    @pytest.mark.parametrize("argument", ["", "family", "family=", "family=x", "kind=pruning"])
    def test_other_arguments_are_refused(self, argument: str, shipped: Catalogue) -> None:
        with pytest.raises(KeyError):
            lineage(load_site(shipped, ROOT), "../", argument)

    def test_hostile_names_stay_text(self, shipped: Catalogue) -> None:
        evil = '</title><script>alert(1)</script>" onload="x'
        papers = [paper("a", title=evil), *(paper(f"b{i}", short=evil, builds_on=["a"]) for i in range(FEWEST))]
        found = parsed(lineage(load_site(with_papers(shipped, *papers), ROOT), "../", "family=pruning"))
        assert not list(found.iter("script"))
        assert "onload" not in {key for one in found.iter() for key in one.attrib}
        assert evil in {one.text for one in found.iter("title")}


def test_families_with_many_relations_show_them(shipped: Catalogue) -> None:
    """Three times ``FEWEST``, so that nobody who adds a relation is asked to edit a page of prose."""
    for family in shipped.taxonomy.families:
        directive = f"<!-- lineage: family={family} -->"
        if len(family_relations(shipped, family)) >= 3 * FEWEST:
            assert directive in (FAMILIES / f"{family}.md").read_text(encoding="utf-8"), f"add {directive}"
