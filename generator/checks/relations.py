"""Relations point at entries that exist and never run in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from generator.checks.draft import Context, Draft, items_of
from generator.checks.model_names import folded
from generator.checks.shape import nearest
from generator.entries.load_yaml import Steps
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E510",
        "A relation names the slug of an entry that exists, and not its own.",
        "builds_on: [no-such-paper]",
        "topics: [depth]",
    ),
    Code(
        "E513",
        "A model is the slug of a file in data/models, a data set one of data/datasets.yaml.",
        "models: [no-such-model]",
        "topics: [depth]",
    ),
    Code(
        "E511",
        "Following builds_on, or superseded_by, never comes back to the start.",
        wrong="a builds on b, and b builds on a",
        right="only the later one builds on the earlier",
    ),
    Code(
        "E512",
        "A superseded entry names what replaces it, and only such an entry does.",
        "status: superseded",
        "status: active",
    ),
)

_PAPER_RELATIONS = ("builds_on", "critiques", "superseded_by")


def check_all(drafts: Sequence[Draft], context: Context) -> Iterator[Problem]:
    """Targets, then circles, then the state that goes with a successor."""
    slugs = {kind: {draft.slug for draft in drafts if draft.kind == kind} for kind in ("papers", "tools")}
    yield from _models_and_datasets(drafts, context)
    for draft in drafts:
        for target_kind, steps, target in _targets(draft):
            if not target:
                continue  # `shape` says so
            if target == draft.slug and target_kind == draft.kind:
                yield draft.problem("E510", steps, f"{target!r} is this entry itself", "delete it")
            elif target not in slugs[target_kind]:
                near = nearest(target, sorted(slugs[target_kind]), limit=3)
                fix = f"did you mean {', '.join(near)}?" if near else f"add data/{target_kind}/…/{target}.yaml first"
                yield draft.problem("E510", steps, f"there is no {target_kind[:-1]} {target!r}", fix)
        superseded = draft.text("status") == "superseded"
        if superseded and not draft.text("superseded_by"):
            yield draft.problem(
                "E512",
                ("status",),
                "status superseded without superseded_by",
                "superseded_by: slug of what replaces it",
            )
        elif draft.text("superseded_by") and not superseded:
            yield draft.problem(
                "E512",
                ("superseded_by",),
                "superseded_by with another status",
                "status: superseded",
                key=True,
            )
    for relation in ("builds_on", "superseded_by", "part_of"):
        yield from _circles(drafts, relation)


def _targets(draft: Draft) -> Iterator[tuple[str, Steps, str]]:
    if draft.kind == "papers":
        for key in _PAPER_RELATIONS:
            for steps, target in draft.items(key):
                yield "papers", steps, target
        for steps, result in draft.results():
            if isinstance(result.get("reported_by"), str):
                yield "papers", (*steps, "reported_by"), result["reported_by"]
    elif draft.kind == "tools":
        for steps, target in draft.items("implements"):
            yield "papers", steps, target
        for steps, target in draft.items("superseded_by"):
            yield "tools", steps, target


def _models_and_datasets(drafts: Sequence[Draft], context: Context) -> Iterator[Problem]:
    """Models and data sets that nobody has described."""
    models = {draft.slug: draft for draft in drafts if draft.kind == "models"}
    spelled = {folded(name): slug for slug, draft in models.items() for name in _names(draft)}
    datasets = {folded(name): slug for slug, one in context.datasets.items() for name in (one.name, *one.aliases)}
    for draft in drafts:
        for steps, slug in _named_models(draft):
            if slug and slug not in models:
                known = spelled.get(folded(slug))
                near = [known] if known else nearest(slug, sorted(models), limit=3)
                start = f'python -m generator add --model "{slug}" starts the entry of a new model'
                fix = f"did you mean {', '.join(near)}? {start}" if near else start
                yield draft.problem("E513", steps, f"there is no model {slug!r} in data/models", fix)
            elif slug == draft.slug and draft.kind == "models":
                yield draft.problem("E513", steps, f"{slug!r} is this model itself", "delete it")
        for steps, result in draft.results():
            for place, slug in items_of((*steps, "dataset"), result.get("dataset")):
                if slug and slug not in context.datasets:
                    known = datasets.get(folded(slug))
                    near = [known] if known else nearest(slug, sorted(context.datasets), limit=3)
                    add = "add it to data/datasets.yaml"
                    fix = f"did you mean {', '.join(near)}? else {add}" if near else add
                    yield draft.problem("E513", place, f"there is no data set {slug!r} in data/datasets.yaml", fix)
    for slug, dataset in context.datasets.items():
        if dataset.part_of is not None and (dataset.part_of == slug or dataset.part_of not in context.datasets):
            document = context.datasets_document
            here = document.place((slug, "part_of"))
            message = f"{slug} is part of {dataset.part_of!r}, which is no other data set"
            yield Problem(document.path, here.line, here.column, "E513", message, "the slug of another data set")


def _names(draft: Draft) -> Iterator[str]:
    for key in ("name", "aliases"):
        yield from (name for _, name in draft.items(key))


def _named_models(draft: Draft) -> Iterator[tuple[Steps, str]]:
    """Every model that an entry names."""
    if draft.kind in ("papers", "tools"):
        yield from draft.items("models")
    elif draft.kind == "models":
        yield from draft.items("part_of")
    for steps, result in draft.results():
        yield from items_of((*steps, "model"), result.get("model"))


def _circles(drafts: Sequence[Draft], relation: str) -> Iterator[Problem]:
    """Peels off entries without open targets (Kahn 1962); what is left stands on a circle or behind one."""
    for kind in ("papers", "tools", "models"):
        by_slug = {draft.slug: draft for draft in drafts if draft.kind == kind}
        open_targets = {
            slug: {target for _, target in draft.items(relation) if target in by_slug and target != slug}
            for slug, draft in by_slug.items()
        }
        sources: dict[str, list[str]] = {slug: [] for slug in by_slug}
        for slug, targets in open_targets.items():
            for target in targets:
                sources[target].append(slug)
        free = [slug for slug, targets in open_targets.items() if not targets]
        while free:
            done = free.pop()
            for source in sources[done]:
                open_targets[source].discard(done)
                if not open_targets[source]:
                    free.append(source)
        stuck = {slug: targets for slug, targets in open_targets.items() if targets}
        seen: set[str] = set()
        for slug in sorted(stuck):
            circle = _walk(slug, stuck, seen)
            if circle:
                path = " → ".join([*circle, circle[0]])
                fix = "an earlier paper cannot build on a later one; delete one of the links"
                message = f"{relation} runs in a circle: {path}"
                yield by_slug[circle[0]].problem("E511", (relation,), message, fix)


def _walk(slug: str, targets: Mapping[str, set[str]], seen: set[str]) -> list[str]:
    """The circle that following the first target of each entry runs into, turned to its first slug.

    Empty where the way ends, or joins one that was walked before.
    """
    trail: list[str] = []
    while slug in targets and slug not in seen:
        trail.append(slug)
        seen.add(slug)
        slug = min((target for target in targets[slug] if target in targets), default="")
    if slug not in trail:
        return []
    circle = trail[trail.index(slug) :]
    start = circle.index(min(circle))
    return circle[start:] + circle[:start]
