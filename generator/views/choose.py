"""What fits a reader: a model or an architecture, the training that is possible and the bottleneck in; families out.

Entries fit a model if they name it, one of its members or its line. They come in the ``order`` of the model pages.
Where a family has none, entries on other models of the same architecture are shown, and the answer says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from generator.entries.model import Advice, Budget, Catalogue, Filed, Paper
from generator.views.configurations import Configuration, configurations_of, doubt
from generator.views.models import Models, order

SHOWN = 5
"""So many entries of a family are shown."""
OUT_OF_USE = ("superseded", "withdrawn")


@dataclass(frozen=True, slots=True)
class Fit:
    """An entry with the number that documents best what it does for a need."""

    filed: Filed[Paper]
    best: Configuration | None
    metric: str | None
    """The metric of ``best`` that answers the need."""

    @property
    def training(self) -> str | None:
        """What training the entry needs; None where it does not state it."""
        return self.filed.entry.training


@dataclass(frozen=True, slots=True)
class Answer:
    """A family that fits, with its entries, which may be none."""

    advice: Advice
    fits: tuple[Fit, ...]
    """All entries that fit, in the one ``order`` of entries."""
    by_architecture: bool
    """Whether the entries name other models of the same architecture only."""


class Choices:
    """The answers of the page Choose for one catalogue."""

    def __init__(self, catalogue: Catalogue, models: Models) -> None:
        """Look at a catalogue."""
        self._catalogue = catalogue
        self._models = models

    def answers(
        self, need: str, budget: str, *, model: str | None = None, architecture: str | None = None
    ) -> list[Answer]:
        """The families in the order of the rules, those without entries last; with entries on any model by default.

        Raises:
            KeyError: there is no such need, budget, model or architecture.
        """
        rules = self._catalogue.rules
        own = self.fits(need, model=model, architecture=architecture)
        if model is not None:
            architecture = self._catalogue.models[model].entry.architecture
        alike = self.fits(need, architecture=architecture) if model is not None and architecture else ()
        found = []
        for advice in rules.rules[need][budget]:
            named, similar = (tuple(allowed(fits, advice.family, rules.budgets[budget])) for fits in (own, alike))
            found.append(Answer(advice, named or similar, by_architecture=bool(similar and not named)))
        return sorted(found, key=lambda answer: not answer.fits)

    def fits(self, need: str, *, model: str | None = None, architecture: str | None = None) -> tuple[Fit, ...]:
        """All entries that fit a model, else an architecture, else any, in the one ``order`` of entries.

        Raises:
            KeyError: there is no such need, model or architecture.
        """
        metrics = self._catalogue.rules.needs[need].metrics
        found: dict[str, Fit] = {}
        for models, papers in self._tiers(model, architecture):
            found |= {slug: self._fit(slug, models, metrics) for slug in papers if slug not in found}
        return tuple(sorted(found.values(), key=lambda fit: order(fit.filed, fit.best)))

    def _tiers(self, model: str | None, architecture: str | None) -> Iterator[tuple[frozenset[str], Iterable[str]]]:
        """Models whose numbers count, and the papers that fit, the nearest first."""
        if model is not None:
            for near in (self._models.family_of(model), self._models.lines_of(model)):
                yield frozenset(near), self._named(near)
        elif architecture is not None:
            alike = self._of_architecture[architecture]
            yield frozenset(alike), sorted({*self._alike[architecture], *self._named(alike)})
        else:
            yield frozenset(self._catalogue.models), self._papers

    def _named(self, models: Iterable[str]) -> Sequence[str]:
        return sorted({paper for slug in models for paper in self._naming.get(slug, ())})

    @cached_property
    def _papers(self) -> Mapping[str, Filed[Paper]]:
        """Those that can be recommended: in use, of a family that some rule names, and meant to lower a cost."""
        rules = self._catalogue.rules
        advised = (advice for by_budget in rules.rules.values() for some in by_budget.values() for advice in some)
        families, others = {advice.family for advice in advised}, frozenset(rules.other_aims)
        return {
            slug: filed
            for slug, filed in self._catalogue.papers.items()
            if filed.entry.family in families
            and filed.entry.status not in OUT_OF_USE
            and not others.intersection(filed.entry.topics)
        }

    @cached_property
    def _rows(self) -> Mapping[str, tuple[Configuration, ...]]:
        return {slug: tuple(configurations_of(filed)) for slug, filed in self._papers.items()}

    @cached_property
    def _naming(self) -> Mapping[str, tuple[str, ...]]:
        """Papers that name a model, or have results on it."""
        found: dict[str, list[str]] = defaultdict(list)
        for slug, filed in self._papers.items():
            for model in self._models.named_by(filed)[0]:
                found[model].append(slug)
        return {model: tuple(slugs) for model, slugs in found.items()}

    @cached_property
    def _alike(self) -> Mapping[str, tuple[str, ...]]:
        """Papers that were shown on an architecture."""
        return {
            word: tuple(slug for slug, filed in self._papers.items() if word in filed.entry.architectures)
            for word in self._catalogue.taxonomy.architectures
        }

    @cached_property
    def _of_architecture(self) -> Mapping[str, tuple[str, ...]]:
        models = self._catalogue.models.items()
        return {
            word: tuple(slug for slug, filed in models if filed.entry.architecture == word)
            for word in self._catalogue.taxonomy.architectures
        }

    def _fit(self, slug: str, models: frozenset[str], metrics: Sequence[str]) -> Fit:
        """A paper with a configuration on these models: the authors' own, in the first metric, with most numbers."""
        rows = [
            (doubt(row), metrics.index(metric), -len(row.result.after), row.number, row, metric)
            for row in self._rows[slug]
            if models.intersection(row.result.model)
            for metric in row.result.after
            if metric in metrics
        ]
        *_, best, metric = min(rows, key=lambda row: row[:4], default=(None, None))
        return Fit(self._papers[slug], best, metric)


def allowed(fits: Iterable[Fit], family: str, budget: Budget) -> Iterator[Fit]:
    """The entries of a family whose training the budget allows."""
    for fit in fits:
        stated = fit.training is not None
        if fit.filed.entry.family == family and (fit.training in budget.training if stated else budget.unstated):
            yield fit
