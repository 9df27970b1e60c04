"""The committed matrix of classes and methods: a sample of it again, and what is made of its rows."""

from pathlib import Path

import pytest

from reference_impls.methods.matrix import RECORDED, WORKS, Case, read_cases, runs_of
from reference_impls.methods.registry import METHODS
from tests.benchmarks.bench_matrix import cases, settings_of
from tests.reference_impls.forty import FORTY

pytestmark = [  # of diffusers, about its own next release, and about tensors in its schedulers
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
SAMPLE = ("Stable Diffusion 2", "Wan 2.1", "AutoencoderKL")
SAMPLED = ("magnitude", "wanda", "magnitude-units", "bk-sdm")


@pytest.mark.parametrize("configuration", SAMPLE)
def test_a_sample_is_as_committed(configuration: str, tmp_path: Path) -> None:
    committed = [case for case in read_cases() if case.configuration == configuration and case.method in SAMPLED]
    assert list(cases(configuration, list(SAMPLED), tmp_path)) == committed


def test_every_method_was_tried_on_each_configuration() -> None:
    tried = [(case.configuration, case.method, case.setting) for case in read_cases()]
    names = dict.fromkeys(name for name, _, _ in tried)
    assert list(names) == [name for name in FORTY if name in names]
    assert tried == [(name, method, setting) for name in names for method in METHODS for setting in settings_of(method)]


def test_the_goals() -> None:
    """Magnitude and 2:4 on all configurations; methods with calibration on thirty, with recorded forward passes."""
    assert len(FORTY) == 40
    runs = {method: runs_of(case for case in read_cases() if case.method == method) for method in METHODS}
    odd = [name for _, names in runs["magnitude"].refused for name in names]
    assert odd in ([], ["Dance Diffusion"])  # 18 input channels, and no layer is excluded
    for method in ("wanda", "sparsegpt", "obs-diff"):
        assert runs[method].recorded >= 30


def test_a_method_works_where_every_setting_does() -> None:
    def case(configuration: str, setting: str, outcome: str) -> Case:
        calls = f"{RECORDED}APipeline" if configuration == "one" else "given"
        return Case(configuration, "A", calls, "wanda", setting, outcome)

    rows = [case("one", "0.5", WORKS), case("one", "2:4", WORKS), case("two", "0.5", WORKS), case("two", "2:4", "no")]
    runs = runs_of([*rows, case("three", "0.5", WORKS)])
    assert (runs.works, runs.refused, runs.configurations) == (("one", "three"), (("no", ("two",)),), 3)
    assert (runs.recorded, runs.given) == (1, (("given", ("three",)),))
