"""The built site: whole, linked, searchable, the same every time, and made without the network."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import pytest

from generator.assemble.build import BuildFailed, build, commit_time, finish, run_engine
from generator.assemble.committed import committed_files
from generator.assemble.theme_fixes import PAGE_FIXES, SCRIPT_FIXES, ThemeFix
from generator.entries.model import Filed, Paper
from generator.outputs.citations import bibtex, issued
from generator.pages.blocks import UnknownDirective, fill_directives, inline_directives
from generator.pages.makers import all_pages
from generator.site_config import SiteConfig, load_config
from generator.views.site import address_of, authors_of
from tests.site.conftest import ROOT, Built, checked, once, run_build
from tests.site.hostile import copy_repository
from tests.site.parsing import Parsed

SIMILAR = re.compile(r'<ul class="cat-similar">.*?</ul>', re.DOTALL)
FORK = {"SITE_URL": "https://fork.example/deep/er", "REPO_URL": "https://code.example/fork/list/"}
LEFTOVERS = ("@@", "<!-- catalogue", "<!-- paper", "<!-- home", "data-paper", "{{ ", "{% ")

# Loaded by every Python process that finds it on its path.
SHUFFLED = """
import os, random

listdir, scandir = os.listdir, os.scandir


class Shuffled:
    def __init__(self, found):
        self._entries = list(found)
        random.shuffle(self._entries)

    def __iter__(self):
        return iter(self._entries)

    def __next__(self):
        if not self._entries:
            raise StopIteration
        return self._entries.pop()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def close(self):
        self._entries = []


os.listdir = lambda *given: random.sample(found := listdir(*given), len(found))
os.scandir = lambda *given: Shuffled(scandir(*given))
"""
OFFLINE = """
import os, sys

FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request")


def refuse(event, arguments):
    if event in FORBIDDEN:
        with open(os.environ["ASKED_THE_NETWORK"], "a") as log:
            log.write(f"{event} {arguments}\\n")
        raise RuntimeError(f"{event}: a build asks the network for nothing")


