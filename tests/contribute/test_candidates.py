"""The score of a candidate: each part, what is left out, and which papers are known already."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.arxiv.fetch import Found
from generator.contribute.candidates import Known, Listed, Seen, names_of, spellings
from generator.contribute.proposals import candidate
from generator.entries.discovery import Hints, Score
from generator.entries.model import ArxivRecord, Catalogue, Filed, Model, Paper, Taxonomy, TurnedDown

SCORE = Score(
    least=1,
    abstract=0.5,
    both=2,
    author=1,
    authors=2,
    model=4,
    near=10,
    subject={"diffusion": 3},
    cost={"prun*": 5},
    other={"robot*": -7},
)
MODELS = spellings(
    [("SDXL", "sdxl"), ("FLUX.1-dev", "flux"), ("FLUX", "flux-line"), ("Dream", "dream"), ("SD 1.5", "sd")]
)
PAPERS = [
    Listed("deep-cache", "Caching of Deep Features", "caching", ("Ada Example", "Bo Example", "Some Team")),
    Listed("more-cache", "Caching More Features", "caching", ("Ada Example", "Some Team")),
    Listed("bits", "Quantization to Few Bits", "quantization", ("Bo Example",)),
]
KNOWN = Known.of(SCORE, MODELS, PAPERS)


def points(title: str, abstract: str = "", authors: tuple[str, ...] = ()) -> dict[str, float]:
    found = KNOWN.scored(title, abstract, authors)
    assert found.total == pytest.approx(sum(one.points for one in found.reasons))
    assert [abs(one.points) for one in found.reasons] == sorted(
        (abs(one.points) for one in found.reasons), reverse=True
    )
    return {one.why: one.points for one in found.reasons}


def test_words_count_once_and_less_in_the_abstract() -> None:
    assert points("Pruning of Pruned Things") == {"'prun*' in the title": 5}
    assert points("Pruning", "We prune.") == {"'prun*' in the title": 5}
    assert points("X", "We prune.") == {"'prun*' in the abstract": 2.5}


def test_words_of_both_kinds_are_worth_more() -> None:
    assert points("Pruning", "diffusion") == {
        "'prun*' in the title": 5,
        "'diffusion' in the abstract": 1.5,
        "'diffusion' and 'pruning'": 2,
    }


def test_other_subjects_count_in_the_title_only() -> None:
    assert points("Robotics") == {"'robot*' in the title": -7}
    assert points("X", "robots") == {}


def test_authors_of_at_least_two_entries() -> None:
    assert points("X", authors=("Ada Example", "Bo Example", "Cy Example")) == {
        "Ada Example has 2 entries": 1,
        "Bo Example has 2 entries": 1,
    }
    assert points("X", authors=("ADA EXAMPLE",)) == {"ADA EXAMPLE has 2 entries": 1}
    assert points("X", authors=("Some Team",)) == {}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("for SDXL.", ["sdxl"]),
        ("for SD1.5 and sd", ["sd"]),
        ("FLUX.1 dev and FLUX", ["flux", "flux-line"]),
        ("FLUX.1-dev", ["flux"]),
        ("Dream a Dream, in flux and in sdxl", []),
        ("SDXL, FLUX. A flux (SDXL)", ["sdxl", "flux-line"]),
        ("SDXLs, XSDXL and SDXL-like", []),
    ],
)
def test_models_are_found_by_their_longest_spelling(text: str, named: list[str]) -> None:
    assert list(MODELS.named_in(text)) == named


def test_models_that_are_not_named_have_no_name() -> None:
    values = {"output": "image", "summary": "S.", "added": "2026-11-22"}
    models = {
        "sdxl": Model.model_validate({"name": "SDXL", "aliases": ["SD-XL"]} | values),
        "any": Model.model_validate({"name": "Networks (not named)", "aliases": ["MLP"]} | values),
    }
    filed = {slug: Filed(slug, f"data/models/{slug}.yaml", model) for slug, model in models.items()}
    assert list(names_of(filed)) == [("SDXL", "sdxl"), ("SD-XL", "sdxl")]


def test_nearness_to_a_family_leaves_out_what_it_is_told() -> None:
    family, likeness, nearest = KNOWN.near("Caching of Features")
    assert (family, nearest) == ("caching", ("deep-cache", "more-cache"))
    assert 0 < likeness <= 2 / 3 + 1e-9
    assert KNOWN.near("Caching of Features", without={"deep-cache"})[1] < likeness
    assert KNOWN.near("Caching of Features", without={"deep-cache", "more-cache"}) == (None, 0.0, ())


def test_authors_do_not_count_by_the_paper_itself() -> None:
    """As in the measurement: a paper must not be known by its own entry."""
    assert KNOWN.scored("X", authors=("Ada Example",), without={"deep-cache"}).reasons == ()


@given(st.text(), st.text(), st.lists(st.text(), max_size=4))
def test_any_text_has_a_score(title: str, abstract: str, authors: list[str]) -> None:
    found = KNOWN.scored(title, abstract, authors)
    assert found == KNOWN.scored(title, abstract, authors)
    assert "\n" not in found.text()


@given(st.sampled_from([paper.title for paper in PAPERS]), st.sets(st.sampled_from([paper.slug for paper in PAPERS])))
def test_fewer_entries_never_raise_a_score(title: str, without: set[str]) -> None:
    """The measurement of the weeks rests on it."""
    assert KNOWN.scored(title, without=without).total <= KNOWN.scored(title).total + 1e-9


def seen(taxonomy: Taxonomy) -> Seen:
    values = {"family": "pruning", "summary": "S.", "checked": "abstract", "added": "2026-11-22"}
    paper = Paper.model_validate(
        {"title": "Prune Well in Many Models: Part 1", "arxiv": "2305.10924", "aliases": ["PW"]} | values
    )
    record = ArxivRecord.model_validate(
        {
            "id": "2305.10924",
            "title": "Prune Well in Many Models: Part 1",
            "authors": ("A B",),
            "former_titles": ("Cut Weights",),
            "source": "mirror",
            "fetched_at": "2026-11-22",
        }
    )
    down = TurnedDown(arxiv="2401.00001", title="Paint Well", rule="no-cost", reason="R.", date="2026-11-22")
    return Seen(Catalogue(taxonomy, {"pw": Filed("pw", "p", paper, record)}, {}, {}, {}, {}, turned_down=(down,)))


@pytest.mark.parametrize(
    ("arxiv_id", "title", "where"),
    [
        ("2305.10924", "Anything", "papers/pw"),
        ("2401.00002", "PRUNE WELL in Many Models, Part 1", "papers/pw"),
        ("2401.00002", "Prune Wel in Many Models: Part 1", "papers/pw"),
        ("2401.00002", "Prune Well in Many Models: Part 2", None),
        ("2401.00002", "Cut Weights", "papers/pw"),
        ("2401.00002", "pw", "papers/pw"),
        ("2401.00001", "Anything", "turned down: no-cost"),
        ("2401.00002", "paint well!", "turned down: no-cost"),
        ("2401.00002", "Prune Badly", None),
    ],
)
def test_what_is_known_already(taxonomy: Taxonomy, arxiv_id: str, title: str, where: str | None) -> None:
    assert seen(taxonomy).where(arxiv_id, title) == where


HINTS = Hints(
    families={"caching": ("cach*",), "pruning": ("prun*", "sparse"), "quantization": ("bit*",)},
    sparsity={"structured": ("structured prun*",), "semi-structured": ("2:4",)},
)


@pytest.mark.parametrize(
    ("title", "abstract", "family", "why", "sparsity"),
    [
        ("Pruning It", "", "pruning", "'pruning' in the title", []),
        ("Pruning It", "with sparse caching", "pruning", "'pruning' in the title; 'sparse' in the abstract", []),
        ("Something", "a cache and bits", "caching", "'cache' in the abstract", []),
        (
            "Caching of Features by Bits",
            "",
            "caching",
            "'caching' in the title; titles like deep-cache, more-cache",
            [],
        ),
        ("Nothing of It", "", "caching", "no word suggests another family", []),
        ("Structured Pruning", "2:4 sparsity", "pruning", "'pruning' in the title", ["structured", "semi-structured"]),
    ],
)
def test_proposals_name_the_words(title: str, abstract: str, family: str, why: str, sparsity: list[str]) -> None:
    values = {
        "id": "2401.00001",
        "title": title,
        "authors": ("A B",),
        "source": "arxiv-api",
        "fetched_at": "2026-11-22",
    }
    found = Found(ArxivRecord.model_validate(values), abstract)
    one = candidate(found, KNOWN.scored(title, abstract), ["q"], HINTS)
    assert (one.family.value, one.family.why) == (family, why)
    assert [fact.value for fact in one.sparsity] == sparsity
