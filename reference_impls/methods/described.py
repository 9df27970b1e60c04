"""A method as its file describes it: the fields of the module's docstring. Nothing of the file is run."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reference_impls.methods.registry import Method, method_of

PACKAGE = Path(__file__).parents[1]
SECTIONS = ("Maths", "Differs from the paper:", "Shapes", "Raises", "Run")


@dataclass(frozen=True)
class Described:
    """A method as its file describes it."""

    name: str
    method: Method
    file: str
    """Path in the repository."""
    title: str
    """First line of the module's docstring."""
    sections: Mapping[str, str]
    """The others, by their first word."""
    source: str

    @property
    def citation(self) -> str:
        """Authors, year, arXiv number and place in the paper; empty for a baseline."""
        return self.title.partition("  ")[2]

    @property
    def command(self) -> str:
        """The command that runs it: the example of its file, and of the file's methods the one of this."""
        examples = self.sections["Run"].split("python -m reference_impls ")
        mine = next(example for example in examples if f"--method {self.name} " in example)
        return f"python -m reference_impls {mine.strip()}"


def describe(name: str) -> Described:
    """Read a method's file; nothing of it is run.

    Raises:
        ValueError: there is no such method.
    """
    method = method_of(name)
    file = PACKAGE / "methods" / f"{method.file}.py"
    source = file.read_text(encoding="utf-8")
    title, _, rest = (ast.get_docstring(ast.parse(source)) or "").partition("\n")
    sections: dict[str, str] = {}
    now = ""
    for line in rest.splitlines():
        first = next((section for section in SECTIONS if line.startswith(section)), None)
        if first is not None:
            now = first.rstrip(":")
            sections[now] = line.removeprefix(first).strip()
        elif now:
            sections[now] += f" {line.strip()}"
    return Described(name, method, file.relative_to(PACKAGE.parent).as_posix(), title.strip(), sections, source)
