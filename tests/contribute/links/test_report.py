"""What strangers wrote comes out as text, and a report fits into an issue."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from generator.contribute.check_links import MAX_BODY, Finding, Link, Report, State, Verdict

DAY = datetime(2026, 11, 2, tzinfo=UTC)


def finding(
    url: str,
    *,
    verdict: Verdict = "gone",
    reason: str = "answers 404",
    moved_to: str | None = None,
    path: str = "data/tools/x.yaml",
) -> Finding:
    since = DAY if verdict == "gone" else None
    return Finding(url, (Link(url, path, 7),), verdict, reason, since, moved_to)


def test_the_whole_report() -> None:
    ok, new = "answers 200", "https://github.com/c/d"
    report = Report(
        (
            finding("https://a.example/", verdict="ok", reason=ok),
            finding("https://b.example/"),
            finding("https://github.com/a/b", verdict="ok", reason=ok, moved_to=new),
            finding("https://c.example/", verdict="unsure", reason="answers 403"),
        ),
        State(),
    )
    assert report.markdown() == (
        "1 gone, 1 moved, 1 unsure of 4 addresses.\n"
        "\n## Gone\n\nMissing twice, at least a week apart. Correct the entry.\n\n"
        "- `https://b.example/` `answers 404`, missing since 2026-11-02: `data/tools/x.yaml:7`\n"
        "\n## Moved\n\nThe host redirects permanently. Write the new address.\n\n"
        "- `https://github.com/a/b` -> `https://github.com/c/d` `answers 200`: `data/tools/x.yaml:7`\n"
        "\n## Unsure\n\nBot walls, full servers, pages missing for the first time.\n\n"
        "- `https://c.example/` `answers 403`: `data/tools/x.yaml:7`\n"
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "https://x/`@everyone` <script>", "``` \n# heading", "`", "``a``", "a\r\n- [x](javascript:1)",
        "\u202egnp.exe", "\x1b[31m", "| a | b |", "![x](https://evil.example/t.gif)", "x" * 5000,
    ],
)  # fmt: skip
def test_hostile_text_stays_in_its_code_span(hostile: str) -> None:
    body = Report((finding(hostile, reason=hostile, path=hostile),), State()).markdown()
    (line,) = [line for line in body.splitlines() if line.startswith("- ")]
    assert len(body.splitlines()) == 7
    assert line.isprintable()
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line)
    assert re.fullmatch(r"-  , missing since 2026-11-02: ", outside)


def test_many_places_are_counted() -> None:
    places = tuple(Link("https://b.example/", f"data/tools/{n}.yaml", n) for n in range(1, 9))
    body = Report((Finding("https://b.example/", places, "gone", "answers 410", DAY),), State()).markdown()
    assert "`data/tools/5.yaml:5` and 3 more" in body


def test_a_long_report_is_cut_from_below() -> None:
    many = tuple(finding(f"https://{n}.example/{'x' * 200}", verdict="unsure") for n in range(2000))
    body = Report((*many, finding("https://gone.example/")), State()).markdown()
    assert len(body) < MAX_BODY + 100
    assert "https://gone.example/" in body
    assert re.search(r"\n\.\.\. and \d+ more lines\n$", body)
