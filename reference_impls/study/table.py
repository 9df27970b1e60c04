"""Every method on both models: the table that the site shows, written to ``results/testbed.json``.

    python -m reference_impls table            the committed one; two processes of one thread each
    python -m reference_impls table --quick    a first look, on the DiT only
    python -m reference_impls table --only bk-sdm,shortgpt --model unet --why "..."    these rows again

A run that was stopped is continued: finished rows are kept in a file beside the result.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from reference_impls.files.journal import OtherRun, journal
from reference_impls.files.machine import cpu_name
from reference_impls.files.outputs import write_rows
from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.methods.registry import METHODS
from reference_impls.models.testbed_folder import grid
from reference_impls.study.combinations import combinations
from reference_impls.study.measure import Budget, Job, dense_row, measure_job, noise, shipped
from reference_impls.study.records import CombinationRow, NoiseRow, TableRow
from reference_impls.testbed import metrics

RESULTS = Path(__file__).parents[1] / "results" / "testbed.json"
SPARSITIES = (0.3, 0.5, 0.7, 0.9)
PATTERN, PATTERN_SPARSITY = "2:4", 0.5


@dataclass(frozen=True)
class Plan:
    """Content of a table."""

    budgets: Mapping[str, Budget]
    """By model."""
    sparsities: Sequence[float]
    seeds: Sequence[int]
    everything: bool = True
    """Also combinations with other techniques, and images of samples."""


FULL = Plan(
    {
        "dit": Budget(held_out=497, samples=400, training_steps=150, recovery_steps=50),
        "unet": Budget(held_out=150, samples=200, training_steps=60, recovery_steps=30, recovery_batch=32),
    },
    SPARSITIES,
    (0, 1, 2),
)
QUICK = Plan(
    {"dit": Budget(held_out=100, samples=50, training_steps=25, recovery_steps=0)}, (0.5,), (0,), everything=False
)
SEEDS_OF_NOISE = 10
SHOWN, IMAGES = 0.5, 20
"""Sparsity of the model whose samples are shown, and the number of samples."""


@dataclass(frozen=True)
class Again:
    """A part of the committed table that is measured again; the other rows stay."""

    methods: tuple[str, ...]
    models: tuple[str, ...]
    why: str
    """For the record, after «because»."""

    def holds(self, row: Mapping[str, object]) -> bool:
        """Whether a job or a row is one of them."""
        return row["method"] in self.methods and row["model"] in self.models


def jobs(plan: Plan) -> list[Job]:
    """Everything that is pruned, seed after seed, so that an early stop leaves whole tables.

    Depth methods prune the U-Net in both ways: without the shortcut convolutions of removed blocks, and with them.
    """
    planned = []
    for seed in plan.seeds:
        for model in plan.budgets:
            for name, method in METHODS.items():
                if not method.pattern_only:
                    planned += [Job(model, name, sparsity, None, seed) for sparsity in plan.sparsities]
                if method.kind == "depth" and model == "unet":
                    planned += [Job(model, name, sparsity, None, seed, True) for sparsity in plan.sparsities]
                if method.kind == "unstructured":
                    planned.append(Job(model, name, PATTERN_SPARSITY, PATTERN, seed))
    return planned


def settings_of(plan: Plan, workers: int) -> dict[str, Any]:
    """Budgets, versions and machine; rows of other settings are not mixed in one table."""
    return {
        "machine": {"cpu": f"{cpu_name()}, {os.cpu_count()} cores", "processes": workers, "threads of each": 1},
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "budgets": {name: asdict(budget) for name, budget in plan.budgets.items()},
    }


def run(
    plan: Plan,
    out: Path,
    command: str,
    *,
    again: Again | None = None,
    workers: int = 2,
    show: Callable[[int, int, str], None],
) -> dict[str, Any]:
    """Run the whole plan, or a part of it again, and write the result.

    Args:
        plan: what to run.
        out: the JSON file; jobs whose rows are in the .partial file beside it are not run again.
        command: the command line, for the record.
        again: the part that is measured; the other rows, the noise and the other combinations are those of the file.
        workers: processes, of one thread each.
        show: called after each job with the number of done jobs, of all jobs, and the job.

    Returns:
        What was written.

    Raises:
        OtherRun: the rows beside it are of a run with other budgets, versions or machine or of another part, or the
            rows in the file are of a run with other budgets or versions.
    """
    settings = settings_of(plan, workers)
    before = None if again is None else _comparable(out, settings)
    dense = [Job(model, "", 0.0, None, seed) for model in plan.budgets for seed in plan.seeds]
    planned = [*dense, *jobs(plan)] if again is None else [job for job in jobs(plan) if again.holds(asdict(job))]
    part = None if again is None else {"methods": list(again.methods), "models": list(again.models)}
    context = get_context("spawn")
    with (
        journal(out.with_suffix(".partial"), {**settings, "part": part}) as (done, keep),
        ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool,
    ):
        known = {_key(row) for row in done}
        todo = [job for job in planned if _key(asdict(job)) not in known]
        futures = {pool.submit(_work, job, plan.budgets[job.model]): job for job in todo}
        for number, future in enumerate(as_completed(futures), start=1):
            rows = [asdict(row) for row in future.result()]
            keep(rows)
            done += rows
            job = futures[future]
            show(number, len(todo), _words(job))
        samples = out.parent / "samples"
        spread, combined = _everything(plan, samples, pool, again, show) if plan.everything else ([], [])
        record: dict[str, Any] = {"command": command, **settings}
        if again is not None and before is not None:
            record = {name: before[name] for name in record}
            done = [row for row in before["rows"] if not again.holds(row)] + done
            spread = before["noise"]
            record["remeasured"] = [*before.get("remeasured", ()), _remeasured(again, settings, bool(combined))]
            measured = {_case(row): row for row in combined}
            combined = [measured.pop(_case(row), row) for row in before["combinations"]] + [*measured.values()]
        done = [asdict(TableRow(**row)) for row in done]  # rows of older files lack what was added since
        record |= {
            "rows": sorted(done, key=lambda row: [str(row[name]) for name in _ORDER]),
            "noise": spread,
            "combinations": combined,
        }
        write_rows(record, out)
    return record


def _comparable(out: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a result file, whose rows can stand beside new ones; times may be of another machine.

    Raises:
        OtherRun: there is no such file, or its rows are of a run with other budgets or versions.
    """
    if not out.is_file():
        raise OtherRun(f"{out} is not there, so no part of it can be measured again; run the table without --only")
    before: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    now = json.loads(json.dumps(settings))
    if differing := [name for name in ("versions", "budgets") if before.get(name) != now[name]]:
        raise OtherRun(f"{out} holds rows of a run with other {' and '.join(differing)}; run the table without --only")
    return before


