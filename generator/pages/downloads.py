"""The files of the data page."""

from __future__ import annotations

from collections.abc import Mapping

from generator.exports import entries_csv, entries_json, references_bib
from generator.pages.render import render
from generator.pages.site import Site

FILES = {
    "entries.json": ("Everything, one JSON document with schema version", entries_json),
    "entries.csv": ("One row an entry, for a spreadsheet", entries_csv),
    "references.bib": ("All papers for BibTeX, without abstracts", references_bib),
}


def download_files(site: Site) -> Mapping[str, bytes]:
    """Content of every file, by its address below the home page."""
    return {f"data/{name}": make(site.catalogue).encode() for name, (_, make) in FILES.items()}


def downloads(site: Site, root: str, argument: str) -> str:
    """Links to the files, with their sizes."""
    del argument
    contents = download_files(site)
    files = [(name, text, len(contents[f"data/{name}"])) for name, (text, _) in FILES.items()]
    return render("downloads", files=files, root=root)
