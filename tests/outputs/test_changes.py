"""The changelog between two commits, on small repositories with a history of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from generator.cli import app
from generator.entries.load_yaml import MAX_BYTES
from generator.outputs.changes import LISTED, Changes, RevisionError, changed_files, changes, render

ROOT = Path(__file__).parents[2]
PAPER = (
    'title: {title}\narxiv: "{arxiv}"\nfamily: pruning\nsummary: Prunes {slug}.\nchecked: abstract\nadded: 2026-11-22\n'
)
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def paper(slug: str, arxiv: str = "2305.10924", more: str = "") -> str:
    return PAPER.format(title=f"On {slug}", arxiv=arxiv, slug=slug) + more


class Repository:
    """A git repository whose commits are given as the files that they change."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        environment = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            **{f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        command = ["git", "-C", str(self.root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()

    def commit(self, files: dict[str, str | bytes | None]) -> str:
        """Write the files (None deletes one) and commit everything; the hash."""
        for name, content in files.items():
            file = self.root / name
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.commit_all()

    def commit_all(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=Change")
        return self.git("rev-parse", "HEAD")

    def changes(self, old: str = "HEAD~1", new: str = "HEAD") -> Changes:
        return changes(self.root, old, new)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.commit(
        {
            "data/papers/2023/a.yaml": paper("a"),
            "data/papers/2024/b.yaml": paper("b", "2401.00001", "topics: [one-shot]\n"),
            "data/tools/t.yaml": "name: T\nurl: https://t.example/\nsummary: A tool.\nadded: 2026-11-22\n",
            "data/articles/r.yaml": "title: R\nurl: https://r.example/\nsummary: Read it.\nadded: 2026-11-22\n",
            "data/models/m.yaml": "name: M\noutput: image\nsummary: A model.\nadded: 2026-11-22\n",
            "data/arxiv/2023/2305.10924.json": "{}\n",
            "data/datasets.yaml": "d: {name: D}\n",
            "data/taxonomy.yaml": "families: {}\n",
            "README.md": "# Readme\n",
        }
    )
    return made


def keys(group: Any) -> list[tuple[str, str]]:
    return [(one.kind, one.slug) for one in group]


def test_equal_revisions_have_no_changes(repository: Repository) -> None:
    found = repository.changes("HEAD", "main")
    assert (found.added, found.changed, found.renamed, found.removed, found.unreadable) == ((), (), (), (), ())
    assert found.old.id == found.new.id
    assert (found.old.name, found.new.name) == ("HEAD", "main")


def test_what_is_added_changed_and_removed_is_told_in_order(repository: Repository) -> None:
    repository.commit(
        {
            "data/papers/2025/z.yaml": paper("z", "2501.00001"),
            "data/papers/2023/c.yaml": paper("c", "2305.00002"),
            "data/articles/new.yaml": "title: N\nurl: https://n.example/\n",
            "data/models/n.yaml": "name: N\noutput: image\n",
            "data/models/m.yaml": "name: M\noutput: video\nsummary: A model.\nadded: 2026-11-22\n",
            "data/datasets.yaml": "d: {name: E}\n",
            "data/tools/t.yaml": None,
            "data/articles/r.yaml": "title: R\nurl: https://r.example/\nsummary: Read it all.\nadded: 2026-11-22\n",
            "data/papers/2023/a.yaml": paper("a", more="code: https://c.example/\n"),
            "data/taxonomy.yaml": "families: {pruning: {}}\n",
            "README.md": "# Other\n",
        }
    )
    found = repository.changes()
    assert keys(found.added) == [("articles", "new"), ("models", "n"), ("papers", "c"), ("papers", "z")]
    assert keys(found.changed) == [("articles", "r"), ("models", "m"), ("papers", "a")]
    assert keys(found.removed) == [("tools", "t")]
    assert (found.removed[0].title, found.removed[0].url) == ("T", "https://t.example/")
    assert (found.added[1].title, found.added[1].url) == ("N", None)
    assert (found.added[2].title, found.added[2].url) == ("On c", "https://arxiv.org/abs/2305.00002")
    assert found.renamed == ()


def test_every_field_has_its_old_and_its_new_value(repository: Repository) -> None:
    result = 'results:\n  - {model: m, setting: 50 steps, where: Table 1, after: {fid: "2.50"}}\n'
    new = paper("b", "2401.00002", f"topics: [one-shot, width]\nvenue: ICML 2025\n{result}").replace(
        "checked: abstract\n", ""
    )
    repository.commit({"data/papers/2024/b.yaml": new + "colour: red\n"})
    (change,) = repository.changes().changed
    assert [(one.field, one.old, one.new) for one in change.fields] == [
        ("arxiv", "2401.00001", "2401.00002"),
        ("venue", None, "ICML 2025"),
        ("topics", ["one-shot"], ["one-shot", "width"]),
        (
            "results",
            None,
            [{"model": "m", "setting": "50 steps", "where": "Table 1", "after": {"fid": "2.50"}}],
        ),
        ("checked", "abstract", None),
        ("colour", None, "red"),
    ]


def test_backwards_is_the_mirror(repository: Repository) -> None:
    repository.commit({"data/papers/2025/z.yaml": paper("z", "2501.00001"), "data/tools/t.yaml": None})
    there, back = repository.changes(), repository.changes("HEAD", "HEAD~1")
    assert (keys(there.added), keys(there.removed)) == (keys(back.removed), keys(back.added))


def test_form_and_folder_are_not_content(repository: Repository) -> None:
    same = '# A remark\n"title": "On a"\n' + "\n".join(paper("a").splitlines()[1:]) + "\n"
    repository.commit({"data/papers/2023/a.yaml": None, "data/papers/2022/a.yaml": same})
    found = repository.changes()
    assert (found.added, found.changed, found.renamed, found.removed) == ((), (), (), ())


@pytest.mark.parametrize(
    ("old", "new", "renamed"),
    [
        (paper("o"), paper("n"), True),  # the arXiv id
        (paper("o", "2305.00001"), paper("n", "2305.00002"), False),
        ('title: T\ndoi: "10.1/a"\n', 'title: U\ndoi: "10.1/A"\n', True),
        ("title: T\nurl: https://a.example/\n", "title: U\nurl: https://a.example/\n", True),
        ("title: The Same\nsummary: Old.\n", "title: the same\nsummary: New.\n", True),
        ("title: T\n", "title: U\n", False),
    ],
)
def test_the_same_work_under_another_name_is_renamed(tmp_path: Path, old: str, new: str, renamed: bool) -> None:
    repository = Repository(tmp_path)
    repository.commit({"data/papers/2023/old.yaml": old})
    repository.commit({"data/papers/2023/old.yaml": None, "data/papers/2023/new.yaml": new})
    found = repository.changes()
    if renamed:
        assert [(one.slug, one.old_slug) for one in found.renamed] == [("new", "old")]
        assert found.renamed[0].fields
        assert (found.added, found.removed) == ((), ())
    else:
        assert (keys(found.added), keys(found.removed)) == ([("papers", "new")], [("papers", "old")])


def test_of_two_candidates_neither_is_renamed_and_kinds_stay_apart(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit(
        {"data/papers/2023/old.yaml": paper("o"), "data/tools/t.yaml": "name: T\nurl: https://t.example/\n"}
    )
    repository.commit(
        {
            "data/papers/2023/old.yaml": None,
            "data/papers/2023/new.yaml": paper("n"),
            "data/papers/2023/newer.yaml": paper("m"),
            "data/tools/t.yaml": None,
            "data/articles/t.yaml": "title: T\nurl: https://t.example/\n",
        }
    )
    found = repository.changes()
    assert found.renamed == ()
    assert keys(found.added) == [("articles", "t"), ("papers", "new"), ("papers", "newer")]
    assert keys(found.removed) == [("papers", "old"), ("tools", "t")]


def test_records_are_counted_apart(repository: Repository) -> None:
    repository.commit(
        {
            "data/arxiv/2023/2305.10924.json": '{"a": 1}\n',
            "data/arxiv/2024/2401.00001.json": "{}\n",
            "data/arxiv/2024/2401.00002.json": "{}\n",
        }
    )
    counts = repository.changes().arxiv_records
    assert (counts.added, counts.changed, counts.removed) == (2, 1, 0)
    assert repository.changes("HEAD", "HEAD~1").arxiv_records.removed == 2
    assert keys(repository.changes().added) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("title: [unclosed\n", "not well-formed"),
        ("title: &a T\n", "anchor"),
        (b"title: \xff\n", "not UTF-8"),
        ("x" * (MAX_BYTES + 1), "larger than"),
        ("", "the file is empty"),
    ],
)
def test_what_the_reader_refuses_is_told_and_nothing_else(
    repository: Repository, content: str | bytes, why: str
) -> None:
    repository.commit({"data/papers/2023/a.yaml": content, "data/papers/2023/bad.yaml": content})
    found = repository.changes()
    assert [(one.slug, one.revision) for one in found.unreadable] == [("a", "HEAD"), ("bad", "HEAD")]
    assert all(why in one.why for one in found.unreadable)
    assert (found.added, found.changed, found.removed) == ((), (), ())
    assert "2 unreadable" in render(found, "text")


