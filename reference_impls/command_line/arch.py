"""The command `arch`: published parameter and MAC counts of real models."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from reference_impls.architectures import counts, registry
from reference_impls.architectures.registry import Architecture
from reference_impls.command_line import terminal
from reference_impls.command_line.usage import wrong_use


def arch(name: str | None, check: bool, attention: bool) -> None:
    """Print the counts of one architecture or of all, as published, as counted here, or with attention.

    Raises:
        WrongUse: there is no such architecture, it cannot be built, or the options contradict each other.
        typer.Exit: a published count differs from the one counted here; exit code 1.
    """
    with wrong_use():
        chosen = registry.chosen(name)
        if check and attention:
            raise ValueError("--check and --attention show different tables; give one of them")
        if name and attention and not chosen[name].inputs:
            raise ValueError(f"no inputs are known for {name}, so its MACs cannot be counted; choose another")
    if attention:
        _print_attention(chosen)
        return
    wrong = _print_checked(chosen) if check else _print_published(chosen)
    shown = (count.what for architecture in chosen.values() for count in architecture.counts)
    terminal.meanings(shown, registry.WHAT)
    if wrong:
        raise typer.Exit(1)


def _print_published(chosen: Mapping[str, Architecture]) -> int:
    for table in terminal.published(chosen):
        terminal.console.print(table)
    return 0


def _print_checked(chosen: Mapping[str, Architecture]) -> int:
    """Print published and counted numbers; give how many differ."""
    wrong = 0
    for name, architecture in chosen.items():
        with wrong_use(), terminal.spinner(f"building {name}"):
            rows = counts.check(architecture)
        wrong += sum(not row.right for row in rows)
        terminal.console.print(terminal.checked(chosen, name, rows))
    return wrong


def _print_attention(chosen: Mapping[str, Architecture]) -> None:
    for name, architecture in chosen.items():
        if architecture.inputs:
            with wrong_use(), terminal.spinner(f"building {name}"):
                everything = counts.count(architecture)
            terminal.console.print(terminal.counted(name, architecture, everything))
    terminal.meanings(registry.WHAT, registry.WHAT)
