"""Whole runs against the local arXiv: what is asked, stored, kept, reported, and what survives a stop."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from generator.arxiv import fetch as fetch_arxiv
from generator.arxiv import records as arxiv_records
from generator.arxiv.enrich import EnrichReport, Progress, choose, enrich
from generator.arxiv.fetch import Arxiv, Batch
from generator.entries.model import ArxivRecord
from tests.arxiv.fake_arxiv import TODAY, Reply, Server, entry, recorded
from tests.work import ENDLESS

REPOSITORY = Path(__file__).parents[2]
ID = "2305.10924"
IDS = ("2401.00001", ID, "2202.12139")
Make = Callable[..., ArxivRecord]


def run(root: Path, client: Arxiv, *ids: str, today: date = TODAY, dry_run: bool = False) -> EnrichReport:
    return enrich(root, ids, fetch=client.fetch, today=today, dry_run=dry_run)


def messages(report: EnrichReport) -> list[tuple[str, str, str]]:
    return [(problem.code, problem.severity, problem.message) for problem in report.problems]


def snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in root.rglob("*") if file.is_file()}


# What is asked


def test_choose(record: Make) -> None:
    stored = {
        "2401.00001": record("2401.00001", fetched_at="2026-11-20"),
        "2401.00002": record("2401.00002", fetched_at="2026-05-01"),
        "2401.00003": record("2401.00003", fetched_at="2026-11-22", source="mirror"),
        "2401.00004": record("2401.00004", fetched_at="once"),
    }
    wanted = [*stored, ID, *stored]
    assert choose(wanted, stored, today=TODAY) == ("2401.00003", ID)
    assert choose(wanted, stored, today=TODAY, stale_days=180) == (
        "2401.00002",
        "2401.00003",
        "2401.00004",
        ID,
    )
    assert choose(["2401.00001"], stored, today=TODAY, stale_days=2) == ()
    assert choose(["2401.00001"], stored, today=TODAY, stale_days=1) == ("2401.00001",)


def test_nothing_to_ask(tmp_path: Path, server: Server, client: Arxiv) -> None:
    assert run(tmp_path, client) == EnrichReport((), (), (), (), (), (), None)
    assert server.asked == []


# What is stored


def test_written_then_unchanged(tmp_path: Path, client: Arxiv) -> None:
    ids = ("2202.12139", "astro-ph/0601001")
    assert run(tmp_path, client, *ids).written == ids
    before = snapshot(tmp_path)
    assert len(before) == 2
    again = run(tmp_path, client, *ids, today=date(2027, 3, 1))
    assert (again.written, again.unchanged) == ((), ids)
    assert snapshot(tmp_path) == before


def test_new_content_has_a_new_day(tmp_path: Path, server: Server, client: Arxiv) -> None:
    server.papers[ID] = entry(ID)
    run(tmp_path, client, ID)
    server.papers[ID] = entry(ID, comment="NeurIPS")
    assert run(tmp_path, client, ID, today=date(2027, 3, 1)).written == (ID,)
    stored = arxiv_records.read(tmp_path, ID)
    assert stored is not None
    assert (stored.comment, stored.fetched_at) == ("NeurIPS", "2027-03-01")


def test_better_record_is_kept(tmp_path: Path, server: Server, client: Arxiv) -> None:
    server.papers[ID] = entry(ID, 3)
    run(tmp_path, client, ID)
    before = snapshot(tmp_path)
    server.papers[ID] = entry(ID, 2, title="Renamed, withdrawn, but older")
    report = run(tmp_path, client, ID)
    assert (report.written, report.kept_better, report.problems) == ((), (ID,), ())
    assert snapshot(tmp_path) == before


def test_mirror_is_replaced(tmp_path: Path, server: Server, client: Arxiv, record: Make) -> None:
    arxiv_records.write(tmp_path, record(source="mirror", version=None, title="some title"))
    server.papers[ID] = entry(ID)
    report = run(tmp_path, client, ID)
    assert (report.written, report.problems) == ((ID,), ())


def test_damaged_record_is_mended_and_leftovers_swept(tmp_path: Path, server: Server, client: Arxiv) -> None:
    (tmp_path / "2023").mkdir()
    (tmp_path / "2023" / "2305.10924.json").write_text("{")
    (tmp_path / "2023" / ".2305.10924.json.abc").write_text("{")
    server.papers[ID] = entry(ID)
    assert run(tmp_path, client, ID).written == (ID,)
    assert arxiv_records.read_all(tmp_path)[1] == []
    assert len(snapshot(tmp_path)) == 1


def test_dry_run_writes_nothing(tmp_path: Path, server: Server, client: Arxiv) -> None:
    server.papers[ID] = entry(ID)
    root = tmp_path / "arxiv"
    assert run(root, client, ID, dry_run=True).written == (ID,)
    assert not root.exists()
    run(root, client, ID)
    before = snapshot(root)
    server.papers[ID] = entry(ID, 2)
    assert run(root, client, ID, "2202.12139", dry_run=True).written == (ID, "2202.12139")
    assert snapshot(root) == before


def test_progress(tmp_path: Path, server: Server, client: Arxiv) -> None:
    ids = [f"2401.{number:05}" for number in range(70)]
    server.papers = {i: entry(i) for i in ids[:60]}
    seen: list[tuple[int, int, int]] = []

    def tell(progress: Progress) -> None:
        seen.append((progress.done, progress.total, len(snapshot(tmp_path))))

    enrich(tmp_path, [*ids, ids[0]], fetch=client.fetch, today=TODAY, on_progress=tell)
    assert seen == [(0, 70, 0), (50, 70, 50), (70, 70, 60)]  # Stored as soon as the batch is in.


# What is reported


def test_missing_dropped_and_unexpected(tmp_path: Path, server: Server, client: Arxiv) -> None:
    server.say(Reply(recorded("ap-02-id-list-one-missing.json")))
    report = run(tmp_path, client, "abc", "0808.05394", "1707.08567")
    assert report.written == ("1707.08567",)
    assert report.missing == ("0808.05394",)
    assert report.dropped == ("abc",)
    assert report.stopped is None
    assert messages(report) == [
        ("E603", "error", "not an arXiv id, or the second name of one: 'abc'"),
        ("E602", "error", "arXiv returned no complete entry: '0808.05394'"),
    ]
    assert [problem.path for problem in report.problems] == ["data/arxiv", "data/arxiv/2008/0808.05394.json"]


def test_a_record_keeps_the_titles_that_a_paper_had(tmp_path: Path, server: Server, client: Arxiv) -> None:
    titles = ("Prune Well", "Prune  well.", "Sparsify Well", "Sparsify Better", "Sparsify Better")
    for version, title in enumerate(titles, start=1):
        server.papers[ID] = entry(ID, version, title=title)
        run(tmp_path, client, ID)
    stored = arxiv_records.read(tmp_path, ID)
    assert stored is not None
    assert (stored.title, stored.former_titles) == ("Sparsify Better", ("Prune well.", "Sparsify Well"))
    before = snapshot(tmp_path)
    assert run(tmp_path, client, ID).unchanged == (ID,)
    assert snapshot(tmp_path) == before


def test_withdrawn(tmp_path: Path, client: Arxiv) -> None:
    report = run(tmp_path, client, "2401.00001")
    assert report.written == ("2401.00001",)
    reason = "This paper has been withdrawn by the authors: an error in Lemma 2"
    assert messages(report) == [("E609", "note", f"arXiv says that 2401.00001 is withdrawn: {reason!r}")]
    assert messages(run(tmp_path, client, "2401.00001")) == messages(report)


@pytest.mark.parametrize(
    ("old", "new", "renamed"),
    [
        ("EcoDiff: Prune", "Learnable Sparsity for Vision", True),
        ("Prune Twice", "Prune Thrice", True),
        ("Prune: a Study", "PRUNE — A study.", False),
        (r"Schr\"odinger $\mathcal{L}_0$", "Schrödinger L₀", False),
        ("Ｐrune", "prune", False),
    ],
)
def test_renamed(old: str, new: str, renamed: bool, tmp_path: Path, server: Server, client: Arxiv) -> None:
    server.papers[ID] = entry(ID, 1, title=old)
    run(tmp_path, client, ID)
    server.papers[ID] = entry(ID, 2, title=new)
    report = run(tmp_path, client, ID)
    assert report.written == (ID,)
    expected = [("E609", "note", f"{ID} was {old!r} and is now {new!r}")] if renamed else []
    assert messages(report) == expected


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("10.1/a", "10.1/b", f"the DOI of {ID} was 10.1/a and is now 10.1/b"),
        ("10.1/a", "", f"the DOI of {ID} was 10.1/a and is now gone"),
        ("10.1/a", "10.1/A", None),
        ("", "10.1/a", None),
    ],
)
def test_doi(old: str, new: str, message: str | None, tmp_path: Path, server: Server, client: Arxiv) -> None:
    server.papers[ID] = entry(ID, doi=old)
    run(tmp_path, client, ID)
    server.papers[ID] = entry(ID, doi=new)
    report = run(tmp_path, client, ID)
    assert report.written == (ID,)
    assert messages(report) == ([("E609", "note", message)] if message else [])


# What survives


def many(server: Server, count: int = 120) -> list[str]:
    ids = [f"2401.{number:05}" for number in range(count)]
    server.papers = {i: entry(i) for i in ids}
    return ids


def test_rate_limited_in_the_middle(tmp_path: Path, server: Server, client: Arxiv) -> None:
    ids = many(server)
    server.say(server.like_arxiv(ids[:50]), *[Reply(b"Rate exceeded.", status=429, kind="text/plain")] * 5)
    report = run(tmp_path, client, *ids)
    assert report.written == tuple(ids[:50])
    assert report.missing == ()
    assert report.stopped == "arXiv is busy: '429 Too Many Requests'"
    assert messages(report) == [("E608", "error", report.stopped)]
    # The next run asks only for the rest.
    stored, _ = arxiv_records.read_all(tmp_path)
    rest = choose(ids, stored, today=TODAY)
    assert rest == tuple(ids[50:])
    assert run(tmp_path, client, *rest).written == rest


@pytest.mark.parametrize(
    "body", [b"", b"<html/>", b"Rate exceeded.", recorded("ap-01-id-empty-nonexistent.json"), b"<feed><entry"]
)
def test_bad_answers_leave_the_records(body: bytes, tmp_path: Path, server: Server, client: Arxiv) -> None:
    run(tmp_path, client, *IDS)
    before = snapshot(tmp_path)
    server.say(*[Reply(body)] * 5)
    report = run(tmp_path, client, *IDS)
    assert report.stopped is not None
    assert [problem.code for problem in report.problems] == ["E601"]
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_full_or_read_only_disk_stops(
    code: int, tmp_path: Path, server: Server, client: Arxiv, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = many(server, 10)
    sync = os.fsync
    left = [4]

    def fsync(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    report = run(tmp_path, client, *ids)
    assert report.written == tuple(ids[:4])
    assert report.stopped == f"a record cannot be written: {os.strerror(code)}"
    assert messages(report) == [("E607", "error", report.stopped)]
    stored, problems = arxiv_records.read_all(tmp_path)
    assert (list(stored), problems) == (ids[:4], [])


def test_a_failing_callback_is_not_taken_for_a_failing_disk(tmp_path: Path, client: Arxiv) -> None:
    def tell(progress: Progress) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        enrich(tmp_path, IDS, fetch=client.fetch, today=TODAY, on_progress=tell)


def test_interrupt_leaves_whole_records(tmp_path: Path, server: Server, client: Arxiv) -> None:
    ids = many(server)

    def fetch(wanted: Sequence[str], today: date) -> Iterator[Batch]:
        for number, batch in enumerate(client.fetch(wanted, today)):
            if number == 1:
                raise KeyboardInterrupt
            yield batch

    with pytest.raises(KeyboardInterrupt):
        enrich(tmp_path, ids, fetch=fetch, today=TODAY)
    stored, problems = arxiv_records.read_all(tmp_path)
    assert (list(stored), problems) == (ids[:50], [])


CHILD = """
import sys
from datetime import date
from pathlib import Path
from generator.arxiv import fetch as fetch_arxiv
from generator.arxiv.enrich import enrich

