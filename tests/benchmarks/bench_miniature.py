"""Every method on the miniature pipeline, on recorded forward passes and on noise; recovery and sparse kernels, too.

    python tests/benchmarks/bench_miniature.py                            measure all
    python tests/benchmarks/bench_miniature.py --captions 10 --seeds 1    a shorter run
    python tests/benchmarks/bench_miniature.py --kernels                  time the sparse kernels again; the rows stay

writes ``reference_impls/results/miniature-pruned.json``, from which the page *Prune your own model* is made; it is run
again when the pipeline is trained again.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import diffusers  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

from reference_impls.files.machine import cpu_name  # noqa: E402
from reference_impls.files.outputs import write_rows  # noqa: E402
from reference_impls.models.diffusers_folder import quiet  # noqa: E402
from reference_impls.pipelines.measure import GUIDANCE  # noqa: E402
from reference_impls.study.pruned_pipeline import SEEDS, SHOWN, Sizes, Study, jobs, measured  # noqa: E402
from reference_impls.study.records import PIPELINE_RESULTS  # noqa: E402

COMMAND = "make bench-miniature"
SHEET = PIPELINE_RESULTS.parent / "samples" / "miniature.png"


def changed(given: argparse.Namespace) -> dict[str, int]:
    """What is not as it is by default, by the variables of the Makefile."""
    sizes = {"CAPTIONS": (given.captions, Sizes.captions), "SEEDS": (given.seeds, SEEDS)}
    return {name: value for name, (value, default) in sizes.items() if value != default}


def main() -> int:
    """Measure, seed by seed; after each row, which is printed, the file holds all that was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captions", type=int, default=Sizes.captions, help="samples of a row; default: %(default)s")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of everything random; default: %(default)s")
    parser.add_argument("--out", type=Path, default=PIPELINE_RESULTS, help="result file, with an image beside it")
    parser.add_argument("--kernels", action="store_true", help="time the sparse kernels only, and keep all else")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.kernels:
        document = json.loads(given.out.read_text(encoding="utf-8"))
        with quiet():
            document["kernels"] = [asdict(one) for one in Study(Sizes()).timed()]
        write_rows(document, given.out)
        return 0
    command = " ".join([COMMAND, *(f"{name}={value}" for name, value in changed(given).items())])
    started = time.monotonic()
    with quiet():
        study = Study(Sizes(captions=given.captions))
    timed = list(study.timed())
    rows, refused = [study.dense_row()], dict[str, str]()
    every = (row for seed in range(given.seeds) for row in measured(study, jobs(seed), refused))
    for row in every:
        rows.append(row)
        seconds = time.monotonic() - started
        sys.stdout.write(f"{seconds:6.0f} s  {row}\n")
        sys.stdout.flush()
        document = {
            "command": command,
            "machine": f"{cpu_name()}, one thread",
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "diffusers": diffusers.__version__,
                "transformers": transformers.__version__,
            },
            "guidance": GUIDANCE,
            "sizes": asdict(study.sizes),
            "seconds": round(seconds),
            "refused": refused,
            "shown": [asdict(job) for job in SHOWN],
            "kernels": [asdict(one) for one in timed],
            "rows": [asdict(one) for one in rows],
        }
        write_rows(document, given.out)
    study.sheet().save(SHEET if given.out == PIPELINE_RESULTS else given.out.with_suffix(".png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