sys.addaudithook(refuse)
"""


def prose(root: Path) -> set[str]:
    """Pages that people write, as files of the site."""
    found = set()
    for page in (root / "docs").rglob("*.md"):
        where = page.relative_to(root / "docs").with_suffix("")
        folder = where.parent if where.name == "index" else where
        found.add((folder / "index.html").as_posix())
    return found - {"shell/entry/index.html"}


def digests(folder: Path) -> dict[str, str]:
    """A fingerprint of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of what a build reads, to change at will."""
    (tmp_path / "repository").mkdir()
    return copy_repository(tmp_path / "repository")


# Whole


def test_pages_are_those_of_entries_and_prose(built: Built) -> None:
    made = {f"{page.location}index.html" for page in all_pages(built.knowledge)}
    assert {f"{where}index.html" for where in built.entries} <= made
    assert set(built.pages) == made | prose(ROOT) | {"404.html"}
    assert len(built.entries) > 1_000


def test_nothing_of_the_making_is_left(built: Built) -> None:
    for file in sorted(built.site.rglob("*")):
        if file.suffix in (".html", ".xml", ".json"):
            text = file.read_text("utf-8")
            assert not [word for word in LEFTOVERS if word in text], file
    assert not (built.site / "shell").exists()


def test_every_link_and_anchor_leads_somewhere(built: Built) -> None:
    home = built.knowledge.config.site_url
    lost = []
    for name, page in built.pages.items():
        here = home + name.removesuffix("index.html")
        for tag, key, value in page.addresses():
            target = urljoin(here, value)
            if not target.startswith(home):
                assert tag == "a" or (tag, key) == ("link", "href"), (name, tag, value)
                continue
            parts = urlsplit(target)
            path = unquote(parts.path).removeprefix(urlsplit(home).path)
            file = f"{path}index.html" if path.endswith("/") or not path else path
            if not (built.site / file).is_file():
                lost.append(f"{name}: {value}")
            elif parts.fragment and unquote(parts.fragment) not in built.pages[file].ids:
                lost.append(f"{name}: {value} (no such anchor)")
    assert not lost, lost[:20]


def test_every_page_is_reached_from_the_home_page(built: Built) -> None:
    home = built.knowledge.config.site_url
    reached, new = {"index.html"}, ["index.html"]
    while new:
        name = new.pop()
        for link in built.pages[name].all("a"):
            target = urljoin(home + name.removesuffix("index.html"), link.get("href", "")).partition("#")[0]
            found = f"{unquote(urlsplit(target).path).removeprefix(urlsplit(home).path)}index.html"
            if target.startswith(home) and found in built.pages and found not in reached:
                reached.add(found)
                new.append(found)
    assert set(built.pages) - reached == {"404.html"}


TABS = {
    "index.html": "Home",
    "families/pruning": "Learn",
    "articles": "Learn",
    "browse": "Browse",
    "papers": "Browse",
    "tools": "Browse",
    "models": "Browse",
    "architectures": "Browse",
    "results": "Results",
    "methods": "Run",
    "prune-your-model": "Run",
    "kernels": "Run",
    "decisions": "Contribute",
}


def test_every_page_marks_the_tab_that_it_belongs_to(built: Built) -> None:
    for name in built.pages.keys() - {"404.html"}:
        html = (built.site / name).read_text("utf-8")
        marked = re.findall(
            r'<li class="md-tabs__item md-tabs__item--active">\s*<a [^>]*aria-current="true"[^>]*>([^<]*)<', html
        )
        assert len(marked) == html.count("md-tabs__item--active") == html.count('aria-current="true"') == 1, name
        expected = [tab for start, tab in TABS.items() if name.startswith(start)]
        assert not expected or [tab.strip() for tab in marked] == expected, name


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("papers/diff-pruning", ["../../", "../../browse/", "../../papers/"]),
        ("models/sdxl", ["../../", "../../browse/", "../../models/"]),
        ("methods/wanda", ["../../", "../../prune-your-model/", "../../methods/"]),
        ("results/dit-xl-2-on-imagenet-256", ["../../", "../../results/", "../../results/"]),
        ("kernels/csr_spmm", ["../../", "../../prune-your-model/", "../../kernels/"]),
        ("architectures/unet", ["../../", "../../browse/", "../../architectures/"]),
        ("decisions/testing", ["../../", "../../contribute/", "../../decisions/"]),
    ],
)
def test_a_made_page_has_the_path_to_it(built: Built, name: str, path: list[str]) -> None:
    page = built.pages[f"{name}/index.html"]
    assert [link["href"] for link in page.all("a") if link.get("class") == "md-path__link"] == path
    assert [nav for nav in page.all("nav") if nav.get("aria-label") == "Breadcrumbs"]


def test_every_page_ends_with_the_links_of_the_footer(built: Built) -> None:
    home, repository = built.knowledge.config.site_url, built.knowledge.config.repo_url
    wanted = {home + where for where in ("data/", "decisions/", "feed.xml", "contribute/")}
    wanted |= {repository, f"{repository}/blob/main/LICENSE"}
    for name, page in built.pages.items():
        here = home + name.removesuffix("index.html")
        footer = page.tags[page.tags.index(("nav", {"class": "cat-footer", "aria-label": "Footer"})) :]
        assert wanted <= {urljoin(here, found["href"]) for tag, found in footer if tag == "a"}, name


def test_an_id_stands_once_on_a_page(built: Built) -> None:
    assert {name: page.twice for name, page in built.pages.items() if page.twice} == {}


def test_no_page_loads_anything_from_elsewhere(built: Built) -> None:
    for name, page in built.pages.items():
        for tag, attributes in page.tags:
            loaded = [attributes[key] for key in ("src", "srcset", "data", "poster") if key in attributes]
            if tag == "link" and attributes.get("rel") not in ("canonical", "next", "prev", "edit"):
                loaded.append(attributes["href"])
            assert not [one for one in loaded if re.match(r"\s*([a-z+.-]+:)?//|\s*data:", one)], (
                name,
                tag,
                loaded,
            )
    for sheet in built.site.rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import", sheet.read_text("utf-8")), sheet


def test_each_entry_has_its_head_and_its_way_to_an_edit(built: Built) -> None:
    config = built.knowledge.config
    for where, filed in built.entries.items():
        page, entry = built.pages[f"{where}index.html"], filed.entry
        title = entry.name if hasattr(entry, "name") else entry.title
        assert title in page.inside("title"), where
        (description,) = page.meta("description")
        assert description.startswith(entry.summary), where
        assert description == entry.summary or where.startswith("models/"), where
        assert canonical(page) == [f"{config.site_url}{where}"]
        assert [tag for tag, _ in page.tags].count("h1") == 1, where
        assert page.inside("h1").strip() == title, where
        assert entry.summary in page.text, where
        assert (ROOT / filed.path).is_file()
        assert f"{config.repo_url}/edit/main/{filed.path}" in {link.get("href") for link in page.all("a")}, where


def canonical(page: Parsed) -> list[str]:
    return [link["href"] for link in page.all("link") if link.get("rel") == "canonical"]


def test_each_paper_can_be_cited(built: Built) -> None:
    for slug, filed in built.catalogue.papers.items():
        page = built.pages[f"papers/{slug}/index.html"]
        assert page.meta("citation_title") == [filed.entry.title]
        assert page.meta("citation_author") == list(authors_of(filed))
        assert page.meta("citation_publication_date") == [issued(filed).replace("-", "/")]
        held = re.findall(r"^  (journal|booktitle|year) += \{(.*)\},$", bibtex(filed), re.MULTILINE)
        said = {name: value.replace("\\&", "&") for name, value in held}
        assert page.meta("citation_publication_date")[0][:4] == said["year"]
        assert page.meta("citation_journal_title") == [said[name] for name in ("journal",) if name in said]
        assert page.meta("citation_conference_title") == [said[name] for name in ("booktitle",) if name in said]
        assert page.meta("citation_public_url") == [address_of(filed)]
        assert page.meta("citation_arxiv_id") == ([filed.entry.arxiv] if filed.entry.arxiv else [])
        assert f"{{{slug}," in page.text


def test_prose_pages_have_a_head_and_one_heading(built: Built) -> None:
    for name in prose(ROOT):
        page = built.pages[name]
        assert page.inside("title").strip()
        assert canonical(page) == [built.knowledge.config.site_url + name.removesuffix("index.html")]
        assert [tag for tag, _ in page.tags].count("h1") == 1, name


def test_the_sitemap_names_every_page_once(built: Built) -> None:
    raw = (built.site / "sitemap.xml").read_bytes()
    named = [loc.text for loc in ElementTree.fromstring(raw).iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    home = built.knowledge.config.site_url
    assert sorted(filter(None, named)) == sorted(
        home + name.removesuffix("index.html") for name in built.pages if name != "404.html"
    )
    assert gzip.decompress((built.site / "sitemap.xml.gz").read_bytes()) == raw


def test_every_fix_of_the_theme_takes_hold(built: Built) -> None:
    for page in built.site.rglob("*.html"):
        text = page.read_text("utf-8")
        for fix in PAGE_FIXES:
            assert not fix.fault.search(text), (page, fix.name)
        assert text.count('class="md-skip"') == text.count('<main id="__main"') == 1, page
        assert text.count('role="dialog" aria-label="Search"') == 1, page
    scripts = "".join(file.read_text("utf-8") for file in (built.site / "assets/javascripts").rglob("*.js"))
    assert "link[rel=alternate][hreflang]" in scripts
    for fix in SCRIPT_FIXES:
        assert not fix.fault.search(scripts), fix.name


@pytest.mark.parametrize(
    ("fix", "files"),
    [*((fix, "*.html") for fix in PAGE_FIXES), *((fix, "assets/javascripts/**/*.js") for fix in SCRIPT_FIXES)],
    ids=lambda value: value.name if isinstance(value, ThemeFix) else "",
)
def test_the_theme_still_needs_every_fix(built: Built, fix: ThemeFix, files: str) -> None:
    """In the engine's own output. If it fails after an update: adapt the fix and its version, or delete it."""
    raw = built.site.parent / "engine"
    assert any(fix.fault.search(file.read_text("utf-8")) for file in raw.rglob(files))
    assert fix.version == version("mkdocs-material")


