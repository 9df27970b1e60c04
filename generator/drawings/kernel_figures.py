"""The figures of the sparse kernels: what is laid out where, and in which order the C++ form walks over it.

Tiles are as wide as with AVX-512; matrices, blocks and chunks are drawn small. The numbers 1 to 5 of the loops
stand at the places that they count. The colours mean the same in all four: weights are ``BLUE``, inputs
``GREEN``, sums ``ORANGE``; every part carries its name besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator.drawings.pieces import (
    BLUE,
    GREEN,
    ORANGE,
    SMALL,
    WIDTH,
    Mask,
    arrow_down,
    arrow_right,
    bar,
    hollow,
    line,
    matrix,
    svg,
    text,
    text_lines,
    tip,
)

BLOCK = 4  # inputs of a block, as drawn
LEFT, RIGHT = 140, 412  # edges of the panel and of everything that stands below it
VECTORS, SHARED_VECTORS = 8, 4  # of a tile
SHARED_ROWS = 4
VECTOR = 16  # floats, as with AVX-512

CHUNK_OF_W = (
    ("0101", "0010"),
    ("0010", "1001"),
    ("1101", "0100"),
    ("1010", "0011"),
)
"""The rows of one chunk, by block of inputs; 1 is a weight that is kept."""
NEXT_CHUNK_OF_W = (
    ("0100", "1010"),
    ("1001", "0001"),
    ("0010", "1100"),
    ("0110", "0010"),
)
STRIPS_OF_W = (("0110", "1000"), ("1101", "0010"))
"""The same, for strips of four rows that share a pattern."""
NEXT_STRIPS_OF_W = (("0010", "1010"), ("1000", "0101"))

PICTURE_WIDTH, PICTURE_HEIGHT, PADDING = 4, 3, 1
POSITIONS = 8  # of a tile, as drawn
KEPT_TAPS = ((0, 1), (1, 0), (1, 2), (2, 2))
"""(dy, dx) of the window that is drawn."""
SHARED_TAP = (1, 2)
"""The one of them whose read is followed into the registers."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the stream of weights."""

    row: int
    """Or strip of rows."""
    column: int
    """Input inside the block."""
    values: tuple[str, ...]

    def offset(self, vectors: int) -> int:
        """Floats from the start of the panel to this input."""
        return self.column * vectors * VECTOR


def stream(rows: Sequence[tuple[str, str]], group: int = 1) -> list[Entry]:
    """The weights of the first block, longest row first, as ``reference_impls.kernels.weight_order`` arranges them."""
    inputs = [[column for column, kept in enumerate(row[0]) if kept == "1"] for row in rows]
    order = sorted(range(len(rows)), key=lambda row: -len(inputs[row]))
    numbers = iter(range(len(rows) * BLOCK * group))
    return [
        Entry(row, column, tuple(_made_up(next(numbers)) for _ in range(group)))
        for row in order
        for column in inputs[row]
    ]


def tall_rows() -> list[list[str]]:
    """Two images on top of each other; a row of zeros above, between and below them."""
    zeros = [["0"] * PICTURE_WIDTH] * PADDING
    first = [[str(PICTURE_WIDTH * y + x + 1) for x in range(PICTURE_WIDTH)] for y in range(PICTURE_HEIGHT)]
    second = [[chr(ord("a") + PICTURE_WIDTH * y + x) for x in range(PICTURE_WIDTH)] for y in range(PICTURE_HEIGHT)]
    return [*zeros, *first, *zeros, *second, *zeros]


def tap_offset(dy: int, dx: int) -> int:
    """Floats from the panel of a channel to what a tap reads for position 0: copy ``dx``, ``dy`` rows further on."""
    return dx * len(copy_of_panel(dx)) + dy * PICTURE_WIDTH


