"""Numbers with their units: in sentences, in columns, and the same in the browser as in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page

from generator.pages.quantities import columns, number, quantity, split, written
from generator.views.configurations import configurations_of, groups
from generator.views.site import Site
from tests.site.conftest import Built
from tests.views.made_results import catalogue, result

Open = Callable[..., Page]
THIN = "\u202f"
CASES = [
    (4.19, "", "4.19"),
    (-0.5, "", "-0.5"),
    (0, "", "0"),
    (1234.5, "GB", f"1,234.5{THIN}GB"),
    (1.3, "×", "1.3×"),
    (50, "%", "50%"),
    (20, "/s", "20/s"),
    (6.91, "iterations/s", f"6.91{THIN}iterations/s"),
    (0.123456, "s", f"0.1235{THIN}s"),
    (1234567, "", "1,234,567"),
]


@pytest.mark.parametrize(("value", "unit", "text"), CASES)
def test_a_quantity(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text
    assert quantity(value, unit, "up to") == f"up to {text}"


def test_a_number_has_no_zeros_at_its_end() -> None:
    assert [number(value) for value in (10, 1.50, -0.00001)] == ["10", "1.5", "0"]


@pytest.mark.browser
def test_the_browser_writes_the_same(open_page: Open) -> None:
    page = open_page("compare/")
    cases = [[value, unit] for value, unit, _ in CASES] + [[f"up to {value}", unit] for value, unit, _ in CASES]
    texts = page.evaluate(
        "async (cases) => { const { quantity } = await import('../assets/quantity.js');"
        " return cases.map((one) => quantity(...one)); }",
        cases,
    )
    assert texts == [text for *_, text in CASES] + [f"up to {text}" for *_, text in CASES]


def made(built: Built, *results: dict[str, Any]) -> Site:
    return replace(built.knowledge, catalogue=catalogue(built.catalogue, {"own": results, "other": results[:1]}))


def test_the_unit_of_a_rate_is_what_the_settings_of_its_table_state(built: Built) -> None:
    rate: dict[str, Any] = {
        "dataset": None,
        "hardware": "a GPU",
        "before": {"throughput": 5},
        "after": {"throughput": 7},
    }
    site = made(
        built,
        result(setting="50% sparsity", **rate),
        result(setting="sampler iterations per second, 70% sparsity", **rate),
        result(setting="images per second", where="Table 2", **rate),
        result(setting="not stated", where="Table 3", **rate),
    )
    rows = list(configurations_of(site.catalogue.papers["own"]))
    assert [written(site, "throughput", row) for row in rows] == [
        f"Throughput 5{THIN}iterations/s → 7{THIN}iterations/s",
        f"Throughput 5{THIN}iterations/s → 7{THIN}iterations/s",
        f"Throughput 5{THIN}images/s → 7{THIN}images/s",
        "Throughput 5/s → 7/s",
    ]
    (both,) = columns(site, ["throughput"], groups(rows[:2]))
    (mixed,) = columns(site, ["throughput"], groups(rows))
    assert (both.heading, mixed.heading) == ("Throughput (iterations/s)", "Throughput (/s)")


def test_a_column_of_small_numbers_has_the_next_smaller_unit(built: Built) -> None:
    small, large = {"flops": 0.1186}, {"flops": 11.26}
    site = made(built, result(after=small), result(after=small, before=large, where="Table 2"))
    rows = list(configurations_of(site.catalogue.papers["own"]))
    (column,) = columns(site, ["flops"], groups(rows[:1]))
    assert (column.heading, column.number(0.1186)) == ("FLOPs (G)", "118.6")
    (column,) = columns(site, ["flops"], groups(rows))
    assert (column.heading, column.number(0.1186)) == ("FLOPs (T)", "0.1186")


def test_columns_that_are_too_many_share_one(built: Built) -> None:
    names = ["fid", "cmmd", "macs", "latency"]
    found = columns(made(built, result()), names, ())
    assert [len(part) for part in split(found, 4)] == [4, 0]
    assert [len(part) for part in split(found, 3)] == [2, 2]
