"""Terms of the taxonomy and of the glossary together."""

from __future__ import annotations

import pytest

from generator.entries.model import Catalogue
from generator.views.glossary import all_terms, anchor_of, terms_of


def test_a_term_of_the_taxonomy_has_its_sentence_and_what_the_glossary_adds(shipped: Catalogue) -> None:
    fid = next(term for term in terms_of(shipped, "quality") if term.word == "fid")
    metric, note = shipped.taxonomy.metrics["fid"], shipped.glossary.notes["metrics"]["fid"]
    assert fid.text == f"{metric.text} Lower is better. {note.text}"
    assert fid.aliases == (*note.aliases, *metric.synonyms)
    assert (fid.anchor, fid.name, fid.link) == ("metrics-fid", metric.name, note.link)


def test_terms_with_a_page_and_filters_link_to_them(shipped: Catalogue) -> None:
    links = {term.anchor: term.link for term in all_terms(shipped)}
    assert links["families-pruning"] == "families/pruning/"
    assert links["architectures-unet"] == "architectures/unet/"
    assert links["granularity-channel"] == "browse/?granularity=channel"
    assert links["training-training-free"] == "browse/?training=training-free"
    assert links["statuses-withdrawn"] == "browse/?status=withdrawn"
    assert links["topics-lottery-ticket"] == "browse/?text=Lottery+tickets"


def test_anchors_are_unique(shipped: Catalogue) -> None:
    anchors = [term.anchor for term in all_terms(shipped)]
    assert len(set(anchors)) == len(anchors)
    assert anchor_of("granularity", "channel") in anchors


@pytest.mark.parametrize("section", ["metrics", "venues", "no-such"])
def test_there_is_no_such_section(shipped: Catalogue, section: str) -> None:
    with pytest.raises(KeyError):
        terms_of(shipped, section)


def test_a_vocabulary_that_is_not_shown_has_no_anchors() -> None:
    with pytest.raises(KeyError):
        anchor_of("venues", "CVPR")
