"""A badge for the README of a repository: a small image with two texts, in one file without fonts or scripts.

It has backgrounds of its own, so that it reads the same on a white and on a dark page. Text is Helvetica or a font of
the same widths, and `textLength` fits any other font into the same space.
"""

from __future__ import annotations

import unicodedata

from generator import escape

HEIGHT = 20
SIZE = 11
"""Of the text; the widths below are in thousandths of it."""
INK = "#ffffff"
LEFT = "#4b5560"
TONES = {"listed": "#1f6478", "runs": "#1b7340", "ended": "#8a4b08"}
"""What the right part says -> its background."""

_PADDING = 6
_MARK = 13
_KEPT = ((0, 0), (2, 0), (1, 1), (0, 2))
"""Column and row of the weights of the mark that are kept; the others are faint."""
_GROUPS = {
    191: "'",
    222: "ijl",
    260: "|",
    278: " !,./:;I[\\]ft",
    333: "()-`r",
    334: "{}",
    355: '"',
    389: "*",
    469: "^",
    500: "Jckszxvy",
    556: "#$0123456789?_Labdeghnopqu",
    584: "+<=>~",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1015: "@",
}
_WIDTHS = {character: width for width, characters in _GROUPS.items() for character in characters}
_OTHER, _WIDE = 600, 1000


def text_width(text: str) -> float:
    """Width of a line of text in pixels."""
    return sum(map(_width, text)) * SIZE / 1000


def _width(character: str) -> int:
    if character in _WIDTHS:
        return _WIDTHS[character]
    if unicodedata.combining(character):
        return 0
    base = unicodedata.normalize("NFD", character)[0]  # é is as wide as e
    return _WIDTHS.get(base, _WIDE if unicodedata.east_asian_width(character) in "WF" else _OTHER)


def badge(label: str, message: str, title: str, tone: str) -> str:
    """The image.

    Args:
        label: left text.
        message: right text.
        title: what screen readers and tooltips say.
        tone: one of ``TONES``.
    """
    label, message, title = map(escape.collapse, (label, message, title))
    left = round(text_width(label)) + _MARK + 3 * _PADDING
    right = round(text_width(message)) + 2 * _PADDING
    size = f'width="{left + right}" height="{HEIGHT}"'
    opening = f'xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {left + right} {HEIGHT}" role="img"'
    parts = (
        f'<svg {opening} aria-label="{escape.xml(title)}">',
        f"<title>{escape.xml(title)}</title>",
        f'<clipPath id="r"><rect {size} rx="3"/></clipPath>',
        '<g clip-path="url(#r)">',
        f'<rect width="{left}" height="{HEIGHT}" fill="{LEFT}"/>',
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{TONES[tone]}"/>',
        "</g>",
        *_mark(_PADDING, (HEIGHT - _MARK) / 2),
        f'<g fill="{INK}" font-family="Helvetica,Arial,sans-serif" font-size="{SIZE}">',
        _line(_MARK + 2 * _PADDING, label),
        _line(left + _PADDING, message),
        "</g>",
        "</svg>",
        "",
    )
    return "\n".join(parts)


def _line(x: float, text: str) -> str:
    fitted = f'textLength="{text_width(text):.1f}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{x:g}" y="14" {fitted}>{escape.xml(text)}</text>'


def _mark(x: float, y: float) -> list[str]:
    """A weight matrix of three by three, pruned."""
    cells = []
    for row in range(3):
        for column in range(3):
            place = f'x="{x + 5 * column:g}" y="{y + 5 * row:g}" width="3" height="3" fill="{INK}"'
            faint = "" if (column, row) in _KEPT else ' fill-opacity="0.35"'
            cells.append(f"<rect {place}{faint}/>")
    return cells
