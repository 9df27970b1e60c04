"""The rules of the catalogue, one a file: drafts in, problems or the checked catalogue out.

The registries are literal: to add a check, write its file and a line here.
"""

from __future__ import annotations

from generator.checks import (
    architectures,
    arxiv_id,
    characters,
    dates,
    duplicates,
    evidence,
    files,
    implied,
    key_order,
    model_facts,
    model_names,
    near_titles,
    quoting,
    records_agree,
    relations,
    results,
    shape,
    summaries,
    terms,
    unread,
    urls,
    venues,
    vocabulary,
    wording,
)
from generator.checks.draft import CatalogueCheck, EntryCheck

ENTRY_CHECKS: dict[str, EntryCheck] = {
    "shape": shape,
    "quoting": quoting,
    "arxiv_id": arxiv_id,
    "dates": dates,
    "characters": characters,
    "terms": terms,
    "urls": urls,
    "files": files,
    "results": results,
    "summaries": summaries,
    "wording": wording,
    "implied": implied,
    "unread": unread,
    "key_order": key_order,
    "venues": venues,
    "model_facts": model_facts,
    "evidence": evidence,
}

CATALOGUE_CHECKS: dict[str, CatalogueCheck] = {
    "duplicates": duplicates,
    "near_titles": near_titles,
    "model_names": model_names,
    "architectures": architectures,
    "relations": relations,
    "records_agree": records_agree,
    "vocabulary": vocabulary,
}
