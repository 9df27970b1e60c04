"""The badge: valid SVG of the right width, readable, and only text where text was given."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import escape
from generator.drawings.badge import HEIGHT, INK, LEFT, SIZE, TONES, badge, text_width

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</title><script>alert(1)</script> \"x\" onload='y' & ]]> \x00\u202e{{ 7 }}"
ALLOWED = {
    "svg": {"width", "height", "viewBox", "role", "aria-label"},
    "title": set(),
    "clipPath": {"id"},
    "g": {"clip-path", "fill", "font-family", "font-size"},
    "rect": {"x", "y", "width", "height", "rx", "fill", "fill-opacity"},
    "text": {"x", "y", "textLength", "lengthAdjust"},
}


def parts(svg: str) -> list[ET.Element]:
    found = list(ET.fromstring(svg).iter())
    for element in found:
        assert element.attrib.keys() <= ALLOWED[element.tag.removeprefix(SVG)], element.tag
    return found


def texts(svg: str) -> list[str | None]:
    return [element.text for element in parts(svg) if element.tag == f"{SVG}text"]


def test_a_badge_has_both_texts_and_a_title() -> None:
    svg = badge("Awesome Diffusion Pruning", "listed tool", "Diff-Pruning in the list", "listed")
    top, title, *_ = parts(svg)
    assert texts(svg) == ["Awesome Diffusion Pruning", "listed tool"]
    assert (title.text, top.get("aria-label"), top.get("role")) == ("Diff-Pruning in the list",) * 2 + ("img",)


@pytest.mark.parametrize("where", ["label", "message", "title"])
def test_hostile_text_stays_text(where: str) -> None:
    values = {"label": "L", "message": "M", "title": "T", where: HOSTILE}
    svg = badge(values["label"], values["message"], values["title"], "listed")
    shown = HOSTILE.replace("\x00", "")
    assert [element.text for element in parts(svg)].count(shown) == 1


@settings(max_examples=60)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_drawn_inside_the_image(label: str, message: str) -> None:
    svg = badge(label, message, label, "listed")
    top = parts(svg)[0]
    width = float(top.get("width") or 0)
    lines = [element for element in parts(svg) if element.tag == f"{SVG}text"]
    ends = [float(one.get("x") or 0) + float(one.get("textLength") or 0) for one in lines]
    start = float(lines[1].get("x") or 0)
    assert ends[0] + 8 < start + 1
    assert ends[1] + 4 < width
    assert top.get("viewBox") == f"0 0 {width:g} {HEIGHT}"
    assert [one.text or "" for one in lines] == [escape._NOT_XML.sub("", escape.collapse(t)) for t in (label, message)]


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [("", 0), ("il", 444), ("WW", 1888), ("2:4", 1390), ("é", 556), ("e\u0301", 556), ("剪枝", 2000), ("λ", 600)],
)
def test_widths_are_those_of_the_font(text: str, thousandths: int) -> None:
    assert text_width(text) == pytest.approx(thousandths * SIZE / 1000)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [LEFT, *TONES.values()])
def test_the_text_stands_out_as_wcag_wants(colour: str) -> None:
    assert (luminance(INK) + 0.05) / (luminance(colour) + 0.05) >= 4.5


@pytest.mark.parametrize("colour", [LEFT, *TONES.values()])
@pytest.mark.parametrize("page", ["#ffffff", "#0d1117"])
def test_the_badge_stands_out_from_white_and_dark_pages(colour: str, page: str) -> None:
    bright, dark = sorted((luminance(page), luminance(colour)), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 2
