"""The package diffusers, imported where it is first needed: it is an extra."""

from __future__ import annotations

from typing import Any


def diffusers_package() -> Any:  # a module
    """The module itself.

    Raises:
        ValueError: it is not installed.
    """
    try:
        import diffusers
    except ImportError as error:
        raise ValueError(
            "diffusers is not installed; install it with this package: pip install .[diffusers]"
        ) from error
    return diffusers
