"""Fixtures: the catalogue as the pages know it, as shipped and with the hostile entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.assemble.build import load_site
from generator.checks.validate import validate
from generator.entries.model import Catalogue
from generator.views.site import Site
from tests.site.hostile import add_hostile, copy_repository


@pytest.fixture(scope="session")
def shipped_site(shipped: Catalogue, root: Path) -> Site:
    return load_site(shipped, root, environment={})


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    root = copy_repository(tmp_path_factory.mktemp("hostile"))
    add_hostile(root)
    outcome = validate(root / "data")
    assert outcome.catalogue is not None, [one.text() for one in outcome.problems if one.severity == "error"]
    return load_site(outcome.catalogue, root, environment={})
