"""Models from the reader's side: what one costs, what was tried on it, and what a line of models has in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from generator.entries.model import Catalogue, Filed, Model, Paper, Tool
from generator.views.configurations import TRUST_ORDER, Configuration, configurations_of, doubt
from reference_impls.architectures.registry import ARCHITECTURES, Architecture

BYTES = {"fp16": 2.0, "int8": 1.0}
"""Bytes of a parameter."""
MILLION, GIGA = 1e6, 1e9
TRAINING_ORDER = ("training-free", "auxiliary", "learned-mask", "fine-tune", "retrain", "from-scratch")
"""From the least training on."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a model and its size."""

    name: str
    parameters: float
    """In millions."""

    def gigabytes(self, number: str) -> float:
        """Size of the weights; ``number`` is a key of ``BYTES``."""
        return self.parameters * MILLION * BYTES[number] / GIGA


@dataclass(frozen=True, slots=True)
class Operations:
    """Multiply-accumulates of one forward pass of the denoiser for one sample."""

    macs: int
    what: str
    """Which of the counts it is."""
    source: str
    inputs: str
    """Shapes of the arguments."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A paper that was shown on a model, with the configuration that documents it best."""

    filed: Filed[Paper]
    best: Configuration | None


class Models:
    """Everything the catalogue says of its models."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Look at a catalogue."""
        self._catalogue = catalogue

    @cached_property
    def members(self) -> Mapping[str, tuple[str, ...]]:
        """The models of each line, by name; lines of a line stand among them."""
        found: dict[str, list[str]] = defaultdict(list)
        for slug, filed in self._catalogue.models.items():
            if filed.entry.part_of:
                found[filed.entry.part_of].append(slug)
        return {line: tuple(sorted(slugs, key=self.name)) for line, slugs in found.items()}

    def name(self, slug: str) -> str:
        """The name that the site shows, folded so that names sort as people expect."""
        return self._catalogue.models[slug].entry.name.casefold()

    def lines_of(self, slug: str) -> tuple[str, ...]:
        """The lines that a model belongs to, the nearest first."""
        return wholes(slug, self._catalogue.models, lambda filed: filed.entry.part_of)

    def family_of(self, slug: str) -> tuple[str, ...]:
        """A model and everything that belongs to it."""
        found = [slug]
        for own in found:
            found.extend(one for one in self.members.get(own, ()) if one not in found)
        return tuple(found)

    def near(self, slug: str) -> tuple[str, ...]:
        """A model, everything that belongs to it, and the lines that it belongs to."""
        return (*self.family_of(slug), *self.lines_of(slug))

    def named_by(self, filed: Filed[Paper] | Filed[Tool]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The models of an entry, single ones before groups, each in its order; and the lines they belong to."""
        entry = filed.entry
        results = entry.results if isinstance(entry, Paper) else ()
        named = dict.fromkeys([*entry.models, *(slug for result in results for slug in result.model)])
        models = sorted(named, key=lambda slug: self._catalogue.models[slug].entry.unspecific)
        lines = dict.fromkeys(line for slug in models for line in self.lines_of(slug) if line not in named)
        return tuple(models), tuple(lines)

    @cached_property
    def _papers(self) -> Mapping[str, tuple[Filed[Paper], ...]]:
        found: dict[str, dict[str, Filed[Paper]]] = defaultdict(dict)
        for filed in self._catalogue.papers.values():
            for slug in self.named_by(filed)[0]:
                found[slug][filed.slug] = filed
        return {slug: tuple(papers.values()) for slug, papers in found.items()}

    @cached_property
    def _tools(self) -> Mapping[str, tuple[Filed[Tool], ...]]:
        found: dict[str, list[Filed[Tool]]] = defaultdict(list)
        for filed in self._catalogue.tools.values():
            for slug in filed.entry.models:
                found[slug].append(filed)
        return {slug: tuple(tools) for slug, tools in found.items()}

    def papers(self, slug: str) -> tuple[Filed[Paper], ...]:
        """Papers that name a model, or one of its line's, each once."""
        found = {filed.slug: filed for own in self.family_of(slug) for filed in self._papers.get(own, ())}
        return tuple(found.values())

    def tools(self, slug: str) -> tuple[Filed[Tool], ...]:
        """Tools that name a model, one of its members, or a line that it belongs to; by name."""
        found = {filed.slug: filed for own in self.near(slug) for filed in self._tools.get(own, ())}
        return tuple(sorted(found.values(), key=lambda filed: filed.entry.name.casefold()))

    @cached_property
    def used(self) -> tuple[str, ...]:
        """Models that papers name, the most used first; groups that name no single model are left out."""
        single = [slug for slug, filed in self._catalogue.models.items() if not filed.entry.unspecific]
        named = [slug for slug in single if self._papers.get(slug)]
        return tuple(sorted(named, key=lambda slug: (-len(self._papers[slug]), self.name(slug))))

    def tried(self, slug: str) -> Iterator[tuple[str, list[Tried]]]:
        """Families of the taxonomy with the papers of a model, each in the one ``order``."""
        own = frozenset(self.family_of(slug))
        papers = self.papers(slug)
        for family in self._catalogue.taxonomy.families:
            members = [Tried(filed, _best(filed, own)) for filed in papers if filed.entry.family == family]
            if members:
                yield family, sorted(members, key=lambda one: order(one.filed, one.best))


def wholes(slug: str, held: Mapping[str, T], whole: Callable[[T], str | None]) -> tuple[str, ...]:
    """What a thing is part of, the nearest first.

    Args:
        slug: of the thing.
        held: everything that can be a part or a whole.
        whole: what something is part of; a circle ends where it closes, and what nobody has described ends the way.
    """
    found: list[str] = []
    above = whole(held[slug])
    while above is not None and above in held and above not in (slug, *found):
        found.append(above)
        above = whole(held[above])
    return tuple(found)


def _best(filed: Filed[Paper], models: frozenset[str]) -> Configuration | None:
    """The configuration on these models that says most, of those that are documented best."""
    own = [row for row in configurations_of(filed) if models & set(row.result.model)]
    return min(own, key=lambda row: (doubt(row), -len(row.result.after), row.number), default=None)


def order(filed: Filed[Paper], best: Configuration | None) -> tuple[int, bool, int, str, str]:
    """The order of the entries of a family, on model pages and in Choose alike.

    Least training first, then those with code, then those whose configuration is documented best (see ``doubt``; none
    comes last), then by name.
    """
    paper = filed.entry
    training = TRAINING_ORDER.index(paper.training) if paper.training in TRAINING_ORDER else len(TRAINING_ORDER)
    doubted = doubt(best) if best else 2 * len(TRUST_ORDER)
    return training, paper.code is None, doubted, (paper.short or paper.title).casefold(), filed.slug


def architecture_of(model: Model) -> Architecture | None:
    """What ``reference_impls`` recomputes for it."""
    return ARCHITECTURES[model.counts] if model.counts else None


def parts_of(model: Model) -> Sequence[Part]:
    """The parts whose sizes are known, the denoiser first; its parameters are the recomputed ones where there are."""
    architecture, written = architecture_of(model), model.parameters
    counted = (
        [count.value / MILLION for count in architecture.counts if count.what == "parameters"] if architecture else []
    )
    sizes = (
        ("denoiser", counted[0] if counted else written.denoiser if written else None),
        ("text encoders", written.text_encoders if written else None),
        ("decoder", written.decoder if written else None),
        ("whole network", written.total if written else None),
    )
    return [Part(name, size) for name, size in sizes if size is not None]


def operations_of(model: Model) -> Sequence[Operations]:
    """The counts of MACs that ``reference_impls`` recomputes."""
    architecture = architecture_of(model)
    if architecture is None:
        return []
    return [
        Operations(count.value, count.what, count.source, architecture.inputs_in_words)
        for count in architecture.counts
        if count.what.startswith("MACs")
    ]
