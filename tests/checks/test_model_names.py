"""One spelling, one model; one spelling, one data set."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generator.checks import model_names
from generator.entries.load_yaml import load
from generator.entries.model import Dataset
from tests.conftest import Checker

A, B = "models/a.yaml", "models/b.yaml"


@pytest.mark.parametrize(
    ("fragment", "place", "name"),
    [
        ("name: SDXL", "1:7", "SDXL"),
        ("name: B\naliases: [other, sd-xl]", "2:18", "sd-xl"),
        ("name: B\naliases: [Stable  Diffusion_XL]", "2:11", "Stable  Diffusion_XL"),
        ("name: B\naliases: [stablé-diffusion xl]", "2:11", "stablé-diffusion xl"),
    ],
)
def test_a_spelling_of_two_models(checker: Checker, fragment: str, place: str, name: str) -> None:
    entries = {A: "name: SDXL\naliases: [Stable Diffusion XL]", B: fragment}
    message = f"error[E514]: {name!r} is already a name of data/{A}. fix: keep it at the one model that it means"
    assert checker.messages_of_all(model_names, entries) == [f"data/{B}:{place}: {message}"]


def test_unlike_spellings_and_other_kinds(checker: Checker) -> None:
    entries = {A: "name: SDXL", B: "name: SDXL-Turbo", "tools/sdxl.yaml": "name: SDXL"}
    assert checker.messages_of_all(model_names, entries) == []


def test_a_spelling_of_two_data_sets(checker: Checker) -> None:
    document, problems = load(b"a:\n  name: COCO\nb:\n  name: B\n  aliases: [co-co]\n", "data/datasets.yaml")
    assert document is not None
    assert not problems
    datasets = {
        "a": Dataset(name="COCO", kind="images", text="A."),
        "b": Dataset(name="B", aliases=("co-co",), kind="images", text="B."),
    }
    context = replace(checker.context, datasets=datasets, datasets_document=document)
    message = "error[E514]: 'co-co' is already a name of a. fix: keep it at the one data set that it means"
    assert [problem.text() for problem in model_names.check_all([], context)] == [f"data/datasets.yaml:5:13: {message}"]


@pytest.mark.parametrize(
    "spellings",
    [("SD 1.5", "sd1.5", "SD-1.5", "sd_1.5"), ("PixArt-α", "pixart α"), ("Würstchen", "wurstchen"), ("A–B", "ab")],
)
def test_what_makes_no_difference(spellings: tuple[str, ...]) -> None:
    assert len({model_names.folded(name) for name in spellings}) == 1


@pytest.mark.parametrize("different", [("SDXL", "SDXL-Turbo"), ("Wan2.1-1.3B", "Wan2.1-13B"), ("C", "C++")])
def test_what_makes_one(different: tuple[str, str]) -> None:
    assert len({model_names.folded(name) for name in different}) == 2
