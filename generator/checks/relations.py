"""Relations point at entries that exist and never run in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from generator.checks.draft import Context, Draft
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


def check_all(drafts: Sequence[Draft], _context: Context) -> Iterator[Problem]:
    """Targets, then circles, then the state that goes with a successor."""
    slugs = {kind: {draft.slug for draft in drafts if draft.kind == kind} for kind in ("papers", "tools")}
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
    for relation in ("builds_on", "superseded_by"):
        yield from _circles(drafts, relation)


def _targets(draft: Draft) -> Iterator[tuple[str, Steps, str]]:
    if draft.kind == "papers":
        for key in _PAPER_RELATIONS:
            for steps, target in draft.items(key):
                yield "papers", steps, target
        results = draft.data.get("results")
        for index, result in enumerate(results if isinstance(results, list) else ()):
            if isinstance(result, dict) and isinstance(result.get("reported_by"), str):
                yield "papers", ("results", index, "reported_by"), result["reported_by"]
    elif draft.kind == "tools":
        for steps, target in draft.items("implements"):
            yield "papers", steps, target
        for steps, target in draft.items("superseded_by"):
            yield "tools", steps, target


def _circles(drafts: Sequence[Draft], relation: str) -> Iterator[Problem]:
    """Peels off entries without open targets (Kahn 1962); what is left stands on a circle or behind one."""
    for kind in ("papers", "tools"):
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
