"""An issue's form becomes a file that the checks accept, or a list of all its problems and no file."""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.contribute.form import Form
from generator.contribute.from_issue import read_issue
from generator.entries.load_yaml import load
from generator.entries.model import Taxonomy
from tests.conftest import Done
from tests.conftest import Run as RunIn
from tests.contribute.forms import ARTICLE, CORRECTION, ENTRY, PAPER, PUBLISHED, SUMMARY, TOOL, body

ROOT = Path(__file__).parents[2]
MODEL = "name: Stable Denoiser\naliases: [SDN]\noutput: image\narchitecture: unet\n"
KNOWN = f"""\
# yaml-language-server: $schema=../../schema/paper.schema.json
title: Known Pruner
arxiv: "2305.10924"
# the authors say so
family: pruning
topics: [one-shot, depth]  # the main ones
summary: >-
  {SUMMARY.replace("channels", "heads")}
status: code-announced
checked: abstract
added: 2026-11-22
"""
TURNED_DOWN = """\
papers:
  - arxiv: "2311.00077"
    title: Prune Nothing
    rule: no-cost
    reason: Its models cost as much to run as before.
    date: 2026-11-22
"""
Send = Callable[..., Done]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same catalogue, in which nothing is written."""
    return made(tmp_path_factory.mktemp("small"))


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """One paper, one tool and one model."""
    return made(tmp_path)


def made(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    for kind in ("papers/2023", "tools", "articles", "models"):
        (data / kind).mkdir(parents=True)
    for name in ("taxonomy.yaml", "datasets.yaml", "choose.yaml", "glossary.yaml"):
        shutil.copy(ROOT / "data" / name, data)
    (data / "turned-down.yaml").write_text(TURNED_DOWN, "utf-8")
    shutil.copytree(ROOT / ".github/ISSUE_TEMPLATE", tmp_path / ".github/ISSUE_TEMPLATE")
    rest = f"summary: {SUMMARY}\nadded: 2026-11-22\n"
    (data / "models/denoiser.yaml").write_text(MODEL + rest.replace("Prunes", "Generates"), "utf-8")
    (data / "papers/2023/known-pruner.yaml").write_text(KNOWN, "utf-8")
    article = f"title: How to\nurl: https://example.org/a\ncategory: tutorial\nsummary: {SUMMARY}"
    (data / "articles/how-to.yaml").write_text(f"{article}\nadded: 2026-11-22\n", "utf-8")
    tool = f"name: Known Tool\nurl: https://example.org/t\ncategory: pruning-toolkit\nsummary: {SUMMARY}"
    (data / "tools/known-tool.yaml").write_text(f"{tool}\nadded: 2026-11-22\n", "utf-8")
    return tmp_path


@pytest.fixture
def send(catalogue: Path, run: RunIn, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Runs the command on the answers to a form."""

    def send_form(form: Form, values: Mapping[str, str], labels: list[str] | None = None) -> Done:
        monkeypatch.setenv("ISSUE_BODY", body(form, values))
        monkeypatch.setenv("ISSUE_LABELS", json.dumps([form.name] if labels is None else labels))
        return run(catalogue, "from-issue")

    return send_form


def files(catalogue: Path) -> dict[str, str]:
    return {
        file.relative_to(catalogue).as_posix(): file.read_text("utf-8")
        for file in sorted(catalogue.rglob("*"))
        if file.is_file()
    }


def data_of(catalogue: Path, path: str) -> dict[str, object]:
    document, problems = load((catalogue / path).read_bytes(), path)
    assert document is not None
    assert problems == []
    return dict(document.data)


FULL = {
    "short": "PW",
    "venue": "NeurIPS 2023",
    "code": "https://github.com/a/b",
    "sparsity": "structured\nunstructured",
    "granularity": "channel",
    "models": "sdn, Stable-Denoiser",
    "training": "fine-tune",
}