# The same every time


@dataclass(frozen=True)
class Twins:
    """Two builds of one fork: the first may not ask the network, the second lists folders in another order."""

    sites: tuple[Path, Path]
    asked: Path
    """Where the first would have noted that it asks the network."""


@pytest.fixture(scope="module")
def twins(shared: Path) -> Twins:
    folder = shared / "twins"
    found = Twins((folder / LONG_NAME / "build/site", folder / "a/build/site"), folder / "asked")
    with once(folder) as first:
        if first:
            build_twins(folder)
    return found


LONG_NAME = "a much longer name, with spaces"


def build_twins(folder: Path) -> None:
    for name, program in (("offline", OFFLINE), ("shuffled", SHUFFLED)):
        (folder / name).mkdir()
        (folder / name / "sitecustomize.py").write_text(program)
    same = {**FORK, "SOURCE_DATE_EPOCH": "1700000000", "ASKED_THE_NETWORK": str(folder / "asked")}
    circumstances = {
        LONG_NAME: {
            "TZ": "Asia/Tokyo",
            "PYTHONHASHSEED": "1",
            "LC_ALL": "C",
            "PYTHONPATH": str(folder / "offline"),
        },
        "a": {
            "TZ": "America/St_Johns",
            "PYTHONHASHSEED": "2",
            "LC_ALL": "POSIX",
            "PYTHONCOERCECLOCALE": "0",
            "PYTHONUTF8": "0",
            "PYTHONPATH": str(folder / "shuffled"),
        },
    }
    for name, variables in circumstances.items():
        root = folder / name
        root.mkdir()
        done = run_build(copy_repository(root), root / "build", **same, **variables)
        assert done.returncode == 0, done.stderr


