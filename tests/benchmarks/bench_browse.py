"""Speed and size of the browse page in a real Chromium, with synthetic copies of the entries beyond the shipped ones.

``make bench-browse`` prints the figures beside the goals and writes them to tests/benchmarks/results/browse.json.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import json
import mimetypes
import os
import platform
import random
import re
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from generator.assemble.build import finish, render_prose  # noqa: E402
from generator.checks.validate import validate  # noqa: E402
from generator.entries.model import Catalogue, Filed, Paper  # noqa: E402
from tests.site.browser import FLAGS, find_browser  # noqa: E402

SIZES = (1000, 5000)
OPENINGS = 15
OURS = re.compile(r"/assets/[a-z-]+\.(js|css)")
"""Our modules and stylesheet; the theme's lie deeper."""
QUERIES = 50
OUTCOME = ROOT / "tests/benchmarks/results/browse.json"

# The time at which the first frame that shows the table has been handed on: the first message after its callbacks.
WATCH = """
new MutationObserver((_, self) => {
  if (!document.querySelector(".browse-rows tbody tr")) return;
  self.disconnect();
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (window.drawn = performance.now());
    port2.postMessage(0);
  });
}).observe(document, { childList: true, subtree: true });
"""
MEASURE = """
async ([rounds, root]) => {
  const { Index } = await import(`${root}assets/browse-index.js`);
  const get = async (name) => (await fetch(`${root}browse/${name}.json`)).json();
  const index = new Index(await get("entries"));
  index.addNames(await (await fetch(`${root}search/index.json`)).json());
  index.addSummaries(await get("summaries"));
  const begun = performance.now();
  index.prepare();
  const prepared = performance.now() - begun;
  const state = (text, facets) => ({
    q: text, year: ["2021", "2026"], sort: "",
    facets: new Map(Object.entries(facets).map(([name, words]) => [name, new Set(words)])),
  });
  const facets = { family: ["pruning", "quantization"], architectures: ["unet", "dit"], training: ["fine-tune"] };
  const asked = {
    facets: state("", facets),
    text: state("diffusion pruning mask", {}),
    "text and facets": state("sparse att", facets),
  };
  const times = { "words prepared": [prepared] };
  for (const [name, one] of Object.entries(asked)) {
    times[name] = [];
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      index.query(one);
      times[name].push(performance.now() - start);
    }
  }
  // What a reader waits for after a click: query, counts, rows, layout.
  const option = document.querySelector("input[name=family][value=pruning]");
  times["click to rows laid out"] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    option.click();
    document.body.offsetHeight;
    times["click to rows laid out"].push(performance.now() - start);
  }
  return times;
}
"""


def main() -> int:
    """Measure, print, write; 1 if a goal is missed."""
    catalogue = validate(ROOT / "data").catalogue
    if catalogue is None:
        return 1
    found: dict[str, object] = {"shipped entries": _count(catalogue), "machine": _machine()}
    goals: list[tuple[str, float, float, str]] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        output = Path(folder)
        render_prose(ROOT, output)
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        found["machine"] = {**_machine(), "chromium": browser.version}
        for size in SIZES:
            site = finish(_grown(catalogue, size), ROOT, output).site
            measured = _measure(browser, site, size)
            found[str(size)] = measured
            goals += _judge(size, measured)
        browser.close()
    met = []
    for text, value, limit, unit in goals:
        met.append(value <= limit)
        say(f"{'met   ' if met[-1] else 'MISSED'}  {text}: {value:.1f} {unit}, goal {limit:g} {unit}")
    for size in SIZES:
        say(f"{size} entries: {json.dumps(found[str(size)])}")
    found["goals"] = [
        {"goal": text, "value": round(value, 2), "limit": limit, "unit": unit, "met": value <= limit}
        for text, value, limit, unit in goals
    ]
    OUTCOME.parent.mkdir(parents=True, exist_ok=True)
    OUTCOME.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(met) else 1


def say(line: str) -> None:
    """One line of the report."""
    sys.stdout.write(f"{line}\n")


def _count(catalogue: Catalogue) -> int:
    return len(catalogue.papers) + len(catalogue.tools) + len(catalogue.articles)


def _machine() -> dict[str, object]:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "mkdocs-material": importlib.metadata.version("mkdocs-material"),
    }


def _grown(catalogue: Catalogue, size: int) -> Catalogue:
    """The catalogue with copies of its papers, whose words, authors and facets are drawn from all of them."""
    dice = random.Random(size)
    papers = list(catalogue.papers.values())
    words = [word for filed in papers for word in filed.entry.title.split()]
    sentences = [word for filed in papers for word in filed.entry.summary.split()]
    people = [author for filed in papers if filed.record for author in filed.record.authors]
    grown = dict(catalogue.papers)
    for number in range(size - _count(catalogue)):
        copy = _copy(dice.choice(papers), dice, words, sentences, people, number)
        grown[copy.slug] = copy
    return replace(catalogue, papers=dict(sorted(grown.items())))


