"""What records say that entries do not: forms of comments that are unmistakable, and those that are not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.contribute.record_news import Change, apply, news, venue_in
from generator.entries.format_yaml import NotFormattable
from generator.entries.model import ArxivRecord, Catalogue, Filed, Paper, Taxonomy
from tests.conftest import BASE

# Comments as arXiv has them: in records of the catalogue, or of the same form.
SURE = [
    ("Accepted by CVPR2025", "CVPR 2025"),
    ("Accepted to the CVPR 2025", "CVPR 2025"),
    ("accepted by CVPR2025", "CVPR 2025"),
    (
        "10 pages, 5 figures. Accepted to the IEEE/CVF Conference on Computer Vision and Pattern Recognition 2025",
        "CVPR 2025",
    ),
    ("Accepted to ICML2025", "ICML 2025"),
    ("26 pages, accepted by ICML 2025", "ICML 2025"),
    ("Accepted by ICCV 2025", "ICCV 2025"),
    ("Accepted by ICCV 2025 (Highlight)", "ICCV 2025"),
    ("ICCV2025 accepted", "ICCV 2025"),
    ("23 pages, CVPR 2026 accepted", "CVPR 2026"),
    ("11 pages, 11 figures; Accepted by ACM MM2025; Mainly focus on feature caching", "ACM MM 2025"),
    ("Accepted to CVPR 2026 Main. Project page:https://jiwoogit.github.io/SeaCache", "CVPR 2026"),
    ("Accepted to ICLR 2026", "ICLR 2026"),
    ("Accepted to CVPR 2026; 20 pages", "CVPR 2026"),
    ("15 pages, 11 figure, 9 tables, To appear in CVPR 2026", "CVPR 2026"),
    ("Accepted at ICML 2025 as a spotlight. Code: https://github.com/a/b", "ICML 2025"),
    ("Published as a conference paper at ICLR 2024", "ICLR 2024"),
    ("Published in NeurIPS 2023", "NeurIPS 2023"),
    ("NeurIPS 2024 (accepted)", "NeurIPS 2024"),
    ("This paper has been accepted for publication at ECCV 2024", "ECCV 2024"),
    ("ECCV 2024 camera-ready version, accepted at ECCV 2024", "ECCV 2024"),
    ("Accepted at ICML'25", "ICML 2025"),
    ("Accepted to AAAI-26", "AAAI 2026"),
    ("accepted in: ICLR (2025)", "ICLR 2025"),
    ("Will appear at ASPLOS 2025", "ASPLOS 2025"),
]
PROPOSED = [
    ("ICCV 2025", "ICCV 2025"),
    ("21 pages, 8 figures. NeurIPS 2025. Project page: https://yhlee-add.github.io/THG", "NeurIPS 2025"),
    ("CVPR 2026. Code: https://github.com/Greenoso/BiGain", "CVPR 2026"),
    ("CVPR 2026 poster", "CVPR 2026"),
    ("Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR) 2026", "CVPR 2026"),
    ("ICML 2026; 17 pages, 8 figures;", "ICML 2026"),
    ("Accepted paper, 12 pages; compared with the results of ICCV 2023", "ICCV 2023"),
]
NOTHING = [
    "17 pages, 7 figures; cvpr2026 submission",
    "Submitted to ICML 2025",
    "Under review at ICLR 2026",
    "Accepted at Sci4DL and Delta workshops at ICLR 2026",
    "Accepted at the Mobile AI Workshop, CVPR 2026",
    "Accepted by CVPR 2026 Findings",
    "20 pages. Extended version of CVPR 2026 Findings paper. Neurocomputing (Elsevier) under review",
    "Not accepted at ICML 2025",
    "Rejected from ICLR 2025",
    "We used the ICML 2025 style file",
    "Winner of the CVPR 2025 challenge, accepted",
    "Accepted to ICML 2025. arXiv admin note: substantial text overlap with arXiv:2410.03456",
    "Extended journal version for ICLR. arXiv admin note: substantial text overlap with arXiv:2410.03456",
    "Accepted by CVPR Findings 2026",
    "14 pages. Accepted by the Proceedings of the 42nd IEEE/CVF Conference on Computer Vision and Pattern Recognition",
    "8 pages, 8 figures, CVPR workshop",
    "Accepted by ICML 2025 and by NeurIPS 2024",
    "Accepted by TPAMI; an earlier version was at ICCV 2023 and at NeurIPS",
    "Accepted to ICCVW 2025",
    "Accepted at ACM MM Asia 2025",
    "Accepted to NAACL 2025",
    "Accepted to ICML, 10 pages",
    "Accepted at ICML 20 pages",
    "under review",
    "Accepted",
    "10 pages, 4 figures",
    "https://github.com/OPPO-Mente-Lab/Qwen-Image-Pruning",
    "",
]


@pytest.mark.parametrize(("comment", "venue"), SURE)
def test_unmistakable_comments(taxonomy: Taxonomy, comment: str, venue: str) -> None:
    said = venue_in(comment, "", taxonomy.venues)
    assert said is not None
    assert (said.venue, said.sure) == (venue, True)


@pytest.mark.parametrize(("comment", "venue"), PROPOSED)
def test_comments_for_a_person(taxonomy: Taxonomy, comment: str, venue: str) -> None:
    said = venue_in(comment, "", taxonomy.venues)
    assert said is not None
    assert (said.venue, said.sure) == (venue, False)


@pytest.mark.parametrize("comment", NOTHING)
def test_comments_without_one_venue_or_with_doubt(taxonomy: Taxonomy, comment: str) -> None:
    assert venue_in(comment, "", taxonomy.venues) is None


@pytest.mark.parametrize(
    ("reference", "venue", "sure"),
    [
        (
            "Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition, 2024, pp. 1-10",
            "CVPR 2024",
            True,
        ),
        (
            "2024 IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR), Seattle, pp. 1-10",
            "CVPR 2024",
            True,
        ),
        ("NeurIPS 2023", "NeurIPS 2023", True),
        ("ICML 2024 Workshop on Efficient Systems", None, False),
        ("International Conference on Machine Learning (ICML), 2024", "ICML 2024", True),
        ("Phys. Rev. D 75 (2007) 084015", None, False),
    ],
)
def test_journal_references(taxonomy: Taxonomy, reference: str, venue: str | None, sure: bool) -> None:
    said = venue_in("10 pages", reference, taxonomy.venues)
    assert (said.venue if said else None, said.sure if said else False) == (venue, sure)
    if venue is not None:
        assert venue_in("Accepted at ICASSP 2019 and AAAI 2019", reference, taxonomy.venues) is None


DOUBTS = [
    "submitted to",
    "under review at",
    "rejected by",
    "workshop of",
    "an extended version of a paper at",
    "not at",
]


@given(st.data())
def test_a_doubt_gives_no_venue(taxonomy: Taxonomy, data: st.DataObject) -> None:
    series = data.draw(st.sampled_from(sorted(taxonomy.venues)))
    year = data.draw(st.integers(2015, 2029))
    accepted = data.draw(st.sampled_from(["Accepted at", "accepted by", "To appear in", "Published in"]))
    doubt = data.draw(st.sampled_from(DOUBTS))
    pages = data.draw(st.sampled_from(["", "10 pages, ", "12 pages. ", "3 figures; "]))
    good = venue_in(f"{pages}{accepted} {series} {year}", "", taxonomy.venues)
    assert good is not None
    assert (good.venue, good.sure) == (f"{series} {year}", True)
    for text in (
        f"{accepted} {doubt} {series} {year}",
        f"{accepted} {series} {year}; {doubt} another",
        f"{doubt} {series} {year}",
    ):
        assert venue_in(pages + text, "", taxonomy.venues) is None


@given(st.text())
def test_any_text_is_read(taxonomy: Taxonomy, text: str) -> None:
    said = venue_in(text, text[::-1], taxonomy.venues)
    assert said is None or re.fullmatch(r".+ (19|20)\d\d", said.venue)


def test_shipped_venues_agree_with_what_is_unmistakable(shipped: Catalogue) -> None:
    """People wrote the venues of the entries. A refresh may bring a few new ones, and must not fail here."""
    agree = differ = 0
    for filed in shipped.papers.values():
        record = filed.record
        said = venue_in(record.comment or "", record.journal_ref or "", shipped.taxonomy.venues) if record else None
        if said is not None and said.sure and filed.entry.venue is not None:
            agree += said.venue == filed.entry.venue
            differ += said.venue != filed.entry.venue
    assert agree >= 10
    assert differ <= agree / 10


PATH = "data/papers/2023/x.yaml"


def changes(taxonomy: Taxonomy, entry: dict[str, object], record: dict[str, object]) -> list[Change]:
    values: dict[str, object] = {"title": "Prune Well", "arxiv": "2305.10924", "family": "pruning", "summary": "S."}
    paper = Paper.model_validate(values | {"checked": "abstract", "added": "2026-11-22"} | entry)
    said: dict[str, object] = {"id": "2305.10924", "title": "Prune Well", "authors": ("A B",), "source": "arxiv-api"}
    filed = Filed("x", PATH, paper, ArxivRecord.model_validate(said | {"fetched_at": "2026-11-22"} | record))
    return news(Catalogue(taxonomy, {"x": filed}, {}, {}, {}, {}), 2026)


@pytest.mark.parametrize(
    ("entry", "record", "expected"),
    [
        ({}, {}, []),
        ({}, {"comment": "Accepted at ICML 2024"}, [("venue", "", "ICML 2024", True)]),
        ({}, {"comment": "ICML 2024"}, [("venue", "", "ICML 2024", False)]),
        ({"venue": "ICML 2024"}, {"comment": "Accepted at ICML 2024"}, []),
        ({"venue": "ICLR 2024"}, {"comment": "Accepted at ICML 2024"}, [("venue", "ICLR 2024", "ICML 2024", False)]),
        ({}, {"comment": "Accepted at ICML 2019"}, [("venue", "", "ICML 2019", False)]),
        ({}, {"comment": "Accepted at ICML 2031"}, [("venue", "", "ICML 2031", False)]),
        (
            {},
            {"title": "Prune Better", "former_titles": ("Prune Well",)},
            [("title", "Prune Well", "Prune Better", True)],
        ),
        ({}, {"title": "Prune Better"}, []),
        ({"aliases": ["Prune Better"]}, {"title": "Prune Better", "former_titles": ("Prune Well",)}, []),
        ({}, {"doi": "10.1000/x"}, [("doi", "", "10.1000/x", True)]),
        ({}, {"doi": "10.1000/x 10.1000/y"}, [("doi", "", "10.1000/x", False)]),
        ({}, {"doi": "10.48550/arXiv.2305.10924"}, []),
        ({"doi": "10.1000/y"}, {"doi": "10.1000/x"}, []),
        (
            {},
            {
                "comment": "This paper has been withdrawn by the author",
                "withdrawn": "This paper has been withdrawn by the author",
            },
            [("status", "", "withdrawn", True)],
        ),
        ({}, {"withdrawn": "Withdrawn: see v2"}, [("status", "", "withdrawn", False)]),
        ({"status": "withdrawn"}, {"withdrawn": "Withdrawn: see v2"}, []),
        (
            {"status": "code-removed"},
            {"comment": "Withdrawn", "withdrawn": "Withdrawn"},
            [("status", "code-removed", "withdrawn", False)],
        ),
    ],
)
def test_changes(
    taxonomy: Taxonomy, entry: dict[str, object], record: dict[str, object], expected: list[tuple[object, ...]]
) -> None:
    found = [(one.field, one.old, one.new, one.sure) for one in changes(taxonomy, entry, record)]
    assert found == expected


def change(field: str, new: str, old: str = "") -> Change:
    return Change(PATH, field, old, new, "why", sure=True)


def test_a_field_is_added_or_replaced_and_comments_stay() -> None:
    raw = ("# kept\n" + BASE["papers"].replace("family:", "# above\nfamily:")).encode()
    added = apply(change("venue", "ICML 2024"), raw).decode()
    assert "\nvenue: ICML 2024\n" in added
    assert "# kept\n" in added
    assert "# above\nfamily: pruning\n" in added
    again = apply(change("venue", "ICML 2025", "ICML 2024"), added.encode()).decode()
    assert again == added.replace("2024", "2025")


@pytest.mark.parametrize(
    ("aliases", "expected"),
    [
        ("", "aliases: [Prune Well]"),
        ("aliases: [PW, Prune Better]\n", "aliases: [PW, Prune Well]"),
        ("aliases:\n  - PW\n  - Other\n", "aliases: [PW, Other, Prune Well]"),
    ],
)
def test_a_former_title_goes_into_the_aliases(aliases: str, expected: str) -> None:
    raw = BASE["papers"].replace("arxiv:", f"{aliases}arxiv:").encode()
    written = apply(change("title", "Prune Better", "Prune Well"), raw).decode()
    assert written.startswith(f"title: Prune Better\n{expected}\narxiv: ")


def test_a_comment_inside_a_value_stops_the_change() -> None:
    raw = BASE["papers"].replace("arxiv:", "aliases:\n  - PW\n  # why\n  - Other\narxiv:").encode()
    with pytest.raises(NotFormattable, match="a comment is inside aliases; change it by hand"):
        apply(change("title", "Prune Better", "Prune Well"), raw)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1))
def test_any_new_value_is_written_as_text(new: str) -> None:
    try:
        written = apply(change("venue", new), BASE["papers"].encode())
    except NotFormattable:
        return  # such as an invisible letter
    assert written.decode().startswith("title: Prune Well\n")
    assert written.decode().count("\nvenue: ") == 1