@pytest.mark.parametrize(
    ("values", "path", "expected"),
    [
        (
            PAPER,
            "data/papers/2023/prune-well.yaml",
            {"arxiv": "2311.00098", "title": "Prune Well", "checked": "abstract"},
        ),
        (
            PAPER | FULL | {"address": "arXiv:2311.00098v2 [cs.CV]"},
            "data/papers/2023/pw.yaml",
            {
                "arxiv": "2311.00098",
                "short": "PW",
                "venue": "NeurIPS 2023",
                "code": "https://github.com/a/b",
                "sparsity": ["structured", "unstructured"],
                "granularity": ["channel"],
                "models": ["denoiser"],
                "training": "fine-tune",
            },
        ),
        (
            PUBLISHED,
            "data/papers/2023/prune-well.yaml",
            {
                "url": "https://example.org/prune-well",
                "authors": ["Ada Lovelace", "Sammy Davis, Jr."],
                "date": "2023-06",
            },
        ),
        (PUBLISHED | {"date": "2021"}, "data/papers/2021/prune-well.yaml", {"date": "2021"}),
        (
            TOOL | {"code": "https://github.com/a/other", "models": "SDN"},
            "data/tools/pruner.yaml",
            {"name": "Pruner", "repo": "https://github.com/a/other", "families": ["pruning"], "models": ["denoiser"]},
        ),
        (TOOL, "data/tools/pruner.yaml", {"repo": "https://github.com/a/Pruner", "category": "pruning-toolkit"}),
        (
            ARTICLE | {"authors": "Ada Lovelace", "date": "2024-06-17"},
            "data/articles/how-to-prune.yaml",
            {"title": "How to prune", "authors": ["Ada Lovelace"], "date": "2024-06-17", "category": "tutorial"},
        ),
    ],
)
def test_a_form_becomes_an_entry(
    send: Send, run: RunIn, catalogue: Path, values: dict[str, str], path: str, expected: dict[str, object]
) -> None:
    before = files(catalogue)
    done = send(ENTRY, values)
    assert (done.returncode, done.stdout) == (0, f"wrote {path}\n")
    assert files(catalogue).keys() - before.keys() == {path}
    entry = data_of(catalogue, path)
    assert {key: entry[key] for key in expected} == expected
    assert entry["summary"] == SUMMARY
    assert "#?" not in (catalogue / path).read_text("utf-8")
    assert run(catalogue, "validate", "--no-notes").returncode == 0
    assert run(catalogue, "format", "--check", path).returncode == 0


@pytest.mark.parametrize(
    "title",
    [
        "Prune: Well",
        "Prune Well\\",
        'Prune "Well" #1',
        "Prune\u00a0 Well",
        "- [x] Prune Well",
        "title: !!python/object:os.system [x]",
        "&a *a {b: c} Prune",
        "'Prune Well",
        "%TAG ! x Prune",
        "1e3",
        "null",
        "2311.00098",
        "../../etc/passwd",
        "$(touch x) `id` ${{ github.token }}",
        "{{ 7*7 }} {% raw %} Prune",
        "<script>alert(1)</script>",
        "剪枝",
        "#? Prune Well",
        "--- Prune Well",
        "| Prune Well",
    ],
)
def test_a_hostile_title_stays_a_title(send: Send, catalogue: Path, title: str) -> None:
    before = files(catalogue)
    done = send(ENTRY, PAPER | {"title": title})
    assert done.returncode == 0, done.stdout
    (path,) = files(catalogue).keys() - before.keys()
    assert re.fullmatch(r"data/papers/2023/[a-z0-9]+(-[a-z0-9]+)*\.yaml", path)
    entry = data_of(catalogue, path)
    assert entry["title"] == " ".join(title.split()).rstrip("\\")  # TeX is left out
    assert entry.keys() - {"short"} == {"title", "arxiv", "family", "summary", "checked", "checked_on", "added"}


