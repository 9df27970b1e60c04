"""How long the column sweep of SparseGPT and OBS-Diff takes, against one matrix product of the same size.

    python tests/benchmarks/bench_sweep.py       measure on one thread, and write the result file; a minute

The product is (outputs x inputs) times (inputs x inputs) in float32. The ratio includes the factorisation of the
Hessian and the choice of the masks. CPU time, the minimum of three runs each, in one process.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from reference_impls.bench.records import Goal  # noqa: E402
from reference_impls.maths.masks import Pattern  # noqa: E402
from reference_impls.maths.obs import Hessian  # noqa: E402
from reference_impls.methods.sparsegpt import decide  # noqa: E402
from reference_impls.pruning.contract import Request  # noqa: E402
from tests.benchmarks.goal_rows import row_of, write  # noqa: E402

COMMAND = "python tests/benchmarks/bench_sweep.py"
SHAPES = ((1152, 1152), (4608, 1152), (1152, 4608))
"""Outputs and inputs of the layers of DiT-XL/2."""
REQUESTS = {"50%": Request(0.5), "90%": Request(0.9), "2:4": Request(0.5, Pattern(2, 4))}
RUNS = 3
MUST, AIM = 8, 4
"""Target and stretch target of the ratio."""


def fastest(work: Callable[[], object]) -> float:
    """CPU seconds of the fastest of ``RUNS`` runs."""
    times = []
    for _ in range(RUNS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def rows_of(outputs: int, inputs: int) -> list[dict[str, object]]:
    """The sweep of each request, and the product, on one random layer."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(outputs, inputs, generator=generator)
    tokens = torch.randn(2 * inputs, inputs, generator=generator)
    hessian = Hessian(inputs)
    hessian.add(tokens)
    square = hessian.mean()
    single = square.float()
    product = fastest(lambda: weight @ single)
    rows = []
    for name, request in REQUESTS.items():
        seconds = fastest(partial(decide, weight, square, request, request.sparsity))
        goal = Goal("CPU time relative to one matrix product", MUST, AIM, seconds / product, at_most=True)
        times = {"product_seconds": round(product, 4), "sweep_seconds": round(seconds, 4)}
        rows.append(row_of(f"column sweep, {name}: {outputs} × {inputs}", goal, "", **times))
    return rows


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    load = os.getloadavg()[0]
    write(COMMAND, load, [row for shape in SHAPES for row in rows_of(*shape)])


if __name__ == "__main__":
    main()
