import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from generator.drawings.figures import (
    CAPTIONS,
    FIGURES,
    GROUP,
    KEPT_IN_GROUP,
    REMOVED_UNITS,
    SIDE,
    semi_structured_mask,
    structured_mask,
    unstructured_mask,
)
from generator.drawings.pieces import PALETTE, WIDTH
from reference_impls.kernels.registry import KERNELS

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
SVG = "{http://www.w3.org/2000/svg}"
BACKGROUNDS = ("#ffffff", "#1e2129")
ALLOWED_ELEMENTS = {"svg", "title", "desc", "g", "rect", "line", "polygon", "circle", "text"}

Drawn = list[list[bool]]


def parsed(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(FIGURES[name]())


def matrices(name: str) -> list[Drawn]:
    """Every weight matrix of a figure as it is drawn: a row of cells, True where the weight is kept."""
    return [
        [[cell.get("class") == "kept" for cell in row] for row in matrix]
        for matrix in parsed(name).iter(f"{SVG}g")
        if matrix.get("class") == "matrix"
    ]


def count(matrix: Drawn) -> int:
    return sum(map(sum, matrix))


def directives(kind: str) -> Iterator[tuple[Path, str]]:
    for path in DOCS:
        for argument in re.findall(rf"<!-- {kind}: (.*?) -->", path.read_text(encoding="utf-8")):
            yield path, argument


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_every_figure_has_a_caption() -> None:
    assert set(CAPTIONS) == set(FIGURES)
    assert all(caption.endswith(".") for caption in CAPTIONS.values())


@pytest.mark.parametrize("name", FIGURES)
class TestEachFigure:
    def test_is_one_named_and_described_picture(self, name: str) -> None:
        svg = parsed(name)
        assert svg.tag == f"{SVG}svg"
        assert svg.get("role") == "img"
        title, description = svg[0], svg[1]
        assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
        assert title.text
        assert description.text
        assert len(description.text) > len(title.text)
        assert svg.get("aria-labelledby") == title.get("id")
        assert svg.get("aria-describedby") == description.get("id")

    def test_scales_with_its_column(self, name: str) -> None:
        svg = parsed(name)
        left, top, width, height = map(float, (svg.get("viewBox") or "").split())
        assert (left, top, width) == (0, 0, WIDTH)
        assert height > 0
        assert svg.get("width") is None
        assert svg.get("height") is None

    def test_needs_no_script_style_or_other_file(self, name: str) -> None:
        for element in parsed(name).iter():
            assert element.tag.removeprefix(SVG) in ALLOWED_ELEMENTS
            for attribute, value in element.attrib.items():
                assert attribute != "style"
                assert not attribute.startswith("on")
                assert not attribute.endswith("href")
                assert "url(" not in value

    def test_ids_are_unique_and_carry_the_name(self, name: str) -> None:
        ids = [element.attrib["id"] for element in parsed(name).iter() if "id" in element.attrib]
        assert len(ids) == len(set(ids)) == 2
        assert all(identifier.startswith(f"figure-{name}-") for identifier in ids)

    def test_text_is_large_enough(self, name: str) -> None:
        sizes = [float(text.attrib["font-size"]) for text in parsed(name).iter(f"{SVG}text")]
        assert sizes
        assert min(sizes) >= 12

    def test_nothing_is_drawn_outside(self, name: str) -> None:
        svg = parsed(name)
        height = float((svg.get("viewBox") or "").split()[3])
        for rect in svg.iter(f"{SVG}rect"):
            x, y, w, h = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
            assert min(x, y) >= 0
            assert x + w <= WIDTH
            assert y + h <= height
        for text in svg.iter(f"{SVG}text"):
            x, size = float(text.attrib["x"]), float(text.attrib["font-size"])
            length = len(text.text or "") * size * (0.62 if text.get("font-weight") else 0.56)
            start = x - length / 2 if text.get("text-anchor") == "middle" else x
            assert start >= 0, text.text
            assert start + length <= WIDTH, text.text
            assert float(text.attrib["y"]) < height

    def test_colours_come_from_the_palette_or_the_page(self, name: str) -> None:
        for element in parsed(name).iter():
            for attribute in ("fill", "stroke"):
                assert element.get(attribute, "none") in {"none", "currentColor", *PALETTE}

    def test_is_deterministic(self, name: str) -> None:
        assert FIGURES[name]() == FIGURES[name]()

    def test_stays_one_html_block_in_markdown(self, name: str) -> None:
        assert "\n\n" not in FIGURES[name]()


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("colour", PALETTE)
def test_palette_stands_out_on_both_backgrounds(colour: str, background: str) -> None:
    assert contrast(colour, background) >= 3


def test_ids_are_unique_over_all_figures() -> None:
    ids = [element.attrib["id"] for name in FIGURES for element in parsed(name).iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))


def test_unstructured_keeps_the_share_of_its_caption() -> None:
    dense, packed = matrices("unstructured")
    kept, total, share = 32, 64, 50
    assert f"{share}%" in CAPTIONS["unstructured"]
    assert f"{kept} of {total} weights" in CAPTIONS["unstructured"]
    assert count(dense) == kept
    assert sum(map(len, dense)) == total
    assert 100 * (total - kept) == share * total
    assert [len(row) for row in packed] == [sum(row) for row in dense]
    assert len({len(row) for row in packed}) > 1, "the figure says that the rows are of unequal length"