client = fetch_arxiv.Arxiv("https://example.org", endpoint=sys.argv[2], sleep=lambda seconds: None)
report = enrich(Path(sys.argv[1]), sys.argv[3:], fetch=client.fetch, today=date(2026, 11, 22))
print(len(report.written), len(report.unchanged), len(report.kept_better), len(report.problems))
"""


def start(root: Path, server: Server, ids: Sequence[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(root), server.endpoint, *ids]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def test_killed_run_goes_on(tmp_path: Path, server: Server, client: Arxiv) -> None:
    ids = many(server)
    with start(tmp_path, server, ids) as process:
        # Killed while it waits for its second batch: the first one is stored.
        def kill() -> None:
            if len(server.asked) == 2:
                process.send_signal(signal.SIGKILL)

        server.on_request = kill
        process.wait(ENDLESS)
    server.asked.clear()  # The child did not really wait.
    server.on_request = lambda: None
    stored, problems = arxiv_records.read_all(tmp_path)
    assert (list(stored), problems) == (ids[:50], [])
    report = run(tmp_path, client, *choose(ids, stored, today=TODAY))
    assert report.written == tuple(ids[50:])


def test_two_runs_at_once(tmp_path: Path, server: Server) -> None:
    ids = many(server)
    with start(tmp_path, server, ids) as one, start(tmp_path, server, ids) as other:
        counts = [list(map(int, process.communicate(timeout=ENDLESS)[0].split())) for process in (one, other)]
    server.asked.clear()  # Two runs know nothing of each other's requests.
    assert sum(written for written, *_ in counts) == len(ids)
    assert all(written + same + kept == len(ids) for written, same, kept, _ in counts)
    stored, problems = arxiv_records.read_all(tmp_path)
    assert (list(stored), problems) == (ids, [])
    assert len(snapshot(tmp_path)) == len(ids)


def test_codes_are_published_once() -> None:
    from generator.arxiv import enrich as enrich_module

    codes = [code.code for module in (arxiv_records, fetch_arxiv, enrich_module) for code in module.CODES]
    assert sorted(codes) == ["E601", "E602", "E603", "E607", "E608", "E609"]
