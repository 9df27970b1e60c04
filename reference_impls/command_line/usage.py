"""Wrong use of the command line: one line on stderr, exit code 2, whoever notices it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException


class WrongUse(TyperException):
    """What the caller asked for cannot be."""

    exit_code = 2


class OneLine(TyperGroup):
    """Commands whose mistakes end in one line. Typer by itself tells the usage again before it."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> NoReturn:
        """Run a command and exit; the help where nothing is asked for."""
        words = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(words or ["--help"], *rest, **{**options, "standalone_mode": False})
        except TyperException as error:
            typer.echo(f"error: {one_line(error.format_message())}", err=True)
            sys.exit(error.exit_code)
        sys.exit(code)


@contextmanager
def wrong_use(refusals: tuple[type[Exception], ...] = (ValueError, OSError)) -> Iterator[None]:
    """Inside, what a function refuses is a mistake of the caller; of a long run, only what is named here."""
    try:
        yield
    except refusals as error:
        raise WrongUse(str(error)) from error


def one_line(text: str) -> str:
    """The text without line breaks, and without the control characters that a file's name may hold."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in " ".join(text.split()))


def as_typed() -> str:
    """How the command line was called, for the record."""
    return " ".join(["python -m reference_impls", *sys.argv[1:]])


def whole(least: int, most: int, tells: str) -> Any:  # what typer.Option says that it gives
    """An option for a whole number. Typer's own refusal does not tell what was given, nor both ends of the range."""

    def read(given: str | int) -> int:
        if not re.fullmatch(r"[0-9]{1,20}", str(given)) or not least <= int(given) <= most:
            raise typer.BadParameter(f"{given} is not a whole number from {least} to {most}")
        return int(given)

    return typer.Option(help=tells, parser=read, metavar=f"{least}..{most}")
