"""docs/ and the catalogue -> build/docs -> the site engine -> build/site, finished."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.assemble.fill import FillFailed, fill
from generator.checks.drafts import TEMPLATE
from generator.entries.model import Catalogue
from generator.pages.blocks import UnknownDirective, inline_directives
from generator.site_config import load_config
from generator.views.site import Site

ENGINES: Mapping[str, tuple[str, ...]] = {
    "mkdocs": ("-m", "mkdocs", "build", "--strict", "--config-file"),
    "zensical": ("-m", "zensical", "build", "--clean", "--config-file"),
}


class BuildFailed(Exception):
    """The site could not be built; the message contains the engine's output."""


@dataclass(frozen=True)
class BuildReport:
    """What was built."""

    site: Path
    pages: int
    entries: int


REPOSITORY = "{{ repo_url }}"
"""What prose writes for the address of the repository, which a fork changes."""


def build(catalogue: Catalogue, root: Path, output: Path, *, engine: str = "mkdocs") -> BuildReport:
    """Build the site of ``root`` into ``output``/site.

    Raises:
        BuildFailed: the engine failed or warned, or its output cannot be finished.
        KeyError: ``engine`` is not one of ``ENGINES``.
    """
    render_prose(root, output, engine)
    return finish(catalogue, root, output)


def render_prose(root: Path, output: Path, engine: str = "mkdocs") -> None:
    """docs/ -> ``output``/docs -> the engine's pages in ``output``/engine.

    Raises:
        BuildFailed: the engine failed or warned.
        KeyError: ``engine`` is not one of ``ENGINES``.
    """
    stage(root, output)
    shutil.rmtree(output / "engine", ignore_errors=True)
    run_engine(ENGINES[engine], output, commit_time(root))


def finish(catalogue: Catalogue, root: Path, output: Path) -> BuildReport:
    """The engine's pages with the catalogue filled in -> ``output``/site, replaced in one step.

    Raises:
        BuildFailed: the engine's pages are not what the fill step expects.
    """
    built, fresh, old = output / "site", output / "site.new", output / "site.old"
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(output / "engine", fresh)
    try:
        fill(fresh, load_site(catalogue, root), commit_time(root))
    except (FillFailed, UnknownDirective) as error:
        raise BuildFailed(str(error)) from error
    if built.exists():
        built.rename(old)
    fresh.rename(built)
    shutil.rmtree(old, ignore_errors=True)
    entries = len(catalogue.papers) + len(catalogue.tools) + len(catalogue.articles)
    return BuildReport(built, sum(1 for _ in built.rglob("*.html")), entries)


def load_site(catalogue: Catalogue, root: Path, environment: Mapping[str, str] | None = None) -> Site:
    """The catalogue with the addresses of mkdocs.yml, which ``environment`` may override."""
    template = (root / "data" / TEMPLATE).read_text(encoding="utf-8")
    return Site(catalogue, load_config(root, environment), template)


def stage(root: Path, output: Path) -> None:
    """Fresh copies of docs/ and mkdocs.yml: engines write and read only below the folder of their configuration."""
    docs = output / "docs"
    shutil.rmtree(docs, ignore_errors=True)
    shutil.copytree(root / "docs", docs)
    repository = load_config(root).repo_url
    for page in sorted(docs.rglob("*.md")):
        text = inline_directives(page.read_text(encoding="utf-8")).replace(REPOSITORY, repository)
        page.write_text(text, encoding="utf-8", newline="\n")
    shutil.copyfile(root / "mkdocs.yml", output / "mkdocs.yml")


def commit_time(root: Path) -> int:
    """Seconds of the last commit, or of SOURCE_DATE_EPOCH, so that two builds of one commit are equal.

    Outside a git repository (a downloaded archive) a fixed day is used.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        if not given.isdecimal():
            raise BuildFailed(f"SOURCE_DATE_EPOCH is {given!r}; give seconds since 1970, or unset it")
        return int(given)
    command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
    try:
        tracked = ["git", "-C", str(root), "ls-files", "--error-unmatch", "mkdocs.yml"]
        subprocess.run(tracked, capture_output=True, check=True)  # noqa: S603  not an archive inside another repository
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  fixed words
        return int(done.stdout)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return 1_767_225_600  # 2026-01-01


def run_engine(words: tuple[str, ...], output: Path, epoch: int) -> None:
    """Run the site engine in a process of its own, on ``output``/docs into ``output``/engine.

    Raises:
        BuildFailed: it failed or warned; a warning means a broken link or a page outside the navigation.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if value.strip() or name not in ("SITE_URL", "REPO_URL")},
        "CATALOGUE_DOCS": "docs",
        "CATALOGUE_SITE": "engine",
        "SOURCE_DATE_EPOCH": str(epoch),
        "NO_MKDOCS_2_WARNING": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
    }
    command = [sys.executable, *words, "mkdocs.yml"]
    done = subprocess.run(  # noqa: S603  fixed words
        command, capture_output=True, encoding="utf-8", errors="replace", env=environment, cwd=output
    )
    said = done.stdout + done.stderr
    if done.returncode or re.search(r"^WARNING", said, re.MULTILINE):
        raise BuildFailed(f"{words[1]} ended with {done.returncode} and said:\n{said.strip()}")
