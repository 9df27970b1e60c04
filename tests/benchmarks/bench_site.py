"""What the whole site costs beside a plain template loop, and how the cost grows: ``make bench-site``.

Two catalogues are built: the shipped one, and one grown to 5,000 entries by copies under other names, ids and titles.
``python -m generator build`` is timed as a whole process: reading, every check, the site engine, pages, search,
exports. Beside it, in the same run, stands the least that any generator has to do: a process that reads the same
files with libyaml, checks nothing, and writes the same entry pages, each from one Jinja2 template that holds the
whole page. Time is processor time, user and system, of the process and its children, so that other work on the
machine disturbs it little; wall-clock time stands beside it. Each number is the smallest of three runs.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from generator.checks.drafts import entry_files  # noqa: E402

RESULTS = Path(__file__).parent / "results/site.json"
LARGE = 5_000
RUNS = 3
RATIO_GOALS, GROWTH_GOAL = (4.0, 2.5), 7.0
"""Build beside the plain loop, of the shipped catalogue and of the large one; large build beside the small one."""
VALIDATE_GOAL = 5.5
"""Every check beside a process that only parses the same files with libyaml."""
MEMORY_GOAL = 400
TITLES = {"entry_paper": "title", "entry_tool": "name", "entry_article": "title", "model": "name"}
"""Templates of the entries, each with the field that names its page."""
PACKAGES = ("mkdocs", "mkdocs-material", "jinja2", "pydantic", "pyyaml")


@dataclass(frozen=True)
class Cost:
    """What one command cost."""

    cpu: float
    """Seconds of processor time."""
    wall: float
    """Seconds on the clock."""
    memory: float
    """Largest resident size of any of its processes, MB."""


def cost(*words: str | Path) -> Cost:
    """The smallest time of three runs, and the largest memory."""
    runs = []
    for _ in range(RUNS):
        started = time.perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SOURCE_DATE_EPOCH": "1700000000"}
        process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(map(str, words))} ended with {process.returncode}")
        runs.append(Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss / 1000))
    return Cost(min(run.cpu for run in runs), min(run.wall for run in runs), max(run.memory for run in runs))


def copy_repository(target: Path) -> int:
    """The shipped catalogue and prose; the number of entries."""
    for name in ("data", "docs"):
        shutil.copytree(ROOT / name, target / name)
    shutil.copyfile(ROOT / "mkdocs.yml", target / "mkdocs.yml")
    return sum(1 for _ in entry_files(target / "data"))


def grow(root: Path, wanted: int) -> None:
    """Copies of papers on arXiv, with slugs, ids and titles of their own, until there are as many entries as wanted."""
    data = root / "data"
    missing = wanted - sum(1 for _ in entry_files(data))
    numbers: Counter[str] = Counter()
    sources = [(file, file.read_text("utf-8")) for file in sorted((data / "papers").rglob("*.yaml"))]
    sources = [(file, text) for file, text in sources if re.search(r'^arxiv: "1[5-9]|^arxiv: "2', text, re.MULTILINE)]
    for copy, (file, text) in enumerate(cycle(sources)):
        if copy == missing:
            return
        old = re.search(r'^arxiv: "([\d.]+)"', text, re.MULTILINE)
        title = re.search(r"^title: (?P<quote>[\"']?)(?P<text>.+?)(?P=quote)$", text, re.MULTILINE)
        if old is None or title is None:
            raise SystemExit(f"{file}: no arXiv id or title on one line")
        month = old[1][:4]
        numbers[month] += 1
        arxiv = f"{month}.{99_999 - numbers[month]}"
        grown = text.replace(title[0], f"title: {title['quote']}{title['text']} {copy}{title['quote']}", 1)
        grown = re.sub(r"^(doi|url|aliases|superseded_by|status): .*\n", "", grown, flags=re.MULTILINE)
        (file.parent / f"{file.stem[:70]}-{copy}.yaml").write_text(grown.replace(old[1], arxiv, 1), "utf-8")
        record_file = data / "arxiv" / file.parent.name / f"{old[1]}.json"
        if record_file.is_file():
            record = json.loads(record_file.read_text("utf-8"))
            record |= {"id": arxiv, "title": f"{title['text']} {copy}"}
            text_of_record = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
            record_file.with_name(f"{arxiv}.json").write_text(text_of_record, "utf-8")


def plain(root: Path, target: Path) -> None:
    """The plain loop: read with libyaml, render each page from one template, write."""
    import yaml

    from generator.entries.model import KINDS, ArxivRecord, Catalogue, Dataset, Filed, Taxonomy
    from generator.pages import entry, models
    from generator.pages.render import environment
    from generator.site_config import load_config
    from generator.views.site import Site

    def read(file: Path) -> dict[str, Any]:
        found: dict[str, Any] = yaml.load(file.read_bytes(), yaml.CBaseLoader)
        return found

    data = root / "data"
    records = [ArxivRecord(**json.loads(file.read_bytes())) for file in sorted((data / "arxiv").rglob("*.json"))]
    by_id = {record.id: record for record in records}
    filed: dict[str, Any] = {}
    for kind, model in KINDS.items():
        files = sorted((data / kind).rglob("*.yaml"), key=lambda file: file.stem)
        filed[kind] = {}
        for file in files:
            one = model(**read(file))
            record = by_id.get(getattr(one, "arxiv", None) or "")
            filed[kind][file.stem] = Filed(file.stem, file.relative_to(root).as_posix(), one, record)
    taxonomy = Taxonomy(**read(data / "taxonomy.yaml"))
    datasets = {slug: Dataset(**given) for slug, given in read(data / "datasets.yaml").items()}
    site = Site(Catalogue(taxonomy, **filed, datasets=datasets), load_config(root), "")
    shell = (root / "shell.html.j2").read_text("utf-8")
    whole = {
        name: environment().from_string(shell.replace("@@name@@", name).replace("@@title@@", title))
        for name, title in TITLES.items()
    }
    # The generator's own values, but one template for the whole page.
    for module in (entry, models):
        vars(module)["render"] = lambda name, **values: whole[name].render(**values)
    for page in (*entry.entry_pages(site), *models.model_pages(site)):
        (target / page.location).mkdir(parents=True)
        (target / page.location / "index.html").write_text(page.block, "utf-8")


def parse(root: Path) -> None:
    """Read every file of the catalogue with libyaml, and do nothing with it."""
    import yaml

    for file in sorted((root / "data").rglob("*.yaml")):
        yaml.load(file.read_bytes(), yaml.CBaseLoader)


def write_shell(root: Path) -> None:
    """The page that the site engine rendered once, as a template that includes the block of an entry."""
    from generator.assemble.fill import CONTENT, DESCRIPTION, TITLE

    shell = (root / "build/engine/shell/entry/index.html").read_text("utf-8")
    shell = CONTENT.sub("@@content@@", shell)
    places = {
        "@@content@@": '{% include "@@name@@.html.j2" %}',
        TITLE: "{{ filed.entry.@@title@@ }}",
        DESCRIPTION: "{{ filed.entry.summary }}",
    }
    for mark, value in places.items():
        shell = shell.replace(mark, f"{{% endraw %}}{value}{{% raw %}}")
    (root / "shell.html.j2").write_text(f"{{% raw %}}{shell}{{% endraw %}}", "utf-8")


def measure(root: Path) -> dict[str, Cost]:
    """The costs of one catalogue."""
    built = cost("-m", "generator", "build", "--root", root)
    write_shell(root)
    checked = cost("-m", "generator", "validate", "--no-notes", "--root", root)
    parsed = cost(__file__, "--parse", root)
    looped = cost(__file__, "--plain", root)
    pages = {path.relative_to(root / "plain") for path in (root / "plain").rglob("index.html")}
    if missing := [path for path in pages if not (root / "build/site" / path).is_file()]:
        raise SystemExit(f"the two did not write the same pages: {missing[:3]}")
    return {"build": built, "validate": checked, "bare parse": parsed, "plain loop": looped}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Measure, print, keep; 1 if a goal is missed."""
    found: dict[int, dict[str, Cost]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in (0, LARGE):
            root = Path(folder) / str(size)
            root.mkdir()
            count = copy_repository(root)
            if size:
                grow(root, size)
                count = size
            found[count] = measure(root)
    small, large = found
    goals = [
        (
            f"build / plain loop, {size} entries",
            found[size]["build"].cpu / found[size]["plain loop"].cpu,
            goal,
        )
        for size, goal in zip(found, RATIO_GOALS, strict=True)
    ]
    growth = found[large]["build"].cpu / found[small]["build"].cpu
    goals.append((f"growth of the build, {large} / {small} entries", growth, GROWTH_GOAL))
    for size, costs in found.items():
        ratio = costs["validate"].cpu / costs["bare parse"].cpu
        goals.append((f"validate / bare parse, {size} entries", ratio, VALIDATE_GOAL))
    memory = max(one.memory for costs in found.values() for one in costs.values())
    goals.append(("largest memory, MB", memory, MEMORY_GOAL))

    say(f"{'entries':>8}  {'command':<12}{'cpu s':>8}{'wall s':>8}{'MB':>7}")
    for size, costs in found.items():
        for name, one in costs.items():
            say(f"{size:>8}  {name:<12}{one.cpu:>8.2f}{one.wall:>8.2f}{one.memory:>7.0f}")
    for name, value, goal in goals:
        say(f"{'met   ' if value <= goal else 'MISSED'}  {name}: {value:.2f} (goal {goal:g})")
    keep(found, goals)
    return int(any(value > goal for _, value, goal in goals))


def keep(found: dict[int, dict[str, Cost]], goals: list[tuple[str, float, float]]) -> None:
    """Write what was measured, on what, and how."""
    document = {
        "command": "make bench-site",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "runs": RUNS,
        "costs": {
            str(size): {
                name: {key: round(value, 3) for key, value in asdict(one).items()} for name, one in costs.items()
            }
            for size, costs in found.items()
        },
        "goals": [{"what": name, "measured": round(value, 2), "at_most": goal} for name, value, goal in goals],
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--plain"]:
        there = Path(sys.argv[2])
        shutil.rmtree(there / "plain", ignore_errors=True)
        plain(there, there / "plain")
    elif sys.argv[1:2] == ["--parse"]:
        parse(Path(sys.argv[2]))
    else:
        sys.exit(main())
