"""What makes whole pages and files, beside the blocks in docs/. Literal lists, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from generator.outputs.feeds import feed_files
from generator.pages.badges import badge_files
from generator.pages.browse import browse_files
from generator.pages.choose import choose_files
from generator.pages.digests import digest_pages
from generator.pages.downloads import download_files, reference_files
from generator.pages.entry import entry_pages
from generator.pages.kernels import kernel_pages
from generator.pages.methods import method_files, method_pages
from generator.pages.models import model_files, model_pages
from generator.pages.page import Page
from generator.pages.results import benchmark_pages
from generator.views.site import Site

PAGE_MAKERS: tuple[Callable[[Site], Iterator[Page]], ...] = (
    entry_pages,
    model_pages,
    benchmark_pages,
    method_pages,
    kernel_pages,
    digest_pages,
)
FILE_MAKERS: tuple[Callable[[Site], Mapping[str, bytes]], ...] = (
    browse_files,
    choose_files,
    download_files,
    reference_files,
    feed_files,
    badge_files,
    method_files,
    model_files,
)


def all_pages(site: Site) -> Iterator[Page]:
    """All pages that are filled into the shell."""
    for make in PAGE_MAKERS:
        yield from make(site)


def all_files(site: Site) -> Mapping[str, bytes]:
    """Content of all files, by their address below the home page."""
    return {name: content for make in FILE_MAKERS for name, content in make(site).items()}
