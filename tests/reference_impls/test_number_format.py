from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_impls.number_format import PREFIXES, count, percent, si, thousands, times


@pytest.mark.parametrize(
    ("fraction", "digits", "text"),
    [
        (0.5, 0, "50%"),
        (0, 0, "0%"),
        (1, 0, "100%"),
        (0.123, 0, "12%"),
        (0.123, 1, "12.3%"),
        (12.5, 0, "1250%"),
        (-0.25, 0, "-25%"),
        (-0.001, 0, "0%"),
    ],
)
def test_percent(fraction: float, digits: int, text: str) -> None:
    assert percent(fraction, digits) == text


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [(0, 0, "0"), (999, 0, "999"), (1234, 0, "1,234"), (1376164, 0, "1,376,164"), (2761.04, 1, "2,761.0")],
)
def test_thousands(number: float, digits: int, text: str) -> None:
    assert thousands(number, digits) == text


@pytest.mark.parametrize(
    ("factor", "digits", "text"), [(1.3, 1, "1.3×"), (1.296, 2, "1.30×"), (0.95, 2, "0.95×"), (1300, 0, "1,300×")]
)
def test_times(factor: float, digits: int, text: str) -> None:
    assert times(factor, digits) == text


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("note",), "0 notes"),
        (1, ("note",), "1 note"),
        (2, ("note",), "2 notes"),
        (1, ("entry", "entries"), "1 entry"),
        (1835, ("entry", "entries"), "1,835 entries"),
    ],
)
def test_count(number: int, words: tuple[str, ...], text: str) -> None:
    assert count(number, *words) == text


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (0, 2, "0"),
        (612, 2, "612"),
        (999, 2, "999"),
        (1000, 2, "1.00 k"),
        (2761, 0, "3 k"),
        (999_994, 2, "999.99 k"),
        (999_996, 2, "1.00 M"),
        (1_376_164, 2, "1.38 M"),
        (338_830_000_000, 2, "338.83 G"),
        (-338_830_000_000, 1, "-338.8 G"),
        (5e15, 0, "5 P"),
        (7e23, 0, "700000 E"),
    ],
)
def test_si(number: float, digits: int, text: str) -> None:
    assert si(number, digits) == text


@given(st.integers(1000, 10**20), st.integers(0, 4))
def test_si_is_the_number_rounded(number: int, digits: int) -> None:
    value, prefix = si(number, digits).split()
    power = PREFIXES.index(prefix)
    assert 1 <= float(value) < 1000
    assert float(value) == pytest.approx(number / 1000**power, abs=0.51 * 10**-digits, rel=1e-9)
