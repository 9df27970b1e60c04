"""The study of the miniature pipeline: what is measured of which method, on few samples."""

from collections import Counter
from dataclasses import asdict

import pytest
import torch

from reference_impls.methods.registry import METHODS
from reference_impls.pipelines.scenes import SCENES
from reference_impls.study import pruned_pipeline
from reference_impls.study.pruned_pipeline import NOISE, RECORDED, Job, Sizes, Study, jobs, measured, stored

pytestmark = [  # of diffusers, about its own next release
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
TINY = Sizes(captions=2, steps=2, prompts=1, passes=2, recovery_steps=2, recovery_prompts=1, recovery_passes=2)


@pytest.fixture(scope="module")
def study() -> Study:
    return Study(TINY)


def test_every_method_is_pruned_each_way_that_it_takes() -> None:
    first = list(jobs(0))
    assert {job.method for job in first} == set(METHODS)
    ways = Counter(job.method for job in first)
    assert (ways["magnitude"], ways["wanda"], ways["sparsedm"], ways["taylor"], ways["bk-sdm"]) == (2, 4, 2, 2, 1)
    assert {job.method for job in first} - {job.method for job in jobs(1)} == {"magnitude", "magnitude-units", "bk-sdm"}


def test_recorded_forward_passes_and_those_of_noise_are_as_many(study: Study) -> None:
    recorded, noise = study.calibration(RECORDED, 0), study.calibration(NOISE, 0)
    assert [call.samples for call in recorded] == [call.samples for call in noise] == [2, 2]
    assert study.calibration(RECORDED, 0) is recorded
    assert recorded.about["prompts_sha256"] != study.calibration(RECORDED, 1).about["prompts_sha256"]


def test_a_row_is_of_the_pruned_pipeline_and_the_dense_one_stays(study: Study) -> None:
    before = {name: value.clone() for name, value in study.dense.state_dict().items()}
    (row,) = measured(study, [Job("magnitude")], {})
    assert row.mse is not None
    made = study.samples(stored(study.prune(Job("magnitude"))[0]), study.scenes)
    assert row.mse == pytest.approx(float(((made - study.expected) / 2).square().mean()), abs=1e-5)
    assert row.nonzero < 0.6 * row.parameters
    assert row.bytes_packed < 0.7 * row.bytes
    assert all(torch.equal(value, before[name]) for name, value in study.dense.state_dict().items())
    assert study.pipeline.unet is study.dense
    assert study.scenes == (SCENES[0], SCENES[50])


def test_a_method_is_recovered_and_one_that_refuses_says_why(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("not here")

    refused: dict[str, str] = {}
    todo = [Job("wanda", None, RECORDED), Job("random"), Job("random", None, None, 1)]
    before, after = study.rows(todo[0])
    assert (before.recovery_steps, after.recovery_steps) == (0, TINY.recovery_steps)
    assert {name for name, value in asdict(after).items() if value != asdict(before)[name]} >= {"mse", "recovery_steps"}
    monkeypatch.setattr(pruned_pipeline, "prune", refuse)
    assert list(measured(study, todo[1:], refused)) == []
    assert refused == {"random": "not here"}
