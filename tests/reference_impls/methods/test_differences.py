"""Every method states how it compares with its paper, and every stated measurement is in the result file."""

import re
from typing import Any

import pytest

from reference_impls.methods.differences import COMPARISONS, Difference
from reference_impls.methods.registry import METHODS
from reference_impls.study.paper_rules import consequence, read_rows
from reference_impls.study.records import RuleRow
from tests.benchmarks.bench_paper_rules import COMMAND, measurements, replaced, rows_of

ROWS = read_rows()
WIDELY = re.compile(r"(?<![\w.])(\d+\.\d+|\d+(?:\.\d+)?%)")
"""Numbers that can be results: decimals and percentages; section and equation numbers stand in ``paper``."""


def row(key: str = "key", method: str = "wanda", **fields: Any) -> RuleRow:
    known: dict[str, Any] = {
        "model": "dit",
        "sparsity": 0.5,
        "metric": "denoising loss",
        "ours": (0.25,),
        "paper": (0.2401,),
    }
    return RuleRow(key=key, method=method, **{**known, **fields})


def test_every_method_is_compared() -> None:
    assert list(COMPARISONS) == list(METHODS)
    for name, compared in COMPARISONS.items():
        assert compared.paper
        assert compared.same.endswith(".")
        assert ("no paper" in compared.paper) == (METHODS[name].paper is None)
        assert METHODS[name].paper or not compared.differs
        texts = [one.what for one in compared.differs]
        assert all(text.endswith(".") for text in texts)
        assert len(set(texts)) == len(texts)
        assert all(not (one.why_not_measured or "").endswith(".") for one in compared.differs)


def test_every_key_is_measured_and_every_row_is_named() -> None:
    named = {(name, one.measured) for name, compared in COMPARISONS.items() for one in compared.differs if one.measured}
    assert {(one.method, one.key) for one in ROWS} == named


@pytest.mark.parametrize("measured", ROWS, ids=lambda one: f"{one.key}-{one.model}-{one.sparsity}-{one.metric}")
def test_every_row_says_how_to_repeat_it(measured: RuleRow) -> None:
    assert measured.command == f"{COMMAND} METHOD={measured.method}"
    assert measured.machine
    assert {"python", "torch"} <= set(measured.versions)
    assert measured.ours
    repeated = {len(values) for values in (measured.ours, measured.paper, *measured.other.values())} - {0, 1}
    assert repeated <= {len(measured.seeds)}


def test_every_measured_method_has_its_module() -> None:
    assert {one.method for one in ROWS} <= set(measurements())


@pytest.mark.parametrize("name", [name for name, compared in COMPARISONS.items() if compared.differs])
def test_numbers_in_texts_are_measured_or_settings_of_the_paper(name: str) -> None:
    """A number in a text would not follow a new measurement: it has to be in the words of the rows of its key."""
    for one in COMPARISONS[name].differs:
        shown = " ".join(consequence(row) for row in ROWS if row.key == one.measured)
        assert all(number in shown for number in WIDELY.findall(one.what)), one.what


def test_a_difference_is_measured_or_says_why_not() -> None:
    for given in ({}, {"measured": "key", "why_not_measured": "no layers"}):
        with pytest.raises(ValueError, match=r"^give one of measured and why_not_measured for .* 'Other\.'$"):
            Difference("Other.", **given)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Denoising loss, DiT, 50%: 0.2500 here, 0.2401 by the paper's rule"),
        (
            {"ours": (0.3, 0.5), "paper": (0.4, 0.4), "other": {"with P": (0.1, 0.1)}},
            (
                "Denoising loss, DiT, 50%: 0.4000 ± 0.1414 here, 0.4000 ± 0.0000 by the paper's rule; 0.1000 ± 0.0000 "
                "with P"
            ),
        ),
        (
            {"model": "unet", "sparsity": None, "metric": "units", "ours": (12.0,), "paper": (1234.0,)},
            "Units, U-Net: 12 here, 1,234 by the paper's rule",
        ),
        ({"metric": "units chosen alike", "ours": (0.8834,), "paper": ()}, "Units chosen alike, DiT, 50%: 88.3%"),
        (
            {"metric": "weights chosen alike", "model": "random layer, 64×64", "ours": (0.99, 1.0), "paper": ()},
            "Weights chosen alike, random layer, 64×64, 50%: 99.5% ± 0.7%",
        ),
    ],
)
def test_the_words_of_a_row(fields: dict[str, Any], said: str) -> None:
    assert consequence(row(**fields)) == said


def test_rows_of_one_method_replace_its_own_only() -> None:
    old = [row("a", "wanda"), row("b", "ecodiff"), row("c", "taylor")]
    assert [one.key for one in replaced(old, [row("d", "ecodiff")], ["ecodiff"])] == ["a", "c", "d"]
    assert replaced(old, [], ["wanda"]) == [old[2], old[1]]


def test_a_row_of_a_key_that_is_not_stated_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^wanda: no difference in methods/differences\.py is measured by 'other'$"):
        rows_of("wanda", [row("other")], (0,))
