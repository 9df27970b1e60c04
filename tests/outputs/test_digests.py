"""The digest of a month, on small repositories whose commits have dates."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from generator.checks.digests import as_json, read_digests
from generator.entries.model import Catalogue, Digest, DigestEntry, DigestFact
from generator.outputs.changes import RevisionError
from generator.outputs.digests import Month, days_of, make_digest, months_of
from generator.outputs.feeds import FEED, feed_files
from generator.views.site import Site
from tests.conftest import Run
from tests.outputs.test_changes import Repository, paper
from tests.outputs.test_feeds import ATOM, faults

MODEL = "name: {0}\noutput: image\nsummary: A model.\nadded: 2025-01-01\n"
A, B, C = (f"data/papers/202{year}/{slug}.yaml" for year, slug in ((3, "a"), (4, "b"), (5, "c")))


class Dated(Repository):
    """A repository whose commits are made at given times."""

    def at(self, moment: str, files: dict[str, str | bytes | None]) -> str:
        os.environ["GIT_COMMITTER_DATE"] = moment
        try:
            return self.commit(files)
        finally:
            del os.environ["GIT_COMMITTER_DATE"]


@pytest.fixture
def repository(tmp_path: Path) -> Dated:
    made = Dated(tmp_path / "repository")
    made.at(
        "2025-01-10T12:00:00Z", {A: paper("a"), B: paper("b", "2401.00001"), "data/models/m.yaml": MODEL.format("M")}
    )
    return made


def digest(repository: Repository, month: str) -> Digest:
    made = make_digest(repository.root, month)
    assert made is not None
    return made


def facts(made: Digest) -> dict[str, tuple[DigestFact, ...]]:
    return {entry.slug: entry.facts for entry in made.changed}


def test_the_first_month_starts_with_nothing(repository: Dated) -> None:
    made = digest(repository, "2025-01")
    assert made.before == {"papers": 0, "tools": 0, "articles": 0, "models": 0}
    assert made.after == {"papers": 2, "tools": 0, "articles": 0, "models": 1}
    assert made.added == (
        DigestEntry(kind="models", slug="m", title="M"),
        DigestEntry(kind="papers", slug="a", title="On a", family="pruning"),
        DigestEntry(kind="papers", slug="b", title="On b", family="pruning"),
    )
    assert made.commit == repository.git("rev-parse", "HEAD")


def test_a_month_ends_at_midnight_utc(repository: Dated) -> None:
    repository.at("2025-01-31T23:59:59Z", {C: paper("c", "2501.00001")})
    repository.at("2025-02-01T00:00:00Z", {C: None})
    repository.at("2025-02-28T23:30:00-01:00", {A: None})  # 1 March in UTC
    assert [entry.slug for entry in digest(repository, "2025-01").added] == ["m", "a", "b", "c"]
    february = digest(repository, "2025-02")
    assert [entry.slug for entry in february.removed] == ["c"]
    assert (february.before["papers"], february.after["papers"]) == (3, 2)
    assert [entry.slug for entry in digest(repository, "2025-03").removed] == ["a"]


def test_changes_are_kept_as_facts(repository: Dated) -> None:
    row = "  - {{model: m, setting: {0}, where: w, after: {{fid: {1}}}}}\n"
    old = f"venue: arXiv\ntopics: [one-shot, latency]\nresults:\n{row.format('s', 1)}"
    repository.at("2025-02-01T12:00:00Z", {A: paper("a", more=old)})
    new = "venue: ICLR 2025\ntopics: [latency, training]\ncode: https://c.example/\nchecked_on: 2025-03-01\n"
    new += f"status: superseded\nsuperseded_by: b\nresults:\n{row.format('s', 2)}{row.format('t', 2)}"
    repository.at("2025-03-02T12:00:00Z", {A: paper("a", more=new).replace("Prunes a.", "Prunes it.")})
    found = facts(digest(repository, "2025-03"))["a"]
    assert {fact.field: (fact.was, fact.now) for fact in found} == {
        "venue": (("arXiv",), ("ICLR 2025",)),
        "topics": (("one-shot",), ("training",)),
        "code": ((), ("https://c.example/",)),
        "status": ((), ("superseded",)),
        "superseded_by": ((), ("b",)),
        "results": (("1",), ("2",)),
        "summary": ((), ()),
    }


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("checked_on: 2025-02-01\n", {}),
        ("topics: [latency, one-shot]\n", {}),
        (f"criterion: {'x' * 200}\n", {"criterion": ((), ())}),
    ],
    ids=["day", "order", "long"],
)
def test_what_is_no_news_and_what_is_too_long(repository: Dated, more: str, expected: dict[str, Any]) -> None:
    repository.at("2025-01-20T12:00:00Z", {A: paper("a", more="topics: [one-shot, latency]\n")})
    repository.at(
        "2025-02-20T12:00:00Z",
        {A: paper("a", more=more if "topics" in more else f"topics: [one-shot, latency]\n{more}")},
    )
    made = make_digest(repository.root, "2025-02")
    found = () if made is None else facts(made)["a"]
    assert {fact.field: (fact.was, fact.now) for fact in found} == expected


def test_a_renamed_entry_is_one_change(repository: Dated) -> None:
    repository.at("2025-02-02T12:00:00Z", {A: None, "data/papers/2023/z.yaml": paper("a")})
    made = digest(repository, "2025-02")
    assert (made.added, made.removed) == ((), ())
    assert facts(made) == {"z": (DigestFact(field="slug", was=("a",), now=("z",)),)}


def test_an_unreadable_entry_is_left_out_of_the_counts(repository: Dated) -> None:
    repository.at("2025-02-02T12:00:00Z", {C: "title: &x y\n", B: None})
    made = digest(repository, "2025-02")
    assert (made.added, [entry.slug for entry in made.removed]) == ((), ["b"])
    assert (made.before["papers"], made.after["papers"]) == (2, 1)


def test_what_is_made_passes_the_check(repository: Dated, tmp_path: Path) -> None:
    repository.at(
        "2025-02-02T12:00:00Z", {A: paper("a", more='criterion: "a\\tb"\n'), C: paper("c", "2501.00001"), B: None}
    )
    for month in ("2025-01", "2025-02"):
        (tmp_path / "digests").mkdir(exist_ok=True)
        (tmp_path / f"digests/{month}.json").write_bytes(as_json(digest(repository, month)))
    problems: list[Any] = []
    assert [one.month for one in read_digests(tmp_path, problems)] == ["2025-01", "2025-02"]
    assert problems == []


def test_a_month_without_changes_has_no_digest(repository: Dated) -> None:
    repository.at("2025-02-02T12:00:00Z", {"README.md": "# Other\n"})
    assert make_digest(repository.root, "2025-02") is None
    assert make_digest(repository.root, "2025-03") is None


def test_merged_commits_count_when_they_come_to_the_branch(repository: Dated) -> None:
    repository.git("switch", "--quiet", "--create", "side")
    repository.at("2025-01-20T12:00:00Z", {C: paper("c", "2501.00001")})
    repository.git("switch", "--quiet", "main")
    os.environ["GIT_COMMITTER_DATE"] = "2025-02-03T12:00:00Z"
    try:
        repository.git("merge", "--quiet", "--no-ff", "--message=Merge", "side")
    finally:
        del os.environ["GIT_COMMITTER_DATE"]
    assert [entry.slug for entry in digest(repository, "2025-01").added] == ["m", "a", "b"]
    assert [entry.slug for entry in digest(repository, "2025-02").added] == ["c"]


def test_before_the_first_commit_there_is_no_digest(repository: Dated) -> None:
    with pytest.raises(RevisionError, match=r"^there is no commit until 2024-12-31$"):
        make_digest(repository.root, "2024-12")


def test_a_shallow_clone_is_refused(repository: Dated, tmp_path: Path) -> None:
    repository.at("2025-02-02T12:00:00Z", {B: None})
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.root}", str(tmp_path / "shallow"))
    message = r"^this clone has only a part of the history; run git fetch --unshallow$"
    with pytest.raises(RevisionError, match=message):
        make_digest(tmp_path / "shallow", "2025-02")


def test_days_of_a_month() -> None:
    assert days_of("2024-02") == (date(2024, 2, 1), date(2024, 2, 29))
    assert days_of("2025-12") == (date(2025, 12, 1), date(2025, 12, 31))


def test_the_command_writes_a_file_that_stays_the_same(repository: Dated, run: Run) -> None:
    done = run(repository.root, "digest", "2025-01")
    assert (done.returncode, done.stdout) == (0, "wrote data/digests/2025-01.json: 3 added, 0 changed, 0 removed\n")
    file = repository.root / "data/digests/2025-01.json"
    first = file.read_bytes()
    assert json.loads(first)["month"] == "2025-01"
    assert run(repository.root, "digest", "2025-01").returncode == 0
    assert file.read_bytes() == first
    done = run(repository.root, "digest", "2025-02")
    assert (done.returncode, done.stdout) == (
        0,
        "nothing was added, changed or removed in 2025-02; no file is written\n",
    )
    assert [one.name for one in file.parent.iterdir()] == ["2025-01.json"]


class LastMoment(datetime):
    """The clock in the last second of a month."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> LastMoment:
        return cls(2026, 11, 30, 23, 59, 59, tzinfo=tz)