def test_what_is_not_in_the_entry_is_named(send: Send) -> None:
    done = send(ENTRY, PAPER | {"results": "DDPM, FID 4", "authors": "A", "category": "tutorial"})
    assert done.stdout.splitlines() == [
        "wrote data/papers/2023/prune-well.yaml",
        "Category: left out, because a paper has no such field",
        "Authors: left out, because arXiv gives them",
        "Results: not in the entry yet; a person adds them from the issue",
    ]


def test_every_problem_is_in_one_list_and_nothing_is_written(send: Send, catalogue: Path) -> None:
    before = files(catalogue)
    done = send(
        ENTRY,
        PAPER
        | {
            "address": "2311.0009",
            "title": "",
            "family": "prunning",
            "summary": "A novel framework.",
            "checked": "",
            "venue": "Neurips 2023",
            "code": "https://evilgithub.com/a/b",
            "models": "SDN, SDNN",
            "licence": "",
        },
    )
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "10 problems in the form:",
        (
            "arXiv id or address: 2311.0009 has four digits after the point. fix: write five digits from 1501; is a "
            "0 missing?"
        ),
        "Title or name: no answer. fix: As on the paper or page",
        "Family: 'prunning' is no option. fix: did you mean pruning? Allowed: "
        + ", ".join(ENTRY.question("family").options),
        "Summary: 'novel' in the summary. fix: say what the method does, without praise",
        "Summary: summary of 18 characters. fix: write 40 to 450 characters",
        (
            "What did you compare the entry with?: no answer. fix: paper or abstract, if you compared the entry with "
            "it, else secondary"
        ),
        (
            "Venue: 'Neurips 2023' is not a known series and a year. fix: did you mean NeurIPS, SiPS, with a year? "
            "`venues` in "
            "data/taxonomy.yaml lists all"
        ),
        (
            "Code: host evilgithub.com is not github.com. fix: link the repository on one of github.com, gitlab.com, "
            "bitbucket.org, codeberg.org, gitee.com, huggingface.co, sourceforge.net, sr.ht; a project page "
            "belongs in project"
        ),
        "Models: unknown model 'SDNN'. fix: run make add MODEL=\"SDNN\" for a new one",
        (
            "Licence: the box 'These are my own words, and they may be published in the catalogue under "
            "CC0-1.0.' is not "
            "ticked. fix: tick it, if you agree"
        ),
    ]
    assert files(catalogue) == before


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            PAPER | {"address": "2305.10924v3"},
            (
                "arXiv id or address: 2305.10924 is already at data/papers/2023/known-pruner.yaml:3. fix: use the form "
                "Correction for that entry"
            ),
        ),
        (
            PAPER | {"title": "known PRUNER"},
            (
                "arXiv id or address: 'known PRUNER' is already at data/papers/2023/known-pruner.yaml:2. fix: "
                "use the form "
                "Correction for that entry"
            ),
        ),
        (
            TOOL | {"address": "https://www.example.org/t/"},
            (
                "arXiv id or address: https://www.example.org/t/ is already at data/tools/known-tool.yaml:2. "
                "fix: use the "
                "form Correction for that entry"
            ),
        ),
        (
            PAPER | {"address": "2311.00077", "title": "Prune Nothing"},
            (
                "arXiv id or address: turned down before, see data/turned-down.yaml:2. fix: read the reason there, and "
                "answer it in the issue"
            ),
        ),
        (
            PAPER | {"title": "※ — ∎"},
            "Title or name: no file name can be made of '※ — ∎'. fix: give a short name in Latin letters",
        ),
        (
            PAPER | {"address": "Prune Well"},
            (
                "arXiv id or address: 'Prune Well' is neither an arXiv id nor an https address. fix: For a "
                "paper on arXiv its "
                "id or address; otherwise the https address of its page, of the tool or of the article"
            ),
        ),
        (
            TOOL | {"address": "https://[x"},
            (
                "arXiv id or address: 'https://[x' is not an https address. fix: For a paper on arXiv its id or "
                "address; "
                "otherwise the https address of its page, of the tool or of the article"
            ),
        ),
        (
            TOOL | {"address": "https://github.com@evil.example/"},
            (
                "arXiv id or address: user name 'github.com' before the host evil.example. fix: delete the user "
                "name, and "
                "check that evil.example is the host you mean"
            ),
        ),
        (
            PUBLISHED | {"authors": "Ada Lovelace, Charles Babbage"},
            "Authors: 'Ada Lovelace, Charles Babbage' is more than one author. fix: write one name per line",
        ),
        (
            PUBLISHED | {"date": "17.06.2024"},
            "Date: '17.06.2024' is not a date. fix: write date: YYYY, YYYY-MM or YYYY-MM-DD",
        ),
        (
            TOOL | {"category": "tutorial"},
            (
                "Category: unknown category 'tutorial'. fix: use one of pruning-toolkit, compression-suite, "
                "sparse-kernels, efficient-attention, caching-and-tokens, quantization, diffusion-runtime, "
                "compact-models, evaluation, cost-measurement (`tool_categories` in data/taxonomy.yaml)"
            ),
        ),
        (
            ARTICLE | {"category": ""},
            "Category: no answer. fix: one of tutorial, course, documentation, explainer, report",
        ),
        (
            PAPER | {"summary": f"{SUMMARY} **Bold**."},
            "Summary: markup '**' in the summary. fix: write plain text",
        ),
    ],
)
def test_one_problem(send: Send, catalogue: Path, values: dict[str, str], expected: str) -> None:
    before = files(catalogue)
    done = send(ENTRY, values)
    assert (done.returncode, done.stdout) == (1, f"1 problem in the form:\n{expected}\n")
    assert files(catalogue) == before


