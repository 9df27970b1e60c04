"""The typed, frozen records that pass between the stages. No input or output happens here.

Every scalar of the data arrives as text. The models say which type a value has (text, list, number, result);
``generator.checks`` judges the value itself, because it can name the place and the fix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from generator.entries.tex import text_of

NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
ARXIV_NEW = re.compile(r"(?P<yy>\d{2})(?P<mm>0[1-9]|1[0-2])\.(?P<number>\d{4,5})", re.ASCII)
ARXIV_OLD = re.compile(r"[a-z-]+(\.[A-Z]{2})?/(?P<yy>\d{2})(?P<mm>0[1-9]|1[0-2])\d{3}", re.ASCII)


def _number(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return float(value)
    raise PydanticCustomError("number", "a decimal number is expected")


Number = Annotated[float, BeforeValidator(_number)]
Text = Annotated[str, Field(min_length=1)]
Day = Annotated[Text, Field(json_schema_extra={"pattern": r"^\d{4}-\d{2}-\d{2}$"})]
"""A full date. The pattern is for editors; the checks report more, with the fix."""
When = Annotated[Text, Field(json_schema_extra={"pattern": r"^\d{4}(-\d{2}(-\d{2})?)?$"})]
"""A year, a month or a day, likewise."""
Texts = tuple[Text, ...]
Title = Annotated[Text, AfterValidator(text_of)]
"""Text that may come with TeX, as arXiv has it; the record has what it says."""


TITLES = ("title", "short", "name", "aliases")
"""The fields of all kinds of entries whose texts are titles."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


OneOrMore = Annotated[Texts, BeforeValidator(_listed)]
"""A list that may be written as one text where it has one item."""