def test_links_are_not_followed(repository: Repository) -> None:
    link = repository.root / "data/papers/2023/link.yaml"
    link.symlink_to("a.yaml")
    repository.commit_all()
    assert [(one.slug, one.why) for one in repository.changes().unreadable] == [("link", "not a regular file")]


def test_any_form_of_revision_will_do(repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "--annotate", "--message=One", "v1")
    second = repository.commit({"data/papers/2025/z.yaml": paper("z", "2501.00001")})
    repository.git("tag", "v2")
    for old, new in (
        ("v1", "v2"),
        (first[:9], "main"),
        ("HEAD^", second),
        ("v1^{tree}", "HEAD^{tree}"),
        ("v1", ":/Change"),
    ):
        assert keys(repository.changes(old, new).added) == [("papers", "z")], (old, new)
    assert repository.changes("v1", "v2").old.id == first


def test_before_the_first_commit_there_was_nothing(repository: Repository) -> None:
    found = repository.changes(EMPTY_TREE, "HEAD")
    assert len(found.added) == 5
    assert found.arxiv_records.added == 1
    repository.git("switch", "--quiet", "--orphan", "empty")
    repository.commit_all()
    assert keys(repository.changes("main", "empty").removed) == keys(found.added)


def test_files_on_disk_do_not_matter(repository: Repository) -> None:
    repository.commit({"data/papers/2025/z.yaml": paper("z", "2501.00001")})
    before = repository.changes()
    shutil.rmtree(repository.root / "data")
    (repository.root / ".gitattributes").write_text("data/** export-ignore export-subst\n")
    assert repository.changes() == before