def test_a_paper_beyond_arxiv_needs_authors_and_date(send: Send) -> None:
    done = send(ENTRY, PAPER | {"address": "https://example.org/p"})
    assert [line.split(".")[0] for line in done.stdout.splitlines()[1:]] == [
        "Authors: no answer; a paper that is not on arXiv needs it",
        "Date: no answer; a paper that is not on arXiv needs it",
    ]


def test_answers_that_no_file_can_hold_are_a_problem(send: Send, catalogue: Path) -> None:
    before = files(catalogue)
    long = dict.fromkeys(("title", "short", "venue", "code", "models"), "剪" * 1000)
    done = send(ENTRY, PUBLISHED | long | {"authors": "剪" * 10_000, "summary": "剪" * 10_000})
    assert (done.returncode, done.stdout.splitlines()[1].split(":")[0]) == (1, "The whole form")
    assert files(catalogue) == before


@settings(max_examples=40)
@given(data=st.data())
def test_any_answers_lead_to_a_valid_file_or_to_problems(small: Path, data: st.DataObject, taxonomy: Taxonomy) -> None:
    """Whatever is in one or two fields of a form that is right otherwise."""
    base = data.draw(st.sampled_from([PAPER | FULL, PUBLISHED, TOOL, ARTICLE]))
    names = data.draw(st.lists(st.sampled_from(["title", "short", "address", "summary", "venue", "models", "authors"])))
    hostile = st.one_of(st.text(), st.text(alphabet="a: #-[]{}&*!|>'\"%@`\\\n\t,?<$é\u202e\x00~", max_size=20))
    values = base | {name: data.draw(hostile) for name in names}
    reading = read_issue(body(ENTRY, values), [], root=small, taxonomy=taxonomy, today=date(2026, 11, 30))
    if reading.change is None:
        assert reading.faults
        return
    assert reading.faults == ()
    assert re.fullmatch(r"data/(papers/\d{4}|tools|articles)/[a-z0-9]+(-[a-z0-9]+)*\.yaml", reading.change.path)
    document, problems = load(reading.change.content, reading.change.path)
    assert document is not None
    assert problems == []
    for name in ("summary", "venue") if values["kind"] == "Paper" else ("summary",):
        assert document.data.get(name, "") == unicodedata.normalize("NFC", " ".join(values.get(name, "").split()))


