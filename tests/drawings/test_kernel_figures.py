"""The figures of the kernels say what the kernels do: their numbers are compared with the code itself."""

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from generator.drawings.figures import CAPTIONS, FIGURES
from generator.drawings.kernel_figures import (
    BLOCK,
    CHUNK_OF_W,
    KEPT_TAPS,
    PICTURE_HEIGHT,
    PICTURE_WIDTH,
    POSITIONS,
    SHARED_ROWS,
    SHARED_TAP,
    SHARED_VECTORS,
    STRIPS_OF_W,
    VECTOR,
    VECTORS,
    Entry,
    copy_of_panel,
    stream,
    tall_rows,
    tap_offset,
)
from generator.drawings.pieces import BLUE, GREEN, ORANGE, WIDTH
from reference_impls.kernels import convolution, rowblock_spmm
from reference_impls.kernels.registry import KERNELS
from reference_impls.kernels.weight_order import TOGETHER, arrange

SVG = "{http://www.w3.org/2000/svg}"
NAMES = [name.replace("_", "-") for name in KERNELS]


def parsed(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(FIGURES[name]())


def words(name: str) -> list[str]:
    return [text.text or "" for text in parsed(name).iter(f"{SVG}text")]


def boxes(name: str, kind: str, colour: str | None = None) -> list[dict[str, str]]:
    found = (rect.attrib for rect in parsed(name).iter(f"{SVG}rect") if rect.get("class") == kind)
    return [rect for rect in found if colour in (None, rect["fill"], rect.get("stroke"))]


def text_box(text: ElementTree.Element) -> tuple[float, float, float, float]:
    """About what a line of text covers: left, top, right, bottom."""
    x, y, size = (float(text.attrib[key]) for key in ("x", "y", "font-size"))
    width = len(text.text or "") * size * (0.58 if text.get("font-weight") else 0.5)
    left = x - width / 2 if text.get("text-anchor") == "middle" else x
    return left, y - 0.72 * size, left + width, y


def arranged(rows: tuple[tuple[str, str], ...], vectors: int, group: int) -> tuple[list[int], list[int]]:
    """Rows and offsets of the first block as the real packing puts them."""
    mask = np.array([[kept == "1" for kept in "".join(row)] for row in rows])
    row, column = np.nonzero(mask)
    shape = (len(row), group) if group > 1 else (len(row),)
    packed = arrange(
        row,
        column,
        np.ones(shape, np.float32),
        column % BLOCK * vectors * VECTOR,
        rows=len(rows) * group,
        columns=mask.shape[1],
        block_inputs=BLOCK,
        group=group,
    )
    spans = slice(packed.span_start[0], packed.span_start[1])
    used = np.repeat(packed.span_row[spans, 0], packed.span_count[spans]).tolist()
    entries = packed.entries[: packed.entry_start[1]]
    if group > 1:
        return used, entries["offset"].tolist()
    offsets = entries["offsets"][:, None] >> 16 * np.arange(TOGETHER, dtype=np.uint64) & 0xFFFF
    return used, offsets[entries["value"] != 0].tolist()


def test_every_kernel_has_a_figure_and_a_caption() -> None:
    assert len(NAMES) == 4
    assert set(NAMES) <= set(FIGURES)
    assert set(NAMES) <= set(CAPTIONS)


@pytest.mark.parametrize("name", NAMES)
class TestEachFigure:
    def test_caption_is_one_to_three_sentences(self, name: str) -> None:
        assert 1 <= len(re.findall(r"\.(?: |$)", CAPTIONS[name])) <= 3

    def test_text_is_at_least_thirteen_units_high(self, name: str) -> None:
        assert min(float(text.attrib["font-size"]) for text in parsed(name).iter(f"{SVG}text")) >= 13

    def test_names_five_loops_in_order(self, name: str) -> None:
        said = words(name)
        first = said.index("Loops, outermost first")
        assert said[first + 1 : first + 11 : 2] == ["1", "2", "3", "4", "5"]
        assert said[first + 2].startswith("tile")
        assert said[first + 4].startswith("chunk")
        assert said[first + 6].startswith("block")
        assert "weight" in said[first + 10]

    def test_no_text_covers_another(self, name: str) -> None:
        for one, other in combinations(parsed(name).iter(f"{SVG}text"), 2):
            a, b = text_box(one), text_box(other)
            apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
            assert apart, f"{one.text!r} and {other.text!r}"

    def test_no_line_or_circle_leaves_the_picture(self, name: str) -> None:
        svg = parsed(name)
        height = float((svg.get("viewBox") or "").split()[3])
        for line in svg.iter(f"{SVG}line"):
            assert all(0 <= float(line.attrib[key]) <= WIDTH for key in ("x1", "x2"))
            assert all(0 <= float(line.attrib[key]) <= height for key in ("y1", "y2"))
        for circle in svg.iter(f"{SVG}circle"):
            x, y, r = (float(circle.attrib[key]) for key in ("cx", "cy", "r"))
            assert r <= x <= WIDTH - r
            assert r <= y <= height - r

    def test_vectors_do_not_overlap(self, name: str) -> None:
        rows: dict[str, list[dict[str, str]]] = {}
        for box in boxes(name, "vector"):
            rows.setdefault(box["y"], []).append(box)
        for row in rows.values():
            for left, right in pairwise(row):
                assert float(left["x"]) + float(left["width"]) < float(right["x"])


@pytest.mark.parametrize(
    ("rows", "vectors", "group"), [(CHUNK_OF_W, VECTORS, 1), (STRIPS_OF_W, SHARED_VECTORS, SHARED_ROWS)]
)
def test_stream_is_the_one_that_the_packing_makes(rows: tuple[tuple[str, str], ...], vectors: int, group: int) -> None:
    entries = stream(rows, group)
    assert ([e.row for e in entries], [e.offset(vectors) for e in entries]) == arranged(rows, vectors, group)
    assert {len(entry.values) for entry in entries} == {group}
    assert all(float(value.replace("−", "-")) for entry in entries for value in entry.values)


def test_offset_is_floats_to_an_input_of_the_panel() -> None:
    assert Entry(0, 3, ("0.5",)).offset(VECTORS) == 3 * VECTORS * VECTOR


@pytest.mark.parametrize(
    ("name", "rows", "vectors", "group"),
    [("csr-spmm", CHUNK_OF_W, VECTORS, 1), ("rowblock-spmm", STRIPS_OF_W, SHARED_VECTORS, SHARED_ROWS)],
)
def test_stream_is_drawn_whole(name: str, rows: tuple[tuple[str, str], ...], vectors: int, group: int) -> None:
    entries = stream(rows, group)
    assert len(boxes(name, "entry", BLUE)) == len(entries)
    drawn = next(g for g in parsed(name).iter(f"{SVG}g") if g.get("class") == "stream")
    said = [text.text for text in drawn.iter(f"{SVG}text") if not (text.text or "").startswith(("row", "strip"))]
    assert said == [word for entry in entries for word in (*entry.values, str(entry.offset(vectors)))]


def test_framed_part_of_w_holds_the_stream() -> None:
    matrix = next(g for g in parsed("csr-spmm").iter(f"{SVG}g") if g.get("class") == "matrix")
    kept = [[cell.get("class") == "kept" for cell in row][:BLOCK] for row in matrix]
    assert sum(map(sum, kept)) == len(stream(CHUNK_OF_W))


def test_four_rows_of_rowblock_share_their_pattern() -> None:
    for matrix in (g for g in parsed("rowblock-spmm").iter(f"{SVG}g") if g.get("class") == "matrix"):
        rows = [[cell.get("class") for cell in row] for row in matrix]
        assert len(rows) % rowblock_spmm.ROWS == 0
        for start in range(0, len(rows), rowblock_spmm.ROWS):
            assert all(row == rows[start] for row in rows[start : start + rowblock_spmm.ROWS])


def test_csr_has_one_row_of_sums_in_registers_and_one_for_each_row_in_the_cache() -> None:
    assert len(boxes("csr-spmm", "vector", GREEN)) == BLOCK * VECTORS
    assert len(boxes("csr-spmm", "vector", ORANGE)) == (1 + len(CHUNK_OF_W)) * VECTORS


def test_rowblock_loads_each_vector_once_for_four_sums() -> None:
    assert len(boxes("rowblock-spmm", "vector", GREEN)) == (BLOCK + 1) * SHARED_VECTORS
    chunk = SHARED_ROWS * len(STRIPS_OF_W)
    assert len(boxes("rowblock-spmm", "vector", ORANGE)) == (SHARED_ROWS + chunk) * SHARED_VECTORS
    assert len(boxes("rowblock-conv3x3", "vector", GREEN)) == SHARED_VECTORS
    assert len(boxes("rowblock-conv3x3", "vector", ORANGE)) == SHARED_ROWS * SHARED_VECTORS


def test_pictures_stand_on_each_other_with_one_row_of_zeros_between() -> None:
    rows = tall_rows()
    zeros = [i for i, row in enumerate(rows) if set(row) == {"0"}]
    assert zeros == [0, PICTURE_HEIGHT + 1, 2 * (PICTURE_HEIGHT + 1)]


def test_each_tap_reads_what_the_window_sees() -> None:
    """From copy dx at p + dy * width stands the input at row + dy, column + dx of the padded picture."""
    rows = [["0", *row, "0"] for row in tall_rows()]
    for dy in range(3):
        for dx in range(3):
            for p in range(POSITIONS):
                y, x = divmod(p, PICTURE_WIDTH)
                assert copy_of_panel(dx)[p + dy * PICTURE_WIDTH] == rows[y + dy][x + dx]


def test_offsets_of_taps_are_those_of_the_kernel() -> None:
    offsets = convolution.Geometry(strip=PICTURE_WIDTH, stride=1).tap_offsets(POSITIONS)
    assert [tap_offset(dy, dx) for dy in range(3) for dx in range(3)] == offsets.tolist()


def test_convolution_reads_once_for_each_kept_weight() -> None:
    reads, skips = boxes("conv3x3", "read", BLUE), boxes("conv3x3", "skip")
    assert len(reads) == len(KEPT_TAPS)
    assert len(reads) + len(skips) == convolution.TAPS
    assert f"{len(KEPT_TAPS)} of {convolution.TAPS} kept" in " ".join(words("conv3x3"))


@pytest.mark.parametrize(("name", "windows"), [("conv3x3", 1), ("rowblock-conv3x3", SHARED_ROWS)])
def test_windows_keep_the_same_taps(name: str, windows: int) -> None:
    drawn = [
        [(dy, dx) for dy, row in enumerate(matrix) for dx, cell in enumerate(row) if cell.get("class") == "kept"]
        for matrix in parsed(name).iter(f"{SVG}g")
        if matrix.get("class") == "matrix"
    ]
    assert drawn == [list(KEPT_TAPS)] * windows


def test_tap_that_is_followed_is_kept_and_its_offset_drawn() -> None:
    assert SHARED_TAP in KEPT_TAPS
    assert str(tap_offset(*SHARED_TAP)) in words("rowblock-conv3x3")