def test_a_catalogue_below_the_top_of_a_repository(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit({"deep/data/papers/2023/a.yaml": paper("a"), "data/papers/2023/x.yaml": paper("x")})
    found = changes(tmp_path / "deep", EMPTY_TREE, "HEAD")
    assert keys(found.added) == [("papers", "a")]


@pytest.mark.parametrize("name", ["nothing", "", "--help", "-x", "v1..v2", "HEAD:README.md", "a b", "x\ny", "\0"])
def test_an_unknown_revision_is_an_error(repository: Repository, name: str) -> None:
    for pair in ((name, "HEAD"), ("HEAD", name)):
        with pytest.raises(RevisionError, match="is not a commit, a tag or a tree"):
            repository.changes(*pair)


def test_no_repository_and_no_git_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(RevisionError, match="not a git repository"):
        changes(tmp_path, "HEAD", "HEAD")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RevisionError, match="git cannot be run"):
        changes(tmp_path, "HEAD", "HEAD")


# Forms


def test_json_says_everything_and_is_the_same_each_time(repository: Repository) -> None:
    repository.commit({"data/papers/2023/a.yaml": paper("a", more="topics: [one-shot]\n"), "data/tools/t.yaml": None})
    text = render(repository.changes(), "json")
    assert text == render(repository.changes(), "json")
    assert text.isascii()
    document = json.loads(text)
    assert list(document) == [
        "changes_version", "old", "new", "added", "changed", "renamed", "removed", "unreadable", "arxiv_records"
    ]  # fmt: skip
    assert document["changes_version"] == 1
    assert document["new"] == {"name": "HEAD", "id": repository.git("rev-parse", "HEAD")}
    assert document["changed"] == [
        {
            "kind": "papers",
            "slug": "a",
            "title": "On a",
            "url": "https://arxiv.org/abs/2305.10924",
            "old_slug": None,
            "family": "pruning",
            "fields": [{"field": "topics", "old": None, "new": ["one-shot"]}],
        }
    ]