def test_text_that_a_terminal_would_obey_is_escaped(send: Send) -> None:
    done = send(ENTRY, PAPER | {"venue": "\x1b[31mICML\u202e 2024"})
    assert done.stdout.splitlines()[1].startswith("Venue: the character U+001B, which a reader cannot see")
    done = send(ENTRY, PAPER | {"results": "\n### \x1b[31m\u202e"})
    assert "\\x1b[31m\\u202e" in done.stdout
    assert done.stdout.isascii()


def test_the_text_comes_from_the_environment_alone(
    catalogue: Path, run: RunIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ISSUE_BODY", raising=False)
    done = run(catalogue, "from-issue")
    assert (done.returncode, "ISSUE_BODY" in done.stderr) == (2, True)
    monkeypatch.setenv("ISSUE_BODY", "")
    done = run(catalogue, "from-issue")
    assert (done.returncode, "none of the headings" in done.stdout) == (1, True)
    monkeypatch.setenv("ISSUE_LABELS", "entry")
    done = run(catalogue, "from-issue")
    assert (done.returncode, "JSON list" in done.stderr) == (2, True)


def test_another_form_is_for_a_person(send: Send) -> None:
    done = send(ENTRY, PAPER, ["bug"])
    assert done.returncode == 1
    assert "the form 'bug' is no entry and no correction. fix: a person reads it" in done.stdout


FIXED = {"entry": "data/papers/2023/known-pruner.yaml", "source": "the repository"}
PATH = "data/papers/2023/known-pruner.yaml"


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        (
            {"field": "code", "value": "https://github.com/a/b"},
            {"status: code-announced\n": "", "# the authors": "code: https://github.com/a/b\n# the authors"},
        ),
        ({"field": "venue", "value": "ICLR 2024"}, {"# the authors": "venue: ICLR 2024\n# the authors"}),
        ({"field": "status", "value": "withdrawn"}, {"code-announced": "withdrawn"}),
        ({"field": "status", "value": "Remove"}, {"status: code-announced\n": ""}),
        ({"field": "family", "value": "distillation"}, {"family: pruning": "family: distillation"}),
        (
            {"field": "sparsity", "value": "structured, unstructured"},
            {"topics:": "sparsity: [structured, unstructured]\ntopics:"},
        ),
        ({"field": "models", "value": "SDN"}, {"topics:": "models: [denoiser]\ntopics:"}),
        ({"field": "topics", "value": "depth, width"}, {"[one-shot, depth]": "[depth, width]"}),
    ],
)
def test_a_correction_changes_one_field_and_keeps_the_rest(
    send: Send, run: RunIn, catalogue: Path, values: dict[str, str], changes: dict[str, str]
) -> None:
    expected = KNOWN
    for old, new in changes.items():
        expected = expected.replace(old, new)
    assert run(catalogue, "format", "--check").returncode == 1  # a summary that was not wrapped
    done = send(CORRECTION, FIXED | values)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[0] == f"wrote {PATH}"
    written = (catalogue / PATH).read_text("utf-8")
    assert " ".join(written.split()) == " ".join(expected.split())
    assert run(catalogue, "validate", "--no-notes").returncode == 0


@pytest.mark.parametrize(
    "entry",
    [
        "known-pruner",
        "data/papers/2023/known-pruner.yaml",
        "https://awesome.example.org/papers/known-pruner/",
        "https://awesome.example.org/papers/known-pruner/index.html#results",
        "<https://github.com/a/b/blob/main/data/papers/2023/known-pruner.yaml?plain=1>",
    ],
)
def test_an_entry_is_found_by_its_file_its_page_or_its_name(send: Send, entry: str) -> None:
    assert send(CORRECTION, FIXED | {"entry": entry, "field": "status", "value": "active"}).returncode == 0