def _remeasured(again: Again, settings: Mapping[str, Any], combined: bool) -> dict[str, str]:
    """What the site says of these rows."""
    rows = f"{', '.join(again.methods)} on {' and '.join(again.models)}{', also in combinations' if combined else ''}"
    return {"rows": rows, "why": again.why, "cpu": settings["machine"]["cpu"]}


def _words(job: Job) -> str:
    """What is shown of a job."""
    kept = " with shortcuts" if job.keep_shortcuts else ""
    return f"{job.model} {job.method or 'dense'} {job.pattern or job.sparsity}{kept} seed {job.seed}"


def _case(row: Mapping[str, object]) -> tuple[object, ...]:
    """Of a row of combinations."""
    return tuple(row[name] for name in ("model", "claim", "pruning", "combined_with", "seed"))


_ORDER = ("model", "kind", "method", "pattern", "sparsity", "keep_shortcuts", "recovery_steps", "seed")


def _key(row: Mapping[str, object]) -> tuple[object, ...]:
    """Of a job or a row; what is dense has no method, or an empty one."""
    return (row["method"] or None, *(row[name] for name in ("model", "sparsity", "pattern", "seed", "keep_shortcuts")))


def _work(job: Job, budget: Budget) -> list[TableRow]:
    return measure_job(job, budget) if job.method else [dense_row(job.model, budget, job.seed)]


def _everything(
    plan: Plan,
    folder: Path,
    pool: ProcessPoolExecutor,
    again: Again | None,
    show: Callable[[int, int, str], None],
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Rows of the metrics' own noise and of combinations, in order; samples as image files; or those of a part."""
    folder.mkdir(exist_ok=True)
    models = [model for model in plan.budgets if again is None or model in again.models]
    methods = None if again is None else again.methods
    combined = [
        pool.submit(_listed, combinations, model, plan.budgets[model], seed, methods)
        for model in models
        for seed in plan.seeds
    ]
    spread = [
        pool.submit(_listed, noise, model, plan.budgets[model], SEEDS_OF_NOISE) for model in models if again is None
    ]
    shown = [
        pool.submit(_samples, model, method, plan.budgets[model].training_steps, folder)
        for model in models
        for method in ((None, *METHODS) if methods is None else methods)
    ]
    everything: list[Future[Any]] = [*combined, *spread, *shown]
    for number, future in enumerate(as_completed(everything), start=1):
        future.result()
        show(number, len(everything), "combinations, noise and samples")
    noise_rows, combined_rows = (
        [asdict(row) for future in futures for row in future.result()] for futures in (spread, combined)
    )
    return noise_rows, combined_rows


def _listed(
    measure: Callable[..., Iterator[CombinationRow | NoiseRow]], *asked: object
) -> list[CombinationRow | NoiseRow]:
    """A generator's rows, which can be sent from one process to another."""
    return list(measure(*asked))


def _samples(model: str, method: str | None, steps: int, folder: Path) -> None:
    """Samples of one method, from the same noise for all."""
    pruned, images, _ = shipped(model)
    if method is not None:
        pattern = Pattern.parse(PATTERN) if METHODS[method].pattern_only else None
        calibration = calibration_for(method, pruned, images, steps=steps)
        prune(pruned, calibration, None if pattern else SHOWN, method=method, pattern=pattern)
    samples = metrics.samples(pruned, pruned.side, IMAGES)
    grid(samples).save(folder / f"{model}-{method or 'dense'}.png", optimize=True)


def _one_thread() -> None:
    torch.set_num_threads(1)
