"""What a new entry takes from arXiv's record, in the form that the checks want."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from generator.checks.drafts import read_taxonomy
from generator.contribute.new_entry import AlreadyThere, NewEntry, new_entry
from generator.entries.model import ArxivRecord, Taxonomy

DATA = Path(__file__).parents[2] / "data"
ID = "2501.00103"


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    found, _ = read_taxonomy(DATA, [])
    assert found is not None
    return found


def added(data: Path, taxonomy: Taxonomy, title: str, **said: str) -> NewEntry:
    record = ArxivRecord.model_validate(
        {"id": ID, "title": title, "authors": ("A B",), "source": "arxiv-api", "fetched_at": "2026-11-22", **said}
    )
    return new_entry(ID, title, record, data=data, taxonomy=taxonomy, today=date(2026, 11, 22))


@pytest.mark.parametrize(
    ("title", "path", "written"),
    [
        ("D$^{3}$ToM: Decider", "d3tom", "D³ToM: Decider"),
        (r"$\Delta$-DiT: A Training-Free Method", "delta-dit", "Δ-DiT: A Training-Free Method"),
        (r"A $\mu$P for Schr\"odinger", "a-mup-for-schrodinger", "A μP for Schrödinger"),
        ("Schrödinger for Łukasiewicz", "schrodinger-for-lukasiewicz", "Schrödinger for Łukasiewicz"),
        ("U\u2011Net E\ufb03cient", "u-net-efficient", "U-Net Efficient"),
    ],
)
def test_title_and_file(tmp_path: Path, taxonomy: Taxonomy, title: str, path: str, written: str) -> None:
    entry = added(tmp_path, taxonomy, title)
    assert entry.path == f"data/papers/2025/{path}.yaml"
    line = next(line for line in entry.content.decode().splitlines() if line.startswith("title:"))
    assert line.removeprefix("title: ").strip('"') == written


def test_the_folder_is_of_the_id_whatever_the_record_says(tmp_path: Path, taxonomy: Taxonomy) -> None:
    assert added(tmp_path, taxonomy, "Prune Well", published="2024-12-30").path == "data/papers/2025/prune-well.yaml"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("10.1109/x", "10.1109/x"),
        ("https://doi.org/10.1109/x", "10.1109/x"),
        ("<10.1109/x>", "10.1109/x"),
        ("10.1103/PhysRevD.76.013009 10.1103/PhysRevD.77.029903", "10.1103/PhysRevD.76.013009"),
        ("10.48550/arXiv.2501.00103", None),
        ("to appear", None),
    ],
)
def test_doi(tmp_path: Path, taxonomy: Taxonomy, said: str, written: str | None) -> None:
    lines = added(tmp_path, taxonomy, "Prune Well", doi=said).content.decode().splitlines()
    assert [line for line in lines if line.startswith("doi:")] == ([f"doi: {written}"] if written else [])


def test_a_twin_in_tex_is_found(tmp_path: Path, taxonomy: Taxonomy) -> None:
    (tmp_path / "papers/2024").mkdir(parents=True)
    (tmp_path / "papers/2024/delta-dit.yaml").write_text('title: "Δ-DiT"\narxiv: "2406.01125"\n')
    with pytest.raises(AlreadyThere, match=r"is already at data/papers/2024/delta-dit\.yaml:1"):
        added(tmp_path, taxonomy, r"$\Delta$-DiT")