def test_two_builds_are_equal_byte_for_byte(twins: Twins) -> None:
    first, second = map(digests, twins.sites)
    assert [name for name in first.keys() | second.keys() if first.get(name) != second.get(name)] == []


def test_a_build_asks_the_network_for_nothing(twins: Twins, tmp_path: Path) -> None:
    assert not twins.asked.exists(), twins.asked.read_text()
    # The guard does guard.
    (tmp_path / "sitecustomize.py").write_text(OFFLINE)
    log = tmp_path / "asked"
    ask = [sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', 9))"]
    variables = {"PYTHONPATH": str(tmp_path), "ASKED_THE_NETWORK": str(log)}
    assert subprocess.run(ask, capture_output=True, env=variables, check=False).returncode
    assert "socket" in log.read_text()


def test_a_fork_sets_its_addresses_in_the_environment(twins: Twins) -> None:
    shipped = load_config(ROOT, {})
    site = twins.sites[0]
    for file in site.rglob("*"):
        if file.suffix in (".html", ".xml", ".json", ".csv", ".bib", ".ris"):
            text = file.read_text("utf-8")
            assert shipped.site_url not in text, file
            assert shipped.repo_url not in text, file
    page = (site / "papers/diff-pruning/index.html").read_text("utf-8")
    assert '<link rel="canonical" href="https://fork.example/deep/er/papers/diff-pruning/">' in page
    assert 'href="https://code.example/fork/list/edit/main/data/papers/2023/diff-pruning.yaml"' in page


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_address_is_none(empty: str) -> None:
    """A workflow passes a variable that is not defined as an empty one."""
    assert load_config(ROOT, {"SITE_URL": empty, "REPO_URL": empty}) == load_config(ROOT, {})


def test_the_engine_gets_no_empty_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", "")
    monkeypatch.setenv("REPO_URL", "https://code.example/fork")
    words = ("-c", "import os; print(os.environ.get('SITE_URL'), os.environ['REPO_URL']); raise SystemExit(1)")
    with pytest.raises(BuildFailed, match=r"None https://code\.example/fork"):
        run_engine(words, tmp_path, 0)


def test_a_wrong_time_of_the_build_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(BuildFailed, match="SOURCE_DATE_EPOCH is 'yesterday'; give seconds"):
        commit_time(ROOT)


def test_an_archive_inside_another_repository_has_not_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "--message=Other"]):
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True)
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "mkdocs.yml").write_text("site_name: A\n", "utf-8")
    assert commit_time(archive) == 1_767_225_600
    subprocess.run(["git", *identity, "add", "--all"], cwd=tmp_path, check=True)
    assert commit_time(archive) > 1_767_225_600


