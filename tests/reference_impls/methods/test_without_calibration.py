"""Data-free methods on models that are not run, and the refusal of all others."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.command_line import terminal
from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import cost, prune
from reference_impls.methods.registry import METHODS, NEEDS_NAMES
from reference_impls.pruning.layers import prunable
from tests.reference_impls.small_models import small

DATA_FREE = [name for name, method in METHODS.items() if method.needs == "nothing"]


class NeverRun(nn.Module):
    """A class that no table knows, with layers of both kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.convolution = nn.Linear(16, 16), nn.Conv2d(16, 16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise AssertionError("it was run")


def test_there_are_data_free_methods_of_every_kind() -> None:
    assert {METHODS[name].kind for name in DATA_FREE} == {"unstructured", "structured", "depth"}


@pytest.mark.parametrize("method", [name for name in DATA_FREE if METHODS[name].kind == "unstructured"])
@pytest.mark.parametrize("asked", [{"sparsity": 0.5}, {"pattern": Pattern(2, 4)}])
def test_any_class_is_pruned_without_a_forward_pass(method: str, asked: dict[str, Any]) -> None:
    model = NeverRun()
    report = prune(model, method=method, **asked)
    for layer in prunable(model).values():
        assert 2 * int((layer.weight == 0).sum()) == layer.weight.numel()
    assert report.before.macs is report.after.macs is report.after.macs_nonzero is None
    assert report.after.not_counted == ("no calibration input",)
    assert report.before.nonzero - report.after.nonzero == (256 + 2304) // 2


@pytest.mark.parametrize("method", DATA_FREE)
def test_the_pruned_model_is_the_same_as_with_a_calibration(method: str, calibration: Any) -> None:
    dense = small("unet")
    with_data, without = copy.deepcopy(dense), copy.deepcopy(dense)
    prune(with_data, calibration, 0.5, method=method)
    prune(without, None, 0.5, method=method)
    for one, other in zip(with_data.parameters(), without.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("method", [name for name in METHODS if name not in DATA_FREE])
def test_a_method_that_needs_data_refuses_none(method: str) -> None:
    model = small("dit")
    asked: dict[str, Any] = {"pattern": Pattern(2, 4)} if METHODS[method].pattern_only else {"sparsity": 0.5}
    needs = NEEDS_NAMES[METHODS[method].needs]
    with pytest.raises(ValueError, match=f"^{method} needs {needs}, and calibration is None; give a Calibration$"):
        prune(model, method=method, **asked)
    assert all(bool(value.all()) for value in model.parameters() if value.dim() > 1)


def test_uncounted_macs_are_not_a_number() -> None:
    with pytest.raises(ValueError, match=r"^MACs not counted: no calibration input$"):
        cost(NeverRun(), None).counted()


@pytest.mark.parametrize(("method", "first"), [("magnitude", "Unstructured zeros"), ("bk-sdm", "Fewer MACs")])
def test_the_command_line_says_so(method: str, first: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = prune(small("dit"), method=method, sparsity=0.5)
    terminal.console.print(terminal.costs(report, 1, 1))
    terminal.say_costs(report)
    said = " ".join(capsys.readouterr().out.split())
    assert "MACs per forward pass" not in said
    assert f" {first}" in said
    assert said.endswith("MACs not counted: no calibration input.")
