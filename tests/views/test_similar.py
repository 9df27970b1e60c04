from collections.abc import Mapping
from dataclasses import replace
from math import isclose

import pytest

from generator.entries.model import Catalogue, Filed, Paper
from generator.views import similar
from generator.views.similar import FACETS, LEAST_LIKENESS, MOST, similar_papers
from tests.made_papers import paper, with_papers


def names(found: Mapping[str, tuple[similar.Similar, ...]], slug: str) -> list[str]:
    return [one.slug for one in found[slug]]


def crowd(number: int) -> list[Filed[Paper]]:
    """Papers that have nothing but their architecture in common with pruning papers."""
    return [paper(f"crowd-{i}", family="caching", architectures=["unet"]) for i in range(number)]


class TestOrder:
    def test_the_rarer_the_shared_feature_the_more_alike(self, shipped: Catalogue) -> None:
        one = paper("one", architectures=["unet"], granularity=["expert"], topics=["audio"])
        rare = paper("rare", architectures=["dit"], granularity=["expert"], topics=["video"])
        common = paper("common", architectures=["unet"], granularity=["block"], topics=["image"])
        found = similar_papers(with_papers(shipped, one, rare, common, *crowd(12)))
        assert names(found, "one")[0] == "rare"

    def test_a_common_work_counts(self, shipped: Catalogue) -> None:
        root = paper("root", family="foundations", granularity=["weight"])
        both = [
            paper(name, builds_on=["root"], training=training)
            for name, training in (("a", "fine-tune"), ("b", "retrain"))
        ]
        other = paper("c", training="learned-mask")
        found = similar_papers(with_papers(shipped, root, *both, other, *crowd(5)))
        assert names(found, "a")[0] == "b"

    def test_ties_go_by_name(self, shipped: Catalogue) -> None:
        twins = [paper(name, granularity=["channel"]) for name in ("d", "b", "c", "a")]
        assert names(similar_papers(with_papers(shipped, *twins, *crowd(3))), "c") == ["a", "b", "d"]

    def test_at_most_five_the_most_alike_first(self, shipped: Catalogue) -> None:
        for found in similar_papers(shipped).values():
            assert len(found) <= MOST == 5
            assert [one.likeness for one in found] == sorted((one.likeness for one in found), reverse=True)
            assert all(LEAST_LIKENESS <= one.likeness <= 1 for one in found)


class TestWhatIsLeftOut:
    def test_the_paper_itself_and_what_it_is_related_to(self, shipped: Catalogue) -> None:
        found = similar_papers(shipped)
        for slug, filed in shipped.papers.items():
            related = {slug, *filed.entry.builds_on, *filed.entry.critiques, filed.entry.superseded_by}
            related |= {other for other, held in shipped.papers.items() if slug in held.entry.builds_on}
            assert not related & set(names(found, slug))

    def test_papers_with_little_in_common(self, shipped: Catalogue) -> None:
        odd = paper("odd", family="surveys")
        assert similar_papers(with_papers(shipped, odd, *crowd(4)))["odd"] == ()

    def test_an_empty_catalogue(self, shipped: Catalogue) -> None:
        assert similar_papers(with_papers(shipped)) == {}

    def test_a_single_paper(self, shipped: Catalogue) -> None:
        assert similar_papers(with_papers(shipped, paper("alone"))) == {"alone": ()}


def test_what_is_said_to_be_shared_is_shared(shipped: Catalogue) -> None:
    for slug, found in similar_papers(shipped).items():
        for one in found:
            assert one.shared
            for facet, word in one.shared:
                assert facet in FACETS
                for entry in (shipped.papers[slug].entry, shipped.papers[one.slug].entry):
                    held = getattr(entry, facet)
                    assert word in (held if isinstance(held, tuple) else (held,))


def test_neither_chance_nor_order_matters(shipped: Catalogue) -> None:
    backwards = replace(shipped, papers=dict(reversed(list(shipped.papers.items()))))
    found = similar_papers(shipped)
    assert found == similar_papers(shipped)
    assert found == similar_papers(backwards)


def test_asking_few_candidates_loses_nothing_to_speak_of(shipped: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_few = similar_papers(shipped)
    monkeypatch.setattr(similar, "WINDOW", 10**6)
    monkeypatch.setattr(similar, "CANDIDATES", 10**6)
    exact = similar_papers(shipped)
    sums = [sum(one.likeness for held in found.values() for one in held) for found in (asked_few, exact)]
    assert isclose(sums[0], sums[1], rel_tol=0.01)


def test_a_paper_is_compared_with_few_however_many_there_are(
    shipped: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 2_000
    seen = list(shipped.papers.values())
    papers = {}
    for i in range(number):  # mixed from two papers each, so that they differ
        one, other = seen[i % len(seen)], seen[(7 * i + i // len(seen)) % len(seen)].entry
        mixed = one.entry.model_copy(update={"topics": other.topics, "training": other.training})
        papers[f"{one.slug}-{i}"] = replace(
            one, slug=f"{one.slug}-{i}", entry=mixed.model_copy(update={"builds_on": (), "critiques": ()})
        )
    compared: list[int] = []
    real = similar._Candidates.of

    def counted(candidates: similar._Candidates, slug: str) -> set[str]:
        found = real(candidates, slug)
        compared.append(len(found))
        return found

    monkeypatch.setattr(similar._Candidates, "of", counted)
    similar_papers(replace(shipped, papers=papers))
    assert len(compared) == number
    assert max(compared) <= similar.CANDIDATES + 2 * similar.WINDOW + 1