def test_text_and_markdown_tell_people(repository: Repository) -> None:
    row = "  - {model: m, setting: S, where: Table 1, after: {fid: 2.5}}\n"
    repository.commit(
        {
            "data/papers/2023/a.yaml": paper("a", more=f"venue: ICML 2025\ntopics: [width]\nresults:\n{row}"),
            "data/papers/2024/b.yaml": None,
            "data/papers/2024/bee.yaml": paper("bee", "2401.00001", "topics: [one-shot]\n"),
            "data/tools/new.yaml": "name: New\nurl: https://new.example/\n",
            "data/models/m.yaml": "name: M\noutput: image\nparameters: {denoiser: 5}\nsummary: A model.\n",
            "data/articles/r.yaml": f"title: R\nurl: https://r.example/\nsummary: {'Long ' * 30}.\nadded: 2026-11-22\n",
        }
    )
    found = repository.changes()
    assert render(found, "text").splitlines() == [
        "added tools/new: New",
        "changed articles/r: R",
        "    summary: reworded",
        "changed models/m: M",
        '    parameters: set to {"denoiser": "5"}',
        "    added: dropped, was 2026-11-22",
        "changed papers/a: On a",
        "    venue: set to ICML 2025",
        "    topics: added width",
        "    results: added 1 row",
        "renamed papers/bee (was b): On bee",
        "    title: On b → On bee",
        "    summary: Prunes b. → Prunes bee.",
        "Entries: 1 added, 3 changed, 1 renamed, 0 removed. arXiv records: 0 added, 0 changed, 0 removed.",
    ]
    assert render(found, "markdown").splitlines() == [
        r"## Entries from HEAD\~1 to HEAD",
        "",
        "Entries: 1 added, 3 changed, 1 renamed, 0 removed. arXiv records: 0 added, 0 changed, 0 removed.",
        "",
        "### Added tools (1)",
        "",
        "- [New](https://new.example/)",
        "",
        "### Changed papers (1)",
        "",
        "- [On a](https://arxiv.org/abs/2305.10924): venue set to ICML 2025; topics added width; results added 1 row",
        "",
        "### Changed articles (1)",
        "",
        "- [R](https://r.example/): summary reworded",
        "",
        "### Changed models (1)",
        "",
        r'- M: parameters set to \{"denoiser": "5"\}; added dropped, was 2026-11-22',
        "",
        "### Renamed papers (1)",
        "",
        "- [On bee](https://arxiv.org/abs/2401.00001): was b; title On b → On bee; summary Prunes b. → Prunes bee.",
    ]


def test_lists_that_only_change_their_order(repository: Repository) -> None:
    repository.commit({"data/papers/2023/a.yaml": paper("a", more="topics: [x, y]\n")})
    repository.commit({"data/papers/2023/a.yaml": paper("a", more="topics: [y, x]\n")})
    assert "topics: reordered" in render(repository.changes(), "text")


def test_hostile_text_stays_text(repository: Repository) -> None:
    title = "<script>alert(1)</script> [x](javascript:alert(1)) @someone #1 `c` | *b* <!-- home --> \\u202e \\e[31m"
    repository.commit(
        {
            "data/papers/2025/evil.yaml": f"title: {json.dumps(title)}\nurl: javascript:alert(1)\n",
            "data/papers/2025/bad link.yaml": 'title: L\narxiv: "x) [y](https://evil.example"\n',
            "data/papers/2025/## @all.yaml": "title: [\n",
        }
    )
    text = render(repository.changes(), "markdown")
    lines = text.splitlines()
    assert "javascript:alert(1)" not in [line.partition("](")[2] for line in lines]
    evil = next(line for line in lines if "script" in line)
    for mark in ("<script", "[x", "@someone", "#1", "`c", "|", "*b", "<!--"):
        assert not re.search(rf"(?<!\\){re.escape(mark)}", evil), mark
    assert "(https://arxiv.org/abs/x%29%20%5By%5D%28https://evil.example)" in text
    assert r"papers/\#\# @&#8203;all at HEAD" in text
    run = CliRunner().invoke(app, ["changes", "HEAD~1", "HEAD", "--root", str(repository.root)])
    assert "\x1b" not in run.stdout
    assert "\u202e" not in run.stdout


