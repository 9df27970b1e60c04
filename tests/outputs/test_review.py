"""The review of changed entries: what it says, that it says it of any file, and that nothing in it is live."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from generator.checks.validate import Written, judge, read_data, without_faults
from generator.entries.model import KINDS, NO_GLOSSARY, NO_RULES
from generator.outputs import review_summary
from generator.outputs.entry_words import LABELS
from generator.outputs.review import Reviewed, Reviewer
from tests.conftest import Checker, Run
from tests.outputs.test_changes import Repository
from tests.site import hostile

ROOT = Path(__file__).parents[2]
PAPER = """\
title: "Prune Well: Channels by Taylor Scores"
arxiv: "2311.00098"
venue: ICLR 2024
family: pruning
sparsity: [structured]
granularity: [channel]
models: [denoiser]
summary: Prunes the channels of a U-Net that matter least and then fine-tunes the pruned model.
results:
  - model: denoiser
    dataset: cifar-10
    setting: half of the channels
    where: Table 1
    before: {fid: 4.19}
    after: {fid: 5.29}
builds_on: [old]
checked: abstract
added: 2026-11-22
"""
OLD = """\
title: An Older Way to Remove Channels
short: Older
arxiv: "2211.00011"
family: pruning
sparsity: [structured]
granularity: [channel]
topics: [width]
summary: Removes the channels of a network by their magnitude and fine-tunes what remains of it.
checked: secondary
added: 2026-11-22
"""
CACHING = OLD.replace("An Older Way to Remove Channels", "Caching of Features").replace("Older", "Cacher")
CACHING = CACHING.replace("2211.00011", "2211.00012").replace("family: pruning", "family: caching")
MODEL = """\
name: Denoiser
output: image
architecture: unet
summary: A small U-Net that removes noise from images of 32 by 32 pixels for the tests.
added: 2026-11-22
"""
TOOL = """\
name: Pruner
url: https://example.org/pruner
category: pruning-toolkit
summary: A library that removes channels from networks that were trained with PyTorch.
added: 2026-11-22
"""
RECORD = """\
{
 "authors": ["A. Author", "B. Writer"],
 "comment": "Accepted at ICLR 2024",
 "fetched_at": "2026-11-22",
 "id": "2311.00098",
 "published": "2023-11-01",
 "source": "mirror",
 "title": "Prune Well: Channels by Taylor Scores",
 "updated": "2023-11-01"
}
"""
NEW = "data/papers/2023/prune-well.yaml"
Review = Callable[..., str]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A small catalogue in git: two papers and a model."""
    made = Repository(tmp_path / "repository")
    for name in ("taxonomy.yaml", "datasets.yaml", "choose.yaml", "glossary.yaml", "TEMPLATE.yaml"):
        (made.root / "data").mkdir(exist_ok=True)
        shutil.copy(ROOT / "data" / name, made.root / "data")
    shutil.copy(ROOT / "mkdocs.yml", made.root)
    made.commit(
        {
            "data/papers/2022/old.yaml": OLD,
            "data/papers/2022/cacher.yaml": CACHING,
            "data/models/denoiser.yaml": MODEL,
        }
    )
    return made


