"""Name and addresses of the site, from mkdocs.yml, their only place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """What the generator needs to know of mkdocs.yml."""

    name: str
    site_url: str
    """With a final slash."""
    repo_url: str
    """Without a final slash."""


def load_config(root: Path, environment: Mapping[str, str] | None = None) -> SiteConfig:
    """Read mkdocs.yml, resolving ``!ENV [NAME, default]`` as the site engines do.

    Args:
        root: the repository.
        environment: variables that override the defaults; the process's own where not given.

    Raises:
        KeyError: a name or address is missing from mkdocs.yml.
    """
    variables = os.environ if environment is None else environment

    class Loader(yaml.SafeLoader):
        pass

    def resolve(loader: yaml.SafeLoader, node: yaml.Node) -> object:
        if not isinstance(node, yaml.SequenceNode):
            raise yaml.constructor.ConstructorError(None, None, "!ENV needs [NAME, default]", node.start_mark)
        name, default = loader.construct_sequence(node)
        return (variables.get(name) or "").strip() or default  # an undefined variable of a workflow is empty

    Loader.add_constructor("!ENV", resolve)
    with (root / "mkdocs.yml").open(encoding="utf-8") as stream:
        config = yaml.load(stream, Loader)  # noqa: S506  a SafeLoader with one constructor more
    return SiteConfig(config["site_name"], config["site_url"].rstrip("/") + "/", config["repo_url"].rstrip("/"))
