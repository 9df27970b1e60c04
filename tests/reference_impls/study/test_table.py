"""The table: what stands in a row, how noise is measured, and that a stopped run goes on."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.files.journal import OtherRun
from reference_impls.methods.registry import METHODS
from reference_impls.study import combinations, measure, table
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
            mine = {
                (job.sparsity, job.pattern, job.keep_shortcuts)
                for job in jobs
                if (job.model, job.method) == (model, name)
            }
            shares = set() if method.pattern_only else {(share, None, False) for share in (0.3, 0.5, 0.7, 0.9)}
            kept = {(share, None, True) for share, _, _ in shares if method.kind == "depth" and model == "unet"}
            assert mine == shares | kept | ({(0.5, "2:4", False)} if method.kind == "unstructured" else set())


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


MEASURED = table.Plan({"dit": TINY}, (0.5,), (0,), everything=False)
AGAIN = table.Again(("random",), ("dit",), "a test")


def committed(file: Path, **other: Any) -> None:
    """A result file in which no number is one that a run would measure; its rows lack the newest field."""
    row = vars(measure.dense_row("dit", TINY, 0))
    rows = [{**row, "method": method, "sparsity": 0.5, "held_out_loss": 9.0} for method in ("random", "magnitude")]
    for one in rows:
        del one["keep_shortcuts"]
    case = {"model": "dit", "claim": "samplers", "pruning": "dense", "combined_with": "a", "seed": 0}
    record = {"command": "then", **table.settings_of(MEASURED, 1), "rows": rows, "noise": [1], "combinations": [case]}
    file.write_text(json.dumps({**record, "machine": {"cpu": "another"}, **other}), encoding="utf-8")


@pytest.mark.slow
def test_a_part_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are new; the other rows, the noise, the combinations and the record of the first run stay."""
    jobs = [Job("dit", "random", 0.5, None, 0), Job("dit", "magnitude", 0.5, None, 0)]
    monkeypatch.setattr(table, "jobs", lambda plan: jobs)
    out, told = tmp_path / "table.json", []
    committed(out, remeasured=[{"rows": "before"}])
    record = table.run(MEASURED, out, "now", again=AGAIN, workers=1, show=lambda *what: told.append(what))
    assert told == [(1, 1, "dit random 0.5 seed 0")]
    losses = {(row["method"], row["recovery_steps"]): row["held_out_loss"] for row in record["rows"]}
    assert list(losses) == [("magnitude", 0), ("random", 0), ("random", 1)]
    assert losses["magnitude", 0] == 9.0 != losses["random", 0]
    assert all(row["keep_shortcuts"] is False for row in record["rows"])
    assert (record["command"], record["machine"], record["noise"]) == ("then", {"cpu": "another"}, [1])
    assert [case["combined_with"] for case in record["combinations"]] == ["a"]
    here = table.settings_of(MEASURED, 1)["machine"]["cpu"]
    assert record["remeasured"] == [{"rows": "before"}, {"rows": "random on dit", "why": "a test", "cpu": here}]
    assert json.loads(out.read_text(encoding="utf-8")) == record
    assert [file.name for file in tmp_path.iterdir()] == ["table.json"]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"versions": {"torch": "1.0"}}, "holds rows of a run with other versions; run the table without --only"),
        ({"versions": {}, "budgets": {}}, "holds rows of a run with other versions and budgets"),
        (None, "is not there, so no part of it can be measured again; run the table without --only"),
    ],
)
def test_rows_of_another_run_are_no_neighbours(tmp_path: Path, other: dict[str, Any] | None, told: str) -> None:
    out = tmp_path / "table.json"
    if other is not None:
        out.write_text(json.dumps({**table.settings_of(MEASURED, 1), **other}), encoding="utf-8")
    with pytest.raises(OtherRun, match=re.escape(f"{out} {told}")):
        table.run(MEASURED, out, "now", again=AGAIN, workers=1, show=lambda *_: None)


def test_the_partial_file_of_a_part_is_not_that_of_the_table(tmp_path: Path) -> None:
    out = tmp_path / "table.json"
    out.write_text(json.dumps(table.settings_of(MEASURED, 1)), encoding="utf-8")
    whole = {**table.settings_of(MEASURED, 1), "part": None}
    out.with_suffix(".partial").write_text(json.dumps(whole) + "\n", encoding="utf-8")
    with pytest.raises(OtherRun, match="holds rows of a run with other part; move it away"):
        table.run(MEASURED, out, "now", again=AGAIN, workers=1, show=lambda *_: None)


def test_combinations_of_one_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of all methods together are the whole table's; the dense rows belong to none."""
    seen: list[tuple[str, str, str]] = []

    def see(_name: str, _budget: Budget, _seed: int, claim: str, pruning: str, combined_with: str, *_: Any, **__: Any):  # type: ignore[no-untyped-def]
        seen.append((claim, pruning, combined_with))

    monkeypatch.setattr(combinations, "_row", see)
    monkeypatch.setattr(combinations, "prune", lambda *_, **__: None)
    monkeypatch.setattr(combinations, "recover", lambda *_, **__: None)
    monkeypatch.setattr("reference_impls.study.ratio_search.search", lambda *_, **__: {})
    found = {}
    for methods in (None, ("shortgpt",), ("wanda",), ("bk-sdm",), ("magnitude", "obs-diff", "obs-diff-units")):
        list(combinations.combinations("dit", TINY, 0, methods))
        found[methods], seen[:] = list(seen), []
    assert len(found["shortgpt",]) == 4
    assert {pruning.split(",")[0] for _, pruning, _ in found["wanda",]} == {"wanda"}
    assert found["bk-sdm",] == []
    parts = [case for methods, cases in found.items() if methods for case in cases]
    assert set(found[None]) - set(parts) == {case for case in found[None] if case[1] == "dense"}
    assert len(parts) == len(set(parts)) == len(found[None]) - 6
