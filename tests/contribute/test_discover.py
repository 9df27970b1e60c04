"""`discover`: what is proposed, what is left out, what it writes, and what `validate` makes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.arxiv.fetch import Arxiv
from generator.commands import discover as discover_command
from tests.arxiv.conftest import client, clock, server
from tests.arxiv.fake_arxiv import Reply, Server, entry
from tests.conftest import BASE
from tests.conftest import Run as RunIn
from tests.contribute.in_a_folder import Run, empty_catalogue, run_in

__all__ = ["client", "clock", "server"]
ABSTRACT = "We prune SDXL with structured pruning. FID stays."
LISTED = "2305.10924"
QUERIES = 6


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A catalogue with one paper and one model, and a paper that was turned down."""
    data = empty_catalogue(tmp_path, "queries.yaml") / "data"
    (data / "papers/2023").mkdir()
    (data / "papers/2023/prune-well.yaml").write_text(BASE["papers"], "utf-8")
    (data / "models/sdxl.yaml").write_text(BASE["models"].replace("Denoiser", "SDXL"), "utf-8")
    (data / "turned-down.yaml").write_text(
        'papers:\n  - arxiv: "2401.00009"\n    title: Pruning Diffusion Models Prettily\n    rule: no-cost\n'
        "    reason: Makes images prettier only.\n    date: 2026-11-01\n",
        "utf-8",
    )
    return tmp_path


@pytest.fixture
def run(catalogue: Path, run: RunIn) -> Run:
    return run_in(catalogue, run)