@pytest.mark.parametrize(
    ("month", "why"),
    [
        ("november", "'november' is not a month; write it as 2026-11"),
        ("2025-1", "'2025-1' is not a month; write it as 2026-11"),
        ("2024-12", "there is no commit until 2024-12-31"),
        ("2026-11", "2026-11 is not over; until then, the site shows the entries that were added in it"),
        ("2099-12", "2099-12 is not over; until then, the site shows the entries that were added in it"),
    ],
)
def test_the_command_rejects_other_months(
    repository: Dated, run: Run, monkeypatch: pytest.MonkeyPatch, month: str, why: str
) -> None:
    monkeypatch.setattr("generator.commands.digest.datetime", LastMoment)
    done = run(repository.root, "digest", month)
    assert done.returncode == 2
    assert f"Invalid value for MONTH: {why}" in done.stderr
    assert not (repository.root / "data/digests").exists()


def test_the_command_needs_a_repository(tmp_path: Path, run: Run) -> None:
    done = run(tmp_path, "digest", "2025-01")
    assert done.returncode == 2
    assert "Invalid value for MONTH: not a git repository" in done.stderr


def finished(month: str, **changes: Any) -> Digest:
    zero = dict.fromkeys(("papers", "tools", "articles", "models"), 0)
    entry = {"kind": "papers", "slug": "a", "title": "A", "family": "pruning"}
    after = {**zero, "papers": 1}
    return Digest.model_validate(
        {"month": month, "commit": "a" * 40, "before": zero, "after": after, "added": [entry], **changes}
    )


