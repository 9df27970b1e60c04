"""The explanatory figures of the guides, each drawn as one inline SVG without CSS, scripts or randomness.

A page may hold each figure once, because the ids in it carry the figure's name and nothing else. What they have in
common is in ``pieces``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from generator.drawings.kernel_figures import conv3x3, csr_spmm, rowblock_conv3x3, rowblock_spmm
from generator.drawings.pieces import (
    BLUE,
    GREEN,
    LARGE,
    ORANGE,
    PURPLE,
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

SIDE = 8
KEPT_OF_UNSTRUCTURED = 32
GROUP, KEPT_IN_GROUP = 4, 2
REMOVED_UNITS = (2, 5)
HALF_OF_THE_ROWS = (1, 3, 4, 6)


# Masks: True means kept.


def _weights() -> list[list[int]]:
    """A made-up 8×8 matrix of weight magnitudes, always the same: 64 numbers of a linear congruence."""
    state, numbers = 41, []
    for _ in range(SIDE * SIDE):
        state = (1103515245 * state + 12345) % 2**31
        numbers.append(state >> 8)
    return [numbers[start : start + SIDE] for start in range(0, SIDE * SIDE, SIDE)]


def unstructured_mask() -> Mask:
    """The 32 largest of the 64 weights, wherever they stand."""
    weights = _weights()
    places = [(row, column) for row in range(SIDE) for column in range(SIDE)]
    largest = sorted(places, key=lambda place: -weights[place[0]][place[1]])
    kept = set(largest[:KEPT_OF_UNSTRUCTURED])
    return tuple(tuple((row, column) in kept for column in range(SIDE)) for row in range(SIDE))


def semi_structured_mask() -> Mask:
    """The two largest weights of every four consecutive ones in a row."""
    rows = []
    for weights in _weights():
        kept: set[int] = set()
        for start in range(0, SIDE, GROUP):
            largest = sorted(range(start, start + GROUP), key=lambda column: -weights[column])
            kept.update(largest[:KEPT_IN_GROUP])
        rows.append(tuple(column in kept for column in range(SIDE)))
    return tuple(rows)


def structured_mask(removed: Sequence[int]) -> Mask:
    """Whole rows gone: each row of the matrix computes one hidden unit."""
    return tuple((row not in removed,) * SIDE for row in range(SIDE))


def _transposed(mask: Mask) -> Mask:
    """Rows as columns."""
    return tuple(zip(*mask, strict=True))


def _dense(rows: int, columns: int) -> Mask:
    """A matrix with nothing removed."""
    return ((True,) * columns,) * rows


# A piece that only these figures use.


def _stage(y: float, width: float, name: str, note: str, colour: str) -> str:
    """One box of a flow: a coloured edge, a name, a line that explains it."""
    return "\n".join(
        (
            bar(4, y, 6, 52, colour),
            hollow(4, y, width, 52, kind="box"),
            text(20, y + 22, name, bold=True),
            text(20, y + 42, note, size=SMALL),
        )
    )


# The figures.

_STEPS, _FULL = 7, 44  # what the dense model of `cost` pays: steps, and the height of one forward pass


def _passes(x: float, y: float, heights: Sequence[tuple[int, int]]) -> str:
    """The two forward passes of each step as bars side by side; an outline shows what is saved."""
    bars = []
    for step, pair in enumerate(heights):
        for number, height in enumerate(pair):
            left = x + 19 * step + 8 * number
            if height < _FULL:
                bars.append(hollow(left, y, 7, _FULL))
            if height:
                bars.append(bar(left, y + _FULL - height, 7, height, (BLUE, ORANGE)[number]))
    return "\n".join(bars)


def cost() -> str:
    """Steps × forward passes per step × cost of a pass as an area of bars, and which family reduces which part."""
    every, none = (_FULL, _FULL), (0, 0)
    rows = (
        (
            "Dense model, plain sampler",
            ("a bar is one forward pass, as high", "as it costs; guidance makes", "two passes in each step"),
            [every] * _STEPS,
        ),
        (
            "Fewer steps",
            ("fast samplers,", "step distillation"),
            [every if step % 3 == 0 else none for step in range(_STEPS)],
        ),
        (
            "Fewer passes per step",
            ("guidance distillation,", "guidance in some steps only"),
            [(_FULL, 0)] * _STEPS,
        ),
        (
            "Cheaper passes",
            ("pruning, quantization,", "sparse attention, fewer tokens,", "better design"),
            [(26, 26)] * _STEPS,
        ),
        (
            "Passes skipped in part",
            ("feature caching,", "dynamic inference"),
            [every if step % 3 == 0 else (12, 12) for step in range(_STEPS)],
        ),
    )
    parts = [text(4, 84, "steps", size=SMALL), arrow_right(44, 137, 80)]
    for i, (heading, lines, heights) in enumerate(rows):
        top = 8 + 84 * i + (16 if i else 0)
        parts.append(_passes(4, top + 8, heights))
        parts.append(text(156, top + 14, heading, size=LARGE, bold=True))
        parts.append(text_lines(156, top + 33, lines))
    parts.append(line(4, 98, WIDTH - 4, 98))
    parts.append(
        text_lines(
            4,
            450,
            (
                "Parallel inference keeps the area and spreads it over",
                "devices. Memory follows the weights, not steps.",
            ),
        )
    )
    return svg(
        "cost",
        478,
        "What one sample costs, and which methods shrink which part",
        "Five rows of bars. A bar is one forward pass and its height the cost of the pass; guidance makes "
        "two passes in each step. Fast samplers and step distillation leave out steps. Guidance "
        "distillation leaves out the second pass. Pruning, quantization, sparse attention, fewer tokens "
        "and better design lower every bar. Feature caching and dynamic inference lower the bars of some "
        "steps.",
        *parts,
    )


def unstructured() -> str:
    """Weights removed in no regular pattern, and the ragged rows that are stored."""
    mask = unstructured_mask()
    packed: Mask = tuple((True,) * sum(row) for row in mask)
    size = 20
    return svg(
        "unstructured",
        238,
        "Unstructured pruning",
        f"An 8 by 8 weight matrix in which {KEPT_OF_UNSTRUCTURED} of {SIDE * SIDE} weights are kept in no "
        "regular pattern. Beside it the kept values pushed together: the rows have different lengths, so "
        "that a sparse kernel has to look up the column of each value.",
        text(4, 18, "Weight matrix", bold=True),
        matrix(4, 28, mask, size, BLUE),
        arrow_right(178, 218, 108),
        text(232, 18, "What is stored", bold=True),
        matrix(232, 28, packed, size, BLUE),
        text_lines(4, 210, (f"{KEPT_OF_UNSTRUCTURED} of {SIDE * SIDE} weights kept,", "in any place")),
        text_lines(232, 210, ("values and their columns,", "rows of unequal length")),
    )


def structured() -> str:
    """A hidden unit is a row of one matrix and a column of the next: both are removed, both matrices shrink."""
    first = structured_mask(REMOVED_UNITS)
    kept = SIDE - len(REMOVED_UNITS)
    size = 17
    layers = (
        (0, "First layer", first, (kept, SIDE), "two rows removed: two hidden units"),
        (208, "Next layer", _transposed(first), (SIDE, kept), "two columns removed: the same units"),
    )
    parts = []
    for top, name, mask, (rows, columns), note in layers:
        parts += [
            text(4, top + 18, name, bold=True),
            matrix(4, top + 28, mask, size, BLUE),
            arrow_right(164, 214, top + 96),
            text(232, top + 18, f"{rows} × {columns}, dense", bold=True),
            matrix(232, top + 28, _dense(rows, columns), size, BLUE),
            text(4, top + 184, note, size=SMALL),
        ]
    return svg(
        "structured",
        402,
        "Structured pruning",
        "Two 8 by 8 weight matrices of consecutive layers. Two hidden units are removed: two rows of the "
        "first matrix and the matching two columns of the second. The result is a dense 6 by 8 and a "
        "dense 8 by 6 matrix.",
        *parts,
    )


def semi_structured() -> str:
    """Groups of four with two kept, and the packed form: values and 2-bit indices."""
    mask = semi_structured_mask()
    size, gap = 18, 8
    places = []
    for i, row in enumerate(mask):
        kept = [column for column, is_kept in enumerate(row) if is_kept]
        for j, column in enumerate(kept):
            x = 311 + 25 * j + j // KEPT_IN_GROUP * gap
            places.append(text(x, 41 + size * i, f"{column % GROUP:02b}", anchor="middle", size=SMALL))
    return svg(
        "semi-structured",
        204,
        "Semi-structured pruning: the 2:4 pattern",
        "An 8 by 8 weight matrix split into groups of four consecutive weights of a row. Exactly two "
        "weights of each group are kept. Beside it the packed form: a dense 8 by 4 matrix of values and, "
        "for each value, a two-bit index of its position among the four.",
        text(4, 18, "2:4 matrix", bold=True),
        matrix(4, 28, mask, size, BLUE, group=GROUP, gap=gap),
        arrow_right(164, 194, 100),
        text(204, 18, "Values", bold=True),
        matrix(204, 28, _dense(SIDE, SIDE // 2), size, BLUE, group=KEPT_IN_GROUP, gap=gap),
        text(298, 18, "2-bit indices", bold=True),
        '<g class="places">',
        *places,
        "</g>",
        text(4, 194, "two of every four kept", size=SMALL),
        text(204, 194, "regular rows, half as wide", size=SMALL),
    )


def patterns() -> str:
    """The three kinds of sparsity side by side, each with half of the weights removed."""
    kinds = (
        ("Unstructured", unstructured_mask(), 0, "any weights", BLUE),
        ("N:M, here 2:4", semi_structured_mask(), GROUP, "2 of 4 kept", ORANGE),
        ("Structured", structured_mask(HALF_OF_THE_ROWS), 0, "whole rows", GREEN),
    )
    parts = []
    for i, (name, mask, group, note, colour) in enumerate(kinds):
        left = 4 + 146 * i
        parts.append(text(left, 16, name, bold=True))
        parts.append(matrix(left, 26, mask, 14, colour, group=group, gap=6))
        parts.append(text(left, 158, note, size=SMALL))
    return svg(
        "patterns",
        168,
        "Three patterns of sparsity",
        "Three 8 by 8 weight matrices, each with half of its weights removed. Unstructured: in no regular "
        "pattern. Semi-structured 2:4: two of every four consecutive weights. Structured: four whole "
        "rows.",
        *parts,
    )


def _mark(kind: str, x: float, y: float, colour: str) -> str:
    """What a stage does to a cost: ``lowers`` it, ``may`` lower it, ``adds`` to it or ``leaves`` it."""
    place = f'class="{kind}" cx="{x:g}" cy="{y:g}"'
    if kind == "lowers":
        return f'<circle {place} r="8" fill="{colour}"/>'
    if kind == "may":
        return f'<circle {place} r="7" fill="none" stroke="{colour}" stroke-width="2.5"/>'
    if kind == "adds":
        return "\n".join((line(x - 7, y, x + 7, y), line(x, y - 7, x, y + 7)))
    return f'<circle {place} r="2.5" fill="currentColor" fill-opacity="0.5"/>'


def composition() -> str:
    """An order of work that composes the families, and what each stage does to the three costs."""
    stages = (
        ("1. Choose sampler, steps", "solvers need no training", ("lowers", "leaves", "leaves"), BLUE),
        ("2. Prune", "calibrate along that sampler", ("leaves", "lowers", "lowers"), ORANGE),
        ("3. Recover by distilling", "quality returns; fewer steps?", ("may", "leaves", "leaves"), GREEN),
        ("4. Quantize", "calibrate the pruned model", ("leaves", "lowers", "lowers"), PURPLE),
        ("5. Cache features", "tune the schedule last", ("leaves", "lowers", "adds"), BLUE),
    )
    columns = (("steps", 262), ("each pass", 322), ("memory", 390))
    parts = [text(x, 18, name, anchor="middle", size=SMALL) for name, x in columns]
    for i, (name, note, marks, colour) in enumerate(stages):
        top = 30 + 74 * i
        parts.append(_stage(top, 230, name, note, colour))
        if i + 1 < len(stages):
            parts.append(arrow_down(118, top + 54, top + 73))
        parts += [_mark(kind, x, top + 26, colour) for (_, x), kind in zip(columns, marks, strict=True)]
    for kind, words, x, y in (
        ("lowers", "lowers it", 14, 410),
        ("may", "may lower it", 114, 410),
        ("adds", "adds to it", 234, 410),
        ("leaves", "leaves it", 334, 410),
    ):
        parts.append(_mark(kind, x, y, "currentColor"))
        parts.append(text(x + 14, y + 5, words, size=SMALL))
    return svg(
        "composition",
        426,
        "How the methods compose",
        "Five stages in order. First choose sampler and steps: lowers the number of steps. Second prune: "
        "lowers the cost of each forward pass and the memory. Third recover by distilling: gives quality back and "
        "may lower the number of steps. Fourth quantize: lowers the cost of each forward pass and "
        "the memory. Fifth cache features: lowers the average cost of a forward pass and adds to the memory.",
        *parts,
    )


def pruning_loop() -> str:
    """Score, select, remove, recover, measure, and back again."""
    stages = (
        ("Score", "importance of each weight or unit", BLUE),
        ("Select", "the least important within a budget", BLUE),
        ("Remove", "set to zero, or cut out and reshape", ORANGE),
        ("Recover", "compensate, fine-tune or distil", GREEN),
        ("Measure", "quality, bytes and seconds", PURPLE),
    )
    parts = []
    for i, (name, note, colour) in enumerate(stages):
        top = 8 + 74 * i
        parts.append(_stage(top, 292, name, note, colour))
        if i + 1 < len(stages):
            parts.append(arrow_down(150, top + 54, top + 73))
    first, last, right = 34, 330, 326
    parts += [
        line(297, last, right, last),
        line(right, last, right, first),
        line(right, first, 306, first),
        tip(298, first, -1, 0),
        text_lines(right + 10, 168, ("iterative:", "go round", "again")),
        text_lines(right - 20, 352, ("one-shot: stop",)),
    ]
    return svg(
        "pruning-loop",
        366,
        "The pruning loop",
        "Five boxes from top to bottom: score, select, remove, recover, measure. An arrow leads back from "
        "measure to score: iterative methods go round again, one-shot methods stop after one pass.",
        *parts,
    )


FIGURES: dict[str, Callable[[], str]] = {
    "composition": composition,
    "conv3x3": conv3x3,
    "cost": cost,
    "csr-spmm": csr_spmm,
    "patterns": patterns,
    "pruning-loop": pruning_loop,
    "rowblock-conv3x3": rowblock_conv3x3,
    "rowblock-spmm": rowblock_spmm,
    "semi-structured": semi_structured,
    "structured": structured,
    "unstructured": unstructured,
}

CAPTIONS: dict[str, str] = {
    "composition": "One sensible order of work, and what each stage does to steps, forward passes and memory.",
    "conv3x3": "Each input channel is packed three times, once for each column of the 3×3 window, so that every "
    "remaining weight reads one run of inputs at a shifted offset. Nothing is unfolded, and images of a batch share "
    "tiles: they are stacked with their padding between.",
    "cost": "The filled area is the work for one sample. Each family reduces a different part of it.",
    "csr-spmm": "Weights are stored four to an entry, and each is multiplied by 8 vectors of inputs, which the "
    "multiply-adds load themselves; above 65% sparsity, tiles are 4 vectors wide, and two rows are computed together. "
    "The sums of a row stay in registers meanwhile, and the inputs are packed in the L1 cache.",
    "patterns": "The same matrix with 50% removed under each pattern; hollow cells are removed weights.",
    "pruning-loop": "What every pruning method does; the methods differ in how they fill the five boxes.",
    "rowblock-conv3x3": "The shifted reads of conv3x3 with a pattern that four output channels share: each vector of "
    "inputs is loaded once and serves four multiply-adds.",
    "rowblock-spmm": "Four rows keep the same inputs, so each vector of inputs that is loaded serves four "
    "multiply-adds. A tile is 4 vectors wide, as drawn, or 3 where there are 16 registers only.",
    "semi-structured": "In the 2:4 pattern, 2 of every 4 consecutive weights are kept and packed.",
    "structured": "Removing 2 of 8 hidden units shrinks two neighbouring matrices, and both stay dense.",
    "unstructured": "Unstructured pruning at 50%: 32 of 64 weights are kept, in any place.",
}
