"""How much faster the sparse kernels make a U-Net of Stable Diffusion 1.4's size: dense over sparse, on one thread.

    make bench-pipelines                                      15 minutes on an idle core, 12 GB of memory
    python tests/benchmarks/bench_pipelines.py --only 0.9     one sparsity; the other rows stay

Weights are random; each layer is pruned by magnitude to 50%, 70% and 90% in turn. Dense and sparse layers are timed
alternately, in time of the processor, so that other work on the machine slows both; the minimum of the runs is taken.
The result file states how many there were, and the load of the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from reference_impls.architectures.registry import ARCHITECTURES  # noqa: E402
from reference_impls.bench.forward_pass import time_forward_pass  # noqa: E402
from reference_impls.bench.records import Goal  # noqa: E402
from reference_impls.bench.run import made_with  # noqa: E402
from reference_impls.bench.timing import cores  # noqa: E402
from reference_impls.calls.call import Call  # noqa: E402
from reference_impls.files.outputs import write_rows  # noqa: E402
from reference_impls.maths.masks import keep_best  # noqa: E402
from reference_impls.models.diffusers_package import diffusers_package  # noqa: E402
from reference_impls.number_format import percent  # noqa: E402
from reference_impls.pruning.layers import as_matrix, prunable, set_matrix  # noqa: E402

RESULT = ROOT / "reference_impls" / "results" / "pipelines.json"
NAME = "sd-1.4"
GOALS = {0.5: (1.3, 1.6), 0.7: (1.9, 2.4), 0.9: (4.0, 5.0)}
"""Target and stretch target by sparsity."""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=float, choices=GOALS, help="one sparsity")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    torch.manual_seed(0)
    architecture = ARCHITECTURES[NAME]
    model = getattr(diffusers_package(), architecture.build)(**architecture.config).eval()
    given = {
        "sample": torch.randn(1, 4, 64, 64),
        "encoder_hidden_states": torch.randn(1, 77, 768),
        "timestep": torch.tensor(500),
    }
    call = Call({**given, "return_dict": False})
    command = "python tests/benchmarks/bench_pipelines.py"
    before = json.loads(asked.out.read_text(encoding="utf-8"))["rows"] if asked.out.is_file() else []
    rows = {row["sparsity"]: row for row in before}
    for sparsity in GOALS if asked.only is None else (asked.only,):
        with torch.no_grad():
            for layer in prunable(model).values():
                set_matrix(layer, as_matrix(layer) * keep_best(as_matrix(layer).abs(), sparsity))
        load = [os.getloadavg()[0]]
        with cores(1):
            timed = time_forward_pass(model, call.run)
        load.append(os.getloadavg()[0])
        must, aim = GOALS[sparsity]
        goal = Goal(f"dense over sparse, {NAME}, {percent(sparsity)}", must, aim, round(timed.speed_up(), 3))
        rows[sparsity] = {
            **asdict(goal),
            "verdict": goal.verdict,
            "model": architecture.build,
            "architecture": NAME,
            "inputs": {name: list(value.shape) for name, value in given.items()},
            "sparsity": sparsity,
            "dense_seconds": timed.seconds["dense"],
            "sparse_seconds": timed.seconds["sparse"],
            "runs": timed.runs,
            "largest_difference": timed.largest_difference,
            "layers": dict(timed.layers),
            "load_average": load,
            **made_with(f"{command} --only {sparsity}", 1),
        }
        write_rows({"rows": [rows[key] for key in sorted(rows)]}, asked.out)


if __name__ == "__main__":
    main()
