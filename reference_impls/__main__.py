"""``python -m reference_impls``."""

from reference_impls.cli import run

run()
