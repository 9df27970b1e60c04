"""Prune tiny random models of forty configurations by every method: which works, and with which line others refuse.

    python tests/benchmarks/bench_matrix.py                      all of them; ten minutes on one core
    python tests/benchmarks/bench_matrix.py --only wanda,taylor  the rows of these methods again
    python tests/benchmarks/bench_matrix.py --on "Wan 2.1,DiT"   these configurations again

Each model is a folder, and goes through the functions that the command `prune` calls, into another folder; one that
lost structure is opened again. Calibration is two forward passes, recorded while the pipeline of the configuration
runs with embedded prompts; where none takes the model's forward pass, they are given. Targets are random. Anything
else than a new folder or one line is an error of this package; its configuration keeps its rows.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from reference_impls.calls.call import Calibration  # noqa: E402
from reference_impls.files.machine import cpu_name  # noqa: E402
from reference_impls.files.outputs import write_rows  # noqa: E402
from reference_impls.maths.masks import Pattern  # noqa: E402
from reference_impls.methods.matrix import FILE, WORKS, Case, read_cases  # noqa: E402
from reference_impls.methods.prune import prune  # noqa: E402
from reference_impls.methods.registry import METHODS  # noqa: E402
from reference_impls.models import diffusers_folder  # noqa: E402
from reference_impls.models.diffusers_package import diffusers_package  # noqa: E402
from reference_impls.stream.run import prune_folder, streams  # noqa: E402
from tests.reference_impls.forty import FORTY, model_of  # noqa: E402
from tests.reference_impls.forty_pipelines import calls_of  # noqa: E402


def settings_of(method: str) -> tuple[str, ...]:
    """The sparsity and the pattern that a method is tried with."""
    chosen = METHODS[method]
    if chosen.kind != "unstructured":
        return ("0.5",)
    return ("2:4",) if chosen.pattern_only else ("0.5", "2:4")


def cases(configuration: str, methods: list[str], folder: Path) -> Iterator[Case]:
    """One configuration, by each method.

    Args:
        configuration: a name of ``FORTY``.
        methods: names of the registry.
        folder: an empty one, for the models.
    """
    model = model_of(configuration)
    saveable: Any = model
    with diffusers_folder.quiet():
        saveable.save_pretrained(folder / "dense")
    how, calls = calibration(configuration, model)
    for method in methods:
        for setting in settings_of(method):
            outcome = tried(folder / "dense", folder / f"{method}-{setting.replace(':', '-')}", method, setting, calls)
            yield Case(configuration, FORTY[configuration].kind, how, method, setting, outcome)


@torch.no_grad()
def calibration(configuration: str, model: nn.Module) -> tuple[str, Calibration]:
    """How the forward passes of a configuration were made, and they, with random targets for methods with gradients."""
    how, made = calls_of(configuration, model)
    generator = torch.Generator().manual_seed(1)
    calls = []
    for call in made:
        target = torch.randn(call.run(model).shape, generator=generator)
        calls.append(replace(call, target=target, noise_scale=torch.tensor(1.0 + call.step)))
    return how, Calibration(tuple(calls), made.about)


def tried(dense: Path, out: Path, method: str, setting: str, calls: Calibration) -> str:
    """The outcome of one method: ``works``, or its refusal."""
    amount: dict[str, Any] = {"pattern": Pattern.parse(setting)} if ":" in setting else {"sparsity": float(setting)}
    given = None if METHODS[method].needs == "nothing" else calls
    try:
        if streams(method):
            prune_folder(dense, out, given, method=method, **amount)
        else:
            opened = diffusers_folder.load(dense)
            report = prune(opened.model, given, method=method, **amount)
            changes = opened.changes.then(report.kept, report.dropped)
            diffusers_folder.save(out, replace(opened, changes=changes), [{"prune": asdict(report)}])
            diffusers_folder.load(out)
    except ValueError as error:
        return one_line(str(error), dense)
    return WORKS


def one_line(message: str, dense: Path) -> str:
    """A refusal, with the folder by a name that is the same everywhere."""
    lines = message.strip().replace(str(dense), "FOLDER").splitlines()
    if len(lines) != 1:
        raise RuntimeError(f"more than a line: {message}")
    return lines[0]


def write(rows: Iterable[Case]) -> None:
    """Write the result file, in the order of configurations and methods."""
    places = [{name: place for place, name in enumerate(names)} for names in (FORTY, METHODS)]
    ordered = sorted(rows, key=lambda case: (places[0][case.configuration], places[1][case.method]))
    document = {
        "command": "python tests/benchmarks/bench_matrix.py",
        "machine": cpu_name(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers_package().__version__,
        },
        "rows": [asdict(case) for case in ordered],
    }
    write_rows(document, FILE)


def main() -> None:
    """Run the command of the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="methods, with commas between them")
    parser.add_argument("--on", help="configurations, with commas between them")
    asked = parser.parse_args()
    methods = list(METHODS) if asked.only is None else asked.only.split(",")
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows = {(case.configuration, case.method, case.setting): case for case in read_cases()}
    failed = []
    for configuration in FORTY if asked.on is None else asked.on.split(","):
        try:
            with tempfile.TemporaryDirectory() as scratch:
                made = list(cases(configuration, methods, Path(scratch)))
        except Exception:  # noqa: BLE001 - the others are tried all the same
            traceback.print_exc()
            failed.append(configuration)
            continue
        rows |= {(case.configuration, case.method, case.setting): case for case in made}
        sys.stdout.writelines(f"{configuration}: {case.method} {case.setting}: {case.outcome}\n" for case in made)
        write(rows.values())
    if failed:
        sys.exit(f"errors of this package on {', '.join(failed)}")


if __name__ == "__main__":
    main()
