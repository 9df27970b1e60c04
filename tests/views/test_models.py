"""Models from the reader's side: lines, papers, the order of effort, sizes and operations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from generator.entries.model import Catalogue, Model
from generator.views.choose import Choices
from generator.views.models import Models, Part, operations_of, parts_of
from reference_impls.architectures.registry import ARCHITECTURES
from tests.views.made_results import catalogue, model, result

LINE = {"m": model("m"), "line": model("line", unspecific=True), "m-2": model("m-2", part_of="line")}


def test_a_line_has_the_papers_of_its_members_each_once(shipped: Catalogue) -> None:
    given = catalogue(
        shipped,
        {"a": [result(model="m-2")], "b": [result(model=["line", "m-2"])], "c": [result(model="m")]},
        LINE | {"m-3": model("m-3", part_of="m-2")},
    )
    models = Models(given)
    assert models.members == {"line": ("m-2",), "m-2": ("m-3",)}
    assert models.lines_of("m-3") == ("m-2", "line")
    assert [filed.slug for filed in models.papers("line")] == ["b", "a"]
    assert [filed.slug for filed in models.papers("m-2")] == ["a", "b"]
    assert models.papers("m-3") == ()
    assert models.used == ("m-2", "m"), "a group is no model of its own"


def test_a_paper_that_names_a_model_without_a_number_counts(shipped: Catalogue) -> None:
    given = catalogue(shipped, {"a": []}, LINE, a={"models": ["m"]})
    assert [filed.slug for filed in Models(given).papers("m")] == ["a"]
    (family, (tried,)) = next(Models(given).tried("m"))
    assert (family, tried.filed.slug, tried.best) == ("pruning", "a", None)


def test_what_needs_no_training_and_has_code_comes_first(shipped: Catalogue) -> None:
    fields: dict[str, dict[str, Any]] = {
        "a": {"training": "retrain", "code": "https://github.com/a/a"},
        "b": {"training": "training-free"},
        "c": {"training": "training-free", "code": "https://github.com/c/c"},
        "d": {},
        "e": {"training": "fine-tune"},
    }
    given = catalogue(shipped, {slug: [result()] for slug in fields}, None, **fields)
    ((_, tried),) = Models(given).tried("m")
    assert [one.filed.slug for one in tried] == ["c", "b", "e", "a", "d"]


def test_model_pages_and_choose_have_one_order(shipped: Catalogue) -> None:
    """Of what needs the same training and has code alike, the best documented comes first on both."""
    rows: dict[str, list[dict[str, Any]]] = {
        "a": [result(via="notes")],
        "b": [],
        "c": [result(where="abstract")],
        "d": [result(reported_by="a")],
        "e": [result()],
    }
    free = {"training": "training-free", "models": ("m",)}
    given = catalogue(shipped, rows, {"m": model("m")}, **dict.fromkeys(rows, free))
    models = Models(given)
    ((_, tried),) = models.tried("m")
    assert [one.filed.slug for one in tried] == ["e", "c", "a", "d", "b"]
    need = next(name for name, one in given.rules.needs.items() if "fid" not in one.metrics)
    # None of them has a number for the need, so that in Choose the names decide.
    assert [fit.filed.slug for fit in Choices(given, models).fits(need, model="m")] == ["a", "b", "c", "d", "e"]
    answered = given.rules.needs[need].model_copy(update={"metrics": ("fid",)})
    costs = replace(given, rules=given.rules.model_copy(update={"needs": {need: answered}}))
    assert [fit.filed.slug for fit in Choices(costs, models).fits(need, model="m")] == ["e", "c", "a", "d", "b"]


def test_the_best_documented_configuration_is_the_authors_own(shipped: Catalogue) -> None:
    rows = [
        result(9, reported_by="b"),
        result(8, via="notes"),
        result(7, where="abstract"),
        result(after={"fid": 6}, setting="few numbers"),
        result(after={"fid": 5, "macs": 1}, setting="most numbers"),
        result(4, model="n"),
    ]
    given = catalogue(shipped, {"a": rows, "b": []})
    for taken, expected in ((5, "most numbers"), (3, "s")):
        papers = {"a": given.papers["a"]}
        entry = papers["a"].entry.model_copy(update={"results": papers["a"].entry.results[:taken]})
        cut = replace(given, papers={"a": replace(papers["a"], entry=entry), "b": given.papers["b"]})
        ((_, (tried,)),) = Models(cut).tried("m")
        assert tried.best is not None
        assert tried.best.result.setting == expected
        assert tried.best.source == "a"


def made(**fields: Any) -> Model:
    return model("m", **fields).entry


def test_parameters_of_the_denoiser_come_from_the_recomputed_counts() -> None:
    parts = parts_of(made(counts="sd-1.4", parameters={"text_encoders": 123, "source": "x"}))
    assert [(part.name, part.parameters) for part in parts] == [("denoiser", 859.520964), ("text encoders", 123)]
    assert [count.value for count in ARCHITECTURES["sd-1.4"].counts if count.what == "parameters"] == [859_520_964]
    assert [one.what for one in operations_of(made(counts="sd-1.4"))] == [
        count.what for count in ARCHITECTURES["sd-1.4"].counts if count.what.startswith("MACs")
    ]
    assert parts_of(made()) == []
    assert operations_of(made()) == []


@pytest.mark.parametrize(("number", "size"), [("fp16", 2.0), ("int8", 1.0)])
def test_a_billion_parameters_take_a_gigabyte_a_byte(number: str, size: float) -> None:
    assert Part("denoiser", 1000).gigabytes(number) == size


def test_shipped_models_repeat_no_count_of_the_repository(shipped: Catalogue) -> None:
    offenders = [
        slug
        for slug, filed in shipped.models.items()
        if filed.entry.counts and filed.entry.parameters and filed.entry.parameters.denoiser is not None
    ]
    assert offenders == []


def test_every_architecture_of_a_named_model_belongs_to_a_model(shipped: Catalogue) -> None:
    """A model whose counts are recomputed here says so, so that its page has them."""
    named = {filed.entry.counts for filed in shipped.models.values() if filed.entry.counts}
    assert named <= set(ARCHITECTURES)
    assert len(named) >= 20