def _copy(
    source: Filed[Paper],
    dice: random.Random,
    words: Sequence[str],
    sentences: Sequence[str],
    people: Sequence[str],
    number: int,
) -> Filed[Paper]:
    entry = source.entry
    changes: dict[str, object] = {
        "title": " ".join(dice.choices(words, k=len(entry.title.split()))),
        "summary": " ".join(dice.choices(sentences, k=len(entry.summary.split()))),
    }
    if entry.short:
        changes["short"] = f"{dice.choice(words)[:6]}{number}"
    record = source.record
    if record is not None:
        record = record.model_copy(update={"authors": tuple(dice.sample(people, k=min(26, len(record.authors))))})
    slug = str(changes.get("short", changes["title"])).lower().replace(" ", "-")[:60]
    slug = f"{''.join(c for c in slug if c.isascii() and (c.isalnum() or c == '-')).strip('-')}-{number}"
    return Filed(slug, source.path, entry.model_copy(update=changes), record)


@contextmanager
def _serving(site: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """The folder on a free port, every file compressed beforehand as a host's cache does; and what was sent."""
    sent: dict[str, int] = {}
    bodies: dict[str, bytes] = {}
    for file in site.rglob("*"):
        if file.is_file():
            bodies["/" + file.relative_to(site).as_posix()] = gzip.compress(file.read_bytes(), 6, mtime=0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: two would wait for each other's receipt
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            path += "index.html" if path.endswith("/") else ""
            body = bodies.get(path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", mimetypes.guess_type(path)[0] or "text/html")
            if body:
                self.send_header("Content-Encoding", "gzip")
                sent[path] = len(body)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")
            self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", sent
        server.shutdown()
        thread.join()


def _measure(browser: Browser, site: Path, size: int) -> dict[str, object]:
    with _serving(site) as (address, sent):
        drawn = []
        for _ in range(OPENINGS + 2):  # the first ones also start processes of the browser
            sent.clear()
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            page.add_init_script(WATCH)
            page.goto(f"{address}browse/")
            page.wait_for_function("window.drawn")
            drawn.append(page.evaluate("window.drawn"))
            page.wait_for_load_state("networkidle")
            loaded = dict(sent)
            times = page.evaluate(MEASURE, [QUERIES, "../"]) if len(drawn) == OPENINGS + 2 else {}
            context.close()
        floor = []
        for _ in range(OPENINGS):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            page.goto(f"{address}decisions/")
            page.wait_for_load_state("networkidle")
            floor.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            context.close()
    drawn = sorted(drawn[2:])
    ours = {path: bytes_ for path, bytes_ in loaded.items() if path.startswith("/browse/") or OURS.fullmatch(path)}
    return {
        "open to table drawn, ms": {"min": round(drawn[0], 1), "median": round(statistics.median(drawn), 1)},
        "first paint of a page of prose, ms": {
            "min": round(min(floor), 1),
            "median": round(statistics.median(floor), 1),
        },
        "query, ms": {
            name: {
                "min": round(min(spent), 2),
                "median": round(statistics.median(spent), 2),
                "max": round(max(spent), 2),
            }
            for name, spent in times.items()
        },
        "transfer, gzip bytes": {
            "page": ours["/browse/index.html"],
            "entries.json": ours["/browse/entries.json"],
            "modules": sum(bytes_ for path, bytes_ in ours.items() if path.endswith(".js")),
            "stylesheet": sum(bytes_ for path, bytes_ in ours.items() if path.endswith(".css")),
            "ours": sum(ours.values()),
            "with the theme": sum(loaded.values()),
        },
        "entries.json, bytes an entry": round(ours["/browse/entries.json"] / size, 1),
    }


def _judge(size: int, measured: dict[str, Any]) -> Iterator[tuple[str, float, float, str]]:
    """What was promised: text, value, limit, unit."""
    drawn: dict[str, float] = measured["open to table drawn, ms"]
    queries: dict[str, dict[str, float]] = measured["query, ms"]
    transfer: dict[str, int] = measured["transfer, gzip bytes"]
    floor: dict[str, float] = measured["first paint of a page of prose, ms"]
    if size == min(SIZES):
        ratio = drawn["median"] / floor["median"]
        yield f"open to table / first paint of a page of prose at {size} entries, medians", ratio, 1.3, "times"
    if size == max(SIZES):
        worst = max(queries[name]["median"] for name in ("facets", "text", "text and facets"))
        yield f"query with all facet counts at {size} entries, slowest kind, median", worst, 16, "ms"
    if size == min(SIZES):
        yield (
            f"transfer of page, data, modules and stylesheet at {size} entries",
            transfer["ours"] / 1000,
            110,
            "kB",
        )
    yield f"entries.json at {size} entries", measured["entries.json, bytes an entry"], 80, "bytes an entry"


if __name__ == "__main__":
    sys.exit(main())
