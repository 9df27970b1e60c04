"""``python -m reference_impls``."""

from reference_impls.command_line.commands import run

run()
