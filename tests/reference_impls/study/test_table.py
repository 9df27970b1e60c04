"""The table: what stands in a row, how noise is measured, and that a stopped run goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.methods.registry import METHODS
from reference_impls.study import measure, table
from reference_impls.study.measure import Budget, Job
from reference_impls.study.recover import recover
from reference_impls.testbed.data import Images
from reference_impls.testbed.models import pretrained

TINY = Budget(held_out=10, samples=10, training_steps=1, recovery_steps=1, recovery_batch=4)


def test_a_full_plan_holds_every_method_at_every_share() -> None:
    jobs = table.jobs(table.FULL)
    assert len(jobs) == len(set(jobs))
    assert {job.seed for job in jobs} == {0, 1, 2}
    for model in ("dit", "unet"):
        for name, method in METHODS.items():
            mine = {(job.sparsity, job.pattern) for job in jobs if (job.model, job.method) == (model, name)}
            shares = set() if method.pattern_only else {(share, None) for share in (0.3, 0.5, 0.7, 0.9)}
            assert mine == shares | ({(0.5, "2:4")} if method.kind == "unstructured" else set())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["bk-sdm", "laptop-diff", "magnitude"])
def test_a_model_recovers_as_its_paper_says(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def see(model: nn.Module, images: Images, **options: Any) -> float:
        seen.update(options)
        return recover(model, images, **options)

    monkeypatch.setattr(measure, "recover", see)
    one_shot, recovered = measure.measure_job(Job("dit", method, 0.5, None, 0), TINY)
    assert seen["features"] == {"bk-sdm": "plain", "laptop-diff": "normalised", "magnitude": "none"}[method]
    dense = measure.shipped("dit")[0].state_dict()
    assert all(torch.equal(value, dense[name]) for name, value in seen["teacher"].state_dict().items())
    assert (one_shot.recovery_steps, recovered.recovery_steps) == (0, 1)
    assert one_shot.held_out_loss != recovered.held_out_loss
    assert one_shot.nonzero == recovered.nonzero < measure.dense_row("dit", TINY, 0).nonzero


def test_nobody_can_spoil_the_shipped_model() -> None:
    first, _, _ = measure.shipped("dit")
    with torch.no_grad():
        for value in first.parameters():
            value.zero_()
    assert all(bool(value.any()) for value in pretrained("dit").parameters())
    again = measure.shipped("dit")[0].state_dict()
    assert all(torch.equal(value, again[name]) for name, value in pretrained("dit").state_dict().items())


@pytest.mark.slow
def test_sizes_are_those_of_files() -> None:
    dense = measure.dense_row("dit", TINY, 0)
    zeros = measure.measure_job(Job("dit", "magnitude", 0.7, None, 0), TINY)[0]
    units = measure.measure_job(Job("dit", "magnitude-units", 0.7, None, 0), TINY)[0]
    assert dense.bytes == dense.bytes_packed == pytest.approx(2 * dense.parameters, rel=0.01)
    assert zeros.bytes == dense.bytes
    assert zeros.bytes_packed < 0.5 * dense.bytes
    assert units.bytes == units.bytes_packed == pytest.approx(2 * units.parameters, rel=0.02)


@pytest.mark.slow
def test_noise_changes_what_is_measured_and_not_the_model() -> None:
    found = list(measure.noise("dit", TINY, 3))
    assert [(one.method, one.seed) for one in found] == [(m, s) for m in (None, "magnitude") for s in range(3)]
    for same in (found[:3], found[3:]):
        assert len({one.held_out_loss for one in same}) == 3
    assert all(one.drift is None for one in found[:3])
    assert all(pruned.held_out_loss > dense.held_out_loss for dense, pruned in zip(found[:3], found[3:], strict=True))


@pytest.mark.slow
def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random, magnitude = (Job("dit", name, 0.5, None, 0) for name in ("random", "magnitude"))
    monkeypatch.setattr(table, "jobs", lambda plan: [random, magnitude])
    plan = table.Plan({"dit": TINY}, (0.5,), (0,), everything=False)
    out, told = tmp_path / "table.json", []
    done = [vars(row) for row in measure.measure_job(magnitude, TINY)]
    done[0]["held_out_loss"] = 123.0  # as no run would measure it
    run = table.settings_of(plan, 1)
    lines = [json.dumps(run), json.dumps(done), '[{"model": "dit", "meth']  # the last one was cut off
    out.with_suffix(".partial").write_text("\n".join(lines), encoding="utf-8")
    record = table.run(plan, out, "a test", workers=1, show=lambda done, of, what: told.append((done, of, what)))
    assert [(number, of) for number, of, _ in told] == [(1, 2), (2, 2)]
    assert {what for _, _, what in told} == {"dit dense 0.0 seed 0", "dit random 0.5 seed 0"}
    assert json.loads(out.read_text(encoding="utf-8")) == record
    assert [row["method"] for row in record["rows"]] == [None, "magnitude", "magnitude", "random", "random"]
    assert 123.0 in [row["held_out_loss"] for row in record["rows"]]
    assert [file.name for file in tmp_path.iterdir()] == ["table.json"]
