"""The files of the data page, and the links to them and to the feeds."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

from generator.entries.model import Filed, Paper
from generator.entries.schema import ENTRIES_SCHEMA, LICENCE_ADDRESS, schema_files
from generator.outputs.citations import FORMATS, bibtex_file
from generator.outputs.exports import entries_csv, entries_json
from generator.outputs.feeds import DIGESTS, FEED, NEWEST, family_feed
from generator.pages.glossary import defined_term_set
from generator.pages.render import render
from generator.views.site import Site

GLOSSARY = "glossary.json"
FILES = {
    "entries.json": "The whole catalogue as one JSON document",
    ENTRIES_SCHEMA: "JSON Schema of that document, with the meaning of each field",
    "entries.csv": "One row per entry, for a spreadsheet",
    GLOSSARY: "The terms of the glossary, as JSON-LD",
    **{f"references.{one.ending}": f"All papers as {one.name}, without abstracts" for one in FORMATS},
}


MEDIA = {
    "json": "application/json",
    "csv": "text/csv",
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "csl.json": "application/vnd.citationstyles.csl+json",
}
"""Media type of a file by what follows its first point."""


@lru_cache(maxsize=1)  # the data page shows the sizes
def download_files(site: Site) -> Mapping[str, bytes]:
    """Content of every file of the data page, by its address below the home page."""
    catalogue = site.catalogue
    exports = {
        "entries.json": entries_json(catalogue, f"{site.config.site_url}data/{ENTRIES_SCHEMA}"),
        ENTRIES_SCHEMA: schema_files(catalogue.taxonomy)[ENTRIES_SCHEMA],
        "entries.csv": entries_csv(catalogue),
        GLOSSARY: json.dumps(defined_term_set(site), ensure_ascii=False, indent=1) + "\n",
        **{f"references.{one.ending}": one.file(catalogue.papers.values()) for one in FORMATS},
    }
    return {f"data/{name}": exports[name].encode() for name in FILES}


def reference_files(site: Site) -> Mapping[str, bytes]:
    """BibTeX of every family, and every form of every paper, by its address below the home page."""
    files = {family_bib(family): bibtex_file(papers) for family, papers in _papers_by_family(site).items()}
    for slug, filed in site.catalogue.papers.items():
        for one in FORMATS:
            files[f"papers/{slug}/{slug}.{one.ending}"] = one.file([filed])
    return {name: text.encode() for name, text in files.items()}


def family_bib(family: str) -> str:
    """Address of a family's BibTeX file below the home page."""
    return f"data/bib/{family}.bib"


def dataset_json_ld(site: Site) -> Mapping[str, object]:
    """The catalogue as schema.org describes a Dataset, with every file as a distribution."""
    home, papers = site.config.site_url, len(site.catalogue.papers)
    return {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": site.config.name,
        "description": "Methods that make diffusion models cheaper to run, with a focus on model pruning: "
        f"{papers} papers with our own summaries, their reported results, the models that they were evaluated on, "
        "and tools and articles.",
        "url": f"{home}data/",
        "license": LICENCE_ADDRESS,
        "isAccessibleForFree": True,
        "keywords": [term.name for term in site.catalogue.taxonomy.families.values()],
        "distribution": [
            {"@type": "DataDownload", "name": text, "contentUrl": f"{home}data/{name}", "encodingFormat": MEDIA[ending]}
            for name, text in FILES.items()
            if (ending := name.split(".", 1)[1]) in MEDIA
        ],
    }


def downloads(site: Site, root: str, _argument: str) -> str:
    """Links to the files, with their sizes, and the catalogue for search engines of data."""
    contents = download_files(site)
    files = [(name, text, len(contents[f"data/{name}"])) for name, text in FILES.items()]
    return render("downloads", files=files, root=root, json_ld=dataset_json_ld(site))


def feeds(site: Site, root: str, _argument: str) -> str:
    """The feed of all entries, and feed and BibTeX of each family."""
    rows = [
        (family, site.term("families", family).name, len(papers), family_feed(family), family_bib(family))
        for family, papers in _papers_by_family(site).items()
    ]
    return render("feeds", rows=rows, root=root, feed=FEED, digests=DIGESTS + FEED, newest=NEWEST)


def follow(site: Site, root: str, argument: str) -> str:
    """Feed and BibTeX of one family.

    Raises:
        KeyError: the argument is not a family.
    """
    term, count = site.term("families", argument), len(_papers_by_family(site)[argument])
    return render("follow", term=term, number=count, root=root, feed=family_feed(argument), bib=family_bib(argument))


@lru_cache(maxsize=1)
def _papers_by_family(site: Site) -> Mapping[str, list[Filed[Paper]]]:
    papers: defaultdict[str, list[Filed[Paper]]] = defaultdict(list)
    for filed in site.catalogue.papers.values():
        papers[filed.entry.family].append(filed)
    return {family: papers[family] for family in site.catalogue.taxonomy.families}
