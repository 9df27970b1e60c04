"""The pieces of an explanatory figure: text, bars, arrows, matrices and the SVG around them, without CSS or scripts.

A figure takes the text colour of the page (``currentColor``) and a few colours that stand out on white and on the dark
background alike. What is removed is drawn hollow, so that no figure depends on colour. Every figure is ``WIDTH`` units
wide and scales with its column.
"""

from __future__ import annotations

from collections.abc import Sequence

from generator.escape import markup

WIDTH = 420
SMALL, NORMAL, LARGE = 13, 14, 15
BLUE, ORANGE, GREEN, PURPLE = "#3f83f0", "#d9730d", "#1f9d55", "#9061f0"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE)

Mask = tuple[tuple[bool, ...], ...]
"""Which weights of a matrix are kept."""


def text(x: float, y: float, words: str, *, anchor: str = "start", size: int = NORMAL, bold: bool = False) -> str:
    """One line of text whose baseline is at ``y``."""
    weight = ' font-weight="bold"' if bold else ""
    place = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}"{weight} fill="currentColor">{markup(words)}</text>'


def text_lines(x: float, y: float, lines: Sequence[str]) -> str:
    """Several lines of small text below one another."""
    return "\n".join(text(x, y + 18 * i, words, size=SMALL) for i, words in enumerate(lines))


def bar(x: float, y: float, width: float, height: float, colour: str, *, kind: str = "bar") -> str:
    """A filled rectangle."""
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect class="{kind}" {place} rx="2" fill="{colour}"/>'


def hollow(x: float, y: float, width: float, height: float, *, kind: str = "gone") -> str:
    """The outline of what is not there."""
    place = f'x="{x + 0.5:g}" y="{y + 0.5:g}" width="{width - 1:g}" height="{height - 1:g}"'
    return f'<rect class="{kind}" {place} rx="2" fill="none" stroke="currentColor" stroke-opacity="0.4"/>'


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """A straight line."""
    place = f'x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"'
    return f'<line {place} stroke="currentColor" stroke-width="1.5" stroke-opacity="0.75"/>'


def tip(x: float, y: float, dx: int, dy: int) -> str:
    """An arrow head that ends at (x, y) and points along (dx, dy)."""
    back_x, back_y = x - 9 * dx, y - 9 * dy
    corners = ((x, y), (back_x + 5 * dy, back_y + 5 * dx), (back_x - 5 * dy, back_y - 5 * dx))
    points = " ".join(f"{a:g},{b:g}" for a, b in corners)
    return f'<polygon points="{points}" fill="currentColor" fill-opacity="0.75"/>'


def arrow_right(x1: float, x2: float, y: float) -> str:
    """An arrow from left to right."""
    return "\n".join((line(x1, y, x2 - 8, y), tip(x2, y, 1, 0)))


def arrow_down(x: float, y1: float, y2: float) -> str:
    """An arrow from top to bottom."""
    return "\n".join((line(x, y1, x, y2 - 8), tip(x, y2, 0, 1)))


def matrix(x: float, y: float, mask: Mask, size: int, colour: str, *, group: int = 0, gap: int = 0) -> str:
    """A weight matrix, one SVG group for each row; ``gap`` units of space after each ``group`` columns."""
    inner = size - 2
    rows = []
    for i, row in enumerate(mask):
        cells = []
        for j, kept in enumerate(row):
            left, top = x + j * size + 1, y + i * size + 1
            if group:
                left += j // group * gap
            if kept:
                cells.append(bar(left, top, inner, inner, colour, kind="kept"))
            else:
                cells.append(hollow(left, top, inner, inner, kind="removed"))
        rows.append(f'<g class="row">{"".join(cells)}</g>')
    return "\n".join(('<g class="matrix">', *rows, "</g>"))


def svg(name: str, height: int, title: str, description: str, *parts: str) -> str:
    """The finished figure: one image to assistive software, with a name and a description."""
    title_id, description_id = f"figure-{name}-title", f"figure-{name}-desc"
    role = f'role="img" aria-labelledby="{title_id}" aria-describedby="{description_id}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {role}>',
            f'<title id="{title_id}">{markup(title)}</title>',
            f'<desc id="{description_id}">{markup(description)}</desc>',
            *parts,
            "</svg>",
        )
    )
