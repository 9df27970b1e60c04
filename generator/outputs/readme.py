"""README.md: the awesome list itself, rendered from the data. Committed, and checked fresh."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from generator import escape
from generator.entries.model import Filed, Paper, Term
from generator.views.site import Site, address_of, date_of

PAPER_FAMILIES = ("pruning", "foundations")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$])")
_LINKED = re.compile(r"(?i)\b(?:https?|ftp|www)(?=[:.])|@|:(?=[\w+-]+:)")
"""What GitHub makes a link, a mention or an emoji of without any markup."""


def text(value: str) -> str:
    """Plain text inside Markdown: every character that could start markup stands for itself."""
    escaped = _MARKDOWN.sub(r"\\\1", escape.collapse(value).replace("&", "&amp;"))
    return _LINKED.sub(r"\g<0>&#8203;", escaped)


def link(label: str, address: str) -> str:
    """A Markdown link whose address cannot end it."""
    return f"[{text(label)}]({escape.url(address).replace('(', '%28').replace(')', '%29')})"


def render_readme(site: Site) -> str:
    """The whole file."""
    return "\n".join(_lines(site)) + "\n"


def _lines(site: Site) -> Iterator[str]:
    catalogue = site.catalogue
    papers = catalogue.papers.values()
    yield "# Awesome Diffusion Pruning [![Awesome](https://awesome.re/badge.svg)](https://awesome.re)"
    yield ""
    yield "> What makes diffusion models cheaper to run, with model pruning at its centre."
    yield ""
    yield (
        "A diffusion model calls a large network many times for one sample. Pruning makes each call cheaper by removing"
        " weights, channels, heads, neurons or whole blocks that the samples hardly miss. This list holds the research,"
        " the tools and the articles on it, and on what it combines with: quantization, distillation, caching, fewer"
        " steps, fewer tokens and sparse attention. It is rendered from checked data; the"
        f" [site]({site.config.site_url}) has all {len(papers)} papers of {len(catalogue.taxonomy.families)} families,"
        " with what each removes, what training it needs, what it reports and where."
    )
    yield ""
    yield "## Contents"
    yield ""
    yield "- [Introduction](#introduction)"
    yield "- [Set-up](#set-up)"
    yield "- [Papers](#papers)"
    for family in PAPER_FAMILIES:
        for name, _ in _groups(site, family):
            yield f"  - [{name}](#{_anchor(name)})"
    yield "  - [Other families](#other-families)"
    yield "- [Tools & Libraries](#tools--libraries)"
    for word, term in catalogue.taxonomy.tool_categories.items():
        if any(tool.entry.category == word for tool in catalogue.tools.values()):
            yield f"  - [{term.name}](#{_anchor(term.name)})"
    yield "- [Tutorials & Articles](#tutorials--articles)"
    for word, term in catalogue.taxonomy.article_categories.items():
        if any(article.entry.category == word for article in catalogue.articles.values()):
            yield f"  - [{term.name}](#{_anchor(term.name)})"
    yield ""
    yield "## Introduction"
    yield ""
    yield "Three kinds of pruning differ in what may go, and so in what they gain:"
    yield ""
    for word, term in catalogue.taxonomy.sparsity.items():
        yield f"- [{term.name}]({site.config.site_url}sparsity/{word}/) - {text(term.text)}"
    yield ""
    yield from _table(("Way", "What it makes smaller", "Beside pruning", "Its price"), COMPARISON)
    yield ""
    introduction = link("What makes a diffusion model cheaper", f"{site.config.site_url}introduction/")
    yield f"The longer story, with pictures: {introduction}."
    yield ""
    yield "## Set-up"
    yield ""
    yield "You need Python 3.11 or newer, Git and Make. Build the site, then open `build/site/index.html`:"
    yield ""
    yield "```console"
    yield "make site"
    yield "```"
    yield ""
    yield "Run every test; this installs what it needs, a browser too:"
    yield ""
    yield "```console"
    yield "make test"
    yield "```"
    yield ""
    yield "Prune a small diffusion model, and see its samples and what it lost:"
    yield ""
    yield "```console"
    yield "make .venv/impls"
    yield ".venv/bin/python -m reference_impls prune --method obs-diff --sparsity 0.7 --out build/pruned"
    yield "```"
    yield ""
    yield "See whether kernels that skip its zeros make it faster, and what they gain on large layers:"
    yield ""
    yield "```console"
    yield ".venv/bin/python -m reference_impls eval build/pruned --sparse"
    yield ".venv/bin/python -m reference_impls bench --quick"
    yield "```"
    yield ""
    yield "## Papers"
    yield ""
    yield "Newest first within each group. The date is that of the first version."
    yield ""
    for family in PAPER_FAMILIES:
        for name, members in _groups(site, family):
            yield f"### {name}"
            yield ""
            yield from (_paper(filed) for filed in members)
            yield ""
    yield "### Other families"
    yield ""
    for word, term in catalogue.taxonomy.families.items():
        if word not in PAPER_FAMILIES:
            count = sum(filed.entry.family == word for filed in papers)
            yield f"- [{term.name}]({site.config.site_url}families/{word}/) - {count} papers. {text(term.text)}"
    yield ""
    yield "## Tools & Libraries"
    yield ""
    yield from _sections(
        catalogue.taxonomy.tool_categories,
        [
            (tool.entry.category, tool.entry.name, tool.entry.url, tool.entry.summary, _state(site, tool.entry.status))
            for tool in catalogue.tools.values()
        ],
    )
    yield "## Tutorials & Articles"
    yield ""
    yield from _sections(
        catalogue.taxonomy.article_categories,
        [
            (article.entry.category, article.entry.title, article.entry.url, article.entry.summary, "")
            for article in catalogue.articles.values()
        ],
    )
    yield "## Contributing"
    yield ""
    yield (
        "One command makes an entry from an arXiv id; a second tells every mistake at once. Read"
        " [CONTRIBUTING.md](CONTRIBUTING.md) first. This file is rendered: change `data/`, then run `make refresh`."
    )
    yield ""
    yield "Thank you to arXiv for use of its open access interoperability."


COMPARISON = (
    (
        "Pruning",
        "Parameters and the cost of one call",
        "-",
        "Quality must be recovered; unstructured sparsity needs a sparse kernel",
    ),
    (
        "Quantization",
        "Bits of each weight and activation",
        "Applies to the pruned weights; savings multiply",
        "Needs hardware support; outliers lose precision",
    ),
    (
        "Distillation",
        "Steps, or the whole network",
        "Recovers the pruned network from the dense one",
        "A training with a teacher",
    ),
    (
        "Fast samplers",
        "Number of calls",
        "Each call is cheaper, so savings multiply",
        "The model stays as large as it was",
    ),
    (
        "Caching",
        "Calls that are computed in full",
        "What is not cached is cheaper",
        "Memory, and errors that grow with the interval",
    ),
    (
        "Architecture search",
        "The network, before it is trained",
        "Finds ratios for each layer",
        "Search and training",
    ),
)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """A table with aligned pipes, as the linter of awesome lists wants it."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(head, widths, strict=True))} |"
    yield f"| {' | '.join('-' * width for width in widths)} |"
    for row in rows:
        yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"


