"""The results of the miniature pipeline: means over the seeds, and what is compared with what."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from generator.measured.methods import spreads
from generator.measured.miniature import Miniature, PrunedPipeline, apart, load_miniature
from reference_impls.bench.records import WholeModel
from reference_impls.study.records import PipelineRow

DENSE: dict[str, Any] = {
    "method": None,
    "kind": None,
    "sparsity": 0.0,
    "pattern": None,
    "calibration": None,
    "seed": 0,
    "recovery_steps": 0,
    "mse": None,
    "psnr": None,
    "class_accuracy": 0.9,
    "parameters": 1000,
    "nonzero": 1000,
    "macs": 5000,
    "bytes": 2000,
    "bytes_packed": 2000,
    "prune_seconds": 0.0,
    "recover_seconds": 0.0,
}


def made(mse: float, **fields: Any) -> PipelineRow:
    return PipelineRow(**{**DENSE, "kind": "unstructured", "sparsity": 0.5, "mse": mse, "psnr": 20.0, **fields})


ROWS = [
    PipelineRow(**DENSE),
    made(0.04, method="magnitude"),
    *(made(mse, method="wanda", calibration="recorded", seed=n) for n, mse in enumerate((0.01, 0.02, 0.03))),
    *(made(mse, method="wanda", calibration="noise", seed=n) for n, mse in enumerate((0.03, 0.04, 0.05))),
    made(0.07, method="wanda", calibration="recorded", pattern="2:4"),
    made(0.005, method="wanda", calibration="recorded", recovery_steps=200),
]


@pytest.fixture
def results(tmp_path: Path) -> Miniature:
    file = tmp_path / "results.json"
    kernel = WholeModel("UNet", "2:4", 0.5, 0.3, 0.2, 1e-6, {"csr": 3})
    document = {
        "command": "make",
        "machine": "one",
        "versions": {},
        "guidance": 4.0,
        "sizes": {},
        "refused": {"ecodiff": "no"},
        "rows": [asdict(row) for row in ROWS],
        "kernels": [asdict(kernel)],
        "shown": [{"method": "wanda", "pattern": None}, {"method": "wanda", "pattern": "2:4"}],
    }
    file.write_text(json.dumps(document), encoding="utf-8")
    found = load_miniature(file)
    assert found.kernels == (kernel,)
    assert found.shown == (("wanda", "50%"), ("wanda", "2:4"))
    return found


def test_rows_of_all_seeds_are_one(results: Miniature) -> None:
    assert results.dense["class_accuracy"] == 0.9
    assert "mse" not in results.dense.numbers
    wanda = results.one_shot("wanda")
    assert {how: list(rows) for how, rows in wanda.items()} == {"50%": ["recorded", "noise"], "2:4": ["recorded"]}
    recorded = wanda["50%"]["recorded"]
    assert recorded.seeds == 3
    assert recorded["mse"] == pytest.approx(0.02)
    assert recorded.numbers["mse"].deviation == pytest.approx(0.01)


def test_only_pairs_are_compared(results: Miniature) -> None:
    ((recorded, noise),) = results.compared()
    assert (recorded.calibration, noise.calibration) == ("recorded", "noise")
    assert noise["mse"] == pytest.approx(0.04)


@pytest.mark.parametrize(("noise", "expected"), [(0.034, False), (0.035, True)])
def test_means_are_apart_by_more_than_both_deviations(noise: float, expected: bool) -> None:
    """The deviation of 0.01 and 0.03 is 0.0141, around a mean of 0.02."""
    one, other = (
        PrunedPipeline("wanda", "50%", None, 0, len(values), spreads([made(mse, method="wanda") for mse in values]))
        for values in ((0.01, 0.03), (noise, noise))
    )
    assert apart(one, other, "mse") is expected
    assert not apart(one, replace(other, seeds=1), "mse")


def test_a_recovered_pipeline_is_paired_with_what_it_was(results: Miniature) -> None:
    ((before, after),) = results.recovered()
    assert (before.how, before.calibration, before.recovery_steps) == ("50%", "recorded", 0)
    assert after.recovery_steps == 200
    assert after["mse"] == pytest.approx(0.005)
