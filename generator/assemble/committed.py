"""The generated files that are committed: the content of each, so that a check can compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from generator.assemble.build import load_site
from generator.entries.model import Catalogue
from generator.entries.schema import schema_files
from generator.outputs.readme import render_readme


def committed_files(catalogue: Catalogue, root: Path) -> Mapping[str, bytes]:
    """Content of every committed generated file, by its path in the repository."""
    schemas = {f"data/schema/{name}": content.encode() for name, content in schema_files(catalogue.taxonomy).items()}
    return {"README.md": render_readme(load_site(catalogue, root, environment={})).encode(), **schemas}
