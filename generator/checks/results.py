"""A configuration has model, setting, place, and hardware where its numbers depend on it; the numbers are plausible."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from generator.checks.draft import Context, Draft
from generator.entries.load_yaml import Steps
from generator.entries.model import NOT_STATED, VALUE, Metric
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E231",
        "A ratio or a reduction has no `before`.",
        "results:\n  - {model: m, setting: s, where: abstract, before: {compression: 1}, after: {compression: 2}}",
        "results:\n  - {model: m, setting: s, where: abstract, after: {compression: 2}}",
    ),
    Code(
        "E232",
        "A percentage is from 0 to 100, a quantity above 0, a score within the bounds of its metric.",
        "results:\n  - {model: m, setting: s, where: abstract, after: {parameter-reduction: 130}}",
        "results:\n  - {model: m, setting: s, where: abstract, after: {parameter-reduction: 30}}",
    ),
    Code(
        "E233",
        "A time, rate or memory names its hardware; `not stated` if the source does not.",
        "results:\n  - {model: m, setting: s, where: Table 1, after: {latency: 2}}",
        "results:\n  - {model: m, setting: s, hardware: NVIDIA A100, where: Table 1, after: {latency: 2}}",
    ),
    Code(
        "E234",
        "Each configuration occurs once, with all its numbers.",
        "results:\n"
        "  - {model: m, setting: s, where: Table 1, after: {fid: 2}}\n"
        "  - {model: m, setting: s, where: Table 1, after: {clip-score: 0.3}}",
        "results:\n  - {model: m, setting: s, where: Table 1, after: {fid: 2, clip-score: 0.3}}",
    ),
    Code(
        "E235",
        "`where` is a place in the source: abstract, Table 1, Figure 2, Section 3, Appendix A, README and so on.",
        "results:\n  - {model: m, setting: s, where: main results, after: {fid: 2}}",
        "results:\n  - {model: m, setting: s, where: Table 1, after: {fid: 2}}",
    ),
    Code(
        "E236",
        "A place in another paper is given by `reported_by`, not by words in `where`.",
        wrong="where: Table 1 of DeepCache",
        right="where: Table 1, and reported_by: deepcache",
    ),
    Code(
        "E237",
        "Baseline and method are reported in the same metrics: each metric of `before` is in `after`.",
        "results:\n  - {model: m, setting: s, where: Table 1, before: {fid: 2}, after: {clip-score: 0.3}}",
        "results:\n  - {model: m, setting: s, where: Table 1, before: {fid: 2}, after: {fid: 3}}",
    ),
    Code(
        "E238",
        "A cost that grows, or a saving of 0%, needs a check against the source.",
        "results:\n  - {model: m, setting: s, where: Table 1, before: {parameters: 20}, after: {parameters: 30}}",
        "results:\n  - {model: m, setting: s, where: Table 1, before: {parameters: 30}, after: {parameters: 20}}",
        severity="note",
    ),
    Code(
        "E239",
        "A setting says what was done, not whose baseline it is or in which table it stands.",
        "results:\n  - {model: m, setting: baseline in a comparison, where: Table 1, after: {fid: 2}}",
        'results:\n  - {model: m, setting: "50% of the channels, 50 steps", where: Table 1, after: {fid: 2}}',
    ),
)

_NEVER_NEGATIVE = {"dB", "M", "G", "T", "MB", "GB", "s", "/s", "frames/s", "×", "GPU hours"}
_SIZES = {"parameters", "macs", "flops", "model-size"}
_NUMBERED = r"(?:Table|Figure|Section|Appendix|Algorithm|Equation) [A-Z]?[0-9]*(?:\.[0-9]+)*[a-z]?"
PLACES = (
    *("README", "documentation", "model card", "project page", "paper page", "blog post", "release notes"),
    *("poster", "slides", "talk", NOT_STATED),
)
"""Places other than the abstract and the numbered parts of a paper."""
_PLACE = re.compile(
    r"abstract(?: of (?:version [0-9]+|an earlier version|a later version))?"
    rf"|{_NUMBERED}(?:(?:, | and |–){_NUMBERED})*"
    rf"|(?:{'|'.join(PLACES)})(?:, [\w .-]+)?"
)
_SAYS_NOTHING = re.compile(
    r"\b(?:baseline in (?:a|the) comparison|(?:main|comparison|ablation|results?) table|comparison of methods)\b",
    re.IGNORECASE,
)
_OTHER_PAPER = re.compile(r"(.+) of (?!version|an earlier|a later)(\S.*)")


def check(draft: Draft, context: Context) -> Iterator[Problem]:
    """Problems of each configuration, then of the numbers in it."""
    seen: dict[tuple[str, ...], int] = {}
    for number, (steps, result) in enumerate(draft.results(), start=1):
        keys = ("model", "dataset", "setting", "hardware", "where", "reported_by", "via")
        identity = tuple(str(result.get(key)) for key in keys)
        if (first := seen.setdefault(identity, number)) != number:
            message = f"duplicate of the configuration of results[{first}]"
            yield draft.problem("E234", steps, message, "put all its numbers into one result")
        yield from _place(draft, steps, result)
        setting = result.get("setting")
        if isinstance(setting, str) and (found := _SAYS_NOTHING.search(setting)):
            message = f"{found[0]!r} in the setting"
            fix = "write what was done: amount pruned, training, sampler, steps, resolution"
            yield draft.problem("E239", (*steps, "setting"), message, fix)
        yield from _numbers(draft, context, steps, result)


def _place(draft: Draft, steps: Steps, result: Mapping[str, Any]) -> Iterator[Problem]:
    where = result.get("where")
    if not isinstance(where, str) or not where or _PLACE.fullmatch(where):
        return
    other = _OTHER_PAPER.fullmatch(where)
    if other is not None and _PLACE.fullmatch(other[1]):
        fix = f"write where: {other[1]}, and reported_by: slug of {other[2]}"
        yield draft.problem("E236", (*steps, "where"), f"{where!r} names another paper", fix)
    else:
        fix = f"write abstract, Table 1, Figure 2, Section 3, Appendix A, {', '.join(PLACES)}"
        yield draft.problem("E235", (*steps, "where"), f"{where!r} is not a place in a source", fix)


def _numbers(draft: Draft, context: Context, steps: Steps, result: Mapping[str, Any]) -> Iterator[Problem]:
    before, after = (_mapping(result.get(key)) for key in ("before", "after"))
    metrics = context.taxonomy.metrics
    if after and (lacking := [name for name in before if name not in after]):
        message = f"{lacking[0]} is in before, but not in after"
        fix = f"add {lacking[0]} to after, or delete it from before"
        yield draft.problem("E237", (*steps, "before", lacking[0]), message, fix, key=True)
    for key, values in (("before", before), ("after", after)):
        for name, value in values.items():
            if (metric := metrics.get(name)) is None:
                continue  # `terms` reports it
            if key == "before" and metric.relative:
                message = f"{name} is relative to the baseline, but before gives {value}"
                yield draft.problem("E231", (*steps, key, name), message, "delete it from before", key=True)
            yield from _range(draft, (*steps, key, name), value, name, metric)
    timed = [name for name in after if (metric := metrics.get(name)) is not None and metric.needs_hardware]
    if timed and "hardware" not in result:
        fix = f"add hardware: the device, as the source names it, or {NOT_STATED}"
        yield draft.problem("E233", steps, f"{', '.join(timed)} without hardware", fix)
    for name in _SIZES & set(before) & set(after):
        was, now = _number(before[name]), _number(after[name])
        if was is not None and now is not None and now > was:
            message = f"{name} grows from {was:g} to {now:g}"
            yield draft.problem("E238", (*steps, "after", name), message, "compare with the source", severity="note")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    match = VALUE.fullmatch(value) if isinstance(value, str) else None
    return float(match[2]) if match else None


def _range(draft: Draft, steps: Steps, value: object, name: str, metric: Metric) -> Iterator[Problem]:
    number = _number(value)
    if number is None:
        return  # `shape` reports it
    unit = metric.unit
    if not math.isfinite(number):
        yield draft.problem(
            "E232", steps, f"{name} has {len(str(value))} digits", "write the number as the source states it"
        )
    elif unit == "%" and not 0 <= number <= 100:
        yield draft.problem("E232", steps, f"{name} of {value}%", "write a percentage from 0 to 100")
    elif unit in _NEVER_NEGATIVE and number <= 0:
        yield draft.problem("E232", steps, f"{name} of {value} {unit}", "write a value above 0")
    elif metric.lowest is not None and number < metric.lowest:
        yield draft.problem("E232", steps, f"{name} of {value}", f"write a {metric.name} of {metric.lowest:g} or more")
    elif metric.highest is not None and number > metric.highest:
        yield draft.problem("E232", steps, f"{name} of {value}", f"write a {metric.name} of {metric.highest:g} or less")
    elif metric.relative and unit == "%" and number == 0:
        yield draft.problem("E238", steps, f"{name} of 0%", "compare with the source", severity="note")
