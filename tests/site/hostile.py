"""A repository with entries whose every field holds text that wants to be more than text."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

ADDRESS = "https://example.org/a'b(c)?x=1&y=%3Cscript%3E;*!$,+=~@:[z]#'onclick=alert(1)"
TITLE = (
    '</title><script>alert(1)</script>"><img src=x onerror=alert(2)> [x](javascript:alert(3)) **b** | a {{ 7*7 }}'
    " {% raw %} @@content@@ @@entry-title@@ <!-- catalogue: family=pruning --> \\href{javascript:alert(4)}{x} $a_b$ }"
    ", @misc{evil, x={ \\input{/etc/passwd} 100% # & ~ ^ _ 'q' &amp; &lt;b&gt; `c` ![i](//evil.example) <a@b.example>"
    " www.evil.example :smile: 5 > 4 < 6"
)
SUMMARY = (
    "Prunes }, @misc{evil, x={ {{ 7*7 }} @@content@@ @@head@@ | <!-- paper: wanda --> [x] 'y' \"z\" & &amp; &#60; 100%"
    " # ~ ^ _u_ *i* https://evil.example www.evil.example a@b.example < b > ]]> --> - and says so."
)
MARK = "<svg/onload=alert(5)> =1+1"


def text(value: str) -> str:
    """A value that says which field it came from."""
    return f"{value} {MARK} \"q\" 's' {{{{ 7*7 }}}} @@head@@ <!-- home --> [l](javascript:alert(6)) & &lt;"


def formula(start: str) -> str:
    """A value that a spreadsheet takes for a formula."""
    return f'{start}HYPERLINK("https://evil.example";"x") {MARK}'


PAPER: Mapping[str, Any] = {
    "title": TITLE,
    "short": formula("="),
    "aliases": [formula("-1+"), text("alias")],
    "doi": "10.1000/a_b(c)'onclick=alert(1);$&~",
    "url": ADDRESS.partition("#")[0],
    "authors": [text("An and Author"), formula("@"), "Evil, Name <script>alert(7)</script>", "Ω}, @x{"],
    "date": "2026-11-21",
    "venue": "NeurIPS 2026",
    "track": "workshop",
    "workshop": text("}, @misc{w,"),
    "code": "https://github.com/a/b'c(d)~e*",
    "project": ADDRESS,
    "weights": ADDRESS + "w",
    "family": "pruning",
    "sparsity": ["structured"],
    "granularity": ["channel"],
    "models": ["hostile-model"],
    "criterion": formula("= "),
    "topics": ["one-shot"],
    "summary": SUMMARY,
    "results": [
        {
            "model": ["hostile-model"],
            "dataset": ["hostile-dataset"],
            "setting": text("setting"),
            "hardware": text("hardware"),
            "where": "Table 7",
            "via": "https://example.org/%22%3Cscript%3E?a=1&b=2",
            "before": {"fid": 1.5},
            "after": {"fid": "about 2.5"},
        }
    ],
    "checked": "secondary",
    "added": "2026-11-22",
}
RECORD: Mapping[str, Any] = {
    "id": "2305.99999",
    "version": 1,
    "title": f"The second of them, whose authors arXiv names: {TITLE}",
    "authors": [text("Record Author"), 'Evil "><script>alert(8)</script>'],
    "published": "2023-05-18",
    "updated": "2023-05-18",
    "primary_category": "cs.CV",
    "categories": ["cs.CV"],
    "doi": "10.1000/x",
    "journal_ref": text("journal"),
    "comment": text("comment"),
    "source": "mirror",
    "fetched_at": "2026-11-22",
}
PAPER_WITH_RECORD: Mapping[str, Any] = {
    "title": f"The second of them, whose authors arXiv names: {TITLE}",
    "arxiv": "2305.99999",
    "family": "pruning",
    "summary": SUMMARY,
    "builds_on": ["hostile-paper"],
    "checked": "abstract",
    "added": "2026-11-22",
}
TOOL: Mapping[str, Any] = {
    "name": TITLE,
    "url": ADDRESS,
    "repo": "https://example.org/a/b'c(d)~e*",
    "licence": text("licence"),
    "languages": [text("language"), formula("=")],
    "pypi": text("pypi"),
    "npm": text("npm"),
    "since": "2023-05",
    "authors": [text("Tool Author"), formula("@")],
    "category": "pruning-toolkit",
    "families": ["pruning"],
    "topics": ["one-shot"],
    "implements": ["hostile-paper"],
    "summary": SUMMARY,
    "note": text("note"),
    "added": "2026-11-22",
}
ARTICLE: Mapping[str, Any] = {
    "title": TITLE,
    "url": ADDRESS,
    "repo": "https://example.org/a/b'c(d)~e*",
    "authors": [text("Article Author"), formula("@")],
    "publisher": text("publisher"),
    "date": "2023-05-18",
    "category": "tutorial",
    "families": ["pruning"],
    "topics": ["one-shot"],
    "language": text("en"),
    "summary": SUMMARY,
    "note": text("note"),
    "added": "2026-11-22",
}
MODEL: Mapping[str, Any] = {
    "name": TITLE,
    "aliases": [formula("-1+"), text("model alias")],
    "part_of": "stable-diffusion",
    "output": "image",
    "architecture": "unet",
    "developer": text("developer"),
    "released": "2023-05",
    "paper": ADDRESS,
    "weights": ADDRESS + "w",
    "licence": formula("="),
    "parameters": {"denoiser": 1.5, "source": text("source")},
    "resolution": text("resolution"),
    "steps": 50,
    "calls_per_step": 2,
    "diffusers": [text("diffusers"), formula("@")],
    "summary": SUMMARY,
    "sources": [ADDRESS, ADDRESS + "s"],
    "checked_on": "2026-11-22",
    "added": "2026-11-22",
}
DATASET: Mapping[str, Any] = {
    "name": text("dataset"),
    "aliases": [formula("="), text("dataset alias")],
    "kind": "images",
    "size": 5,
    "text": SUMMARY,
    "url": ADDRESS,
    "source": ADDRESS + "s",
}
ENTRIES: Mapping[str, Mapping[str, Any]] = {
    "papers/2026/hostile-paper": PAPER,
    "papers/2023/hostile-record": PAPER_WITH_RECORD,
    "tools/hostile-tool": TOOL,
    "articles/hostile-article": ARTICLE,
    "models/hostile-model": MODEL,
}
PAGES = (
    "papers/hostile-paper/",
    "papers/hostile-record/",
    "tools/hostile-tool/",
    "articles/hostile-article/",
    "models/hostile-model/",
)


def copy_repository(target: Path) -> Path:
    """What a build reads, in a folder of its own."""
    for name in ("data", "docs"):
        shutil.copytree(ROOT / name, target / name)
    shutil.copyfile(ROOT / "mkdocs.yml", target / "mkdocs.yml")
    return target


def add_hostile(root: Path) -> None:
    """Put the hostile entries and the hostile data set beside the shipped ones."""
    with (root / "data/datasets.yaml").open("a", encoding="utf-8") as stream:
        stream.write("hostile-dataset:\n" + indent(yaml_of(DATASET), "  "))
    for name, fields in ENTRIES.items():
        (root / "data" / f"{name}.yaml").write_text(yaml_of(fields), encoding="utf-8")
    record = json.dumps(RECORD, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (root / "data/arxiv/2023/2305.99999.json").write_text(record, encoding="utf-8")


def yaml_of(fields: Mapping[str, Any]) -> str:
    """An entry as YAML, every text in double quotes, dates and numbers bare."""
    return "".join(f"{key}: {_value(key, value)}\n" for key, value in fields.items())


def _value(key: str, value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_value(name, part)}" for name, part in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_value(key, part) for part in value) + "]"
    bare = not isinstance(value, str) or key in ("added", "checked_on") or (key == "date" and len(value) == 10)
    return str(value) if bare else json.dumps(value, ensure_ascii=False)


def texts(value: object) -> list[str]:
    """Every text of an entry, however deep."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [one for part in value.values() for one in texts(part)]
    return [one for part in value for one in texts(part)] if isinstance(value, Sequence) else []
