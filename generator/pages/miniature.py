"""The tables of what was measured on the miniature pipeline, for the page *Prune your own model*."""

from __future__ import annotations

from functools import cache
from typing import Any

from generator.measured.miniature import NOISE, RECORDED, Miniature, apart, load_miniature
from generator.pages.methods import name_of, title_of
from generator.pages.render import render
from generator.views.site import Site
from reference_impls.methods.registry import KIND_NAMES, METHODS

COMPARED_BY = "mse"


@cache
def miniature() -> Miniature:
    """The committed results, read once."""
    return load_miniature()


def overview(site: Site, root: str, argument: str) -> str:
    """One of the tables, or how they were measured.

    Raises:
        KeyError: ``argument`` is none of methods, samples, calibration, recovery, kernels, machine.
    """
    results = miniature()
    names = {name: title_of(site, name) for name in METHODS}
    tables: dict[str, dict[str, Any]] = {
        "methods": {
            "short": {name: name_of(site, name) for name in METHODS},
            "weights": KIND_NAMES["unstructured"],
            "kinds": {
                title: [name for name, method in METHODS.items() if method.kind == kind]
                for kind, title in KIND_NAMES.items()
            },
        },
        "calibration": {
            "nearer": [one for one, other in results.compared() if one[COMPARED_BY] < other[COMPARED_BY]],
            "lower": {
                kind: [
                    (one, other)
                    for one, other in results.compared()
                    if apart(one, other, COMPARED_BY) and (one[COMPARED_BY] < other[COMPARED_BY]) == (kind == RECORDED)
                ]
                for kind in (RECORDED, NOISE)
            },
        },
        "samples": {},
        "recovery": {},
        "kernels": {},
        "machine": {},
    }
    return render(f"miniature_{argument}", root=root, results=results, names=names, **tables[argument])
