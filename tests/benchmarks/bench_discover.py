"""How well `discover` ranks: the titles of the catalogue among other titles of arXiv, from committed data.

    python tests/benchmarks/bench_discover.py            measure, and write the result file
    python tests/benchmarks/bench_discover.py --freeze FILE   renew the data from the catalogue and FILE, then measure
    python tests/benchmarks/bench_discover.py --fit      print the weights of data/queries.yaml, tuned again

Only titles are known offline: the parts of the score for abstracts and authors are not measured. The weights were tuned
on the half of the papers whose hashed id is even; the other half is measured. A paper of the catalogue is scored as if
it had no entry; in the weeks, only entries with an earlier id are known.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import platform
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from generator.arxiv.fetch import Found  # noqa: E402
from generator.checks.drafts import read_taxonomy  # noqa: E402
from generator.checks.queries import read_queries  # noqa: E402
from generator.checks.validate import validate  # noqa: E402
from generator.contribute.candidates import Known, Listed, listed, names_of, spellings  # noqa: E402
from generator.contribute.proposals import candidate  # noqa: E402
from generator.entries.discovery import Discovery, finds, pattern_of, words_of  # noqa: E402
from generator.entries.model import ArxivRecord  # noqa: E402
from generator.entries.problem import Problem  # noqa: E402

DATA = Path(__file__).parent / "discover-titles.jsonl.gz"
RESULT = Path(__file__).parent / "results" / "discover.json"
COMMAND = "python tests/benchmarks/bench_discover.py"
WEEKS = 4
"""Parts of a month; the number in an id tells the day roughly, as the records of mirrors have no date."""
BEST = 30
RECALL = 0.9
BELONG = {
    "2506.00136": "its title announces diffusion autoencoders for efficient generation",
    "2506.07286": "its title announces guided diffusion on edge devices",
    "2508.06804": "its title announces a dynamic number of denoising steps of a policy",
    "2508.09968": "its title announces to amortize the computation at test time",
    "2512.25014": "its title announces bounds on the steps of diffusion language models",
}
"""Other papers whose titles promise a lower cost, so that a person has to read them: counted as wrong, and as right."""


@dataclass(frozen=True)
class Title:
    """One paper."""

    arxiv: str
    title: str
    listed: Listed | None
    """What the catalogue knows; None for a paper outside it."""

    @property
    def measured(self) -> bool:
        """Whether it is in the half that is measured, on which no weight was tuned."""
        return hashlib.sha256(self.arxiv.encode()).digest()[0] % 2 == 1


def read_titles() -> tuple[list[Title], list[tuple[str, str]]]:
    """The frozen papers, and the names of models with their slugs."""
    titles, models = [], []
    with gzip.open(DATA, "rt", encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            if "model" in row:
                models.append((row["model"], row["slug"]))
                continue
            known = Listed(row["arxiv"], row["title"], row["family"], arxiv=row["arxiv"]) if "family" in row else None
            titles.append(Title(row["arxiv"], row["title"], known))
    return titles, models


def freeze(others: Path) -> None:
    """Write the data: papers and names of models of the catalogue, and other titles, each line one JSON object."""
    catalogue = validate(ROOT / "data").catalogue
    if catalogue is None:
        raise SystemExit("the catalogue has errors")
    rows: list[dict[str, str]] = [
        {"arxiv": paper.arxiv, "title": paper.title, "family": paper.family}
        for paper in listed(catalogue.papers)
        if paper.arxiv
    ]
    own = {row["arxiv"] for row in rows}
    with gzip.open(others, "rt", encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            if row["arxiv"] not in own:
                rows.append({"arxiv": row["arxiv"], "title": row["title"]})
    rows.extend({"model": name, "slug": slug} for name, slug in names_of(catalogue.models))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    DATA.write_bytes(gzip.compress(text.encode(), mtime=0))


def measure(discovery: Discovery) -> dict[str, Any]:
    """The table."""
    titles, models = read_titles()
    known = Known.of(discovery.score, spellings(models), [one.listed for one in titles if one.listed])
    halves = {True: [one for one in titles if one.measured], False: [one for one in titles if not one.measured]}
    table: dict[str, Any] = {}
    scores = {one.arxiv: _alone(known, one) for one in titles}
    for measured, name in ((True, "measured half"), (False, "half on which the weights were tuned")):
        half = halves[measured]
        table[name] = _ranking(half, scores, discovery.score.least)
    half = halves[True]
    of_diffusion = [one for one in half if one.listed is None or one.listed.family not in ("foundations", "surveys")]
    table["measured half, without foundations and surveys"] = _ranking(of_diffusion, scores, discovery.score.least)
    table["weeks"] = _weeks(known, titles, half, scores)
    table["proposed family is that of the entry, by title alone"] = _families(known, half, discovery)
    table["queries"] = {
        "catalogue titles that a query finds by the title alone": _part(half, discovery, inside=True),
        "other titles that a query finds by the title alone": _part(half, discovery, inside=False),
    }
    wrong = sorted((one for one in half if one.listed is None), key=lambda one: (-scores[one.arxiv], one.arxiv))
    table["other papers with the highest scores"] = [
        {"arxiv": one.arxiv, "title": one.title, "score": round(scores[one.arxiv], 2)}
        | ({"belongs": BELONG[one.arxiv]} if one.arxiv in BELONG else {})
        for one in wrong[:20]
    ]
    missed = sorted((one for one in half if one.listed is not None), key=lambda one: (scores[one.arxiv], one.arxiv))
    table["catalogue papers with the lowest scores"] = [
        {"arxiv": one.arxiv, "title": one.title, "score": round(scores[one.arxiv], 2)} for one in missed[:10]
    ]
    return table


def _alone(known: Known, one: Title) -> float:
    """The score of a paper as if it had no entry."""
    return known.scored(one.title, without={one.arxiv} if one.listed else ()).total


def _ranking(half: Sequence[Title], scores: Mapping[str, float], least: float) -> dict[str, Any]:
    """Precision where nine tenths are found, and what the threshold of the data gives."""
    order = sorted(half, key=lambda one: (-scores[one.arxiv], one.listed is not None, one.arxiv))
    inside = sum(one.listed is not None for one in half)
    wanted = ceil(RECALL * inside)
    found = shown = 0
    for one in order:
        shown += 1
        found += one.listed is not None
        if found == wanted:
            break
    belong = sum(one.arxiv in BELONG for one in order[:shown])
    above = [one for one in half if scores[one.arxiv] >= least]
    right = sum(one.listed is not None for one in above)
    others = len(half) - inside
    return {
        "papers of the catalogue": inside,
        "other papers": others,
        "precision at 90% recall": round(found / shown, 3),
        "precision at 90% recall, if those that belong are right": round((found + belong) / shown, 3),
        "other papers shown at 90% recall, of 1,000": round(1000 * (shown - found) / others, 1),
        "recall at the threshold": round(right / inside, 3),
        "precision at the threshold": round(right / len(above), 3),
    }


def _weeks(known: Known, titles: Sequence[Title], half: Sequence[Title], bound: Mapping[str, float]) -> dict[str, Any]:
    """Recall of the best candidates of a week, with the entries that had an earlier id.

    With fewer entries no score is higher than its ``bound``, so that few papers are scored again for each week.
    """
    numbers: dict[str, int] = defaultdict(int)
    for one in titles:
        month, _, number = one.arxiv.partition(".")
        numbers[month] = max(numbers[month], int(number) if number.isdigit() else 0)

    def week(one: Title) -> tuple[str, int]:
        month, _, number = one.arxiv.partition(".")
        return month, min(WEEKS - 1, WEEKS * int(number or 0) // (numbers[month] + 1))

    months = {one.arxiv[:4] for one in titles if one.listed is None and one.arxiv[:2] == "25"}
    weeks: dict[tuple[str, int], list[Title]] = defaultdict(list)
    for one in half:
        if one.arxiv[:4] in months and "/" not in one.arxiv:
            weeks[week(one)].append(one)
    entries = [one.arxiv for one in titles if one.listed]
    all_others = sorted((one for one in half if one.listed is None), key=lambda one: (-bound[one.arxiv], one.arxiv))
    by_date = among_all = inside = 0
    for name in sorted(weeks):
        own = [one for one in weeks[name] if one.listed]
        others = [one for one in weeks[name] if one.listed is None]
        first = min((one.arxiv for one in weeks[name]), key=_by_time)
        later = {arxiv_id for arxiv_id in entries if _by_time(arxiv_id) >= _by_time(first)}
        inside += len(own)
        by_date += _found_among_best(known, own, others, later, bound)
        among_all += _found_among_best(known, own, all_others, later, bound)
    return {
        "weeks": len(weeks),
        "papers of the catalogue": inside,
        "other papers per week": round(sum(one.listed is None for w in weeks.values() for one in w) / len(weeks), 1),
        f"recall of the {BEST} best": round(by_date / inside, 3),
        f"recall of the {BEST} best, each week among all other papers": round(among_all / inside, 3),
    }


def _found_among_best(
    known: Known, own: Sequence[Title], others: Sequence[Title], later: set[str], bound: Mapping[str, float]
) -> int:
    """How many of our own papers are among the best, where the entries in ``later`` are not known yet."""
    scores = [(-known.scored(one.title, without=later).total, 1, one.arxiv) for one in own]
    for one in sorted(others, key=lambda one: -bound[one.arxiv]):
        scores.sort()
        if len(scores) >= BEST and -scores[BEST - 1][0] > bound[one.arxiv]:
            break
        scores.append((-known.scored(one.title, without=later).total, 0, one.arxiv))
    return sum(is_own for _, is_own, _ in sorted(scores)[:BEST])


def _by_time(arxiv_id: str) -> tuple[str, str]:
    return (arxiv_id[:4], arxiv_id) if "/" not in arxiv_id else ("", arxiv_id)


def _families(known: Known, half: Sequence[Title], discovery: Discovery) -> dict[str, Any]:
    """How often the rules propose the family of the entry."""
    papers = [one for one in half if one.listed is not None and one.listed.family != "foundations"]
    right = 0
    for one in papers:
        values = {"id": one.arxiv, "title": one.title, "authors": ("A B",), "source": "mirror"}
        scored = known.scored(one.title, without={one.arxiv})
        record = ArxivRecord.model_validate(values | {"fetched_at": "2026-11-29"})
        found = candidate(Found(record, ""), scored, (), discovery.hints)
        right += one.listed is not None and found.family.value == one.listed.family
    return {"papers": len(papers), "right": round(right / len(papers), 3)}


def _part(half: Sequence[Title], discovery: Discovery, *, inside: bool) -> float:
    papers = [one for one in half if (one.listed is not None) == inside]
    found = sum(any(finds(query, one.title) for query in discovery.queries.values()) for one in papers)
    return round(found / len(papers), 3)


ROUNDS = 6000
STEP = 2.0
PENALTY = 1.0
ROUND_TO = 0.5


def fit(discovery: Discovery) -> dict[str, dict[str, float]]:
    """The weights of the words, tuned by logistic regression on the half that is not measured.

    The weights of `subject` and `cost` are at least, those of `other` at most, zero; all are rounded, and a word that
    rounds to zero keeps the smallest weight: it is in the file because a person expects it to matter.
    """
    import numpy as np  # the site does not need it

    titles, models = read_titles()
    known = Known.of(discovery.score, spellings(models), [one.listed for one in titles if one.listed])
    groups = {name: list(getattr(discovery.score, name)) for name in ("subject", "cost", "other")}
    words = [word for group in groups.values() for word in group]
    half = [one for one in titles if not one.measured]
    rows = []
    for one in half:
        text = words_of(one.title)
        own = {word for word in words if pattern_of(word).search(text)}
        both = not own.isdisjoint(groups["subject"]) and not own.isdisjoint(groups["cost"])
        near = known.near(one.title, without={one.arxiv} if one.listed else ())[1]
        named = bool(known.models.named_in(one.title))
        rows.append([*(float(word in own) for word in words), float(both), float(named), near])
    features = np.array(rows)
    belongs = np.array([one.listed is not None for one in half], dtype=float)
    lowest = np.array([0.0] * (len(words) - len(groups["other"])) + [-9.0] * len(groups["other"]) + [0.0] * 3)
    highest = np.array([9.0] * (len(words) - len(groups["other"])) + [0.0] * len(groups["other"]) + [30.0] * 3)
    weights, bias = np.zeros(features.shape[1]), 0.0
    for _ in range(ROUNDS):
        wrong = 1 / (1 + np.exp(-(features @ weights + bias))) - belongs
        weights = np.clip(weights - STEP * (features.T @ wrong + PENALTY * weights) / len(half), lowest, highest)
        bias -= STEP * wrong.mean()
    rounded = dict(zip([*words, "both", "model", "near"], np.round(weights / ROUND_TO) * ROUND_TO, strict=True))
    signs = {"subject": 1.0, "cost": 1.0, "other": -1.0}
    found = {
        name: {word: float(rounded[word]) or signs[name] * ROUND_TO for word in group} for name, group in groups.items()
    }
    return {"score": {name: float(rounded[name]) for name in ("both", "model", "near")}, **found}


def read_discovery() -> Discovery:
    """The queries and weights of the repository."""
    problems: list[Problem] = []
    taxonomy, _ = read_taxonomy(ROOT / "data", problems)
    discovery = read_queries(ROOT / "data", taxonomy, problems) if taxonomy else None
    if discovery is None:
        raise SystemExit("\n".join(problem.text() for problem in problems))
    return discovery


def main() -> None:
    """Measure, write the result file and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--freeze", type=Path, help="file of other titles, as lines of JSON, packed by gzip")
    parser.add_argument("--fit", action="store_true", help="print tuned weights, and measure nothing")
    options = parser.parse_args()
    if options.freeze:
        freeze(options.freeze)
    if options.fit:
        sys.stdout.write(json.dumps(fit(read_discovery()), ensure_ascii=False, indent=1) + "\n")
        return
    result = {
        "command": COMMAND,
        "python": platform.python_version(),
        "data": hashlib.sha256(DATA.read_bytes()).hexdigest()[:16],
        "table": measure(read_discovery()),
    }
    text = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    RESULT.write_text(text, encoding="utf-8", newline="\n")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
