"""The page Choose: the form, the table of all rules, and the file that its module reads.

``choose/rules.json`` holds each entry and each number once; what fits a model is a list of their places. The order of
these lists is that of ``generator.views.choose``, so that the module only has to pick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from generator.entries.model import Budget
from generator.pages.browse import browse_query, json_bytes
from generator.pages.quantities import written
from generator.pages.render import render
from generator.views.choose import SHOWN, Fit
from generator.views.configurations import Configuration
from generator.views.site import Site, label_of

VERSION = 1
"""Of the file's form; the module refuses another one."""


def choose(site: Site, root: str, _argument: str) -> str:
    """The three questions, the place of the answer, and every rule for readers without JavaScript."""
    rules = site.catalogue.rules
    tables = [
        (
            need,
            [
                (rules.budgets[budget], [(one, query(site, one.family, rules.budgets[budget])) for one in advised])
                for budget, advised in rules.rules[name].items()
            ],
        )
        for name, need in rules.needs.items()
    ]
    used = {word for filed in site.catalogue.papers.values() for word in filed.entry.architectures}
    terms = site.catalogue.taxonomy.architectures
    architectures = {word: term for word, term in terms.items() if word in used}
    return render("choose", site=site, root=root, rules=rules, tables=tables, architectures=architectures)


def query(site: Site, family: str, budget: Budget) -> str:
    """The query that shows in Browse the papers of a family that a budget allows."""
    # Browse has no filter for what is not stated, so that a budget that allows this filters nothing.
    filters = {"family": family} if budget.unstated else {"family": family, "training": ",".join(budget.training)}
    return browse_query(site, filters) or ""


def choose_files(site: Site) -> Mapping[str, bytes]:
    """What the module of the page reads, by address below the home page."""
    document = _Document(site).document()
    return {"choose/rules.json": json_bytes(document)}


class _Document:
    """Gathers entries and numbers under places, each once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._entries: dict[str, int] = {}
        self._numbers: dict[tuple[str, int, str], int] = {}
        self._entry_rows: list[list[str | int]] = []
        self._number_rows: list[list[str | int]] = []

    def document(self) -> dict[str, object]:
        """Everything; ``fits`` are, for each need, places of an entry and its number, -1 for none, in turn."""
        site, choices = self._site, self._site.choices
        catalogue = site.catalogue
        rules, architectures = catalogue.rules, list(catalogue.taxonomy.architectures)
        models = {}
        for slug, filed in catalogue.models.items():
            architecture = filed.entry.architecture
            place = architectures.index(architecture) if architecture else -1
            fits = {need: choices.fits(need, model=slug) for need in rules.needs}
            models[slug] = [place, ",".join(site.models.near(slug)[1:]), *map(self._places, fits.values())]
        return {
            "version": VERSION,
            "shown": SHOWN,
            "families": {word: term.name for word, term in catalogue.taxonomy.families.items()},
            "training": [[word, term.name] for word, term in catalogue.taxonomy.training.items()],
            "needs": list(rules.needs),
            "budgets": {word: [*budget.training, *([""] * budget.unstated)] for word, budget in rules.budgets.items()},
            "rules": {
                need: {
                    word: [[one.family, one.why, query(site, one.family, rules.budgets[word])] for one in advised]
                    for word, advised in by_budget.items()
                }
                for need, by_budget in rules.rules.items()
            },
            "models": models,
            "architectures": {
                word: [self._places(choices.fits(need, architecture=word)) for need in rules.needs]
                for word in architectures
            },
            "any": [self._places(choices.fits(need)) for need in rules.needs],
            "entries": self._entry_rows,
            "numbers": self._number_rows,
        }

    def _places(self, fits: Iterable[Fit]) -> list[int]:
        return [place for fit in fits for place in (self._entry(fit), self._number(fit))]

    def _entry(self, fit: Fit) -> int:
        slug, paper = fit.filed.slug, fit.filed.entry
        if slug not in self._entries:
            self._entries[slug] = len(self._entries)
            place = list(self._site.catalogue.taxonomy.training).index(paper.training) if paper.training else -1
            self._entry_rows.append([slug, label_of(fit.filed), paper.family, place, int(paper.code is not None)])
        return self._entries[slug]

    def _number(self, fit: Fit) -> int:
        if fit.best is None or fit.metric is None:
            return -1
        key = (fit.filed.slug, fit.best.number, fit.metric)
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers)
            self._number_rows.append(self._number_row(fit.best, fit.metric))
        return self._numbers[key]

    def _number_row(self, row: Configuration, metric: str) -> list[str | int]:
        """Place among the results of the entry, the number, the quality beside it, setting and source."""
        metrics = self._site.catalogue.taxonomy.metrics
        qualities = (name for name in row.result.after if metrics[name].measures == "quality")
        beside = "; ".join(written(self._site, name, row) for name in qualities)
        names = [self._site.catalogue.models[slug].entry.name for slug in row.result.model]
        setting = f"{', '.join(names)}: {row.result.setting}"
        if row.hardware:
            setting += f"; {row.hardware}"
        return [row.number, written(self._site, metric, row), beside, setting, self._source(row)]

    def _source(self, row: Configuration) -> str:
        if row.trust == "secondary":
            return f"secondary source: {row.result.via}"
        if row.trust == "abstract":
            return "abstract only"
        reporter = label_of(self._site.catalogue.papers[row.source])
        return row.result.where if row.source == row.slug else f"{row.result.where}, reported by {reporter}"