def test_months_without_digest_follow_from_the_dates_of_the_entries(shipped: Catalogue) -> None:
    months = months_of(shipped)
    assert [month.month for month in months] == sorted((month.month for month in months), reverse=True)
    for kind in ("papers", "tools", "articles", "models"):
        entries = getattr(shipped, kind).values()
        for month in months:
            if not month.over:
                added = [filed.slug for filed in entries if filed.entry.added.startswith(month.month)]
                assert [entry.slug for entry in month.added if entry.kind == kind] == added
                assert month.after[kind] - month.before[kind] == len(added)
        assert months[0].after[kind] == len(entries)


def test_a_digest_replaces_the_dates(shipped: Catalogue) -> None:
    months = months_of(replace(shipped, digests=(finished("2026-11"), finished("2026-12"))))
    assert [(month.month, month.over) for month in months][:2] == [("2026-12", True), ("2026-11", True)]
    assert [entry.slug for entry in months[1].added] == ["a"]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((1, 0, 0), "1 paper added."),
        ((2, 1, 0), "2 papers added; 1 entry changed."),
        ((0, 2, 1), "2 entries changed; 1 entry removed."),
    ],
)
def test_the_summary_counts_in_words(numbers: tuple[int, int, int], expected: str) -> None:
    def some(number: int) -> list[dict[str, Any]]:
        return [{"kind": "papers", "slug": f"p{at}", "title": "T"} for at in range(number)]

    facts = {"facts": [{"field": "venue"}]}
    added, changed, removed = map(some, numbers)
    made = finished("2026-02", added=added, changed=[{**one, **facts} for one in changed], removed=removed)
    month = Month("2026-02", True, made.before, made.after, made.added, made.changed, made.removed)
    assert (month.summary, month.name) == (expected, "February 2026")


def test_all_kinds_are_in_the_summary() -> None:
    kinds = ("papers", "tools", "articles", "models")
    added = tuple(DigestEntry.model_validate({"kind": kind, "slug": kind, "title": "T"}) for kind in kinds)
    assert Month("2026-02", True, {}, {}, added).summary == "1 paper, 1 tool, 1 article and 1 model added."


def test_the_feed_has_the_finished_months_with_ids_that_stay(shipped: Catalogue, shipped_site: Site) -> None:
    catalogue = replace(shipped, digests=(finished("2026-11"), finished("2026-12")))
    site = replace(shipped_site, catalogue=catalogue)
    raw = feed_files(site)[f"digest/{FEED}"]
    assert faults(raw) == []
    entries = ET.fromstring(raw.decode()).findall(f"{ATOM}entry")
    found = [[entry.findtext(f"{ATOM}{name}") for name in ("id", "title", "updated", "summary")] for entry in entries]
    tag = "tag:awesome-diffusion-pruning.github.io,2026:digest/"
    assert found == [
        [f"{tag}2026-12", "December 2026: what is new", "2027-01-01T00:00:00Z", "1 paper added."],
        [f"{tag}2026-11", "November 2026: what is new", "2026-12-01T00:00:00Z", "1 paper added."],
    ]
    links = [link.get("href") for link in entries[0].findall(f"{ATOM}link")]
    assert links == [f"{site.config.site_url}digest/2026-12/"]


def test_without_a_finished_month_the_feed_is_empty_and_valid(shipped: Catalogue, shipped_site: Site) -> None:
    raw = feed_files(replace(shipped_site, catalogue=replace(shipped, digests=())))[f"digest/{FEED}"]
    assert faults(raw) == []
    assert b"<entry>" not in raw