Qualifier = Literal["about", "up to", "at least", "more than", "less than"]
QUALIFIERS: tuple[str, ...] = get_args(Qualifier)
VALUE = re.compile(rf"(?:({'|'.join(QUALIFIERS)}) )?({NUMBER.pattern})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Value:
    """A reported number, as exact as in its source."""

    number: float
    """In the unit of its metric."""
    qualifier: str | None = None
    """One of ``QUALIFIERS``; None for a plain number."""

    def __str__(self) -> str:
        """As an entry writes it."""
        number = f"{self.number:.15g}"
        return f"{self.qualifier} {number}" if self.qualifier else number


def _value(value: Any) -> Value:
    if isinstance(value, Value):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Value(float(value))
    if isinstance(value, str) and (match := VALUE.fullmatch(value)):
        return Value(float(match[2]), match[1])
    raise PydanticCustomError("value", "a number is expected, or words and a number")


def _plain_value(value: Value) -> float | str:
    return str(value) if value.qualifier else value.number


Values = Mapping[
    str,
    Annotated[
        Value,
        PlainValidator(_value),
        PlainSerializer(_plain_value),
        WithJsonSchema(
            {"anyOf": [{"type": "number"}, {"pattern": f"^({'|'.join(QUALIFIERS)}) -?[0-9.]+$", "type": "string"}]}
        ),
    ],
]
"""Metric -> number."""


class Record(BaseModel):
    """Frozen; unknown keys are refused; attribute docstrings become the schema's descriptions."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


NOT_STATED = "not stated"
"""Hardware of a time, rate or memory whose source does not name it; place of a number from a secondary source."""


class Result(Record):
    """One configuration that a source reports, with all its numbers."""

    model: OneOrMore
    """Slug of the model that the method was applied to; a list if one number covers several."""
    dataset: OneOrMore = ()
    """Slug of the data set or prompt set of the evaluation, as in `data/datasets.yaml`."""
    setting: Text
    """Setting of the numbers: sparsity, steps, resolution, training, what they are compared with."""
    hardware: Text | None = None
    """Device; required for times, rates and memory. `not stated` if the source does not name it."""
    where: Text
    """Place in the source: abstract, Table 1, README."""
    reported_by: Text | None = None
    """Slug of the paper that reports the numbers, if not this one."""
    via: Text | None = None
    """Address of the page of people that was read instead of the paper: the secondary source."""
    before: Values = Field(default_factory=dict)
    """Metric and value of the baseline, the model without the method. Ratios and reductions have none."""
    after: Annotated[Values, Field(min_length=1)]
    """Metric and value with the method; each metric fixes its unit."""


class Paper(Record):
    """A research paper."""

    title: Title
    """Title as on the paper, without TeX; it must match the arXiv record."""
    short: Title | None = None
    """The name people use."""
    aliases: tuple[Title, ...] = ()
    """Former titles and other names."""
    arxiv: Text | None = None
    """arXiv id, quoted, without version. Without one, `url`, `authors` and `date` are required."""
    doi: Text | None = None
    """DOI of the published version, without a resolver address."""
    url: Text | None = None
    """Page of the paper, if it is not on arXiv."""
    authors: Texts = ()
    """Authors in order, if the paper is not on arXiv."""
    date: When | None = None
    """YYYY, YYYY-MM or YYYY-MM-DD of the first publication, if the paper is not on arXiv."""
    venue: Text | None = None
    """Series and year, such as `NeurIPS 2023`."""
    track: Text | None = None
    """Track, if it was not the main one."""
    workshop: Text | None = None
    """Name of the workshop, if `track` is workshop."""
    code: Text | None = None
    """Repository of the authors' code."""
    project: Text | None = None
    """Project page."""
    weights: Text | None = None
    """Published weights."""
    family: Text
    """The one family it belongs to, on whose page it is listed."""
    combines: Texts = ()
    """Other families it uses or was combined with."""
    sparsity: Texts = ()
    """Sparsity pattern of the pruned weights."""
    granularity: Texts = ()
    """Granularity: the unit that is pruned, skipped or kept."""
    architectures: Texts = ()
    """Architectures it was evaluated on. They follow from the models; given only if no model can be named."""
    models: Texts = ()
    """Slugs of the models it was evaluated on, as in `data/models`."""
    training: Text | None = None
    """Training that it needs."""
    criterion: Text | None = None
    """Criterion by which it selects what to prune, skip or merge, as a short phrase."""
    topics: Texts = ()
    """Topics that the other fields do not cover."""
    summary: Text
    """One to three sentences of our own."""
    results: tuple[Result, ...] = ()
    """Reported results, one configuration each."""
    builds_on: Texts = ()
    """Slugs of papers it extends or uses."""
    critiques: Texts = ()
    """Slugs of papers whose claims it disputes."""
    superseded_by: Text | None = None
    """Slug of the paper that replaces it."""
    status: Text = "active"
    """State of the work."""
    checked: Text
    """What summary and facts were compared with: the paper, its abstract or other texts."""
    checked_on: Day | None = None
    """Day of that comparison."""
    added: Day
    """Day on which the entry was added."""


class Tool(Record):
    """A library, kernel collection, runtime or model collection."""

    name: Title
    """Name people use."""
    url: Text
    """Home page or documentation."""
    repo: Text | None = None
    """Source repository."""
    licence: Text | None = None
    """SPDX identifier."""
    languages: Texts = ()
    """Programming languages, the main one first."""
    pypi: Text | None = None
    """Name of the package on PyPI."""
    npm: Text | None = None
    """Name of the package on npm."""
    since: When | None = None
    """YYYY or YYYY-MM of the first release."""
    authors: Texts = ()
    """Authors, if they are few."""
    category: Text
    """The one category it belongs to."""
    families: Texts = ()
    """Families it supports."""
    topics: Texts = ()
    """Topics that the other fields do not cover."""
    models: Texts = ()
    """Slugs of the models that it runs or contains, as in `data/models`."""
    status: Text = "active"
    """State of the project."""
    superseded_by: Text | None = None
    """Slug of the tool that replaces it."""
    implements: Texts = ()
    """Slugs of papers whose methods it implements."""
    summary: Text
    """One to three sentences of our own."""
    note: Text | None = None
    """A warning: licence, end of life."""
    added: Day
    """Day on which the entry was added."""


class Article(Record):
    """A tutorial, course, reference page or report."""

    title: Title
    """Title as on the page."""
    url: Text
    """Address of the page."""
    repo: Text | None = None
    """Repository of the material."""
    authors: Texts = ()
    """Authors, if named."""
    publisher: Text | None = None
    """Publisher or site."""
    date: When | None = None
    """YYYY, YYYY-MM or YYYY-MM-DD of publication."""
    category: Text
    """The one category it belongs to."""
    families: Texts = ()
    """Families it covers."""
    topics: Texts = ()
    """Topics that the other fields do not cover."""
    status: Text = "active"
    """State of the page."""
    language: Text = "en"
    """Language code."""
    summary: Text
    """One to three sentences of our own."""
    note: Text | None = None
    """A warning."""
    added: Day
    """Day on which the entry was added."""


class Parameters(Record):
    """Sizes of the parts of a model, in millions of parameters."""

    denoiser: Number | None = None
    """The network that is evaluated at each step. Left out if `counts` is given."""
    text_encoders: Number | None = None
    """All text encoders together."""
    decoder: Number | None = None
    """The network that turns latents into the output: the decoder half of an autoencoder."""
    total: Number | None = None
    """The whole network, for models without these parts."""
    source: Text | None = None
    """Source of the sizes: an address, and the place on that page."""


class Model(Record):
    """A generative model that methods are applied to, or a group of models if a source names no single one."""

    name: Title
    """As its developers write it."""
    aliases: Texts = ()
    """Other spellings that papers, hubs and people use. No other model has the same one."""
    part_of: Text | None = None
    """Slug of the model line it belongs to."""
    unspecific: bool = False
    """Whether it is no single model: a model line, or a kind of model that a source does not name more exactly."""
    output: Text
    """What it generates."""
    architecture: Text | None = None
    """The architecture of its denoiser; of a group, the one that all members share."""
    developer: Text | None = None
    """Company, lab or authors."""
    released: When | None = None
    """YYYY, YYYY-MM or YYYY-MM-DD of the first public weights, or of the paper if there are none."""
    paper: Text | None = None
    """Page of the paper or report that describes it."""
    weights: Text | None = None
    """Page of its published weights."""
    licence: Text | None = None
    """Licence of the weights: an SPDX identifier, or the name that the hub gives."""
    parameters: Parameters | None = None
    """Sizes of its parts."""
    counts: Text | None = None
    """Key in `reference_impls/architectures`, which recomputes the parameters and MACs of its denoiser."""
    resolution: Text | None = None
    """Usual size of the output."""
    steps: Number | None = None
    """Usual number of sampler steps."""
    calls_per_step: Number | None = None
    """Forward passes of the denoiser at each step: 2 with classifier-free guidance, 1 without."""
    diffusers: Texts = ()
    """Classes in the diffusers library: pipeline and denoiser."""
    summary: Text
    """One to three sentences of our own."""
    sources: Texts = ()
    """Pages that were read for these facts."""
    checked_on: Day | None = None
    """Day on which the facts were compared with the sources."""
    added: Day
    """Day on which the entry was added."""


Entry = Paper | Tool | Article | Model
KINDS: Mapping[str, type[Entry]] = {
    "papers": Paper,
    "tools": Tool,
    "articles": Article,
    "models": Model,
}

# Field -> vocabulary, for the models above; `status` and `category` depend on the kind.
VOCABULARIES: Mapping[str, Mapping[str, str]] = {
    "papers": {
        "track": "tracks",
        "family": "families",
        "combines": "families",
        "sparsity": "sparsity",
        "granularity": "granularity",
        "architectures": "architectures",
        "training": "training",
        "topics": "topics",
        "status": "statuses",
        "checked": "checked",
    },
    "tools": {
        "category": "tool_categories",
        "families": "families",
        "topics": "topics",
        "status": "statuses",
    },
    "articles": {
        "category": "article_categories",
        "families": "families",
        "topics": "topics",
        "status": "statuses",
    },
    "models": {
        "output": "outputs",
        "architecture": "architectures",
    },
}


TERM_NAMES: Mapping[str, str] = {
    "families": "family",
    "sparsity": "sparsity pattern",
    "granularity": "granularity",
    "architectures": "architecture",
    "outputs": "output",
    "training": "training",
    "topics": "topic",
    "metrics": "metric",
    "venues": "venue",
    "tracks": "track",
    "statuses": "status",
    "checked": "value of checked",
    "tool_categories": "category",
    "article_categories": "category",
    "scope": "rule",
}
"""Vocabulary -> what one of its terms is called in a message."""


class Term(Record):
    """One word of a closed vocabulary."""

    name: Text
    """How the site writes it."""
    text: Text
    """The sentence that explains it."""
    synonyms: Texts = ()
    """Other words that readers type for it. Spellings that differ in hyphens, case or ending are listed once."""


class Metric(Term):
    """A measure of quality or cost."""

    measures: Literal["quality", "cost"]
    """Quality of the output, or cost."""
    unit: str
    """Unit of `before` and `after`; empty for plain scores."""
    better: Literal["lower", "higher"]
    """Which direction is better."""
    lowest: Number | None = None
    """Smallest value that makes sense; None where there is no bound."""
    highest: Number | None = None
    """Largest value that makes sense; None where there is no bound."""
    relative: bool = False
    """Whether it is relative to the baseline by itself, so that it has no `before`."""
    needs_hardware: bool = False
    """Whether a value depends on the hardware: times, rates, memory."""


class Venue(Term):
    """A conference or journal series."""

    kind: Literal["conference", "journal"]
    """What it is."""
    month: Annotated[int, Field(ge=1, le=12)]
    """Usual month of the conference; 12 for a journal."""


class Dataset(Record):
    """A data set, a set of prompts or a benchmark on which numbers are reported."""

    name: Text
    """As papers write it."""
    aliases: Texts = ()
    """Other spellings; no other data set has the same one."""
    part_of: Text | None = None
    """Slug of the data set it is a part of."""
    unspecific: bool = False
    """Whether split, size or version is not stated."""
    kind: Literal["images", "video", "audio", "text", "prompts", "actions", "motion", "other"]
    """Kind of its items."""
    size: Number | None = None
    """How many items are evaluated, or contained."""
    text: Text
    """The sentence that explains it."""
    url: Text | None = None
    """Its page."""
    source: Text | None = None
    """Page that was read for these facts."""


class Need(Term):
    """The bottleneck: an answer to a question of the page Choose."""

    metrics: Annotated[Texts, Field(min_length=1)]
    """The cost metrics whose numbers answer it, the most telling first."""


class Budget(Term):
    """How much training is possible: an answer to a question of the page Choose."""

    training: Annotated[Texts, Field(min_length=1)]
    """The terms that it allows."""
    unstated: bool = False
    """Whether it allows entries that do not state what training they need."""


class Advice(Record):
    """One family that answers the questions."""

    family: Text
    """Slug of the family."""
    why: Text
    """One sentence."""


class Rules(Record):
    """What the page Choose answers, as in ``data/choose.yaml``."""

    needs: Annotated[dict[str, Need], Field(min_length=1)]
    budgets: Annotated[dict[str, Budget], Field(min_length=1)]
    other_aims: Texts
    """Topics whose entries do not aim at a lower cost, and which are not recommended."""
    rules: dict[str, dict[str, Annotated[tuple[Advice, ...], Field(min_length=1)]]]
    """Need -> budget -> families, the first to try first."""


NO_RULES = Rules.model_construct(needs={}, budgets={}, other_aims=(), rules={})


class GlossaryTerm(Record):
    """A term of the field that is no word of a vocabulary."""

    name: Text
    """As the site writes it."""
    aliases: Texts = ()
    """Other names and abbreviations; each belongs to one term."""
    text: Text
    """One or two sentences of our own."""
    link: Text
    """Address below the home page where the term matters."""
    where: Text
    """Words of that link."""


class GlossaryNote(Record):
    """What the glossary adds to a term of the taxonomy, which has its name and its sentence."""

    aliases: Texts = ()
    """Other names and abbreviations, in addition to the synonyms of the taxonomy."""
    text: Text | None = None
    """One or two sentences that follow the taxonomy's."""
    link: Text | None = None
    """Address below the home page where the term matters."""
    where: Text | None = None
    """Words of that link."""


class Glossary(Record):
    """The terms of the page Glossary that are not in the taxonomy, as in ``data/glossary.yaml``."""

    terms: dict[str, dict[str, GlossaryTerm]]
    """Group -> anchor on the page -> term."""
    notes: dict[str, dict[str, GlossaryNote]]
    """Vocabulary -> word -> what is added."""


NO_GLOSSARY = Glossary(terms={}, notes={})


class TurnedDown(Record):
    """A paper that does not belong in the catalogue, so that it is not proposed again."""

    arxiv: Text | None = None
    """arXiv id, quoted, without version."""
    url: Text | None = None
    """Page of the paper, if it is not on arXiv."""
    title: Title
    """Title as on the paper."""
    rule: Text
    """Term of `scope`: why it does not belong."""
    reason: Text
    """One sentence about this paper."""
    date: Text
    """Day on which that was decided."""


class TurnedDownList(Record):
    """The file ``data/turned-down.yaml``."""

    papers: tuple[TurnedDown, ...]
    """By id, then by address."""


class Taxonomy(Record):
    """The closed vocabularies, as in ``data/taxonomy.yaml``."""

    families: dict[str, Term]
    sparsity: dict[str, Term]
    granularity: dict[str, Term]
    architectures: dict[str, Term]
    outputs: dict[str, Term]
    training: dict[str, Term]
    topics: dict[str, Term]
    metrics: dict[str, Metric]
    venues: dict[str, Venue]
    tracks: dict[str, Term]
    statuses: dict[str, Term]
    checked: dict[str, Term]
    tool_categories: dict[str, Term]
    article_categories: dict[str, Term]
    scope: dict[str, Term]
    """Why a paper does not belong in the catalogue; used by `data/turned-down.yaml`, not by entries."""

    def vocabulary(self, name: str) -> Mapping[str, Term]:
        """Terms of one vocabulary.

        Raises:
            KeyError: there is no vocabulary of that name.
        """
        if name not in type(self).model_fields:
            raise KeyError(name)
        terms: Mapping[str, Term] = getattr(self, name)
        return terms


class ArxivRecord(Record):
    """What arXiv says about one paper. Written only by ``enrich`` and ``add``."""

    id: Text
    """arXiv id without version."""
    version: int | None = None
    """Newest version seen."""
    title: Text
    """Title, white space collapsed."""
    authors: Texts
    """Authors in order."""
    published: Text | None = None
    """YYYY-MM-DD of the first version."""
    updated: Text | None = None
    """YYYY-MM-DD of this version."""
    primary_category: Text | None = None
    """Such as cs.CV."""
    categories: Texts = ()
    """All categories."""
    doi: Text | None = None
    """DOI that the authors gave."""
    journal_ref: Text | None = None
    """Journal reference that the authors gave."""
    comment: Text | None = None
    """The authors' comment."""
    withdrawn: Text | None = None
    """What says that the paper is withdrawn: its comment, the text in place of its abstract, or its title."""
    former_titles: Texts = ()
    """Titles of earlier records, oldest first: an entry may still have one of them."""
    source: Literal["arxiv-api", "mirror"]
    """Where the record came from; the API is the better one."""
    fetched_at: Text
    """YYYY-MM-DD on which this content was first fetched."""


Kind = Literal["papers", "tools", "articles", "models"]


class DigestEntry(Record):
    """An entry as a digest names it, with the title of that time."""

    kind: Kind
    """Kind of the entry."""
    slug: Text
    """File name of the entry without its ending."""
    title: Text
    """Title or name at the end of the month."""
    family: Text | None = None
    """Family of a paper."""


class DigestFact(Record):
    """One field of an entry that changed in a month."""

    field: Text
    """Field of the entry; `slug` for a renamed one."""
    was: Texts = ()
    """Value at the start of the month, or removed items of a list; for results the number of configurations."""
    now: Texts = ()
    """Value at the end of the month, or added items; both are empty for a text that was reworded."""


class DigestChange(DigestEntry):
    """An entry that was there before the month and changed in it."""

    facts: Annotated[tuple[DigestFact, ...], Field(min_length=1)]
    """Its changes, in the order of the fields."""


class Digest(Record):
    """What happened to the entries in one month. Written only by `digest`, from two states of the repository."""

    month: Text
    """YYYY-MM."""
    commit: Text
    """Last commit of the month."""
    before: Mapping[str, int]
    """Kind of entry -> number of entries at the start of the month."""
    after: Mapping[str, int]
    """Kind of entry -> number of entries at the end of the month."""
    added: tuple[DigestEntry, ...] = ()
    """New entries, by kind and slug."""
    changed: tuple[DigestChange, ...] = ()
    """Changed entries, by kind and slug."""
    removed: tuple[DigestEntry, ...] = ()
    """Removed entries, by kind and slug."""


def month_of_arxiv_id(arxiv_id: str) -> str:
    """YYYY-MM in which the first version of a paper was announced, from its id.

    Raises:
        ValueError: the id has neither the new nor the old form.
    """
    match = ARXIV_NEW.fullmatch(arxiv_id) or ARXIV_OLD.fullmatch(arxiv_id)
    if match is None:
        raise ValueError(f"{arxiv_id!r} is not an arXiv id")
    century = "19" if "/" in arxiv_id and int(match["yy"]) > 90 else "20"
    return f"{century}{match['yy']}-{match['mm']}"


def order_of_id(arxiv_id: str | None, address: str | None = None) -> tuple[str, str, str]:
    """Key that sorts papers by the month of their id, then by the id; those without one come last, by address."""
    if arxiv_id is None:
        return "~", "", address or ""
    try:
        return month_of_arxiv_id(arxiv_id), arxiv_id, ""
    except ValueError:
        return "~", arxiv_id, ""


E = TypeVar("E", bound=Entry)


@dataclass(frozen=True, slots=True, eq=False)
class Filed(Generic[E]):
    """An entry with its name and its file. Compared by identity, so that a cache need not hash the whole entry."""

    slug: str
    path: str
    """File, relative to the repository."""
    entry: E
    record: ArxivRecord | None = None
    """What arXiv says, for papers that have a record."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything, checked, in the order of the slugs."""

    taxonomy: Taxonomy
    papers: Mapping[str, Filed[Paper]]
    tools: Mapping[str, Filed[Tool]]
    articles: Mapping[str, Filed[Article]]
    models: Mapping[str, Filed[Model]]
    datasets: Mapping[str, Dataset]
    rules: Rules = NO_RULES
    """What the page Choose answers; nothing in a catalogue that was not read from files."""
    glossary: Glossary = NO_GLOSSARY
    """Terms of the page Glossary other than those of the taxonomy; none in a catalogue that was not read from files."""
    turned_down: tuple[TurnedDown, ...] = ()
    """Papers that do not belong, by id; none in a catalogue that was not read from files."""
    digests: tuple[Digest, ...] = ()
    """Finished months, oldest first."""
