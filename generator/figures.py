"""The explanatory figures of the guides, each drawn as one inline SVG: no dependencies, no randomness, no CSS.

A figure takes the text colour of the page (``currentColor``) and a few colours that stand out on white and on the
dark background alike. What is removed is drawn hollow, so that no figure depends on colour. Every figure is ``WIDTH``
units wide and scales with its column; a page may hold each figure once, because its ids carry the figure's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from generator.escape import markup

WIDTH = 420
SMALL, NORMAL, LARGE = 13, 14, 15
BLUE, ORANGE, GREEN, PURPLE = "#3f83f0", "#d9730d", "#1f9d55", "#9061f0"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE)

SIDE = 8
KEPT_OF_UNSTRUCTURED = 32
REMOVED_UNITS = (2, 5)
GROUP, KEPT_IN_GROUP = 4, 2

Mask = tuple[tuple[bool, ...], ...]


# Masks: True means kept.


def _weights() -> list[list[int]]:
    """A made-up 8×8 matrix of weight magnitudes, all different, always the same."""
    return [[(37 * (SIDE * row + column) ** 2 + 11 * row + 59 * column) % 1009 for column in range(SIDE)] for row in range(SIDE)]


def unstructured_mask() -> Mask:
    """The 32 largest of the 64 weights, wherever they stand."""
    weights = _weights()
    places = [(row, column) for row in range(SIDE) for column in range(SIDE)]
    kept = set(sorted(places, key=lambda place: -weights[place[0]][place[1]])[:KEPT_OF_UNSTRUCTURED])
    return tuple(tuple((row, column) in kept for column in range(SIDE)) for row in range(SIDE))


def semi_structured_mask() -> Mask:
    """The two largest weights of every four consecutive ones in a row."""
    rows = []
    for weights in _weights():
        kept: set[int] = set()
        for start in range(0, SIDE, GROUP):
            group = range(start, start + GROUP)
            kept |= set(sorted(group, key=lambda column: -weights[column])[:KEPT_IN_GROUP])
        rows.append(tuple(column in kept for column in range(SIDE)))
    return tuple(rows)


def structured_mask() -> Mask:
    """Whole rows gone: each row of the matrix computes one hidden unit."""
    return tuple((row not in REMOVED_UNITS,) * SIDE for row in range(SIDE))


def _transposed(mask: Mask) -> Mask:
    return tuple(zip(*mask, strict=True))


# Pieces of a drawing.


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", size: int = NORMAL, bold: bool = False, faint: bool = False
) -> str:
    """One line of text whose baseline is at ``y``."""
    weight = ' font-weight="bold"' if bold else ""
    opacity = ' opacity="0.75"' if faint else ""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="currentColor"{weight}{opacity}>'
        f"{markup(words)}</text>"
    )


def _lines(x: float, y: float, lines: Sequence[str], *, step: int = 18, size: int = NORMAL, faint: bool = False) -> str:
    """Several lines of text below one another."""
    return "\n".join(_text(x, y + step * i, line, size=size, faint=faint) for i, line in enumerate(lines))


def _bar(x: float, y: float, width: float, height: float, colour: str, *, kind: str = "bar") -> str:
    """A filled rectangle."""
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="2" fill="{colour}"/>'


def _hollow(x: float, y: float, width: float, height: float, *, kind: str = "gone") -> str:
    """The outline of what is not there."""
    return (
        f'<rect class="{kind}" x="{x + 0.5:g}" y="{y + 0.5:g}" width="{width - 1:g}" height="{height - 1:g}" rx="2" fill="none" '
        'stroke="currentColor" stroke-opacity="0.4"/>'
    )


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="currentColor" stroke-width="1.5" stroke-opacity="0.75"/>'
    )


def _head(x: float, y: float, dx: int, dy: int) -> str:
    """An arrow head whose tip is at (x, y), pointing along (dx, dy)."""
    back_x, back_y = x - 9 * dx, y - 9 * dy
    corners = ((x, y), (back_x + 5 * dy, back_y + 5 * dx), (back_x - 5 * dy, back_y - 5 * dx))
    points = " ".join(f"{a:g},{b:g}" for a, b in corners)
    return f'<polygon points="{points}" fill="currentColor" fill-opacity="0.75"/>'


def _arrow_right(x1: float, x2: float, y: float) -> str:
    return "\n".join((_line(x1, y, x2 - 8, y), _head(x2, y, 1, 0)))


def _arrow_down(x: float, y1: float, y2: float) -> str:
    return "\n".join((_line(x, y1, x, y2 - 8), _head(x, y2, 0, 1)))


def _cells(x: float, y: float, mask: Mask, size: int, colour: str, *, group: int = 0, gap: int = 0) -> str:
    """A weight matrix, one group element a row; ``gap`` units of space after each ``group`` columns."""
    rows = []
    for i, row in enumerate(mask):
        cells = []
        for j, kept in enumerate(row):
            left = x + j * size + (j // group * gap if group else 0) + 1
            top = y + i * size + 1
            inner = size - 2
            cells.append(
                _bar(left, top, inner, inner, colour, kind="kept") if kept else _hollow(left, top, inner, inner, kind="removed")
            )
        rows.append(f'<g class="row">{"".join(cells)}</g>')
    return f'<g class="matrix">\n{chr(10).join(rows)}\n</g>'


def _svg(name: str, height: int, title: str, description: str, *parts: str) -> str:
    """The finished figure: a picture to assistive software, with a name and a description."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="drawn" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="figure-{name}-title figure-{name}-desc">'
    )
    return "\n".join(
        (
            head,
            f'<title id="figure-{name}-title">{markup(title)}</title>',
            f'<desc id="figure-{name}-desc">{markup(description)}</desc>',
            *parts,
            "</svg>",
        )
    )