def _sections(categories: Mapping[str, Term], rows: Sequence[tuple[str, str, str, str, str]]) -> Iterator[str]:
    """One heading for each category that has rows of (category, name, address, summary, remark), by name."""
    for word, term in categories.items():
        members = sorted((row for row in rows if row[0] == word), key=lambda row: row[1].casefold())
        if members:
            yield f"### {term.name}"
            yield ""
            for _, name, address, summary, remark in members:
                yield f"- {link(name, address)} - {text(summary)}{remark}"
            yield ""


def _state(site: Site, status: str) -> str:
    return "" if status == "active" else f" {site.term('statuses', status).name}."


def _groups(site: Site, family: str) -> list[tuple[str, list[Filed[Paper]]]]:
    """Papers of a family in named groups, each paper once."""
    members = [filed for filed in site.newest_first if filed.entry.family == family]
    if family != "pruning":
        return [(site.term("families", family).name, members)]
    groups: dict[str, list[Filed[Paper]]] = {
        "Concept removal by pruning": [],
        "Unstructured and N:M pruning": [],
        "Depth: layers and blocks": [],
        "Width: channels, heads, neurons": [],
        "More on pruning": [],
    }
    for filed in members:
        groups[_group(filed.entry)].append(filed)
    return [(name, found) for name, found in groups.items() if found]


def _group(paper: Paper) -> str:
    granularity = set(paper.granularity)
    if "unlearning" in paper.topics:
        return "Concept removal by pruning"
    if {"unstructured", "semi-structured"} & set(paper.sparsity):
        return "Unstructured and N:M pruning"
    if {"block", "layer"} & granularity:
        return "Depth: layers and blocks"
    if {"channel", "head", "ffn"} & granularity:
        return "Width: channels, heads, neurons"
    return "More on pruning"


def _paper(filed: Filed[Paper]) -> str:
    paper = filed.entry
    where = paper.venue or date_of(filed)[:7]
    code = f" {link('Code', paper.code)}." if paper.code else ""
    return f"- {link(paper.title, address_of(filed))} - {text(paper.summary)} {text(where)}.{code}"


def _anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.casefold()).replace(" ", "-")
