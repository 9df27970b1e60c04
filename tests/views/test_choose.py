"""What fits a model, an architecture, a budget and a need: on a small catalogue by hand, and on the shipped one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from generator.checks.drafts import read_taxonomy
from generator.entries.model import Advice, Budget, Catalogue, Filed, Model, Need, Paper, Rules, Taxonomy
from generator.views.choose import Answer, Choices
from generator.views.models import Models

MOST_USED = 12
RULES = Rules(
    needs={"seconds": Need(name="Seconds", text="Slow.", metrics=("speed-up", "latency"))},
    budgets={
        "none": Budget(name="Not at all", text="None.", training=("training-free",)),
        "days": Budget(name="Days", text="Any.", training=("training-free", "retrain"), unstated=True),
    },
    other_aims=("unlearning",),
    rules={
        "seconds": {
            "none": (Advice(family="caching", why="Reuses."), Advice(family="pruning", why="Removes.")),
            "days": (Advice(family="pruning", why="Removes."), Advice(family="distillation", why="Fewer steps.")),
        }
    },
)


def model(**values: Any) -> Model:
    return Model(**{"name": "M", "output": "image", "summary": "S.", "added": "2026-11-22", **values})


def paper(**values: Any) -> Paper:
    given = {"title": "T", "family": "pruning", "summary": "S.", "checked": "abstract", "added": "2026-11-22"}
    return Paper(**{**given, "training": "training-free", **values})


def result(of: str, where: str = "Table 1", **after: float) -> dict[str, Any]:
    return {"model": of, "setting": "s", "where": where, "after": {key.replace("_", "-"): after[key] for key in after}}


MODELS = {
    "line": model(unspecific=True, architecture="unet"),
    "big": model(part_of="line", architecture="unet"),
    "small": model(part_of="big", architecture="unet"),
    "other": model(architecture="unet"),
    "talker": model(architecture="diffusion-lm"),
}
CODE = "https://example.org/code"


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    """The shipped one."""
    found, _ = read_taxonomy(Path(__file__).parents[2] / "data", [])
    assert found is not None
    return found


def choices(taxonomy: Taxonomy, papers: Mapping[str, Paper]) -> Choices:
    models = {slug: Filed(slug, "", one) for slug, one in MODELS.items()}
    filed = {slug: Filed(slug, "", one) for slug, one in papers.items()}
    catalogue = Catalogue(taxonomy, filed, {}, {}, models, {}, RULES)
    return Choices(catalogue, Models(catalogue))


def slugs(answer: Answer) -> list[str]:
    return [fit.filed.slug for fit in answer.fits]


def test_a_model_is_fitted_by_itself_its_members_and_its_lines(taxonomy: Taxonomy) -> None:
    found = choices(
        taxonomy,
        {
            "of-big": paper(models=("big",)),
            "of-line": paper(models=("line",)),
            "of-other": paper(models=("other",)),
            "of-small": paper(models=("small",)),
            "in-result": paper(results=(result("big", fid=3),)),
        },
    )
    assert {fit.filed.slug for fit in found.fits("seconds", model="big")} == {
        "of-big",
        "of-line",
        "of-small",
        "in-result",
    }
    assert {fit.filed.slug for fit in found.fits("seconds", model="small")} == {
        "of-small",
        "in-result",
        "of-big",
        "of-line",
    }
    assert [fit.filed.slug for fit in found.fits("seconds", model="other")] == ["of-other"]
    named = {slug: Filed(slug, "", one) for slug, one in MODELS.items()}
    assert Models(Catalogue(taxonomy, {}, {}, {}, named, {}, RULES)).near("big") == ("big", "small", "line")


def test_code_comes_first_then_how_the_number_was_read(taxonomy: Taxonomy) -> None:
    second_hand = {**result("big", "not stated", speed_up=9), "via": "https://example.org"}
    found = choices(
        taxonomy,
        {
            "a-no-number": paper(models=("big",), code=CODE),
            "b-second-hand": paper(code=CODE, results=(second_hand,)),
            "c-abstract": paper(code=CODE, results=(result("big", "abstract", speed_up=3),)),
            "d-read": paper(code=CODE, results=(result("big", latency=2),)),
            "e-without-code": paper(results=(result("big", speed_up=8),)),
        },
    )
    ordered = [fit.filed.slug for fit in found.fits("seconds", model="big")]
    assert ordered == ["d-read", "c-abstract", "b-second-hand", "a-no-number", "e-without-code"]


def test_the_number_is_on_the_model_and_answers_the_need(taxonomy: Taxonomy) -> None:
    results = (
        result("other", speed_up=5),
        result("big", fid=3, parameters=7),
        result("big", "abstract", speed_up=4),
        result("big", latency=2),
        result("big", latency=3, speed_up=2),
        result("big", fid=3, latency=3, speed_up=1),
    )
    (fit,) = choices(taxonomy, {"p": paper(results=results)}).fits("seconds", model="big")
    assert fit.best is not None
    assert (fit.best.number, fit.metric) == (6, "speed-up")


def test_the_budget_decides_by_training(taxonomy: Taxonomy) -> None:
    found = choices(
        taxonomy,
        {
            "free": paper(models=("big",)),
            "long": paper(models=("big",), training="retrain"),
            "scratch": paper(models=("big",), training="from-scratch"),
            "unstated": paper(models=("big",), training=None),
        },
    )
    none, days = (found.answers("seconds", budget, model="big") for budget in ("none", "days"))
    assert [(one.advice.family, slugs(one)) for one in none] == [("pruning", ["free"]), ("caching", [])]
    assert [(one.advice.family, slugs(one)) for one in days] == [
        ("pruning", ["free", "long", "unstated"]),
        ("distillation", []),
    ]


def test_other_models_of_the_architecture_are_shown_where_nothing_names_the_model(taxonomy: Taxonomy) -> None:
    found = choices(
        taxonomy,
        {
            "cache": paper(family="caching", models=("other",), architectures=("unet",)),
            "prune": paper(models=("big",)),
            "prune-other": paper(models=("other",), architectures=("unet",)),
        },
    )
    answers = found.answers("seconds", "none", model="big")
    assert [(one.advice.family, slugs(one), one.by_architecture) for one in answers] == [
        ("caching", ["cache"], True),
        ("pruning", ["prune"], False),
    ]
    assert [slugs(one) for one in found.answers("seconds", "none", architecture="unet")] == [
        ["cache"],
        ["prune", "prune-other"],
    ]
    assert [slugs(one) for one in found.answers("seconds", "none", model="talker")] == [[], []]
    assert [slugs(one) for one in found.answers("seconds", "none")] == [["cache"], ["prune", "prune-other"]]


def test_what_is_out_of_use_or_has_another_aim_is_not_recommended(taxonomy: Taxonomy) -> None:
    found = choices(
        taxonomy,
        {
            "old": paper(models=("big",), status="superseded", superseded_by="new"),
            "gone": paper(models=("big",), status="withdrawn"),
            "forget": paper(models=("big",), topics=("unlearning",)),
            "survey": paper(models=("big",), family="surveys"),
            "new": paper(models=("big",)),
        },
    )
    assert [fit.filed.slug for fit in found.fits("seconds", model="big")] == ["new"]


@pytest.mark.parametrize("wrong", [{"model": "nothing"}, {"architecture": "nothing"}])
def test_unknown_names_raise(taxonomy: Taxonomy, wrong: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        choices(taxonomy, {}).answers("seconds", "none", **wrong)


def test_every_answer_for_the_most_used_models_has_families(shipped: Catalogue) -> None:
    models = Models(shipped)
    found, rules = Choices(shipped, models), shipped.rules
    assert len(models.used) >= MOST_USED
    for slug, need, budget in product(models.used[:MOST_USED], rules.needs, rules.budgets):
        answers = found.answers(need, budget, model=slug)
        assert answers, (slug, need, budget)
        assert [one.advice.family for one in answers if one.fits] or need != "seconds", (slug, need, budget)


def test_every_rule_has_an_entry_somewhere(shipped: Catalogue) -> None:
    found = Choices(shipped, Models(shipped))
    for need, budget in product(shipped.rules.needs, shipped.rules.budgets):
        empty = [one.advice.family for one in found.answers(need, budget) if not one.fits]
        assert empty == [], (need, budget)