def test_an_entry_is_replaced_by_another(send: Send, run: RunIn, catalogue: Path) -> None:
    send(ENTRY, PAPER)
    values = {"field": "status", "value": "superseded", "superseded_by": "https://x.example.org/papers/prune-well/"}
    assert send(CORRECTION, FIXED | values).returncode == 0
    entry = data_of(catalogue, PATH)
    assert (entry["status"], entry["superseded_by"]) == ("superseded", "prune-well")
    assert run(catalogue, "validate", "--no-notes").returncode == 0
    done = send(CORRECTION, FIXED | {"field": "status", "value": "active"})
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, ["superseded_by: removed"])
    assert "superseded_by" not in data_of(catalogue, PATH)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"field": "something else", "wrong": "The summary is wrong."},
            (
                "Field: 'something else' is nothing that a workflow can write. fix: a person reads the issue "
                "and changes the "
                "entry"
            ),
        ),
        (
            {"entry": "../../../etc/known-prunerr.yaml", "field": "code", "value": "https://github.com/a/b"},
            "Entry: no entry '../../../etc/known-prunerr.yaml'. fix: did you mean known-pruner?",
        ),
        (
            {"entry": "data/models/denoiser.yaml", "field": "licence", "value": "MIT"},
            "Entry: 'data/models/denoiser.yaml' is a model. fix: a person reads the issue and changes the entry",
        ),
        (
            {"field": "category", "value": "tutorial"},
            (
                "Field: a paper has no field category. fix: use one of code, project, weights, venue, track, "
                "status, family, "
                "combines, sparsity, granularity, training, topics, models"
            ),
        ),
        ({"field": "code"}, "New value: no answer. fix: write the new value, or remove"),
        (
            {"field": "family", "value": "remove"},
            "New value: family is required and cannot be removed. fix: write the new value",
        ),
        (
            {"field": "status", "value": "code-announced"},
            f"New value: status of {PATH} is already 'code-announced'. fix: close the issue",
        ),
        (
            {"field": "status", "value": "witdrawn"},
            (
                "New value: unknown status 'witdrawn'. fix: did you mean withdrawn? Allowed: active, maintenance, "
                "deprecated, superseded, withdrawn, code-announced, code-removed (`statuses` in data/taxonomy.yaml)"
            ),
        ),
        (
            {"field": "status", "value": "superseded"},
            "Replaced by: no answer. fix: name the entry that replaces this one, or use another status",
        ),
        (
            {"field": "status", "value": "superseded", "superseded_by": "known-pruner"},
            "Replaced by: 'known-pruner' is this entry itself. fix: delete it",
        ),
        (
            {"field": "code", "value": "https://github.com/a/b", "superseded_by": "known-tool"},
            "Replaced by: 'known-tool' without the status superseded. fix: leave it empty",
        ),
        (
            {"field": "code", "value": "javascript:alert(1)"},
            "New value: 'javascript:alert(1)' does not start with https://. fix: link an https page",
        ),
        (
            {"field": "topics", "value": "remove"},
            (
                "Field: a comment belongs to the old value; change the file by hand. fix: a person reads the "
                "issue and changes "
                "the entry"
            ),
        ),
        (
            {"entry": "how-to", "field": "status", "value": "superseded", "superseded_by": "known-tool"},
            "Replaced by: an article has no field for it. fix: use the status deprecated",
        ),
        ({"field": "track", "value": "oral"}, "New value: track without venue. fix: add the venue, or delete track"),
    ],
)
def test_a_correction_that_is_refused(send: Send, catalogue: Path, values: dict[str, str], expected: str) -> None:
    before = files(catalogue)
    done = send(CORRECTION, FIXED | values)
    assert (done.returncode, done.stdout) == (1, f"1 problem in the form:\n{expected}\n")
    assert files(catalogue) == before