@pytest.fixture
def review(repository: Repository, run: Run) -> Review:
    """Writes files, and reviews them."""

    def reviewed(files: dict[str, str | bytes] | None = None, *arguments: str) -> str:
        for name, content in (files or {}).items():
            file = repository.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        done = run(repository.root, "review", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return reviewed


def part(text: str, heading: str) -> str:
    """What stands below the first heading of that name, on one line."""
    (found, *_) = re.findall(rf"^### {heading}\n\n(.*?)(?=^##|^<details|\Z)", text, re.MULTILINE | re.DOTALL)
    return " ".join(str(found).split())


def test_every_field_has_a_label() -> None:
    assert {field for kind in KINDS.values() for field in kind.model_fields} == LABELS.keys()


def test_a_new_paper(review: Review) -> None:
    text = review({NEW: PAPER, "data/arxiv/2023/2311.00098.json": RECORD})
    assert text.startswith("# Review of 1 entry\n\n0 errors in 4 entries of the catalogue.\n\n## 1. Paper, added\n")
    said = part(text, "The entry")
    for words in (
        "Family Pruning",
        "Sparsity Structured",
        "Models Denoiser (denoiser)",
        "Denoiser, CIFAR-10; half of the channels; FID 4.19 → 5.29; Table 1",
        "Builds on Older (old)",
        "Checked against Checked against the abstract",
    ):
        assert words in said
    compared = part(text, "Compared")
    for words in (
        "arXiv id a valid id, in the folder of its year",
        "Record added or changed together with the entry: compare it with arXiv with data/arxiv/2023/2311.00098.json",
        "Title equal with the record: Prune Well: Channels by Taylor Scores",
        "Authors taken from the record with the record: A. Author, B. Writer",
        "Dates in the calendar, and in order with first version: 2023-11-01 (record)",
        "Venue a known series, not before the paper with ICLR 2024",
        "Published version Venue: ICLR 2024 with the record: comment: Accepted at ICLR 2024",
        "arXiv id: duplicates no other has it with 2 other entries of data/papers",
        "Title: duplicates below 96, no duplicate",
        "denoiser = Denoiser; cifar-10 = CIFAR-10",
        "Numbers plausible with 1 configuration with 1 number",
        "All checks 0 errors, 0 notes with",
    ):
        assert words in compared
    alike = part(text, "Most similar entries")
    assert "Older, data/papers/2022/old.yaml" in alike
    assert "Granularity: Channel" in alike
    assert "this entry names it: Builds on" in alike
    assert "of this entry" not in alike
    left = part(text, "Not stated yet")
    assert "training training-free |" in left
    assert "venue" not in left
    assert "(required)" not in left
    assert part(text, "Problems") == "None."
    page = text.partition("<summary>The page of the entry as text</summary>")[2]
    assert "Setting | FID ↓ | Source" in page
    assert "Granularity: Channel" in page
    assert "### Changed fields" not in text


def test_another_family_than_that_of_similar_entries_is_shown(review: Review, repository: Repository) -> None:
    topics = "topics: [width, depth, one-shot]\nsummary:"
    repository.commit({"data/papers/2022/old.yaml": OLD.replace("topics: [width]\nsummary:", topics)})
    caching = PAPER.replace("family: pruning", "family: caching").replace("summary:", topics)
    alike = part(review({NEW: caching}), "Most similar entries")
    assert "Older, data/papers/2022/old.yaml" in alike
    assert re.search(r"Family of these: .*Pruning 1.*; of this entry: Feature caching", alike)


def test_a_changed_paper_shows_old_and_new(review: Review, repository: Repository) -> None:
    repository.commit({NEW: PAPER})
    changed = PAPER.replace("ICLR 2024", "ICML 2024").replace("[structured]", "[structured, unstructured]")
    changed = changed.replace("fid: 5.29", "fid: 5.3")
    text = review({NEW: changed})
    assert "## 1. Paper, changed\n" in text
    assert text.count("## 1.") == 1
    (difference,) = re.findall(r"^```diff\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    assert difference.splitlines() == [
        "@@ Venue @@",
        "- ICLR 2024",
        "+ ICML 2024",
        "@@ Sparsity @@",
        "+ Unstructured",
        "@@ Reported results @@",
        "- Denoiser, CIFAR-10; half of the channels; FID 4.19 → 5.29; Table 1",
        "+ Denoiser, CIFAR-10; half of the channels; FID 4.19 → 5.3; Table 1",
    ]


def test_without_a_record_nothing_is_said_to_agree(review: Review) -> None:
    compared = part(review({NEW: PAPER}), "Compared")
    assert "Title, authors arXiv has not been asked" in compared
    assert "equal" not in compared


def test_another_title_and_a_record_of_before(review: Review, repository: Repository) -> None:
    repository.commit({"data/arxiv/2023/2311.00098.json": RECORD})
    compared = part(review({NEW: PAPER.replace("Prune Well:", "Prune Badly:")}), "Compared")
    assert "Record not part of this change" in compared
    assert "Title error E605: the title of 2311.00098 on arXiv is" in compared


def test_a_duplicate_is_shown_at_the_new_entry(review: Review) -> None:
    """Of two the later file is reported; the new one comes first here."""
    text = review({"data/papers/2022/a-copy.yaml": OLD.replace("[width]", "[depth]")})
    assert "E501: arxiv 2211.00011 is already at data/papers/2022/a-copy.yaml:3" in part(text, "Compared")
    assert "Title: duplicates error E502" in part(text, "Compared")
    assert "data/papers/2022/old.yaml:3:8: error[E501]" in part(text, "Problems")
    assert "## Errors in other files" not in text
    assert "The page is rendered when the entry has no error." in text or "<details>" in text


def test_a_paper_that_was_turned_down(review: Review) -> None:
    said = '{arxiv: "2311.00098", title: A, rule: no-cost, reason: Costs as much as before., date: 2026-11-29}'
    compared = part(review({NEW: PAPER, "data/turned-down.yaml": f"papers:\n  - {said}\n"}), "Compared")
    assert f"Turned down error E533: 2311.00098 has the entry {NEW} with data/turned-down.yaml" in compared


def test_tools_and_models(review: Review) -> None:
    text = review({"data/tools/pruner.yaml": TOOL, "data/models/other.yaml": MODEL.replace("Denoiser", "Other net")})
    assert "## 1. Model, added" in text
    assert "## 2. Tool, added" in text
    assert "Category Pruning toolkits" in " ".join(text.split())
    assert "Denoiser, data/models/denoiser.yaml Architecture: U-Net; Output: Images" in " ".join(text.split())
    assert text.count("The page of the entry as text") == 2


BROKEN: dict[str, str | bytes] = {
    "no YAML": 'title: "x\n',
    "bytes": bytes(range(256)),
    "empty": "",
    "a list": "- a\n",
    "too large": "title: " + "x" * 70_000 + "\n",
    "UTF-16": "title: A\n".encode("utf-16"),
    "unknown fields": "titel: A\nfoo: {a: [b]}\n",
    "wrong types": (
        "title: [a]\nfamily: {a: b}\nresults: [x, {model: {a: b}, after: [1], before: x}]\nmodels: 3\nauthors: {a: b}\n"
    ),
    "unknown words": PAPER.replace("pruning", "prunning").replace("denoiser", "nothing").replace("fid:", "fdi:"),
    "open": 'title: A\narxiv: "2311.00098"\nfamily: ""\nsummary: ""\nchecked: ""\nadded: 2026-11-22\n',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_an_entry_with_faults_has_a_review_with_its_problems(review: Review, content: str | bytes) -> None:
    text = review({NEW: content})
    assert "## 1. Paper, " in text
    assert "Traceback" not in text
    assert f"{NEW}:" in part(text, "Problems") or "(required)" in part(text, "Not stated yet")
    assert re.search(r"^[1-9]\d* errors? in \d entries", text, re.MULTILINE)
    assert "The page of the entry as text" not in text


def test_fields_to_fill_in_are_in_the_words_of_check_entry(review: Review) -> None:
    left = part(review({NEW: BROKEN["open"]}), "Not stated yet")
    assert "checked (required) paper or abstract, if you compared the entry with it, else secondary" in left
    assert "family (required) one of pruning," in left


def test_a_link_and_a_folder_are_no_entries(review: Review, repository: Repository) -> None:
    (repository.root / "data/papers/2023").mkdir()
    (repository.root / NEW).symlink_to("/etc/passwd")
    (repository.root / "data/tools/folder.yaml").mkdir(parents=True)
    text = review()
    assert "root:" not in text
    assert "not a regular file" in text
    assert "The entry cannot be read, so nothing was compared." in text


def test_faults_of_others_hide_nothing(review: Review) -> None:
    """A page is rendered although another entry has an error, and that error is shown by itself."""
    text = review({NEW: PAPER, "data/tools/pruner.yaml": TOOL.replace("name:", "nome:")}, NEW)
    assert "The page of the entry as text" in text
    assert "data/tools/pruner.yaml:1:1: error[E211]" in text.partition("## Errors in other files")[2]


def test_a_taxonomy_that_cannot_be_read(review: Review) -> None:
    text = review({NEW: PAPER, "data/taxonomy.yaml": "families: x\n"})
    assert "A file that every entry depends on has an error, so nothing was compared." in text
    assert "data/taxonomy.yaml:1:11: error[E500]" in text.partition("## Errors in other files")[2]


def test_a_removed_and_a_renamed_entry(review: Review, repository: Repository) -> None:
    (repository.root / "data/papers/2022/cacher.yaml").unlink()
    (repository.root / "data/papers/2022/old.yaml").rename(repository.root / "data/papers/2022/older.yaml")
    text = review()
    assert "## 1. Paper, renamed" in text
    assert "before: old\n" in text
    assert "data/papers/…/cacher.yaml Caching of Features" in text


def test_the_files_on_disk_are_compared_with_the_base(review: Review, repository: Repository) -> None:
    base = repository.git("rev-parse", "HEAD")
    repository.commit({NEW: PAPER})
    assert "No entry was added or changed." in review()
    assert "## 1. Paper, added" in review(None, "--base", base)
    assert "## 1. Paper, added" in review(None, "--base", "HEAD^1")
    assert "## 1. Paper\n" in review(None, NEW)
    assert "## 1. Paper, added" in review(None, NEW, "--base", base)
    assert "## 1. Paper, without a changed field" in review({NEW: "# a remark\n" + PAPER})


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--base", "no-such-commit"], "is not a commit"),
        (["--base", "--output=/etc/x"], "is not a commit"),
        (["data/taxonomy.yaml"], "is not an entry"),
        (["data/papers/2023/none.yaml"], "is not an entry"),
    ],
)
def test_wrong_use(repository: Repository, run: Run, arguments: list[str], why: str) -> None:
    done = run(repository.root, "review", *arguments)
    assert done.returncode == 2
    assert why in re.sub(r"[\s│]+", " ", done.stderr)


