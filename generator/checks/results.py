"""A reported number is complete: metric, unit, setting, place, and hardware for what depends on it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.entries.model import NUMBER
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E231",
        "A ratio or a reduction has no value before it.",
        "results:\n  - {model: M, metric: speed-up, before: 1, after: 2, setting: s, where: abstract}",
        "results:\n  - {model: M, metric: speed-up, after: 2, setting: s, where: abstract}",
    ),
    Code(
        "E232",
        "A share lies between 0 and 100 %, a ratio and a quantity above 0.",
        "results:\n  - {model: M, metric: parameter-reduction, after: 130, setting: s, where: abstract}",
        "results:\n  - {model: M, metric: parameter-reduction, after: 30, setting: s, where: abstract}",
    ),
    Code(
        "E233",
        "A time or rate names its hardware.",
        "results:\n  - {model: M, metric: latency, after: 2, setting: s, where: Table 1}",
        "results:\n  - {model: M, metric: latency, after: 2, setting: s, hardware: A100, where: Table 1}",
        severity="note",
    ),
    Code(
        "E234",
        "A result stands once.",
        "results:\n"
        "  - {model: M, metric: fid, after: 2, setting: s, where: abstract}\n"
        "  - {model: M, metric: fid, after: 2, setting: s, where: Table 1}",
        "results:\n  - {model: M, metric: fid, after: 2, setting: s, where: Table 1}",
    ),
)

NEEDS_HARDWARE = {"latency", "throughput", "frame-rate"}
_NEVER_NEGATIVE = {"dB", "M", "G", "T", "MB", "GB", "s", "/s", "frames/s", "×", "GPU hours"}


def is_relative(metric: str, unit: str) -> bool:
    """Whether a metric is itself a comparison with the unchanged model."""
    return unit == "×" or metric.endswith(("-reduction", "-drop"))


def check(draft: Draft, context: Context) -> Iterator[Problem]:
    """Problems of each result."""
    if draft.kind != "papers":
        return
    results = draft.data.get("results")
    seen: set[tuple[str, ...]] = set()
    for index, result in enumerate(results if isinstance(results, list) else ()):
        if not isinstance(result, dict):
            continue
        steps = ("results", index)
        name = result.get("metric")
        metric = context.taxonomy.metrics.get(name) if isinstance(name, str) else None
        identity = tuple(
            str(result.get(key)) for key in ("model", "dataset", "metric", "setting", "before", "after", "reported_by")
        )
        if identity in seen:
            yield draft.problem(
                "E234", steps, f"the same {name} of {result.get('model')} stands here twice", "keep one"
            )
        seen.add(identity)
        if metric is None or not isinstance(name, str):
            continue
        if is_relative(name, metric.unit) and "before" in result:
            message = f"{name} compares with the unchanged model and has before: {result['before']}"
            yield draft.problem("E231", (*steps, "before"), message, "leave before out", key=True)
        for key in ("before", "after"):
            yield from _range(draft, (*steps, key), result.get(key), metric.unit, name)
        if name in NEEDS_HARDWARE and "hardware" not in result:
            fix = "hardware: the device, as the source names it"
            yield draft.problem("E233", steps, f"{name} without hardware", fix, severity="note")


def _range(draft: Draft, steps: tuple[str | int, ...], value: object, unit: str, name: str) -> Iterator[Problem]:
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        return  # `shape` says so
    number = float(value)
    if not math.isfinite(number):
        yield draft.problem("E232", steps, f"{name} has {len(value)} digits", "the number as the source states it")
    elif unit == "%" and not 0 <= number <= 100:
        yield draft.problem("E232", steps, f"{name} of {value} %", "a share is between 0 and 100")
    elif unit in _NEVER_NEGATIVE and number <= 0:
        yield draft.problem("E232", steps, f"{name} of {value} {unit}", "a value above 0")
