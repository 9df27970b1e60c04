import pytest

from reference_impls.near_names import alike, nearest, unknown

MODELS = ("sd-1.4", "sdxl", "ssd-1b", "obs-diff-sdxl-15", "dit-xl-2-512", "dit-xl-2", "flux.1-dev")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sd15", "sd-1.4"),
        ("SDXL", "sdxl"),
        ("sdxll", "sdxl"),
        ("dit-xl", "dit-xl-2"),
        ("flux", "flux.1-dev"),
        ("dit_xl_2", "dit-xl-2"),
    ],
)
def test_the_most_similar_name_comes_first(name: str, meant: str) -> None:
    assert nearest(name, MODELS) == [meant]


@pytest.mark.parametrize("name", ["", "zzz", "mochi"])
def test_nothing_is_suggested_for_a_name_like_none(name: str) -> None:
    assert nearest(name, MODELS) == []


def test_several_are_given_where_they_are_asked_for() -> None:
    assert nearest("dit-xl", MODELS, 2) == ["dit-xl-2", "dit-xl-2-512"]


@pytest.mark.parametrize(
    ("name", "see", "text"),
    [
        ("rwo", None, "unknown scope 'rwo'; did you mean row? Choose one of layer, row"),
        ("planet", None, "unknown scope 'planet'; choose one of layer, row"),
        ("rwo", "list", "unknown scope 'rwo'; did you mean row? See: list"),
        ("planet", "list", "unknown scope 'planet'; see: list"),
        (["row"], None, "unknown scope ['row']; choose one of layer, row"),
    ],
)
def test_the_message(name: object, see: str | None, text: str) -> None:
    assert unknown("scope", name, ("layer", "row"), see) == text


@pytest.mark.parametrize(
    ("word", "best"),
    [("Neurips", "NeurIPS"), ("neurips", "NeurIPS"), ("ICLM", "ICML"), ("zzzz", None), ("", None)],
)
def test_alike(word: str, best: str | None) -> None:
    assert alike(word, ["ICML", "CVPR", "NeurIPS"]) == ([best] if best else [])
