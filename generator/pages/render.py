"""Jinja2, set up once: everything escaped, undefined names refused, addresses checked."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from generator import escape
from generator.entries.tex import text_of
from generator.pages.quantities import columns, number, quantity, split, written
from generator.views.glossary import anchor_of
from generator.views.site import address_of, authors_of, date_of, label_of
from reference_impls.number_format import count, percent, si, thousands, times
from reference_impls.study.paper_rules import consequence


def _url(address: str) -> str:
    return escape.url(address)


def _wrappable(address: str) -> Markup:
    """An address that may break after its slashes."""
    return Markup("/<wbr>").join(address.removeprefix("https://").split("/"))


def _script_json(document: object) -> Markup:
    """Data for a script element."""
    return Markup(escape.script_json(document))  # noqa: S704  nothing in it can end the element


def _code_spans(text: str) -> Markup:
    """Our own sentences, with `words in backticks`, or in two as docstrings have them, as code."""
    parts = text.replace("``", "`").split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part for index, part in enumerate(parts)
    )


@cache
def environment() -> Environment:
    """The one environment of all pages."""
    jinja = Environment(
        loader=PackageLoader("generator"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    jinja.filters.update(
        code_spans=_code_spans, url=_url, number=number, script_json=_script_json, wrappable=_wrappable
    )
    jinja.filters.update(percent=percent, thousands=thousands, times=times, count=count, si=si)
    jinja.filters.update(quantity=quantity, consequence=consequence)
    jinja.globals.update(columns_of=columns, split_columns=split, written=written)
    jinja.globals.update(address_of=address_of, authors_of=authors_of, date_of=date_of, label_of=label_of)
    jinja.globals.update(anchor_of=anchor_of, text_of=text_of)
    return jinja


def render(template: str, **values: Any) -> str:
    """One template with its values, as HTML on few lines."""
    return environment().get_template(f"{template}.html.j2").render(**values).strip()
