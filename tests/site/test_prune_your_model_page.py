"""The page *Prune your own model*: every number of its tables is from the result file, and readers find it."""

import json
from collections.abc import Iterator
from statistics import mean
from typing import Any

import pytest

from generator.pages.methods import name_of
from reference_impls.methods.registry import METHODS
from reference_impls.number_format import times
from reference_impls.study.records import PIPELINE_RESULTS
from tests.site.conftest import Built

NAME = "prune-your-model/index.html"


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(PIPELINE_RESULTS.read_text("utf-8"))
    return read


def groups(record: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows of each method, sparsity, calibration and recovery."""
    names = ("method", "sparsity", "pattern", "calibration", "recovery_steps")
    for key in {tuple(row[name] for name in names) for row in record["rows"] if row["method"]}:
        yield key[0], [row for row in record["rows"] if tuple(row[name] for name in names) == key]


def test_every_row_stands_on_the_page(built: Built, record: dict[str, Any]) -> None:
    html = (built.site / NAME).read_text("utf-8")
    for method, rows in groups(record):
        assert f'methods/{method}/">{name_of(built.knowledge, method)}</a>' in html
        assert f">{1e3 * mean(row['mse'] for row in rows):,.1f}" in html
    for kernel in record["kernels"]:
        assert f">{times(kernel['dense_seconds'] / kernel['sparse_seconds'], 2)}<" in html


def test_every_method_was_measured_or_says_why_not(built: Built, record: dict[str, Any]) -> None:
    measured = {row["method"] for row in record["rows"]} - {None}
    assert measured | record["refused"].keys() == set(METHODS)
    assert not measured & record["refused"].keys()
    text = " ".join(built.pages[NAME].text.split())
    for why in record["refused"].values():
        assert why in text


@pytest.mark.parametrize("page", ["", "start/", "methods/", "methods/wanda/", "models/sdxl/"])
def test_a_reader_with_a_model_finds_it(built: Built, page: str) -> None:
    """By a link in the text of the page, besides those of the navigation."""
    html = (built.site / page / "index.html").read_text("utf-8")
    text = html[html.index("<article") : html.rindex("</article>")]
    assert f'href="{"../" * page.count("/") or "./"}prune-your-model/"' in text
