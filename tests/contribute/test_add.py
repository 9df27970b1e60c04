"""`add` and `check-entry`: what people paste, what is there already, and what is left to write."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from generator.arxiv.fetch import Arxiv
from generator.checks.drafts import read_taxonomy
from generator.commands import add as add_command
from generator.contribute.open_fields import optional_fields, required_fields
from generator.entries.load_yaml import read
from generator.entries.model import KINDS
from tests.arxiv.conftest import client, clock, server
from tests.arxiv.fake_arxiv import Reply, Server, entry, feed
from tests.conftest import Run as RunIn
from tests.contribute.in_a_folder import ROOT, Run, empty_catalogue, run_in

__all__ = ["client", "clock", "server"]
SUMMARY = "Prunes the channels of a U-Net that matter least and then fine-tunes the pruned model."


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A catalogue without entries."""
    return empty_catalogue(tmp_path)


@pytest.fixture
def run(catalogue: Path, run: RunIn) -> Run:
    """Runs the command line in the catalogue; gives the exit code, the output and the messages on one line."""
    return run_in(catalogue, run)


@pytest.fixture
def asked(server: Server, client: Arxiv, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The command asks the local arXiv."""
    monkeypatch.setattr(add_command, "arxiv", lambda root, endpoint: client)
    return server


@pytest.mark.parametrize(
    ("pasted", "path"),
    [
        (text, "data/papers/2023/prune-well.yaml")
        for text in (
            "2311.00098",
            "arXiv:2311.00098v2",
            "arXiv:2311.00098 [cs.CV]",
            "arXiv:2311.00098v1 [cs.CV] 1 Nov 2023",
            "https://arxiv.org/abs/2311.00098?context=cs.CV",
            "https://arxiv.org/pdf/2311.00098v1.pdf#page=3",
            "https://arxiv.org/html/2311.00098v2#S3",
            "http://export.arxiv.org/abs/2311.00098",
            "https://doi.org/10.48550/arXiv.2311.00098",
            "https://doi.org/10.48550%2FarXiv.2311.00098",
            "doi:10.48550/ARXIV.2311.00098",
            "<https://arxiv.org/abs/2311.00098>",
            "<2311.00098>",
            " 2311.00098. ",
            "https://huggingface.co/papers/2311.00098",
            "https://ar5iv.labs.arxiv.org/html/2311.00098",
            "https://alphaxiv.org/overview/2311.00098",
            "https://www.semanticscholar.org/arxiv/2311.00098",
            "https://arxiv.org/ftp/arxiv/papers/2311/2311.00098.pdf",
            "https://www.arxiv-vanity.com/papers/2311.00098/",
            "oai:arXiv.org:2311.00098",
            "info:arxiv/2311.00098v2",
            "arXiv preprint arXiv:2311.00098 (2023)",
            "[paper](https://arxiv.org/abs/2311.00098), [pdf](https://arxiv.org/pdf/2311.00098)",
            "@misc{x, eprint={2311.00098}, archivePrefix={arXiv}}",
        )
    ]
    + [
        (text, "data/papers/2003/prune-well.yaml")
        for text in ("math/0309136", "MATH/0309136", "math.GT/0309136", "https://arxiv.org/abs/math.gt/0309136v1")
    ],
)
def test_every_form_of_an_id_is_taken(run: Run, catalogue: Path, pasted: str, path: str) -> None:
    code, out, err = run("add", pasted, "--offline", "--title", "Prune Well")
    assert (code, err) == (0, "")
    assert out.startswith(f"wrote {path}\n")
    wanted = "math/0309136" if "2003" in path else '"2311.00098"'
    assert f"\narxiv: {wanted}\n" in (catalogue / path).read_text("utf-8")


@pytest.mark.parametrize(
    ("pasted", "why"),
    [
        ("1313.12345", "month 13"),
        ("2311.0009", "four digits after the point"),
        ("0701.1234", "before 0704"),
        ("0701.12345", "before 0704"),
        ("hep-th/0901001", "after 0703"),
        ("hep-th/990100", "6 digits after the slash"),
        ("math/0313001", "month 13"),
        ("9912.12345", "after 20"),
        ("1412.12345", "write four digits"),
        ("231.00098", "3 digits before the point"),
        ("٢٣١١.٠٠٠٩٨", "neither an arXiv id nor"),
        ("https://example.org/abs/2311.00098", "neither an arXiv id nor"),
        ("", "neither an arXiv id nor"),
        ("arXiv:2311.00098 and arXiv:2311.00099", "neither an arXiv id nor"),
        ("arXiv preprint arXiv:2311.0009", "four digits after the point"),
        ("see 2311.00098 for more", "neither an arXiv id nor"),
    ],
)
def test_an_id_that_cannot_be_is_refused_by_its_name(run: Run, catalogue: Path, pasted: str, why: str) -> None:
    code, _, err = run("add", pasted, "--offline", "--title", "Prune Well")
    assert code == 2
    assert why in err
    assert "ARXIV_ID" in err
    assert "--title" not in err
    assert not any((catalogue / "data/papers").iterdir())


def test_an_entry_that_is_there_is_found_without_the_network(run: Run, asked: Server) -> None:
    assert run("add", "2311.00098", "--offline", "--title", "Prune Well")[0] == 0
    code, out, err = run("add", "https://arxiv.org/abs/2311.00098v3")
    assert (code, out) == (1, "")
    assert err.startswith("2311.00098 is already at data/papers/2023/prune-well.yaml:3. fix: edit that entry instead")
    assert asked.asked == []


def test_a_paper_from_its_id_to_what_the_checks_accept(run: Run, asked: Server, catalogue: Path) -> None:
    answer = entry("2401.00098", title="PruneWell: Channels of Diffusion Models", comment="Accepted at ICLR 2024")
    asked.say(Reply(feed(answer)))
    code, out, _ = run("add", "2401.00098")
    assert code == 0
    path = "data/papers/2024/prunewell.yaml"
    assert out.splitlines()[-1] == f"then run: make check-entry FILE={path}"
    file = catalogue / path
    assert run("format", "--check")[0] == 0
    code, out, _ = run("check-entry", path)
    assert code == 1
    listed = [line.split(":")[0].strip() for line in out.splitlines() if line.startswith("  ")]
    assert listed == ["family", "summary", "checked"]
    text = file.read_text("utf-8")
    assert "#? From the authors' comment: Accepted at ICLR 2024" in text
    text = text.replace('family: ""', "family: pruning").replace('checked: ""', "checked: abstract")
    text = text.replace('summary: ""', f"summary: {SUMMARY}").replace("#? training: ", "training: fine-tune #? ", 1)
    file.write_text(re.sub(r"fine-tune #\?.*", "fine-tune", text), "utf-8")
    code, out, _ = run("check-entry", path)
    assert code == 0, out
    assert out.splitlines()[0] == f"formatted {path}"
    assert out.splitlines()[-1] == f"{path}: no error; commit it and open a pull request"
    text = file.read_text("utf-8")
    assert [line for line in text.splitlines() if line.startswith("#")] == [text.splitlines()[0]]
    assert "\ntraining: fine-tune\n" in text
    assert run("validate", "--no-notes")[0] == 0
    assert run("format", "--check")[0] == 0


def test_format_keeps_the_comments_of_people(run: Run, catalogue: Path) -> None:
    run("add", "2311.00098", "--offline", "--title", "Prune Well")
    file = catalogue / "data/papers/2023/prune-well.yaml"
    text = file.read_text("utf-8").replace('family: ""', "# the authors say so\nfamily: pruning")
    text = text.replace('checked: ""', "checked: abstract").replace('summary: ""', f"summary: {SUMMARY}")
    file.write_text(text, "utf-8")
    assert run("format")[0] == 0
    text = file.read_text("utf-8")
    assert "# the authors say so\nfamily: pruning" in text
    assert "#?" not in text


@pytest.mark.parametrize(
    ("arguments", "path", "left"),
    [
        (("tool", "https://github.com/a/Pruner"), "data/tools/pruner.yaml", ["category", "summary"]),
        (("tool", "<https://example.org/docs/Pruner.html>"), "data/tools/pruner.yaml", ["category", "summary"]),
        (("article", "https://example.org/how-to"), "data/articles/how-to.yaml", ["title", "category", "summary"]),
        (
            ("article", "https://example.org/x", "--title", "How To"),
            "data/articles/how-to.yaml",
            ["category", "summary"],
        ),
        (("model", "https://huggingface.co/a/Denoiser-2"), "data/models/denoiser-2.yaml", ["output", "summary"]),
    ],
)
def test_other_kinds_begin_with_an_address(
    run: Run, catalogue: Path, arguments: tuple[str, ...], path: str, left: list[str]
) -> None:
    kind, url, *title = arguments
    code, out, err = run("add", "--kind", kind, "--url", url, *title)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"wrote {path}"
    assert [line.split(":")[0].strip() for line in out.splitlines() if line.startswith("  ")] == left
    assert run("format", "--check")[0] == 0
    file = catalogue / path
    text = file.read_text("utf-8").replace('title: ""', "title: How to prune")
    text = text.replace('category: ""', f"category: {'tutorial' if kind == 'article' else 'pruning-toolkit'}")
    text = text.replace('output: ""', "output: image").replace('summary: ""', f"summary: {SUMMARY}")
    file.write_text(text, "utf-8")
    assert run("check-entry", path)[0] == 0
    assert "#?" not in file.read_text("utf-8")
    assert run("format", "--check")[0] == 0
    code, out, err = run("add", "--kind", kind, "--url", url, *title)
    assert (code, out) == (1, "")
    assert f"{path}" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--kind", "tol", "--url", "https://example.org/a"), "use one of tool, article, model"),
        (("--kind", "tool"), "URL=https://"),
        (("--kind", "tool", "--url", "http://example.org/a"), "is not an https address"),
        (("--kind", "tool", "--url", "Pruner"), "is not an https address"),
        (("2311.00098", "--kind", "tool", "--url", "https://example.org/a"), "give either"),
        (("--url", "https://example.org/a"), "give either"),
    ],
)
def test_wrong_use_for_other_kinds(run: Run, arguments: tuple[str, ...], why: str) -> None:
    code, _, err = run("add", *arguments)
    assert code == 2
    assert why in err


def test_a_paper_that_was_turned_down_is_named_with_the_reason(run: Run, asked: Server, catalogue: Path) -> None:
    paper = '{arxiv: "2311.00098", title: A, rule: no-cost, reason: Costs as much as before., date: 2026-11-29}'
    (catalogue / "data/turned-down.yaml").write_text(f"papers:\n  - {paper}\n", "utf-8")
    code, out, err = run("add", "arXiv:2311.00098")
    assert (code, out) == (1, "")
    assert err.startswith("2311.00098 was turned down: Costs as much as before. (data/turned-down.yaml:2) fix: ")
    assert asked.asked == []
    assert run("add", "2311.00099", "--offline", "--title", "Another")[0] == 0
    (catalogue / "data/turned-down.yaml").write_text("papers: x\n", "utf-8")
    assert run("add", "2311.00098", "--offline", "--title", "Prune Well")[0] == 0


def test_check_entry_reports_one_file(run: Run, catalogue: Path) -> None:
    run("add", "2311.00098", "--offline", "--title", "Prune Well")
    run("add", "--kind", "tool", "--url", "https://github.com/a/Pruner")
    code, out, _ = run("check-entry", "data/tools/pruner.yaml")
    assert code == 1
    assert "prune-well" not in out
    assert "taxonomy.yaml:" not in out
    assert run("check-entry", "data/taxonomy.yaml")[0] == 2
    assert run("check-entry", "data/tools/none.yaml")[0] == 2


def test_check_entry_reports_what_an_entry_before_others_has_in_common_with_them(run: Run, catalogue: Path) -> None:
    """Of two entries the later one is reported; it may be the older file."""
    for slug, arxiv in (("prune-well", "2311.00098"), ("a-new-one", "2311.00099")):
        run("add", arxiv, "--offline", "--title", f"Prune {slug}")
        file = catalogue / f"data/papers/2023/prune-{slug}.yaml"
        text = file.read_text("utf-8").replace('family: ""', "family: pruning").replace('""', "abstract", 1)
        text = re.sub(r"title: .*", "title: Prune Well and Often", text).replace(
            "summary: abstract", f"summary: {SUMMARY}"
        )
        text = text.replace('checked: ""', "checked: abstract")
        (catalogue / f"data/papers/2023/{slug}.yaml").write_text(text, "utf-8")
        file.unlink()
    for slug, other in (("prune-well", "a-new-one"), ("a-new-one", "prune-well")):
        code, out, _ = run("check-entry", f"data/papers/2023/{slug}.yaml")
        assert code == 1
        assert "error[E502]" in out
        assert f"papers/2023/{other}.yaml" in out


def test_check_entry_lists_what_may_be_added(run: Run, catalogue: Path) -> None:
    run("add", "2311.00098", "--offline", "--title", "Prune Well")
    file = catalogue / "data/papers/2023/prune-well.yaml"
    text = re.sub(r"#\? training: .*", "training: retrain", file.read_text("utf-8"))
    text = text.replace('family: ""', "family: pruning").replace('checked: ""', "checked: abstract")
    file.write_text(text.replace('summary: ""', f"summary: {SUMMARY}"), "utf-8")
    code, out, _ = run("check-entry", "data/papers/2023/prune-well.yaml")
    assert code == 0, out
    offered = out.partition("where the source states it, add\n")[2]
    listed = [line.split(":")[0].strip() for line in offered.splitlines() if line.startswith("  ")]
    assert listed == ["venue", "code", "sparsity", "granularity", "models", "criterion", "results"]


@pytest.mark.parametrize("kind", ["papers", "tools", "articles", "models"])
def test_the_help_of_an_entry_and_check_entry_use_the_same_words(run: Run, catalogue: Path, kind: str) -> None:
    if kind == "papers":
        run("add", "2311.00098", "--offline", "--title", "Prune Well")
    else:
        run("add", "--kind", kind[:-1], "--url", "https://example.org/a/prune-well", "--title", "Prune Well")
    (file,) = (catalogue / "data" / kind).rglob("*.yaml")
    taxonomy, _ = read_taxonomy(catalogue / "data", [])
    assert taxonomy is not None
    text = file.read_text("utf-8")
    fields = {**required_fields(kind, taxonomy), **optional_fields(kind, taxonomy)}
    assert fields.keys() <= KINDS[kind].model_fields.keys()
    assert [field for field, what in fields.items() if f"#? {field}: {what}" not in text and field != "title"] == []


def test_every_file_is_read_once(run: Run, asked: Server, catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add", "2311.00098", "--offline", "--title", "Prune Well")
    run("add", "--kind", "tool", "--url", "https://github.com/a/Pruner")
    times: Counter[str] = Counter()

    def counted(file: Path, name: str, *, long: bool = False) -> object:
        times[name] += 1
        return read(file, name, long=long)

    monkeypatch.setattr("generator.contribute.new_entry.read", counted)
    asked.say(Reply(feed(entry("2401.00098", title="Another Title"))))
    assert run("add", "2401.00098")[0] == 0
    assert set(times.values()) == {1}
    assert times.keys() >= {"data/papers/2023/prune-well.yaml", "data/tools/pruner.yaml"}


def test_title_is_respected_where_arxiv_has_no_latin_letters(run: Run, asked: Server, catalogue: Path) -> None:
    asked.say(Reply(feed(entry("2311.00098", title="扩散模型的结构化剪枝"))))
    code, _, err = run("add", "2311.00098", "--title", "Structured Pruning")
    assert code == 0
    assert "it is in aliases" in err
    text = (catalogue / "data/papers/2023/structured-pruning.yaml").read_text("utf-8")
    assert "title: Structured Pruning\n" in text.replace('"', "")
    assert "扩散模型的结构化剪枝" in text


def test_a_title_without_latin_letters_is_spelt_in_them(run: Run, asked: Server, catalogue: Path) -> None:
    asked.say(Reply(feed(entry("2311.00098", title="扩散模型的结构化剪枝"))))
    code, _, _ = run("add", "2311.00098")
    assert code == 0
    text = (catalogue / "data/papers/2023/kuosanmoxingdejiegouhuajianzhi.yaml").read_text("utf-8")
    assert "扩散模型的结构化剪枝" in text


def test_a_withdrawn_paper_is_named_as_one(run: Run, asked: Server) -> None:
    comment = "<arxiv:comment>The authors retract this paper</arxiv:comment></entry>"
    asked.say(Reply(feed(entry("2311.00098", title="Prune Well").replace("</entry>", comment))))
    code, out, _ = run("add", "2311.00098")
    assert code == 0
    assert "arXiv says that 2311.00098 is withdrawn: 'The authors retract this paper'" in out


def test_without_a_latin_title_the_option_is_named(run: Run, asked: Server) -> None:
    asked.say(Reply(feed(entry("2311.00098", title="※ — ∎"))))
    code, _, err = run("add", "2311.00098")
    assert code == 2
    assert "give a name with Latin letters by --title" in err


def test_no_answer_names_a_command_that_can_be_pasted(run: Run, asked: Server) -> None:
    asked.say(Reply(feed()))
    code, _, err = run("add", "2311.00098")
    assert code == 1
    assert 'make add ID=2311.00098 TITLE="title of the paper"' in err


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["serve"], "-m generator serve"),
        (["serve", "PORT=8001"], '-m generator serve --port "8001"'),
        (["add", "ID=2305.10924"], '-m generator add "$ID"'),
        (["add", "ID=2305.10924", "TITLE=A"], '-m generator add "$ID" --offline --title "$TITLE"'),
        (["add", "KIND=tool", "URL=https://a.example/"], '-m generator add --kind "$KIND" --url "$URL"'),
        (["add", "MODEL=SDXL"], '-m generator add --model "$MODEL"'),
        (["check-entry", "FILE=data/x.yaml"], '-m generator check-entry "$FILE"'),
    ],
)
def test_the_makefile_passes_on_what_is_given(words: list[str], command: str) -> None:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    asked = ["make", "--dry-run", "--no-print-directory", "--old-file=.venv/site", *words]
    done = subprocess.run(asked, cwd=ROOT, env=kept, capture_output=True, text=True, check=True)
    assert " ".join(done.stdout.split()).endswith(command)


def test_a_linked_environment_is_ignored() -> None:
    assert ".venv" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
