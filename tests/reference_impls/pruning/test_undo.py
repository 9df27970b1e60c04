"""All or nothing: whatever stops a method halfway, the model is as it was, to the object."""

import copy
import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from reference_impls.calls.call import Calibration
from reference_impls.maths import obs
from reference_impls.maths.masks import Pattern
from reference_impls.methods import obs_diff, sparsedm, sparsegpt
from reference_impls.methods.prune import prune
from reference_impls.methods.registry import METHODS
from reference_impls.pruning import drop_weights
from reference_impls.pruning.undo import undone_on_failure
from reference_impls.testbed.calibration import from_images, from_trajectory
from reference_impls.testbed.data import load
from reference_impls.testbed.models import Denoiser
from tests.reference_impls.small_models import small

TRAIN, _ = load("digits")
HALFWAY = ("sparsegpt", "obs-diff", "obs-diff-units")
"""They change a layer before they look at the next."""


def calls(method: str, model: Denoiser) -> Calibration:
    if METHODS[method].needs in ("gradients", "training"):
        return from_images(TRAIN, batches=2, size=4, by_time=True)
    return from_trajectory(model, n=2, steps=2)


def half(model: nn.Module, calibration: Calibration, method: str) -> None:
    if METHODS[method].pattern_only:
        prune(model, calibration, method=method, pattern=Pattern(2, 4))
    else:
        prune(model, calibration, 0.5, method=method)


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Inside, a model may be changed, and must be put back: values, objects, sizes, numbers of heads, hooks."""
    before = copy.deepcopy(model.state_dict())
    objects = [id(one) for one in (*model.modules(), *model.parameters())]

    def told() -> list[str]:
        heads = [str(vars(module).get("heads")) for module in model.modules()]
        hooks = [str(len(module._forward_hooks) + len(module._forward_pre_hooks)) for module in model.modules()]
        trained = [str(value.requires_grad) for value in model.parameters()]
        return [repr(model), *heads, *hooks, *trained]

    said = told()
    yield
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert [id(one) for one in (*model.modules(), *model.parameters())] == objects
    assert told() == said


def on_call(number: int, function: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    """The function, but for one call."""
    numbers = itertools.count(1)
    return lambda *args, **options: (instead if next(numbers) == number else function)(*args, **options)


def interrupt(*args: object, **options: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("method", METHODS)
def test_a_weight_of_the_last_layer_that_is_not_finite(method: str) -> None:
    """Refused at once, and not after an hour of calibration."""
    model = small("dit")
    calibration = calls(method, model)
    with torch.no_grad():
        model.get_parameter("blocks.2.feed_forward.down.weight")[3, 5] = float("inf")
    told = r"^blocks\.2\.feed_forward\.down\.weight of shape \(32, 64\) holds NaN or infinite values$"
    with unchanged(model), pytest.raises(ValueError, match=told):
        half(model, calibration, method)


@pytest.mark.parametrize("method", HALFWAY)
def test_inputs_that_are_not_finite_halfway(method: str) -> None:
    model = small("dit")
    calibration = calls(method, model)
    handle = model.blocks[1].register_forward_hook(lambda module, inputs, output: output * float("nan"))
    told = r"^blocks\.2\.attention\.(qkv|out): inputs of shape \(32, 32\) holds NaN or infinite values$"
    with unchanged(model), pytest.raises(ValueError, match=told):
        half(model, calibration, method)
    handle.remove()  # of a hook that the caller had put there: its handle still knows it
    assert not model.blocks[1]._forward_hooks


@pytest.mark.parametrize(
    ("name", "method", "number", "where"),
    [
        ("dit", "sparsegpt", 5, "blocks.0.feed_forward.up"),
        ("dit", "obs-diff", 5, "blocks.0.feed_forward.up"),
        ("dit", "obs-diff-units", 3, "blocks.1.attention"),
        ("unet", "obs-diff-units", 3, "down.2.attention"),
    ],
)
def test_a_hessian_that_cannot_be_factorised(
    name: str, method: str, number: int, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small(name)
    calibration = calls(method, model)
    real = obs.Hessian.mean
    monkeypatch.setattr(obs.Hessian, "mean", on_call(number, real, lambda self: -real(self)))
    told = f"{where}: its Hessian cannot be factorised; calibrate with more samples or others"
    with unchanged(model), pytest.raises(ValueError, match=re.escape(told)):
        half(model, calibration, method)


@pytest.mark.parametrize(
    ("method", "module", "name"),
    [
        ("sparsegpt", sparsegpt, "sweep"),
        ("obs-diff", sparsegpt, "sweep"),
        ("obs-diff-units", obs_diff, "remove"),
        ("magnitude", drop_weights, "set_matrix"),
        ("sparsedm", sparsedm, "keep_pattern_of"),
    ],
)
def test_an_interrupt(method: str, module: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of SparseDM while it hides the weights behind their masks, before its own cleaning up begins."""
    model = small("dit")
    calibration = calls(method, model)
    number = 20 if method == "sparsedm" else 4
    monkeypatch.setattr(module, name, on_call(number, getattr(module, name), interrupt))
    with unchanged(model), pytest.raises(KeyboardInterrupt):
        half(model, calibration, method)


@pytest.mark.parametrize("method", METHODS)
def test_what_every_method_did_can_be_undone(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has done all that it does, and then the pruned model does not run. The U-Net has norm groups and shortcuts."""
    model = small("dit" if METHODS[method].kind == "unstructured" else "unet")
    calibration = calls(method, model)
    real = prune.__globals__["cost"]
    monkeypatch.setitem(prune.__globals__, "cost", on_call(2, real, interrupt))
    with unchanged(model), pytest.raises(KeyboardInterrupt):
        half(model, calibration, method)


@pytest.mark.parametrize("method", HALFWAY)
def test_mutation_nothing_is_undone(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above would not pass without it."""
    monkeypatch.setitem(prune.__globals__, "undone_on_failure", nullcontext)
    with pytest.raises(AssertionError):
        test_inputs_that_are_not_finite_halfway(method)


def test_success_is_kept() -> None:
    layer = nn.Linear(2, 2)
    with undone_on_failure(layer), torch.no_grad():
        layer.weight.fill_(1.0)
    assert layer.weight.eq(1).all()


def change_everything(model: nn.Sequential) -> None:
    parametrize.register_parametrization(model[0], "weight", nn.Identity())
    model.zero_grad(set_to_none=True)
    model(torch.randn(3, 2)).sum().backward()
    model.requires_grad_(False)
    model[0].register_forward_hook(interrupt)
    model[0] = nn.Identity()
    model.append(nn.ReLU())
    raise ValueError("halfway")


def test_everything_that_a_layer_holds() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model(torch.randn(3, 2)).sum().backward()
    gradients = [value.grad for value in model.parameters()]
    with unchanged(model), pytest.raises(ValueError, match="halfway"), undone_on_failure(model):
        change_everything(model)
    assert all(value.grad is gradient for value, gradient in zip(model.parameters(), gradients, strict=True))
