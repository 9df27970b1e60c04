"""What pyproject.toml asks for is what ``make`` installs: locks follow it, and agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
LOCKS = {"site": ["site"], "dev": ["site", "dev"], "impls": ["impls", "diffusers", "oracles"]}


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ \\\n]+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_direct_dependency_is_locked(lock: str) -> None:
    asked = dict(requirement.split("==") for extra in LOCKS[lock] for requirement in EXTRAS[extra])
    versions = locked(lock)
    assert {name: versions.get(name) for name in asked} == asked


@pytest.mark.parametrize(("one", "other"), [("site", "dev"), ("dev", "impls")])
def test_locks_agree(one: str, other: str) -> None:
    """They are installed into one environment."""
    first, second = locked(one), locked(other)
    assert {name: (first[name], second[name]) for name in first if second.get(name, first[name]) != first[name]} == {}


def test_torch_is_the_pinned_release_of_any_build() -> None:
    assert locked("impls")["torch"] == "2.13.0"


@pytest.mark.parametrize("package", ["generator", "reference_impls"])
def test_what_is_read_is_installed(package: str) -> None:
    """A wheel holds every file that the code opens; only pictures of the site stay behind."""
    patterns = PROJECT["tool"]["setuptools"]["package-data"][package]
    files = {file for file in (ROOT / package).rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    carried = {file for pattern in patterns for file in (ROOT / package).glob(pattern)}
    assert {file for file in files - carried if file.suffix not in (".py", ".png")} == set()