@pytest.fixture
def asked(server: Server, client: Arxiv, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The command asks the local arXiv."""
    monkeypatch.setattr(discover_command, "arxiv", lambda root, endpoint: client)
    return server


def found(arxiv_id: str, title: str, abstract: str = ABSTRACT) -> str:
    return entry(arxiv_id, title=title, summary=abstract)


GOOD = found("2401.00005", "Structured Pruning of Text-to-Image Diffusion Models")


def files(catalogue: Path) -> list[str]:
    return sorted(path.relative_to(catalogue).as_posix() for path in (catalogue / "data").rglob("2*/*.*"))


def test_a_candidate_is_shown_with_its_reasons_and_nothing_is_written(asked: Server, run: Run, catalogue: Path) -> None:
    asked.results = [GOOD]
    before = files(catalogue)
    code, out, err = run("discover", "--since", "2026-11-01")
    assert code == 0
    first, *rest = out.splitlines()
    assert re.fullmatch(r" +\d+\.\d  2401\.00005  Structured Pruning of Text-to-Image Diffusion Models", first)
    text = "\n".join(rest)
    assert "'prun*' in the title" in text
    assert "names SDXL" in text
    assert "family: pruning, because of 'pruning' in the title" in text
    assert "sparsity: structured, because of structured pruning" in text
    assert "models: sdxl" in text
    assert "found by: pruning, attention, bits-and-steps, faster, smaller, language" in text
    assert err == "1 paper since 2026-11-01: 0 in the catalogue or turned down, 1 candidate, 0 drafts written "
    assert files(catalogue) == before


def test_the_queries_ask_for_the_days_and_the_categories(asked: Server, run: Run) -> None:
    asked.results = [GOOD]
    assert run("discover", "--since", "2026-11-01")[0] == 0
    assert len(asked.asked) == QUERIES
    for one in asked.asked:
        assert "(cat:cs.CV OR cat:cs.LG OR " in one.search
        assert re.search(r" AND submittedDate:\[202611010000 TO \d{8}2359\]$", one.search)
    assert 'abs:"lottery ticket"' in asked.asked[0].search


def test_a_draft_needs_a_person(asked: Server, run: Run, catalogue: Path) -> None:
    asked.results = [GOOD]
    code, out, _ = run("discover", "--since", "2026-11-01", "--apply")
    assert code == 0
    path = "data/papers/2024/structured-pruning-of-text-to-image.yaml"
    assert f"wrote {path}\n" in out
    assert "data/arxiv/2024/2401.00005.json" in files(catalogue)
    draft = (catalogue / path).read_text("utf-8")
    for line in ("family: pruning", "sparsity: [structured]", "models: [sdxl]", 'summary: ""', 'checked: "no"'):
        assert f"\n{line}\n" in draft
    assert "#? Draft that discover wrote. Score " in draft
    assert "prune SDXL" not in draft, "abstracts are not stored"
    code, out, _ = run("validate", path)
    assert code == 1
    errors = [line for line in out.splitlines() if "error[" in line]
    assert len(errors) == 1
    assert re.match(
        rf"{path}:\d+:10: error\[E242\]: nobody has read this paper: discover wrote the file. fix: ", errors[0]
    )
    assert run("format", "--check", path)[0] == 0
    completed = draft.replace('summary: ""', f"summary: {BASE['papers'].split('summary: ')[1].splitlines()[0]}")
    (catalogue / path).write_text(completed.replace('checked: "no"', "checked: abstract"), "utf-8")
    code, out, _ = run("check-entry", path)
    assert (code, "no error" in out) == (0, True), out
    assert "#?" not in (catalogue / path).read_text("utf-8")


def test_a_second_run_finds_the_draft(asked: Server, run: Run, catalogue: Path) -> None:
    """The draft is an error, so that a run stops before it asks."""
    asked.results = [GOOD]
    assert run("discover", "--since", "2026-11-01", "--apply")[0] == 0
    number = len(asked.asked)
    code, _, err = run("discover", "--since", "2026-11-01", "--apply")
    assert (code, "error[E242]" in err) == (1, True)
    assert len(asked.asked) == number


def test_what_is_listed_or_turned_down_is_left_out(asked: Server, run: Run) -> None:
    asked.results = [
        found(LISTED, "Another Title about Pruning Diffusion Models"),
        found("2401.00001", "PRUNE WELL."),
        found("2401.00009", "Pruning Diffusion Models, Renamed"),
        found("2401.00010", "Pruning diffusion models prettily"),
        GOOD,
    ]
    code, out, err = run("discover", "--since", "2026-11-01")
    assert code == 0
    assert re.findall(r"^ +[\d.]+  (\S+)", out, re.MULTILINE) == ["2401.00005"]
    assert "5 papers since 2026-11-01: 4 in the catalogue or turned down, 1 candidate," in err


def test_other_subjects_and_withdrawn_papers_are_no_candidates(asked: Server, run: Run) -> None:
    asked.results = [
        found("2401.00001", "Reinforcement Learning for Robot Manipulation", "We train a policy."),
        entry("2401.00002", title="Pruning Diffusion Models", comment="This paper has been withdrawn by the authors"),
    ]
    code, out, err = run("discover", "--since", "2026-11-01")
    assert (code, out) == (0, "")
    assert "0 candidates" in err


def test_the_best_come_first_and_the_limit_holds(asked: Server, run: Run, catalogue: Path) -> None:
    asked.results = [
        found("2401.00001", "Diffusion Models with Layers", "We prune."),
        found("2401.00002", "Pruning Sparse Diffusion Transformers for Accelerating Text-to-Image Sampling"),
        found("2401.00003", "Pruning Diffusion Models"),
    ]
    code, out, err = run("discover", "--since", "2026-11-01", "--apply", "--limit", "2")
    assert code == 0
    assert re.findall(r"^ +[\d.]+  (\S+)", out, re.MULTILINE) == ["2401.00002", "2401.00003"]
    assert "3 candidates, 2 drafts written" in err
    assert len([name for name in files(catalogue) if "/papers/2024/" in name]) == 2


HOSTILE = [
    "Pruning &lt;script&gt;alert(1)&lt;/script&gt; Diffusion",
    "Pruning Diffusion: \u202e[x](javascript:alert(1)) @everyone #1 `rm -rf`",
    "Pruning Diffusion }} ${{ github.token }} $(id) : - ' &quot; \\ #? x",
    "../../../etc/passwd Pruning Diffusion Models",
    "checked: abstract Pruning Diffusion",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_titles_and_authors(asked: Server, run: Run, catalogue: Path, title: str) -> None:
    bad = found("2401.00005", title).replace("Ada Example", "::error::A [x](https://evil.example) @all \u202e&lt;b&gt;")
    asked.results = [bad]
    code, out, _ = run("discover", "--since", "2026-11-01", "--apply", "--report", "report.md")
    assert code == 0
    assert "\u202e" not in out
    (draft,) = (catalogue / "data/papers/2024").iterdir()
    assert re.fullmatch(r"[a-z0-9-]+\.yaml", draft.name)
    _, problems, _ = run("validate", "--no-notes")
    assert [line.split(": ")[1] for line in problems.splitlines()] == ["error[E242]"]
    report = (catalogue / "report.md").read_text("utf-8")
    assert not re.search(r"(?<!\\)(<script|\]\((javascript|https://evil)|`rm)|@everyone|@all", report)


def test_a_title_that_cannot_be_a_file_name_costs_no_other(asked: Server, run: Run, catalogue: Path) -> None:
    asked.results = [found("2401.00004", "\u3164 Pruning Diffusion Models for All"), GOOD]
    code, _, err = run("discover", "--since", "2026-11-01", "--apply")
    assert code == 0
    assert "1 draft written" in err or "2 drafts written" in err
    assert (catalogue / "data/papers/2024/structured-pruning-of-text-to-image.yaml").exists()


def test_an_empty_week(asked: Server, run: Run, catalogue: Path) -> None:
    code, out, err = run("discover", "--apply", "--report", "report.md")
    assert (code, out) == (0, "")
    assert "0 papers since" in err
    assert "0 drafts of 0 candidates" in (catalogue / "report.md").read_text("utf-8")


def test_what_came_before_arxiv_stopped_is_written(asked: Server, run: Run, catalogue: Path) -> None:
    from tests.arxiv.fake_arxiv import feed

    asked.say(Reply(feed(GOOD)), *[Reply(b"", status=503)] * 5)
    code, out, err = run("discover", "--since", "2026-11-01", "--apply")
    assert code == 1
    assert "attention: error[E608]: arXiv is busy: '503 Service Unavailable'. fix: run the same command later" in err
    assert "wrote data/papers/2024/" in out


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("yesterday", "is not a day; write YYYY-MM-DD"),
        ("2999-01-01", "is not between"),
        ("1990-01-01", "is not between"),
    ],
)
def test_a_day_that_cannot_be(asked: Server, run: Run, day: str, why: str) -> None:
    code, _, err = run("discover", "--since", day)
    assert (code, why in err) == (2, True)
    assert asked.asked == []


def test_without_queries_the_command_says_so(asked: Server, run: Run, catalogue: Path) -> None:
    (catalogue / "data/queries.yaml").unlink()
    code, _, err = run("discover")
    assert (code, "data/queries.yaml:1:1: error[E100]: not a regular file" in err) == (1, True)


def test_changes_of_records_are_shown_and_applied(asked: Server, run: Run, catalogue: Path) -> None:
    (catalogue / "data/arxiv/2023").mkdir(parents=True)
    (catalogue / "data/arxiv/2023/2305.10924.json").write_text(
        '{"id": "2305.10924", "title": "Prune Better", "authors": ["A B"], "former_titles": ["Prune Well"],'
        ' "comment": "Accepted at ICML 2024", "source": "arxiv-api", "fetched_at": "2026-11-22"}',
        "utf-8",
    )
    path = "data/papers/2023/prune-well.yaml"
    before = (catalogue / path).read_text("utf-8")
    code, out, _ = run("discover")
    assert code == 0
    assert out.splitlines() == [
        f"{path}: title: 'Prune Well' -> 'Prune Better' (renamed on arXiv): apply with --apply",
        f"{path}: venue: add 'ICML 2024' (comment: Accepted at ICML 2024): apply with --apply",
    ]
    assert (catalogue / path).read_text("utf-8") == before
    assert run("discover", "--apply", "--report", "report.md")[0] == 0
    after = (catalogue / path).read_text("utf-8")
    assert after.startswith("title: Prune Better\naliases: [Prune Well]\n")
    assert "\nvenue: ICML 2024\n" in after
    assert "## Applied changes" in (catalogue / "report.md").read_text("utf-8")
    code, out, _ = run("validate", path, "--no-notes")
    assert (code, out) == (0, "")
    assert run("discover")[1] == ""