def test_semi_structured_keeps_two_in_each_group_of_four() -> None:
    dense, values = matrices("semi-structured")
    assert (GROUP, KEPT_IN_GROUP) == (4, 2)
    for row in dense:
        assert len(row) == SIDE
        assert [sum(row[start : start + 4]) for start in (0, 4)] == [2, 2]
    assert all(row == [True] * 4 for row in values)


def test_semi_structured_places_say_where_each_value_stood() -> None:
    dense = matrices("semi-structured")[0]
    groups = parsed("semi-structured").iter(f"{SVG}g")
    places = [text.text for text in next(group for group in groups if group.get("class") == "places")]
    assert places == [f"{column % 4:02b}" for row in dense for column, kept in enumerate(row) if kept]


def test_semi_structured_cells_stand_apart_between_groups() -> None:
    matrix = next(g for g in parsed("semi-structured").iter(f"{SVG}g") if g.get("class") == "matrix")
    edges = [float(cell.attrib["x"]) // 1 for cell in matrix[0]]
    steps = [right - left for left, right in pairwise(edges)]
    assert max(steps) == steps[3]
    assert steps.count(max(steps)) == 1


def test_structured_removes_whole_rows_and_the_matching_columns() -> None:
    first, first_small, second, second_small = matrices("structured")
    assert len(REMOVED_UNITS) == 2
    assert "2 of 8" in CAPTIONS["structured"]
    assert [i for i, row in enumerate(first) if not any(row)] == list(REMOVED_UNITS)
    assert all(all(row) or not any(row) for row in first)
    assert second == [list(column) for column in zip(*first, strict=True)]
    assert first_small == [[True] * 8] * 6
    assert second_small == [[True] * 6] * 8
    assert count(first) == count(first_small)
    assert count(second) == count(second_small)


def test_patterns_show_the_same_share_three_times() -> None:
    drawn = matrices("patterns")
    assert len(drawn) == 3
    assert [count(matrix) for matrix in drawn] == [32, 32, 32]
    assert "50%" in CAPTIONS["patterns"]
    assert [tuple(map(tuple, matrix)) for matrix in drawn[:2]] == [
        unstructured_mask(),
        semi_structured_mask(),
    ]
    assert all(len(set(row)) == 1 for row in drawn[2])


def test_structured_mask_of_nothing_is_dense() -> None:
    assert structured_mask(()) == ((True,) * SIDE,) * SIDE


def test_cost_saves_something_in_every_row_but_the_first() -> None:
    svg = parsed("cost")
    saved = [float(r.attrib["y"]) for r in svg.iter(f"{SVG}rect") if r.get("class") == "gone"]
    paid = [float(r.attrib["y"]) for r in svg.iter(f"{SVG}rect") if r.get("class") == "bar"]
    assert min(paid) < min(saved)
    assert len(set(saved)) == 4


def test_composition_marks_every_stage_in_every_column() -> None:
    circles = [c.get("class") for c in parsed("composition").iter(f"{SVG}circle")]
    legend = 3  # lowers, may, leaves; what adds is drawn as a cross
    adds = 1
    assert len(circles) - legend + adds == 5 * 3


def test_docs_reference_figures_that_exist() -> None:
    unknown = [(path.name, name) for path, name in directives("figure") if name not in FIGURES]
    assert unknown == []


def test_every_figure_is_used() -> None:
    on_pages_of_kernels = {name.replace("_", "-") for name in KERNELS}
    assert {name for _, name in directives("figure")} | on_pages_of_kernels == set(FIGURES)


def test_no_page_shows_a_figure_twice() -> None:
    shown = list(directives("figure"))
    assert len(shown) == len(set(shown))


def test_docs_reference_papers_that_exist() -> None:
    slugs = {path.stem for path in (ROOT / "data" / "papers").glob("*/*.yaml")}
    unknown = [(path.name, slug) for path, slug in directives("paper") if slug not in slugs]
    assert unknown == []


def test_directives_of_figures_and_tables_stand_alone() -> None:
    for path in DOCS:
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"<!-- (figure|catalogue):", line):
                assert re.fullmatch(r"<!-- \w+: [^<>]+ -->", line), f"{path.name}: {line}"


def test_no_line_starts_with_a_paper() -> None:
    """Markdown takes a comment at the start of a line for a block and would break the paragraph there."""
    broken = [
        f"{path.name}: {line}"
        for path in DOCS
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*<!-- paper:", line)
    ]
    assert broken == []


def test_links_between_guides_lead_to_files() -> None:
    for folder in ("families", "sparsity"):
        for path in [ROOT / "docs" / "introduction.md", *sorted((ROOT / "docs" / folder).glob("*.md"))]:
            for target in re.findall(r"\]\(([^):]+\.md)\)", path.read_text(encoding="utf-8")):
                assert (path.parent / target).is_file(), f"{path.name} links {target}"