def test_what_has_a_label_has_a_role(built: Built) -> None:
    """``aria-label`` on an element without a role is read by nobody."""
    for name, page in built.pages.items():
        bare = [
            tag
            for tag in ("pre", "div", "span", "p")
            for one in page.all(tag)
            if "aria-label" in one and "role" not in one
        ]
        assert bare == [], name


def test_deleting_an_entry_changes_only_its_files_and_the_lists(
    built: Built, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed = lonely(built)
    (repository / filed.path).unlink()
    catalogue = checked(repository)
    # The entries are not in the prose: its pages and the time of the commit are those of the whole site.
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(commit_time(ROOT)))
    shutil.copytree(built.site.parent / "engine", repository / "build/engine")
    sites = (built.site, finish(catalogue, repository, repository / "build").site)
    before, after = map(digests, sites)
    assert after.keys() <= before.keys()
    assert {name for name in before.keys() - after.keys() if not name.startswith(f"papers/{filed.slug}/")} == set()
    changed = {name for name in after if after[name] != before[name]}
    assert {"index.html", "papers/index.html", "data/entries.json", "sitemap.xml"} <= changed
    assert {"search/index.json", f"families/{filed.entry.family}/index.html"} <= changed
    # Similar entries are chosen by words that are rare in the whole catalogue.
    for name in changed:
        if name.removesuffix("index.html") in built.entries:
            first, second = ((site / name).read_text("utf-8") for site in sites)
            assert SIMILAR.sub("", first) == SIMILAR.sub("", second), name
    files = [committed_files(built.catalogue, ROOT), committed_files(catalogue, repository)]
    assert [name for name in files[0] if files[0][name] != files[1][name]] == ["README.md"]


def lonely(built: Built) -> Filed[Paper]:
    """The first paper on pruning that no other entry and no prose names, and that names no other page."""
    papers = built.catalogue.papers
    named = {slug for filed in papers.values() for slug in (*filed.entry.builds_on, *filed.entry.critiques)}
    named |= {result.reported_by for filed in papers.values() for result in filed.entry.results if result.reported_by}
    named |= {filed.entry.superseded_by for filed in papers.values() if filed.entry.superseded_by}
    named |= {slug for filed in built.catalogue.tools.values() for slug in filed.entry.implements}
    for page in (ROOT / "docs").rglob("*.md"):
        named |= set(re.findall(r"<!-- paper: ([a-z0-9-]+) -->", page.read_text("utf-8")))
    return next(
        filed
        for slug, filed in papers.items()
        if slug not in named
        and filed.entry.family == "pruning"
        and not (filed.entry.builds_on or filed.entry.critiques or filed.entry.results or filed.entry.models)
    )


# When it fails


@pytest.fixture
def old_site(repository: Path) -> Path:
    """One that was built before."""
    site = repository / "build/site"
    site.mkdir(parents=True)
    (site / "index.html").write_text("the old site")
    return site