LIVE = (
    "``` ````` ~~~ </details></summary> <img src=x onerror=alert(1)> @octocat #1 [x](javascript:alert(2)) "
    "![y](//e.example)"
)


def test_nothing_of_an_entry_is_live(review: Review, repository: Repository) -> None:
    """Headings and folds are ours; text of the entry is in blocks of code only, and no character of it is invisible."""
    with (repository.root / "data/datasets.yaml").open("a", encoding="utf-8") as stream:
        stream.write("hostile-dataset:\n  name: x\n  kind: images\n  text: Images of something.\n")
    files: dict[str, str | bytes] = {}
    for name, fields in hostile.ENTRIES.items():
        fields = {**fields, "summary": f"{LIVE}\u202e\u2066\u200b\x1b[31m\n# heading\n{LIVE}"}
        files[f"data/{name}.yaml"] = hostile.yaml_of(fields).replace("stable-diffusion", "denoiser")
    files["data/papers/2023/raw.yaml"] = f"title: {LIVE}\n{LIVE}: x\nfamily: '@octocat'\nshort: a\u202eb\n"
    files["data/tools/`@octocat`.yaml"] = TOOL
    text = review(files)
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    assert {token.type for token in tokens if token.type != "fence"} == {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline")
    }
    ours = " ".join(token.content for token in tokens if token.type == "inline")
    assert not re.search(r"[`@<>\[!#]|https?:", ours.replace("`status`", ""))
    assert {child.type for token in tokens for child in token.children or ()} <= {"text", "code_inline", "softbreak"}
    assert all(character.isprintable() or character == "\n" for character in text)
    assert text.count("@octocat") > 5