def test_notes_stay_short_enough_for_a_release(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    first = repository.commit_all()
    repository.commit(
        {f"data/papers/2023/p{number}.yaml": paper(f"p{number}", f"2305.{number:05}") for number in range(LISTED + 3)}
    )
    text = render(changes(tmp_path, first, "HEAD"), "markdown")
    assert text.count("\n- ") == LISTED + 1
    assert text.endswith("- and 3 more")
    assert len(json.loads(render(changes(tmp_path, first, "HEAD"), "json"))["added"]) == LISTED + 3


def test_an_unknown_form_is_an_error(repository: Repository) -> None:
    with pytest.raises(ValueError, match="not one of text, json, markdown"):
        render(repository.changes("HEAD", "HEAD"), "html")


# The command, and the workflow that uses it


@pytest.fixture
def run(repository: Repository) -> Callable[..., Any]:
    return lambda *words: CliRunner().invoke(app, ["changes", *words, "--root", str(repository.root)])


def test_the_command_prints_each_form(repository: Repository, run: Callable[..., Any]) -> None:
    repository.commit({"data/papers/2025/z.yaml": paper("z", "2501.00001")})
    for form in ("text", "json", "markdown"):
        done = run("HEAD~1", "HEAD", "--format", form)
        assert done.exit_code == 0
        assert done.stdout == render(repository.changes(), form) + "\n"
    assert run("HEAD~1", "HEAD").stdout == run("HEAD~1", "HEAD", "--format", "text").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing", "HEAD"), "'nothing' is not a commit"),
        (("HEAD", "nothing"), "'nothing' is not a commit"),
        (("--", "-x", "HEAD"), "'-x' is not a commit"),
        (("HEAD", "HEAD", "--format", "html"), "unknown format 'html'; use one of text, json, markdown"),
        (("HEAD",), "Missing argument"),
    ],
)
def test_wrong_use_ends_with_2(run: Callable[..., Any], words: tuple[str, ...], message: str) -> None:
    options = words[1:] if words[0] == "--" else words
    done = run(*options) if words[0] != "--" else CliRunner().invoke(app, ["changes", *words])
    assert done.exit_code == 2
    assert message in done.stderr


def test_the_step_of_the_workflow_compares_with_the_tag_before(repository: Repository) -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))
    (script,) = [
        step["run"] for step in workflow["jobs"]["notes"]["steps"] if "generator changes" in step.get("run", "")
    ]
    interpreter = repository.root / ".venv/bin/python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    interpreter.chmod(0o755)
    (repository.root / ".git/info/exclude").write_text(".venv\n")

    def notes(tag: str) -> tuple[str, dict[str, Any]]:
        repository.git("tag", tag)
        subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=repository.root,
            env={**os.environ, "GITHUB_REF_NAME": tag, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        found = json.loads((repository.root / "changes.json").read_text("utf-8"))
        return (repository.root / "notes.md").read_text("utf-8"), found

    text, found = notes("v0.1.0")
    assert "5 added" in text
    assert found["old"]["id"] == EMPTY_TREE
    repository.commit({"data/papers/2025/z.yaml": paper("z", "2501.00001")})
    repository.git("tag", "unrelated")
    repository.commit({"data/papers/2025/y.yaml": paper("y", "2501.00002")})
    text, found = notes("v0.2.0")
    assert text.startswith("## Entries from v0.1.0 to v0.2.0\n")
    assert keys_of(found["added"]) == [("papers", "y"), ("papers", "z")]


def keys_of(group: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(one["kind"], one["slug"]) for one in group]


def test_a_folder_inside_another_repository_has_no_changes_of_its_own(tmp_path: Path) -> None:
    """An archive that was unpacked inside a repository: nothing of it is in git, so nothing can be said."""
    around = Repository(tmp_path / "around")
    around.commit({"README.md": "# Other\n"})
    archive = around.root / "archive"
    (archive / "data/papers/2023").mkdir(parents=True)
    (archive / "data/papers/2023/a.yaml").write_text(paper("a"), "utf-8")
    with pytest.raises(RevisionError, match="neither 'HEAD' nor 'HEAD' has a file below data/"):
        changes(archive, "HEAD", "HEAD")


def test_a_revision_is_compared_with_the_files_on_disk(repository: Repository) -> None:
    data = repository.root / "data"
    (data / "papers/2023/a.yaml").write_text(paper("a", more="code: https://c.example/\n"), "utf-8")
    (data / "papers/2024/b.yaml").unlink()
    (data / "papers/2025").mkdir()
    (data / "papers/2025/c.yaml").write_text(paper("c", "2501.00001"), "utf-8")
    (data / "tools/t.yaml").unlink()
    (data / "tools/t.yaml").symlink_to("/etc/passwd")
    (data / "articles/r.yaml").touch()
    found = changes(repository.root, "HEAD", None)
    assert keys(found.added) == [("papers", "c")]
    assert keys(found.changed) == [("papers", "a")]
    assert keys(found.removed) == [("papers", "b")]
    assert [(one.slug, one.why) for one in found.unreadable] == [("t", "not a regular file")]
    assert changed_files(repository.root, "HEAD") == {
        "data/papers/2023/a.yaml",
        "data/papers/2025/c.yaml",
        "data/tools/t.yaml",
    }
    repository.commit_all()
    assert changed_files(repository.root, "HEAD") == set()
    assert keys(changes(repository.root, "HEAD~1", None).added) == [("papers", "c")]