def copy_of_panel(dx: int) -> list[str]:
    """What one copy holds for the first tile: at each place the input ``dx`` - 1 columns further right."""
    rows = tall_rows()[: POSITIONS // PICTURE_WIDTH + 2]
    edge = ["0"] * PADDING
    return [value for row in rows for value in (edge + row + edge)[dx : dx + PICTURE_WIDTH]]


def _made_up(number: int) -> str:
    """A weight to look at: one digit behind the point, never zero."""
    digit = 1 + (7 * number + 3) % 9
    return f"−0.{digit}" if number % 3 == 1 else f"0.{digit}"


# Pieces.


def _frame(x: float, y: float, width: float, height: float, colour: str, *, kind: str = "frame") -> str:
    """An outline that marks something."""
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect class="{kind}" {place} rx="2" fill="none" stroke="{colour}" stroke-width="2"/>'


def _loop(number: int, x: float, y: float) -> str:
    """The number of a loop in a circle around (x, y)."""
    circle = f'<circle class="loop" cx="{x:g}" cy="{y:g}" r="9" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    return circle + text(x, y + 4.5, str(number), anchor="middle", size=SMALL)


def _loops(x: float, y: float, names: Sequence[str]) -> str:
    """The loops from the outermost to the innermost, each further right than the one around it."""
    parts = [text(x, y, "Loops, outermost first", bold=True)]
    for i, name in enumerate(names):
        left, middle = x + 10 + 6 * i, y + 19 + 23 * i
        parts += [_loop(i + 1, left, middle), text(left + 15, middle + 4.5, name, size=SMALL)]
    return "\n".join(parts)


def _vectors(x: float, y: float, count: int, height: float, colour: str, *, space: float = 2) -> str:
    """A row of the panel, or of sums: ``count`` vectors between x and ``RIGHT``, with space before each."""
    step = (RIGHT - x) / count
    boxes = (bar(x + step * i + space, y, step - space, height, colour, kind="vector") for i in range(count))
    return "".join(boxes)


def _middles(count: int, space: float = 2) -> list[float]:
    """The middle of each vector of a row that begins at ``LEFT``."""
    step = (RIGHT - LEFT) / count
    return [LEFT + step * i + (step + space) / 2 for i in range(count)]


def _there_and_back(y1: float, y2: float, x: float = LEFT - 16) -> str:
    """Sums come from their place in the cache, and go back: a way with a tip at both ends."""
    return "\n".join(
        (
            line(LEFT - 8, y1, x, y1),
            line(x, y1, x, y2),
            line(x, y2, LEFT - 8, y2),
            tip(LEFT, y1, 1, 0),
            tip(LEFT, y2, 1, 0),
        )
    )


def _to_panel(x: float, y1: float, y2: float) -> str:
    """From the offset of an entry to the row of the panel that it names."""
    return "\n".join((line(x, y1, x, y2), line(x, y2, LEFT - 8, y2), tip(LEFT, y2, 1, 0)))


# The matrices: which part of each is in work.


def _mask(rows: Sequence[tuple[str, str]], group: int = 1) -> Mask:
    """The rows of W as they are drawn, each ``group`` times."""
    drawn: list[tuple[bool, ...]] = []
    for row in rows:
        drawn += [tuple(kept == "1" for kept in "".join(row))] * group
    return tuple(drawn)


def _grid(x: float, y: float, height: float, colour: str) -> str:
    """Two bands of three tiles, the first of them in work."""
    boxes = []
    for band in range(2):
        for tile in range(3):
            left, top = x + 47 * tile, y + (height + 6) * band
            if band == tile == 0:
                boxes.append(bar(left, top, 43, height, colour))
            else:
                boxes.append(hollow(left, top, 43, height, kind="later"))
    return "\n".join(boxes)


def _matrices(size: int, now: Mask, later: Mask) -> str:
    """W × X = Y, with the tile, the chunk and the block in work."""
    side, gap = 2 * BLOCK * size, 6
    left, top, height = 256 - side - gap, 66 + side + gap, len(now) * size
    bottom = top + 2 * height + gap
    return "\n".join(
        (
            _grid(272, 46, BLOCK * size, GREEN),
            text(266, 18, "X: inputs × tokens", size=SMALL, bold=True),
            _loop(1, 281, 33),
            arrow_right(294, 411, 33),
            _loop(3, 258, 56),
            arrow_down(258, 68, 46 + side + gap),
            matrix(left, top, now, size, BLUE, group=BLOCK, gap=gap),
            matrix(left, top + height + gap, later, size, BLUE, group=BLOCK, gap=gap),
            _frame(left - 2, top - 2, BLOCK * size + 4, height + 4, "currentColor"),
            _loop(2, left - 16, top + 8),
            arrow_down(left - 16, top + 20, bottom),
            _loop(3, left + 8, bottom + 17),
            arrow_right(left + 20, left + side + gap, bottom + 17),
            _grid(272, top, height, ORANGE),
            text(266, bottom + 22, "Y: outputs × tokens", size=SMALL, bold=True),
            text(4, top + 14, "W: outputs", size=SMALL, bold=True),
            text(4, top + 32, "× inputs", size=SMALL, bold=True),
        )
    )


# The stream of weights.

_ENTRY, _ENTRY_LINE = 46, 19


def _entry(x: float, y: float, words: Sequence[str]) -> str:
    """One entry: its values below one another, its offset below them."""
    height = _ENTRY_LINE * len(words)
    inner = (
        text(x + _ENTRY / 2 - 1, y + 15 + _ENTRY_LINE * i, word, anchor="middle", size=SMALL)
        for i, word in enumerate(words)
    )
    last = y + height - _ENTRY_LINE
    return "\n".join(
        (
            _frame(x + 1, y, _ENTRY - 4, height, BLUE, kind="entry"),
            line(x + 1, last, x + _ENTRY - 3, last),
            *inner,
        )
    )


def _stream(y: float, entries: Sequence[Entry], vectors: int, name: str) -> str:
    """All entries of the part in work in the order of use, with the name of each row above its first one."""
    parts, x, row = [], 4.0, -1
    for entry in entries:
        if entry.row != row:
            x += 12 if row >= 0 else 0
            row = entry.row
            parts.append(text(x, y - 6, f"{name} {row}", size=SMALL))
        parts.append(_entry(x, y, (*entry.values, str(entry.offset(vectors)))))
        x += _ENTRY
    return "\n".join(('<g class="stream">', *parts, "</g>"))


def _panel(y: float, vectors: int, heading: str) -> str:
    """The packed inputs of one block and tile, a row for each input."""
    parts = [text(LEFT, y - 8, heading, bold=True)]
    for i in range(BLOCK):
        parts.append(text(56, y + 12 + 19 * i, f"input {i}", size=SMALL))
        parts.append(_vectors(LEFT, y + 19 * i, vectors, 15, GREEN))
    return "\n".join(parts)


# Sums, in registers and in the cache.


def _chunk_sums(y: float, rows: int, vectors: int, group: int = 1) -> str:
    """The sums of a chunk in the cache; rows that share a pattern stand together."""
    parts = [text(LEFT, y - 8, "Sums of the chunk, in L2", bold=True)]
    step = 19 if group == 1 else 10
    for i in range(rows):
        top = y + step * i + i // group * (8 if group > 1 else 0)
        if i % group == 0:
            name = f"row {i}" if group == 1 else f"strip {i // group}"
            parts.append(text(66, top + (12 if group == 1 else 23), name, size=SMALL))
        parts.append(_vectors(LEFT, top, vectors, step - 4 if group == 1 else step - 2, ORANGE))
    return "\n".join(parts)


def _ending(y: float) -> str:
    """What is done before the first and after the last block."""
    return text_lines(
        4,
        y,
        (
            "Each box of panel and sums is one vector. Sums begin",
            "as the bias; after the last block they go through the",
            "activation and out to Y.",
        ),
    )


def _four_rows(y: float, values: Sequence[str]) -> str:
    """Registers: vectors of inputs, loaded once, each of which goes to the sums of four rows; 134 units high."""
    gutter, step = 20, (RIGHT - LEFT) / SHARED_VECTORS
    parts = [
        _frame(LEFT, y, RIGHT - LEFT + 4, 134, "currentColor"),
        _vectors(LEFT, y + 6, SHARED_VECTORS, 15, GREEN, space=gutter),
    ]
    rows = [y + 34 + 24 * row for row in range(SHARED_ROWS)]
    for top, value in zip(rows, values, strict=True):
        parts.append(text(70, top + 13, f"{value} ×", size=SMALL))
        parts.append(_vectors(LEFT, top, SHARED_VECTORS, 18, ORANGE, space=gutter))
    for vector in range(SHARED_VECTORS):
        bus = LEFT + step * vector + 8
        parts += [line(bus + gutter - 8, y + 13, bus, y + 13), line(bus, y + 13, bus, rows[-1] + 9)]
        parts += [tip(LEFT + step * vector + gutter, top + 9, 1, 0) for top in rows]
    return "\n".join(parts)


def _loads(y1: float, y2: float, space: float) -> str:
    """Arrows from the vectors of a row of inputs into the registers."""
    return "\n".join(arrow_down(middle, y1, y2) for middle in _middles(SHARED_VECTORS, space))


# Convolutions.

_CELL = 23


def _cell(x: float, y: float, value: str, colour: str) -> str:
    """One float with a coloured outline."""
    return _frame(x + 1, y + 1, 20, 18, colour, kind="cell") + text(x + 11, y + 15, value, anchor="middle", size=SMALL)


def _zero(x: float, y: float) -> str:
    """A zero of the padding, paler than an input."""
    return hollow(x, y, _CELL - 1, 20, kind="zero") + text(x + 11, y + 15, "0", anchor="middle", size=SMALL)


def _inputs(x: float, y: float, values: Sequence[str]) -> str:
    """Inputs beside one another, with the zeros around them."""
    places = ((x + _CELL * i, value) for i, value in enumerate(values))
    return "".join(_zero(left, y) if value == "0" else _cell(left, y, value, GREEN) for left, value in places)


def _batch(x: float, y: float) -> str:
    """One channel of two images on top of each other, and what the first tile reads of it."""
    rows = tall_rows()
    read = POSITIONS // PICTURE_WIDTH + 2
    right, bottom = x + _CELL * PICTURE_WIDTH + 6, y + 22 * read - 2
    return "\n".join(
        (
            text(x, y - 10, "One channel of two images", bold=True),
            *(_inputs(x, y + 22 * i, row) for i, row in enumerate(rows)),
            line(right - 4, y, right, y),
            line(right, y, right, bottom),
            line(right - 4, bottom, right, bottom),
            text_lines(right + 8, y + 26, ("a tile of 8", "positions", "reads these")),
            text_lines(right + 8, y + 22 * read + 15, ("zeros", "between")),
        )
    )


def _window(x: float, y: float, size: int) -> str:
    """The 3×3 weights of one pair of channels, some of them removed."""
    mask = tuple(tuple((dy, dx) in KEPT_TAPS for dx in range(3)) for dy in range(3))
    return matrix(x, y, mask, size, BLUE)


def _reads(y: float, dx: int) -> str:
    """One copy, and below it what each tap of its column reads: a bar where the weight is kept."""
    sides = ("left neighbours", "the inputs themselves", "right neighbours")
    parts = [
        text(4, y + 12, f"copy dx = {dx}: {sides[dx]}", size=SMALL),
        _inputs(4, y + 18, copy_of_panel(dx)),
    ]
    for dy in range(3):
        left, top = 4 + _CELL * PICTURE_WIDTH * dy, y + 42 + 15 * dy
        width = _CELL * POSITIONS - 1
        kept = (dy, dx) in KEPT_TAPS
        parts.append(bar(left, top, width, 9, BLUE, kind="read") if kept else hollow(left, top, width, 9, kind="skip"))
        parts.append(text(375, top + 9, f"dy = {dy}", size=SMALL))
    return "\n".join(parts)


# The figures.


def csr_spmm() -> str:
    """Every row with its own pattern: one row of sums in registers, a load of inputs for each multiply-add."""
    entries = stream(CHUNK_OF_W)
    current = entries[2]
    loops = ("tile of tokens", "chunk of up to 512 rows", "block of inputs, packed", "row", "weight")
    return svg(
        "csr-spmm",
        794,
        "How csr_spmm walks over a sparse matrix",
        "Above: the sparse matrix W, the inputs X and the outputs Y, each divided into bands. Five loops from the "
        "outermost to the innermost: tile of tokens, chunk of rows, block of inputs, row, weight. Below: the weights "
        "of one chunk and block as one stream of pairs of value and offset, the longest row first. The offset "
        "of a weight, in floats, leads to a row of the panel, in which the inputs of the block lie packed for the L1 "
        "cache. Eight vectors of that row, times the value, are added to eight vectors of sums in registers. The "
        "sums of a row are loaded from the sums of the chunk in the L2 cache and stored there again.",
        _loops(4, 18, loops),
        _matrices(14, _mask(CHUNK_OF_W), _mask(NEXT_CHUNK_OF_W)),
        line(4, 348, WIDTH - 4, 348),
        text(4, 372, "Framed weights, one stream, longest row first", bold=True),
        _stream(400, entries, VECTORS, "row"),
        text_lines(4, 454, ("value, and", "offset")),
        _panel(480, VECTORS, "Panel: inputs × tile, in L1"),
        _to_panel(4 + 2 * _ENTRY + _ENTRY / 2 - 1, 438, 480 + 19 * current.column + 7),
        *(arrow_down(middle, 554, 579) for middle in _middles(VECTORS)),
        _loop(5, 13, 570),
        text_lines(28, 575, (f"{current.values[0]}, broadcast:", "8 multiply-adds")),
        _vectors(LEFT, 580, VECTORS, 18, ORANGE),
        text(LEFT, 616, "Sums of one row, in registers", bold=True),
        _there_and_back(589, 660 + 19 * current.row + 7),
        _loop(4, 13, 624),
        text_lines(28, 629, ("load sums,", "add, store")),
        _chunk_sums(660, len(CHUNK_OF_W), VECTORS),
        _ending(752),
    )


def rowblock_spmm() -> str:
    """Four rows share a pattern: each vector of inputs that is loaded serves four multiply-adds."""
    entries = stream(STRIPS_OF_W, SHARED_ROWS)
    current = entries[2]
    now, later = _mask(STRIPS_OF_W, SHARED_ROWS), _mask(NEXT_STRIPS_OF_W, SHARED_ROWS)
    loops = (
        "tile of tokens",
        "chunk of up to 512 rows",
        "block of inputs, packed",
        "strip of four rows",
        "four weights",
    )
    return svg(
        "rowblock-spmm",
        984,
        "How rowblock_spmm walks over a matrix in which four rows share a pattern",
        "Above: the sparse matrix W in strips of four rows, the inputs X and the outputs Y. Five loops from the "
        "outermost to the innermost: tile of tokens, chunk of rows, block of inputs, strip of four rows, four "
        "weights of one input. Below: the weights of one chunk and block as one stream of four values and one "
        "offset, in floats. The offset leads to a row of the panel, which is packed for the L2 cache. Each vector of "
        "that row is loaded once and added to the sums of four rows, each time multiplied by the value of that row. "
        "The sums of a strip stay in registers meanwhile; they are loaded from and stored in the sums of the chunk.",
        _loops(4, 18, loops),
        _matrices(10, now, later),
        line(4, 354, WIDTH - 4, 354),
        text(4, 378, "Framed weights, one stream, longest strip first", bold=True),
        _stream(406, entries, SHARED_VECTORS, "strip"),
        text_lines(262, 420, ("four values,", "one for each row,", "and an offset")),
        _panel(540, SHARED_VECTORS, "Panel: inputs × tile, in L2"),
        _to_panel(4 + 2 * _ENTRY + _ENTRY / 2 - 1, 501, 540 + 19 * current.column + 7),
        _loads(614, 641, 20),
        _loop(5, 13, 626),
        text_lines(28, 631, ("load once,", "use four times")),
        _four_rows(636, current.values),
        text(LEFT, 788, "Sums of four rows, in registers", bold=True),
        _there_and_back(758, 832 + 10 * SHARED_ROWS + 8 + 19),
        _loop(4, 13, 784),
        text_lines(28, 789, ("load sums,", "add, store")),
        _chunk_sums(832, SHARED_ROWS * len(STRIPS_OF_W), SHARED_VECTORS, SHARED_ROWS),
        _ending(942),
    )


def conv3x3() -> str:
    """The panel of a channel three times, so that each tap of the window is one shifted, aligned read."""
    loops = (
        "tile of positions",
        "chunk of output channels",
        "block of channels, packed",
        "output channel",
        "weight: a tap",
    )
    return svg(
        "conv3x3",
        714,
        "How conv3x3 reads the 3×3 window of a sparse convolution",
        "Above: one channel of two images on top of each other, with a row of zeros above, between and below them, "
        "and a 3×3 window with four of nine weights kept. Five loops from the outermost to the innermost: tile of "
        "positions, chunk of output channels, block of input channels, output channel, weight. Below: the panel of "
        "the channel in three copies, one for each column dx of the window: shifted by one to the left, as it is, "
        "shifted by one to the right. The tap in row dy reads a whole tile from its copy, dy rows further on. "
        "Removed weights read nothing.",
        _batch(4, 28),
        text(246, 18, "Weights, 4 of 9 kept", bold=True),
        _window(252, 28, 20),
        *(text(320, 43 + 20 * dy, f"dy = {dy}", size=SMALL) for dy in range(3)),
        *(text(262 + 20 * dx, 104, str(dx), anchor="middle", size=SMALL) for dx in range(3)),
        text(320, 104, "= dx", size=SMALL),
        _loops(200, 138, loops),
        line(4, 264, WIDTH - 4, 264),
        text(4, 288, "Panel of the channel, in L1: three copies", bold=True),
        *(_reads(300 + 98 * dx, dx) for dx in range(3)),
        text(4, 612, "Sums of the 8 positions, in registers", bold=True),
        *(_cell(4 + _CELL * position, 622, str(position), ORANGE) for position in range(POSITIONS)),
        _loop(5, 206, 632),
        text(221, 637, "+= filled bars × weights", size=SMALL),
        text_lines(
            4,
            668,
            (
                "A hollow bar: the weight is removed, nothing is read.",
                "Positions between two images are computed too, and",
                "not written out.",
            ),
        ),
    )


def rowblock_conv3x3() -> str:
    """The shifted reads of ``conv3x3`` with the four sums of ``rowblock_spmm``."""
    loops = (
        "tile of positions",
        "chunk of output channels",
        "block of channels, packed",
        "four output channels",
        "four weights",
    )
    values = stream(STRIPS_OF_W, SHARED_ROWS)[2].values
    dy, dx = SHARED_TAP
    strip, left = 44, 44 + _CELL * PICTURE_WIDTH * dy
    return svg(
        "rowblock-conv3x3",
        484,
        "How rowblock_conv3x3 lets four output channels share each read",
        "Above: the 3×3 windows of four output channels, all with the same four of nine weights kept, and one entry "
        "of the stream: four values and one offset. Five loops from the outermost to the innermost: tile of "
        "positions, chunk of output channels, block of input channels, four output channels, four weights. Below: "
        "the offset leads into one of the three copies of the panel. The tile that begins there is loaded once and "
        "added to the sums of four output channels, each time multiplied by the value of that channel.",
        text(4, 18, "Four output channels", bold=True),
        *(_window(4 + 58 * (i % 2), 28 + 58 * (i // 2), 16) for i in range(SHARED_ROWS)),
        _entry(left - 10, 28, (*values, str(tap_offset(dy, dx)))),
        _loops(200, 18, loops),
        text(4, 160, "one pattern", size=SMALL),
        arrow_down(left + 12, 124, 204),
        text(left + 22, 160, f"offset of tap dy = {dy}, dx = {dx}", size=SMALL),
        text(left + 30, 194, f"Panel: copy dx = {dx}, in L2", bold=True),
        _inputs(strip, 206, copy_of_panel(dx)),
        bar(left, 230, _CELL * POSITIONS - 1, 9, BLUE, kind="read"),
        arrow_down(left + _CELL * POSITIONS / 2, 240, 271),
        _loop(5, 13, 254),
        text_lines(28, 259, ("load once,", "use four times")),
        _four_rows(272, values),
        text(LEFT, 426, "Four rows of sums, in registers", bold=True),
        text_lines(
            4,
            452,
            ("Sums are kept as in rowblock_spmm; the panel has", "three copies of each channel as in conv3x3."),
        ),
    )
