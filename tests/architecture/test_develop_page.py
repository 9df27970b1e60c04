"""The page for whoever changes the code names what is there: every function of it, and every folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from operator import attrgetter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("generator", "reference_impls")
PAGE = (ROOT / "docs/develop.md").read_text(encoding="utf-8")
NAME = re.compile(rf"`((?:{'|'.join(PACKAGES)})[\w.]*):([\w.]+)`")
FEWEST = 20


def fault(module: str, name: str) -> str | None:
    """Why a name leads nowhere, or None."""
    try:
        attrgetter(name)(import_module(module))
    except (ImportError, AttributeError) as error:
        return f"{module}:{name}: {error}"
    return None


def folders() -> Iterator[str]:
    """Every folder of both packages that holds a file of the repository."""
    for package in PACKAGES:
        for place in sorted((ROOT / package).rglob("*/")):
            if place.is_dir() and "__pycache__" not in place.parts and any(one.is_file() for one in place.iterdir()):
                yield place.relative_to(ROOT).as_posix()


def test_the_page_names_only_what_is_there_and_every_folder() -> None:
    found = set(NAME.findall(PAGE))
    assert len(found) >= FEWEST
    unknown = [message for module, name in sorted(found) if (message := fault(module, name))]
    unnamed = [f"{folder}/ is not on the page" for folder in folders() if f"`{folder}/`" not in PAGE]
    assert unknown + unnamed == []
