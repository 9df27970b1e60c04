"""Relations point to existing entries and form no cycle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from generator.checks.draft import Context, Draft, items_of
from generator.checks.model_names import folded
from generator.entries.load_yaml import Steps
from generator.entries.problem import Code, Problem
from reference_impls.near_names import alike

CODES = (
    Code(
        "E510",
        "A relation names the slug of another entry that exists.",
        "builds_on: [no-such-paper]",
        "topics: [depth]",
    ),
    Code(
        "E513",
        "A model is the slug of a file in data/models, a data set a slug of data/datasets.yaml.",
        "models: [no-such-model]",
        "topics: [depth]",
    ),
    Code(
        "E511",
        "`builds_on`, `superseded_by` and `part_of` form no cycle.",
        wrong="a builds on b, and b builds on a",
        right="only the later one builds on the earlier",
    ),
    Code(
        "E512",
        "`status: superseded` and `superseded_by` occur together.",
        "status: superseded",
        "status: active",
    ),
)

_PAPER_RELATIONS = ("builds_on", "critiques", "superseded_by")


def check_all(drafts: Sequence[Draft], context: Context) -> Iterator[Problem]:
    """Targets, then the status that belongs to a successor, then cycles."""
    slugs = {kind: {draft.slug for draft in drafts if draft.kind == kind} for kind in ("papers", "tools")}
    yield from _models_and_datasets(drafts, context)
    for draft in drafts:
        for target_kind, steps, target in _targets(draft):
            if not target:
                continue  # `shape` reports it
            if target == draft.slug and target_kind == draft.kind:
                yield draft.problem("E510", steps, f"{target!r} is this entry itself", "delete it")
            elif target not in slugs[target_kind]:
                near = alike(target, sorted(slugs[target_kind]), limit=3)
                add = f"add data/{target_kind}/{'<year>/' if target_kind == 'papers' else ''}{target}.yaml"
                fix = f"did you mean {', '.join(near)}? Otherwise {add}" if near else f"{add} first"
                yield draft.problem("E510", steps, f"unknown {target_kind[:-1]} {target!r}", fix)
        superseded = draft.text("status") == "superseded"
        if superseded and not draft.text("superseded_by"):
            yield draft.problem(
                "E512",
                ("status",),
                "status superseded without superseded_by",
                "add superseded_by: slug of the replacement",
            )
        elif draft.text("superseded_by") and not superseded:
            yield draft.problem(
                "E512",
                ("superseded_by",),
                "superseded_by without status superseded",
                "write status: superseded",
                key=True,
            )
    for relation in ("builds_on", "superseded_by", "part_of"):
        yield from _cycles(drafts, relation)


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
    """Models and data sets without an entry."""
    models = {draft.slug: draft for draft in drafts if draft.kind == "models"}
    spelled = {folded(name): slug for slug, draft in models.items() for name in _names(draft)}
    datasets = {folded(name): slug for slug, one in context.datasets.items() for name in (one.name, *one.aliases)}
    for draft in drafts:
        for steps, slug in _named_models(draft):
            if slug and slug not in models:
                known = spelled.get(folded(slug))
                near = [known] if known else alike(slug, sorted(models), limit=3)
                start = f'run make add MODEL="{slug}" for a new one'
                fix = f"did you mean {', '.join(near)}? Otherwise {start}" if near else start
                yield draft.problem("E513", steps, f"unknown model {slug!r}", fix)
            elif slug == draft.slug and draft.kind == "models":
                yield draft.problem("E513", steps, f"{slug!r} is this model itself", "delete it")
        for steps, result in draft.results():
            for place, slug in items_of((*steps, "dataset"), result.get("dataset")):
                if slug and slug not in context.datasets:
                    known = datasets.get(folded(slug))
                    near = [known] if known else alike(slug, sorted(context.datasets), limit=3)
                    add = "add it to data/datasets.yaml"
                    fix = f"did you mean {', '.join(near)}? Otherwise {add}" if near else add
                    yield draft.problem("E513", place, f"unknown data set {slug!r}", fix)
    for slug, dataset in context.datasets.items():
        if dataset.part_of is not None and (dataset.part_of == slug or dataset.part_of not in context.datasets):
            document = context.datasets_document
            here = document.place((slug, "part_of"))
            message = f"{slug} is part of {dataset.part_of!r}, which is not another data set"
            fix = "write the slug of another data set, or delete the line"
            yield Problem(document.path, here.line, here.column, "E513", message, fix)


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


def _cycles(drafts: Sequence[Draft], relation: str) -> Iterator[Problem]:
    """Peels off entries without open targets (Kahn 1962); the remaining ones are on a cycle or lead to one."""
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
            cycle = _walk(slug, stuck, seen)
            if cycle:
                path = " → ".join([*cycle, cycle[0]])
                fix = "an earlier paper cannot build on a later one; delete one of the links"
                message = f"{relation} forms a cycle: {path}"
                yield by_slug[cycle[0]].problem("E511", (relation,), message, fix)


def _walk(slug: str, targets: Mapping[str, set[str]], seen: set[str]) -> list[str]:
    """The cycle that following the first target of each entry runs into, rotated to its first slug.

    Empty if the path ends, or joins one that was followed before.
    """
    trail: list[str] = []
    while slug in targets and slug not in seen:
        trail.append(slug)
        seen.add(slug)
        slug = min((target for target in targets[slug] if target in targets), default="")
    if slug not in trail:
        return []
    cycle = trail[trail.index(slug) :]
    start = cycle.index(min(cycle))
    return cycle[start:] + cycle[:start]
