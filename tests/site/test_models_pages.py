"""The pages of models and lines of models, their list, and the box of the home page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from generator.checks.model_names import folded
from reference_impls.architectures.registry import ARCHITECTURES
from reference_impls.methods.matrix import read_cases
from tests.site.conftest import Built

Open = Callable[..., Page]


def test_every_model_has_a_page_with_what_was_tried_on_it(built: Built) -> None:
    models = built.knowledge.models
    for slug, filed in built.catalogue.models.items():
        page = built.pages[f"models/{slug}/index.html"]
        assert page.inside("h1") == filed.entry.name
        links = {link.get("href") for link in page.all("a")}
        assert {f"../../papers/{paper.slug}/" for paper in models.papers(slug)} <= links, slug
        assert {f"../../tools/{tool.slug}/" for tool in models.tools(slug)} <= links, slug
        assert {f"../../models/{member}/" for member in models.members.get(slug, ())} <= links, slug
        assert all(" ".join(alias.split()) in page.text for alias in filed.entry.aliases), slug


def test_families_stand_in_the_order_of_the_taxonomy_and_training_free_first(built: Built) -> None:
    page = built.pages["models/sdxl/index.html"]
    ids = [attributes.get("id", "") for _, attributes in page.tags]
    families = [name.removeprefix("f-") for name in ids if name.startswith("f-")]
    assert families == [family for family in built.catalogue.taxonomy.families if family in families]
    (_, tried), *_ = built.knowledge.models.tried("sdxl")
    assert tried[0].filed.entry.training == "training-free"


def test_costs_are_those_of_the_recomputed_model(built: Built) -> None:
    page = built.pages["models/sdxl/index.html"]
    parameters, *_ = [one.value for one in ARCHITECTURES["sdxl"].counts if one.what == "parameters"]
    assert f"{parameters / 1e6:,.1f}" in page.text
    assert f"{parameters * 2 / 1e9:.2f}" in page.text
    assert f"{parameters / 1e9:.2f}" in page.text
    assert "python -m reference_impls arch sdxl --check" in page.text


def test_a_model_whose_class_runs_here_says_how(built: Built) -> None:
    classes = {case.kind for case in read_cases()}
    for slug, filed in built.catalogue.models.items():
        runs = bool(set(filed.entry.diffusers) & classes)
        assert ("prune" in built.pages[f"models/{slug}/index.html"].ids) == runs, slug
    assert "recorded from StableDiffusionPipeline, " in built.pages["models/sdxl/index.html"].text


def test_entries_and_results_lead_to_their_models(built: Built) -> None:
    for slug, filed in built.catalogue.papers.items():
        links = {link.get("href") for link in built.pages[f"papers/{slug}/index.html"].all("a")}
        named = {*filed.entry.models, *(model for result in filed.entry.results for model in result.model)}
        assert {f"../../models/{model}/" for model in named} <= links, slug


def test_the_list_has_every_model(built: Built) -> None:
    links = {link.get("href") for link in built.pages["models/index.html"].all("a")}
    assert {f"../models/{slug}/" for slug in built.catalogue.models} <= links


def test_the_home_page_links_the_twelve_most_used(built: Built) -> None:
    links = [link.get("href", "") for link in built.pages["index.html"].all("a")]
    linked = [found[1] for link in links if (found := re.fullmatch(r"(?:\./)?models/([a-z0-9-]+)/", link))]
    assert linked == list(built.knowledge.models.used[:12])


def test_the_names_lead_to_one_model_each(built: Built) -> None:
    names = json.loads((built.site / "models/names.json").read_text("utf-8"))
    assert names["version"] == 1
    assert [slug for slug, *_ in names["models"]] == list(built.catalogue.models)
    spelled = [(folded(name), slug) for slug, first, others, _ in names["models"] for name in (first, *others)]
    assert len({name for name, _ in spelled}) == len(set(spelled))


# In the browser


@pytest.mark.browser
@pytest.mark.parametrize(
    ("typed", "slug"),
    [("sdxl", "sdxl"), ("Stable Diffusion XL", "sdxl"), ("flux.1 dev", "flux-1-dev"), ("hunyuanv", "hunyuanvideo")],
)
def test_a_name_opens_the_page_of_its_model(open_page: Open, typed: str, slug: str) -> None:
    page = open_page("")
    box = page.get_by_label("Your model", exact=True)
    box.fill(typed)
    box.press("Enter")
    page.wait_for_url(f"**/models/{slug}/")
    expect(page.locator("h1")).to_be_visible()


@pytest.mark.browser
def test_an_unknown_name_is_said_to_be_unknown(open_page: Open) -> None:
    page = open_page("")
    box = page.get_by_label("Your model", exact=True)
    box.fill("qqqqqq")
    box.press("Enter")
    expect(page.locator(".cat-model [role=status]")).to_have_text("No model of the catalogue is called qqqqqq.")


@pytest.mark.browser
def test_without_javascript_the_links_remain(open_page: Open) -> None:
    page = open_page("", java_script_enabled=False)
    expect(page.locator(".cat-model")).to_be_hidden()
    expect(page.get_by_role("link", name="all models")).to_be_visible()