def test_a_page_of_a_hostile_entry_is_text(review: Review, repository: Repository) -> None:
    with (repository.root / "data/datasets.yaml").open("a", encoding="utf-8") as stream:
        stream.write("hostile-dataset:\n" + re.sub("(?m)^", "  ", hostile.yaml_of(hostile.DATASET)))
    files: dict[str, str | bytes] = {
        f"data/{name}.yaml": hostile.yaml_of(fields).replace("stable-diffusion", "denoiser")
        for name, fields in hostile.ENTRIES.items()
        if "record" not in name
    }
    text = review(files)
    assert text.count("The page of the entry as text") == len(files)
    tokens = MarkdownIt("commonmark", {"html": True}).parse(text)
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert blocks == ["<details><summary>The page of the entry as text</summary>", "</details>"] * len(files)
    assert "<script>alert(1)</script>" in text


def test_the_size_is_bounded(review: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_summary, "MAX_BYTES", 20_000)
    files: dict[str, str | bytes] = {
        f"data/papers/2023/p{number}.yaml": PAPER.replace("2311.00098", f"2311.{number:05}").replace(
            "Well", f"Well {number}"
        )
        for number in range(10)
    }
    text = review(files)
    assert len(text.encode()) < 25_000
    shown = text.count("## ") - text.count("### ") - 1
    left = re.findall(r"^(\d+) entries were left out", text, re.MULTILINE)
    assert [int(one) + shown for one in left] == [10]
    assert "data/papers/2023/p9.yaml" in text.partition("## Left out")[2]


