"""The targets of the kernels, beside the results of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reference_impls.bench.first_call import FirstCall
from reference_impls.bench.layers import CONVOLUTIONS, QKV
from reference_impls.bench.records import Goal, KernelRow, WholeModel
from reference_impls.number_format import percent


def goals(
    rows: Sequence[KernelRow], ends: Iterable[WholeModel], two_threads: float | None, first: FirstCall | None
) -> list[Goal]:
    """Every target; ratios are of the minimum times of one benchmark run."""
    return [*_linear(rows), *_convolutions(rows), *_rest(ends, two_threads, first)]


def _best(rows: Sequence[KernelRow], layer: str, pattern: str, sparsity: float, kind: str) -> float | None:
    wanted = (layer, pattern, sparsity, kind)
    return max(
        (row.speed_up for row in rows if (row.layer, row.pattern, row.sparsity, row.kind) == wanted), default=None
    )


def _over(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours and theirs else None


def _linear(rows: Sequence[KernelRow]) -> Iterator[Goal]:
    def best(pattern: str, sparsity: float, kind: str) -> float | None:
        return _best(rows, QKV.name, pattern, sparsity, kind)

    for sparsity, must, aim in ((0.5, 1.3, 1.6), (0.7, 2, 2.7), (0.9, 5, 6.5), (0.95, 8, 12)):
        yield Goal(
            f"unstructured (CSR) over dense, {percent(sparsity)}", must, aim, best("unstructured", sparsity, "csr")
        )
    libraries = _over(best("unstructured", 0.9, "csr"), best("unstructured", 0.9, "sparse"))
    yield Goal("unstructured (CSR) over the fastest sparse library, 90%", 2.5, 3.5, libraries)
    yield Goal("2:4 in 4×1 blocks over dense", 1.5, 1.8, best("2:4x4", 0.5, "shared"))
    yield Goal("4×1 blocks over dense, 90%", 7, 9, best("4x1", 0.9, "shared"))
    blocks = _over(best("4x4", 0.9, "shared"), best("4x4", 0.9, "sparse"))
    yield Goal("4×4 blocks over torch BSR 4×4, 90%", 3, 3.6, blocks)
    wins = [
        row.sparsity
        for row in rows
        if (row.layer, row.pattern, row.kind) == (QKV.name, "unstructured", "csr") and row.speed_up >= 1
    ]
    yield Goal(
        "break-even sparsity of unstructured (CSR), smallest measured, %",
        40,
        25,
        100 * min(wins) if wins else None,
        True,
    )


def _convolutions(rows: Sequence[KernelRow]) -> Iterator[Goal]:
    for layer, must, aim in zip(CONVOLUTIONS, (4.5, 5, 8), (6, 6.5, 10), strict=True):
        measured = _best(rows, layer.name, "unstructured", 0.9, "csr")
        yield Goal(f"3×3 convolution over oneDNN, 90%, {layer.name}", must, aim, measured)
    for layer in CONVOLUTIONS:
        measured = _best(rows, layer.name, "unstructured", 0.5, "csr")
        yield Goal(f"3×3 convolution over oneDNN, 50%, {layer.name}", 1.1, 1.3, measured)


def _rest(ends: Iterable[WholeModel], two_threads: float | None, first: FirstCall | None) -> Iterator[Goal]:
    yield Goal("two threads over one", 1.8, 1.95, two_threads)
    yield Goal("first call after installation, s", 10, 4, first.after_installation if first else None, True)
    yield Goal("first call later, s", 0.05, 0.05, first.later if first else None, True)
    for end in ends:
        yield Goal(
            f"end to end, {percent(end.sparsity)} {end.pattern.replace('x', '×')}: {end.name}", 2, 3, end.speed_up
        )