def test_a_failure_of_the_engine_is_reported_and_leaves_the_old_site(repository: Path, old_site: Path) -> None:
    faults = {"introduction.md": "[lost](no-such-page.md)", "not-in-the-navigation.md": "# Lost"}
    for page, text in faults.items():
        with (repository / "docs" / page).open("a", encoding="utf-8") as stream:
            stream.write(f"\n{text}\n")
    done = run_build(repository, repository / "build")
    assert done.returncode == 1, done.stdout
    assert [name for name in ("no-such-page.md", "not-in-the-navigation.md") if name not in done.stderr] == []
    assert "Traceback" not in done.stderr
    assert {file.name: file.read_text() for file in old_site.iterdir()} == {"index.html": "the old site"}


def test_a_failure_of_the_fill_step_is_reported_and_leaves_the_old_site(
    built: Built, repository: Path, old_site: Path
) -> None:
    """On the engine's own pages; one of them holds a directive that nobody knows."""
    shutil.copytree(built.site.parent / "engine", repository / "build/engine")
    page = repository / "build/engine/introduction/index.html"
    page.write_text(page.read_text("utf-8").replace("</article>", "<!-- tabel --></article>", 1), "utf-8")
    with pytest.raises(BuildFailed, match=r"introduction\S*: no directive 'tabel'"):
        finish(built.catalogue, repository, repository / "build")
    assert {file.name: file.read_text() for file in old_site.iterdir()} == {"index.html": "the old site"}


@pytest.mark.parametrize(
    ("markdown", "message"),
    [
        ("<!-- catalogue: family=prunning -->", "introduction: <!-- catalogue: family=prunning -->: "),
        ("<!-- tabel -->", "introduction: no directive 'tabel'"),
        ("See <!-- paper: no-such-paper -->.", "introduction: there is no paper 'no-such-paper'"),
    ],
)
def test_a_wrong_directive_is_named_with_its_page(built: Built, markdown: str, message: str) -> None:
    with pytest.raises(UnknownDirective, match=re.escape(message)):
        fill_directives(inline_directives(markdown), built.knowledge, "../", "introduction")


def test_a_reason_for_a_word_is_not_published() -> None:
    assert inline_directives("A <!-- words: the name of a class --> Picture.\n") == "A Picture.\n"


def test_invalid_data_is_reported_and_leaves_the_old_site(repository: Path) -> None:
    (repository / "build/site").mkdir(parents=True)
    (repository / "data/tools/x.yaml").write_text("name: X\n")
    done = run_build(repository, repository / "build")
    assert done.returncode == 1
    assert "data/tools/x.yaml:1:1: error[E210]" in done.stderr
    assert not any((repository / "build/site").iterdir())


# Addresses


def test_the_addresses_stand_in_one_place() -> None:
    config = load_config(ROOT, {})
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=False).stdout
    names = listed.decode().split("\0")[:-1]
    if not names:  # a downloaded archive
        skipped = {".git", ".venv", "build"}
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if not skipped & set(path.parts)]
    holding = set()
    for name in names:
        file = ROOT / name
        if file.is_file():
            raw = file.read_bytes()
            if any(
                urlsplit(one).netloc.encode() in raw and one.rstrip("/").encode() in raw for one in addresses(config)
            ):
                holding.add(name)
    assert holding <= {"mkdocs.yml", "README.md", "CONTRIBUTING.md"}  # the latter two are read outside the site


def addresses(config: SiteConfig) -> tuple[str, str]:
    return config.site_url, config.repo_url


# The other engine


@pytest.mark.slow
def test_zensical_builds_the_same_pages(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.site.parent / "docs", tmp_path / "staged")
    report = build(built.catalogue, ROOT, tmp_path / "output", engine="zensical")
    assert digests(tmp_path / "output/docs") == digests(tmp_path / "staged")
    pages = {page.relative_to(report.site).as_posix() for page in report.site.rglob("*.html")}
    assert pages == set(built.pages)
    index = json.loads((report.site / "search.json").read_text("utf-8"))
    assert built.entries.keys() <= {item["location"] for item in index["items"]}
    for name in ("index.html", "families/pruning/index.html", "papers/diff-pruning/index.html"):
        text = (report.site / name).read_text("utf-8")
        assert not [word for word in LEFTOVERS if word in text], name
