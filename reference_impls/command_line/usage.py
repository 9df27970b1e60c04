"""Wrong use of the command line: one line on stderr and exit code 2, wherever it is found."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

PROGRAM = "python -m reference_impls"
INTERRUPTED = 130
"""Exit code of a command that was stopped by Ctrl-C, as shells and Typer have it."""


class WrongUse(TyperException):
    """The caller asked for something that is not possible."""

    exit_code = 2


class Stopped(TyperException):
    """Interrupted by Ctrl-C; the run can be resumed."""

    exit_code = INTERRUPTED


class OneLine(TyperGroup):
    """Commands whose errors are one line, where Typer prints the usage before it."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> NoReturn:
        """Run a command and exit; the help where nothing is asked for."""
        words = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(words or ["--help"], *rest, **{**options, "standalone_mode": False})
        except TyperException as error:
            typer.echo(f"error: {one_line(error.format_message())}{_help_of(error)}", err=True)
            sys.exit(error.exit_code)
        if code == INTERRUPTED:
            typer.echo("error: interrupted; the command wrote nothing that is not complete", err=True)
        sys.exit(code)


def _help_of(error: TyperException) -> str:
    """Where the usage is shown, for errors of Typer; our own messages say what to do."""
    command = getattr(getattr(error, "ctx", None), "command_path", "")
    stop = "" if error.format_message().rstrip()[-1:] in ".?!" else "."
    return f"{stop} Try: {command} --help" if command else ""


def example(*commands: str) -> str:
    """The end of a command's help: what to paste, one command a line."""
    return "\n".join(
        ["\b", "Examples:" if len(commands) > 1 else "Example:", *(f"  {PROGRAM} {one}" for one in commands)]
    )


@contextmanager
def wrong_use(refusals: tuple[type[Exception], ...] = (ValueError, OSError)) -> Iterator[None]:
    """Report refusals of a function as wrong use; for a long run, only those that are named here."""
    try:
        yield
    except refusals as error:
        raise WrongUse(str(error)) from error


def one_line(text: str) -> str:
    """The text without line breaks and without control characters, which a file's name may contain."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in " ".join(text.split()))


def as_typed() -> str:
    """The command line as it was typed, for the record."""
    return " ".join([PROGRAM, *sys.argv[1:]])


def whole(least: int, most: int, says: str) -> Any:  # what typer.Option says that it gives
    """An option for a whole number. Typer's own message names neither the value nor both ends of the range."""

    def read(given: str | int) -> int:
        if not re.fullmatch(r"[0-9]{1,20}", str(given)) or not least <= int(given) <= most:
            raise typer.BadParameter(f"{given!r} is not a whole number from {least} to {most}")
        return int(given)

    return typer.Option(help=says, parser=read, metavar=f"{least}..{most}")