# The figures.


def _calls(x: float, y: float, heights: Sequence[Sequence[int]], full: int) -> str:
    """Network calls as bars, those of one step side by side; the outline shows what the full call would cost."""
    bars = []
    for step, calls in enumerate(heights):
        for call, height in enumerate(calls):
            left = x + 19 * step + 8 * call
            if height < full:
                bars.append(_hollow(left, y, 7, full))
            if height:
                bars.append(_bar(left, y + full - height, 7, height, (BLUE, ORANGE)[call]))
    return "\n".join(bars)


def cost() -> str:
    """Steps × calls per step × cost of a call as an area of bars, and which family takes away which part."""
    steps, full = 7, 44
    rows: tuple[tuple[str, tuple[str, ...], list[list[int]]], ...] = (
        ("Dense model, plain sampler", ("a bar is one network call: its height", "the cost; each step makes two calls", "because of guidance"), [[full, full]] * steps),
        ("Fewer steps", ("fast samplers,", "step distillation"), [[full, full] if i in (0, 3, 6) else [0, 0] for i in range(steps)]),
        ("Fewer calls a step", ("guidance distillation", "or guidance on some steps only"), [[full, 0]] * steps),
        ("Cheaper calls", ("pruning, quantization, token reduction,", "sparse attention, better architectures"), [[26, 26]] * steps),
        ("Partly skipped calls", ("feature caching,", "dynamic inference"), [[full, full] if i % 3 == 0 else [12, 12] for i in range(steps)]),
    )  # fmt: skip
    parts = []
    for i, (heading, lines, heights) in enumerate(rows):
        top = 10 + 84 * i
        parts.append(_calls(4, top + 8, heights, full))
        parts.append(_text(152, top + 14, heading, size=LARGE, bold=True))
        parts.append(_lines(152, top + 32, lines, step=17, size=SMALL))
        if i == 0:
            parts.append(_line(4, top + 74, WIDTH - 4, top + 74))
    parts.append(_text(4, 448, "Parallel inference leaves the area as it is and spreads it", size=SMALL))
    parts.append(_text(4, 466, "over devices. Memory follows the weights, not the steps.", size=SMALL))
    return _svg(
        "cost",
        476,
        "What one sample costs, and which methods shrink which part",
        "Five rows of bars. Each bar is one network call and its height the cost of the call; every step makes two calls "
        "because of guidance. Fast samplers and step distillation leave out steps. Guidance distillation leaves out the "
        "second call. Pruning, quantization, token reduction, sparse attention and better architectures lower every bar. "
        "Caching and dynamic inference lower the bars of some steps.",
        *parts,
    )


def unstructured() -> str:
    """Single weights removed anywhere, and the ragged rows that are left to store."""
    mask = unstructured_mask()
    size = 20
    packed = tuple((True,) * sum(row) for row in mask)
    parts = [
        _text(8, 18, "Weight matrix", bold=True),
        _cells(8, 28, mask, size, BLUE),
        _arrow_right(182, 222, 108),
        _text(236, 18, "What is stored", bold=True),
        _cells(236, 28, packed, size, BLUE),
        _text(8, 212, f"{KEPT_OF_UNSTRUCTURED} of {SIDE * SIDE} weights kept,", size=SMALL),
        _text(8, 230, "in any place", size=SMALL),
        _text(236, 212, "values, each with its column:", size=SMALL),
        _text(236, 230, "rows of unequal length", size=SMALL),
    ]
    return _svg(
        "unstructured",
        240,
        "Unstructured pruning",
        f"An 8 by 8 weight matrix in which {KEPT_OF_UNSTRUCTURED} of {SIDE * SIDE} weights are kept in no regular pattern. "
        "Beside it the kept values pushed together: every row has a different length, so a sparse kernel has to look up "
        "the place of each value.",
        *parts,
    )


