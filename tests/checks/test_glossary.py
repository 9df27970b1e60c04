"""The glossary: what is refused, and that the shipped one fits the taxonomy."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.checks.glossary import LONGEST, VOCABULARIES, read_glossary
from generator.entries.model import Glossary, Taxonomy
from generator.entries.problem import Problem

GOOD = """\
terms:
  amount:
    density:
      name: Density
      aliases: [weight density]
      text: Fraction of the weights that are not zero. It is one minus the sparsity.
      link: kernels/
      where: Sparse kernels
    mask:
      name: Mask
      text: Matrix that states which weights are kept.
      link: browse/?family=pruning&training=training-free
      where: Papers
notes:
  metrics:
    fid:
      aliases: [Inception distance]
      text: Values depend on the code.
      link: results/#rules
      where: Reported results
"""


def read(folder: Path, taxonomy: Taxonomy, text: str) -> tuple[Glossary | None, list[str]]:
    (folder / "glossary.yaml").write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    glossary = read_glossary(folder, taxonomy, problems)
    return glossary, [problem.text() for problem in problems]


def test_a_good_glossary_is_read(tmp_path: Path, taxonomy: Taxonomy) -> None:
    glossary, problems = read(tmp_path, taxonomy, GOOD)
    assert problems == []
    assert glossary is not None
    assert list(glossary.terms["amount"]) == ["density", "mask"]
    assert glossary.notes["metrics"]["fid"].aliases == ("Inception distance",)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("    density:", "    Density:", "3:5: {}'Density' is not a slug. fix: use a-z, 0-9 and single dashes"),
        (
            "notes:\n",
            "  other:\n    mask:\n      name: Cover\n      text: It covers.\n      link: a/\n      where: A\nnotes:\n",
            "15:5: {}mask is also in amount. fix: choose another anchor",
        ),
        ("name: Mask", "name: weight-density", "10:13: {}'weight-density' is also a name of density. fix: keep it at"),
        ("[Inception distance]", "[mask]", "17:17: {}'mask' is also a name of mask. fix: keep it at one of them"),
        ("name: Mask", "name: fid", "10:13: {}'fid' is metrics.fid of the taxonomy. fix: write a note on it, below"),
        ("are kept.", "are kept", "11:13: {}the text ends with 'hts are kept'. fix: end it with a full stop"),
        ("are kept.", "are kept. Two. Three.", "11:13: {}the text has more than two sentences. fix: write one or two"),
        ("are kept.", f"are{'x' * LONGEST}.", "11:13: {}the text has 367 characters. fix: write at most 330"),
        (
            "kernels/",
            "/kernels",
            "7:13: {}'/kernels' is not an address below the home page. fix: write one such as methods/",
        ),
        (
            "kernels/",
            "https://a.org/",
            "7:13: {}'https://a.org/' is not an address below the home page. fix: write one",
        ),
        ("      where: Reported results\n", "", "16:5: {}link and where belong together. fix: write both or none"),
        ("  metrics:", "  metric:", "15:3: {}the glossary shows no vocabulary 'metric'. fix: did you mean metrics?"),
        ("  metrics:", "  venues:", "15:3: {}the glossary shows no vocabulary 'venues'. fix: use one of families, "),
        (
            "    fid:",
            "    fud:",
            "16:5: {}unknown metric 'fud'. fix: did you mean fid, fvd? `metrics` in data/taxonomy",
        ),
        (
            "      where: Papers\n",
            "",
            "10:7: {}terms.amount.mask.where: field required. fix: write it as the other items",
        ),
        ("text: Matrix", "txt: Matrix", "10:7: {}terms.amount.mask.text: field required. fix: write it as the other"),
        (
            "    fid:\n",
            "    fid:\n      name: FID\n",
            "17:13: {}notes.metrics.fid.name: extra inputs are not permitted",
        ),
    ],
)
def test_bad_glossaries(tmp_path: Path, taxonomy: Taxonomy, old: str, new: str, problem: str) -> None:
    assert old in GOOD
    _, problems = read(tmp_path, taxonomy, GOOD.replace(old, new, 1))
    assert problems, "nothing was found"
    assert problems[0].startswith("data/glossary.yaml:" + problem.format("error[E507]: ")), problems


def test_all_mistakes_are_found_at_once(tmp_path: Path, taxonomy: Taxonomy) -> None:
    _, problems = read(tmp_path, taxonomy, GOOD.replace("kernels/", "kernels").replace("are kept.", "are kept"))
    assert len(problems) == 2


def test_a_name_of_a_granularity_may_be_explained(tmp_path: Path, taxonomy: Taxonomy) -> None:
    """There the taxonomy names the unit, and does not explain the word."""
    assert "timestep" in taxonomy.granularity
    _, problems = read(tmp_path, taxonomy, GOOD.replace("name: Mask", "name: Timestep"))
    assert problems == []


def test_a_missing_file_is_an_error(tmp_path: Path, taxonomy: Taxonomy) -> None:
    problems: list[Problem] = []
    assert read_glossary(tmp_path, taxonomy, problems) is None
    assert [problem.code for problem in problems] == ["E100"]


def test_the_shipped_glossary_is_valid_and_large_enough(root: Path, taxonomy: Taxonomy) -> None:
    problems: list[Problem] = []
    glossary = read_glossary(root / "data", taxonomy, problems)
    assert problems == []
    assert glossary is not None
    assert sum(map(len, glossary.terms.values())) >= 40
    assert set(glossary.notes) <= set(VOCABULARIES)
