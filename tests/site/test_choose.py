"""The page Choose: the table without JavaScript, three answers in the address, families and entries with it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from generator.pages.choose import choose_files, query
from generator.views.choose import SHOWN, Answer
from generator.views.site import label_of
from tests.site.conftest import Built, Server, address
from tests.site.looks import assert_axe_finds_nothing

browser = pytest.mark.browser
Open = Callable[..., Page]
SDXL = "choose/?model=sdxl&train=none&need=seconds"
TRANSFER = 80
"""Bytes over the wire for each paper that only this page loads, before any is kept by the browser."""
HOSTILE = "<img src=x onerror=alert(1)> \"'&"


def answered(page: Page) -> None:
    expect(page.locator(".choose-answer")).to_be_visible()


def shown(page: Page) -> list[tuple[str, list[str]]]:
    """Families with the names of their entries, and those without."""
    found = page.evaluate(
        """() => {
        const texts = (found) => [...found].map((one) => one.textContent);
        return [...document.querySelectorAll(".choose-answer section")].flatMap((section) =>
          section.querySelector("table")
            ? [[section.querySelector("h2").textContent, texts(section.querySelectorAll("tbody th"))]]
            : texts(section.querySelectorAll("li a:first-child")).map((family) => [family, []]));
        }"""
    )
    return [(family, list(names)) for family, names in found]


def wanted(built: Built, answers: list[Answer]) -> list[tuple[str, list[str]]]:
    families = built.catalogue.taxonomy.families
    return [(families[one.advice.family].name, [label_of(fit.filed) for fit in one.fits[:SHOWN]]) for one in answers]


# The files


def test_the_table_holds_every_rule(built: Built) -> None:
    page, rules = built.pages["choose/index.html"], built.catalogue.rules
    links = [link["href"] for link in page.all("a") if "href" in link]
    for need, by_budget in rules.rules.items():
        assert rules.needs[need].text in page.text
        for budget, advised in by_budget.items():
            for advice in advised:
                assert advice.why in page.text
                assert f"../families/{advice.family}/" in links
                assert f"../browse/?{query(built.knowledge, advice.family, rules.budgets[budget])}" in links


def test_what_is_not_stated_is_not_filtered(built: Built) -> None:
    budgets = built.catalogue.rules.budgets
    assert query(built.knowledge, "pruning", budgets["none"]) == "kind=paper&family=pruning&training=training-free"
    assert query(built.knowledge, "pruning", budgets["days"]) == "kind=paper&family=pruning"


def test_rules_json_says_what_the_view_says(built: Built) -> None:
    document = json.loads((built.site / "choose/rules.json").read_bytes())
    choices = built.knowledge.choices
    for slug in built.knowledge.models.used:
        _, others, *by_need = document["models"][slug]
        assert [slug, *filter(None, others.split(","))] == list(built.knowledge.models.near(slug))
        for need, places in zip(document["needs"], by_need, strict=True):
            fits = choices.fits(need, model=slug)
            assert [document["entries"][place][0] for place in places[::2]] == [fit.filed.slug for fit in fits]
            numbers = [document["numbers"][place][0] if place >= 0 else None for place in places[1::2]]
            assert numbers == [fit.best.number if fit.best else None for fit in fits]


def test_numbers_link_to_their_rows(built: Built) -> None:
    document = json.loads((built.site / "choose/rules.json").read_bytes())
    _, _, *by_need = document["models"]["sdxl"]
    for place, number in zip(by_need[0][::2], by_need[0][1::2], strict=True):
        if number >= 0:
            slug = document["entries"][place][0]
            assert f"row-{slug}-{document['numbers'][number][0]}" in built.pages[f"papers/{slug}/index.html"].ids


def test_the_file_is_the_same_each_time_and_small(built: Built) -> None:
    (first,), (second,) = choose_files(built.knowledge).values(), choose_files(built.knowledge).values()
    assert first == second
    assert len(gzip.compress(first, 6)) < TRANSFER * len(built.catalogue.papers)


def test_the_home_page_leads_here(built: Built) -> None:
    assert "choose/" in {link.get("href") for link in built.pages["index.html"].all("a")}


# The page


@browser
def test_without_javascript_all_rules_stand_there(open_page: Open) -> None:
    page = open_page("choose/", java_script_enabled=False)
    expect(page.locator(".choose-form")).to_be_hidden()
    expect(page.locator(".choose-rules")).to_have_count(4)
    expect(page.locator(".choose-rules").first).to_be_visible()


@browser
@pytest.mark.parametrize(("need", "budget"), [("seconds", "none"), ("disk", "hours"), ("steps", "days")])
@pytest.mark.parametrize("slug", ["sdxl", "flux-1-dev", "dit-xl-2"])
def test_the_answer_is_that_of_the_view(open_page: Open, built: Built, slug: str, need: str, budget: str) -> None:
    page = open_page(f"choose/?model={slug}&train={budget}&need={need}")
    answered(page)
    assert shown(page) == wanted(built, built.knowledge.choices.answers(need, budget, model=slug))


@browser
def test_an_architecture_or_no_model_is_answered_too(open_page: Open, built: Built) -> None:
    page = open_page("choose/?architecture=mmdit&train=none&need=memory")
    answered(page)
    assert shown(page) == wanted(built, built.knowledge.choices.answers("memory", "none", architecture="mmdit"))
    page.goto(address(page).replace("architecture=mmdit&", ""))
    answered(page)
    assert shown(page) == wanted(built, built.knowledge.choices.answers("memory", "none"))


@browser
def test_answers_go_into_the_address_and_back_takes_them_back(open_page: Open) -> None:
    page = open_page("choose/")
    status = page.locator(".choose-status")
    expect(status).to_have_text("Answer how much you can train and what the bottleneck is; the model is optional.")
    page.get_by_label("Name of the model").fill("stable diffusion xl")
    page.get_by_label("Name of the model").press("Enter")
    page.get_by_role("radio", name="Not at all").check()
    expect(status).to_have_text("Answer what the bottleneck is.")
    page.get_by_role("radio", name="Latency").check()
    answered(page)
    expect(status).to_contain_text("For SDXL: ")
    assert address(page).endswith(SDXL)
    page.get_by_label("or its architecture").select_option("mmdit")
    assert address(page).endswith("choose/?architecture=mmdit&train=none&need=seconds")
    expect(page.get_by_label("Name of the model")).to_have_value("")
    page.go_back()
    expect(page.get_by_label("Name of the model")).to_have_value("SDXL")
    assert address(page).endswith(SDXL)
    page.go_back()
    expect(page.get_by_role("radio", name="Latency")).not_to_be_checked()
    expect(page.locator(".choose-answer")).to_be_hidden()


@browser
def test_it_is_usable_by_keyboard_alone(open_page: Open) -> None:
    page = open_page("choose/")
    page.get_by_label("Name of the model").focus()
    page.keyboard.type("SDXL")
    for key in ("Tab", "Tab", "Space", "ArrowDown", "Tab", "Space"):
        page.keyboard.press(key)
    answered(page)
    assert address(page).endswith("choose/?model=sdxl&train=hours&need=seconds")


@browser
def test_an_unknown_model_is_said_and_unknown_words_are_left_out(open_page: Open) -> None:
    page = open_page("choose/?model=nothing&train=__proto__&need=toString")
    expect(page.locator(".choose-status")).to_contain_text("Answer how much you can train and what the bottleneck is")
    page.get_by_label("Name of the model").fill("zzzz")
    page.get_by_label("Name of the model").press("Enter")
    expect(page.locator(".choose-unknown")).to_have_text(
        "No model of the catalogue is called zzzz; choose its architecture."
    )
    expect(page.get_by_label("Name of the model")).to_have_attribute("aria-invalid", "true")


@browser
def test_browse_opens_with_the_same_choice(open_page: Open) -> None:
    page = open_page(SDXL)
    answered(page)
    link = page.get_by_role("link", name="Token reduction in Browse", exact=True).get_attribute("href")
    assert link is not None
    given = parse_qs(urlsplit(link).query)
    assert given["family"] == ["token-reduction"]
    assert given["training"] == ["training-free"]
    assert given["model"][0].split(",")[0] == "sdxl"


@browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", ["choose/", SDXL, "choose/?model=dit-xl-2&train=days&need=steps"])
def test_axe_finds_nothing(open_page: Open, where: str, scheme: str) -> None:
    page = open_page(where, color_scheme=scheme)
    expect(page.locator(".choose-status")).not_to_be_empty()
    assert_axe_finds_nothing(page)


@browser
def test_nothing_is_wider_than_a_phone(open_page: Open) -> None:
    page = open_page(SDXL, viewport={"width": 320, "height": 640})
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@browser
def test_hostile_text_stays_text_under_a_strict_policy(open_page: Open) -> None:
    page = open_page("")

    def rules(route: Route) -> None:
        document = route.fetch().json()
        document["entries"] = [[HOSTILE, HOSTILE, *rest] for _, _, *rest in document["entries"]]
        document["numbers"] = [[place, *[HOSTILE] * 4] for place, *_ in document["numbers"]]
        route.fulfill(json=document)

    def with_policy(route: Route) -> None:
        answer = route.fetch()
        inline = re.findall(r"<script>(.*?)</script>", answer.text(), re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline]
        allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
        policy = f"default-src 'self'; script-src 'self' {allowed}; img-src 'self' data:"
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    page.route("**/choose/rules.json", rules)
    page.route(re.compile(r"/choose/(\?.*)?$"), with_policy)
    page.goto(address(page) + SDXL)
    answered(page)
    assert page.locator(".choose-answer tbody th").first.text_content() == HOSTILE
    assert page.locator(".choose-answer :is(img, script, svg)").count() == 0


@browser
def test_little_is_loaded_for_this_page_alone(open_page: Open, server: Server, built: Built) -> None:
    server.sent.clear()
    page = open_page(SDXL)
    answered(page)
    own = re.compile(r"/(choose/rules\.json|models/names\.json|assets/(choose|model-names|browse-\w+)\.js)$")
    assert sum(size for path, size in server.sent.items() if own.search(path)) <= TRANSFER * len(built.catalogue.papers)