def structured() -> str:
    """A hidden unit is a row of one matrix and a column of the next; both go, and both matrices become smaller."""
    first = structured_mask()
    second = _transposed(first)
    kept = SIDE - len(REMOVED_UNITS)
    size = 17
    parts = []
    for top, mask, name, lost, rows, columns in (
        (0, first, "First layer", "two rows: hidden units", kept, SIDE),
        (212, second, "Next layer", "the same two units: columns", SIDE, kept),
    ):
        small: Mask = ((True,) * columns,) * rows
        parts += [
            _text(8, top + 18, name, bold=True),
            _cells(8, top + 28, mask, size, BLUE),
            _arrow_right(168, 218, top + 96),
            _text(236, top + 18, f"{rows} × {columns}, dense", bold=True),
            _cells(236, top + 28, small, size, BLUE),
            _text(8, top + 184, f"removed: {lost}", size=SMALL),
        ]
    return _svg(
        "structured",
        408,
        "Structured pruning",
        "Two 8 by 8 weight matrices of consecutive layers. Two hidden units are removed: two rows of the first matrix and "
        "the matching two columns of the second. What is left is a dense 6 by 8 and a dense 8 by 6 matrix.",
        *parts,
    )


def semi_structured() -> str:
    """Groups of four with two kept, and the packed form: values and 2-bit places."""
    mask = semi_structured_mask()
    size, gap = 18, 8
    values: Mask = ((True,) * (SIDE // GROUP * KEPT_IN_GROUP),) * SIDE
    places = []
    for i, row in enumerate(mask):
        for position, column in enumerate([j for j, kept in enumerate(row) if kept]):
            places.append(
                f'<text class="index" x="{311 + 25 * position + position // KEPT_IN_GROUP * gap:g}" y="{41 + size * i:g}" '
                f'text-anchor="middle" font-size="{SMALL}" fill="currentColor">{column % GROUP:02b}</text>'
            )
    parts = [
        _text(4, 18, "Weight matrix, 2:4", bold=True),
        _cells(4, 28, mask, size, BLUE, group=GROUP, gap=gap),
        _arrow_right(166, 194, 100),
        _text(204, 18, "Values", bold=True),
        _cells(204, 28, values, size, BLUE, group=KEPT_IN_GROUP, gap=gap),
        _text(300, 18, "2-bit places", bold=True),
        *places,
        _text(4, 196, "two of every four kept", size=SMALL),
        _text(204, 196, "half as wide, rows of equal length", size=SMALL),
    ]
    return _svg(
        "semi-structured",
        206,
        "Semi-structured pruning: the 2:4 pattern",
        "An 8 by 8 weight matrix split into groups of four consecutive weights of a row. Exactly two weights of each group "
        "are kept. Beside it the packed form: a dense 8 by 4 matrix of values and, for each value, two bits that say "
        "which of the four places it came from.",
        *parts,
    )


def patterns() -> str:
    """The three kinds of sparsity side by side on a matrix of the same size."""
    size = 14
    kinds = (
        ("Unstructured", unstructured_mask(), 0, ("any weight", "50 % removed")),
        ("N:M, here 2:4", semi_structured_mask(), GROUP, ("2 of 4 kept", "50 % removed")),
        ("Structured", structured_mask(), 0, ("whole rows", "25 % removed")),
    )
    parts = []
    for i, (name, mask, group, lines) in enumerate(kinds):
        left = 4 + 146 * i
        parts.append(_text(left, 16, name, bold=True))
        parts.append(_cells(left, 26, mask, size, PALETTE[i], group=group, gap=6))
        parts.append(_lines(left, 158, lines, size=SMALL))
    return _svg(
        "patterns",
        184,
        "Three patterns of sparsity",
        "Three 8 by 8 weight matrices. Unstructured: half of the weights removed in no regular pattern. Semi-structured 2:4: "
        "two of every four consecutive weights removed. Structured: two whole rows removed, a quarter of the weights.",
        *parts,
    )


def composition() -> str:
    """An order of work that composes the families, with the costs each stage lowers."""
    stages = (
        ("Choose sampler and steps", "no training needed", (True, False, False), BLUE),
        ("Prune", "for that sampler", (False, True, True), ORANGE),
        ("Recover by distillation", "gives quality back", (False, False, False), GREEN),
        ("Quantize", "calibrate the pruned model", (False, True, True), PURPLE),
        ("Cache features", "tune it last", (False, True, False), BLUE),
    )
    columns = (("steps", 262), ("call", 322), ("memory", 384))
    parts = [_text(x, 18, name, anchor="middle", size=SMALL) for name, x in columns]
    for i, (name, note, touched, colour) in enumerate(stages):
        top = 30 + 76 * i
        parts.append(_bar(4, top, 6, 52, colour))
        parts.append(_hollow(4, top, 224, 52, kind="box"))
        parts.append(_text(20, top + 22, f"{i + 1}. {name}", bold=True))
        parts.append(_text(20, top + 42, note, size=SMALL))
        if i + 1 < len(stages):
            parts.append(_arrow_down(116, top + 54, top + 75))
        for (_, x), yes in zip(columns, touched, strict=True):
            parts.append(
                f'<circle class="{"lowers" if yes else "leaves"}" cx="{x}" cy="{top + 26}" r="{8 if yes else 2.5:g}" '
                f'fill="{colour if yes else "currentColor"}" fill-opacity="{1 if yes else 0.5:g}"/>'
            )
    parts.append(_text(4, 412, "large dot: lowers it; small dot: leaves it", size=SMALL))
    return _svg(
        "composition",
        424,
        "How the methods compose",
        "Five stages in order. First choose sampler and steps, which lowers the number of steps. Second prune, which lowers "
        "the cost of a call and the memory. Third recover by distillation, which gives quality back. Fourth quantize, which "
        "lowers the cost of a call and the memory. Fifth cache features, which lowers the average cost of a call.",
        *parts,
    )


def pruning_loop() -> str:
    """Score, select, remove, recover, measure, and back again."""
    stages = (
        ("Score", "how much does each unit matter?"),
        ("Select", "the least important within a budget"),
        ("Remove", "set to zero, or cut out and reshape"),
        ("Recover", "compensate, fine-tune or distil"),
        ("Measure", "quality, bytes and seconds"),
    )
    parts = []
    for i, (name, note) in enumerate(stages):
        top = 8 + 74 * i
        parts.append(_bar(4, top, 6, 52, (BLUE, BLUE, ORANGE, GREEN, PURPLE)[i]))
        parts.append(_hollow(4, top, 292, 52, kind="box"))
        parts.append(_text(20, top + 22, name, bold=True))
        parts.append(_text(20, top + 42, note, size=SMALL))
        if i + 1 < len(stages):
            parts.append(_arrow_down(150, top + 54, top + 73))
    first, last, right = 34, 330, 330
    parts += [
        _line(297, last, right, last),
        _line(right, last, right, first),
        _line(right, first, 306, first),
        _head(298, first, -1, 0),
        _lines(right + 10, 164, ("iterative:", "go round", "again"), size=SMALL),
        _lines(right + 10, 240, ("one-shot:", "stop here"), size=SMALL),
    ]
    return _svg(
        "pruning-loop",
        368,
        "The pruning loop",
        "Five boxes from top to bottom: score, select, remove, recover, measure. An arrow leads back from measure to score: "
        "iterative methods go round again, one-shot methods stop after one pass.",
        *parts,
    )


FIGURES: dict[str, Callable[[], str]] = {
    "composition": composition,
    "cost": cost,
    "patterns": patterns,
    "pruning-loop": pruning_loop,
    "semi-structured": semi_structured,
    "structured": structured,
    "unstructured": unstructured,
}

CAPTIONS: dict[str, str] = {
    "composition": "One sensible order when several methods are combined, and the costs that each of them lowers.",
    "cost": "The filled area is the work for one sample. Each family takes away a different part of it.",
    "patterns": "The same matrix under the three patterns; hollow cells are removed weights.",
    "pruning-loop": "What every pruning method does; the methods differ in how they fill the five boxes.",
    "semi-structured": "In the 2:4 pattern, 2 of every 4 consecutive weights are kept and packed.",
    "structured": "Removing 2 of 8 hidden units shrinks two neighbouring matrices, and both stay dense.",
    "unstructured": "Unstructured pruning at 50 %: 32 of 64 weights are kept, in any place.",
}
