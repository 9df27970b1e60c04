"""The rules of the page Choose: read, and compared with the taxonomy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from generator.checks.drafts import CHOOSE, read_as
from generator.checks.shape import suggestion
from generator.entries.load_yaml import Steps
from generator.entries.model import Rules, Taxonomy
from generator.entries.problem import Code, Problem
from generator.escape import terminal

CODES = (
    Code(
        "E506",
        "data/choose.yaml names families of the taxonomy for each need and budget, with one sentence each.",
        wrong="a budget without families below a need: in data/choose.yaml",
        right="family and why, as in the other items",
    ),
)

_ONE_SENTENCE = re.compile(r"(?!.*[.!?] [A-Z]).+\.", re.DOTALL)
_Finding = tuple[Steps, str, str]
"""Place, what is wrong and how to fix it."""


def read_rules(data: Path, taxonomy: Taxonomy, problems: list[Problem]) -> Rules | None:
    """The rules; their faults are added to ``problems``."""
    rules, document = read_as(Rules, data, CHOOSE, "E506", "write it as the other items of the file", problems)
    if rules is None or document is None:
        return None
    for steps, message, fix in _disagreements(rules, taxonomy):
        # Above the list of families it is the key that is wrong.
        place = document.place(steps, key=steps[0] == "rules" and len(steps) < 4)
        problems.append(Problem(document.path, place.line, place.column, "E506", terminal(message), terminal(fix)))
    return rules


def _disagreements(rules: Rules, taxonomy: Taxonomy) -> Iterator[_Finding]:
    costs = [name for name, metric in taxonomy.metrics.items() if metric.measures == "cost"]
    for name, need in rules.needs.items():
        yield from _unknown("cost metric", need.metrics, costs, ("needs", name, "metrics"))
    for name, budget in rules.budgets.items():
        yield from _unknown("training", budget.training, taxonomy.training, ("budgets", name, "training"))
    yield from _unknown("topic", rules.other_aims, taxonomy.topics, ("other_aims",))
    yield from _unknown("need", rules.rules, rules.needs, ("rules",))
    for need_name, by_budget in rules.rules.items():
        yield from _unknown("budget", by_budget, rules.budgets, ("rules", need_name))
    for need_name, budget_name in product(rules.needs, rules.budgets):
        if budget_name not in rules.rules.get(need_name, {}):
            steps = ("rules", need_name) if need_name in rules.rules else ("rules",)
            yield steps, f"no families for {need_name} and {budget_name}", f"add {budget_name}: with family and why"
    yield from _advice(rules, taxonomy)


def _advice(rules: Rules, taxonomy: Taxonomy) -> Iterator[_Finding]:
    for need_name, by_budget in rules.rules.items():
        for budget_name, advised in by_budget.items():
            seen: set[str] = set()
            for index, advice in enumerate(advised):
                steps: Steps = ("rules", need_name, budget_name, index)
                for _, message, fix in _unknown("family", (advice.family,), taxonomy.families, ()):
                    yield (*steps, "family"), message, fix
                if advice.family in seen:
                    yield (*steps, "family"), f"{advice.family} is listed twice", "delete one of the two"
                seen.add(advice.family)
                if not _ONE_SENTENCE.fullmatch(advice.why):
                    yield (*steps, "why"), f"{advice.why!r} is not one sentence", "write one sentence with a full stop"


def _unknown(kind: str, words: Iterable[str], known: Iterable[str], above: Steps) -> Iterator[_Finding]:
    """Words that are not known: keys of a mapping, or items of a list below ``above``."""
    terms = list(known)
    for index, word in enumerate(words):
        if word not in terms:
            fix = suggestion(word, terms)
            keyed = above[:1] == ("rules",)
            yield (*above, word if keyed else index), f"unknown {kind} {word!r}", fix
