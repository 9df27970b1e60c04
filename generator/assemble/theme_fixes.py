"""Faults of the theme that are fixed in what it renders: each with what it fixes and the version it was written for.

A test runs them on the raw output of the pinned theme and fails when one no longer finds its fault: then the theme has
changed, and the fix is adapted or deleted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ThemeFix:
    """One fault and what replaces it."""

    name: str
    """What is better afterwards, for the test and for whoever updates the theme."""
    version: str
    """Of Material for MkDocs, the last one whose output was seen to need it."""
    fault: re.Pattern[str]
    fixed: str
    """Replacement, with the groups of ``fault``."""


PAGE_FIXES = (
    ThemeFix(
        "the search dialog has a name for screen readers",
        "9.8.1",
        re.compile(r'(<div class="md-search" data-md-component="search" role="dialog")>'),
        r'\1 aria-label="Search">',
    ),
    ThemeFix(
        "the search box is ours: the theme's script neither loads its index nor answers",
        "9.8.1",
        re.compile(
            r'<div class="md-search" data-md-component="search"(.*?)<form class="md-search__form" name="search">(.*?)'
            r' data-md-component="search-query" required>(.*?)<div class="md-search-result" data-md-component="search-'
            r'result">\s*<div class="md-search-result__meta">\s*Initializing search\s*</div>\s*'
            r'<ol class="md-search-result__list" role="presentation"></ol>',
            re.DOTALL,
        ),
        r'<div class="md-search"\1<form class="md-search__form">\2 required>\3<div class="md-search-result">'
        r'<div class="md-search-result__meta" role="status">Type to start searching</div>'
        r'<ol class="md-search-result__list"></ol>',
    ),
    ThemeFix(
        "a page without Markdown headings has a skip link",
        "9.8.1",
        re.compile(r'(<div data-md-component="skip">)\s*(</div>)'),
        r'\1<a href="#__main" class="md-skip">Skip to content</a>\2',
    ),
    ThemeFix(
        "the skip link has a target",
        "9.8.1",
        re.compile(r'<main (?=class="md-main")'),
        '<main id="__main" ',
    ),
    ThemeFix(
        "a section of the drawer is named by its title, where the label of its button is an icon",
        "9.8.1",
        re.compile(r'aria-labelledby="(__nav_[\d_]+)_label"([^>]*>\s*<label class="md-nav__title") '),
        r'aria-labelledby="\1_title"\2 id="\1_title" ',
    ),
    ThemeFix(
        "the path to a page is not named as the navigation is",
        "9.8.1",
        re.compile(r'(<nav class="md-path" aria-label=)"Navigation" ?'),
        r'\1"Breadcrumbs"',
    ),
    ThemeFix(
        "the reader's browser does not ask the code host for stars and releases",
        "9.8.1",
        re.compile(r' data-md-component="source"'),
        "",
    ),
)
SCRIPT_FIXES = (
    ThemeFix(
        "the copy buttons of two code blocks are no navigations of the same name",
        "9.8.1",
        re.compile(r'"nav",\{class:"md-code__nav"\}'),
        '"div",{class:"md-code__nav"}',
    ),
    ThemeFix(
        "a feed is not taken for a translation that has a site map",
        "9.8.1",
        re.compile(r"link\[rel=alternate\](?!\[)"),
        "link[rel=alternate][hreflang]",
    ),
)


def apply_fixes(text: str, fixes: Sequence[ThemeFix]) -> str:
    """A page or script of the theme without its faults."""
    for fix in fixes:
        text = fix.fault.sub(fix.fixed, text)
    return text
