"""Fields are known, present where required, and of the right type: text, list, number, mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ValidationError

from generator.checks.draft import Context, Draft
from generator.entries.load_yaml import Steps
from generator.entries.model import KINDS, QUALIFIERS, VOCABULARIES, Parameters, Record, Result
from generator.entries.problem import Code, Problem
from reference_impls.near_names import alike

CODES = (
    Code("E210", "Required fields are present.", "checked:", "checked: abstract"),
    Code("E211", "Every key is a known field.", "titel: Prune Well", "title: Prune Well"),
    Code("E212", "A value has the type of its field.", "topics: one-shot", "topics: [one-shot]"),
    Code("E213", "No empty fields.", 'short: ""', "short: PW"),
)

_ONE_OF_THREE = "url, authors and date"
WRITTEN_OUT = 20
"""Length up to which a message lists the allowed words."""


def suggestion(word: str, known: Collection[str], where: str = "", *, after: str = "") -> str:
    """The fix for a word that is not in a closed list: the nearest words, where the list is, and a short list itself.

    Args:
        word: as the file has it.
        known: the allowed words.
        where: what lists them all, with their meanings; without it, they are written out.
        after: follows the nearest words.
    """
    near = alike(word, list(known), limit=3)
    meant = f"did you mean {', '.join(near)}{after}? " if near else ""
    if where and len(known) > WRITTEN_OUT:
        return f"{meant}{where} lists all" if near else f"use one that {where} lists{after}"
    listed = f"{', '.join(known)}{f' ({where})' if where else ''}"
    return f"{meant}Allowed: {listed}" if near else f"use one of {listed}{after}"


def check(draft: Draft, context: Context) -> Iterator[Problem]:
    """Problems of the structure, field by field."""
    model = KINDS[draft.kind]
    empty = {steps for steps, value in _parts(draft.data) if value in ("", [], {})}
    for steps in sorted(empty, key=str):
        if draft.unread and steps == ("summary",):
            continue
        required = (
            len(steps) == 1 and steps[0] in model.model_fields and model.model_fields[str(steps[0])].is_required()
        )
        name = _name(steps)
        if required:
            yield draft.problem("E210", steps, f"{name} is required and empty", _wanted(draft, steps, context))
        else:
            yield draft.problem("E213", steps, f"{name} is empty", "fill it in, or delete the line", key=True)
    if draft.kind == "papers" and "arxiv" not in draft.data:
        for key in ("url", "authors", "date"):
            if key not in draft.data:
                message = f"{key} is missing; a paper without arxiv needs {_ONE_OF_THREE}"
                yield draft.problem("E210", (), message, f"add arxiv, or {_ONE_OF_THREE}")
    try:
        model.model_validate(draft.data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            steps = tuple(detail["loc"])
            if steps not in empty:
                yield _problem(draft, steps, detail["type"], detail["input"], context)


def _parts(data: Any) -> Iterator[tuple[Steps, Any]]:
    waiting: list[tuple[Steps, Any]] = [((), data)]
    while waiting:
        steps, value = waiting.pop()
        if steps:
            yield steps, value
        if isinstance(value, dict):
            waiting.extend(((*steps, key), part) for key, part in value.items())
        elif isinstance(value, list):
            waiting.extend(((*steps, index), part) for index, part in enumerate(value))


def _name(steps: Steps) -> str:
    """``results[2].metric`` for ("results", 1, "metric"): people count from 1."""
    name = ""
    for step in steps:
        name += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if name else step
    return name


def _wanted(draft: Draft, steps: Steps, context: Context) -> str:
    key = str(steps[-1])
    vocabulary = VOCABULARIES[draft.kind].get(key) if len(steps) == 1 else None
    if vocabulary:
        words = context.taxonomy.vocabulary(vocabulary)
        return f"write {key}: one of {', '.join(words)} (`{vocabulary}` in data/taxonomy.yaml)"
    described = _record(draft, steps).model_fields[key].description or key
    return f"write {key}: … ({described.rstrip('.')})"


def _record(draft: Draft, steps: Steps) -> type[Record]:
    """The record whose field the last step is."""
    if steps[0] == "results" and len(steps) > 2:
        return Result
    return Parameters if steps[0] == "parameters" and len(steps) > 1 else KINDS[draft.kind]


def _problem(draft: Draft, steps: Steps, kind: str, value: Any, context: Context) -> Problem:
    name = _name(steps)
    if kind == "missing":
        return draft.problem("E210", steps, f"{name} is required and missing", _wanted(draft, steps, context))
    if kind == "extra_forbidden":
        known = list(_record(draft, steps).model_fields)
        near = alike(str(steps[-1]), known)
        fix = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
        return draft.problem("E211", steps, f"unknown key {name!r}", fix, key=True)
    if kind in ("tuple_type", "list_type"):
        return draft.problem(
            "E212", steps, f"{name} is {_type_of(value)}, not a list", f"write {steps[-1]}: [{_inline(value)}]"
        )
    if kind == "string_type":
        return draft.problem("E212", steps, f"{name} is {_type_of(value)}, not text", f"write one text as {name}")
    if kind == "number":
        message = f"{name} is {_type_of(value)}, not a number"
        return draft.problem("E212", steps, message, "write a decimal number, such as 3.4")
    if kind == "model_type":
        wanted = (
            "write {denoiser: …, source: …}"
            if steps[0] == "parameters"
            else "write {model: …, setting: …, where: …, after: …}"
        )
        return draft.problem("E212", steps, f"{name} is {_type_of(value)}, not a mapping", wanted)
    if kind == "dict_type":
        fix = f"write {steps[-1]}: {{metric: value}}, such as {{fid: 3.4, speed-up: up to 2}}"
        return draft.problem("E212", steps, f"{name} is {_type_of(value)}, not a mapping", fix)
    if kind == "value":
        fix = f"write a number in the unit of the metric, such as 3.4, alone or after {', '.join(QUALIFIERS)}"
        return draft.problem("E212", steps, f"{name} is {_type_of(value)}, not a number", fix)
    if kind == "bool_parsing":
        return draft.problem("E212", steps, f"{name} is {_type_of(value)}", "write true, or delete the line")
    return draft.problem(
        "E212", steps, f"{name} is {_type_of(value)}, which has the wrong type", "see data/TEMPLATE.yaml"
    )


def _type_of(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    return "a list" if isinstance(value, list) else "a mapping"


def _inline(value: Any) -> str:
    return value if isinstance(value, str) else "…"