def test_one_entry_is_bounded(review: Review) -> None:
    """The largest file that is read: long words, many items, runs of backticks."""
    lines = ["title: A", f"short: '{'`' * 20_000}'", f"authors: [{', '.join(['x' * 9] * 3_000)}]"]
    text = review({NEW: "\n".join([*lines, f"criterion: {'y ' * 5_000}\n"])})
    assert len(text.encode()) < 60_000
    assert "more" in part(text, "The entry")


def test_entries_with_errors_come_first(review: Review) -> None:
    text = review({NEW: PAPER, "data/tools/pruner.yaml": TOOL.replace("pruning-toolkit", "x")})
    assert text.index("Tool, added") < text.index("Paper, added")


def test_the_catalogue_without_faults(repository: Repository) -> None:
    """An entry that refers to one with an error is left out as well, and so on."""
    (repository.root / NEW).parent.mkdir()
    (repository.root / NEW).write_text(PAPER, "utf-8")
    last = PAPER.replace("2311.00098", "2311.00099").replace("Prune Well", "Later").replace("[old]", "[prune-well]")
    (repository.root / "data/papers/2023/last.yaml").write_text(last, "utf-8")
    old = repository.root / "data/papers/2022/old.yaml"
    old.write_text(OLD.replace("family: pruning", "family: x"), "utf-8")
    written = read_data(repository.root / "data")
    outcome = judge(written)
    assert outcome.catalogue is None
    found = without_faults(written, outcome)
    assert found is not None
    assert [*found.papers, *found.models] == ["cacher", "denoiser"]
    assert {one.path for one in outcome.about("data/papers/2022/old.yaml")} == {"data/papers/2022/old.yaml"}


PIECES = st.sampled_from(
    [
        *hostile.texts(hostile.PAPER),
        "[a, {b: c}]",
        "{a: [b]}",
        '""',
        "[]",
        "x",
        "```",
        "</details>",
        "a: b",
        "\u202e",
        "1",
    ]
)
FIELDS = st.sampled_from(sorted(LABELS))


@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from(sorted(KINDS)), st.dictionaries(FIELDS, st.tuples(PIECES, st.booleans()), max_size=8))
def test_any_fields_make_a_review(checker: Checker, kind: str, fields: dict[str, tuple[str, bool]]) -> None:
    """Whatever stands in which field, as text or as YAML: a review, of which nothing is live."""
    lines = [f"{field}: {json.dumps(text) if quoted else text}" for field, (text, quoted) in fields.items()]
    path = f"data/{kind}/{'2023/' if kind == 'papers' else ''}x.yaml"
    draft, problems = checker.draft("\n".join(lines) + "\n", kind, path)
    others = [
        checker.readable_draft(PAPER, path=NEW),
        checker.readable_draft(MODEL, "models", "data/models/denoiser.yaml"),
    ]
    drafts = (*others, *([draft] if draft else []))
    written = Written(
        drafts=drafts,
        context=checker.context,
        rules=NO_RULES,
        glossary=NO_GLOSSARY,
        turned_down=(),
        digests=(),
        problems=tuple(problems),
    )
    outcome = judge(written)
    reviewer = Reviewer(written, outcome, frozenset())
    text = review_summary.summary([Reviewed(kind, "x", path)], reviewer.review, lambda _: "page", outcome, None)
    assert path in text
    tokens = MarkdownIt("commonmark", {"html": True}).parse(text)
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert blocks in ([], ["<details><summary>The page of the entry as text</summary>", "</details>"])
    assert {child.type for token in tokens for child in token.children or ()} <= {"text", "softbreak", "code_inline"}
    assert all(character.isprintable() or character == "\n" for character in text)
