"""What the benchmark of the kernels measured, read from its committed files, one a machine and number of threads."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.measured.methods import PACKAGE
from reference_impls.bench.records import Goal, KernelRow, WholeModel, read
from reference_impls.kernels.registry import KERNELS, Kernel


@dataclass(frozen=True)
class KernelRun:
    """One file."""

    command: str
    cpu: str
    threads: int
    peak_gflops: float
    versions: Mapping[str, str | None]
    rows: tuple[KernelRow, ...]
    models: tuple[WholeModel, ...]
    goals: tuple[Goal, ...]
    file: str
    """Path in the repository."""

    @property
    def layers(self) -> tuple[str, ...]:
        """In the order of the file."""
        return tuple(dict.fromkeys(row.layer for row in self.rows))

    def best(self, layer: str, kind: str, pattern: str, sparsity: float) -> KernelRow | None:
        """The fastest row of a kind."""
        rows = [
            row
            for row in self.rows
            if (row.layer, row.kind, row.pattern, row.sparsity) == (layer, kind, pattern, sparsity)
        ]
        return max(rows, key=lambda row: row.speed_up, default=None)

    def sparsities(self, layer: str) -> tuple[float, ...]:
        """What was measured of a layer."""
        return tuple(sorted({row.sparsity for row in self.rows if row.layer == layer}))

    def curve(self, layer: str, kind: str, pattern: str) -> tuple[tuple[float, float], ...]:
        """(sparsity, speed-up) of the fastest of a kind."""
        rows = ((s, self.best(layer, kind, pattern, s)) for s in self.sparsities(layer))
        return tuple((s, row.speed_up) for s, row in rows if row is not None)


def load_runs(folder: Path = PACKAGE / "results") -> tuple[KernelRun, ...]:
    """All files, the one with most rows first: the pages draw it."""
    runs = [_read(file) for file in sorted(folder.glob("kernels-*.json"))]
    return tuple(sorted(runs, key=lambda run: -len(run.rows)))


def _read(file: Path) -> KernelRun:
    record = json.loads(file.read_text(encoding="utf-8"))
    machine = record["machine"]
    return KernelRun(
        record["command"],
        machine["cpu"],
        machine["threads"],
        machine["peak_gflops"],
        record["versions"],
        tuple(read(KernelRow, row) for row in record["rows"]),
        tuple(read(WholeModel, row) for row in record["end_to_end"]),
        tuple(read(Goal, row) for row in record["goals"]),
        f"reference_impls/results/{file.name}",
    )


@dataclass(frozen=True)
class DescribedKernel:
    """A kernel as its files describe it."""

    name: str
    kernel: Kernel
    title: str
    """First line of the module's docstring."""
    versions: tuple[str, ...]
    """Its numbered list: from the obvious to the fast."""
    paragraphs: tuple[str, ...]
    sources: Mapping[str, str]
    """Path in the repository -> text."""


def describe_kernel(name: str) -> DescribedKernel:
    """Read a kernel's files; nothing of them is run.

    Raises:
        KeyError: there is no such kernel.
    """
    kernel = KERNELS[name]
    texts = {file: (PACKAGE / "kernels" / file).read_text(encoding="utf-8") for file in kernel.sources}
    docstring = ast.get_docstring(ast.parse(texts[f"{name}.py"])) or ""
    title, *blocks = docstring.split("\n\n")
    numbered = [block for block in blocks if block.startswith("1. ")]
    return DescribedKernel(
        name,
        kernel,
        " ".join(title.split()),
        tuple(item for block in numbered for item in _items(block)),
        tuple(" ".join(block.split()) for block in blocks if block not in numbered),
        {f"reference_impls/kernels/{file}": text for file, text in texts.items()},
    )


def _items(block: str) -> Iterator[str]:
    """Points of a numbered list; a point may go on in the next line."""
    point = ""
    for line in block.splitlines():
        number, dot, rest = line.partition(". ")
        if dot and number.isdigit():
            if point:
                yield point
            point = rest
        else:
            point += f" {line.strip()}"
    yield point
